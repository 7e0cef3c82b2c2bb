# SPDX-License-Identifier: AGPL-3.0-or-later
"""libgba-naf in applications that fork, that wait in an event loop, that close and open again. GBA_FORKS: how many children
(make naf-forks: 10,000)."""
import asyncio
import os
import signal
import time

from lib import dia, kdf, procs
from lib.app import RawBsf, fingerprint
from lib.dia import Avp
from lib.pki import pki
from lib.runner import test
from lib.world import BSF_ID, BSF_NAME, World

FORKS = int(os.environ.get("GBA_FORKS", "150"))
IDENTITY = "naf1.example.com"


class OneKeyBsf(RawBsf):
    """The same key for every B-TID; what it was asked is kept."""

    def __init__(self, key=None):
        super().__init__()
        self.key, self.ignore = key or os.urandom(32), 0
        self.answer = [Avp(dia.RESULT, 2001), Avp(dia.ME_KEY, self.key), Avp(dia.KEY_EXPIRY, 0xffffffff)]
        self.seen, self._ids = [], set()

    async def _on_request(self, conn, bir):
        self.seen.append((bir.text(dia.SESSION_ID), bir.flags & 0x10, bir.e2e, bir.text(dia.DEST_HOST), bir.text(dia.DEST_REALM)))
        if self.ignore:
            self.ignore -= 1
        else:
            await super()._on_request(conn, bir)

    def live(self):
        return [c for c in self.conns if not c.closed.is_set()]


async def bsf_of(t, key=None, tls=None):
    bsf = await OneKeyBsf(key).start(tls=tls)
    t.cleanup(bsf.stop)
    return bsf


def argv(t, mode, bsf, *more, program="naf_fork"):
    addresses = ",".join(f"127.0.0.1:{b.port}" for b in (bsf if isinstance(bsf, list) else [bsf]))
    key = (bsf[0] if isinstance(bsf, list) else bsf).key
    return [t.need_program(program), mode, addresses, kdf.btid(os.urandom(16), BSF_NAME), fingerprint(key), *map(str, more)]


async def run(t, mode, bsf, *more, timeout=50, env=None):
    rc, out, err = await procs.run(argv(t, mode, bsf, *more), timeout, env=env)
    assert rc == 0, (mode, rc, out, err[-2000:])
    return out, err


def forks_bear(t):
    """The child of a context has a thread of its own."""
    if procs.SANITIZED == "thread":
        t.skip("ThreadSanitizer ends a child that starts a thread")


def ids_differ(t, bsf):
    sessions = [s for s, again, *_ in bsf.seen if not again]
    assert len(set(sessions)) == len(sessions), "two BIRs with one Session-Id"
    ends = len(sessions) - len({e for _, again, e, *_ in bsf.seen if not again})
    by_chance = len(sessions) * FORKS / 2**32                    # each process begins anywhere in 32 bits
    assert ends <= 3 + 6 * by_chance, f"{ends} End-to-End ids twice among {len(sessions)}"
    t.note(f"{len(sessions)} BIRs, {ends} End-to-End ids twice")


@test("a pre-forking server: each child of an open context gets its key, none hangs, no Session-Id twice", smoke=True, timeout=600)
async def preforking(t):
    forks_bear(t)
    bsf = await bsf_of(t)
    await run(t, "prefork", bsf, FORKS, timeout=560)
    assert len(bsf.seen) >= FORKS + 1
    ids_differ(t, bsf)


@test("a server with threads that ask while it forks: each child gets its key, none hangs", smoke=True, timeout=600)
async def threaded(t):
    if procs.SANITIZED:
        t.skip("a sanitizer's allocator does not bear fork() beside threads that allocate")
    bsf = await bsf_of(t)
    await run(t, "prefork", bsf, FORKS, 4, timeout=560)
    ids_differ(t, bsf)


@test("a parent that connects later takes up no connection; its children have one each", smoke=True)
async def later(t):
    bsf = await bsf_of(t)
    await run(t, "later", bsf, 20)
    assert len(bsf.conns) == len(bsf.seen) == 20


