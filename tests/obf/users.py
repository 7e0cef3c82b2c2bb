# SPDX-License-Identifier: AGPL-3.0-or-later
"""Users, whose a device is, groups of devices, and pseudonyms that are asked to be forgotten."""
# covers: OBF-7.1-5 OBF-9.2.2-2
#   +- users: rows: a user is a reference
#
# covers: OBFA-9.1.2-2
#   +- users: rows: a device that changes hands
#
# covers: OBF-7.5-6
#   +- users: rows: a pseudonym that is to be forgotten
#
# covers: OBFA-9.1.2-3
#   +- users: rows: a group is granted an application
from lib import naf
from lib.registry import ASP, FQDN, Realm
from lib.runner import test


@test("rows: a user is a reference to where he is known and nothing else; there is one of a reference, and one with devices is not deleted")
async def reference(t):
    w = await Realm(t, n_cards=1).start()
    await w.order(f"device add {w.cards[0].impi}")
    user = (await w.order("user add contract-4711 2"))["user"]
    assert (await w.refused("user add contract-4711")).startswith("exists")
    assert (await w.refused("user add contract-4712 5")).startswith("invalid")
    shown = await w.order(f"user show {user}")
    assert (shown["kyc_ref"], shown["assurance"]) == ("contract-4711", 2) and not {"name", "address"} & set(shown), shown
    await w.order(f"device custodian {w.cards[0].impi} {user}")
    assert (await w.refused(f"user delete {user}")).split()[0] == "conflict"
    assert (await w.refused("device custodian nobody@example.com " + user)).startswith("unknown")
    await w.order(f"device custodian {w.cards[0].impi}")
    await w.order(f"user delete {user}")
    assert (await w.refused(f"user show {user}")).startswith("unknown")


@test("rows: a device that changes hands has none of the former one's rights, at the BSF, too, until the new one agrees; all else stays", timeout=90)
async def hands(t):
    w = await Realm(t, n_cards=2).start()
    await w.order(f"app add {ASP} {FQDN} 127.0.0.1/32")
    users = [(await w.order(f"user add contract-{n}"))["user"] for n in (1, 2)]
    for c in w.cards:
        await w.order(f"device add {c.impi}")
        await w.order(f"device custodian {c.impi} {users[0]}")
        await w.order(f"grant {c.impi} {FQDN}")
    await w.told()
    sold, kept = [await w.ue(n).bootstrap() for n in (0, 1)]
    assert await w.has_key(sold) and await w.has_key(kept)
    await w.order(f"device custodian {w.cards[0].impi} {users[1]}")
    await w.told()
    assert not await w.has_key(sold) and await w.has_key(kept)
    await w.order(f"grant {w.cards[0].impi} {FQDN}")
    await w.told()
    assert await w.has_key(sold)


@test("rows: a pseudonym that is to be forgotten is another one from then on, at that provider alone")
async def forgotten(t):
    w = await Realm(t, n_cards=1).start()
    impi = w.cards[0].impi
    for asp, fqdn in ((ASP, FQDN), ("other", "tv.example.org")):
        await w.order(f"app add {asp} {fqdn} 127.0.0.1/32")
    await w.order(f"device add {impi}")
    for fqdn in (FQDN, "tv.example.org"):
        await w.order(f"grant {impi} {fqdn}")
    before = {g["app"]: g["uid"] for g in (await w.order(f"device show {impi}"))["grants"]}
    await w.order(f"device forget {impi} {ASP}")
    after = {g["app"]: g["uid"] for g in (await w.order(f"device show {impi}"))["grants"]}
    assert after[FQDN] != before[FQDN] and after["tv.example.org"] == before["tv.example.org"]
    await w.told()
    s = await w.ue().bootstrap()
    conn = await w.naf(FQDN)
    a = await naf.fetch(conn, s.btid, naf.naf_id(FQDN), gsids=["1000001"])
    assert after[FQDN].encode() in a.uss_list and before[FQDN].encode() not in a.uss_list


@test("rows: a group is granted an application at once, all of it or none; who leaves it later keeps what he has, who joins later has nothing")
async def group(t):
    w = await Realm(t, n_cards=3).start()
    await w.order(f"app add {ASP} {FQDN} 127.0.0.1/32")
    await w.order("group add fleet")
    for c in w.cards:
        await w.order(f"device add {c.impi}")
    for c in w.cards[:2]:
        await w.order(f"group in fleet {c.impi}")
    await w.order(f"group grant fleet {FQDN}")
    await w.order(f"group in fleet {w.cards[2].impi}")
    await w.told()
    sessions = [await w.ue(n).bootstrap() for n in range(3)]
    assert [await w.has_key(s) for s in sessions] == [True, True, False]
    assert (await w.refused("group grant fleet nothing.example.com")).startswith("unknown")
    await w.order(f"group withdraw fleet {FQDN}")
    await w.told()
    assert [await w.has_key(s) for s in sessions] == [False, False, False]
