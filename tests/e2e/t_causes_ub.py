# SPDX-License-Identifier: AGPL-3.0-or-later
"""Every cause of Ub: its answer, its counter, and a session made before that is served as before."""
import asyncio
import base64
import os
import re

from lib import causes, digest, naf
from lib.hss import RawHss
from lib.http_raw import HttpClosed, HttpConn
from lib.kept import Kept, is_refusal, mars_are
from lib.runner import test
from lib.ue import Challenge
from lib.world import BSF_NAME, World


async def world(t, *ub_lines, n_cards=3):
    w = World(t, n_cards=n_cards, raw_hss=True)
    for line in ub_lines:
        w.bsf_cfg.set("ub", line)
    await w.start()
    return w, await Kept.make(w)


@test("ub_syntax, ub_scheme: Authorization that cannot be read, twice, incomplete, absent or of another scheme", smoke=True,
      req=["220-4.5.2-5"])
async def syntax(t):
    w, kept = await world(t)
    ue = w.ue()
    full = ue.answer_params(made_up_challenge(), b"12345678")
    bad = ['Digest username="x', "Digest , =", 'Digest username="a@b.c", username="a@b.c", uri="/"', "Digest",
           digest.format_params({**full, "nonce": None}), digest.format_params({**full, "response": None})]
    for value in bad:
        async with causes.counted(w, ub_syntax=1):
            is_refusal(await ue.send(value), 400)
    async with causes.counted(w, ub_http_rejected=1):
        is_refusal(await ue.send('Digest username="a\u0001@b.example", realm="r", nonce="", uri="/", response=""'), 400)
    first = digest.format_params(ue.first_params())
    async with causes.counted(w, ub_syntax=1):
        is_refusal(await ue.send(first, extra=[("Authorization", first)]), 400)
    async with causes.counted(w, ub_challenged=1):               # quoted-pairs that nobody needed (RFC 9110 5.6.4)
        assert (await ue.send(escaped(first))).status == 401
    kept.mars += 1
    ch = await ue.challenge()
    res, ck, ik = ue.usim.authenticate(ch.rand, ch.autn)
    params = ue.answer_params(ch, res)
    r = await ue.send(escaped(digest.format_params(params)))
    ue.finish(ch, params, r, res, ck, ik)
    kept.mars += 1
    for value in (None, "Basic " + base64.b64encode(b"a:b").decode(), "Bearer abc"):
        async with causes.counted(w, ub_scheme=1):
            is_refusal(await ue.send(value), 400)
    await kept.check()


def escaped(header):
    """The same header with each octet of its quoted strings as a quoted-pair."""
    return re.sub(r'"[^"]*"', lambda m: '"' + "".join("\\" + c for c in m.group()[1:-1]) + '"', header)


def made_up_challenge():
    """A challenge that nobody gave, for the form of an answer."""
    class Fake:
        realm, opaque = BSF_NAME, "0" * 32
        nonce = base64.b64encode(os.urandom(32)).decode()
    return Fake()


@test("ub_uri_mismatch, ub_realm_unknown, ub_algorithm", smoke=True)
async def parameters(t):
    w, kept = await world(t)
    ue = w.ue()
    async with causes.counted(w, ub_uri_mismatch=1):
        is_refusal(await ue.first(uri="/other"), 400)
    await kept.check()
    async with causes.counted(w, also=("ub_realm_unknown",), ub_challenged=1):
        r = await ue.first(realm="bsf.elsewhere.example")
        assert r.status == 401 and Challenge(r).realm == BSF_NAME
    await kept.check(mars=1)
    ch = await ue.challenge()
    res = ue.usim.authenticate(ch.rand, ch.autn)[0]
    async with causes.counted(w, ub_realm_unknown=1):
        r, _ = await ue.answer(ch, res, realm="bsf.elsewhere.example")
        is_refusal(r, 400)
    for wrong in ({"algorithm": "AKAv2-MD5"}, {"algorithm": "MD5"}, {"qop": "auth"}):
        ch = await w.ue(1).challenge()
        async with causes.counted(w, ub_algorithm=1):
            r, _ = await w.ue(1).answer(ch, b"12345678", **wrong)
            is_refusal(r, 400)
    await kept.check(mars=4)


@test("ub_user_unknown (5401 and Cx 5001), ub_impi_syntax, ub_tmpi_unknown", smoke=True,
      req=["220-4.4.2-1", "220-4.4.4-1", "220-4.5.2-10"])
