# SPDX-License-Identifier: AGPL-3.0-or-later
"""Several HSSs: whose turn it is, who is next, what a device notices when one is killed, frozen, cut off, taken away; and that no
vector is spent for nobody."""
import asyncio
import os
import re
import signal
import time

from lib import aka, causes, dia, digest, procs, vty
from lib.hss import RawHss, mar, vector_of
from lib.load import Load
from lib.runner import test
from lib.world import BSF_ID, HSS_ID, World, raw_bsf_conn

HSS2 = "hss2.mnc001.mcc001.3gppnetwork.org"
REALM = "mnc001.mcc001.3gppnetwork.org"


def node(port, *lines):
    return [f" realm {REALM}", f" connect 127.0.0.1 {port}"] + [f" {x}" for x in lines]


async def second(t, w, identity=HSS2, name="two", start=True, bsf_ids=(BSF_ID,), env=None):
    """One more simulator, with the same subscribers and a part of the IND values of its own."""
    w2 = World(t, name=name)
    w2.cards = w.cards
    w2.hss_cfg.set("diameter", f"identity {identity}")
    w2.hss_cfg.add("subscribers", "ind 16 31")
    if start:
        await w2.start(bsf=False)
    return w2


async def two(t, first=(), other=(), timeout=1, n_cards=40, **kw):
    """A BSF with two HSSs; lines for either hss node."""
    w = World(t, n_cards=n_cards, **kw).no_limits()
    w.hss_cfg.add("subscribers", "ind 0 15")
    w2 = await second(t, w)
    for line in (f"timeout {timeout}",) + tuple(first):
        w.bsf_cfg.set(f"hss {HSS_ID}", line)
    w.bsf_cfg.nodes.append([f"hss {HSS2}", node(w2.ports["hss"], f"timeout {timeout}", *other)])
    await w.start()
    await t.until(lambda: is_state(w, HSS2, "open"), 15, "both to be connected")
    return w, w2


async def state(w, identity):
    """(words, {asked, answered, ...}) of show hss."""
    text = await w.vty("show hss")
    m = re.search(rf"hss {re.escape(identity)} (.*)\n.*\n asked (\d+) \((\d+) %\), answered (\d+), timed out (\d+), lost (\d+), too busy (\d+)", text)
    assert m, text
    return m[1], dict(zip(("asked", "share", "answered", "timed_out", "lost", "too_busy"), map(int, m.groups()[1:])))


async def is_state(w, identity, word):
    return word in (await state(w, identity))[0]


async def asked(w, identity):
    return (await state(w, identity))[1]["asked"]


async def typed(w, *lines):
    v = await vty.Vty.open(w.ports["bsf_vty"])
    try:
        return "".join([await v.command(x) for x in ("enable", "configure terminal") + lines])
    finally:
        v.close()


async def spent(*worlds):
    """Vectors that the simulators gave."""
    n = 0
    for w in worlds:
        c = await w.counters("hss")
        n += c["hss_ok"] + c["hss_resync"]
    return n


def gap(ledger, since, until):
    """The longest time in which no device got its key."""
    at = [since] + [x for x in ledger.done_at if since <= x <= until] + [until]
    return max(b - a for a, b in zip(at, at[1:]))


class UnderLoad:
    """Devices that bootstrap all the while; no_failure(): none of them has noticed anything."""

    def __init__(self, w, in_flight=8):
        self.load = Load(w, in_flight)

    async def __aenter__(self):
        self.load.start()
        await self.more(20)
        return self

    async def __aexit__(self, *exc):
        await self.load.stop()

    async def more(self, n, timeout=30):
        want, end = self.load.ledger.done + n, time.monotonic() + timeout * procs.FACTOR
        while self.load.ledger.done < want:
            assert time.monotonic() < end and not self.load.fatal, (self.load.ledger.failures, self.load.fatal)
            await asyncio.sleep(0.02)

    def no_failure(self):
        assert not self.load.ledger.failures, self.load.ledger.failures


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


@test("hss nodes are added, changed and removed under load: each request gets its vector, none is spent for nobody", smoke=True, timeout=120)
async def live(t):
    w = World(t, n_cards=40).no_limits()
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
    assert await spent(w, w2) == c["ub_challenged"], (await spent(w, w2), c["ub_challenged"])


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
        await w.hss.start()
        at = time.monotonic()
        await t.until(lambda: is_state(w, HSS_ID, "open"), 10, "it to be connected again")
        back, n = time.monotonic() - at, await asked(w, HSS_ID)
        await u.more(40)
        assert await asked(w, HSS_ID) > n
    u.no_failure()
    t.note(f"nobody was served for {away * 1000:.0f} ms, back after {back:.1f} s")
    assert away < 1 * t.factor, away
    c = await w.counters()
    given, gave = await spent(w, w2), c["ub_challenged"]
    # what the dead one gave after it was asked last is known to nobody; of the living one nothing is lost
    assert given <= gave - before + 8 and c["zh_late"] == 0, (given, before, gave)


