# SPDX-License-Identifier: AGPL-3.0-or-later
"""TLS and certificates with each thing that can be wrong, seen in the log of both ends; and with peers of others."""
import asyncio
import json
import os
import ssl
import time

from lib import aka, causes, dia, dia_peer, naf, procs, vty
from lib.app import RawBsf, a_btid, fingerprint
from lib.dra import DRA_ID, relay
from lib.faketime import WallClock
from lib.otp import compiled
from lib.pki import NONE, pki
from lib.runner import test
from lib.tls import NAF_ID, tls_world
from lib.world import BSF_ID, HSS_ID

# what is wrong with a certificate: the word of who sees it, and of who shows it (a name is judged at the CER, so a CEA tells it)
NAME = "its certificate does not name it"
WORDS = {
    "wrong name": (NAME, NAME), "wildcard": (NAME, NAME), "NUL": (NAME, NAME), "CN alone": (NAME, NAME),
    "other CA": ("its certificate is of another CA", 'alert "unknown CA" from it'),
    "expired": ("its certificate, or one above it, has expired", 'alert "certificate expired" from it'),
    "not yet": ("its certificate is not valid yet", 'alert "bad certificate" from it'),
}


def then(t, what):
    """The environment in which such a certificate is good for who has it."""
    at = {"expired": -5400, "not yet": 5400}.get(what)
    if at is None:
        return None
    clock = WallClock(t, t.dir)
    clock.step(at)
    return clock.env


async def enabled(w, line, which="bsf"):
    v = await vty.Vty.open(w.ports[which + "_vty"])
    await v.command("enable")
    out = await v.command(line)
    v.close()
    return out


async def said(w, daemon, since, word):
    await w.t.until(lambda: _in(daemon, since, word), 10, f"{daemon.name} to say {word!r}", lambda: _tail(daemon, since))


async def _in(daemon, since, word):
    return word in daemon.text(since).replace('\\"', '"')


async def _tail(daemon, since):
    return daemon.text(since)[-1500:]


@test("certificates of a NAF: other name, wildcards, NUL, CN, other CA, expired, not yet valid; each has its word at both ends",
      smoke=True, timeout=120)
async def of_a_naf(t):
    w = await tls_world(t, bsf=pki().make("bsf", BSF_ID, since=-48 * 3600)).start()
    argv = [t.need_program("gba-naf"), "bir", a_btid(), "--naf", NAF_ID, "--ua", "0100000002", "--bsf", f"127.0.0.1:{w.ports['tls']}",
            "--json", "--timeout", str(int(5000 * procs.FACTOR)), "--identity", NAF_ID, "--ca", pki().ca()]

    async def asked(pair, env=None):
        rc, out, err = await procs.run(argv + ["--certificate", pair.certificate, "--key", pair.key], 30, env=env)
        return rc, json.loads(out)
    rc, o = await asked(pki().make("naf1", NAF_ID))
    assert o["result_code"] == 5403, o                            # it came through
    for what, pair in pki().wrong(NAF_ID).items():
        if pair is NONE:
            continue                                              # below, by s_client
        since, (here, there) = w.bsf.mark(), WORDS[what]
        rc, o = await asked(pair, then(t, what))
        assert rc == 4 and there in o["reason"], (what, o)
        await said(w, w.bsf, since, here)


@test("certificates of an HSS: each wrong one has its word at both ends, and it gets no request", timeout=120, req=["220-4.4.5-1"])
async def of_an_hss(t):
    live = pki().make("hss_live", HSS_ID)
    w = await tls_world(t, shards=1, hss=live).start()
    for what, pair in pki().wrong(HSS_ID).items():
        if what in ("none", "expired", "not yet"):
            continue                                              # an HSS of ours would not start with it
        pki().install(pair, live)
        bsf, hss = w.bsf.mark(), w.hss.mark()
        assert "reloaded" in await enabled(w, "tls reload", "hss"), what
        await enabled(w, f"peer {HSS_ID} reconnect")
        here = "its certificate is for another name" if WORDS[what][0] == NAME else WORDS[what][0]
        there = 'alert "bad certificate" from it' if WORDS[what][0] == NAME else WORDS[what][1]
        await said(w, w.bsf, bsf, here)
        await said(w, w.hss, hss, there)
        assert not await w.hss_open(), what
    pki().install(pki().make("hss_again", HSS_ID), live)
    assert "reloaded" in await enabled(w, "tls reload", "hss")
    await enabled(w, f"peer {HSS_ID} reconnect")
    await w.wait_hss_peer()
    await w.ue().bootstrap()


