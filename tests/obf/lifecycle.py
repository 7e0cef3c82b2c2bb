# SPDX-License-Identifier: AGPL-3.0-or-later
"""The life of a token: how long, until when, and what ends it."""
# covers: OBF-7.2-4 OBF-9.4.1-6
#   + t_vty: revoke: one session by B-TID
#   - t_store: a key dies at its expiry on Zn
#   - t_recheck: recheck: a right that is taken
#
# covers: OBF-9.4.3-2 OBFA-10.2-2
#   + t_naf: naf_key_expired: a cached key ends
#   - t_recheck: recheck: off, the key serves on
#
# covers: OBF-9.3-5
#   + t_ue: gba-ue deletes Ks at its expiry
#   - t_ue: gba-ue on Ua: a wrong rspauth is refused
#
# covers: OBF-9.3-7
#   +- lifecycle: rows: one session a subscriber
from lib import naf
from lib.runner import test
from lib.world import World


@test("rows: one session a subscriber: its second bootstrap ends the first one's B-TID, and no other subscriber's")
async def one_active(t):
    w = await World(t, n_cards=2).start()
    conn = await w.naf()
    first, other = await w.ue().bootstrap(), await w.ue(1).bootstrap()
    assert (await naf.fetch(conn, first.btid)).key == first.ks_naf()
    second = await w.ue().bootstrap()
    assert (await naf.fetch(conn, first.btid)).key is None
    for s in (second, other):
        assert (await naf.fetch(conn, s.btid)).key == s.ks_naf()
