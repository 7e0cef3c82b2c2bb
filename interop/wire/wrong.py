# SPDX-License-Identifier: AGPL-3.0-or-later
"""What can be wrong with a Diameter request, octet by octet, and what its sender is told (RFC 6733)."""
import struct

from . import dia
from .dia import Avp

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


def octets_of(m):
    """A changed request on the wire: four octets hold the place of its application, which goes in there now."""
    for a in m.avps:
        if not isinstance(a, bytes) and isinstance(a.data, list):
            a.data = [Avp(x.code, struct.pack(">I", m.app), m=x.m) if x.data == b"app?" else x for x in a.data]
    out = bytearray(m.encode())
    at, value = getattr(m, "patch", (0, b""))
    out[at:at + len(value)] = value
    return bytes(out)


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
