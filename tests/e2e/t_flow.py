# SPDX-License-Identifier: AGPL-3.0-or-later
"""The flow as it should be: one bootstrap, one key, every value against its definition."""
import asyncio
import base64
import time

from lib import aka, causes, dia, hss, kdf, naf
from lib.runner import test
from lib.world import BSF_ID, BSF_NAME, HSS_ID, World, raw_bsf_conn

GUSS = """<?xml version="1.0" encoding="UTF-8"?>
<guss id="{impi}" xmlns="urn:3gpp:gba:GBAGUSSSchema-R9:2010-02"><bsfInfo><uiccType>GBA</uiccType><lifeTime>LIFE</lifeTime></bsfInfo>
<Extension><timestamp>2026-01-02T03:04:05Z</timestamp></Extension>
<ussList><uss id="1" type="1" nafGroup="A"><uids><uid>group-a</uid></uids><flags><flag>1</flag></flags></uss>
<uss id="1" type="1" nafGroup="B"><uids><uid>group-b</uid></uids><flags/></uss>
<uss id="2" type="2"><uids><uid>sip:alice</uid></uids><flags/></uss>
<uss id="3" type="2"><uids><uid>not-for-this-naf</uid></uids><flags/></uss></ussList></guss>"""


def forms_of(key):
    return key, key.hex().encode(), key.hex().upper().encode(), base64.b64encode(key)


@test("one bootstrap against the real HSS: 401, 200, and the NAF gets the UE's key", smoke=True,
      req=["220-4.2.1-1", "220-4.4.4-2", "220-4.4.4-3", "220-4.4.6-11", "220-4.4.6-19", "220-4.4.6-20", "220-4.5.2-20",
           "220-4.5.2-22", "220-4.5.2-24", "220-4.4.7-1", "220-I.5.2-8", "102-H-1", "220-4.5.2-5", "220-4.3.1-1",
           "220-4.5.2-14", "220-4.2.1-3"])
async def happy(t):
    w = await World(t).start()
    ue = w.ue()
    began = int(time.time())
    async with causes.counted(w, ub_challenged=1, ub_ok=1):
        ch = await ue.challenge()
        assert ch.realm == BSF_NAME and ch.params["algorithm"] == "AKAv1-MD5" and ch.params["qop"] == "auth-int", ch.params
        assert ch.autn[6:8] == b"\0\0", "AMF"
        assert "3gpp-gba-tmpi" in ch.response.get("Server"), ch.response.headers
        res, ck, ik = ue.usim.authenticate(ch.rand, ch.autn)
        r, params = await ue.answer(ch, res)
        s = ue.finish(ch, params, r, res, ck, ik)
    assert "3gpp-gba-tmpi" in r.get("Server"), r.headers
    assert base64.b64decode(ch.nonce) == ch.rand + ch.autn, "the nonce holds something else than RAND and AUTN"
    for answer in (ch.response, r):
        text = repr(answer.headers).encode() + answer.body
        assert not any(form in text for key in (res, ck, ik, s.ks) for form in forms_of(key)), "a key on Ub"
    assert began + 3590 <= s.expires_at <= time.time() + 3600, s.expires_at - began
    conn = await w.naf()
    async with causes.counted(w, zn_ok=1):
        bia = await naf.fetch(conn, s.btid)
    assert bia.result == 2001 and bia.key == s.ks_naf(), bia.msg.avps
    wire = bia.msg.encode()
    assert not any(form in wire for key in (res, ck, ik, s.ks) for form in forms_of(key)), "more than the NAF's key on Zn"
    assert bia.expires_at == s.expires_at, (bia.expires_at, s.expires_at)
    assert began - 1 <= bia.created_at <= time.time() + 1
    assert bia.uss_list is None and bia.uicc_key is None
    assert kdf.run_id(s.rand) in w.bsf.text(), "the log does not name the run"
    async with causes.counted(w, "hss", hss_ok=1):
        await ue.bootstrap()


@test("two NAF names, two keys; the Ua identifier enters the key; a key is served again", smoke=True,
      req=["220-4.2.1-4", "220-4.4-4", "220-3.1-2", "220-H.1-1"])
