# SPDX-License-Identifier: AGPL-3.0-or-later
"""gba-regd over HTTPS: who may ask, what a request must be, and that what was answered is so after a kill -9."""
import asyncio
import contextlib
import json
import os
import socket
import sqlite3
import time

from lib import procs, vty
from lib.kek import rotated
from lib.pki import pki
from lib.reg_api import PROBLEM, ApiRealm
from lib.runner import test


@test("registry api: a certificate is taken if it is ours, for clients, valid and registered; nothing else is", smoke=True)
async def certificates(t):
    w = await ApiRealm(t).start()
    name = "ops.example.com"
    good = pki().make("api-client", name, usage="client")
    assert (await w.curl("/tokens", port=w.clients, pair=good))[0] == 401                     # not registered yet
    added = await w.order(f"certificate add {name} operator")
    assert (await w.curl("/tokens", port=w.clients, pair=good))[0] == 200
    bare = pki().make("api-bare", name)                                                       # no extendedKeyUsage: for anything (RFC 5280 4.2.1.12)
    several = pki().make("api-several", "x.example.com", name.upper(), usage="client")
    for pair in (bare, several):
        assert (await w.curl("/tokens", port=w.clients, pair=pair))[0] == 200, pair.certificate
    wrong = pki().wrong(name) | {"for servers": pki().make("api-server-only", name, usage="server")}
    for what, pair in wrong.items():
        status, said = await w.curl("/tokens", port=w.clients, pair=pair if pair.certificate else None)
        assert status == 401, (what, status, said)
    status, said = await w.curl("/openapi.json", port=w.clients)                              # what anybody may ask needs none
    assert status == 200 and said["openapi"].startswith("3.1")
    assert (await w.curl("/openapi.json", port=w.clients, pair=wrong["other CA"]))[0] == 401   # but one that is shown must be good
    token = await w.token()
    status, said = await w.curl("/tokens", "-H", f"Authorization: Bearer {token}", port=w.clients, pair=good)
    assert status == 400 and said["field"] == "Authorization", said                           # who asks must not be two
    assert (await w.curl("/tokens", port=w.api, pair=good))[0] == 401                         # there nobody asks for one
    await w.order(f"token revoke {added['id']}")
    assert (await w.curl("/tokens", port=w.clients, pair=good))[0] == 401
    rc, out, _ = await procs.run(["curl", "-s", "-m", "10", f"http://127.0.0.1:{w.api}/openapi.json"], 20)
    assert rc != 0 and not out, "never without TLS, also on loopback"


@test("registry api: a token stands for its owner until it is revoked or over, and what is kept of it lets nobody in", smoke=True)
async def tokens(t):
    w = await ApiRealm(t).start()
    a, boss = w.link(), await w.token()
    r = await a.ask("GET", "/tokens")
    assert r.status == 401 and r.headers["www-authenticate"] == 'Bearer realm="gba-reg"' and r.type == PROBLEM, r
    for bad in ("x", "A" * 43, boss[:-1], boss + "A", boss.swapcase()):
        r = await a.ask("GET", "/tokens", token=bad)
        assert r.status == 401 and "invalid_token" in r.headers["www-authenticate"], (bad, r)
    assert (await a.ask("GET", "/tokens", headers={"Authorization": f"Basic {boss}"})).status == 401
    assert (await a.ask("GET", "/openapi.json", token="x")).status == 401                     # shown and not good is not nobody
    made = await a.ask("POST", "/tokens", {"role": "operator", "name": "desk 2", "expires_in": 60}, token=boss)
    assert made.status == 201 and made.headers["cache-control"] == "no-store" and len(made.json["token"]) == 43, made
    other = made.json["token"]
    listed = (await a.ask("GET", "/tokens", token=other)).json["tokens"]
    row = [x for x in listed if x["id"] == made.json["id"]][0]
    assert row["name"] == "desk 2" and 50 < row["expires"] - time.time() < 61 and "token" not in row, row
    assert (await a.ask("DELETE", f"/tokens/{made.json['id']}", token=boss)).status == 204
    assert (await a.ask("GET", "/tokens", token=other)).status == 401
    assert (await a.ask("DELETE", f"/tokens/{made.json['id']}", token=boss)).status == 404
    over = (await a.ask("POST", "/tokens", {"expires_in": 60}, token=boss)).json
    await w.reg.stop()
    db = sqlite3.connect(w.database)
    db.execute("UPDATE token SET expires = 1 WHERE name = ?", (over["id"],))
    db.commit()
    db.close()
    for f in os.listdir(os.path.dirname(w.database)):
        with open(os.path.join(os.path.dirname(w.database), f), "rb") as octets:
            kept = octets.read()
        assert not any(x.encode() in kept for x in (boss, other, over["token"])), f
    assert not any(x in w.reg.text() for x in (boss, other, over["token"]))
    await w.start_reg()
    assert (await a.ask("GET", "/tokens", token=over["token"])).status == 401
    assert (await a.ask("GET", "/tokens", token=boss)).status == 200


