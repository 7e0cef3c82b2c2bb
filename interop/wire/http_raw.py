# SPDX-License-Identifier: AGPL-3.0-or-later
"""HTTP/1.1 over a plain socket: what is sent is exactly what the test wrote."""
import asyncio

from . import record


class HttpClosed(Exception):
    pass


class Response:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def all(self, name):
        return [v for k, v in self.headers if k.lower() == name.lower()]

    def get(self, name):
        values = self.all(name)
        return values[0] if values else None

    def octets(self):
        """As one block; of chunks what was in them."""
        return (f"HTTP {self.status}\r\n" + "".join(f"{k}: {v}\r\n" for k, v in self.headers) + "\r\n").encode("latin-1") + self.body

    def __repr__(self):
        return f"Response({self.status}, {self.headers}, {self.body[:200]!r})"


class HttpConn:
    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, port, host="127.0.0.1", source=None):
        local = (source, 0) if source else None
        return cls(*await asyncio.open_connection(host, port, local_addr=local))

    async def send(self, octets):
        record.note("http", "device", True, octets)
        self.writer.write(octets)
        await self.writer.drain()

    async def request(self, method, target, headers, body=b"", timeout=15):
        lines = [f"{method} {target} HTTP/1.1"] + [f"{k}: {v}" for k, v in headers]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        try:
            await self.send("\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body)
        except ConnectionError as e:
            raise HttpClosed(str(e)) from e
        return await self.response(timeout)

    async def response(self, timeout=15):
        """HttpClosed unless a whole answer was read."""
        try:
            r = await asyncio.wait_for(self._response(), timeout)
            record.note("http", "device", False, r.octets())
            return r
        except (asyncio.IncompleteReadError, ConnectionError) as e:
            record.note("http", "device", False, None)
            raise HttpClosed(str(e)) from e

    async def _response(self):
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        lines = head[:-4].split("\r\n")
        version, status, *_ = lines[0].split(" ")
        if not version.startswith("HTTP/1."):
            raise ValueError(f"no HTTP: {lines[0]!r}")
        headers = [tuple(p.strip() for p in line.split(":", 1)) for line in lines[1:]]
        r = Response(int(status), headers, b"")
        if (r.get("Transfer-Encoding") or "").lower() == "chunked":
            r.body = await self._chunked()
        elif r.get("Content-Length") is not None:
            r.body = await self.reader.readexactly(int(r.get("Content-Length")))
        elif r.status >= 200 and r.status not in (204, 304):
            r.body = await self.reader.read()
        return r

    async def _chunked(self):
        out = b""
        while True:
            size = int((await self.reader.readline()).split(b";")[0], 16)
            out += await self.reader.readexactly(size)
            await self.reader.readexactly(2)
            if size == 0:
                return out

    async def wait_closed_by_peer(self, timeout):
        """Read until the other side closes; what came before that."""
        try:
            return await asyncio.wait_for(self.reader.read(), timeout)
        except ConnectionError:
            return b""

    def close(self):
        self.writer.close()


async def once(port, method, target, headers, body=b"", host="127.0.0.1", source=None, timeout=15):
    """One request on a connection of its own."""
    conn = await HttpConn.open(port, host, source)
    try:
        return await conn.request(method, target, headers, body, timeout)
    finally:
        conn.close()
