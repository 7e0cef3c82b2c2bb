# SPDX-License-Identifier: AGPL-3.0-or-later
"""Several BSFs on one Redis: one device's two requests at two of them, revocation for all, and what is answered while Redis is not
there, stands still, or is full."""
import os
import time

from lib import causes, ctl, naf, pki, procs, vty
from lib import tls as lib_tls
from lib.faketime import WallClock
from lib.http_raw import HttpClosed
from lib.proxy import balancer
from lib.redis import Redis, Sentinel, at, two, use
from lib.runner import test
from lib.ue import UbError
from lib.world import BSF_ID, World

GONE = (10415, 5403)


async def both(t, timeout_ms=2000):
    redis = await Redis(t).start()
    a, b = two(t, redis, timeout_ms)
    await a.start()
    await b.start()
    return redis, a, b


async def bootstrap(ue, first, second):
    ch = await at(ue, first).challenge()
    res, ck, ik = ue.usim.authenticate(ch.rand, ch.autn)
    r, params = await at(ue, second).answer(ch, res)
    return ue.finish(ch, params, r, res, ck, ik), ch, res


async def bootstrap_anew(ue, first, second):
    """After a revocation: by the clock of Redis a challenge of the same moment may be older, then the device begins again."""
    for _ in range(20):
        try:
            return await bootstrap(ue, first, second)
        except UbError as e:
            assert e.response.status == 401, e
    raise AssertionError("revoked for ever")


async def revoke(world, ue):
    """Its one session."""
    assert (await ctl.ask(world.ports["bsf_ctl"], f"revoke impi {ue.impi}"))["revoked"] == 1


async def refused(world, order):
    try:
        return str(await ctl.ask(world.ports["bsf_ctl"], order))
    except ctl.Refused as e:
        return str(e)


async def status(ue, world):
    try:
        return (await at(ue, world).first()).status
    except UbError as e:
        return e.response.status


@test("two BSFs, one Redis: 401 of one, 200 of the other, the key at either; a challenge is taken once; the TMPI is known to both")
async def shared(t):
    redis, a, b = await both(t)
    ue = a.ue()
    s, ch, res = await bootstrap(ue, a, b)
    conns = [await a.naf(), await b.naf()]
    for conn in conns:
        bia = await naf.fetch(conn, s.btid)
        assert bia.result == 2001 and bia.key == s.ks_naf(), bia.result
    for w in (a, b):
        async with causes.counted(w, ub_nonce_taken=1):
            r, _ = await at(ue, w).answer(ch, res)
            assert r.status == 403, r.status
    assert ue.tmpi, "no TMPI"
    again, _, _ = await bootstrap(ue, b, a)
    assert again.btid != s.btid
    bia = await naf.fetch(conns[0], s.btid)
    assert bia.result == GONE, "the former session lives"
    text = await a.vty("show store")
    assert f"127.0.0.1 {redis.port}" in text and "sessions-made     1" in text, text


@test("two BSFs, one Redis: what is revoked at one is revoked at the other, also for a device that has its challenge")
async def revoked(t):
    _, a, b = await both(t)
    ue, other = a.ue(), a.ue(1)
    s, _, _ = await bootstrap(ue, a, a)
    kept, _, _ = await bootstrap(other, b, a)
    ch = await at(ue, a).challenge()
    res, _, _ = ue.usim.authenticate(ch.rand, ch.autn)
    await revoke(b, ue)
    async with causes.counted(b, ub_nonce_unknown=1, ub_challenged=1):
        r, _ = await at(ue, b).answer(ch, res)
        assert r.status == 401, r.status
    conn = await a.naf()
    assert (await naf.fetch(conn, s.btid)).result == GONE
    assert (await naf.fetch(conn, kept.btid)).result == 2001
    new, _, _ = await bootstrap_anew(ue, b, a)
    assert (await naf.fetch(conn, new.btid)).result == 2001


