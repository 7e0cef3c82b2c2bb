# SPDX-License-Identifier: AGPL-3.0-or-later
"""Ua in depth, by the example application server: proofs, counts, offers, renegotiation, a BSF in trouble."""
import asyncio
import base64
import json
import os
import socket
import time

from lib import dia, digest, kdf, procs
from lib.app import App, RawBsf, a_btid, edited, fingerprint
from lib.dia import Avp
from lib.runner import test
from lib.world import BSF_NAME, World

LIFE = """<guss id="{impi}"><bsfInfo><lifeTime>LIFE</lifeTime></bsfInfo><ussList/></guss>"""


def proves(client, session, response, target, qop, alg="md5", key=None):
    """Authentication-Info shows that the application has the key (RFC 7616 3.5)."""
    info = digest.parse_params(response.get("Authentication-Info"), None)
    c = client.challenge
    password = base64.b64encode(key or session.ks_naf(client.fqdn))
    want = digest.response(session.btid, c["realm"], password, "", target, c["nonce"], info["nc"], info["cnonce"], qop,
                           response.body, alg)
    assert info["rspauth"] == want and info["qop"] == qop, info


@test("first contact: challenge, Zn while the request waits, page; then from the cache", smoke=True,
      req=["220-4.2.2-1", "220-4.5.1-1", "220-4.5.1-2", "220-4.5.3-10", "220-4.5.3-15", "220-4.4.7-3", "220-4.4.9-2",
           "220-4.4.9-1", "220-4.4.6-9", "220-4.4.6-23", "220-4.5.2-27", "220-4.5.3-7", "220-H.3-2", "220-4.4.9-8",
           "220-4.2.4-6", "220-4.5.2-26", "220-4.5.3-6"])
async def happy(t):
    w = await World(t).start()
    app = await App(t, w.ports["dia"], "--qop", "both").start()
    s = await w.ue().bootstrap()
    ua = app.client()
    r = await app.expect(ua.get("/a%20b?c=d"), 401, "naf_challenged")
    ch = ua.take(r)
    assert ch["realm"] == "3GPP-bootstrapping@naf1.example.com" and "stale" not in ch and ch["algorithm"] == "MD5", ch
    for i, qop in enumerate(("auth-int", "auth")):
        r = await app.expect(ua.get("/a%20b?c=d", ua.authorization(s, "/a%20b?c=d", qop)), 200, "naf_ok")
        proves(ua, s, r, "/a%20b?c=d", qop)
        assert b"Welcome" in r.body
        assert (await w.counters())["zn_ok"] == 1, "the second request needs no BIR"
    body = b"x" * 3000
    await app.expect(ua.get("/", ua.authorization(s, "/", method="POST", body=body), "POST", body), 200, "naf_ok")
    assert app.requests()[-1]["run"] == kdf.run_id(s.rand)
    assert app.requests()[-1]["key_fingerprint"] == fingerprint(s.ks_naf())
    assert s.btid not in app.daemon.text()


@test("SHA-256 offered before MD5: either opens the page; integrity only: auth does not", smoke=True)
async def algorithms(t):
    w = await World(t).start()
    s = await w.ue().bootstrap()
    app = await App(t, w.ports["dia"], "--sha256", "--qop", "auth-int").start()
    ua = app.client()
    first = await ua.get()
    offers = [digest.parse_params(v) for v in first.all("WWW-Authenticate")]
    assert [o["algorithm"] for o in offers] == ["SHA-256", "MD5"] and all(o["qop"] == "auth-int" for o in offers), offers
    for offer, alg in zip(offers, ("sha256", "md5")):
        ua.challenge = offer
        r = await app.expect(ua.get("/", ua.authorization(s)), 200, "naf_ok")
        proves(ua, s, r, "/", "auth-int", alg)
    await app.expect(ua.get("/", ua.authorization(s, qop="auth")), 401, "naf_downgrade")


@test("curl's own --digest opens the page with the key that gba-naf fetched", smoke=True,
      req=["220-4.4.7-3", "220-4.4.9-2", "220-4.2.2-2"])
