# SPDX-License-Identifier: AGPL-3.0-or-later
"""Bad configuration: one line that says file, line, what is wrong and what is allowed; exit code not 0; nothing changed."""
import os
import re
import signal
import socket

from lib import folder, leaks, naf, procs
from lib.runner import test
from lib.world import BSF_NAME, World


def snapshot(w):
    out = {}
    for path in leaks.files_under(w.dir):
        if not path.endswith((".log", ".notify")):
            with open(path, "rb") as f:
                out[path] = f.read()
    return out


async def refused(w, which, words, check_too=True, line=None):
    """The daemon does not start, and says why in one line with all of words; with --check as well."""
    w.write_configs()
    if line is not None:
        path = f"{w.etc}/gba-{'bsf' if which == 'bsf' else 'hss-sim'}.cfg"
        with open(path, encoding="utf-8") as f:
            n = next(i for i, x in enumerate(f.read().split("\n"), 1) if x.strip().startswith(line))
        words = list(words) + [f"{path}:{n}"]
    before = snapshot(w)
    d = w.bsf_daemon() if which == "bsf" else w.hss_daemon()
    for argv in (d.argv + ["--check"], d.argv) if check_too else (d.argv,):
        rc, out, err = await procs.run(argv, 15)
        lines = [x for x in err.split("\n") if all(str(word).lower() in x.lower() for word in words)]
        assert rc != 0, f"{argv} ended with 0: {err}"
        assert lines, f"no line with {words} in: {out}{err}"
        assert snapshot(w) == before, "something changed"
    return lines[0]


def fresh(t, n):
    return World(t, name=f"w{n}")


@test("unknown word, value out of range, incomplete line: file, line and the words allowed", smoke=True)
async def words(t):
    t.need_program("gba-bsfd")
    w = fresh(t, 1)
    w.bsf_cfg.add("bsf", "key-lifetim 3600")
    await refused(w, "bsf", ["key-lifetim"], line="key-lifetim ")
    w = fresh(t, 2)
    w.bsf_cfg.set("ub", "listen 127.0.0.1 70000")
    await refused(w, "bsf", ["70000"], line="listen 127.0.0.1 70000")
    w = fresh(t, 3)
    w.bsf_cfg.set("diameter", "identity")
    await refused(w, "bsf", ["identity"], line="identity")
    w = fresh(t, 4)
    w.bsf_cfg.nodes.append(["nonsense here", []])
    await refused(w, "bsf", ["nonsense"], line="nonsense")
    w = fresh(t, 5)
    w.hss_cfg.set("diameter", "listne 127.0.0.1 3869")
    await refused(w, "hss", ["listne", "listen"], line="listne")


@test("naf without address, key file missing, readable by all, of wrong length", smoke=True)
async def keys(t):
    t.need_program("gba-bsfd")
    w = fresh(t, 1)
    w.bsf_cfg.add("naf lonely.example.com", "speaks-for lonely.example.com")
    await refused(w, "bsf", ["lonely.example.com", "address"])
    w = fresh(t, 2)
    w.bsf_cfg.set("store", f"kek 1 file {w.etc}/missing.kek")
    await refused(w, "bsf", ["missing.kek", "allowed"])
    w = fresh(t, 3)
    os.chmod(f"{w.etc}/bsf-1.kek", 0o644)
    await refused(w, "bsf", ["bsf-1.kek"])
    w = fresh(t, 4)
    w.write_secret("bsf-1.kek", "abcd\n")
    await refused(w, "bsf", ["bsf-1.kek"])
    w = fresh(t, 5)
    os.chmod(f"{w.etc}/hss-1.kek", 0o640)
    await refused(w, "hss", ["hss-1.kek"])


def listener(address, port):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((address, port))
    s.listen()
    return s


async def only_a_remark(d, words):
    """--check: whole as it is, and what somebody else holds is a remark."""
    rc, out, err = await procs.run(d.argv + ["--check"], 15)
    assert rc == 0 and f"{d.argv[2]}: configuration ok" in out, (rc, out, err)
    assert any("remark: " in x and all(str(word) in x for word in words) for x in err.split("\n")), (words, err)