@test("Redis is killed: 503 and 5012 (store_away), at once; a new one in its place is taken; the BSFs start without it, too")
async def killed(t):
    redis, a, b = await both(t)
    ue = a.ue()
    s, _, _ = await bootstrap(ue, a, b)
    conn = await a.naf()
    await redis.kill()

    async def away():
        return "links             0 of" in await a.vty("show store")
    await t.until(away, 20, "the links to be seen lost")
    async with causes.counted(a, store_away=2):
        assert await status(ue, a) == 503
        assert (await naf.fetch(conn, s.btid)).result == 5012
    causes.register("store_away")
    await b.bsf.stop()
    await b.bsf.start()
    assert await status(ue, b) == 503
    await redis.start()
    for w in (a, b):
        await t.until(lambda w=w: back(w), 20, "the links to be up again")
    bia = await naf.fetch(conn, s.btid)
    assert bia.result == GONE, bia.result
    ue.tmpi = None                  # it was there only
    s, _, _ = await bootstrap(ue, a, b)
    assert (await naf.fetch(conn, s.btid)).result == 2001


async def back(w):
    text = await w.vty("show store")
    up, _, of = next(x for x in text.split("\n") if x.startswith("links")).split()[1:4]
    return up == of and "lease             holds" in text


@test("Redis stands still: what waits gets 503 or 5012 within the deadline, the rest at once; when it goes on all is as before")
async def frozen(t):
    redis, a, b = await both(t, timeout_ms=int(min(400 * procs.FACTOR, 1500)))
    ue = a.ue()
    s, _, _ = await bootstrap(ue, a, b)
    conn = await a.naf()
    redis.freeze()
    assert await status(ue, a) == 503
    assert (await naf.fetch(conn, s.btid)).result == 5012
    began = time.monotonic()
    for _ in range(20):
        assert (await naf.fetch(conn, s.btid)).result == 5012
    assert time.monotonic() - began < 10 * procs.FACTOR, "each waits for itself"
    redis.go_on()
    await t.until(lambda: back(a), 20, "the links to be up again")
    assert (await naf.fetch(conn, s.btid)).result == 2001
    s, _, _ = await bootstrap(ue, a, a)
    assert (await naf.fetch(conn, s.btid)).result == 2001
    redis.freeze()
    order = f"revoke impi {ue.impi}"
    assert "it is not known whether it was done: order it again" in await refused(a, order)
    assert "nothing was done: Redis cannot be asked" in await refused(a, order)
    redis.go_on()
    await t.until(lambda: back(a), 20, "the links to be up again")
    assert (await ctl.ask(a.ports["bsf_ctl"], order))["revoked"] in (0, 1)       # it may have been done meanwhile
    assert (await naf.fetch(conn, s.btid)).result == GONE


@test("Redis is full: new bootstraps get 503, keys are given, also where key-uses-max counts them, revocation works")
async def full(t):
    redis, a, _ = await both(t)
    ue = a.ue()
    s, _, _ = await bootstrap(ue, a, a)
    conn = await a.naf()
    out = await vty.enabled(a.ports["bsf_vty"], "configure terminal", "naf naf1.example.com", "key-uses-max 2")
    assert "%" not in out, out
    ch = await at(ue, a).challenge()
    res, _, _ = ue.usim.authenticate(ch.rand, ch.autn)
    assert await redis.ask("CONFIG", "SET", "maxmemory", "1") == b"+OK"
    async with causes.counted(a, store_full=2):
        assert await status(a.ue(1), a) == 503
        assert (await at(ue, a).answer(ch, res))[0].status == 503
    causes.register("store_full")
    assert [(await naf.fetch(conn, s.btid)).result for _ in range(3)] == [2001, 2001, GONE]
    await t.until(lambda: said(a, "it is at maxmemory: new bootstraps are refused"), 20, "that to be said")
    assert "memory            full" in await a.vty("show store")
    f = await ctl.ask(a.ports["bsf_ctl"], "figures")
    assert f["figures"]["store_memory_full"] == 1 and not set(f["figures"]) & set(f["counters"]), f
    await revoke(a, ue)
    assert (await naf.fetch(conn, s.btid)).result == GONE
    assert await redis.ask("CONFIG", "SET", "maxmemory", "0") == b"+OK"
    s, _, _ = await bootstrap_anew(ue, a, a)
    assert (await naf.fetch(conn, s.btid)).result == 2001