async def curl(t):
    exe, curl_exe = t.need_program("gba-naf"), t.need_tool("curl", "curl")
    w = await World(t).start()
    app = await App(t, w.ports["dia"]).start()
    s = await w.ue().bootstrap()
    key = os.path.join(w.etc, "ks-naf")
    bir = [exe, "bir", s.btid, "--naf", "naf1.example.com", "--ua", "0100000002", "--bsf", f"127.0.0.1:{w.ports['dia']}"]
    rc, out, err = await procs.run(bir + ["--json", "--show-key-to", key])
    got = json.loads(out)
    assert rc == 0 and got["result_code"] == 2001 and got["result"] == "DIAMETER_SUCCESS", (rc, out, err)
    assert got["key_fingerprint"] == fingerprint(s.ks_naf()) and got["cause"] == "ok", got
    assert got["run"] == kdf.run_id(s.rand), got
    assert time.strptime(got["lifetime"], "%Y-%m-%dT%H:%M:%SZ")
    assert w.cards[0].imsi not in out, "an identity is masked"
    assert os.stat(key).st_mode & 0o777 == 0o600
    rc, out, err = await procs.run(bir + ["--show-key-to", key, "--bsf-realm-from-btid"])
    assert rc == 2 and "exists" in err, "never over a file that is there"
    rc, config, err = await procs.run([exe, "curl-config", s.btid, key])
    assert rc == 0, err
    url = f"http://naf1.example.com:{app.port}/page?x=%20"
    argv = [curl_exe, "-s", "--digest", "-K", "-", "--connect-to", f"naf1.example.com:{app.port}:127.0.0.1:{app.port}", url]
    rc, out, err = await procs.run(argv, stdin=config.encode())
    assert rc == 0 and "Welcome" in out, (rc, out, err)
    assert [e["cause"] for e in app.requests()] == ["naf_challenged", "naf_ok"]
    for btid, code, want in ((a_btid(), 3, 5403), ("nonsense", 3, 5403)):
        rc, out, err = await procs.run([exe, "bir", btid] + bir[3:] + ["--json"])
        got = json.loads(out)
        assert rc == code and got["result_code"] == want and got["cause"] == "btid_unknown", (rc, out, err)
        assert (got["run"] is None) == (btid == "nonsense"), got
    rc, out, err = await procs.run(bir[:4] + ["bank.example.org"] + bir[5:])
    assert rc == 1 and "DIAMETER_ERROR_NOT_AUTHORIZED" in out, (rc, out, err)
    rc, out, err = await procs.run(bir[:-1] + ["127.0.0.1:1", "--timeout", "200"])
    assert rc == 4 and "no connection" in err, (rc, out, err)