@test("registry api: pages of a listing follow each other by their keys, each row once", smoke=True)
async def pages(t):
    w = await ApiRealm(t).start()
    a, boss = w.link(), await w.token()
    made = {(await w.order("token add operator"))["id"] for _ in range(6)}
    seen, after = [], ""
    while True:
        r = await a.ask("GET", f"/tokens?limit=3{after}", token=boss)
        assert r.status == 200 and len(r.json["tokens"]) <= 3, r
        seen += [x["id"] for x in r.json["tokens"]]
        if "next" not in r.json:
            break
        after = f"&after={r.json['next']}"
    assert len(seen) == len(set(seen)) == 7 and made < set(seen)


@test("registry api: what is wrong with a request is said by field and allowed values, and changes nothing", smoke=True)
async def refusals(t):
    w = await ApiRealm(t).start()
    a, boss = w.link(), await w.token()
    before = await w.order("audit head")
    deep = "[" * 3000 + "]" * 3000
    for method, path, body, headers, status, field in (
            ("GET", "/nowhere", None, {}, 404, None), ("GET", "/tokens/", None, {}, 404, None), ("PUT", "/tokens", "{}", {}, 405, None),
            ("TRACE", "/tokens", None, {}, 405, None), ("GET", "/tokens?limit=0", None, {}, 422, "limit"), ("GET", "/tokens?limit=%zz", None, {}, 400, None),
            ("GET", "/tokens?colour=1", None, {}, 422, "colour"), ("GET", "/tokens?limit=1&limit=2", None, {}, 422, "limit"),
            ("POST", "/tokens", None, {}, 422, None), ("POST", "/tokens", "{", {}, 400, None), ("POST", "/tokens", "[]", {}, 422, None),
            ("POST", "/tokens", '{"role":"asp","role":"user"}', {}, 400, None), ("POST", "/tokens", '{"name":"\\u0000"}', {}, 400, None),
            ("POST", "/tokens", b'{"name":"\xff"}', {}, 400, None), ("POST", "/tokens", deep, {}, 400, None),
            ("POST", "/tokens", {"role": "root"}, {}, 422, "/role"), ("POST", "/tokens", {"expires_in": "60"}, {}, 422, "/expires_in"),
            ("POST", "/tokens", {"colour": 1}, {}, 422, "/colour"), ("POST", "/tokens", {"role": "asp"}, {}, 422, "/owner"),
            ("POST", "/tokens", {"role": "asp", "owner": "nobody"}, {}, 404, "/owner"),
            ("POST", "/apps", {"fqdn": "a.example.com", "asp": "a", "addresses": ["x" + "\u00e9" * 63]}, {}, 422, "/addresses"),   # said, though cut within a letter
            ("POST", "/tokens", "{}", {"Content-Type": "text/plain"}, 415, "Content-Type"), ("GET", "/tokens", None, {"Accept": "text/html"}, 406, "Accept"),
            ("POST", "/tokens", "{}", {"Idempotency-Key": "k" * 129}, 400, "Idempotency-Key"), ("GET", "/openapi.json", "{}", {}, 422, None),
            ("DELETE", "/tokens/1", None, {}, 422, "token"), ("DELETE", "/tokens/" + "0" * 32, None, {}, 404, "token"),
            ("POST", "/tokens", json.dumps({"name": "x" * 70000}), {}, 413, None)):
        r = await a.ask(method, path, body, token=boss, headers=headers)
        assert r.status == status and r.type == PROBLEM and r.json["status"] == status and r.json.get("field") == field, (method, path, r)
        assert r.headers["x-content-type-options"] == "nosniff" and r.headers["cache-control"] == "no-store", r.headers
        assert status != 405 or r.headers["allow"] == "GET, HEAD, POST, OPTIONS", r.headers
        assert field is None or status in (400, 404) or r.json["allowed"], r
    r = await a.ask("OPTIONS", "/tokens")
    assert r.status == 204 and r.headers["allow"] == "GET, HEAD, POST, OPTIONS"
    r = await a.ask("HEAD", "/tokens", token=boss)
    assert r.status == 200 and not r.body and r.headers["content-length"] != "0"
    assert await w.order("audit head") == before


