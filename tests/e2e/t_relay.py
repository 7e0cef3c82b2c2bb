# SPDX-License-Identifier: AGPL-3.0-or-later
"""A relay agent nobody here wrote between all of ours: freeDiameterd with dict_gba.fdx, NAF - relay - BSF - relay - HSS, one connection
of the BSF for both. Who asks is whom the relay names; what one NAF does wrong is its own affair."""
import asyncio

from lib import causes, dia, dia_peer, dra, hss, naf, procs
from lib.dia import Avp
from lib.runner import test
from lib.world import BSF_ID, BSF_NAME, HSS_ID, World

REALM = "mnc001.mcc001.3gppnetwork.org"
RULES = [f'or = "{REALM}" : "{HSS_ID}" += 20 ;', f'dr = "{REALM}" : "{BSF_ID}" += 10 ;', f'dr = "{BSF_NAME}" : "{BSF_ID}" += 70 ;']


async def peer_line(w):
    return next(x for x in (await w.vty("show peers")).split("\n") if dra.DRA_ID in x and x.startswith("peer"))


async def relayed(t, *peer_lines, zh=True, zn=("a", "b"), rules=(), we_dial=True, it_dials=None, **kw):
    """World and relay; NAFs zn come over it, each for its own name. The BSF has that one peer."""
    w = World(t, **kw)
    c = w.bsf_cfg
    c.remove_node("naf naf1.example.com")
    for line in ("address 127.0.0.1/32",) + peer_lines:
        c.add(f"peer {dra.DRA_ID}", line)
    if zh:
        c.remove(f"hss {HSS_ID}", "connect")
        c.add(f"hss {HSS_ID}", f"via {dra.DRA_ID}")
        w.hss_cfg.add(f"bsf {dra.DRA_ID}", "address 127.0.0.1/32")
    for name in zn:
        c.add(f"naf {name}.example.com", f"via {dra.DRA_ID}")
        c.add(f"naf {name}.example.com", f"speaks-for {name}.example.com")
    it_dials = not we_dial if it_dials is None else it_dials
    dials, port = {BSF_ID: w.ports["dia"]} if it_dials else {}, procs.free_port()
    if zh:
        dials[HSS_ID] = w.ports["hss"]
    if we_dial:
        c.add(f"peer {dra.DRA_ID}", f"connect 127.0.0.1 {port}")
    await w.start(bsf=False)                       # who is dialled is there first: the relay tries again after seconds
    if not we_dial:
        await start_bsf(t, w)
    fd = await dra.relay(t, dials, ["*.example.com", "*." + REALM], rules=rules, port=port)
    if we_dial:
        await start_bsf(t, w)
    await t.until(lambda: connected(w), 15, "the relay and the BSF to be connected")
    if zh and w.raw:
        await w.raw_hss.wait_peer()
    elif zh:
        await t.until(lambda: f"peer {dra.DRA_ID} connected" in w.hss.text(), 15, "the relay and the HSS to be connected")
    return w, fd


async def start_bsf(t, w):
    w.bsf = w.bsf_daemon()
    t.watch(w.bsf)
    await w.bsf.start()


async def connected(w):
    return "open" in await peer_line(w)


async def come(t, fd, name, **kw):
    conn = await naf.connect(fd.port, f"{name}.example.com", **kw)
    t.cleanup(conn.close)
    assert conn.cea.result == 2001, conn.cea.result
    return conn


def naf_id(name):
    return naf.naf_id(f"{name}.example.com")


@test("one relay for Zh and Zn over one connection: a bootstrap and keys; Route-Record read over, who asks is who it names", smoke=True,
      req=["220-4.4-3"])
async def both(t):
    w, fd = await relayed(t)
    s = await w.ue().bootstrap()
    a, b = await come(t, fd, "a"), await come(t, fd, "b")
    for n in range(20):
        for name, conn in (("a", a), ("b", b)):
            bia = await naf.fetch(conn, s.btid, naf_id(name))
            assert bia.result == 2001 and bia.key == s.ks_naf(f"{name}.example.com"), (n, name, bia.result)
            assert bia.msg.text(dia.ORIGIN_HOST) == BSF_ID
    async with causes.counted(w, zn_name_denied=2):       # each has a policy of its own
        for name, conn in (("b", a), ("a", b)):
            bia = await naf.fetch(conn, s.btid, naf_id(name))
            assert bia.result == (10415, 5402) and bia.empty_handed, (name, bia.result)
    assert w.bsf.text().count("Diameter peer") == 1, w.bsf.text()
    assert "peer=dra.example.com origin=a.example.com" in w.bsf.text()


