# SPDX-License-Identifier: AGPL-3.0-or-later
"""gba-hss-simd is provisioned while it serves: subscribers and GUSSs by control socket, an import beside it."""
import asyncio
import datetime
import hashlib
import json
import os
import random
import re
import signal
import sqlite3

from lib import aka, dia, hss, procs
from lib.ctl import Ctl
from lib.dia import Avp
from lib.runner import test
from lib.vty import Vty
from lib.world import BSF_ID, Card, World, raw_bsf_conn

HEAD = "impi,imsi,k,opc,amf,algorithm,sqn,ind"
NS = "urn:3gpp:gba:GBAGUSSSchema-R9:2010-02"
USS = '<uss id="{}" type="1"><uids><uid>sip:a@example.com</uid></uids><flags/></uss>'


def guss(*gsids, extra="", info=""):
    return f'<?xml version="1.0"?>\n<guss xmlns="{NS}">{info}{extra}<ussList>' + "".join(USS.format(g) for g in gsids) + "</ussList></guss>\n"


def csv(*cards, amf="0000", sqn="0"):
    return "\n".join([HEAD] + [f"{c.impi},{c.imsi},{c.k.hex()},{c.opc.hex()},{amf},milenage,{sqn}," for c in cards]) + "\n"


async def start(t, **kw):
    """A simulator with three subscribers, its control socket, and a BSF of ours at Zh."""
    w = await World(t, **kw).start(bsf=False)
    c = await Ctl.open(w.ports["hss_ctl"])
    t.cleanup(c.close)
    return w, c, await raw_bsf_conn(t, w.ports["hss"])


def time_of(text):
    at = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)
    return int(at.timestamp()) + dia.NTP_EPOCH & 0xffffffff


def right(card, maa):
    """Is that a vector of this card? Its SQN."""
    rand, autn, xres, *_ = hss.vector_of(maa)
    res, _, _, ak, *_ = aka.Milenage(card.k, card.opc).f2345(rand)
    return int.from_bytes(aka.xor(autn[:6], ak), "big") if res == xres else None


async def ask_hss(conn, impi, extra=()):
    return await asyncio.wait_for(conn.request(hss.mar(conn, impi, extra=extra)), 20 * procs.FACTOR)


@test("subscribers are added, shown, listed, changed and deleted while it serves; each may be said twice", smoke=True)
async def subscribers(t):
    w, c, conn = await start(t)
    new, other = Card(77, random.Random(1)), Card(77, random.Random(2))
    assert (await ask_hss(conn, new.impi)).result == (10415, 5401)
    assert await c.ask("subscriber add", csv(new)) == {"added": 1, "unchanged": 0}
    before = right(new, await ask_hss(conn, new.impi))
    assert before is not None
    assert await c.ask("subscriber add", csv(new)) == {"added": 0, "unchanged": 1}
    assert (await c.refused("subscriber add", csv(other))).startswith("exists line 2: ")
    shown = await c.ask(f"subscriber show {new.impi}")
    assert shown["imsi"] == new.imsi and shown["algorithm"] == "milenage" and shown["seq"] >= 1, shown
    assert new.k.hex() not in str(shown) and new.opc.hex() not in str(shown)
    assert await c.ask("subscriber change", csv(other)) == {"changed": 1, "unchanged": 0}
    after = right(other, await ask_hss(conn, new.impi))
    assert after is not None and after > before, (before, after)          # other keys at once, and its numbers go on
    assert await c.ask("subscriber change", csv(other)) == {"changed": 0, "unchanged": 1}
    assert await c.ask("subscriber change", csv(other, sqn="000000010000")) == {"changed": 1, "unchanged": 0}
    assert right(other, await ask_hss(conn, new.impi)) >= 0x10000
    assert [x["impi"] for x in (await c.ask("subscriber list"))["subscribers"]] == sorted([x.impi for x in w.cards] + [new.impi])
    assert (await c.ask(f"subscriber list {w.cards[2].impi}"))["subscribers"][0]["impi"] == new.impi
    assert await c.ask(f"subscriber delete {new.impi}") == {"deleted": 1}
    assert (await ask_hss(conn, new.impi)).result == (10415, 5401)
    assert await c.ask(f"subscriber delete {new.impi}") == {"deleted": 0}
    for command, document, said in (("subscriber change", csv(new), "unknown line 2: "), ("subscriber add", "impi,k\nx", "invalid "),
                                    ("subscriber add", HEAD + "\nx@y.org,,00,,,,,\n", "invalid 2:"), (f"subscriber show {new.impi}", None, "unknown "),
                                    ("subscriber show x", None, "invalid "), ("subscriber delete x", None, "invalid "),
                                    ("subscriber add", HEAD + ",guss\n" + csv(new).split("\n")[1] + ",/etc/passwd\n", "invalid line 2: guss"),
                                    (f"guss {new.impi}", guss(1), "unknown ")):
        assert (await c.refused(command, document)).startswith(said), (command, await c.refused(command, document))
    assert (await c.ask("figures"))["figures"]["subscribers"] == 3
    log = w.hss.text()
    assert "done: subscriber add" in log and "done: subscriber delete 00101*****@" in log and new.k.hex() not in log