async def many_nafs(t):
    w = await World(t).start()
    s = await w.ue().bootstrap()
    conn = await w.naf()
    keys = set()
    for fqdn, ua in (("naf1.example.com", "0100000002"), ("a.apps.example.com", "0100000002"),
                     ("naf1.example.com", "010001c02b"), ("NAF1.example.com", "0100000002")):
        for _ in range(2):
            bia = await naf.fetch(conn, s.btid, naf.naf_id(fqdn, bytes.fromhex(ua)))
            assert bia.result == 2001 and bia.key == s.ks_naf(fqdn, bytes.fromhex(ua)), (fqdn, bia.result)
            keys.add(bia.key)
    assert len(keys) == 4


@test("GUSS: its lifetime wins, on Ub and Zn alike; the USSs asked for, of the NAF's group, without the group's name",
      smoke=True, req=["220-4.4.6-20", "220-4.4.6-11", "220-4.2.1-6", "220-4.2.1-7", "220-4.2.3-11", "220-4.4.6-8", "220-4.4.6-14",
                       "220-4.4.6-15", "220-4.4.6-16", "220-4.4.6-22", "220-4.5.3-12"])
async def guss(t):
    w = await World(t, guss=GUSS.replace("LIFE", "1234")).start()
    began = time.time()
    s = await w.ue().bootstrap()
    assert began + 1230 <= s.expires_at <= time.time() + 1235
    conn = await w.naf()
    bia = await naf.fetch(conn, s.btid, gsids=["1", "2", "3", "77"])
    assert bia.result == 2001 and bia.expires_at == s.expires_at
    xml = bia.uss_list.decode()
    assert "group-a" in xml and "sip:alice" in xml and "group-b" not in xml and "not-for-this-naf" not in xml, xml
    assert "nafGroup" not in xml and "<ussList" in xml and "bsfInfo" not in xml, xml
    assert bia.impi == w.cards[0].impi
    bia = await naf.fetch(conn, s.btid)
    assert bia.uss_list is None, "USS that nobody asked for"


@test("TMPI: used in the next run, the old one ends, the HSS sees the IMPI; without the token there is none", smoke=True,
      req=["220-4.4.4-5", "220-4.4.4-7", "220-4.5.2-8", "220-4.5.2-9", "220-4.5.2-10", "220-4.5.2-21", "220-B.4-1",
           "220-4.5.2-12", "220-4.4.5-3", "220-4.2.5-3"])
async def tmpi(t):
    w = await World(t, raw_hss=True).start()
    ue = w.ue()
    s1 = await ue.bootstrap()
    first = ue.tmpi
    assert first and first.endswith("@tmpi.bsf.3gppnetwork.org")
    s2 = await ue.bootstrap()
    assert ue.tmpi != first and len(w.raw_hss.mars) == 2
    assert all(m.text(dia.USER_NAME) == ue.impi for m in w.raw_hss.mars)
    conn = await w.naf()
    assert (await naf.fetch(conn, s2.btid)).key == s2.ks_naf()
    assert (await naf.fetch(conn, s1.btid)).result == (10415, 5403), "the session before was to be replaced"
    async with causes.counted(w, ub_tmpi_unknown=1):
        r = await ue.first(username=first)
        assert r.status == 403 and not r.all("WWW-Authenticate"), r
    assert len(w.raw_hss.mars) == 2, "an unknown TMPI must not reach the HSS"
    other = w.ue(1)
    other.agent = "plain/1.0 something-else/2"
    s = await other.bootstrap()
    assert other.tmpi is None
    async with causes.counted(w, ub_tmpi_unknown=1):
        assert (await other.first(username=kdf.tmpi(s.ks, s.rand, s.impi, BSF_NAME))).status == 403, "a TMPI nobody can know"


@test("resynchronisation: one MAR with RAND and AUTS, a new vector, then success", smoke=True,
      req=["102-6.3.5-1", "102-6.3.5-2", "102-6.3.5-4", "102-6.3.5-5", "102-6.3.3-3"])
