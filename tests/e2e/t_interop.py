# SPDX-License-Identifier: AGPL-3.0-or-later
"""gba-interop against our own daemons: every case passes; a fault is found; what is wrong with a target file is told; what a report says."""
import asyncio
import contextlib
import importlib.util
import io
import os
import re
import shutil
import sys
import tomllib
import types
import xml.etree.ElementTree as ElementTree

from lib import otp, procs
from lib.lab import CONF, TOOL, Lab
from lib.pki import pki
from lib.runner import test
from lib.tls import certify
from lib.world import BSF_ID, HSS_ID


def seen(out):
    """All but what passed."""
    return "\n".join(x for x in out.split("\n") if not x.startswith("ok "))[-6000:]


@test("gba-interop: every case of zn, zh and ub passes at our daemons", timeout=120)
async def green(t):
    w = await Lab(t).start()
    for role, least in (("zn", 60), ("zh", 50), ("ub", 80)):
        rc, out = await w.interop(role)
        passed = len(re.findall(r"^ok .* # [0-9.]+s$", out, re.M))
        assert rc == 0 and passed >= least, seen(out)
        t.note(re.search(r"^# (.*passed.*)$", out, re.M)[1])


SOME = ("a bit of the key", "3xxx without E", "5402 as Result-Code", "an answer twice", "the private identity for everybody", "the same vector again",
        "no settings", "a digit of rspauth", "the same challenge again", "a bit of the MAC in the nonce")


