# SPDX-License-Identifier: AGPL-3.0-or-later
"""The Diameter edge: whatever octets a peer sends, and with no descriptor left, each program lives, and serves the others."""
import asyncio
import os
import resource
import time

from lib import causes, dia, dia_peer, hss, kdf, naf, procs, vty
from lib.app import App, RawBsf
from lib.dia import Avp, Msg
from lib.dia_peer import PeerClosed
from lib.kept import Kept
from lib.procs import cpu_s, files
from lib.runner import test
from lib.ue import Session
from lib.world import BSF_ID, BSF_NAME, HSS_ID, World, raw_bsf_conn

# what a Session-Id cannot be (RFC 6733 8.8: UTF8String); the library ended the node for a NUL
BAD_SESSIONS = (b"\0", b"naf1.example.com;1;2\0", b"\0naf1.example.com;1;2", b"a\0b", b"\0" * 300, b"\xff\xfe;1;2")


def a_session():
    rand = os.urandom(16)
    return Session(kdf.btid(rand, BSF_NAME), os.urandom(32), rand, "a@b.example", int(time.time()) + 3600)


def with_session(m, octets):
    m.avps = [Avp(dia.SESSION_ID, octets) if a.code == dia.SESSION_ID else a for a in m.avps]
    return m


def names_session(a):
    f = a.find(dia.FAILED_AVP)
    return a.result == 5004 and [x.code for x in f.data] == [dia.SESSION_ID]


@test("a Session-Id with a NUL octet, or that is no text, in a BIR: 5004, and the BSF lives", smoke=True)
async def session_bir(t):
    w = World(t, raw_hss=True)
    await w.start()
    kept = await Kept.make(w)
    for octets in BAD_SESSIONS:
        for realm in (naf.BSF_REALM, "bsf.mnc001.mcc001.pub.3gppnetwork.org"):
            m = naf.bir(kept.conn, kept.session.btid, naf.naf_id(), realm=realm)
            async with causes.counted(w, zn_bad_avp=1):
                a = await kept.conn.request(with_session(m, octets))
            assert names_session(a) and a.find(dia.ME_KEY) is None, (octets, a.avps)
    await kept.check()


@test("a Session-Id with a NUL octet, or that is no text, in a MAR: 5004, and the HSS lives", smoke=True)
async def session_mar(t):
    w = await World(t).start(bsf=False)
    conn = await raw_bsf_conn(t, w.ports["hss"])
    for octets in BAD_SESSIONS:
        async with causes.counted(w, "hss", hss_bad_avp=1):
            a = await conn.request(with_session(hss.mar(conn, w.cards[0].impi), octets))
        assert names_session(a) and a.find(dia.ITEM) is None, (octets, a.avps)
    assert (await conn.request(hss.mar(conn, w.cards[0].impi))).result == 2001


@test("a Session-Id with a NUL octet in a request to an application's node: refused, and the node lives", smoke=True)
async def session_naf(t):
    bsf = await RawBsf().start()
    t.cleanup(bsf.stop)
    app = await App(t, bsf.port).start()
    conn = await bsf.wait_peer()
    for octets in BAD_SESSIONS:
        for cmd, ap in ((dia.CMD_BI, dia.APP_ZN), (dia.CMD_MA, dia.APP_ZH)):
            m = Msg(cmd, ap, [Avp(dia.SESSION_ID, octets), dia.vsai(ap)] + conn.origin() +
                    [Avp(dia.DEST_REALM, "example.com"), Avp(dia.DEST_HOST, "naf1.example.com")], dia.R | dia.P)
            a = await conn.request(m)
            assert a.result // 1000 in (3, 5), a.avps
    bsf.answer = [dia.experimental(5403)]
    client, s = app.client(), a_session()
    client.take(await client.get("/"))
    await app.expect(client.get("/", client.authorization(s)), 401, "naf_btid_unknown")
    assert len(bsf.birs) == 1, "the node did not ask"


async def use_up(t, daemon, port, room=3):
    """No descriptor left, connections waiting: it neither ends nor spins; then the connections go. room: so many more than it
    has; below 0 even giving one up brings none."""
    limit, hard = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (files(daemon.pid) + room, hard))
    before = cpu_s(daemon.pid)
    conns = await asyncio.gather(*(asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), 1) for _ in range(12)),
                                 return_exceptions=True)
    conns = [c for c in conns if isinstance(c, tuple)]
    await asyncio.sleep(0.5)                                     # what it costs to have none, not a wait
    assert daemon.running, f"{daemon.name} ended"
    cost = cpu_s(daemon.pid) - before
    assert cost < 0.1 * t.factor, f"{daemon.name} used {cost:.2f} s of a second"
    for _, wr in conns:
        wr.close()
    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (limit, hard))
    t.note(f"{daemon.name}: {cost * 1000:.0f} ms in a second without descriptors, {len(conns)} connections")


