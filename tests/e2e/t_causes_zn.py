# SPDX-License-Identifier: AGPL-3.0-or-later
"""Every cause of Zn and of the Diameter node: the answer, the counter, and no key for whom it is not."""
import asyncio
import base64
import collections
import contextlib
import json
import os
import re

from lib import causes, dia, http_raw, kdf, naf, vty
from lib.dia import Avp, Msg
from lib.dia_peer import PeerClosed
from lib.kept import Kept
from lib.runner import test
from lib.world import BSF_ID, BSF_NAME, World


async def world(t):
    w = World(t, raw_hss=True)
    w.bsf_cfg.add("naf naf2.example.com", "address 127.0.0.7/32")
    w.bsf_cfg.add("naf naf2.example.com", "speaks-for naf2.example.com")
    await w.start()
    return w, await Kept.make(w)


def failed_avp(msg):
    f = msg.find(dia.FAILED_AVP)
    return [a.code for a in f.data] if f else []


async def at_once(conn, n, make):
    """n requests in one write. How many answers of each result."""
    answers, octets = [], b""
    for i in range(n):
        m = make()
        m.hbh = m.e2e = 0x7fff0000 + i
        conn.pending[m.hbh] = asyncio.get_running_loop().create_future()
        answers.append(conn.pending[m.hbh])
        octets += m.encode()
    await conn.send_raw(octets)
    got = await asyncio.wait_for(asyncio.gather(*answers), 10)
    return collections.Counter(a.result for a in got), got


@test("zn_rate: a NAF that asks for more than its rate gets 3004 and no key; another one and a live change count at once", smoke=True)
async def rate(t):
    w = World(t, raw_hss=True)
    w.bsf_cfg.add("naf naf1.example.com", "rate 5")
    w.bsf_cfg.add("naf naf2.example.com", "address 127.0.0.1/32")
    w.bsf_cfg.add("naf naf2.example.com", "speaks-for naf2.example.com")
    await w.start()
    s = await w.ue().bootstrap()
    conn, other = await w.naf(), await w.naf("naf2.example.com")

    def bir():
        return naf.bir(conn, s.btid, naf.naf_id())
    got, answers = await at_once(conn, 40, bir)
    n = await w.counters()
    assert (n["zn_ok"], n["zn_rate"]) == (got[2001], got[3004]) and " zn_rate " in w.bsf.text(), (got, n)
    causes.register("zn_rate")
    assert set(got) == {2001, 3004} and 5 <= got[2001] <= 10, got           # what a slow machine takes longer for comes back meanwhile
    for a in answers:
        assert (naf.Bia(a).key == s.ks_naf()) == (a.result == 2001), a.avps
        assert a.result == 2001 or (a.flags & dia.E and naf.Bia(a).empty_handed and not a.find(dia.FAILED_AVP)), a.avps
    assert (await naf.fetch(other, s.btid, naf.naf_id("naf2.example.com"))).key == s.ks_naf("naf2.example.com")

    async def again():
        return (await naf.fetch(conn, s.btid)).key == s.ks_naf()
    await t.until(again, 10, "the next second's")

    def unread():                                           # costs as much as a good one
        m = bir()
        m.avps = [a for a in m.avps if a.code != dia.NAF_ID]
        return m

    async def both():
        got, _ = await at_once(conn, 40, unread)
        assert set(got) <= {5005, 3004}, got
        return got[5005] and got[3004]
    await t.until(both, 10, "a fault that is told, and too many of them")
    v = await vty.Vty.open(w.ports["bsf_vty"])
    t.cleanup(v.close)
    for line in ("enable", "configure terminal", "naf naf1.example.com"):
        await v.command(line)
    for bad in ("rate 0", "rate 1000001", "rate x"):
        assert "%" in await v.command(bad), bad
    assert "\n rate 5" in await v.command("show running-config")
    await v.command("no rate")
    assert "\n rate " not in await v.command("show running-config")
    async with causes.counted(w, zn_ok=40):
        got, _ = await at_once(conn, 40, bir)
    assert got == {2001: 40}, got
    await v.command("rate 2")
    got, _ = await at_once(conn, 40, bir)
    assert got[3004] >= 30, got


@test("zn_btid_unknown: never made, other case, other name, no B-TID at all; one answer for all", smoke=True,
      req=["220-4.2.1-1", "220-4.5.3-13", "220-4.5.2-29"])
