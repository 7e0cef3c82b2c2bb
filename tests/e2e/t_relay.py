# SPDX-License-Identifier: AGPL-3.0-or-later
"""A relay agent nobody here wrote between NAF and BSF: freeDiameterd with dict_gba.fdx."""
from lib import dia, dra, naf
from lib.runner import test
from lib.world import BSF_ID, World


async def through_relay(t):
    w = World(t)
    node = f"naf {dra.DRA_ID}"
    for line in ("address 127.0.0.1/32", "speaks-for naf1.example.com", "proxy"):
        w.bsf_cfg.add(node, line)
    await w.start()
    fd = await dra.relay(t, {BSF_ID: w.ports["dia"]}, ["*.example.com"])

    async def connected():
        return any(dra.DRA_ID in line and "connected" in line for line in w.bsf.text().split("\n"))
    await t.until(connected, 15, "the relay to be connected to the BSF")
    return w, fd


@test("a BIR through freeDiameterd as relay: Route-Record is read over, the key is right")
async def bir_through_relay(t):
    w, fd = await through_relay(t)
    s = await w.ue().bootstrap()
    conn = await naf.connect(fd.port)
    t.cleanup(conn.close)
    for n in range(20):
        bia = await naf.fetch(conn, s.btid)
        assert bia.result == 2001 and bia.key == s.ks_naf(), (n, bia.result)
        assert bia.msg.text(dia.ORIGIN_HOST) == BSF_ID
    bia = await naf.fetch(conn, s.btid, naf.naf_id("foreign.example.com"))
    assert bia.result == (10415, 5402) and bia.empty_handed, bia.result