@test("export: what an import reads but the keys, in pages; gbactl turns them", smoke=True)
async def export(t):
    w, c, _ = await start(t, n_cards=1)
    many = [Card(1000 + n, random.Random(n)) for n in range(1100)]
    assert (await c.ask("subscriber add", csv(*many, amf="0034", sqn="0000000000a0")))["added"] == 1100
    exe = t.need_program("gbactl")
    rc, out, err = await procs.run([exe, "-s", w.ports["hss_ctl"], "subscriber", "export"], 30)
    lines = out.split("\n")
    assert rc == 0 and lines[0] == "impi,imsi,algorithm,res-length,rounds,amf,ind-length,sqn,sqn-profile,ind,guss", (rc, lines[0], err)
    assert len(lines) == 1 + 1101 + 1 and sum(x.startswith("impi,") for x in lines) == 1, len(lines)
    assert f"{many[7].impi},{many[7].imsi},milenage,,,0034,5,0000000000a0,,," in lines, lines[8]
    assert not any(x.k.hex() in out or x.opc.hex() in out for x in many)
    rc, out, _ = await procs.run([exe, "-s", w.ports["hss_ctl"], "subscriber", "list"], 30)
    assert rc == 0 and out.count("impi ") == 1101, out[:300]
    rc, out, err = await procs.run([exe, "-s", w.ports["hss_ctl"], "--json", "subscriber", "export", "json", "sealed"], 30)
    before = rows_of(w)
    for impi, *_ in before:
        await c.ask(f"subscriber delete {impi}")
    for page in out.splitlines():                                # as the manual has it
        path = w.write_secret("page.json", page)
        rc, _, err = await procs.run([exe, "-s", w.ports["hss_ctl"], "-f", path, "subscriber", "add"], 30)
        assert rc == 0, err
    assert rows_of(w) == before and len(out.splitlines()) == 3


def rows_of(w):
    with sqlite3.connect(f"{w.dir}/hss/subscribers.sqlite") as db:
        return db.execute("select impi, imsi, algorithm, amf, res_len, rounds, sqn, ind, ind_length, guss, guss_timestamp, seq"
                          " from subscriber join counter using (id) order by impi").fetchall()


@test("export and back: CSV or JSON, keys only when asked for and sealed, give the same rows and the same vectors; under another kek, or another name, "
      "they do not open", smoke=True)
async def round_trip(t):
    w, c, conn = await start(t, n_cards=0)
    tuak = random.Random(3).randbytes(32)
    cards = [Card(n + 1, random.Random(n)) for n in range(3)]
    head = "impi,imsi,k,opc,algorithm,res-length,rounds,amf,ind-length,sqn,sqn-profile,ind\n"
    text = head + "".join(f"{x.impi},{x.imsi},{x.k.hex()},{x.opc.hex()},milenage,{res},,0012,{bits},{sqn},{profile},{ind}\n"
                          for x, res, bits, sqn, profile, ind in zip(cards, ("", 64, ""), (5, 5, 8), (0, "0x1234567890", 0), ("", "part-time", ""),
                                                                     ("", 9, "")))
    text += f"tuak@example.org,,{cards[0].k.hex()},{tuak.hex()},tuak,128,3,0000,5,0,,\n"
    assert (await c.ask("subscriber add", text))["added"] == 4
    for x in cards[:2]:
        assert (await c.ask(f"guss {x.impi}", guss(7, extra='<x:y xmlns:x="u">ü, "</x:y>')))["changed"]
    before = rows_of(w)
    plain = [await c.ask("subscriber export"), await c.ask("subscriber export json")]
    assert not any(word in str(plain) for word in ("sealed", cards[0].k.hex(), cards[0].opc.hex())), plain
    page = await c.ask("subscriber export sealed json")
    page2 = await c.ask("subscriber export json sealed")
    assert page == page2 and all("sealed" in x and "k" not in x for x in page["subscribers"]) and cards[0].k.hex() not in str(page), page
    assert page["subscribers"][0]["guss"].count('ü, "') == 1, page
    assert await c.ask("subscriber add", json.dumps(page)) == {"added": 0, "unchanged": 4}
    assert await c.ask("subscriber change", json.dumps(page["subscribers"])) == {"changed": 0, "unchanged": 4}
    assert rows_of(w) == before
    csv_text = (await c.ask("subscriber export sealed"))["csv"]
    for back in (json.dumps(page), None):
        for x in before:
            assert await c.ask(f"subscriber delete {x[0]}") == {"deleted": 1}
        if back:
            assert await c.ask("subscriber add", back) == {"added": 4, "unchanged": 0}
            assert rows_of(w) == before
        else:
            rc, _, err = await procs.run(import_argv(t, w, w.write_secret("sealed.csv", csv_text)), 60)
            assert rc == 0 and [x[:9] + x[11:] for x in rows_of(w)] == [x[:9] + x[11:] for x in before], err
    assert right(cards[0], await ask_hss(conn, cards[0].impi)) is not None
    one = page["subscribers"][0]
    for change, said in (({"impi": "other@example.org", "imsi": ""}, "invalid subscribers[0]: sealed: another subscriber's, or altered"),
                         ({"sealed": one["sealed"][:-2]}, "invalid subscribers[0]: sealed: "), ({"sealed": "xx"}, "invalid subscribers[0]: sealed: no sealed keys"),
                         ({"k": "00" * 16}, "invalid subscribers[0]: sealed: k, op or opc is given, too"),
                         ({"sealed": ""}, "invalid subscribers[0]: k: empty"), ({"algorithm": "rot13"}, "invalid subscribers[0]: algorithm: unknown algorithm"),
                         ({"amff": "1"}, "invalid subscribers[0]: a member 'amff' is not known"), ({"ind": True}, "invalid subscribers[0].ind: allowed: a string"),
                         ({"imsi": "1,2"}, "invalid subscribers[0].imsi: a character that no such value has"),
                         ({"guss": "<guss/>"}, "invalid subscribers[0]: guss: line 1: guss: no ussList"),
                         ({"guss": guss(8)}, "exists subscribers[0]: guss: this IMPI is there with another one")):
        before = rows_of(w)
        out = await c.refused("subscriber add" if "guss" in change else "subscriber change", json.dumps([{**one, **change}]))
        assert out.startswith(said) and rows_of(w) == before, (change, out)
    changed = await c.ask("subscriber change", json.dumps([{**one, "guss": guss(8)}]))
    assert changed == {"changed": 1, "unchanged": 0} and 'id="8"' in (await c.ask(f"guss? {one['impi']}"))["guss"]
    for document, said in (("{}", "invalid allowed: {"), ("[1]", "invalid subscribers[0]: allowed: an object"),
                           ("[{}]", "invalid subscribers[0]: impi: no private"), ('[{"impi": "#@x.org"}]', "invalid subscribers[0]: impi: no private"), ("[", "invalid line 1: not JSON"), ("", "invalid 1:1: empty file")):
        assert (await c.refused("subscriber add", document)).startswith(said), document
    assert (await c.refused("subscriber export keys")).startswith("invalid 'keys'; allowed: json, sealed")
    v = World(t, n_cards=0, name="other")                        # another kek
    await v.start(bsf=False)
    d = await Ctl.open(v.ports["hss_ctl"])
    t.cleanup(d.close)
    assert "sealed: another subscriber's, or altered" in await d.refused("subscriber add", json.dumps(page))
    rc, _, err = await procs.run(import_argv(t, v, v.write_secret("sealed.csv", csv_text)), 60)
    assert rc == 1 and "sealed.csv:2: sealed: " in err and (await d.ask("figures"))["figures"]["subscribers"] == 0, err