@test("certificates of a BSF: libgba-naf asks none with a wrong one, and says why", smoke=True, req=["220-4.4.6-2"])
async def of_a_bsf(t):
    fork, mine = t.need_program("naf_fork"), pki().make("naf1", NAF_ID)
    env = {"NAF_CERTIFICATE": mine.certificate, "NAF_KEY": mine.key, "NAF_CA": pki().ca()}

    async def one(pair):
        bsf = RawBsf()
        bsf.answer = [dia.Avp(dia.RESULT, 2001), dia.Avp(dia.ME_KEY, bytes(32)), dia.Avp(dia.KEY_EXPIRY, dia.to_ntp(int(time.time()) + 60))]
        await bsf.start(procs.free_port(), tls=pki().context(pair, True))
        t.cleanup(bsf.stop)
        rc, out, err = await procs.run([fork, "once", f"127.0.0.1:{bsf.port}", a_btid(), fingerprint(bytes(32))], 60, env=env)
        return rc, err, len(bsf.birs)
    rc, err, birs = await one(pki().make("bsf", BSF_ID))
    assert (rc, birs) == (0, 1), err
    wrong = {what: pair for what, pair in pki().wrong(BSF_ID).items() if pair is not NONE}     # a TLS server has one
    for what, (rc, err, birs) in zip(wrong, await asyncio.gather(*map(one, wrong.values()))):
        word = "its certificate is for another name" if WORDS[what][0] == NAME else WORDS[what][0]
        assert rc != 0 and birs == 0 and word in err, (what, rc, birs, err)


