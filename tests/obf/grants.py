# SPDX-License-Identifier: AGPL-3.0-or-later
"""A right given and taken: to a device the network knows, at once, and written down."""
# covers: OBF-7.1-6 OBF-9.2.2-3 OBFA-9.1.2-1
#   + t_reg: no grant, no page
#   - t_reg: a grant for a subscriber the HSS does not have
#
# covers: OBF-7.6-3 OBF-10.4-3b OBF-7.7-4 OBF-10.3-4 OBF-10.3-5 OBFA-9.1.2-3 OBF-8.2-2
#   +- t_reg: no grant, no page
#   - t_reg_crash: a withdrawn grant is not served again
#
# covers: OBF-10.4-3a
#   + t_ctl: guss: a right that is given or taken while a session lives
#   - t_ctl: guss: pushed between the 401 and the 200
#
# covers: OBF-9.4.1-4
#   +- grants: rows: one device has the right
#   - t_causes_zn: zn_uss_missing
#
# covers: OBF-9.2.2-6 OBFA-I.2-2
#   +- t_reg: an application learns a pseudonym
#
# covers: OBFA-8.2-2
#   +- t_ctl: watch: a revoked session, another GUSS
from lib.registry import ASP, FQDN, Realm
from lib.runner import test

OTHER = "games.example.net"


@test("rows: one device has the right to one application: neither to another one, nor has another device it")
async def exactly(t):
    w = await Realm(t, n_cards=2).start()
    for fqdn in (FQDN, OTHER):
        await w.order(f"app add {ASP} {fqdn} 127.0.0.1/32")
    for c in w.cards:
        await w.order(f"device add {c.impi}")
    await w.order(f"grant {w.cards[0].impi} {FQDN}")
    await w.told()
    sessions = [await w.ue(n).bootstrap() for n in (0, 1)]
    assert await w.has_key(sessions[0])
    for n, fqdn in ((0, OTHER), (1, FQDN), (1, OTHER)):
        assert not await w.has_key(sessions[n], fqdn), (n, fqdn)
