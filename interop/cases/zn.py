# SPDX-License-Identifier: AGPL-3.0-or-later
"""A NAF asks a BSF for keys (29.109 5.2, 33.220 4.4.6, 4.5.3): ZN-3xx to ZN-5xx."""
import os
import time
import xml.etree.ElementTree as ElementTree

from ..run.case import case, cases
from ..wire import dia, kdf, naf
from ..wire.dia import Avp

X5402, X5403 = (10415, 5402), (10415, 5403)
UB = {"ub"}
CLOCKS = 120        # seconds that the clocks here and there may differ


def key_is(t, s, bia, fqdn=None, ua=kdf.UA_HTTP_DIGEST):
    """Success, and the key, times and nothing that nobody asked for."""
    assert bia.result == 2001, f"result {bia.result}"
    want = s.ks_naf(fqdn or t.fqdn(), ua)
    assert bia.key == want, f"the key is not Ks_(ext_)NAF: {len(bia.key or b'')} octets"
    assert bia.expires_at == s.expires_at, f"Key-ExpiryTime {bia.expires_at}, Ub said {s.expires_at}"
    assert bia.created_at is not None, "no BootstrapInfoCreationTime"
    assert abs(bia.created_at - s.made_at) <= CLOCKS, f"BootstrapInfoCreationTime {bia.created_at - s.made_at} s from the bootstrap"
    kind = bia.msg.find(dia.GBA_TYPE)
    assert kind is None or kind.u32 == 0, f"GBA-Type {kind.u32 if kind else None}, not 3G"


def refused(bia, *codes):
    assert bia.result in codes, f"result {bia.result}, not {' or '.join(map(str, codes))}"
    assert bia.empty_handed, "a key, an identity or settings beside a refusal"


# --- the key
@case("ZN-301", "the key of a session for HTTP Digest, with its times", "29.109 5.2; 33.220 4.5.3", needs=UB)
async def key(t):
    s = await t.session()
    key_is(t, s, await t.bir(s.btid))


@case("ZN-302", "the same question has the same answer", "33.220 4.5.3", needs=UB)
async def again(t):
    s = await t.session()
    key_is(t, s, await t.bir(s.btid))
    key_is(t, s, await t.bir(s.btid))


@cases("33.220 annex H.3", [
    ("ZN-303", "the key for MBMS, another than for HTTP Digest", "0100000001"), ("ZN-304", "the key for subscriber certificates", "0100000000"),
    ("ZN-305", "the key for TLS with ECDHE-ECDSA-AES128-GCM", "010001c02b"), ("ZN-306", "the key for TLS with RSA-AES128-CBC", "010001002f"),
    ("ZN-307", "the key for the unspecified protocol", "0000000000"), ("ZN-308", "the key for a protocol of another organisation", "0300000001")],
    needs=UB)
async def protocols(t, ua):
    s, ua = await t.session(), bytes.fromhex(ua)
    bia = await t.bir(s.btid, naf.naf_id(t.fqdn(), ua))
    key_is(t, s, bia, ua=ua)
    assert bia.key != s.ks_naf(t.fqdn())


@case("ZN-309", "the key for a second name of the same application is another", "33.220 4.5.3", needs=UB | {"two-names"})
async def second_name(t):
    s = await t.session()
    a, b = [await t.bir(s.btid, naf.naf_id(t.fqdn(n))) for n in (0, 1)]
    key_is(t, s, a, t.fqdn(0))
    key_is(t, s, b, t.fqdn(1))
    assert a.key != b.key


@case("ZN-310", "the key for a name that a wildcard covers", "33.220 4.4.6", needs=UB | {"wildcard"})
async def wildcard(t):
    fqdn = "shop" + next(n for n in t.identity().names if n.startswith("*."))[1:]
    s = await t.session()
    key_is(t, s, await t.bir(s.btid, naf.naf_id(fqdn)), fqdn)


@case("ZN-311", "two subscribers have two keys", "33.220 annex B.3", needs=UB | {"two-subscribers"})
async def two_subscribers(t):
    a, b = await t.session(t.sub()), await t.session(t.sub(nth=1))
    one, two = await t.bir(a.btid), await t.bir(b.btid)
    key_is(t, a, one)
    key_is(t, b, two)
    assert one.key != two.key