@test("no descriptor left for a Diameter connection: the BSF lives, does not spin, and serves again", smoke=True)
async def files_bsf(t):
    w = await World(t).start()
    s = await w.ue().bootstrap()
    await use_up(t, w.bsf, w.ports["dia"])
    conn = await w.naf(timeout=15)
    assert (await naf.fetch(conn, s.btid)).key == s.ks_naf()


@test("no descriptor left for a Diameter connection: the HSS lives, does not spin, and serves again", smoke=True)
async def files_hss(t):
    w = await World(t).start(bsf=False)
    for room in (3, 0, -1):
        await use_up(t, w.hss, w.ports["hss"], room)
    conn = await raw_bsf_conn(t, w.ports["hss"], timeout=15)
    assert (await conn.request(hss.mar(conn, w.cards[0].impi))).result == 2001


async def refused(t, w, cause, result, words, identity="naf1.example.com", source="127.0.0.1", realm="example.com", apps=dia.APP_ZN):
    """A CEA with this result, whose Error-Message has these words; counted, and the same words in the log."""
    async with causes.counted(w, **{cause: 1}):
        conn = await dia_peer.connect(w.ports["dia"], identity, realm, [apps], source=source)
    said = conn.cea.text(dia.ERROR_MESSAGE)
    assert conn.cea.result == result and identity in said and words in said, conn.cea.avps
    assert words in w.bsf.text() and f"peer={identity}" in w.bsf.text()
    t.note(said)
    await conn.close()


@test("a NAF that is refused learns why, in words that name the cure: unknown, other address, identity in use", smoke=True)
async def why(t):
    w = await World(t, raw_hss=True).start()
    await refused(t, w, "dia_peer_unknown", 3010, "from 127.0.0.1: this identity is not configured here", "stranger.example.com")
    await refused(t, w, "dia_peer_address", 3010, "from 127.0.0.9: this identity belongs to another address", source="127.0.0.9")
    first = await w.naf()
    await refused(t, w, "dia_peer_in_use", 5012, "give every process an identity of its own")
    s = await w.ue().bootstrap()
    assert (await naf.fetch(first, s.btid)).key == s.ks_naf()


@test("gba-naf and libgba-naf tell what the BSF's refusal says", smoke=True)
async def why_told(t):
    w = await World(t, raw_hss=True).start()
    exe, s = t.need_program("gba-naf"), await w.ue().bootstrap()
    rc, out, err = await procs.run([exe, "bir", s.btid, "--naf", "naf1.example.com", "--ua", "0100000002", "--bsf", f"127.0.0.1:{w.ports['dia']}", "--bsf-identity", BSF_ID, "--bsf-realm", naf.BSF_REALM,
                                    "--identity", "stranger.example.com", "--realm", "example.com", "--timeout", "3000"])
    assert rc != 0 and "this identity is not configured here" in out + err, (rc, out, err)
    held = await w.naf()                                         # the identity of the example
    app = await App(t, w.ports["dia"]).start()
    await t.until(lambda: "a connection already, or as many as it may have" in app.daemon.text(), 10, "the application's log to say why")
    await held.close()


async def come_as_hss(t, w):
    """The HSS is away; somebody comes from its address, under its name."""
    mark = w.bsf.mark()
    await w.raw_hss.stop()
    await t.until(lambda: f"peer {HSS_ID} lost" in w.bsf.text(mark), 10, "the BSF to notice that the HSS has gone")
    hss_conn = None
    for _ in range(100):                                         # the BSF still notices that the HSS has gone
        hss_conn = await dia_peer.connect(w.ports["dia"], HSS_ID, naf.BSF_REALM, [dia.APP_ZH], cer=False)
        mars = []
        hss_conn.on_request = lambda conn, m: mars.append(m)
        try:
            hss_conn.cea = await hss_conn.capabilities_exchange()
            return hss_conn, mars
        except (PeerClosed, ConnectionError):
            await hss_conn.close()
            await asyncio.sleep(0.05)
    raise AssertionError("never answered")


@test("who comes as the HSS, from its address, while it is away: not let in, gets no MAR", smoke=True)
async def as_hss(t):
    w = await World(t, raw_hss=True).start()
    async with causes.counted(w, dia_peer_role=1, zh_down=1, also=("dia_protocol",)):
        conn, mars = await come_as_hss(t, w)
        assert conn.cea.result == 3010 and "may-connect" in conn.cea.text(dia.ERROR_MESSAGE), conn.cea.avps
        assert (await w.ue().first()).status == 503
    assert not mars
    await conn.close()
    await w.raw_hss.start(w.ports["hss"])
    await w.wait_hss_peer()
    await w.ue().bootstrap()


