#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Does gba-interop find a fault? Each fault is found if, with it, one of the cases named for it fails that passes without it. TAP.

usage: faults.py [--proxy] [--patches] [--only REGEXP]     make interop-faults does all

Faults of mutator.py are made by a proxy in front of our daemons. Those of patches/*.patch are put into a copy of the tree, one after the
other, and built there: its first lines say role and cases ("Role: zn", "Cases: ZN-340"). Fails if fewer than 95 of 100 are found."""
import argparse
import asyncio
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "e2e"), HERE]

from lib import procs, runner  # noqa: E402
from lib.lab import Lab  # noqa: E402
import mutator  # noqa: E402

ENOUGH = 0.95


class Proxied(Lab):
    """The laboratory with a proxy in front of each of its ports."""

    async def start(self, *args, **kw):
        await super().start(*args, **kw)
        self.proxies = {}
        for which, kind in (("dia", "diameter"), ("hss", "diameter"), ("ub", "http")):
            p = self.proxies[which] = await mutator.Proxy(self.ports[which], kind).start()
            self.t.cleanup(p.stop)
        for name in ("bsf.toml", "hss.toml"):
            self.rewrite(name, lambda s: re.sub(r"^port = (\d+)", lambda m: f"port = {self._port(int(m[1]))}", s, flags=re.M))
            self.rewrite(name, lambda s: re.sub(r"^timeout = .*", f"timeout = {2 * self.t.factor}", s, flags=re.M))
        return self

    def _port(self, port):
        return next(self.proxies[w].port for w in self.proxies if self.ports[w] == port)

    async def failed(self, role, cases, change=None):
        """Numbers of the cases that failed under this change."""
        for p in self.proxies.values():
            p.change = None
        if change:
            self.proxies[{"zn": "dia", "zh": "hss", "ub": "ub"}[role]].change = change
        rc, out = await self.interop(role, "--only", cases)
        assert rc in (0, 1) and re.search(r"^(not )?ok 1 ", out, re.M), out[-3000:]
        return re.findall(r"^not ok \d+ - (\S+)", out, re.M)


async def by_proxy(w, faults):
    """(name, cases that found it) for each of these faults; raises where a case fails without a fault."""
    for role in sorted({f[1] for f in faults}):
        cases = "|".join(sorted({f[2] for f in faults if f[1] == role}))
        bad = await w.failed(role, cases)
        assert not bad, f"{bad} fail without a fault"
    return [(f[0], await w.failed(*f[1:])) for f in faults]


# --- patches
class Tree:
    """A copy of the tree with a build of its own."""

    def __init__(self, folder):
        self.src, self.build = os.path.join(folder, "src"), os.path.join(folder, "src", "build", "faults")
        files = subprocess.run(["git", "ls-files", "-z"], cwd=procs.SRC, check=True, capture_output=True).stdout
        os.makedirs(self.src)
        subprocess.run(["xargs", "-0", "cp", "--parents", "-P", "-t", self.src], cwd=procs.SRC, input=files, check=True)

    def patch(self, path, *more):
        """Does it apply? Whole, or not at all."""
        argv = ["patch", "-p1", "-s", "-f", "--no-backup-if-mismatch", "-i", path, *more]
        whole = subprocess.run(argv + ["--dry-run"], cwd=self.src, capture_output=True, check=False).returncode == 0
        if whole:
            subprocess.run(argv, cwd=self.src, check=True)
        return whole

    def make(self):
        """Both daemons; None, or what the compiler said."""
        script = f'. tools/build.sh; mkdir -p "{self.build}"; build_configure "$PWD" "{self.build}" CC=gcc && ' \
                 f'make -C "{self.build}" -j"$(nproc)" common/gba/cause_list.h && make -C "{self.build}" -j"$(nproc)" bsf/gba-bsfd hss-sim/gba-hss-simd'
        p = subprocess.run(["bash", "-c", script], cwd=self.src, capture_output=True, text=True, check=False)
        return p.stderr[-3000:] if p.returncode else None


def head(path):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    return tuple(re.search(rf"^{word}: (.+)$", text, re.M)[1] for word in ("Subject", "Role", "Cases"))


async def in_lab(fn):
    t = runner.Context("faults")
    try:
        return await fn(await Proxied(t).start())
    finally:
        problems = await t.finish()
        shutil.rmtree(t.dir, ignore_errors=True)
        if problems:
            print("\n".join("# " + x.replace("\n", "\n# ") for x in problems))


def by_patches(paths):
    if not paths:
        return
    heads = [head(p) for p in paths]
    with tempfile.TemporaryDirectory(prefix="gba-faults-") as folder:
        tree = Tree(folder)
        said = tree.make()
        assert not said, said
        procs.BUILD = tree.build

        async def clean(w):
            return [await w.failed(role, "|".join({h[2] for h in heads if h[1] == role})) for role in sorted({h[1] for h in heads})]
        bad = sum(asyncio.run(in_lab(clean)), [])
        assert not bad, f"{bad} fail without a fault"
        for path, (name, role, cases) in zip(paths, heads):
            if not tree.patch(path):
                yield f"{name} (its patch no longer fits the tree: make it anew)", []
                continue
            said = tree.make()
            assert not said, f"{path}: {said}"
            yield name, asyncio.run(in_lab(lambda w, r=role, c=cases: w.failed(r, c)))
            tree.patch(path, "-R")


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--proxy", action="store_true")
    p.add_argument("--patches", action="store_true")
    p.add_argument("--only", default="")
    a = p.parse_args()
    everything = not a.proxy and not a.patches
    faults = [f for f in mutator.FAULTS if re.search(a.only, f[0])] if a.proxy or everything else []
    patches = [x for x in sorted(glob.glob(os.path.join(HERE, "patches", "*.patch"))) if re.search(a.only, head(x)[0])]
    results = asyncio.run(in_lab(lambda w: by_proxy(w, faults))) if faults else []
    n = found = 0

    def tell(name, cases, how):
        nonlocal n, found
        n, found = n + 1, found + bool(cases)
        print(f"{'ok' if cases else 'not ok'} {n} - {how}: {name}" + (f" # {' '.join(cases)}" if cases else ""), flush=True)
    for name, cases in results:
        tell(name, cases, "proxy")
    for name, cases in by_patches(patches if a.patches or everything else []):
        tell(name, cases, "patch")
    print(f"1..{n}\n# {found} of {n} faults found")
    sys.exit(0 if n and found >= ENOUGH * n else 1)


if __name__ == "__main__":
    main()
