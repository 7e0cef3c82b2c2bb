# SPDX-License-Identifier: AGPL-3.0-or-later
"""Two BSFs on one Redis under load, one fault after the other, with a ledger of every 200 and of every revocation: no session lost that
is promised, none served after its revocation, no wrong key ever. GBA_DRILL makes it so many times longer (make drill)."""
import asyncio
import os
import time

from lib import ctl, procs
from lib.dia_peer import PeerClosed
from lib.load import Load, NafPool
from lib.redis import Redis, two
from lib.runner import test
from lib.ue import UbError

CARDS = 40
SCALE = float(os.environ.get("GBA_DRILL", "1"))
GONE = (10415, 5403)


class Drill:
    def __init__(self, t):
        self.t, self.revoked, self.served = t, [], 0

    async def start(self):
        self.redis = await Redis(self.t).start()
        self.a, self.b = self.worlds = two(self.t, self.redis, int(min(500 * procs.FACTOR, 1500)), n_cards=CARDS + 1)
        for w in self.worlds:
            w.no_limits()
            await w.start()
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

    async def run(self, seconds):
        await asyncio.sleep(seconds * SCALE)        # the length of the load

    async def revoke(self, world):
        """A session of a subscriber of its own: made, and revoked at one of them."""
        s = await self.bootstrap(world.ue(CARDS))
        assert await ctl.ask(world.ports["bsf_ctl"], f"revoke impi {s.impi}") == {"revoked": 1}
        self.revoked.append(s)

    @staticmethod
    async def bootstrap(ue):
        for _ in range(50):
            try:
                return await ue.bootstrap()
            except UbError as e:
                assert e.response.status in (401, 503), e
        raise AssertionError("no bootstrap in 50 tries")

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
    d = await Drill(t).start()
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
    d = await Drill(t).start()
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