@test("an HSS that may connect, by configuration, does so and is asked; from another address not", smoke=True)
async def may_connect(t):
    w = World(t, raw_hss=True)
    w.bsf_cfg.add(f"hss {HSS_ID}", "may-connect")
    await w.start()
    v = await vty.Vty.open(w.ports["bsf_vty"])
    await v.command("enable")
    assert "\n may-connect" in await v.command("show running-config")
    v.close()
    conn, mars = await come_as_hss(t, w)
    assert conn.cea.result == 2001, conn.cea.avps
    await w.wait_hss_peer()                                      # three watchdogs first, as after every loss
    task = asyncio.ensure_future(w.ue().first())
    await t.until(lambda: len(mars) == 1, 10, "the MAR")
    await conn.close()
    assert (await task).status == 503
    await refused(t, w, "dia_peer_address", 3010, "belongs to another address", HSS_ID, "127.0.0.4", naf.BSF_REALM, dia.APP_ZH)


@test("an HSS that stood still and answers its watchdog late is asked again at once, over the same connection", timeout=60)
async def stood_still(t):
    w = World(t, raw_hss=True)
    w.bsf_cfg.set("diameter", "tw 6")
    await w.start()
    conn = await w.raw_hss.wait_peer()
    conn.answer_dwr, dwrs = False, []
    conn.on_dwr = dwrs.append

    async def suspect():
        return dwrs and not await w.hss_open()
    await t.until(suspect, 20, "the BSF to give up waiting for the watchdog")
    await conn.send(dwrs[0].answer([Avp(dia.RESULT, 2001)] + conn.origin()))
    conn.answer_dwr = True
    await t.until(w.hss_open, 1, "the HSS to count as there")
    await w.ue().bootstrap()
    assert len(w.raw_hss.conns) == 1


def other(code, octets):
    def change(m):
        m.find(code).data = octets
    return change


def header(**kw):
    def change(m):
        for k, v in kw.items():
            setattr(m, k, v)
    return change


def without_session(m):
    m.avps = [a for a in m.avps if a.code != dia.SESSION_ID]


NOT_THE_ANSWER = (other(dia.SESSION_ID, b"bsf;1;2;zh"), other(dia.SESSION_ID, b"a\0b"), header(app=dia.APP_ZN), header(app=4),
                  header(cmd=dia.CMD_BI), header(cmd=dia.CMD_MA), without_session)


@test("an MAA of another User-Name, Session-Id, command or application gives no vector: zh_malformed", smoke=True)
async def foreign_maa(t):
    w = World(t, raw_hss=True).no_limits()
    w.bsf_cfg.set("hss " + HSS_ID, "timeout 1")
    await w.start()
    strict = [other(dia.USER_NAME, w.cards[1].impi.encode()), other(dia.SESSION_ID, b"bsf;1;2;zh"),
              other(dia.SESSION_ID, b"bsf.mnc001.mcc001.3gppnetwork.org"), header(app=dia.APP_ZN)]
    for change in strict:
        w.raw_hss.behave = hss.RawHss.spoil(change)
        async with causes.counted(w, zh_malformed=1):
            assert (await w.ue().first()).status == 503
    for change in NOT_THE_ANSWER:                                # some of these the library drops: zh_timeout
        if change is not NOT_THE_ANSWER[5]:
            w.raw_hss.behave = hss.RawHss.spoil(change)
            assert (await w.ue().first()).status == 503
    w.raw_hss.behave = hss.RawHss.spoil(other(dia.USER_NAME, w.cards[0].impi.replace("ims.", "IMS.").encode()))
    await w.ue().bootstrap()                                     # a domain has no case
    w.raw_hss.behave = hss.RawHss.result(3004)
    assert (await w.ue().first()).status == 503
    w.raw_hss.behave = None
    await w.ue().bootstrap()


class ForeignBsf(RawBsf):
    """Answers a key, made foreign by .change."""
    change = None

    async def _on_request(self, conn, bir):
        self.birs.append(bir)
        m = bir.answer([dia.vsai(dia.APP_ZN), Avp(dia.RESULT, 2001)] + conn.origin() + [
            Avp(dia.ME_KEY, bytes(32)), Avp(dia.KEY_EXPIRY, dia.to_ntp(time.time() + 3600))])
        if self.change:
            self.change(m)
        await conn.send(m)


