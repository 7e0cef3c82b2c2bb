# SPDX-License-Identifier: AGPL-3.0-or-later
"""Ten thousand NAFs in files: read, looked at again, in memory; and BIRs while all of them are changed."""
import json
import os
import socket
import statistics
import time

from measure import Bench, free_port, real_time


class Policy(Bench):
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
