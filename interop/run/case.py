# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a case is, and all of them. A number is given once, for ever: numbers.csv holds those that were."""
import csv
import glob
import importlib
import os
import re

HERE = os.path.dirname(os.path.realpath(__file__))
CASES = os.path.join(HERE, "..", "cases")
ROLES = {"zn": "ZN", "zh": "ZH", "ub": "UB"}

_all = {}
unnumbered = []      # titles of rows that wait for a number


class Case:
    """needs: capabilities of the target file, or names of what stands in it (see needs.py); destructive: only on demand."""

    def __init__(self, number, title, clause, needs, destructive, fn, args):
        self.number, self.title, self.clause, self.needs, self.destructive = number, title, clause, frozenset(needs), destructive
        self.fn, self.args = fn, args

    @property
    def role(self):
        return next(r for r, p in ROLES.items() if self.number.startswith(p + "-"))


def _add(number, title, clause, needs, destructive, fn, args=()):
    if not re.fullmatch(r"(UB|ZH|ZN)-\d{3}", number):
        raise ValueError(f"{number} is no number of a case")
    if number in _all:
        raise ValueError(f"{number} is there twice")
    _all[number] = Case(number, title, clause, needs, destructive, fn, args)


def case(number, title, clause, needs=(), destructive=False):
    """Mark a coroutine fn(t)."""
    def mark(fn):
        _add(number, title, clause, needs, destructive, fn)
        return fn
    return mark


def cases(clause, rows, needs=(), destructive=False):
    """One coroutine fn(t, ...) for rows (number, title, arguments...). A dict at the end of a row has needs, clause, destructive of its own."""
    def mark(fn):
        for number, title, *args in rows:
            own = args.pop() if args and isinstance(args[-1], dict) and set(args[-1]) <= {"needs", "clause", "destructive"} else {}
            _add(number, title, own.get("clause", clause), set(needs) | set(own.get("needs", ())), own.get("destructive", destructive), fn, args)
        return fn
    return mark


def load():
    """Every case of cases/, by number."""
    if not _all:
        for path in sorted(glob.glob(os.path.join(CASES, "*.py"))):
            importlib.import_module("interop.cases." + os.path.basename(path)[:-3])
    return dict(sorted(_all.items()))


def numbers():
    """{number: title} of those that were ever given; a title of "-" was withdrawn."""
    out = {}
    with open(os.path.join(CASES, "numbers.csv"), encoding="utf-8", newline="") as f:
        for row in csv.DictReader(f):
            if row["number"] in out:
                raise ValueError(f"numbers.csv: {row['number']} is there twice")
            out[row["number"]] = row["title"]
    return out


def numbered(letters, prefix, names):
    """(number, name) for each of the names whose title prefix + name has a number with these letters."""
    given = {title: number for number, title in numbers().items() if number.startswith(letters + "-")}
    names = list(names)
    unnumbered.extend(f"{letters}: {prefix}{n}" for n in names if prefix + n not in given)
    return [(given[prefix + n], n) for n in names if prefix + n in given]
