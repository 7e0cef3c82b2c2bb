# SPDX-License-Identifier: AGPL-3.0-or-later
"""A BSF asks an HSS for vectors and security settings (29.109 4.2, 33.220 4.4.5): ZH-3xx to ZH-5xx."""
import os
import xml.etree.ElementTree as ElementTree

from ..run import bench
from ..run.case import case, cases
from ..wire import aka, dia, zh
from ..wire.dia import Avp

UNKNOWN_USER = ((10415, 5401), (10415, 5001), 5030)


def numbers_of(t, sub, maa):
    """(SQN, IND) of a vector, after everything about it was checked."""
    assert maa.result == 2001, f"result {maa.result}"
    items = maa.all(dia.ITEM)
    assert len(items) == 1, f"{len(items)} SIP-Auth-Data-Items, one vector was asked for"
    codes = [a.code for a in items[0].data]
    for code in (dia.AUTHENTICATE, dia.AUTHORIZATION, dia.CK, dia.IK):
        assert codes.count(code) == 1, f"{codes.count(code)} of AVP {code} in the vector"
    scheme = items[0].find(dia.SCHEME)
    assert scheme is None or scheme.text == zh.SCHEME, f"scheme {scheme and scheme.data}"
    assert len(items[0].find(dia.AUTHENTICATE).data) == 32, "SIP-Authenticate is not RAND || AUTN"
    rand, autn, xres, ck, ik = zh.vector_of(maa)
    mil = bench.Card(sub).mil
    res, ck_, ik_, ak = mil.f2345(rand)
    sqn = aka.xor(autn[:6], ak)
    assert autn[8:] == mil.f1(rand, sqn, autn[6:8])[0], "MAC in AUTN is wrong"
    assert xres == res, f"XRES of {len(xres)} octets is not RES"
    assert (ck, ik) == (ck_, ik_), "CK and IK are not those of the card"
    return int.from_bytes(sqn, "big"), rand


async def vector(t, sub=None, **kw):
    conn, sub = await t.main(), sub or t.sub()
    maa = await t.ask(conn, zh.mar(conn, sub.impi, t.target.diameter.realm, **kw), 2001)
    return numbers_of(t, sub, maa) + (maa,)


# --- vectors
@case("ZH-301", "one vector for the asking: RAND, AUTN, XRES, CK, IK of this subscriber's key", "29.109 4.2; 33.102 6.3.2")
async def one(t):
    await vector(t)


@case("ZH-302", "every vector has a RAND of its own", "33.102 6.3.2")
async def rands(t):
    seen = [(await vector(t))[1] for _ in range(8)]
    assert len(set(seen)) == 8, "a RAND came twice"


@case("ZH-303", "sequence numbers grow, and none comes twice", "33.102 6.3.2, C.1.1")
async def grows(t):
    seen = [(await vector(t))[0] >> aka.IND_BITS for _ in range(8)]
    assert seen == sorted(set(seen)), "SEQ does not grow"


@case("ZH-304", "a card takes every vector in the order they came", "33.102 6.3.3, C.2.2")
async def card(t):
    sub = t.sub()
    usim = bench.Card(sub)
    usim.gba = None
    for _ in range(40):
        _, _, maa = await vector(t, sub)
        rand, autn, *_ = zh.vector_of(maa)
        usim.authenticate(rand, autn)


@case("ZH-305", "Auth-Session-State of the answer is NO_STATE_MAINTAINED", "29.109 4.2")
async def state(t):
    _, _, maa = await vector(t)
    a = maa.find(dia.AUTH_STATE)
    assert a is not None and a.u32 == 1, "Auth-Session-State"


@case("ZH-306", "User-Name of the answer is that of the question", "29.109 4.2")
async def user_name(t):
    sub = t.sub()
    _, _, maa = await vector(t, sub)
    assert maa.text(dia.USER_NAME) in (sub.impi, None), "User-Name of somebody else"


@case("ZH-307", "two subscribers have vectors of their own keys", "33.102 6.3.2", needs={"two-subscribers"})
async def two(t):
    await vector(t, t.sub())
    await vector(t, t.sub(nth=1))


