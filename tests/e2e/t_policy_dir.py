# SPDX-License-Identifier: AGPL-3.0-or-later
"""The policy directory: one file a NAF, read again when somebody says so; what is wrong with a file is its NAF's affair alone."""
import asyncio
import os
import shutil
import signal
import socket

from lib import causes, ctl, dia, naf, procs, vty
from lib.dia import Avp
from lib.dia_peer import PeerClosed
from lib.policy import PolicyDir, text
from lib.runner import test
from lib.world import BSF_ID, HSS_ID, World

A, B, C = "a.example.com", "b.example.com", "c.example.com"
DENIED = (10415, 5402)
WAIT = 10


async def start(t, *files, cfg=(), **kw):
    w = World(t, raw_hss=True, **kw)
    d = PolicyDir(w)
    for identity, content in files:
        d.write(identity, content)
    for head, line in cfg:
        w.bsf_cfg.add(head, line)
    await w.start()
    return w, d


async def asked(conn, s, fqdn, **kw):
    bia = await naf.fetch(conn, s.btid, naf.naf_id(fqdn), **kw)
    assert (bia.key == s.ks_naf(fqdn)) == (bia.result == 2001) and (bia.result == 2001 or bia.empty_handed), bia.msg.avps
    return bia.result


async def refused(w, conn, s, fqdn, cause):
    before = (await w.counters())[cause]
    assert await asked(conn, s, fqdn) == DENIED, fqdn
    assert (await w.counters())[cause] == before + 1 and f" {cause} " in w.bsf.text(), cause
    causes.register(cause)


async def cannot_come(w, identity):
    try:
        conn = await naf.connect(w.ports["dia"], identity, "example.com")
        result = conn.cea.result
        await conn.close()
        return result == 3010
    except PeerClosed:
        return True


@test("policy directory: a NAF comes, is changed, breaks, is mended and goes by its file; each counts with the reload, none before", smoke=True)
async def life(t):
    w, d = await start(t, (A, text(A)))
    s, conn = await w.ue().bootstrap(), await w.naf(A)
    assert await asked(conn, s, A) == 2001 and await asked(conn, s, B) == DENIED
    d.write(B, text(B, more="private-identity allow\n"))
    assert await cannot_come(w, B)
    out = await d.ask()
    assert (out["good"], out["bad"], out["problems"]) == (2, 0, 0), out
    other = await w.naf(B)
    bia = await naf.fetch(other, s.btid, naf.naf_id(B))
    assert bia.key == s.ks_naf(B) and bia.impi == s.impi
    d.write(B, text(B, "*.apps.example.org", more="anonymous\n"))
    assert (await naf.fetch(other, s.btid, naf.naf_id(B))).impi
    await d.ask()
    assert (await naf.fetch(other, s.btid, naf.naf_id(B))).impi is None
    assert await asked(other, s, "x.apps.example.org") == 2001
    shown = [x.split() for x in (await w.vty("show peers")).splitlines() if x.startswith("naf ")]
    assert [x for x in shown if x[1] in (A, B)] == [["naf", A, "open"], ["naf", B, "open"]], shown
    d.write(B, text(B) + "colour red\n")
    out = await d.ask()
    assert (out["good"], out["bad"], out["problems"]) == (1, 1, 1), out
    await refused(w, other, s, B, "zn_policy_bad")                  # at once, and not served by its last version
    await refused(w, other, s, "x.apps.example.org", "zn_policy_bad")
    assert await asked(conn, s, A) == 2001
    assert await d.problems() == [f"{B}.naf: line 3: unknown word 'colour'; allowed: the words of a naf node"]
    d.write(B, text(B))
    await d.ask()
    assert await asked(other, s, B) == 2001 and await d.problems() == []
    d.remove(B)
    out = await d.ask()
    assert (out["good"], out["vanished"], out["problems"]) == (1, 1, 1), out
    try:
        await refused(w, other, s, B, "zn_policy_bad")
    except PeerClosed:                                              # a moment later its connection is ended
        pass

    async def ended():
        try:
            await asked(other, s, B)
            return False
        except PeerClosed:
            return True
    await t.until(ended, WAIT, "the connection of a NAF without a file to be ended")
    assert await cannot_come(w, B)
    assert f"policy: {B}.naf: has vanished" in w.bsf.text() and await asked(conn, s, A) == 2001
    d.write(B, text(B))
    await d.ask()
    assert await asked(await w.naf(B), s, B) == 2001


