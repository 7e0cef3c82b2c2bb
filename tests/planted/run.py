#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Would a test see it? Each fault of *_faults.py is put into a copy of the tree, one after the other, and built there; the test that is
named for it has to turn red, and is green without it. TAP. Fails if fewer than 95 of 100 are seen.

usage: run.py [--only REGEXP]      make planted does all, more than an hour; REGEXP of the name of a fault or of its file"""
import argparse
import glob
import os
import re
import runpy
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SRC = os.path.dirname(os.path.dirname(HERE))
ENOUGH = 0.95
LIMIT_S = 400


class Tree:
    """A copy of the tree with a build of its own."""

    def __init__(self, src, folder):
        files = subprocess.run(["git", "ls-files", "-z"], cwd=src, check=True, capture_output=True).stdout
        subprocess.run(["xargs", "-0", "cp", "--parents", "-P", "-t", folder], cwd=src, input=files, check=True)
        subprocess.run(["bash", "-c", '. tools/build.sh && build_tree "$PWD" "$PWD/build/planted" CC=gcc'], cwd=folder, check=True)
        self.src, self.build = folder, os.path.join(folder, "build", "planted")

    def run(self, argv, limit_s):
        """\\returns (exit status, output); with None it was not over in time."""
        env = {**os.environ, "srcdir": self.src, "GBA_BUILD": self.build}
        with subprocess.Popen(argv, cwd=self.build, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                              start_new_session=True, env=env) as p:
            try:
                out, _ = p.communicate(timeout=limit_s)
                return p.returncode, out
            except subprocess.TimeoutExpired:
                subprocess.run(["pkill", "-KILL", "-s", str(p.pid)], check=False)  # each test of check has a group of its own
                return None, p.communicate()[0]

    def program(self, test):
        """A C test; None: an end-to-end one."""
        found = glob.glob(os.path.join(self.src, "tests", "*", test + ".c"))
        return os.path.relpath(found[0], self.src)[:-2] if found else None

    def make(self, test):
        """\\returns what the compiler said, "": it is built."""
        rc, out = self.run(["make", "-C", self.build, "-j", str(os.cpu_count()), self.program(test) or "all"], 1800)
        return out[-2000:] if rc else ""

    def red(self, test):
        """\\returns how, in words; "": it is green. One that was not run has seen nothing."""
        path = self.program(test)
        argv = [os.path.join(self.build, path)] if path else [sys.executable, f"{self.src}/tests/e2e/run.py", f"{self.src}/tests/e2e/{test}.py"]
        rc, out = self.run(argv, LIMIT_S)
        if rc in (0, 77):
            return ""
        how = re.search(r"^not ok.*|^.*:[EF]:.*", out, re.M)
        return how[0][:160] if how else "not over in time" if rc is None else f"ended with {rc}"

    def put(self, file, old, new):
        """\\returns is it planted?"""
        path = os.path.join(self.src, file)
        with open(path, encoding="utf-8") as f:
            text = f.read()
        if text.count(old) != 1:
            return False
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace(old, new))
        return True


def tried(tree, file, fault):
    """\\returns (seen, words)"""
    _, test, old, new = fault
    before = os.path.join(tree.src, file + ".before")
    subprocess.run(["cp", os.path.join(tree.src, file), before], check=True)
    try:
        if not tree.put(file, old, new):
            return False, f"it cannot be planted: {file} has become another, make it anew"
        said = tree.make(test)
        if said:
            return False, "it does not build: " + said.replace("\n", "\n# ")
        how = tree.red(test)
        return bool(how), f"{test}: {how}" if how else f"{test} is green"
    finally:
        subprocess.run(["cp", before, os.path.join(tree.src, file)], check=True)
        os.unlink(before)


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--only", default="")
    a = p.parse_args()
    faults = [(file, fault) for path in sorted(glob.glob(os.path.join(HERE, "*_faults.py")))
              for file, of in runpy.run_path(path)["FAULTS"].items() for fault in of if re.search(a.only, fault[0] + " " + file)]
    seen = 0
    with tempfile.TemporaryDirectory(prefix="gba-planted-") as folder:
        tree = Tree(SRC, folder)
        for test in sorted({fault[1] for _, fault in faults}):
            said = tree.make(test) or tree.red(test)
            assert not said, f"{test} without a fault: {said}"
        for n, (file, fault) in enumerate(faults, 1):
            yes, words = tried(tree, file, fault)
            seen += yes
            print(f"{'ok' if yes else 'not ok'} {n} - {fault[0]} # {words}", flush=True)
    print(f"1..{len(faults)}\n# {seen} of {len(faults)} faults seen")
    sys.exit(0 if faults and seen >= ENOUGH * len(faults) else 1)


if __name__ == "__main__":
    main()
