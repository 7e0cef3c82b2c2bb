# SPDX-License-Identifier: AGPL-3.0-or-later
"""Several HSSs: whose turn it is, who is next, what a device notices when one is killed, frozen, taken away; and that no vector is spent
for nobody."""
import asyncio
import os
import signal
import time

from lib import aka, causes, dia, digest, procs
from lib.hss import RawHss, mar, vector_of
from lib.hss_pair import HSS2, REALM, UnderLoad, asked, gap, is_state, node, second, settled, spent, state, two
from lib.runner import test
from lib.vty import typed
from lib.world import HSS_ID, World, raw_bsf_conn


@test("hss: what is written is saved and starts again, and what cannot be is refused, at the start and live", smoke=True)
async def written(t):
    w = World(t, raw_hss=True)
    for n, (lines, words) in enumerate(((["load 0"], ["load 0 at each hss", "allowed"]), (["priority 65536"], ["<0-65535>"]),
                                        (["load 1", "load 2"], ["is there already"]))):
        bad = World(t, name=f"bad{n}")
        for line in lines:
            bad.bsf_cfg.add(f"hss {HSS_ID}", line)
        bad.write_configs()
        rc, _, err = await procs.run(bad.bsf_daemon().argv + ["--check"], 15)
        assert rc != 0 and any(all(x in line for x in words) for line in err.split("\n")), (words, err)
    await w.start()
    out = await typed(w, f"hss {HSS2}", "exit")
    assert "would not start again" in out and f"hss {HSS2}: peer without address" in out, out
    assert "not written" in await typed(w, "end", "write file")
    out = await typed(w, f"hss {HSS2}", f"realm {REALM}", "connect 127.0.0.1 1", "priority 7", "load 3", "timeout 4", "may-connect", "exit")
    assert "would not" not in out, out
    for line, why in ((f"via {HSS_ID}", "connection of its own"), ("realm a..b", "no host name")):
        out = await typed(w, f"hss {HSS2}", line)
        assert why in out, (line, out)
    assert "saved to" in await typed(w, "end", "write file")
    with open(w.bsf.argv[2], encoding="utf-8") as f:
        text = f.read()
    want = f"hss {HSS2}\n realm {REALM}\n connect 127.0.0.1 1\n priority 7\n load 3\n timeout 4\n may-connect\n"
    assert want in text, text
    await w.bsf.stop()
    await w.bsf.start()
    await w.wait_hss_peer()
    out = await typed(w, f"hss {HSS2}", "no priority", "no load", "no timeout", "no may-connect", "exit", f"hss {HSS_ID}", "load 0")
    assert "%" not in out, out
    text = await typed(w, "end", "show running-config")
    assert f"hss {HSS2}\n realm {REALM}\n connect 127.0.0.1 1\n timeout 5\n" in text, text
    out = await typed(w, f"no hss {HSS2}", "end", "write file")
    assert "not written" in out and "load 0 at each hss" in out, out
    out = await typed(w, f"hss {HSS_ID}", "no load", "end", "write file")
    assert "saved to" in out, out
    assert "is not there" in await typed(w, f"no hss {HSS2}")
    async with causes.counted(w, zh_down=1):
        await typed(w, f"no hss {HSS_ID}")
        assert (await w.ue().first()).status == 503
    out = await typed(w, f"hss {HSS_ID}", f"realm {REALM}", f"connect 127.0.0.1 {w.ports['hss']}", "end", "write file")
    assert "saved to" in out, out
    await t.until(w.hss_open, 15, "the HSS that was written again")
    await w.ue().bootstrap()