async def unknown(t):
    w, kept = await world(t)
    btid = kept.session.btid
    local, domain = btid.split("@")
    for bad in (kdf.btid(os.urandom(16), BSF_NAME), "x", "@", "", "a" * 255, local, local + "@",
                local.swapcase() + "@" + domain, local + "@bsf.ims.mnc001.mcc001.pub.3gppnetwork.org", btid + " ",
                "\0" + btid, btid + "\0"):
        async with causes.counted(w, zn_btid_unknown=1):
            bia = await naf.fetch(kept.conn, bad)
        assert bia.result == (10415, 5403) and bia.empty_handed, (bad, bia.result)
    await kept.check()
    assert (await naf.fetch(kept.conn, local + "@" + domain.upper())).key == kept.session.ks_naf(), "domain has no case"


@test("zn_name_denied, zn_naf_unknown, zn_ua_invalid: foreign NAF name, foreign Origin-Host, reserved Ua identifier", smoke=True,
      req=["220-4.4.6-10", "220-H.3-9", "220-H.2-1", "220-4.4.6-8", "220-4.4.6-14"])
async def not_authorized(t):
    w, kept = await world(t)
    btid = kept.session.btid
    cases = [("zn_name_denied", dict(naf=naf.naf_id(x))) for x in (
        "naf2.example.com", "apps.example.com", "a.b.apps.example.com", "example.com", "naf1.example.com.", "xnaf1.example.com")]
    cases += [("zn_ua_invalid", dict(naf=naf.naf_id(ua=kdf.UA_TMPI))), ("zn_ua_invalid", dict(naf=naf.naf_id(ua=bytes.fromhex("0000000001")))),
              ("zn_naf_unknown", dict(origin=("naf2.example.com", "example.com")))]
    for cause, kw in cases:
        async with causes.counted(w, also=("dia_protocol",), **{cause: 1}):
            bia = await naf.fetch(kept.conn, btid, **kw)
        assert bia.result == (10415, 5402) and bia.empty_handed, (kw, bia.result)
    dead = kdf.btid(os.urandom(16), BSF_NAME)
    for name in ("naf2.example.com", 'a"b.apps.example.com', "a/b.apps.example.com", "caf\u00e9.apps.example.com", "*.apps.example.com"):
        for b in (btid, dead):      # foreign NAF name, or no DNS name under a wildcard: the answer tells nothing of the B-TID
            async with causes.counted(w, zn_name_denied=1):
                bia = await naf.fetch(kept.conn, b, naf.naf_id(name))
            assert bia.result == (10415, 5402) and bia.empty_handed, (name, b == dead, bia.result)
    other = await w.naf("naf2.example.com", source="127.0.0.7")
    async with causes.counted(w, zn_name_denied=1):
        assert (await naf.fetch(other, btid)).result == (10415, 5402)
    async with causes.counted(w, zn_ok=1):
        bia = await naf.fetch(other, btid, naf.naf_id("naf2.example.com"))
    assert bia.key == kept.session.ks_naf("naf2.example.com") and bia.impi is None, "IMPI for a NAF that may not learn it"
    await kept.check()


@test("zn_uss_missing: without the USS 5402 even when nothing was asked for; with it the key", smoke=True,
      req=["220-4.4.6-18", "220-4.4.6-17", "220-4.4.3-3"])
async def uss_required(t):
    guss = ('<guss id="{impi}" xmlns="urn:3gpp:gba:GBAGUSSSchema-R9:2010-02"><ussList><uss id="7" type="2"><uids/><flags/>'
            '</uss></ussList></guss>')
    w = World(t, raw_hss=True, guss=guss)
    w.bsf_cfg.add("naf naf1.example.com", "uss-required 7")
    await w.start()
    w.raw_hss.subscribers[w.cards[1].impi].guss = None
    conn = await w.naf()
    have, lack = await w.ue(0).bootstrap(), await w.ue(1).bootstrap()
    assert (await naf.fetch(conn, have.btid)).key == have.ks_naf()
    async with causes.counted(w, zn_uss_missing=1):
        bia = await naf.fetch(conn, lack.btid)
    assert bia.result == (10415, 5402) and bia.empty_handed


