# SPDX-License-Identifier: AGPL-3.0-or-later
"""Certificates changed while the daemons run: by the VTY and by SIGHUP, under load, with files that are wrong, and for those who are
connected already."""
import asyncio
import os
import signal
import ssl

from lib import dia, dia_peer, naf, vty
from lib.pki import pki
from lib.runner import test
from lib.tls import NAF_ID, client, tls_world
from lib.world import BSF_ID, HSS_ID, World

CHANGES = int(os.environ.get("GBA_TLS_CHANGES", "100"))
LONG = 400 * 86400


def live(name, identity):
    """A certificate that will be changed."""
    return pki().make(name, identity, until=LONG)


async def shown(w):
    """What the BSF shows to who connects now."""
    conn = await dia_peer.connect(w.ports["tls"], NAF_ID, "example.com", [dia.APP_ZN], tls=client(), cer=False)
    der = conn.writer.get_extra_info("ssl_object").getpeercert(True)
    conn.abort()
    return der


def der_of(pair):
    with open(pair.certificate, encoding="ascii") as f:
        return ssl.PEM_cert_to_DER_cert(f.read())


class Operator:
    """An enabled VTY."""

    def __init__(self, v):
        self.command = v.command

    @classmethod
    async def of(cls, t, w, which):
        v = await vty.Vty.open(w.ports[which + "_vty"])
        t.cleanup(v.close)
        await v.command("enable")
        return cls(v)


class Load:
    """BIRs over TLS on connections that stay, bootstraps, and connections that come and go; .wrong is what did not go well."""

    def __init__(self, w, nafs, session):
        self.w, self.session, self.stop, self.no_devices = w, session, False, False
        self.birs = self.boots = self.comers = self.again = 0
        self.wrong = []
        self.tasks = [asyncio.ensure_future(self._guard(f)) for f in
                      [self._naf(n) for n in nafs] + [self._device(i) for i in range(3)] + [self._comer()]]

    async def _guard(self, coro):
        try:
            await coro
        except Exception as e:                                    # told at the end
            self.wrong.append(repr(e))

    async def connect(self, identity):
        return await dia_peer.connect(self.w.ports["tls"], identity, "example.com", [dia.APP_ZN], tls=client(identity))

    async def _naf(self, identity):
        conn = await self.connect(identity)
        while not self.stop:
            if conn.got_dpr.is_set():                             # we are asked to come again
                await conn.closed.wait()
                conn, self.again = await self.connect(identity), self.again + 1
            for bia in await asyncio.gather(*(naf.fetch(conn, self.session.btid, timeout=20) for _ in range(16))):
                if bia.result == 3004 and conn.got_dpr.is_set():
                    continue                                      # not lost: it is told to ask again
                self.birs += 1
                if bia.key != self.session.ks_naf():
                    self.wrong.append(f"BIR {bia.result}")
            await asyncio.sleep(0.01)
        await conn.disconnect()

    async def _device(self, i):
        ue = self.w.ue(i)
        while not self.stop and not self.no_devices:
            await ue.bootstrap()
            self.boots += 1
            await asyncio.sleep(0.01)

    async def _comer(self):
        ctx = client("comer.example.com")
        while not self.stop:
            conn = await dia_peer.connect(self.w.ports["tls"], "comer.example.com", "example.com", [dia.APP_ZN], tls=ctx)
            if (await naf.fetch(conn, self.session.btid)).key != self.session.ks_naf():
                self.wrong.append("who came")
            await conn.disconnect()
            self.comers += 1
            await asyncio.sleep(0.1)                              # 16 handshakes of an address are allowed in a second

    async def end(self):
        self.stop = True
        await asyncio.gather(*self.tasks)


@test("certificates changed 100 times under BIRs, bootstraps and connections that come and go: no request lost; then all peers anew",
      smoke=True, timeout=180)
