# SPDX-License-Identifier: AGPL-3.0-or-later
"""What was seen, three times from the same results: TAP as it comes, JUnit, one page of HTML."""
import html
import xml.etree.ElementTree as ElementTree

from ..wire import tap

WORDS = {"ok": "passed", "fail": "failed", "skip": "skipped", "known": "failed as expected", "mended": "passes though expected to fail"}


class Result:
    """status: a word of WORDS; text: why skipped, or what was seen; expected: the target file's reason."""

    def __init__(self, case, status, text="", seconds=0.0, ladder=None, notes=(), expected=None):
        self.case, self.status, self.text, self.seconds, self.ladder = case, status, text, seconds, ladder
        self.notes, self.expected = list(notes), expected

    @property
    def bad(self):
        return self.status == "fail"


def totals(results):
    return ", ".join(f"{sum(r.status == s for r in results)} {word}" for s, word in WORDS.items() if any(r.status == s for r in results))


def tap_lines(n, r):
    label = f"{r.case.number} {r.case.title} [{r.case.clause}]"
    if r.expected:
        line = f"{'ok' if r.status == 'mended' else 'not ok'} {n} - {label} # TODO {r.expected}"
    else:
        line = tap.line(n, label, r.status, r.text, r.seconds)
    out = [line] + [f"# {x}" for x in r.notes]
    if r.status == "fail":
        out.append(tap.diagnostics(r.text.strip()))
    if r.ladder and r.bad:
        out += ["#   " + x for x in r.ladder.lines()]
    return out


def junit(results, name, path):
    count = {s: str(sum(r.status == s for r in results)) for s in WORDS}
    suite = ElementTree.Element("testsuite", name=name, tests=str(len(results)), failures=count["fail"], errors="0",
                                skipped=str(int(count["skip"]) + int(count["known"])), time=f"{sum(r.seconds for r in results):.3f}")
    for r in results:
        c = ElementTree.SubElement(suite, "testcase", classname=f"gba-interop.{r.case.role}", name=f"{r.case.number} {r.case.title}",
                                   time=f"{r.seconds:.3f}")
        if r.status == "fail":
            f = ElementTree.SubElement(c, "failure", message=_last(r.text))
            f.text = _xml(r.text + "\n" + "\n".join(r.ladder.lines() if r.ladder else ()))
        elif r.status in ("skip", "known"):
            ElementTree.SubElement(c, "skipped", message=_xml(r.text if r.status == "skip" else f"expected: {r.expected}"))
        if r.notes or r.status == "mended":
            out = ElementTree.SubElement(c, "system-out")
            out.text = _xml("\n".join(r.notes + (["passes though the target file expects it to fail"] if r.status == "mended" else [])))
    tree = ElementTree.Element("testsuites")
    tree.append(suite)
    ElementTree.ElementTree(tree).write(path, encoding="utf-8", xml_declaration=True)


def _last(text):
    """In one line."""
    return _xml(text.strip().split("\n")[0])


def _xml(text):
    """Without what XML cannot hold."""
    return "".join(c if c in "\n\t" or c >= " " else f"\\x{ord(c):02x}" for c in text)


STYLE = """body{font:14px/1.4 sans-serif;margin:2em;color:#222}table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:3px 8px;
text-align:left;vertical-align:top}.ok{background:#e6f4e6}.fail{background:#fbdcdc}.skip{background:#f2f2f2}.known,.mended{background:#fff3d0}
pre{background:#f7f7f7;padding:6px;overflow:auto}.step{display:grid;grid-template-columns:6em 14em 9em 8em auto}.step b{font-weight:normal}
summary{cursor:pointer}"""


def _ladder(ladder):
    for ms, us, them, sent, title, details in ladder.steps:
        arrow = "&#8594;" if sent else "&#8592;"
        row = f'<span class="step"><b>{ms:.1f} ms</b><b>{html.escape(us)}</b><b>{arrow}</b><b>{html.escape(them)}</b><b>{html.escape(title)}</b></span>'
        yield f"<details><summary>{row}</summary><pre>{html.escape(_xml(details))}</pre></details>" if details else f"<div>{row}</div>"


def page(results, name, role, when, path):
    """One file, nothing beside it, no script."""
    out = [f"<!DOCTYPE html><html lang=en><meta charset=utf-8><title>gba-interop {role}: {html.escape(name)}</title><style>{STYLE}</style>",
           f"<h1>gba-interop {role}: {html.escape(name)}</h1><p>{html.escape(when)}. {totals(results)}.</p>",
           "<table><tr><th>case<th>what<th>clause<th>result<th>why"]
    for r in results:
        why = r.expected or (r.text if r.status == "skip" else _last(r.text) if r.text else "")
        number = f'<a href="#{r.case.number}">{r.case.number}</a>' if r.bad else r.case.number
        out.append(f'<tr class={r.status}><td>{number}<td>{html.escape(r.case.title)}<td>{html.escape(r.case.clause)}<td>{WORDS[r.status]}<td>'
                   + html.escape(_xml(why)))
    out.append("</table>")
    for r in results:
        if r.bad:
            out.append(f'<h2 id="{r.case.number}">{r.case.number} {html.escape(r.case.title)}</h2><pre>{html.escape(_xml(r.text.strip()))}</pre>')
            out += _ladder(r.ladder) if r.ladder else ()
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(out) + "\n</html>\n")
