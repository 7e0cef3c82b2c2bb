# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a bootstrap costs, beside its parts; GBA_U beside GBA_ME."""
import json
import os
import shutil
import statistics

from measure import Bench, free_port, GUSS, HSS_ID, REALM, RECORD


def waits(pid):
    """Times a thread of it gave up the CPU to wait. -> those of the shards, those of all others (the committer's)"""
    n = [0, 0]
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status", encoding="ascii") as f:
            words = dict(line.partition(":\t")[::2] for line in f)
        n[not words["Name"].startswith("shard")] += int(words["voluntary_ctxt_switches"])
    return n


class Ub(Bench):
    def lmdb(self, live, puts, commit, replace=False):
        d = self.path("lmdb")
        shutil.rmtree(d, ignore_errors=True)
        os.mkdir(d)
        out = json.loads(self.tool("bench/lmdb_put", [d, live, puts, RECORD, f"{commit:.2f}"] + (["replace"] if replace else [])))
        shutil.rmtree(d)
        return out

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