@test("policy directory: a NAF whose file breaks is refused over a relay, too, and never falls to what the relay may", smoke=True)
async def behind_proxy(t):
    w, d = await start(t, (A, text(A, way="via zn.example.com\n")),
                       cfg=(("naf zn.example.com", "address 127.0.0.1"), ("naf zn.example.com", "proxy"), ("naf zn.example.com", "speaks-for *.example.com")))
    s, conn = await w.ue().bootstrap(), await w.naf("zn.example.com")

    async def as_a():
        return (await naf.fetch(conn, s.btid, naf.naf_id(A), origin=(A, "example.com"), extra=[Avp(dia.ROUTE_RECORD, A)])).result
    assert await as_a() == DENIED                                   # its name is claimed by the proxy of the configuration, too
    d.write(A, text("only.a.example.net", way="via zn.example.com\n"))
    await d.ask()
    bia = await naf.fetch(conn, s.btid, naf.naf_id("only.a.example.net"), origin=(A, "example.com"), extra=[Avp(dia.ROUTE_RECORD, A)])
    assert bia.key == s.ks_naf("only.a.example.net")
    for broken in ("rubbish\n", None):
        if broken:
            d.write(A, broken)
        else:
            d.remove(A)
        await d.ask()
        before = (await w.counters())["zn_policy_bad"]
        assert await as_a() == DENIED and (await w.counters())["zn_policy_bad"] == before + 1, broken


@test("policy directory: each error of a file with its words, in log, show policy and gbactl; the others are served", smoke=True)
async def words(t):
    wrong = {"c01": ("speaks-for x\n", "peer without address; allowed: address ADDRESS/PREFIX, via PEER"),
             "c02": ("via nobody.example\nspeaks-for x2\n", "via nobody.example: there is no such peer; allowed: the name of a peer"),
             "c03": ("address 127.0.0.1\n", "speaks for no name, so it would get no key; allowed: speaks-for FQDN"),
             "c04": ("address 127.0.0.1\nspeaks-for a..b\n", "line 2: a..b is no host name; allowed: FQDN or *.DOMAIN"),
             "c05": ("address 127.0.0.1\nspeaks-for x5", "line 2: the last line has no end, so more may have stood there; allowed: whole lines"),
             "c06": ("naf c66\naddress 127.0.0.1\nspeaks-for x6\n", "line 1: naf c66 in the file of another; allowed: naf c06"),
             "c07": ("address 192.0.2.1\nspeaks-for x7\n", "is beyond loopback, so it needs TLS, and there is no certificate"),
             "c08": ("address any\nspeaks-for x8\n", "needs TLS, and there is no certificate; allowed: tls certificate, tls key and tls ca in diameter"),
             "c09": ("", "peer without address"), "c10": ("\0" * 70, "line 1: the last line has no end"),
             "c11": ("address 127.0.0.1\nspeaks-for x11\nrate 0\n", "line 3: rate 0; allowed: 1 to 1000000"),
             "c12": ("address 127.0.0.1\nspeaks-for \x1b[2J\n", "line 2: an octet that is no text; allowed: text"),
             HSS_ID: (text("x13"), "an hss has this identity"), BSF_ID: (text("x14"), "that is our own identity")}
    w, d = await start(t, (A, text(A)), *((n, c) for n, (c, _) in wrong.items()))
    s, conn = await w.ue().bootstrap(), await w.naf(A)
    assert await asked(conn, s, A) == 2001
    problems, shown, log = await d.problems(), await w.vty("show policy"), w.bsf.text()
    assert len(problems) == len(wrong), problems
    for name, (_, why) in wrong.items():
        assert any(p.startswith(name) and why in p for p in problems), (name, why, problems)
        assert why in shown and why in log and "\x1b" not in log, (name, why)
    rc, out, err = await procs.run([t.need_program("gba-bsfd"), "-c", f"{w.etc}/gba-bsf.cfg", "--check"], 30)
    assert rc == 0 and all(f"policy: {p}" in err for p in problems), (rc, out, err)         # remarks: a start would start
    rc, out, err = await procs.run([t.need_program("gbactl"), "-s", w.ports["bsf_ctl"], "policy", "show"], 30)
    assert rc == 0 and "c04.naf: line 2: a..b is no host name" in out, (rc, out, err)


