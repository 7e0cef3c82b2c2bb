# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is wrong with a request, and what its sender is told: each row as octets on the wire, to the BSF and to the HSS simulator;
the answers are read by tshark, too. Where the outer frame is sound the connection is kept."""
import asyncio
import struct

from lib import dia, dia_peer, hss, naf, procs
from lib.dia import Avp, Msg
from lib.relay import Relay
from lib.runner import test
from lib.world import BSF_ID, BSF_NAME, HSS_ID, World

M, V = 0x40, 0x80
KEPT, CLOSED, SILENT = "kept", "closed", "silent"   # the connection afterwards; SILENT: kept, and there is no answer


def raw(code, data, flags=M, vendor=None, length=None):
    """An AVP whose header says what it likes."""
    head = 8 + (4 if vendor is not None else 0)
    n = head + len(data) if length is None else length
    return (struct.pack(">IB", code, flags) + n.to_bytes(3, "big") + (b"" if vendor is None else struct.pack(">I", vendor))
            + data + b"\0" * (-len(data) % 4))


def more(*avps):
    def change(m):
        m.avps += avps
    return change


def less(code):
    def change(m):
        m.avps = [a for a in m.avps if a.code != code]
    return change


def instead(code, avp):
    def change(m):
        m.avps = [avp if not isinstance(a, bytes) and a.code == code else a for a in m.avps]
    return change


def header(**kw):
    def change(m):
        for name, value in kw.items():
            setattr(m, name, value)
    return change


def flags(on=0, off=0):
    def change(m):
        m.flags = m.flags & ~off | on
    return change


def octets(at, value):
    def change(m):
        m.patch = (at, value)
    return change


def to_host(host, realm=True):
    def change(m):
        m.avps = [a for a in m.avps if a.code != dia.DEST_HOST and (realm or a.code != dia.DEST_REALM)] + [Avp(dia.DEST_HOST, host)]
    return change


def groups(depth):
    data = b""
    for _ in range(depth):
        data = raw(dia.ITEM, data, M | V, dia.VENDOR_3GPP)
    return data


UNKNOWN = 9999
PROXY = Avp(dia.PROXY_INFO, [Avp(280, b"r.example.com"), Avp(33, b"state"), Avp(UNKNOWN, b"more", 4711)])


def rows(own, asks, other_command, fixed):
    """(what, code, code of the AVP in Failed-AVP, what becomes of the connection, change). own: identity of who is asked, asks:
    of who asks; fixed: code, vendor of an AVP of four octets that its command has."""
    code, vendor = fixed
    f = M | (V if vendor else 0)
    v = vendor or None
    return [
        ("nothing", 2001, None, KEPT, more()),
        ("version 2", 5011, None, CLOSED, octets(0, b"\2")),
        ("length 16", 5015, None, CLOSED, octets(1, (16).to_bytes(3, "big"))),
        ("length no multiple of 4", 5015, None, CLOSED, octets(1, (201).to_bytes(3, "big"))),
        ("length over the limit", 5015, None, CLOSED, octets(1, (0xfffffc).to_bytes(3, "big"))),
        ("E in a request", 3008, None, KEPT, flags(dia.E)),
        ("reserved bits of the header", 2001, None, KEPT, flags(0x0f)),
        ("T in a request", 2001, None, KEPT, flags(dia.T)),
        ("an answer to nothing", None, None, SILENT, flags(0, dia.R)),
        ("unknown command", 3001, None, KEPT, header(cmd=999)),
        ("a command of the other point", 3001, None, KEPT, header(cmd=other_command)),
        ("P clear", 3008, None, KEPT, flags(0, dia.P)),
        ("an application that is not served", 3007, None, KEPT, header(app=4)),
        ("another realm", 3003, None, KEPT, instead(dia.DEST_REALM, Avp(dia.DEST_REALM, "elsewhere.example"))),
        ("another host", 3002, None, KEPT, to_host("other.example.com")),
        ("another host, no realm", 3002, None, KEPT, to_host("other.example.com", realm=False)),
        ("our host", 2001, None, KEPT, to_host(own)),
        ("our own Route-Record", 3005, None, KEPT, more(Avp(dia.ROUTE_RECORD, own.upper()))),
        ("an AVP shorter than its header", 5014, UNKNOWN, KEPT, more(raw(UNKNOWN, b"", M, None, 7))),
        ("an AVP of no length", 5014, UNKNOWN, KEPT, more(raw(UNKNOWN, b"", M, None, 0))),
        ("an AVP beyond the message", 5014, code, KEPT, more(raw(code, b"\0\0\0\1", f, v, 0xffff))),
        ("an AVP beyond its group", 5014, dia.VENDOR_ID, KEPT, instead(dia.VSAI, raw(dia.VSAI, raw(dia.VENDOR_ID, b"\0\0\x28\xaf", M, None, 64)))),
        ("a number of three octets", 5014, code, KEPT, instead(code, raw(code, b"\0\0\1", f, v))),
        ("a number of five octets", 5014, code, KEPT, instead(code, raw(code, b"\0\0\0\1\0", f, v))),
        ("V with vendor 0", 3009, dia.ORIGIN_REALM, KEPT, instead(dia.ORIGIN_REALM, raw(dia.ORIGIN_REALM, b"x.example", M | V, 0))),
        ("V where there is none", 3009, dia.ORIGIN_REALM, KEPT,
         instead(dia.ORIGIN_REALM, raw(dia.ORIGIN_REALM, b"x.example", M | V, dia.VENDOR_3GPP))),
        ("P and reserved bits of an AVP", 2001, None, KEPT, instead(dia.ORIGIN_REALM, raw(dia.ORIGIN_REALM, b"example.com", M | 0x3f))),
        ("unknown with M", 5001, UNKNOWN, KEPT, more(Avp(UNKNOWN, b"zzz", 4711, True))),
        ("unknown without M", 2001, None, KEPT, more(Avp(UNKNOWN, b"zzz", 4711, False))),
        ("unknown with M in a group that has M", 5001, UNKNOWN, KEPT,
         instead(dia.VSAI, Avp(dia.VSAI, dia.vsai(0).data[:1] + [Avp(dia.AUTH_APP, b"app?"), Avp(UNKNOWN, b"zzz", 4711, True)]))),
        ("Route-Record and Proxy-Info with more in it", 2001, None, KEPT, more(Avp(dia.ROUTE_RECORD, asks), PROXY)),
        ("no Session-Id", 5005, dia.SESSION_ID, KEPT, less(dia.SESSION_ID)),
        ("no Origin-Host", 5005, dia.ORIGIN_HOST, KEPT, less(dia.ORIGIN_HOST)),
        ("no application", 5005, dia.VSAI, KEPT, less(dia.VSAI)),
        ("an application of nothing", 5005, dia.VENDOR_ID, KEPT, instead(dia.VSAI, Avp(dia.VSAI, []))),
        ("an application of both kinds", 5009, dia.ACCT_APP, KEPT,
         instead(dia.VSAI, Avp(dia.VSAI, [Avp(dia.VENDOR_ID, 10415), Avp(dia.AUTH_APP, b"app?"), Avp(dia.ACCT_APP, 3)]))),
        ("Origin-Host twice", 5009, dia.ORIGIN_HOST, KEPT, more(Avp(dia.ORIGIN_HOST, "second.example.com"))),
        ("Origin-Host that is no name", 5004, dia.ORIGIN_HOST, KEPT, instead(dia.ORIGIN_HOST, Avp(dia.ORIGIN_HOST, "naf example"))),
        ("Session-Id that is no text", 5004, dia.SESSION_ID, KEPT, instead(dia.SESSION_ID, Avp(dia.SESSION_ID, b"naf\xff;1"))),
        ("a state that is none", 5004, dia.AUTH_STATE, KEPT, more(Avp(dia.AUTH_STATE, 7))),
        ("257 AVPs", 5012, None, KEPT, more(*[Avp(UNKNOWN, b"", 4711, False)] * 257)),
        ("a Proxy-Info of 3,000 octets", 5004, dia.PROXY_INFO, KEPT, more(Avp(dia.PROXY_INFO, [Avp(280, b"r.example.com"), Avp(33, b"x" * 3000)]))),
        ("nine groups inside each other", 5004, dia.ITEM, KEPT, more(groups(9))),
    ]


class Asker:
    """Connections to one daemon through the relay that writes the capture."""

    def __init__(self, port, connect, request):
        self.port, self.connect, self.request, self.conn = port, connect, request, None
        self.seen = {}                             # hop-by-hop: (what, code)

    async def row(self, what, code, failed, after, change):
        if self.conn is None:
            self.conn = await self.connect(self.port)
            assert self.conn.cea.result == 2001, (what, self.conn.cea.result)
        answer, octets_ = await self._answer(what, after, change)
        if after == SILENT:
            assert answer is None, (what, answer.result)
        else:
            self._judge(what, answer, octets_, code, failed)
        if after == CLOSED:
            await asyncio.wait_for(self.conn.closed.wait(), 5)
            self.conn = None

    def _octets(self, m):
        app = m.app
        for a in m.avps:                           # its place is held by four octets, the right application goes in there
            if not isinstance(a, bytes) and isinstance(a.data, list):
                a.data = [Avp(x.code, struct.pack(">I", app), m=x.m) if x.data == b"app?" else x for x in a.data]
        out = bytearray(m.encode())
        at, value = getattr(m, "patch", (0, b""))
        out[at:at + len(value)] = value
        return bytes(out)

    async def _answer(self, what, after, change):
        """The answer; None if there shall be none and a watchdog that was sent after it is answered."""
        m = self.request(self.conn)
        m.hbh = m.e2e = next(self.conn._ids)
        change(m)
        octets_ = self._octets(m)
        f = self.conn.pending[m.hbh] = asyncio.get_running_loop().create_future()
        self.seen[m.hbh] = what
        await self.conn.send_raw(octets_)
        answer = None if after == SILENT else await asyncio.wait_for(f, 5)
        if after != CLOSED:
            await self.conn.request(Msg(dia.CMD_DW, 0, self.conn.origin(), dia.R))
        return (f.result() if f.done() else answer), octets_

    def _judge(self, what, a, octets_, code, failed):
        assert a is not None, f"{what}: no answer"
        assert a.result == code, (what, a.result, code)
        assert bool(a.flags & dia.E) == (code // 1000 == 3), (what, a.flags)
        assert not a.flags & (dia.R | dia.T), (what, a.flags)
        f = a.find(dia.FAILED_AVP)
        codes = [x.code for x in f.data] if f else []
        assert codes == ([failed] if failed else []), (what, codes)
        sent = Msg.decode(octets_) if code in (2001, 5005) else None
        if sent and sent.find(dia.PROXY_INFO):
            assert a.find(dia.PROXY_INFO).encode() == sent.find(dia.PROXY_INFO).encode(), what
        assert not any(a.find(x) for x in (dia.DEST_HOST, dia.DEST_REALM)), what


async def by_tshark(t, pcap, seen, expected):
    """The same answers as somebody else reads them."""
    t.need_tool("tshark", "tshark")
    argv = ["tshark", "-r", pcap, "-Y", "diameter.flags.request == 0 && diameter.cmd.code != 280 && diameter.cmd.code != 257", "-T", "fields",
            "-E", "separator=|", "-E", "occurrence=a", "-E", "aggregator=,"]
    for field in ("diameter.hopbyhopid", "diameter.Result-Code", "diameter.flags.error"):
        argv += ["-e", field]
    rc, out, err = await procs.run(argv, 60)
    assert rc == 0, err
    said = {}
    for line in out.split("\n"):
        if line:
            ids, codes, errors = (x.split(",") for x in line.split("|"))
            for i, c, e in zip(ids, codes, errors):
                said[int(i, 16)] = (int(c), e in ("1", "True"))
    for hbh, what in seen.items():
        code = expected[what]
        if code is not None:
            assert said.get(hbh) == (code, code // 1000 == 3), (what, code, said.get(hbh))


async def every_row(t, daemon, port, connect, request, table):
    relay = await Relay(f"{t.dir}/rows.pcap", port).start()
    t.cleanup(relay.stop)
    asker = Asker(relay.port, connect, request)
    for row in table:
        try:
            await asker.row(*row)
        except Exception as e:
            raise AssertionError(f"{row[0]}: {e!r}") from e
        assert daemon.running, row[0]
    await asker.conn.close()
    relay.pcap.f.flush()
    await by_tshark(t, f"{t.dir}/rows.pcap", asker.seen, {r[0]: r[1] for r in table})
    t.note(f"{len(table)} rows")


@test("each kind of wrong MAR, octet by octet: the HSS's answer, whether the connection is kept, and what tshark reads", smoke=True)
async def to_hss(t):
    w = await World(t).start(bsf=False)

    async def connect(port):
        return await dia_peer.connect(port, BSF_ID, "mnc001.mcc001.3gppnetwork.org", [dia.APP_ZH])
    table = rows(HSS_ID, BSF_ID, dia.CMD_BI, (dia.AUTH_STATE, 0))
    await every_row(t, w.hss, w.ports["hss"], connect, lambda c: hss.mar(c, w.cards[0].impi), table)


def cer_rows():
    """(what, code, code in Failed-AVP, change) of a CER; then the connection ends."""
    return [
        ("CER: unknown identity", 3010, None, instead(dia.ORIGIN_HOST, Avp(dia.ORIGIN_HOST, "stranger.example.com"))),
        ("CER: no application in common", 5010, None, instead(dia.VSAI, dia.vsai(16777216))),
        ("CER: TLS only", 5017, None, more(Avp(299, 1))),
        ("CER: no Origin-Host", 5005, dia.ORIGIN_HOST, less(dia.ORIGIN_HOST)),
        ("CER: no Host-IP-Address", 5005, dia.HOST_IP, less(dia.HOST_IP)),
        ("CER: no Vendor-Id", 5005, dia.VENDOR_ID, less(dia.VENDOR_ID)),
        ("CER: unknown with M", 5001, UNKNOWN, more(Avp(UNKNOWN, b"zzz", 4711, True))),
        ("CER: an AVP beyond the message", 5014, dia.ORIGIN_STATE, more(raw(dia.ORIGIN_STATE, b"\0\0\0\1", M, None, 0xffff))),
        ("CER: a number of three octets", 5014, dia.VENDOR_ID, instead(dia.VENDOR_ID, raw(dia.VENDOR_ID, b"\0\0\1"))),
        ("CER: Origin-Host twice", 5009, dia.ORIGIN_HOST, more(Avp(dia.ORIGIN_HOST, "second.example.com"))),
        ("CER: Origin-Host that is no name", 5004, dia.ORIGIN_HOST, instead(dia.ORIGIN_HOST, Avp(dia.ORIGIN_HOST, "naf example"))),
    ]


async def cers(port, identity, realm, app):
    for what, code, failed, change in cer_rows():
        conn = await dia_peer.connect(port, identity, realm, [app], cer=False)
        m = Msg(dia.CMD_CE, 0, conn.capabilities(), dia.R, 7, 7)
        change(m)
        f = conn.pending[7] = asyncio.get_running_loop().create_future()
        await conn.send_raw(m.encode())
        a = await asyncio.wait_for(f, 5)
        got = a.find(dia.FAILED_AVP)
        assert (a.result, [x.code for x in got.data] if got else []) == (code, [failed] if failed else []), (what, a.result, a.avps)
        assert bool(a.flags & dia.E) == (code // 1000 == 3), (what, a.flags)
        await asyncio.wait_for(conn.closed.wait(), 5)


@test("each kind of wrong CER is answered with its code and AVP, and the connection ends", smoke=True)
async def wrong_cer(t):
    w = await World(t).start(bsf=False)
    await cers(w.ports["hss"], BSF_ID, "mnc001.mcc001.3gppnetwork.org", dia.APP_ZH)


@test("each kind of wrong BIR, octet by octet: the BSF's answer, whether the connection is kept, and what tshark reads", smoke=True)
async def to_bsf(t):
    w = await World(t, raw_hss=True).start()
    s = await w.ue().bootstrap()

    def connect(port):
        return naf.connect(port)

    def bir(conn):
        return naf.bir(conn, s.btid, naf.naf_id(), u_aware=1)
    table = rows(BSF_ID, "naf1.example.com", dia.CMD_MA, (dia.GBA_U_AWARE, dia.VENDOR_3GPP))
    table += [("a host that is a name of the BSF", 2001, None, KEPT, to_host(BSF_NAME)),
              ("a realm that is a name of the BSF", 2001, None, KEPT, instead(dia.DEST_REALM, Avp(dia.DEST_REALM, BSF_NAME))),
              ("no NAF-Id", 5005, dia.NAF_ID, KEPT, less(dia.NAF_ID)),
              ("no Transaction-Identifier", 5005, dia.BTID, KEPT, less(dia.BTID)),
              ("AVPs of Zpn", 2001, None, KEPT, more(Avp(dia.USER_NAME, "a@b.example"), Avp(411, 1, dia.VENDOR_3GPP, False)))]
    await every_row(t, w.bsf, w.ports["dia"], connect, bir, table)
    await cers(w.ports["dia"], "gba-naf.example.com", "example.com", dia.APP_ZN)
