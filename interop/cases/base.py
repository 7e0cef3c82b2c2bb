# SPDX-License-Identifier: AGPL-3.0-or-later
"""The Diameter base protocol, of a BSF on Zn (ZN-0xx) and of an HSS on Zh (ZH-0xx): connection, watchdog, end, order."""
import asyncio
import ssl

from ..run.case import cases
from ..wire import dia, dia_peer
from ..wire.dia import Avp, Msg


def both(clause, rows, **kw):
    """The same rows (number without its letters, ...) for Zn and Zh."""
    def mark(fn):
        for letters in ("ZN-", "ZH-"):
            cases(clause, [(letters + number, *rest) for number, *rest in rows], **kw)(fn)
        return fn
    return mark


async def good(t, conn):
    """A request that is served, so that what came before has harmed nothing."""
    return await t.ask(conn, await t.valid(conn), 2001)


@both("RFC 6733 5.3.2; draft-fajardo 3.1.1", [("001", "CER is answered by a CEA that says who it is and serves the application")], needs=["probe"])
async def cea(t):
    conn = await t.connect("probe")
    q = Msg(dia.CMD_CE, 0, conn.capabilities(), dia.R, conn.cea.hbh, conn.cea.e2e)
    a = t.judge(q, conn.cea, 2001, session=False)
    for code in (dia.HOST_IP, dia.VENDOR_ID, dia.PRODUCT):
        assert a.find(code) is not None, f"the CEA lacks AVP {code}"
    ip = a.find(dia.HOST_IP).data
    assert (ip[:2], len(ip)) in ((b"\0\1", 6), (b"\0\2", 18)), f"Host-IP-Address {ip.hex()}"
    apps = {x.u32 for v in a.all(dia.VSAI) for x in v.data if x.code == dia.AUTH_APP} | {x.u32 for x in a.all(dia.AUTH_APP)}
    assert apps & {t.app, dia.APP_RELAY}, f"applications {apps}"
    vendors = {x.u32 for x in a.all(dia.SUPPORTED_VENDOR)} | {x.u32 for v in a.all(dia.VSAI) for x in v.data if x.code == dia.VENDOR_ID}
    assert dia.VENDOR_3GPP in vendors or dia.APP_RELAY in apps, f"vendors {vendors}"


@both("RFC 6733 5.3; draft-fajardo 3.1.1", [
    ("002", "applications named without a vendor are taken, too", "auth"),
    ("003", "who relays every application is heard", "relay"),
    ("004", "one application of many in common is enough", "many"),
    ("005", "Inband-Security-Id 0 and Firmware-Revision are no obstacle", "more"),
    ("006", "an unknown AVP without M in the CER is no obstacle", "unknown"),
    ("007", "Origin-State-Id in the CER is no obstacle", "state")], needs=["probe"])
async def capabilities(t, what):
    conn = await t.connect("probe", cer=False)
    avps = [a for a in conn.capabilities() if a.code != dia.VSAI or what in ("more", "unknown", "state")]
    avps += {"auth": [Avp(dia.AUTH_APP, t.app)], "relay": [Avp(dia.AUTH_APP, dia.APP_RELAY)],
             "many": [dia.vsai(16777216), dia.vsai(16777217), dia.vsai(t.app), Avp(dia.AUTH_APP, 4)],
             "more": [Avp(dia.INBAND_SECURITY, 0), Avp(267, 1, m=False)], "unknown": [Avp(9999, b"zzz", 4711, False)],
             "state": [Avp(dia.ORIGIN_STATE, 1234567)]}[what]
    await t.ask(conn, Msg(dia.CMD_CE, 0, avps, dia.R), 2001, session=False)
    await t.watchdog(conn)


@both("RFC 6733 5.5; draft-fajardo 3.1.1", [
    ("010", "DWR is answered", 0), ("011", "DWR with Origin-State-Id is answered", 1), ("012", "ten DWRs in one segment have ten answers", 10)])
async def watchdog(t, what):
    conn = await t.main()
    if what < 2:
        more = [Avp(dia.ORIGIN_STATE, 77)] if what else []
        await t.ask(conn, Msg(dia.CMD_DW, 0, conn.origin() + more, dia.R), 2001, session=False)
        return
    many = [Msg(dia.CMD_DW, 0, conn.origin(), dia.R, 0x51000000 + i, 0x52000000 + i) for i in range(what)]
    for q, a in zip(many, await at_once(t, conn, many)):
        t.judge(q, a, 2001, session=False)


