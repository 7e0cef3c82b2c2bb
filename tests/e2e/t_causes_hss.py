# SPDX-License-Identifier: AGPL-3.0-or-later
"""Every cause of the HSS simulator, and its fault switches."""
import asyncio
import os

from lib import aka, causes, dia, hss
from lib.runner import test
from lib.world import HSS_ID, World, raw_bsf_conn


OTHER_BSF = "bsf2.mnc001.mcc001.3gppnetwork.org"
IN_WORK = 3072      # requests of one peer the simulator has in work at most, of 4096


async def world(t, *faults):
    w = World(t)
    head = next((n[0] for n in w.hss_cfg.nodes if n[0].startswith("fault")), None)
    assert head is None
    for line in faults:
        w.hss_cfg.nodes.append([line.format(impi=w.cards[0].impi), []])
    await w.start(bsf=False)
    return w, await raw_bsf_conn(t, w.ports["hss"])


@test("hss_bad_avp, hss_failed, hss_busy: an AVP twice, numbers used up, one peer with more in work than its share", smoke=True)
async def more(t):
    w = World(t)
    w.hss_cfg.nodes.append([f"fault {w.cards[1].impi} delay 5", []])
    w.hss_cfg.set(f"bsf {OTHER_BSF}", "address 127.0.0.1/32")
    w.cards[0].sqn = "0xffffffffffff"
    await w.start(bsf=False)
    conn = await raw_bsf_conn(t, w.ports["hss"])
    m = hss.mar(conn, w.cards[2].impi, extra=[dia.Avp(dia.USER_NAME, w.cards[1].impi)])
    async with causes.counted(w, "hss", hss_bad_avp=1):
        a = await conn.request(m)
    assert a.result == 5009 and [x.code for x in a.find(dia.FAILED_AVP).data] == [dia.USER_NAME], a.result
    async with causes.counted(w, "hss", hss_failed=1):
        a = await conn.request(hss.mar(conn, w.cards[0].impi))
    assert a.result == 5012 and a.find(dia.ITEM) is None
    before = await w.counters("hss")
    ours = asyncio.gather(*(conn.request(hss.mar(conn, w.cards[1].impi), 20 * t.factor) for _ in range(IN_WORK + 50)))

    async def refused():
        return (await w.counters("hss"))["hss_busy"] > before["hss_busy"]
    await t.until(refused, 10, "the peer to have all it may have")
    other = await raw_bsf_conn(t, w.ports["hss"], OTHER_BSF)
    assert (await other.request(hss.mar(other, w.cards[2].impi))).result == 2001, "a greedy peer keeps another out"
    answers = await ours
    after = await w.counters("hss")
    results = [a.result for a in answers]
    assert results.count(2001) == IN_WORK and results.count(3004) == 50, (results.count(2001), results.count(3004))
    assert after["hss_busy"] - before["hss_busy"] == 50
    causes.register("hss_busy")
    for _ in range(10):                                          # what ended counts no more
        answers = await asyncio.gather(*(conn.request(hss.mar(conn, w.cards[2].impi), 20 * t.factor) for _ in range(1000)))
        assert {a.result for a in answers} == {2001}
    assert (await conn.request(hss.mar(conn, w.cards[2].impi))).result == 2001


async def seq(w, conn, card):
    """SEQ of the next vector."""
    maa = await conn.request(hss.mar(conn, card.impi))
    rand, autn, *_ = hss.vector_of(maa)
    m = aka.Milenage(card.k, card.opc)
    return int.from_bytes(aka.xor(autn[:6], m.f2345(rand)[3]), "big") >> 5


@test("hss_user_unknown, hss_missing_avp, hss_scheme, hss_auts_length: result, Failed-AVP, SQN untouched", smoke=True,
      req=["220-4.4.2-1"])
