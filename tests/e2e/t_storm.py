# SPDX-License-Identifier: AGPL-3.0-or-later
"""One card that asks without end: what it gets, what is left of it, and that nobody else notices."""
import asyncio

from lib import digest, naf
from lib.runner import test
from lib.ue import UbError
from lib.world import World

RUNS = 500


async def one_run(ue):
    """A whole run by RES of the card's keys, whatever the order the vectors come in: (status, session or None)."""
    try:
        ch = await ue.challenge()
    except UbError as e:
        return e.response.status, None
    res, ck, ik, _ = ue.usim.mil.f2345(ch.rand)
    r, params = await ue.answer(ch, res)
    return r.status, ue.finish(ch, params, r, res, ck, ik) if r.status == 200 else None


async def storm(w, n):
    """n devices of the first card at once, without TMPIs."""
    ues = [w.ue(0) for _ in range(n)]
    for ue in ues:
        ue.agent = "storm/1"
    return await asyncio.gather(*(one_run(ue) for ue in ues))


@test("500 runs of one IMPI at once, default limits: the limit is kept at the HSS, the rest is 503, and others are served", smoke=True)
async def limited(t):
    w = await World(t).start()
    done = asyncio.ensure_future(storm(w, RUNS))
    for _ in range(4):
        await w.ue(1).bootstrap()
    got = await done
    statuses = [s for s, _ in got]
    assert set(statuses) <= {200, 503} and statuses.count(200) >= 1, statuses
    c, h = await w.counters(), await w.counters("hss")
    asked = h["hss_ok"] - 4
    assert asked <= 6, f"{asked} vectors of one IMPI"
    assert c["ub_limit_impi"] + c["ub_busy"] == statuses.count(503), c
    assert c["store_failed"] == c["zh_error"] == c["zh_timeout"] == 0, c
    await w.ue(2).bootstrap()


@test("500 runs of one IMPI at once, limits off: all are served, one session remains, and it is one of theirs", smoke=True, timeout=120)
async def unlimited(t):
    w = World(t).no_limits()
    w.bsf_cfg.set("ub", "in-flight-impi 1000")
    w.bsf_cfg.set("ub", "in-flight 10000")
    await w.start()
    got = await storm(w, RUNS)
    sessions = [s for status, s in got if status == 200]
    assert len(sessions) == RUNS, [s for s, _ in got if s != 200][:10]
    assert (await w.vty("show sessions count")).split("\n")[0].strip() == "1"
    conn = await w.naf()
    alive = [s for s in sessions if (await naf.fetch(conn, s.btid)).result == 2001]
    assert len(alive) == 1, len(alive)
    assert (await naf.fetch(conn, alive[0].btid)).key == alive[0].ks_naf()


@test("a card that resynchronises without end: its limit is kept, the HSS moves its counter no more often, and others are served in time",
      smoke=True)
async def resyncs(t):
    w = World(t, n_cards=6).no_limits()
    w.bsf_cfg.set("ub", "in-flight-impi 100")
    await w.start()
    stop = False

    async def broken():
        """Always the AUTS of a counter that is far ahead of whatever came."""
        ue, n = w.ue(0), 0
        while not stop:
            n += 1
            try:
                ch = await ue.challenge()
            except UbError:
                continue
            auts = ue.usim.mil.auts(ch.rand, (1000 * n) << 5)
            await ue.send(digest.format_params(ue.auts_params(ch, auts)))
    devices = [asyncio.ensure_future(broken()) for _ in range(20)]
    loop, slowest = asyncio.get_running_loop(), 0
    for n in range(1, 6):
        for _ in range(6):
            began = loop.time()
            await w.ue(n).bootstrap()
            slowest = max(slowest, loop.time() - began)
    stop = True
    await asyncio.gather(*devices)
    c, h = await w.counters(), await w.counters("hss")
    t.note(f"slowest of 30 bootstraps beside it {slowest * 1000:.0f} ms; {h['hss_resync']} AUTS accepted, {c['ub_auts_repeated']} refused")
    assert h["hss_resync"] <= 20, h["hss_resync"]       # each device may have one under way
    assert c["ub_auts_repeated"] + c["ub_limit_resync"] > 20, c
    assert slowest < 2 * t.factor, slowest
    assert h["hss_failed"] == 0 and c["zh_error"] == 0, (c, h)
