#!/usr/bin/env python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the Zn-Proxy costs: its CPU per BIR beside that of the home's gba-bsfd in the same load, and how much later an answer comes
through it with one in flight. Usage: znproxy.py BUILD-FOLDER [--rounds N] [--quick]. Ratios as measure.py says."""
import os
import statistics
import sys

from measure import MANY, NAF_ID, NAFS, SRC, arguments, cpu_us, free_port
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
        bsf, ports, _ = self.daemon(None, [(f"naf {PROXY_ID}", line) for line in (
            "address 127.0.0.1/32", "proxy", f"visited-network {REALM}", f"speaks-for *.apps.{REALM}", "private-identity allow",
            "gaa-service 1 2")])
        ports["naf"] = free_port()
        home = self.pki.make("home", PROXY_ID, f"*.apps.{REALM}")
        c = Cfg(os.path.join(SRC, "conf", "gba-znproxy.cfg"))
        c.remove("log stderr", "logging")
        c.add("log stderr", "logging level set-all notice")
        c.set("diameter", f"listen 127.0.0.1 {ports['naf']}")
        c.remove_node("home op-a")
        for naf in NAFS:
            for line in ("address 127.0.0.1/32", f"speaks-for {NAME}"):
                c.add(f"naf {naf}", line)
        for line in (f"realm {HOME_REALM}", "realm bsf.mnc001.mcc001.pub.3gppnetwork.org", f"bsf bsf.{HOME_REALM} 127.0.0.1 {ports['tls']}",
                     f"tls certificate {home.certificate}", f"tls key {home.key}", f"tls ca {self.pki.ca()}"):
            c.add("home op-a", line)
        c.set("line vty", f"socket {self.path('znproxy')}.vty")
        c.set("control", f"socket {self.path('znproxy')}.control")
        c.write(self.path("znproxy.cfg"))
        proxy = self.spawn("znproxy/gba-znproxyd", ["-c", self.path("znproxy.cfg")])
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
            self.verdict(f"BIR through the Zn-Proxy, {what}, its CPU of the BSF's", ratios, target)
            if conns * flight == 1:
                print(f"BIR through the Zn-Proxy, 1 in flight: an answer comes {statistics.median(later):.0f} us later than straight and plain, no target")
        self.stop(proxy)
        self.stop(bsf)


if __name__ == "__main__":
    sys.exit(Roaming.measure(arguments().parse_args(), ("birs",)) != 0)
