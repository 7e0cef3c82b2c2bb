# SPDX-License-Identifier: AGPL-3.0-or-later
"""gba-ue against a raw BSF and a raw NAF: what it sends, what it refuses to believe, what it keeps."""
import asyncio
import base64
import json
import os
import re
import time

from lib import kdf, memory, procs
from lib.gba_ue import IMPI, IMSI, NAME, Device
from lib.runner import test


@test("gba-ue bootstraps: form of both requests, product token, IMPI first and TMPI afterwards, also after a restart", smoke=True,
      req=["220-4.2.4-1", "220-4.4.8-13", "220-4.5.2-4", "220-4.5.2-7", "220-4.5.2-8", "220-4.5.2-16", "220-4.5.2-23",
           "220-4.4.4-6", "220-4.4.13-3", "220-4.5.4-1", "220-4.5.2-19"])
async def bootstraps(t):
    d = await Device(t).start()
    d.bsf.tail = b"server data"
    rc, out, err = await d.run("bootstrap")
    assert rc == 0 and out["btid"] in d.bsf.sessions, (rc, out, err)
    first, second = d.bsf.requests
    assert first["headers"]["host"] == NAME and first["target"] == "/" and first["method"] == "GET"
    assert all("3gpp-gba-tmpi" in r["headers"]["user-agent"] for r in d.bsf.requests)
    assert first["params"] == {"username": IMPI, "realm": NAME, "nonce": "", "uri": "/", "response": ""}, first["params"]
    assert second["params"]["username"] == IMPI and second["params"]["qop"] == "auth-int"
    tmpi = next(iter(d.bsf.tmpis))
    assert out["tmpi"] == tmpi
    rc, out, err = await d.run("bootstrap")
    assert rc == 0 and d.bsf.requests[2]["params"]["username"] == tmpi, d.bsf.requests[2]["params"]
    assert d.bsf.requests[3]["params"]["username"] == tmpi
    assert out["tmpi"] == next(iter(d.bsf.tmpis)) != tmpi, "the new one takes the place of the former"


@test("gba-ue whose TMPI is refused forgets it and comes with the IMPI", smoke=True, req=["220-4.5.2-11"])
async def tmpi_refused(t):
    d = await Device(t).start()
    assert (await d.run("bootstrap"))[0] == 0
    d.bsf.tmpis = {}
    d.bsf.refuse = 429                          # not about the TMPI
    n = len(d.bsf.requests)
    rc, out, err = await d.run("bootstrap")
    assert (rc, out["cause"]) == (4, "busy") and len(d.bsf.requests) == n + 1 and "tmpi" in (await d.run("status"))[1], out
    d.bsf.refuse = 403                          # nothing comes of this run, but the unknown TMPI is gone from the disk
    assert (await d.run("bootstrap"))[0] == 1 and "tmpi" not in (await d.run("status"))[1]
    assert b"tmpi" not in d.state()["usim-1.state.gba"], "an unknown TMPI is kept on disk"
    d.bsf.refuse = None
    d.bsf.server_token = "plain/1.0"            # from here on there is none to get
    rc, out, err = await d.run("bootstrap")
    users = [r["params"]["username"] for r in d.bsf.requests[n + 1:]]
    assert rc == 0 and users[1:] == [IMPI] * 3 and users[0].endswith(kdf.TMPI_REALM), (rc, users, err)


@test("gba-ue and a BSF without the Server token: no TMPI, the next run uses the IMPI", smoke=True,
      req=["220-4.4.4-8", "220-4.5.2-23"])
async def no_token(t):
    d = await Device(t).start()
    d.bsf.server_token = "plain/1.0"
    rc, out, err = await d.run("bootstrap")
    assert rc == 0 and "tmpi" not in out, out
    assert (await d.run("bootstrap"))[0] == 0
    assert {r["params"]["username"] for r in d.bsf.requests} == {IMPI}
    d.bsf.server_token = "raw/1 3gpp-gba-tmpi"
    tmpi = (await d.run("bootstrap"))[1]["tmpi"]
    d.bsf.server_token = "plain/1.0"
    rc, out, err = await d.run("bootstrap")
    assert rc == 0 and out["tmpi"] == tmpi, "without the token the former TMPI stays"