@test("zn_missing_avp, zn_bad_avp, zn_avp_repeated: 5005, 5004, 5009, the AVP named", smoke=True)
async def avps(t):
    w, kept = await world(t)
    conn, btid = kept.conn, kept.session.btid
    cases = [("zn_missing_avp", 5005, dia.BTID, naf.bir(conn, None, naf.naf_id())),
             ("zn_missing_avp", 5005, dia.NAF_ID, naf.bir(conn, btid, None)),
             ("zn_bad_avp", 5004, dia.NAF_ID, naf.bir(conn, btid, b"\1\0\0\0\2")),
             ("zn_bad_avp", 5004, dia.NAF_ID, naf.bir(conn, btid, b"")),
             ("zn_bad_avp", 5004, dia.NAF_ID, naf.bir(conn, btid, b"\xff\xfe\xfd" + kdf.UA_HTTP_DIGEST)),
             ("zn_bad_avp", 5004, dia.BTID, naf.bir(conn, "a" * 256, naf.naf_id())),
             ("zn_avp_repeated", 5009, dia.BTID, naf.bir(conn, btid, naf.naf_id(), extra=[Avp(dia.BTID, btid)])),
             ("zn_avp_repeated", 5009, dia.NAF_ID, naf.bir(conn, btid, naf.naf_id(), extra=[Avp(dia.NAF_ID, naf.naf_id())]))]
    for cause, code, avp, m in cases:
        async with causes.counted(w, **{cause: 1}):
            a = await conn.request(m)
        assert a.result == code and failed_avp(a) == [avp] and a.find(dia.ME_KEY) is None, (cause, a.result, failed_avp(a))
    await kept.check()


@test("zn_read_over: a BIR with AVPs of Zpn is answered as if they were not there, and counted once", smoke=True)
async def read_over(t):
    w, kept = await world(t)
    zpn = [Avp(411, 1, dia.VENDOR_3GPP, False), Avp(dia.PUBLIC_ID, "sip:a@b.example")]
    async with causes.counted(w, zn_read_over=1, zn_ok=1):
        bia = await naf.fetch(kept.conn, kept.session.btid, extra=zpn)
    assert bia.key == kept.session.ks_naf(), bia.result
    await kept.check()


@test("zn_realm: a realm or host that is not ours", smoke=True, req=["220-4.4.7-4"])
async def realm(t):
    w, kept = await world(t)
    for kw in (dict(realm="elsewhere.example"), dict(dest_host="bsf.elsewhere.example", realm="elsewhere.example"),
               dict(dest_host="bsf.elsewhere.example")):
        async with causes.counted(w, zn_realm=1, also=("dia_protocol",)):
            bia = await naf.fetch(kept.conn, kept.session.btid, **kw)
        assert bia.result in (3002, 3003) and bia.empty_handed, (kw, bia.result)
    await kept.check()


@test("dia_peer_unknown, dia_peer_address: CEA 3010 and no connection", smoke=True, req=["220-4.4.6-1"])
async def peers(t):
    w, kept = await world(t)
    for cause, identity, source in (("dia_peer_unknown", "stranger.example.com", "127.0.0.1"),
                                    ("dia_peer_unknown", BSF_ID, "127.0.0.1"),
                                    ("dia_peer_address", "naf2.example.com", "127.0.0.1"),
                                    ("dia_peer_address", "gba-naf.example.com", "127.0.0.9")):
        async with causes.counted(w, **{cause: 1}, also=("dia_protocol",)):
            conn = await naf.connect(w.ports["dia"], identity, "example.com", source=source)
            assert conn.cea.result == 3010, (identity, conn.cea.result)
            try:
                bia = await naf.fetch(conn, kept.session.btid, timeout=2)
                assert bia.empty_handed
            except (PeerClosed, TimeoutError, ConnectionError):
                pass
            await conn.close()
    second = await naf.connect(w.ports["dia"])
    assert second.cea.result == 5012, "a second connection under an open identity"
    await second.close()
    await kept.check()


