# SPDX-License-Identifier: AGPL-3.0-or-later
"""What strangers send to an application: the example server and the listing of the author's guide, which people copy.
Header fields that two programs read in two ways, and bodies of those who have proven nothing."""
import asyncio
import os
import re
import shlex
import time

from lib import dia, digest, procs
from lib.app import App, RawBsf
from lib.http_raw import HttpConn
from lib.proxy import SHAPES, proxy
from lib.runner import test
from lib.ue import UaClient

FQDN, BTID = "naf1.example.com", "I1U8vpY3qJ0hiuZNrke/NQ==@bsf.mnc001.mcc001.pub.3gppnetwork.org"
HOST = f"Host: {FQDN}\r\n"
KEY = b"k" * 32
BODY_MAX = 65536


class Known:
    """The device both servers know."""
    btid, ks_naf = BTID, staticmethod(lambda *_: KEY)


async def example_app(t):
    bsf = RawBsf()
    bsf.answer = [dia.Avp(dia.RESULT, 2001), dia.Avp(dia.ME_KEY, KEY), dia.Avp(dia.KEY_EXPIRY, dia.to_ntp(int(time.time()) + 3600))]
    await bsf.start()
    t.cleanup(bsf.stop)
    return await App(t, bsf.port, "--qop", "both").start()


async def example(t):
    app = await example_app(t)
    return app.port, app.daemon.proc.pid


def make_variables(*names):
    with open(os.path.join(procs.BUILD, "Makefile"), encoding="utf-8") as f:
        text = f.read()
    return [shlex.split(re.search(rf"^{n} = ?(.*)$", text, re.M).group(1)) for n in names]


async def listing(t):
    """The C listing of the guide, compiled as it stands."""
    with open(os.path.join(procs.SRC, "doc", "naf-author-guide.md"), encoding="utf-8") as f:
        source = re.search(r"^```c\n(.*?)^```$", f.read(), re.M | re.S).group(1)
    with open(t.dir + "/app.c", "w", encoding="utf-8") as f:
        f.write(source)
    lib = os.path.join(procs.BUILD, "naf-lib", ".libs")
    cc, sanitizer = make_variables("CC", "SAN_CFLAGS")
    argv = [*cc, "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-g", *sanitizer, "-o", t.dir + "/app", t.dir + "/app.c",
            "-I" + os.path.join(procs.SRC, "naf-lib", "include"), "-L" + lib, "-lgba-naf", "-lmicrohttpd", "-Wl,-rpath," + lib]
    rc, out, err = await procs.run(argv, 60)
    assert rc == 0, out + err
    os.makedirs(t.dir + "/log", exist_ok=True)
    app = procs.Daemon("app", [t.dir + "/app"], t.dir + "/log/app.log", {"GBA_TEST": "1"}, notifies=False, ready_text="port ")
    t.watch(app)
    await app.start()
    return int(re.search(r"port (\d+)", app.text()).group(1)), app.proc.pid


async def both(t, check):
    for server in (example, listing):
        port, pid = await server(t)
        await check(port, pid)


async def statuses(port, octets):
    """Status of each answer to these octets, until the server closes; "open" if it does not."""
    c = await HttpConn.open(port)
    got = []
    try:
        await c.send(octets)
        while True:
            got.append((await c.response(1 if got else 10)).status)
    except asyncio.TimeoutError:
        return got + ["open"]
    except Exception:                                             # closed; what it ended with is not ours to judge
        return got
    finally:
        c.close()


def two(name, first, second):
    return f"{name}: {first}\r\n{name}: {second}\r\n"


@test("two Host or Authorization headers, framing that can be read in two ways: 400 and closed, nothing behind it is answered",
      smoke=True)
async def header_fields(t):
    async def check(port, _):
        ua = UaClient(port)
        ua.take(await ua.get())
        good = ua.authorization(Known, qop="auth")
        hidden = f"GET /hidden HTTP/1.1\r\n{HOST}\r\n"
        n = len(hidden)
        rows = {
            "two Hosts": two("Host", FQDN, FQDN),
            "two Hosts, the second ours": two("Host", "evil.example.com", FQDN),
            "two Authorizations, the first good": HOST + two("Authorization", good, "Basic YTpi"),
            "two Authorizations, the second good": HOST + two("Authorization", "Basic YTpi", good),
            "length folded": HOST + f"Content-Length:\r\n {n}\r\n",
            "length with a blank before the colon": HOST + f"Content-Length : {n}\r\n",
            "two lengths": HOST + two("Content-Length", 0, n),
            "length and chunks": HOST + f"Content-Length: {n}\r\nTransfer-Encoding: chunked\r\n",
            "chunks folded": HOST + "Transfer-Encoding:\r\n chunked\r\n",
            "a coding that is not chunked": HOST + "Transfer-Encoding: xchunked\r\n",
            "a bare CR": HOST + f"X: a\rContent-Length: {n}\r\n",
            "a name that is no token": HOST + "X(y): a\r\n",
        }
        for name, head in rows.items():
            got = await statuses(port, f"POST / HTTP/1.1\r\n{head}\r\n{hidden}".encode())
            assert got == [400], (name, got)
        assert (await ua.get("/", good)).status == 200, "and none of them has used up the count"
    await both(t, check)


