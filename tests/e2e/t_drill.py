# SPDX-License-Identifier: AGPL-3.0-or-later
"""One fault after the other while devices bootstrap and NAFs ask for keys, with a ledger (lib/drill.py). Here each once and briefly; make
drill does all of them behind Sentinels, for longer, and cuts wires. An odd clock, and a new KEK, have their brief form in t_redis and t_keks."""
import asyncio
import os
import re
import sys
import time

from lib import ctl, kdf, procs
from lib.drill import BIG, CARDS, Drill
from lib.faketime import WallClock
from lib.kek import new_kek, restart, rotation, until_done
from lib.redis import Redis, Sentinels, at, bootstrap
from lib.runner import test
from lib.ue import Session
from lib.wire import Wire


async def stood_still(d):
    d.redis.freeze()
    await d.run(1)
    d.redis.go_on()
    await d.settled("Redis stood still and goes on", time.monotonic())


async def killed_bsf(d):
    await d.b.bsf.kill()
    await d.run(0.2)
    since = time.monotonic()
    await d.b.bsf.start()
    await d.settled("a BSF was killed and is started again", since)


async def full_memory(d):
    servers = getattr(d.redis, "servers", [d.redis])
    for value in ("1", "0"):
        for s in servers:
            assert await s.ask("CONFIG", "SET", "maxmemory", value) == b"+OK"
        if value == "1":
            await d.run(0.2)
    await d.settled("memory was full and is not any more", time.monotonic())


async def scripts_forgotten(d):
    for s in getattr(d.redis, "servers", [d.redis]):
        await s.ask("SCRIPT", "FLUSH")
    await d.settled("the scripts were forgotten", time.monotonic())


async def too_many(d):
    """What comes after it is taken for the answer of another question until it is noticed: a session may be said to be gone that is there,
    a challenge to be taken (403), and no key is taken for that of another one."""
    d.lossy = True
    for words in (b"+HI\r\n", b":1\r\n", b"$-1\r\n", b"$2\r\nab\r\n"):
        d.redis.wire.add(words)
        await d.run(0.1)
    await d.t.until(lambda: any("a reply nobody asked for" in w.bsf.text() for w in d.worlds), 20, "it to be said")
    await d.settled("replies that nobody asked for", time.monotonic())


async def late_write(d):
    """A session is put, given up, revoked at the other BSF; then Redis reads what was put."""
    ue, wire = d.a.ue(CARDS), d.redis.wire
    ch = await at(ue, d.a).challenge()
    res, ck, ik = ue.usim.authenticate(ch.rand, ch.autn)
    key = b"s" + ch.rand[:13]
    kept = wire.keep(key)
    r, _ = await ue.answer(ch, res)
    link = await kept
    assert r.status == 503, r.status
    await ctl.ask(d.b.ports["bsf_ctl"], f"revoke impi {ue.impi}")
    d.revoked.append(Session(kdf.btid(ch.rand, ch.realm), ck + ik, ch.rand, ue.impi, 0))
    tombstone = await d.redis.told("GET", key)
    assert tombstone != [b"$-1"], "nothing says that it was revoked"
    since = time.monotonic()
    link.release()
    await d.t.until(lambda: link.late.count(b"\r\n") >= 1, 20, "Redis to do it")
    assert await d.redis.told("GET", key) == tombstone, "what was put late has taken the place of a tombstone"
    await d.settled("a write that was given up is done later", since)


async def emptied(d):
    """All sessions are lost; a server that asks for no password is not used."""
    await d.redis.kill()
    kept, d.kept, d.lossy = d.kept, [], True
    await d.redis.start(open_to_all=True)
    await d.t.until(lambda: all("answers without a password" in w.bsf.text() for w in d.worlds), 20, "it to be said")
    await d.run(0.2)
    assert await d.redis.ask("DBSIZE") == b":0", "something was kept there"
    await d.redis.kill()
    d.doubt({})
    await d.redis.start()
    await d.settled("Redis was killed, one that asks for no password took its place, then one that begins empty", time.monotonic())
    assert await d.may_lose("Redis began empty", kept) == kept


async def master_killed(d):
    m = await d.redis.master()
    d.lossy = True
    await m.kill()
    await d.settled("the master was killed", time.monotonic())
    another = await d.redis.another(m)
    assert any(x.startswith(b"errorstat_NOSCRIPT") for x in await another.told("INFO", "errorstats")), "it knew our scripts"
    await d.redis.joins(m, another)