async def stays_quiet(t, bsf, env):
    p = await asyncio.create_subprocess_exec(*argv(t, "quiet", bsf), stdout=asyncio.subprocess.PIPE, env=procs.environment(env))
    word, child = (await asyncio.wait_for(p.stdout.readline(), 20 * procs.FACTOR)).split()
    assert word == b"ready" and len(bsf.live()) == 1
    conn = bsf.live()[0]
    os.kill(p.pid, signal.SIGKILL)
    await p.wait()
    try:
        await asyncio.wait_for(conn.closed.wait(), 5 * procs.FACTOR)
        os.kill(int(child), 0)                                   # and lives
    finally:
        os.kill(int(child), signal.SIGKILL)


@test("a child that never calls does not keep its parent's connection alive", smoke=True)
async def quiet(t):
    await stays_quiet(t, await bsf_of(t), {})


async def tls_bsf(t):
    """A BSF with TLS, and what lets naf_fork speak to it."""
    mine = pki().make("naf1", IDENTITY)
    bsf = await bsf_of(t, tls=pki().context(pki().make("bsf", BSF_ID), True))
    return bsf, {"NAF_CERTIFICATE": mine.certificate, "NAF_KEY": mine.key, "NAF_CA": pki().ca()}


@test("TLS and fork(): a child has its own handshake, never hangs, and says nothing on its parent's connection", smoke=True, timeout=600)
async def tls_forks(t):
    forks_bear(t)
    bsf, env = await tls_bsf(t)
    threads = [] if procs.SANITIZED else [4]
    await run(t, "prefork", bsf, FORKS, *threads, timeout=560, env=env)
    assert len(bsf.conns) == FORKS + 1, "the parent's connection was never lost"
    ids_differ(t, bsf)
    bsf, env = await tls_bsf(t)
    await run(t, "later", bsf, 20, env=env)
    assert len(bsf.conns) == 20
    bsf, env = await tls_bsf(t)
    await run(t, "again", bsf, 20, env=env)
    await stays_quiet(t, (await tls_bsf(t))[0], env)


@test("TLS: a child connects with the files its parent read, though they have gone since", smoke=True)
async def tls_files(t):
    forks_bear(t)
    bsf, env = await tls_bsf(t)
    p = await asyncio.create_subprocess_exec(*argv(t, "worker", bsf), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                                             env=procs.environment(env))
    assert (await asyncio.wait_for(p.stdout.readline(), 20 * procs.FACTOR)).startswith(b"ready")
    assert await asyncio.wait_for(p.stdout.readline(), 20 * procs.FACTOR) == b"key\n"
    p.stdin.close()
    assert await asyncio.wait_for(p.wait(), 20 * procs.FACTOR) == 0


@test("an event loop: many fetches under way in one thread, each told by its descriptor", smoke=True)
async def event_loop(t):
    bsf = await bsf_of(t)
    await run(t, "epoll", bsf, 200)
    assert len(bsf.seen) == 200
    ids_differ(t, bsf)


@test("open, ask and close a hundred times, with and without waiting for the connection", smoke=True)
async def again(t):
    bsf = await bsf_of(t)
    await run(t, "again", bsf, 100)
    assert len(bsf.conns) == 100 and not bsf.live()
    ids_differ(t, bsf)


@test("two links to two BSFs, and two contexts on one of them; no Destination-Host where no BSF is named", smoke=True)
async def links(t):
    first = await bsf_of(t)
    second = await bsf_of(t, first.key)
    await run(t, "links", [first, second])
    assert (len(first.conns), len(first.seen), len(second.conns), len(second.seen)) == (1, 2, 1, 1)
    assert {s[3] for s in first.seen + second.seen} == {None}


