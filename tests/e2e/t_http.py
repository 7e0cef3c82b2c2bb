# SPDX-License-Identifier: AGPL-3.0-or-later
"""What may come over HTTP besides a well-formed request: the answer, the counter, and whether the connection goes on."""
import asyncio
import collections
import os

from lib import causes, digest, no_memory, procs
from lib.http_raw import HttpClosed, HttpConn
from lib.runner import test
from lib.ue import UbError
from lib.world import World


def table(auth):
    """name: octets, status of the first answer (0: closed without), cause, stays open"""
    get, host = b"GET / HTTP/1.1\r\n", b"Host: a\r\n"
    chunked = get + host + b"Transfer-Encoding: chunked\r\n" + auth + b"\r\n"
    smuggled = b"GET /smuggled HTTP/1.1\r\nHost: a\r\nX: 1234\r\n\r\n"    # 44 octets
    assert len(smuggled) == 44
    chunk = b"1000\r\n" + b"x" * 4096 + b"\r\n"
    return {
        "TLS hello": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 0, "ub_http_rejected", False),
        "no version": (b"GET /\r\n\r\n", 400, "ub_http_rejected", False),
        "HTTP/2.0": (b"GET / HTTP/2.0\r\n" + host + b"\r\n", 505, "ub_http_rejected", False),
        "HTTP/1.0 without Host": (b"GET / HTTP/1.0\r\n" + auth + b"\r\n", 400, "ub_http_rejected", False),
        "length in two lines": (get + host + b"Content-Length:\r\n 44\r\n" + auth + b"\r\n" + smuggled, 400, "ub_http_rejected",
                                False),
        "length begun in one line, ended in the next": (get + host + b"Content-Length: 4\r\n\t4\r\n" + auth + b"\r\n" + smuggled,
                                                        400, "ub_http_rejected", False),
        "blank before the colon": (get + host + b"Content-Length : 44\r\n" + auth + b"\r\n" + smuggled, 400, "ub_http_rejected",
                                   False),
        "coding in two lines": (get + host + b"Transfer-Encoding:\r\n chunked\r\n" + auth + b"\r\n0\r\n\r\n", 400,
                                "ub_http_rejected", False),
        "any header in two lines": (get + host + b"X: a\r\n b\r\n" + auth + b"\r\n", 400, "ub_http_rejected", False),
        "header as long as Authorization in two lines": (get + host + b"Cache-Control: a\r\n b\r\n\r\n", 400, "ub_scheme", False),
        "blank before the first header": (get + b" " + host + auth + b"\r\n", 400, "ub_http_rejected", False),
        "CR alone in a value": (get + host + b"X: a\rContent-Length: 44\r\n" + auth + b"\r\n" + smuggled, 400,
                                "ub_http_rejected", False),
        "CR alone before the end": (get + host + auth + b"X: a\r\r\n\r\n", 400, "ub_http_rejected", False),
        "LF alone": (get + host + b"X: a\n" + auth + b"\r\n", 400, "ub_http_rejected", False),
        "name that is no token": (get + host + b"X[]: a\r\n" + auth + b"\r\n", 400, "ub_http_rejected", False),
        "control character": (get + host + b"X: a\x07\r\n" + auth + b"\r\n", 400, "ub_http_rejected", False),
        "Host with a list": (get + b"Host: a, b\r\n" + auth + b"\r\n", 400, "ub_http_rejected", False),
        "length with a sign": (get + host + b"Content-Length: +44\r\n" + auth + b"\r\n" + smuggled, 400, "ub_http_rejected", False),
        "length that is a list": (get + host + b"Content-Length: 44, 44\r\n" + auth + b"\r\n" + smuggled, 400, "ub_http_rejected",
                                  False),
        "length and coding": (get + host + b"Content-Length: 44\r\nTransfer-Encoding: chunked\r\n" + auth + b"\r\n0\r\n\r\n",
                              400, "ub_http_rejected", False),
        "coding in HTTP/1.0": (b"GET / HTTP/1.0\r\n" + host + b"Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n" + auth
                               + b"\r\n0\r\n\r\n", 400, "ub_http_rejected", False),
        "two blanks in the request line": (b"GET  / HTTP/1.1\r\n" + host + auth + b"\r\n", 400, "ub_http_rejected", False),
        "two Hosts": (get + host + host + auth + b"\r\n", 400, "ub_http_rejected", False),
        "line without colon": (get + host + b"XX\r\n" + auth + b"\r\n", 400, "ub_http_rejected", False),
        "NUL in the target": (b"GET /\0 HTTP/1.1\r\n" + host + auth + b"\r\n", 400, "ub_http_rejected", False),
        "blank in the target": (b"GET /a b HTTP/1.1\r\n" + host + auth + b"\r\n", 400, "ub_http_rejected", False),
        "NUL in a name": (get + host + b"X\0Y: a\r\n" + auth + b"\r\n", 400, "ub_http_rejected", False),
        "two Content-Lengths": (get + host + b"Content-Length: 3\r\n" * 2 + auth + b"\r\nabc", 400, "ub_http_rejected", False),
        "negative length": (get + host + b"Content-Length: -5\r\n" + auth + b"\r\n", 400, "ub_http_rejected", False),
        "coding that is not chunked": (get + host + b"Transfer-Encoding: gzip\r\n" + auth + b"\r\n", 400,
                                       "ub_http_rejected", False),
        "chunk size that is none": (chunked + b"zz\r\nabc\r\n0\r\n\r\n", 400, "ub_http_rejected", False),
        "target over the limit": (b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\n" + host + b"\r\n", 414, "ub_too_large", False),
        "header far over the limit": (get + host + b"X: " + b"a" * 20000 + b"\r\n\r\n", 431, "ub_too_large", False),
        "header over the limit": (get + host + b"X: " + b"a" * 8200 + b"\r\n" + auth + b"\r\n", 431, "ub_too_large", True),
        "very many headers": (get + host + b"X: a\r\n" * 3000 + auth + b"\r\n", 431, "ub_too_large", False),
        "body over the limit": (get + host + b"Content-Length: 5000\r\n" + auth + b"\r\n" + b"x" * 5000, 413, "ub_too_large",
                                True),
        "body said to be endless": (get + host + b"Content-Length: 500000000\r\n" + auth + b"\r\nx", 413, "ub_too_large", False),
        "chunks over the limit": (chunked + chunk * 2 + b"0\r\n\r\n", 413, "ub_too_large", False),
        "chunks without an end": (chunked + chunk * 40, 0, "ub_too_large", False),
        "header just in the limit": (get + host + b"X: " + b"a" * 7000 + b"\r\n" + auth + b"\r\n", 401, "ub_challenged", True),
        "chunks": (chunked + b"3\r\nabc\r\n0\r\n\r\n", 401, "ub_challenged", False),
        "HTTP/1.0": (b"GET / HTTP/1.0\r\n" + host + auth + b"\r\n", 401, "ub_challenged", False),
        "folded lines": (get + host + auth.replace(b", ", b",\r\n   ") + b"\r\n", 401, "ub_challenged", False),
        "absolute target": (b"GET http://bsf.example/ HTTP/1.1\r\n" + host + auth + b"\r\n", 401, "ub_challenged", True),
    }


