# SPDX-License-Identifier: AGPL-3.0-or-later
"""Connections on the Diameter port that say nothing, by the thousand: held or ended, memory is flat, no loop spins, and a good NAF is
served all the while. GBA_FULL=1: ten thousand, as is promised (make node-full)."""
import asyncio
import os
import resource
import select
import socket
import struct
import time

from lib import naf
from lib.procs import SANITIZED, cpu_s, files, many_files
from lib.runner import test
from lib.world import World

FULL = os.environ.get("GBA_FULL") == "1"
SILENT = 10000 if FULL else 1000
SOURCES = 8


class Crowd:
    """Silent connections from SOURCES addresses, while a good NAF asks for its key now and then."""

    def __init__(self, t, w, conn, session):
        self.t, self.port, self.conn, self.session = t, w.ports["dia"], conn, session
        self.socks, self.slowest = [], 0
        t.cleanup(self.leave)

    async def come(self, n):
        for i in range(n):
            sock = socket.socket()
            sock.bind((f"127.0.0.{1 + len(self.socks) % SOURCES}", 0))
            try:
                sock.connect(("127.0.0.1", self.port))
            except ConnectionError:                     # reset before it was there
                sock.close()
                continue
            self.socks.append(sock)
            if i % 50 == 0:
                await self.served()

    async def served(self):
        at = time.monotonic()
        assert (await naf.fetch(self.conn, self.session.btid)).key == self.session.ks_naf()
        self.slowest = max(self.slowest, time.monotonic() - at)
        assert self.slowest < 5 * self.t.factor, f"a good NAF waited {self.slowest:.2f} s"

    def there(self):
        """How many the other side has not ended."""
        p = select.poll()
        for s in self.socks:
            p.register(s, select.POLLIN | select.POLLHUP | select.POLLERR)
        return len(self.socks) - len(p.poll(0))

    async def leave(self):
        for s in self.socks:
            s.close()
        self.socks = []


async def crowd(t, *lines):
    if many_files(16384) < SILENT + 1000:
        t.skip(f"no {SILENT + 1000} descriptors for a process")
    w = World(t, raw_hss=True)
    for node, line in lines:
        w.bsf_cfg.set(node, line)
    await w.start()
    conn, s = await w.naf(), await w.ue().bootstrap()
    return w, Crowd(t, w, conn, s)


async def idle_cost(w):
    """Of a second in which nothing is asked."""
    before = cpu_s(w.bsf.pid)
    await asyncio.sleep(1)                              # what is measured, no wait
    return cpu_s(w.bsf.pid) - before


@test("many more connections that say nothing than may be: the oldest go, memory flat, a good NAF served, a new one let in", timeout=300)
async def too_many(t):
    w, c = await crowd(t)
    await c.come(700)
    before = w.bsf.rss_kib()
    await c.come(SILENT)
    grown = w.bsf.rss_kib() - before
    await t.until(lambda: c.there() <= 512, 10, "the oldest to be ended")
    t.note(f"{len(c.socks)} came, {c.there()} are there, memory grown by {grown} KiB, the slowest BIR took {1000 * c.slowest:.0f} ms")
    assert c.there() > 400 or w.t.factor > 1, c.there()      # but not all of them: only the oldest
    assert grown < 1024 * t.factor, grown
    await w.naf("gba-naf.example.com")
    await c.served()


@test("as many connections that say nothing as may be: all are held, for little memory, nothing spins, and after ten seconds they go",
      timeout=300)
async def all_held(t):
    w, c = await crowd(t, ("diameter", f"without-cer {4 * SILENT}"))
    had, before = files(w.bsf.pid), w.bsf.rss_kib()
    await c.come(SILENT)

    async def accepted():
        return files(w.bsf.pid) >= had + SILENT - 8               # of those before some close
    await t.until(accepted, 5, "all to be accepted")
    there, each = c.there(), 1024 * (w.bsf.rss_kib() - before) / SILENT
    assert there == SILENT, there
    cost = await idle_cost(w)
    t.note(f"{there} held, {each:.0f} octets each, {1000 * cost:.0f} ms in a second, the slowest BIR took {1000 * c.slowest:.0f} ms")
    assert each < 4096 * t.factor and cost < 0.3 * t.factor, (each, cost)
    await w.naf("gba-naf.example.com")

    async def over():
        await c.served()
        return c.there() == 0 and files(w.bsf.pid) <= had + 2
    if not FULL:
        await c.leave()
    await t.until(over, 25, "those that say nothing to be ended")