@test("gba-ue against a network whose AUTN is wrong: no RES leaves, nothing is kept, exit code 3", smoke=True,
      req=["220-4.2.1-2", "220-4.5.2-15", "102-6.3.3-1", "102-6.3.3-4"])
async def wrong_autn(t):
    d = await Device(t).start()
    assert (await d.run("bootstrap"))[0] == 0
    n, old = len(d.bsf.requests), (await d.run("status"))[1]
    for spoil in (lambda a: a[:15] + bytes([a[15] ^ 1]), lambda a: bytes([a[0] ^ 1]) + a[1:],
                  lambda a: a[:6] + b"\x80\0" + a[8:]):
        d.bsf.spoil_autn = spoil
        rc, out, err = await d.run("bootstrap")
        assert rc == 3 and "btid" not in out, (rc, out, err)
    later = [r["params"] for r in d.bsf.requests[n:] if r["params"]["nonce"]]
    assert len(later) == 3 and all(p["response"] == "" and "auts" not in p for p in later), later
    assert d.bsf.mac_failures == 3, "the network is told"
    assert (await d.run("status"))[1].get("btid") == old["btid"], "the key from before must stay"


@test("gba-ue against a BSF that cannot prove that it knows RES: nothing is kept, exit code 3", smoke=True, req=["220-I.5.2-9"])
async def wrong_rspauth(t):
    d = await Device(t).start()
    spoils = [lambda x: x.replace('rspauth="', 'rspauth="0')[:-1], lambda x: "", lambda x: x.replace("nc=00000001", "nc=00000002"),
              lambda x: x.replace('cnonce="', 'cnonce="f')]
    for n, spoil in enumerate(spoils):
        d.bsf.spoil_info = spoil
        rc, out, err = await d.run("bootstrap")
        assert (rc, out["cause"], out["status"]) == (3, "rspauth", 200) and "btid" not in out, (n, rc, out, err)
    assert "btid" not in (await d.run("status"))[1]
    d.bsf.spoil_info = lambda x: x
    for body in (lambda b: b.replace(b"btid", b"bad"), lambda b: b[:-20], lambda b: b.replace(b"==@", b"=@")):
        d.bsf.spoil_body = body
        rc, out, err = await d.run("bootstrap")
        assert rc != 0 and "btid" not in out, (rc, out, err)
    other = kdf.btid(os.urandom(16), NAME).encode()
    d.bsf.spoil_body = lambda b: re.sub(b"<btid>.*</btid>", b"<btid>" + other + b"</btid>", b)
    rc, out, err = await d.run("bootstrap")
    assert (rc, out["cause"]) == (3, "btid"), "the B-TID of another run is taken"
    assert "btid" not in (await d.run("status"))[1]


@test("gba-ue resynchronises once; a network that wants it twice is left", smoke=True, req=["102-6.3.3-2", "102-6.3.3-3"])
async def resync(t):
    d = await Device(t).start()
    d.bsf.sub.seq = 700
    assert (await d.run("bootstrap"))[0] == 0
    d.bsf.sub.seq, d.bsf.sub.ind = 5, 0
    rc, out, err = await d.run("bootstrap")
    assert rc == 0 and d.bsf.resyncs == 1 and d.bsf.sub.seq in (701, 702), (rc, d.bsf.resyncs, d.bsf.sub.seq, err)
    # a network that never learns
    d.bsf.sub.next_sqn = lambda: 33
    n = len(d.bsf.requests)
    rc, out, err = await d.run("bootstrap")
    assert (rc, out["cause"]) == (3, "resync") and "btid" not in out, (rc, out)
    assert [("auts" in r["params"]) for r in d.bsf.requests[n:]] == [False, True], "a second AUTS leaves"


