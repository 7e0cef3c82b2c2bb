# SPDX-License-Identifier: AGPL-3.0-or-later
"""System calls of a BIR and of a bootstrap."""
import shutil
import signal
import subprocess

from measure import Bench, NAME


class Calls(Bench):
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
