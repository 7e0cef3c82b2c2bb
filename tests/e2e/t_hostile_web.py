# SPDX-License-Identifier: AGPL-3.0-or-later
"""gba-ue and gba-ued against HTTP servers that do what they can: each shape on Ub and on Ua, from a raw socket. None crashes a program, holds it
for longer than its time-out, makes it loop, or gets a key."""
import asyncio
import itertools
import json
import os
import time

from lib import procs
from lib.agent import Agent, Realm
from lib.gba_ue import IMSI, NAME, Device
from lib.runner import test

OK = b"HTTP/1.1 200 x\r\n"
NAF = "naf1.example.com"


async def refuse(writer, host, n):
    """A forged 401, each with another nonce."""
    writer.write((f'HTTP/1.1 401 x\r\nWWW-Authenticate: Digest realm="3GPP-bootstrapping@{host}", nonce="nonce{n}", algorithm=MD5, qop="auth"\r\n'
                  "Content-Length: 0\r\nConnection: close\r\n\r\n").encode())
    await writer.drain()


async def drip(writer, octets, pause=0.1):
    """An octet now and then: never silent, never done."""
    for b in octets:
        writer.write(bytes([b]))
        await writer.drain()
        await asyncio.sleep(pause)


async def pour(writer, octets):
    while True:
        writer.write(octets)
        await writer.drain()


def sent(*pieces):
    async def shape(writer, n):
        for p in pieces:
            writer.write(p)
        await writer.drain()
    return shape