@case("ZH-308", "a subscriber with GBA_U gets an ordinary vector: AUTN* is the BSF's work", "33.220 5.3.2", needs={"gba-u-subscriber"})
async def gba_u(t):
    await vector(t, t.sub("gba-u", "any"))


@cases("29.109 4.2", [
    ("ZH-309", "without SIP-Auth-Data-Item a vector comes all the same", "none"),
    ("ZH-310", "with an empty SIP-Auth-Data-Item a vector comes all the same", "empty"),
    ("ZH-311", "Public-Identity beside User-Name is no obstacle", "public"),
    ("ZH-312", "an AVP of 3GPP that Zh does not have, without M, is no obstacle", "more"),
    ("ZH-313", "Auth-Application-Id beside Vendor-Specific-Application-Id is no obstacle", "application")])
async def forms(t, what):
    conn, sub = await t.main(), t.sub()
    m = zh.mar(conn, sub.impi, t.target.diameter.realm, scheme=None if what == "empty" else zh.SCHEME)
    if what == "none":
        m.avps = [a for a in m.avps if a.code != dia.ITEM]
    m.avps += {"public": [Avp(dia.PUBLIC_ID, "sip:" + sub.impi)], "more": [Avp(639, 1, dia.VENDOR_3GPP, False)],
               "application": [Avp(dia.AUTH_APP, dia.APP_ZH)]}.get(what, [])
    numbers_of(t, sub, await t.ask(conn, m, 2001))


@case("ZH-314", "the domain of the IMPI has no case, or is another user's", "23.003 13.3")
async def capitals(t):
    sub, conn = t.sub(), await t.main()
    user, domain = sub.impi.split("@")
    a = await t.ask(conn, zh.mar(conn, f"{user}@{domain.upper()}", t.target.diameter.realm), 2001, *UNKNOWN_USER)
    if a.result == 2001:
        numbers_of(t, sub, a)


# --- who is not there, what is not right
def no_vector(a):
    assert a.find(dia.ITEM) is None and a.find(dia.GUSS) is None, "a vector or settings beside a refusal"


@cases("29.109 6.2; 29.229 6.2", [
    ("ZH-320", "an unknown IMPI: 5401 (or 5001 of Cx)", lambda i: "999999999999999@" + i.split("@")[1]),
    ("ZH-321", "an IMPI of another domain: unknown", lambda i: i.split("@")[0] + "@elsewhere.invalid"),
    ("ZH-322", "the IMPI with a letter more: unknown", lambda i: i + "x"), ("ZH-323", "half an IMPI: unknown", lambda i: i.split("@")[0])])
async def unknown(t, make):
    conn = await t.main()
    no_vector(await t.ask(conn, zh.mar(conn, make(t.sub().impi), t.target.diameter.realm), *UNKNOWN_USER, 5004))


@cases("RFC 6733 7.1.5", [
    ("ZH-324", "an IMPI with a quote and a semicolon: refused", "x'; drop table subscriber; --@a.invalid"), ("ZH-325", "an IMPI of 3,000 octets: refused", "a" * 3000 + "@b.invalid"),
    ("ZH-326", "an IMPI with a NUL: refused", "\0@b.invalid"), ("ZH-327", "an empty IMPI: refused", "")])
async def bad_user(t, user):
    conn = await t.main()
    no_vector(await t.ask(conn, zh.mar(conn, user, t.target.diameter.realm), *UNKNOWN_USER, 5004, 5005, 5012))
    await vector(t)


@case("ZH-328", "no User-Name: 5005, and it is named", "29.109 4.2")
async def no_user(t):
    conn = await t.main()
    no_vector(await t.ask(conn, zh.mar(conn, None, t.target.diameter.realm), 5005, failed=dia.USER_NAME if "strict" in t.can else None))


@cases("29.109 4.2", [
    ("ZH-329", "a scheme nobody knows: refused", "Digest-Unheard-Of"), ("ZH-330", "a scheme of other credentials: refused", "SIP Digest")])
async def scheme(t, word):
    conn = await t.main()
    a = await t.ask(conn, zh.mar(conn, t.sub().impi, t.target.diameter.realm, scheme=word))
    assert a.result != 2001, "a vector for a scheme that was not asked for"
    no_vector(a)


