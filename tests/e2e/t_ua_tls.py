# SPDX-License-Identifier: AGPL-3.0-or-later
"""HTTP Digest within TLS on Ua: the key is for the cipher suite, too (TS 33.220 H.3), and nobody on the way reads what is exchanged."""
import asyncio
import json
import os
import ssl

from lib import digest, procs
from lib.pki import pki
from lib.proxy import tls_front
from lib.registry import ASP, FQDN, OWN, Realm, Registry
from lib.runner import test
from lib.ue import UaClient
from lib.world import BSF_NAME

AES_128, AES_256 = ("TLS_AES_128_GCM_SHA256", "0100011301"), ("TLS_AES_256_GCM_SHA384", "0100011302")


class Wire:
    """What passes between a device and a port, both ways."""

    def __init__(self, to):
        self.to, self.octets, self.port = to, b"", procs.free_port()

    async def start(self, t):
        server = await asyncio.start_server(self._pass, "127.0.0.1", self.port)
        t.cleanup(server.close)
        return self

    async def _copy(self, reader, writer):
        while data := await reader.read(65536):
            self.octets += data
            writer.write(data)
        writer.close()

    async def _pass(self, reader, writer):
        r, w = await asyncio.open_connection("127.0.0.1", self.to)
        await asyncio.gather(self._copy(reader, w), self._copy(r, writer), return_exceptions=True)


async def get(w, port, *words, fqdn=FQDN, ca="ca", card=0, scheme="https"):
    """gba-ue with a card and one page's port. -> exit code, its object"""
    argv = [w.t.need_program("gba-ue"), "-c", w.usim(card), "--connect-to", f"{BSF_NAME}:80:127.0.0.1:{w.ports['ub']}",
            "--connect-to", f"{fqdn}::127.0.0.1:{port}", "--json", *(["--ca", pki().ca(ca)] if scheme == "https" else []), *words, f"{scheme}://{fqdn}/"]
    rc, out, err = await procs.run(argv, 30)
    assert out, err
    return rc, json.loads(out)


async def sealed(t):
    """A realm whose one application takes keys of one cipher suite only. -> realm, application, pair for its name"""
    w = Realm(t)
    w.reg_cfg.add("profile sealed", f"ua-protocol {AES_128[1]}")
    await w.start()
    impi = w.cards[0].impi
    await w.order(f"app add {ASP} {FQDN} 127.0.0.1/32")
    await w.order(f"app profile {FQDN} sealed")
    await w.order(f"device add {impi}")
    await w.order(f"grant {impi} {FQDN}")
    app = await w.app()
    return w, await app.start(), pki().make("front", FQDN)


@test("gba-ue get https://: the page behind a proxy that speaks TLS, by a key for its cipher suite; who is on the way sees neither page nor credentials", smoke=True,
      timeout=90)
async def page(t):
    w, app, own = await sealed(t)
    wire = await Wire(await tls_front(t, app.port, own, AES_128[0])).start(t)
    for bootstrapped in (True, False):
        rc, x = await get(w, wire.port, "get")
        assert (rc, x["status"], x["bootstrapped"]) == (0, 200, bootstrapped) and x["answer_proved"], x
    assert len(wire.octets) > 1000
    for secret in (x["body"].encode(), b"Authorization", b"3GPP-bootstrapping", b"HTTP/1.1", w.cards[0].imsi.encode()):
        assert secret and secret not in wire.octets, secret


@test("gba-ue get https://: a server with another's certificate is told nothing, and a key of another suite, or of no TLS, opens no page", smoke=True, timeout=90)
async def no_page(t):
    w, app, own = await sealed(t)
    for pair, ca in ((own, "other"), (pki().make("wrong", "other.example.com"), "ca")):
        port = await tls_front(t, app.port, pair, AES_128[0])
        rc, x = await get(w, port, "get", ca=ca)
        assert (rc, x["cause"]) == (3, "certificate") and not app.requests(), x
    for port, scheme in ((await tls_front(t, app.port, own, AES_256[0]), "https"), (app.port, "http")):
        rc, x = await get(w, port, "get", scheme=scheme)
        assert (rc, x["cause"]) == (1, "key_refused"), (scheme, x)


