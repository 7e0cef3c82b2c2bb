#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Run the end-to-end tests. Each file in a process of its own; TAP as it comes, totals on the last line.

usage: run.py [--smoke] [--jobs N] [--only REGEXP] [--causes] [--again] [FILE...]

  --again          a file in which a test failed is run once more and that run counts, unless a process crashed or a
                   sanitizer spoke; said at the end. For machines that stand still for seconds; not for finding out.

  GBA_BUILD        build folder of the programs (default: current folder)
  GBA_TIME_FACTOR  every time limit times this (sanitizers, slow machines)
  LOAD_SCALE       length of the load tests, 1 = as the project promises
  GBA_KEEP=1       keep the folder of a failed test
  GBA_CAUSES_FILE  where provoked causes are collected; with --causes, which is for all files, every row of causes.csv must be there
                   at the end, and each case that a bundle of tests/obf names must have been green"""
import argparse
import atexit
import concurrent.futures
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ALONE = ("t_load", "t_hostile", "t_store")      # measure times and rates: nothing runs beside them

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from lib import bundles, causes, runner  # noqa: E402


def child(path, args):
    argv = [sys.executable, "-u", os.path.abspath(__file__), "--child", path]
    argv += ["--smoke"] if args.smoke else []
    argv += ["--only", args.only] if args.only else []
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


CRASH = re.compile(r"ended with -|Sanitizer|runtime error:|Fatal error|core dumped|heap corruption|corrupted")


class Totals:
    def __init__(self):
        self.again = []
        self.passed = self.failed = self.skipped = 0
        self.skips, self.failures, self.ran = [], [], {}

    def take(self, name, output, rc):
        planned = seen = 0
        self.ran |= bundles.outcomes(output)
        for line in output.split("\n"):
            if line.startswith("1.."):
                planned = int(line[3:])
            elif line.startswith("ok ") and "# SKIP" in line:
                self.skipped, seen = self.skipped + 1, seen + 1
                what, why = line.split(" # SKIP ", 1)
                self.skips.append(f"{name}: {what.split(' - ', 1)[1].split(' [')[0]}: {why}")
            elif line.startswith("ok "):
                self.passed, seen = self.passed + 1, seen + 1
            elif line.startswith("not ok "):
                self.failed, seen = self.failed + 1, seen + 1
                self.failures.append(f"{name}: {line[7:]}")
        if seen != planned or rc not in (0, 1) or "1.." not in output:
            self.failed += 1
            self.failures.append(f"{name}: ended early (exit status {rc}, {seen} of {planned} tests)")


def run_once(path, args, head, stream):
    """-> what it printed after a line that names it, exit status. stream: print it as it comes."""
    p, output = child(path, args), f"# {head}\n"
    if stream:
        print(output, end="", flush=True)
    for line in p.stdout:
        output += line
        if stream:
            print(line, end="", flush=True)
    return output, p.wait()


def run_file(path, args, stream):
    """-> name of the file, its runs: the last one counts"""
    name = os.path.basename(path)[:-3]
    runs = [run_once(path, args, name, stream)]
    if args.again and runs[0][1] == 1 and not CRASH.search(runs[0][0]):
        runs.append(run_once(path, args, name + " once more", stream))
    return name, runs


def run_all(files, jobs, args, totals):
    """Files one after the other, or jobs side by side: the next begins as soon as any has ended; its output is printed as a whole."""
    stream = jobs == 1
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        try:
            for one in concurrent.futures.as_completed([pool.submit(run_file, f, args, stream) for f in files]):
                name, runs = one.result()
                if not stream:
                    print("".join(output for output, _ in runs), end="", flush=True)
                for output, _ in runs[:-1]:
                    totals.again += [f"{name}: {text}" for text in re.findall(r"^not ok (.+)$", output, re.M)]
                totals.take(name, *runs[-1])
        finally:
            pool.shutdown(wait=True, cancel_futures=True)       # interrupted: what has not begun does not begin


def check_whole(totals, what, missing):
    """One more test, of a run of all files: nothing is missing."""
    if missing:
        totals.failed += 1
        totals.failures.append(f"{what}; missing: {missing}")
    else:
        totals.passed += 1
    print(f"not ok - {what}; missing: {missing}" if missing else f"ok - {what}")


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--smoke", action="store_true")
    p.add_argument("--causes", action="store_true")
    p.add_argument("--again", action="store_true")
    p.add_argument("--jobs", type=int, default=1)
    p.add_argument("--only")
    p.add_argument("--child")
    p.add_argument("files", nargs="*")
    args = p.parse_args()
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:   # begun in the background: what we start must still hear it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if args.child:
        sys.exit(1 if runner.run_file(args.child, args.only, args.smoke) else 0)
    files = args.files or sorted(glob.glob(os.path.join(HERE, "t_*.py"))) + bundles.paths()
    if "GBA_CAUSES_FILE" not in os.environ:
        folder = tempfile.mkdtemp(prefix="gba-causes-")
        atexit.register(shutil.rmtree, folder, True)
        os.environ["GBA_CAUSES_FILE"] = os.path.join(folder, "provoked")
    began, totals = time.monotonic(), Totals()
    alone = [f for f in files if os.path.basename(f)[:-3] in ALONE]
    run_all([f for f in files if f not in alone], args.jobs, args, totals)
    run_all(alone, 1, args, totals)
    if args.causes:
        check_whole(totals, "every row of causes.csv was provoked", " ".join(c for c in causes.table() if c not in causes.registered()))
        check_whole(totals, "every case that a bundle of tests/obf names was green", "; ".join(bundles.missed(totals.ran)))
    for text in totals.again:
        print(f"again: {text}")
    for s in totals.skips:
        print(f"skipped: {s}")
    for f in totals.failures:
        print(f"failed: {f}")
    print(f"e2e: {totals.passed} passed, {totals.failed} failed, {totals.skipped} skipped in {time.monotonic() - began:.0f} s")
    sys.exit(1 if totals.failed else 0)


if __name__ == "__main__":
    main()
