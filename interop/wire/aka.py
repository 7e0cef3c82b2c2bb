# SPDX-License-Identifier: AGPL-3.0-or-later
"""Milenage (TS 35.206), TUAK (TS 35.231), XOR (TS 34.108), AUTN and AUTS (TS 33.102 6.3), a soft USIM and the SQN array of annex C.2.2."""
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from . import kdf

IND_BITS = 5


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def _rotate(block, bits):
    n = bits // 8
    return block[n:] + block[:n]


class Algorithm:
    """What is the same whatever f1 to f5* are."""

    def vector(self, rand, sqn, amf=b"\0\0"):
        """(AUTN, XRES, CK, IK) for an SQN as integer."""
        res, ck, ik, ak = self.f2345(rand)
        octets = sqn.to_bytes(6, "big")
        mac, _ = self.f1(rand, octets, amf)
        return xor(octets, ak) + amf + mac, res, ck, ik

    def auts(self, rand, sqn_ms, amf=b"\0\0"):
        octets = sqn_ms.to_bytes(6, "big")
        return xor(octets, self.f5_star(rand)) + self.f1(rand, octets, amf)[1]

    def auts_open(self, rand, auts):
        """(SQN_MS, is MAC-S right)"""
        octets = xor(auts[:6], self.f5_star(rand))
        return int.from_bytes(octets, "big"), self.f1(rand, octets, b"\0\0")[1] == auts[6:]


class Milenage(Algorithm):
    """One card's algorithm set; the AES context is kept, ECB has no state between blocks."""

    def __init__(self, k, opc=None, op=None):
        self._aes = Cipher(algorithms.AES(k), modes.ECB()).encryptor()
        self.k = k
        self.opc = opc if opc is not None else xor(self._aes.update(op), op)

    def _out(self, temp, rot, const):
        inner = bytearray(_rotate(xor(temp, self.opc), rot))
        inner[15] ^= const
        return xor(self._aes.update(bytes(inner)), self.opc)

    def _temp(self, rand):
        return self._aes.update(xor(rand, self.opc))

    def f1(self, rand, sqn, amf):
        """(MAC-A, MAC-S) for sqn and amf as octets."""
        in1 = (sqn + amf) * 2
        block = xor(self._temp(rand), _rotate(xor(in1, self.opc), 64))
        out1 = xor(self._aes.update(block), self.opc)
        return out1[:8], out1[8:]

    def f2345(self, rand):
        """(RES, CK, IK, AK)"""
        temp = self._temp(rand)
        out2 = self._out(temp, 0, 1)
        return out2[8:], self._out(temp, 32, 2), self._out(temp, 64, 4), out2[:6]

    def f5_star(self, rand):
        return self._out(self._temp(rand), 96, 8)[:6]