async def users(t):
    w, kept = await world(t)
    ue = w.ue()
    async with causes.counted(w, ub_user_unknown=1):
        is_refusal(await ue.first(username="001019999999999@ims.mnc001.mcc001.3gppnetwork.org"), 403)
    w.raw_hss.behave = RawHss.experimental(5001)
    async with causes.counted(w, ub_user_unknown=1):
        is_refusal(await ue.first(), 403)
    w.raw_hss.behave = None
    await kept.check(mars=2)
    for name in ("nobody", "a@", "@b.example", "a@b@c", "a@b_c..d", "a b@c.example"):
        async with causes.counted(w, ub_impi_syntax=1):
            is_refusal(await ue.first(username=name), 403)
    short = "AAAA@tmpi.bsf.3gppnetwork.org"
    async with causes.counted(w, also=("ub_tmpi_unknown", "ub_impi_syntax")):
        is_refusal(await ue.first(username=short), 403)
    async with causes.counted(w, ub_tmpi_unknown=1):
        is_refusal(await ue.first(username=base64.b64encode(os.urandom(24)).decode() + "@tmpi.bsf.3gppnetwork.org"), 403)
    await kept.check()


@test("ub_nonce_unknown, ub_nonce_taken, ub_user_mismatch, ub_opaque", smoke=True, req=["102-6.3.3-5", "220-I.5.2-6"])
async def nonces(t):
    w, kept = await world(t)
    ue = w.ue()
    async with causes.counted(w, ub_nonce_unknown=1, also=("ub_challenged",)):
        r, _ = await ue.answer(made_up_challenge(), b"12345678")
        assert r.status == 401 and "stale" not in digest.parse_params(r.get("WWW-Authenticate")), r
    ch = Challenge(r)
    res, ck, ik = ue.usim.authenticate(ch.rand, ch.autn)
    r, params = await ue.answer(ch, res)
    s = ue.finish(ch, params, r, res, ck, ik)
    async with causes.counted(w, ub_nonce_taken=1):
        is_refusal(await ue.send(digest.format_params(params)), 403)
    assert (await naf.fetch(kept.conn, s.btid)).key == s.ks_naf(), "a replay must not end the session"
    await kept.check(mars=1)
    ue = w.ue(1)
    for cause, wrong in (("ub_user_mismatch", {"user": w.cards[0].impi}), ("ub_opaque", {"opaque": "f" * 32})):
        ch = await ue.challenge()
        res = ue.usim.authenticate(ch.rand, ch.autn)[0]
        async with causes.counted(w, **{cause: 1}):
            r, _ = await ue.answer(ch, res, **wrong)
            is_refusal(r, 403)
    await kept.check(mars=2)


@test("ub_response: RES in hex, in base64, wrong, and with a NUL; the challenge is gone; ub_body_digest", smoke=True,
      req=["220-4.5.2-17", "102-6.3.3-5", "220-I.5.2-6", "220-4.2.1-1"])
async def response(t):
    w, kept = await world(t, "challenges-impi off")
    ue = w.ue()
    rands = set()
    for spoil in (lambda r: r.hex().encode(), base64.b64encode, lambda r: bytes([r[0] ^ 1]) + r[1:], lambda r: b""):
        ch = await ue.challenge()
        rands.add(ch.rand)
        res = ue.usim.authenticate(ch.rand, ch.autn)[0]
        async with causes.counted(w, ub_response=1):
            r, _ = await ue.answer(ch, spoil(res))
            is_refusal(r, 403)
        async with causes.counted(w, ub_nonce_taken=1):
            r, _ = await ue.answer(ch, res)
            is_refusal(r, 403)
    assert len(rands) == 4
    ch = await ue.challenge()
    res, ck, ik = ue.usim.authenticate(ch.rand, ch.autn)
    async with causes.counted(w, ub_body_digest=1):
        r = await ue.send(digest.format_params(ue.answer_params(ch, res)), body=b"not what was signed")
        is_refusal(r, 403)
    ch = await ue.challenge()
    res, ck, ik = ue.usim.authenticate(ch.rand, ch.autn)
    async with causes.counted(w, ub_ok=1):
        params = ue.answer_params(ch, res, body=b"signed")
        r = await ue.send(digest.format_params(params), body=b"signed")
        ue.finish(ch, params, r, res, ck, ik)
    await kept.check(mars=6)


@test("ub_auts_syntax, ub_auts_response, ub_auts_refused, ub_auts_repeated, ub_mac_failure", smoke=True,
      req=["102-6.3.5-1", "102-6.3.3-4"])