@test("certificates of a BSF: the simulator answers none with a wrong one, and says why", smoke=True, req=["220-4.4.5-2"])
async def of_a_bsf_on_zh(t):
    w = tls_world(t)
    await w.start(bsf=False)

    async def cer(pair):
        conn = await dia_peer.connect(w.ports["hss"], BSF_ID, BSF_ID.split(".", 1)[1], [dia.APP_ZH], tls=pki().context(pair, False))
        t.cleanup(conn.close)
        return conn.cea.result
    assert await cer(pki().make("bsf", BSF_ID)) == 2001
    for what, pair in pki().wrong(BSF_ID).items():
        since = w.hss.mark()
        try:
            assert await cer(pair) == 3010, what
        except (dia_peer.PeerClosed, ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
            assert WORDS.get(what, (None,))[0] != NAME, f"{what}: a name is judged at the CER"
        await said(w, w.hss, since, WORDS[what][0] if what in WORDS else "it has shown no certificate")


@test("tls-key of a BSF at the simulator: with another key it gets 3010 for a cause of its own; never plain; live", smoke=True)
async def pinned_on_zh(t):
    w = tls_world(t)
    await w.start(bsf=False)
    mine, stolen = pki().make("mine", BSF_ID), pki().make("stolen", BSF_ID)

    async def cer(pair):
        conn = await dia_peer.connect(w.ports["hss"], BSF_ID, BSF_ID.split(".", 1)[1], [dia.APP_ZH], tls=pki().context(pair, False))
        t.cleanup(conn.close)
        return conn
    assert "%" not in await vty.typed(w, f"bsf {BSF_ID}", f"tls-key {mine.pin()}", which="hss")
    async with causes.counted(w, "hss", dia_key=1):
        assert (await cer(stolen)).cea.result == 3010
    conn = await cer(mine)
    assert conn.cea.result == 2001 and f"\n tls-key {mine.pin()}\n" in await enabled(w, "show running-config", "hss")
    for line, why in (("tls-key sha256:00", "is no public key; allowed: sha256: and 64 hex digits"), (f"no tls-key {stolen.pin()}", "is not there"),
                      ("security plain", "tls-key needs a certificate to look at")):
        assert why in await vty.typed(w, f"bsf {BSF_ID}", line, which="hss"), line
    assert "%" not in await vty.typed(w, f"bsf {BSF_ID}", f"tls-key {stolen.pin()}", f"no tls-key {mine.pin()}", which="hss")
    await asyncio.wait_for(conn.closed.wait(), 15 * procs.FACTOR)                 # what is open goes, too
    assert (await cer(stolen)).cea.result == 2001


@test("openssl s_client: a CER gets its CEA through it; without a certificate, and with TLS 1.1, it is refused with a word", smoke=True,
      req=["220-4.4.6-1", "220-E-1"])
async def s_client(t):
    openssl = t.need_tool("openssl", "openssl")
    w = await tls_world(t).start()
    mine = pki().make("naf1", NAF_ID)
    argv = [openssl, "s_client", "-connect", f"127.0.0.1:{w.ports['tls']}", "-CAfile", pki().ca(), "-quiet", "-verify_return_error",
            "-verify_hostname", BSF_ID]
    certified = argv + ["-cert", mine.certificate, "-key", mine.key]
    p = await asyncio.create_subprocess_exec(*certified, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                                             stderr=asyncio.subprocess.DEVNULL)
    conn = dia_peer.Conn(p.stdout, SClient(p.stdin), NAF_ID, "example.com", [dia.APP_ZN])
    conn.start()
    assert (await conn.capabilities_exchange()).result == 2001
    await conn.disconnect()
    await asyncio.wait_for(p.wait(), 10 * procs.FACTOR)
    for more, there, here in ((["-tls1_2"], "handshake failure", "it has shown no certificate"),
                              (["-tls1_3"], "certificate required", "it has shown no certificate"),
                              (["-tls1_1", "-cipher", "ALL@SECLEVEL=0"], "protocol version", "no common version of TLS")):
        since = w.bsf.mark()
        rc, out, err = await procs.run(argv + more, 20)
        assert there in err, (more, err)
        await said(w, w.bsf, since, here)


class SClient:
    """Standard input of s_client as the writer of a connection."""

    def __init__(self, stdin):
        self.write, self.drain, self.close = stdin.write, stdin.drain, stdin.close

    @staticmethod
    def get_extra_info(_):
        return ("127.0.0.1", 0)


@test("after CER, each wrong certificate: told after the handshake by alert or by the end, with a word in the log; the right one asks",
      smoke=True, req=["220-4.4.6-1", "220-E-1"])
async def after_cer(t):
    w = tls_world(t, nafs=(NAF_ID,))
    w.bsf_cfg.add(f"naf {NAF_ID}", "security tls-after-cer")
    await w.start()
    boot = await w.ue().bootstrap()

    async def come(pair):
        conn = await dia_peer.connect_then_tls(w.ports["dia"], NAF_ID, "example.com", [dia.APP_ZN], pki().context(pair, False), BSF_ID)
        t.cleanup(conn.close)
        return conn
    for what, pair in pki().wrong(NAF_ID).items():
        since = w.bsf.mark()
        try:
            conn = await come(pair)
            await asyncio.wait_for(conn.closed.wait(), 10 * procs.FACTOR)
        except (ssl.SSLError, ConnectionError):                   # told within the handshake
            pass
        await said(w, w.bsf, since, "it has shown no certificate" if pair is NONE else WORDS[what][0])
    conn = await come(pki().make("naf1", NAF_ID))
    assert (await naf.fetch(conn, boot.btid)).key == boot.ks_naf()


@test("we connect and TLS comes after CER: each wrong certificate of the HSS ends it with its word, the right one gets requests",
      timeout=120)
async def we_after_cer(t):
    w = tls_world(t, "tls-after-cer", shards=1)
    w.write_configs()
    t.worlds.append(w)
    hss = dia_peer.Server(HSS_ID, "mnc001.mcc001.3gppnetwork.org", [dia.APP_ZH])
    await hss.start(w.ports["hss"])
    t.cleanup(hss.stop)
    w.bsf, wrong = w.bsf_daemon(), pki().wrong(HSS_ID)
    t.watch(w.bsf)
    for what, pair in wrong.items():
        if pair is NONE:
            continue                                              # a TLS server has one
        since, hss.tls_after = w.bsf.mark(), pki().context(pair, True)
        if not w.bsf.running:
            await w.bsf.start()
        else:
            await enabled(w, f"peer {HSS_ID} reconnect")
        await said(w, w.bsf, since, "its certificate is for another name" if WORDS[what][0] == NAME else WORDS[what][0])
        assert not await w.hss_open(), what
    hss.tls_after = pki().context(pki().make("hss", HSS_ID), True)
    await enabled(w, f"peer {HSS_ID} reconnect")
    await w.wait_hss_peer()


@test("libgba-naf and gba-bsfd over TLS: parent and children get the key; towards another's certificate none, and both say why", smoke=True,
      req=["220-4.2.2-2", "220-4.4.6-2"])
async def library(t):
    w = tls_world(t)
    w.bsf_cfg.add(f"naf {NAF_ID}", "connections 8")
    await w.start()
    boot, mine = await w.ue().bootstrap(), pki().make("naf1", NAF_ID)
    argv = [t.need_program("naf_fork"), "once" if procs.SANITIZED == "thread" else "prefork", f"127.0.0.1:{w.ports['tls']}", boot.btid,
            fingerprint(boot.ks_naf()), "5"]
    env = {"NAF_CERTIFICATE": mine.certificate, "NAF_KEY": mine.key, "NAF_CA": pki().ca()}
    rc, out, err = await procs.run(argv, 50, env=env)
    assert rc == 0 and "our certificate ends in 2" in err, (rc, out, err)
    since = w.bsf.mark()
    foreign = pki().make("foreign_naf", NAF_ID, ca="other")
    argv[1] = "once"
    rc, out, err = await procs.run(argv, 50, env=env | {"NAF_CERTIFICATE": foreign.certificate, "NAF_KEY": foreign.key})
    assert rc and 'alert "unknown CA" from it' in err, (rc, err)
    await said(w, w.bsf, since, "its certificate is of another CA")


def fd_tls():
    """freeDiameter wants its identity as CN of its own certificate."""
    pair = pki().make("dra", DRA_ID, cn=DRA_ID, bits=2048)
    return pair.certificate, pair.key, pki().ca()


@test("freeDiameterd between NAF and BSF, TLS first and after CER, it dials us and we dial it: keys over it", timeout=240)
async def relays(t):
    for how, dials in (("tls", True), ("tls-after-cer", True), ("tls", False), ("tls-after-cer", False)):
        first = how == "tls"
        port, tls_port = procs.free_port(), procs.free_port()
        w = tls_world(t, name=f"{how}-{dials}")
        w.bsf_cfg.add(f"peer {DRA_ID}", f"security {how}")
        w.bsf_cfg.add(f"peer {DRA_ID}", "address 127.0.0.1" if dials else f"connect 127.0.0.1 {tls_port if first else port}")
        w.bsf_cfg.set(f"naf {NAF_ID}", f"via {DRA_ID}")
        w.bsf_cfg.remove(f"naf {NAF_ID}", "address")
        await w.start()
        there = {BSF_ID: (w.ports["tls"], "") if first else (w.ports["dia"], "TLS_old_method")} if dials else {}
        fd = await relay(t, there, [NAF_ID] + ([] if dials else [(BSF_ID, "" if first else "ALLOW_OLD_TLS")]), port=port, tls=fd_tls(),
                         tls_port=tls_port)

        async def up():
            return any(DRA_ID in line and "TLSv1" in line for line in (await w.vty("show peers")).split("\n"))
        await t.until(up, 20, f"freeDiameterd, {how}, dials: {dials}", lambda: _tail(w.bsf, 0))
        boot = await w.ue().bootstrap()
        conn = await naf.connect(fd.port)
        t.cleanup(conn.close)
        assert (await naf.fetch(conn, boot.btid)).key == boot.ks_naf(), how
        await conn.disconnect()
        await fd.kill()
        await w.bsf.stop()
        await w.hss.stop()


async def erlang(t, how, pair, name):
    return {"HOME": t.dir, "GBA_TLS": how, "GBA_TLS_CERT": pair.certificate, "GBA_TLS_KEY": pair.key, "GBA_TLS_CA": pki().ca(),
            "GBA_TLS_NAME": name}


@test("erlang-diameter over TLS: as NAF before and after CER, a key; with another's certificate none; as HSS a vector",
      timeout=120)
async def otp(t):
    out = await compiled(t)
    w = tls_world(t, raw_hss=True)
    card = w.cards[0]
    rand = os.urandom(16)
    vector = (rand,) + aka.Milenage(card.k, card.opc).vector(rand, 33)
    w.write_configs()
    t.worlds.append(w)
    argv = ["erl", "-noshell", "-pa", out, "-run", "zh_hss", "main", str(w.ports["hss"]), card.impi] + [x.hex() for x in vector]
    hss = procs.Daemon("erlang", argv, t.dir + "/erlang.log", await erlang(t, "first", pki().make("hss", HSS_ID), BSF_ID), notifies=False)
    await hss.start()
    t.cleanup(hss.kill)
    w.bsf = w.bsf_daemon()
    t.watch(w.bsf)
    await w.bsf.start()
    await t.until(w.hss_open, 20, "the BSF and erlang to be connected", lambda: _tail(w.bsf, 0))
    assert f"TLSv1.3 {HSS_ID}" in await w.vty("show peers")
    boot = await w.ue().bootstrap()

    async def ask(how, pair):
        port = w.ports["tls" if how == "first" else "dia"]
        argv = ["erl", "-noshell", "-pa", out, "-run", "zn_naf", "-extra", str(port), boot.btid, NAF_ID]
        return await procs.run(argv, 40, env=await erlang(t, how, pair, BSF_ID))
    mine = pki().make("naf1", NAF_ID)
    rc, o, e = await ask("first", mine)
    assert rc == 0 and o.split("\n")[1] == f"key {boot.ks_naf().hex()}", (rc, o[:20], e)
    since = w.bsf.mark()
    rc, o, e = await ask("first", pki().make("other", "other.example.com"))
    assert rc == 1 and "no connection" in o, (rc, o, e)
    await said(w, w.bsf, since, NAME)
    v = await vty.Vty.open(w.ports["bsf_vty"])
    for line in ("enable", "configure terminal", f"naf {NAF_ID}", "security tls-after-cer"):
        assert "%" not in await v.command(line)
    v.close()
    rc, o, e = await ask("after-cer", mine)
    assert rc == 0 and o.split("\n")[1] == f"key {boot.ks_naf().hex()}", (rc, o[:20], e, w.bsf.text()[-800:])
