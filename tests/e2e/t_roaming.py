# SPDX-License-Identifier: AGPL-3.0-or-later
"""The Zn-Proxy of a visited network: a NAF abroad gets the key of a device at home, by the BSF at home, and nothing else."""
import asyncio
import os

from lib import causes, ctl, dia, dia_peer, kdf, memory, naf, procs, vty
from lib.app import a_btid
from lib.dia import Avp
from lib.dra import relay
from lib.pki import pki
from lib.roaming import DENIED, MINE, NAF_ID, PROXY_ID, REALM, Home, Proxy, ask, home_of, home_world, raw_home, roaming
from lib.runner import test
from lib.tls import certify, client
from lib.ue import UaClient
from lib.world import BSF_ID, BSF_NAME


async def let_in(t, connecting):
    """Is its CER answered with success?"""
    try:
        conn = await connecting
    except (dia_peer.PeerClosed, OSError):
        return False
    t.cleanup(conn.close)
    return conn.cea.result == 2001


@test("Zn-Proxy: a NAF of the visited network has the key that the device has; gba-naf asks for it as the manual says", smoke=True,
      req=["220-4.2.2a-1", "220-4.2.2a-2", "220-4.2.2a-3", "220-4.2.2a-8", "220-4.4.3-2", "220-4.4-3"])
async def key_abroad(t):
    w, p = await roaming(t)
    s = await w.ue().bootstrap()
    n = await p.naf()
    async with causes.counted(p, znproxy_ok=1), causes.counted(w, zn_ok=1):
        b = await ask(n, s.btid)
    assert b.result == 2001 and b.key == s.ks_naf(NAF_ID), b.msg
    assert f"route={NAF_ID}" in w.bsf.text() and f"peer={PROXY_ID}" in w.bsf.text(), w.bsf.tail(3)
    await n.disconnect()
    rc, out, err = await procs.run([t.need_program("gba-naf"), "bir", s.btid, "--naf", NAF_ID, "--ua", "0100000002", "--bsf",
                                    f"127.0.0.1:{p.ports['naf']}", "--peer", PROXY_ID, "--bsf-realm-from-btid", "--identity", NAF_ID,
                                    "--realm", "apps." + REALM], 30)
    assert rc == 0, out + err
    if os.geteuid() == 0 and not procs.SANITIZED:                   # whoever was asked, the key went through and is gone
        await t.until(lambda: not memory.search(p.daemon.pid, {"Ks_NAF": b.key})[0], 10, "the key to be gone from the proxy's memory")
    figures = (await ctl.ask(p.ports["ctl"], "figures"))["figures"]
    assert figures["answers_passed"] == 2 and figures["homes_connected"] == 1 and figures["requests_in_work"] == 0, figures


@test("Zn-Proxy: a request goes on as it came but for its hop-by-hop id and one Route-Record, an answer comes back as the home wrote it",
      smoke=True, req=["220-4.2.2a-2"])
async def as_it_came(t):
    p, (home,) = await raw_home(t)
    await p.start()
    n = await p.naf()
    info = Avp(dia.PROXY_INFO, [Avp(280, "x.example.com"), Avp(33, b"state")], 0)
    for flags in (dia.R | dia.P, dia.R | dia.P | dia.T):
        m = naf.bir(n, a_btid(), MINE, extra=[Avp(dia.ROUTE_RECORD, "forged.example.com"), info, Avp(9999, b"abc", 0, False)])
        m.flags, m.e2e = flags, 0x12345678
        home.answers = lambda conn, bir: conn.send(home.bia(bir, Avp(dia.RESULT, 2001), Avp(dia.ME_KEY, b"k" * 32), Avp(9998, b"own", 0, False)))
        a = await n.request(m)
        got = home.birs[-1]
        sent = m.encode()
        mine = Avp(dia.ROUTE_RECORD, NAF_ID).encode()
        assert got.encode()[20:] == sent[20:] + mine, got
        assert got.flags == flags and got.e2e == 0x12345678 and got.hbh != m.hbh
        assert a.e2e == m.e2e and a.flags == dia.P and a.find(9998).data == b"own", a
        assert a.text(dia.ORIGIN_HOST) == BSF_ID