@test("gba-ue refuses a challenge without AKA, with a short nonce, of another algorithm; 5xx is 'try later'", smoke=True)
async def odd_challenges(t):
    d = await Device(t).start()
    for change in ({"algorithm": "MD5"}, {"nonce": "QUFBQQ=="}, {"nonce": "%%%"}, {"algorithm": "AKAv3-MD5"}):
        d.bsf.spoil_challenge = lambda p, c=change: {**p, **c}
        n = len(d.bsf.requests)
        rc, out, err = await d.run("bootstrap")
        assert (rc, out["cause"], out["status"]) == (1, "challenge", 401) and len(d.bsf.requests) - n == 1, (change, rc, out)
    d.bsf.spoil_challenge = lambda p: p
    for status, code in ((503, 4), (403, 1), (404, 1), (500, 4)):
        d.bsf.refuse = status
        rc, out, err = await d.run("bootstrap")
        assert (rc, out["status"]) == (code, status) and out["reason"], (status, rc, out)
    d.bsf.refuse = None
    await d.bsf.stop()
    d.bsf.port = procs.free_port()
    rc, out, err = await d.run("bootstrap")
    assert (rc, out["cause"], out["status"], out["run"]) == (4, "not_reached", None, None), (rc, out)


@test("gba-ue get: bootstraps when asked, keeps the key for the next page, bootstraps again when the NAF wants it", smoke=True,
      req=["220-4.4.8-12", "220-4.4.9-1", "220-4.5.1-1", "220-4.5.2-3", "220-4.5.2-25", "220-4.5.2-30", "220-4.5.3-5",
           "220-4.5.3-1", "220-4.5.3-7", "220-4.2.4-6", "220-4.4-5"])
async def get(t):
    d = await Device(t).start()
    rc, out, err = await d.run("get", "http://naf1.example.com/page?x=1")
    assert rc == 0 and out["body"] == "the page" and out["bootstrapped"] and out["answer_proved"], (rc, out, err)
    assert "3gpp-gba" in d.naf.requests[0]["headers"]["user-agent"]
    assert d.naf.requests[-1]["params"]["username"] == out["btid"] and len(d.bsf.requests) == 2
    assert d.naf.requests[-1]["params"]["qop"] == "auth-int", "of two the one that covers the body"
    rc, out2, err = await d.run("get", "http://naf1.example.com/page")
    assert rc == 0 and out2["btid"] == out["btid"] and not out2["bootstrapped"] and len(d.bsf.requests) == 2, (rc, out2, err)
    d.naf.stale_once = True
    rc, out3, err = await d.run("get", "http://naf1.example.com/")
    assert rc == 0 and len(d.bsf.requests) == 2, "a stale nonce is no reason to bootstrap"
    d.naf.forgotten.add(out["btid"])
    rc, out4, err = await d.run("get", "http://naf1.example.com/")
    assert rc == 0 and out4["btid"] != out["btid"] and len(d.bsf.requests) == 4, (rc, out4, err)
    plain, answers = d.naf.handle, []

    def stale_then_forgotten(req):
        if req["params"]:
            answers.append(req["params"]["username"])
            if len(answers) == 1:
                return d.naf.challenge(", stale=true")
            if len(answers) == 2:
                d.naf.forgotten.add(answers[1])
        return plain(req)
    d.naf.handle = stale_then_forgotten
    rc, out5, err = await d.run("get", "http://naf1.example.com/")
    assert rc == 0 and answers == [out4["btid"]] * 2 + [out5["btid"]], "a stale nonce counts as a refused key"
    n = len(d.naf.requests)
    d.naf.handle = lambda req: d.naf.challenge(", stale=true")
    rc, out6, err = await d.run("get", "http://naf1.example.com/")
    assert (rc, out6["cause"]) == (1, "key_refused") and len(d.naf.requests) - n < 10, "a server that never has enough is left"
    d.naf.handle = plain
    d.naf.realm = "3GPP-bootstrapping-uicc@naf1.example.com;3GPP-bootstrapping@naf1.example.com"
    rc, out6, err = await d.run("get", "http://naf1.example.com/")
    assert rc == 0 and d.naf.requests[-1]["params"]["realm"] == "3GPP-bootstrapping@naf1.example.com", (rc, out6)
    d.naf.realm = "3GPP-bootstrapping@other.example.com"
    n = len(d.naf.requests)
    rc, out6, err = await d.run("get", "http://naf1.example.com/")
    assert rc == 3 and all(not r["params"] for r in d.naf.requests[n:]), (rc, "answered a challenge for another host")