@test("behind a relay: another's Origin-Host, and another's Route-Record, too, is 5402, zn_origin, and no key", smoke=True)
async def liar(t):
    w, fd = await relayed(t, zn=("victim",))
    s = await w.ue().bootstrap()
    victim, evil = await come(t, fd, "victim"), await come(t, fd, "evil")
    name = "victim.example.com"
    for extra in ((), (Avp(dia.ROUTE_RECORD, name),), (Avp(dia.ROUTE_RECORD, name),) * 3):
        async with causes.counted(w, zn_origin=1):
            bia = await naf.fetch(evil, s.btid, naf_id("victim"), origin=(name, "example.com"), extra=extra)
        assert bia.result == (10415, 5402) and bia.empty_handed, (len(extra), bia.result)
    async with causes.counted(w, zn_naf_unknown=1):       # under its own name it is nobody
        assert (await naf.fetch(evil, s.btid, naf_id("victim"))).result == (10415, 5402)
    bia = await naf.fetch(victim, s.btid, naf_id("victim"))
    assert bia.key == s.ks_naf(name), bia.result


@test("behind a relay: a wrong inner length of one NAF is 5014 and harms nobody; Proxy-Info with more in it comes back whole", smoke=True)
async def inner_length(t):
    w, fd = await relayed(t, zh=False, raw_hss=True)
    s = await w.ue().bootstrap()
    a, b = await come(t, fd, "a"), await come(t, fd, "b")
    done = asyncio.Event()

    async def good():
        n = 0
        while not done.is_set():
            assert (await naf.fetch(b, s.btid, naf_id("b"))).key == s.ks_naf("b.example.com")
            n += 1
        return n
    task = asyncio.ensure_future(good())
    for _ in range(10):
        m = naf.bir(a, s.btid, naf_id("a"))
        # what the relay passes on as octets: a group whose inner AVP reaches beyond it
        m.avps.append(Avp(612, Avp(dia.SCHEME, "x", length=99).encode()))
        answer = await a.request(m)
        assert answer.result == 5014 and answer.find(dia.ME_KEY) is None, answer.result
    done.set()
    assert await task > 0
    m = naf.bir(a, s.btid, naf_id("a"), extra=[Avp(dia.PROXY_INFO, [Avp(280, b"p.example.com"), Avp(33, b"state"), Avp(9999, b"x", 4711, False)])])
    answer = await a.request(m)
    assert answer.result == 2001 and answer.find(dia.PROXY_INFO).encode() == m.find(dia.PROXY_INFO).encode(), answer.avps
    text = w.bsf.text()
    assert "lost" not in text[text.index("ready"):], text


@test("the relay is killed and comes back: the BSF is connected again by itself, and serves", smoke=True, timeout=90)
async def killed(t):
    w, fd = await relayed(t)
    s = await w.ue().bootstrap()
    await fd.kill()

    async def lost():
        return not await connected(w)
    await t.until(lost, 10, "the BSF to notice")
    assert (await w.ue(1).first()).status == 503
    await fd.start()
    await t.until(lambda: connected(w), 30, "the BSF to be connected again")

    async def served():
        return (await w.ue(1).first()).status == 401
    await t.until(served, 20, "the relay to be connected to the HSS again")
    a = await come(t, fd, "a")
    assert (await naf.fetch(a, s.btid, naf_id("a"))).key == s.ks_naf("a.example.com")


async def first_mar(t, w):
    """The MAR of a bootstrap as it came to the HSS."""
    await t.until(lambda: connected(w), 15, "the relay and the BSF to be connected")
    await w.ue().bootstrap()
    return w.raw_hss.mars[-1]


