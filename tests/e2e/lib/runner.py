# SPDX-License-Identifier: AGPL-3.0-or-later
"""Tests of one file, one after the other, reported in TAP with the time each took.

A test file holds coroutines marked with @test("what it shows", req=["220-..."]). Each gets a context t: a folder, cleanups,
processes that must end cleanly, and a search of everything left behind for keys."""
import asyncio
import importlib.util
import inspect
import logging
import os
import re
import shutil
import sys
import tempfile
import time
import traceback

from . import leaks, procs, tap
from .tap import Skip

TESTS = []


def test(name, req=(), timeout=60, smoke=False, long=False):
    """timeout: seconds until its end, or from one t.moved() to the next. smoke: part of `make check`. long: has a length of its own that LOAD_SCALE shrinks."""
    def mark(fn):
        TESTS.append((name, list(req), timeout, smoke, long, fn))
        return fn
    return mark


async def said(fn, *args):
    """What a function says, or a coroutine function."""
    r = fn(*args)
    return await r if inspect.isawaitable(r) else r


class Context:
    def __init__(self, name):
        self.name = name
        self.dir = tempfile.mkdtemp(prefix="gba-e2e-", dir=os.environ.get("GBA_TMP"))
        os.chmod(self.dir, 0o755)
        self.factor = procs.FACTOR
        self.scale = float(os.environ.get("LOAD_SCALE", "1"))
        self.cleanups, self.daemons, self.worlds = [], [], []
        self.may_die = set()
        self.notes = []
        self.search_store = True
        self.limit = self.timeout = None        # runner's

    # --- for tests
    def skip(self, why):
        raise Skip(why)

    def need_program(self, name):
        path = procs.program(name)
        if path is None:
            raise Skip(f"{name} is not built")
        return path

    def need_tool(self, name, package):
        path = shutil.which(name)
        if path is None:
            raise Skip(f"{name} is missing (package {package})")
        return path

    def need_root(self, what):
        if os.geteuid() != 0:
            raise Skip(f"{what} needs root")

    def cleanup(self, fn, *args):
        self.cleanups.append((fn, args))

    def watch(self, daemon):
        """Stop it at the end; it must end with 0 and without a sanitizer's report."""
        self.daemons.append(daemon)

    def moved(self):
        """One step of a known number is done: the time-out begins anew. For tests as long as the machine is slow."""
        self.limit.reschedule(asyncio.get_running_loop().time() + self.timeout)

    def note(self, text):
        """A figure for the report."""
        self.notes.append(text)

    async def until(self, check, timeout, what, then=None):
        """Until check() is true, be it a coroutine or not; asks every 50 ms, since the thing asked tells nobody by itself."""
        end = time.monotonic() + timeout * self.factor
        while not await said(check):
            if time.monotonic() > end:
                more = f" (seen: {await said(then)})" if then else ""
                raise AssertionError(f"waited {timeout} s for {what}{more}")
            await asyncio.sleep(0.05)

    # --- the end of a test
    async def finish(self):
        problems = []
        for fn, args in reversed(self.cleanups):
            try:
                await said(fn, *args)
            except Exception:                                   # the other cleanups must run all the same
                problems.append("cleanup: " + traceback.format_exc())
        problems += sum(await asyncio.gather(*(self._end(d) for d in self.daemons)), [])
        problems += self._leaks()
        return problems

    async def _end(self, d):
        """Stop one process; what was wrong with its end."""
        by_itself = d.proc is not None and not d.running and not d.asked_to_end
        try:
            rc = await d.stop(25)
        except AssertionError as e:
            return [str(e)]
        problems = []
        if d not in self.may_die and by_itself:
            problems.append(f"{d.name} ended by itself with {rc}:\n{d.tail(15)}")
        elif d not in self.may_die and rc:
            problems.append(f"{d.name} ended with {rc} after SIGTERM:\n{d.tail(15)}")
        report = d.sanitizer_report()
        return problems + ([f"{d.name}: {report}"] if report else [])

    def _leaks(self):
        """No key of the run in any log or store (220-4.2.1-3)."""
        keys = [k for w in self.worlds for k in w.secrets()]
        if len(keys) > 200:
            keys = keys[:20] + keys[20::max(1, len(keys) // 180)]
        hits, _ = leaks.search(self.dir, keys, without=("etc",) if self.search_store else ("etc", "bsf", "hss"))
        return [f"key in {path} (form begins {form!r})" for path, _, form in hits[:5]]


async def _one(name, timeout, fn):
    ctx = Context(name)
    ctx.timeout = timeout * procs.FACTOR
    status, text = await tap.outcome(fn(ctx), ctx.timeout, lambda clock: setattr(ctx, "limit", clock))
    problems = await ctx.finish()
    if problems and status != "skip":
        status = "fail"
        text += "\n".join(problems)
    if status == "fail":
        for d in ctx.daemons:
            text += f"\nlast lines of {d.name}:\n{d.tail(25)}"
    if status == "fail" and os.environ.get("GBA_KEEP"):
        text += f"\nkept: {ctx.dir}"
    else:
        shutil.rmtree(ctx.dir, ignore_errors=True)
    return status, text, ctx.notes


def load(path):
    TESTS.clear()
    spec = importlib.util.spec_from_file_location(os.path.basename(path)[:-3], path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return list(TESTS)


def select(tests, only, smoke):
    return [t for t in tests if (only is None or re.search(only, t[0])) and (not smoke or t[3])]


def run_file(path, only=None, smoke=False):
    """Run a file's tests, TAP on standard output; number of failures."""
    logging.getLogger("asyncio").setLevel(logging.ERROR)      # writing to a peer that has gone is what some tests do
    tests, failed = select(load(path), only, smoke), 0
    print(f"1..{len(tests)}", flush=True)
    for i, (name, req, timeout, _, _, fn) in enumerate(tests, 1):
        began = time.monotonic()
        status, text, notes = asyncio.run(_one(name, timeout, fn))
        label = name + (f" [{' '.join(req)}]" if req else "")
        print(tap.line(i, label, status, text, time.monotonic() - began), flush=True)
        for line in notes:
            print(f"# {line}", flush=True)
        if status == "fail":
            failed += 1
            print(tap.diagnostics(text), flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(2)