@test("two BSFs behind haproxy, by the example of conf/: a device's two requests reach different ones; challenges of a subscriber are counted together")
async def balanced(t):
    _, a, b = await both(t)
    port, ue = await balancer(t, a.ports["ub"], b.ports["ub"]), a.ue()
    conn = await b.naf()
    ue.port = port
    for _ in range(4):
        s = await ue.bootstrap()
        bia = await naf.fetch(conn, s.btid)
        assert bia.result == 2001 and bia.key == s.ks_naf(), bia.result
    done = [await w.counters() for w in (a, b)]
    assert done[0]["ub_challenged"] != done[0]["ub_ok"] and sum(c["ub_ok"] for c in done) == 4, done
    for w in (a, b):
        await vty.typed(w, "ub", "challenges-impi 6 600")
    before, vectors = sum(c["ub_challenged"] for c in done), len(a.raw_hss.mars)
    said = [await status(ue, w) for w in (a, b, a, b, a, b, a, a, b)]
    assert said == [401] * 6 + [503] * 3, said
    done = [await w.counters() for w in (a, b)]
    assert sum(c["ub_challenged"] for c in done) == before + 6
    assert len(a.raw_hss.mars) == vectors + 8, "each learns by one vector that it is used up, and asks for no more"
    await b.bsf.kill()
    t.may_die.add(b.bsf)
    await vty.typed(a, "ub", "challenges-impi off")

    async def served():
        try:
            return await through(a.ue(1), port)
        except (UbError, HttpClosed, OSError):
            return False
    await t.until(served, 20, "the other one to serve")


async def through(ue, port):
    ue.port = port
    return await ue.bootstrap()


@test("a BSF is killed with bootstraps under way: whoever has a 200 has a key at the other one, and nobody's key is wrong")
async def bsf_killed(t):
    _, a, b = await both(t)
    conn, given = await b.naf(), []
    for w in (a, b):
        await vty.typed(w, "ub", "challenges-impi off")
    for n in range(30):
        ue = a.ue(n % 3)
        try:
            if n == 20:
                await a.bsf.kill()
                t.may_die.add(a.bsf)
            s, _, _ = await bootstrap(ue, a, a) if n < 20 else await bootstrap(ue, b, b)
            given = [(i, x) for i, x in given if i != ue.impi] + [(ue.impi, s)]
        except (UbError, HttpClosed, OSError):
            assert n == 20
    assert len(given) == 3
    for _, s in given:
        bia = await naf.fetch(conn, s.btid)
        assert bia.result == 2001 and bia.key == s.ks_naf()


@test("a Redis that is not fit is named in the log, and nothing is kept there")
async def unfit(t):
    redis = await Redis(t, "--maxmemory-policy", "allkeys-lru").start()
    w = await use(World(t, raw_hss=True), redis).start()
    assert "maxmemory-policy is allkeys-lru" in w.bsf.text(), w.bsf.tail(20)
    assert "allowed: noeviction" in await w.vty("show store")
    assert await status(w.ue(), w) == 503

    async def empty():
        return await redis.ask("DBSIZE") == b":0"
    await t.until(empty, 20, "what was asked of one name to be gone")


async def lifetime(ue, w):
    """How long a session lives that is made now, by our clock, s."""
    return (await bootstrap(ue, w, w))[0].expires_at - time.time()


@test("the clock of a BSF is 3 s off: said and shown; an hour: it serves nothing, the other one goes on; right again: it is back")
async def clock(t):
    redis = await Redis(t).start()
    a, b = two(t, redis)
    wall = WallClock(t, b.etc)
    b.bsf_env = wall.env
    await a.start()
    await b.start()
    ue = a.ue()
    s, _, _ = await bootstrap(ue, a, b)
    life = await lifetime(b.ue(2), b)
    conn, other = await a.naf(), await b.naf()
    wall.step(3)
    await t.until(lambda: said(b, "s ahead of that of Redis"), 20, "the clock to be said to be off")
    ahead = next(x for x in (await b.vty("show store")).split("\n") if x.startswith("clock-ahead-ms"))
    assert 2500 < int(ahead.split()[1]) < 3500, ahead
    late = await lifetime(b.ue(1), b) - life
    assert late <= 1.5, f"a session of the one that is ahead ends {late} s later"
    assert (await naf.fetch(other, s.btid)).result == 2001
    for seconds in (-3600, 3600):
        wall.step(seconds)
        await t.until(lambda: said(b, f"{abs(seconds)} s {'ahead of' if seconds > 0 else 'behind'} its; allowed: 5 s"), 20, "the odd one to stop")

        async def down():
            return not await back(b)
        await t.until(down, 20, "its links to be down")
        assert (await naf.fetch(other, s.btid)).result == 5012 and await status(b.ue(1), b) == 503
        assert (await naf.fetch(conn, s.btid)).result == 2001
    wall.step(0)
    await t.until(lambda: back(b), 20, "its links to be up again")
    assert (await naf.fetch(other, s.btid)).result == 2001


