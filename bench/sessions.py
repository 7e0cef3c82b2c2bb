#!/usr/bin/env python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What sessions cost on LMDB and on Redis, each figure with its target. Usage:
sessions.py BUILD-FOLDER [--rounds N] [--quick] [--sessions N] [--only bir|bootstrap|processes|start|memory|sweep]

bir, bootstrap, processes: redis.py. start: LMDB, a million, from exec to the first BIA and to the first 401. memory: octets of each of a
million with its TMPI, without GUSS, in LMDB and in Redis, and how many machines a hundred million take. sweep: BIRs one at a time for
sessions that live, while a million others end; the longest."""
import json
import math
import os
import socket
import statistics
import sys
import threading
import time
import types

import measure
import redis

LIVE = 2000                             # sessions that stay
RATE = 500                              # BIRs a second meanwhile
SWEEP_S = 240                           # watched for so long
CARD, REALM = "001010000000001", "ims.mnc001.mcc001.3gppnetwork.org"
ASK = (f"GET / HTTP/1.1\r\nHost: {measure.NAME}\r\nUser-Agent: gba-ue/0.1.0 3gpp-gba-tmpi\r\n"
       f'Authorization: Digest username="{CARD}@{REALM}", realm="{measure.NAME}", nonce="", uri="/", response=""\r\n\r\n').encode()
ALL, MACHINE, FILLED, FRAGMENTS = 100000000, 128 << 30, 0.7, 1.1     # reckoned: sessions, octets of memory, of them used, of the allocator


def first_401(port, since, took):
    """An HSS that is not connected yet is a 503, which is no answer to a device."""
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), 10) as s:
                s.sendall(ASK)
                if s.recv(4096).startswith(b"HTTP/1.1 401"):
                    took.append(time.monotonic() - since)
                    return
        except ConnectionError:
            pass
        time.sleep(0.002)


def listens(port):
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 10).close()
            return
        except ConnectionError:
            time.sleep(0.002)


class Sessions(redis.RedisBench):
    sessions = 1000000
    quick = False

    def begin(self, quick):
        super().begin(quick)
        self.quick = quick
        self.sessions = min(self.sessions, 20000) if quick else self.sessions

    def put(self, where, n, *more):
        """-> what was printed: B-TIDs"""
        return self.tool("bench/store_fill", [*where, "--kek", self.path("kek"), "--name", measure.NAME, "--sessions", n, *more])

    def restart(self):
        ports, bia, challenge, cpu = self.ports(), [], [], []
        self.spawn("bench/raw_zh", ["serve", measure.HSS_ID, measure.REALM, ports["hss"], measure.GUSS])
        store = self.fill("restart", 0)
        with open(store + ".btids", "wb") as f:
            f.write(self.put(("--dir", store), self.sessions, "--guss", measure.GUSS, "--tmpi", "--print", 1000))
        for _ in range(self.rounds):
            with measure.before_all_else():                     # whatever else runs here is not meant
                b = self.first_answers(store, ports, bia, challenge)
            cpu.append(measure.cpu_us(b.pid) / 1e6)
            print(f"  first BIA after {bia[-1]:.2f} s, first 401 after {challenge[-1]:.2f} s, {cpu[-1]:.2f} s of CPU", flush=True)
            self.stop(b)
        what = f"LMDB, {self.sessions} sessions with TMPI and GUSS, from exec to the first"
        self.limit(f"{what} BIA", statistics.median(bia), 1, "s")
        self.limit(f"{what} 401", statistics.median(challenge), 1, "s")

    def first_answers(self, store, ports, bia, challenge):
        since = time.monotonic()
        ub = threading.Thread(target=first_401, args=(ports["ub"], since, challenge), daemon=True)
        zn = threading.Thread(target=self.first_bia, args=(store, ports, since, bia), daemon=True)
        ub.start()
        zn.start()
        b = self.bsf(store, ports)
        ub.join(120)
        zn.join(120)
        if ub.is_alive() or zn.is_alive():
            sys.exit("bench: no answer within two minutes")
        return b

    def first_bia(self, store, ports, since, took):
        listens(ports["dia"])
        self.tool("bench/zn_load", self.zn_args(ports["dia"], store + ".btids", 1, 1, 1))
        took.append(time.monotonic() - since)

    def figures(self, store):
        with socket.socket(socket.AF_UNIX) as s, s.makefile("rw", encoding="ascii") as f:
            s.settimeout(60)
            s.connect(store + ".control")
            f.write("1 figures\n")
            f.flush()
            return json.loads(f.readline().removeprefix("1 ok "))["figures"]

    def memory(self):
        ports, store = self.ports(), self.fill("memory", 0)
        self.put(("--dir", store), self.sessions, "--tmpi", "--print", 0)
        b = self.bsf(store, ports)
        file = os.path.getsize(store + "/data.mdb") / self.sessions
        index = self.figures(store)["index_octets"] / self.sessions
        self.stop(b)
        print(f"LMDB, {self.sessions} sessions with TMPI, without GUSS: {file:.0f} octets of the file and {index:.0f} of memory each")
        self.empty_redis()
        before = self.used()
        self.put(("--redis", self.port), self.sessions, "--tmpi", "--print", 0)
        each = (self.used() - before) / self.sessions
        self.limit(f"Redis, {self.sessions} sessions with TMPI, without GUSS, used_memory of each", each, 720, "octets")
        self.machines(file + index, each)

    @staticmethod
    def machines(lmdb, redis_each):
        """Memory, since a store that does not fit there is one that waits for its disk: the index and the pages of LMDB, all of Redis."""
        for what, each, more in (("LMDB", lmdb, 1), ("Redis", redis_each, FRAGMENTS)):
            need = each * more * ALL
            print(f"{what}: {ALL} sessions are {need / 1e9:.0f} GB: {math.ceil(need / (MACHINE * FILLED))} machines of {MACHINE >> 30} GiB "
                  f"that are filled to {FILLED:.0%}, and as many for each replica")

    def used(self):
        return int(next(x.split(":")[1] for x in self.ask(self.port, "INFO", "memory").split("\r\n") if x.startswith("used_memory:")))

    def sweep_lmdb(self):
        store = self.fill("sweep", 0)
        self.sweep_of("LMDB", ("--dir", store), store, 10, lambda: self.figures(store)["sessions"])

    def sweep_redis(self):
        self.empty_redis()
        store = self.path("sweep-redis")
        os.mkdir(store)
        self.sweep_of("Redis", ("--redis", self.port), store, 50, lambda: int(self.ask(self.port, "DBSIZE").strip(":\r\n")) // 2)

    def sweep_of(self, what, where, store, most, left):
        """left: how many are there still, about. The same BIRs at the same time go to a daemon that has nothing to sweep: what is long there
        is long because of the machine."""
        ports, n, calm = self.ports(), self.sessions, self.calm_one()
        with open(store + ".btids", "wb") as f:
            f.write(self.put(where, LIVE, "--print", LIVE))
        life = 10 if self.quick else 70 + n // 8000             # longer than filling takes
        ends = time.time() + life
        self.put(where, n, "--print", 0, "--first", LIVE, "--life", life)
        if time.time() > ends - 2:
            sys.exit(f"bench: {n} sessions were not put within {life} s")
        self.remote = where[0] == "--redis"
        b = self.bsf(store, ports)
        begun = left()
        for p, threads in ((b, "shard"), (calm.bsf, "shard"), *(((b, "marks"), (self.server, "redis")) if self.remote else ())):
            measure.real_time(p.pid, threads)                   # whatever else runs here is not meant
        self.remote = False
        before = self.birs(ports, store, calm, lambda: time.time() < ends - 3)
        time.sleep(max(0, ends - 1 - time.time()))
        during = self.birs(ports, store, calm, lambda: left() > LIVE + n / 100 and time.time() < ends + SWEEP_S)
        print(f"  {what}: {begun - left()} of {n} were taken away in {time.time() - ends:.0f} s", flush=True)
        self.told(f"{what}, before", before)
        self.told(f"{what}, during", during)
        self.limit(f"{what}, longest BIR while {n} sessions end", max(x["max_us"] for x, _ in during) / 1000, most, "ms")
        self.stop(b)
        self.stop(calm.bsf)

    def calm_one(self):
        ports, store = self.ports(), self.fill(f"calm-{len(os.listdir(self.dir))}", LIVE)
        return types.SimpleNamespace(ports=ports, store=store, bsf=self.bsf(store, ports))

    @staticmethod
    def told(what, took):
        if not took:
            return
        print(f"  {what}: {len(took) * RATE * 2} BIRs, median {statistics.median(x['p50_us'] for x, _ in took) / 1000:.2f} ms", end="")
        for who, figures in ((", the longest of two seconds", [x for x, _ in took]), ("; of a daemon that sweeps nothing", [x for _, x in took])):
            longest = [x["max_us"] / 1000 for x in figures]
            print(f"{who} {statistics.median(longest):.1f} ms in the median, of all {max(longest):.1f} ms", end="")
        print(flush=True)

    def birs(self, ports, store, calm, go_on):
        """Two seconds of them at a time. -> of each the figures of the load, and of that of the daemon that is calm"""
        took = []
        while go_on():
            with measure.before_all_else():
                loads = [self.meanwhile("bench/zn_load", self.zn_args(p["dia"], s + ".btids", 2 * RATE, in_flight=1) + ["--rate", RATE])
                         for p, s in ((ports, store), (calm.ports, calm.store))]
            took.append([self.end_of(x) for x in loads])
        return took

    def end_of(self, load):
        f = json.loads(load.stdout.read())
        load.wait()
        self.running.remove(load)
        if f["errors"]:
            sys.exit(f"bench: {f}")
        return f


PARTS = {**{x: (x,) for x in redis.PARTS}, "start": ("restart",), "memory": ("memory",), "sweep": ("sweep_lmdb", "sweep_redis")}


def main():
    a = redis.arguments()
    a.add_argument("--sessions", type=int, default=Sessions.sessions)
    a.add_argument("--only", action="append", choices=PARTS)
    o = a.parse_args()
    Sessions.sessions = o.sessions
    begun = time.monotonic()
    missed = Sessions.measure(o, [m for p in o.only or PARTS for m in PARTS[p]], 10 if o.quick else 1)
    print(f"{time.monotonic() - begun:.0f} s, {missed} targets missed, load of the machine now {os.getloadavg()[0]:.1f}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