@test("the relay may connect to the BSF instead, and a MAR names the realm alone, or the HSS where it is written so", smoke=True)
async def realm_only(t):
    w, _ = await relayed(t, raw_hss=True, we_dial=False)
    mar = await first_mar(t, w)
    assert mar.find(dia.DEST_HOST) is None and mar.text(dia.DEST_REALM) == REALM, mar.avps
    assert mar.text(dia.ORIGIN_HOST) == BSF_ID and [a.text for a in mar.all(dia.ROUTE_RECORD)] == [BSF_ID], mar.avps
    w.bsf_cfg.add(f"hss {HSS_ID}", "destination-host")
    w.write_configs()
    await w.bsf.stop()
    await w.bsf.start()
    mar = await first_mar(t, w)
    assert mar.text(dia.DEST_HOST) == HSS_ID and mar.text(dia.DEST_REALM) == REALM, mar.avps


@test("without rules a relay gives MARs to another BSF and BIRs to a NAF: said once, with the cure; the three lines of the manual cure it",
      smoke=True)
async def rules(t):
    with open(procs.SRC + "/doc/man/gba-relay.7", encoding="utf-8") as f:
        manual = f.read()
    for rule in RULES:           # the test's lines are those of the manual, with other names
        assert rule.replace(REALM, "home").replace(HSS_ID, "hss.home").replace(BSF_NAME, "bsf.home").replace(BSF_ID, "bsf.home") in manual, rule
    await misroutes(t, (), name="none")
    await misroutes(t, RULES, name="three")


async def misroutes(t, lines, name):
    """Another BSF of the realm sends MARs and takes what comes; NAFs ask without naming the BSF."""
    w, fd = await relayed(t, rules=lines, name=name)
    other = await dia_peer.connect(fd.port, "bsf2." + REALM, REALM, [dia.APP_ZH, dia.APP_ZN], on_request=refuse)
    t.cleanup(other.close)
    s = None
    codes = set()
    for i in range(12):
        mar = hss.mar(other, w.cards[i % 3].impi)
        codes.add((await other.request(mar)).result)
    a = await come(t, fd, "a")
    b = await come(t, fd, "b", on_request=refuse)
    text = w.bsf.text()
    said = [x for x in text.split("\n") if "dia_misrouted" in x]
    if not lines:
        assert 3007 in codes and len(said) == 1 and "without a routing rule" in said[0], (codes, said)
        assert (await w.counters())["dia_misrouted"] > 1
        causes.register("dia_misrouted")
        return
    assert codes == {2001} and not said, (codes, said)
    async def boot():
        nonlocal s
        s = await w.ue().bootstrap()
    for _ in range(4):
        await boot()
        for conn, who in ((a, "a"), (b, "b")):
            for realm in (REALM, BSF_NAME):
                bia = await naf.fetch(conn, s.btid, naf_id(who), realm=realm)
                assert bia.key == s.ks_naf(f"{who}.example.com"), (who, realm, bia.result)
    assert not refused, refused


refused = []


async def refuse(conn, m):
    refused.append(m.cmd)
    await conn.send(m.answer([Avp(dia.RESULT, 3007)] + conn.origin(), dia.E | dia.P))


@test("behind a relay the HSS simulator serves its realm, named or not", smoke=True)
async def hss_behind(t):
    w, fd = await relayed(t, rules=RULES)
    conn = await dia_peer.connect(fd.port, "probe." + REALM, REALM, [dia.APP_ZH])
    t.cleanup(conn.close)
    for extra in ((), (Avp(dia.DEST_HOST, HSS_ID),), (Avp(dia.ROUTE_RECORD, "far.example.com"),)):
        answer = await conn.request(hss.mar(conn, w.cards[1].impi, extra=extra))
        assert answer.result == 2001, (extra, answer.result)


@test("the relay and the BSF both connect to each other: one connection remains, and serves; a second start, too", smoke=True, timeout=60)
async def both_dial(t):
    w, fd = await relayed(t, zh=False, raw_hss=True, it_dials=True)
    s = await w.ue().bootstrap()
    for again in (False, True):
        if again:
            await fd.kill()
            await fd.start()
            await t.until(lambda: connected(w), 20, "the relay and the BSF to be connected again")
        a = await come(t, fd, "a")
        for _ in range(30):
            assert (await naf.fetch(a, s.btid, naf_id("a"))).key == s.ks_naf("a.example.com")
            assert "1 of 1 connections" in await peer_line(w)
            await asyncio.sleep(0.05)            # both try again meanwhile