async def under_load(t):
    bsf, hss = live("bsf_live", BSF_ID), live("hss_live", HSS_ID)
    nafs = [f"n{n}.example.com" for n in range(3)]
    w = await tls_world(t, bsf=bsf, hss=hss, n_cards=4, nafs=nafs + ["comer.example.com"]).no_limits().start()
    load = Load(w, nafs, await w.ue(3).bootstrap())
    at_bsf, at_hss = await Operator.of(t, w, "bsf"), await Operator.of(t, w, "hss")
    for n in range(CHANGES):
        pki().install(live(f"bsf_{n % 2}", BSF_ID), bsf)
        assert "reloaded: until 20" in await at_bsf.command("tls reload")
        pki().install(live(f"hss_{n % 2}", HSS_ID), hss)
        assert "reloaded: until 20" in await at_hss.command("tls reload")
    assert not load.wrong, load.wrong[:5]
    assert "lost" not in "".join(x for x in w.bsf.text().split("\n") if HSS_ID in x), "the connections went on"
    assert await shown(w) == der_of(bsf)
    changed = load.birs, load.boots, load.comers
    t.note(f"{CHANGES} changes at both ends, {load.birs} BIRs, {load.boots} bootstraps, {load.comers} new connections")
    assert all(changed)
    load.no_devices = True                                        # one may find the HSS away for a moment
    await asyncio.gather(*load.tasks[3:6])
    load.tasks[3:6] = []
    since = w.bsf.mark()
    assert "%" not in await at_bsf.command("peers reconnect")

    async def all_again():
        return load.again >= len(nafs) and w.bsf.text(since).count(f"peer {HSS_ID} connected") == 1 and await w.hss_open()
    await t.until(all_again, 20, "all peers to be back")
    await load.end()
    assert not load.wrong, load.wrong[:5]
    await w.ue().bootstrap()


@test("tls reload with a file that is wrong: says which and why, the former stays; SIGHUP does the same; its end is said before",
      smoke=True)
async def wrong_files(t):
    bsf = pki().make("bsf_soon", BSF_ID, until=20 * 86400 + 60)
    hss = live("hss_live", HSS_ID)
    w = await tls_world(t, bsf=bsf, hss=hss).start()
    assert f"TLS: our certificate ends in 20 days: {bsf.certificate}" in w.bsf.text()
    assert f"Diameter peer {BSF_ID}: certificate ends in 20 days" in w.hss.text()
    assert "ends in" not in "".join(x for x in w.bsf.text().split("\n") if HSS_ID in x)
    op, before = await Operator.of(t, w, "bsf"), der_of(bsf)
    assert f"certificate {bsf.certificate}, until 20" in await op.command("show tls")
    old = pki().make("old", BSF_ID, since=-7200, until=-3600)
    for spoil, why in ((lambda: pki().install(old, bsf), "has expired"),
                       (lambda: os.unlink(bsf.certificate), "No such file"),
                       (lambda: pki().make("bsf_soon", BSF_ID) and os.chmod(bsf.key, 0o644), "readable or writable by others")):
        spoil()
        since = w.bsf.mark()
        out = await op.command("tls reload")
        assert "% not reloaded: " in out and why in out, out
        assert "TLS: not reloaded, the former stays: " in w.bsf.text(since) and why in w.bsf.text(since), w.bsf.text(since)
        assert await shown(w) == before
    since = w.bsf.mark()
    w.bsf.proc.send_signal(signal.SIGHUP)
    await t.until(lambda: _in(w.bsf, since, "not reloaded"), 10, "SIGHUP to be refused")
    pki().install(live("bsf_new", BSF_ID), bsf)
    w.bsf.proc.send_signal(signal.SIGHUP)
    await t.until(lambda: _in(w.bsf, since, "TLS: reloaded for new connections"), 10, "SIGHUP to be followed")
    assert await shown(w) == der_of(bsf) != before
    pki().install(live("bsf_other", "other.example.com"), bsf)
    since = w.bsf.mark()
    assert "reloaded" in await op.command("tls reload")
    assert f"our certificate is not for {BSF_ID}" in w.bsf.text(since)


async def _in(daemon, since, word):
    return word in daemon.text(since)


@test("without a certificate tls reload says so, and SIGHUP only opens the log anew", smoke=True)
async def none(t):
    w = await World(t).start()
    op = await Operator.of(t, w, "bsf")
    assert "% not reloaded: no certificate is configured" in await op.command("tls reload")
    assert "no certificate is configured" in await op.command("show tls")
    since = w.bsf.mark()
    w.bsf.proc.send_signal(signal.SIGHUP)
    await w.ue().bootstrap()
    assert "TLS" not in w.bsf.text(since)
