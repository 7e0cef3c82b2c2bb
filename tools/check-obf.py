#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""doc/obf.csv, the rows of the open bootstrap framework, against the bundles of tests/obf, and doc/obf.md against both.

Run in $srcdir (default: here).

Each row: id,level,state,text,note. State is done; otherwise (done in another way than the text has it, which the note says); partly
or not (the note says what is missing); or out (the note says why). What is done, at least in part, is covered by a bundle: if its level is M, with
a positive and a negative case. Each case is there, once, is run, and was green in tests/obf/results (written by tools/obf.py)."""
import glob
import os
import re
import sys

os.chdir(os.environ.get("srcdir") or ".")
sys.path[:0] = [os.path.abspath("tests/e2e"), os.path.abspath("tools")]

from lib import bundles  # noqa: E402
import obf  # noqa: E402

LEVELS, STATES = ("M", "S", "C", "X"), ("done", "otherwise", "partly", "not", "out")


def table_faults(rows):
    seen = set()
    for r in rows:
        if r["id"] in seen:
            yield f"{r['id']}: twice"
        seen.add(r["id"])
        if r["level"] not in LEVELS or r["state"] not in STATES:
            yield f"{r['id']}: level {r['level']}, state {r['state']}; allowed: {', '.join(LEVELS)}; {', '.join(STATES)}"
        if r["state"] != "done" and not r["note"]:
            yield f"{r['id']}: {r['state']}, but no note says what is missing, or why"


def row_faults(rows, covers):
    for r in rows:
        signs = "".join(c.sign for cover in covers if r["id"] in cover.rows for c in cover.cases)
        if r["state"] in ("not", "out"):
            if signs:
                yield f"{r['id']}: is {r['state']} in doc/obf.csv, and a bundle covers it"
        elif "+" not in signs or (r["level"] == "M" and "-" not in signs):
            yield f"{r['id']}: no bundle has a positive{' and a negative' if r['level'] == 'M' else ''} case of it"
    known = {r["id"] for r in rows}
    for cover in covers:
        for row in set(cover.rows) - known:
            yield f"tests/obf/{cover.bundle}.py: {row} is no row of doc/obf.csv"


def case_fault(case, fragments):
    """What is wrong with a case, or None."""
    path = bundles.source(case)
    if path is None:
        return "there is no such file"
    if "/" in case.file:
        with open(path, encoding="utf-8") as f:
            if case.text and case.text not in f.read():
                return f"{path} does not hold the text"
        return None if re.search(r"tests/" + re.escape(case.file) + r"(?![\w-])", fragments) else f"{path} is run by nothing"
    n = sum((case.text or "\0") in name for name in bundles.names_in(path))
    return None if n == 1 else f"{n} cases of {path} have that in their name; allowed: 1"


def case_faults(covers, results):
    fragments = ""
    for path in glob.glob("**/*.inc", recursive=True):
        with open(path, encoding="utf-8") as f:
            fragments += f.read()
    for cover in covers:
        for case in cover.cases:
            fault = case_fault(case, fragments)
            if fault is None and results.get(bundles.name(case)) != "ok":
                fault = f"is not ok in {obf.RESULTS}; tools/obf.py run {cover.bundle}"
            if fault:
                yield f"tests/obf/{cover.bundle}.py: {bundles.name(case)}: {fault}"


def main():
    rows, covers = obf.rows(), bundles.covers()
    day, results = obf.results()
    bad = [*table_faults(rows), *row_faults(rows, covers), *case_faults(covers, results)]
    if not bad:
        with open(obf.DOCUMENT, encoding="utf-8") as f:
            if f.read() != obf.document(rows, covers, day, results):
                bad.append(f"{obf.DOCUMENT} is not what doc/obf.csv, the bundles and {obf.RESULTS} make: tools/obf.py write")
    for line in bad:
        print(line)
    print(", ".join(f"{sum(r['state'] == s for r in rows)} {s}" for s in STATES))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
