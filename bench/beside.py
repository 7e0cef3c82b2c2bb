# SPDX-License-Identifier: AGPL-3.0-or-later
"""What one interface costs the other."""
import json
import statistics
import time

from measure import Bench, cpu_us, free_port, GUSS, HSS_ID, NAF_ID, NAME, real_time, REALM


class Beside(Bench):
    @staticmethod
    def at_work(server, since):
        """Until its load has come, and is more than its beginning: it has used 100 ms of CPU."""
        until = time.monotonic() + 30
        while cpu_us(server.pid) < since + 100000:
            if time.monotonic() > until:
                raise SystemExit(f"bench: no load has come to {server.args[0]}")
            time.sleep(0.005)

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