@both("RFC 3539 3.4.1; RFC 6733 5.5", [("013", "where nothing is said for a while it asks by DWR, and goes on when it is answered")], needs=["probe", "watchdog"])
async def asks(t):
    conn, asked = await t.connect("probe"), asyncio.Event()
    conn.on_dwr = lambda m: asked.set()
    await asyncio.wait_for(asked.wait(), 2 * t.target.diameter.watchdog + 4)
    await t.watchdog(conn)


@both("RFC 3539 3.4.1", [("014", "who answers no DWR loses the connection within three of its Tw, and may come again")], needs=["probe", "watchdog"])
async def mute(t):
    conn = await t.connect("probe")
    conn.answer_dwr = False
    await asyncio.wait_for(conn.closed.wait(), 3 * t.target.diameter.watchdog + 6)
    await t.watchdog(await t.connect("probe"))


async def at_once(t, conn, many):
    """Answers to requests sent in one write, in the order of the requests."""
    waiting = []
    for m in many:
        conn.pending[m.hbh] = asyncio.get_running_loop().create_future()
        waiting.append(conn.pending[m.hbh])
    await conn.send_raw(b"".join(m.encode() for m in many))
    return await asyncio.wait_for(asyncio.gather(*waiting), t.timeout)


@both("RFC 6733 5.4; draft-fajardo 3.1.1", [
    ("015", "DPR, cause REBOOTING: DPA, and the connection may be made again", 0), ("016", "DPR, cause BUSY: DPA, and the connection may be made again", 1),
    ("017", "DPR, cause DO_NOT_WANT_TO_TALK_TO_YOU: DPA, and the connection may be made again", 2)], needs=["probe", "dpa"])
async def disconnect(t, cause):
    conn = await t.connect("probe")
    q = Msg(dia.CMD_DP, 0, conn.origin() + [Avp(dia.DISCONNECT_CAUSE, cause)], dia.R)
    await t.ask(conn, q, 2001, session=False)
    await conn.close()
    await t.watchdog(await t.connect("probe"))


@both("RFC 6733 5.6", [("020", "a connection that is cut without DPR may be made again at once")], needs=["probe"])
async def cut(t):
    conn = await t.connect("probe")
    conn.abort()
    await asyncio.wait_for(conn.closed.wait(), t.timeout)
    await t.watchdog(await t.connect("probe"))


@both("RFC 6733 5.6.1", [
    ("021", "a request before the CER is not served", "request"), ("022", "a DWR before the CER is not answered with success", "dwr")], needs=["probe"])
async def before_cer(t, what):
    conn = await t.connect("probe", cer=False)
    m = Msg(dia.CMD_DW, 0, conn.origin(), dia.R) if what == "dwr" else await t.valid(conn)
    try:
        a = await conn.request(m, min(t.timeout, 2))
        assert a.result != 2001, "served before the capabilities were exchanged"
    except (dia_peer.PeerClosed, asyncio.TimeoutError, ConnectionError):
        pass


@both("RFC 6733 5.6", [("023", "a second connection of a peer that has one does not disturb the first, or takes its place whole")], needs=["probe"])
async def second(t):
    first = await t.connect("probe")
    p, d = t.identity("probe"), t.target.diameter
    again = await dia_peer.connect(d.port, p.identity, p.realm, [t.app], d.host, p.source or None, cer=False, tls=t._tls(p))
    try:
        cea2 = None
        try:
            cea2 = await again.capabilities_exchange(t.timeout)
        except (dia_peer.PeerClosed, ConnectionError):
            pass
        if cea2 is None or cea2.result != 2001:
            await t.watchdog(first)
        else:
            await t.watchdog(again)
    finally:
        await again.close()


@both("RFC 6733 2.1, 3", [
    ("030", "a message that comes octet by octet is one message", "octets"), ("031", "two messages in one segment are two", "two"),
    ("032", "a message cut in the middle of its header is one message", "head")])
async def framing(t, what):
    conn = await t.main()
    many = [Msg(dia.CMD_DW, 0, conn.origin(), dia.R, 0x61000000 + i, 0x62000000 + i) for i in range(2)]
    if what == "two":
        many.append(await t.valid(conn))
        many[-1].hbh, many[-1].e2e = 0x61000009, 0x62000009
        for q, a in zip(many, await at_once(t, conn, many)):
            t.judge(q, a, 2001, session=q.cmd != dia.CMD_DW)
        return
    q = many[0]
    f = conn.pending[q.hbh] = asyncio.get_running_loop().create_future()
    octets = q.encode()
    cuts = list(range(1, len(octets))) if what == "octets" else [3]
    for a, b in zip([0] + cuts, cuts + [len(octets)]):
        await conn.send_raw(octets[a:b])
        await asyncio.sleep(0)
    t.judge(q, await asyncio.wait_for(f, t.timeout), 2001, session=False)