@test("hss nodes are added, changed and removed under load: each request gets its vector, and none is spent for nobody", smoke=True, timeout=120)
async def live(t):
    w = World(t, n_cards=40).no_limits()
    w.bsf_cfg.set("bsf", "shards 3")
    w.hss_cfg.add("subscribers", "ind 0 15")
    await w.start()
    w2 = await second(t, w)
    async with UnderLoad(w) as u:
        await typed(w, f"hss {HSS2}", *(x.strip() for x in node(w2.ports["hss"])))
        await t.until(lambda: is_state(w, HSS2, "open"), 15, "the new one")
        await u.more(40)
        assert await asked(w, HSS2) > 5
        await typed(w, f"hss {HSS2}", "priority 1")
        before, _ = await asked(w, HSS_ID), await u.more(40)
        assert await asked(w, HSS_ID) <= before + 8, "who has another number now is asked no more"
        await typed(w, f"hss {HSS2}", "load 0")
        before, _ = await asked(w, HSS2), await u.more(40)
        assert await asked(w, HSS2) <= before + 8
        await typed(w, f"hss {HSS2}", "no load")
        await typed(w, f"no hss {HSS_ID}")
        await u.more(40)
        assert HSS_ID not in await w.vty("show hss")
        await typed(w, f"hss {HSS_ID}", *(x.strip() for x in node(w.ports["hss"], "priority 1")))
        await t.until(lambda: is_state(w, HSS_ID, "open"), 15, "the one that came back")
        await u.more(40)
        assert await asked(w, HSS_ID) > 0
        await typed(w, "end", f"peer {HSS_ID} disconnect")
        await u.more(40)
        await typed(w, "end", f"peer {HSS_ID} reconnect")
        await t.until(lambda: is_state(w, HSS_ID, "open"), 15, "it to be open again")
        await u.more(40)
    u.no_failure()
    c = await w.counters()
    assert c["zh_late"] == c["zh_down"] == c["zh_timeout"] == 0, c
    assert await spent(w, w2) == c["ub_challenged"] and not c["zh_duplicate"], (await spent(w, w2), c)


@test("what an HSS was asked before the operator disconnects it, or takes it up anew, is answered by it: no vector is lost", smoke=True, timeout=60)
async def waits(t):
    w, w2 = await two(t, ["priority 1"], ["priority 2"], timeout=10)
    for word in ("disconnect", "reconnect"):
        before, rings = await asked(w, HSS_ID), len(w.cards) // 8
        assert "%" not in await typed(w, "fault all delay 1", which="hss")
        runs = [asyncio.ensure_future(w.ue(i).bootstrap()) for i in range(rings)]

        async def all_asked():
            return await asked(w, HSS_ID) == before + rings
        await t.until(all_asked, 10, "the questions to be out")
        await typed(w, "end", f"peer {HSS_ID} {word}")
        await asyncio.gather(*runs)
        assert await asked(w, HSS2) == 0, f"{word}: asked elsewhere before there was a need"
        await typed(w, "no fault all", which="hss")
        if word == "disconnect":
            await t.until(lambda: is_state(w, HSS_ID, "closed"), 10, "it to be off")
            await typed(w, "end", f"peer {HSS_ID} reconnect")
        await t.until(lambda: is_state(w, HSS_ID, "open"), 10, "it to be open again")
    c = await w.counters()
    assert await spent(w, w2) == c["ub_challenged"] == 2 * rings and not c["zh_duplicate"], (await spent(w, w2), c)


@test("shares: priority first, then by load, and show hss says so", smoke=True, timeout=60)
async def shares(t):
    w, w2 = await two(t, ["load 10"], ["load 30"])
    async with UnderLoad(w) as u:
        await u.more(280)
    (_, one), (_, other) = await state(w, HSS_ID), await state(w, HSS2)
    t.note(f"{one['asked']} and {other['asked']} of load 10 and 30")
    assert 0.1 < one["asked"] / (one["asked"] + other["asked"]) < 0.4, (one, other)
    assert one["share"] + other["share"] in (99, 100), (one, other)
    await typed(w, f"hss {HSS_ID}", "priority 1")
    before = await asked(w, HSS2)
    for _ in range(20):
        await w.ue(0).bootstrap()
    assert await asked(w, HSS2) == before
    assert await spent(w, w2) == (await w.counters())["ub_challenged"]


@test("one of two HSSs is killed under load: no device notices, service is away for less than a second, and it comes back", smoke=True,
      timeout=120)
