# SPDX-License-Identifier: AGPL-3.0-or-later
"""Load: 200 UEs in flight, BSF and HSS killed under it, the HSS away for a minute. LOAD_SCALE shortens."""
import asyncio
import random
import time

from lib import aka, hss, naf, procs
from lib.app import App
from lib.dia_peer import PeerClosed
from lib.http_raw import HttpClosed
from lib.load import Load, NafPool
from lib.runner import test
from lib.world import World, raw_bsf_conn


def limits(w):
    w.no_limits()
    w.bsf_cfg.set("ub", "connections 5000")
    return w


@test("200 UEs in flight: each B-TID once, every key equal at the NAF, memory flat", long=True, timeout=200,
      req=["220-4.4.7-2", "220-4.2.4-5"])
async def flat(t):
    seconds = max(5, 60 * t.scale)
    w = limits(World(t, n_cards=1000))
    w.bsf_cfg.set("ub", "nonce-lifetime 5")           # used nonces are kept so long: all of them are there after the warm-up
    await w.start()
    load, pool = Load(w, 200), NafPool(w)
    t.cleanup(pool.close)
    load.on_session = pool.compare
    load.start()
    await asyncio.sleep(seconds / 4)                  # the length of the warm-up
    rss1 = w.bsf.rss_kib()
    await asyncio.sleep(seconds * 3 / 4)
    await load.stop()
    rss2 = w.bsf.rss_kib()
    led = load.ledger
    t.note(f"{led.done} bootstraps in {seconds:.0f} s, {pool.equal} keys compared, memory {rss1} -> {rss2} KiB, "
           f"not served: {dict(led.failures)}")
    assert led.done > 5 * seconds and pool.equal == led.done, (led.done, pool.equal)
    assert max(led.btids.values()) == 1, "a B-TID twice"
    assert not led.failures, led.failures
    # the ring of 131,072 requests under way, 56 octets each, is touched bit by bit; a sanitizer keeps what was freed
    assert procs.SANITIZED or rss2 < rss1 * 1.05 + 7168, f"memory grew from {rss1} to {rss2} KiB"
    checked, lost = await pool.verify(led)
    assert checked == len(w.cards) and not lost, lost[:3]


@test("kill -9 of the BSF at random moments under load: no session of the ledger is missing", long=True, timeout=600,
      req=["220-4.5.2-29"])
async def kill_bsf(t):
    kills = max(3, round(50 * t.scale))
    w = await limits(World(t, n_cards=4000)).start()
    load, pool = Load(w, 100), NafPool(w)
    t.cleanup(pool.close)
    t.may_die.add(w.bsf)
    load.start()
    worst = 0
    for _ in range(kills):
        want = load.ledger.done + random.randint(5, 120)

        async def enough():
            return load.ledger.done >= want
        await t.until(enough, 30, "bootstraps between two kills")
        await asyncio.sleep(random.random() * 0.05)   # any moment
        await w.bsf.kill()
        began = time.monotonic()
        await w.bsf.start()
        worst = max(worst, time.monotonic() - began)
    await t.until(w.hss_open, 20, "the HSS after the last kill")
    want = load.ledger.done + 100

    async def enough_after():
        return load.ledger.done >= want
    await t.until(enough_after, 30, "bootstraps after the last kill")
    await load.stop()
    t.may_die.discard(w.bsf)
    checked, lost = await pool.verify(load.ledger)
    t.note(f"{kills} kills, {load.ledger.done} bootstraps, {checked} sessions checked, slowest start {worst:.2f} s, "
           f"not served: {dict(load.ledger.failures)}")
    assert not lost, f"{len(lost)} of {checked} sessions lost: {lost[:3]}"
    assert checked > kills * 5, checked
    assert max(load.ledger.btids.values()) == 1


@test("kill -9 of the HSS, driven by a raw Zh peer: no SQN twice, none lower than before", long=True, timeout=300,
      req=["102-6.3.2-1"])
