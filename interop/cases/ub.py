# SPDX-License-Identifier: AGPL-3.0-or-later
"""A device bootstraps with a BSF (24.109 4, 33.220 4.5.2, RFC 3310): UB-0xx."""
import asyncio
import base64
import os
import time

from ..run.case import case, cases
from ..wire import aka, digest, http_raw, kdf, naf
from ..wire.ue import Challenge

CLOCKS = 120


def refused(r, *statuses):
    """A refusal: no challenge, no session."""
    assert r.status in (statuses or (400, 401, 403)), f"status {r.status}, not {' or '.join(map(str, statuses or (400, 401, 403)))}"


async def challenged(t, ue=None, **kw):
    """(device, challenge, RES, CK, IK)"""
    ue = ue or t.device()
    ch = await ue.challenge(**kw)
    res, ck, ik = ue.usim.authenticate(ch.rand, ch.autn)
    return ue, ch, res, ck, ik


def plain(t, nth=0):
    """A device that goes by its IMPI."""
    ue = t.device(t.sub(nth=nth))
    ue.tmpi = None
    return ue


# --- the run
@case("UB-001", "the whole run: 401, the answer of the card, 200 with B-TID, lifetime and rspauth", "24.109 4.2; 33.220 4.5.2")
async def whole(t):
    await t.session(fresh=True)


@case("UB-002", "the challenge: RAND and AUTN that the card takes, MAC right", "33.220 4.5.2; 33.102 6.3.3")
async def autn(t):
    await challenged(t)


@case("UB-003", "every challenge has a RAND, a nonce and an opaque of its own", "33.220 4.5.2; RFC 7616 3.3")
async def fresh(t):
    seen = [(await challenged(t))[1] for _ in range(3)]
    for what in ("rand", "nonce"):
        assert len({getattr(c, what) for c in seen}) == 3, f"{what} came twice"


@case("UB-004", "sequence numbers grow from run to run", "33.102 6.3.2")
async def grows(t):
    ue, last = plain(t), -1
    for _ in range(3):
        await challenged(t, ue)
        assert ue.usim.last_sqn >> aka.IND_BITS > last, "SEQ does not grow"
        last = ue.usim.last_sqn >> aka.IND_BITS


@case("UB-005", "the lifetime is in the future, in UTC, and the B-TID is RAND and the name of the BSF", "24.109 annex C; 33.220 4.5.2")
async def lifetime(t):
    s = await t.session(fresh=True)
    assert s.expires_at > time.time() - CLOCKS + 1, "over already"
    assert s.expires_at < time.time() + 366 * 86400, "longer than a year"


@case("UB-006", "the body is small, of its type, and its length is said", "24.109 annex C")
async def body(t):
    ue, ch, res, ck, ik = await challenged(t)
    r, p = await ue.answer(ch, res)
    ue.finish(ch, p, r, res, ck, ik)
    assert r.body.lstrip().startswith(b"<"), r.body[:20]
    assert r.get("Content-Length") == str(len(r.body)) or r.get("Transfer-Encoding"), "Content-Length"


@case("UB-007", "both requests on one connection", "24.109 4.2")
async def one_connection(t):
    conn = await t.http()
    await t.device().bootstrap(conn)


@case("UB-008", "each request on a connection of its own, from the start", "24.109 4.2")
async def connections(t):
    await plain(t).bootstrap()


@case("UB-009", "two runs on one connection", "RFC 9112 9.3")
async def two_runs(t):
    conn = await t.http()
    await t.device().bootstrap(conn)
    await t.device().bootstrap(conn)


@case("UB-010", "two subscribers at the same time", "33.220 4.5.2", needs={"two-subscribers"})
async def side_by_side(t):
    a, b = await asyncio.gather(t.device(t.sub()).bootstrap(), t.device(t.sub(nth=1)).bootstrap())
    assert a.btid != b.btid and a.ks != b.ks


@case("UB-011", "two subscribers in turns on one connection: each has its own key", "33.220 4.5.2", needs={"two-subscribers"})
async def in_turns(t):
    conn = await t.http()
    one, two = plain(t), plain(t, 1)
    a, b = await challenged(t, one, conn=conn), await challenged(t, two, conn=conn)
    for ue, ch, res, ck, ik in (b, a):
        r, p = await ue.answer(ch, res, conn)
        ue.finish(ch, p, r, res, ck, ik)


