# SPDX-License-Identifier: AGPL-3.0-or-later
"""The command line of gba-interop."""
import argparse
import asyncio
import logging
import os
import re
import subprocess
import sys
import tempfile
import time

from ..wire import record, tap
from . import bench, case, ladder, listing, needs, report, target

USAGE = """gba-interop zn|zh|ub --target FILE.toml [--only REGEXP] [--destructive] [--junit FILE] [--html FILE] [--limit SECONDS]
       gba-interop zn|zh|ub --target FILE.toml --check | --provision
       gba-interop --list [zn|zh|ub] | --manual | --numbers"""


def arguments(argv):
    p = argparse.ArgumentParser(prog="gba-interop", usage=USAGE, description="Try a BSF or HSS as NAF (zn), BSF (zh) or device (ub). gba-interop(1)")
    p.add_argument("role", nargs="?", choices=list(case.ROLES))
    p.add_argument("--target", metavar="FILE", help="what is tried, in TOML")
    p.add_argument("--only", metavar="REGEXP", help="cases whose number or title fits")
    p.add_argument("--destructive", action="store_true", help="also what may harm it or others on it")
    p.add_argument("--junit", metavar="FILE", help="the results as JUnit XML")
    p.add_argument("--html", metavar="FILE", help="the results as one page, with the messages of each case that failed")
    p.add_argument("--limit", metavar="SECONDS", type=float, default=60, help="for one case (60)")
    p.add_argument("--check", action="store_true", help="read the target file, say what would run, and end")
    p.add_argument("--provision", action="store_true", help="do what [provision] says, and end")
    p.add_argument("--list", action="store_true", help="every case")
    p.add_argument("--manual", action="store_true", help="every case, as the manual page gba-interop-cases(7)")
    p.add_argument("--numbers", action="store_true", help="compare the cases with the list of numbers that were given")
    a = p.parse_args(argv)
    if not (a.list or a.manual or a.numbers) and not (a.role and a.target):
        p.error("a role (zn, zh or ub) and --target FILE are needed")
    try:
        a.only = re.compile(a.only, re.I) if a.only else None
    except re.error as e:
        p.error(f"--only: {e}")
    return a


def provision(t):
    """Run the command of the target file; {csv} in it is a file with its subscribers."""
    if not t.provision or not t.provision.command:
        print((t.provision.text if t.provision else None) or "the target file has no [provision]")
        return 0 if t.provision else 2
    with tempfile.NamedTemporaryFile("w", suffix=".csv", encoding="utf-8") as f:
        f.write(target.csv(t))
        f.flush()
        try:
            return subprocess.run([x.replace("{csv}", f.name) for x in t.provision.command], check=False).returncode
        except OSError as e:
            print(f"{t.path}: provision: command: {e}", file=sys.stderr)
            return 2


def chosen(a):
    return [c for c in case.load().values() if c.role == a.role and (a.only is None or a.only.search(f"{c.number} {c.title}"))]


def told(text):
    """What a tester wants of a traceback: the last exception, and where in the cases it was raised."""
    lines = text.strip().split("\n")
    if not lines[0].startswith("Traceback"):
        return text
    last = max(i for i, x in enumerate(lines) if not x.startswith((" ", "Traceback")) and x)
    what = re.sub(r"^AssertionError: ", "", "\n".join(lines[last:]))
    if re.match(r"(asyncio\.exceptions\.)?TimeoutError", what):
        what = "no answer in time"
    elif re.search(r"UbError: status 503", what):
        what += "\na limit of the BSF, perhaps: gba-interop(1), Limits"
    elif re.search(r"PeerClosed|HttpClosed|ConnectionResetError|BrokenPipeError", what):
        what = "the connection ended before the answer: " + what
    at = [m for m in map(re.compile(r'  File ".*/interop/(cases/\S+)", line (\d+), in').match, lines) if m]
    return what + (f"\n(interop/{at[-1][1]} line {at[-1][2]})" if at else "")


class Run:
    def __init__(self, t, a):
        self.t, self.a, self.have = t, a, needs.has(t, a.role)
        self.expected = {e.case: e.reason for e in t.expected}
        self.results = []

    def why_not(self, c):
        if c.destructive and not self.a.destructive:
            return "may harm the target: only with --destructive"
        return needs.why_not(c, self.have)

    async def one(self, b, c):
        why = self.why_not(c)
        if why:
            return report.Result(c, "skip", why)
        record.tape, b.notes, began = [], [], time.monotonic()
        status, text = await tap.outcome(c.fn(b, *c.args), self.a.limit)
        if status == "ok" and b.strays():
            status, text = "fail", "\n".join(b.strays())
        tape, record.tape = record.tape, None
        await b.finish(status == "fail")
        seconds, expected = time.monotonic() - began, self.expected.get(c.number) if status != "skip" else None
        if expected:
            status = "known" if status == "fail" else "mended"
        steps = ladder.Ladder(tape, self.t.subscriber, "BSF" if self.a.role != "zh" else "HSS")
        return report.Result(c, status, steps.without(told(text) if status in ("fail", "known") else text), seconds, steps if status == "fail" else None, b.notes, expected)

    async def all(self, cases):
        b = bench.Bench(self.t, self.a.role)
        b.can = self.have
        print(f"TAP version 13\n1..{len(cases)}", flush=True)
        for n, c in enumerate(cases, 1):
            r = await self.one(b, c)
            self.results.append(r)
            print("\n".join(report.tap_lines(n, r)), flush=True)
        await b.close()

    def end(self):
        name = self.t.target.name
        if self.a.junit:
            report.junit(self.results, f"{self.a.role} {name}", self.a.junit)
        if self.a.html:
            report.page(self.results, name, self.a.role, time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()), self.a.html)
        print(f"# {self.a.role} {name}: {report.totals(self.results) or 'nothing was tried'}")
        if not any(r.status not in ("skip",) for r in self.results):
            print("# no case ran")
            return 1
        return 1 if any(r.bad for r in self.results) else 0


def main(argv=None):
    a = arguments(argv)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)       # a connection that the other side cuts is what some cases wait for
    if a.numbers:
        wrong = listing.numbers(case.load())
        print("\n".join(wrong), end="\n" if wrong else "")
        return 1 if wrong else 0
    if a.list or a.manual:
        print(listing.manual(case.load()) if a.manual else listing.plain(case.load(), a.role), end="")
        return 0
    try:
        t = target.load(a.target, a.role)
    except target.TargetError as e:
        print(f"gba-interop: {e}", file=sys.stderr)
        return 2
    unknown = [e.case for e in t.expected if e.case not in case.load()]
    if unknown:
        print(f"gba-interop: {a.target}: expected: there is no case {', '.join(unknown)}; --list has them", file=sys.stderr)
        return 2
    for path in (a.junit, a.html):
        if path and not os.path.isdir(os.path.dirname(os.path.abspath(path))):
            print(f"gba-interop: {path}: there is no such folder", file=sys.stderr)
            return 2
    if a.provision:
        return provision(t)
    run = Run(t, a)
    if a.check:
        for c in chosen(a):
            print(f"{c.number} {'skip: ' + run.why_not(c) if run.why_not(c) else 'runs'}")
        return 0
    try:
        asyncio.run(run.all(chosen(a)))
    except KeyboardInterrupt:
        print("# interrupted")
        run.end()
        return 130
    return run.end()