@test("a GUSS given while it serves is in the next MAA with a later timestamp; the same one again changes nothing", smoke=True,
      req=["220-3.1-1", "220-4.2.3-1", "220-4.2.3-5", "220-4.4.5-5", "220-4.4.5-7", "220-4.5.2-1"])
async def guss_live(t):
    w, c, conn = await start(t)
    impi = w.cards[0].impi
    assert (await ask_hss(conn, impi)).find(dia.GUSS) is None
    kept = f'<x:later xmlns:x="urn:x"><x:a b="1">&lt;&#228;</x:a></x:later>'
    seen, instants = [], []
    for n in range(5):                                           # faster than the seconds of Diameter
        a = await c.ask(f"guss {impi}", guss(1, 2 + n, info="<bsfInfo><lifeTime>900</lifeTime></bsfInfo>", extra=kept))
        assert a["changed"] and a["not_known"] == "line 2: later", a
        again = await c.ask(f"guss {impi}", guss(1, 2 + n, info="<bsfInfo><lifeTime>900</lifeTime></bsfInfo>", extra=kept))
        assert not again["changed"] and again["timestamp"] == a["timestamp"] and again["changed_at"] == a["changed_at"], (a, again)
        instants.append(a["changed_at"])
        maa = await ask_hss(conn, impi)
        xml = maa.find(dia.GUSS).data.decode()
        assert f'uss id="{2 + n}"' in xml and f"<timestamp>{a['timestamp']}</timestamp>" in xml and '<x:a b="1">&lt;' in xml, xml
        assert right(w.cards[0], maa) is not None
        seen.append(a["timestamp"])
    assert seen == sorted(set(seen)) and instants == sorted(set(instants)), (seen, instants)
    assert f", changed {instants[-1]}" in await w.vty(f"show subscriber {impi}", "hss"), instants
    stamp = Avp(dia.GUSS_TIMESTAMP, time_of(seen[-1]))
    assert (await ask_hss(conn, impi, [stamp])).find(dia.GUSS) is None
    stamp = Avp(dia.GUSS_TIMESTAMP, time_of(seen[-2]))
    assert (await ask_hss(conn, impi, [stamp])).find(dia.GUSS) is not None
    back = await c.ask(f"guss? {impi}")
    assert back["timestamp"] == seen[-1] and back["guss"] == xml, back
    await w.hss.kill()
    await w.hss.start()
    c = await Ctl.open(w.ports["hss_ctl"])
    t.cleanup(c.close)
    assert await c.ask(f"guss? {impi}") == back
    gone = await c.ask(f"guss {impi}", "")
    assert gone["changed"] and gone["timestamp"] > seen[-1], (gone, seen)
    assert (await c.ask(f"guss? {impi}"))["guss"] is None and not (await c.ask(f"guss {impi}", ""))["changed"]
    assert (await c.ask(f"guss {impi}", guss(1)))["timestamp"] > gone["timestamp"]
    own = "2030-01-01T00:00:00Z"
    assert "its timestamp lies in the future" in await c.refused(
        f"guss {impi}", guss(5, extra=f"<Extension><timestamp>{own}</timestamp></Extension>"))