@test("policy directory: links, others' files, what is no file, what is too long are not read, and say so; dot files and others' names are nothing",
      smoke=True)
async def ignored(t):
    w, d = await start(t, (A, text(A)), ("keep.example", text("k.example")), ("keep2.example", text("k2.example")))
    s, conn = await w.ue().bootstrap(), await w.naf(A)
    good = os.path.join(w.etc, "elsewhere")
    with open(good, "w", encoding="utf-8") as f:
        f.write(text(B))
    os.symlink(good, d.at("link"))
    os.symlink("/nowhere", d.at("dangling"))
    os.mkfifo(d.at("fifo"))
    os.mkdir(d.at("folder"))
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(d.at("socket"))
    d.write("open", text("o.example"))
    os.chmod(d.at("open"), 0o666)
    d.write("long", text("l.example") + "!" * 65536 + "\n")
    for name in (".hidden.naf", "x.naf.new", "x", "x.NAF", ".naf"):
        with open(os.path.join(d.path, name), "w", encoding="utf-8") as f:
            f.write("rubbish\n")
    d.write("a_b", text("u.example"))
    want = {"link": "is a symbolic link", "dangling": "is a symbolic link", "fifo": "is no regular file", "folder": "is no regular file",
            "socket": "is no regular file", "open": "may be written by everybody", "long": "has more than 65536 octets",
            "a_b": "has a name that is no host name and .naf"}
    with open(os.path.join(d.path.encode(), b"esc\x1b[2J\n\xff.naf"), "wb") as f:
        f.write(b"rubbish")
    want["esc?[2J??"] = want["a_b"]
    if os.getuid() == 0:
        d.write("other", text("p.example"))
        os.chown(d.at("other"), 12345, 12345)
        want["other"] = "belongs to somebody else"
    out = await d.ask()
    assert (out["ignored"], out["good"], out["bad"]) == (len(want), 3, 0), out
    problems = await d.problems()
    assert sorted(problems) == sorted(f"{n}.naf: {why}" for n, why in want.items()), problems
    lines = [x for x in w.bsf.text().splitlines() if "policy: " in x and ".naf: " in x]
    await d.ask()
    assert lines == [x for x in w.bsf.text().splitlines() if "policy: " in x and ".naf: " in x], "said once"
    assert await asked(conn, s, A) == 2001
    # one that was good and is replaced by such a thing is no longer served
    kept = await w.naf("keep.example")
    assert await asked(kept, s, "k.example") == 2001
    os.symlink(d.at("keep2.example"), os.path.join(d.path, "beside"))
    os.rename(os.path.join(d.path, "beside"), d.at("keep.example"))
    out = await d.ask()
    assert (out["vanished"], out["good"]) == (1, 2), out
    try:
        await refused(w, kept, s, "k.example", "zn_policy_bad")
    except PeerClosed:
        pass
    assert "keep.example.naf: is a symbolic link" in await d.problems()
    sock.close()