@case("ZN-312", "a new bootstrap has a new key", "33.220 4.5.2", needs=UB)
async def new_bootstrap(t):
    old = await t.session()
    s = await t.session(fresh=True)
    assert s.btid != old.btid and s.ks != old.ks
    key_is(t, s, await t.bir(s.btid))


@case("ZN-313", "the domain of the B-TID has no case", "23.003 13.2", needs=UB)
async def domain_case(t):
    s = await t.session()
    local, domain = s.btid.split("@")
    key_is(t, s, await t.bir(f"{local}@{domain.upper()}"))


@case("ZN-314", "a question marked as sent again (T) is answered like the first", "RFC 6733 3", needs=UB)
async def repeated(t):
    s, conn = await t.session(), await t.main()
    m = naf.bir(conn, s.btid, naf.naf_id(t.fqdn()), t.target.diameter.realm)
    key_is(t, s, naf.Bia(await t.ask(conn, m)))
    m.flags |= dia.T
    m.hbh = 0
    key_is(t, s, naf.Bia(await t.ask(conn, m)))


@case("ZN-315", "a NAF-Id in capitals is the same name, or none that may be spoken for", "33.220 4.5.3", needs=UB)
async def capitals(t):
    s = await t.session()
    bia = await t.bir(s.btid, naf.naf_id(t.fqdn().upper()))
    assert bia.result in (2001, X5402), bia.result
    assert bia.key in (s.ks_naf(t.fqdn()), s.ks_naf(t.fqdn().upper()), None)


@case("ZN-316", "Auth-Session-State in the question is no obstacle", "29.109 5.2", needs=UB)
async def auth_state(t):
    s = await t.session()
    key_is(t, s, await t.bir(s.btid, extra=[Avp(dia.AUTH_STATE, 1)]))


@case("ZN-317", "the key is there until the end the BSF named, which is in the future", "33.220 4.5.2", needs=UB)
async def future(t):
    s = await t.session()
    bia = await t.bir(s.btid)
    assert bia.expires_at > time.time() - CLOCKS, "the key is over already"
    assert bia.created_at < bia.expires_at
    key_is(t, s, bia)


@case("ZN-318", "the session of a device that uses its TMPI gives the key of its IMPI", "33.220 annex B.4", needs=UB | {"tmpi"})
async def of_tmpi(t):
    await t.session()
    assert t.device().tmpi, "the BSF gave no TMPI"
    s = await t.session(fresh=True)
    key_is(t, s, await t.bir(s.btid))


# --- GBA_U
U = UB | {"gba-u", "gba-u-subscriber"}


@cases("33.220 5.3.3; 29.109 6.3.1.8", [
    ("ZN-330", "GBA_U, a NAF that does not know it: Ks_ext_NAF alone", None), ("ZN-331", "GBA_U, GBA_U-Awareness NO: Ks_ext_NAF alone", 0),
    ("ZN-332", "GBA_U, GBA_U-Awareness YES: Ks_ext_NAF and Ks_int_NAF", 1)], needs=U)
async def gba_u(t, aware):
    s = await t.session(t.sub("gba-u", "any"))
    bia = await t.bir(s.btid, u_aware=aware)
    key_is(t, s, bia)
    assert bia.uicc_key == (s.ks_int_naf(t.fqdn()) if aware else None), "UICC-Key-Material"


@case("ZN-333", "a card without GBA_U has no Ks_int_NAF, whoever asks", "33.220 5.3.3", needs=UB)
async def no_gba_u(t):
    s = await t.session()
    bia = await t.bir(s.btid, u_aware=1)
    key_is(t, s, bia)
    assert bia.uicc_key is None, "UICC-Key-Material of a card that has none"


# --- who may ask
def far(t):
    return naf.naf_id("naf.elsewhere.invalid")


