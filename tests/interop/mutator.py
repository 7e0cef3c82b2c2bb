# SPDX-License-Identifier: AGPL-3.0-or-later
"""A proxy between gba-interop and a daemon that changes one thing in the daemon's answers: each row of FAULTS is a daemon with one fault.

A row: name, role of gba-interop, regular expression of the cases of which one must find it, and the change. A change of Diameter gets each
answer as Msg and changes it in place, or gives octets to send in its place; a change of HTTP gets status, fields and body and gives them back."""
import asyncio
import base64
import re

from lib import dia
from lib.dia import Avp, Msg
from lib.wrong import flags, less, more


# --- of Diameter: on(command, results or None) makes a change that looks at those answers alone
def on(cmd, change, result=None):
    def apply(m):
        if m.cmd == cmd and not m.is_request and (result is None or m.result == result):
            return change(m)
        return None
    return apply


def bia(change, result=2001):
    return on(dia.CMD_BI, change, result)


def maa(change, result=2001):
    return on(dia.CMD_MA, change, result)


def data(code, change, inside=None):
    """The octets of an AVP changed."""
    def apply(m):
        group = m.find(inside) if inside else m
        a = group.find(code) if group else None
        if a is not None:
            a.data = change(a.data)
    return apply


def flag(code, **kw):
    def apply(m):
        a = m.find(code)
        for name, value in kw.items():
            if a is not None:
                setattr(a, name, value)
    return apply


def both(*changes):
    def apply(m):
        for c in changes:
            c(m)
    return apply


def flip(octets):
    return octets[:-1] + bytes([octets[-1] ^ 1])


def later(seconds):
    return lambda d: ((int.from_bytes(d, "big") + seconds) & 0xffffffff).to_bytes(4, "big")


def as_plain(m):
    """Experimental-Result as Result-Code."""
    m.avps = [Avp(dia.RESULT, a.find(dia.EXP_CODE).u32) if a.code == dia.EXP_RESULT else a for a in m.avps]


def experimental(code, vendor=dia.VENDOR_3GPP):
    def apply(m):
        m.avps = [dia.experimental(code, vendor) if a.code == dia.EXP_RESULT else a for a in m.avps]
    return apply


def error_lost(m):
    if isinstance(m.result, int) and m.result // 1000 == 3:
        m.flags &= ~dia.E


def dirty(m):
    """Padding that is not zero."""
    out, octets = bytearray(), m.encode()
    at = 20
    out += octets[:20]
    while at < len(octets):
        n = int.from_bytes(octets[at + 5:at + 8], "big")
        out += octets[at:at + n] + b"\xaa" * (-n % 4)
        at += n + (-n % 4)
    return bytes(out)


def twice(m):
    return m.encode() * 2


class Former:
    """The AVP of the first answer in every answer."""

    def __init__(self, code):
        self.code, self.kept = code, None

    def __call__(self, m):
        a = m.find(self.code)
        if a is None:
            return
        self.kept = self.kept or a
        m.avps = [self.kept if x is a else x for x in m.avps]


REFUSAL = (10415, 5402)
KEY = Avp(dia.ME_KEY, bytes(range(32)))
USS = (b'<?xml version="1.0"?><ussList xmlns="urn:3gpp:gba:GBAGUSSSchema-R9:2010-02"><uss id="1" type="1" nafGroup="A"><uids/><flags/></uss>'
       b"</ussList>")


def uss(old, new):
    return lambda d: d.replace(old, new)


# --- of HTTP
def field(name, change, statuses=(200, 401)):
    def apply(status, fields, body):
        if status in statuses:
            fields = [(k, change(v) if k.lower() == name.lower() else v) for k, v in fields]
            fields = [(k, v) for k, v in fields if v is not None]
        return status, fields, body
    return apply


def text(old, new):
    return lambda v: re.sub(old, new, v)


def nonce(change):
    def apply(v):
        return re.sub(r'nonce="([^"]*)"', lambda m: 'nonce="' + base64.b64encode(change(base64.b64decode(m[1]))).decode() + '"', v)
    return field("WWW-Authenticate", apply, (401,))


