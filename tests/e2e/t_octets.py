# SPDX-License-Identifier: AGPL-3.0-or-later
"""A hundred thousand messages made wrong, to each program from each side: none ends it, and good peers are served all the while.

GBA_MUTATIONS times as many (default 1; make mutations: 100), GBA_SEED others; what fails says which messages were last."""
import asyncio
import os
import time

from lib import dia, dia_peer, hss, kdf, naf
from lib.app import App, RawBsf
from lib.dia import Avp, Msg
from lib.dia_peer import PeerClosed
from lib.hss import RawHss
from lib.mutate import Quick, mutate, mutate_inside
from lib.runner import test
from lib.ue import Session
from lib.world import BSF_ID, BSF_NAME, World

TIMES = float(os.environ.get("GBA_MUTATIONS", "1"))
SEED = os.environ.get("GBA_SEED", "0")
WORKERS = 12


def count(n):
    return max(1, int(n * TIMES))


class Battery:
    """WORKERS identities, each with a connection: a wrong message, then a watchdog; whoever is cut off comes back."""

    def __init__(self, t, daemon, port, identities, apps, messages):
        self.t, self.daemon, self.port, self.apps, self.messages = t, daemon, port, apps, messages
        self.identities = identities
        self.cut = self.answered = 0
        self.last = {}

    async def run(self, total):
        self.numbers = iter(range(total))
        await asyncio.gather(*(self._worker(i) for i in self.identities))
        self.t.note(f"{total} messages to {self.daemon.name}: {self.answered} left the connection, {self.cut} ended it")

    async def _worker(self, identity):
        conn = None
        for n in self.numbers:
            self.t.moved()
            assert self.daemon.running, f"{self.daemon.name} ended; messages under way: {self.last}"
            if n % 8 == 7:
                await self._wrong_cer(identity, n)
            if conn is None:
                conn = await self._connect(identity)
            self.last[identity] = n
            if not await self._one(conn, n):
                await conn.close()
                conn = None
                self.cut += 1
            else:
                self.answered += 1
        if conn:
            await conn.close()

    async def _one(self, conn, n):
        m = self.messages[n % len(self.messages)](conn)
        try:
            await conn.send_raw(mutate(m, n, SEED))
            await conn.request(Msg(dia.CMD_DW, 0, conn.origin(), dia.R), 1 * self.t.factor)
            return True
        except (PeerClosed, ConnectionError, asyncio.TimeoutError):
            return False

    async def _connect(self, identity):
        """Refused or dropped while the library still buries the former connection."""
        for _ in range(2000):
            try:
                conn = await dia_peer.connect(self.port, identity, "example.com", self.apps, timeout=5 * self.t.factor)
                if conn.cea.result == 2001:
                    return conn
                await conn.close()
            except (PeerClosed, OSError, asyncio.TimeoutError):
                pass
            assert self.daemon.running, f"{self.daemon.name} ended; messages under way: {self.last}"
            await asyncio.sleep(0.01)
        raise AssertionError(f"{identity} is not let in any more")

    async def _wrong_cer(self, identity, n):
        conn = await dia_peer.connect(self.port, "x" + identity, "example.com", self.apps, cer=False)
        try:
            await conn.send_raw(mutate(Msg(dia.CMD_CE, 0, conn.capabilities(), dia.R, 1, 1), n, SEED))
            conn.writer.write_eof()
            await asyncio.wait_for(conn.closed.wait(), 0.3)
        except (OSError, asyncio.TimeoutError):
            pass
        await conn.close()