@test("Zn-Proxy: what a NAF may not ask is refused with its own cause, and no home hears of it", smoke=True,
      req=["220-4.2.2a-4", "220-4.2.2a-5", "220-4.2.2a-6", "220-E-6"])
async def refusals(t):
    p, (home,) = await raw_home(t)
    p.set_naf(NAF_ID, "speaks-for *.apps." + REALM, "speaks-for shop." + REALM, "gaa-service 1 2")
    p.cfg.add("diameter", "own-realm bsf.mnc002.mcc001.pub.3gppnetwork.org")
    await p.start()
    n = await p.naf()
    other = kdf.btid(os.urandom(16), "bsf.mnc009.mcc009.pub.3gppnetwork.org")
    own = kdf.btid(os.urandom(16), "bsf.mnc002.mcc001.pub.3gppnetwork.org")
    rows = [
        ("another's Origin-Host", "znproxy_origin", DENIED, {"origin": ("naf2.apps." + REALM, REALM)}),
        ("another's name", "znproxy_naf_id", DENIED, {"name": "naf1.example.com"}),
        ("a name that begins with a dot", "znproxy_naf_id", DENIED, {"name": ".apps." + REALM}),
        ("a name with a star", "znproxy_naf_id", DENIED, {"name": "*.apps." + REALM}),
        ("two labels under the wildcard", "znproxy_naf_id", DENIED, {"name": "a.b.apps." + REALM}),
        ("a final dot", "znproxy_naf_id", DENIED, {"name": NAF_ID + "."}),
        ("the TMPI's Ua identifier", "znproxy_naf_id", DENIED, {"name": NAF_ID.encode() + bytes.fromhex("0100000100")}),
        ("a name the certificate does not cover", "znproxy_certificate", DENIED, {"name": "shop." + REALM}),
        ("a GSID of others", "znproxy_gsid", DENIED, {"gsids": ("1", "3")}),
        ("a GSID that could be read as one", "znproxy_gsid", DENIED, {"gsids": ("01",)}),
        ("a GSID that is none", "znproxy_gsid", DENIED, {"gsids": ("1 ",)}),
        ("no B-TID", "znproxy_btid", (10415, 5403), {"btid": "nonsense"}),
        ("a subscriber of an unknown home", "znproxy_home_unknown", 3003, {"btid": other, "realm": "mnc009.mcc009.3gppnetwork.org"}),
        ("a B-TID of another home than the realm", "znproxy_home_unknown", 3003, {"btid": other}),
        ("our own subscriber", "znproxy_own_home", 3003, {"btid": own, "realm": "mnc001.mcc001.3gppnetwork.org"}),
        ("our own realm", "znproxy_own_home", 3003, {"realm": REALM}),
        ("the proxy itself", "znproxy_host", 3002, {"dest_host": PROXY_ID}),
        ("a NUL in the name", "znproxy_bad_avp", 5004, {"name": b"naf1\0.apps." + REALM.encode() + kdf.UA_HTTP_DIGEST}),
        ("a NAF-Id that is too short", "znproxy_bad_avp", 5004, {"name": b"abcd"}),
    ]
    for what, cause, code, kw in rows:
        async with causes.counted(p, **{cause: 1}):
            b = await ask(n, **kw)
        assert b.result == code and b.empty_handed, (what, b.result)
    assert not home.birs
    for gsids in ((), ("1",), ("1", "2"), (bytes((0, 0, 0, 2)),)):
        b = await ask(n, name="x.apps." + REALM, gsids=gsids)
        assert b.result == 2001, (gsids, b.result)
    for host in (BSF_ID, "some.other.example"):                   # the second is for the home to judge
        assert (await ask(n, dest_host=host)).result == 2001
    assert (await ask(n, realm=BSF_NAME)).result == 2001