@test("what is refused before anybody is asked: no BIR leaves", smoke=True, req=["220-4.5.2-27", "220-4.4.9-2"])
async def refused_here(t):
    w = await World(t).start()
    app = await App(t, w.ports["dia"]).start()
    s = await w.ue().bootstrap()
    ua = app.client()
    before = await w.counters()
    good = lambda **wrong: ua.authorization(s, "/", **wrong)  # noqa: E731
    ua.take(await app.expect(ua.get(), 401, "naf_challenged"))
    await app.expect(ua.get(authorization="Bearer abc"), 401, "naf_challenged")
    await app.expect(ua.get(authorization=good(realm="3GPP-bootstrapping@naf2.example.com")), 401, "naf_challenged")
    await app.expect(ua.get(authorization=good(nonce="", response="")), 401, "naf_challenged")
    missing = [edited(good(), name) for name in ("username", "nonce", "uri", "response", "nc", "cnonce")]
    wrong = [edited(good(), "nc", "1"), edited(good(), "nc", "0000000g"), edited(good(), "cnonce", "c" * 257),
             good() + ", nc=00000009", good(username="alice"), good(username="QUJD@" + BSF_NAME)]
    for text in ["Digest", 'Digest username="', "Digest " + "a=b, " * 2000] + missing + wrong:
        await app.expect(ua.get(authorization=text), 400, "naf_syntax")
    await app.expect(ua.get("/other", good()), 400, "naf_uri_mismatch")
    await app.expect(ua.get("/?q", good()), 400, "naf_uri_mismatch")
    await app.expect(ua.get("/", good(uri="http://evil.example.com/")), 400, "naf_uri_mismatch")
    await app.expect(ua.get("/", good(), http_host="evil.example.com"), 400, "naf_uri_mismatch")
    for wrong in ({"algorithm": "SHA-256"}, {"algorithm": "MD5-sess"}, {"algorithm": "AKAv1-MD5"}, {"qop": None},
                  {"qop": "none"}):
        r = await app.expect(ua.get(authorization=good(**wrong)), 401, "naf_downgrade")
        assert "stale" not in digest.parse_params(r.get("WWW-Authenticate"))
    await app.expect(ua.get(authorization=good(username=kdf.btid(s.rand, "bsf.other.example"))), 403, "naf_bsf_foreign")
    nonce = ua.challenge["nonce"]
    for n in ("dcd98b7102dd2f0e8b11d0f600bfb0c093", "B" + nonce[1:], nonce[:-2] + ("E=" if nonce[-2] == "A" else "A=")):
        r = await app.expect(ua.get(authorization=good(nonce=n)), 401, "naf_nonce_stale")
        assert digest.parse_params(r.get("WWW-Authenticate"))["stale"] == "true"
    after = await w.counters()
    assert all(after.get(c, 0) == before.get(c, 0) for c in ("zn_ok", "zn_btid_unknown", "zn_name_denied"))
    r = await app.expect(ua.get("/", ua.authorization(s, "/", uri=f"http://naf1.example.com:{app.port}/")), 200, "naf_ok")
    assert r.status == 200, "the absolute form of the same target"
    for target, uri, cause in (("/%7Ea%2fb", "/~a%2Fb", "naf_ok"), ("/a%20b", "http://naf1.example.com/a b", "naf_ok"),
                               ("/a%2Fb", "/a/b", "naf_uri_mismatch"), ("/page/", "/page", "naf_uri_mismatch")):
        await app.expect(ua.get(target, ua.authorization(s, uri, uri=uri)), 200 if cause == "naf_ok" else 400, cause)


@test("an absolute request target says whose it is, whatever Host says", smoke=True, req=["220-4.5.2-27"])
async def absolute_target(t):
    w = await World(t).start()
    app = await App(t, w.ports["dia"]).start()
    s = await w.ue().bootstrap()
    ua = app.client()
    ua.take(await ua.get())
    ours, foreign = "http://naf1.example.com/page", "http://evil.example.com/page"
    send = lambda target, host: ua.get(target, ua.authorization(s, target), http_host=host)  # noqa: E731
    await app.expect(send(ours, "evil.example.com"), 200, "naf_ok")
    await app.expect(send(foreign, "naf1.example.com"), 400, "naf_uri_mismatch")


@test("a refused B-TID is remembered for who sent it: who has seen RAND on Ub and asks first does not keep the owner out",
      smoke=True)
async def stranger_first(t):
    w = await World(t).start()
    app = await App(t, w.ports["dia"]).start()
    ue, stranger, owner = w.ue(), app.client(), app.client()
    stranger.source = "127.0.0.2"
    ch = await ue.challenge()
    class Seen:                                     # what is on the air before the bootstrapping is done
        btid = kdf.btid(ch.rand, BSF_NAME)
    for client in (stranger, owner):
        client.take(await client.get())
    for _ in range(3):
        forged = stranger.authorization(Seen, key=os.urandom(32))
        await app.expect(stranger.get(authorization=forged), 401, "naf_btid_unknown")
    assert (await w.counters())["zn_btid_unknown"] == 1, "one question for the stranger"
    res, ck, ik = ue.usim.authenticate(ch.rand, ch.autn)
    r, params = await ue.answer(ch, res)
    s = ue.finish(ch, params, r, res, ck, ik)
    assert s.btid == Seen.btid
    await app.expect(owner.get(authorization=owner.authorization(s)), 200, "naf_ok")


@test("one slash at the end may be missing where the application says so", smoke=True)
async def slash(t):
    w = await World(t).start()
    s = await w.ue().bootstrap()
    for more, cause in (([], "naf_uri_mismatch"), (["--slash-optional"], "naf_ok")):
        app = await App(t, w.ports["dia"], *more, name=f"naf{len(more)}").start()
        ua = app.client()
        ua.take(await ua.get())
        await app.expect(ua.get("/page/?x", ua.authorization(s, "/page?x")), 200 if more else 400, cause)
        await app.expect(ua.get("/page//", ua.authorization(s, "/page")), 400, "naf_uri_mismatch")
        await app.daemon.stop()