@cases("33.220 4.4.6, 4.5.3; 29.109 6.2", [
    ("ZN-340", "a name of somebody else: 5402 and no key", lambda n: "naf.elsewhere.invalid"),
    ("ZN-341", "a name below its own: 5402", lambda n: "x." + n), ("ZN-342", "its domain alone: 5402", lambda n: n.split(".", 1)[1]),
    ("ZN-343", "its name with something in front: 5402", lambda n: "x" + n), ("ZN-344", "its name with a dot at the end: 5402", lambda n: n + "."),
    ("ZN-345", "its name with a domain behind it: 5402", lambda n: n + ".elsewhere.invalid"), ("ZN-346", "a star: 5402", lambda n: "*"),
    ("ZN-347", "its own name with a slash: no key", lambda n: n + "/x"), ("ZN-348", "its own name with its port: no key", lambda n: n + ":80")], needs=UB)
async def foreign(t, name):
    s = await t.session()
    bia = await t.bir(s.btid, naf.naf_id(name(t.fqdn())))
    refused(bia, X5402, 5004)


@case("ZN-349", "a NUL in the name: no key", "33.220 4.4.6", needs=UB)
async def nul(t):
    s = await t.session()
    refused(await t.bir(s.btid, t.fqdn().encode() + b"\0.elsewhere.invalid" + kdf.UA_HTTP_DIGEST), X5402, 5004)


@case("ZN-350", "whether a B-TID lives is not told to who may not ask: the same code for one that does and one that does not", "33.220 4.4.6",
      needs=UB)
async def oracle(t):
    s = await t.session()
    live = await t.bir(s.btid, far(t))
    dead = await t.bir(kdf.btid(os.urandom(16), s.btid.split("@")[1]), far(t))
    refused(live, X5402)
    refused(dead, X5402)


@cases("33.220 annex B.4, H.3", [
    ("ZN-351", "the Ua protocol of TMPIs gets no key", kdf.UA_TMPI.hex()), ("ZN-352", "an invalid Ua protocol gets no key", "0000000001")], needs=UB)
async def reserved(t, ua):
    s = await t.session()
    refused(await t.bir(s.btid, naf.naf_id(t.fqdn(), bytes.fromhex(ua))), X5402, 5004)


@case("ZN-353", "Origin-Host of another than the one who is connected: no key", "33.220 4.4.6; RFC 6733 6.1.8", needs=UB | {"other"})
async def liar(t):
    s, p = await t.session(), t.identity("other")
    conn = await t.main()
    theirs = next(n for n in (p.names or [p.identity]) if not n.startswith("*."))
    for fqdn in (t.fqdn(), theirs):                  # who believes Origin-Host gives the second one's key
        m = naf.bir(conn, s.btid, naf.naf_id(fqdn), t.target.diameter.realm, origin=(p.identity, p.realm))
        refused(naf.Bia(await t.ask(conn, m)), X5402)


@case("ZN-354", "another application gets the key for its own name", "33.220 4.5.3", needs=UB | {"other"})
async def other(t):
    s, p = await t.session(), t.identity("other")
    fqdn = next(n for n in (p.names or [p.identity]) if not n.startswith("*."))
    key_is(t, s, await t.bir(s.btid, naf.naf_id(fqdn), conn=await t.connect("other")), fqdn)


@case("ZN-355", "another application does not get the key for the first one's name", "33.220 4.4.6", needs=UB | {"other"})
async def not_other(t):
    s = await t.session()
    refused(await t.bir(s.btid, conn=await t.connect("other")), X5402)


# --- B-TIDs that are none
@cases("29.109 6.2; 33.220 4.5.3", [
    ("ZN-360", "a B-TID that was never given: 5403", lambda b, d: kdf.btid(b"\x01" * 16, d)), ("ZN-361", "a B-TID of one letter: 5403", lambda b, d: "x"),
    ("ZN-362", "an empty B-TID: no key", lambda b, d: ""), ("ZN-363", "a B-TID without its domain: 5403", lambda b, d: b.split("@")[0]),
    ("ZN-364", "a B-TID with an empty domain: 5403", lambda b, d: b.split("@")[0] + "@"),
    ("ZN-365", "a B-TID in another case: 5403", lambda b, d: b.split("@")[0].swapcase() + "@" + d),
    ("ZN-366", "a B-TID of another BSF: 5403", lambda b, d: b.split("@")[0] + "@bsf.elsewhere.invalid"),
    ("ZN-367", "a B-TID with a blank behind it: 5403", lambda b, d: b + " "), ("ZN-368", "a B-TID with a NUL in front: no key", lambda b, d: "\0" + b),
    ("ZN-369", "a B-TID with a NUL behind it: no key", lambda b, d: b + "\0")], needs=UB)