@test("a BIA of another Session-Id, command or application gives no key", smoke=True)
async def foreign_bia(t):
    bsf = await ForeignBsf().start()
    t.cleanup(bsf.stop)
    app = await App(t, bsf.port, "--deadline", "1000").start()
    client, exe = app.client(), t.need_program("gba-naf")

    async def ask(status, cause):
        s = a_session()
        s.ks_naf = lambda fqdn: bytes(32)
        client.take(await client.get("/"))
        await app.expect(client.get("/", client.authorization(s)), status, cause)

    async def tool():
        return await procs.run([exe, "bir", a_session().btid, "--naf", "naf1.example.com", "--ua", "0100000002",
                                "--bsf", f"127.0.0.1:{bsf.port}", "--timeout", "1000"])
    await ask(200, "naf_ok")
    for change in (other(dia.SESSION_ID, b"naf1.example.com;1;2;zn"), header(app=dia.APP_ZH)):
        bsf.change = change
        await ask(503, "naf_bsf_error")
    rc, out, err = await tool()
    assert rc not in (0, 2) and "cannot be read" in err, (rc, out, err)
    bsf.change = None
    assert (await tool())[0] == 0
    await ask(200, "naf_ok")


def long_guss(n, text):
    """A GUSS whose one USS has n times this text; 0: as long as may be read."""
    return ('<guss id="{impi}" xmlns="urn:3gpp:gba:GBAGUSSSchema-R9:2010-02"><ussList><uss id="7" type="2"><uids>'
            + "<uid>" + text * n + "</uid></uids><flags/></uss></ussList></guss>")


@test("a ussList that grew too long for a BIA: 5012, counted, and the NAF keeps its connection", smoke=True)
async def long_bia(t):
    w = World(t, raw_hss=True, guss=long_guss(16500, ">"))             # "&gt;" in the list
    w.bsf_cfg.add("naf naf1.example.com", "gaa-service 7")
    await w.start()
    s, conn = await w.ue().bootstrap(), await w.naf()
    async with causes.counted(w, zn_too_large=1):
        bia = await naf.fetch(conn, s.btid, gsids=("7",))
    assert bia.result == 5012 and bia.empty_handed
    assert "zn_ok" not in w.bsf.text()
    assert (await naf.fetch(conn, s.btid)).key == s.ks_naf()     # without the USS it fits


@test("a BIR as long as a message can be is answered, or refused, on its connection", smoke=True)
async def long_bir(t):
    w = await World(t, raw_hss=True).start()
    s, conn = await w.ue().bootstrap(), await w.naf()
    for n, want in ((40000, (2001,)), (65100, (2001, 5012))):
        m = naf.bir(conn, s.btid, naf.naf_id())
        m.avps[0] = Avp(dia.SESSION_ID, b"x" * n)
        assert len(m.encode()) <= 65535
        a = await conn.request(m)
        assert a.result in want, a.result
    m = naf.bir(conn, s.btid, b"\xff" * 64900)                   # the Failed-AVP would repeat it
    a = await conn.request(m)
    assert a.result in (5004, 5012), a.result
    assert (await naf.fetch(conn, s.btid)).key == s.ks_naf()


@test("a GUSS that no message can carry: import refuses it; one that fits is carried, also back to the NAF", smoke=True)
async def long_import(t):
    w = World(t, guss=long_guss(61440 - len(long_guss(0, "")) - 60, "a"))
    w.bsf_cfg.add("naf naf1.example.com", "gaa-service 7")
    await w.start()
    s = await w.ue().bootstrap()
    assert (await naf.fetch(await w.naf(), s.btid)).key == s.ks_naf()
    await w.hss.stop()
    w.guss = long_guss(61441, "a")
    w.cards[0].sqn = "1000000"
    rc, _, err = await procs.run([t.need_program("gba-hss-simd"), "-c", f"{w.etc}/gba-hss-sim.cfg", "--import", w.csv()], 60)
    assert rc != 0 and "61440 octets that a Diameter message can carry" in err, err


@test("dia_unsent: an answer whose peer has gone meanwhile is counted and logged with its name", smoke=True)
async def unsent(t):
    w = World(t)
    w.hss_cfg.node("fault all delay 1")
    await w.start(bsf=False)
    conn = await raw_bsf_conn(t, w.ports["hss"])
    async with causes.counted(w, "hss", dia_unsent=1, hss_ok=1):
        await conn.send(hss.mar(conn, w.cards[0].impi))
        await conn.disconnect()
    assert f'dia_unsent peer={BSF_ID} reason="its connection has gone, or had no room for it"' in w.hss.text()


@test("an HSS whose CEA has another Origin-Host than the configured is not used, and the log says so", smoke=True)
async def another_name(t):
    w = World(t, raw_hss=True)
    w.make_hss = lambda: hss.RawHss("hss9.mnc001.mcc001.3gppnetwork.org")
    await w.start(wait_peer=False)
    await t.until(lambda: "another Origin-Host" in w.bsf.text(), 10, "the log to say it")
    async with causes.counted(w, zh_down=1):
        assert (await w.ue().first()).status == 503
    assert not w.raw_hss.mars
