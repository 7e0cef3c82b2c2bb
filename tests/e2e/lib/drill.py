# SPDX-License-Identifier: AGPL-3.0-or-later
"""Two BSFs on one Redis under load, and a ledger of every 200 and of every revocation. Whatever is done to them: no session lost that is
promised, none served after its revocation or its end, no wrong key ever; and how long it takes until nobody is refused any more.
GBA_DRILL makes it so many times longer (make drill)."""
import asyncio
import collections
import os
import random
import time

from . import ctl, procs, vty
from .dia_peer import PeerClosed
from .load import Load, NafPool
from .redis import bootstrap, two

SCALE = float(os.environ.get("GBA_DRILL", "1"))
BIG = SCALE > 1
CARDS, KEPT, SHORT = 400 if BIG else 40, 4, 2
VICTIM = CARDS + 1 + KEPT + SHORT
KEYS = 4                    # asked for with each session: its own, and of others
SHORT_S = 2                 # life of the sessions that end meanwhile
GONE = (10415, 5403)
AWAY = (PeerClosed, OSError, asyncio.TimeoutError)


def cpu():
    """(idle, all) of this machine, in its own unit."""
    with open("/proc/stat", encoding="ascii") as f:
        figures = [int(x) for x in f.readline().split()[1:9]]
    return figures[3] + figures[4], sum(figures)