@test("a GUSS that may not be is refused with its place, and the one there stays", smoke=True, req=["220-4.2.3-12"])
async def guss_wrong(t):
    w, c, conn = await start(t)
    impi = w.cards[0].impi
    assert (await c.ask(f"guss {impi}", guss(1)))["changed"]
    good = (await ask_hss(conn, impi)).find(dia.GUSS).data
    u, word_id, big_id = (USS.format(x) for x in (1, "one", 4294967296))
    no_group = u.replace("type=", 'nafGroup="" type=')
    for body, said in (("<bsfInfo><lifeTime>0</lifeTime></bsfInfo><ussList/>", "line 1: lifeTime: no time a key can live"),
                       ("<bsfInfo>\n<lifeTime>-5</lifeTime></bsfInfo><ussList/>", "line 2: lifeTime: no time"),
                       ("<bsfInfo><lifeTime>soon</lifeTime></bsfInfo><ussList/>", "lifeTime is no number"),
                       ("<bsfInfo><uiccType>SIM</uiccType></bsfInfo><ussList/>", "line 1: uiccType: allowed: GBA, GBA_U"),
                       ("", "line 1: guss: no ussList"),
                       (f"<ussList>{u}\n\n{u}</ussList>", "line 3: uss: the same id and nafGroup"),
                       (f"<ussList>\n{u.replace('type', 'typ')}</ussList>", "line 2: uss: no type"),
                       (f"<ussList>{u.replace('id=', 'gsid=')}</ussList>", "uss without id"),
                       (f"<ussList>\n\n{word_id}</ussList>", "line 3: uss: id is no GSID"),
                       (f"<ussList>{big_id}</ussList>", "id is no GSID"),
                       (f"<ussList>{no_group}</ussList>", "nafGroup is empty"),
                       ("<ussList><uss id='1' type='1'><uids/></uss></ussList>", "line 1: uss: no uid"),
                       ("<ussList><uss id='1' type='1'><uids><uid> </uid></uids></uss></ussList>", "an empty uid"),
                       (f"<ussList>{u.replace('<flags/>', '<flags><flag>x</flag></flags>')}</ussList>", "flag is no number"),
                       ("<ussList>", "not well-formed, line 1")):
        out = await c.refused(f"guss {impi}", f'<guss xmlns="{NS}">{body}</guss>')
        assert out.startswith("invalid guss: ") and said in out, (body, out)
    for document, said in ((f'<guss id="x@y.org" xmlns="{NS}"><ussList/></guss>', "its id is another subscriber's"),
                           ("<ussList/>", "line 1: ussList: allowed: a guss document"), ("<!DOCTYPE a><guss/>", "DOCTYPE"),
                           ("\0", "not well-formed")):
        out = await c.refused(f"guss {impi}", document)
        assert out.startswith("invalid guss: ") and said in out, (document, out)
    assert (await c.refused(f"guss {impi}", "x" * 70000)).startswith("syntax a document of 70000 octets")
    assert (await ask_hss(conn, impi)).find(dia.GUSS).data == good


TABLE = "impi,uicc-type,life-time,gsid,type,naf-group,uids,flags,key-choice\n"


@test("GUSSs of many as a table: all or none, the same again changes nothing wherever the lines stand, what is wrong has its line; by socket and VTY",
      smoke=True)
