# SPDX-License-Identifier: AGPL-3.0-or-later
"""The table common/gba/causes.csv, what tests have provoked of it, and the check that a counter moved and no other."""
import contextlib
import csv
import os

from . import procs

TABLE = os.path.join(procs.SRC, "common", "gba", "causes.csv")


def table():
    with open(TABLE, encoding="utf-8", newline="") as f:
        return {row["cause"]: row for row in csv.DictReader(f)}


def register(name):
    """A test has provoked this cause and seen its answer and counter."""
    assert name in table(), f"{name} is not in causes.csv"
    path = os.environ.get("GBA_CAUSES_FILE")
    if path:
        with open(path, "a", encoding="utf-8") as f:
            f.write(name + "\n")


def registered():
    path = os.environ.get("GBA_CAUSES_FILE")
    if not path or not os.path.exists(path):
        return set()
    with open(path, encoding="utf-8") as f:
        return set(f.read().split())


@contextlib.asynccontextmanager
async def counted(world, which="bsf", also=(), wait=5, **expected):
    """Inside, exactly these causes are counted: counted(w, ub_challenged=1). also: may move as well, by any amount.
    Answers may leave before their counter is read, so a missing count is given a moment."""
    before = await world.counters(which)
    yield
    names = set(table())

    async def moved():
        after = await world.counters(which)
        return {k: v - before.get(k, 0) for k, v in after.items() if k in names and v != before.get(k, 0)}

    async def complete():
        m = await moved()
        return all(m.get(k, 0) >= v for k, v in expected.items())
    await world.t.until(complete, wait, f"counters {expected}", then=moved)
    m = await moved()
    rest = {k: v for k, v in m.items() if k not in also}
    assert rest == {k: v for k, v in expected.items() if v}, f"counted {rest}, expected {expected}"
    log = world.bsf if which == "bsf" else world.hss
    for name, n in expected.items():
        if n:
            async def logged(name=name):
                return log is None or name in log.text()
            await world.t.until(logged, wait, f"a log line that names {name}")
            register(name)
