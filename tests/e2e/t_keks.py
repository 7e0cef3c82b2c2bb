# SPDX-License-Identifier: AGPL-3.0-or-later
"""A new KEK: all that is stored is sealed anew while devices bootstrap and NAFs ask, through kill -9; then the old KEK may go."""
import os

from lib import ctl, procs, vty
from lib.kek import PIN, keks, new_kek, restart, rotation, token, until_done
from lib.load import Load, NafPool
from lib.redis import Redis, two, use
from lib.runner import test
from lib.world import BSF_NAME, World

RECORDS = 10000      # many steps


async def says(t, w, words):
    async def said():
        return words in w.bsf.text()
    await t.until(said, 30, f"the log to say: {words}")


async def under_load(t, w, others, n=3):
    """Sessions of before and of meanwhile; kill -9 of w when it has sealed some, and not all."""
    load, pool = Load(w, n), NafPool(w)
    t.cleanup(pool.close)

    async def more(by):
        want = load.ledger.done + by
        load.start()

        async def made():
            return load.ledger.done >= want
        await t.until(made, 60, "bootstraps")
    await more(30)
    await load.stop()
    for x in (w, *others):
        await restart(x)
    checked, lost = await pool.verify(load.ledger)
    assert checked and not lost, lost
    await more(10)
    state = await ctl.ask(w.ports["bsf_ctl"], "kek rotate")
    assert state["rotation"] != "done" and not state["keks"]["1"]["may_go"], state

    async def some():
        return (await rotation(w))["sealed"] > 0
    await t.until(some, 60, "records sealed anew")
    await w.bsf.kill()
    await w.bsf.start()
    last = await until_done(t, w, *others)
    await more(10)
    await load.stop()
    checked, lost = await pool.verify(load.ledger)
    assert checked and not lost, lost
    return load.ledger, pool, last


async def fill(t, w):
    exe = t.need_program("store_fill")
    rc, _, err = await procs.run([exe, "--dir", f"{w.dir}/bsf", "--kek", f"{w.etc}/bsf-1.kek", "--sessions", str(RECORDS), "--name",
                                BSF_NAME, "--print", "0"],
                               env={"ASAN_OPTIONS": "detect_leaks=0"})     # what libosmocore keeps until its end
    assert rc == 0, err


@test("LMDB: a KEK is rotated under load and kill -9, proven by a second pass, and goes; no session is lost, none has a wrong key",
      timeout=120)
async def lmdb(t):
    w = World(t, n_cards=12).no_limits()
    await fill(t, w)
    await w.start()
    new_kek(w)
    ledger, pool, last = await under_load(t, w, [])
    assert "the rotation that was begun goes on" in w.bsf.text()
    assert last["keks"]["2"]["records"] >= RECORDS - len(w.cards), last
    keks(w, f"kek 2 file {w.etc}/bsf-2.kek")
    await restart(w)
    checked, lost = await pool.verify(ledger)
    assert checked and not lost, lost


@test("Redis: the same with two BSFs, one of which is killed while it rotates", timeout=120)
async def redis(t):
    server = await Redis(t).start()
    a, b = two(t, server, n_cards=12)
    for w in (a, b):
        w.no_limits()
        await w.start()
    # of no subscriber; but they are looked at, so the pass takes its time
    await server.ask("EVAL", f"for i = 1, {RECORDS} do redis.call('SET', string.format('i%012d', i), 'x') end", "0")
    new_kek(a, b)
    ledger, pool, _ = await under_load(t, a, [b])
    for w in (a, b):
        keks(w, f"kek 2 file {w.etc}/bsf-2.kek")
        await restart(w)
    checked, lost = await pool.verify(ledger)
    assert checked and not lost, lost


@test("Redis: what is not sealed by us yet keeps the old KEK, until a later pass finds none; another server is gone over anew", timeout=60)
async def redis_waits(t):
    server = await Redis(t).start()
    w = two(t, server)[0]
    new_kek(w)
    await w.start()
    await server.ask("SET", "c-another", "\x01\x01" + 60 * "x")       # version, KEK
    await ctl.ask(w.ports["bsf_ctl"], "kek rotate")
    await says(t, w, "1 records are not under KEK 2 yet, some under KEK 1")
    assert not (await rotation(w))["keks"]["1"]["may_go"]
    await server.ask("DEL", "c-another")
    await until_done(t, w)
    await server.kill()
    await server.start()
    await says(t, w, "Redis is another server now, or was started again: from the beginning")
    await server.kill()
    await ctl.ask(w.ports["bsf_ctl"], "kek rotate")
    await says(t, w, "the rotation stands still, and is tried again each second")
    await server.start()
    await says(t, w, "the rotation goes on")


