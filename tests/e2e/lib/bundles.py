# SPDX-License-Identifier: AGPL-3.0-or-later
"""The bundles of tests/obf: which rows of doc/obf.csv each covers, and by which cases.

A bundle is a file of end-to-end tests with a head of comments:

    # covers: ROW ROW...
    #   + FILE: part of a case's name      shows the rows
    #   - FILE: part of a case's name      shows that it does not happen where it must not; +- is both
    #   + unit/NAME: a word of its source  a program of make check

FILE is one of tests/e2e or a bundle, without .py. A bundle has the cases that are nowhere yet; most stand in tests/e2e."""
import ast
import collections
import glob
import os
import re

Cover = collections.namedtuple("Cover", "bundle rows cases")
Case = collections.namedtuple("Case", "sign file text")

LINE = re.compile(r"#\s+(\+-|\+|-) ([\w./-]+)(?:: (.+))?")


TESTS = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))


def paths():
    return sorted(glob.glob(os.path.join(TESTS, "obf", "*.py")))


def covers_of(path):
    """What the head of a bundle says; ValueError."""
    bundle, out = os.path.basename(path)[:-3], []
    with open(path, encoding="utf-8") as f:
        for line in f:
            case = LINE.fullmatch(line.rstrip())
            if line.startswith("# covers:"):
                out.append(Cover(bundle, line[9:].split(), []))
            elif case and out:
                out[-1].cases.append(Case(*case.groups()))
            elif line.startswith("#  "):
                raise ValueError(f"{path}: '{line.strip()}' is no case; allowed: # + or - or +-, FILE: part of a case's name")
    return out


def covers():
    return [c for path in paths() for c in covers_of(path)]


def name(case):
    """A case as results have it."""
    return f"{case.file}: {case.text}" if case.text else case.file


def source(case):
    """The path of the file it stands in, or None."""
    tried = [case.file, case.file + ".c"] if "/" in case.file else [f"e2e/{case.file}.py", f"obf/{case.file}.py"]
    return next((path for path in (os.path.join(TESTS, x) for x in tried) if os.path.isfile(path)), None)


def literal(node):
    """A string of a source; what is computed in it is a NUL, which no text has."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    return "".join(literal(v) if isinstance(v, ast.Constant) else "\0" for v in getattr(node, "values", []))


def names_in(path):
    """Of all cases of an end-to-end file."""
    with open(path, encoding="utf-8") as f:
        tree = ast.parse(f.read())
    marks = [d for fn in ast.walk(tree) if isinstance(fn, ast.AsyncFunctionDef) for d in fn.decorator_list if isinstance(d, ast.Call)]
    return [literal(d.args[0]) for d in marks if getattr(d.func, "id", "") == "test"]


def outcomes(output):
    """{(file, the rest of its line): ok, skip or fail} of what run.py has said."""
    out, file = {}, ""
    for line in output.split("\n"):
        if m := re.fullmatch(r"# (\w+)( once more)?", line):
            file = m.group(1)
        elif m := re.match(r"(ok|not ok) \d+ - (.*)", line):
            out[file, m.group(2)] = "skip" if "# SKIP" in line else "ok" if m.group(1) == "ok" else "fail"
    return out


def outcome(case, ran):
    """How a case of tests/e2e or a bundle ended in outcomes(); None if it did not run."""
    return next((how for (file, line), how in ran.items() if file == case.file and case.text in line), None)


def missed(ran):
    """The cases of bundles that were not green in a whole run, for a reason other than that something is missing here."""
    cases = {c for cover in covers() for c in cover.cases if "/" not in c.file}
    return sorted({name(c) for c in cases if outcome(c, ran) not in ("ok", "skip")})
