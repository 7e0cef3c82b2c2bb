# SPDX-License-Identifier: AGPL-3.0-or-later
"""The certificate of gba-regd's HTTPS: changed without a restart, a wrong file changes nothing, its end is said before."""
import asyncio
import os
import signal
import ssl

from lib import procs, vty
from lib.pki import pki
from lib.reg_api import ApiRealm
from lib.registry import OWN, Registry
from lib.runner import test

DAY = 86400


async def serial(w, port):
    """Of the certificate that curl is shown there; it trusts our CA alone, or the reason why it does not."""
    rc, out, err = await procs.run(["curl", "-sS", "-m", "20", "--cacert", pki().ca(), "-w", "%{certs}", "-o", os.devnull,
                                    f"https://localhost:{port}/openapi.json"], 30)
    assert rc == 0, err
    return next(x for x in out.split("\n") if x.startswith("Serial Number:"))


async def logged(t, w, since, word):
    async def there():
        return word in w.reg.text(since)
    await t.until(there, 20, f"'{word}' in the log", then=lambda: w.reg.text(since))


@test("registry api: certificate, key and CAs are changed by tls reload and SIGHUP; a wrong file leaves all as it was and is said",
      smoke=True)
async def reload(t):
    w = ApiRealm(t)
    pki().install(pki().make("api-soon", "localhost", until=20 * DAY + 60), w.server)
    await w.start()
    assert f"TLS of the API: our certificate ends in 20 days: {w.server.certificate}" in w.reg.text()
    first, kept = await serial(w, w.api), w.link()
    assert (await kept.ask("GET", "/openapi.json")).status == 200
    assert await serial(w, w.clients) == first
    op = await vty.Vty.open(w.ports["reg_vty"])
    await op.command("enable")
    assert f"certificate {w.server.certificate}, until 20" in await op.command("show tls")
    old = pki().make("api-old", "localhost", since=-7200, until=-3600)
    other = pki().make("api-other", "localhost")
    for spoil, why in ((lambda: pki().install(old, w.server), "has expired"),
                       (lambda: os.unlink(w.server.certificate), "No such file"),
                       (lambda: pki().install(type(old)(other.certificate, old.key), w.server), "tls certificate and tls key"),
                       (lambda: pki().install(other, w.server) or os.chmod(w.server.key, 0o644), "may be read by others")):
        spoil()
        since = w.reg.mark()
        said = await op.command("tls reload")
        assert "% not reloaded: " in said and why in said, said
        assert "not reloaded, the former stays: " in w.reg.text(since) and why in w.reg.text(since), w.reg.text(since)
        assert await serial(w, w.api) == await serial(w, w.clients) == first
    since = w.reg.mark()
    w.reg.proc.send_signal(signal.SIGHUP)
    await logged(t, w, since, "not reloaded, the former stays: ")
    os.chmod(w.server.key, 0o600)
    assert "reloaded: until 20" in await op.command("tls reload")
    second = await serial(w, w.api)
    assert await serial(w, w.clients) == second != first
    assert (await kept.ask("GET", "/openapi.json")).status == 200                              # who is there stays
    pki().install(pki().make("api-third", "localhost"), w.server)
    since = w.reg.mark()
    w.reg.proc.send_signal(signal.SIGHUP)
    await logged(t, w, since, "TLS of the API: reloaded for new connections, until 20")
    assert await serial(w, w.api) == await serial(w, w.clients) not in (first, second)


@test("registry api: who may come by a client certificate follows the CAs when they are reloaded", smoke=True)
async def other_ca(t):
    w, name = ApiRealm(t), "ops.example.com"
    ca = os.path.join(w.etc, "clients.pem")

    def trust(which):
        with open(pki().ca(which), "rb") as f, open(ca, "wb") as out:
            out.write(f.read())
    trust("ca")
    lines = w.reg_cfg.node("api")
    lines[:] = [f" tls ca {ca}" if x.startswith(" tls ca ") else x for x in lines]
    await w.start()
    await w.order(f"certificate add {name} operator")
    ours, theirs = pki().make("api-ca1", name, usage="client"), pki().make("api-ca2", name, usage="client", ca="other")
    op = await vty.Vty.open(w.ports["reg_vty"])
    await op.command("enable")

    async def who():
        return [(await w.curl("/tokens", port=w.clients, pair=pair))[0] for pair in (ours, theirs)]
    assert await who() == [200, 401]
    trust("other")
    assert "reloaded" in await op.command("tls reload")
    assert await who() == [401, 200]


@test("without an API tls reload says that there is no certificate, and SIGHUP only opens the log anew", smoke=True)
async def none(t):
    w = ApiRealm(t)
    w.reg_cfg.remove_node("api")
    await w.start()
    op = await vty.Vty.open(w.ports["reg_vty"])
    await op.command("enable")
    assert "% not reloaded: no certificate is configured" in await op.command("tls reload")
    w.reg.proc.send_signal(signal.SIGHUP)
    assert "no certificate is configured" in await op.command("show tls")


@test("registry: the certificate of its own application is changed by tls reload and SIGHUP, too; a wrong one leaves it as it was; who is there stays",
      smoke=True)
async def own_application(t):
    w = Registry(t, tls=pki().make("own", OWN))
    await w.start()

    async def come():
        reader, writer = await asyncio.open_connection("127.0.0.1", w.ports["own"], ssl=ssl.create_default_context(cafile=pki().ca()), server_hostname=OWN)
        t.cleanup(writer.close)
        return reader, writer

    async def number():
        return (await come())[1].get_extra_info("peercert")["serialNumber"]

    async def status(reader, writer):
        writer.write(f"GET / HTTP/1.1\r\nHost: {OWN}\r\n\r\n".encode())
        return (await asyncio.wait_for(reader.readuntil(b"\r\n"), 20 * procs.FACTOR))[:12]
    kept, first = await come(), await number()
    op = await vty.Vty.open(w.ports["reg_vty"])
    await op.command("enable")
    assert f"certificate {w.tls.certificate}, until 20" in await op.command("show tls")
    for bad, why in ((pki().make("own-other", "other.example.com"), "the certificate is not for " + OWN),
                     (pki().make("own-old", OWN, since=-7200, until=-3600), "expired"),
                     (type(w.tls)(pki().make("own-next", OWN).certificate, w.tls.key), "is not the key of the certificate")):
        pki().install(bad, w.tls)
        since = w.reg.mark()
        said = await op.command("tls reload")
        assert "% not reloaded: " in said and why in said and "TLS of own-app: not reloaded" in w.reg.text(since), said
        assert await number() == first
    pki().install(pki().make("own-second", OWN), w.tls)
    assert "reloaded: until 20" in await op.command("tls reload")
    second = await number()
    pki().install(pki().make("own-third", OWN), w.tls)
    since = w.reg.mark()
    w.reg.proc.send_signal(signal.SIGHUP)
    await logged(t, w, since, "TLS of own-app: reloaded for new connections, until 20")
    assert len({first, second, await number()}) == 3
    assert await status(*kept) == await status(*await come()) == b"HTTP/1.1 401"
