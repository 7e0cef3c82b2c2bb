# SPDX-License-Identifier: AGPL-3.0-or-later
"""1,000,000 live sessions against 1,000."""
from measure import Bench, free_port, GUSS, HSS_ID, REALM


class Big(Bench):
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