async def auts(t):
    w, kept = await world(t, "challenges-impi off", "resyncs-impi off")
    ue = w.ue()
    for bad in ("AAAA", "!" * 20, base64.b64encode(os.urandom(15)).decode()):
        ch = await ue.challenge()
        async with causes.counted(w, ub_auts_syntax=1):
            is_refusal(await ue.send(digest.format_params(ue.auts_params(ch, b"\0" * 14, auts=bad))), 400)
    ch = await ue.challenge()
    good = ue.usim.mil.auts(ch.rand, 9999 << 5)
    async with causes.counted(w, ub_auts_response=1):
        is_refusal(await ue.send(digest.format_params(ue.auts_params(ch, good, response="0" * 32))), 403)
    mars = len(w.raw_hss.mars)
    async with causes.counted(w, ub_nonce_unknown=1, also=("ub_challenged",)):
        p = ue.auts_params(made_up_challenge(), good)
        r = await ue.send(digest.format_params(p))
        assert r.status == 401
    assert all(m.find(612).find(610) is None for m in w.raw_hss.mars[mars:]), "AUTS for a RAND that was never sent"
    ch = await ue.challenge()
    w.raw_hss.behave = RawHss.result(5012)
    async with causes.counted(w, ub_auts_refused=1):
        is_refusal(await ue.send(digest.format_params(ue.auts_params(ch, os.urandom(14)))), 403)
    w.raw_hss.behave = None
    ue = w.ue(1)
    ch = await ue.challenge()
    r = await ue.send(digest.format_params(ue.auts_params(ch, ue.usim.mil.auts(ch.rand, 77 << 5))))
    assert r.status == 401, r
    ch = Challenge(r)
    n = len(w.raw_hss.mars)
    async with causes.counted(w, ub_auts_repeated=1):
        is_refusal(await ue.send(digest.format_params(ue.auts_params(ch, ue.usim.mil.auts(ch.rand, 99 << 5)))), 403)
    assert len(w.raw_hss.mars) == n
    ch = await ue.challenge()
    async with causes.counted(w, ub_mac_failure=1):
        r, _ = await ue.answer(ch, b"", response="")
        is_refusal(r, 403)
    kept.mars = len(w.raw_hss.mars)
    await kept.check()


@test("ub_limit_impi, ub_limit_resync: buckets of one subscriber; another one is served", smoke=True)
async def buckets(t):
    w, kept = await world(t, n_cards=4)
    ue = w.ue()
    await ue.bootstrap()
    for _ in range(6):                          # of the TMPI, which is as good as the card
        await ue.challenge()
    async with causes.counted(w, ub_limit_impi=1):
        is_refusal(await ue.first(), 503)
    ue.tmpi, ue.source = None, "127.0.0.2"
    for _ in range(3):                          # of whoever knows the IMPI; one source has half of six
        await ue.challenge()
    kept.mars = len(w.raw_hss.mars)
    async with causes.counted(w, ub_limit_impi=1):
        is_refusal(await ue.first(), 503)
    await w.ue(1).challenge()
    await kept.check(mars=1)
    ue = w.ue(3)
    for _ in range(2):
        ue.usim.seq = [max(ue.usim.seq) + 5000] * 32
        await ue.bootstrap()
    ue.usim.seq = [max(ue.usim.seq) + 5000] * 32
    ch = await ue.challenge()
    n = len(w.raw_hss.mars)
    async with causes.counted(w, ub_limit_resync=1):
        is_refusal(await ue.send(digest.format_params(ue.auts_params(ch, ue.usim.mil.auts(ch.rand, ue.usim.highest())))), 503)
    assert len(w.raw_hss.mars) == n


@test("ub_limit_source: one source is cut off, another is not", smoke=True)
async def source(t):
    w = World(t, n_cards=8, raw_hss=True)
    w.bsf_cfg.set("ub", "challenges-source 3 60")
    w.bsf_cfg.set("ub", "source-exempt none")
    await w.start()
    ues = [w.ue(i) for i in range(8)]
    for u in ues[:3]:
        await u.challenge()
    async with causes.counted(w, ub_limit_source=1):
        is_refusal(await ues[3].first(), 503)
    ues[4].source = "127.0.0.2"
    await ues[4].challenge()