async def killed(t):
    w, w2 = await two(t, ["priority 1"], ["priority 2"], timeout=5)
    async with UnderLoad(w) as u:
        before = await spent(w)
        began = time.monotonic()
        await w.hss.kill()
        await u.more(40)
        away = gap(u.load.ledger, began, time.monotonic())
        assert await is_state(w, HSS_ID, "closed")
        first = (await state(w, HSS_ID))[1]
        await w.hss.start()
        at = time.monotonic()
        await t.until(lambda: is_state(w, HSS_ID, "open"), 10, "it to be connected again")
        back, n = time.monotonic() - at, await asked(w, HSS_ID)
        answered = first["answered"]
        await u.more(40)
        assert await asked(w, HSS_ID) > n
    u.no_failure()
    t.note(f"nobody was served for {away * 1000:.0f} ms, back after {back:.1f} s")
    assert away < 1 * t.factor, away
    c = await w.counters()
    # what was on its way from the dead one is known to nobody; of the living one nothing is lost, of the new one nothing, either
    s = (await state(w, HSS_ID))[1]
    assert s["asked"] == s["answered"] + s["lost"] and s["lost"] <= 8 and not s["timed_out"], s
    assert await settled(t, w, {HSS_ID: None, HSS2: await spent(w2)}) == 0
    assert await spent(w) == s["answered"] - answered, "what is made since it is back"
    assert before <= answered, (before, answered)


@test("one of two HSSs is frozen under load: each device waits for two time-outs at most; three of them and it is asked last; then it is back",
      smoke=True, timeout=120)
async def frozen(t):
    w, w2 = await two(t, ["priority 1"], ["priority 2"], timeout=1)
    async with UnderLoad(w) as u:
        began = time.monotonic()
        os.kill(w.hss.pid, signal.SIGSTOP)
        try:
            await t.until(lambda: is_state(w, HSS_ID, "silent"), 15, "it to be asked last")
            noticed, n = time.monotonic() - began, await asked(w, HSS_ID)
            await u.more(60)
            away, last = gap(u.load.ledger, began, time.monotonic()), await asked(w, HSS_ID)
        finally:
            os.kill(w.hss.pid, signal.SIGCONT)
        at = time.monotonic()

        async def again():
            return await asked(w, HSS_ID) > last + 10
        await t.until(again, 16, "it to be asked again")
        back = time.monotonic() - at
    u.no_failure()
    assert last - n <= 1, "asked last, so not while the other one answers"
    t.note(f"nobody was served for {away:.2f} s, asked last after {noticed:.2f} s, asked again {back:.2f} s after it went on")
    assert away < 2 * t.factor, away
    c = await w.counters()
    late = await settled(t, w, {HSS_ID: await spent(w), HSS2: await spent(w2)})
    s = (await state(w, HSS_ID))[1]
    assert late == s["timed_out"] and s["asked"] == s["answered"], (late, s)


@test("an HSS that says it is too busy is spared while there is another; its error is what the device gets, nobody else is asked", smoke=True)
async def busy(t):
    w, w2 = await two(t, ["priority 1"], ["priority 2"])
    await typed(w, f"fault {w.cards[0].impi} result 3004 times 1", f"fault {w.cards[1].impi} result 5012 times 1", which="hss")
    async with causes.counted(w, zh_error=1):
        assert (await w.ue(1).first()).status == 503
    assert await asked(w, HSS2) == 0
    async with causes.counted(w, zh_busy=1):
        assert (await w.ue(0).first()).status == 503
    assert await asked(w, HSS2) == 0
    words, figures = await state(w, HSS_ID)
    assert "too busy, spared for" in words and figures["too_busy"] == 1, words
    await w.ue(2).bootstrap()
    assert await asked(w, HSS2) == 1
    await t.until(lambda: is_state(w, HSS_ID, "open"), 5, "its time to be over")
    await w.ue(3).bootstrap()
    assert await asked(w, HSS2) == 1


@test("a resynchronisation goes to the HSS that gave the vector, whatever its turn; to another only where that one has gone", smoke=True)
async def resync(t):
    w, w2 = await two(t, ["load 1000"], ["load 1"])
    for gone in (False, True):
        ue = w.ue(int(gone))
        await typed(w, f"hss {HSS_ID}", "load 0")            # the second one gives the vector
        ch = await ue.challenge()
        await typed(w, f"hss {HSS_ID}", "load 1000", "exit", f"hss {HSS2}", "load 0", "exit")
        before, one = await w2.counters("hss"), await asked(w, HSS_ID)
        if gone:
            await w2.hss.stop()
            await t.until(lambda: is_state(w, HSS2, "closed"), 10, "it to be gone")
        auts = ue.usim.mil.auts(ch.rand, (ue.usim.highest() or 0) + (1 << 20))
        r = await ue.send(digest.format_params(ue.auts_params(ch, auts)))
        assert r.status == 401, r.status
        if gone:
            assert await asked(w, HSS_ID) == one + 1
        else:
            assert await asked(w, HSS_ID) == one and (await w2.counters("hss"))["hss_resync"] == before["hss_resync"] + 1
            await typed(w, f"hss {HSS2}", "load 1")