async def refusals(t):
    w, conn = await world(t)
    card = w.cards[0]
    first = await seq(w, conn, card)
    cases = [("hss_user_unknown", (10415, 5401), None, hss.mar(conn, "001019999999999@ims.mnc001.mcc001.3gppnetwork.org")),
             ("hss_user_unknown", (10415, 5401), None,
              hss.mar(conn, None, extra=[dia.Avp(dia.PUBLIC_ID, "sip:somebody@example.org")])),
             ("hss_missing_avp", 5005, dia.USER_NAME, hss.mar(conn, None)),
             ("hss_scheme", 5012, None, hss.mar(conn, card.impi, scheme="SIP Digest")),
             ("hss_auts_length", 5004, dia.AUTHORIZATION, hss.mar(conn, card.impi, resync=os.urandom(29))),
             ("hss_auts_length", 5004, dia.AUTHORIZATION, hss.mar(conn, card.impi, resync=os.urandom(31)))]
    for cause, result, avp, m in cases:
        async with causes.counted(w, "hss", **{cause: 1}):
            a = await conn.request(m)
        assert a.result == result and a.find(dia.ITEM) is None and a.find(dia.GUSS) is None, (cause, a.result)
        failed = a.find(dia.FAILED_AVP)
        if avp is not None:
            assert [x.code for x in failed.data] == [avp] or failed.data[0].find(avp), (cause, failed)
    assert await seq(w, conn, card) == first + 1


@test("hss_auts_refused: wrong MAC-S changes nothing; a right but old AUTS does not set the counter back", smoke=True,
      req=["102-6.3.5-3", "102-6.3.5-4"])
async def auts(t):
    w, conn = await world(t)
    card = w.cards[0]
    mil = aka.Milenage(card.k, card.opc)
    for _ in range(5):
        last = await seq(w, conn, card)
    rand = os.urandom(16)
    forged = mil.auts(rand, last + 4000 << 5)
    forged = forged[:13] + bytes([forged[13] ^ 1])
    async with causes.counted(w, "hss", hss_auts_refused=1):
        a = await conn.request(hss.mar(conn, card.impi, resync=rand + forged))
    assert a.result == 5012 and a.find(dia.ITEM) is None
    assert await seq(w, conn, card) == last + 1
    old = mil.auts(rand, 2 << 5)
    a = await conn.request(hss.mar(conn, card.impi, resync=rand + old))
    assert a.result == 2001
    assert await seq(w, conn, card) == last + 3, "an old AUTS set the counter back"


@test("faults: delay, no answer, result; for one or for all, a number of times", smoke=True)
async def faults(t):
    w, conn = await world(t, "fault {impi} result 3004 times 2", "fault {impi} delay 1 times 1", "fault all no-answer times 1")
    card, loop = w.cards[0], asyncio.get_running_loop()
    results, began = [], loop.time()
    for _ in range(5):
        try:
            results.append((await conn.request(hss.mar(conn, card.impi), 3 * t.factor)).result)
        except asyncio.TimeoutError:
            results.append(None)
    assert sorted(str(r) for r in results) == ["2001", "2001", "3004", "3004", "None"], results
    assert loop.time() - began > 0.9
    assert (await w.counters("hss"))["hss_fault"] == 3
    causes.register("hss_fault")
    assert (await conn.request(hss.mar(conn, w.cards[1].impi))).result == 2001
    assert HSS_ID == conn.peer_identity


@test("an answer of the simulator with the E bit is counted at the BSF as what it says, and as nothing else", smoke=True)
async def protocol_error(t):
    w = World(t)
    w.hss_cfg.nodes.append(["fault all result 3004 times 1", []])
    await w.start()
    async with causes.counted(w, zh_busy=1):
        assert (await w.ue().first()).status == 503
    await w.ue().bootstrap()


@test("a peer that is not configured, or comes from another address, gets no vector", smoke=True, req=["220-4.4.5-2"])
async def peers(t):
    w, first = await world(t)
    await first.close()                # an identity has one connection; the second would be refused for that alone

    async def gone():
        return " open" not in await w.vty("show peers", "hss")
    await t.until(gone, 5, "the HSS to notice that its BSF has left")
    for identity, source in (("bsf.evil.example", "127.0.0.1"), ("bsf.mnc001.mcc001.3gppnetwork.org", "127.0.0.5")):
        from lib import dia_peer
        conn = await dia_peer.connect(w.ports["hss"], identity, "evil.example", [dia.APP_ZH], source=source)
        assert conn.cea.result == 3010, conn.cea.result
        await conn.close()