@test("Redis: a server with older data takes the place of the one that is rotated: all is sealed again; what does not open keeps it not from its end",
      timeout=90)
async def older_data(t):
    server = await Redis(t).start()
    w = use(World(t, raw_hss=True), server).no_limits()
    await w.start()
    s, broken = await w.ue().bootstrap(), await w.ue(1).bootstrap()
    await server.ask("EVAL", f"for i = 1, {RECORDS} do redis.call('SET', string.format('i%012d', i), 'x') end", "0")
    new_kek(w)
    await restart(w)
    key = b"s" + broken.rand[:13]
    last = int((await server.ask("STRLEN", key))[1:]) - 1
    was = (await server.told("GETRANGE", key, str(last), "-1"))[1]
    await server.ask("SETRANGE", key, str(last), "!" if was == b"?" else "?")
    assert await server.ask("SAVE") == b"+OK"
    await ctl.ask(w.ports["bsf_ctl"], "kek rotate")

    async def some():
        return (await rotation(w))["sealed"] > 0
    await t.until(some, 20, "records sealed anew")
    await server.kill()
    await server.start()

    async def done():
        return (await rotation(w))["rotation"] == "done"
    await t.until(done, 60, "the rotation to be done")
    assert "Redis is another server now" in w.bsf.text() and "do not open under the KEK they name" in w.bsf.text()
    state = await rotation(w)
    assert state["lost"] == 1 and state["keks"]["1"] == {"seals": False, "records": 0, "may_go": True}, state
    keks(w, f"kek 2 file {w.etc}/bsf-2.kek")
    await restart(w)
    pool = NafPool(w)
    t.cleanup(pool.close)

    async def serves():
        return "lease             holds" in await w.vty("show store")
    await t.until(serves, 20, "it to serve")
    await pool.compare(s)
    assert (await pool.fetch(broken.btid)).result == (10415, 5403)


def data(w):
    with open(f"{w.dir}/bsf/data.mdb", "rb") as f:
        return f.read()


@test("A KEK of records that are there is missing: --check and start say which, and change nothing; a credential of systemd is a KEK")
async def missing(t):
    w = World(t)
    await w.start()
    s = await w.ue().bootstrap()
    new_kek(w)
    await restart(w)
    await w.bsf.stop()
    os.mkdir(f"{w.etc}/credentials", 0o700)
    os.rename(f"{w.etc}/bsf-2.kek", f"{w.etc}/credentials/bsf-2.kek")
    os.chmod(f"{w.etc}/credentials/bsf-2.kek", 0o440)     # as systemd shows a right of the service's user
    w.bsf.env["CREDENTIALS_DIRECTORY"] = f"{w.etc}/credentials"
    keks(w, "kek 2 credential bsf-2.kek")
    before = data(w)
    for more in (["--check"], []):
        rc, out, err = await procs.run([*w.bsf.argv, *more], env=w.bsf.env)
        assert rc != 0 and "1 records" in out + err and "KEK 1, which is not configured" in out + err, (rc, out, err)
        assert data(w) == before, more
    keks(w, "kek 2 credential bsf-2.kek", f"kek 1 file {w.etc}/bsf-1.kek")
    await w.bsf.start()
    pool = NafPool(w)
    t.cleanup(pool.close)
    await pool.compare(s)
    state = await w.vty("show kek")
    assert '"rotation": "none"' in state and '"may_go": false' in state, state
    await vty.enabled(w.ports["bsf_vty"], "kek rotate")
    await until_done(t, w)
    keks(w, "kek 2 credential bsf-2.kek")
    await restart(w)
    await pool.compare(s)


@test("Where nothing is sealed no KEK is rotated")
async def memory(t):
    w = World(t)
    w.bsf_cfg.remove("store", "lmdb")
    w.bsf_cfg.remove("store", "map-size-gib")
    w.bsf_cfg.set("store", "memory")
    await w.start()
    assert "nothing is sealed" in await vty.enabled(w.ports["bsf_vty"], "kek rotate")
    assert "nothing is sealed" in str(await ctl.refused(w.ports["bsf_ctl"], "kek rotate"))