def said(w, words):
    return words in w.bsf.text()


@test("Redis by TLS: a key as over TCP; a certificate of another name, and a port that speaks no TLS, are named in the log")
async def tls(t):
    p = pki.pki()
    ours, theirs = p.make(BSF_ID, BSF_ID), p.make("redis1.example.com", "redis1.example.com")
    redis = await Redis(t, tls=theirs, ca=p.ca()).start()
    for n, (name, port, words) in enumerate((("redis1.example.com", redis.tls_port, None),
                                             ("redis2.example.com", redis.tls_port, "its certificate is for another name"),
                                             ("redis1.example.com", redis.port, "store_away"))):
        w = use(World(t, name=f"tls{n}", raw_hss=True), redis)
        lib_tls.certify(w.bsf_cfg, ours)
        w.bsf_cfg.node("store")[:] = [x.replace(f"127.0.0.1 {redis.port}", f"127.0.0.1 {port}") for x in w.bsf_cfg.node("store")]
        w.bsf_cfg.add("store", f"redis tls {name}")
        await w.start()
        if words:
            assert words in w.bsf.text() and await status(w.ue(), w) == 503, w.bsf.tail(20)
            continue
        s = await w.ue().bootstrap()
        bia = await naf.fetch(await w.naf(), s.btid)
        assert bia.result == 2001 and bia.key == s.ks_naf(), bia.result


@test("a Sentinel by TLS names the master; one whose certificate has another name, and one that speaks no TLS there, are not believed")
async def sentinel_tls(t):
    p = pki.pki()
    ours, theirs = p.make(BSF_ID, BSF_ID), p.make("sentinel1.example.com", "sentinel1.example.com")
    redis = await Redis(t).start()
    sentinel = Sentinel(t, 0, redis, "of-the-sentinel", tls=theirs, ca=p.ca())
    await sentinel.start()
    await t.until(sentinel.answers, 20, "the Sentinel to answer")
    for n, (name, port, words) in enumerate((("sentinel1.example.com", sentinel.tls_port, None),
                                             ("sentinel2.example.com", sentinel.tls_port, "its certificate is for another name"),
                                             ("sentinel1.example.com", sentinel.port, "no master that most of 1 Sentinels name"))):
        w = use(World(t, name=f"tls{n}", raw_hss=True), redis)
        lib_tls.certify(w.bsf_cfg, ours)
        w.more_secrets.append(sentinel.admin.encode())
        password = w.write_secret("sentinel.password", sentinel.admin + "\n")
        w.bsf_cfg.node("store")[:] = [x.replace(f"redis 127.0.0.1 {redis.port}", f"redis sentinel gba 127.0.0.1 {port}")
                                      for x in w.bsf_cfg.node("store")]
        w.bsf_cfg.add("store", f"redis sentinel-password file {password}")
        w.bsf_cfg.add("store", f"redis sentinel-tls {name}")
        await w.start()
        if words:
            await t.until(lambda w=w, words=words: said(w, words), 20, "why not")
            assert await status(w.ue(), w) == 503
            continue
        await t.until(lambda w=w: back(w), 20, "the master to be found")
        assert "store_away" not in w.bsf.text(), w.bsf.text()     # that nobody has answered yet is no fault
        s = await w.ue().bootstrap()
        bia = await naf.fetch(await w.naf(), s.btid)
        assert bia.result == 2001 and bia.key == s.ks_naf(), bia.result


def configured(t, n, *lines, secret="secret\n", mode=0o600):
    w = World(t, name=f"cfg{n}", raw_hss=True)
    path = w.write_secret("redis.password", secret)
    os.chmod(path, mode)
    w.bsf_cfg.remove("store", "lmdb")
    w.bsf_cfg.remove("store", "map-size-gib")
    for line in lines:
        w.bsf_cfg.add("store", line.replace("FILE", path))
    return w


async def running(w):
    return await vty.enabled(w.ports["bsf_vty"], "show running-config")