@case("ZH-331", "two User-Names: 5009", "29.109 4.2")
async def two_users(t):
    conn = await t.main()
    m = zh.mar(conn, t.sub().impi, t.target.diameter.realm, extra=[Avp(dia.USER_NAME, t.sub().impi)])
    no_vector(await t.ask(conn, m, 5009))


# --- resynchronisation
R = {"resync"}


@case("ZH-340", "an AUTS above the HSS's number: the next vector is above the card's", "33.102 6.3.5; 33.220 4.5.2", needs=R)
async def resync(t):
    sub = t.sub()
    sqn, rand, _ = await vector(t, sub)
    ahead = ((sqn >> aka.IND_BITS) + 1000) << aka.IND_BITS
    got, _, _ = await vector(t, sub, resync=rand + bench.Card(sub).mil.auts(rand, ahead))
    assert got >> aka.IND_BITS > ahead >> aka.IND_BITS, "not above SQN_MS"
    assert (got >> aka.IND_BITS) - (ahead >> aka.IND_BITS) < 1 << 20, "far above SQN_MS"


@case("ZH-341", "an AUTS with a wrong MAC-S: refused, and the numbers go on as before", "33.102 6.3.5", needs=R)
async def wrong_auts(t):
    sub, conn = t.sub(), await t.main()
    sqn, rand, _ = await vector(t, sub)
    auts = bytearray(bench.Card(sub).mil.auts(rand, ((sqn >> 5) + 5000) << 5))
    auts[-1] ^= 1
    a = await t.ask(conn, zh.mar(conn, sub.impi, t.target.diameter.realm, resync=rand + bytes(auts)))
    assert a.result != 2001, "a vector for a wrong MAC-S"
    no_vector(a)
    after, _, _ = await vector(t, sub)
    assert 0 < (after >> 5) - (sqn >> 5) < 1000, "the number moved"


@case("ZH-342", "an AUTS below the HSS's number does not set it back", "33.102 6.3.5", needs=R)
async def old_auts(t):
    sub = t.sub()
    sqn, rand, _ = await vector(t, sub)
    got, _, _ = await vector(t, sub, resync=rand + bench.Card(sub).mil.auts(rand, 1 << aka.IND_BITS))
    assert got >> 5 > sqn >> 5, "the number went back"


@case("ZH-343", "an AUTS for another RAND: refused", "33.102 6.3.5", needs=R)
async def other_rand(t):
    sub, conn = t.sub(), await t.main()
    sqn, rand, _ = await vector(t, sub)
    auts = bench.Card(sub).mil.auts(rand, sqn)
    a = await t.ask(conn, zh.mar(conn, sub.impi, t.target.diameter.realm, resync=os.urandom(16) + auts))
    assert a.result != 2001, "a vector for an AUTS of another RAND"
    no_vector(a)


@cases("29.109 4.2", [
    ("ZH-344", "SIP-Authorization of 29 octets: refused", 29), ("ZH-345", "SIP-Authorization of 31 octets: refused", 31),
    ("ZH-346", "SIP-Authorization of 14 octets, AUTS without RAND: refused", 14), ("ZH-347", "an empty SIP-Authorization: refused", 0)], needs=R)
async def auts_length(t, n):
    conn = await t.main()
    a = await t.ask(conn, zh.mar(conn, t.sub().impi, t.target.diameter.realm, resync=bytes(n)))
    assert a.result in (5004, 5012, 5014), f"result {a.result}"
    no_vector(a)


@case("ZH-348", "an AUTS of another subscriber: refused", "33.102 6.3.5", needs=R | {"two-subscribers"})
async def foreign_auts(t):
    conn, sub = await t.main(), t.sub()
    _, rand, _ = await vector(t, sub)
    auts = bench.Card(t.sub(nth=1)).mil.auts(rand, 1 << 30)
    a = await t.ask(conn, zh.mar(conn, sub.impi, t.target.diameter.realm, resync=rand + auts))
    assert a.result != 2001, "a vector"
    no_vector(a)


# --- security settings
G = {"guss", "guss-subscriber"}


def guss_sub(t):
    return t.sub("any", "any", where=lambda s: s.guss)


