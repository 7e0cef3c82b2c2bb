# SPDX-License-Identifier: AGPL-3.0-or-later
"""A raw BSF (Ub side) and a raw NAF (Ua side) in one HTTP server each, to test a UE against: they can lie where a network may."""
import asyncio
import base64
import os
import time

from . import aka, digest, kdf
from .hss import Subscriber


class HttpServer:
    """handle(request) -> (status, headers, body); .requests keeps all that came."""

    def __init__(self):
        self.requests, self._server, self.port, self.more = [], None, None, []
        self.interim = b""                      # sent before every answer

    async def start(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self):
        self._server.close()

    async def handle_slowly(self, req):
        return self.handle(req)

    async def _serve(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, target, _ = head[0].split(" ")
                headers = {k.strip().lower(): v.strip() for k, v in (x.split(":", 1) for x in head[1:] if x)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                params = digest.parse_params(headers["authorization"]) if "authorization" in headers else {}
                req = {"method": method, "target": target, "headers": headers, "body": body, "params": params}
                self.requests.append(req)
                status, more, answer = await self.handle_slowly(req)
                more = more + self.more
                writer.write(self.interim)
                text = f"HTTP/1.1 {status} x\r\nContent-Length: {len(answer)}\r\n"
                text += "".join(f"{k}: {v}\r\n" for k, v in more)
                writer.write(text.encode("latin-1") + b"\r\n" + answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


class RawBsf(HttpServer):
    def __init__(self, name, k, opc, impi):
        super().__init__()
        self.name, self.impi, self.sub = name, impi, Subscriber(k, opc)
        self.server_token = "raw/1 3gpp-gba-tmpi other/2"
        self.open, self.opaques, self.sessions, self.tmpis = {}, {}, {}, {}
        self.lifetime = 3600
        self.resyncs = self.mac_failures = 0
        self.spoil_autn = self.spoil_challenge = self.spoil_info = self.spoil_body = lambda x: x
        self.refuse = None                      # a status for every first request
        self.btid_name = name                   # BSF name in the B-TID
        self.tail = b""                         # server data behind RAND and AUTN
        self.gba_u = None                       # "sha1" or "sha256": the hash of MAC*

    def handle(self, req):
        p = req["params"]
        if self.refuse:
            return self.refuse, [("Server", self.server_token)], b""
        if not p.get("nonce"):
            return self.first(p)
        return self.second(req, p)

    def first(self, p):
        user = p.get("username", "")
        if user.endswith("@" + kdf.TMPI_REALM) and user not in self.tmpis:
            return 403, [("Server", self.server_token)], b""
        return self.challenge()

    def challenge(self):
        rand = os.urandom(16)
        autn, xres, ck, ik = self.sub.mil.vector(rand, self.sub.next_sqn())
        if self.gba_u:
            autn, xres = kdf.gba_u(autn, xres, ik, self.gba_u)
        nonce = base64.b64encode(rand + self.spoil_autn(autn) + self.tail).decode()
        params = {"realm": self.name, "nonce": nonce, "algorithm": "AKAv1-MD5", "qop": None, "opaque": os.urandom(16).hex()}
        self.open[nonce] = (rand, xres, ck + ik)
        self.opaques[nonce] = params["opaque"]
        params = self.spoil_challenge(params)
        value = digest.format_params(params) + ', qop="auth-int"'
        return 401, [("Server", self.server_token), ("WWW-Authenticate", value)], b""

    def second(self, req, p):
        rand, xres, ks = self.open.pop(p["nonce"])
        assert p["opaque"] == self.opaques.pop(p["nonce"]), "opaque comes back as it went"
        args = (req["method"], p["uri"], p["nonce"], p.get("nc"), p.get("cnonce"), "auth-int")
        if "auts" in p:
            self.resyncs += 1
            auts = base64.b64decode(p["auts"], validate=True)
            assert len(auts) == 14
            assert p["response"] == digest.response(p["username"], p["realm"], b"", *args), "response with empty password"
            sqn, ok = self.sub.mil.auts_open(rand, auts)
            assert ok, "MAC-S"
            self.sub.seq = max(self.sub.seq, sqn >> aka.IND_BITS)
            return self.challenge()
        if p["response"] == "":
            self.mac_failures += 1
            return 403, [("Server", self.server_token)], b""
        if p["response"] != digest.response(p["username"], p["realm"], xres, *args, req["body"]):
            return 403, [("Server", self.server_token)], b""
        return self.success(p, rand, xres, ks)

    def success(self, p, rand, xres, ks):
        btid, until = kdf.btid(rand, self.btid_name), int(time.time()) + self.lifetime
        life = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(until))
        body = (f'<?xml version="1.0" encoding="UTF-8"?>\r\n<BootstrappingInfo xmlns="uri:3gpp-gba"><btid>{btid}</btid>'
                f"<lifetime>{life}</lifetime></BootstrappingInfo>").encode()
        body = self.spoil_body(body)
        rsp = digest.response(p["username"], p["realm"], xres, "", p["uri"], p["nonce"], p["nc"], p["cnonce"], "auth-int", body)
        info = self.spoil_info(f'qop=auth-int, rspauth="{rsp}", cnonce="{p["cnonce"]}", nc={p["nc"]}')
        self.sessions[btid] = (ks, rand)
        if "3gpp-gba-tmpi" in self.server_token:
            self.tmpis = {kdf.tmpi(ks, rand, self.impi, self.name): self.impi}
        headers = [("Server", self.server_token), ("Content-Type", "application/vnd.3gpp.bsf+xml")]
        return 200, headers + ([("Authentication-Info", info)] if info else []), body


class RawNaf(HttpServer):
    """Serves one page to who holds the key of its B-TID; bsf is a RawBsf whose sessions it may use."""

    def __init__(self, bsf, fqdn="naf1.example.com"):
        super().__init__()
        self.bsf, self.fqdn = bsf, fqdn
        self.realm = "3GPP-bootstrapping@" + fqdn
        self.nonces, self.forgotten = {}, set()
        self.stale_once = False
        self.page, self.spoil_info = b"the page", lambda x: x

    def challenge(self, extra=""):
        nonce = os.urandom(12).hex()
        self.nonces[nonce] = 0
        return 401, [("WWW-Authenticate", f'Digest realm="{self.realm}", nonce="{nonce}", algorithm=MD5, qop="auth-int,auth", '
                                          f'opaque="abcd"{extra}')], b"no"

    def handle(self, req):
        p = req["params"]
        if p.get("nonce") not in self.nonces or p["username"] in self.forgotten or p["username"] not in self.bsf.sessions:
            return self.challenge()
        if self.stale_once:
            self.stale_once = False
            return self.challenge(", stale=true")
        ks, rand = self.bsf.sessions[p["username"]]
        key = kdf.ks_naf(ks, rand, self.bsf.impi, self.fqdn.encode() + kdf.UA_HTTP_DIGEST)
        args = (p["uri"], p["nonce"], p["nc"], p["cnonce"], p["qop"])
        want = digest.response(p["username"], p["realm"], base64.b64encode(key), req["method"], *args, req["body"])
        if p["response"] != want or p["opaque"] != "abcd" or p["uri"] != req["target"] or int(p["nc"], 16) <= self.nonces[p["nonce"]]:
            return self.challenge()
        self.nonces[p["nonce"]] = int(p["nc"], 16)
        body = self.page
        rsp = digest.response(p["username"], p["realm"], base64.b64encode(key), "", *args, body)
        info = self.spoil_info(f'qop={p["qop"]}, rspauth="{rsp}", cnonce="{p["cnonce"]}", nc={p["nc"]}')
        return 200, [("Authentication-Info", info)] if info else [], body
