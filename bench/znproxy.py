#!/usr/bin/env python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the Zn-Proxy costs: its CPU per BIR beside that of the home's gba-bsfd in the same load, and how much later an answer comes
through it with one in flight. Usage: znproxy.py BUILD-FOLDER [--rounds N] [--quick]. Ratios as in bench.py."""
import argparse
import os
import statistics
import sys

from bench import MANY, NAF_ID, SRC, Bench, cpu_us, free_port
from lib.cfg import Cfg
from tls import Tls

PROXY_ID, REALM, NAME = "znproxy.op-b.example", "op-b.example", "naf1.apps.op-b.example"
HOME_REALM = "mnc001.mcc001.3gppnetwork.org"


class Roaming(Tls):
    def begin(self, quick):
        super().begin(quick)
        self.n = 2000 if quick else 30000

    def proxied(self):
        """-> the home's BSF, the proxy, ports: straight to the BSF (plain and TLS), through the proxy"""
        bsf, ports, _ = self.daemon(None)
        self.stop(bsf)
        path = self.store + ".cfg"
        c = Cfg(path)
        for line in ("address 127.0.0.1/32", "proxy", f"visited-network {REALM}", f"speaks-for *.apps.{REALM}", "private-identity allow",
                     "gaa-service 1 2"):
            c.add(f"naf {PROXY_ID}", line)
        c.write(path)
        bsf = Bench.spawn(self, "bsf/gba-bsfd", ["-c", path])
        ports["naf"] = free_port()
        home = self.pki.make("home", PROXY_ID, f"*.apps.{REALM}")
        c = Cfg(os.path.join(SRC, "conf", "gba-znproxy.cfg"))
        c.remove("log stderr", "logging")
        c.add("log stderr", "logging level set-all notice")
        c.set("diameter", f"listen 127.0.0.1 {ports['naf']}")
        c.remove_node("home op-a")
        for naf in [NAF_ID] + [f"{n + 1}.{NAF_ID}" for n in range(MANY)]:
            for line in ("address 127.0.0.1/32", f"speaks-for {NAME}"):
                c.add(f"naf {naf}", line)
        for line in (f"realm {HOME_REALM}", "realm bsf.mnc001.mcc001.pub.3gppnetwork.org", f"bsf bsf.{HOME_REALM} 127.0.0.1 {ports['tls']}",
                     f"tls certificate {home.certificate}", f"tls key {home.key}", f"tls ca {self.pki.ca()}"):
            c.add("home op-a", line)
        c.set("line vty", f"socket {self.path('znproxy')}.vty")
        c.set("control", f"socket {self.path('znproxy')}.control")
        c.write(self.path("znproxy.cfg"))
        proxy = Bench.spawn(self, "znproxy/gba-znproxyd", ["-c", self.path("znproxy.cfg")])
        self.wait_for(proxy, "connected")
        return bsf, proxy, ports

    def through(self, bsf, proxy, port, n, conns, flight):
        """-> CPU per BIR of the proxy, of the BSF, figures"""
        before = cpu_us(proxy.pid)
        args = ["--identity", NAF_ID, "--port", port, "--realm", HOME_REALM, "--btids", self.store + ".btids", "--naf", NAME, "--requests", n,
                "--connections", conns, "--in-flight", flight]
        us, figures = self.load(bsf, "bench/zn_load", args, n)
        return (cpu_us(proxy.pid) - before) / n, us, figures["rate"]

    def birs(self):
        bsf, proxy, ports = self.proxied()
        for what, conns, flight, n, target in (("64 in flight on one connection", 1, 64, self.n, 0.6),
                                               (f"{MANY} NAFs of one BIR each", MANY, 1, self.n, None), ("1 in flight", 1, 1, self.n // 4, None)):
            ratios, later = [], []
            for _ in range(self.rounds):
                p, b, rate = self.through(bsf, proxy, ports["naf"], n, conns, flight)
                straight = self.zn_load(bsf, ports["dia"], self.store + ".btids", n, conns, flight)
                ratios.append(p / b)
                later.append(1e6 / rate - 1e6 / straight[1])
                print(f"  {what}: gba-znproxyd {p:.1f} us, gba-bsfd {b:.1f} us ({rate:.0f}/s)   straight, plain: {straight[0]:.1f} us "
                      f"({straight[1]:.0f}/s)", flush=True)
            if target:
                self.verdict(f"BIR through the Zn-Proxy, {what}, its CPU of the BSF's", ratios, target)
            else:
                print(f"BIR through the Zn-Proxy, {what}, its CPU of the BSF's: {statistics.median(ratios):.2f}, no target")
            if conns * flight == 1:
                print(f"BIR through the Zn-Proxy, 1 in flight: an answer comes {statistics.median(later):.0f} us later than straight and plain, no target")
        self.stop(proxy)
        self.stop(bsf)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("build")
    a.add_argument("--quick", action="store_true", help="does it still run")
    a.add_argument("--rounds", type=int, default=5)
    o = a.parse_args()
    Bench.need_build(o.build)
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    b = Roaming(os.path.abspath(o.build), o.rounds, 1)
    try:
        b.begin(o.quick)
        b.birs()
    finally:
        b.close()
    return 1 if b.missed else 0


if __name__ == "__main__":
    sys.exit(main())