def inside(old, new):
    """In the body of the 200; its digest is then wrong, too, unless the device looks at the content first."""
    def apply(status, fields, body):
        return status, fields, re.sub(old, new, body) if status == 200 else body
    return apply


def status(old, new):
    def apply(s, fields, body):
        return new if s == old else s, fields, body
    return apply


def field_too(name, value, statuses):
    def apply(s, fields, body):
        return s, fields + [(name, value)] if s in statuses else fields, body
    return apply


class SameChallenge:
    """The first challenge again and again."""

    def __init__(self):
        self.kept = None

    def __call__(self, s, fields, body):
        found = [v for k, v in fields if k == "WWW-Authenticate"]
        if s == 401 and found:
            self.kept = self.kept or found[0]
            fields = [(k, self.kept if k == "WWW-Authenticate" else v) for k, v in fields]
        return s, fields, body


WA, AI = "WWW-Authenticate", "Authentication-Info"
DIAMETER = [
    ("a bit of the key", "zn", "ZN-301", bia(data(dia.ME_KEY, flip))),
    ("the key of another", "zn", "ZN-302|ZN-303", bia(Former(dia.ME_KEY))),
    ("half a key", "zn", "ZN-301", bia(data(dia.ME_KEY, lambda d: d[:16]))),
    ("Key-ExpiryTime an hour later", "zn", "ZN-301", bia(data(dia.KEY_EXPIRY, later(3600)))),
    ("Key-ExpiryTime as Unix seconds", "zn", "ZN-301", bia(data(dia.KEY_EXPIRY, later(-dia.NTP_EPOCH)))),
    ("no BootstrapInfoCreationTime", "zn", "ZN-301", bia(less(dia.CREATION))),
    ("BootstrapInfoCreationTime an hour before", "zn", "ZN-301", bia(data(dia.CREATION, later(-3600)))),
    ("GBA-Type 2G", "zn", "ZN-301", bia(more(Avp(dia.GBA_TYPE, 1)))),
    ("Session-Id of another", "zn", "ZN-301", bia(data(dia.SESSION_ID, lambda d: d + b"1"))),
    ("no Session-Id in a refusal", "zn", "ZN-340", bia(less(dia.SESSION_ID), REFUSAL)),
    ("End-to-End Identifier made anew", "zn", "ZN-010", on(dia.CMD_DW, lambda m: setattr(m, "e2e", m.e2e ^ 1))),
    ("P is lost", "zn", "ZN-301", bia(flags(off=dia.P))),
    ("T comes back", "zn", "ZN-314", bia(flags(dia.T))),
    ("E with success", "zn", "ZN-301", bia(flags(dia.E))),
    ("3xxx without E", "zn", "ZN-1", on(dia.CMD_BI, error_lost)),
    ("5402 as Result-Code", "zn", "ZN-340", bia(as_plain, REFUSAL)),
    ("Experimental-Result of no vendor", "zn", "ZN-340", bia(experimental(5402, 0), REFUSAL)),
    ("5403 where it is 5402", "zn", "ZN-340|ZN-350", bia(experimental(5403), REFUSAL)),
    ("5402 where it is 5403", "zn", "ZN-360", bia(experimental(5402), (10415, 5403))),
    ("two results", "zn", "ZN-301", bia(more(dia.experimental(2001)))),
    ("a key beside a refusal", "zn", "ZN-340", bia(more(KEY), REFUSAL)),
    ("Origin-Host of the peer that asked", "zn", "ZN-301", bia(data(dia.ORIGIN_HOST, lambda d: b"naf1.example.com"))),
    ("no Origin-Realm", "zn", "ZN-301", bia(less(dia.ORIGIN_REALM))),
    ("Destination-Realm in an answer", "zn", "ZN-301", bia(more(Avp(dia.DEST_REALM, "example.com")))),
    ("the key without M", "zn", "ZN-301", bia(flag(dia.ME_KEY, m=False))),
    ("Key-ExpiryTime without its vendor", "zn", "ZN-301", bia(flag(dia.KEY_EXPIRY, vendor=0))),
    ("the application of Zh", "zn", "ZN-301", bia(lambda m: setattr(m.find(dia.VSAI), "data", dia.vsai(dia.APP_ZH).data))),
    ("no application", "zn", "ZN-301", bia(less(dia.VSAI))),
    ("padding that is not zero", "zn", "ZN-301", bia(dirty)),
    ("an answer twice", "zn", "ZN-30", bia(twice)),
    ("Failed-AVP is lost", "zn", "ZN-38|ZN-1", on(dia.CMD_BI, less(dia.FAILED_AVP))),
    ("Proxy-Info is lost", "zn", "ZN-1", bia(less(dia.PROXY_INFO))),
    ("a CEA without applications", "zn", "ZN-001", on(dia.CMD_CE, less(dia.VSAI))),
    ("a CEA without Host-IP-Address", "zn", "ZN-001", on(dia.CMD_CE, less(dia.HOST_IP))),
    ("DPR refused", "zn", "ZN-015", on(dia.CMD_DP, data(dia.RESULT, lambda d: (5012).to_bytes(4, "big")))),
    ("the private identity for everybody", "zn", "ZN-401", bia(lambda m: m.find(dia.USER_NAME) or m.avps.append(Avp(dia.USER_NAME, "a@b.example")))),
    ("the private identity for nobody", "zn", "ZN-400", bia(less(dia.USER_NAME))),
    ("settings for everybody", "zn", "ZN-415", bia(lambda m: m.find(dia.GUSS) or m.avps.append(Avp(dia.GUSS, USS.replace(b' nafGroup="A"', b""))))),
    ("nafGroup leaves the BSF", "zn", "ZN-410", bia(data(dia.GUSS, uss(b'type="1"', b'type="1" nafGroup="A"')))),
    ("settings without uids", "zn", "ZN-417", bia(data(dia.GUSS, lambda d: re.sub(rb"<uids>.*</uids>", b"", d, flags=re.S)))),
    ("Ks_int_NAF for who does not know it", "zn", "ZN-330", bia(lambda m: m.find(dia.UICC_KEY) or m.avps.append(Avp(dia.UICC_KEY, bytes(32))))),
    ("no Ks_int_NAF", "zn", "ZN-332", bia(less(dia.UICC_KEY))),
    ("a bit of XRES", "zh", "ZH-301", maa(data(dia.AUTHORIZATION, flip, dia.ITEM))),
    ("XRES of four octets", "zh", "ZH-301", maa(data(dia.AUTHORIZATION, lambda d: d[:4], dia.ITEM))),
    ("a bit of the MAC in AUTN", "zh", "ZH-301", maa(data(dia.AUTHENTICATE, flip, dia.ITEM))),
    ("a bit of CK", "zh", "ZH-301", maa(data(dia.CK, flip, dia.ITEM))),
    ("the same vector again", "zh", "ZH-302|ZH-303", maa(Former(dia.ITEM))),
    ("two vectors", "zh", "ZH-301", maa(lambda m: m.avps.append(m.find(dia.ITEM)) if m.find(dia.ITEM) else None)),
    ("another scheme", "zh", "ZH-301", maa(data(dia.SCHEME, lambda d: b"Digest-AKAv2-MD5", dia.ITEM))),
    ("state is kept", "zh", "ZH-305", maa(data(dia.AUTH_STATE, lambda d: bytes(4)))),
    ("5401 as Result-Code", "zh", "ZH-320", maa(as_plain, (10415, 5401))),
    ("no settings", "zh", "ZH-360", maa(less(dia.GUSS))),
    ("settings with another root", "zh", "ZH-360", maa(data(dia.GUSS, lambda d: d.replace(b"guss ", b"ussl ").replace(b"</guss>", b"</ussl>")))),
    ("User-Name of somebody else", "zh", "ZH-306", maa(data(dia.USER_NAME, lambda d: b"other@example.com"))),
]
HTTP = [
    ("a digit of rspauth", "ub", "UB-001", field(AI, text(r'rspauth="(.)', lambda m: 'rspauth="' + ("0" if m[1] != "0" else "1")))),
    ("cnonce of somebody else", "ub", "UB-001", field(AI, text(r'cnonce="[^"]*"', 'cnonce="abc"'))),
    ("no Authentication-Info", "ub", "UB-001", field(AI, lambda v: None)),
    ("qop auth in the answer", "ub", "UB-001", field(AI, text("auth-int", "auth"))),
    ("another realm", "ub", "UB-002", field(WA, text(r'realm="[^"]*"', 'realm="bsf.elsewhere.example"'))),
    ("plain MD5", "ub", "UB-002", field(WA, text("AKAv1-MD5", "MD5"))),
    ("qop auth alone", "ub", "UB-002", field(WA, text("auth-int", "auth"))),
    ("no opaque", "ub", "UB-002", field(WA, text(r', *opaque="[^"]*"', ""))),
    ("a nonce of 31 octets", "ub", "UB-002", nonce(lambda d: d[:31])),
    ("a bit of the MAC in the nonce", "ub", "UB-002", nonce(lambda d: d[:31] + bytes([d[31] ^ 1]) + d[32:])),
    ("the same challenge again", "ub", "UB-003|UB-004", SameChallenge()),
    ("Server without 3gpp-gba-tmpi", "ub", "UB-002", field("Server", text("3gpp-gba-tmpi", "x"))),
    ("text/xml", "ub", "UB-001", field("Content-Type", lambda v: "text/xml")),
    ("B-TID of another BSF", "ub", "UB-005", inside(rb"@[^<]*</btid>", b"@bsf.elsewhere.example</btid>")),
    ("lifetime in the past", "ub", "UB-005", inside(rb"<lifetime>\d{4}", b"<lifetime>2001")),
    ("lifetime without its zone", "ub", "UB-005", inside(rb"Z</lifetime>", b"</lifetime>")),
    ("another namespace", "ub", "UB-001", inside(rb"uri:3gpp-gba", b"urn:3gpp-gba")),
    ("a challenge with a refusal", "ub", "UB-060|UB-078", field_too(WA, 'Digest realm="a", nonce="b"', (403,))),
    ("500 for a wrong answer", "ub", "UB-032", status(403, 500)),
    ("200 for an unknown user", "ub", "UB-060", status(403, 200)),
]
FAULTS = DIAMETER + HTTP