async def guss_table(t):
    w, c, conn = await start(t)
    a, b, other = (x.impi for x in w.cards)
    good = TABLE + f'{a},GBA_U,900,1,2,,sip:<a>@example.com tel:+1,,\n{a},,,1,2,group,"sip:""",3 4,ME_BASED_KEY\n\n{b},,,,,,,,\n'.replace('"sip:"""', "sip:b&c")
    assert await c.ask("guss csv", good) == {"changed": 2, "unchanged": 0}
    xml = (await ask_hss(conn, a)).find(dia.GUSS).data.decode()
    for piece in ("<uiccType>GBA_U</uiccType><lifeTime>900</lifeTime>", "<uid>sip:&lt;a&gt;@example.com</uid><uid>tel:+1</uid>",
                  '<uss id="1" type="2" nafGroup="group"><uids><uid>sip:b&amp;c</uid></uids><flags><flag>3</flag><flag>4</flag></flags>',
                  "<keyChoice>ME_BASED_KEY</keyChoice>"):
        assert piece in xml, (piece, xml)
    assert "<ussList/>" in (await c.ask(f"guss? {b}"))["guss"].replace("<ussList></ussList>", "<ussList/>")
    moved = TABLE + f"# moved\n{b},,,,,,,,\n" + "".join(x + "\n" for x in good.split("\n")[1:3])
    assert await c.ask("guss csv", moved) == {"changed": 0, "unchanged": 2}
    u = f"{other},,,7,1,,sip:x@y,,"
    before = await c.ask(f"guss? {other}")
    for text, said in ((TABLE + f"{u}\n{a},,0,1,1,,u,,\n", "line 3: lifeTime: no time"), (TABLE + f"{u}\n{a},SIM,,1,1,,u,,\n", "line 3: uiccType: allowed"),
                       (TABLE + f"{u}\n\n{other},,,8,1,,,,\n", "line 4: uss: no uid"), (TABLE + f"{u}\n{u}\n", "line 3: uss: the same id"),
                       (TABLE + f"{u}\n{a},,,x,1,,u,,\n", "line 3: uss: id is no GSID"), (TABLE + f"{u}\n{a},,,1,,,u,,\n", "line 3: uss: no type"),
                       (TABLE + f"{u}\n{a},,,1,1,,u,f,\n", "flag is no number"), (TABLE + f"{u}\n{other},,5,8,1,,u,,\n", f"3:{len(other) + 3}: life-time: not in the first"),
                       (TABLE + f"{u}\n{a},,,,1,,,,\n", f"3:{len(a) + 5}: type: there is no gsid"), (TABLE + f"{u}\nx,,,1,1,,u,,\n", "3:1: impi: no private identity"),
                       (TABLE + f"{u}\n{a},,,1\n", "3:1: too few or too many fields"), (TABLE + f"{u}\nq@y.org,,,1,1,,u,,\n", "unknown line 3: there is no such"),
                       (TABLE + f"{u}\n{a},,,1,1,,u,,\n{u}\n", "line 4: this subscriber was there before"), ("impi,gsi\n", "1:6: unknown column; allowed: impi uicc-type"),
                       ("gsid\n", "1:1: column impi is missing"), ("impi,impi\n", "1:6: column named twice"), ("#\n", "empty file"), ("", "empty file")):
        out = await c.refused("guss csv", text)
        assert said in out and out.split()[0] in ("invalid", "unknown"), (text, out)
        assert await c.ask(f"guss? {other}") == before, text
    v = await Vty.open(w.ports["hss_vty"])
    t.cleanup(v.close)
    await v.command("enable")
    path = w.write_secret("table.csv", TABLE + u + "\n")
    assert "changed 1" in await v.command(f"guss csv {path}") and "unchanged 1" in await v.command(f"guss csv {path}")
    assert 'id="7"' in (await c.ask(f"guss? {other}"))["guss"]
    path = w.write_secret("g.xml", guss(9))
    assert "changed true" in await v.command(f"guss {other} {path}") and 'id="9"' in (await c.ask(f"guss? {other}"))["guss"]
    assert "changed true" in await v.command(f"no guss {other}") and (await c.ask(f"guss? {other}"))["guss"] is None
    for line, said in ((f"guss {other} {w.etc}/none", "No such file"), (f"guss x {path}", "no private identity"), ("guss csv table.csv", "from the root"),
                       (f"guss {other} {w.etc}/gba-hss-sim.cfg", "guss: not well-formed, line 1"), (f"guss nobody@x.org {path}", "no such subscriber")):
        assert said in await v.command(line), (line, await v.command(line))
    card = Card(88, random.Random(8))
    path = w.write_secret("one.csv", csv(card))
    assert "added 1" in await v.command(f"subscriber add {path}") and "unchanged 1" in await v.command(f"subscriber change {path}")
    assert right(card, await ask_hss(conn, card.impi)) is not None
    assert "deleted 1" in await v.command(f"subscriber delete {card.impi}")
    assert (await ask_hss(conn, card.impi)).result == (10415, 5401)
    path = w.write_secret("bad.csv", csv(card).replace(card.k.hex(), "12"))
    assert "2:" in (out := await v.command(f"subscriber add {path}")) and "k: 2 characters" in out, out
    log = w.hss.text()
    assert card.k.hex() not in log and card.impi not in log.split("subscriber delete")[-1].split("\n")[0], log[-2000:]


async def import_one(t, w, card, xml, name="g.xml", more=""):
    """A row with this GUSS, None: without one."""
    if xml is not None:
        with open(f"{w.etc}/{name}", "w", encoding="utf-8") as f:
            f.write(xml)
    row = f"{card.impi},{card.imsi},{card.k.hex()},{card.opc.hex()},0000,milenage,0,,{name if xml is not None else ''}\n"
    path = w.write_secret("guss.csv", f"{HEAD},guss\n{more}{row}")
    return await procs.run(import_argv(t, w, path), 60)


@test("an import asks of a GUSS what provisioning asks: refused with row, file and line in it, and nothing is written; one that others share may "
      "have no id", smoke=True)
