# SPDX-License-Identifier: AGPL-3.0-or-later
"""The GUSS from the HSS to the NAF: what is not known goes on unchanged, what is wrong is said, and the operator chooses."""
import time

from lib import causes, ctl, naf, procs, vty
from lib.relay import Relay
from lib.runner import test
from lib.vty import typed
from lib.world import HSS_ID, World

HEAD = '<guss xmlns="urn:3gpp:gba:GBAGUSSSchema-R9:2010-02" xmlns:op="urn:operator">'


def guss(info, *uss):
    return f"{HEAD}{info}<ussList>{''.join(uss)}</ussList></guss>".encode()


def uss(gsid, attrs='type="2"', inner="<flags/>"):
    return f'<uss id="{gsid}" {attrs}><uids><uid>user-{gsid}</uid></uids>{inner}</uss>'


async def choose(w, what):
    out = await typed(w, "ub", f"guss-bad-uss {what}", "end")
    assert "%" not in out, out
    return await vty.enabled(w.ports["bsf_vty"], "show running-config", "show limits")


async def world(t, *gsids):
    w = World(t, raw_hss=True).no_limits()
    w.bsf_cfg.set("naf naf1.example.com", "gaa-service " + " ".join(gsids))
    await w.start()
    return w, await w.naf(), w.raw_hss.subscribers[w.cards[0].impi]


@test("a USS of a private GSID goes on whole: flags, key selection, elements and attributes nobody here knows, in their name space",
      smoke=True, req=["220-4.2.3-5", "220-4.2.3-6", "220-4.4.6-13", "220-4.4.6-22", "220-4.4.6-16"])
async def unknown(t):
    w, conn, sub = await world(t, "1000001", "2", "4000000000")
    own = '<flags><flag>1</flag><flag>-7</flag></flags><keyChoice>UICC_BASED_KEY</keyChoice><op:plan op:tier="3">gold &amp; <op:x/></op:plan>'
    sub.guss = guss("", uss("1000001", 'type="0" op:since="2026" nafGroup="A"', own + "<!-- only for us -->"), uss("2"), uss("3"))
    s = await w.ue().bootstrap()
    bia = await naf.fetch(conn, s.btid, gsids=["1000001", "4000000000"])
    assert bia.result == 2001 and bia.key == s.ks_naf(), bia.msg.avps
    assert bia.uss_list.decode() == (
        '<?xml version="1.0" encoding="UTF-8"?><ussList xmlns="urn:3gpp:gba:GBAGUSSSchema-R9:2010-02" xmlns:op="urn:operator">'
        f'<uss id="1000001" type="0" op:since="2026"><uids><uid>user-1000001</uid></uids>{own}</uss></ussList>'), bia.uss_list


@test("guss-bad-uss: one uss that cannot be used ends the run, or is left out, said and counted, by the operator's choice", smoke=True)
async def bad_uss(t):
    w, conn, sub = await world(t, "1", "2", "3")
    for bad in (uss("2", 'type="x"'), uss("2", inner="<flags><flag>yes</flag></flags>"), '<uss type="2"/>',
                uss("2", inner="<flags>" + "<flag>1</flag>" * 65 + "</flags>")):
        sub.guss = guss("", uss("1"), bad, uss("3"))
        async with causes.counted(w, zh_guss_bad=1):
            r = await w.ue().first()
            assert r.status == 503, r.status
    said = await choose(w, "leave-out")
    assert " guss-bad-uss leave-out" in said and "default fail" in said, said
    for n in range(2):                                      # said each time: somebody has to mend it
        async with causes.counted(w, ub_challenged=1, ub_ok=1, zh_guss_uss_left_out=1):
            s = await w.ue().bootstrap()
    assert "more than 64 flag" in w.bsf.text(), w.bsf.text()[-2000:]
    bia = await naf.fetch(conn, s.btid, gsids=["1", "2", "3"])
    assert b"user-1" in bia.uss_list and b"user-3" in bia.uss_list and b"user-2" not in bia.uss_list, bia.uss_list
    said = await choose(w, "fail")
    assert " guss-bad-uss fail" not in said and "default fail" in said, said
    async with causes.counted(w, zh_guss_bad=1):
        assert (await w.ue().first()).status == 503


@test("zh_guss_odd: a lifeTime that is misspelt or in the wrong place is said, and does not count; one of 0 is said, too", smoke=True)
async def odd(t):
    w, conn, sub = await world(t, "1")
    for info, said in (("<bsfInfo><lifetime>60</lifetime></bsfInfo>", "lifetime"), ("<lifeTime>60</lifeTime>", "lifeTime"),
                       ("<bsfInfo><LifeTime>60</LifeTime><uiccType>GBA</uiccType></bsfInfo>", "LifeTime")):
        sub.guss = guss(info, uss("1"))
        async with causes.counted(w, ub_challenged=1, ub_ok=1, zh_guss_odd=1):
            s = await w.ue().bootstrap()
        assert 3598 <= s.expires_at - s.made_at <= 3602, s.expires_at - s.made_at
        assert f"line 1: {said}" in w.bsf.text(), w.bsf.text()[-1000:]
    sub.guss = guss("", uss("1", inner="<lifeTime>60</lifeTime>"))
    async with causes.counted(w, ub_challenged=1, ub_ok=1, zh_guss_odd=1):
        await w.ue().bootstrap()
    sub.guss = guss("<bsfInfo><lifeTime>0</lifeTime></bsfInfo>", uss("1"))
    async with causes.counted(w, ub_challenged=1, ub_ok=1, zh_guss_lifetime=1):
        await w.ue().bootstrap()
    sub.guss = guss("<bsfInfo><uiccType>GBA</uiccType><lifeTime>60</lifeTime><securityFeatures>GPL_U</securityFeatures></bsfInfo>", uss("1"))
    async with causes.counted(w, ub_challenged=1, ub_ok=1):
        s = await w.ue().bootstrap()
    assert 58 <= s.expires_at - s.made_at <= 62