async def another_kek(t, w):
    """Sealed anew by a new one; then the former one goes."""
    lines = w.reg_cfg.node("registry")
    at = next(n for n, line in enumerate(lines) if line.split()[0] == "kek")
    lines.insert(at, f" kek 2 file {w.write_secret('reg-2.kek', os.urandom(32).hex())}")
    for _ in range(2):
        w.reg_cfg.write(os.path.join(w.etc, "gba-reg.cfg"))
        await w.start_reg()
        if len(lines) > at + 1 and lines[at + 1].split()[0] == "kek":
            await rotated(t, w.ports["reg_ctl"], w.reg)
            await w.reg.stop()
            del lines[at + 1]


@test("registry api: a request sent again with its key is done once, also across a kill -9 and under another kek; another one with that key is refused", smoke=True)
async def again(t):
    w = await ApiRealm(t).start()
    a, boss, key = w.link(), await w.token(), {"Idempotency-Key": "one"}
    first = await a.ask("POST", "/tokens", {"name": "a"}, token=boss, headers=key)
    assert first.status == 201
    await w.reg.kill()
    await another_kek(t, w)
    for _ in range(2):
        r = await a.ask("POST", "/tokens", {"name": "a"}, token=boss, headers=key)
        assert (r.status, r.json) == (201, first.json), r
    r = await a.ask("POST", "/tokens", {"name": "b"}, token=boss, headers=key)
    assert r.status == 422 and r.json["field"] == "Idempotency-Key", r
    other = (await a.ask("POST", "/tokens", {}, token=boss)).json["token"]
    r = await a.ask("POST", "/tokens", {"name": "a"}, token=other, headers=key)                # another caller's key is another one
    assert r.status == 201 and r.json["id"] != first.json["id"], r
    r = await a.ask("POST", "/tokens", {"role": "root"}, token=boss, headers={"Idempotency-Key": "two"})
    assert r.status == 422                                                                     # what was refused is not kept
    assert (await a.ask("POST", "/tokens", {}, token=boss, headers={"Idempotency-Key": "two"})).status == 201
    links = [w.link() for _ in range(8)]
    all_ = await asyncio.gather(*(x.ask("POST", "/tokens", {"name": "c"}, token=boss, headers={"Idempotency-Key": "three"}) for x in links))
    assert {x.status for x in all_} == {201} and len({x.json["id"] for x in all_}) == 1, all_
    with contextlib.closing(sqlite3.connect(w.database, timeout=20)) as db, db:
        db.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 10000) INSERT INTO kept (who, key, digest, answer, at)"
                   " SELECT who, 'k' || i, digest, answer, at FROM n, kept WHERE key = 'three'")
    r = await a.ask("POST", "/tokens", {}, token=boss, headers={"Idempotency-Key": "four"})
    assert r.status == 429 and r.json["field"] == "Idempotency-Key", r                         # so many a day of one caller
    assert (await a.ask("POST", "/tokens", {}, token=boss)).status == 201


@test("registry api: what was answered with 2xx is there after a kill -9 at any moment, and what is there was asked", timeout=120)
async def killed(t):
    w = await ApiRealm(t).start()
    boss, answered, asked = await w.token(), set(), 0

    async def ask_on():
        nonlocal asked
        a = w.link()
        try:
            while True:
                asked += 1
                r = await a.ask("POST", "/tokens", {"name": f"n{asked}"}, token=boss, headers={"Idempotency-Key": f"k{asked}"})
                if r.status == 201:
                    answered.add(r.json["id"])
                await asyncio.sleep(0.02)
        except OSError:
            pass
    for i in range(4):
        tasks = [asyncio.create_task(ask_on()) for _ in range(2)]
        want = len(answered) + 3 + 5 * i
        await t.until(lambda: len(answered) >= want or None, 30, "answers")
        await w.reg.kill()
        await asyncio.gather(*tasks)
        await w.start_reg()
        there, after = set(), ""
        while after is not None:
            page = await w.order(f"token list {after}".strip())
            there |= {x["id"] for x in page["tokens"]}
            after = page.get("next")
        assert answered <= there and len(there) <= asked + 1, (len(answered), len(there), asked)
        if len(there) > 80:
            break
    await w.order("audit verify")


