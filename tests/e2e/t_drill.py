# SPDX-License-Identifier: AGPL-3.0-or-later
"""Two BSFs on one Redis under load, one fault after the other, with a ledger of every 200 and of every revocation: no session lost that
is promised, none served after its revocation, no wrong key ever. GBA_DRILL makes it so many times longer (make drill)."""
import asyncio
import os
import time

from lib import ctl, procs
from lib.dia_peer import PeerClosed
from lib.load import Load, NafPool
from lib.faketime import WallClock
from lib.redis import Redis, Sentinels, bootstrap, two
from lib.runner import test

CARDS, KEPT = 40, 4
SCALE = float(os.environ.get("GBA_DRILL", "1"))
GONE = (10415, 5403)


class Drill:
    def __init__(self, t):
        self.t, self.revoked, self.served = t, [], 0

    async def start(self, redis, env=None):
        self.redis = await redis.start()
        self.a, self.b = self.worlds = two(self.t, self.redis, int(min(500 * procs.FACTOR, 1500)), n_cards=CARDS + 1 + KEPT)
        self.b.bsf_env = env(self.b) if env else self.b.bsf_env
        for w in self.worlds:
            w.no_limits()
            await w.start()
        self.kept = [await bootstrap(self.worlds[i % 2].ue(CARDS + 1 + i)) for i in range(KEPT)]
        # each subscriber at one of them, so that who has the newest session is known
        self.loads = [Load(w, 4) for w in self.worlds]
        self.loads[0].idle = type(self.loads[0].idle)(list(self.loads[0].idle)[:CARDS // 2])
        self.loads[1].idle = type(self.loads[1].idle)(list(self.loads[1].idle)[CARDS // 2:CARDS])
        self.pools = [NafPool(w, "naf1.example.com") for w in self.worlds]
        for load, pool in zip(self.loads, reversed(self.pools)):
            self.t.cleanup(pool.close)
            load.on_session = self.compare(pool)
            load.start()
        self.watch = asyncio.ensure_future(self.watch_revoked())
        return self

    def compare(self, pool):
        """Now and then the key is asked for at the other BSF: there with its value, or not answered; never another one."""
        async def on_session(s):
            try:
                bia = await pool.fetch(s.btid)
            except (PeerClosed, OSError, asyncio.TimeoutError):
                return
            assert bia.key is None or bia.key == s.ks_naf(), f"{s.btid}: a wrong key"
            assert bia.result in (2001, 5012), (s.btid, bia.result)
            self.served += bia.key is not None
        return on_session

    async def watch_revoked(self):
        """What was revoked is asked for again and again, at both, whatever goes on."""
        while True:
            for s in list(self.revoked):
                for pool in self.pools:
                    try:
                        bia = await pool.fetch(s.btid)
                    except (PeerClosed, OSError, asyncio.TimeoutError):
                        continue
                    assert bia.key is None, f"{s.btid} is served after its revocation"
            await asyncio.sleep(0.05)               # between two rounds

    async def replicated(self):
        """Each replica has what the master has now."""
        m = await self.redis.master()

        async def offsets():
            text = await m.told("INFO", "replication")
            return (next(int(x.split(b":")[1]) for x in text if x.startswith(b"master_repl_offset:")),
                    [int(x.split(b"offset=")[1].split(b",")[0]) for x in text if x.startswith(b"slave") and b"state=online" in x])
        has, _ = await offsets()

        async def there():
            got = (await offsets())[1]
            return len(got) == len(self.redis.servers) - 1 and min(got) >= has
        await self.t.until(there, 20, "the replicas to have it")

    async def run(self, seconds):
        await asyncio.sleep(seconds * SCALE)        # the length of the load

    async def revoke(self, world):
        """A session of a subscriber of its own: made, and revoked at one of them."""
        s = await bootstrap(world.ue(CARDS))
        assert (await ctl.ask(world.ports["bsf_ctl"], f"revoke impi {s.impi}"))["revoked"] == 1
        self.revoked.append(s)

    async def settled(self, fault, since, limit=60):
        """Nobody is refused any more; how long that took."""
        last = [time.monotonic()] * 2
        seen = [None] * 2

        async def quiet():
            for i, load in enumerate(self.loads):
                now = sum(load.ledger.failures.values())
                if seen[i] is None or seen[i][0] != now:
                    last[i] = time.monotonic() if seen[i] is not None else last[i]
                    seen[i] = (now, load.ledger.done)
            return (time.monotonic() - since > 1.5 and time.monotonic() - max(last) > 1
                    and all(load.ledger.done >= s[1] + 5 for load, s in zip(self.loads, seen)))
        await self.t.until(quiet, limit, f"full service after {fault}")
        self.t.note(f"{fault}: full service after {max(last) - since:.1f} s")
        for pool in self.pools:
            for s in self.kept:
                bia = await pool.fetch(s.btid)
                assert bia.result == 2001 and bia.key == s.ks_naf(), f"{fault}: {s.btid}, which nobody touched: {bia.result}"

    async def whole_again(self, fault, since):
        """Both serve; how long that took."""
        for w in self.worlds:
            async def serves(w=w):
                done = self.loads[self.worlds.index(w)].ledger.done_at
                return done and done[-1] > since
            await self.t.until(serves, 20, f"full service after {fault}")
        self.t.note(f"{fault}: full service after {time.monotonic() - since:.2f} s")

    async def end(self):
        for load in self.loads:
            await load.stop()
        if self.watch.done():
            self.watch.result()
        self.watch.cancel()


@test("drill: Redis stands still, a BSF is killed, memory is full, revocations meanwhile: nothing lost, nothing served that is revoked",
      timeout=300)
async def drill(t):
    d = await Drill(t).start(Redis(t))
    await d.run(0.5)
    await d.revoke(d.a)
    d.redis.freeze()
    await d.run(1)
    d.redis.go_on()
    await d.whole_again("Redis stood still", time.monotonic())
    await d.revoke(d.b)
    await d.b.bsf.kill()
    await d.run(0.3)
    await d.b.bsf.start()
    await d.whole_again("a BSF was killed", time.monotonic())
    assert await d.redis.ask("CONFIG", "SET", "maxmemory", "1") == b"+OK"
    await d.run(0.3)
    assert await d.redis.ask("CONFIG", "SET", "maxmemory", "0") == b"+OK"
    await d.whole_again("memory was full", time.monotonic())
    assert await d.redis.ask("SCRIPT", "FLUSH") == b"+OK"
    await d.revoke(d.a)
    await d.run(0.5)
    await d.end()
    for load in d.loads:
        assert set(load.ledger.failures) <= {503, 401, "HttpClosed", "ConnectionRefusedError", "ConnectionResetError"}, load.ledger.failures
        for pool in d.pools:
            n, lost = await pool.verify(load.ledger)
            assert n and not lost, f"{len(lost)} of {n} sessions are lost: {lost[:3]}"
    assert d.served and len(d.revoked) == 3
    t.note(f"{sum(x.ledger.done for x in d.loads)} bootstraps, {d.served} keys, {sum(sum(x.ledger.failures.values()) for x in d.loads)} refused")


@test("drill: Redis is killed and begins empty, which loses all sessions: none comes back, new ones are had at once", timeout=120)
async def emptied(t):
    d = await Drill(t).start(Redis(t))
    await d.run(0.5)
    await d.redis.kill()
    await d.run(0.3)
    before = [dict(x.ledger.sessions) for x in d.loads]
    for load in d.loads:
        for ue in load.idle:
            ue.tmpi = None                          # it was there only
    await d.redis.start()
    since = time.monotonic()
    await d.whole_again("Redis was killed", since)
    await d.end()
    for sessions, load, pool in zip(before, d.loads, d.pools):
        for s in list(sessions.values())[:10]:
            if load.ledger.sessions[s.impi].btid != s.btid:
                assert (await pool.fetch(s.btid)).result == GONE


async def master_killed(d):
    m = await d.redis.master()
    await m.kill()
    since = time.monotonic()
    await d.settled("the master was killed", since)
    await d.redis.joins(m, await d.redis.another(m))


async def sentinel_killed(d):
    s = d.redis.sentinels[0]
    await s.kill()
    await d.settled("a Sentinel was killed", time.monotonic())
    await s.start()


async def bsf_killed(d):
    await d.b.bsf.kill()
    since = time.monotonic()
    await d.b.bsf.start()
    await d.settled("a BSF was killed", since)


async def two_killed(d):
    m, s = await d.redis.master(), d.redis.sentinels[1]
    await asyncio.gather(m.kill(), s.kill())
    since = time.monotonic()
    await d.settled("the master and a Sentinel were killed", since)
    await d.redis.joins(m, await d.redis.another(m))
    await s.start()


def frozen(seconds):
    async def fault(d):
        m = await d.redis.master()
        m.freeze()
        since = time.monotonic()
        await d.settled(f"the master stood still for {seconds} s", since)
        while time.monotonic() < since + seconds:
            await asyncio.sleep(0.1)                # that long, whatever else
        m.go_on()
        await d.settled("and went on, which it did as a former one", time.monotonic())
        assert await d.redis.master() is not m
    return fault


async def full(d):
    for value in ("1", "0"):
        for s in d.redis.servers:
            assert await s.ask("CONFIG", "SET", "maxmemory", value) == b"+OK"
        if value == "1":
            await d.run(0.1)
    await d.settled("memory was full", time.monotonic())


async def scripts_forgotten(d):
    for s in d.redis.servers:
        await s.ask("SCRIPT", "FLUSH")
    await d.settled("the scripts were forgotten", time.monotonic())


async def clock_off(d):
    d.wall.step(3600)
    await d.t.until(lambda: "3600 s ahead of its" in d.b.bsf.text(), 20, "the odd clock to be seen")
    await d.run(0.1)
    d.wall.step(0)
    await d.settled("the clock of a BSF was an hour off", time.monotonic())


def cut(what, *rules):
    """\param rules of nft, with PORT of the master"""
    async def fault(d):
        m = await d.redis.master()
        for command in ("add table inet drill", "add chain inet drill c { type filter hook input priority 0; }",
                        *(f"add rule inet drill c {r.replace('PORT', str(m.port))} drop" for r in rules)):
            rc, _, err = await procs.run(["nft", command], 10)
            assert rc == 0, err
        since = time.monotonic()
        await d.settled(f"{what} the master was lost", since)
        rc, _, err = await procs.run(["nft", "delete table inet drill"], 10)
        assert rc == 0, err
        await d.settled("and the wire was mended", time.monotonic())
    return fault


SMALL = (master_killed,)
FULL = (sentinel_killed, bsf_killed, two_killed, frozen(5), scripts_forgotten, full, clock_off, frozen(60))
CUTS = (cut("what goes to", "tcp dport PORT"), cut("what comes from", "tcp sport PORT"), cut("all to and from", "tcp dport PORT", "tcp sport PORT"))


async def may_cut(t):
    """Only where there is nobody else: in a network namespace with nothing but lo (make drill makes one)."""
    _, links, _ = await procs.run(["ip", "-o", "link"], 10)
    if links.count("\n") == 1 and (await procs.run(["nft", "list", "tables"], 10))[0] == 0:
        return True
    t.note("no cuts: they need nft and a network namespace of our own")
    return False


@test("drill behind Sentinels: a master is killed (make drill: and all else that may fail): what was replicated is served, nothing that is revoked",
      timeout=900)
async def behind_sentinels(t):
    faults = SMALL
    d = Drill(t)
    if SCALE > 1:
        faults += FULL + (CUTS if await may_cut(t) else ())

    def clock(w):
        d.wall = WallClock(t, w.etc)
        return d.wall.env
    await d.start(Sentinels(t), clock if SCALE > 1 else None)
    await d.run(0.2)
    for n, fault in enumerate(faults):
        await d.revoke(d.worlds[n % 2])
        await d.replicated()
        await fault(d)
    await d.end()
    for pool in d.pools:
        for load in d.loads:
            n, lost = await pool.verify(load.ledger)
            assert n and not lost, f"{len(lost)} of {n} sessions are lost: {lost[:3]}"
    assert d.served and len(d.revoked) == len(faults)
    t.note(f"{len(faults)} faults, {sum(x.ledger.done for x in d.loads)} bootstraps, {d.served} keys, {sum(sum(x.ledger.failures.values()) for x in d.loads)} refused")
