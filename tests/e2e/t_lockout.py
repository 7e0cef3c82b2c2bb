# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who knows an IMPI asks for it 10 times a second from another address; its owner is served all the same."""
import asyncio
import os

from lib import causes, digest
from lib.runner import test
from lib.ue import Challenge
from lib.world import World

PER_S = 10


class Stranger:
    """Knows an IMPI and nothing else. What it can get at once it has before the owner comes."""

    def __init__(self, t, ue, source, then=None):
        self.ue, self.then = ue, then
        ue.source = source
        self.statuses = []
        self.task = asyncio.ensure_future(self._run())
        t.cleanup(self.task.cancel)

    async def _one(self):
        r = await self.ue.first()
        self.statuses.append(r.status)
        if r.status == 401 and self.then:
            await self.then(self.ue, Challenge(r))

    async def _run(self):
        for _ in range(PER_S):
            await self._one()
        while True:
            await self._one()
            await asyncio.sleep(1 / PER_S)

    async def at_work(self, t):
        async def limited():
            assert not self.task.done(), self.task.exception()
            return 503 in self.statuses
        await t.until(limited, 10, "the stranger to have used up what it gets")


@test("who knows an IMPI does not lock the subscriber out: 8 of 8 bootstraps beside 10 requests a second from elsewhere",
      smoke=True)
async def locked_out(t):
    w = await World(t, n_cards=2).start()
    strangers = [Stranger(t, w.ue(0), "127.0.0.2"), Stranger(t, w.ue(1), "127.0.0.2")]
    for s in strangers:
        await s.at_work(t)
    owner, old = w.ue(0), w.ue(1)
    for _ in range(8):
        await owner.bootstrap()
    old.agent = "no-tmpi/1.0"
    for _ in range(7):                                           # 1 as a stranger, 6 as one who has proven himself
        await old.bootstrap()
    assert old.tmpi is None and owner.tmpi
    for s in strangers:
        s.task.cancel()
        assert s.statuses.count(401) <= 4, s.statuses             # the limit of vectors holds


@test("beside a stranger of the same address a live TMPI is served, 8 of 8", smoke=True)
async def same_address(t):
    w = await World(t, n_cards=1).start()
    owner = w.ue()
    await owner.bootstrap()
    stranger = Stranger(t, w.ue(), "127.0.0.1")
    await stranger.at_work(t)
    for _ in range(8):
        await owner.bootstrap()
    stranger.task.cancel()


@test("AUTS of random octets do not keep a card from resynchronising", smoke=True)
async def random_auts(t):
    w = await World(t, n_cards=1).start()
    owner = w.ue()
    await owner.bootstrap()

    async def nonsense(ue, ch):
        r = await ue.send(digest.format_params(ue.auts_params(ch, os.urandom(14))))
        assert r.status == 403, r
    async with causes.counted(w, also=("ub_challenged", "ub_limit_impi", "ub_ok"), ub_auts_refused=3):
        stranger = Stranger(t, w.ue(), "127.0.0.2", nonsense)
        await stranger.at_work(t)
        owner.usim.seq = [max(owner.usim.seq) + 5000] * 32        # the card is ahead of the HSS
        await owner.bootstrap()
        stranger.task.cancel()