@test("repetition, wrong keys: a nonce count is good once, in any order within the window", smoke=True,
      req=["220-4.4.9-2"])
async def replay(t):
    w = await World(t).start()
    app = await App(t, w.ports["dia"], "--qop", "both").start()
    s = await w.ue().bootstrap()
    ua = app.client()
    ua.take(await ua.get())
    once = ua.authorization(s, nc=100)
    await app.expect(ua.get(authorization=once), 200, "naf_ok")
    r = await app.expect(ua.get(authorization=once), 401, "naf_replay")
    assert digest.parse_params(r.get("WWW-Authenticate"))["stale"] == "true", "the B-TID is good"
    for nc, status, cause in ((99, 200, "naf_ok"), (99, 401, "naf_replay"), (37, 200, "naf_ok"), (36, 401, "naf_replay"),
                              (164, 200, "naf_ok"), (100, 401, "naf_replay"), (101, 200, "naf_ok")):
        await app.expect(ua.get(authorization=ua.authorization(s, nc=nc)), status, cause)
    results = await asyncio.gather(*(ua.get(authorization=ua.authorization(s, nc=500)) for _ in range(8)))
    assert sorted(r.status for r in results) == [200] + [401] * 7, "of equal counts one is served"
    for wrong in ({"key": os.urandom(32), "nc": 600}, {"response": "0" * 32, "nc": 600}, {"response": "", "nc": 600}):
        r = await app.expect(ua.get(authorization=ua.authorization(s, **wrong)), 401, "naf_response")
        assert "stale" not in digest.parse_params(r.get("WWW-Authenticate"))
    body = ua.authorization(s, method="POST", body=b"pay 1", nc=600)
    await app.expect(ua.get("/", body, "POST", b"pay 1000"), 401, "naf_response")
    await app.expect(ua.get("/", body, "POST", b"pay 1"), 200, "naf_ok")


@test("the example server on a port that is taken, an address that is not ours, values that are none: which, and why", smoke=True)
async def port_taken(t):
    exe = t.need_program("gba-naf-example")
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        for at, why in ((f"127.0.0.1:{s.getsockname()[1]}", "Address already in use"),
                        ("192.0.2.1:8090", "Cannot assign requested address")):
            rc, out, err = await procs.run([exe, "--listen", at], 15)
            assert rc == 1 and f"cannot listen on {at}: {why}" in err, (rc, out, err)
    for option, value in (("--qop", "auth,auth-int"), ("--qop", ""), ("--deadline", "0"), ("--deadline", "12x"), ("--deadline", "-1"),
                          ("--listen", "127.0.0.1:65536"), ("--listen", "127.0.0.1:-1"), ("--listen", "127.0.0.1")):
        rc, out, err = await procs.run([exe, option, value], 15)
        assert rc == 2 and f"{option} wants" in err and value in err, (option, value, rc, err)
    for bsf in ("127.0.0.1:99999", "127.0.0.1:0"):
        rc, out, err = await procs.run([exe, "--listen", "127.0.0.1:0", "--bsf", bsf], 15)
        assert rc == 1 and "port 1 to 65535" in err and bsf in err, (rc, err)


@test("unknown, revoked and expired B-TIDs: renegotiation; the BSF is asked once for each", smoke=True,
      req=["220-4.5.3-3", "220-4.5.3-14", "220-4.2.2-6", "220-4.4.4-2"])