async def kill_hss(t):
    kills = max(5, round(100 * t.scale))
    w = await World(t, n_cards=5).start(bsf=False)
    t.may_die.add(w.hss)
    mils = {c.impi: aka.Milenage(c.k, c.opc) for c in w.cards}
    seen, last = set(), {c.impi: -1 for c in w.cards}
    vectors = 0
    for n in range(kills):
        conn = await raw_bsf_conn(t, w.ports["hss"])
        stop = asyncio.Event()

        async def ask(card):
            nonlocal vectors
            while not stop.is_set():
                try:
                    maa = await conn.request(hss.mar(conn, card.impi))
                except (PeerClosed, ConnectionError):
                    return
                rand, autn, *_ = hss.vector_of(maa)
                sqn = int.from_bytes(aka.xor(autn[:6], mils[card.impi].f2345(rand)[3]), "big")
                assert (card.impi, sqn) not in seen, f"SQN {sqn:012x} twice"
                assert sqn >> 5 > last[card.impi], f"SEQ went back to {sqn >> 5}"
                seen.add((card.impi, sqn))
                last[card.impi] = sqn >> 5
                vectors += 1
        tasks = [asyncio.ensure_future(ask(c)) for c in w.cards for _ in range(1)]
        want = vectors + random.randint(1, 60)

        async def enough():
            return vectors >= want or any(x.done() for x in tasks)
        await t.until(enough, 20, "vectors between two kills")
        await w.hss.kill()
        stop.set()
        await asyncio.gather(*tasks)
        await conn.close()
        await w.hss.start()
    t.may_die.discard(w.hss)
    t.note(f"{kills} kills, {vectors} vectors, {len(seen)} different numbers, highest SEQ {max(last.values())}")
    assert len(seen) == vectors > kills


async def rate_of(load, seconds=2):
    """Bootstraps a second, from now on for so long."""
    n, since = load.ledger.done, time.monotonic()
    await asyncio.sleep(seconds)                         # the length of the measurement
    return (load.ledger.done - n) / (time.monotonic() - since)


@test("the HSS gone for a minute under load: 503 meanwhile, full rate within 10 s of its return", long=True, timeout=240)
async def hss_gone(t):
    gone = max(5, 60 * t.scale)
    w = await limits(World(t, n_cards=600)).start()
    load, pool = Load(w, 50), NafPool(w)
    t.cleanup(pool.close)
    load.start()
    await t.until(lambda: load.ledger.done > 100, 60, "the load to be under way")
    before = await rate_of(load)
    await w.hss.stop()
    w.hss.log += ".2"
    await t.until(lambda: load.ledger.failures[503] > 50, 60, "503 for everybody")
    at = load.ledger.done
    await asyncio.sleep(gone)                            # the length of the outage
    assert load.ledger.done - at <= 50, "bootstraps without an HSS"      # who had a challenge already
    await w.hss.start()
    back, n = time.monotonic(), load.ledger.done
    await t.until(lambda: load.ledger.done > n, 10, "a bootstrap after the return")
    first, after = time.monotonic() - back, 0.0

    async def full():                                    # half of it: another job on the machine may have taken its share
        nonlocal after
        after = await rate_of(load)
        return after > before / 2
    await t.until(full, 30, f"half of the {before:.0f}/s of before", lambda: f"{after:.0f}/s")
    again = time.monotonic() - back
    await load.stop()
    t.note(f"{before:.0f}/s before, {after:.0f}/s after {again:.1f} s, first success after {first:.1f} s; "
           f"not served: {dict(load.ledger.failures)}")
    checked, lost = await pool.verify(load.ledger)
    assert not lost, lost[:3]


async def ask_without_end(w, identity, conns, stop):
    """A NAF with always more requests under way; comes back whenever its connection is lost."""
    answers = 0
    while not stop.is_set():
        try:
            conn = conns[identity] = await naf.connect(w.ports["dia"], identity, "example.com", timeout=2)
            one = naf.bir(conn, "nobody@here", naf.naf_id()).encode()
            while not conn.closed.is_set() and not stop.is_set():
                conn.writer.write(one * 100)
                await conn.writer.drain()
                answers += len(conn.unsolicited)
                conn.unsolicited.clear()
                await asyncio.sleep(0)
            await conn.close()
        except (PeerClosed, ConnectionError, asyncio.TimeoutError):
            await asyncio.sleep(0.01)                    # its former connection is being buried
    return answers