@test("A KEK that stays in a token (softhsm2): sealed and opened over starts, though the token is gone meanwhile; rotated to and from; what is "
      "wrong with it in words", timeout=60)
async def pkcs11(t):
    w = World(t)
    folder, line = await token(t, w, w.bsf_env)
    old = f"kek 1 file {w.etc}/bsf-1.kek"
    await w.start()
    first = await w.ue().bootstrap()
    keks(w, line(), old)
    w.bsf.env.update(w.bsf_env)
    await restart(w)
    os.rename(folder, folder + ".away")                      # no record waits for it
    os.mkdir(folder, 0o700)
    pool = NafPool(w)
    t.cleanup(pool.close)
    second = await w.ue(1).bootstrap()
    for s in (first, second):
        await pool.compare(s)
    await vty.enabled(w.ports["bsf_vty"], "kek rotate")

    async def done():
        return (await rotation(w))["rotation"] == "done"
    await t.until(done, 60, "the rotation to be done")
    await w.bsf.stop()
    await refused(w, "there is no token of this label")
    os.rmdir(folder)
    await refused(w, "the module failed (its configuration?)")
    os.rename(folder + ".away", folder)
    keks(w, line())
    for _ in range(2):                                       # keys of earlier starts are asked for, too
        await w.bsf.start()
        for s in (first, second):
            await pool.compare(s)
        await w.bsf.stop()
    module, label, key, pin = line().split()[3:6] + [line().split()[-1]]
    for where, rc, words in ((f"{module},{label},{key},{pin}", 0, "records opened"), (f"{module},{label},none,{pin}", 2, "no key of this label"),
                             (f"{module},{label},{key}", 2, "allowed: pkcs11:MODULE,TOKEN,KEY,PIN-FILE")):
        done_with, out, err = await procs.run([procs.program("gba-store"), "check", f"{w.dir}/bsf", f"--kek=3=pkcs11:{where}"],
                                              env=w.bsf_env)
        assert done_with == rc and words in out + err, (where, done_with, out, err)
    for wrong, words in ((line(pin=w.write_secret("wrong", "11111111\n")), "the PIN is wrong"),
                         (line(label="none"), "there is no token of this label"), (line(key="none"), "there is no key of this label"),
                         (line(key="aes"), "the key is no generic secret"), (line(module="/none.so"), "no module"),
                         (line(module="libc.so.6"), "is no PKCS#11 module"), (line(pin=f"{w.etc}/none"), "No such file"),
                         (line().replace("kek 3", "kek 4"), "made under another KEK: 3, which is not configured")):
        keks(w, wrong)
        await refused(w, words)
    keks(w, line(key="next").replace("kek 3", "kek 4"), line())
    await w.bsf.start()                                      # two keys of one token
    third = await w.ue(2).bootstrap()
    await w.bsf.stop()
    keks(w, old, line(), line(key="next").replace("kek 3", "kek 4"))
    await w.bsf.start()
    await vty.enabled(w.ports["bsf_vty"], "kek rotate")
    await t.until(done, 60, "the rotation to be done")
    keks(w, old)
    await restart(w)
    for s in (first, second, third):
        await pool.compare(s)


async def refused(w, words):
    for more in (["--check"], []):
        rc, out, err = await procs.run([*w.bsf.argv, *more], env=w.bsf.env)
        assert rc != 0 and words in out + err, (words, rc, out, err)
        assert PIN not in out + err


@test("Redis: a KEK in a token seals and opens, also what another daemon sealed by it; once up, nobody needs the token", timeout=60)
async def pkcs11_redis(t):
    server = await Redis(t).start()
    a, b = two(t, server)
    folder, line = await token(t, a, a.bsf_env)
    b.bsf_env["SOFTHSM2_CONF"] = a.bsf_env["SOFTHSM2_CONF"]
    for w in (a, b):
        keks(w, line())
        await w.start()
    os.rename(folder, folder + ".away")
    s = await a.ue().bootstrap()
    key = (await server.told("GET", b"s" + s.rand[:13]))[1]
    assert b"\x02\x03" in key[:64], "version 2, KEK 3"
    pool = NafPool(b)
    t.cleanup(pool.close)
    await pool.compare(s)
    os.rename(folder + ".away", folder)
    keks(b, f"kek 1 file {b.etc}/bsf-1.kek")
    await restart(b)
    await says(t, b, "what is there was made under another KEK")
