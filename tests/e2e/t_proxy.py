# SPDX-License-Identifier: AGPL-3.0-or-later
"""Ub behind nginx and haproxy, as lenient as they can be set, which keep their connections to us: what we read otherwise than
they do would be the request of somebody else."""
import os

from lib import digest, procs
from lib.http_raw import HttpConn
from lib.runner import test
from lib.world import World

NGINX = """daemon off; master_process off; worker_processes 1; pid {dir}/nginx.pid; error_log {dir}/nginx.log;
events {{ worker_connections 64; }}
http {{
	access_log off; ignore_invalid_headers off; proxy_ignore_client_abort on; proxy_pass_header Server;
	client_body_temp_path {dir}; proxy_temp_path {dir}; fastcgi_temp_path {dir}; uwsgi_temp_path {dir}; scgi_temp_path {dir};
	upstream ub {{ server 127.0.0.1:{ub}; keepalive 1; }}
	server {{
		listen 127.0.0.1:{port};
		location / {{ proxy_pass http://ub; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host; }}
	}}
}}
"""
HAPROXY = """global
	maxconn 100
defaults
	mode http
	timeout connect 5s
	timeout client 20s
	timeout server 20s
	option http-keep-alive
	http-reuse always
	option accept-invalid-http-request
frontend f
	bind 127.0.0.1:{port}
	default_backend b
backend b
	server ub 127.0.0.1:{ub}
"""

SMUGGLED = b"POST /smuggled HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"   # ub_method, if we ever see it as a request
N = str(len(SMUGGLED)).encode()
SHAPES = {
    "length in two lines": b"Content-Length:\r\n " + N + b"\r\n\r\n" + SMUGGLED,
    "length begun in one line": b"Content-Length: " + N[:1] + b"\r\n " + N[1:] + b"\r\n\r\n" + SMUGGLED,
    "blank before the colon": b"Content-Length : " + N + b"\r\n\r\n" + SMUGGLED,
    "tab before the colon": b"Content-Length\t: " + N + b"\r\n\r\n" + SMUGGLED,
    "hidden behind a CR": b"X: a\rContent-Length: " + N + b"\r\n\r\n" + SMUGGLED,
    "behind an LF": b"X: a\nContent-Length: " + N + b"\r\n\r\n" + SMUGGLED,
    "sign": b"Content-Length: +" + N + b"\r\n\r\n" + SMUGGLED,
    "two lengths": b"Content-Length: 0\r\nContent-Length: " + N + b"\r\n\r\n" + SMUGGLED,
    "list": b"Content-Length: 0, " + N + b"\r\n\r\n" + SMUGGLED,
    "length and chunks": b"Content-Length: " + N + b"\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "coding in two lines": b"Content-Length: 5\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "coding twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunk with LF in its extension": b"Transfer-Encoding: chunked\r\n\r\n2;\nxx\r\n" + b"%x\r\n0\r\n\r\n" % (len(SMUGGLED) + 5)
                                      + SMUGGLED + b"\r\n0\r\n\r\n",
    "chunk size with a prefix": b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nabcde\r\n0\r\n\r\n" + SMUGGLED,
}


async def proxy(t, kind, ub):
    """Port of a proxy in front of ub."""
    exe = t.need_tool(kind, {"nginx": "nginx-light"}.get(kind, kind))
    port, where = procs.free_port(), os.path.join(t.dir, kind)
    os.makedirs(where)
    conf = os.path.join(where, "conf")
    with open(conf, "w", encoding="ascii") as f:
        f.write({"nginx": NGINX, "haproxy": HAPROXY}[kind].format(dir=where, ub=ub, port=port))
    argv = [exe, "-c", conf, "-p", where] if kind == "nginx" else [exe, "-db", "-f", conf]
    log = os.path.join(where, "out")
    d = procs.Daemon(kind, argv, log, notifies=False)
    await d.start(wait=False)
    t.cleanup(d.kill)

    async def listens():
        assert d.running, d.tail(5)
        try:
            (await HttpConn.open(port)).close()
            return True
        except OSError:
            return False
    await t.until(listens, 10, f"{kind} to listen")
    return port


async def answers_of(w):
    """How many requests Ub has answered so far."""
    return sum(n for name, n in (await w.counters()).items() if name.startswith("ub_"))


async def one_shape(t, w, port, octets):
    """What came through the proxy, and what it answered; each answer of ours must have gone to who sent these octets."""
    before = await answers_of(w)
    c = await HttpConn.open(port)
    await c.send(octets)
    c.writer.write_eof()
    got = await c.wait_closed_by_peer(5 * t.factor)
    c.close()
    ours = got.count(b"Server: gba-bsfd") + got.count(b"server: gba-bsfd")
    assert await answers_of(w) - before == ours, f"{ours} answers came back of {await answers_of(w) - before}: {got}"
    return got.split(b" ")[1].decode() if got else "closed"


async def through(t, kind):
    w = await World(t).no_limits().start()
    port = await proxy(t, kind, w.ports["ub"])
    ue, victim = w.ue(0), w.ue(1)
    ue.port = victim.port = port
    await ue.bootstrap()
    first = b"Authorization: " + digest.format_params(ue.first_params(username=ue.impi)).encode() + b"\r\n"
    said = {}
    for name, rest in SHAPES.items():
        said[name] = await one_shape(t, w, port, b"GET / HTTP/1.1\r\nHost: bsf.example\r\n" + first + rest)
        await victim.bootstrap()
    t.note(", ".join(f"{k}: {v}" for k, v in said.items()))


@test("behind nginx: a bootstrap, and no shape of framing makes two requests of one", smoke=True)
async def behind_nginx(t):
    await through(t, "nginx")


@test("behind haproxy: a bootstrap, and no shape of framing makes two requests of one", smoke=True)
async def behind_haproxy(t):
    await through(t, "haproxy")