class Flood:
    """Quick mutations by the hundred, then a watchdog that must be answered; who is cut off comes back."""

    BATCH = 100

    def __init__(self, t, daemon, port, identities, apps, messages):
        self.t, self.daemon, self.port, self.identities, self.apps, self.messages = t, daemon, port, identities, apps, messages
        self.cut = self.answers = self.sent = 0

    async def run(self, total):
        began, self.left = time.monotonic(), total
        await asyncio.gather(*(self._worker(n, i) for n, i in enumerate(self.identities)))
        spent = time.monotonic() - began
        self.t.note(f"{self.sent} messages to {self.daemon.name} in {spent:.1f} s: {self.answers} answered, {self.cut} connections cut")

    async def _worker(self, n, identity):
        conn = None
        while self.left > 0:
            self.left -= self.BATCH
            if conn is None:
                conn = await self._connect(identity)
                quick = [Quick(m(conn).encode(), f"{SEED} {n} {self.left} {i}") for i, m in enumerate(self.messages)]
                dwr = Msg(dia.CMD_DW, 0, conn.origin(), dia.R, 0xffffffff, 1).encode()
            conn.writer.write(b"".join(quick[i % len(quick)].next(i) for i in range(self.BATCH)) + dwr)
            self.sent += self.BATCH
            self.t.moved()
            if not await self._until_dwa(conn.reader):
                self.cut += 1
                conn.writer.close()
                conn = None
            assert self.daemon.running, f"{self.daemon.name} ended; of {identity}'s messages with {self.left} left"
        if conn:
            conn.writer.close()

    async def _until_dwa(self, reader):
        try:
            while True:
                head = await asyncio.wait_for(reader.readexactly(20), 10 * self.t.factor)
                await reader.readexactly(int.from_bytes(head[1:4], "big") - 20)
                if head[5:8] == b"\0\x01\x18" and head[12:16] == b"\xff\xff\xff\xff":
                    return True
                self.answers += 1
        except (asyncio.IncompleteReadError, ConnectionError):
            return False

    async def _connect(self, identity):
        for _ in range(500):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            conn = dia_peer.Conn(reader, writer, identity, "example.com", self.apps)     # its octets are read here, not there
            writer.write(Msg(dia.CMD_CE, 0, conn.capabilities(), dia.R, 1, 1).encode())
            try:
                cea = Msg.decode(await asyncio.wait_for(dia.read(reader), 10 * self.t.factor))
                if cea.result == 2001:
                    return conn
            except (asyncio.IncompleteReadError, ConnectionError):
                pass
            writer.close()
            await asyncio.sleep(0.01)
        raise AssertionError(f"{identity} is not let in any more")


async def flood_cers(t, daemon, port, identity, apps, total):
    """Each on a connection of its own, which ends with it."""
    conn = await dia_peer.connect(port, identity, "example.com", apps, cer=False)
    quick = Quick(Msg(dia.CMD_CE, 0, conn.capabilities(), dia.R, 1, 1).encode(), SEED)
    await conn.close()
    began, numbers = time.monotonic(), iter(range(total))

    async def worker():
        for n in numbers:
            t.moved()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(quick.next(n))
                writer.write_eof()
                await asyncio.wait_for(reader.read(), 10 * t.factor)
            except OSError:
                pass
            writer.close()
            assert daemon.running, f"{daemon.name} ended at CER {n}"
    await asyncio.gather(*(worker() for _ in range(4)))
    t.note(f"{total} CERs to {daemon.name} in {time.monotonic() - began:.1f} s")


def proxy_info():
    return Avp(dia.PROXY_INFO, [Avp(280, b"relay.example.com"), Avp(33, b"state")])