@test("Zn' is by TLS only: a home without certificate is no configuration, a BSF with a wrong one is asked nothing, and the BSF refuses a plain proxy",
      smoke=True, timeout=120, req=["220-4.4.6-5", "220-4.4.6-6", "220-E-1", "220-E-2", "220-E-4"])
async def never_plain(t):
    w = home_world(t)
    await w.start()
    p = Proxy(t, os.path.join(w.dir, "visited"))
    p.add_home("op-a", *home_of(w))
    head = "home op-a"

    async def start_refused(word):
        p.cfg.write(p.path)
        rc, out, err = await procs.run([t.need_program("gba-znproxyd"), "-c", p.path, "--check"], 20)
        assert rc == 1 and word in err, (rc, err)
    p.cfg.add(head, "security plain")
    await start_refused("allowed here: tls")
    p.cfg.remove(head, "security")
    lines = list(p.cfg.node(head))
    p.cfg.remove(head, "tls")
    await start_refused("TLS only")
    p.cfg.node(head)[:] = lines
    p.cfg.add(head, "realm " + REALM)
    await start_refused("is our own")
    p.cfg.node(head)[:] = lines
    # plain, as the proxy: on loopback, too
    nameless = pki().make("nameless", cn=PROXY_ID)
    async with causes.counted(w, dia_certificate=1):
        assert not await let_in(t, naf.connect(w.ports["tls"], PROXY_ID, REALM, tls=pki().context(nameless, False)))
    async with causes.counted(w, dia_tls=1):
        assert not await let_in(t, naf.connect(w.ports["dia"], PROXY_ID, REALM))
    # a BSF that another CA has certified, or of another name, hears nothing
    for what, pair in (("another CA", pki().make("bsf-x", BSF_ID, ca="other")), ("another name", pki().make("bsf-y", "bsf.evil.example"))):
        fake = Home()
        await fake.start(tls=pki().context(pair, True))
        t.cleanup(fake.stop)
        q = Proxy(t, os.path.join(w.dir, what.replace(" ", "-")))
        q.add_home("op-a", home_of(w)[0], [(BSF_ID, "127.0.0.1", fake.port)])
        await q.start(wait=False)
        n = await q.naf()
        assert (await ask(n)).result == 3002 and not fake.birs, what


@test("Zn-Proxy: the public key of a NAF is looked at here, where its certificate is seen: another one, or none, is refused", smoke=True)
async def pinned(t):
    p, _ = await raw_home(t)
    mine, stolen = pki().make("mine", NAF_ID), pki().make("stolen", NAF_ID)
    ours = pki().make("znproxy", PROXY_ID)
    for line in (f"listen tls 127.0.0.1 {(port := procs.free_port())}", f"tls certificate {ours.certificate}", f"tls key {ours.key}", f"tls ca {pki().ca()}"):
        p.cfg.add("diameter", line)
    p.cfg.add(f"naf {NAF_ID}", f"tls-key {mine.pin()}")
    await p.start()

    async def come(pair):
        return await let_in(t, naf.connect(port if pair else p.ports["naf"], NAF_ID, "apps." + REALM, tls=pair and pki().context(pair, False)))
    async with causes.counted(p, dia_key=1, dia_tls=1):
        assert [await come(pair) for pair in (stolen, None)] == [False, False]
    assert await come(mine)


@test("Zn-Proxy: the public key of a home's BSF is looked at, too: one with another key is not talked to, whoever certified it", smoke=True)
async def home_pinned(t):
    p, (other, home) = await raw_home(t, n=2)
    p.cfg.add("home op-a", f"tls-key {home.pair.pin()}")
    await p.start(wait=False)
    await t.until(lambda: asyncio.sleep(0, "dia_key" in p.daemon.text()), 20, "why the first BSF is not talked to, in the log")
    n = await p.naf()

    async def key():
        return (await ask(n, kdf.btid(os.urandom(16), BSF_NAME))).result == 2001
    await t.until(key, 20, "the second BSF to be asked")
    assert not other.birs and other.pair.pin() in p.daemon.text()
    causes.register("dia_key")


