# SPDX-License-Identifier: AGPL-3.0-or-later
"""Every cause of Zh: what a bad, slow or absent HSS does to Ub; nothing is gained and nothing stays behind."""
import asyncio
import re

from lib import causes, dia, naf
from lib.hss import RawHss, mar
from lib.kept import Kept, is_refusal
from lib.runner import test
from lib.world import World

GUSS = ('<?xml version="1.0"?><guss id="{impi}" xmlns="urn:3gpp:gba:GBAGUSSSchema-R9:2010-02"><bsfInfo>'
        '<lifeTime>LIFE</lifeTime></bsfInfo><ussList/></guss>')


async def world(t, timeout=1, **kw):
    w = World(t, raw_hss=True, **kw).no_limits()
    w.bsf_cfg.set("hss " + "hss.mnc001.mcc001.3gppnetwork.org", f"timeout {timeout}")
    await w.start()
    return w, await Kept.make(w)


@test("zh_timeout and zh_late: 503 in time, the late MAA is dropped, its vector is never used", smoke=True)
async def late(t):
    w, kept = await world(t)
    loop = asyncio.get_running_loop()
    w.raw_hss.behave = RawHss.never
    began = loop.time()
    async with causes.counted(w, zh_timeout=1):
        is_refusal(await w.ue().first(), 503)
    assert 0.8 < loop.time() - began < 3 * t.factor
    w.raw_hss.behave = RawHss.late(min(1.5 * t.factor, 3))
    async with causes.counted(w, zh_timeout=1, zh_late=1, wait=10):
        is_refusal(await w.ue().first(), 503)
    w.raw_hss.behave = None
    await w.ue().bootstrap()
    await kept.check(mars=3)


@test("what the HSS never answers is forgotten after four times the time-out, not kept until the connection ends", timeout=120)
async def forgotten(t):
    w, kept = await world(t)

    async def unanswered():
        return int(re.search(r"^hss .* (\d+) unanswered", await w.vty("show peers"), re.M)[1])
    w.raw_hss.behave = RawHss.never
    for _ in range(3):
        is_refusal(await w.ue().first(), 503)
    assert await unanswered() == 3
    w.raw_hss.behave = None
    began = asyncio.get_running_loop().time()                    # the time-out is 1 s, and the last one has waited it

    async def none():
        return await unanswered() == 0
    await t.until(none, 20, "no request to be held", then=unanswered)
    assert asyncio.get_running_loop().time() - began > 2.5, "a late answer would find nothing"
    assert await w.hss_open()


@test("zh_duplicate: the second MAA is dropped", smoke=True)
async def duplicate(t):
    w, kept = await world(t)
    w.raw_hss.behave = RawHss.double
    async with causes.counted(w, zh_duplicate=1, ub_challenged=1, ub_ok=1):
        s = await w.ue().bootstrap()
    assert (await naf.fetch(kept.conn, s.btid)).key == s.ks_naf()
    await kept.check(mars=1)


@test("zh_busy, zh_error, zh_no_vector: 503 and no session", smoke=True)
async def errors(t):
    w, kept = await world(t)
    cases = [("zh_busy", RawHss.result(3004)), ("zh_error", RawHss.result(5012)), ("zh_error", RawHss.result(3001)),
             ("zh_error", RawHss.experimental(5402)), ("zh_no_vector", RawHss.empty)]
    for cause, behave in cases:
        w.raw_hss.behave = behave
        async with causes.counted(w, also=("dia_protocol", "dia_misrouted"), **{cause: 1}):
            is_refusal(await w.ue().first(), 503)
    w.raw_hss.behave = RawHss.experimental(5401, vendor=9999)
    async with causes.counted(w, zh_error=1):
        is_refusal(await w.ue().first(), 503)
    w.raw_hss.behave = None
    await w.ue().bootstrap()
    await kept.check(mars=len(cases) + 2)


def drop(code):
    def change(m):
        item = m.find(dia.ITEM)
        item.data = [a for a in item.data if a.code != code]
    return change


def resize(code, octets):
    def change(m):
        m.find(dia.ITEM).find(code).data = b"\x11" * octets
    return change