@test("ports in use: Ub, Diameter: file, line, address and what is allowed; for --check a remark", smoke=True)
async def ports(t):
    cases = (("bsf", "ub", "listen 127.0.0.1 {}"), ("bsf", "dia", "listen 127.0.0.1 {}"), ("hss", "hss", "listen 127.0.0.1 {}"))
    for n, (which, port, line) in enumerate(cases):
        for address in ("127.0.0.1", "0.0.0.0"):       # somebody on the wildcard address has this one, too
            w = fresh(t, f"{n}-{address}")
            words = [f"cannot listen on 127.0.0.1 {w.ports[port]}: port in use", "; allowed: "]
            with listener(address, w.ports[port]):
                await refused(w, which, words, line=line.format(w.ports[port]), check_too=False)
                await only_a_remark(w.bsf_daemon() if which == "bsf" else w.hss_daemon(), words)


@test("--check works while the daemon runs: ports, store and socket are remarks, the rest is looked at first", smoke=True)
async def check_beside(t):
    w = await World(t).start()
    for which, d, held in (("bsf", w.bsf_daemon(), [w.ports["ub"], w.ports["dia"], w.ports["bsf_vty"], f"{w.dir}/bsf"]),
                           ("hss", w.hss_daemon(), [w.ports["hss"], w.ports["hss_vty"], "subscribers.sqlite"])):
        for thing in held:
            await only_a_remark(d, [thing, "in use by another"])
        cfg = w.bsf_cfg if which == "bsf" else w.hss_cfg
        cfg.add("diameter", f"listen 127.0.0.2 {w.ports['ub'] + 1}")
        w.write_configs()
        rc, out, err = await procs.run(d.argv + ["--check"], 15)
        assert rc == 1 and "port" in err.split("\n")[-2] and "configuration ok" not in out, (rc, out, err)


@test("the socket of the VTY: no socket there, no folder, a path that is too long; what a killed daemon left is no fault", smoke=True)
async def vty_socket(t):
    for n, (path, words, check_too) in enumerate((
            ("{dir}/etc/bsf-1.kek", ["that is no socket"], True), ("{dir}/none/vty", ["No such file"], False),
            ("{dir}/" + "x" * 108, ["is too long", "allowed", "107"], True))):
        w = fresh(t, n)
        w.bsf_cfg.set("line vty", "socket " + path.format(dir=w.dir))
        await refused(w, "bsf", words, check_too=check_too, line="socket")
    await only_a_remark(fresh_with(t, "folder", "socket none/vty").bsf_daemon(), ["No such file"])
    w = await World(t, name="killed", raw_hss=True).start()
    await w.bsf.kill()
    assert os.path.exists(w.ports["bsf_vty"])
    await w.bsf.start()
    await w.vty("show counters")


def fresh_with(t, name, line):
    w = fresh(t, name)
    w.bsf_cfg.set("line vty", line)
    w.write_configs()
    return w


@test("as root beside the files of another user: start and import are refused with the line to type, and nothing is made", smoke=True)
async def wrong_user(t):
    if os.geteuid() != 0:
        t.skip("not root")
    w = fresh(t, 1)
    for sub in ("bsf", "hss"):
        os.chown(f"{w.dir}/{sub}", 65534, 65534)
    for which, sub in (("bsf", "lmdb"), ("hss", "database")):
        await refused(w, which, ["belongs to nobody", "runuser -u nobody -- gba-"], check_too=False, line=sub)
    argv = w.hss_daemon().argv + ["--import", w.csv()]
    rc, out, err = await procs.run(argv, 15)
    assert rc == 1 and "runuser -u nobody" in err and "--import" in err, (rc, out, err)
    assert not os.listdir(f"{w.dir}/hss") and not os.listdir(f"{w.dir}/bsf")


