# SPDX-License-Identifier: AGPL-3.0-or-later
"""Peers that mean harm or are broken: they cost themselves something, the good ones are served."""
import asyncio
import os
import time

from lib import causes, dia, dia_peer, naf, procs
from lib.dia import Avp, Msg
from lib.dia_peer import PeerClosed
from lib.http_raw import HttpConn
from lib.procs import many_files
from lib.runner import test
from lib.world import HSS_ID, World


@test("1,000 idle or half-open HTTP connections, slow headers, endless bodies: a good UE is served meanwhile", timeout=120)
async def thousand(t):
    many_files()
    w = await World(t, n_cards=10).no_limits().start()
    port = w.ports["ub"]
    conns = [await HttpConn.open(port) for _ in range(1000)]
    for c in conns[500:900]:
        await c.send(b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Dig")
    for c in conns[900:950]:
        await c.send(b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 4000\r\n\r\n")
    for c in conns[950:]:
        await c.send(b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    stop, chunked = asyncio.Event(), set(conns[950:])

    async def trickle():
        while not stop.is_set():
            for c in conns[800:]:
                if not c.writer.transport.is_closing():
                    c.writer.write(b"1\r\nx\r\n" if c in chunked else b"x")
            await asyncio.sleep(0.2)
    slow = asyncio.ensure_future(trickle())
    worst, n = 0.0, 0
    began = time.monotonic()
    while time.monotonic() - began < 13 * max(t.scale, 0.3):     # past request-time and idle-time, 10 s each
        at = time.monotonic()
        await w.ue(n % 10).bootstrap()
        n += 1
        worst = max(worst, time.monotonic() - at)
    stop.set()
    await slow
    t.note(f"{n} bootstraps beside 1,000 connections, the slowest took {worst * 1000:.0f} ms")
    assert worst < 2 * t.factor, worst
    for c in conns:
        c.close()


@test("60 silent connections on the Diameter port do not keep a configured NAF out for more than 2 s", timeout=120)
async def silent(t):
    w = await World(t).start()
    s = await w.ue().bootstrap()
    conns, files = [], len(os.listdir(f"/proc/{w.bsf.pid}/fd"))
    for _ in range(60):
        conns.append(await asyncio.open_connection("127.0.0.1", w.ports["dia"]))
        await asyncio.sleep(0.05)                                # paced: the backlog of the library is 5
    at = time.monotonic()
    conn = await w.naf(timeout=10)
    bia = await naf.fetch(conn, s.btid)
    took = time.monotonic() - at
    t.note(f"CER to BIA beside 60 silent connections: {took * 1000:.0f} ms")
    assert bia.key == s.ks_naf() and took < 2 * t.factor, took
    for _, wr in conns:
        wr.close()

    async def noticed():                                         # stopped before, the library leaks what it just takes apart
        return len(os.listdir(f"/proc/{w.bsf.pid}/fd")) <= files + 1
    await t.until(noticed, 10, "the BSF to close 60 connections")


@test("a NAF that sends and never reads delays the others once, by less than 2 s", timeout=120)
async def never_reads(t):
    w = await World(t).start()
    s = await w.ue().bootstrap()
    good = await w.naf()
    bad = await dia_peer.connect(w.ports["dia"], "gba-naf.example.com", "example.com", [16777220])
    bad.answer_dwr = False
    bad.pause_reading()
    flood_stop = asyncio.Event()

    async def flood():
        one = naf.bir(bad, s.btid, naf.naf_id()).encode()
        sent = 0
        try:
            while not flood_stop.is_set():
                bad.writer.write(one * 50)
                await bad.writer.drain()
                sent += 50
                await asyncio.sleep(0)
        except (ConnectionError, PeerClosed):
            pass
        return sent
    task = asyncio.ensure_future(flood())
    times, most, before = [], 0, w.bsf.rss_kib()
    began = time.monotonic()
    while time.monotonic() - began < 12 * max(t.scale, 0.5):
        at = time.monotonic()
        bia = await naf.fetch(good, s.btid, timeout=10)
        times.append(time.monotonic() - at)
        assert bia.key == s.ks_naf()
        most = max(most, w.bsf.rss_kib())
        await asyncio.sleep(0.01)
    flood_stop.set()
    bad.abort()
    await asyncio.wait_for(task, 10)
    slow = [x for x in times if x > 0.5 * t.factor]
    t.note(f"{len(times)} BIRs of the good NAF, slowest {max(times) * 1000:.0f} ms, over half a second: {len(slow)}; "
           f"memory {before} -> {most} KiB at most")
    assert procs.SANITIZED or most < before + (96 << 10), f"memory grew to {most} KiB"
    assert max(times) < 2 * t.factor, max(times)
    assert len(slow) <= 1, slow


@test("names and addresses: right NAF name from a wrong address, foreign Origin-Host, foreign NAF_Id, a stranger: nothing gained",
      smoke=True, req=["220-4.4.6-10"])
async def impostors(t):
    w = World(t)
    w.bsf_cfg.add("naf bank.example.com", "address 127.0.0.3/32")
    w.bsf_cfg.add("naf bank.example.com", "speaks-for bank.example.com")
    await w.start()
    s = await w.ue().bootstrap()
    async with causes.counted(w, dia_peer_address=1, dia_peer_unknown=1, also=("dia_protocol",)):
        for identity in ("bank.example.com", "thief.example.com"):
            conn = await naf.connect(w.ports["dia"], identity, "example.com", source="127.0.0.4")
            assert conn.cea.result == 3010
            # the answer was no: sending all the same must not help
            try:
                assert (await naf.fetch(conn, s.btid, naf.naf_id("bank.example.com"), timeout=2)).empty_handed
            except (PeerClosed, asyncio.TimeoutError, ConnectionError):
                pass
            await conn.close()
    mine = await w.naf()
    for cause, kw in (("zn_name_denied", dict(naf=naf.naf_id("bank.example.com"))),
                      ("zn_naf_unknown", dict(naf=naf.naf_id("bank.example.com"), origin=("bank.example.com", "example.com")))):
        async with causes.counted(w, also=("dia_protocol",), **{cause: 1}):
            bia = await naf.fetch(mine, s.btid, **kw)
        assert bia.result == (10415, 5402) and bia.empty_handed
    bank = await w.naf("bank.example.com", source="127.0.0.3")
    assert (await naf.fetch(bank, s.btid, naf.naf_id("bank.example.com"))).key == s.ks_naf("bank.example.com")


async def refused_and_gone(port, identity, avps, times):
    """Requests that the Diameter library refuses by itself, from a peer that is gone before it is told."""
    for _ in range(times):
        try:
            conn = await dia_peer.connect(port, identity, identity.split(".", 1)[1], [dia.APP_ZN, dia.APP_ZH], timeout=10)
        except (PeerClosed, ConnectionError):
            continue                                             # the last one is not buried yet
        one = Msg(dia.CMD_BI, dia.APP_ZN, [Avp(dia.SESSION_ID, conn.session_id())] + avps(conn), dia.R | dia.P).encode()
        conn.writer.write(one * 8)
        conn.abort()
        await conn.close()


@test("a peer that is refused and gone before it is told so takes nothing with it", timeout=120, smoke=True)
async def gone(t):
    w = await World(t).start()
    s = await w.ue().bootstrap()
    await refused_and_gone(w.ports["dia"], "naf1.example.com", lambda c: c.origin(), 200)    # no Destination-Realm
    assert await w.hss_open()
    good = await w.naf("gba-naf.example.com")                    # naf1 itself may still be being buried
    assert (await naf.fetch(good, s.btid)).key == s.ks_naf()
    await w.ue(1).bootstrap()


@test("the BSF stops within 5 s while NAFs ask as fast as they can", timeout=120)
async def stop_under_load(t):
    w = await World(t).start()
    s = await w.ue().bootstrap()
    conns = [await w.naf(), await w.naf("gba-naf.example.com")]

    async def ask(conn):
        one = naf.bir(conn, s.btid, naf.naf_id()).encode()
        while not conn.closed.is_set():
            conn.writer.write(one * 20)
            await conn.writer.drain()
            await asyncio.sleep(0)                               # what came is read
            conn.unsolicited.clear()
    tasks = [asyncio.ensure_future(ask(c)) for c in conns]
    await asyncio.sleep(0.7)                                     # the load, not a wait
    at = time.monotonic()
    assert await w.bsf.stop() == 0
    took = time.monotonic() - at
    await asyncio.gather(*tasks, return_exceptions=True)
    t.note(f"stopped after {took:.1f} s")
    assert took < 5 * t.factor, took


@test("somebody who connects again and again as the HSS does not keep the BSF from its HSS", timeout=120, smoke=True)
async def as_hss(t):
    w = await World(t).start()
    await w.hss.kill()
    back = asyncio.Event()

    async def pester():
        while not back.is_set():
            try:
                conn = await dia_peer.connect(w.ports["dia"], HSS_ID, naf.BSF_REALM, [dia.APP_ZH], source="127.0.0.4", timeout=1)
                await conn.close()
            except (PeerClosed, ConnectionError, asyncio.TimeoutError):
                pass
            await asyncio.sleep(0.2)
    task = asyncio.ensure_future(pester())
    await w.hss.start()
    at = time.monotonic()
    await w.wait_hss_peer(15)                                    # it tries every 5 s or so
    t.note(f"BSF and HSS are connected {time.monotonic() - at:.1f} s after the HSS is back")
    back.set()
    await task
    await w.ue().bootstrap()


@test("names the library would route by (RFC 5729), from a NAF and from a UE: refused or passed over, nobody waits", timeout=120,
      smoke=True)
async def decorated(t):
    w = await World(t).no_limits().start()
    s = await w.ue().bootstrap()
    good, bad = await w.naf("gba-naf.example.com"), await w.naf()
    name = f"{naf.BSF_REALM}!user@example.com"
    one = naf.bir(bad, s.btid, naf.naf_id(), extra=[Avp(dia.USER_NAME, name)]).encode()
    for _ in range(100):
        bad.writer.write(one * 40)
    ue = w.ue(1)
    ue.impi = name
    answers = await asyncio.gather(*(ue.first() for _ in range(50)))
    assert all(r.status >= 400 and r.status != 401 for r in answers), {r.status for r in answers}
    assert (await naf.fetch(good, s.btid)).key == s.ks_naf()
    await w.ue(2).bootstrap()


async def not_parsable(conn):
    await conn.send_raw(b"\2" + Msg(dia.CMD_BI, dia.APP_ZN, conn.origin(), dia.R).encode()[1:])
    await asyncio.wait_for(conn.closed.wait(), 10)


async def reset(conn):
    conn.abort()


async def came_back(w):
    """Connected; refused or dropped as long as the library still buries the former connection."""
    for _ in range(200):
        try:
            conn = await w.naf(timeout=2)
            if conn.cea.result == 2001:
                return conn
            await conn.close()
        except (PeerClosed, ConnectionError, asyncio.TimeoutError):
            pass
        await asyncio.sleep(0.01)
    raise AssertionError("not let in any more")


@test("a NAF whose connection broke, by its fault or not, is answered as soon as it is back", timeout=120, smoke=True)
async def back_at_once(t):
    w = await World(t).start()
    s = await w.ue().bootstrap()
    worst = 0.0
    for lose in (not_parsable, reset, dia_peer.Conn.close) * 4:
        await lose(await came_back(w))
        at = time.monotonic()
        conn = await came_back(w)
        conn.answer_dwr = False                                  # no three watchdogs first
        assert (await naf.fetch(conn, s.btid)).key == s.ks_naf(), lose
        worst = max(worst, time.monotonic() - at)
        await conn.disconnect()
    t.note(f"lost connection to BIA: {worst * 1000:.0f} ms at most")


@test("octets of every kind on both ports: nothing dies, a good UE is served after each", timeout=120, smoke=True)
async def noise(t):
    w = await World(t).no_limits().start()
    blobs = [b"\0" * 4096, b"\xff" * 4096, os.urandom(4096), b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 3000,
             b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", b"\1\0\0\x14\x80\0\1\1" + b"\0" * 12, b"\1\0\0\0" + b"\0" * 16,
             b"\1\xff\xff\xff\x80\0\1\1" + os.urandom(200), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
             b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
             b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
             b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n"]
    for blob in blobs:
        for port in (w.ports["ub"], w.ports["dia"]):
            c = await HttpConn.open(port)
            try:
                await c.send(blob)
                c.writer.write_eof()
                await c.wait_closed_by_peer(3)
            except (ConnectionError, asyncio.TimeoutError, OSError):
                pass
            c.close()
        await w.ue(0).bootstrap()
    s = await w.ue(1).bootstrap()
    assert (await naf.fetch(await w.naf(), s.btid)).key == s.ks_naf()
