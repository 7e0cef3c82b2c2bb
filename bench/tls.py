#!/usr/bin/env python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What TLS costs on Zn: CPU of gba-bsfd per BIR beside plain, per handshake beside openssl s_server by key type, memory per
connection. Usage: tls.py BUILD-FOLDER [--rounds N] [--quick]. Ratios as measure.py says."""
import os
import re
import statistics
import subprocess
import sys


from measure import BSF_ID, MANY, NAF_ID, NAFS, Bench, arguments, cpu_us, free_port
from lib.pki import Pki

KEYS = (("P-256", None), ("RSA-2048", 2048))


def rss_kib(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("Private_Dirty"))


class Tls(Bench):
    def begin(self, quick):
        self.n = 2000 if quick else 50000           # its handshakes are in the figure: that they do not count
        self.shakes = 40 if quick else 400
        pki = self.path("pki")
        os.mkdir(pki, 0o700)
        self.pki = Pki(pki)
        self.client = self.pki.make("load", *NAFS)
        self.one = self.pki.make("one", NAF_ID)
        self.store = self.fill("tls", 1000)

    def daemon(self, bits, more=()):
        """more: as of bsf(). -> process, its ports, its certificate and key"""
        ports = {w: free_port() for w in ("ub", "dia", "hss", "tls")}
        pair = self.pki.make(f"bsf{bits}", BSF_ID, bits=bits)
        tls = (f"listen tls 127.0.0.1 {ports['tls']}", f"tls certificate {pair.certificate}", f"tls key {pair.key}",
               f"tls ca {self.pki.ca()}", "handshakes 100000")             # of one address
        return self.bsf(self.store, ports, more=[("diameter", line) for line in tls] + list(more)), ports, pair

    def files(self, pair=None):
        pair = pair or self.client
        return [pair.certificate, pair.key, self.pki.ca()]

    def birs(self):
        bsf, ports, _ = self.daemon(None)
        piped = free_port()
        pipe = self.spawn("bench/tls_load", ["pipe", piped, ports["tls"]] + self.files())
        for what, conns, flight, target in (("64 in flight on one connection", 1, 64, 1.15), (f"{MANY} NAFs of one BIR each", MANY, 1, None)):
            ratios, more = [], []
            for _ in range(self.rounds):
                (p, pr), (s, sr) = self.there_and_back(*(
                    lambda port=port: self.zn_load(bsf, port, self.store + ".btids", self.n, conns, flight) for port in (ports["dia"], piped)))
                ratios.append(s / p)
                more.append(s - p)
                print(f"  {what}: plain {p:.2f} us ({pr:.0f}/s)   TLS {s:.2f} us ({sr:.0f}/s)", flush=True)
            if target:
                self.verdict(f"BIR over TLS, {what}, of plain", ratios, target)
            else:
                print(f"BIR over TLS, {what}: {statistics.median(more):+.1f} us, {statistics.median(ratios):.2f} of plain, no target")
        self.stop(pipe)
        self.stop(bsf)

    def handshakes(self):
        for kind, bits in KEYS:
            bsf, ports, pair = self.daemon(bits)
            port = free_port()
            s = subprocess.Popen(["openssl", "s_server", "-accept", str(port), "-cert", pair.certificate, "-key", pair.key, "-CAfile",
                                  self.pki.ca(), "-Verify", "1", "-quiet", "-no_ticket"],
                                 stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.running.append(s)
            ratios = []
            self.tool("bench/tls_load", ["handshakes", ports["tls"], 8] + self.files(self.one))
            for _ in range(self.rounds):
                us = []
                for p, at in ((bsf, ports["tls"]), (s, port)):
                    before = cpu_us(p.pid)
                    self.tool("bench/tls_load", ["handshakes", at, self.shakes] + self.files(self.one))
                    us.append((cpu_us(p.pid) - before) / self.shakes)
                ratios.append(us[0] / us[1])
                print(f"  handshake, {kind}: gba-bsfd {us[0]:.0f} us ({1e6 / us[0]:.0f}/s of a core)   openssl s_server {us[1]:.0f} us",
                      flush=True)
            print(f"handshake, {kind}, of s_server: {statistics.median(ratios):.2f}, no target; openssl s_time, client and server on this "
                  f"machine: at gba-bsfd {self.s_time(ports['tls']):.0f}/s, at s_server {self.s_time(port):.0f}/s")
            s.kill()
            s.wait()
            self.running.remove(s)
            self.stop(bsf)

    def s_time(self, port):
        """Whole handshakes a second."""
        out = subprocess.run(["openssl", "s_time", "-connect", f"127.0.0.1:{port}", "-new", "-time", "2", "-cert", self.one.certificate,
                              "-key", self.one.key, "-CAfile", self.pki.ca()], capture_output=True, text=True, check=False).stdout
        n, seconds = re.search(r"(\d+) connections in (\d+) real seconds", out).groups()
        return int(n) / int(seconds)

    def memory(self):
        bsf, ports, _ = self.daemon(None)
        many = 240
        each = {}
        for what, port, files in (("plain", "dia", ["-", "-", "-"]), ("TLS", "tls", self.files(self.one))) * 2:      # the second time counts
            before = rss_kib(bsf.pid)
            p = subprocess.Popen([self.exe("bench/tls_load"), "hold", str(ports[port]), str(many)] + files, stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE)
            assert p.stdout.readline() == b"held\n"
            each[what] = (rss_kib(bsf.pid) - before) / many, each.get(what, (0,))[0]
            p.stdin.close()
            p.wait()
        print(f"memory of a connection, idle, before its CER: plain {max(each['plain']):.1f} KiB, TLS {max(each['TLS']):.1f} KiB, no target")
        self.stop(bsf)


if __name__ == "__main__":
    sys.exit(Tls.measure(arguments().parse_args(), ("birs", "handshakes", "memory")) != 0)