@test("connections that say nothing use up the descriptors: no end, no loop that spins, a good NAF served, a new one let in", timeout=300)
async def descriptors(t):
    w, c = await crowd(t, ("diameter", f"without-cer {4 * SILENT}"))
    limits = resource.prlimit(w.bsf.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(w.bsf.pid, resource.RLIMIT_NOFILE, (files(w.bsf.pid) + SILENT // 4, limits[1]))
    await c.come(SILENT)
    cost = await idle_cost(w)
    t.note(f"{c.there()} of {len(c.socks)} held, {1000 * cost:.0f} ms in a second, the slowest BIR took {1000 * c.slowest:.0f} ms")
    assert w.bsf.running and cost < 0.3 * t.factor, cost
    new = await naf.connect(w.ports["dia"], "gba-naf.example.com", "example.com", timeout=20 * t.factor)
    assert new.cea.result == 2001
    await c.served()
    resource.prlimit(w.bsf.pid, resource.RLIMIT_NOFILE, limits)
    await c.leave()
    await w.ue(1).bootstrap()


@test("several shards: how many may say nothing is one count for all of them, and for each address half of it", smoke=True)
async def one_count(t):
    w, c = await crowd(t, ("bsf", "shards 4"), ("diameter", "without-cer 64"))
    await c.come(300)
    await t.until(lambda: c.there() <= 64, 10, "the oldest to be ended")
    assert c.there() == 64, c.there()
    await c.leave()
    for _ in range(100):
        c.socks.append(socket.create_connection(("127.0.0.1", c.port)))
    await t.until(lambda: c.there() <= 32, 10, "the oldest of one address to be ended")
    assert c.there() == 32, c.there()
    other = socket.socket()
    other.bind(("127.0.0.2", 0))
    other.connect(("127.0.0.1", c.port))
    await c.served()
    c.socks.append(other)
    assert c.there() == 33, c.there()
    await w.naf("gba-naf.example.com")


class Piler:
    """A NAF that asks without end and never reads; who is cut off comes again."""

    def __init__(self, port, name, btid):
        self.port, self.name, self.btid = port, name, btid
        self.sock, self.sent, self.cut = None, 0, 0

    async def come(self):
        conn = await naf.connect(self.port, self.name, "example.com")
        if conn.cea.result != 2001:                           # it is not known yet that the former has gone
            return await conn.close()
        self.octets = naf.bir(conn, self.btid, naf.naf_id(self.name), gsids=("1",)).encode()
        self.conn, self.sock = conn, conn.writer.get_extra_info("socket").dup()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        conn.pause_reading()

    async def push(self):
        try:
            if self.sock is None:
                await self.come()
            if self.sock:
                self.sent += self.sock.send(self.octets)
        except BlockingIOError:
            pass
        except OSError:
            await self.leave()
            self.cut += 1

    async def leave(self):
        if self.sock:
            self.sock.close()
            await self.conn.close()
            self.sock = None


@test("NAFs that ask and never read: what waits for all of them stays within the buffers: they are cut off, a good NAF is served", timeout=180)
async def piles(t):
    uids = "".join(f"<uid>sip:{i:0200}@example.com</uid>" for i in range(60))
    w = World(t, raw_hss=True, guss='<guss id="{impi}" xmlns="urn:3gpp:gba:GBAGUSSSchema-R9:2010-02"><ussList><uss id="1" type="1"><uids>' +
              uids + "</uids><flags/></uss></ussList></guss>")
    names = [f"m{i}.example.com" for i in range(40)]
    for n in names:
        for line in ("address 127.0.0.1/32", f"speaks-for {n}", "gaa-service 1"):
            w.bsf_cfg.add(f"naf {n}", line)
    w.bsf_cfg.set("diameter", "buffers 2")
    w.bsf_cfg.set("log stderr", "logging level set-all error")
    await w.start()
    good, s = await w.naf(), await w.ue().bootstrap()
    pilers = []
    for n in names:
        pilers.append(Piler(w.ports["dia"], n, s.btid))
        t.cleanup(pilers[-1].leave)
    before, most = w.bsf.rss_kib(), 0

    async def lost():
        nonlocal most
        for _ in range(20):
            for p in pilers:
                await p.push()
            assert (await naf.fetch(good, s.btid, timeout=5 * t.factor)).key == s.ks_naf()
        most = max(most, w.bsf.rss_kib() - before)
        return sum(p.cut for p in pilers) > len(pilers)
    await t.until(lost, 30, "the buffers to be full")
    for _ in range(2):
        await lost()
    assert (await w.counters())["dia_unsent"] >= len(pilers)
    t.note(f"{sum(p.sent for p in pilers) >> 10} KiB asked by {len(pilers)}, cut off {sum(p.cut for p in pilers)} times, memory grown by {most} KiB")
    assert SANITIZED or most < 6000, most
    for p in pilers:
        await p.leave()


@test("connections that are made and aborted all the time: memory flat, a good NAF served", timeout=600)
async def aborted(t):
    w, c = await crowd(t)
    aborts = 100000 if FULL else 2000

    async def abort_some(n):
        for i in range(n):
            sock = socket.socket()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.connect(("127.0.0.1", c.port))
            sock.close()
            if i % 100 == 0:
                await c.served()
    await abort_some(aborts // 4)
    before = w.bsf.rss_kib()
    await abort_some(aborts)
    grown = w.bsf.rss_kib() - before
    t.note(f"{aborts} aborted, memory {before} KiB, grown by {grown}")
    assert grown < 1024 * t.factor, grown
    await c.served()