@test("gba-ue takes of several challenges the first one it can answer, in one header or in several, on Ub and on Ua", smoke=True)
async def several_challenges(t):
    d = await Device(t).start()

    def beside(server, value, joined):
        plain = type(server).challenge.__get__(server)

        def both(*args):
            status, headers, body = plain(*args)
            if not joined:
                return status, [("WWW-Authenticate", value)] + headers, body
            right = dict(headers)["WWW-Authenticate"]
            rest = [h for h in headers if h[0] != "WWW-Authenticate"]
            return status, rest + [("WWW-Authenticate", f"{value}, {right}, Basic realm=\"last\"")], body
        server.challenge = both
    wrong_ub = (f'Digest realm="{NAME}", nonce="QUFBQQ==", algorithm=AKAv3-SHA-256, qop="auth-int"',
                f'Digest realm="{NAME}", nonce="QUFBQQ==", algorithm=AKAv1-MD5, qop="auth-int"',        # too short
                'Digest realm="x", realm="y", nonce="z"', 'Negotiate')
    for value in wrong_ub:
        for joined in (False, True):
            beside(d.bsf, value, joined)
            rc, out, err = await d.run("bootstrap")
            assert rc == 0, (value, joined, rc, out, err)
    for value in ('Digest realm="x", nonce="y", algorithm=SHA-512-256, qop="auth"', 'Basic realm="other"',
                  'Digest realm="3GPP-bootstrapping@other.example.com", nonce="y", qop="auth"',
                  'Digest realm="3GPP-bootstrapping@naf1.example.com", nonce="y", algorithm=MD5-sess, qop="auth"',
                  'Digest realm="3GPP-bootstrapping@naf1.example.com", nonce="y", algorithm=AKAv1-MD5, qop="auth"'):
        for joined in (False, True):
            beside(d.naf, value, joined)
            rc, out, err = await d.run("get", "http://naf1.example.com/page")
            assert rc == 0 and out["body"] == "the page", (value, joined, rc, out, err)


@test("gba-ue reads values in which octets are escaped that need it not, on Ub and on Ua", smoke=True)
async def quoted_pairs(t):
    d = await Device(t).start()
    for server in (d.bsf, d.naf):
        plain = server.handle

        def escaping(req, plain=plain):
            status, headers, body = plain(req)
            inner = lambda m: '"' + re.sub(r"([-@./a-c])", r"\\\1", m[1]) + '"'  # noqa: E731
            return status, [(k, re.sub('"([^"]*)"', inner, v)) for k, v in headers], body
        server.handle = escaping
    rc, out, err = await d.run("-v", "get", "http://naf1.example.com/page")
    assert rc == 0 and out["body"] == "the page" and out["answer_proved"], (rc, out, err)
    assert r"3GPP\-\bootstr\apping\@n\af1\.ex\ample\.\com" in err and r'realm="\bsf\.' in err, "nothing was escaped: " + err