async def resync(t):
    w = await World(t).start()
    ue = w.ue()
    ue.usim.seq = [5000] * 32
    async with causes.counted(w, ub_challenged=2, ub_ok=1):
        s = await ue.bootstrap()
    assert ue.usim.last_sqn >> 5 == 5001
    assert (await naf.fetch(await w.naf(), s.btid)).key == s.ks_naf()
    ue.usim.seq = [6000] * 32
    async with causes.counted(w, "hss", hss_ok=1, hss_resync=1):
        await ue.bootstrap()


@test("both BSF names: realm of the 401, domain of the B-TID and the NAF's Destination-Realm follow", smoke=True,
      req=["220-4.4.7-2", "220-4.4.7-4", "220-4.2.2-2"])
async def names(t):
    w = await World(t).start()
    ue = w.ue()
    ue.http_host = "BSF.ims.mnc001.mcc001.pub.3gppnetwork.org:80"
    ue.bsf_name = "bsf.ims.mnc001.mcc001.pub.3gppnetwork.org"
    s = await ue.bootstrap()
    assert s.btid.endswith("@bsf.ims.mnc001.mcc001.pub.3gppnetwork.org")
    conn = await w.naf()
    for realm, host in ((s.btid.split("@")[1], None), (BSF_NAME, None), (naf.BSF_REALM, None), (naf.BSF_REALM, BSF_ID),
                        ("other.example", BSF_ID)):
        bia = await naf.fetch(conn, s.btid, realm=realm, dest_host=host)
        assert bia.result == 2001 and bia.key == s.ks_naf(), (realm, host, bia.result)


@test("two requests of a run on two connections; one connection for many runs", smoke=True)
async def connections(t):
    from lib.http_raw import HttpConn
    w = (await World(t).no_limits().start())
    ue = w.ue()
    await ue.bootstrap()
    conn = await HttpConn.open(w.ports["ub"])
    for _ in range(5):
        await ue.bootstrap(conn)
    conn.close()


@test("the HSS simulator by itself: vectors, SQN and IND by one, GUSS only when its timestamp differs", smoke=True,
      req=["102-6.3.2-1", "102-C.1.1.2-1", "102-C.1.2-1", "220-4.4.5-4", "220-4.4.5-9", "220-4.4.5-7", "220-4.5.2-1"])
async def hss_alone(t):
    w = World(t, guss=GUSS.replace("LIFE", "60"))
    await w.start(bsf=False)
    conn = await raw_bsf_conn(t, w.ports["hss"])
    assert conn.peer_identity == HSS_ID
    card = w.cards[0]
    usim = aka.Usim(card.k, card.opc)
    last = None
    for _ in range(40):
        maa = await conn.request(hss.mar(conn, card.impi))
        assert maa.result == 2001 and len(maa.all(dia.ITEM)) == 1 and maa.find(dia.GUSS)
        rand, autn, xres, ck, ik = hss.vector_of(maa)
        w.more_secrets += [xres, ck, ik]
        assert usim.authenticate(rand, autn) == (xres, ck, ik)
        sqn = usim.last_sqn
        assert last is None or (sqn >> 5 == (last >> 5) + 1 and sqn % 32 == (last + 1) % 32), (last, sqn)
        last = sqn
    stamp = dia.Avp(dia.GUSS_TIMESTAMP, dia.to_ntp(1767323045))
    assert (await conn.request(hss.mar(conn, card.impi, extra=[stamp]))).find(dia.GUSS) is None
    stamp = dia.Avp(dia.GUSS_TIMESTAMP, dia.to_ntp(1767323046))
    assert (await conn.request(hss.mar(conn, card.impi, extra=[stamp]))).find(dia.GUSS) is not None
    assert not [m for m in conn.unsolicited if m.cmd == dia.CMD_MA], "a request from the HSS"


@test("challenges side by side for many subscribers", smoke=True)
async def side_by_side(t):
    w = await World(t, n_cards=20).no_limits().start()
    ues = [w.ue(i) for i in range(20)]
    sessions = await asyncio.gather(*(u.bootstrap() for u in ues))
    conn = await w.naf()
    bias = await asyncio.gather(*(naf.fetch(conn, s.btid) for s in sessions))
    assert all(b.key == s.ks_naf() for b, s in zip(bias, sessions))
    assert len({s.btid for s in sessions}) == 20
