# SPDX-License-Identifier: AGPL-3.0-or-later
"""A realm whose registry serves HTTPS, and those who ask there: by curl, or many requests on one connection."""
import asyncio
import http.client
import json
import os
import socket
import ssl

from . import procs
from .pki import pki
from .registry import Realm

JSON, PROBLEM = "application/json", "application/problem+json"


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        self.type = headers.get("content-type", "")
        self.json = json.loads(body) if body else None

    def __repr__(self):
        return f"{self.status} {self.body[:400]!r}"


class Link:
    """One connection that is kept; for who asks much. source: the address it comes from, which has a rate of its own."""

    def __init__(self, port, pair=None, source="127.0.0.1"):
        context = ssl.create_default_context(cafile=pki().ca())
        if pair:
            context.load_cert_chain(pair.certificate, pair.key)
        self.c = http.client.HTTPSConnection("localhost", port, context=context, timeout=20 * procs.FACTOR, source_address=(source, 0))

    def ask_now(self, method, path, body=None, token=None, headers=None):
        h = dict(headers or {})
        if token:
            h["Authorization"] = "Bearer " + token
        if body is not None and not isinstance(body, bytes):
            body = (body if isinstance(body, str) else json.dumps(body)).encode()
        if body is not None:
            h.setdefault("Content-Type", JSON)
        try:
            self.c.request(method, path, body, h)
            r = self.c.getresponse()
        except (http.client.HTTPException, OSError):       # it was idle too long
            self.c.close()
            self.c.request(method, path, body, h)
            r = self.c.getresponse()
        return Answer(r.status, {k.lower(): v for k, v in r.getheaders()}, r.read())

    async def ask(self, *args, patient=True, **kw):
        """patient: comes again as long as he is told to."""
        while True:
            r = await asyncio.get_running_loop().run_in_executor(None, lambda: self.ask_now(*args, **kw))
            if r.status != 429 or not patient or "retry-after" not in r.headers:
                return r
            await asyncio.sleep(int(r.headers["retry-after"]))

    def close(self):
        self.c.close()


class ApiRealm(Realm):
    """api: the port for tokens; clients: for certificates. bare: only the registry, without BSF and HSS."""

    def __init__(self, t, bare=True, request_s=10, **kw):
        super().__init__(t, **kw)
        self.api, self.clients, self.bare, self.n = procs.free_port(), procs.free_port(), bare, 0
        self.server = pki().make("api-server", "localhost")
        for line in (f"listen 127.0.0.1 {self.api}", f"listen-clients 127.0.0.1 {self.clients}", f"tls certificate {self.server.certificate}",
                     f"tls key {self.server.key}", f"tls ca {pki().ca()}", f"request-time {request_s}"):
            self.reg_cfg.add("api", line)
        if bare:
            for node in ("target bsf-1 bsf", "target hss-1 hss"):
                self.reg_cfg.remove_node(node)

    async def start(self, **kw):
        if self.bare:
            await self.start_reg()
            return self
        return await super().start(**kw)

    async def token(self, role="operator", owner=""):
        return (await self.order(f"token add {role} {owner}".strip()))["token"]

    async def token_of(self, role):
        """A token of somebody new who has that role."""
        self.n += 1
        if role == "asp":
            await self.order(f"asp add asp-{self.n}")
            return await self.token("asp", f"asp-{self.n}")
        if role == "user":
            return await self.token("user", (await self.order(f"user add kyc-{self.n} 2"))["user"])
        return await self.token(role)

    def link(self, source="127.0.0.1"):
        link = Link(self.api, source=source)
        self.t.cleanup(link.close)
        return link

    async def curl(self, path, *args, port=None, pair=None):
        """Status and answer; 0: no HTTP came of it, and why."""
        argv = ["curl", "-sS", "-m", str(20 * procs.FACTOR), "--cacert", pki().ca(), "-w", "\n%{http_code}"]
        if pair:
            argv += ["--cert", pair.certificate, "--key", pair.key]
        while True:
            _, out, err = await procs.run([*argv, *args, f"https://localhost:{port or self.api}{path}"], 30)
            body, _, status = out.rpartition("\n")
            if status != "429":
                return int(status), json.loads(body) if body else err
            await asyncio.sleep(1)                                 # an address may ask ten times a second without a good token

    async def tls(self, port=None):
        """A raw connection: reader and writer over TLS."""
        context = ssl.create_default_context(cafile=pki().ca())
        return await asyncio.open_connection("localhost", port or self.api, ssl=context, family=socket.AF_INET)

    def document(self):
        with open(os.path.join(procs.SRC, "doc", "gba-reg.openapi.json"), encoding="utf-8") as f:
            return json.load(f)