@test("gba-ue refuses a key that is over, a B-TID of another BSF; counts the lifetime by the server's clock", smoke=True)
async def odd_keys(t):
    d = await Device(t).start()
    life = lambda at: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))  # noqa: E731
    left = lambda out: time.mktime(time.strptime(out["lifetime"], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone - time.time()  # noqa: E731

    def says(ahead):
        """The clock of the BSF, in Extension/currenttime."""
        here = f"<Extension><currenttime>{life(time.time() + ahead)}</currenttime></Extension>".encode()
        return lambda b: b.replace(b"</lifetime>", b"</lifetime>" + here)
    d.bsf.lifetime = -1
    rc, out, err = await d.run("bootstrap")
    assert (rc, out["cause"], out["status"]) == (3, "lifetime", 200) and "btid" not in out, (rc, out)
    d.bsf.lifetime = 3600
    d.bsf.spoil_body = says(7200)
    rc, out, err = await d.run("bootstrap")
    assert (rc, out["cause"]) == (3, "lifetime"), "over by the clock of the server that said it"
    d.bsf.btid_name = "bsf.other.example.com"
    d.bsf.spoil_body = lambda b: b
    rc, out, err = await d.run("bootstrap")
    assert (rc, out["cause"]) == (3, "btid") and "bsf.other.example.com" in out["reason"], (rc, out)
    assert "btid" not in (await d.run("status"))[1], "something of a refused run is kept"
    rc, out, err = await d.run("--bsf", "http://bsf.other.example.com/", "--connect-to",
                               f"bsf.other.example.com:80:127.0.0.1:{d.bsf.port}", "bootstrap")
    assert rc == 0 and out["btid"].endswith("@bsf.other.example.com"), (rc, out)
    d.bsf.btid_name = NAME
    d.bsf.lifetime = 100000                                         # a clock that is a day ahead, told in either way
    d.bsf.spoil_body = says(86400)
    rc, out, err = await d.run("bootstrap")
    assert rc == 0 and 13500 < left(out) < 13700, out
    d.bsf.spoil_body = lambda b: b
    d.bsf.more = [("Date", time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 86400)))]
    rc, out, err = await d.run("bootstrap")
    assert rc == 0 and 13500 < left(out) < 13700, out


@test("gba-ue on Ua: a wrong rspauth is refused, an expired Ks is not used", smoke=True)
async def ua_proofs(t):
    d = await Device(t).start()
    assert (await d.run("bootstrap"))[0] == 0
    for spoil in (lambda x: re.sub('rspauth="[0-9a-f]{32}"', 'rspauth="' + "0" * 32 + '"', x),
                  lambda x: x.replace("nc=00000001", "nc=00000002"), lambda x: x.replace('cnonce="', 'cnonce="f')):
        d.naf.spoil_info = spoil
        rc, out, err = await d.run("get", "http://naf1.example.com/page")
        assert (rc, out["cause"], out["status"]) == (3, "rspauth", 200) and "body" not in out, (rc, out)
    d.naf.spoil_info = lambda x: x.replace("rspauth", "nothing")
    rc, out, err = await d.run("get", "http://naf1.example.com/page")
    assert rc == 0 and not out["answer_proved"], "rspauth is optional on Ua"
    d.naf.spoil_info = lambda x: x
    d.bsf.lifetime = 2
    old = (await d.run("bootstrap"))[1]["btid"]
    plain = d.naf.handle

    def slow(req):                              # the key ends between the first request and its 401
        d.naf.handle = plain
        time.sleep(2.1)
        return plain(req)
    d.naf.handle = slow
    n = len(d.naf.requests)
    rc, out, err = await d.run("get", "http://naf1.example.com/page")
    assert rc == 0 and out["bootstrapped"] and out["btid"] != old, (rc, out)
    assert [r["params"].get("username") for r in d.naf.requests[n:]] == [None, out["btid"]], "an expired Ks is used"


STEERS = "\x1b[31m\x1b]0;title\x07\x9b2J\x7f\r"       # in a header: what the client library lets pass


