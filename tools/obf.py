#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The rows of the open bootstrap framework: show them, and write doc/obf.md. In the source folder.

usage: obf.py run [BUNDLE...]     run the cases of these bundles of tests/obf, or of all, against GBA_BUILD (build/gcc); keep
                                  how they ended in tests/obf/results and write doc/obf.md
       obf.py write               doc/obf.md alone"""
import csv
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "tests", "e2e"))

from lib import bundles  # noqa: E402

RESULTS, DOCUMENT = "tests/obf/results", "doc/obf.md"
SAID = {"done": "green", "otherwise": "green, otherwise", "partly": "green, in part", "not": "not yet", "out": "out"}

HEAD = """# The open bootstrap framework, row by row

What the drafts of ITU-T Y.OBF_Trust ask of a realm, one row a sentence in our words, and what shows it on these nodes. The rows
`OBF-` are those of the draft of September 2020 by its clauses, `OBFA-` what the contribution of April 2020 adds. M: must, S: should, C: could,
X: consciously not. Written by `tools/obf.py` from `doc/obf.csv`, the bundles of `tests/obf` and their last results; `tools/check-obf.py`
in `make check` is red when it is stale, or when a row that is done has no case that shows it and, for M, none that shows the refusal.

A row is shown again by its bundle, after a build: `tools/obf.py run BUNDLE`. Last run: {day}. {counts}.

## What GBA cannot promise, or does in another way

| asked | what is so |
|---|---|
"""


def rows():
    with open("doc/obf.csv", encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f))


def results():
    """(day of the last run, {case: how it ended})."""
    with open(RESULTS, encoding="utf-8") as f:
        day, *lines = f.read().splitlines()
    return day, {line.split(" ", 1)[1]: line.split(" ", 1)[0] for line in lines}


def result(row, cases, ended):
    if row["state"] in ("not", "out"):
        return SAID[row["state"]]
    return SAID[row["state"]] if all(ended.get(bundles.name(c)) == "ok" for c in cases) else "RED"


def clause(row):
    m = re.match(r"(OBFA?)-(\w+)", row["id"])
    return f"{'September 2020' if m.group(1) == 'OBF' else 'April 2020'}, clause {m.group(2)}" if m.group(2) != "I" else "April 2020, appendix I"


def document(table, covers, day, ended):
    counts = ", ".join(f"{sum(r['state'] == s for r in table)} {word}" for s, word in SAID.items())
    out, last = HEAD.format(day=day, counts=counts), None
    out += "".join(f"| {r['id']}: {r['text']} | {r['note']} |\n" for r in table if r["state"] == "otherwise")
    for r in table:
        if clause(r) != last:
            last = clause(r)
            out += f"\n## {last}\n\n| row | | what | shown by | last result | otherwise, or missing |\n|---|---|---|---|---|---|\n"
        mine = [c for c in covers if r["id"] in c.rows]
        shown = ", ".join(sorted({f"`{c.bundle}`" for c in mine}))
        out += f"| {r['id']} | {r['level']} | {r['text']} | {shown} | {result(r, [x for c in mine for x in c.cases], ended)} | {r['note']} |\n"
    return out


def write():
    with open(DOCUMENT, "w", encoding="utf-8") as f:
        f.write(document(rows(), bundles.covers(), *results()))


def run_cases(cases):
    """{case: how it ended}, by one run of the end-to-end runner."""
    files = sorted({bundles.source(c) for c in cases})
    only = "|".join(sorted({re.escape(c.text) for c in cases}))
    out = subprocess.run([sys.executable, "tests/e2e/run.py", "--jobs", "2", "--only", only, *files], stdout=subprocess.PIPE, text=True, check=False)
    sys.stdout.write(out.stdout)
    ran = bundles.outcomes(out.stdout)
    return {bundles.name(c): bundles.outcome(c, ran) or "fail" for c in cases}


def run_programs(cases, build):
    """The same for programs of make check."""
    program = {c: "tests/" + os.path.relpath(bundles.source(c), bundles.TESTS).removesuffix(".c") for c in cases}
    built = {program[c] for c in cases if bundles.source(c).endswith(".c")}
    subprocess.run(["make", "-C", build, "-k", "check", "TESTS=" + " ".join(sorted(set(program.values()))), "check_PROGRAMS=" + " ".join(sorted(built))],
                   stdout=subprocess.DEVNULL, check=False)
    out = {}
    for c in cases:
        with open(os.path.join(build, program[c] + ".trs"), encoding="utf-8") as f:
            out[bundles.name(c)] = "ok" if ":test-result: PASS" in f.read() else "fail"
    return out


def run(wanted):
    covers = bundles.covers()
    cases = {c._replace(sign="") for cover in covers for c in cover.cases if not wanted or cover.bundle in wanted}
    if not cases:
        sys.exit(f"no bundle of that name; there are {' '.join(sorted({c.bundle for c in covers}))}")
    build = os.environ.setdefault("GBA_BUILD", os.path.abspath("build/gcc"))
    ended = run_cases([c for c in cases if "/" not in c.file]) | run_programs([c for c in cases if "/" in c.file], build)
    known = {bundles.name(c) for cover in covers for c in cover.cases}
    kept = {k: v for k, v in results()[1].items() if k in known} if os.path.exists(RESULTS) else {}
    with open(RESULTS, "w", encoding="utf-8") as f:
        f.write(time.strftime("%Y-%m-%d\n") + "".join(f"{how} {case}\n" for case, how in sorted((kept | ended).items())))
    write()
    bad = [case for case, how in ended.items() if how != "ok"]
    for case in bad:
        print(f"not green: {case}")
    sys.exit(1 if bad else 0)


def main():
    match sys.argv[1:]:
        case ["run", *wanted]:
            run(wanted)
        case ["write"]:
            write()
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