@test("an MAA without a GUSS behind one that had it: nothing of the old one is served any more", smoke=True, req=["220-4.5.2-2", "220-4.2.3-2"])
async def gone(t):
    w, conn, sub = await world(t, "1")
    sub.guss = guss("", uss("1"))
    old = await w.ue().bootstrap()
    assert b"user-1" in (await naf.fetch(conn, old.btid, gsids=["1"])).uss_list
    sub.guss = None
    new = await w.ue().bootstrap()
    bia = await naf.fetch(conn, new.btid, gsids=["1"])
    assert bia.result == 2001 and bia.uss_list is None, bia.msg.avps
    assert (await naf.fetch(conn, old.btid, gsids=["1"])).empty_handed          # a newer session has taken its place


STAMPED = guss("<bsfInfo><lifeTime>900</lifeTime></bsfInfo><Extension><timestamp>2026-01-02T03:04:05Z</timestamp></Extension>",
               uss("1")).decode()


async def by_tshark(t, pcap):
    """Of each run, as somebody else reads it: (timestamp in the MAR, a GUSS in the MAA)."""
    t.need_tool("tshark", "tshark")
    argv = ["tshark", "-r", pcap, "-Y", "diameter.cmd.code == 303", "-T", "fields", "-E", "separator=|"]
    for field in ("diameter.flags.request", "diameter.GUSS-Timestamp", "diameter.GBA-UserSecSettings", "_ws.malformed"):
        argv += ["-e", field]
    rc, out, err = await procs.run(argv, 60)
    assert rc == 0, err
    rows = [x.split("|") for x in out.split("\n") if x]
    assert not any(r[3] for r in rows) and [r[0] in ("1", "True") for r in rows] == [True, False] * (len(rows) // 2), rows
    return [(mar[1], bool(maa[2])) for mar, maa in zip(rows[::2], rows[1::2])]


@test("guss-timestamp: the HSS is told when the GUSS that is kept was changed, and sends it only if it is another one now; kept as long as a session of "
      "the subscriber lives", req=["220-4.4.5-6", "220-4.5.2-1", "220-4.5.2-2"])
async def timestamp(t):
    w = World(t, n_cards=1, guss=STAMPED).no_limits()
    relay = await Relay(f"{w.etc}/zh.pcap", w.ports["hss"]).start()      # with keys in it, rightly
    t.cleanup(relay.stop)
    w.bsf_cfg.set(f"hss {HSS_ID}", f"connect 127.0.0.1 {relay.port}")
    w.bsf_cfg.set("naf naf1.example.com", "gaa-service 1 2")
    w.bsf_cfg.set("ub", "guss-timestamp on")
    await w.start()
    conn, ue, impi = await w.naf(), w.ue(), w.cards[0].impi

    async def run(user, life=900):
        s = await ue.bootstrap()
        assert life - 3 <= s.expires_at - s.made_at <= life + 3, s.expires_at - s.made_at
        bia = await naf.fetch(conn, s.btid, gsids=["1", "2"])
        assert bia.result == 2001 and bia.key == s.ks_naf() and (bia.uss_list or b"").count(b"<uid>") == bool(user), bia.msg.avps
        assert not user or user in bia.uss_list, bia.uss_list
    hss, bsf = w.ports["hss_ctl"], w.ports["bsf_ctl"]
    out = await vty.enabled(w.ports["bsf_vty"], f"trace {impi} 600")
    assert "%" not in out, out
    await run(b"user-1")                                       # nothing is kept yet
    await run(b"user-1")                                       # equal
    await ctl.ask(hss, f"guss {impi}", guss("", uss("2")).decode())
    await run(b"user-2", 3600)                                 # another one
    await ctl.ask(hss, f"fault set {impi} no-guss times 1")
    await run(b"user-2", 3600)                                 # equal, as far as anybody can tell
    await ctl.ask(hss, f"guss {impi}", "")
    await run(None, 3600)                                      # an empty one, which has no timestamp
    await run(None, 3600)
    await ctl.ask(hss, f"guss {impi}", guss("", uss("1")).decode())
    await run(b"user-1", 3600)
    assert (await ctl.ask(bsf, f"revoke impi {impi}"))["revoked"] == 1
    then = time.time_ns() // 1000000
    await t.until(lambda: time.time_ns() // 1000000 > then, 5, "another millisecond: a challenge of the same one counts as before")
    await run(b"user-1", 3600)                                 # no session lives, so nothing is kept
    out = await typed(w, "ub", "no guss-timestamp", "end")
    assert "%" not in out, out
    await run(b"user-1", 3600)
    assert "guss-timestamp          off  default off" in await w.vty("show limits")
    relay.pcap.f.flush()
    told = await by_tshark(t, f"{w.etc}/zh.pcap")
    assert [(bool(when), sent) for when, sent in told] == [
        (False, True), (True, False), (True, True), (True, False), (True, True), (False, False), (False, True), (False, True), (False, True)], told
    assert told[1][0].startswith("Jan  2, 2026 03:04:05"), told
    assert (await w.counters())["zh_guss_equal"] == 2
    causes.register("zh_guss_equal")
    assert [x.split(" guss=")[-1].split()[0] if " guss=" in x else "" for x in w.bsf.text().split("\n") if " ub_challenged " in x] == [
        "equal" if when and not sent else "sent" if when else "" for when, sent in told]
    ends = [x for x in w.bsf.text().split("\n") if " trace " in x and "cause=ub_challenged" in x]
    assert [" guss=equal" in x for x in ends] == [bool(when) and not sent for when, sent in told], ends