class Drill:
    def __init__(self, t):
        self.t, self.revoked, self.served, self.asked, self.lost, self.table = t, [], 0, 0, 0, []
        self.over = False
        self.lossy = False      # what was there may be gone just now

    async def start(self, redis, env=None):
        self.redis = redis
        self.a, self.b = self.worlds = two(self.t, redis, int(min(500 * procs.FACTOR, 1500)), n_cards=VICTIM + 1)
        self.b.bsf_env = env(self.b) if env else self.b.bsf_env
        for w in self.worlds:
            w.no_limits()
            w.bsf_cfg.set("ub", "nonce-lifetime 10")         # a rotation of the KEK ends when no challenge of before is open
            await w.start()
        self.kept = await self.keep()
        await vty.typed(self.a, "bsf", f"key-lifetime {SHORT_S}")
        self.short = [await bootstrap(self.a.ue(CARDS + 1 + KEPT + i)) for i in range(SHORT)]
        await vty.typed(self.a, "bsf", "key-lifetime 3600")
        # each subscriber at one of them, so that who has the newest session is known
        self.loads = [Load(w, 4) for w in self.worlds]
        for i, load in enumerate(self.loads):
            load.idle = collections.deque(list(load.idle)[i * CARDS // 2:(i + 1) * CARDS // 2])
        self.pools = [NafPool(w, "naf1.example.com") for w in self.worlds]
        for load, pool in zip(self.loads, reversed(self.pools)):
            self.t.cleanup(pool.close)
            load.on_session = self.compare(load.ledger, pool)
            load.start()
        self.watch = asyncio.ensure_future(self.watch_over())
        self.t.cleanup(self.stop)
        if BIG:
            await self.size()
        self.began = time.monotonic()
        return self

    async def keep(self):
        """Sessions that nobody touches."""
        return [await bootstrap(self.worlds[i % 2].ue(CARDS + 1 + i)) for i in range(KEPT)]

    async def size(self):
        """So much load that a third of the machine is left for what the faults make it do."""
        while True:
            idle, whole = cpu()
            await asyncio.sleep(2)                           # the time that is looked at
            now = cpu()
            left, n = (now[0] - idle) / (now[1] - whole), self.loads[0].in_flight
            if left < 0.33 or n >= 32:
                self.t.note(f"load: {2 * n} bootstraps under way; {100 * left:.0f} % of the machine is idle")
                return
            for load in self.loads:
                await load.stop()
                load.in_flight = 2 * n
                load.start()

    async def ask(self, pool, s):
        """What a NAF is told of this session: its key, or None; there with its value, or not answered, never another one."""
        self.asked += 1
        bia = await pool.fetch(s.btid)
        assert bia.key is None or bia.key == s.ks_naf(), f"{s.btid}: a wrong key"
        return bia

    async def told(self, pool, s):
        """As soon as it is not that nothing can be said."""
        result = 5012

        async def known():
            nonlocal result
            result = (await self.ask(pool, s)).result
            return result != 5012
        await self.t.until(known, 20, f"an answer of {s.btid}")
        return result

    def compare(self, ledger, pool):
        """The key is asked for at the other BSF, and others with it."""
        async def on_session(s):
            try:
                bia = await self.ask(pool, s)
                assert bia.result in (2001, 3004, 5012) or self.lossy, (s.btid, bia.result)     # 3004: it stops
                self.served += bia.key is not None
                for _ in range(KEYS - 1):
                    other = random.choice(list(ledger.sessions.values()))
                    self.served += (await self.ask(pool, other)).key is not None
            except AWAY:
                return
        return on_session

    async def watch_over(self):
        """What was revoked, and what is over, is asked for again and again, at both, whatever goes on."""
        while not self.over:
            for pool in self.pools:
                for s in (*self.revoked, *self.short):
                    since = time.time()
                    try:
                        bia = await self.ask(pool, s)
                    except AWAY:
                        continue
                    assert bia.key is None or s not in self.revoked, f"{s.btid} is served after its revocation"
                    assert bia.key is None or since < s.expires_at + 1, f"{s.btid} is served after its end"
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

    async def victim(self):
        """A session of a subscriber of its own, to be revoked."""
        return await bootstrap(self.a.ue(VICTIM))

    async def revoke(self, world, s):
        """At one of them, ordered again until it is answered. What the answer says."""
        while True:
            try:
                said = await ctl.ask(world.ports["bsf_ctl"], f"revoke impi {s.impi}")
                break
            except (ctl.Refused, OSError, ValueError):      # not known, or the BSF is not there
                await asyncio.sleep(0.2)
        self.revoked.append(s)
        return said

    def newest(self):
        return {impi: s for load in self.loads for impi, s in load.ledger.sessions.items()}

    def doubt(self, before):
        """What was made since newest() was that may be lost, and the ledger does not promise it any more."""
        for load in self.loads:
            load.ledger.unsure |= {impi for impi, s in load.ledger.sessions.items() if before.get(impi) is not s}

    def refused(self):
        return [sum(load.ledger.failures.values()) for load in self.loads]

    def done(self):
        return [load.ledger.done for load in self.loads]

    async def settled(self, fault, since, limit=60):
        """Nobody is refused any more, for a while, and each BSF serves; the sessions that nobody touched are there."""
        quiet_s = 1 if BIG else 0.3
        last, seen, then = time.monotonic(), self.refused(), self.done()

        async def quiet():
            nonlocal last, seen, then
            if self.refused() != seen:
                last, seen, then = time.monotonic(), self.refused(), self.done()
            return time.monotonic() > max(last, since + 0.5) + quiet_s and all(n >= x + 5 for n, x in zip(self.done(), then))
        await self.t.until(quiet, limit, f"full service after {fault}")
        self.table.append((fault, max(last - since, 0)))
        self.lossy = False
        if self.watch.done():
            self.watch.result()
        for pool in self.pools:
            for s in self.kept:
                result = await self.told(pool, s)
                assert result == 2001, f"{fault}: {s.btid}, which nobody touched: {result}"

    async def may_lose(self, why, sessions):
        """After settled(). By this fault these sessions, which nobody touched, may be lost; it says how many are."""
        lost = [s for s in sessions if await self.told(self.pools[0], s) == GONE]
        self.lost += len(lost)
        self.t.note(f"{why}: {len(lost)} of {len(sessions)} sessions are lost")
        return lost

    async def stop(self):
        """Nobody asks any more; what was wrong is said, once."""
        if self.over:
            return
        self.over = True
        for load in self.loads:
            await load.stop()
        await self.watch

    async def end(self, faults):
        """All of the ledger."""
        await self.stop()
        await self.t.until(lambda: time.time() > max(s.expires_at for s in self.short) + 1, 2 * SHORT_S, "the short sessions to be over")
        for pool in self.pools:
            for s in (*self.revoked, *self.short):
                assert await self.told(pool, s) == GONE, s.btid
            for load in self.loads:
                sure = [s for s in load.ledger.sessions.values() if s.impi not in load.ledger.unsure]
                lost = [s.btid for s in sure if await self.told(pool, s) != 2001]
                assert sure and not lost, f"{len(lost)} of {len(sure)} sessions are lost: {lost[:3]}"
        assert self.served
        for fault, seconds in self.table:
            self.t.note(f"{seconds:5.1f} s until full service: {fault}")
        passed = time.monotonic() - self.began
        self.t.note(f"{faults} faults, {sum(self.done())} bootstraps ({sum(self.done()) / passed:.0f} a second), {self.served} keys of "
                    f"{self.asked} asked for ({self.asked / passed:.0f} a second), {sum(self.refused())} refused, {self.lost} lost that may be")