async def by_hand(port, session, context, spoil=0):
    """One page of the registry's own application within TLS, written here once more. -> status"""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=OWN)
    tls = writer.get_extra_info("ssl_object")
    suite = next(c["id"] & 0xffff for c in context.get_ciphers() if c["name"] == tls.cipher()[0]) ^ spoil

    async def ask(authorization=None):
        head = f"GET / HTTP/1.1\r\nHost: {OWN}\r\nUser-Agent: e2e 3gpp-gba\r\n" + (f"Authorization: {authorization}\r\n" if authorization else "")
        writer.write(head.encode() + b"\r\n")
        text = (await reader.readuntil(b"\r\n\r\n")).decode()
        await reader.readexactly(int(text.lower().split("content-length:")[1].split()[0]))
        return int(text.split()[1]), text
    status, text = await ask()
    assert status == 401, text
    c = digest.parse_params(next(x for x in text.split("\r\n") if x.lower().startswith("www-authenticate:")).split(":", 1)[1].strip())
    key = session.ks_naf(OWN, bytes((1, 0, 1)) + suite.to_bytes(2, "big"))
    ua = UaClient(port, OWN)
    ua.challenge = c
    status, _ = await ask(ua.authorization(session, key=key))
    writer.close()
    return suite, status


@test("gba-ue apps over TLS: the list of the registry's own application, its server known by its certificate; each suite has its own key, TLS 1.2 and 1.3",
      smoke=True, timeout=90)
async def apps(t):
    w = await Registry(t, pki().make("own", OWN)).start()
    await w.granted()
    assert (await w.order("discovery"))["apps_url"] == f"https://{OWN}:{w.ports['own']}/"
    wire = await Wire(w.ports["own"]).start(t)
    rc, x = await get(w, wire.port, "apps", fqdn=OWN)
    assert rc == 0 and [a["fqdn"] for a in x["apps"]] == [FQDN], x
    assert FQDN.encode() not in wire.octets and b"3GPP-bootstrapping" not in wire.octets
    rc, x = await get(w, wire.port, "apps", fqdn=OWN, ca="other")
    assert (rc, x["cause"]) == (3, "certificate"), x
    rc, x = await get(w, wire.port, "apps", fqdn=OWN, scheme="http")
    assert rc in (1, 4) and "apps" not in x, x

    s, seen = await w.ue(0).bootstrap(), set()
    for version, ciphers in ((ssl.TLSVersion.TLSv1_3, None), (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-GCM-SHA256"),
                             (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-CHACHA20-POLY1305")):
        context = ssl.create_default_context(cafile=pki().ca())
        context.minimum_version = context.maximum_version = version
        if ciphers:
            context.set_ciphers(ciphers)
        suite, status = await by_hand(w.ports["own"], s, context)
        assert status == 200, hex(suite)
        seen.add(suite)
        assert (await by_hand(w.ports["own"], s, context, spoil=1))[1] == 401, "a key of another suite"
    assert len(seen) == 3 and {0xc02b, 0xcca9} < seen, seen


@test("gba-regd: what is wrong with the certificate of its own application is said at the start", smoke=True)
async def wrong(t):
    w = Registry(t)
    good, other = pki().make("own", OWN), pki().make("foreign", "other.example.com")
    await w.start()
    c = w.reg_cfg
    lines = list(c.node("registry"))
    for certificate, key, said in ((good.certificate, None, "go together"), (good.certificate, other.key, "is not the key of the certificate"),
                                   (other.certificate, other.key, f"the certificate is not for {OWN}"), ("/nowhere", good.key, "/nowhere")):
        c.node("registry")[:] = lines
        c.add("registry", f"own-app tls certificate {certificate}")
        if key:
            c.add("registry", f"own-app tls key {key}")
        c.write(os.path.join(w.etc, "wrong.cfg"))
        rc, out, err = await procs.run([t.need_program("gba-regd"), "-c", f"{w.etc}/wrong.cfg", "--check"], 20)
        assert rc == 1 and said in out + err, (said, out, err)
