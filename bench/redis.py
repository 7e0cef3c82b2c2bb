#!/usr/bin/env python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the store on Redis costs, beside LMDB, in turn in the same run. Usage: redis.py BUILD-FOLDER
[--rounds N] [--quick]   sessions.py has these parts, too

CPU of the BSF per operation, all its threads; beside it that of redis-server per operation."""
import shutil
import socket
import statistics
import subprocess
import sys
import time

import measure

FLAT = 1.10
PROCESSES = (1, 2, 4)
PARTS = ("bir", "bootstrap", "processes")


class RedisBench(measure.Bench):
    def redis(self):
        exe = shutil.which("redis-server")
        if not exe:
            sys.exit("there is no redis-server (Debian: redis-server)")
        port = measure.free_port()
        return self.start(exe, ["--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", self.dir], "Ready to accept connections"), port

    @staticmethod
    def ask(port, *words):
        with socket.create_connection(("127.0.0.1", port), 60) as s, s.makefile("rb") as f:
            s.sendall(f"*{len(words)}\r\n".encode() + b"".join(f"${len(w)}\r\n{w}\r\n".encode() for w in words))
            line = f.readline()
            return f.read(int(line[1:])).decode() if line[:1] == b"$" else line.decode()

    server = None

    def begin(self, quick):
        self.fill("kek-only", 0)                        # the key that seals

    def empty_redis(self):
        """One that has nothing; started by the first that needs it."""
        if self.server:
            self.ask(self.port, "FLUSHALL", "SYNC")
        else:
            self.server, self.port = self.redis()

    @staticmethod
    def ceiling(what, us):
        """Redis is one thread, so its CPU of an operation says how many there can be."""
        print(f"redis-server: {statistics.median(us):.2f} us of CPU per {what}, one thread: {1e6 / statistics.median(us):.0f} a second at most, reckoned")

    def on_redis(self, name, ports, sessions=0):
        """A BSF on the one Redis -> the process, and the file of B-TIDs if it was filled"""
        btids = self.path(name + ".btids")
        if sessions:
            with open(btids, "wb") as f:
                f.write(self.tool("bench/store_fill", ["--redis", self.port, "--kek", self.path("kek"), "--sessions", sessions,
                                                       "--name", measure.NAME, "--guss", measure.GUSS]))
        self.remote = True
        try:
            return self.bsf(self.path(name), ports), btids
        finally:
            self.remote = False

    remote = False

    def store_lines(self, c, store):
        if not self.remote:
            super().store_lines(c, store)
            return
        c.remove("store", "lmdb")
        c.remove("store", "map-size-gib")
        c.add("store", f"redis 127.0.0.1 {self.port}")
        c.add("store", "redis timeout-ms 5000")          # it is the cost that is asked for, not the deadline

    @staticmethod
    def ports():
        return {w: measure.free_port() for w in ("ub", "dia", "hss")}

    def bir(self):
        n, flight, more, server = 10000 // self.scale, 64, [], []
        self.empty_redis()
        p = self.ports(), self.ports()
        store = self.fill("bir", 10000)
        lmdb = self.bsf(store, p[0])
        redis, btids = self.on_redis("bir-redis", p[1], 10000)
        for _ in range(self.rounds):
            before = measure.cpu_us(self.server.pid)
            (a, ar), (b, br) = self.there_and_back(lambda: self.zn_load(lmdb, p[0]["dia"], store + ".btids", n, 1, flight),
                                                   lambda: self.zn_load(redis, p[1]["dia"], btids, n, 1, flight))
            server.append((measure.cpu_us(self.server.pid) - before) / (2 * n))
            more.append(b - a)
            print(f"  LMDB {a:.1f} us ({ar:.0f}/s)   Redis {b:.1f} us ({br:.0f}/s), redis-server {server[-1]:.1f} us", flush=True)
        self.ceiling("BIR", server)
        self.limit("BIR on Redis, more than on LMDB, 64 in flight", statistics.median(more), 3, "us")
        self.stop(lmdb)
        self.stop(redis)

    def bootstrap(self):
        n, first, ratios, server = 4000 // self.scale, 0, [], []
        self.empty_redis()
        p = self.ports(), self.ports()
        for x in p:
            self.spawn("bench/raw_zh", ["serve", measure.HSS_ID, measure.REALM, x["hss"], measure.GUSS])
        lmdb = self.bsf(self.fill("ub-lmdb", 0), p[0])
        redis, _ = self.on_redis("ub-redis", p[1])
        for b in (lmdb, redis):
            self.wait_for(b, measure.HSS_ID)
        for _ in range(self.rounds):
            before = measure.cpu_us(self.server.pid)
            (a, _), (b, _) = self.there_and_back(lambda: self.ub_run(lmdb, p[0]["ub"], n, first),
                                                 lambda: self.ub_run(redis, p[1]["ub"], n, first))
            server.append((measure.cpu_us(self.server.pid) - before) / (2 * n))
            first += n * 7919
            ratios.append(b / a)
            print(f"  bootstrap: LMDB {a:.1f} us   Redis {b:.1f} us, redis-server {server[-1]:.1f} us", flush=True)
        self.ceiling("bootstrap", server)
        self.verdict("a bootstrap on Redis, of one on LMDB", ratios, 1.1)
        self.stop(lmdb)
        self.stop(redis)

    def processes(self):
        """The same load by each of 1, 2, 4 at a time: CPU of them all, and of redis-server, per BIR."""
        n, ports = 20000 // self.scale, [self.ports() for _ in range(max(PROCESSES))]
        self.empty_redis()
        made = [self.on_redis(f"p{i}", x, 0 if i else 10000) for i, x in enumerate(ports)]
        btids, cost, server = made[0][1], {k: [] for k in PROCESSES}, {k: [] for k in PROCESSES}
        for _ in range(self.rounds):
            got = {k: [] for k in PROCESSES}
            for k in (*PROCESSES, *reversed(PROCESSES)):        # there and back, as in there_and_back()
                got[k].append(self.side_by_side([b for b, _ in made[:k]], ports[:k], btids, n))
            for k in PROCESSES:
                us, redis, rate = (statistics.mean(x) for x in zip(*got[k]))
                cost[k].append(us)
                server[k].append(redis)
                print(f"  {k} BSFs: {us:.2f} us per BIR, redis-server {redis:.2f} us, {rate:.0f} BIR/s", flush=True)
        for k in PROCESSES:
            self.ceiling(f"BIR, {k} at work", server[k])
        for k in PROCESSES[1:]:
            self.verdict(f"CPU of a BIR, {k} BSFs on one Redis, of one", [a / b for a, b in zip(cost[k], cost[1])], FLAT)
        for b, _ in made:
            self.stop(b)

    def side_by_side(self, bsfs, ports, btids, n):
        before, server, since = sum(measure.cpu_us(b.pid) for b in bsfs), measure.cpu_us(self.server.pid), time.monotonic()
        loads = [subprocess.Popen([self.exe("bench/zn_load")] + [str(a) for a in self.zn_args(x["dia"], btids, n)], stdout=subprocess.DEVNULL)
                 for x in ports]
        for p in loads:
            if p.wait(600):
                sys.exit("bench: a load has failed")
        every = n * len(bsfs)
        return ((sum(measure.cpu_us(b.pid) for b in bsfs) - before) / every, (measure.cpu_us(self.server.pid) - server) / every,
                every / (time.monotonic() - since))


def arguments():
    """The figure of several processes is the median of seven."""
    a = measure.arguments()
    a.set_defaults(rounds=7)
    return a


def main():
    o = arguments().parse_args()
    return RedisBench.measure(o, PARTS, 10 if o.quick else 1) != 0


if __name__ == "__main__":
    sys.exit(main())