@test("registry api: who dawdles, opens a thousand connections or speaks no TLS keeps nobody waiting", timeout=90)
async def hostile(t):
    w = await ApiRealm(t, request_s=2).start()
    a, boss = w.link(), await w.token()
    held = []
    for i in range(1000):
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex(("127.0.0.1", w.api))
        held.append(s)
        if i % 50 == 49:
            await asyncio.sleep(0.01)
            for h in held[i - 49:i + 1]:
                try:
                    h.send(b"\x16\x03\x01\x02\x00" if i % 2 else b"GET / HTTP/1.1\r\n\r\n")     # half a handshake, or no TLS
                except OSError:
                    pass
    began = time.monotonic()
    assert (await a.ask("GET", "/tokens", token=boss)).status == 200
    assert (await w.link().ask("GET", "/tokens", token=boss)).status == 200
    took = time.monotonic() - began
    assert took < 8 * t.factor, took
    for s in held:
        s.close()
    r, wr = await w.tls()
    began = time.monotonic()
    wr.write(b"GET /tokens HTTP/1.1\r\nHost: localhost\r\n")
    try:
        while not r.at_eof():                                                                  # a header that never ends
            wr.write(b"X: y\r\n")
            await wr.drain()
            try:
                await asyncio.wait_for(r.read(100), 0.5)
            except asyncio.TimeoutError:
                pass
    except OSError:
        pass
    assert 1.5 < time.monotonic() - began < 20 * t.factor
    for octets in (b"GET /tokens HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 40000 + b"\r\n\r\n", b"GET  /tokens HTTP/1.1\r\nHost: a\r\n\r\n",
                   b"GET /tokens HTTP/1.1\r\nHost : a\r\n\r\n", b"GET /tokens HTTP/1.1\r\n\r\n", b"\0" * 100,
                   b"POST /tokens HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
                   b"POST /tokens HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n{}"):
        r, wr = await w.tls()
        wr.write(octets)
        try:
            got = await asyncio.wait_for(r.read(), 30 * t.factor)                              # answered or not, it is closed
        except ConnectionResetError:
            got = b""
        assert not got or got.split(b" ", 2)[1][:1] == b"4", got[:200]
        wr.close()
    assert (await a.ask("GET", "/tokens", token=boss)).status == 200


@test("registry api: without a free descriptor connections are closed, not kept waiting; who has a token is served, and the figures tell", smoke=True)
async def descriptors(t):
    w = ApiRealm(t)
    w.reg = w.reg_daemon()
    w.reg.argv = ["prlimit", "--nofile=64"] + w.reg.argv
    t.watch(w.reg)
    await w.start()
    boss, held = await w.token(), []
    for _ in range(200):
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex(("127.0.0.1", w.api))
        held.append(s)
        await asyncio.sleep(0.002)
    for _ in range(3):
        assert (await w.curl("/tokens", "-H", f"Authorization: Bearer {boss}"))[0] == 200
    assert (await w.curl("/nowhere"))[0] == 404
    figures = (await w.order("figures"))["figures"]
    at = figures["api"][0]
    assert at["address"] == f"127.0.0.1 {w.api}" and at["done"] == 3 and at["refused"] == 1 and at["failed"] == 0 and at["connections"] < 64, at
    for s in held:
        s.close()


@test("registry api: over its rate a token gets 429 and when to come again; who guesses tokens spends what his address has, not others'", smoke=True)
async def rates(t):
    w = await ApiRealm(t).start()
    boss = await w.token()
    a, b = w.link(), w.link()
    assert (await a.ask("GET", "/tokens", token=boss)).status == 200
    for i in range(60):
        r = await b.ask("GET", "/tokens", token=f"{i:043d}", patient=False)
        assert r.status in (401, 429), r
        if r.status == 429:
            break
    assert r.status == 429 and int(r.headers["retry-after"]) >= 1 and r.type == PROBLEM, r
    assert (await a.ask("GET", "/tokens", token=boss)).status == 200
    links = [w.link() for _ in range(6)]

    async def many(x):
        return [(await x.ask("GET", "/tokens?limit=1", token=boss, patient=False)).status for _ in range(40)]
    got = [s for all_ in await asyncio.gather(*(many(x) for x in links)) for s in all_]
    assert set(got) <= {200, 429} and (429 in got or t.factor > 1) and got.count(200) >= 50, (got.count(200), got.count(429))


