# SPDX-License-Identifier: AGPL-3.0-or-later
"""Milenage (TS 35.206), AUTN and AUTS (TS 33.102 6.3), a soft USIM and the SQN array of annex C.2.2."""
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from . import kdf

IND_BITS = 5


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def _rotate(block, bits):
    n = bits // 8
    return block[n:] + block[:n]


class Milenage:
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


class MacFailure(Exception):
    pass


class SyncFailure(Exception):
    def __init__(self, auts):
        super().__init__("SQN not fresh")
        self.auts = auts


class Usim:
    """The card: AUTHENTICATE as in 33.102 6.3.3; MAC before SQN; array of 32 by IND."""

    def __init__(self, k, opc=None, op=None):
        self.mil = Milenage(k, opc, op)
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
