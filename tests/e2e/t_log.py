# SPDX-License-Identifier: AGPL-3.0-or-later
"""The log: which HSS error, who, from where; one form of line everywhere; nobody can forge a line."""
import os
import re

from lib import dia, folder, kdf, naf
from lib.dia import Avp
from lib.hss import RawHss
from lib.runner import test
from lib.vty import Vty
from lib.world import World

LINE = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d (FATAL|ERROR|NOTICE|INFO|DEBUG) D[A-Z]+ \S.*$")
FIELD = re.compile(r' ([a-z_]+)=("(?:[^"\\]|\\.)*"|\S+)')


def lines(text, cause):
    """Fields of the lines about a cause, in order."""
    return [dict(FIELD.findall(x)) for x in text.split("\n") if re.search(rf" D[A-Z]+ {cause}( |$)", x)]


async def until(w, cause, n):
    await folder.until(f"{w.dir}/log", lambda: len(lines(w.bsf.text(), cause)) >= n, 10 * w.t.factor)
    return lines(w.bsf.text(), cause)


def all_of_one_form(text):
    bad = [x for x in text.split("\n") if x and not LINE.match(x)]
    assert not bad, bad[:3]


@test("the log says which error of the HSS, of whom, from where, and a word for the subscriber the operator can compute", smoke=True)
async def who(t):
    w = World(t, raw_hss=True).no_limits()
    await w.start()
    ue = w.ue()

    async def refuse(hss, conn, mar):
        text = "no key\nub_ok status=200 \x1b[2J for \"him\""
        await conn.send(mar.answer(hss.head() + [Avp(dia.RESULT, 5012), Avp(dia.ERROR_MESSAGE, text)]))
    w.raw_hss.behave = refuse
    await ue.first()
    await ue.first()
    seen = await until(w, "zh_error", 2)
    word = (await w.vty(f"show pseudonym {ue.impi}")).strip()
    assert re.fullmatch("[0-9a-f]{12}", word), word
    for x in seen:
        assert x["result"] == "5012" and x["hss"] == w.raw_hss.identity and x["from"] == "127.0.0.1" and int(x["port"]), x
        assert x["error"] == r'"no key\x0aub_ok status=200 \x1b[2J for \"him\""', x
        assert x["sub"] == word and x["status"] == "503" and x["session"] and x["impi"].startswith("00101*"), x
    assert not lines(w.bsf.text(), "ub_ok")
    all_of_one_form(w.bsf.text())
    w.raw_hss.behave = RawHss.good
    s = await ue.bootstrap()
    await naf.fetch(await w.naf(), s.btid)
    ub, zn = (await until(w, "ub_ok", 1))[0], (await until(w, "zn_ok", 1))[0]
    assert ub["run"] == zn["run"] == kdf.run_id(s.rand) and ub["sub"] == zn["sub"] == word, (ub, zn)
    assert zn["naf"] == "naf1.example.com" and zn["result"] == "2001" and zn["peer"], zn


@test("the same form in a file and in the VTY as on standard error, in both daemons", smoke=True)
async def everywhere(t):
    w = World(t)
    path = f"{w.dir}/log/own.log"
    w.hss_cfg.add(f"log file {path}", "logging level set-all debug")
    await w.start()
    v = await Vty.open(w.ports["hss_vty"])
    await v.command("logging enable")
    await v.command("logging filter all 1")
    await v.command("logging level zh info")
    await w.ue().bootstrap()
    await folder.until(f"{w.dir}/log", lambda: "hss_ok" in open(path, encoding="utf-8").read(), 10 * t.factor)
    shown = await v.command("show counters")
    v.close()
    assert [x for x in shown.replace("\r", "").split("\n") if LINE.match(x) and " DZH hss_ok run=" in x], shown
    with open(path, encoding="utf-8") as f:
        all_of_one_form(f.read())
    all_of_one_form(w.hss.text())
    one = lines(w.hss.text(), "hss_ok")[0]
    assert one["result"] == "2001" and one["sub"] == (await w.vty(f"show pseudonym {w.cards[0].impi}", "hss")).strip(), one


@test("to the journal: levels as it knows them, and no time beside its own", smoke=True)
async def journal(t):
    w = World(t, raw_hss=True)
    log = f"{w.dir}/log/bsf.log"
    os.makedirs(f"{w.dir}/log", exist_ok=True)
    with open(log, "ab"):
        st = os.stat(log)
    w.bsf_env["JOURNAL_STREAM"] = f"{st.st_dev}:{st.st_ino}"
    await w.start()
    assert re.search(r"^<5>DRT gba-bsfd \S+ ready$", w.bsf.text(), re.M), w.bsf.text()
    assert not re.search(r"\d\d:\d\d:\d\d", w.bsf.text()), w.bsf.text()