@test("an unanswered BIR is repeated once, with T, the same End-to-End id and the same Session-Id", smoke=True)
async def repeated(t):
    bsf = await bsf_of(t)
    bsf.ignore = 1
    await run(t, "once", bsf)
    (s1, t1, e1, *_), (s2, t2, e2, *_) = bsf.seen
    assert (s1, e1) == (s2, e2) and not t1 and t2
    bsf.seen.clear()
    bsf.ignore = 1
    gba_naf = [t.need_program("gba-naf"), "bir", kdf.btid(os.urandom(16), BSF_NAME), "--naf", "naf1.example.com", "--ua", "0100000002",
               "--bsf", f"127.0.0.1:{bsf.port}", "--timeout", "3000", "--peer", bsf.identity, "--no-destination-host",
               "--bsf-realm", "another.example.com"]
    rc, out, err = await procs.run(gba_naf, 20)
    assert rc == 0, (rc, out, err)
    assert [(bool(s[1]), s[3], s[4]) for s in bsf.seen] == [(False, None, "another.example.com"), (True, None, "another.example.com")]


@test("a program that unloads the library while its thread runs lives on; SIGPIPE is as it was", smoke=True)
async def unloaded(t):
    bsf = await bsf_of(t)
    lib = os.path.join(procs.BUILD, "naf-lib", ".libs", "libgba-naf.so")
    if not os.path.exists(lib):
        t.skip("no shared library")
    p = await asyncio.create_subprocess_exec(t.need_program("naf_dlopen"), lib, f"127.0.0.1:{bsf.port}", stdin=asyncio.subprocess.PIPE,
                                             stdout=asyncio.subprocess.PIPE, env=procs.environment({}))
    assert await asyncio.wait_for(p.stdout.readline(), 20 * procs.FACTOR) == b"loaded\n"
    for c in bsf.live():
        c.abort()
    n = len(bsf.conns)

    async def back():
        return len(bsf.conns) > n
    await t.until(back, 10, "the unloaded library to connect again")
    p.stdin.close()
    assert await asyncio.wait_for(p.wait(), 10 * procs.FACTOR) == 0


class Worker:
    """naf_fork worker: a child of a parent that connects later, which asks when told to."""

    async def start(self, t, w, session):
        argv = [t.need_program("naf_fork"), "worker", f"127.0.0.1:{w.ports['dia']}", session.btid, fingerprint(session.ks_naf())]
        self.p = await asyncio.create_subprocess_exec(*argv, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                                                      stderr=asyncio.subprocess.DEVNULL, env=procs.environment({}))
        t.cleanup(self.stop)
        self.pid = int((await self.line()).split()[1])
        return self

    async def line(self):
        return await asyncio.wait_for(self.p.stdout.readline(), 30 * procs.FACTOR)

    async def stop(self):
        if self.p.returncode is None:
            self.p.stdin.close()
            await asyncio.wait_for(self.p.wait(), 20 * procs.FACTOR)


@test("four workers of one identity; one is killed -9: the others have not noticed, and a new one is in within 4 s", smoke=True)
async def killed(t):
    w = World(t)
    w.bsf_cfg.add(f"naf {IDENTITY}", "connections 4")
    await w.start()
    s = await w.ue().bootstrap()
    workers = [await Worker().start(t, w, s) for _ in range(4)]
    for k in workers:
        assert await k.line() == b"key\n"
    conns = len(w.bsf.text().split(f"Diameter peer {IDENTITY} ")) - 1
    os.kill(workers[1].pid, signal.SIGKILL)
    began = time.monotonic()
    fifth = await Worker().start(t, w, s)
    assert await fifth.line() == b"key\n"
    took = time.monotonic() - began
    assert took < 4 * procs.FACTOR, took
    for k in (workers[0], workers[2], workers[3], fifth):
        k.p.stdin.write(b"\n")
        assert await k.line() == b"key\n"
    t.note(f"in after {took:.2f} s; {conns} lines of the peer before")


@test("a real BSF: a server with threads that ask, and its forked children, under one identity", smoke=True, timeout=120)
async def real(t):
    forks_bear(t)
    w = World(t)
    w.bsf_cfg.add(f"naf {IDENTITY}", "connections 32")
    await w.start()
    s = await w.ue().bootstrap()
    argv = [t.need_program("naf_fork"), "prefork", f"127.0.0.1:{w.ports['dia']}", s.btid, fingerprint(s.ks_naf()), "60",
            "0" if procs.SANITIZED else "2"]
    rc, out, err = await procs.run(argv, 60)
    assert rc == 0, (rc, out, err[-2000:])
    assert (await w.counters())["zn_ok"] >= 61