@test("gba-interop: a handful of the faults that make interop-faults tries are found, each by a case that passes without it", timeout=120)
async def faults(t):
    sys.path.insert(0, os.path.join(procs.SRC, "tests", "interop"))
    t.cleanup(sys.path.remove, os.path.join(procs.SRC, "tests", "interop"))
    spec = importlib.util.spec_from_file_location("faults", os.path.join(procs.SRC, "tests", "interop", "faults.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    rows = [f for f in module.mutator.FAULTS if f[0] in SOME]
    assert len(rows) == len(SOME)
    w = await module.Proxied(t).start()
    missed = [name for name, cases in await module.by_proxy(w, rows) if not cases]
    assert not missed, missed


def show_certificates(w, name, peers):
    """The target file with TLS, and a certificate for each of these peers."""
    def change(text):
        text = text.replace("[diameter]", '[diameter]\nsecurity = "tls"')
        for identity in peers:
            pair = pki().make(identity, identity)
            text = text.replace(f'identity = "{identity}"', f'identity = "{identity}"\ntls-ca = "{pki().ca()}"\n'
                                f'tls-certificate = "{pair.certificate}"\ntls-key = "{pair.key}"')
        return text
    w.rewrite(name, change)


@test("gba-interop over TLS, at the BSF and at the HSS: the same cases pass, and those of certificates", timeout=120)
async def over_tls(t):
    bsf, hss = Lab(t, name="bsf"), Lab(t, name="hss")
    for w, cfg, identity, port in ((bsf, bsf.bsf_cfg, BSF_ID, "dia"), (hss, hss.hss_cfg, HSS_ID, "hss")):
        certify(cfg, pki().make(identity, identity))
        cfg.set("diameter", f"listen tls 127.0.0.1 {w.ports[port]}")
    for n in (1, 2):
        hss.hss_cfg.add(f"bsf bsf{n}.mnc001.mcc001.3gppnetwork.org", "security tls")
    await bsf.start()
    await hss.start(bsf=False)
    show_certificates(bsf, "bsf.toml", [f"{n}.example.com" for n in ("naf1", "naf2", "probe")])
    show_certificates(hss, "hss.toml", [f"bsf{n}.mnc001.mcc001.3gppnetwork.org" for n in (1, 2)])
    for w, role in ((bsf, "zn"), (hss, "zh")):
        letters = role.upper()
        rc, out = await w.interop(role, "--only", letters + "-[03]")
        assert rc == 0 and len(re.findall(r"^ok .* # [0-9.]+s$", out, re.M)) > 40, seen(out)
        for number in ("045", "046", "047"):
            assert re.search(rf"^ok \d+ - {letters}-{number} .* # [0-9.]+s$", out, re.M), seen(out)
    bsf.rewrite("bsf.toml", lambda s: s.replace('identity = "bsf.', 'identity = "bsf9.', 1))
    rc, out = await bsf.interop("zn", "--only", "ZN-045")
    assert rc == 1 and "the certificate names" in out, out


@test("gba-interop: a challenge that is not answered in its time opens nothing any more; the only case that waits")
async def late(t):
    w = Lab(t)
    w.bsf_cfg.set("ub", "nonce-lifetime 1")
    w.rewrite("bsf.toml", lambda s: s.replace("[ub]", "[ub]\nnonce-lifetime = 1"))
    await w.start()
    rc, out = await w.interop("ub", "--only", "UB-099")
    assert rc == 0 and re.search(r"^ok 1 - UB-099 .* # [0-9.]+s$", out, re.M), out


@test("gba-interop: the cases that wait for a watchdog, half a minute", timeout=120, long=True)
async def watchdog(t):
    if not os.environ.get("GBA_FULL"):
        t.skip("half a minute: make interop-faults")
    w = Lab(t)
    w.bsf_cfg.set("diameter", "tw 6")
    w.rewrite("bsf.toml", lambda s: s.replace("[diameter]", "[diameter]\nwatchdog = 6"))
    await w.start()
    rc, out = await w.interop("zn", "--only", "ZN-01[34]")
    assert rc == 0 and len(re.findall(r"^ok .* # [0-9.]+s$", out, re.M)) == 2, seen(out)


@test("gba-interop: what a case needs and the target has not is said and skipped; what is known to fail fails no run; a case that nobody "
      "expected to fail has its messages in each report, without keys and identities")
async def reports(t):
    w = await Lab(t).start()
    w.rewrite("bsf.toml", lambda s: s.replace('"tmpi", ', "").replace('identity = "bsf.', 'identity = "bsf9.', 1)
              + '\n[[expected]]\ncase = "ZN-301"\nreason = "a name of its own"\n[[expected]]\ncase = "ZN-350"\nreason = "nothing"\n')
    junit, page = os.path.join(t.dir, "j.xml"), os.path.join(t.dir, "r.html")
    rc, out = await w.interop("zn", "--only", "ZN-(301|302|318|350)", "--junit", junit, "--html", page)
    assert rc == 1, out
    assert re.search(r"^not ok 1 - ZN-301 .* # TODO a name of its own$", out, re.M), out
    assert re.search(r"^not ok 2 - ZN-302 ", out, re.M) and "Origin-Host bsf.mnc001.mcc001.3gppnetwork.org is not bsf9." in out, out
    assert re.search(r'^ok 3 - ZN-318 .* # SKIP the target does not say capability "tmpi"', out, re.M), out
    assert re.search(r"BIR", out) and re.search(r"naf1.example.com <-- BSF  BIA", out), "no ladder"
    cases = {c.get("name")[:6]: c for c in ElementTree.parse(junit).getroot().iter("testcase")}
    assert len(cases) == 4 and cases["ZN-302"].find("failure") is not None and cases["ZN-301"].find("skipped") is not None
    with open(page, encoding="utf-8") as f:
        text = f.read()
    assert 'id="ZN-302"' in text and 'id="ZN-301"' not in text and "ME-Key-Material (405/10415) 32 octets, fingerprint" in text, text[-3000:]
    for word in ("001010000000101", "<script", "http://", "src="):
        assert word not in out.split("ladder")[0] + text.replace("xmlns", ""), word


@test("gba-interop: an empty run is a failure, and so is a target that is not there")
async def nothing(t):
    w = Lab(t)
    rc, out = await w.interop("zn", "--only", "no such case")
    assert rc == 1 and "no case ran" in out, out
    rc, out = await w.interop("zh", "--only", "ZH-301")
    assert rc == 1 and "not ok 1 - ZH-301" in out, out


THEIRS = {"ZH-044": "it drops what it cannot read", "ZH-201": "it takes every identity", "ZH-211": "it takes any name",
          "ZH-302": "it has one vector", "ZH-330": "it looks at no scheme"}


@test("gba-interop at an HSS that is not ours, of erlang-diameter: what it does right passes, what it does not is known and fails no run",
      timeout=120)
async def erlang(t):
    w = Lab(t)
    with open(w.target("zh"), "rb") as f:
        sub = tomllib.load(f)["subscriber"][0]
    await otp.hss(t, w.ports["hss"], sub["impi"], bytes.fromhex(sub["k"]), bytes.fromhex(sub["opc"]))
    w.rewrite("hss.toml", lambda s: re.sub(r"^capabilities = .*", 'capabilities = ["dpa"]', re.sub(
        r"^timeout = .*", f"timeout = {2 * t.factor}", s, flags=re.M), flags=re.M)
              + "".join(f'[[expected]]\ncase = "{n}"\nreason = "{why}"\n' for n, why in THEIRS.items()))
    rc, out = await w.interop("zh", "--only", "ZH-(0[0-4]|2|30[1256]|32[0-7]|330|360)")
    assert rc == 0 and len(re.findall(r"^ok .* # [0-9.]+s$", out, re.M)) >= 40 and out.count(" # TODO ") == len(THEIRS), seen(out)
    assert "ok # TODO" not in out and re.search(r"^ok \d+ - ZH-360 .* # SKIP", out, re.M), seen(out)


@test("gba-interop: what the target says steers no terminal, and shows no key and nobody's identity")
async def visible(t):
    sys.path.insert(0, procs.SRC)
    t.cleanup(sys.path.remove, procs.SRC)
    from interop.run import ladder, main
    from interop.wire import dia, record
    key, impi = os.urandom(32), "001010000000101@ims.example"
    bia = dia.Msg(dia.CMD_BI, dia.APP_ZN, [dia.Avp(dia.ORIGIN_HOST, "\x1b[2Jb"), dia.Avp(dia.USER_NAME, impi), dia.Avp(dia.ME_KEY, key),
                                           dia.Avp(dia.GUSS, f"<ussList><uss><uids><uid>{impi}</uid><uid>sip:a@b</uid></uids></uss></ussList>")])
    http = b"HTTP 200\r\nServer: \x1b]0;x\x07\xc2\x9b\r\n\r\n"
    sub = types.SimpleNamespace(impi=impi, imsi="001010000000101", name="alice")
    steps = ladder.Ladder([record.Entry("diameter", "us", False, bia.encode()), record.Entry("http", "us", False, http)], [sub], "BSF")
    text = "".join(title + details for *_, title, details in steps.steps) + steps.without(main.told("Traceback\nAssertionError: \x1b[2J"))
    assert "\\x1b]0;x" in text and "\\x1b[2J" in text and "(alice)" in text and "32 octets, fingerprint" in text, text
    assert all(c == "\n" or c.isprintable() for c in text), text
    assert "00101" not in text and "sip:a" not in text and key.hex()[:12] not in text, text


@test("gba-interop: a number is given once; one that is forgotten, changed or missing is told")
async def given_once(t):
    shutil.copytree(os.path.join(procs.SRC, "interop"), os.path.join(t.dir, "interop"))
    path, tool = os.path.join(t.dir, "interop", "cases", "numbers.csv"), os.path.join(t.dir, "interop", "gba-interop")
    with open(path, encoding="utf-8") as f:
        good = f.read()
    line = next(x for x in good.split("\n") if x.startswith("ZN-301,"))
    device = next(x for x in good.split("\n") if ",a22-" in x or ',"a22-' in x)
    for change, said in ((good, ""), (good.replace(line + "\n", ""), "ZN-301 .*: not in cases/numbers.csv"),
                         (good.replace(line, "ZN-301,something else"), 'ZN-301 was given to "something else"'),
                         (good.replace(line, "ZN-299,a case that was\n" + line), "ZN-299 a case that was: there is no such case"),
                         (good.replace(line, "ZN-299,withdrawn: a case that was\n" + line), ""),
                         (good.replace(device + "\n", ""), "UB: a22-.*: has no number"),
                         (good.replace(line, "ZN-302,x\n" + line), "ZN-302 is there twice")):
        with open(path, "w", encoding="utf-8") as f:
            f.write(change)
        rc, out, err = await procs.run([sys.executable, tool, "--numbers"])
        assert (rc == 0) == (not said) and re.search(said, out + err), (said, rc, out, err)


WRONG = [  # what is changed in bsf.toml, what is said
    (("port = 3868", "port = 38680000"), r"bsf\.toml:13: diameter: port: 38680000 is not allowed; it must be a number, 1 to 65535"),
    (("port = 3868", "prot = 3868"), r"bsf\.toml:13: diameter: prot: no such field; there are host, port, identity"),
    (("port = 3868\n", ""), r"bsf\.toml:11: diameter: port is missing"),
    (('role = "probe"', 'role = "prober"'), r"bsf\.toml:\d+: naf 3: role: 'prober' is not allowed; it must be one of main, other, probe"),
    (('role = "probe"', 'role = "main"'), r"naf 3: role: each role once"),
    (('"habits"]', '"habit"]'), r"bsf\.toml:7: target: capabilities: .* it must be one of tmpi, gba-u"),
    (("[diameter]", "[daimeter]"), r"daimeter: no such table; there are target, diameter"),
    (("[ub]", "[[ub]]"), r"ub: is written \[ub\]"),
    (('k = "', 'k = "0'), r"bsf\.toml:\d+: subscriber 1: k: .* it must be 32 hex digits"),
    (('guss = "guss-uss.xml"', 'guss = "nowhere.xml"'), r"subscriber 1: guss: 'nowhere.xml' is not allowed; it must be the name of a file"),
    (('opc = "', '#opc = "'), r"subscriber 1: either opc or op is needed"),
    (('name = "bob"', 'name = "alice"'), r"bsf\.toml:57: subscriber 2: name: 'alice' is that of subscriber 1; each must have its own"),
    (('impi = "001010000000102@', 'impi = "001010000000101@'), r"bsf\.toml:58: subscriber 2: impi: .* is that of subscriber 1"),
    (('identity = "naf2.example.com"', 'identity = "naf1.example.com"'), r"naf 2: identity: 'naf1.example.com' is that of naf 1"),
    (("timeout = 10", "timeout = 0"), r"bsf\.toml:8: target: timeout: 0 is not allowed; it must be seconds, 0.1 to 600"),
    (("[ub]", "[ub"), r"bsf\.toml:\d+: "),
    (("[target]", '[[expected]]\ncase = "ZN-999"\nreason = "x"\n[target]'), r"there is no case ZN-999"),
]


@test("gba-interop: what is wrong with a target file is told with its line, its field and what is allowed, and nothing is sent")
async def wrong(t):
    with open(os.path.join(CONF, "bsf.toml"), encoding="utf-8") as f:
        good = f.read()
    for name in os.listdir(CONF):
        os.symlink(os.path.join(CONF, name), os.path.join(t.dir, name))
    path = os.path.join(t.dir, "bsf.toml")
    os.unlink(path)
    sys.path.insert(0, procs.SRC)
    t.cleanup(sys.path.remove, procs.SRC)
    from interop.run import main
    for (old, new), said in WRONG:
        with open(path, "w", encoding="utf-8") as f:
            f.write(good.replace(old, new, 1))
        assert old in good, old
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            rc = main.main(["zn", "--target", path, "--check"])
        assert rc == 2 and re.search(said, err.getvalue()) and not out.getvalue(), (new, rc, out.getvalue(), err.getvalue())
    rc, _, err = await procs.run([sys.executable, TOOL, "zh", "--target", os.path.join(CONF, "bsf.toml"), "--check"])
    assert rc == 2 and "Traceback" not in err and "bsf: is missing; zh needs target, diameter, bsf, subscriber" in err, err
    shut, pipe = os.pipe()                                        # as of | head, which has seen enough
    os.close(shut)
    done = await asyncio.create_subprocess_exec(sys.executable, TOOL, "--list", stdout=pipe, stderr=asyncio.subprocess.PIPE)
    os.close(pipe)
    _, err = await done.communicate()
    assert done.returncode == 130 and not err, (done.returncode, err)
