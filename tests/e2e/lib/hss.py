# SPDX-License-Identifier: AGPL-3.0-or-later
"""A raw HSS (Zh server, TS 29.109 4.2) whose every answer can be spoiled."""
import asyncio
import os

from . import aka, dia
from .dia import Avp
from .dia_peer import Server
from .zh import SCHEME, mar, vector_of

__all__ = ["RawHss", "Subscriber", "mar", "vector_of"]


class Subscriber:
    def __init__(self, k, opc, guss=None):
        self.mil = aka.Milenage(k, opc)
        self.guss = guss
        self.seq, self.ind = 0, 0

    def next_sqn(self):
        self.seq += 1
        self.ind = (self.ind + 1) % 32
        return self.seq << aka.IND_BITS | self.ind


class RawHss(Server):
    """behave(hss, conn, mar) replaces the answer; the methods below are behaviours to choose from."""

    def __init__(self, identity="hss.mnc001.mcc001.3gppnetwork.org", realm="mnc001.mcc001.3gppnetwork.org"):
        super().__init__(identity, realm, [dia.APP_ZH], self._on_request)
        self.subscribers = {}
        self.mars = []
        self.vectors = []          # (rand, autn, xres, ck, ik) as given, for the search for leaks
        self.behave = None
        self.got_mar = asyncio.Event()

    def add(self, impi, k, opc, guss=None):
        self.subscribers[impi] = Subscriber(k, opc, guss)

    async def _on_request(self, conn, mar):
        self.mars.append(mar)
        self.got_mar.set()
        await (self.behave or RawHss.good)(self, conn, mar)

    # --- pieces of answers
    def head(self):
        return [dia.vsai(dia.APP_ZH), Avp(dia.AUTH_STATE, 1),
                Avp(dia.ORIGIN_HOST, self.identity), Avp(dia.ORIGIN_REALM, self.realm)]

    def vector(self, mar):
        """(rand, autn, xres, ck, ik) for the MAR; None: unknown user. Resynchronises if asked."""
        sub = self.subscribers.get(mar.text(dia.USER_NAME))
        if sub is None:
            return None
        item = mar.find(dia.ITEM)
        resync = item.find(dia.AUTHORIZATION) if item else None
        if resync is not None:
            sqn_ms, ok = sub.mil.auts_open(resync.data[:16], resync.data[16:])
            if ok:
                sub.seq = max(sub.seq, sqn_ms >> aka.IND_BITS)
        rand = os.urandom(16)
        v = (rand,) + sub.mil.vector(rand, sub.next_sqn())
        self.vectors.append(v)
        return v

    def item(self, v):
        rand, autn, xres, ck, ik = v
        return Avp(dia.ITEM, [Avp(dia.SCHEME, SCHEME), Avp(dia.AUTHENTICATE, rand + autn), Avp(dia.AUTHORIZATION, xres),
                              Avp(dia.CK, ck), Avp(dia.IK, ik)])

    def good_answer(self, mar):
        v = self.vector(mar)
        if v is None:
            return mar.answer(self.head() + [dia.experimental(5401)])
        avps = [Avp(dia.RESULT, 2001), Avp(dia.USER_NAME, mar.text(dia.USER_NAME)), self.item(v)]
        guss = self.subscribers[mar.text(dia.USER_NAME)].guss
        return mar.answer(self.head() + avps + ([Avp(dia.GUSS, guss)] if guss else []))

    # --- behaviours
    async def good(self, conn, mar):
        await conn.send(self.good_answer(mar))

    async def never(self, conn, mar):
        pass

    async def double(self, conn, mar):
        answer = self.good_answer(mar).encode()
        await conn.send_raw(answer + answer)

    async def empty(self, conn, mar):
        """Success that brings no vector."""
        await conn.send(mar.answer(self.head() + [Avp(dia.RESULT, 2001)]))

    async def short_nonce(self, conn, mar):
        """RAND||AUTN of 31 octets: correct Diameter, useless content."""
        v = self.vector(mar)
        item = self.item(v)
        item.find(dia.AUTHENTICATE).data = (v[0] + v[1])[:31]
        await conn.send(mar.answer(self.head() + [Avp(dia.RESULT, 2001), item]))

    async def wrong_length(self, conn, mar):
        """An AVP whose length field runs past the message."""
        bad = Avp(dia.GUSS, b"<guss/>", length=0xfffff)
        await conn.send(mar.answer(self.head() + [Avp(dia.RESULT, 2001), self.item(self.vector(mar)), bad]))

    async def hang_up(self, conn, mar):
        conn.abort()

    @staticmethod
    def late(seconds):
        async def behave(self, conn, mar):
            answer = self.good_answer(mar)

            async def send():
                await asyncio.sleep(seconds)     # the fault itself, not a wait for something
                try:
                    await conn.send(answer)
                except ConnectionError:
                    pass                         # another fault was quicker
            self.late_task = asyncio.ensure_future(send())
        return behave

    @staticmethod
    def result(code):
        async def behave(self, conn, mar):
            await conn.send(mar.answer(self.head() + [Avp(dia.RESULT, code)], dia.P | (dia.E if code < 4000 else 0)))
        return behave

    @staticmethod
    def experimental(code, vendor=dia.VENDOR_3GPP):
        async def behave(self, conn, mar):
            await conn.send(mar.answer(self.head() + [dia.experimental(code, vendor)]))
        return behave

    @staticmethod
    def spoil(change):
        """The good answer after change(answer)."""
        async def behave(self, conn, mar):
            answer = self.good_answer(mar)
            change(answer)
            await conn.send(answer)
        return behave
