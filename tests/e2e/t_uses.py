# SPDX-License-Identifier: AGPL-3.0-or-later
"""key-uses-max is a promise: an application gets no more keys of one Ks than it says, whoever asks at the same time, and after a daemon was killed."""
import asyncio

from lib import causes, ctl, naf, vty
from lib.redis import Redis, two
from lib.runner import test
from lib.world import World

GONE = (10415, 5403)
MAX = 3
ASKS = 8                                                    # at each connection, all at once


async def looked(w, s):
    """What `test naf` says it would be answered: at the control socket, and at the VTY."""
    line = f"test naf naf1.example.com btid {s.btid}"
    o, shown = await ctl.ask(w.ports["bsf_ctl"], line), await vty.enabled(w.ports["bsf_vty"], line)
    assert f"cause            {o['cause']}" in shown, (o, shown)
    return o["cause"], o["answer"], o["rule"].split(",")[0]


async def bounded(*worlds):
    for w in worlds:
        lines = ["configure terminal", "naf naf1.example.com", f"key-uses-max {MAX}"]
        assert "%" not in (out := await vty.enabled(w.ports["bsf_vty"], *lines)), out


async def storm(s, *conns):
    """How many keys come of this many BIRs at once."""
    answers = await asyncio.gather(*(naf.fetch(c, s.btid) for c in conns for _ in range(ASKS)))
    given = [a for a in answers if a.result == 2001]
    assert all(a.key == s.ks_naf() for a in given) and {a.result for a in answers} <= {2001, GONE}, [a.result for a in answers]
    return len(given)


@test("key-uses-max with BIRs at once: exactly as many keys; killed, it knows no more how many and gives none until the device bootstraps again")
async def one_process(t):
    w = await World(t, raw_hss=True).start()
    await bounded(w)
    conn = await w.naf()
    s = await w.ue().bootstrap()
    async with causes.counted(w, zn_ok=MAX, zn_key_used=ASKS - MAX):
        for _ in range(MAX + 1):
            assert await looked(w, s) == ("zn_ok", 2001, "speaks-for")         # and counts nothing
        assert await storm(s, conn) == MAX
        assert await looked(w, s) == ("zn_key_used", 5403, "key-uses-max")
    fresh = await w.ue(1).bootstrap()
    assert await storm(fresh, conn) == MAX
    unused = await w.ue(2).bootstrap()
    t.may_die.add(w.bsf)
    await w.bsf.kill()
    await w.bsf.start()
    await bounded(w)                                        # it was never written to the file
    conn = await w.naf()
    for old in (s, unused):
        assert await looked(w, old) == ("zn_key_used", 5403, "key-uses-max")
        assert (await naf.fetch(conn, old.btid)).result == GONE
    s = await w.ue().bootstrap()
    assert await storm(s, conn) == MAX


@test("two BSFs on one Redis, BIRs at once at both: together no more keys than key-uses-max; one that is killed and starts again knows the count", req=["220-4.5.3-13"])
async def two_processes(t):
    redis = await Redis(t).start()
    a, b = two(t, redis)
    for w in (a, b):
        w.no_limits()
        await w.start()
    await bounded(a, b)
    conns = [await a.naf(), await b.naf()]
    for n in range(5):
        s = await a.ue(n % 3).bootstrap()
        assert (await looked(a, s))[0] == "zn_ok"
        assert await storm(s, *conns) == MAX
        assert [(await looked(x, s))[0] for x in (a, b)] == ["zn_key_used"] * 2
    s = await a.ue().bootstrap()
    assert (await naf.fetch(conns[0], s.btid)).result == 2001
    t.may_die.add(a.bsf)
    await a.bsf.kill()
    await a.bsf.start()
    await bounded(a)
    assert await storm(s, await a.naf(), conns[1]) == MAX - 1
