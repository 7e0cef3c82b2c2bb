#!/usr/bin/env python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Has a BIR or a bootstrap become dearer? This tree's gba-bsfd and that of an older one, in turn in the same run, under the same load, beside
the same HSS. Usage: against.py BUILD-FOLDER OLD-TREE [--rounds N] [--quick]

OLD-TREE is a checkout with its own build/gcc, in which bsf/gba-bsfd and bench/store_fill are made: its bench starts its daemon, by
its configuration and into a store that it has filled itself. Ratios as measure.py says; 1.00 is as it was."""
import importlib.util
import os
import sys

import measure


def older(tree):
    """-> the Bench of that tree; one that is older than measure.py has it in bench.py"""
    path, build = os.path.join(tree, "bench", "measure.py"), os.path.join(tree, "build", "gcc")
    path = path if os.path.exists(path) else os.path.join(tree, "bench", "bench.py")
    for needed in (path, os.path.join(build, "bsf", "gba-bsfd"), os.path.join(build, "bench", "store_fill")):
        if not os.path.exists(needed):
            sys.exit(f"{needed} is not there; needed: a checkout in which ./demo or ./test has built, and make -C build/gcc bench/store_fill")
    spec = importlib.util.spec_from_file_location("older_bench", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Bench(build, 1, 1)


class Against(measure.Bench):
    old = None

    def close(self):
        super().close()
        self.old.close()

    def daemon(self, maker):
        """-> one of maker's, with an HSS that always does the same; its port for devices"""
        ports = {w: measure.free_port() for w in ("ub", "dia", "hss")}
        self.spawn("bench/raw_zh", ["serve", measure.HSS_ID, measure.REALM, ports["hss"], measure.GUSS])
        p = maker.bsf(maker.fill("against", 0), ports)
        maker.wait_for(p, measure.HSS_ID)
        return p, ports["ub"]

    def birs(self):
        n, both = 40000 // self.scale, []
        for maker in (self, self.old):
            ports, store = {w: measure.free_port() for w in ("ub", "dia", "hss")}, maker.fill("birs", 10000)
            both.append((maker.bsf(store, ports), ports["dia"], store + ".btids"))
        for what, conns, flight in (("64 in flight", 1, 64), (f"{measure.MANY} NAFs of one each", measure.MANY, 1)):
            ratios = []
            for _ in range(self.rounds):
                (new_us, _), (old_us, _) = self.there_and_back(*(
                    lambda d=d: self.zn_load(*d, n, conns, flight) for d in both))
                ratios.append(new_us / old_us)
                print(f"  this tree {new_us:.2f} us   the older one {old_us:.2f} us", flush=True)
            self.verdict(f"a BIR, {what}, of the older one", ratios, 1.0)

    def bootstraps(self):
        n, first, both = 4000 // self.scale, 0, (self.daemon(self), self.daemon(self.old))
        for keep in (True, False):
            ratios = []
            for _ in range(self.rounds):
                (new_us, _), (old_us, _) = self.there_and_back(*(
                    lambda d=d: self.ub_run(*d, n, first, keep=keep) for d in both))
                first += n * 7919
                ratios.append(new_us / old_us)
                print(f"  this tree {new_us:.1f} us   the older one {old_us:.1f} us", flush=True)
            self.verdict(f"a bootstrap, {'connections kept' if keep else 'a connection each'}, of the older one", ratios, 1.0)


def main():
    a = measure.arguments()
    a.add_argument("tree")
    o = a.parse_args()
    measure.Bench.need_build(o.build)
    Against.old = older(os.path.abspath(o.tree))
    return Against.measure(o, ("birs", "bootstraps"), 10 if o.quick else 1) != 0


if __name__ == "__main__":
    sys.exit(main())