@test("HSS and NAFs lost at the same moment under load, again and again: the BSF goes on with both", long=True, timeout=300)
async def both_lost(t):
    rounds = max(3, round(8 * t.scale))
    w = await limits(World(t, n_cards=600)).start()
    t.may_die.add(w.hss)
    load, conns, end = Load(w, 100), {}, asyncio.Event()
    asking = [asyncio.ensure_future(ask_without_end(w, i, conns, end)) for i in ("naf1.example.com", "gba-naf.example.com")]
    load.start()
    worst = 0.0
    for _ in range(rounds):
        want = load.ledger.done + 100

        async def enough():
            return load.ledger.done >= want
        began = time.monotonic()
        await t.until(enough, 20, "bootstraps after HSS and NAFs came back")
        worst = max(worst, time.monotonic() - began)
        await asyncio.sleep(random.random() * 0.1)       # any moment
        for c in conns.values():
            c.abort()
        await w.hss.kill()
        await asyncio.sleep(random.random())             # requests find no HSS for a while
        await w.hss.start()
    await t.until(w.hss_open, 20, "the HSS after the last round")
    end.set()
    answers = await asyncio.gather(*asking)
    await load.stop()
    t.may_die.discard(w.hss)
    t.note(f"{rounds} rounds, {load.ledger.done} bootstraps, {sum(answers)} answers to the NAFs, 100 bootstraps after at most "
           f"{worst:.1f} s, not served: {dict(load.ledger.failures)}")
    assert min(answers) > 100, answers
    s = await w.ue().bootstrap()
    pool = NafPool(w)
    t.cleanup(pool.close)
    assert (await pool.fetch(s.btid)).key == s.ks_naf()


@test("any start order: the first bootstrap works within 10 s of the last start", smoke=False, timeout=180)
async def order(t):
    took = []
    for n, names in enumerate((("hss", "bsf"), ("bsf", "hss"))):
        w = World(t, name=f"o{n}").no_limits()
        w.write_configs()
        t.worlds.append(w)
        await w.import_subscribers()
        w.hss, w.bsf = w.hss_daemon(), w.bsf_daemon()
        for name in names:
            d = getattr(w, name)
            t.watch(d)
            await d.start()
        began, ue = time.monotonic(), w.ue()

        async def works():
            try:
                return (await ue.first()).status == 401
            except OSError:
                return False
        await t.until(works, 10, f"a challenge, started in the order {names}")
        await ue.bootstrap()
        took.append(f"{' '.join(names)} {time.monotonic() - began:.1f} s")
    t.note("first bootstrap after the last start: " + ", ".join(took))


@test("stop within 20 s although a NAF and the HSS ignore DPR; waiting UEs are told", timeout=120)
async def stop(t):
    w = World(t, raw_hss=True).no_limits()
    w.bsf_cfg.set("hss hss.mnc001.mcc001.3gppnetwork.org", "timeout 60")
    await w.start()
    await w.ue(1).bootstrap()
    conn = await w.naf()
    conn.answer_dpr = False
    for c in w.raw_hss.conns:
        c.answer_dpr = False
    w.raw_hss.behave = hss.RawHss.never
    w.raw_hss.got_mar.clear()
    waiting = asyncio.ensure_future(w.ue(0).first())
    await asyncio.wait_for(w.raw_hss.got_mar.wait(), 5)
    began = time.monotonic()
    rc = await w.bsf.stop(20)
    took = time.monotonic() - began
    t.note(f"stopped after {took:.1f} s")
    assert rc == 0 and took < 20 * t.factor, (rc, took)
    try:
        r = await asyncio.wait_for(waiting, 5)
        assert r.status == 503, r
    except HttpClosed:
        pass                                             # cut is allowed, hanging is not


@test("HSS, BSF and an application stopped at the same moment, again and again: all end at once", timeout=120)
async def stop_together(t):
    w = await World(t).start()
    app = await App(t, w.ports["dia"]).start()
    worst = 0.0
    for _ in range(15):
        await w.wait_hss_peer()
        began = time.monotonic()
        assert await asyncio.gather(w.hss.stop(), app.daemon.stop(), w.bsf.stop()) == [0, 0, 0]
        worst = max(worst, time.monotonic() - began)
        await asyncio.gather(w.hss.start(), w.bsf.start())
        await app.start()
    t.note(f"15 times, the slowest stop took {worst:.1f} s")
    assert worst < 8 * t.factor, worst