@test("zh_malformed, zh_no_vector: a vector with a part missing or of a wrong size is no vector", smoke=True)
async def malformed(t):
    w, kept = await world(t)
    n = 0
    for code in (dia.AUTHENTICATE, dia.AUTHORIZATION, dia.CK, dia.IK):
        w.raw_hss.behave = RawHss.spoil(drop(code))
        async with causes.counted(w, zh_no_vector=1):
            is_refusal(await w.ue().first(), 503)
        n += 1
    for code, octets in ((dia.AUTHENTICATE, 31), (dia.AUTHENTICATE, 33), (dia.AUTHORIZATION, 3), (dia.AUTHORIZATION, 33),
                         (dia.CK, 15), (dia.IK, 17), (dia.IK, 0)):
        w.raw_hss.behave = RawHss.spoil(resize(code, octets))
        async with causes.counted(w, zh_malformed=1):
            is_refusal(await w.ue().first(), 503)
        n += 1
    w.raw_hss.behave = None
    await w.ue().bootstrap()
    await kept.check(mars=n + 1)


async def works_again(t, w, kept):
    async def works():
        return (await w.ue(1).first()).status == 401
    await t.until(works, 15, "the HSS to be asked again")
    kept.mars = len(w.raw_hss.mars)
    await kept.check()


@test("an AVP whose length runs past the message: the library cuts the connection (dia_protocol), 503, then it works again",
      smoke=True)
async def wrong_length(t):
    w, kept = await world(t, timeout=5)
    w.raw_hss.behave = RawHss.wrong_length
    async with causes.counted(w, also=("dia_protocol", "zh_malformed", "zh_down", "zh_timeout")):
        is_refusal(await w.ue().first(), 503)
    w.raw_hss.behave = None
    await w.raw_hss.wait_peer(20 * t.factor)
    await works_again(t, w, kept)


@test("zh_down: connection lost before the MAA, and no connection at all; it comes back by itself", timeout=90)
async def down(t):
    w, kept = await world(t, timeout=5)
    w.raw_hss.behave = RawHss.hang_up
    async with causes.counted(w, zh_down=1, also=("dia_protocol", "dia_misrouted")):
        is_refusal(await w.ue().first(), 503)
    w.raw_hss.behave = None
    await w.raw_hss.stop()
    async with causes.counted(w, zh_down=1, also=("dia_protocol", "dia_misrouted")):
        is_refusal(await w.ue().first(), 503)
    await w.raw_hss.start(w.ports["hss"])
    await w.raw_hss.wait_peer(15 * t.factor)
    await works_again(t, w, kept)


@test("zh_guss_bad: a GUSS that cannot be read ends the run; zh_guss_lifetime: one out of range does not count", smoke=True)
async def guss(t):
    w, kept = await world(t)
    card = w.cards[0]
    sub = w.raw_hss.subscribers[card.impi]
    # the Diameter library itself cuts a peer that sends a message over 65,535 octets
    bad = [b"<guss", b"", b"<a/>", b"\xff\xfe\0", b"<guss>" + b"<x>" * 20000,
           b"<guss><ussList>" + b'<uss id="1" type="1"/>' * 300 + b"</ussList></guss>",
           b'<!DOCTYPE g [<!ENTITY a "b">]><guss>&a;</guss>']
    for xml in bad:
        sub.guss = xml
        if not xml:
            continue                                    # an empty AVP is left out by the raw HSS
        async with causes.counted(w, zh_guss_bad=1):
            is_refusal(await w.ue().first(), 503)
    n = len(w.raw_hss.mars) - kept.mars
    for life, want in (("0", 3600), ("-5", 3600), ("99999999999", 2592000)):        # 0 is no life: as if the GUSS gave none
        sub.guss = GUSS.replace("LIFE", life).replace("{impi}", card.impi).encode()
        async with causes.counted(w, ub_challenged=1, ub_ok=1, zh_guss_lifetime=1):
            s = await w.ue().bootstrap()
        left = s.expires_at - s.made_at
        assert want - 2 <= left <= want + 2, (life, left)
        n += 1
    await kept.check(mars=n)


@test("no request ever goes from the HSS side, and a request on Zh from it is refused", smoke=True, req=["220-4.4.5-9"])
async def backwards(t):
    w, kept = await world(t)
    conn = await w.raw_hss.wait_peer()
    m = mar(conn, w.cards[0].impi)
    async with causes.counted(w, also=("dia_protocol", "dia_misrouted")):
        a = await conn.request(m)
    assert a.result in (3001, 3002, 3007) and a.find(dia.ITEM) is None, a.avps
    await kept.check()