class Proxy:
    """Passes on what the daemon on port answers, changed; kind: diameter or http. .port is where to come."""

    def __init__(self, port, kind, host="127.0.0.1"):
        self.to, self.kind, self.host, self.change, self.port = port, kind, host, None, None

    async def start(self):
        self._server = await asyncio.start_server(self._accept, self.host, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def stop(self):
        self._server.close()

    async def _accept(self, reader, writer):
        there, to_there = await asyncio.open_connection(self.host, self.to)
        back = self._diameter if self.kind == "diameter" else self._http
        tasks = [asyncio.ensure_future(self._pass(reader, to_there)), asyncio.ensure_future(back(there, writer))]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for t in tasks:
            t.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        writer.close()
        to_there.close()

    @staticmethod
    async def _pass(reader, writer):
        while octets := await reader.read(65536):
            writer.write(octets)
        if writer.can_write_eof():
            writer.write_eof()

    async def _diameter(self, reader, writer):
        while True:
            octets = await dia.read(reader)
            if self.change and not octets[4] & dia.R:
                m = Msg.decode(octets)
                octets = self.change(m) or m.encode()
            writer.write(octets)

    async def _http(self, reader, writer):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")[:-4].split("\r\n")
            fields = [tuple(x.split(": ", 1)) for x in head[1:]]
            length = next((int(v) for k, v in fields if k.lower() == "content-length"), 0)
            body, status_ = await reader.readexactly(length), int(head[0].split(" ")[1])
            if self.change:
                status_, fields, body = self.change(status_, fields, body)
                fields = [(k, str(len(body)) if k.lower() == "content-length" else v) for k, v in fields]
            lines = [f"HTTP/1.1 {status_} X"] + [f"{k}: {v}" for k, v in fields]
            writer.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