@test("policy directory: a name claimed twice is refused for both, by file and file, file and configuration, name and wildcard", smoke=True)
async def twice(t):
    w, d = await start(t, (A, text(A, "shared.example.com", "x.apps.example.com")), (B, text(B, "SHARED.example.com", "*.apps.example.com", "naf1.example.com")))
    s = await w.ue().bootstrap()
    a, b, cfg = await w.naf(A), await w.naf(B), await w.naf("naf1.example.com")
    for conn, own in ((a, A), (b, B)):
        assert await asked(conn, s, own) == 2001
        await refused(w, conn, s, "shared.example.com", "zn_name_twice")
    assert await asked(b, s, "y.apps.example.com") == DENIED        # naf1 of the configuration has this wildcard, too
    await refused(w, a, s, "x.apps.example.com", "zn_name_twice")
    await refused(w, b, s, "naf1.example.com", "zn_name_twice")
    await refused(w, cfg, s, "naf1.example.com", "zn_name_twice")   # whatever was there before
    problems = await d.problems()
    assert "shared.example.com: claimed twice, by a.example.com and by b.example.com; allowed: once" in [p.lower() for p in problems], problems
    d.write(B, text(B))
    await d.ask()
    assert await asked(a, s, "shared.example.com") == 2001 and await asked(cfg, s, "naf1.example.com") == 2001
    # an identity, too: in another case, and in the configuration
    d.write("A.example.com", text("other.example.com"))
    d.write("naf1.example.com", text("other2.example.com", "naf1.example.com"))
    await d.ask()
    await refused(w, a, s, A, "zn_policy_bad")
    await refused(w, cfg, s, "naf1.example.com", "zn_policy_bad")
    assert await asked(b, s, B) == 2001
    problems = "\n".join(await d.problems())
    assert "claimed twice, in A.example.com.naf and in a.example.com.naf; allowed: once" in problems, problems
    assert "naf1.example.com: claimed twice, in the configuration and in naf1.example.com.naf; allowed: once" in problems, problems
    assert "by naf1.example.com and by naf1.example.com" not in problems, problems
    d.remove("A.example.com")
    d.remove("naf1.example.com")
    await d.ask()
    assert await asked(a, s, A) == 2001 and await asked(cfg, s, "naf1.example.com") == 2001


@test("policy directory: what makes it read: VTY, control socket, gbactl, SIGHUP, every second; who asks while it is read has his own reading", smoke=True)
async def reloads(t):
    w, d = await start(t)
    s = await w.ue().bootstrap()

    async def comes(identity):
        async def there():
            return not await cannot_come(w, identity)
        await t.until(there, WAIT, f"{identity} to be let in")
        assert await asked(await w.naf(identity), s, identity) == 2001
    v = await vty.Vty.open(w.ports["bsf_vty"])
    t.cleanup(v.close)
    await v.command("enable")
    d.write("n1.example", text("n1.example"))
    out = await v.command("policy reload")
    assert "1 good, 0 bad" in out, out
    assert not await cannot_come(w, "n1.example")
    d.write("n2.example", text("n2.example"))
    rc, out, err = await procs.run([t.need_program("gbactl"), "-s", w.ports["bsf_ctl"], "policy", "reload"], 30)
    assert rc == 0 and not await cannot_come(w, "n2.example"), (rc, out, err)
    d.write("n3.example", text("n3.example"))
    w.bsf.proc.send_signal(signal.SIGHUP)
    await comes("n3.example")
    await v.command("configure terminal")
    assert "%" not in await v.command("policy reload every 1")
    d.write("n4.example", text("n4.example"))
    await comes("n4.example")
    assert "%" not in await v.command("no policy reload every") + await v.command("end")
    many = [await ctl.Ctl.open(w.ports["bsf_ctl"]) for _ in range(8)]
    for i, c in enumerate(many):
        d.write(f"m{i}.example", text(f"m{i}.example"))
        c.writer.write(b"1 policy reload\n")
    for i, c in enumerate(many):
        assert (await c.line()).startswith("1 ok "), i
        assert not await cannot_come(w, f"m{i}.example"), i
        c.close()
    assert "policy reload" in w.bsf.text()