@test("the home checks what a Zn-Proxy vouches for by the certificate of its connection, also when that comes back with a smaller one", smoke=True,
      timeout=120, req=["220-4.2.2a-5", "220-E-5", "220-E-6", "220-4.4.3-3"])
async def at_home(t):
    w = home_world(t, names=("*.apps." + REALM, "shop." + REALM, "*." + REALM))
    w.bsf_cfg.add("naf via.apps." + REALM, f"via {PROXY_ID}")
    for line in (f"visited-network {REALM}", "speaks-for via.apps." + REALM, "private-identity allow"):
        w.bsf_cfg.add("naf via.apps." + REALM, line)
    w.bsf_cfg.add("naf alone.apps." + REALM, "address 127.0.0.0/8")
    for line in (f"visited-network {REALM}", "speaks-for alone.apps." + REALM):
        w.bsf_cfg.add("naf alone.apps." + REALM, line)
    await w.start()
    s = await w.ue().bootstrap()

    async def proxy_with(*names):
        """A Zn-Proxy that vouches for what it likes."""
        pair = pki().make("rogue", PROXY_ID, *names)
        return await naf.connect(w.ports["tls"], PROXY_ID, REALM, tls=pki().context(pair, False))

    def relayed(name, origin=NAF_ID):
        return {"name": name, "origin": (origin, REALM), "extra": [Avp(dia.ROUTE_RECORD, origin)]}
    c = await proxy_with("*.apps." + REALM, "shop." + REALM)
    for name in (NAF_ID, "shop." + REALM, NAF_ID.upper()):
        b = await ask(c, s.btid, **relayed(name))
        assert b.result == 2001 and b.key == s.ks_naf(name) and not b.impi, (name, b.result)
    async with causes.counted(w, zn_ok=1):
        b = await ask(c, s.btid, **relayed("via.apps." + REALM, "via.apps." + REALM))
    assert b.result == 2001 and b.impi, b.result                    # a NAF abroad with a policy of its own
    async with causes.counted(w, zn_not_vouched=1):
        assert (await ask(c, s.btid, **relayed("bank." + REALM))).result == DENIED
    for name in (".apps." + REALM, "*.apps." + REALM, "a.b.apps." + REALM, "naf1.example.com"):
        async with causes.counted(w, zn_name_denied=1):
            b = await ask(c, s.btid, **relayed(name))
        assert b.result == DENIED and b.empty_handed, name
    async with causes.counted(w, zn_bad_avp=1):
        assert (await ask(c, s.btid, **relayed(b"naf1\0.apps." + REALM.encode() + kdf.UA_HTTP_DIGEST))).result == 5004
    await c.disconnect()
    c = await proxy_with("shop." + REALM)                          # it has come back with less
    async with causes.counted(w, zn_not_vouched=2):
        for name, origin in ((NAF_ID, NAF_ID), ("via.apps." + REALM, "via.apps." + REALM)):
            b = await ask(c, s.btid, **relayed(name, origin))
            assert b.result == DENIED and b.empty_handed, name
    assert (await ask(c, s.btid, **relayed("shop." + REALM))).result == 2001
    await c.disconnect()
    # a NAF of that network that comes by itself: nobody vouches for it
    alone = await naf.connect(w.ports["dia"], "alone.apps." + REALM, REALM)
    t.cleanup(alone.close)
    async with causes.counted(w, zn_not_vouched=1):
        b = await ask(alone, s.btid, "alone.apps." + REALM)
    assert b.result == DENIED and b.empty_handed


