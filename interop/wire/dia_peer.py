# SPDX-License-Identifier: AGPL-3.0-or-later
"""A Diameter peer on asyncio, client or server, without a state machine in the way: every message can be sent, held or spoiled."""
import asyncio
import itertools
import os
import socket

from . import dia, record
from .dia import Avp, Msg


class PeerClosed(Exception):
    pass


class Conn:
    """One connection. on_request(conn, msg) is called for what is not CER, DWR or DPR."""

    product = "e2e"

    def __init__(self, reader, writer, identity, realm, apps, on_request=None):
        self.reader, self.writer = reader, writer
        self.identity, self.realm, self.apps = identity, realm, apps
        self.on_request = on_request
        self.answer_dwr = self.answer_dpr = True
        self.tls_after = None                          # an ssl.SSLContext: its CER is answered with TLS to follow
        self.on_dwr = self.spoil_cea = None      # called with a DWR; with a CEA, for the octets to send in its place
        self.peer_identity = None
        self.peer_cer = None
        self.open = asyncio.Event()
        self.closed = asyncio.Event()
        self.got_dpr, self.cause = asyncio.Event(), None
        self.pending = {}
        self.unsolicited = []
        self._ids = itertools.count(int.from_bytes(os.urandom(3), "big") << 8)
        self._sid = itertools.count(1)
        self._sid_hi = int.from_bytes(os.urandom(4), "big")
        self._task = None
        self._can_read = asyncio.Event()
        self._can_read.set()

    # --- life
    def start(self):
        self._task = asyncio.ensure_future(self._run())

    def pause_reading(self):
        """Stop taking octets off the socket; the kernel's buffers then fill."""
        self._can_read.clear()
        self.writer.transport.pause_reading()

    async def _run(self):
        try:
            while True:
                await self._can_read.wait()
                await self._one()
        except (asyncio.IncompleteReadError, ConnectionError, dia.Malformed, asyncio.CancelledError) as e:
            self.error = e
        finally:
            record.note("diameter", self.identity, False, None)
            self.closed.set()
            for f in self.pending.values():
                if not f.done():
                    f.set_exception(PeerClosed("connection lost"))
                    f.exception()                      # its waiter may be gone already
            self.pending.clear()
            self.writer.close()

    async def _one(self):
        octets = await dia.read(self.reader)
        record.note("diameter", self.identity, False, octets)
        msg = Msg.decode(octets)
        if not msg.is_request:
            f = self.pending.pop(msg.hbh, None)
            if f is not None and not f.done():
                f.set_result(msg)
            else:
                self.unsolicited.append(msg)
                if msg.cmd == dia.CMD_DP:                      # of a DPR that was sent raw: it is our turn to close
                    raise ConnectionResetError("DPA")
        elif msg.cmd == dia.CMD_CE:
            self.peer_cer, self.peer_identity = msg, msg.text(dia.ORIGIN_HOST)
            follows = [Avp(dia.INBAND_SECURITY, 1)] if self.tls_after else []
            cea = msg.answer([Avp(dia.RESULT, 2001)] + self.capabilities() + follows)
            await self.send_raw(self.spoil_cea(cea) if self.spoil_cea else cea.encode())
            if self.tls_after:
                await self.writer.start_tls(self.tls_after)
            self.open.set()
        elif msg.cmd == dia.CMD_DW:
            if self.on_dwr:
                self.on_dwr(msg)
            if self.answer_dwr:
                await self.send(msg.answer([Avp(dia.RESULT, 2001)] + self.origin()))
        elif msg.cmd == dia.CMD_DP:
            self.cause = msg.find(dia.DISCONNECT_CAUSE).u32
            self.got_dpr.set()
            if self.answer_dpr:
                await self.send(msg.answer([Avp(dia.RESULT, 2001)] + self.origin()))
        elif self.on_request is not None:
            r = self.on_request(self, msg)
            if asyncio.iscoroutine(r):
                await r

    async def close(self):
        """Cut without DPR."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self.writer.close()

    def abort(self):
        self.writer.transport.abort()

    async def disconnect(self):
        """DPR, DPA, close."""
        try:
            await self.request(Msg(dia.CMD_DP, 0, self.origin() + [Avp(dia.DISCONNECT_CAUSE, 0)], dia.R), 5)
        except (PeerClosed, asyncio.TimeoutError, ConnectionError):
            pass
        await self.close()

    # --- messages
    def origin(self):
        return [Avp(dia.ORIGIN_HOST, self.identity), Avp(dia.ORIGIN_REALM, self.realm)]

    def capabilities(self):
        ip = self.writer.get_extra_info("sockname")[0]
        return self.origin() + [
            Avp(dia.HOST_IP, b"\0\1" + socket.inet_aton(ip)), Avp(dia.VENDOR_ID, dia.VENDOR_3GPP),
            Avp(dia.PRODUCT, self.product), Avp(dia.SUPPORTED_VENDOR, dia.VENDOR_3GPP)] + [dia.vsai(a) for a in self.apps]

    def session_id(self):
        return f"{self.identity};{self._sid_hi};{next(self._sid)}"

    async def send(self, msg):
        await self.send_raw(msg.encode())

    async def send_raw(self, octets):
        record.note("diameter", self.identity, True, octets)
        self.writer.write(octets)
        await self.writer.drain()

    async def request(self, msg, timeout=10):
        """Send and wait for the answer with the same hop-by-hop id."""
        if self.closed.is_set():
            raise PeerClosed("connection lost")
        msg.hbh = msg.hbh or next(self._ids) & 0xffffffff
        msg.e2e = msg.e2e or msg.hbh
        f = self.pending[msg.hbh] = asyncio.get_running_loop().create_future()
        await self.send(msg)
        try:
            return await asyncio.wait_for(f, timeout)
        finally:
            self.pending.pop(msg.hbh, None)

    async def capabilities_exchange(self, timeout=10):
        """CER; returns the CEA."""
        cea = await self.request(Msg(dia.CMD_CE, 0, self.capabilities(), dia.R), timeout)
        if cea.result == 2001:
            self.peer_identity = cea.text(dia.ORIGIN_HOST)
            self.open.set()
        return cea


async def connect(port, identity, realm, apps, host="127.0.0.1", source="127.0.0.1", on_request=None, cer=True, timeout=10,
                  tls=None):
    """Client side; tls: an ssl.SSLContext, TLS comes first. Raises PeerClosed if the CEA refuses; .cea holds it."""
    reader, writer = await asyncio.open_connection(host, port, local_addr=(source, 0), ssl=tls)
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    conn = Conn(reader, writer, identity, realm, apps, on_request)
    conn.start()
    conn.cea = None
    if cer:
        try:
            conn.cea = await conn.capabilities_exchange(timeout)
        except BaseException:
            await conn.close()
            raise
    return conn


async def connect_then_tls(port, identity, realm, apps, tls, server, host="127.0.0.1"):
    """TLS after CER and CEA (Inband-Security-Id), as client. Raises what the handshake raises; .cea holds the CEA."""
    reader, writer = await asyncio.open_connection(host, port)
    conn = Conn(reader, writer, identity, realm, apps)
    cer = Msg(dia.CMD_CE, 0, conn.capabilities() + [Avp(dia.INBAND_SECURITY, 1)], dia.R)
    cer.hbh = cer.e2e = 1
    await conn.send(cer)
    conn.cea = Msg.decode(await dia.read(reader))
    if conn.cea.result == 2001:
        await writer.start_tls(tls, server_hostname=server)
        conn.start()
    return conn


class Server:
    """Listens; every connection is a Conn in .conns."""

    def __init__(self, identity, realm, apps, on_request=None):
        self.identity, self.realm, self.apps, self.on_request = identity, realm, apps, on_request
        self.conns, self.port, self._server = [], None, None
        self.answer_dpr, self.spoil_cea, self.tls_after = True, None, None
        self._changed = asyncio.Condition()

    async def start(self, port=0, host="127.0.0.1", tls=None):
        self._server = await asyncio.start_server(self._accept, host, port, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def _accept(self, reader, writer):
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        conn = Conn(reader, writer, self.identity, self.realm, self.apps, self.on_request)
        conn.answer_dpr, conn.spoil_cea, conn.tls_after = self.answer_dpr, self.spoil_cea, self.tls_after
        self.conns.append(conn)
        conn.start()
        async with self._changed:
            self._changed.notify_all()

    async def wait_peer(self, timeout=15):
        """The first connection that is open and not yet lost."""
        async def look():
            while True:
                async with self._changed:
                    live = [c for c in self.conns if not c.closed.is_set()]
                    if not live:
                        await self._changed.wait()
                        continue
                await live[-1].open.wait()
                return live[-1]
        return await asyncio.wait_for(look(), timeout)

    async def stop(self):
        if self._server:
            self._server.close()
        for c in self.conns:
            await c.close()
        self.conns = []