@test("dia_stranger: from an address that is no peer's nothing is read where strangers close; from a peer's one it is, and live", smoke=True)
async def stranger(t):
    w = World(t, raw_hss=True)
    w.bsf_cfg.set("diameter", "strangers close")
    await w.start()
    kept = await Kept.make(w)
    async with causes.counted(w, dia_stranger=1):
        with contextlib.suppress(PeerClosed, ConnectionError):
            conn = await naf.connect(w.ports["dia"], source="127.0.0.9", timeout=5)
            raise AssertionError(conn.cea.avps)
    async with causes.counted(w, dia_peer_unknown=1):            # a peer's address, but another name
        assert (await naf.connect(w.ports["dia"], "x.example.com", "example.com")).cea.result == 3010
    v = await vty.Vty.open(w.ports["bsf_vty"])
    t.cleanup(v.close)
    assert re.search(r"^strangers +close +default answer", (await v.command("show limits")).replace("\r", ""), re.M)
    for line in ("enable", "configure terminal", "naf naf2.example.com", "address 127.0.0.8/30", "speaks-for naf2.example.com"):
        await v.command(line)
    conn = await naf.connect(w.ports["dia"], "naf2.example.com", "example.com", source="127.0.0.9")
    assert (await naf.fetch(conn, kept.session.btid, naf.naf_id("naf2.example.com"))).key == kept.session.ks_naf("naf2.example.com")
    for line in ("exit", "diameter"):
        await v.command(line)
    assert "answer, close" in await v.command("strangers maybe")
    assert "\n strangers close" in await v.command("show running-config")
    await v.command("strangers answer")
    async with causes.counted(w, dia_peer_unknown=1):
        assert (await naf.connect(w.ports["dia"], "x.example.com", "example.com", source="127.0.0.99")).cea.result == 3010
    await kept.check()


@test("dia_protocol: unknown command, other application, BIR under the Zh application; the connection still serves", smoke=True)
async def protocol(t):
    w, kept = await world(t)
    conn = kept.conn
    for cmd, app in ((999, dia.APP_ZN), (dia.CMD_MA, dia.APP_ZH), (dia.CMD_BI, dia.APP_ZH), (dia.CMD_BI, 4)):
        m = naf.bir(conn, kept.session.btid, naf.naf_id())
        m.cmd, m.app = cmd, app
        async with causes.counted(w, also=("dia_protocol", "dia_misrouted", "zn_realm")):
            a = await conn.request(m)
        assert a.result not in (None, 2001) and a.find(dia.ME_KEY) is None, (cmd, app, a.result)
    m = Msg(999, dia.APP_ZN, [Avp(dia.SESSION_ID, conn.session_id())] + conn.origin() + [Avp(dia.DEST_REALM, naf.BSF_REALM)],
            dia.R | dia.P)
    async with causes.counted(w, dia_protocol=1):
        assert (await conn.request(m)).result == 3001
    await kept.check()


@test("a NAF that lies about lengths is told so (5014) and harms nobody, itself included", smoke=True)
async def lying_naf(t):
    w, kept = await world(t)
    bad = await naf.connect(w.ports["dia"], "gba-naf.example.com", "example.com")
    for _ in range(3):
        m = naf.bir(bad, kept.session.btid, naf.naf_id(), extra=[Avp(dia.GSID, b"1", length=0xffffff)])
        async with causes.counted(w, zn_bad_avp=1):
            a = await bad.request(m, 3)
            assert a.result == 5014 and failed_avp(a) == [dia.GSID] and a.find(dia.ME_KEY) is None, a.avps
    await bad.close()
    await kept.check()


@test("Zn over HTTP is not there: its request is a stranger's on Ub, and no message on the port of Diameter; no key either way", smoke=True,
      req=["220-4.4.6-7"])
async def over_http(t):
    w, kept = await world(t)
    s = kept.session
    soap = (f'<requestBootstrappingInfoRequest xmlns="http://www.3gpp.org/GBAService"><btid>{s.btid}</btid><nafid>'
            f'{base64.b64encode(naf.naf_id()).decode()}</nafid></requestBootstrappingInfoRequest>').encode()
    sbi = json.dumps({"btId": s.btid, "nafId": {"nafFqdn": "naf1.example.com", "uaSecProtId": "0100000002"}}).encode()
    forms = [s.ks_naf(), s.ks_naf().hex().encode(), s.ks_naf().hex().upper().encode(), base64.b64encode(s.ks_naf())]
    for target, kind, body in (("/GBAService", "text/xml", soap), ("/nbsp-gba/v1/bootstrapping-info-retrieval", "application/json", sbi)):
        headers = [("Host", BSF_NAME), ("Content-Type", kind), ("User-Agent", "naf")]
        r = await http_raw.once(w.ports["ub"], "POST", target, headers, body)
        assert r.status >= 400, r
        assert not any(f in r.body + repr(r.headers).encode() for f in forms), r
        reader, writer = await asyncio.open_connection("127.0.0.1", w.ports["dia"])
        writer.write(b"POST " + target.encode() + b" HTTP/1.1\r\nHost: b\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body)
        try:
            assert await asyncio.wait_for(reader.read(), 20 * t.factor) == b"", "closed without a word"
        except ConnectionResetError:
            pass
        writer.close()
    await kept.check()
