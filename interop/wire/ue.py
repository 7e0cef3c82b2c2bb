# SPDX-License-Identifier: AGPL-3.0-or-later
"""A UE: Ub (TS 24.109 clause 4) and Ua (clause 5), every parameter replaceable by a wrong one."""
import base64
import calendar
import os
import re
import time
import xml.etree.ElementTree as ElementTree

from . import aka, digest, http_raw, kdf

NS = "{uri:3gpp-gba}"
UB_AGENT = "e2e/1.0 3gpp-gba-tmpi"


class UbError(Exception):
    """Ub ended with another status; .response holds it."""

    def __init__(self, response):
        super().__init__(f"status {response.status} {response.body[:100]!r}")
        self.response = response


class Session:
    """What a finished bootstrap gave."""

    def __init__(self, btid, ks, rand, impi, expires_at):
        self.btid, self.ks, self.rand, self.impi, self.expires_at = btid, ks, rand, impi, expires_at
        self.made_at = int(time.time())

    def ks_naf(self, fqdn="naf1.example.com", ua=kdf.UA_HTTP_DIGEST):
        return kdf.ks_naf(self.ks, self.rand, self.impi, fqdn.encode() + ua)

    def ks_int_naf(self, fqdn="naf1.example.com", ua=kdf.UA_HTTP_DIGEST):
        return kdf.ks_naf(self.ks, self.rand, self.impi, fqdn.encode() + ua, b"gba-u")


class Challenge:
    """A 401 of Ub, read."""

    def __init__(self, response):
        self.response = response
        p = digest.parse_params(response.get("WWW-Authenticate"))
        self.params = p
        self.realm, self.nonce, self.opaque = p["realm"], p["nonce"], p.get("opaque")
        octets = base64.b64decode(self.nonce, validate=True)
        self.rand, self.autn = octets[:16], octets[16:32]
        assert len(octets) >= 32, "nonce shorter than RAND and AUTN"


class Ue:
    def __init__(self, port, impi, k, opc, bsf_name, host="127.0.0.1", source=None):
        self.port, self.host, self.source = port, host, source
        self.impi, self.bsf_name = impi, bsf_name
        self.usim = aka.Usim(k, opc)
        self.tmpi = None
        self.agent = UB_AGENT
        self.http_host = bsf_name
        self.target = "/"
        self.secrets = []          # every key of every run, for the search for leaks
        self.secrets.append(k)
        self.secrets.append(opc)

    # --- Ub, in steps
    def headers(self, authorization, extra=()):
        h = [("Host", self.http_host), ("User-Agent", self.agent), ("Accept", "*/*")]
        if authorization is not None:
            h.append(("Authorization", authorization))
        return h + list(extra)

    async def send(self, authorization, conn=None, method="GET", target=None, body=b"", extra=(), timeout=15):
        headers = self.headers(authorization, extra)
        target = target or self.target
        if conn is not None:
            return await conn.request(method, target, headers, body, timeout)
        return await http_raw.once(self.port, method, target, headers, body, self.host, self.source, timeout)

    def first_params(self, **wrong):
        p = {"username": self.tmpi or self.impi, "realm": self.bsf_name, "nonce": "", "uri": self.target, "response": ""}
        p.update(wrong)
        return p

    async def first(self, conn=None, timeout=15, **wrong):
        """First request; returns the response whatever it is."""
        return await self.send(digest.format_params(self.first_params(**wrong)), conn, timeout=timeout)

    async def challenge(self, conn=None, **wrong):
        r = await self.first(conn, **wrong)
        if r.status != 401:
            raise UbError(r)
        return Challenge(r)

    def answer_params(self, ch, res, body=b"", user=None, method="GET", uri=None, **wrong):
        """Parameters of the second request for RES octets; wrong ones replace after the arithmetic."""
        uri = uri or self.target
        user = user or self.tmpi or self.impi
        cnonce, nc = os.urandom(8).hex(), "00000001"
        rsp = digest.response(user, ch.realm, res, method, uri, ch.nonce, nc, cnonce, "auth-int", body)
        p = {"username": user, "realm": ch.realm, "nonce": ch.nonce, "uri": uri, "qop": "auth-int", "nc": nc,
             "cnonce": cnonce, "response": rsp, "opaque": ch.opaque, "algorithm": "AKAv1-MD5"}
        p.update(wrong)
        return p

    def auts_params(self, ch, octets, **wrong):
        """Resynchronisation: empty password (RFC 3310 3.4)."""
        p = self.answer_params(ch, b"")
        p["auts"] = base64.b64encode(octets).decode()
        p.update(wrong)
        return p

    async def answer(self, ch, res, conn=None, **wrong):
        p = self.answer_params(ch, res, **wrong)
        return await self.send(digest.format_params(p), conn), p

    def finish(self, ch, params, response, res, ck, ik):
        """Check the 200 as a UE must, and keep the session."""
        if response.status != 200:
            raise UbError(response)
        info = digest.parse_params(response.get("Authentication-Info"), None)
        want = digest.response(params["username"], ch.realm, res, "", params["uri"], ch.nonce, params["nc"],
                               params["cnonce"], "auth-int", response.body)
        assert info["rspauth"] == want, f"rspauth {info['rspauth']} is not {want}"
        assert info["cnonce"] == params["cnonce"] and info["nc"] == params["nc"] and info["qop"] == "auth-int", info
        assert response.get("Content-Type").split(";")[0] == "application/vnd.3gpp.bsf+xml", response.headers
        btid, expires_at = parse_info(response.body)
        s = Session(btid, ck + ik, ch.rand, self.impi, expires_at)
        assert btid == kdf.btid(ch.rand, ch.realm), f"B-TID {btid}"
        if "3gpp-gba-tmpi" in (response.get("Server") or "") and "3gpp-gba-tmpi" in self.agent:
            self.tmpi = kdf.tmpi(s.ks, s.rand, self.impi, ch.realm)
        self.secrets += [res, ck, ik, s.ks]
        return s

    async def bootstrap(self, conn=None, resync=True):
        """The whole run; one resynchronisation if the card wants it."""
        try:
            ch = await self.challenge(conn)
        except UbError as e:
            if e.response.status != 403 or self.tmpi is None:
                raise
            self.tmpi = None           # 33.220 4.5.2: forget the TMPI and try with the IMPI
            ch = await self.challenge(conn)
        try:
            res, ck, ik = self.usim.authenticate(ch.rand, ch.autn)
        except aka.SyncFailure as e:
            if not resync:
                raise
            r = await self.send(digest.format_params(self.auts_params(ch, e.auts)), conn)
            if r.status != 401:
                raise UbError(r) from e
            ch = Challenge(r)
            res, ck, ik = self.usim.authenticate(ch.rand, ch.autn)
        r, params = await self.answer(ch, res, conn)
        return self.finish(ch, params, r, res, ck, ik)


