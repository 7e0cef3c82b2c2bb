#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Count what ran, for ./test. Results are lines "pass TEXT", "fail TEXT", "skip TEXT" or "count P F S STAGE".

usage: count_check.py STAGE BUILD-DIR STATUS   from the logs of `make check`: check's own summaries, TAP, or the exit status
       count_check.py --e2e STAGE FILE STATUS  from the output of tests/e2e/run.py
       count_check.py --totals FILE            every failure and skip, then the totals alone on the last line; exit status"""
import os
import re
import sys

CHECK = re.compile(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)", re.M)


def one_log(text, outcome):
    """(passed, failed, reasons of skips) of one test program's log."""
    found = CHECK.findall(text)
    if found:
        bad = sum(int(f) + int(e) for _, f, e in found)
        return sum(int(c) for c, _, _ in found) - bad, bad, re.findall(r"^skipped: (.+)$", text, re.M)
    taps = re.findall(r"^(not ok|ok)\b(.*)$", text, re.M)
    if taps:
        skips = [rest.split("# SKIP", 1)[1].strip() for word, rest in taps if "# SKIP" in rest]
        bad = sum(word == "not ok" for word, _ in taps)
        return len(taps) - bad - len(skips), bad, skips
    if text.startswith("1..0"):
        return 0, 0, []
    if outcome == "SKIP":
        return 0, 0, [text.strip().split("\n")[0] or "no reason given"]
    return int(outcome == "PASS"), int(outcome != "PASS"), re.findall(r"^skipped: (.+)$", text, re.M)


def telling(text):
    """The lines of a log that say what failed: of TAP each failure and what follows it, else the end."""
    lines, out, failing = text.strip().split("\n"), [], False
    for line in lines:
        if re.match(r"(not ok|ok)\b", line):
            failing = line.startswith("not ok")
        if failing and len(out) < 200:
            out.append(line[:300])
    return out or lines[-30:]


def make_check(stage, build, status):
    out, seen = [], 0
    for base, _, names in os.walk(build):
        for name in sorted(n for n in names if n.endswith(".trs")):
            path = os.path.join(base, name)
            test = os.path.relpath(path, build)[:-4]
            with open(path, encoding="utf-8") as f:
                m = re.search(r":test-result: (\w+)", f.read())
            outcome = m.group(1) if m else "ERROR"
            with open(path[:-4] + ".log", encoding="utf-8", errors="replace") as f:
                text = f.read()
            passed, failed, skips = one_log(text, outcome)
            if outcome not in ("PASS", "SKIP", "XFAIL") and not failed:
                failed = 1
            seen += 1
            out.append(f"count {passed} {failed} {len(skips)} {stage}: {test}")
            out += [f"why {stage}: {test}: {s}" for s in skips]
            if failed:
                out.append(f"bad {stage}: {test}")
                out += ["text     " + line for line in telling(text)]
    if not seen:
        out.append(f"fail {stage}: make check ran nothing (status {status}), see {build}/check.out")
    elif int(status) and not any(x.startswith("bad ") for x in out):
        out.append(f"fail {stage}: make check ended with {status}, see {build}/check.out")
    return out


def e2e(stage, path, status):
    with open(path, encoding="utf-8", errors="replace") as f:
        text = f.read()
    m = re.search(r"^e2e: (\d+) passed, (\d+) failed, (\d+) skipped", text, re.M)
    if not m:
        return [f"fail {stage}: ended with {status} and no totals, see {path}"]
    out = [f"count {m.group(1)} {m.group(2)} {m.group(3)} {stage}"]
    out += [f"why {stage}: {s}" for s in re.findall(r"^skipped: (.+)$", text, re.M)]
    out += [f"again {stage}: {s}" for s in re.findall(r"^again: (.+)$", text, re.M)]
    failed = re.findall(r"^failed: (.+)$", text, re.M)
    out += [f"bad {stage}: {s}" for s in failed]
    return out + (["text     " + line for line in telling(text)] if failed else [])


def totals(path):
    passed = failed = skipped = 0
    bad, why = [], []
    with open(path, encoding="utf-8") as f:
        for line in f.read().split("\n"):
            word, _, rest = line.partition(" ")
            if word == "pass":
                passed += 1
            elif word == "fail":
                failed += 1
                bad.append("failed: " + rest)
            elif word == "skip":
                skipped += 1
                why.append(rest)
            elif word == "count":
                p, f_, s, name = rest.split(" ", 3)
                passed, failed, skipped = passed + int(p), failed + int(f_), skipped + int(s)
                print(f"{name}: {p} passed, {f_} failed, {s} skipped")
            elif word == "why":
                why.append(rest)
            elif word == "again":
                bad.append("failed at first, the second run counts: " + rest)
            elif word == "bad":
                bad.append("failed: " + rest)
            elif word == "text":
                bad.append(rest)
    for line in bad:
        print(line)
    for line in why:
        print("skipped: " + line)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


def main(argv):
    if len(argv) == 3 and argv[1] == "--totals":
        return totals(argv[2])
    lines = e2e(*argv[2:]) if argv[1] == "--e2e" else make_check(*argv[1:])
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