def keccak_f(lanes):
    """Keccak-f[1600] on a dict (x, y) -> 64 bits, as FIPS 202 3.2 words it; constants and offsets are made, not listed."""
    def rol(v, n):
        n %= 64
        return (v << n | v >> (64 - n)) & (2**64 - 1)
    lfsr = 1
    for _ in range(24):
        parity = [lanes[x, 0] ^ lanes[x, 1] ^ lanes[x, 2] ^ lanes[x, 3] ^ lanes[x, 4] for x in range(5)]
        lanes = {(x, y): v ^ parity[(x - 1) % 5] ^ rol(parity[(x + 1) % 5], 1) for (x, y), v in lanes.items()}
        moved, (x, y) = {(0, 0): lanes[0, 0]}, (1, 0)
        for t in range(24):
            moved[y, (2 * x + 3 * y) % 5] = rol(lanes[x, y], (t + 1) * (t + 2) // 2)
            x, y = y, (2 * x + 3 * y) % 5
        lanes = {(x, y): moved[x, y] ^ (~moved[(x + 1) % 5, y] & moved[(x + 2) % 5, y]) for x in range(5) for y in range(5)}
        for j in range(7):
            lanes[0, 0] ^= (lfsr & 1) << (2**j - 1)
            lfsr = (lfsr << 1) ^ (0x171 if lfsr & 0x80 else 0)
    return lanes


class Tuak(Algorithm):
    """K 128 or 256, MAC 64, CK and IK 128 bits; res_len in octets."""

    def __init__(self, k, topc=None, top=None, res_len=8, rounds=1):
        self.k, self.rounds, self.res_len = k, rounds, res_len
        self.opc = topc if topc is not None else self._run(0, top)[:32][::-1]

    def _run(self, instance, top, rand=bytes(16), amf=bytes(2), sqn=bytes(6)):
        """The output, each value in it with its last octet first (35.231 6.2)."""
        state = (top[::-1] + bytes([instance | (len(self.k) == 32)]) + b"TUAK1.0"[::-1] + rand[::-1] + amf[::-1] + sqn[::-1]
                 + self.k[::-1].ljust(32, b"\0") + b"\x1f").ljust(135, b"\0") + b"\x80" + bytes(64)
        for _ in range(self.rounds):
            lanes = {(i % 5, i // 5): int.from_bytes(state[8 * i:8 * i + 8], "little") for i in range(25)}
            lanes = keccak_f(lanes)
            state = b"".join(lanes[i % 5, i // 5].to_bytes(8, "little") for i in range(25))
        return state

    def f1(self, rand, sqn, amf):
        return tuple(self._run(star | 8, self.opc, rand, amf, sqn)[:8][::-1] for star in (0, 0x80))

    def f2345(self, rand):
        out = self._run(0x40 | (0 if self.res_len == 4 else self.res_len), self.opc, rand)
        return out[:self.res_len][::-1], out[32:48][::-1], out[64:80][::-1], out[96:102][::-1]

    def f5_star(self, rand):
        return self._run(0xc0, self.opc, rand)[96:102][::-1]


class Xor(Algorithm):
    def __init__(self, k, res_len=16):
        self.k, self.opc, self.res_len = k, b"", res_len

    def f1(self, rand, sqn, amf):
        mac = xor(xor(self.k, rand), sqn + amf)
        return mac, mac

    def f2345(self, rand):
        x = xor(self.k, rand)
        return x[:self.res_len], x[1:] + x[:1], x[2:] + x[:2], x[3:9]

    def f5_star(self, rand):
        return xor(self.k, rand)[3:9]


class MacFailure(Exception):
    pass


class SyncFailure(Exception):
    def __init__(self, auts):
        super().__init__("SQN not fresh")
        self.auts = auts


class Usim:
    """The card: AUTHENTICATE as in 33.102 6.3.3; MAC before SQN; array of 32 by IND."""

    def __init__(self, k, opc=None, op=None, algorithm=None):
        self.mil = algorithm or Milenage(k, opc, op)
        self.gba = None            # name of a hash: the device uses the GBA context (33.220 5.3.2)
        self.seq = [0] * 32
        self.last_sqn = None

    def highest(self):
        best = max(range(32), key=lambda i: self.seq[i])
        return self.seq[best] << IND_BITS | best

    def authenticate(self, rand, autn):
        """(RES, CK, IK), or MacFailure, or SyncFailure with the AUTS."""
        res, ck, ik, ak = self.mil.f2345(rand)
        sqn = xor(autn[:6], ak)
        if self.gba:
            autn, res = kdf.gba_u(autn, res, ik, self.gba)
        if self.mil.f1(rand, sqn, autn[6:8])[0] != autn[8:]:
            raise MacFailure("MAC in AUTN is wrong")
        value = int.from_bytes(sqn, "big")
        seq, ind = value >> IND_BITS, value & 31
        if seq <= self.seq[ind] or seq - max(self.seq) > 1 << 28:
            raise SyncFailure(self.mil.auts(rand, self.highest()))
        self.seq[ind] = seq
        self.last_sqn = value
        return res, ck, ik