@test("one port for two nodes of a configuration: refused, by --check, too", smoke=True)
async def port_twice(t):
    w = fresh(t, 1)
    w.bsf_cfg.set("diameter", f"listen 127.0.0.1 {w.ports['ub']}")
    await refused(w, "bsf", [f"diameter: cannot listen on 127.0.0.1 {w.ports['ub']}: node ub does"])
    w = fresh(t, 2)
    w.hss_cfg.add("diameter", f"listen 127.0.0.1 {w.ports['hss']}")
    await refused(w, "hss", [f"diameter: cannot listen on 127.0.0.1 {w.ports['hss']}: node diameter does"])


@test("said twice, or a peer that could get nothing: file, line and the first of the two", smoke=True)
async def cannot_be_meant(t):
    naf1 = "naf naf1.example.com"
    cases = (("bsf", "diameter", "identity bsf2.example.org"), ("bsf", "diameter", "realm example.org"),
             ("bsf", None, "realm example.org"), ("bsf", None, "connect 127.0.0.1 4001"),
             ("bsf", "store", "memory"), ("bsf", "store", "map-size-gib 7"), ("bsf", "bsf", "key-lifetime 77"),
             ("bsf", "bsf", "shards 2"), ("bsf", "bsf", f"name {BSF_NAME}"), ("bsf", None, "timeout 7"),
             ("hss", "diameter", "identity hss2.example.org"),
             ("hss", "diameter", "realm example.org"), ("hss", "subscribers", "database other.sqlite"))
    for n, (which, node, line) in enumerate(cases):
        w = fresh(t, n)
        cfg = w.bsf_cfg if which == "bsf" else w.hss_cfg
        cfg.add(node or cfg.find("hss"), line)
        await refused(w, which, ["is there already", "; allowed: once", f"'{line}'"])
    for n, line in enumerate(("challenges-impi off", "path /b", "challenges-source 5 5")):
        w = fresh(t, f"ub{n}")
        for x in ("challenges-impi 6 60", "challenges-source off", "path /a", line):
            w.bsf_cfg.add("ub", x)
        await refused(w, "bsf", ["already, in line ", "; allowed: once", f"'{line}'"])
    w = fresh(t, "naf")
    w.bsf_cfg.nodes.append([naf1.upper().replace("NAF ", "naf "), [" address 127.0.0.9"]])
    await refused(w, "bsf", ["NAF1.example.com", "already, in line "], line="naf NAF1")
    w = fresh(t, "hss")
    w.bsf_cfg.nodes.append([w.bsf_cfg.find("hss"), [" realm example.org"]])
    await refused(w, "bsf", [w.bsf_cfg.find("hss"), "already, in line "])
    w = fresh(t, "silent")
    w.bsf_cfg.remove(naf1, "speaks-for")
    await refused(w, "bsf", ["naf1.example.com", "no key", "; allowed: speaks-for"], line=naf1)


@test("a second daemon on the same state; a wrong key for an existing database: refused, the first goes on", smoke=True)
async def second(t):
    w = await World(t).start()
    s = await w.ue().bootstrap()
    w2 = World(t, name="second")
    w2.bsf_cfg.set("store", f"lmdb {w.dir}/bsf")
    w2.bsf_cfg.set("store", f"kek 1 file {w.etc}/bsf-1.kek")
    w2.write_configs()
    rc, out, err = await procs.run(w2.bsf_daemon().argv, 15)
    assert rc != 0 and any(f"{w.dir}/bsf" in x for x in err.split("\n")), (rc, out, err)
    assert "store: store:" not in err, err
    conn = await w.naf()
    assert (await naf.fetch(conn, s.btid)).key == s.ks_naf()
    await w.bsf.stop()
    w2.bsf_cfg.set("store", f"kek 1 file {w2.etc}/bsf-1.kek")        # another key
    w2.write_configs()
    rc, out, err = await procs.run(w2.bsf_daemon().argv, 15)
    assert rc != 0 and "kek" in err.lower(), (rc, out, err)
    await w.hss.stop()
    w2.hss_cfg.set("subscribers", f"database {w.dir}/hss/subscribers.sqlite")
    w2.write_configs()
    rc, out, err = await procs.run(w2.hss_daemon().argv, 15)
    assert rc != 0 and "kek" in err.lower(), (rc, out, err)
    await w.hss.start()
    await w.bsf.start()
    conn = await w.naf()
    assert (await naf.fetch(conn, s.btid)).key == s.ks_naf(), "the refused daemon changed something"


