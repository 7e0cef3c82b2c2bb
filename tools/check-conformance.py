#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""doc/conformance.csv against doc/ts33220-requirements.csv and the tests it names.

Run in $srcdir (default: here).

Each requirement of the steps that are built has one row: id,status,test,note. Status is done, partly or not. A row that is
done names at least one test; every test named is a file under tests/ that is run by make check or by the end-to-end
runner and that holds the requirement's id. What is partly or not there has a note that says what is missing.

Every file, function() and table[] that doc/conformance.md names in backticks exists."""
import csv
import glob
import os
import re
import sys

STEPS = ("slice", "ub", "zn")
STATUSES = ("done", "partly", "not")
FIELDS = ["id", "status", "test", "note"]


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f))


def read(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


def holds(text, req):
    """The id, not as the beginning of a longer one."""
    return re.search(r"(?<![\w.-])" + re.escape(req) + r"(?![\w.]*\d)", text) is not None


def is_run(name, fragments):
    """A program or script in a TESTS of a build fragment, or a file of the end-to-end runner."""
    if name.startswith("e2e/t_") and name.endswith(".py"):
        return True
    return re.search(r"tests/" + re.escape(name.removesuffix(".c")) + r"(?![\w-])", fragments) is not None


def faults(requirements, rows, fragments):
    known = [r["id"] for r in requirements if r["step"] in STEPS]
    seen = set()
    for r in rows:
        req, tests = r["id"], (r["test"] or "").split()
        if req not in known:
            yield f"{req}: no requirement of the steps {', '.join(STEPS)}"
        if req in seen:
            yield f"{req}: twice"
        seen.add(req)
        if r["status"] not in STATUSES:
            yield f"{req}: status '{r['status']}' is none of {', '.join(STATUSES)}"
        if r["status"] == "done" and not tests:
            yield f"{req}: done, but names no test"
        if r["status"] != "done" and not (r["note"] or "").strip():
            yield f"{req}: {r['status']}, but no note says what is missing"
        for name in tests:
            path = os.path.join("tests", name)
            if not os.path.isfile(path):
                yield f"{req}: tests/{name} does not exist"
            elif not holds(read(path), req):
                yield f"{req}: tests/{name} does not mention it"
            elif not is_run(name, fragments):
                yield f"{req}: tests/{name} is not run by anything"
    for req in known:
        if req not in seen:
            yield f"{req}: has no row"
    if not known:
        yield f"no requirement of the steps {', '.join(STEPS)} at all"


def sources():
    for pattern in ("common/**/*.[ch]", "dict/*.[ch]", "bsf/**/*.[ch]", "hss-sim/*.[ch]", "znproxy/*.[ch]", "reg/*.[ch]", "naf-lib/**/*.[ch]", "ue/**/*.[ch]"):
        for path in sorted(glob.glob(pattern, recursive=True)):
            yield read(path)


def stale_names(text):
    """What the prose names and the tree does not have."""
    words = set(re.findall(r"\w+", " ".join(sources())))
    for name in re.findall(r"`([^`]+)`", text):
        if re.fullmatch(r"[\w./-]+\.(c|h|sh|csv|py)", name):
            if not os.path.exists(name) and not glob.glob("**/" + name, recursive=True):
                yield f"doc/conformance.md: {name} does not exist"
        elif re.fullmatch(r"\w+(\(\)|\[\])", name) and name[:-2] not in words:
            yield f"doc/conformance.md: there is no {name}"


def main():
    os.chdir(os.environ.get("srcdir") or ".")
    rows = rows_of("doc/conformance.csv")
    if not rows or list(rows[0]) != FIELDS:
        print(f"doc/conformance.csv: the first line is {','.join(FIELDS)}")
        return 1
    fragments = "".join(read(p) for p in sorted(glob.glob("**/*.inc", recursive=True)))
    bad = list(faults(rows_of("doc/ts33220-requirements.csv"), rows, fragments))
    bad += stale_names(read("doc/conformance.md"))
    for line in bad:
        print(line)
    count = {s: sum(r["status"] == s for r in rows) for s in STATUSES}
    print(", ".join(f"{n} {s}" for s, n in count.items()))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