@test("a long request target does not push cause and verdict out of the example server's log line", smoke=True)
async def long_target(t):
    app = await example_app(t)
    for target, method in (("/" + "a" * 3000, "GET"), ("/" + "\xff" * 1500, "GET"), ("/", "M" * 3000)):
        before = len(app.requests())
        got = await statuses(app.port, f"{method} {target} HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n".encode("latin-1"))
        assert got and got[0] in (400, 401), (target[:9], got)

        async def logged():
            return len(app.requests()) > before
        await t.until(logged, 5, "a line that can be read")
        line = app.requests()[-1]
        assert line["cause"] and line["verdict"] and line["status"] == str(got[0]), line
        assert max(len(v) for v in line.values()) < 210, line


def peak(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        text = f.read()
    return int(re.search(r"VmHWM:\s+(\d+)", text).group(1)) * 1024, int(re.search(r"Threads:\s+(\d+)", text).group(1))


@test("200 bodies of strangers take no memory, and each stranger gets its challenge", smoke=True)
async def strangers_bodies(t):
    async def check(port, pid):
        n, body = 200, b"x" * BODY_MAX
        head = f"POST / HTTP/1.1\r\n{HOST}Content-Length: {len(body)}\r\n\r\n".encode()
        conns = [await HttpConn.open(port) for _ in range(n)]
        try:
            for c in conns:
                await c.send(head + body[:1])

            async def all_in():
                return peak(pid)[1] > n
            await t.until(all_in, 10, "a thread for each")
            before, _ = peak(pid)                                  # libmicrohttpd's own buffers of 32 KiB are still to come
            for c in conns:
                await c.send(body[1:-1])
            for c in conns:
                await c.send(body[-1:])
            for c in conns:
                assert (await c.response(20)).status == 401
            grown = peak(pid)[0] - before
            if not make_variables("SAN_CFLAGS")[0]:                # which keeps what was freed
                assert grown < n * BODY_MAX, f"{grown} octets more for {n * BODY_MAX} of strangers"
            t.note(f"{grown // 1024} KiB more for {n * BODY_MAX // 1024} KiB of bodies")
            again = f"GET / HTTP/1.1\r\n{HOST}\r\n".encode()
            await conns[0].send(again)
            assert (await conns[0].response(10)).status == 401, "the connection lives on"
        finally:
            for c in conns:
                c.close()
    await both(t, check)


@test("bodies: large ones and those that wait for 100 are answered by the header; proven ones are served, within the limit",
      smoke=True)
async def bodies(t):
    async def check(port, _):
        ua = UaClient(port)
        ua.take(await ua.get())
        length = "Content-Length: {}\r\n"
        for more in (length.format(BODY_MAX + 1), length.format(10**18 - 1), length.format(5) + "Expect: 100-continue\r\n"):
            got = await statuses(port, f"POST / HTTP/1.1\r\n{HOST}{more}\r\n".encode())
            assert got == [401], (more, got)
        for body, status in ((b"", 200), (b"a=b", 200), (b"x" * BODY_MAX, 200), (b"x" * (BODY_MAX + 1), 413)):
            for qop in ua.challenge["qop"].split(","):
                r = await ua.get("/", ua.authorization(Known, qop=qop, method="POST", body=body), "POST", body)
                assert r.status == status, (len(body), qop, r)
        wrong = ua.authorization(Known, method="POST", body=b"pay 1", key=os.urandom(32), qop="auth")
        got = await statuses(port, f"POST / HTTP/1.1\r\n{HOST}{length.format(5)}Expect: 100-continue\r\nAuthorization: {wrong}\r\n\r\n"
                             .encode())
        assert got == [401], ("a wrong response is told before the body", got)
    await both(t, check)


@test("the listing of the guide tells a repeated request, and a device from its stranger", smoke=True)
async def listing_proof(t):
    port, _ = await listing(t)
    ua = UaClient(port)
    ch = ua.take(await ua.get())
    assert ch["qop"] == "auth", ch
    once = ua.authorization(Known)
    r = await ua.get("/", once)
    assert r.status == 200 and b"Welcome" in r.body, r
    info = digest.parse_params(r.get("Authentication-Info"), None)
    assert info["qop"] == "auth" and info["rspauth"], info
    assert (await ua.get("/", once)).status == 401
    assert (await ua.get("/", ua.authorization(Known, key=os.urandom(32)))).status == 401


@test("the example server behind nginx and haproxy: no shape of framing makes two requests of one, nobody gets another's answer",
      smoke=True)
async def behind_proxies(t):
    app = await example_app(t)
    for kind in ("nginx", "haproxy"):
        port = await proxy(t, kind, app.port)
        ua = UaClient(port)
        ua.take(await ua.get(http_host=FQDN))
        said = {}
        for name, rest in SHAPES.items():
            before = len(app.requests())
            c = await HttpConn.open(port)
            await c.send(f"GET / HTTP/1.1\r\n{HOST}".encode() + rest)
            c.writer.write_eof()
            got = await c.wait_closed_by_peer(10 * t.factor)
            c.close()
            said[name] = got.split(b" ")[1].decode() if got else "closed"
            ours = got.lower().count(b"cache-control: no-store")

            async def all_logged():
                return len(app.requests()) - before >= ours
            await t.until(all_logged, 5, "a line for each answer")
            assert len(app.requests()) - before == ours, f"{kind}, {name}: {ours} answers came back of {app.requests()[before:]}"
            r = await ua.get("/page", ua.authorization(Known, "/page"), http_host=FQDN)
            assert r.status == 200 and b"Welcome" in r.body, (kind, name, r)
        t.note(kind + ": " + ", ".join(f"{k}: {v}" for k, v in said.items()))
