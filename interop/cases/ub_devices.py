# SPDX-License-Identifier: AGPL-3.0-or-later
"""Devices as they are met, and as an attacker would vary them (UB-1xx to UB-3xx): rows of devices.csv; a certified device's ways are 34.229-5 A.22."""
from ..run.case import cases, numbered
from ..wire import device
from ..wire.http_raw import HttpClosed

ROWS = {f"{r['id']}: {r['what']}": r for r in device.table("ub")}
SPECIFIED = ("34.229-5", "24.109")


def kind(row):
    """Which name of the BSF and which subscriber the row uses."""
    return row["bsf"]


async def must(t, title):
    """It bootstraps."""
    row = ROWS[title]
    r = await one(t, row)
    t.judge_ub(r)
    assert r.status == 200, f"status {r.status}"


async def must_not(t, title):
    """No session, whatever else."""
    row = ROWS[title]
    try:
        r = await one(t, row)
    except HttpClosed:
        return
    assert 400 <= r.status < 500, f"status {r.status}"
    assert b"btid" not in r.body and not r.get("Authentication-Info")


async def one(t, row):
    k = kind(row)
    ue = t.device(t.sub(kind=k))
    ue.tmpi, ue.agent = None, "gba-interop/1 3gpp-gba-tmpi"
    realm = {"usim": t.target.ub.name, "isim": t.target.ub.isim_name, "home": t.target.ub.home_name}[k]
    return await device.Device(ue, row, realm).run()


def register():
    for number, title in numbered("UB", "", ROWS):
        row = ROWS[title]
        good = row["expect"] == "200"
        needs = {w for w in (kind(row),) if w != "usim"} | ({"tmpi"} if row["user"] == "tmpi" else set())
        if good and not row["source"].startswith(SPECIFIED):
            needs.add("habits")
        clause = row["source"] if row["source"].startswith(SPECIFIED) else "RFC 9112; RFC 7616; 24.109 4"
        cases(clause, [(number, title, title)], needs=needs)(must if good else must_not)


register()
