# SPDX-License-Identifier: AGPL-3.0-or-later
"""nginx and haproxy in front of a server, as lenient as they can be set, keeping their connections to it; and the shapes of framing
that make two requests of one where a server reads otherwise than they do."""
import os
import re

from . import procs
from .http_raw import HttpConn

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
    await run(t, kind, exe, where, {"nginx": NGINX, "haproxy": HAPROXY}[kind].format(dir=where, ub=ub, port=port), port)
    return port


async def balancer(t, *ub):
    """Port of haproxy in front of several, with the example of conf/."""
    exe = t.need_tool("haproxy", "haproxy")
    port, where = procs.free_port(), os.path.join(t.dir, "balancer")
    os.makedirs(where)
    with open(os.path.join(procs.SRC, "conf/haproxy.cfg"), encoding="ascii") as f:
        text = f.read().replace("bind 192.0.2.1:80", f"bind 127.0.0.1:{port}")
    for n, one in enumerate(ub, 1):
        text = re.sub(rf"server bsf{n} [0-9.:]+", f"server bsf{n} 127.0.0.1:{one}", text)
    await run(t, "haproxy", exe, where, text, port)
    return port


TLS = """global
	maxconn 100
defaults
	mode http
	timeout connect 5s
	timeout client 20s
	timeout server 20s
frontend f
	bind 127.0.0.1:{port} ssl crt {pem} ssl-min-ver TLSv1.3 ciphersuites {suite}
	default_backend b
backend b
	server app 127.0.0.1:{app}
"""


async def tls_front(t, app, pair, suite):
    """Port of haproxy, which speaks TLS 1.3 with this one suite in front of an application."""
    exe = t.need_tool("haproxy", "haproxy")
    port = procs.free_port()
    where = os.path.join(t.dir, f"front-{port}")
    os.makedirs(where)
    pem = os.path.join(where, "front.pem")
    with open(os.open(pem, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as out:
        for path in (pair.certificate, pair.key):
            with open(path, encoding="ascii") as f:
                out.write(f.read())
    await run(t, "haproxy", exe, where, TLS.format(port=port, pem=pem, suite=suite, app=app), port)
    return port


async def run(t, kind, exe, where, text, port):
    conf = os.path.join(where, "conf")
    with open(conf, "w", encoding="ascii") as f:
        f.write(text)
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