@test("a rogue NAF gets nothing: neither at home, nor abroad, nor past the proxy", smoke=True, timeout=90)
async def rogue(t):
    w, p = await roaming(t)
    s = await w.ue().bootstrap()
    # at home: a NAF of the home wants the visited one's key
    home_naf = await w.naf()
    for kw in ({"name": NAF_ID}, {"name": NAF_ID, "origin": (NAF_ID, REALM)}, {"name": NAF_ID, "origin": (PROXY_ID, REALM)},
               {"name": NAF_ID, "origin": (NAF_ID, REALM), "extra": [Avp(dia.ROUTE_RECORD, NAF_ID), Avp(dia.ROUTE_RECORD, PROXY_ID)]}):
        b = await ask(home_naf, s.btid, **kw)
        assert b.result == DENIED and b.empty_handed, (kw, b.result)
    # abroad: unknown to the proxy; or known, and wants another's
    for who in ("evil.apps." + REALM, PROXY_ID, BSF_ID):
        assert not await let_in(t, naf.connect(p.ports["naf"], who, REALM)), who
    n = await p.naf()
    for kw in ({"name": "naf2.apps." + REALM}, {"name": "naf1.example.com"}, {"origin": ("naf1.example.com", "example.com")},
               {"name": "naf1.example.com", "extra": [Avp(dia.ROUTE_RECORD, "naf1.example.com")]}):
        b = await ask(n, s.btid, **kw)
        assert b.result == DENIED and b.empty_handed, (kw, b.result)
    # past the proxy, with the NAF's own certificate, as itself or as the proxy
    for identity in (NAF_ID, PROXY_ID):
        assert not await let_in(t, naf.connect(w.ports["tls"], identity, REALM, tls=client(NAF_ID))), identity
    loop = await ask(n, s.btid, extra=[Avp(dia.ROUTE_RECORD, PROXY_ID)])
    assert loop.result == 3005, loop.result


@test("Zn-Proxy: NAFs are changed while it runs, what is written would start again, and gbactl speaks to it", smoke=True, timeout=90)
async def live(t):
    p, (home,) = await raw_home(t)
    await p.start()
    second = "naf2.apps." + REALM
    v = await vty.Vty.open(p.ports["vty"])
    for line in ("enable", "configure terminal", f"naf {second}", "address 127.0.0.0/8", f"speaks-for {second}", "gaa-service 7", "exit"):
        await v.command(line)
    n = await p.naf(second)
    assert (await ask(n, name=second, gsids=("7",))).result == 2001
    for line in (f"naf {second}", "no gaa-service", "exit"):
        await v.command(line)
    assert (await ask(n, name=second, gsids=("7",))).result == DENIED
    assert "takes effect after restart" in await v.command("home other")
    for line in ("home op-a", "timeout 9", "exit"):
        await v.command(line)
    await v.command("end")
    running = await v.command("show running-config")
    path = os.path.join(t.dir, "written.cfg")
    await v.command(f"write file {path}")
    rc, out, err = await procs.run([t.need_program("gba-znproxyd"), "-c", path, "--check"], 20)
    assert rc == 0 and f"naf {second}" in running and "timeout 9" in running, (rc, out, err, running)
    for line in ("configure terminal", f"no naf {second}"):
        await v.command(line)
    await asyncio.wait_for(n.got_dpr.wait(), 10 * t.factor)
    v.close()
    rc, out, err = await procs.run([t.need_program("gbactl"), "-s", p.ports["ctl"], "--json", "peers"], 20)
    assert rc == 0 and BSF_ID in out and '"home": "op-a"' in out.replace('":"', '": "'), (rc, out, err)


@test("freeDiameterd in the place of our proxy: what its certificate covers it gets, what not is refused, and plain it is not let in", smoke=True,
      timeout=120)