@test("one of two HSSs is frozen under load: each device waits for two time-outs at most; three of them and it is asked last; then it is back",
      smoke=True, timeout=120)
async def frozen(t):
    w, w2 = await two(t, ["priority 1"], ["priority 2"], timeout=1)
    w.bsf_cfg.set("diameter", "tw 6")
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
    lost = await spent(w, w2) - c["ub_challenged"]
    assert 0 <= lost <= (await state(w, HSS_ID))[1]["timed_out"] and lost <= c["zh_late"], (lost, c)


@test("an HSS that says it is too busy is spared while there is another; its error is what the device gets, nobody else is asked", smoke=True)
async def busy(t):
    w, w2 = await two(t, ["priority 1"], ["priority 2"])
    await vty_hss(w, f"fault {w.cards[0].impi} result 3004 times 1", f"fault {w.cards[1].impi} result 5012 times 1")
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


async def vty_hss(w, *lines):
    v = await vty.Vty.open(w.ports["hss_vty"])
    try:
        return "".join([await v.command(x) for x in ("enable", "configure terminal") + lines])
    finally:
        v.close()


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


def redirect(*hosts, usage=None, cache=None, uri="aaa://{}:3868;transport=tcp"):
    """An SLF's answer (RFC 6733 6.1.8)."""
    async def behave(self, conn, mar):
        avps = [dia.Avp(dia.RESULT, 3006)] + self.head()[2:] + [dia.Avp(dia.REDIRECT_HOST, uri.format(h)) for h in hosts]
        if usage is not None:
            avps.append(dia.Avp(dia.REDIRECT_USAGE, usage))
        if cache is not None:
            avps.append(dia.Avp(dia.REDIRECT_CACHE, cache))
        await conn.send(mar.answer(avps, dia.P | dia.E))
    return behave


async def raw_hss(t, w, identity):
    other = await RawHss(identity).start()
    t.cleanup(other.stop)
    for c in w.cards:
        other.add(c.impi, c.k, c.opc)
    return other


async def slf(t, *lines):
    """A raw SLF, and two raw HSSs that are asked only where it sends us."""
    w = World(t, raw_hss=True, n_cards=6).no_limits()
    one, two_ = [await raw_hss(t, w, f"hss{n}.{REALM}") for n in (1, 2)]
    for other in (one, two_):
        w.bsf_cfg.nodes.append([f"hss {other.identity}", node(other.port, "load 0", "timeout 1")])
    w.bsf_cfg.set(f"hss {HSS_ID}", "timeout 1")
    await w.start()
    for other in (one, two_):
        await t.until(lambda o=other: is_state(w, o.identity, "open"), 10, "all to be connected")
    return w, one, two_


@test("Dz: the HSS that an SLF names is asked, as the same request to another host; its word is kept as long as it says", smoke=True)
async def dz(t):
    w, one, other = await slf(t)
    w.raw_hss.behave = redirect(one.identity)
    for n in (1, 2):                                          # without a usage nothing is kept
        async with causes.counted(w, zh_redirected=1, ub_challenged=1, ub_ok=1):
            await w.ue(0).bootstrap()
        assert len(one.mars) == len(w.raw_hss.mars) == n
    asked_, sent_on = w.raw_hss.mars[-1], one.mars[-1]
    assert sent_on.text(dia.DEST_HOST) == one.identity and asked_.text(dia.DEST_HOST) == HSS_ID
    assert sent_on.e2e == asked_.e2e and not sent_on.flags & dia.T and sent_on.hbh != asked_.hbh
    w.raw_hss.behave = redirect("x..y", "nobody.example.com", other.identity.upper(), usage=6, cache=2)
    await w.ue(1).bootstrap()
    n = len(w.raw_hss.mars)
    async with causes.counted(w, zh_redirect_cached=1, ub_challenged=1, ub_ok=1):
        await w.ue(1).bootstrap()
    assert len(w.raw_hss.mars) == n and len(other.mars) == 2
    await w.ue(0).bootstrap()                                 # of one user
    assert len(w.raw_hss.mars) == n + 1

    async def forgotten():
        await w.ue(1).bootstrap()
        return len(w.raw_hss.mars) > n + 1
    await t.until(forgotten, 5, "its time to be over")
    w.raw_hss.behave = redirect(one.identity, usage=4, cache=60)        # ALL_APPLICATION
    await w.ue(2).bootstrap()
    n = len(w.raw_hss.mars)
    await w.ue(3).bootstrap()
    assert len(w.raw_hss.mars) == n and not w.raw_hss.vectors
    await one.stop()                                          # who was named is gone, and what was said with it
    await t.until(lambda: is_state(w, one.identity, "closed"), 10, "it to be gone")
    w.raw_hss.behave = redirect(other.identity)
    await w.ue(4).bootstrap()
    assert len(w.raw_hss.mars) == n + 1