@case("UB-012", "of two challenges of one subscriber the second can be answered", "33.220 4.5.2")
async def two_challenges(t):
    ue = plain(t)
    await challenged(t, ue)
    ue, ch, res, ck, ik = await challenged(t, ue)
    r, p = await ue.answer(ch, res)
    ue.finish(ch, p, r, res, ck, ik)


@case("UB-013", "the key is the one that the BSF gives on Zn", "33.220 4.5.3", needs={"bsf"})
async def on_zn(t):
    s = await t.session(fresh=True)
    bia = await t.bir(s.btid)
    assert bia.result == 2001 and bia.key == s.ks_naf(t.fqdn()), f"result {bia.result}, or another key"


@case("UB-014", "unknown parameters and elements of the challenge are for others: a run that ignores them succeeds", "RFC 7616 3.3")
async def ignores(t):
    ue, ch, res, ck, ik = await challenged(t)
    r, p = await ue.answer(ch, res)
    ue.finish(ch, p, r, res, ck, ik)


@case("UB-015", "the first request on a connection that is kept after a refusal is served", "RFC 9112 9.3")
async def after_refusal(t):
    conn = await t.http()
    r = await t.device().send(None, conn)
    refused(r, 400, 401, 403)
    if (r.get("Connection") or "").lower() == "close":
        t.note("the BSF ends the connection of a refusal")
        conn = await t.http()
    await plain(t).bootstrap(conn)


# --- TMPI
T = {"tmpi"}


@case("UB-020", "after a run the device goes by its TMPI", "33.220 4.5.2, annex B.4", needs=T)
async def tmpi(t):
    ue = plain(t)
    await ue.bootstrap()
    assert ue.tmpi and ue.tmpi.endswith("@" + kdf.TMPI_REALM)
    first = ue.tmpi
    await ue.bootstrap()
    assert ue.tmpi and ue.tmpi != first, "no new TMPI"


@case("UB-021", "a TMPI nobody has: refused, no challenge; the IMPI is served", "33.220 4.5.2", needs=T)
async def tmpi_unknown(t):
    ue = plain(t)
    r = await ue.first(username=base64.b64encode(os.urandom(24)).decode() + "@" + kdf.TMPI_REALM)
    refused(r, 400, 403, 404)
    await ue.bootstrap()


@case("UB-022", "who does not say 3gpp-gba-tmpi has no TMPI afterwards", "33.220 4.5.2", needs=T)
async def tmpi_unasked(t):
    ue = plain(t)
    agent, ue.agent = ue.agent, "gba-interop/1"
    s = await ue.bootstrap()
    ue.agent = agent
    refused(await ue.first(username=kdf.tmpi(s.ks, s.rand, s.impi, ue.bsf_name)), 400, 403, 404)


@case("UB-023", "a run by TMPI has a key of the IMPI: the BSF gives it on Zn", "33.220 annex B.4", needs=T | {"bsf"})
async def tmpi_key(t):
    ue = plain(t)
    await ue.bootstrap()
    s = await ue.bootstrap()
    bia = await t.bir(s.btid)
    assert bia.key == s.ks_naf(t.fqdn()), "another key"


@case("UB-024", "the TMPI of a run that was not finished holds on", "33.220 4.4.13", needs=T)
async def tmpi_kept(t):
    ue = plain(t)
    await ue.bootstrap()
    await challenged(t, ue)
    await ue.bootstrap()
    assert ue.tmpi