async def import_guss_wrong(t):
    w, c, conn = await start(t)
    card, second = w.cards[0], w.cards[1]
    u = USS.format(1)
    for body, said in (("<bsfInfo>\n<lifeTime>0</lifeTime></bsfInfo><ussList/>", "line 2: lifeTime: no time a key can live"),
                       ("<bsfInfo><uiccType>SIM</uiccType></bsfInfo><ussList/>", "line 1: uiccType: allowed: GBA, GBA_U"),
                       ("", "line 1: guss: no ussList"), (f"<ussList>{u}\n{u}</ussList>", "line 2: uss: the same id and nafGroup"),
                       ("<ussList><uss id='1' type='1'><uids/></uss></ussList>", "line 1: uss: no uid"),
                       ("<Extension><timestamp>2099-01-01T00:00:00Z</timestamp></Extension><ussList/>", "lies in the future")):
        rc, _, err = await import_one(t, w, card, f'<guss xmlns="{NS}">{body}</guss>')
        assert rc == 1 and f"{w.etc}/guss.csv:2:" in err and f"guss: {w.etc}/g.xml: " in err and said in err, (body, err)
    assert (await c.ask(f"guss? {card.impi}"))["guss"] is None
    mine = f'<guss id="{card.impi}" xmlns="{NS}"><ussList/></guss>'
    rc, _, err = await import_one(t, w, card, mine, more=f"{second.impi},{second.imsi},{second.k.hex()},{second.opc.hex()},0000,milenage,0,,g.xml\n")
    assert rc == 1 and "guss.csv:2:" in err and "its id is another subscriber's" in err, err
    rc, _, err = await import_one(t, w, second, mine, more=f"{card.impi},{card.imsi},{card.k.hex()},{card.opc.hex()},0000,milenage,0,,g.xml\n")
    assert rc == 1 and "guss.csv:3:" in err and "its id is another subscriber's" in err, err
    rc, _, err = await import_one(t, w, card, f'<guss xmlns="{NS}"><bsfInfo><lifetime>5</lifetime></bsfInfo><ussList/></guss>')
    assert rc == 0 and f"{w.etc}/g.xml: warning: kept, but means nothing here: line 1: lifetime" in err, err


@test("an import changes the timestamp of a GUSS when it changes the GUSS, never back, and only then; so does 'subscriber change' of one whose GUSS "
      "was taken away", smoke=True)
async def import_timestamps(t):
    w, c, conn = await start(t)
    card = w.cards[0]
    for n in range(3):                                           # ahead of the clock by as many seconds
        last = await c.ask(f"guss {card.impi}", guss(n + 1))

    async def imported(xml):
        rc, _, err = await import_one(t, w, card, xml)
        assert rc == 0, err
        return await c.ask(f"guss? {card.impi}")
    same = await imported(guss(3))
    assert (same["timestamp"], same["changed_at"]) == (last["timestamp"], last["changed_at"]), (same, last)
    for xml in (guss(4), guss(5, extra="<Extension><timestamp>2026-01-02T03:04:05Z</timestamp></Extension>"), None, guss(6)):
        now = await imported(xml)
        assert now["timestamp"] > last["timestamp"] and now["changed_at"] > last["changed_at"], (xml, now, last)
        assert xml is None or f"<timestamp>{now['timestamp']}<" in now["guss"], now
        again = await imported(xml)
        assert again == now, (again, now)
        last = now
    gone = await c.ask(f"guss {card.impi}", "")
    card.k = random.Random(9).randbytes(16)
    assert await c.ask("subscriber change", csv(card)) == {"changed": 1, "unchanged": 0}
    later = await c.ask(f"guss {card.impi}", guss(6))
    assert later["timestamp"] > gone["timestamp"] > last["timestamp"], (later, gone, last)


def many_csv(w, n, first=0):
    rows = ["impi,imsi,k,op,opc,amf,algorithm,sqn,ind,guss"]
    rng = random.Random(n)
    for i in range(first, first + n):
        rows.append(f"m{i}@ims.example.org,,{rng.randbytes(16).hex()},,{rng.randbytes(16).hex()},0000,milenage,0,,")
    return w.write_secret("many.csv", "\n".join(rows) + "\n")


def import_argv(t, w, path, *more):
    return [t.need_program("gba-hss-simd"), "-c", f"{w.etc}/gba-hss-sim.cfg", "--import", path, *more]


@test("import of many large GUSSs: a transaction ends by its octets, too, so the log beside the database stays under 16 MB", smoke=True, timeout=120)
async def large_documents(t):
    uss = "".join(f'<uss id="{n}" type="2"><uids>' + "".join(f"<uid>{i:04}{'x' * 230}</uid>" for i in range(60)) + "</uids><flags/></uss>"
                  for n in range(1, 4))
    w = World(t, n_cards=500)
    await w.start(bsf=False)                       # imports, then serves
    w.guss = '<guss id="{impi}" xmlns="urn:3gpp:gba:GBAGUSSSchema-R9:2010-02"><ussList>' + uss + "</ussList></guss>"
    rc, _, err = await procs.run(import_argv(t, w, w.csv()), 60)
    assert rc == 0 and "500 subscribers imported" in err, err
    log = os.path.getsize(f"{w.dir}/hss/subscribers.sqlite-wal")      # as long as it ever was, while the daemon has it open
    assert (2 << 20) < log < (16 << 20), f"{log >> 20} MB"
    t.note(f"{500 * len(w.guss) >> 20} MB of documents, log {log / (1 << 20):.1f} MB")