@test("fifty thousand wrong messages from NAFs: the BSF lives, a good NAF gets its keys meanwhile", timeout=120)
async def to_bsf(t):
    w = World(t)
    nafs = [f"m{i}.example.com" for i in range(WORKERS)]
    for n in nafs:
        w.bsf_cfg.add(f"naf {n}", "address 127.0.0.1/32")
        w.bsf_cfg.add(f"naf {n}", f"speaks-for {n}")
    await w.start()
    s = await w.ue().bootstrap()
    good = await w.naf()

    def bir(**kw):
        return lambda conn: naf.bir(conn, s.btid, naf.naf_id(conn.identity), **kw)
    battery = Battery(t, w.bsf, w.ports["dia"], nafs, [dia.APP_ZN], [
        bir(), bir(), bir(realm=BSF_NAME), bir(gsids=("1", "2"), dest_host=BSF_ID, extra=[proxy_info(), Avp(dia.ROUTE_RECORD, "r.example.com")]),
        lambda c: hss.mar(c, w.cards[0].impi), lambda c: Msg(dia.CMD_DW, 0, c.origin() + [Avp(dia.ORIGIN_STATE, 1)], dia.R, 1, 1),
        lambda c: Msg(dia.CMD_DP, 0, c.origin() + [Avp(dia.DISCONNECT_CAUSE, 0)], dia.R, 1, 1),
        lambda c: bir()(c).answer([dia.vsai(dia.APP_ZN), Avp(dia.RESULT, 2001)] + c.origin())])
    flood = Flood(t, w.bsf, w.ports["dia"], nafs[:4], [dia.APP_ZN], battery.messages[:4])

    async def all_of_them():
        await battery.run(count(2400))
        await flood.run(count(46000))
        await flood_cers(t, w.bsf, w.ports["dia"], "c.example.com", [dia.APP_ZN], count(4000))
    task = asyncio.ensure_future(all_of_them())
    while not task.done():
        assert (await naf.fetch(good, s.btid, timeout=10 * t.factor)).key == s.ks_naf()
        await asyncio.sleep(0.1)
    await task
    assert (await naf.fetch(good, s.btid)).key == s.ks_naf()
    await w.ue(1).bootstrap()


@test("forty-six thousand wrong messages from BSFs: the HSS lives, a good BSF gets its vectors meanwhile", timeout=120)
async def to_hss(t):
    w = World(t).no_limits()
    bsfs = [f"m{i}.example.com" for i in range(WORKERS)]
    for n in bsfs:
        w.hss_cfg.add(f"bsf {n}", "address 127.0.0.1/32")
    await w.start()
    rand = os.urandom(16)

    def mar(**kw):
        return lambda conn: hss.mar(conn, w.cards[0].impi, **kw)
    battery = Battery(t, w.hss, w.ports["hss"], bsfs, [dia.APP_ZH], [
        mar(), mar(), mar(resync=rand + b"x" * 14, extra=[Avp(dia.GUSS_TIMESTAMP, 1)]),
        mar(extra=[Avp(dia.PUBLIC_ID, "sip:a@b"), proxy_info(), Avp(dia.DEST_HOST, "hss.mnc001.mcc001.3gppnetwork.org")]),
        lambda c: Msg(dia.CMD_DW, 0, c.origin() + [Avp(dia.ORIGIN_STATE, 1)], dia.R, 1, 1),
        lambda c: mar()(c).answer([dia.vsai(dia.APP_ZH), Avp(dia.RESULT, 2001)] + c.origin())])
    flood = Flood(t, w.hss, w.ports["hss"], bsfs[:4], [dia.APP_ZH], battery.messages[:4])

    async def all_of_them():
        await battery.run(count(2000))
        await flood.run(count(40000))
        await flood_cers(t, w.hss, w.ports["hss"], "c.example.com", [dia.APP_ZH], count(4000))
    task = asyncio.ensure_future(all_of_them())
    while not task.done():
        await w.ue(1).bootstrap()
        await asyncio.sleep(0.4)
    await task
    await w.ue(2).bootstrap()


def wrong(msg, n):
    """Every hundredth may cost the connection, and with it what is under way."""
    return mutate(msg, n, SEED) if n % 100 == 99 else mutate_inside(msg, n, SEED)


class WrongHss(RawHss):
    """Answers made wrong, each followed by a watchdog; the n-th from .base on."""

    def __init__(self):
        super().__init__()
        self.n, self.on, self.requests = 0, False, False

    async def _on_request(self, conn, mar):
        self.mars.append(mar)
        answer = self.good_answer(mar)
        if not self.on:
            await conn.send(answer)
            return
        self.n += 1
        await conn.send_raw(wrong(answer, self.n))
        if self.requests:
            await conn.send_raw(wrong(hss.mar(conn, mar.text(dia.USER_NAME)), self.n))