async def killed_sentinel(d):
    s = d.redis.sentinels[0]
    await s.kill()
    await d.settled("a Sentinel was killed", time.monotonic())
    await s.start()


async def master_and_sentinel(d):
    m, s = await d.redis.master(), d.redis.sentinels[1]
    d.lossy = True
    await asyncio.gather(m.kill(), s.kill())
    await d.settled("the master and a Sentinel were killed", time.monotonic())
    await d.redis.joins(m, await d.redis.another(m))
    await s.start()


async def master_and_bsf(d):
    m = await d.redis.master()
    d.lossy = True
    await asyncio.gather(m.kill(), d.b.bsf.kill())
    since = time.monotonic()
    await d.b.bsf.start()
    await d.settled("the master and a BSF were killed", since)
    await d.redis.joins(m, await d.redis.another(m))


async def lost_tombstone(d):
    """The replicas are cut off, a revocation is acknowledged, the master and a BSF are killed: the session comes back, the mark does, too."""
    s = await bootstrap(d.a.ue(CARDS))
    key = b"s" + s.rand[:13]
    await d.replicated()
    m = await d.redis.master()
    replicas = [x for x in d.redis.servers if x is not m]
    was = await m.told("GET", key)
    before = d.newest()
    for r in replicas:
        r.freeze()
    for words in (("CONFIG", "SET", "min-replicas-to-write", "0"), ("CLIENT", "KILL", "TYPE", "replica")):
        await m.ask(*words)                         # what is on its way to a replica would be read in the end
    said = await d.revoke(d.a, s)
    assert said["failover_safe"] is False and said["confirmed"] == 2, said
    assert await m.told("GET", key) != was
    late, d.kept, d.lossy = await d.keep(), [], True
    await asyncio.gather(m.kill(), d.b.bsf.kill())
    since = time.monotonic()
    d.doubt(before)
    for r in replicas:
        r.go_on()
    await d.b.bsf.start()                           # it knows nothing of it, and may come to the new master first
    another = await d.redis.another(m)
    assert await another.told("GET", key) == was, "the tombstone was not lost"
    await d.settled("a tombstone was lost with its master, and a BSF was killed", since)
    assert await d.may_lose("what the master acknowledged while no replica had it", late)
    d.kept = await d.keep()
    await d.redis.joins(m, another)


async def master_and_replica(d):
    """All that is there is lost; the marks come back from the BSFs."""
    m = await d.redis.master()
    spare, last = [x for x in d.redis.servers if x is not m]
    await spare.kill()
    kept, d.kept, d.lossy = d.kept, [], True
    await asyncio.gather(m.kill(), last.kill())
    since = time.monotonic()
    d.doubt({})
    await d.redis.joins(m)
    for r in (last, spare):
        await d.redis.joins(r, m)
    await d.settled("the master and its only replica were killed, and begin empty", since)
    assert await d.may_lose("no server was left", kept) == kept
    d.kept = await d.keep()


async def kek_rotated(d):
    """The master is killed when some is sealed anew: what its replica has of before is gone over, too."""
    m = await d.redis.master()
    # of no subscriber; but they are looked at, so the pass takes its time
    await m.ask("EVAL", "for i = 1, 10000 do redis.call('SET', string.format('i%012d', i), 'x') end", "0")
    new_kek(*d.worlds)
    for w in d.worlds:
        await restart(w)
    await ctl.ask(d.a.ports["bsf_ctl"], "kek rotate")

    async def some():
        return (await rotation(d.a))["sealed"] > 0
    await d.t.until(some, 60, "records sealed anew")
    d.lossy = True
    await m.kill()
    assert (await rotation(d.a))["rotation"] != "done"
    await d.settled("the master was killed while a KEK was rotated", time.monotonic())
    await d.redis.joins(m, await d.redis.another(m))
    await until_done(d.t, *d.worlds)


def frozen(seconds):
    """Until another one is the master at least."""
    async def fault(d):
        m = await d.redis.master()
        since, d.lossy = time.monotonic(), True
        m.freeze()
        await d.settled(f"the master stood still{f' for {seconds} s' if seconds else ''}", since)
        while time.monotonic() < since + seconds:
            await asyncio.sleep(0.1)                # that long, whatever else
        m.go_on()
        await d.settled("and went on, which it did as a former one", time.monotonic())
        assert await d.redis.another(m)
    return fault


