# SPDX-License-Identifier: AGPL-3.0-or-later
"""Diameter on the wire (RFC 6733 3 and 4): messages and AVPs, also wrong ones."""
import struct

VENDOR_3GPP = 10415
APP_BASE, APP_ZN, APP_ZH, APP_RELAY = 0, 16777220, 16777221, 0xffffffff
CMD_CE, CMD_DW, CMD_DP, CMD_MA, CMD_BI = 257, 280, 282, 303, 310
R, P, E, T = 0x80, 0x40, 0x20, 0x10
NTP_EPOCH = 2208988800

# code: (vendor, M bit); what is not here is named with both
USER_NAME, HOST_IP, AUTH_APP, ACCT_APP, VSAI, ORIGIN_STATE = 1, 257, 258, 259, 260, 278
SESSION_ID, ORIGIN_HOST, SUPPORTED_VENDOR, VENDOR_ID = 263, 264, 265, 266
RESULT, PRODUCT, DISCONNECT_CAUSE, AUTH_STATE = 268, 269, 273, 277
INBAND_SECURITY = 299
FAILED_AVP, ERROR_MESSAGE, ROUTE_RECORD, DEST_REALM, PROXY_INFO = 279, 281, 282, 283, 284
REDIRECT_USAGE, REDIRECT_CACHE, REDIRECT_HOST = 261, 262, 292
DEST_HOST, ORIGIN_REALM, EXP_RESULT, EXP_CODE = 293, 296, 297, 298
GUSS, BTID, NAF_ID, GSID, KEY_EXPIRY, ME_KEY, UICC_KEY = 400, 401, 402, 403, 404, 405, 406
GBA_U_AWARE, CREATION, GUSS_TIMESTAMP, GBA_TYPE = 407, 408, 409, 410
PUBLIC_ID, SCHEME, AUTHENTICATE, AUTHORIZATION, ITEM, CK, IK = 601, 608, 609, 610, 612, 625, 626
GROUPED = {VSAI, EXP_RESULT, FAILED_AVP, PROXY_INFO, ITEM}


class Malformed(Exception):
    pass


class Avp:
    def __init__(self, code, data, vendor=None, m=None, length=None):
        """data: octets, str, int (32 bit) or a list of AVPs; length: what the header says, if that shall be a lie"""
        self.code = code
        self.vendor = vendor if vendor is not None else (VENDOR_3GPP if 400 <= code <= 699 else 0)
        self.m = m if m is not None else code not in (GUSS_TIMESTAMP, PRODUCT, ERROR_MESSAGE)
        self.length = length
        if isinstance(data, str):
            data = data.encode()
        elif isinstance(data, int):
            data = struct.pack(">I", data & 0xffffffff)
        self.data = data

    def encode(self):
        body = b"".join(a.encode() for a in self.data) if isinstance(self.data, list) else bytes(self.data)
        flags = (0x80 if self.vendor else 0) | (0x40 if self.m else 0)
        head = 12 if self.vendor else 8
        length = self.length if self.length is not None else head + len(body)
        out = struct.pack(">IB", self.code, flags) + length.to_bytes(3, "big")
        if self.vendor:
            out += struct.pack(">I", self.vendor)
        return out + body + b"\0" * (-len(body) % 4)

    @property
    def u32(self):
        if len(self.data) != 4:
            raise Malformed(f"AVP {self.code} is not 4 octets")
        return struct.unpack(">I", self.data)[0]

    @property
    def text(self):
        return self.data.decode()

    def find(self, code):
        return next((a for a in self.data if a.code == code), None)

    def __repr__(self):
        return f"Avp({self.code}/{self.vendor}, {self.data!r})"


def decode_avps(buf):
    out, at = [], 0
    while at < len(buf):
        if len(buf) - at < 8:
            raise Malformed("rest too short for an AVP")
        code, flags = struct.unpack_from(">IB", buf, at)
        length = int.from_bytes(buf[at + 5:at + 8], "big")
        head = 12 if flags & 0x80 else 8
        if length < head or at + length > len(buf):
            raise Malformed(f"AVP {code} length {length}")
        vendor = struct.unpack_from(">I", buf, at + 8)[0] if flags & 0x80 else 0
        data = bytes(buf[at + head:at + length])
        if any(buf[at + length:at + length + (-length % 4)]):
            raise Malformed(f"AVP {code} padding is not zero")
        out.append(Avp(code, decode_avps(data) if code in GROUPED else data, vendor, bool(flags & 0x40)))
        at += length + (-length % 4)
    return out


class Msg:
    def __init__(self, cmd, app, avps, flags=0, hbh=0, e2e=0):
        self.cmd, self.app, self.avps = cmd, app, list(avps)
        self.flags, self.hbh, self.e2e = flags, hbh, e2e

    @property
    def is_request(self):
        return bool(self.flags & R)

    def encode(self):
        body = b"".join(a if isinstance(a, bytes) else a.encode() for a in self.avps)
        return (b"\x01" + (20 + len(body)).to_bytes(3, "big") + bytes([self.flags]) + self.cmd.to_bytes(3, "big")
                + struct.pack(">III", self.app, self.hbh, self.e2e) + body)

    @classmethod
    def decode(cls, buf):
        if len(buf) < 20 or buf[0] != 1 or int.from_bytes(buf[1:4], "big") != len(buf):
            raise Malformed("header")
        app, hbh, e2e = struct.unpack_from(">III", buf, 8)
        return cls(int.from_bytes(buf[5:8], "big"), app, decode_avps(buf[20:]), buf[4], hbh, e2e)

    def find(self, code, vendor=None):
        return next((a for a in self.avps if a.code == code and vendor in (None, a.vendor)), None)

    def all(self, code):
        return [a for a in self.avps if a.code == code]

    def text(self, code):
        a = self.find(code)
        return None if a is None else a.text

    @property
    def result(self):
        """Result-Code as number, or (vendor, code) of an Experimental-Result, or None"""
        a = self.find(RESULT)
        if a is not None:
            return a.u32
        a = self.find(EXP_RESULT)
        return None if a is None else (a.find(VENDOR_ID).u32, a.find(EXP_CODE).u32)

    def answer(self, avps, flags=None):
        """An answer to this request: its ids, its Session-Id first."""
        sid = self.find(SESSION_ID)
        head = [sid] if sid is not None else []
        return Msg(self.cmd, self.app, head + list(avps), self.flags & P if flags is None else flags, self.hbh, self.e2e)


async def read(reader):
    """The octets of one message, from a stream."""
    head = await reader.readexactly(4)
    return head + await reader.readexactly(int.from_bytes(head[1:], "big") - 4)


def vsai(app):
    return Avp(VSAI, [Avp(VENDOR_ID, VENDOR_3GPP), Avp(AUTH_APP, app)])


def experimental(code, vendor=VENDOR_3GPP):
    return Avp(EXP_RESULT, [Avp(VENDOR_ID, vendor), Avp(EXP_CODE, code)])


def to_ntp(unix):
    return (int(unix) + NTP_EPOCH) & 0xffffffff


def from_ntp(ntp):
    return ntp - NTP_EPOCH + (0 if ntp & 0x80000000 else 1 << 32)
