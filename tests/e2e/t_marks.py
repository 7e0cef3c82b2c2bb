# SPDX-License-Identifier: AGPL-3.0-or-later
"""Revocation that holds: marks that every BSF has when the order is answered, whatever happens to Redis, to a BSF, or to a replica."""
import asyncio
import contextlib
import os
import signal

from lib import causes, ctl, naf, procs, vty
from lib.redis import LEASE_MS, Redis, at, bootstrap, two
from lib.runner import test
from lib.ue import UbError
from lib.world import World

GONE = (10415, 5403)


async def order(world, words):
    return await ctl.ask(world.ports["bsf_ctl"], words)


async def serves(t, *worlds):
    async def holds(w):
        return "lease             holds" in await w.vty("show store")
    for w in worlds:
        await t.until(lambda w=w: holds(w), 20, "the marks to be known")


async def both(t, *more, timeout_ms=2000):
    redis = await Redis(t, *more).start()
    a, b = two(t, redis, timeout_ms)
    for w in (a, b):
        w.no_limits()
    await a.start()
    await b.start()
    await serves(t, a, b)
    return redis, a, b


@test("revoke naf: that application gets no key of what was made before, another one does; revoke all: nobody does; after a restart, too", req=["220-4.5.3-13"])
async def of_a_naf_and_all(t):
    w = await World(t, raw_hss=True).start()
    s = await w.ue().bootstrap()
    conn = await w.naf()
    assert (await naf.fetch(conn, s.btid)).result == 2001
    assert await order(w, "revoke naf other.example.com") == {"revoked": 0}
    assert (await naf.fetch(conn, s.btid)).result == 2001
    assert "no key of NAF1.example.com any more that was there before" in await vty.enabled(w.ports["bsf_vty"], "revoke naf NAF1.example.com")
    async with causes.counted(w, zn_key_old=1):
        assert (await naf.fetch(conn, s.btid)).result == GONE
    s = await bootstrap(w.ue())
    assert (await naf.fetch(conn, s.btid)).result == 2001
    assert await order(w, "revoke all") == {"revoked": 0}
    assert (await naf.fetch(conn, s.btid)).result == GONE
    await w.bsf.kill()
    t.may_die.add(w.bsf)
    await w.bsf.start()
    conn = await w.naf()
    assert (await naf.fetch(conn, s.btid)).result == GONE
    assert "marks             3 of 1000000" in await w.vty("show store")
    s = await bootstrap(w.ue(1))
    assert (await naf.fetch(conn, s.btid)).result == 2001
    for words in ("revoke naf not_a_name", "revoke naf"):
        assert "allowed" in await ctl.refused(w.ports["bsf_ctl"], words)


async def stand_still(t, pid):
    """Stop each of its threads: a signal comes to one first, and what another decides meanwhile would leave when it goes on."""
    os.kill(pid, signal.SIGSTOP)

    def stopped():
        return all(open(f"/proc/{pid}/task/{n}/stat").read().rpartition(")")[2].split()[0] == "T" for n in os.listdir(f"/proc/{pid}/task"))
    await t.until(stopped, 5, "every thread to stand still")


@test("two BSFs: at the answer of a revocation the other one refuses, each kind of it; one that stands still is named, and serves nothing when it goes on")
async def at_the_answer(t):
    _, a, b = await both(t)
    conn = await b.naf()
    for kind in ("impi", "btid", "naf", "all"):
        ue = a.ue()
        s = await bootstrap(at(ue, b))
        assert (await naf.fetch(conn, s.btid)).result == 2001
        name = {"impi": s.impi, "btid": s.btid, "naf": "naf1.example.com", "all": ""}[kind]
        said = await order(a, f"revoke {kind} {name}".strip())
        assert (await naf.fetch(conn, s.btid)).result == GONE, kind
        assert (said["bsfs"], said["confirmed"], said["late"], said["failover_safe"]) == (2, 2, "", True), said
    s = await bootstrap(at(a.ue(1), b))
    await stand_still(t, b.bsf.pid)
    asked = asyncio.ensure_future(naf.fetch(conn, s.btid))
    said = await order(a, f"revoke impi {s.impi}")
    assert (said["bsfs"], said["confirmed"]) == (2, 1) and said["late"].endswith(f"/{b.bsf.pid}"), said
    os.kill(b.bsf.pid, signal.SIGCONT)
    assert (await asked).result in (GONE, 5012)
    await serves(t, b)
    assert (await naf.fetch(conn, s.btid)).result == GONE


