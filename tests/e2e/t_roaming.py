# SPDX-License-Identifier: AGPL-3.0-or-later
"""The Zn-Proxy of a visited network: a NAF abroad gets the key of a device at home, by the BSF at home."""
from lib import naf
from lib.roaming import NAF_ID, roaming
from lib.runner import test


@test("Zn-Proxy: a NAF of the visited network has the key that the device has", smoke=True,
      req=["220-4.2.2a-2", "220-4.2.2a-3", "220-4.4.3-2", "220-4.4-3"])
async def key_abroad(t):
    w, p = await roaming(t)
    s = await w.ue().bootstrap()
    n = await p.naf()
    b = await naf.fetch(n, s.btid, naf.naf_id(NAF_ID))
    assert b.result == 2001 and b.key == s.ks_naf(NAF_ID), b.msg