async def renegotiation(t):
    w = await World(t, guss=LIFE.replace("LIFE", "3")).start()
    app = await App(t, w.ports["dia"]).start()
    ue, ua = w.ue(), app.client()
    s = await ue.bootstrap()
    ua.take(await ua.get())
    await app.expect(ua.get(authorization=ua.authorization(s)), 200, "naf_ok")
    asked = (await w.counters())["zn_ok"]
    await asyncio.sleep(max(0, s.expires_at - time.time()) + 0.01)     # the key's life is on the wall clock
    for _ in range(2):
        r = await app.expect(ua.get(authorization=ua.authorization(s)), 401, "naf_key_expired")
        assert "stale" not in digest.parse_params(r.get("WWW-Authenticate")), "a new B-TID is needed"
    counters = await w.counters()
    assert counters["zn_ok"] == asked and counters.get("zn_btid_unknown", 0) == 0, "an expired key is not asked for"
    s = await ue.bootstrap()
    await app.expect(ua.get(authorization=ua.authorization(s)), 200, "naf_ok")
    user = a_btid()
    for _ in range(3):
        r = await app.expect(ua.get(authorization=ua.authorization(s, username=user)), 401, "naf_btid_unknown")
        assert "stale" not in digest.parse_params(r.get("WWW-Authenticate"))
    assert (await w.counters())["zn_btid_unknown"] == 1, "a B-TID sent again and again costs the BSF one question"


@test("a name the BSF does not let this NAF speak for", smoke=True, req=["220-4.4.6-10"])
async def not_authorized(t):
    w = await World(t).start()
    app = await App(t, w.ports["dia"], fqdn="bank.example.org").start()
    s = await w.ue().bootstrap()
    ua = app.client()
    ua.take(await ua.get())
    for _ in range(2):
        r = await app.expect(ua.get(authorization=ua.authorization(s)), 403, "naf_not_authorized")
        assert r.get("Authentication-Info") is None
    assert (await w.counters())["zn_name_denied"] == 1


@test("BSF down, silent, back; bad answers: 503 with Retry-After, never a key")
async def bsf_trouble(t):
    bsf = RawBsf()
    port = procs.free_port()
    app = await App(t, port, "--deadline", "700").start()
    ua = app.client()
    ua.take(await ua.get())
    class Someone:
        btid = a_btid()
    key = os.urandom(32)
    send = lambda: ua.get(authorization=ua.authorization(Someone, key=key))  # noqa: E731
    r = await app.expect(send(), 503, "naf_bsf_down")
    assert int(r.get("Retry-After")) > 0
    health = await ua.get("/health")
    assert health.status == 503
    await bsf.start(port)
    t.cleanup(bsf.stop)
    await bsf.wait_peer(15)
    async def up():
        return (await ua.get("/health")).status == 200
    await t.until(up, 15, "the application to be connected")
    began = time.monotonic()
    await app.expect(send(), 503, "naf_bsf_down")      # silence
    assert 0.6 <= time.monotonic() - began < 5 * t.factor
    assert [bool(b.flags & dia.T) for b in bsf.birs] == [False, True], "asked, and once more"
    bir = bsf.birs[0]
    assert bir.text(dia.BTID) == Someone.btid and bir.find(dia.NAF_ID).data == b"naf1.example.com" + kdf.UA_HTTP_DIGEST
    results = await asyncio.gather(*(send() for _ in range(5)))
    assert all(r.status == 503 for r in results) and len(bsf.birs) == 4, "five requests, one question"
    good = [Avp(dia.RESULT, 2001), Avp(dia.ME_KEY, key), Avp(dia.KEY_EXPIRY, dia.to_ntp(int(time.time()) + 60))]
    for bad in ([Avp(dia.RESULT, 5012)], [Avp(dia.RESULT, 3004)], [Avp(dia.RESULT, 3002)], [Avp(dia.RESULT, 2001)],
                [good[0], Avp(dia.ME_KEY, key[:31])], [good[0], good[1], good[1]]):
        bsf.answer = bad
        await app.expect(send(), 503, "naf_bsf_error")
    bsf.answer = good
    await app.expect(send(), 200, "naf_ok")
    assert fingerprint(key) == app.requests()[-1]["key_fingerprint"]


@test("any start order: the application first, its BSF later; a BSF that comes back")
async def order(t):
    w = World(t)
    app = await App(t, w.ports["dia"]).start()
    await w.start()
    s = await w.ue().bootstrap()
    ua = app.client()
    ua.take(await ua.get())
    async def served():
        return (await ua.get(authorization=ua.authorization(s))).status == 200
    began = time.monotonic()
    await t.until(served, 10, "the page")
    t.note(f"application started before its BSF: page {time.monotonic() - began:.1f} s after the bootstrap")