@test("policy directory: one that cannot be read leaves the table and says ERROR; live it is changed, or refused; --check and a start say its line", smoke=True)
async def directory(t):
    w, d = await start(t, (A, text(A)))
    s, conn = await w.ue().bootstrap(), await w.naf(A)
    moved = d.path + ".away"
    os.rename(d.path, moved)
    for _ in range(2):
        try:
            out = await d.ask()
        except ctl.Refused as e:
            out = str(e)
        assert out == f"failed not read, the former table stays: {d.path}: No such file or directory", out
        assert await asked(conn, s, A) == 2001
    assert w.bsf.text().count("ERROR DCFG policy: not read, the former table stays") == 1
    os.rename(moved, d.path)
    os.chmod(d.path, 0o777)
    out = await vty.command(w.ports["bsf_vty"], "show policy")
    assert "not read, the former table stays" in out, out
    try:
        out = str(await d.ask())
    except ctl.Refused as e:
        out = str(e)
    assert "everybody may write into it; allowed: a folder of its owner and group" in out, out
    os.chmod(d.path, 0o755)
    assert (await d.ask())["good"] == 1 and "failed" not in await d.ask("policy show")
    v = await vty.Vty.open(w.ports["bsf_vty"])
    t.cleanup(v.close)
    await v.command("enable")
    await v.command("configure terminal")
    out = await v.command("policy directory nowhere")
    assert "nowhere: No such file or directory" in out, out
    assert await asked(conn, s, A) == 2001 and f"policy directory {d.path}\n" in await v.command("show running-config")
    os.mkdir(os.path.join(w.etc, "two"))
    shutil.copy(d.at(A), os.path.join(w.etc, "two", f"{A}.naf"))
    assert "%" not in await v.command("policy directory two")
    assert "policy directory two\n" in await v.command("show running-config") and await asked(conn, s, A) == 2001
    assert "%" not in await v.command("no policy directory") and "policy directory" not in await v.command("show running-config")

    async def nobody():
        return await cannot_come(w, A)
    await t.until(nobody, WAIT, "the NAF to be unknown")
    await w.bsf.stop()
    shutil.rmtree(d.path)
    exe = t.need_program("gba-bsfd")
    for argv in (["--check"], []):
        rc, out, err = await procs.run([exe, "-c", f"{w.etc}/gba-bsf.cfg", *argv], 30)
        assert rc == 1 and f"gba-bsf.cfg:1: policy directory: {d.path}: No such file or directory" in err, (rc, out, err)


@test("policy directory: killed at any moment between two files, the next start serves what is written, all of it", smoke=True)
async def killed(t):
    w, d = await start(t, *((f"n{i}.example", text(f"n{i}.example")) for i in range(20)))
    s = await w.ue().bootstrap()
    for round_ in range(3):
        for i in range(20):
            if i == 7 * round_ % 20:
                reload = asyncio.ensure_future(d.ask())
                await asyncio.sleep(0)
                await w.bsf.kill()
            d.write(f"n{i}.example", text(f"n{i}.example", f"r{round_}.n{i}.example"))
        await asyncio.gather(reload, return_exceptions=True)
        await w.bsf.start()
        for i in (0, 7, 19):
            conn = await w.naf(f"n{i}.example")
            assert await asked(conn, s, f"r{round_}.n{i}.example") == 2001
            assert await asked(conn, s, f"r{round_ - 1}.n{i}.example") == DENIED


@test("show naf effective, test naf: each value and the line it stands in, what would be answered and by which rule; VTY and gbactl, and never a key",
      smoke=True)
