#!/usr/bin/env python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a BIR and a bootstrap cost, beside what they must cost at least. Usage: bench.py BUILD-FOLDER [--full] [--quick]
[--only zn|uss|grants|nafs|policy|ub|beside|calls|gba_u|big]

Everything is the CPU time of one process, user and system, of all its threads, divided by the operations it did. The
processes compared run alternately in the same run, several times, all under one scheduling policy; the ratio is the median
of the ratios of the rounds, because the machine is never quiet. Rates are for orientation."""
import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

SRC = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(SRC, "tests", "e2e"))
from lib.cfg import Cfg  # noqa: E402
from lib.procs import free_port  # noqa: E402

NAME = "bsf.mnc001.mcc001.pub.3gppnetwork.org"
REALM = "mnc001.mcc001.3gppnetwork.org"
BSF_ID, HSS_ID, NAF_ID = "bsf." + REALM, "hss." + REALM, "load.example.com"
MANY = 64                               # NAFs of one BIR each
NAFS = [NAF_ID] + [f"{n + 1}.{NAF_ID}" for n in range(MANY)]
GUSS = os.path.join(SRC, "conf", "guss-1.xml")
RECORD = 200 + os.path.getsize(GUSS)    # octets of a session record with this GUSS


def cpu_us(pid):
    """The clock of a process: CPU of all its threads, to the nanosecond (the kernel's CPUCLOCK_SCHED)."""
    return time.clock_gettime(~pid << 3 | 2) * 1e6


def real_time(pid=0, threads=""):
    """Of a process (its threads of a name that begins so), or of what is started from now on; where it may be."""
    for task in os.listdir(f"/proc/{pid or 'self'}/task"):
        with open(f"/proc/{pid or 'self'}/task/{task}/comm", encoding="ascii") as f:
            if not f.read().startswith(threads):
                continue
        try:
            os.sched_setscheduler(int(task), os.SCHED_RR, os.sched_param(1))
        except PermissionError:
            pass


def arguments():
    """What every bench takes."""
    a = argparse.ArgumentParser()
    a.add_argument("build")
    a.add_argument("--quick", action="store_true", help="a small part of everything: does it still run")
    a.add_argument("--rounds", type=int, default=5)
    return a


def waits(pid):
    """Times a thread of it gave up the CPU to wait. -> those of the shards, those of all others (the committer's)"""
    n = [0, 0]
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status", encoding="ascii") as f:
            words = dict(line.partition(":\t")[::2] for line in f)
        n[not words["Name"].startswith("shard")] += int(words["voluntary_ctxt_switches"])
    return n


class Bench:
    def __init__(self, build, rounds, scale):
        self.build, self.rounds, self.scale = build, rounds, scale
        self.dir = tempfile.mkdtemp(prefix="bench-", dir=build)     # on a disk: commits are durable
        self.running = []
        self.missed = 0

    @staticmethod
    def need_build(folder):
        """One that make knows."""
        if not os.path.isfile(os.path.join(folder, "Makefile")):
            sys.exit(f"{folder} is no build folder: it has no Makefile. The first argument is one, as ./demo and ./test make them: build/gcc")

    @classmethod
    def measure(cls, o, parts, scale=1):
        """These parts, as the arguments o say. -> how many targets were missed"""
        cls.need_build(o.build)
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))     # of all that is started here
        b = cls(os.path.abspath(o.build), o.rounds, scale)
        try:
            b.begin(o.quick)
            for part in parts:
                getattr(b, part)()
                sys.stdout.flush()
        finally:
            b.close()
        return b.missed

    def begin(self, quick):
        """What all its parts need."""

    def path(self, name):
        return os.path.join(self.dir, name)

    def exe(self, name):
        path = os.path.join(self.build, name)
        if not os.access(path, os.X_OK):
            sys.exit(f"{path} is not there. Type: make -C {self.build} bench-programs")
        return path

    def spawn(self, name, args, sign="ready"):
        """Start a server that was built and wait for its line."""
        return self.start(self.exe(name), args, sign)

    def start(self, exe, args, sign):
        log = open(self.path(f"{os.path.basename(exe)}-{len(self.running)}.log"), "w+b")
        p = subprocess.Popen([exe] + [str(a) for a in args], stdout=log, stderr=subprocess.STDOUT)
        p.log = log
        self.running.append(p)
        self.wait_for(p, sign)
        return p

    def wait_for(self, p, sign, seconds=120):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if sign.encode() in self.log_of(p):
                return
            if p.poll() is not None:
                break
            time.sleep(0.02)
        raise SystemExit(f"bench: no '{sign}' from {p.args[0]}:\n{self.log_of(p).decode(errors='replace')}")

    @staticmethod
    def log_of(p):
        with open(p.log.name, "rb") as f:
            return f.read()

    def stop(self, p):
        p.send_signal(signal.SIGTERM)
        p.wait(30)
        p.log.close()
        self.running.remove(p)

    def tool(self, name, args):
        r = subprocess.run([self.exe(name)] + [str(a) for a in args], stdout=subprocess.PIPE, check=True, timeout=3600)
        return r.stdout

    def load(self, server, name, args, n):
        """Run a load of n operations on server. -> CPU of server per operation in us, the load's own figures"""
        before = cpu_us(server.pid)
        figures = json.loads(self.tool(name, args))
        return (cpu_us(server.pid) - before) / n, figures

    def close(self):
        for p in list(self.running):
            p.kill()
            p.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    # --- what is measured
    def bsf(self, store, ports, identity=BSF_ID, others=0, policies=None, more=()):
        """Configuration of conf/, with what a load needs. others: more NAFs that never come; more: (node, line) of its own"""
        c = Cfg(os.path.join(SRC, "conf", "gba-bsf.cfg"))
        c.remove("log stderr", "logging")
        c.add("log stderr", "logging level set-all notice")
        c.set("ub", f"listen 127.0.0.1 {ports['ub']}")
        c.set("ub", "challenges-source off")
        c.set("ub", "challenges-impi off")
        c.set("diameter", f"identity {identity}")
        c.set("diameter", f"listen 127.0.0.1 {ports['dia']}")
        c.set(f"hss {HSS_ID}", f"connect 127.0.0.1 {ports['hss']}")
        for naf in NAFS:
            for line in ("address 127.0.0.1/32", "speaks-for naf1.example.com", "private-identity allow", "gaa-service 1 2"):
                c.add(f"naf {naf}", line)
        for n in range(others):
            for line in (f"address 10.{n >> 16}.{n >> 8 & 255}.{n & 255}/32", f"speaks-for app{n}.example.com", "security plain"):
                c.add(f"naf other{n}.example.com", line)
        for node, line in more:
            c.add(node, line)
        if policies:
            c.nodes.insert(0, [f"policy directory {policies}", []])
        self.store_lines(c, store)
        c.set("store", f"kek 1 file {self.path('kek')}")
        c.set("line vty", f"socket {store}.vty")
        c.set("control", f"socket {store}.control")
        c.write(store + ".cfg")
        return self.spawn("bsf/gba-bsfd", ["-c", store + ".cfg"])

    def store_lines(self, c, store):
        c.set("store", f"lmdb {store}")

    def fill(self, name, sessions):
        """A new database. -> its folder; B-TIDs are in NAME.btids"""
        store = self.path(name)
        os.mkdir(store, 0o700)
        if not os.path.exists(self.path("kek")):
            with open(os.open(self.path("kek"), os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
                f.write(os.urandom(32).hex() + "\n")
        if sessions:
            out = self.tool("bench/store_fill", ["--dir", store, "--kek", self.path("kek"), "--sessions", sessions,
                                                 "--name", NAME, "--guss", GUSS])
            with open(store + ".btids", "wb") as f:
                f.write(out)
        return store

    def zn_args(self, port, btids, n, connections=1, in_flight=64, gsids=()):
        args = ["--identity", NAF_ID, "--port", port, "--realm", REALM, "--btids", btids, "--naf", "naf1.example.com",
                "--requests", n, "--connections", connections, "--in-flight", in_flight]
        return args + [a for g in gsids for a in ("--gsid", g)]

    def zn_load(self, server, *args, **kw):
        """-> CPU of the server per BIR, rate"""
        us, figures = self.load(server, "bench/zn_load", self.zn_args(*args, **kw), args[2])
        return us, figures["rate"]

    def verdict(self, what, ratios, target):
        """target: None where there is none"""
        m = statistics.median(ratios)
        missed = target is not None and m > target
        self.missed += missed
        print(f"{what}: ratio {m:.2f} (rounds {' '.join(f'{r:.2f}' for r in ratios)}), "
              + (f"target {target}: {'MISSED' if missed else 'met'}" if target is not None else "no target"))

    @staticmethod
    def there_and_back(*runs):
        """Each twice, in the order first to last, last to first: what changes on the machine meanwhile hits all alike.
        -> for each the mean of its CPU, and its last rate"""
        there = [run() for run in runs]
        back = [run() for run in reversed(runs)][::-1]
        return [((a + b) / 2, rate) for (a, _), (b, rate) in zip(there, back)]

    def zn(self):
        n = 10000 // self.scale
        ports = {w: free_port() for w in ("ub", "dia", "hss", "echo", "raw")}
        store = self.fill("zn", 10000)
        bsf = self.bsf(store, ports)
        echo = self.spawn("bench/echo_fd", [BSF_ID, REALM, ports["echo"]])
        raw = self.spawn("bench/raw_zn", [BSF_ID, REALM, ports["raw"], RECORD])
        shapes = (("64 in flight on one connection", n, 1, 64, 0.30), (f"{MANY} NAFs of one BIR each", n, MANY, 1, 0.35),
                  ("1 in flight", n // 4, 1, 1, 0.40))
        print("Zn: 10,000 sessions with GUSS in LMDB, CPU of the server per BIR; echo: freeDiameter, always the same answer; "
              "raw: bare epoll, unsealing and HMAC")
        for what, m, conns, flight, target in shapes:
            to_echo, to_raw = [], []
            for _ in range(self.rounds):
                (e, er), (b, br), (r, rr) = self.there_and_back(*(
                    lambda server=server, port=port: self.zn_load(server, ports[port], store + ".btids", m, conns, flight)
                    for server, port in ((echo, "echo"), (bsf, "dia"), (raw, "raw"))))
                to_echo.append(b / e)
                to_raw.append(b / r)
                print(f"  {what}: echo {e:.1f} us ({er:.0f}/s)   gba-bsfd {b:.1f} us ({br:.0f}/s)   raw {r:.1f} us ({rr:.0f}/s)",
                      flush=True)
            self.verdict(f"Zn, {what}, of the echo", to_echo, target)
            print(f"Zn, {what}, of raw: {statistics.median(to_raw):.2f} (aim 1.8, no target)")
        for p in (bsf, echo, raw):
            self.stop(p)

    def uss(self):
        """A BIR with two USSs asked for against one without, of sessions with a GUSS: one daemon, asked in turn."""
        n = 10000 // self.scale
        ports = {w: free_port() for w in ("ub", "dia", "hss")}
        store = self.fill("uss", 1000)
        bsf = self.bsf(store, ports)
        ratios = []
        for _ in range(self.rounds):
            (a, _), (b, _) = self.there_and_back(*(
                lambda g=g: self.zn_load(bsf, ports["dia"], store + ".btids", n, gsids=g) for g in ((), ("1", "2"))))
            ratios.append(b / a)
            print(f"  without {a:.2f} us   two USSs {b:.2f} us", flush=True)
        self.verdict("BIR, two USSs asked for against none", ratios, 1.3)
        self.stop(bsf)

    def grants(self):
        """A BIR of a session with five grants, as the registry writes them, against one with none; both ask for one USS. One daemon, two
        sets of sessions, asked in turn."""
        n, ports = 5000 // self.scale, {w: free_port() for w in ("ub", "dia", "hss")}
        store, btids = self.fill("grants", 0), {}
        uss = "".join(f'<uss id="{g}" type="1" nafGroup="asp-{g}"><uids><uid>{g:032x}</uid></uids><flags/></uss>' for g in range(1, 6))
        with open(GUSS, encoding="utf-8") as f:
            head, end = f.read().partition("<ussList>")[0], "</guss>\n"
        for first, (many, text) in enumerate(((0, ""), (5, f"<ussList>{uss}</ussList>"))):
            with open(self.path("guss.xml"), "w", encoding="utf-8") as f:
                f.write(head + text + end)
            btids[many] = self.path(f"grants{many}.btids")
            with open(btids[many], "wb") as f:
                f.write(self.tool("bench/store_fill", ["--dir", store, "--kek", self.path("kek"), "--sessions", 1000, "--first", 1000 * first,
                                                       "--name", NAME, "--guss", self.path("guss.xml")]))
        bsf = self.bsf(store, ports)
        self.in_turn("BIR, a session with five grants against none", {g: bsf for g in btids}, 1.3,
                     lambda g: self.zn_load(bsf, ports["dia"], btids[g], n, gsids=("1",)), "grants")
        self.stop(bsf)

    def nafs(self):
        """A BIR with 10,000 NAFs configured against 10: two daemons side by side, asked in turn."""
        n, few, many = 5000 // self.scale, 10, 10000
        store, ports, bsf = {}, {}, {}
        for s in (few, many):
            store[s] = self.fill(f"nafs{s}", 1000)
            ports[s] = {w: free_port() for w in ("ub", "dia", "hss")}
            bsf[s] = self.bsf(store[s], ports[s], others=s)
        self.in_turn(f"BIR, {many} NAFs configured against {few}", bsf, 1.02,
                     lambda s: self.zn_load(bsf[s], ports[s]["dia"], store[s] + ".btids", n, gsids=("1",)), "NAFs")
        for s in (few, many):
            self.stop(bsf[s])

    def in_turn(self, what, servers, target, run, of):
        """The second of two against the first, where a hundredth counts: many short rounds, before all else on the machine."""
        for pid in (0, *(p.pid for p in servers.values())):
            real_time(pid)
        (few, many), ratios = servers, []
        for _ in range(4 * self.rounds):
            (a, _), (b, _) = self.there_and_back(*(lambda s=s: run(s) for s in (few, many)))
            ratios.append(b / a)
            print(f"  {few} {of} {a:.2f} us   {many} {of} {b:.2f} us", flush=True)
        self.verdict(what, ratios, target)
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))

    @staticmethod
    def rss_kib(p):
        with open(f"/proc/{p.pid}/status", encoding="ascii") as f:
            return int(next(line.split()[1] for line in f if line.startswith("VmRSS:")))

    @staticmethod
    def reload(store):
        """-> the answer of `policy reload`, and how long it took in ms"""
        begun = time.monotonic()
        with socket.socket(socket.AF_UNIX) as s, s.makefile("rw", encoding="ascii") as f:
            s.settimeout(60)
            s.connect(store + ".control")
            f.write("1 policy reload\n")
            f.flush()
            answer = f.readline()
        return json.loads(answer.removeprefix("1 ok ")), (time.monotonic() - begun) * 1000

    @staticmethod
    def write_policies(path, n, word, old=True):
        """Beside and renamed, as a program does it. old: so long ago that nothing is read a second time"""
        for i in range(n):
            name = f"app{i}.example.com"
            with open(f"{path}/.new", "w", encoding="ascii") as f:
                f.write(f"naf {name}\n address 10.{i >> 16}.{i >> 8 & 255}.{i & 255}/32\n security plain\n speaks-for {name}\n"
                        f" speaks-for *.app{i}.example.com\n gaa-service 1 2\n ua-protocols 0100000002\n key-age-max {word}\n rate 100\n")
            os.rename(f"{path}/.new", f"{path}/{name}.naf")
        if old:
            time.sleep(3.1)

    def policy(self):
        """Ten thousand NAFs in files: read, looked at again, in memory; and BIRs while all of them are changed."""
        n, rate = 10000, 2000
        store, ports = self.fill("policy", 1000), {w: free_port() for w in ("ub", "dia", "hss")}
        folder = store + ".naf.d"
        os.mkdir(folder)
        bsf = self.bsf(store, ports, policies=folder)
        before = self.rss_kib(bsf)
        self.stop(bsf)
        self.write_policies(folder, n, 1)
        bsf = self.bsf(store, ports, policies=folder)
        line = next(x for x in self.log_of(bsf).decode().splitlines() if " read in " in x)
        self.limit("policy, first reading of 10,000 files (warm)", int(line.split(" read in ")[1].split()[0]), 500, "ms")
        looks = [self.reload(store)[0] for _ in range(self.rounds)]
        assert all(x["read"] == 0 and x["good"] == n for x in looks), looks
        self.limit("policy, looking at 10,000 that have not changed", statistics.median(x["ms"] for x in looks), 50, "ms")
        self.limit("policy, memory of 10,000", (self.rss_kib(bsf) - before) / 1024, 16, "MiB")
        seconds = 8 if self.scale == 1 else 3
        load = self.meanwhile("bench/zn_load", self.zn_args(ports["dia"], store + ".btids", rate * seconds, in_flight=1) + ["--rate", rate])
        for p, threads in ((bsf, "shard"), (load, "")):     # their core is free for them, whatever else runs here
            real_time(p.pid, threads)
        took = []
        while load.poll() is None:
            self.write_policies(folder, n, 2 + len(took), old=False)
            took.append(self.reload(store)[1])
        f = json.loads(load.stdout.read())
        self.running.remove(load)
        print(f"  {len(took)} times all of them changed and read, in {statistics.median(took):.0f} ms; {f['ok']} BIRs meanwhile, median "
              f"{f['p50_us']:.0f} us, p99 {f['p99_us']:.0f} us", flush=True)
        self.limit("policy, longest BIR meanwhile (with a free core)", f["max_us"] / 1000, 5, "ms")
        time.sleep(2)
        print(f"  memory after that: {(self.rss_kib(bsf) - before) / 1024:.1f} MiB, two tables as the allocator keeps them", flush=True)
        self.stop(bsf)

    def limit(self, what, got, most, unit):
        self.missed += got > most
        print(f"{what}: {got:.1f} {unit}, limit {most}: ratio {got / most:.2f}: {'met' if got <= most else 'MISSED'}", flush=True)

    def store_figures(self, store):
        """-> commits, records of the committer"""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            s.connect(store + ".vty")
            s.sendall(b"show store\r\n")
            text = b""
            while b"swept" not in text:
                text += s.recv(4096)
        words = dict(line.split()[:2] for line in text.decode(errors="replace").splitlines() if line.startswith("commit"))
        return int(words["commits"]), int(words["committed-records"])

    def lmdb(self, live, puts, commit, replace=False):
        d = self.path("lmdb")
        shutil.rmtree(d, ignore_errors=True)
        os.mkdir(d)
        out = json.loads(self.tool("bench/lmdb_put", [d, live, puts, RECORD, f"{commit:.2f}"] + (["replace"] if replace else [])))
        shutil.rmtree(d)
        return out

    def ub_run(self, bsf, port, n, first, in_flight=64, keep=True, subscribers=1000000, more=()):
        args = ["--port", port, "--name", NAME, "--runs", n, "--in-flight", in_flight, "--first", first,
                "--subscribers", subscribers, *more] + (["--keep"] if keep else [])
        return self.load(bsf, "bench/ub_load", args, n)

    def ub_world(self, name="ub"):
        ports = {w: free_port() for w in ("ub", "dia", "hss", "mhd")}
        hss = self.spawn("bench/raw_zh", ["serve", HSS_ID, REALM, ports["hss"], GUSS])
        bsf = self.bsf(self.fill(name, 0), ports)
        self.wait_for(bsf, HSS_ID)
        return ports, hss, bsf

    def ub(self):
        n = 4000 // self.scale
        ports, hss, bsf = self.ub_world()
        mhd = self.spawn("bench/mhd_fixed", [ports["mhd"]])
        first = 0
        for keep in (True, False):
            ratios = []
            print(f"Ub: {n} bootstraps a round, 64 in flight, {'64 connections kept' if keep else 'a connection each'}")
            for _ in range(self.rounds):
                c0, r0 = self.store_figures(self.path("ub"))
                b, bf = self.ub_run(bsf, ports["ub"], n, first, keep=keep)
                c1, r1 = self.store_figures(self.path("ub"))
                first += n * 7919
                commit = (r1 - r0) / max(1, c1 - c0)
                yard = [(self.ub_run(mhd, ports["mhd"], 4 * n, 0, keep=keep)[0],
                         json.loads(self.tool("bench/raw_zh", ["ask", REALM, ports["hss"], n, 64]))["exchange_us"],
                         self.lmdb(first // 7919 - n, n, commit)["put_us"])     # a tree as large as the store was
                        for _ in range(2)]     # each of them is short, so one alone scatters by half
                m, d, p = (statistics.mean(y) for y in zip(*yard))
                b2, _ = self.ub_run(bsf, ports["ub"], n, first, keep=keep)
                first += n * 7919
                b = (b + b2) / 2
                ratios.append(b / (m + d + p))
                print(f"  gba-bsfd {b:.1f} us ({bf['rate']:.0f}/s)   sum {m + d + p:.1f} = 2 HTTP answers {m:.1f} + exchange "
                      f"{d:.1f} + put {p:.1f} (commits of {commit:.1f})", flush=True)
            self.verdict(f"Ub, {'connections kept' if keep else 'a connection each'}, of its parts", ratios, 1.25)
        k = max(100, n // 10)
        shard, others = waits(bsf.pid)
        c0, r0 = self.store_figures(self.path("ub"))
        one, f1 = self.ub_run(bsf, ports["ub"], k, first, in_flight=1)
        c1, r1 = self.store_figures(self.path("ub"))
        shard, others = ((b - a) / k for a, b in zip((shard, others), waits(bsf.pid)))
        print(f"Ub, 1 in flight: gba-bsfd {one:.1f} us of CPU (aim 512), {f1['seconds'] / f1['runs'] * 1000:.2f} ms; "
              f"{2 * (c1 - c0) / k:.1f} hand-offs (to the committer and back), aim 2; waits of the shard {shard:.1f} (two requests, "
              f"the HSS, the commit), of the committer {others:.1f} (for work, for the disk)")
        for p in (bsf, mhd, hss):
            self.stop(p)

    def meanwhile(self, name, args):
        """A load beside what is measured; ended with calm()."""
        p = subprocess.Popen([self.exe(name)] + [str(a) for a in args], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.running.append(p)
        return p

    @staticmethod
    def at_work(server, since):
        """Until its load has come, and is more than its beginning: it has used 100 ms of CPU."""
        until = time.monotonic() + 30
        while cpu_us(server.pid) < since + 100000:
            if time.monotonic() > until:
                raise SystemExit(f"bench: no load has come to {server.args[0]}")
            time.sleep(0.005)

    def calm(self, p):
        assert p.poll() is None, f"{p.args[0]} ended before what was measured beside it"
        p.kill()
        p.wait()
        self.running.remove(p)

    def took(self, name, args):
        """-> median and 99th percentile of a load with one in flight, us"""
        f = json.loads(self.tool(name, args))
        return f["p50_us"], f["p99_us"]

    def beside(self):
        """What one interface costs the other. The same load on a second daemon shows what the machine has to do with it: its
        cores are shared, the thread that serves is not."""
        n, rate, pace = 2000 // self.scale, 2000, 1000
        port, store, bsf, hss = {}, {}, {}, []
        for who in ("same", "other"):
            port[who] = {w: free_port() for w in ("ub", "dia", "hss")}
            store[who] = self.fill(f"beside-{who}", 10000)
            hss.append(self.spawn("bench/raw_zh", ["serve", HSS_ID, REALM, port[who]["hss"], GUSS]))
            bsf[who] = self.bsf(store[who], port[who])
            self.wait_for(bsf[who], HSS_ID)

        def birs(who, runs, more=(), **kw):
            return "bench/zn_load", self.zn_args(port[who]["dia"], store[who] + ".btids", runs, **kw) + list(more)

        def bootstraps(who, runs, at, flight):
            return "bench/ub_load", ["--port", port[who]["ub"], "--name", NAME, "--runs", runs, "--in-flight", flight,
                                     "--keep", "--rate", at, "--first", 10000, "--subscribers", 10 ** 9]   # other ones than have sessions
        bir = birs("same", n, ["--rate", pace], in_flight=1)
        bootstrap = bootstraps("same", n // 20, 100, 1)
        load = {who: bootstraps(who, 10 ** 7, rate, 64) for who in bsf}
        flood = {who: birs(who, 10 ** 9, ["--identity", "1." + NAF_ID]) for who in bsf}
        for pid in (0, *(p.pid for p in (*bsf.values(), *hss))):    # so that what else runs on the machine does not count
            real_time(pid)
        for what, asked, loads, at, target in (
                (f"a BIR beside {rate} bootstraps/s, 99 %", bir, load, 1, 2.0),
                ("a BIR beside a NAF that floods, median", bir, flood, 0, 1.2),
                ("a bootstrap beside a NAF that floods, median", bootstrap, flood, 0, 1.2)):
            to_alone, to_other = [], []
            for _ in range(self.rounds):
                alone = self.took(*asked)
                beside = {}
                for who in ("same", "other"):
                    before = cpu_us(bsf[who].pid)
                    p = self.meanwhile(*loads[who])
                    self.at_work(bsf[who], before)
                    beside[who] = self.took(*asked)
                    self.calm(p)
                back = self.took(*asked)
                alone = tuple((a + b) / 2 for a, b in zip(alone, back))
                to_alone.append(beside["same"][at] / alone[at])
                to_other.append(beside["same"][at] / beside["other"][at])
                print(f"  {what}: alone {alone[0]:.0f}/{alone[1]:.0f} us   beside it {beside['same'][0]:.0f}/{beside['same'][1]:.0f}"
                      f"   beside the same load on another daemon {beside['other'][0]:.0f}/{beside['other'][1]:.0f}", flush=True)
            self.verdict(f"{what}, of alone", to_alone, target)
            print(f"{what}, of the same load on another daemon: {statistics.median(to_other):.2f}", flush=True)
        for p in (*bsf.values(), *hss):
            self.stop(p)

    def gba_u(self):
        """Subscribers whose GUSS says GBA_U against those whose says GBA: two daemons, asked in turn."""
        n = 4000 // self.scale
        bsf, ports, args, first, helpers = {}, {}, {"GBA": (), "GBA_U": ("--gba-u",)}, 0, []
        with open(GUSS, encoding="utf-8") as f:
            guss = f.read()
        for kind in args:
            with open(self.path(f"{kind}.xml"), "w", encoding="utf-8") as f:
                f.write(guss.replace("<uiccType>GBA<", f"<uiccType>{kind}<"))
            ports[kind] = {w: free_port() for w in ("ub", "dia", "hss")}
            helpers.append(self.spawn("bench/raw_zh", ["serve", HSS_ID, REALM, ports[kind]["hss"], self.path(f"{kind}.xml")]))
            bsf[kind] = self.bsf(self.fill(f"ub-{kind}", 0), ports[kind])
            self.wait_for(bsf[kind], HSS_ID)
        print(f"GBA_U against GBA_ME: {n} bootstraps a run, 64 in flight")
        ratios = []
        for _ in range(self.rounds):
            def run(kind):
                return lambda: self.ub_run(bsf[kind], ports[kind]["ub"], n, first, more=args[kind])
            (me, mf), (u, uf) = self.there_and_back(run("GBA"), run("GBA_U"))
            first += n * 7919
            ratios.append(u / me)
            print(f"  GBA_ME {me:.1f} us ({mf['rate']:.0f}/s)   GBA_U {u:.1f} us ({uf['rate']:.0f}/s)", flush=True)
        self.verdict("GBA_U", ratios, 1.05)
        for p in (*bsf.values(), *helpers):
            self.stop(p)

    def counted(self, p, name, args, n):
        """-> system calls of p and all its threads per operation of the load; None: no tool to count with"""
        out = self.path("counted")
        if shutil.which("perf"):
            event = ["perf", "stat", "-x", ",", "-e", "raw_syscalls:sys_enter", "-p", str(p.pid), "-o", out, "--"]
            if subprocess.run(event + [self.exe(name)] + [str(a) for a in args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              check=False, timeout=600).returncode == 0:
                with open(out, encoding="ascii") as f:
                    return next(int(x.split(",")[0]) for x in f if "sys_enter" in x) / n
        if not shutil.which("strace"):
            return None
        s = subprocess.Popen(["strace", "-f", "-c", "-o", out, "-p", str(p.pid)], stderr=subprocess.PIPE)
        s.stderr.readline()                                     # "attached"
        self.tool(name, args)
        s.send_signal(signal.SIGINT)
        s.wait(30)
        with open(out, encoding="ascii") as f:
            return next(int(x.split()[-2 if len(x.split()) < 5 else 3]) for x in f if x.rstrip().endswith("total")) / n

    def calls(self):
        """System calls of a BIR and of a bootstrap, 64 in flight and alone."""
        n = 4000 // self.scale
        ports, hss, bsf = self.ub_world("calls")
        store = self.path("calls")
        subs = 100
        for flight, k in ((64, n), (1, n // 10)):
            args = ["--port", ports["ub"], "--name", NAME, "--runs", k, "--in-flight", flight, "--first", 0, "--subscribers", 1000000,
                    "--keep"]
            c = self.counted(bsf, "bench/ub_load", args, k)
            print(f"system calls of a bootstrap, {flight} in flight: " + ("not counted (no perf, no strace)" if c is None else
                                                                      f"{c:.1f}, aim 8 at 64"), flush=True)
        self.stop(bsf)
        self.stop(hss)
        store = self.fill("callz", subs)
        bsf = self.bsf(store, ports)
        for flight, k in ((64, 10 * n), (1, n)):
            c = self.counted(bsf, "bench/zn_load", self.zn_args(ports["dia"], store + ".btids", k, in_flight=flight), k)
            print(f"system calls of a BIR, {flight} in flight: " + ("not counted (no perf, no strace)" if c is None else
                                                                f"{c:.2f}, aim 0.1 at 64"), flush=True)
        self.stop(bsf)

    def big(self):
        """1,000,000 live sessions against 1,000: two daemons side by side, asked in turn."""
        few, many = sizes = (1000, 1000000 if self.scale == 1 else 100000)
        n = 20000 // self.scale
        bsf, ports, zn, ub = {}, {}, {s: [] for s in sizes}, {s: [] for s in sizes}
        hss_port = free_port()
        hss = self.spawn("bench/raw_zh", ["serve", HSS_ID, REALM, hss_port, GUSS])
        for s in sizes:
            print(f"filling {s} sessions", flush=True)
            ports[s] = dict({w: free_port() for w in ("ub", "dia")}, hss=hss_port)
            bsf[s] = self.bsf(self.fill(f"big{s}", s), ports[s], f"bsf{s}.{REALM}")
            self.wait_for(bsf[s], HSS_ID)
        for _ in range(self.rounds):
            for s in sizes:
                us, rate = self.zn_load(bsf[s], ports[s]["dia"], self.path(f"big{s}.btids"), n)
                zn[s].append(us)
                print(f"  {s:>9} sessions: BIR {us:.1f} us ({rate:.0f}/s)", flush=True)
        commits = {}
        for r in range(self.rounds):
            for s in sizes:     # a run replaces the session of its IMPI: as many stay
                c0, r0 = self.store_figures(self.path(f"big{s}"))
                us, f = self.ub_run(bsf[s], ports[s]["ub"], n // 2, r * n * 7919, subscribers=s)
                c1, r1 = self.store_figures(self.path(f"big{s}"))
                commits[s] = (r1 - r0) / max(1, c1 - c0)
                ub[s].append(us)
                print(f"  {s:>9} sessions: bootstrap {us:.1f} us ({f['rate']:.0f}/s, commits of {commits[s]:.1f})", flush=True)
        for s in sizes:
            p = self.lmdb(s, n // 2, commits[s], replace=True)
            print(f"  {s:>9} records, bare LMDB: put and delete {p['put_us']:.1f} us, get {p['get_us']:.2f} us", flush=True)
        self.verdict(f"BIR, {many} sessions against {few}", [y / x for x, y in zip(zn[few], zn[many])], 1.1)
        self.verdict(f"bootstrap, {many} sessions against {few}", [y / x for x, y in zip(ub[few], ub[many])], 1.5)
        for p in (*bsf.values(), hss):
            self.stop(p)


def main():
    a = arguments()
    a.add_argument("--full", action="store_true", help="with 1,000,000 sessions")
    a.add_argument("--only", action="append", choices=["zn", "uss", "grants", "nafs", "policy", "ub", "beside", "calls", "gba_u", "big"])
    o = a.parse_args()
    parts = o.only or ["zn", "uss", "grants", "nafs", "policy", "ub", "beside", "calls", "gba_u"] + (["big"] if o.full else [])
    begun = time.monotonic()
    missed = Bench.measure(o, parts, 10 if o.quick else 1)
    print(f"{time.monotonic() - begun:.0f} s, {missed} targets missed, load of the machine now {os.getloadavg()[0]:.1f}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
