# SPDX-License-Identifier: AGPL-3.0-or-later
"""gba-regd: who used a device's token is known to the operator, for as long as he says; nothing twice or left out whatever ends."""
import contextlib
import json
import sqlite3

from lib import ctl, naf, procs
from lib.registry import ASP, FQDN, Realm
from lib.runner import test

OTHER = "games.example.net"


async def usage(w, device):
    return (await w.order(f"device usage {device}"))["usage"]


async def usage_until(w, device, n):
    async def there():
        return len(await usage(w, device)) == n
    await w.t.until(there, 30, f"{n} rows of usage", then=lambda: usage(w, device))
    return await usage(w, device)


async def use(w, s, fqdn, conns):
    """A key for an application, over the one connection that it has."""
    if fqdn not in conns:
        conns[fqdn] = await w.naf(fqdn)
    assert (await naf.fetch(conns[fqdn], s.btid, naf.naf_id(fqdn))).key == s.ks_naf(fqdn)


@test("registry: which application used which bootstrap of a device, and when; none twice and none left out after a kill -9 of either daemon", smoke=True, timeout=90)
async def used(t):
    w = Realm(t)
    w.reg_cfg.set("registry", "usage interval 1 kept 60")
    await w.start()
    one, two = w.cards[0].impi, w.cards[1].impi
    for fqdn in (FQDN, OTHER):
        await w.order(f"app add {ASP} {fqdn} 127.0.0.1/32")
    for impi in (one, two):
        await w.order(f"device add {impi}")
        for fqdn in (FQDN, OTHER):
            await w.order(f"grant {impi} {fqdn}")
    await w.told()
    s, conns = await w.ue().bootstrap(), {}
    await use(w, s, FQDN, conns)
    await use(w, s, FQDN, conns)                                            # within five minutes: the same use
    rows = await usage_until(w, one, 1)
    assert rows[0]["app"] == FQDN and rows[0]["bootstrapped_at"] <= rows[0]["first_at"] <= rows[0]["last_at"], rows
    assert await usage(w, two) == []

    # while the registry is away the BSF keeps it
    await w.reg.kill()
    await use(w, s, OTHER, conns)
    await w.start_reg()
    rows = await usage_until(w, one, 2)
    assert {r["app"] for r in rows} == {FQDN, OTHER}, rows

    # the BSF forgets who got what; the registry does not, and what comes is added
    await w.bsf.kill()
    await w.bsf.start()
    conns.clear()
    await use(w, s, OTHER, conns)                                           # of the same bootstrap: the same row, later
    await t.until(lambda: started_anew(w), 30, "the registry to see another start of the BSF")
    s2 = await w.ue().bootstrap()
    await use(w, s2, FQDN, conns)
    again = await usage_until(w, one, 3)
    old = {(r["app"], r["bootstrapped_at"]): r for r in again}
    for r in rows:
        assert old[r["app"], r["bootstrapped_at"]]["first_at"] == r["first_at"], (rows, again)
    assert [r["bootstrapped_at"] for r in again] == sorted((r["bootstrapped_at"] for r in again), reverse=True), again

    # what was used stays known when the application is gone; a NAF that is none of the registry's is not looked at
    await w.order(f"app delete {OTHER}")
    assert len(await usage(w, one)) == 3
    rc, out, err = await procs.run([t.need_program("gbactl"), "-s", w.ports["reg_ctl"], "--json", "device", "usage", one], 20)
    assert rc == 0 and json.loads(out)["usage"] == await usage(w, one), (out, err)
    assert w.cards[0].imsi not in w.reg.text()
    assert (await w.refused("device usage nobody@example.com")).startswith("unknown")
    bad = await ctl.refused(w.ports["bsf_ctl"], "usage 0123")
    assert bad.startswith("invalid that is no cursor"), bad


async def started_anew(w):
    return "has been started anew: who used a token" in w.reg.text()


@test("registry: what of usage is older than the operator keeps it goes at the next start, and all of a device with the device", smoke=True)
async def kept(t):
    w = Realm(t)
    w.reg_cfg.set("registry", "usage interval 1 kept 60")
    await w.start()
    impi = w.cards[0].impi
    await w.granted()
    s, conns = await w.ue().bootstrap(), {}
    await use(w, s, FQDN, conns)
    await usage_until(w, impi, 1)
    await w.reg.stop()
    with contextlib.closing(sqlite3.connect(w.database)) as db:
        assert db.execute("UPDATE usage SET last_at = last_at - 61").rowcount == 1
        db.commit()
    await w.start_reg()
    await usage_until(w, impi, 0)
    await use(w, await w.ue().bootstrap(), FQDN, conns)
    await usage_until(w, impi, 1)
    await w.order(f"withdraw {impi} {FQDN}")
    await w.told()
    await w.order(f"device delete {impi}")
    await w.order(f"device add {impi}")
    assert await usage(w, impi) == []