@test("Dz: circles, chains, foreign hosts and names that are none are refused, each counted, and nobody foreign is asked", smoke=True)
async def dz_refused(t):
    w, one, other = await slf(t)
    stranger = await raw_hss(t, w, "evil.example.com")
    for cause, named in (("zh_redirect_loop", HSS_ID), ("zh_redirect_foreign", "evil.example.com"), ("zh_redirect_foreign", BSF_ID)):
        w.raw_hss.behave = redirect(named, usage=5, cache=3600, uri="aaa://{}:" + str(stranger.port))
        async with causes.counted(w, **{cause: 1}):
            assert (await w.ue().first()).status == 503, named
    for uri in ("http://{}", "aaa://a..b", "aaa://", "{}", "\0", "aaa://{}@evil"):
        w.raw_hss.behave = redirect(one.identity, uri=uri)
        async with causes.counted(w, zh_malformed=1):
            assert (await w.ue().first()).status == 503, uri
    w.raw_hss.behave = redirect(one.identity)
    one.behave = redirect(HSS_ID)                             # back again
    async with causes.counted(w, zh_redirect_loop=1, zh_redirected=1):
        assert (await w.ue().first()).status == 503
    one.behave, other.behave = redirect(other.identity), redirect(one.identity)
    n = len(w.raw_hss.mars) + len(one.mars) + len(other.mars)
    async with causes.counted(w, zh_redirect_loop=1, zh_redirected=2):
        assert (await w.ue().first()).status == 503
    assert len(w.raw_hss.mars) + len(one.mars) + len(other.mars) == n + 3
    assert not stranger.mars and not stranger.conns
    one.behave = None
    await w.ue().bootstrap()


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
    w.hss.proc.kill()
    await w.hss.proc.wait()
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


@test("two HSSs and an SLF of ours: each subscriber is had from the one that has it, by IMPI, range and all; kept, and changed live",
      smoke=True, timeout=60)
async def ours(t):
    w = World(t, n_cards=4).no_limits()                       # its HSS is the SLF, with a database of which nothing is asked
    worlds = []
    for n, name in ((1, "one"), (2, "two")):
        other = await second(t, w, f"hss{n}.{REALM}", name)
        worlds.append(other)
        w.bsf_cfg.nodes.append([f"hss hss{n}.{REALM}", node(other.ports["hss"], "load 0")])
    imsi = [c.imsi for c in w.cards]
    w.hss_cfg.nodes.append([f"redirect {imsi[0]}-{imsi[1]} hss1.{REALM}", []])
    w.hss_cfg.nodes.append([f"redirect {w.cards[1].impi} hss2.{REALM}", []])
    w.hss_cfg.nodes.append([f"redirect all nobody.{REALM}", []])
    w.hss_cfg.nodes.append([f"redirect all hss2.{REALM}", []])
    await w.start()
    for n in (1, 2):
        await t.until(lambda n=n: is_state(w, f"hss{n}.{REALM}", "open"), 10, "all to be connected")
    async with causes.counted(w, "hss", hss_redirected=4), causes.counted(w, zh_redirected=4, ub_challenged=4, ub_ok=4):
        for n in range(4):
            await w.ue(n).bootstrap()
    assert [await spent(x) for x in worlds] == [1, 3]
    await vty_hss(w, "redirect-usage all-user 60")
    async with causes.counted(w, "hss", hss_redirected=1):
        async with causes.counted(w, zh_redirected=1, zh_redirect_cached=2, ub_challenged=3, ub_ok=3):
            for _ in range(3):
                await w.ue(0).bootstrap()
    out = await vty_hss(w, f"no redirect {imsi[0]}-{imsi[1]}", "no redirect all", "no redirect all", f"redirect x hss1.{REALM}",
                        "redirect 5-4 hss1.example", "redirect all a..b", "end", "write file")
    assert "no redirect all" in out and "'x' is nobody" in out and "'5-4' is nobody" in out and "'a..b'" in out and "saved to" in out, out
    with open(w.hss.argv[2], encoding="utf-8") as f:
        text = f.read()
    assert f"redirect {w.cards[1].impi} hss2.{REALM}\nredirect-usage all-user 60\n" in text and text.count("redirect ") == 1, text
    async with causes.counted(w, "hss", hss_ok=1):            # of whom nothing is said it answers itself
        await w.ue(3).bootstrap()
    assert await spent(*worlds) == 7, "and each vector was somebody's"