def same(a, b):
    return ElementTree.canonicalize(a, strip_text=True) == ElementTree.canonicalize(b, strip_text=True)


@case("ZH-360", "the subscriber's security settings come with the vector, whole", "29.109 4.2, annex A; 33.220 4.2.3", needs=G)
async def guss(t):
    sub = guss_sub(t)
    _, _, maa = await vector(t, sub)
    assert maa.find(dia.GUSS) is not None, "no GBA-UserSecSettings"
    with open(sub.guss, "rb") as f:
        theirs = f.read()
    got = maa.find(dia.GUSS).data
    assert ElementTree.fromstring(got).tag.rsplit("}", 1)[-1] == "guss", "the root is not guss"
    a, b = (without_timestamp(x) for x in (got, theirs))
    assert same(a, b), "the settings are not what was provisioned"


def without_timestamp(octets):
    """The HSS may give it a time of its own."""
    root = ElementTree.fromstring(octets)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.rsplit("}", 1)[-1] == "timestamp":
                parent.remove(child)
    for parent in list(root):
        if parent.tag.rsplit("}", 1)[-1] == "Extension" and not len(parent):
            root.remove(parent)
    return ElementTree.tostring(root, encoding="unicode")


@case("ZH-361", "a subscriber without settings: none, or empty ones", "33.220 4.2.3", needs={"guss", "no-guss-subscriber"})
async def no_guss(t):
    sub = t.sub("any", "any", where=lambda s: not s.guss)
    _, _, maa = await vector(t, sub)
    a = maa.find(dia.GUSS)
    assert a is None or not [e for e in ElementTree.fromstring(a.data).iter() if e.tag.rsplit("}", 1)[-1] == "uss"], "somebody else's settings"


def stamp(t, sub):
    """The timestamp in the settings of the HSS as they come, as Unix seconds."""
    import calendar
    import time

    async def look():
        _, _, maa = await vector(t, sub)
        for e in ElementTree.fromstring(maa.find(dia.GUSS).data).iter():
            if e.tag.rsplit("}", 1)[-1] == "timestamp":
                return calendar.timegm(time.strptime(e.text.strip().split(".")[0].rstrip("Z"), "%Y-%m-%dT%H:%M:%S"))
        t.skip("the settings of this subscriber have no timestamp")
    return look()


@cases("29.109 4.2; 33.220 4.4.5", [
    ("ZH-362", "the timestamp the HSS has: no settings, as ours are the same", 0), ("ZH-363", "an older timestamp: the settings", -86400),
    ("ZH-364", "the oldest timestamp there can be: the settings", None)], needs=G)
async def timestamps(t, shift):
    sub, conn = guss_sub(t), await t.main()
    at = await stamp(t, sub)
    value = 1 if shift is None else dia.to_ntp(at + shift)
    m = zh.mar(conn, sub.impi, t.target.diameter.realm, extra=[Avp(dia.GUSS_TIMESTAMP, value)])
    maa = await t.ask(conn, m, 2001)
    numbers_of(t, sub, maa)
    assert (maa.find(dia.GUSS) is None) == (shift == 0), "GBA-UserSecSettings"


@case("ZH-365", "GUSS-Timestamp with M is read all the same", "29.109 6.3.1.10", needs=G)
async def timestamp_m(t):
    sub, conn = guss_sub(t), await t.main()
    m = zh.mar(conn, sub.impi, t.target.diameter.realm, extra=[Avp(dia.GUSS_TIMESTAMP, 1, m=True)])
    maa = await t.ask(conn, m, 2001)
    assert maa.find(dia.GUSS) is not None


# --- load, small
@case("ZH-500", "100 questions in flight: 100 vectors, and no number twice", "33.102 6.3.2", destructive=True)
async def many(t):
    from .base import at_once
    conn, sub, asked = await t.main(), t.sub(), []
    for i in range(100):
        m = zh.mar(conn, sub.impi, t.target.diameter.realm)
        m.hbh, m.e2e = 0x67000000 + i, 0x68000000 + i
        asked.append(m)
    seen = [numbers_of(t, sub, t.judge(q, a, 2001))[0] for q, a in zip(asked, await at_once(t, conn, asked))]
    assert len(set(seen)) == 100, "a number came twice"