@test("--check on the example configuration: 0, and nothing is made; -V and -h", smoke=True)
async def check(t):
    w = World(t)
    w.write_configs()
    before = snapshot(w)
    for d in (w.bsf_daemon(), w.hss_daemon()):
        rc, out, err = await procs.run(d.argv + ["--check"], 15)
        assert rc == 0 and out == f"{d.name}: {d.argv[2]}: configuration ok\n" and not err, (rc, out, err)
        assert snapshot(w) == before
        for option in ("-V", "-h"):
            rc, out, err = await procs.run([d.argv[0], option], 15)
            assert rc == 0 and (out + err).strip(), (option, rc)


@test("what the simulator's example has as a comment can be taken in as it stands", smoke=True)
async def commented(t):
    w = World(t)
    w.write_configs()
    with open(os.path.join(procs.SRC, "conf", "gba-hss-sim.cfg"), encoding="utf-8") as f:
        text = f.read()
    text, n = re.subn(r"^!( ?(?:fault|redirect|redirect-usage|sqn-profile|ind|allow-test-algorithms)\b(?! \())", r"\1", text, flags=re.M)
    assert n == 8, n
    for packaged, ours in (("/etc/gba", w.etc), ("/var/lib/gba-hss-sim", w.dir), ("/run/gba-hss-sim", w.dir),
                           ("127.0.0.1 3869", f"127.0.0.1 {procs.free_port()}")):
        text = text.replace(packaged, ours)
    path = f"{w.etc}/example.cfg"
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    rc, out, err = await procs.run([w.hss_daemon().argv[0], "-c", path, "--check"], 15)
    assert rc == 0 and "configuration ok" in out, (rc, out, err)


@test("each option that a program's help names stands in its manual", smoke=True)
async def options_in_manuals(t):
    for page in ("gba-bsfd.8", "gba-hss-simd.8", "gba-znproxyd.8", "gba-ued.8", "gba-ue.1", "gba-naf.1", "gba-keys.1", "gba-vuicc.1", "gbactl.1"):
        with open(os.path.join(procs.SRC, "doc", "man", page), encoding="utf-8") as f:
            manual = re.sub(r"(Fl|,) -(?=[a-z])", r"\1 --", f.read().replace("\\-", "-"))
        rc, out, err = await procs.run([t.need_program(page.split(".")[0]), "-h"], 15)
        named = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", out + err)) - {"--help", "--version"}
        missing = [o for o in named if not re.search(rf"{o}(?![a-z0-9-])", manual)]
        assert rc == 0 and not missing, (page, rc, missing)


@test("usage errors have one exit code everywhere: 2 for a command line, 1 for what it asks for", smoke=True)
async def exit_codes(t):
    w = World(t)
    w.write_configs()
    for d in (w.bsf_daemon(), w.hss_daemon()):
        for args in ([], ["-c"], ["--nonsense"], ["-c", d.argv[2], "more"], ["-c", d.argv[2], "--import"], ["--check"]):
            rc, out, err = await procs.run([d.argv[0]] + args, 15)
            assert rc == 2 and d.name in err and "--help" in err + out or rc == 2 and "-c FILE" in err, (args, rc, out, err)
        for args in (["-c", "/nonexistent"], ["-c", w.etc], ["-c", f"{w.etc}/bsf-1.kek", "--check"]):
            rc, out, err = await procs.run([d.argv[0]] + args, 15)
            assert rc == 1 and err.startswith(d.name), (args, rc, err)