@test("wrong answers, and requests, of an HSS: the BSF lives, and is connected again when the HSS is well", timeout=180)
async def from_hss(t):
    w = World(t, raw_hss=True, n_cards=80).no_limits()
    w.bsf_cfg.set("diameter", "tc 1")
    w.bsf_cfg.set("hss hss.mnc001.mcc001.3gppnetwork.org", "timeout 1")
    for limit in ("request-time 600", "idle-time 600"):      # eighty devices at once, on a machine that may be busy with other things
        w.bsf_cfg.set("ub", limit)
    w.make_hss = WrongHss
    await w.start()
    bad = w.raw_hss
    bad.requests = True
    given = 0
    while bad.n < count(2400):
        bad.on = True
        before = bad.n
        answers = await asyncio.gather(*(w.ue(i).first() for i in range(80)))
        if bad.n > before:
            t.moved()
        assert w.bsf.running, f"ended at {bad.n}"
        assert all(r.status in (401, 503) for r in answers), {r.status for r in answers}
        given += sum(r.status == 401 for r in answers)
        bad.on = False
        await w.wait_hss_peer()
    t.note(f"{bad.n} wrong answers, {given} of them good enough for a challenge, {len(bad.conns)} connections")
    await w.ue(1).bootstrap()


class WrongBsf(RawBsf):
    """Answers keys, made wrong when .on, and sends the application wrong requests."""

    def __init__(self):
        super().__init__()
        self.n, self.on, self.key = 0, False, bytes(range(32))

    async def _on_request(self, conn, bir):
        self.birs.append(bir)
        answer = bir.answer([dia.vsai(dia.APP_ZN), Avp(dia.RESULT, 2001)] + conn.origin() + [
            Avp(dia.ME_KEY, self.key), Avp(dia.KEY_EXPIRY, dia.to_ntp(time.time() + 3600)), Avp(dia.GUSS, "<ussList/>")])
        if not self.on:
            await conn.send(answer)
            return
        self.n += 1
        await conn.send_raw(wrong(answer, self.n))
        await conn.send_raw(wrong(Msg(dia.CMD_BI, dia.APP_ZN, bir.avps, dia.R | dia.P), self.n))


@test("wrong answers, and requests, of a BSF to libgba-naf: the application lives, and gets keys again", timeout=180)
async def to_naf(t):
    bsf = await WrongBsf().start()
    t.cleanup(bsf.stop)
    app = await App(t, bsf.port).start()

    async def ask():
        client, rand = app.client(), os.urandom(16)
        s = Session(kdf.btid(rand, BSF_NAME), None, rand, "a@b.example", 0)
        s.ks_naf = lambda fqdn: bsf.key
        client.take(await client.get("/"))
        return (await client.get("/", client.authorization(s))).status

    async def served():
        return await ask() == 200
    given = 0
    while bsf.n < count(1200):
        bsf.on = True
        before = bsf.n
        answers = await asyncio.gather(*(ask() for _ in range(60)))
        assert app.daemon.running, f"ended at {bsf.n}"
        given += answers.count(200)
        if bsf.n > before:
            t.moved()
        bsf.on = False
        await t.until(served, 30, "the application to get a key")
    t.note(f"{bsf.n} wrong answers, {given} of them with the key, {len(bsf.conns)} connections")


@test("wrong CEAs of an HSS: the BSF lives, and is connected when one is right", timeout=180)
async def wrong_cea(t):
    w = World(t, raw_hss=True).no_limits()
    w.bsf_cfg.set("diameter", "tc 1")
    await w.start()
    sent, last = 0, count(2)
    while sent < last:

        def spoil(cea):
            nonlocal sent
            sent += 1
            return mutate(cea, sent, SEED)
        w.raw_hss.spoil_cea = spoil
        had = len(w.raw_hss.conns)
        for c in w.raw_hss.conns:
            c.abort()
        await t.until(lambda: len(w.raw_hss.conns) > had and sent, 20, "the BSF to connect again")
        assert w.bsf.running, f"ended at {sent}"
        t.moved()
    w.raw_hss.spoil_cea = None
    for c in w.raw_hss.conns:
        c.abort()
    await w.wait_hss_peer(20)
    await w.ue().bootstrap()
    t.note(f"{sent} wrong CEAs")
