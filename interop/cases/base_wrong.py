# SPDX-License-Identifier: AGPL-3.0-or-later
"""Requests and CERs that are wrong (ZN-1xx, ZN-2xx, ZH-1xx, ZH-2xx): the rows of wire/wrong.py, which the tests of this tree use, too."""
import asyncio

from ..run.case import cases, numbered
from ..wire import dia, dia_peer, wrong
from ..wire.dia import Msg

# limits and readings of our own daemons: another may do otherwise and be right
OURS = {"257 AVPs", "a Proxy-Info of 3,000 octets", "nine groups inside each other", "nothing", "P and reserved bits of an AVP",
        "an application of nothing"}
POINTS = {"ZN": (dia.CMD_MA, (dia.GBA_U_AWARE, dia.VENDOR_3GPP)), "ZH": (dia.CMD_BI, (dia.AUTH_STATE, 0))}


def rows(point, own="own.invalid", asks="asks.invalid"):
    return {r[0]: r for r in wrong.rows(own, asks, *POINTS[point]) if r[0] not in OURS}


async def request(t, point, what):
    conn = await t.main()
    _, code, failed, after, change = rows(point, t.target.diameter.identity, conn.identity)[what]
    m = await t.valid(conn)
    m.hbh = m.e2e = next(conn._ids) & 0xffffffff
    change(m)
    f = conn.pending[m.hbh] = asyncio.get_running_loop().create_future()
    octets = wrong.octets_of(m)
    await conn.send_raw(octets)
    if after == wrong.SILENT:
        await t.watchdog(conn)
        assert not f.done(), f"an answer to what is none: {f.result().result}"
        return
    if after == wrong.CLOSED:
        await ends(t, conn, f, code)
        return
    a = await asyncio.wait_for(f, t.timeout)
    judge(t, m, a, octets, code, failed)
    await t.watchdog(conn)


async def ends(t, conn, f, code):
    """The answer, if there is one, says why; the connection ends."""
    try:
        a = await asyncio.wait_for(f, t.timeout)
        assert a.result == code, f"result {a.result}, not {code}"
    except (dia_peer.PeerClosed, ConnectionError):
        pass
    await asyncio.wait_for(conn.closed.wait(), t.timeout)


def judge(t, m, a, octets, code, failed):
    """A request whose AVPs cannot all be read is compared by what can."""
    try:
        q = Msg.decode(octets)
    except dia.Malformed:
        q = None
    if q is not None and code not in (3008, 5009, 5004):
        t.judge(q, a, code, session=code == 2001)
    assert a.result == code, f"result {a.result}, not {code}"
    assert bool(a.flags & dia.E) == (code // 1000 == 3), f"E with {code}"
    if failed and "strict" in t.can:
        got = a.find(dia.FAILED_AVP)
        assert got and [x.code for x in got.data] == [failed], f"Failed-AVP {got} does not name {failed}"
    assert a.find(dia.ME_KEY) is None or code == 2001


def register():
    for point in POINTS:
        titles = numbered(point, "wire: ", rows(point))
        cases("RFC 6733 3, 4, 6, 7", [(number, f"wire: {what}", point, what) for number, what in titles])(request)
        cers = numbered(point, "", (r[0] for r in wrong.cer_rows()))
        cases("RFC 6733 5.3; draft-fajardo 3.1.1", [(number, what, what) for number, what in cers], needs=["probe"])(cer)


async def cer(t, what):
    _, code, failed, change = next(r for r in wrong.cer_rows() if r[0] == what)
    conn = await t.connect("probe", cer=False)
    m = Msg(dia.CMD_CE, 0, conn.capabilities(), dia.R, 7, 7)
    change(m)
    f = conn.pending[7] = asyncio.get_running_loop().create_future()
    await conn.send_raw(m.encode())
    try:
        a = await asyncio.wait_for(f, t.timeout)
        assert a.result == code, f"result {a.result}, not {code}"
        assert bool(a.flags & dia.E) == (code // 1000 == 3), f"E with {code}"
        got = a.find(dia.FAILED_AVP)
        assert "strict" not in t.can or ([x.code for x in got.data] if got else []) == ([failed] if failed else []), f"Failed-AVP {got}"
    except (dia_peer.PeerClosed, ConnectionError):
        assert "strict" not in t.can, "the connection ends without a CEA"
    await asyncio.wait_for(conn.closed.wait(), t.timeout)


register()
