# SPDX-License-Identifier: AGPL-3.0-or-later
"""What all benches share: daemons and loads, CPU of a process per operation, and the verdicts.

Everything is the CPU time of one process, user and system, of all its threads, divided by the operations it did. The
processes compared run alternately in the same run, several times, all under one scheduling policy; the ratio is the median
of the ratios of the rounds, because the machine is never quiet. Rates are for orientation."""
import argparse
import contextlib
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


@contextlib.contextmanager
def before_all_else():
    """What is started within is there before whatever else runs on this machine, from its first instruction on."""
    real_time()
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def arguments():
    """What every bench takes."""
    a = argparse.ArgumentParser()
    a.add_argument("build")
    a.add_argument("--quick", action="store_true", help="a small part of everything: does it still run")
    a.add_argument("--rounds", type=int, default=5)
    return a


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

    def meanwhile(self, name, args):
        """A load beside what is measured; ended with calm()."""
        p = subprocess.Popen([self.exe(name)] + [str(a) for a in args], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.running.append(p)
        return p

    def calm(self, p):
        assert p.poll() is None, f"{p.args[0]} ended before what was measured beside it"
        p.kill()
        p.wait()
        self.running.remove(p)

    def close(self):
        for p in list(self.running):
            p.kill()
            p.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    # --- daemons, loads and what they say
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

    def zn_args(self, port, btids, n, connections=1, in_flight=64, gsids=()):
        args = ["--identity", NAF_ID, "--port", port, "--realm", REALM, "--btids", btids, "--naf", "naf1.example.com",
                "--requests", n, "--connections", connections, "--in-flight", in_flight]
        return args + [a for g in gsids for a in ("--gsid", g)]

    def zn_load(self, server, *args, **kw):
        """-> CPU of the server per BIR, rate"""
        us, figures = self.load(server, "bench/zn_load", self.zn_args(*args, **kw), args[2])
        return us, figures["rate"]

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

    # --- verdicts
    def verdict(self, what, ratios, target):
        """target: None where there is none"""
        m = statistics.median(ratios)
        missed = target is not None and m > target
        self.missed += missed
        print(f"{what}: ratio {m:.2f} (rounds {' '.join(f'{r:.2f}' for r in ratios)}), "
              + (f"target {target}: {'MISSED' if missed else 'met'}" if target is not None else "no target"))

    def limit(self, what, got, most, unit):
        self.missed += got > most
        print(f"{what}: {got:.1f} {unit}, limit {most}: ratio {got / most:.2f}: {'met' if got <= most else 'MISSED'}", flush=True)

    @staticmethod
    def there_and_back(*runs):
        """Each twice, in the order first to last, last to first: what changes on the machine meanwhile hits all alike.
        -> for each the mean of its CPU, and its last rate"""
        there = [run() for run in runs]
        back = [run() for run in reversed(runs)][::-1]
        return [((a + b) / 2, rate) for (a, _), (b, rate) in zip(there, back)]

    def in_turn(self, what, servers, target, run, of):
        """The second of two against the first, where a hundredth counts: many short rounds, before all else on the machine."""
        for p in servers.values():
            real_time(p.pid)
        (few, many), ratios = servers, []
        with before_all_else():
            for _ in range(4 * self.rounds):
                (a, _), (b, _) = self.there_and_back(*(lambda s=s: run(s) for s in (few, many)))
                ratios.append(b / a)
                print(f"  {few} {of} {a:.2f} us   {many} {of} {b:.2f} us", flush=True)
        self.verdict(what, ratios, target)