@test("registry api: an ASP that has made its changes of a day gets 429 until tomorrow and may still end what it has; the audit has no row of what was refused", smoke=True)
async def changes_of_a_day(t):
    w = ApiRealm(t)
    w.reg_cfg.add("registry", "daily-changes 3")
    await w.start()
    for asp in ("acme", "rival"):
        await w.order(f"asp add {asp}")
    a, acme, rival = w.link(), await w.token("asp", "acme"), await w.token("asp", "rival")
    rows = (await w.order("audit head"))["row"]
    app = {"fqdn": "a.example.com", "addresses": ["192.0.2.1/32"]}
    assert (await a.ask("POST", "/apps", app, token=acme)).status == 201
    got = [await a.ask("PUT", "/apps/a.example.com", {"published": i % 2 == 0}, token=acme, headers={"If-Match": "*"}, patient=False) for i in range(5)]
    assert [r.status for r in got] == [200, 200, 429, 429, 429], got
    assert got[2].type == PROBLEM and 0 < int(got[2].headers["retry-after"]) <= 86400 and got[2].json["allowed"].startswith("what ends something"), got[2]
    asked = {"fqdn": "a.example.com", "state": "suspended", "return": "https://a.example.com/back"}     # its own text: nothing ends
    assert (await a.ask("POST", "/requests", asked, token=acme, patient=False)).status == 429
    assert (await w.order("audit head"))["row"] == rows + 3
    assert "has made 3 changes today and may make no more until tomorrow" in w.reg.text()
    assert (await a.ask("GET", "/apps", token=acme)).status == 200
    assert (await a.ask("DELETE", "/apps/a.example.com", token=acme, headers={"If-Match": "*"})).status in (200, 204)
    assert (await a.ask("POST", "/apps", app, token=rival)).status == 201                # another's day is his own
    assert " daily-changes 3\n" in await vty.enabled(w.ports["reg_vty"], "show running-config")


@test("registry api: a configuration that cannot serve is refused with file, line and what is allowed; what is configured is written back", smoke=True)
async def configuration(t):
    w = ApiRealm(t)
    other = pki().make("api-other-key", "localhost")
    good = w.reg_daemon().argv

    async def refused(words, **lines):
        cfg = w.reg_cfg.text()
        for old, new in lines.items():
            old = old.replace("_", " ").replace("  ", "-")
            assert f" {old} " in cfg, old
            cfg = "".join((f" {new}\n" if new else "") if x.startswith(f" {old} ") else x + "\n" for x in cfg.splitlines())
        with open(good[2], "w", encoding="utf-8") as f:
            f.write(cfg)
        rc, _, err = await procs.run(good + ["--check"], 15)
        assert rc == 1 and f"{good[2]}:" in err and words in err, (words, err)
    await refused("'api' lacks 'tls certificate'", tls_certificate="")
    await refused("'api' lacks 'tls key'", tls_key="")
    await refused("'api' lacks 'tls ca'", tls_ca="")
    await refused("tls certificate and tls key", tls_key=f"tls key {other.key}")
    await refused("No such file", tls_certificate="tls certificate /tmp/no/such.pem")
    await refused("tls ca: no certificate in it", tls_ca=f"tls ca {other.key}")
    await refused("'nowhere' is no address; allowed: IPv4 or IPv6", listen="listen nowhere 1")
    await refused("70000", listen="listen 127.0.0.1 70000")
    await refused("request-time", request__time="request-time 0")
    os.chmod(w.server.key, 0o644)
    await refused("may be read by others; allowed: mode 0600 or 0400")
    os.chmod(w.server.key, 0o600)
    await w.start()
    rc, _, err = await procs.run(good, 15)
    assert rc == 1 and "in use" in err, err
    said = await vty.enabled(w.ports["reg_vty"], "show running-config")
    for line in w.reg_cfg.node("api"):
        assert line.strip() in said or line.strip() == "request-time 10", (line, said)