async def one(w, octets, status, stays):
    c = await HttpConn.open(w.ports["ub"])
    try:
        await c.send(octets)
        if status:
            r = await c.response(5 * w.t.factor)
            assert r.status == status, r
        if stays:
            try:
                await asyncio.wait_for(c.reader.read(1), 0.2)
            except asyncio.TimeoutError:
                return
            raise AssertionError("closed")
        more = await c.wait_closed_by_peer(5 * w.t.factor)
        assert not status or b"Server: gba-bsfd" not in more, f"answered twice: {more[:200]}"   # the library may stutter
    except ConnectionError:
        assert not stays, "reset"
    finally:
        c.close()


@test("frames of every kind: answer, counter, connection", smoke=True, req=["220-4.5.2-5"])
async def frames(t):
    w = World(t, raw_hss=True).no_limits()
    await w.start()
    auth = b"Authorization: " + digest.format_params(w.ue().first_params()).encode() + b"\r\n"
    for name, (octets, status, cause, stays) in table(auth).items():
        try:
            async with causes.counted(w, **{cause: 1}):
                await one(w, octets, status, stays)
        except AssertionError as e:
            raise AssertionError(f"{name}: {e}") from e


@test("three requests in one packet are answered in order; a connection that comes and goes counts as nothing", smoke=True)
async def pipelined(t):
    w = World(t, raw_hss=True)
    await w.start()
    auth = b"Authorization: " + digest.format_params(w.ue().first_params()).encode() + b"\r\n"
    async with causes.counted(w, ub_challenged=2, ub_scheme=1):
        c = await HttpConn.open(w.ports["ub"])
        req = b"GET / HTTP/1.1\r\nHost: a\r\n"
        await c.send(req + auth + b"\r\n" + req + b"\r\n" + req + auth + b"\r\n")
        assert [(await c.response(5 * t.factor)).status for _ in range(3)] == [401, 400, 401]
        c.close()
    async with causes.counted(w):
        (await HttpConn.open(w.ports["ub"])).close()