@test("configuration of Redis: what cannot be is refused with file, line and what is allowed; what is there is written again", smoke=True)
async def configuration(t):
    t.need_program("gba-bsfd")
    with_password = ("redis 127.0.0.1 6379", "redis password file FILE")
    cases = (
        (("redis 192.0.2.1 6379",), {}, "beyond loopback without a password; allowed: redis password file PATH"),
        (("redis 127.0.0.1 6379", "redis user gba"), {}, "redis user without a password; allowed: redis password"),
        (("memory", "redis grace-ms 100"), {}, "but no redis; allowed: with redis ADDRESS PORT"),
        (("memory", "redis 127.0.0.1 6379"), {}, "a store"),
        (("redis 127.0.0.1 6379", "redis tls redis1.example.com"), {}, "redis tls without a certificate; needed in diameter: tls certificate"),
        (("redis 127.0.0.1 6379", "redis sentinel gba 127.0.0.1 26379"), {}, "a store"),
        (("redis sentinel gba 127.0.0.1 26379", "redis sentinel other 127.0.0.1 26380"), {}, "Sentinels of gba and of other; allowed: of one master"),
        (("redis sentinel gba 127.0.0.1 26379", "redis sentinel gba 127.0.0.1 26379"), {}, "stands twice: one Sentinel has one voice"),
        (("redis sentinel gba 192.0.2.1 26379",), {}, "beyond loopback without a password; allowed: redis password file PATH"),
        (("redis 127.0.0.1 6379", "redis sentinel-user gba"), {}, "but no Sentinel; allowed: with redis sentinel NAME ADDRESS PORT"),
        (("redis sentinel gba 127.0.0.1 26379", "redis sentinel-user gba"), {}, "without a password; allowed: redis sentinel-password file PATH"),
        (("redis sentinel gba 127.0.0.1 26379", "redis sentinel-tls x"), {}, "redis sentinel-tls without a certificate; needed in diameter"),
        (("redis localhost 6379",), {}, "localhost is no address; allowed: an IPv4 or IPv6 address"),
        (("redis 127.0.0.1 6379", "redis timeout-ms 5"), {}, "10-5000"),
        (("redis 127.0.0.1 6379", "redis password credential x"), {}, "no credentials; allowed: redis password file PATH"),
        (with_password, {"mode": 0o644}, "redis password:"),
        (with_password, {"secret": ""}, "is none; allowed: one line of 1 to 64 octets"),
        (with_password, {"secret": "a\nb\n"}, "is none; allowed: one line of 1 to 64 octets"),
        (with_password, {"secret": "x" * 65}, "is none; allowed: one line of 1 to 64 octets"))
    for n, (lines, more, words) in enumerate(cases):
        w = configured(t, n, *lines, **more)
        w.write_configs()
        for argv in (w.bsf_daemon().argv + ["--check"], w.bsf_daemon().argv):
            rc, _, err = await procs.run(argv, 15)
            assert rc != 0 and words in err and "gba-bsf.cfg" in err, (lines, rc, err)
    w = configured(t, "none", *with_password)
    w.bsf_cfg.remove("store", "kek")
    w.write_configs()
    rc, _, err = await procs.run(w.bsf_daemon().argv + ["--check"], 15)
    assert rc != 0 and "redis without a key to seal with" in err, err
    w = configured(t, "right", *with_password, "redis user gba", "redis timeout-ms 100", "redis grace-ms 5000")
    w.write_configs()
    rc, out, err = await procs.run(w.bsf_daemon().argv + ["--check"], 15)
    assert rc == 0 and "configuration ok" in out, err
    await w.start()
    text = await running(w)
    for line in (" redis 127.0.0.1 6379", " redis user gba", " redis password file ", " redis timeout-ms 100", " redis grace-ms 5000"):
        assert line in text, text
    behind = ("redis sentinel gba 127.0.0.1 26379", "redis sentinel gba 127.0.0.1 26380", "redis sentinel-user watcher",
              "redis sentinel-password file FILE", "redis password file FILE")
    w = configured(t, "behind", *behind)
    await w.start()
    text = await running(w)
    for line in (x.replace("FILE", "") for x in behind):
        assert " " + line in text, text
    text = await w.vty("show store")
    assert "redis             nowhere" in text and "sentinels         0 of 2 name it" in text, text
    assert "no master that most of 2 Sentinels name" in text and "store_away" in w.bsf.text(), text