async def explained(t):
    more = "ua-protocols 0100000002\nkey-age-max 3600\ngaa-service 1 2\nprivate-identity allow\n"
    guss = """<?xml version="1.0" encoding="UTF-8"?><guss id="{impi}" xmlns="urn:3gpp:gba:GBAGUSSSchema-R9:2010-02"><ussList>
<uss id="2" type="1"><uids><uid>somebody</uid></uids><flags/></uss></ussList></guss>"""
    w, d = await start(t, (A, text(A, "twice.example.com", more=more)), (B, text(B, "twice.example.com")), ("bad.example.com", "rubbish\n"),
                       ("tls.example.com", "address any\nspeaks-for tls.example.com\n"),
                       ("pin.example.com", f"address 127.0.0.1/32\ntls-key sha256:{'0' * 64}\nspeaks-for pin.example.com\n"), guss=guss)
    s, conn = await w.ue().bootstrap(), await w.naf(A)
    before = await w.counters()
    o = await d.ask(f"show naf {A} effective")
    assert (o["naf"], o["from"]) == (A, f"{A}.naf"), o
    words = {(x["word"], x["value"]): x["from"] for x in o["words"]}
    assert words["speaks-for", A] == f"{A}.naf, from line 2" and words["ua-protocols", "0100000002"] == f"{A}.naf, line 4", words
    assert words["keys", "both"] == "not written" and words["address", "127.0.0.1/32"] == f"{A}.naf, from line 1", words
    assert words["connections", "1"] == "not written", words
    for name in ("tls.example.com", "pin.example.com"):            # good by themselves, but there is no TLS here
        o = await d.ask(f"show naf {name}")
        assert o["from"] == "the policy directory" and o["refused"].startswith("needs TLS"), o
    assert ("speaks-for", "twice.example.com (refused: another claims it, too)") in words, words
    v = await vty.Vty.open(w.ports["bsf_vty"])
    t.cleanup(v.close)
    await v.command("enable")
    out = await v.command(f"show naf {A} effective")
    assert f"key-age-max      3600                                     ! {A}.naf, line 5" in out, out
    out = await v.command("show naf naf1.example.com effective")
    assert "the configuration, from line " in out and " naf-group        A " in out, out
    assert "rubbish" in await v.command("show naf bad.example.com effective")
    assert "there is no naf nobody.example; allowed: " in await v.command("show naf nobody.example effective")

    async def asked_for(line):
        out = await d.ask(f"test naf {line}")
        shown = await v.command(f"test naf {line}")
        assert f"cause            {out['cause']}" in shown, (out, shown)
        for octets in (s.ks_naf(A), s.ks):
            assert octets.hex() not in (str(out) + shown).lower(), "a key"
        assert s.impi not in str(out) + shown
        return out
    o = await asked_for(f"{A} btid {s.btid} gsid 2 gsid 7")
    assert (o["cause"], o["answer"], o["me_key"], o["uicc_key"], o["impi"], o["services"]) == ("zn_ok", 2001, True, False, True, ["2"]), o
    assert o["rule"] == f"speaks-for, in {A}.naf, from line 2", o
    for line, cause, rule in ((f"{A} btid {s.btid} ua 0100000001", "zn_ua_denied", f"ua-protocols, in {A}.naf, line 4"),
                              (f"{A} btid {s.btid} fqdn other.example", "zn_name_denied", f"speaks-for, in {A}.naf, from line 2"),
                              (f"{A} btid {s.btid} fqdn twice.example.com", "zn_name_twice", f"speaks-for, in {A}.naf, from line 2"),
                              (f"bad.example.com btid {s.btid}", "zn_policy_bad", "line 1: unknown word 'rubbish'; allowed: the words of a naf node"),
                              (f"{A} btid {'A' * 22}==@{s.btid.split('@')[1]}", "zn_btid_unknown", None)):
        o = await asked_for(line)
        assert (o["cause"], o.get("rule")) == (cause, rule), (line, o)
    assert await asked(conn, s, A) == 2001
    after = await w.counters()
    assert {k: after[k] - before[k] for k in after if after[k] != before[k]} == {"zn_ok": 1}, "nothing is counted but the BIR"
    c = await ctl.Ctl.open(w.ports["bsf_ctl"])
    t.cleanup(c.close)
    for line, why in ((f"test naf {A} btid x", "invalid that is no B-TID"), (f"test naf {A} impi {s.btid}", "invalid no B-TID; allowed: btid"),
                      (f"test naf {A} btid {s.btid} colour red", "invalid colour red; allowed: gsid GSID"), (f"test naf x btid {s.btid}", "invalid there is no naf x"),
                      (f"test naf {A} btid {s.btid} gsid", "invalid gsid; allowed: "), ("show naf x", "unknown there is no naf x"), (f"show naf {A} all", "invalid not so")):
        assert (await c.refused(line)).startswith(why), (line, await c.refused(line))
    rc, out, err = await procs.run([t.need_program("gbactl"), "-s", w.ports["bsf_ctl"], "test", "naf", A, "btid", s.btid], 30)
    assert rc == 0 and "cause                    zn_ok" in out, (rc, out, err)
