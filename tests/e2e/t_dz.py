# SPDX-License-Identifier: AGPL-3.0-or-later
"""Dz: an SLF, a script's or our simulator, says which HSS has a subscriber; whom it may name, and how long its word holds."""
from lib import causes, dia, dra, procs
from lib.hss_pair import REALM, is_state, node, second, spent
from lib.runner import test
from lib.slf import raw_hss, redirect, slf
from lib.vty import typed
from lib.world import BSF_ID, HSS_ID, World


@test("Dz: the HSS that an SLF names is asked, as the same request to another host; its word is kept as long as it says", smoke=True,
      req=["220-4.2.5-1", "220-4.5.2-13"])
async def dz(t):
    w, one, other = await slf(t)
    w.raw_hss.behave = redirect(one.identity)
    for n in (1, 2):                                          # without a usage nothing is kept
        async with causes.counted(w, zh_redirected=1, ub_challenged=1, ub_ok=1):
            await w.ue(0).bootstrap()
        assert len(one.mars) == len(w.raw_hss.mars) == n
    asked_, sent_on = w.raw_hss.mars[-1], one.mars[-1]
    assert sent_on.text(dia.DEST_HOST) == one.identity and asked_.text(dia.DEST_HOST) == HSS_ID
    assert sent_on.e2e == asked_.e2e and not sent_on.flags & dia.T and sent_on.hbh != asked_.hbh
    w.raw_hss.behave = redirect("x..y", "nobody.example.com", other.identity.upper(), usage=6, cache=2)
    await w.ue(1).bootstrap()
    n = len(w.raw_hss.mars)
    async with causes.counted(w, zh_redirect_cached=1, ub_challenged=1, ub_ok=1):
        await w.ue(1).bootstrap()
    assert len(w.raw_hss.mars) == n and len(other.mars) == 2
    await w.ue(0).bootstrap()                                 # of one user
    assert len(w.raw_hss.mars) == n + 1

    async def forgotten():
        await w.ue(1).bootstrap()
        return len(w.raw_hss.mars) > n + 1
    await t.until(forgotten, 5, "its time to be over")
    w.raw_hss.behave = redirect(one.identity, usage=4, cache=60)        # ALL_APPLICATION
    await w.ue(2).bootstrap()
    n = len(w.raw_hss.mars)
    await w.ue(3).bootstrap()
    assert len(w.raw_hss.mars) == n and not w.raw_hss.vectors
    await one.stop()                                          # who was named is gone, and what was said with it
    await t.until(lambda: is_state(w, one.identity, "closed"), 10, "it to be gone")
    w.raw_hss.behave = redirect(other.identity)
    await w.ue(4).bootstrap()
    assert len(w.raw_hss.mars) == n + 1


@test("Dz: circles, chains, foreign hosts and names that are none are refused, each counted, and nobody foreign is asked", smoke=True)
async def dz_refused(t):
    w, one, other = await slf(t)
    stranger = await raw_hss(t, w, "evil.example.com")
    for cause, named in (("zh_redirect_loop", HSS_ID), ("zh_redirect_foreign", "evil.example.com"), ("zh_redirect_foreign", BSF_ID)):
        w.raw_hss.behave = redirect(named, usage=5, cache=3600, uri="aaa://{}:" + str(stranger.port))
        async with causes.counted(w, **{cause: 1}):
            assert (await w.ue().first()).status == 503, named
    for uri in ("http://{}", "aaa://a..b", "aaa://", "{}", "\0", "aaa://{}@evil"):
        w.raw_hss.behave = redirect(one.identity, uri=uri)
        async with causes.counted(w, zh_malformed=1):
            assert (await w.ue().first()).status == 503, uri
    w.raw_hss.behave = redirect(one.identity)
    one.behave = redirect(HSS_ID)                             # back again
    async with causes.counted(w, zh_redirect_loop=1, zh_redirected=1):
        assert (await w.ue().first()).status == 503
    one.behave, other.behave = redirect(other.identity), redirect(one.identity)
    n = len(w.raw_hss.mars) + len(one.mars) + len(other.mars)
    async with causes.counted(w, zh_redirect_loop=1, zh_redirected=2):
        assert (await w.ue().first()).status == 503
    assert len(w.raw_hss.mars) + len(one.mars) + len(other.mars) == n + 3
    assert not stranger.mars and not stranger.conns
    one.behave = None
    await w.ue().bootstrap()