async def unknown(t, make):
    s = await t.session()
    refused(await t.bir(make(s.btid, s.btid.split("@")[1])), X5403, 5004)
    key_is(t, s, await t.bir(s.btid))


# --- AVPs
@cases("29.109 5.2; RFC 6733 7", [
    ("ZN-380", "no NAF-Id: 5005", dia.NAF_ID, (5005,)), ("ZN-381", "no Transaction-Identifier: 5005", dia.BTID, (5005,))], needs=UB)
async def missing(t, code, codes):
    conn = await t.main()
    m = await t.valid(conn)
    m.avps = [a for a in m.avps if a.code != code]
    refused(naf.Bia(await t.ask(conn, m, *codes, failed=code if "strict" in t.can else None)), *codes)


@cases("29.109 6.3.1.3; RFC 6733 7.1.5", [
    ("ZN-382", "a NAF-Id of five octets, a protocol without a name: no key", kdf.UA_HTTP_DIGEST), ("ZN-383", "an empty NAF-Id: no key", b""),
    ("ZN-384", "a NAF-Id that is no UTF-8: no key", b"\xff\xfe\xfd" + kdf.UA_HTTP_DIGEST),
    ("ZN-385", "a NAF-Id of 4,000 octets: no key", b"a" * 4000 + kdf.UA_HTTP_DIGEST)], needs=UB)
async def bad_naf_id(t, value):
    s = await t.session()
    refused(await t.bir(s.btid, value), 5004, 5014, X5402)


@cases("29.109 5.2; RFC 6733 7.1.5", [("ZN-386", "two NAF-Ids: 5009", dia.NAF_ID), ("ZN-387", "two Transaction-Identifiers: 5009", dia.BTID)], needs=UB)
async def twice(t, code):
    conn = await t.main()
    m = await t.valid(conn)
    m.avps.append(Avp(code, m.find(code).data))
    refused(naf.Bia(await t.ask(conn, m, 5009)), 5009)


# --- identity and settings
@case("ZN-400", "who may learn the private identity learns it", "33.220 4.4.6; 29.109 5.2", needs=UB | {"private-identity"})
async def identity(t):
    s = await t.session()
    bia = await t.bir(s.btid)
    assert bia.impi == s.impi, "User-Name is not the private identity"


@case("ZN-401", "who may not learn it does not", "33.220 4.4.6", needs=UB | {"other", "no-private-identity"})
async def no_identity(t):
    s, p = await t.session(), t.identity("other")
    fqdn = next(n for n in (p.names or [p.identity]) if not n.startswith("*."))
    bia = await t.bir(s.btid, naf.naf_id(fqdn), conn=await t.connect("other"))
    key_is(t, s, bia, fqdn)
    assert bia.impi is None, "User-Name for who may not learn it"
    assert s.impi.split("@")[0].encode() not in b"".join(a.encode() for a in bia.msg.avps), "the identity elsewhere in the answer"


USS = UB | {"uss", "gsids"}


def mine(t):
    """(a subscriber with settings, those of them that the main naf may have, those that it may not)."""
    may = set(t.identity().gsids)
    sub = t.sub("any", "any", where=lambda s: may & set(s.gsids))
    return sub, sorted(may & set(sub.gsids)), sorted(set(sub.gsids) - may)


def settings(bia):
    """Ids of the USSs in the answer, and the octets; no group of NAFs leaves the BSF."""
    if bia.uss_list is None:
        return []
    root = ElementTree.fromstring(bia.uss_list)
    assert root.tag.rsplit("}", 1)[-1] == "ussList", f"root {root.tag}"
    found = [e for e in root if e.tag.rsplit("}", 1)[-1] == "uss"]
    assert all("nafGroup" not in e.attrib for e in root.iter()), "nafGroup left the BSF"
    return [e.get("id") for e in found]


@case("ZN-410", "settings that were asked for and may be had", "33.220 4.4.6; 29.109 6.3.1.4", needs=USS)
async def uss(t):
    sub, have, _ = mine(t)
    s = await t.session(sub)
    bia = await t.bir(s.btid, gsids=have[:1])
    key_is(t, s, bia)
    assert settings(bia) == have[:1], settings(bia)