@test("import beside the daemon that serves: vectors are given meanwhile, what is changed is served when it has ended", smoke=True, timeout=120)
async def import_beside(t):
    w, c, conn = await start(t)
    card = w.cards[0]
    last = right(card, await ask_hss(conn, card.impi))
    p = await asyncio.create_subprocess_exec(*import_argv(t, w, many_csv(w, 20000)), stderr=asyncio.subprocess.PIPE)
    done, asked = asyncio.create_task(p.communicate()), 0
    while not done.done() or asked < 50:
        sqn = right(card, await ask_hss(conn, card.impi))        # over the mark again and again
        assert sqn > last, (sqn, last)
        last, asked = sqn, asked + 1
    _, err = await done
    assert p.returncode == 0 and b"20000 subscribers imported" in err, err
    t.note(f"{asked} vectors meanwhile")
    assert (await ask_hss(conn, "m19999@ims.example.org")).result == 2001
    card.k = random.Random(5).randbytes(16)
    rc, _, err = await procs.run(import_argv(t, w, w.csv()), 60)
    assert rc == 0, err
    sqn = right(card, await ask_hss(conn, card.impi))
    assert sqn is not None and sqn > last, (sqn, last)
    files = [os.readlink(f"/proc/{w.hss.pid}/fd/{n}") for n in os.listdir(f"/proc/{w.hss.pid}/fd")]
    assert not any("sqlite" in f and "deleted" in f for f in files), files       # what it writes would be lost with it
    for more, said in ((["--atomic"], "--atomic would keep its vectors waiting"),):
        rc, _, err = await procs.run(import_argv(t, w, w.csv(), *more), 60)
        assert rc == 1 and said in err and f"(pid {w.hss.pid})" in err, err
    path = w.write_secret("ind.csv", "impi,k,opc,ind-length\n" + f"{card.impi},{card.k.hex()},{card.opc.hex()},8\n")
    rc, _, err = await procs.run(import_argv(t, w, path), 60)
    assert rc == 1 and "while the daemon is stopped" in err, err
    assert "an import from beside has ended" in w.hss.text()
    for _ in range(200):                                         # over the mark of before the imports
        sqn = right(card, await ask_hss(conn, card.impi))
    await w.hss.kill()
    await w.hss.start()
    conn = await raw_bsf_conn(t, w.ports["hss"])
    assert right(card, await ask_hss(conn, card.impi)) > sqn


@test("import beside: killed at random moments the same command finishes it; a second one at a time is refused; without the socket it says who",
      smoke=True, timeout=120)
async def import_beside_killed(t):
    w, c, conn = await start(t)
    argv, rng = import_argv(t, w, many_csv(w, 6000)), random.Random()
    for _ in range(4):
        p = await asyncio.create_subprocess_exec(*argv, stderr=asyncio.subprocess.PIPE)
        await asyncio.sleep(rng.random() * 0.3)
        if p.returncode is None:
            p.send_signal(signal.SIGKILL)
        await p.communicate()
        assert right(w.cards[1], await ask_hss(conn, w.cards[1].impi)) is not None
    rc, _, err = await procs.run(argv, 60)
    assert rc == 0, err
    with sqlite3.connect(f"{w.dir}/hss/subscribers.sqlite") as db:
        assert db.execute("select count(*) from subscriber join counter using (id)").fetchone()[0] == 6003
    await c.ask("import begin")
    rc, _, err = await procs.run(argv, 60)
    assert rc == 1 and "another import is at work" in err, err
    seen = w.hss.mark()
    c.close()
    await t.until(lambda: "an import from beside has ended" in w.hss.text(seen), 10, "the import to be over")
    rc, _, err = await procs.run(argv, 60)
    assert rc == 0, err
    await w.hss.stop()
    w.hss_cfg.remove_node("control")
    w.write_configs()
    await w.hss.start()
    rc, _, err = await procs.run(argv, 60)
    assert rc == 1 and f"in use by another daemon (pid {w.hss.pid})" in err and "with a 'control' socket" in err, err