@test("ub_limit_connections: one too many is closed while all are worked on, and served when there is room", smoke=True)
async def limit_connections(t):
    w, kept = await world(t, "connections 4", n_cards=3)

    async def empty():
        return "connections 0 " in await w.vty("show ub")
    await t.until(empty, 5, "the server to see the first connections closed")
    w.raw_hss.behave = RawHss.never
    n = len(w.raw_hss.mars)
    waiting = [asyncio.ensure_future(w.ue(i // 2).first()) for i in range(4)]
    await t.until(lambda: mars_are(w, n + 4), 5, "four MARs")
    ue = w.ue(2)
    async with causes.counted(w, ub_limit_connections=1):
        try:
            r = await ue.first(timeout=5)
            raise AssertionError(f"answered {r}")
        except HttpClosed:
            pass
    for r in await asyncio.gather(*waiting):
        is_refusal(r, 503)                      # zh_timeout
    w.raw_hss.behave = None

    async def served():
        try:
            return (await ue.first()).status == 401
        except HttpClosed:
            return False
    await t.until(served, 10, "room for a connection")


@test("ub_busy: third request of one IMPI in flight; over the cap of the shard", smoke=True)
async def busy(t):
    w, kept = await world(t, "in-flight 3", n_cards=6)
    w.raw_hss.behave = RawHss.never
    ue = w.ue()
    n = kept.mars
    waiting = [asyncio.ensure_future(w.ue(0).first()) for _ in range(2)]
    await t.until(lambda: mars_are(w, n + 2), 5, "two MARs")
    async with causes.counted(w, ub_busy=1):
        is_refusal(await ue.first(), 503)
    waiting.append(asyncio.ensure_future(w.ue(1).first()))
    await t.until(lambda: mars_are(w, n + 3), 5, "three MARs")
    async with causes.counted(w, ub_busy=1):
        is_refusal(await w.ue(3).first(), 503)
    for r in await asyncio.gather(*waiting):
        is_refusal(r, 503)                      # zh_timeout
    w.raw_hss.behave = None
    await w.ue(3).bootstrap()


@test("ub_too_large, ub_http_rejected, ub_method, ub_path", smoke=True)
async def http(t):
    w = World(t, raw_hss=True)
    w.bsf_cfg.set("ub", "path /bsf")
    await w.start()
    ue = w.ue()
    ue.target = "/bsf"
    await ue.bootstrap()
    port = w.ports["ub"]
    first = digest.format_params(ue.first_params())
    async with causes.counted(w, ub_too_large=1):
        r = await ue.send(first, target="/bsf", extra=[("X-Long", "a" * 9000)])
        assert r.status == 431, r
    async with causes.counted(w, ub_too_large=1):
        r = await ue.send(first, target="/bsf", body=b"b" * 5000)
        assert r.status == 413, r
    for raw in (b"GET /bsf HTTP/1.1\r\nAuthorization: x\r\n\r\n",
                b"GET /bsf HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                b"GET /bsf HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"):
        async with causes.counted(w, ub_http_rejected=1):
            c = await HttpConn.open(port)
            await c.send(raw)
            assert (await c.response(5)).status == 400, raw
            c.close()
    async with causes.counted(w, also=("ub_http_rejected", "ub_syntax")):
        is_refusal(await ue.send(first.replace("@", "\0@")), 400)       # the HTTP library ends a value at a NUL
    for method in ("POST", "PUT", "DELETE", "HEAD"):
        async with causes.counted(w, ub_method=1):
            c = await HttpConn.open(port)
            await c.send(f"{method} /bsf HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
            head = await c.wait_closed_by_peer(5)
            assert head.startswith(b"HTTP/1.1 405") and b"allow: get" in head.lower(), head
            c.close()
    async with causes.counted(w, ub_path=1):
        is_refusal(await ue.send(digest.format_params(ue.first_params(uri="/")), target="/"), 404)
    assert (await ue.send(first, target="/bsf")).status == 401
    assert len(w.raw_hss.mars) == 2


async def trickle(w, head):
    """Sends head, then an octet now and then, nothing more if head is empty; how long it was let."""
    loop = asyncio.get_running_loop()
    c = await HttpConn.open(w.ports["ub"])
    began = loop.time()
    await c.send(head)
    closed = asyncio.ensure_future(c.wait_closed_by_peer(10 * w.t.factor))
    while not closed.done():
        try:
            await c.send(b"a" if head else b"")
        except ConnectionError:
            break
        await asyncio.wait({closed}, timeout=0.3)
    await closed
    return loop.time() - began


@test("ub_deadline: a header or a body that does not become complete is cut, whatever trickles in, or nothing; a kept connection "
      "just ends", smoke=True)
async def deadline(t):
    w, kept = await world(t, "request-time 2", "idle-time 60")
    heads = (b"", b"GE", b"GET / HTTP/1.1\r\nHost: a\r\nX: ", b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
    async with causes.counted(w, ub_deadline=len(heads)):
        for took in await asyncio.gather(*(trickle(w, head) for head in heads)):
            assert 1.5 < took < 4 * t.factor, f"closed after {took:.1f} s"
    async with causes.counted(w, ub_scheme=1):
        c = await HttpConn.open(w.ports["ub"])
        r = await w.ue().send(None, c)
        assert r.status == 400 and r.get("Cache-Control") == "no-store", r
        assert await c.wait_closed_by_peer(4 * t.factor) == b""
        c.close()
    await kept.check()