async def foreign_proxy(t):
    w = home_world(t, names=("*.apps." + REALM, "shop." + REALM))
    await w.start()
    s = await w.ue().bootstrap()
    pair = pki().make("fd", PROXY_ID, "*.apps." + REALM, cn=PROXY_ID, bits=2048)
    fd = await relay(t, {BSF_ID: (w.ports["tls"], "")}, [NAF_ID], identity=PROXY_ID, tls=(pair.certificate, pair.key, pki().ca()))

    async def up():
        return any(PROXY_ID in line and " open" in line for line in (await w.vty("show peers")).split("\n"))
    await t.until(up, 20, "freeDiameterd to be connected")
    n = await naf.connect(fd.port, NAF_ID, "apps." + REALM)
    t.cleanup(n.close)
    b = await ask(n, s.btid)
    assert b.result == 2001 and b.key == s.ks_naf(NAF_ID), b.result
    async with causes.counted(w, zn_not_vouched=1):
        b = await ask(n, s.btid, "shop." + REALM)
    assert b.result == DENIED and b.empty_handed
    await n.disconnect()
    await fd.kill()
    since = w.bsf.mark()
    await relay(t, {BSF_ID: w.ports["dia"]}, [NAF_ID], identity=PROXY_ID)
    await t.until(lambda: "dia_tls" in w.bsf.text(since), 20, "freeDiameterd to be refused without TLS")
    assert not await up()


@test("Zn-Proxy: the example of conf/ can be taken as it stands, and what is wrong in a configuration is said with its line", smoke=True)
async def configured(t):
    exe = t.need_program("gba-znproxyd")
    pair = pki().make("example", PROXY_ID, NAF_ID)
    with open(os.path.join(procs.SRC, "conf", "gba-znproxy.cfg"), encoding="utf-8") as f:
        example = f.read()
    for packaged, ours in (("/etc/gba/znproxy-op-a-ca.pem", pki().ca()), ("/etc/gba/znproxy-op-a.pem", pair.certificate),
                           ("/etc/gba/znproxy-op-a.key", pair.key), ("/run/gba-znproxy", t.dir), ("127.0.0.1 3870", f"127.0.0.1 {procs.free_port()}"),
                           ("\n! own-realm", "\n own-realm"), ("\n! gaa-service", "\n gaa-service"), ("\n! rate", "\n rate")):
        assert packaged in example, packaged
        example = example.replace(packaged, ours)
    path = os.path.join(t.dir, "example.cfg")

    async def check(text):
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        rc, out, err = await procs.run([exe, "-c", path, "--check"], 20)
        return rc, out + err
    rc, said = await check(example)
    assert rc == 0 and "configuration ok" in said, said
    for old, new, word in ((" realm op-b.example", "", "lacks 'realm'"), (" identity znproxy.op-b.example", "", "lacks 'identity'"),
                           (" speaks-for " + NAF_ID, " speaks-for .apps.op-b.example", "is no host name"), (" speaks-for " + NAF_ID, "", "speaks for no name"),
                           (" address 127.0.0.1/32", "", "without address"), (" address 127.0.0.1/32", " address 192.0.2.1", "needs TLS"),
                           (" gaa-service 1", " gaa-service x", "no service identifier"), ("naf " + NAF_ID, "naf " + PROXY_ID, "our own identity"),
                           (" bsf bsf.mnc001", " ! bsf.mnc001", "lacks 'bsf'"), (" realm mnc001", " realm a.op-b.example\n realm mnc001", "is our own"),
                           (" bsf bsf.mnc001.mcc001.3gppnetwork.org", f" bsf {PROXY_ID}", "our own identity"), (" tls key", " ! tls key", "tls key FILE is missing"),
                           (pair.key, pki().make("other", PROXY_ID).key, "is not the key"), ("home op-a", "home a..b", "no DNS name"),
                           (" own-realm bsf.mnc002", " own-realm mnc001.mcc001.3gppnetwork.org\n own-realm bsf.mnc002", "is our own"),
                           ("line vty", "home op-a\n realm x.example\nline vty", "there already"), (" bsf bsf.mnc001", " tls-key sha256:00\n bsf bsf.mnc001", "is no public key"),
                           ("line vty", f"home b\n realm mnc001.mcc001.3gppnetwork.org\n bsf b.example 127.0.0.1\n tls certificate {pair.certificate}\n "
                            f"tls key {pair.key}\n tls ca {pki().ca()}\nline vty", "that of home op-a")):
        assert old in example, old
        rc, said = await check(example.replace(old, new))
        assert rc == 1 and word in said and path + ":" in said, (old, new, rc, said)
    for args in ([], ["--nonsense"], ["-c", path, "more"], ["--check"]):
        rc, out, err = await procs.run([exe] + args, 15)
        assert rc == 2, (args, rc, out, err)


