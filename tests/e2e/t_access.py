# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where a device comes from, and whom it will talk to afterwards, is nothing to Ub."""
from lib import naf, procs
from lib.runner import test
from lib.world import World


@test("Ub over IPv6, over IPv4 and from another address, with one run begun here and finished there", smoke=True,
      req=["220-4.4.1-1", "220-4.4.3-1"])
async def any_network(t):
    w = World(t)
    port6 = procs.free_port()
    w.bsf_cfg.add("ub", f"listen ::1 {port6}")
    await w.start()
    conn = await w.naf()
    over6, over4 = w.ue(0), w.ue(1)
    over6.port, over6.host = port6, "::1"
    over4.source = "127.0.0.77"
    for ue in (over6, over4):
        s = await ue.bootstrap()
        bia = await naf.fetch(conn, s.btid)
        assert bia.result == 2001 and bia.key == s.ks_naf(), bia.result
    moving = w.ue(2)
    ch = await moving.challenge()
    moving.port, moving.host = port6, "::1"
    res, ck, ik = moving.usim.authenticate(ch.rand, ch.autn)
    r, params = await moving.answer(ch, res)
    s = moving.finish(ch, params, r, res, ck, ik)
    bia = await naf.fetch(conn, s.btid)
    assert bia.result == 2001 and bia.key == s.ks_naf(), bia.result


@test("a run names no NAF; what it made serves NAFs that nobody had heard of", smoke=True, req=["220-4.4-1"])
async def no_naf_named(t):
    w = await World(t).start()
    s = await w.ue().bootstrap()
    conn = await w.naf()
    for fqdn in ("naf1.example.com", "new.apps.example.com"):
        bia = await naf.fetch(conn, s.btid, naf.naf_id(fqdn))
        assert bia.result == 2001 and bia.key == s.ks_naf(fqdn), (fqdn, bia.result)