@test("Redis stands still: within the lease a BSF stops serving, with a cause of its own (store_lease); when it goes on it serves again")
async def cut_off(t):
    redis, a, _ = await both(t, timeout_ms=5000)
    s = await bootstrap(a.ue())
    conn = await a.naf()
    redis.freeze()

    async def over():
        return "lease             over" in await a.vty("show store")
    await t.until(over, LEASE_MS / 1000 + 4, "the lease to be over")
    async with causes.counted(a, store_lease=2):
        assert (await naf.fetch(conn, s.btid)).result == 5012
        try:
            assert (await at(a.ue(1), a).first()).status == 503
        except UbError as e:
            assert e.response.status == 503
    causes.register("store_lease")
    redis.go_on()
    await serves(t, a)
    assert (await naf.fetch(conn, s.btid)).result == 2001


@test("Redis begins with the data of before a revocation, or is emptied: the marks come back from a BSF, and hold at one that is new")
async def emptied(t):
    redis, a, b = await both(t)
    s = await bootstrap(a.ue())
    assert await redis.ask("SAVE") == b"+OK"
    await b.bsf.stop()
    await order(a, f"revoke impi {s.impi}")
    assert await redis.ask("ZCARD", "marks") == b":1"
    await redis.kill()
    await redis.start()

    async def is_back():
        return await redis.ask("ZCARD", "marks") == b":1"
    await t.until(is_back, 20, "the mark to come back")
    await b.bsf.start()
    await serves(t, b)
    # the session is there, as if no tombstone had ever been: a replica that had not heard of it
    conn = await b.naf()
    assert (await naf.fetch(conn, s.btid)).result == GONE
    assert "marks             1 of" in await b.vty("show store")
    assert await redis.ask("FLUSHALL", "SYNC") == b"+OK"
    await t.until(is_back, 20, "the mark to come back once more")


@test("marks kept in a file: Redis and the BSF are killed, one begins with old data, the other knows what was revoked; an altered file is refused")
async def kept(t):
    redis = await Redis(t).start()
    a, _ = two(t, redis)
    a.no_limits()
    folder = f"{a.dir}/marks"
    a.bsf_cfg.add("store", f"redis marks {folder}")
    await a.start()
    await serves(t, a)
    s = await bootstrap(a.ue())
    assert await redis.ask("SAVE") == b"+OK"
    await order(a, f"revoke impi {s.impi}")
    os.chmod(folder, 0o777)
    assert "until this daemon ends, order it again" in await ctl.refused(a.ports["bsf_ctl"], f"suspend impi {a.cards[1].impi}")
    await t.until(lambda: f"store: {folder}: " in a.bsf.text(), 5, "the log to say why")
    os.chmod(folder, 0o700)
    await order(a, f"suspend impi {a.cards[1].impi}")
    await redis.kill()
    assert "perhaps not all is revoked" in await ctl.refused(a.ports["bsf_ctl"], f"suspend impi {a.cards[2].impi}")
    await a.bsf.kill()
    t.may_die.add(a.bsf)
    await redis.start()
    await a.bsf.start()
    await serves(t, a)
    assert (await naf.fetch(await a.naf(), s.btid)).result == GONE
    assert await redis.ask("ZCARD", "marks") == b":2"
    assert f"suspended         2, kept in {folder}" in await a.vty("show store")
    await a.bsf.stop()
    with open(f"{folder}/marks", "r+b") as f:
        f.seek(100)
        was = f.read(1)
        f.seek(100)
        f.write(bytes((was[0] ^ 1,)))
    rc, _, err = await procs.run(a.bsf_daemon().argv, 15)
    assert rc != 0 and "record 2 was altered" in err and "allowed: put it back" in err, err


@test("the lost tombstone: a replica is cut off, a revocation is answered as not yet safe, the master dies and the replica takes its place: not served")
async def failover(t):
    redis, a, b = await both(t)
    replica = await Redis(t, "--replicaof", "127.0.0.1", str(redis.port), "--masterauth", redis.admin, "--dbfilename", "replica.rdb").start()
    first, s = await bootstrap(a.ue()), await bootstrap(a.ue(1))

    async def has_all():
        return await redis.has_replicas(1)
    await t.until(has_all, 20, "the replica to have all")

    async def safe():                                # in the time that Redis is given to hear of it from its replica
        try:
            return (await order(a, f"revoke impi {first.impi}"))["failover_safe"]
        except ctl.Refused:                          # with its first replica Redis has another replication ID: the links begin anew
            return False
    await t.until(safe, 20, "a revocation that the replica has")
    replica.freeze()
    await redis.ask("CLIENT", "KILL", "TYPE", "replica")
    said = await order(a, f"revoke impi {s.impi}")
    assert said["failover_safe"] is False and said["confirmed"] == 2, said
    words = "0 of 1 replicas of Redis have the last revocation: not yet safe against a failover"
    await t.until(lambda: words in a.bsf.text(), 10, "the log to say it")
    await b.bsf.stop()                              # who begins anew knows only what the new master knows
    await redis.kill()
    replica.go_on()
    assert await replica.ask("REPLICAOF", "NO", "ONE") == b"+OK"
    assert await replica.ask("ZCARD", "marks") == b":1"
    assert await replica.ask("SAVE") == b"+OK"
    await replica.kill()
    redis.more += ["--dbfilename", "replica.rdb"]
    await redis.start()

    async def is_back():
        return await redis.ask("ZCARD", "marks") == b":2"
    await t.until(is_back, 20, "the mark to come back")
    await b.bsf.start()
    await serves(t, a, b)
    for w in (a, b):
        assert (await naf.fetch(await w.naf(), s.btid)).result == GONE