def parse_info(body):
    """(B-TID, expiry as Unix seconds) of BootstrappingInfo, strictly."""
    root = ElementTree.fromstring(body)
    assert root.tag == NS + "BootstrappingInfo", root.tag
    life = root.findtext(NS + "lifetime")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", life), life
    return root.findtext(NS + "btid"), calendar.timegm(time.strptime(life, "%Y-%m-%dT%H:%M:%SZ"))


class UaClient:
    """HTTP Digest on Ua: username B-TID, password base64(Ks_NAF)."""

    def __init__(self, port, fqdn="naf1.example.com", host="127.0.0.1"):
        self.port, self.fqdn, self.host = port, fqdn, host
        self.agent = "e2e/1.0 3gpp-gba"
        self.challenge, self.nc = None, 0
        self.source = None         # address to come from

    async def get(self, target="/", authorization=None, method="GET", body=b"", http_host=None, timeout=15):
        h = [("Host", http_host or f"{self.fqdn}:{self.port}"), ("User-Agent", self.agent)]
        if authorization:
            h.append(("Authorization", authorization))
        return await http_raw.once(self.port, method, target, h, body, self.host, self.source, timeout)

    def authorization(self, session, target="/", qop="", method="GET", body=b"", key=None, nc=None, **wrong):
        """Answer to self.challenge; key: octets used in place of the right Ks_NAF. qop: "" takes auth-int if offered."""
        c = self.challenge
        if qop == "":
            offered = (c.get("qop") or "auth").split(",")
            qop = "auth-int" if "auth-int" in offered else offered[0]
        if nc is None:
            self.nc += 1
            nc = self.nc
        key = key if key is not None else session.ks_naf(self.fqdn)
        p = {"username": session.btid, "realm": c["realm"], "nonce": c["nonce"], "uri": target, "qop": qop,
             "nc": f"{nc:08x}", "cnonce": os.urandom(8).hex(), "opaque": c.get("opaque"), "algorithm": c.get("algorithm")}
        pre = {k: v for k, v in wrong.items() if k in ("username", "realm", "nonce", "uri")}
        p.update(pre)
        alg = "sha256" if (p["algorithm"] or "MD5").upper().startswith("SHA-256") else "md5"
        p["response"] = digest.response(p["username"], p["realm"], base64.b64encode(key), method, p["uri"], p["nonce"],
                                        p["nc"], p["cnonce"], qop, body, alg)
        p.update(wrong)
        return digest.format_params(p)

    def take(self, response):
        """Remember the challenge of a 401."""
        self.challenge = digest.parse_params(response.get("WWW-Authenticate"))
        self.nc = 0
        return self.challenge

    async def fetch(self, session, target="/", **kw):
        """Challenge if needed, then the page; returns the last response."""
        if self.challenge is None:
            r = await self.get(target)
            if r.status != 401:
                return r
            self.take(r)
        return await self.get(target, self.authorization(session, target, **kw), kw.get("method", "GET"), kw.get("body", b""))