@test("a simulator killed in the middle of changes has each whole or not at all, and gives no number twice", smoke=True, timeout=120)
async def killed(t):
    w, c, conn = await start(t)
    impi, last, n = w.cards[0].impi, 0, 0
    for _ in range(4):
        c.number = 0
        lines = []
        for _ in range(200):                                     # two in one transaction: both or none
            n += 1
            a, b = Card(10000 + 2 * n, random.Random(n)), Card(10001 + 2 * n, random.Random(-n))
            xml, rows = guss(n, n + 100000).encode(), csv(a, b).encode()
            lines.append(b"%d guss %s +%d\n" % (2 * n, impi.encode(), len(xml)) + xml)
            lines.append(b"%d subscriber add +%d\n" % (2 * n + 1, len(rows)) + rows)
        c.writer.write(b"".join(lines))
        answered = 0
        for _ in range(random.randrange(5, 60)):
            answered = int((await c.line()).split()[0])
            sqn = right(w.cards[1], await ask_hss(conn, w.cards[1].impi))
            assert sqn > last
            last = sqn
        await w.hss.kill()
        await w.hss.start()
        c = await Ctl.open(w.ports["hss_ctl"])
        t.cleanup(c.close)
        conn = await raw_bsf_conn(t, w.ports["hss"])
        xml = (await c.ask(f"guss? {impi}"))["guss"]
        gsid = int(re.search(r'uss id="(\d+)"', xml).group(1))
        assert 2 * gsid >= answered - 1 and f'uss id="{gsid + 100000}"' in xml, (answered, xml)
        names = [x["impi"] async for x in pages(c, "subscriber list")]
        assert (len(names) - 3) % 2 == 0 and len(names) == len(set(names)), len(names)
        assert answered % 2 == 0 or Card(10000 + 2 * (answered // 2), random.Random(0)).impi in names, answered


async def pages(c, command):
    behind = ""
    while behind is not None:
        a = await c.ask(f"{command} {behind}".rstrip())
        for x in a["subscribers"]:
            yield x
        behind = a.get("next")


@test("show mar: the requests that came last, of all or of one, with result, run and fault, at the VTY and by socket", smoke=True)
async def last_mars(t):
    w, c, conn = await start(t)
    assert (await c.ask("mar"))["mars"] == []
    v = await Vty.open(w.ports["hss_vty"])
    t.cleanup(v.close)
    for line in ("enable", "configure terminal", f"fault {w.cards[1].impi} wrong-mac times 1", "end"):
        await v.command(line)
    maa = await ask_hss(conn, w.cards[0].impi)
    await ask_hss(conn, w.cards[1].impi)
    await ask_hss(conn, "nobody@ims.example.org")
    mars = (await c.ask("mar"))["mars"]
    assert [(x["impi"], x["cause"], x["result"], x["fault"]) for x in mars] == [
        (w.cards[0].impi, "hss_ok", "2001", ""), (w.cards[1].impi, "hss_ok", "2001", "wrong-mac"),
        ("nobody@ims.example.org", "hss_user_unknown", "10415/5401", "")], mars
    run = hashlib.sha256(hss.vector_of(maa)[0]).hexdigest()[:8]
    assert mars[0]["run"] == run and mars[2]["run"] == "" and mars[0]["peer"] == BSF_ID, mars
    assert [x["impi"] for x in (await c.ask(f"mar {w.cards[1].impi}"))["mars"]] == [w.cards[1].impi]
    out = await v.command(f"show mar {w.cards[0].impi}")
    assert f" {w.cards[0].impi} from {BSF_ID}: hss_ok, result 2001, run {run}" in out and out.count("\n") <= 1, out
    for n in range(300):
        await ask_hss(conn, f"n{n}@ims.example.org")
    mars = (await c.ask("mar"))["mars"]
    assert len(mars) == 256 and mars[-1]["impi"] == "n299@ims.example.org" and mars[0]["impi"] == "n44@ims.example.org", mars[0]


@test("a GUSS in JSON is what the same in XML is; a member that has no place there, or is of another type, is refused with its place", smoke=True,
      req=["220-4.2.3-7", "220-4.2.3-8", "220-4.2.3-11"])
async def guss_json(t):
    w, c, conn = await start(t)
    impi = w.cards[0].impi
    uss = {"gsId": 7, "gsType": 1, "ueIds": [{"ueId": "sip:<a>@example.com"}], "nafGroup": "A", "flags": [{"flag": 1}], "keyChoice": "ME_BASED_KEY"}
    body = {"bsfInfo": {"uiccType": "GBA", "lifeTime": 900, "securityFeatures": ["GPL_U", "b&"]}, "ussList": [{"uss": uss}]}
    assert (await c.ask(f"guss {impi}", json.dumps({"guss": body})))["changed"]
    assert not (await c.ask(f"guss {impi}", json.dumps(body)))["changed"]
    xml = (await ask_hss(conn, impi)).find(dia.GUSS).data.decode()
    for piece in (f'id="{impi}"', "<uiccType>GBA</uiccType><lifeTime>900</lifeTime><securityFeatures>GPL_U</securityFeatures>"
                  "<securityFeatures>b&amp;</securityFeatures>", '<uss id="7" type="1" nafGroup="A">',
                  "<uid>sip:&lt;a&gt;@example.com</uid>", "<flag>1</flag>", "<keyChoice>ME_BASED_KEY</keyChoice>", "<timestamp>"):
        assert piece in xml, (piece, xml)
    for change, said in (({"gsid": 1}, "ussList[0].uss: a member 'gsid' is not known"), ({"gsId": "7"}, "ussList[0].uss.gsId: allowed: a whole number"),
                         ({"gsId": -1}, "id is no GSID"), ({"gsType": 1 << 40}, "ussList[0].uss.gsType: allowed: 0 to"),
                         ({"ueIds": [{}]}, "ussList[0].uss: no ueId"), ({"ueIds": []}, "no uid"), ({"flags": [1]}, "ussList[0].uss: allowed: an object")):
        out = await c.refused(f"guss {impi}", json.dumps({"ussList": [{"uss": {**uss, **change}}]}))
        assert out.startswith("invalid guss: ") and said in out, (change, out)
    for document, said in (('{"ussList":[],"ussList":[]}', "not JSON"), ("{", "line 1: not JSON"), ('{"bsfInfo":{"lifeTime":0}}', "no time a key can live"),
                           ('{"bsfInfo":{"securityFeatures":[1]}}', "bsfInfo.securityFeatures[0]: allowed: a string"),
                           ('{"bsfInfo":{"securityFeature":["GPL_U"]}}', "bsfInfo: a member 'securityFeature' is not known")):
        out = await c.refused(f"guss {impi}", document)
        assert out.startswith("invalid guss: ") and said in out, (document, out)
    assert (await ask_hss(conn, impi)).find(dia.GUSS).data.decode() == xml