@test("a request that the library refuses without room for its answer leaves nothing in memory", smoke=True)
async def no_room_for_the_answer(t):
    w = World(t, raw_hss=True)
    await w.start()
    lines = [b"GET / HTTP/1.1", b"Host: a", b"X: " + b"y" * 9250, b"Cookie: " + b"a=b;" * 500, b"Content-Length: 18446744073709551616"]

    async def times(n):
        for _ in range(n):
            c = await HttpConn.open(w.ports["ub"])
            await c.send(b"\r\n".join(lines) + b"\r\n\r\n")
            try:
                assert await c.reader.read() == b"", "there was room"
            except ConnectionError:
                pass
            c.close()
    await times(100)
    before = w.bsf.rss_kib()
    await times(500)
    assert procs.SANITIZED or w.bsf.rss_kib() < before + 1024, (before, w.bsf.rss_kib())


class HalfClosed(HttpConn):
    """Ends its side right behind the request."""

    async def send(self, octets):
        self.writer.write(octets)
        self.writer.write_eof()


@test("who ends his side right behind a request gets the answer all the same: 8 at a time, 6 bootstraps each, none lost", smoke=True)
async def half_closed(t):
    w = World(t, n_cards=8).no_limits()
    await w.start()

    async def device(n):
        for _ in range(6):
            await w.ue(n).bootstrap(HalfClosedEach(w.ports["ub"]))
    await asyncio.gather(*(device(n) for n in range(8)))


class HalfClosedEach:
    """A new connection for each request."""

    def __init__(self, port):
        self.port = port

    async def request(self, *args):
        return await (await HalfClosed.open(self.port)).request(*args)


@test("without memory now and then: each answer is whole, or 503, or the connection closes; nobody is refused for it", smoke=True)
async def memory_now_and_then(t):
    """What a device gets must not be half a challenge, nor a wrong response where the right one could not be computed."""
    lib, flag = await no_memory.library(t), t.dir + "/no_memory"
    w = World(t, n_cards=16).no_limits()
    w.bsf_env = {"LD_PRELOAD": lib, "NO_MEMORY": flag, "NO_MEMORY_RATE": "400"}
    await w.start()
    seen = collections.Counter()

    async def device(n):
        for _ in range(60):
            try:
                await w.ue(n).bootstrap()
                seen["ok"] += 1
            except UbError as e:
                assert e.response.status == 503, e.response
                seen["503"] += 1
                await asyncio.sleep(0.1)                         # as devices do: what lacks memory may be the way to the HSS
            except (HttpClosed, ConnectionError):
                seen["closed"] += 1
    open(flag, "w", encoding="ascii").close()
    await asyncio.gather(*(device(n) for n in range(16)))
    os.unlink(flag)
    assert seen["ok"] > 500 and seen["503"] + seen["closed"] > 5, seen
    for _ in range(3):
        try:
            await w.ue(0).bootstrap()
        except (UbError, HttpClosed):
            continue                                             # the file is looked for at every 64th allocation
    await w.ue(0).bootstrap()