@test("Zn-Proxy: an application abroad with libgba-naf gives its page to a device at home, and asks nobody past the proxy", smoke=True,
      req=["220-4.2.2a-1", "220-4.4.3-2"])
async def application_abroad(t):
    w, p = await roaming(t)
    port, conf = procs.free_port(), os.path.join(w.dir, "naf.conf")
    with open(conf, "w", encoding="ascii") as f:
        f.write(f"name {NAF_ID}\nbsf-name {BSF_NAME}\nidentity {NAF_ID}\nrealm apps.{REALM}\nbsf 127.0.0.1:{p.ports['naf']}\n"
                f"peer {PROXY_ID}\nbsf-realm {naf.BSF_REALM}\nrealm-from-btid yes\n")
    app = procs.Daemon("gba-naf-example", [t.need_program("gba-naf-example"), "--config", conf, "--listen", f"127.0.0.1:{port}", "--json-log"],
                       os.path.join(w.dir, "app.log"), notifies=False, ready_text='"event":"ready"')
    t.watch(app)
    await app.start()
    s = await w.ue().bootstrap()
    device = UaClient(port, NAF_ID)
    async with causes.counted(p, znproxy_ok=1), causes.counted(w, zn_ok=1):
        r = await device.fetch(s)
    assert r.status == 200, (r.status, app.tail(3))
    stranger = kdf.btid(os.urandom(16), "bsf.mnc009.mcc009.pub.3gppnetwork.org")     # of a home it does not know: it asks nobody
    s.btid = stranger
    async with causes.counted(p):
        assert (await device.fetch(s)).status == 403


@test("Zn-Proxy: NAFs by TLS, with their own certificate and no other; homes by TLS after CER, and none that then stays plain", smoke=True,
      timeout=90, req=["220-4.4.6-6"])
async def tls_both_ways(t):
    p, (home,) = await raw_home(t)
    old, plain = Home("bsf.old.example", "old.example"), Home("bsf.plain.example", "plain.example")
    old.tls_after = pki().context(pki().make("old", old.identity), True)
    for h in (old, plain):
        await h.start()
        t.cleanup(h.stop)
        p.add_home(h.realm, [h.realm], [(h.identity, "127.0.0.1", h.port)])
        p.cfg.add(f"home {h.realm}", "security tls-after-cer")
    tls = procs.free_port()
    certify(p.cfg, pki().make("towards-nafs", PROXY_ID))
    p.cfg.add("diameter", f"listen tls 127.0.0.1 {tls}")
    p.cfg.add(f"naf {NAF_ID}", "security tls")
    await p.start(wait=False)

    async def two_open():
        return sum(" open," in x for x in (await p.peers()).split("\n") if x.startswith("home ")) == 2
    await t.until(two_open, 15, "two of three homes to be connected", p.peers)
    for what, pair in pki().wrong(NAF_ID).items():
        if pair.certificate:
            assert not await let_in(t, naf.connect(tls, NAF_ID, REALM, tls=pki().context(pair, False))), what
    assert not await let_in(t, naf.connect(tls, NAF_ID, REALM, tls=client("naf2.apps." + REALM)))
    assert not await let_in(t, naf.connect(p.ports["naf"], NAF_ID, REALM))          # plain
    n = await naf.connect(tls, NAF_ID, REALM, tls=client(NAF_ID))
    t.cleanup(n.close)
    assert n.cea.result == 2001 and n.peer_identity == PROXY_ID
    assert (await ask(n)).result == 2001 and home.birs[-1].text(dia.ORIGIN_HOST) == NAF_ID
    for h, code in ((old, 2001), (plain, 3002)):
        b = await ask(n, kdf.btid(os.urandom(16), "bsf." + h.realm), realm=h.realm)
        assert b.result == code, (h.identity, b.result)
    assert len(old.birs) == 1 and not plain.birs