@both("RFC 6733 3", [("033", "fifty requests in flight have an answer each, and none is another's")])
async def in_flight(t):
    conn = await t.main()
    many = []
    for i in range(50):
        m = await t.valid(conn)
        m.hbh, m.e2e = 0x63000000 + i * 7, 0x64000000 + i
        many.append(m)
    for q, a in zip(many, await at_once(t, conn, many)):
        t.judge(q, a, 2001)


@both("RFC 6733 6.1; draft-fajardo 3.1.2", [
    ("040", "a request for the realm alone is served", "realm"), ("041", "a request for the host in the realm is served", "host"),
    ("042", "names in capitals are the same names", "capitals")])
async def routing(t, what):
    conn, d = await t.main(), t.target.diameter
    m = await t.valid(conn)
    if what == "capitals":
        m.avps = [Avp(dia.DEST_REALM, d.realm.upper()) if a.code == dia.DEST_REALM else a for a in m.avps]
    if what != "realm":
        m.avps.append(Avp(dia.DEST_HOST, d.identity.upper() if what == "capitals" else d.identity))
    await t.ask(conn, m, 2001)


@both("RFC 6733 6.2, 9.1", [("043", "the order of AVPs behind Session-Id is free")])
async def order(t):
    conn = await t.main()
    m = await t.valid(conn)
    m.avps = m.avps[:1] + m.avps[:0:-1]
    await t.ask(conn, m, 2001)


@both("RFC 6733 3, 6.2", [("044", "the connection serves on after a request with E, one of an unknown application and one with an unknown AVP")])
async def goes_on(t):
    conn = await t.main()
    for change in ("flag", "application", "avp"):
        m = await t.valid(conn)
        if change == "flag":
            m.flags |= dia.E
        elif change == "application":
            m.app = 4
        else:
            m.avps.append(Avp(9999, b"zzz", 4711, True))
        a = await conn.request(m, t.timeout)
        assert a.result != 2001, f"{change}: served"
    await good(t, conn)


@both("33.210 6.2; RFC 6733 13.1", [("045", "TLS: its certificate has its identity as a dNSName")], needs=["tls"])
async def certificate(t):
    _, _, names = await t.shake()
    own = t.target.diameter.identity.lower()
    assert own in names or any(n.startswith("*.") and n[2:] == own.split(".", 1)[1] for n in names), f"the certificate names {names}"


@both("33.210 6.2; RFC 6733 13.1", [("046", "TLS: who shows no certificate gets nothing")], needs=["tls"])
async def no_certificate(t):
    try:
        reader, writer, _ = await t.shake(certificate=False)
        conn = dia_peer.Conn(reader, writer, t.identity().identity, t.identity().realm, [t.app])
        writer.write(Msg(dia.CMD_CE, 0, conn.origin(), dia.R, 1, 1).encode())
        assert await asyncio.wait_for(reader.read(1), t.timeout) == b"", "a message to who showed no certificate"
    except (ssl.SSLError, ConnectionError):
        pass


@both("33.210 6.2; RFC 6733 13.1", [("047", "TLS: who begins without it gets no Diameter")], needs=["tls"])
async def plain(t):
    d, p = t.target.diameter, t.identity()
    conn = await dia_peer.connect(d.port, p.identity, p.realm, [t.app], d.host, p.source or None, cer=False)
    try:
        a = await conn.capabilities_exchange(t.timeout)
        assert a.result != 2001, "served without TLS"
    except (dia_peer.PeerClosed, ConnectionError):
        pass
    finally:
        await conn.close()


@both("RFC 6733 2.1", [("050", "twenty connections that never say a word do not stop the one that does")], needs=["probe"], destructive=True)
async def silent(t):
    for _ in range(20):
        await t.connect("probe", cer=False)
    await good(t, await t.main())


@both("RFC 6733 3", [("051", "octets that are no Diameter end their connection and nobody else's")], needs=["probe"], destructive=True)
async def garbage(t):
    for octets in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\0" * 64, b"\xff" * 64, b"\1\0\0\x14" + b"\0" * 16):
        conn = await t.connect("probe", cer=False)
        await conn.send_raw(octets)
    await good(t, await t.main())
