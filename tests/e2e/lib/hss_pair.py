# SPDX-License-Identifier: AGPL-3.0-or-later
"""A BSF with several HSSs: how they are written, what show hss says of them, devices that bootstrap all the while."""
import asyncio
import re
import time

from . import procs
from .load import Load
from .world import HSS_ID, World

HSS2 = "hss2.mnc001.mcc001.3gppnetwork.org"
REALM = "mnc001.mcc001.3gppnetwork.org"


def node(port, *lines):
    return [f" realm {REALM}", f" connect 127.0.0.1 {port}"] + [f" {x}" for x in lines]


async def second(t, w, identity=HSS2, name="two"):
    """One more simulator, with the same subscribers and a part of the IND values of its own."""
    w2 = World(t, name=name)
    w2.cards = w.cards
    w2.hss_cfg.set("diameter", f"identity {identity}")
    w2.hss_cfg.add("subscribers", "ind 16 31")
    return await w2.start(bsf=False)


async def two(t, first=(), other=(), timeout=1, n_cards=40, **kw):
    """A BSF of two shards with two HSSs; lines for either hss node."""
    w = World(t, n_cards=n_cards, **kw).no_limits()
    w.bsf_cfg.set("bsf", "shards 2")
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


async def spent(*worlds):
    """Vectors that the simulators gave."""
    n = 0
    for w in worlds:
        c = await w.counters("hss")
        n += c["hss_ok"] + c["hss_resync"]
    return n


async def settled(t, w, made):
    """No vector is lost unseen: each that an HSS made has come (made: how many, by identity; None: it died, and who knows what it made),
    and each that came was given to a device or counted as too late. -> how many were too late"""
    async def books():
        c = await w.counters()
        came = {i: (await state(w, i))[1]["answered"] for i in (HSS_ID, HSS2)}
        late = c["zh_late"] + c["zh_duplicate"]
        return [sum(came.values()) - c["ub_challenged"] - late] + [n - came[i] for i, n in made.items() if n is not None], late

    async def even():
        return not any((await books())[0])
    await t.until(even, 15, "every vector to be accounted for", books)
    return (await books())[1]


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
