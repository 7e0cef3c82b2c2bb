# SPDX-License-Identifier: AGPL-3.0-or-later
"""The table of the cases, for people and for the manual; made from the decorators."""
from . import case, needs, schema


def plain(cases, role=None):
    return "".join(f"{c.number}  {c.title}  [{c.clause}]{'  destructive' if c.destructive else ''}\n"
                   for c in cases.values() if role in (None, c.role))


def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in ".'" else text


HEAD = """.\\" SPDX-License-Identifier: AGPL-3.0-or-later
.\\" Made by gba-interop --manual from the cases themselves: not to be edited.
.TH GBA\\-INTEROP\\-CASES 7 "" "gba" "GBA function set"
.SH NAME
gba\\-interop\\-cases \\- what gba-interop tries at a BSF or HSS
.SH DESCRIPTION
Each case of
.BR gba\\-interop (1):
its number, which never means another case, what it shows, the clause, and what the target must have for it
(words of its capabilities, or of the list at the end). A case marked * may harm the target or others on it and runs with
.B \\-\\-destructive
alone.
"""
WHAT = {"zn": "ZN: A NAF TRIES A BSF", "zh": "ZH: A BSF TRIES AN HSS", "ub": "UB: A DEVICE TRIES A BSF"}


def manual(cases):
    out = HEAD
    for role in case.ROLES:
        own = [c for c in cases.values() if c.role == role]
        out += f".SH {WHAT[role].replace('-', chr(92) + '-')}\n{len(own)} cases.\n"
        for c in own:
            wants = f" Needs {', '.join(sorted(c.needs))}." if c.needs else ""
            out += f".TP 10\n.B {roff(c.number)}{' *' if c.destructive else ''}\n{roff(c.title)} ({roff(c.clause)}).{roff(wants)}\n"
    out += ".SH WHAT A CASE MAY NEED\n"
    for word, text in (needs.FACTS | schema.CAPABILITIES).items():
        out += f".TP\n.B {roff(word)}\n{roff(text)}\n"
    return out + ".SH SEE ALSO\n.BR gba\\-interop (1)\n"


def numbers(cases):
    """What is wrong between the cases and numbers.csv: a number is never given twice, and never forgotten."""
    given, out = case.numbers(), [f"{title}: has no number; give it the next one in cases/numbers.csv" for title in case.unnumbered]
    for c in cases.values():
        if c.number not in given:
            out.append(f"{c.number} {c.title}: not in cases/numbers.csv")
        elif given[c.number] != c.title:
            out.append(f"{c.number} was given to \"{given[c.number]}\", not to \"{c.title}\"")
    out += [f"{n} {title}: there is no such case; its line stays and says \"withdrawn: ...\"" for n, title in given.items()
            if n not in cases and not title.startswith("withdrawn: ")]
    if list(given) != sorted(given):
        out.append("cases/numbers.csv is not in the order of its numbers")
    return out