@test("two HSSs and an SLF of ours: each subscriber is had from the one that has it, by IMPI, range and all; kept, and changed live",
      smoke=True, timeout=60, req=["220-4.2.5-1", "220-4.2.5-2"])
async def ours(t):
    w = World(t, n_cards=4).no_limits()                       # its HSS is the SLF, with a database of which nothing is asked
    worlds = []
    for n, name in ((1, "one"), (2, "two")):
        other = await second(t, w, f"hss{n}.{REALM}", name)
        worlds.append(other)
        w.bsf_cfg.nodes.append([f"hss hss{n}.{REALM}", node(other.ports["hss"], "load 0")])
    imsi = [c.imsi for c in w.cards]
    w.hss_cfg.nodes.append([f"redirect {imsi[0]}-{imsi[1]} hss1.{REALM}", []])
    w.hss_cfg.nodes.append([f"redirect {w.cards[1].impi} hss2.{REALM}", []])
    w.hss_cfg.nodes.append([f"redirect all nobody.{REALM}", []])
    w.hss_cfg.nodes.append([f"redirect all hss2.{REALM}", []])
    await w.start()
    for n in (1, 2):
        await t.until(lambda n=n: is_state(w, f"hss{n}.{REALM}", "open"), 10, "all to be connected")
    async with causes.counted(w, "hss", hss_redirected=4), causes.counted(w, zh_redirected=4, ub_challenged=4, ub_ok=4):
        for n in range(4):
            await w.ue(n).bootstrap()
    assert [await spent(x) for x in worlds] == [1, 3]
    await typed(w, "redirect-usage all-user 60", which="hss")
    async with causes.counted(w, "hss", hss_redirected=1):
        async with causes.counted(w, zh_redirected=1, zh_redirect_cached=2, ub_challenged=3, ub_ok=3):
            for _ in range(3):
                await w.ue(0).bootstrap()
    out = await typed(w, f"no redirect {imsi[0]}-{imsi[1]}", "no redirect all", "no redirect all", f"redirect x hss1.{REALM}",
                        "redirect 5-4 hss1.example", "redirect all a..b", "end", "write file", which="hss")
    assert "no redirect all" in out and "'x' is nobody" in out and "'5-4' is nobody" in out and "'a..b'" in out and "saved to" in out, out
    with open(w.hss.argv[2], encoding="utf-8") as f:
        text = f.read()
    assert f"redirect {w.cards[1].impi} hss2.{REALM}\nredirect-usage all-user 60\n" in text and text.count("redirect ") == 1, text
    async with causes.counted(w, "hss", hss_ok=1):            # of whom nothing is said it answers itself
        await w.ue(3).bootstrap()
    assert await spent(*worlds) == 7, "and each vector was somebody's"


@test("Dz behind freeDiameterd: a host that is no hss of ours is asked through the relay that passed the SLF's word on, by no other way", smoke=True)
async def relayed(t):
    w = World(t, raw_hss=True).no_limits()
    far, c, port = await raw_hss(t, w, f"far.{REALM}"), w.bsf_cfg, procs.free_port()
    c.add(f"peer {dra.DRA_ID}", f"connect 127.0.0.1 {port}")
    c.remove(f"hss {HSS_ID}", "connect")
    c.add(f"hss {HSS_ID}", f"via {dra.DRA_ID}")
    await w.start(bsf=False)
    await dra.relay(t, {HSS_ID: w.ports["hss"], far.identity: far.port}, ["*." + REALM],
                    rules=[f'or = "{REALM}" : "{HSS_ID}" += 20 ;'], port=port)
    await w.raw_hss.wait_peer()
    await far.wait_peer()
    w.bsf = w.bsf_daemon()
    t.watch(w.bsf)
    await w.bsf.start()
    await t.until(lambda: is_state(w, HSS_ID, "open"), 15, "the relay and the BSF to be connected")
    w.raw_hss.behave = redirect(far.identity, usage=6, cache=60)
    async with causes.counted(w, zh_redirected=1, ub_challenged=1, ub_ok=1):
        await w.ue().bootstrap()
    assert far.mars[0].text(dia.DEST_HOST) == far.identity and w.raw_hss.mars[0].find(dia.DEST_HOST) is None
    async with causes.counted(w, zh_redirect_cached=1, ub_challenged=1, ub_ok=1):
        await w.ue().bootstrap()
    assert (len(w.raw_hss.mars), len(far.mars)) == (1, 2)
    far.behave = redirect(far.identity)
    async with causes.counted(w, zh_redirect_loop=1, zh_redirect_cached=1):
        assert (await w.ue().first()).status == 503
