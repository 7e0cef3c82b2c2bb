# SPDX-License-Identifier: AGPL-3.0-or-later
"""Diameter messages made wrong: the n-th mutation of a message is always the same, in structure and in octets."""
import random

from .dia import (APP_BASE, APP_RELAY, APP_ZH, APP_ZN, AUTH_APP, BTID, DEST_HOST, DEST_REALM, EXP_RESULT, FAILED_AVP, GSID, GUSS,
                  HOST_IP, ITEM, ME_KEY, NAF_ID, ORIGIN_HOST, ORIGIN_REALM, ORIGIN_STATE, PROXY_INFO, RESULT, ROUTE_RECORD,
                  SESSION_ID, USER_NAME, VENDOR_3GPP, VENDOR_ID, VSAI, Avp, Msg)

CODES = (USER_NAME, HOST_IP, AUTH_APP, VSAI, ORIGIN_STATE, SESSION_ID, ORIGIN_HOST, VENDOR_ID, RESULT, FAILED_AVP, ROUTE_RECORD,
         DEST_REALM, PROXY_INFO, DEST_HOST, ORIGIN_REALM, EXP_RESULT, 33, 280, 299, GUSS, BTID, NAF_ID, GSID, ME_KEY, ITEM, 9999)
GROUPS = (VSAI, FAILED_AVP, PROXY_INFO, EXP_RESULT, ITEM)
VENDORS = (0, VENDOR_3GPP, 1, 0xffffffff)
COMMANDS = (257, 280, 282, 303, 310, 312, 258, 0, 0xffffff)
APPS = (APP_BASE, APP_ZN, APP_ZH, APP_RELAY, 4)
NAMES = (b"home!user@example.com", b"bsf.mnc001.mcc001.3gppnetwork.org", b"hss.mnc001.mcc001.3gppnetwork.org", b"naf1.example.com",
         b"mnc001.mcc001.3gppnetwork.org", b"a\0b", b".", b"*", b"%s%n", b"aaa://x:99999;transport=sctp")