# --- the answer that must not do
@cases("RFC 3310 3.3; 24.109 4.3", [
    ("UB-030", "RES in hex: refused", lambda r: r.hex().encode()), ("UB-031", "RES in base64: refused", base64.b64encode),
    ("UB-032", "RES with one bit turned: refused", lambda r: bytes([r[0] ^ 1]) + r[1:]), ("UB-033", "an empty RES: refused", lambda r: b""),
    ("UB-034", "half of RES: refused", lambda r: r[:len(r) // 2]), ("UB-035", "RES with a NUL more: refused", lambda r: r + b"\0")])
async def wrong_res(t, spoil):
    ue, ch, res, _, _ = await challenged(t, plain(t))
    r, _ = await ue.answer(ch, spoil(res))
    refused(r)
    r, _ = await ue.answer(ch, res)
    assert r.status != 200, "the same challenge is served after a wrong answer"


@case("UB-036", "an answer that comes a second time opens nothing, and the session goes on", "33.102 6.3.3; RFC 7616 5.4")
async def replay(t):
    ue, ch, res, ck, ik = await challenged(t, plain(t))
    r, p = await ue.answer(ch, res)
    s = ue.finish(ch, p, r, res, ck, ik)
    r = await ue.send(digest.format_params(p))
    assert r.status != 200, "the same answer was taken twice"
    if "bsf" in t.can:
        assert (await t.bir(s.btid)).key == s.ks_naf(t.fqdn())


@cases("RFC 7616 3.4; 24.109 4.3", [
    ("UB-040", "a wrong opaque: refused", {"opaque": "f" * 32}), ("UB-041", "qop that was not offered: refused", {"qop": "auth"}),
    ("UB-042", "another algorithm: refused", {"algorithm": "MD5"}), ("UB-043", "AKAv2: refused where it was not offered", {"algorithm": "AKAv2-MD5"}),
    ("UB-044", "another realm: refused", {"realm": "bsf.elsewhere.invalid"}), ("UB-045", "the uri of another resource: refused", {"uri": "/elsewhere"}),
    ("UB-046", "no response: refused", {"response": None}), ("UB-047", "nc that is not what was signed: refused", {"nc": "00000002"}),
    ("UB-048", "cnonce that is not what was signed: refused", {"cnonce": "0123456789"}), ("UB-049", "no cnonce: refused", {"cnonce": None}),
    ("UB-050", "a response in the wrong length: refused", {"response": "0" * 31})])
async def wrong_parameter(t, wrong):
    ue, ch, res, _, _ = await challenged(t, plain(t))
    r = await ue.send(digest.format_params(ue.answer_params(ch, res) | wrong))
    refused(r)


@case("UB-051", "the answer of one subscriber in the name of another: refused", "33.220 4.5.2", needs={"two-subscribers"})
async def other_user(t):
    ue, ch, res, _, _ = await challenged(t, plain(t))
    r, _ = await ue.answer(ch, res, user=t.sub(nth=1).impi)
    refused(r)


@case("UB-052", "a nonce that the BSF never gave: a new challenge, or refused", "24.109 4.3")
async def made_up(t):
    class Fake:
        realm, opaque = t.device().bsf_name, "0" * 32
        nonce = base64.b64encode(os.urandom(32)).decode()
    r, _ = await plain(t).answer(Fake(), b"12345678")
    refused(r)
    assert r.status != 401 or Challenge(r).nonce != Fake.nonce, "somebody's nonce became a challenge"


@case("UB-053", "the nonce without its end: a new challenge, or refused", "RFC 3310 3.2")
async def cut_nonce(t):
    ue, ch, res, _, _ = await challenged(t, plain(t))
    ch.nonce = base64.b64encode(base64.b64decode(ch.nonce)[:16]).decode()
    r, _ = await ue.answer(ch, res)
    refused(r)


@case("UB-054", "a body that was not signed: refused", "RFC 7616 3.4.3")
async def unsigned(t):
    ue, ch, res, _, _ = await challenged(t, plain(t))
    r = await ue.send(digest.format_params(ue.answer_params(ch, res)), body=b"not what was signed")
    refused(r, 400, 401, 403, 413)


@case("UB-055", "a body that was signed: served", "RFC 7616 3.4.3", needs={"habits"})
async def signed(t):
    ue, ch, res, ck, ik = await challenged(t, plain(t))
    p = ue.answer_params(ch, res, body=b"signed")
    ue.finish(ch, p, await ue.send(digest.format_params(p), body=b"signed"), res, ck, ik)


@case("UB-056", "a first request with a response: refused, or a challenge", "24.109 4.2")
async def first_with_response(t):
    r = await plain(t).first(response="0" * 32)
    refused(r)


# --- who is not there
@cases("33.220 4.5.2", [
    ("UB-060", "an unknown IMPI: refused, no challenge", lambda i: "999999999999999@" + i.split("@")[1]),
    ("UB-061", "an IMPI with a letter more: refused, no challenge", lambda i: i + "x"),
    ("UB-062", "half an IMPI: refused, no challenge", lambda i: i.split("@")[0]), ("UB-063", "an empty username: refused, no challenge", lambda i: ""),
    ("UB-064", "an IMPI of another domain: refused, no challenge", lambda i: i.split("@")[0] + "@elsewhere.invalid")])
async def unknown(t, make):
    refused(await plain(t).first(username=make(t.sub().impi)), 400, 403, 404)


# --- resynchronisation and failure of AUTN
def push(ue, by=1000):
    """The card has seen higher numbers."""
    ue.usim.seq = [max(ue.usim.seq) + by] * 32


@case("UB-070", "a card that is ahead: AUTS, a new challenge it takes, 200", "24.109 4.4; 33.102 6.3.5", needs={"resync"})
async def resync(t):
    ue = plain(t)
    await ue.bootstrap()
    ue.tmpi = None
    push(ue)
    before = max(ue.usim.seq)
    await ue.bootstrap()
    assert max(ue.usim.seq) > before, "not above the card's"


@case("UB-071", "AUTS with a wrong MAC-S: refused", "33.102 6.3.5", needs={"resync"})
async def wrong_auts(t):
    ue, ch, _, _, _ = await challenged(t, plain(t))
    refused(await ue.send(digest.format_params(ue.auts_params(ch, os.urandom(14)))), 400, 403)
    await ue.bootstrap()


@cases("RFC 3310 3.4", [
    ("UB-072", "auts of 13 octets: refused", base64.b64encode(bytes(13)).decode()), ("UB-073", "auts of 15 octets: refused", base64.b64encode(bytes(15)).decode()),
    ("UB-074", "auts that is no base64: refused", "!" * 20)])
async def bad_auts(t, value):
    ue, ch, _, _, _ = await challenged(t, plain(t))
    refused(await ue.send(digest.format_params(ue.auts_params(ch, bytes(14), auts=value))), 400, 403)


@case("UB-075", "auts with a response that is not that of the empty password: refused", "RFC 3310 3.4", needs={"resync"})
async def auts_response(t):
    ue, ch, _, _, _ = await challenged(t, plain(t))
    good = ue.usim.mil.auts(ch.rand, ue.usim.highest())
    refused(await ue.send(digest.format_params(ue.auts_params(ch, good, response="0" * 32))), 400, 403)


@case("UB-076", "auts for a nonce that was never given reaches no HSS: refused or a new challenge, and the number stays", "33.102 6.3.5", needs={"resync"})
async def auts_made_up(t):
    class Fake:
        realm, opaque = t.device().bsf_name, "0" * 32
        nonce = base64.b64encode(os.urandom(32)).decode()
    ue = plain(t)
    await ue.bootstrap()
    ue.tmpi = None
    rand = base64.b64decode(Fake.nonce)[:16]
    refused(await ue.send(digest.format_params(ue.auts_params(Fake(), ue.usim.mil.auts(rand, (max(ue.usim.seq) + 5000) << 5)))))
    before = max(ue.usim.seq)
    await ue.bootstrap(resync=False)
    assert max(ue.usim.seq) < before + 4000, "the number moved"


@case("UB-077", "auts twice in a row: refused, no endless loop", "24.109 4.4", needs={"resync"})
async def auts_twice(t):
    ue, ch, _, _, _ = await challenged(t, plain(t))
    push(ue)
    r = await ue.send(digest.format_params(ue.auts_params(ch, ue.usim.mil.auts(ch.rand, ue.usim.highest()))))
    assert r.status == 401, f"status {r.status}"
    ch = Challenge(r)
    before = ue.usim.seq
    push(ue)
    refused(await ue.send(digest.format_params(ue.auts_params(ch, ue.usim.mil.auts(ch.rand, ue.usim.highest())))), 403, 503, 400)
    ue.usim.seq = before
    await ue.bootstrap()


@case("UB-078", "the device says that AUTN is wrong (empty response, no auts): refused, no challenge", "24.109 4.4")
async def mac_failure(t):
    ue, ch, _, _, _ = await challenged(t, plain(t))
    r, _ = await ue.answer(ch, b"", response="")
    refused(r, 400, 403)


# --- GBA_U
U = {"gba-u", "gba-u-subscriber"}


@case("UB-080", "GBA_U: AUTN* that the card takes in its GBA context, and RES with its last bit turned", "33.220 5.3.2", needs=U)
async def gba_u(t):
    await t.session(t.sub("gba-u", "any"), fresh=True)


@case("UB-081", "GBA_U: the plain RES opens nothing", "33.220 5.3.2", needs=U)
async def gba_u_plain(t):
    ue, ch, res, _, _ = await challenged(t, t.device(t.sub("gba-u", "any")))
    r, _ = await ue.answer(ch, res[:-1] + bytes([res[-1] ^ 1]))
    refused(r)


@case("UB-082", "GBA_U: the keys on Zn are Ks_ext_NAF and Ks_int_NAF", "33.220 5.3.3", needs=U | {"bsf"})
async def gba_u_zn(t):
    s = await t.session(t.sub("gba-u", "any"), fresh=True)
    bia = await t.bir(s.btid, naf.naf_id(t.fqdn()), u_aware=1)
    assert (bia.key, bia.uicc_key) == (s.ks_naf(t.fqdn()), s.ks_int_naf(t.fqdn())), "other keys"


# --- HTTP
@cases("RFC 9110 9; RFC 9112", [
    ("UB-090", "PUT: refused", "PUT"), ("UB-091", "DELETE: refused", "DELETE"), ("UB-092", "POST without a body: refused", "POST"),
    ("UB-093", "OPTIONS: refused or answered without a challenge", "OPTIONS")])
async def methods(t, method):
    ue = plain(t)
    r = await ue.send(digest.format_params(ue.first_params()), method=method)
    assert r.status in (200, 204, 400, 403, 404, 405, 501), f"status {r.status}"
    assert b"btid" not in r.body


@case("UB-094", "a request that comes octet by octet is served", "RFC 9112 2")
async def octets(t):
    ue, conn = plain(t), await t.http()
    head = "\r\n".join([f"GET {ue.target} HTTP/1.1"] + [f"{k}: {v}" for k, v in ue.headers(digest.format_params(ue.first_params()))])
    for c in head + "\r\n\r\n":
        await conn.send(c.encode())
        await asyncio.sleep(0)
    r = await conn.response(t.timeout)
    t.judge_ub(r)
    assert r.status == 401, f"status {r.status}"


@case("UB-095", "two requests in one segment are answered in their order", "RFC 9112 9.3.2")
async def pipelined(t):
    ue, conn = plain(t), await t.http()
    one, two = (ue.first_params(), ue.first_params(username="999999999999999@elsewhere.invalid"))
    text = b""
    for p in (one, two):
        text += ("\r\n".join([f"GET {ue.target} HTTP/1.1"] + [f"{k}: {v}" for k, v in ue.headers(digest.format_params(p))]) + "\r\n\r\n").encode()
    await conn.send(text)
    a = await conn.response(t.timeout)
    try:
        b = await conn.response(t.timeout)
    except http_raw.HttpClosed:
        t.note("the BSF takes one request of a segment and ends the connection")
        b = None
    t.judge_ub(a)
    assert a.status == 401, f"status {a.status}"
    assert b is None or b.status in (400, 403, 404), f"status {b.status}"


@case("UB-096", "who asks for the end of the connection has it", "RFC 9112 9.6")
async def close(t):
    ue, conn = plain(t), await t.http()
    r = await ue.send(digest.format_params(ue.first_params()), conn, extra=[("Connection", "close")])
    assert r.status == 401
    assert await conn.wait_closed_by_peer(t.timeout) == b"", "octets behind the answer"


@case("UB-097", "thirty connections that never end their request do not stop a device", "RFC 9112 9.5", destructive=True)
async def slow(t):
    for _ in range(30):
        await (await t.http()).send(b"GET / HTTP/1.1\r\nHost: a\r\nX: ")
    await plain(t).bootstrap()


@case("UB-098", "ten runs one after the other", "33.220 4.5.2", destructive=True)
async def ten(t):
    ue, seen = t.device(), set()
    for _ in range(10):
        seen.add((await ue.bootstrap()).btid)
    assert len(seen) == 10, "a B-TID came twice"


@case("UB-099", "a challenge that is not answered in its time opens nothing any more", "33.220 4.5.2", needs={"short-nonce"})
async def late(t):
    ue, ch, res, _, _ = await challenged(t, plain(t))
    await asyncio.sleep(t.target.ub.nonce_lifetime + 1)              # the time itself is what is tried
    r, _ = await ue.answer(ch, res)
    refused(r)
    assert r.status != 401 or Challenge(r).nonce != ch.nonce