@case("ZN-411", "all settings that may be had, in one answer, each once", "29.109 5.2", needs=USS)
async def all_uss(t):
    sub, have, _ = mine(t)
    s = await t.session(sub)
    got = settings(await t.bir(s.btid, gsids=have))
    assert sorted(got) == have, got


@case("ZN-412", "settings asked for twice come once", "29.109 5.2", needs=USS)
async def twice_asked(t):
    sub, have, _ = mine(t)
    s = await t.session(sub)
    assert settings(await t.bir(s.btid, gsids=[have[0], have[0]])) == have[:1]


@case("ZN-413", "settings of another application are left out, and the key comes all the same", "33.220 4.4.6", needs=USS | {"gsids-foreign"})
async def foreign_uss(t):
    sub, have, not_mine = mine(t)
    s = await t.session(sub)
    bia = await t.bir(s.btid, gsids=not_mine + have[:1])
    key_is(t, s, bia)
    assert settings(bia) == have[:1], settings(bia)


@case("ZN-414", "settings that nobody has are left out, and the key comes all the same", "33.220 4.4.6", needs=USS)
async def unknown_uss(t):
    sub, _, _ = mine(t)
    s = await t.session(sub)
    bia = await t.bir(s.btid, gsids=["999999"])
    key_is(t, s, bia)
    assert settings(bia) == []


@case("ZN-415", "who asks for no settings gets none", "33.220 4.4.6", needs=USS)
async def no_uss(t):
    sub, _, _ = mine(t)
    s = await t.session(sub)
    bia = await t.bir(s.btid)
    key_is(t, s, bia)
    assert bia.uss_list is None, "GBA-UserSecSettings that nobody asked for"


@case("ZN-416", "a GSID that is no number harms nobody", "29.109 6.3.1.4", needs=USS)
async def text_gsid(t):
    sub, have, _ = mine(t)
    s = await t.session(sub)
    bia = await t.bir(s.btid, gsids=["x' or '1'='1", have[0]])
    key_is(t, s, bia)
    assert settings(bia) == have[:1]


@case("ZN-417", "the settings say what the HSS has of them: uids and flags are there", "29.109 annex A", needs=USS)
async def whole_uss(t):
    sub, have, _ = mine(t)
    s = await t.session(sub)
    root = ElementTree.fromstring((await t.bir(s.btid, gsids=have[:1])).uss_list)
    one = next(e for e in root if e.tag.endswith("uss"))
    words = [e.tag.rsplit("}", 1)[-1] for e in one]
    assert one.get("type") is not None and "uids" in words, (one.attrib, words)
    if sub.guss:
        with open(sub.guss, "rb") as f:
            theirs = next(e for e in ElementTree.fromstring(f.read()).iter() if e.tag.endswith("uss") and e.get("id") == have[0])
        want = [(e.tag.rsplit("}", 1)[-1], (e.text or "").strip()) for e in theirs.iter() if not e.tag.endswith("uss")]
        got = [(e.tag.rsplit("}", 1)[-1], (e.text or "").strip()) for e in one.iter() if not e.tag.endswith("uss")]
        assert got == want, f"the elements are {[e for e, _ in got]}, the HSS has {[e for e, _ in want]}, or their texts differ"


# --- load, small
@case("ZN-500", "200 questions in flight, of keys and of refusals, are answered each as its own", "RFC 6733 3", needs=UB, destructive=True)
async def mixed(t):
    from .base import at_once
    s, conn = await t.session(), await t.main()
    many = []
    for i in range(200):
        btid = s.btid if i % 2 else kdf.btid(os.urandom(16), s.btid.split("@")[1])
        m = naf.bir(conn, btid, naf.naf_id(t.fqdn()), t.target.diameter.realm)
        m.hbh, m.e2e = 0x65000000 + i, 0x66000000 + i
        many.append(m)
    for i, (q, a) in enumerate(zip(many, await at_once(t, conn, many))):
        bia = naf.Bia(t.judge(q, a, 2001 if i % 2 else X5403))
        assert (bia.key == s.ks_naf(t.fqdn())) == bool(i % 2)