@test("gba-ue prints no escape sequence a server sends: page, trace, errors, JSON; --output has the octets", smoke=True)
async def escapes(t):
    d = await Device(t).start()
    page = ("a\x1b[2J\x9bm\x7f\x00\r\b\u009b\u202eb\u200f\nGr\u00fc\u00dfe\t\u20ac\n").encode() + b"\xc0\x9b\xff\n"
    d.naf.page = page

    async def quiet(*words, code=0):
        rc, out, err = await procs.run(d.at(*words), 20, binary=True)
        assert rc == code, (words, rc, out, err)
        for stream in (out, err):
            assert all(c >= 0x20 or c in b"\n\t" for c in stream) and 0x7f not in stream, (words, stream)
            text = stream.decode()              # also: UTF-8
            assert not any(0x80 <= ord(c) < 0xa0 or c in "\u202e\u200f" for c in text), (words, text)
        return out, err
    out, err = await quiet("get", "http://naf1.example.com/page")
    assert "Gr\u00fc\u00dfe\t\u20ac".encode() in out and b"a\\x1b[2J" in out, out
    await quiet("-v", "get", "http://naf1.example.com/page")
    out, err = await quiet("--json", "get", "http://naf1.example.com/page")
    assert json.loads(out)["body"] is None, "it is no UTF-8, so no JSON can hold it"
    d.naf.page = b"a\x1b[2J\x7f\xc2\x9b"
    out, err = await quiet("-v", "--json", "get", "http://naf1.example.com/page")
    assert json.loads(out)["body"] == d.naf.page.decode(), "JSON holds the page as it is"
    out, err = await quiet("--output", t.dir + "/page", "get", "http://naf1.example.com/page")
    with open(t.dir + "/page", "rb") as f:
        assert out == b"" and f.read() == d.naf.page
    d.naf.realm = "3GPP-bootstrapping@x" + "\x9b2J"
    for more in ([], ["-v"], ["--json"]):
        out, err = await quiet(*more, "get", "http://naf1.example.com/page", code=3)
        assert b"another host" in out + err
    d.bsf.more = [("Server", "x" + STEERS.replace("\r", "")), ("Retry-After", STEERS.replace("\r", ""))]
    d.bsf.refuse = 503
    for more in ([], ["-v"], ["--json"]):
        out, err = await quiet(*more, "bootstrap", code=4)
        assert b"busy" in out + err and b"x1b" in out + err, (out, err)
    d.bsf.refuse, d.bsf.more = None, []
    d.bsf.spoil_challenge = lambda p: {**p, "algorithm": "A" + STEERS.replace("\r", "").replace("\x1b", "").replace("\x07", "").replace("\x7f", "")}
    for more in ([], ["-v"], ["--json"]):
        await quiet(*more, "bootstrap", code=1)


@test("gba-ue names the run as the logs of the network do, and every outcome in JSON with status and cause", smoke=True)
async def outcomes(t):
    d = await Device(t).start()
    rc, out, err = await d.run("status")
    assert (rc, out["result"], out["cause"], out["status"], out["run"]) == (0, "no key", "ok", None, None), out
    rc, out, err = await d.run("bootstrap")
    (btid, (ks, rand)), = d.bsf.sessions.items()
    run = kdf.run_id(rand)
    assert (rc, out["result"], out["cause"], out["status"], out["run"]) == (0, "bootstrapped", "ok", 200, run), out
    for words in (["status"], ["get", "http://naf1.example.com/page"]):
        rc, out, err = await d.run(*words)
        assert rc == 0 and out["run"] == run and out["cause"] == "ok", out
        rc, text, err = await procs.run(d.at(*words), 20)
        assert rc == 0 and run in text + err and IMSI not in text + err, (text, err)
    d.bsf.spoil_autn = lambda a: a[:15] + bytes([a[15] ^ 1])
    rc, out, err = await d.run("bootstrap")
    assert (rc, out["result"], out["cause"]) == (3, "distrusted", "autn") and out["run"] not in (None, run), out
    rc, text, err = await procs.run(d.at("bootstrap"), 20)
    assert rc == 3 and re.search(r"\(run [0-9a-f]{8}\)", err), err
    d.naf.handle = lambda req: (404, [], b"none")
    rc, out, err = await d.run("get", "http://naf1.example.com/none")
    assert (rc, out["result"], out["cause"], out["status"]) == (1, "answered", "refused", 404), out


