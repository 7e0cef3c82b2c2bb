# SPDX-License-Identifier: AGPL-3.0-or-later
"""Zn as a table: subscriber, policy of the NAF, request, answer (tests/e2e/zn_table/, for people to read). The rows were written from
TS 33.220, TS 29.109 and the manual; this file only asks and compares, with keys computed once more in Python."""
import asyncio
import csv
import os
import re
import time
import xml.etree.ElementTree as ElementTree

from lib import causes, ctl, dia, kdf, naf
from lib.runner import test
from lib.world import BSF_NAME, World

TABLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "zn_table")
NS = "{urn:3gpp:gba:GBAGUSSSchema-R9:2010-02}"
USS = re.compile(r"(\d+)(?:@(\w+))?=(\S*?)\[([^]]*)\](\S*)")        # GSID@GROUP=UID+UID[FLAG FLAG]KEYCHOICE


def read(name):
    with open(os.path.join(TABLE, name + ".csv"), encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f))


def guss(row):
    if not row["uicc"]:
        return None
    life = "1" if row["then"] == "expired" else "3600"
    out = f'<guss xmlns="{NS[1:-1]}"><bsfInfo><uiccType>{row["uicc"]}</uiccType><lifeTime>{life}</lifeTime></bsfInfo><ussList>'
    for gsid, group, uids, flags, key in USS.findall(row["uss"]):
        out += f'<uss id="{gsid}" type="1"' + (f' nafGroup="{group}"' if group else "") + "><uids>"
        out += "".join(f"<uid>{u}</uid>" for u in uids.split("+")) + "</uids><flags>"
        out += "".join(f"<flag>{f}</flag>" for f in flags.split()) + "</flags>"
        out += (f"<keyChoice>{key}</keyChoice>" if key else "") + "</uss>"
    return out + "</ussList></guss>"


def uss_shown(xml):
    """What a NAF got, in the words of the table."""
    if xml is None:
        return ""
    assert b"nafGroup" not in xml, xml
    out = []
    for u in ElementTree.fromstring(xml).findall(NS + "uss"):
        uids, flags = ([x.text for x in u.iter(NS + w)] for w in ("uid", "flag"))
        out.append(f"{u.get('id')}={'+'.join(uids)}[{' '.join(flags)}]{u.findtext(NS + 'keyChoice') or ''}")
    return " ".join(out)


class Subscribers(World):
    def __init__(self, t, rows, **kw):
        super().__init__(t, n_cards=len(rows), **kw)
        self.gusses = {c.impi: guss(r) for c, r in zip(self.cards, rows)}

    def guss_of(self, card):
        g = self.gusses[card.impi]
        return g and g.encode()


async def world(t, subscribers, nafs):
    w = Subscribers(t, subscribers).no_limits()
    for r in nafs:
        name = f"{r['naf']}.example.com"
        for line in ["address 127.0.0.1/32", f"speaks-for {name}"] + [x for x in r["words"].split("; ") if x]:
            w.bsf_cfg.add(f"naf {name}", line)
    return await w.start()


async def sessions(t, w, subscribers):
    """Everybody bootstraps, and what is to become of some of them becomes."""
    out = {}
    for n, r in enumerate(subscribers):
        ue = w.ue(n)
        ue.usim.gba = "sha1" if r["uicc"] == "GBA_U" else None
        s = out[r["subscriber"]] = await ue.bootstrap()
        if r["then"] == "revoked":
            assert (await ctl.ask(w.ports["bsf_ctl"], f"revoke btid {s.btid}"))["revoked"] == 1
        elif r["then"] == "replaced":
            await ue.bootstrap()
    while time.time() < max(s.made_at for s in out.values()) + 2.1:       # "older than a second", in whole seconds
        await asyncio.sleep(0.1)
    return out


def btid_of(row, s):
    local, domain = s.btid.split("@")
    return {"": s.btid, "unknown": kdf.btid(os.urandom(16), BSF_NAME), "other domain": local + "@bsf.example.net", "garbage": "x@@y",
            "no domain": local, "empty": "", "upper domain": local + "@" + domain.upper()}[row["btid"]]


def gsid(word):
    return int(word[1:]).to_bytes(4, "big") if word[0] == "#" else word.encode()       # as four octets


def given(bia, s, name, ua):
    """Of an answer, the columns of the table."""
    keys = {"me": (bia.key, s.ks_naf(name, ua)), "uicc": (bia.uicc_key, s.ks_int_naf(name, ua))}
    assert all(got in (None, want) for got, want in keys.values()), "a key that is another's"
    if bia.result == 2001:
        assert bia.expires_at == s.expires_at and abs(bia.created_at - s.made_at) <= 2, (bia.expires_at, bia.created_at)
        assert bia.msg.find(dia.GBA_TYPE) is None, "3G is said by saying nothing"
        assert bia.impi in (None, s.impi)
    else:
        assert bia.empty_handed and bia.expires_at is None, bia.msg.avps
    code = bia.result if isinstance(bia.result, int) else bia.result[1]
    return {"answer": str(code), "keys": " ".join(k for k, (got, _) in keys.items() if got), "impi": "yes" if bia.impi else "",
            "uss": uss_shown(bia.uss_list)}


async def ask(conn, row, s):
    name, ua = row["as"] or f"{row['naf']}.example.com", bytes.fromhex(row["ua"]) if row["ua"] else kdf.UA_HTTP_DIGEST
    bia = await naf.fetch(conn, btid_of(row, s), naf.naf_id(name, ua), gsids=[gsid(g) for g in row["gsids"].split()],
                          u_aware={"": None, "no": 0, "yes": 1}[row["aware"]],
                          origin=(row["origin"], "example.com") if row["origin"] else None)
    return given(bia, s, name, ua)


def differences(row, got):
    return [f"row {row['n']} ({row['subscriber']}, {row['naf']}: {row['why']}): {k} is {v!r}, not {row[k]!r}"
            for k, v in got.items() if v != row[k]]


async def in_log(t, w, rows, one):
    """The log has the word of each cause, too: asked first, since of many refusals not each has a line."""
    for row in {r["cause"]: r for r in rows}.values():
        await one(row)
        await t.until(lambda cause=row["cause"]: f" {cause} " in w.bsf.text(), 5, f"a log line of {row['cause']}")
        causes.register(row["cause"])


@test("Zn, each row of the table: subscriber, policy of the NAF and request give this answer, these keys, IMPI and USSs, and this cause",
      req=["220-4.2.1-7", "220-4.4.6-8", "220-4.4.6-14", "220-4.4.6-15", "220-4.4.6-16", "220-4.4.6-17", "220-4.4.6-22", "220-4.5.3-12"])
async def table(t):
    subscribers, nafs, rows = read("subscribers"), read("nafs"), read("rows")
    assert len(rows) >= 200 and [int(r["n"]) for r in rows] == list(range(1, len(rows) + 1))
    w = await world(t, subscribers, nafs)
    conns = {r["naf"]: await w.naf(f"{r['naf']}.example.com") for r in nafs}
    at = await sessions(t, w, subscribers)
    wrong, names = [], set(causes.table())

    async def one(row):
        return await ask(conns[row["naf"]], row, at[row["subscriber"]])
    await in_log(t, w, rows, one)
    before = await w.counters()
    for row in rows:
        got = await one(row)
        after = await w.counters()
        got["cause"] = " ".join(sorted(k for k in names if after.get(k, 0) != before.get(k, 0)))
        before = after
        wrong += differences(row, got)
    assert not wrong, f"{len(wrong)} differences:\n" + "\n".join(wrong[:40])