async def clock_off(d):
    d.wall.step(3600)
    await d.t.until(lambda: "3600 s ahead of its" in d.b.bsf.text(), 20, "the odd clock to be seen")
    await d.run(0.1)
    d.wall.step(0)
    await d.settled("the clock of a BSF was an hour off", time.monotonic())


def cut(what, *rules):
    """\param rules of nft, with PORT of the server"""
    async def fault(d):
        m = await d.redis.master() if hasattr(d.redis, "master") else d.redis
        for command in ("add table inet drill", "add chain inet drill c { type filter hook input priority 0; }",
                        *(f"add rule inet drill c {r.replace('PORT', str(m.port))} drop" for r in rules)):
            await nft(command)
        since, d.lossy = time.monotonic(), m is not d.redis
        if m is d.redis:
            await d.run(1)
        else:
            await d.settled(f"{what} the master was lost", since)
        await nft("delete table inet drill")
        await d.settled(f"and the wire was mended ({what} it had been lost)", time.monotonic())
    return fault


async def nft(command):
    rc, _, err = await procs.run(["nft", command], 10)
    assert rc == 0, err


CUTS = (cut("what goes to", "tcp dport PORT"), cut("what comes from", "tcp sport PORT"), cut("all to and from", "tcp dport PORT", "tcp sport PORT"))
SMALL = (killed_sentinel, lost_tombstone, frozen(0), master_and_replica)
FULL = (master_and_bsf, master_killed, killed_bsf, master_and_sentinel, frozen(5), scripts_forgotten, full_memory, clock_off, kek_rotated, frozen(60))


async def alone():
    """In a network namespace with nothing but lo there is nobody else whose wires would be cut."""
    _, links, _ = await procs.run(["ip", "-o", "link"], 10)
    return links.count("\n") == 1


async def may_cut():
    return await alone() and (await procs.run(["nft", "list", "tables"], 10))[0] == 0


async def in_a_namespace(t):
    """Run the test in a network namespace of its own, if there may be one. \returns false: there may not"""
    rc, out, err = await procs.run(["unshare", "-Urn", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", sys.executable, "-u", sys.argv[0],
                                    "--child", os.path.abspath(__file__), "--only", re.escape(t.name)], 280)
    if not out:
        return False
    for line in out.rstrip().split("\n")[2:]:
        t.note(line.removeprefix("# "))
    assert rc == 0, out + err
    return True


ALONE = (stood_still, killed_bsf, full_memory, scripts_forgotten, too_many, late_write)


@test("drill: Redis stands still, says one thing too many, does late what was given up, is full, is cut off one way and both, begins empty; a BSF "
      "is killed: nothing lost, nothing served that is revoked", timeout=300)
async def drill(t):
    if not await alone() and await in_a_namespace(t):
        return
    cuts = CUTS if await may_cut() else ()
    redis = await Redis(t).start()
    redis.wire = await Wire(t, redis.port).start()
    d = await Drill(t).start(redis)
    faults = (*ALONE, *cuts, emptied)
    for n, fault in enumerate(faults):
        await d.revoke(d.worlds[n % 2], await d.victim())
        await fault(d)
    await d.end(len(faults))
    for load in d.loads:
        assert set(load.ledger.failures) <= {503, 401, 403, "HttpClosed", "ConnectionRefusedError", "ConnectionResetError"}, load.ledger.failures


@test("drill behind Sentinels: one of them is killed, a tombstone is lost with its master and a BSF, a master stands still, all of Redis is killed "
      "(make drill: and all else): what was replicated is served, nothing that is revoked", timeout=900)
async def behind_sentinels(t):
    faults = SMALL
    d = Drill(t)
    if BIG:
        faults = FULL + SMALL
        if await may_cut():
            faults = CUTS + faults
        else:
            t.note("no cuts: they need nft and a network namespace of our own")

    def clock(w):
        d.wall = WallClock(t, w.etc)
        return d.wall.env
    await d.start(await Sentinels(t).start(), clock if BIG else None)
    await d.replicated()
    for n, fault in enumerate(faults):
        order = asyncio.ensure_future(d.revoke(d.worlds[n % 2], await d.victim()))      # meanwhile
        if BIG:
            await order
            await d.replicated()
        await fault(d)
        await order
    assert any("the Sentinels name it in the place of 127.0.0.1" in w.bsf.text() for w in d.worlds)
    await d.end(len(faults))