@test("gba-ue: malformed words are refused before anything is opened, exit code 2, also as JSON", smoke=True)
async def usage(t):
    exe = t.need_program("gba-ue")
    wrong = ([], ["dance"], ["get"], ["get", "ftp://x/"], ["get", "http://u@x/"], ["get", "x y"], ["status", "more"],
             ["get", "http://x/", "more"], ["--timeout", "0", "status"], ["--timeout", "3601", "status"], ["--timeout", "", "status"],
             ["--timeout", " 5", "status"], ["--timeout", "+5", "status"], ["--timeout", "5s", "status"], ["--bsf", "bsf", "status"],
             ["--bsf", "https://bsf/", "status"], ["--connect-to", "a:80:b", "status"], ["--connect-to", "a:99999:b:1", "status"],
             ["--connect", "x", "status"], ["--colour", "status"], ["-q", "status"], ["status", "-c"], ["--output", "x", "status"])
    for words in wrong:
        rc, out, err = await procs.run([exe, "-c", "/nonexistent", *words], 10)
        assert rc == 2 and not out and "--help" in err and "nonexistent" not in err, (words, rc, out, err)
        rc, out, err = await procs.run([exe, "--json", "-c", "/nonexistent", *words], 10)
        o = json.loads(out)
        assert rc == 2 and o["result"] == "usage" == o["cause"] and o["status"] is None and o["run"] is None, (words, rc, o)
    rc, out, err = await procs.run([exe, "--json", "-c", "/nonexistent", "status"], 10)
    assert rc == 2 and json.loads(out)["cause"] == "local", (rc, out)


@test("gba-ue and HTTP: interim answers, a page without end, silence, a proxy of the environment", smoke=True)
async def http(t):
    d = await Device(t).start()
    page = "http://naf1.example.com/page"
    d.naf.interim = (b'HTTP/1.1 103 Early Hints\r\nWWW-Authenticate: Digest realm="3GPP-bootstrapping@naf1.example.com", nonce="old", '
                     b'algorithm=MD5, qop="auth"\r\n\r\n')
    rc, out, err = await d.run("get", page)
    assert rc == 0 and out["body"] == "the page", "a header of an interim answer is taken for one of the answer"
    assert d.naf.requests[1]["params"]["nonce"] != "old" and len(d.naf.requests) == 2
    d.naf.interim = b""
    rc, out, err = await procs.run(d.at("get", page), 20, env={"http_proxy": "http://127.0.0.1:1/", "ALL_PROXY": "http://127.0.0.1:1/"})
    assert (rc, out) == (0, "the page"), "credentials take the way of a proxy: " + err
    d.naf.handle = lambda req: (200, [], b"x" * 1048576)
    rc, out, err = await d.run("get", page)
    assert rc == 0 and len(out["body"]) == 1048576
    d.naf.handle = lambda req: (200, [], b"x" * 1048577)
    rc, out, err = await d.run("get", page)
    assert (rc, out["cause"]) == (1, "answer") and "1048576" in out["reason"], (rc, out)
    silent = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    t.cleanup(lambda: asyncio.sleep(0, silent.close()))
    began = time.monotonic()
    rc, out, err = await d.run("--timeout", "1", "--connect-to", f"mute.example.com:80:127.0.0.1:{silent.sockets[0].getsockname()[1]}",
                               "get", "http://mute.example.com/")
    assert (rc, out["cause"]) == (4, "not_reached") and 0.9 < time.monotonic() - began < 5 * t.factor, (rc, out)


@test("gba-ue: a header without end, also behind the body, is refused while it comes", smoke=True)
async def endless_header(t):
    d = await Device(t).start()
    shapes = {"short lines": b"HTTP/1.1 200 x\r\n" + b"Date: x\r\n" * 20000 + b"Content-Length: 0\r\n\r\n",
              "behind the body": b"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n" + b"Server: aaa\r\n" * 20000 + b"\r\n"}
    for name, octets in shapes.items():
        async def answer(reader, writer, octets=octets):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(octets)
            writer.close()
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        rc, out, err = await d.run("--connect-to", f"big.example.com:80:127.0.0.1:{server.sockets[0].getsockname()[1]}",
                                   "get", "http://big.example.com/")
        server.close()
        assert (rc, out["cause"]) == (1, "answer") and "131072" in out["reason"], (name, rc, out)


@test("gba-ue: a field behind the body that looks like a status line takes nothing away", smoke=True)
async def status_behind_the_body(t):
    d = await Device(t).start()

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nHTTP/1.1 200: x\r\n\r\n")
        writer.close()
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    rc, out, err = await d.run("--connect-to", f"odd.example.com:80:127.0.0.1:{server.sockets[0].getsockname()[1]}",
                               "get", "http://odd.example.com/")
    server.close()
    assert (rc, out["body"]) == (0, "a"), (rc, out, err)