@test("T and one End-to-End id: only on what may have arrived before, and never after an answer", smoke=True)
async def marks(t):
    w = World(t, raw_hss=True).no_limits()
    other = await RawHss(HSS2).start()
    t.cleanup(other.stop)
    for c in w.cards:
        other.add(c.impi, c.k, c.opc)
    w.bsf_cfg.set(f"hss {HSS_ID}", "timeout 1")
    w.bsf_cfg.set(f"hss {HSS_ID}", "priority 1")
    w.bsf_cfg.nodes.append([f"hss {HSS2}", node(other.port, "timeout 1")])
    await w.start()
    await other.wait_peer()
    for behave in (RawHss.never, RawHss.hang_up):
        w.raw_hss.behave = behave
        n, m = len(w.raw_hss.mars), len(other.mars)
        await w.ue().bootstrap()
        one, repeat = w.raw_hss.mars[n], other.mars[m]
        assert not one.flags & dia.T and repeat.flags & dia.T, (one.flags, repeat.flags)
        assert one.e2e == repeat.e2e and one.text(dia.SESSION_ID) == repeat.text(dia.SESSION_ID)
        assert one.text(dia.DEST_HOST) == HSS_ID and repeat.text(dia.DEST_HOST) == HSS2
    await w.ue().bootstrap()
    assert not other.mars[-1].flags & dia.T and other.mars[-1].e2e != other.mars[-2].e2e


@test("the HSS simulator answers a MAR that comes again, T set, from memory: one sequence number, whoever cut the connection; without T two",
      smoke=True)
async def again(t):
    w = await World(t).start(bsf=False)
    card = w.cards[0]
    conn = await raw_bsf_conn(t, w.ports["hss"])

    async def ask(m, flags, on):
        m.flags, m.hbh = dia.R | dia.P | flags, 0
        a = await on.request(m)
        assert a.result == 2001, a.result
        return vector_of(a)
    m = mar(conn, card.impi)
    m.e2e = 4711
    first = await ask(m, 0, conn)
    async with causes.counted(w, "hss", hss_repeated=3):
        assert [await ask(m, dia.T, conn) for _ in range(2)] == [first, first]
        conn.abort()
        conn = await raw_bsf_conn(t, w.ports["hss"])
        assert await ask(m, dia.T, conn) == first
    async with causes.counted(w, "hss", hss_ok=3):
        assert await ask(m, 0, conn) != first            # without T it is another one, whatever its number
        m.e2e = 4712
        assert await ask(m, dia.T, conn) != first
        m.e2e = 4711
        m.avps[0] = dia.Avp(dia.SESSION_ID, "another;1;1")
        assert await ask(m, dia.T, conn) != first
    rand, _, _, _, _ = first
    auts = aka.Milenage(card.k, card.opc).auts(rand, 5000 << 5 | 7)
    m = mar(conn, card.impi, resync=rand + auts)
    m.e2e = 4713
    async with causes.counted(w, "hss", hss_resync=1, hss_repeated=1):
        resynced = await ask(m, 0, conn)
        assert await ask(m, dia.T, conn) == resynced
    await w.hss.kill()
    await w.hss.start()
    conn = await raw_bsf_conn(t, w.ports["hss"])
    async with causes.counted(w, "hss", hss_resync=0, hss_ok=1):
        assert await ask(m, dia.T, conn) not in (first, resynced)        # it was in memory only: a fresh one, and none twice


@test("a MAR that comes again while the first one is still worked on: one vector, for who asked last", smoke=True)
async def again_meanwhile(t):
    w = World(t)
    w.hss_cfg.nodes.append([f"fault {w.cards[0].impi} delay 1 times 1", []])
    await w.start(bsf=False)
    conn = await raw_bsf_conn(t, w.ports["hss"])
    m = mar(conn, w.cards[0].impi)
    m.e2e = 99
    first = asyncio.ensure_future(conn.request(m))
    again_ = dia.Msg(m.cmd, m.app, m.avps, dia.R | dia.P | dia.T, e2e=99)
    await asyncio.sleep(0)                                    # the first one is sent
    async with causes.counted(w, "hss", hss_ok=1):
        a = await conn.request(again_)
    assert a.result == 2001 and not first.done()
    first.cancel()