@test("--check says what a start would: no folder to make the store in, a folder for a configuration", smoke=True)
async def check_folders(t):
    w = fresh(t, 1)
    w.bsf_cfg.set("store", f"lmdb {w.dir}/none/bsf")
    await refused(w, "bsf", ["store", f"{w.dir}/none", "No such file"], line="lmdb")
    rc, out, err = await procs.run([w.bsf_daemon().argv[0], "-c", w.etc, "--check"], 15)
    assert rc == 1 and f"{w.etc}: is no regular file" in err, (rc, err)


@test("SIGHUP opens the log file anew and ends nothing; a start without HSS says so", smoke=True)
async def hangup(t):
    w = fresh(t, 1)
    log = f"{w.dir}/log/own.log"
    for cfg in (w.bsf_cfg, w.hss_cfg):
        cfg.add(f"log file {log}", "logging level set-all notice")
        w.write_configs()
        d = w.bsf_daemon() if cfg is w.bsf_cfg else w.hss_daemon()
        await d.start()
        assert ("no HSS is connected yet" in d.text()) == (cfg is w.bsf_cfg), d.text()
        os.rename(log, log + ".1")
        d.proc.send_signal(signal.SIGHUP)
        await folder.until(f"{w.dir}/log", lambda: os.path.exists(log), 10 * t.factor)
        assert d.running, "SIGHUP"
        assert await d.stop() == 0
        with open(log, encoding="utf-8") as f:
            assert "stopping" in f.read()
        os.unlink(log)


@test("show running-config gives the configuration back, and no key", smoke=True)
async def running(t):
    w = await World(t).start()
    text = await w.vty("show running-config") or ""
    if "name" not in text:
        from lib.vty import Vty
        v = await Vty.open(w.ports["bsf_vty"])
        await v.command("enable")
        text = await v.command("show running-config")
        v.close()
    for line in (f" name {BSF_NAME}", f" listen 127.0.0.1 {w.ports['ub']}", " speaks-for *.apps.example.com",
                 " key-lifetime 3600", f" kek 1 file {w.etc}/bsf-1.kek", f" connect 127.0.0.1 {w.ports['hss']}"):
        assert line in text.split("\n"), f"{line!r} is not in:\n{text}"
    assert w.keks["bsf"].hex() not in text


@test("import: errors with file and line, nothing imported; 100,000 rows with progress", timeout=120)
async def imports(t):
    w = World(t)
    w.write_configs()
    exe = t.need_program("gba-hss-simd")
    good = f"{w.cards[0].impi},{w.cards[0].imsi},{w.cards[0].k.hex()},,{w.cards[0].opc.hex()},0000,milenage,0,,"
    head = "impi,imsi,k,op,opc,amf,algorithm,sqn,ind,guss"
    for bad in (good.replace("milenage", "tuak"), good.replace(w.cards[0].k.hex(), "1234"), good.replace("0000", "zz"),
                good.replace(w.cards[0].impi, "nobody"), good + ",more", "a,b", good[:-1] + ",missing.xml",
                good.replace(w.cards[0].imsi, "12ab")):
        path = w.write_secret("bad.csv", "\n".join([head, good.replace("0000000001", "0000000002"), bad]) + "\n")
        rc, out, err = await procs.run([exe, "-c", f"{w.etc}/gba-hss-sim.cfg", "--import", path], 15)
        assert rc != 0 and f"{path}:3" in err, (bad, rc, err)
        assert w.cards[0].k.hex() not in err + out and w.cards[0].opc.hex() not in err + out
    n = max(1000, round(100000 * t.scale))
    rows = [head] + [f"00101{i:010d}@ims.mnc001.mcc001.3gppnetwork.org,00101{i:010d},{i:032x},,{i + 7:032x},0000,milenage,0,,"
                     for i in range(n)]
    path = w.write_secret("many.csv", "\n".join(rows) + "\n")
    rc, out, err = await procs.run([exe, "-c", f"{w.etc}/gba-hss-sim.cfg", "--import", path], 100)
    assert rc == 0 and str(n) in (out + err).replace(",", ""), (rc, out[-300:], err[-300:])