@test("gba-ue -v shows each message, and no digest a key could be searched with", smoke=True)
async def trace(t):
    d = await Device(t).start()
    rc, out, err = await d.run("-v", "get", "http://naf1.example.com/page")
    assert rc == 0 and "WWW-Authenticate" in err and "3GPP-bootstrapping@naf1.example.com" in err, err
    for r in d.bsf.requests + d.naf.requests:
        if r["params"].get("response"):
            assert r["params"]["nonce"] in err and r["params"]["response"] not in err, "a response is shown"
    assert err.count('response="*') == 2 and err.count('rspauth="*') == 2, err


@test("gba-ue deletes Ks at its expiry and keeps the TMPI; forget deletes both", smoke=True, req=["220-4.4.13-4"])
async def deletion(t):
    d = await Device(t).start()
    d.bsf.lifetime = 2
    rc, out, err = await d.run("bootstrap")
    assert rc == 0

    async def gone():
        return "btid" not in (await d.run("status"))[1]
    await t.until(gone, 6, "the key to expire")
    rc, out2, err = await d.run("status")
    assert out2["tmpi"] == out["tmpi"]
    rc, out3, err = await d.run("forget")
    assert "tmpi" not in out3 and "tmpi" not in (await d.run("status"))[1]


@test("gba-ue and a card file that others can read, or that is wrong: refused with file and line", smoke=True)
async def card_file(t):
    d = await Device(t).start()
    os.chmod(d.card, 0o644)
    rc, out, err = await d.run("bootstrap")
    assert rc == 2 and "usim-1.cfg" in json.dumps(out) + err, (rc, out, err)
    os.chmod(d.card, 0o600)
    with open(d.card, encoding="utf-8") as f:
        text = f.read()
    with open(d.card, "w", encoding="utf-8") as f:
        f.write(text.replace("algorithm milenage", "algorithm comp128"))
    rc, out, err = await d.run("bootstrap")
    assert rc == 2 and "usim-1.cfg:" in json.dumps(out) + err, (rc, out, err)
    assert not d.bsf.requests


@test("memory: what the tools of a moment held is gone when they end, from stack and heap", smoke=True)
async def tools_at_exit(t):
    t.need_root("reading the memory of a hardened process")
    if procs.SANITIZED:
        t.skip("sanitizers have an allocator of their own")
    loop = asyncio.get_running_loop()

    async def left(argv, keys):
        rc, hits, octets = await loop.run_in_executor(None, memory.at_exit, argv, keys)
        assert rc == 0 and octets > 1 << 17, (argv, rc, octets)
        return dict(hits)
    key, k, opc = os.urandom(32), os.urandom(16), os.urandom(16)
    with open(t.dir + "/plain", "w", encoding="ascii") as f:
        f.write("a" * 4096 + base64.b64encode(key).decode())
    assert await left(["/usr/bin/python3", "-c", f"import sys; x = open('{t.dir}/plain').read()"], {"key": key}), "the search finds nothing"
    d = await Device(t).start()
    keys = {"K": d.k, "OP": d.op, "OPc": d.opc}
    for words in (["bootstrap"], ["get", "http://naf1.example.com/"], ["get", "http://naf1.example.com/"]):
        for ks, rand in d.bsf.sessions.values():
            keys |= {f"CK {len(keys)}": ks[:16], f"IK {len(keys)}": ks[16:]}
        hits = await left(d.at("--json", *words), keys)
        assert not hits, (words, hits)
    btid = next(iter(d.bsf.sessions))
    for name, text in (("key", base64.b64encode(key).decode()), ("in", f"k = {k.hex()}\nopc = {opc.hex()}\nrand = {'00' * 16}\nsqn = {'00' * 6}")):
        with open(f"{t.dir}/{name}", "w", encoding="ascii", opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write(text + "\n")
    hits = await left([t.need_program("gba-naf"), "curl-config", btid, t.dir + "/key"], {"key": key})
    assert not hits, hits
    hits = await left([t.need_program("gba-keys"), "--in", t.dir + "/in"], {"K": k, "OPc": opc})
    assert not hits, hits