async def silent_of_replicas(t, target):
    """A way to that Redis on which it names no number of replicas, as some that are rented do not. -> its port"""
    async def pass_on(reader, writer):
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data.replace(b"connected_slaves:", b"something_others:"))
                await writer.drain()
        writer.close()

    async def accept(reader, writer):
        r, w = await asyncio.open_connection("127.0.0.1", target)
        await asyncio.gather(pass_on(reader, w), pass_on(r, writer))
    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    t.cleanup(server.close)
    return server.sockets[0].getsockname()[1]


@test("a Redis that does not say how many replicas it has: a revocation is answered as soon as the BSFs have it, as not safe against a failover")
async def replicas_not_said(t):
    redis = await Redis(t).start()
    redis.port = await silent_of_replicas(t, redis.port)
    a, b = two(t, redis)
    await a.start()
    await b.start()
    await serves(t, a, b)
    s = await bootstrap(a.ue())
    said = await order(a, f"revoke impi {s.impi}")           # it was given up after 8 s, as unknown
    assert said["revoked"] == 1 and said["confirmed"] == 2 and said["failover_safe"] is False, said
    await t.until(lambda: "Redis does not say how many replicas it has" in a.bsf.text(), 10, "the log to say it")
    assert (await naf.fetch(await b.naf(), s.btid)).result == GONE


class LateMarks:
    """A way to that Redis on which what it answers to who follows the marks comes late by so many s; None: not at all."""

    def __init__(self, t, target):
        self.t, self.target, self.late, self.port = t, target, 0, None

    async def start(self):
        server = await asyncio.start_server(self.accept, "127.0.0.1", 0)
        self.t.cleanup(server.close)
        self.port = server.sockets[0].getsockname()[1]
        return self

    async def accept(self, reader, writer):
        r, w = await asyncio.open_connection("127.0.0.1", self.target)
        marks = asyncio.Event()

        async def ask():
            while data := await reader.read(65536):
                if b"\r\nWITHSCORES\r\n" in data:     # nobody else asks so
                    marks.set()
                w.write(data)
            w.close()

        async def answer():
            while data := await r.read(65536):
                if not marks.is_set():
                    writer.write(data)
                elif self.late is not None:
                    asyncio.get_running_loop().call_later(self.late, writer.write, data)
            writer.close()
        with contextlib.suppress(ConnectionError):
            await asyncio.gather(ask(), answer())


@test("grace: where only what follows the marks is cut off a BSF serves its own sessions for so long, not another's; a revocation waits for that and "
      "names it; answers that are late by less than the lease cost nothing")
async def grace(t):
    redis = await Redis(t).start()
    way = await LateMarks(t, redis.port).start()
    a, b = two(t, redis)
    lines = a.bsf_cfg.node("store")
    lines[:] = [x.replace(f"redis 127.0.0.1 {redis.port}", f"redis 127.0.0.1 {way.port}") for x in lines]
    a.bsf_cfg.add("store", f"redis grace-ms {2 * LEASE_MS}")
    await a.start()
    await b.start()
    await serves(t, a, b)
    own, foreign = await bootstrap(at(a.ue(), a)), await bootstrap(at(a.ue(1), b))
    conn = await a.naf()
    for s in (own, foreign):
        assert (await naf.fetch(conn, s.btid)).result == 2001
    way.late = 0.6 * LEASE_MS / 1000
    held = 0
    for _ in range(25):                             # when each question waited for the answer to the last it was half of the time
        held += "lease             holds" in await a.vty("show store")
        await asyncio.sleep(LEASE_MS / 20000)
    assert held > 20, held
    way.late = None

    async def in_grace():
        return "only sessions made here are served" in await a.vty("show store")
    await t.until(in_grace, 20, "the lease to be over")
    assert (await naf.fetch(conn, own.btid)).result == 2001
    assert (await naf.fetch(conn, foreign.btid)).result == 5012
    said = await order(b, f"revoke impi {own.impi}")
    assert (await naf.fetch(conn, own.btid)).result == 5012
    assert (said["bsfs"], said["confirmed"]) == (2, 1) and said["late"].endswith(f"/{a.bsf.pid}"), said
    assert f"grace-ms          0, the longest of all {2 * LEASE_MS}" in await b.vty("show store")
    way.late = 0
    await serves(t, a)
    assert (await naf.fetch(conn, own.btid)).result == GONE