# name: what comes for the n-th request; each is a coroutine that ends, or writes for ever
SHAPES = {
    "a header without end, in lines": lambda w, n: pour(w, OK if n < 0 else b"X-Filler: " + b"a" * 200 + b"\r\n"),
    "a header line without end": lambda w, n: pour(w, b"a" * 4096),
    "a body without end": None,                        # below: behind a header
    "a chunk without end": None,
    "an octet now and then": lambda w, n: drip(w, OK + b"Content-Length: 100\r\n\r\n" + b"x" * 100),
    "a body an octet now and then": None,
    "a chunk length that is none": sent(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\na\r\n0\r\n\r\n"),
    "a chunk length beyond all": sent(OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\na\r\n"),
    "a negative chunk": sent(OK + b"Transfer-Encoding: chunked\r\n\r\n-1\r\na\r\n0\r\n\r\n"),
    "chunks that break off": sent(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"),
    "two lengths": sent(OK + b"Content-Length: 1\r\nContent-Length: 5\r\n\r\nabcde"),
    "a length beyond all": sent(OK + b"Content-Length: 99999999999999999999\r\n\r\na"),
    "a negative length": sent(OK + b"Content-Length: -5\r\n\r\na"),
    "a redirect to itself": sent(b"HTTP/1.1 302 x\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"),
    "a redirect elsewhere": sent(b"HTTP/1.1 301 x\r\nLocation: http://127.0.0.1:1/secret\r\nContent-Length: 0\r\n\r\n"),
    "a redirect to a file": sent(b"HTTP/1.1 302 x\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n"),
    "interim answers without end": lambda w, n: pour(w, b"HTTP/1.1 100 x\r\n\r\n"),
    "another protocol": sent(b"220 mail.example.com ESMTP\r\n"),
    "NULs": sent(b"\0" * 5000),
    "TLS": sent(b"\x16\x03\x01\x02\x00" + os.urandom(600)),
    "nothing, closed": sent(),
    "HTTP/0.9": sent(b"<html>hello</html>"),
    "a refusal with every challenge it can think of": sent(
        b"HTTP/1.1 401 x\r\n" + b"WWW-Authenticate: Digest realm=\"" + b"a," * 3000 + b"\"\r\n" * 1 + b"Content-Length: 0\r\n\r\n"),
}


async def body_without_end(w, n):
    w.write(OK + b"\r\n")
    await pour(w, b"x" * 65536)


async def chunks_without_end(w, n):
    w.write(OK + b"Transfer-Encoding: chunked\r\n\r\n")
    await pour(w, b"1000\r\n" + b"x" * 4096 + b"\r\n")


async def dripping_body(w, n):
    w.write(OK + b"Content-Length: 100000\r\n\r\n")
    await drip(w, b"x" * 100000)

SHAPES["a body without end"] = body_without_end
SHAPES["a chunk without end"] = chunks_without_end
SHAPES["a body an octet now and then"] = dripping_body


class Hostile:
    """One server; .shape may change."""

    async def start(self, t):
        self.shape, self.n, self.tasks = None, 0, set()
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        t.cleanup(self.stop)
        return self

    async def stop(self):
        self.server.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _serve(self, reader, writer):
        self.tasks.add(asyncio.current_task())
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                self.n += 1
                await self.shape(writer, self.n)
                if self.shape.__name__ != "stays":
                    return
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()
            self.tasks.discard(asyncio.current_task())


@test("gba-ue: each hostile answer, on Ub and on Ua, ends in time with a word, no request beyond what is asked, and the key that was there stays",
      smoke=True, timeout=120)
async def shapes(t):
    d = await Device(t).start()
    rc, before, err = await d.run("bootstrap")
    assert rc == 0, err
    bad = await Hostile().start(t)
    for name, shape in SHAPES.items():
        bad.shape = shape
        for what, words in (("Ub", ["--connect-to", f"{NAME}:80:127.0.0.1:{bad.port}", "bootstrap"]),
                            ("Ua", ["--connect-to", f"bad.example.com:80:127.0.0.1:{bad.port}", "get", "http://bad.example.com/"])):
            bad.n, began = 0, time.monotonic()
            # the first --connect-to of a host counts: these go before those of the device
            rc, out, err = await procs.run([d.exe, "-c", d.card, "--json", "--timeout", "2", *words[:2],
                                            "--connect-to", f"{NAME}:80:127.0.0.1:{d.bsf.port}", *words[2:]], 30)
            took, o = time.monotonic() - began, json.loads(out)
            assert took < 12 * t.factor, f"{name}, {what}: {took:.1f} s"
            assert bad.n <= 3, f"{name}, {what}: {bad.n} requests"
            if what == "Ub":
                assert rc in (1, 3, 4) and o["cause"] != "ok", (name, what, rc, o)
            else:
                assert rc in (0, 1, 4), (name, what, rc, o)
            assert "root:" not in out and len(out) < 3 << 20, (name, what)
    rc, now, err = await d.run("status")
    assert rc == 0 and now["btid"] == before["btid"], "a run that failed has taken the key"
    rc, out, err = await d.run("get", f"http://{NAF}/page")
    assert rc == 0 and out["body"] == "the page", err


@test("gba-ued: hostile BSFs and refusals for ever: others are served meanwhile, each application has its own limit, and a good BSF serves again",
      smoke=True, timeout=120)
async def agent(t):
    r = Realm(t, "home", IMSI)
    a = await Agent(t, r).start()
    good = await a.key()
    bad = await Hostile().start(t)
    handle, real = r.bsf.handle_slowly, r.bsf

    async def hold(req):
        """Its BSF drips: the run hangs until its time-out, programs that want the key that is there do not."""
        await asyncio.sleep(60)
        return await handle(req)
    real.handle_slowly = hold
    waiting = asyncio.ensure_future(a.ask("key naf7.example.com force"))
    began = time.monotonic()
    assert (await a.key())["btid"] == good["btid"] and time.monotonic() - began < 5 * t.factor, "a hanging run holds everybody"
    real.handle_slowly = handle
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    n = itertools.count()
    runs = r.runs()
    for host in ("one.example.com", "two.example.com"):
        ends, bad.shape = [], lambda w, k, host=host: refuse(w, host, next(n))
        for _ in range(5):
            argv = [t.need_program("gba-ue"), "--agent", a.socket, "--json", "--timeout", "5", "--connect-to",
                    f"{host}:80:127.0.0.1:{bad.port}", "get", f"http://{host}/"]
            rc, out, err = await procs.run(argv, 60)
            ends.append(json.loads(out)["cause"])
        assert ends.count("too_often") == 2 and ends[-1] == "too_often", (host, ends)
    assert r.runs() - runs <= 7, f"{r.runs() - runs} runs for forged refusals"
    assert a.daemon.running
