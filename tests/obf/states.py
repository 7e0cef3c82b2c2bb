# SPDX-License-Identifier: AGPL-3.0-or-later
"""A provider that is suspended, a device that is lost: what it reaches, how fast, and what comes back."""
# covers: OBF-9.2.2-4
#   +- states: rows: a provider that is suspended
#
# covers: OBF-7.6-3 OBF-9.1.1-3
#   +- states: rows: a device that is lost
import time

from lib.registry import Realm
from lib.runner import test
from lib.ue import UbError

APPS = {"video.example.com": "acme", "games.example.net": "acme", "tv.example.org": "other"}


async def realm(t, n_cards):
    """All devices have all applications, and a session each."""
    w = await Realm(t, n_cards=n_cards).start()
    for fqdn, asp in APPS.items():
        await w.order(f"app add {asp} {fqdn} 127.0.0.1/32")
    for c in w.cards:
        await w.order(f"device add {c.impi}")
        for fqdn in APPS:
            await w.order(f"grant {c.impi} {fqdn}")
    await w.told()
    return w, [await w.ue(n).bootstrap() for n in range(n_cards)]


async def served(w, session):
    """The applications that have the key of a session; one that is not admitted has none."""
    return {fqdn for fqdn in APPS if await w.has_key(session, fqdn, shut_out=True)}


async def soon(w, session, want):
    """How long that takes is noted, for it hangs on the machine."""
    began = time.monotonic()
    await w.t.until(lambda: same(w, session, want), 20, f"{want} to be served")
    w.t.note(f"{time.monotonic() - began:.2f} s until so")


async def same(w, session, want):
    return await served(w, session) == want


@test("rows: a provider that is suspended: no application of it is served, another's is; approved again all is as before; deleted, who has its name later begins with nothing",
      timeout=90)
async def suspended(t):
    w, (s,) = await realm(t, 1)
    assert await served(w, s) == set(APPS)
    await w.order("asp suspend acme")
    await soon(w, s, {"tv.example.org"})
    assert (await w.order("asp show acme"))["state"] == "suspended"
    await w.order("asp approve acme")
    await soon(w, s, set(APPS))
    await w.order("app suspend video.example.com")
    await soon(w, s, set(APPS) - {"video.example.com"})
    await w.order("asp delete acme")
    await soon(w, s, {"tv.example.org"})
    assert (await w.refused("asp approve acme")).startswith("conflict it was deleted, and stays so")
    await w.order("app add acme video.example.com 127.0.0.1/32")                               # somebody else, of that name
    await w.told()
    assert await served(w, s) == {"tv.example.org"}
    said = [a["what"] for a in (await w.order("audit show"))["audit"]]
    assert [x for x in said if x.startswith("asp")] == ["asp suspended", "asp approved", "asp deleted"], said
    await w.order("audit verify")


@test("rows: a device that is lost is refused by every application and by the BSF, with one order, and no other device is; found again, it is served again", timeout=90)
async def lost(t):
    w, (s, other) = await realm(t, 2)
    await w.order(f"device state {w.cards[0].impi} lost")
    await soon(w, s, set())
    assert await served(w, other) == set(APPS)
    try:
        raise AssertionError(f"a lost device has bootstrapped: {await w.ue().bootstrap()}")
    except UbError as e:
        assert e.response.status == 403, e
    await w.order(f"device state {w.cards[0].impi} active")
    await w.told()
    s = await w.ue().bootstrap()
    assert await served(w, s) == set(APPS)