def _data(rng, old):
    return rng.choice((
        lambda: b"", lambda: b"\0", lambda: b"\0" * rng.randrange(300), lambda: b"\xff" * rng.randrange(40),
        lambda: rng.randbytes(rng.choice((1, 3, 4, 5, 8, 16, 256, 4096))), lambda: rng.choice(NAMES),
        lambda: old[:-1], lambda: old + b"\0", lambda: b"\0" + old, lambda: old * 3, lambda: old[:len(old) // 2],
        lambda: bytes([rng.randrange(256)]) + old[1:]))()


def _avp(rng):
    data = _data(rng, b"1234") if rng.random() < 0.7 else [_avp(rng) for _ in range(rng.randrange(3))]
    return Avp(rng.choice(CODES), data, rng.choice(VENDORS), rng.random() < 0.5)


def _change(rng, avps, lies):
    """One fault in a list of AVPs, or in one of their groups."""
    if not avps:
        avps.append(_avp(rng))
        return
    i = rng.randrange(len(avps))
    a = avps[i]
    what = rng.randrange(10)
    if isinstance(a.data, list) and what < 6:
        _change(rng, a.data, lies)
    elif what < 4 and not isinstance(a.data, list):
        a.data = _data(rng, a.data)
    elif what == 4 and lies:
        a.length = rng.choice((0, 7, 8, 11, 12, 13, 0xffffff, len(a.encode()) + rng.randrange(-5, 6)))
        a.length = max(0, a.length)
    elif what == 5:
        a.code, a.vendor = rng.choice(CODES), rng.choice(VENDORS)
    elif what == 6:
        avps.insert(i, Avp(a.code, a.data, a.vendor, a.m))
    elif what == 7:
        del avps[i]
    elif what == 8:
        avps.insert(i, _avp(rng))
    else:
        for _ in range(rng.choice((1, 1, 2, 15, 17))):
            avps[i] = Avp(rng.choice(GROUPS), [avps[i]], 0)


def _copy(avps):
    return [Avp(a.code, _copy(a.data) if isinstance(a.data, list) else a.data, a.vendor, a.m, a.length) for a in avps]


def mutate(msg, n, seed=0, lies=True):
    """Octets of the n-th mutation. lies: lengths may be wrong too, and the header; that mostly costs the connection."""
    rng = random.Random(f"{seed} {n}")
    m = Msg(msg.cmd, msg.app, _copy(msg.avps), msg.flags, msg.hbh, msg.e2e)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        _change(rng, m.avps, lies)
    if lies and rng.random() < 0.15:
        m.cmd = rng.choice(COMMANDS)
    if lies and rng.random() < 0.15:
        m.app = rng.choice(APPS)
    if rng.random() < 0.1:
        m.flags ^= 1 << rng.randrange(8 if lies else 4)
    octets = bytearray(m.encode())
    if lies and rng.random() < 0.15:
        for _ in range(rng.randrange(1, 6)):
            octets[rng.randrange(20, len(octets)) if len(octets) > 20 else 19] = rng.choice((0, 1, 0x7f, 0x80, 0xff))
    if lies and rng.random() < 0.05:
        octets[1:4] = rng.choice((0, 1, 19, 20, len(octets) - 4, len(octets) + 4, 0xffffff)).to_bytes(3, "big")
    return bytes(octets)


def _avps_of(octets):
    """(offset, length with padding) of each AVP, and of those inside the groups, as far as they can be read."""
    out, todo = [], [(20, len(octets))]
    while todo:
        at, end = todo.pop()
        while at + 8 <= end:
            head = 12 if octets[at + 4] & 0x80 else 8
            n = int.from_bytes(octets[at + 5:at + 8], "big")
            if n < head or at + n > end:
                break
            out.append((at, n + (-n & 3)))
            if int.from_bytes(octets[at:at + 4], "big") in GROUPS:
                todo.append((at + head, at + n))
            at += n + (-n & 3)
    return out


OCTETS = (0, 1, 2, 7, 8, 0x0a, 0x20, 0x40, 0x7f, 0x80, 0xc0, 0xff)


class Quick:
    """Mutations of one message by the thousand: octets changed, AVPs twice, gone, swapped, cut, each with a sound outer frame."""

    def __init__(self, octets, seed):
        self.octets, self.avps, self.rng = bytes(octets), _avps_of(octets), random.Random(seed)

    def _once(self, b):
        rng = self.rng
        r = rng.random()
        at, n = self.avps[int(rng.random() * len(self.avps))]
        if r < 0.25:                                        # an octet of its head
            b[at + int(rng.random() * 8)] = OCTETS[int(rng.random() * len(OCTETS))]
        elif r < 0.4:                                       # its length, by a little
            b[at + 7] = (b[at + 7] + int(rng.random() * 17) - 8) & 0xff
        elif r < 0.7:                                       # an octet of its value
            if n > 8:
                b[at + 8 + int(rng.random() * (n - 8))] = int(rng.random() * 256)
        elif r < 0.8:
            b[at:at] = b[at:at + n]
        elif r < 0.88:
            del b[at:at + n]
        elif r < 0.94:
            other, m = self.avps[int(rng.random() * len(self.avps))]
            b += self.octets[other:other + m]
        elif r < 0.97:
            del b[max(20, len(b) - 4 * int(1 + rng.random() * 8)):]
        else:
            b += bytes(4 * int(rng.random() * 12))

    def next(self, hbh):
        b = bytearray(self.octets)
        self._once(b)
        if self.rng.random() < 0.3 and len(b) == len(self.octets):
            self._once(b)
        if self.rng.random() < 0.02:
            b[4] ^= 1 << int(self.rng.random() * 8)
        if self.rng.random() < 0.02:
            b[5 + int(self.rng.random() * 7)] ^= 1 << int(self.rng.random() * 8)
        del b[len(b) & ~3:]
        b[1:4] = len(b).to_bytes(3, "big")
        b[12:20] = hbh.to_bytes(4, "big") * 2
        return b


NUMBERS = (258, 259, 266, 268, 273, 277, 278, 298, 299, 407, 410, 613)


def _framed(avps, depth=0):
    return depth < 16 and all(
        a.length is None and a.code not in (PROXY_INFO, HOST_IP) and (_framed(a.data, depth + 1) if isinstance(a.data, list) else
                              a.code not in GROUPS and (a.code not in NUMBERS or len(a.data) == 4)) for a in avps)


def mutate_inside(msg, n, seed=0):
    """As mutate(), but what need not cost the connection: each AVP has a length that its type can have. Of each n one."""
    for i in range(1000):
        octets = mutate(msg, f"{n} {i}", seed, lies=False)
        try:
            m = Msg.decode(octets)
        except Exception:                                        # a group that is none
            continue
        if _framed(m.avps):
            return octets
    raise AssertionError("no such mutation")
