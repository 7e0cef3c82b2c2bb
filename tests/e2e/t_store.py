# SPDX-License-Identifier: AGPL-3.0-or-later
"""Disk full, stepped clock, restart: right answers, no session lost, nothing hangs."""
import asyncio
import ctypes
import os
import re
import shutil
import time

from lib import causes, ctl, naf, procs, vty
from lib.faketime import WallClock
from lib.http_raw import HttpClosed
from lib.load import Load, NafPool
from lib.runner import test
from lib.store_file import leaves_with
from lib.world import BSF_NAME, World

BIG = ('<?xml version="1.0"?><guss id="{impi}" xmlns="urn:3gpp:gba:GBAGUSSSchema-R9:2010-02"><ussList>'
       + "".join(f'<uss id="{i}" type="1"><uids><uid>sip:{"u" * 160}{i}@example.com</uid></uids><flags/></uss>' for i in range(250))
       + "</ussList></guss>")


async def mount_tmpfs(t, path, size):
    t.need_root("mounting a small tmpfs")
    rc, _, err = await procs.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "tmpfs", path])
    if rc != 0:
        t.skip(f"mounting a small tmpfs is not allowed here: {err.strip()}")

    async def unmount():
        await procs.run(["umount", "-l", path])
    t.cleanups.insert(0, (unmount, ()))


async def until_full(w, load, limit):
    """Bootstrap until the store refuses; statuses seen afterwards are in load.ledger.failures."""
    load.start()

    async def refused():
        return load.ledger.failures[503] >= 20 or load.ledger.done > limit
    try:
        await w.t.until(refused, 240, "the store to be full")
    finally:
        await load.stop()
    assert load.ledger.failures[503] >= 20, f"not full after {load.ledger.done} bootstraps"


@test("disk full: 503 for new ones, what was there is served, a restart finds it, room makes it work again", timeout=180,
      req=["220-4.5.2-29"])
async def disk_full(t):
    w = World(t, n_cards=12000).no_limits()
    await mount_tmpfs(t, w.dir + "/bsf", "2m")
    await w.start()
    load, pool = Load(w, 20), NafPool(w)
    t.cleanup(pool.close)
    before = await w.counters()
    await until_full(w, load, 30000)
    after = await w.counters()
    assert after["store_full"] > before["store_full"]
    assert set(load.ledger.failures) == {503}, load.ledger.failures
    causes.register("store_full")
    checked, lost = await pool.verify(load.ledger)
    assert not lost and checked > 100, (checked, lost[:3])
    await w.bsf.stop()
    await w.bsf.start()
    checked, lost = await pool.verify(load.ledger)
    assert not lost, lost[:3]
    await w.wait_hss_peer()
    rc, _, err = await procs.run(["mount", "-o", "remount,size=64m", w.dir + "/bsf"])
    assert rc == 0, err
    done = load.ledger.done
    load.start()

    async def more():
        return load.ledger.done > done + 50
    await t.until(more, 30, "bootstraps after there is room again")
    await load.stop()
    t.note(f"full after {checked} sessions in 2 MiB")


@test("the wall clock stepped by an hour either way under load: nothing hangs, no session lost, times stay right", timeout=120)
async def clock(t):
    w = World(t, n_cards=300).no_limits()
    w.bsf_cfg.set("bsf", "key-lifetime 86400")
    wall = WallClock(t, w.etc, cached=True)
    w.bsf_env = w.hss_env = wall.env
    await w.start()
    load, pool = Load(w, 30), NafPool(w)
    t.cleanup(pool.close)
    load.on_session = pool.compare
    load.start()
    seen = []
    for offset in (0, 3600, 0, -3600, 0):
        wall.step(offset)
        mark, at = load.ledger.done, time.monotonic()

        async def went_on():
            return load.ledger.done > mark + 150 and time.monotonic() - at > 3
        await t.until(went_on, 15, f"bootstraps after the step to {offset:+d} s")
        newest = max(load.ledger.sessions.values(), key=lambda s: s.made_at)
        left = newest.expires_at - time.time() - offset
        assert 86300 < left < 86500, f"at {offset:+d} s a key lives for {left:.0f} s"
        seen.append(load.ledger.done - mark)
    await load.stop()
    assert not load.ledger.failures, load.ledger.failures
    checked, lost = await pool.verify(load.ledger)
    t.note(f"bootstraps between the steps: {seen}; {checked} sessions checked")
    assert not lost, lost[:3]
    assert pool.connected == 1, f"the NAF was disconnected {pool.connected - 1} times"


@test("the clock leaps over the end of keys and back: none is served beyond its end, none is swept meanwhile", smoke=True)
async def leap(t):
    w = World(t)
    w.bsf_cfg.set("bsf", "key-lifetime 600")                # shorter than the leap
    wall = WallClock(t, w.etc)
    w.bsf_env = w.hss_env = wall.env
    await w.start()
    conn = await w.naf()
    s = await w.ue(0).bootstrap()
    wall.step(3600)

    async def noticed():
        return "the clock leapt" in w.bsf.text()
    await t.until(noticed, 5, "the leap to be noticed")
    assert (await naf.fetch(conn, s.btid)).result == (10415, 5403), "served beyond its end"
    swept = "swept             0" in await w.vty("show store")
    assert swept, await w.vty("show store")
    wall.step(0)
    assert (await naf.fetch(conn, s.btid)).key == s.ks_naf(), "a key whose time is not over was lost by the leap"


@test("sessions made while the clock was 10 years ahead are over once it is right; those made before go on", smoke=True)
async def future(t):
    w = World(t)
    wall = WallClock(t, w.etc)
    w.bsf_env = w.hss_env = wall.env
    await w.start()
    conn = await w.naf()
    before = await w.ue(0).bootstrap()
    wall.step(10 * 365 * 86400)
    ahead = await w.ue(1).bootstrap()
    assert (await naf.fetch(conn, ahead.btid)).key == ahead.ks_naf()
    wall.step(0)
    assert (await naf.fetch(conn, ahead.btid)).result == (10415, 5403)
    assert (await naf.fetch(conn, before.btid)).key == before.ks_naf()
    now = await w.ue(1).bootstrap()
    assert (await naf.fetch(conn, now.btid)).key == now.ks_naf()


@test("stop and start: sessions and TMPIs are there, a challenge costs one more round at most", smoke=True,
      req=["220-4.4.13-1", "220-4.5.2-29"])
async def restart(t):
    w = await World(t).start()
    ue, other = w.ue(0), w.ue(1)
    s = await ue.bootstrap()
    ch = await other.challenge()
    await w.bsf.stop()
    await w.bsf.start()
    await w.wait_hss_peer()
    assert (await naf.fetch(await w.naf(), s.btid)).key == s.ks_naf()
    assert ue.tmpi
    tmpi = ue.tmpi
    async with causes.counted(w, ub_challenged=1, ub_ok=1):
        await ue.bootstrap()
    assert ue.tmpi != tmpi
    res = other.usim.authenticate(ch.rand, ch.autn)[0]
    r, _ = await other.answer(ch, res)
    assert r.status in (200, 401), r
    await other.bootstrap()


@test("ten thousand sessions, kill -9, a start: each is counted, any is served, that of a subscriber is found; it costs no more than it must")
async def many(t):
    w, n = World(t), 10000
    rc, out, err = await procs.run([t.need_program("store_fill"), "--dir", f"{w.dir}/bsf", "--kek", f"{w.etc}/bsf-1.kek", "--sessions", str(n),
                                    "--name", BSF_NAME, "--tmpi"], env={"ASAN_OPTIONS": "detect_leaks=0"}, timeout=30 * procs.FACTOR)
    assert rc == 0, err
    await w.start()
    t.may_die.add(w.bsf)
    await w.bsf.kill()
    await w.bsf.start()
    assert procs.cpu_s(w.bsf.pid) < 1 * procs.FACTOR        # 0.05 s; what looks through all for each takes tens of seconds
    said = (await ctl.ask(w.ports["bsf_ctl"], "figures"))["figures"]
    assert (said["sessions"], said["tmpis"], said["unreadable"]) == (n, n, 0), said
    conn, btids = await w.naf(), out.split()
    for i in (0, n // 3, n - 1):
        assert (await naf.fetch(conn, btids[i])).result == 2001
    assert await ctl.ask(w.ports["bsf_ctl"], f"revoke impi 00101{n // 3:010d}@ims.mnc001.mcc001.3gppnetwork.org") == {"revoked": 1}
    assert (await naf.fetch(conn, btids[n // 3])).result == (10415, 5403)


@test("a key dies at its expiry on Zn, and so it does after a restart; the TMPI outlives it", smoke=True,
      req=["220-4.5.2-29", "220-4.4.13-1"])
async def expiry(t):
    w = World(t)
    w.bsf_cfg.set("bsf", "key-lifetime 3")
    await w.start()
    ue, conn = w.ue(), await w.naf()
    s = await ue.bootstrap()
    assert (await naf.fetch(conn, s.btid)).key == s.ks_naf()

    async def over():
        bia = await naf.fetch(conn, s.btid)
        if bia.result == 2001:
            assert time.time() < s.expires_at + 1, "served after its expiry"
        return bia.result == (10415, 5403)
    await t.until(over, 8, "the end of the key")
    assert time.time() >= s.expires_at
    tmpi = ue.tmpi
    async with causes.counted(w, ub_challenged=1, ub_ok=1):
        await ue.bootstrap()
    assert ue.tmpi != tmpi


@test("data.mdb damaged, then emptied: a line that names file and cure, from --check too; the damage costs its page", smoke=True)
async def damaged(t):
    w = await World(t).start()
    path = w.dir + "/bsf/data.mdb"
    s = await w.ue().bootstrap()
    await w.bsf.stop()
    with open(path, "r+b") as f:
        for page in leaves_with(path, s.rand):
            f.seek(4096 * page)
            f.write(bytes(4096))
    check = [w.bsf.argv[0], "-c", f"{w.etc}/gba-bsf.cfg", "--check"]
    rc, _, err = await procs.run(check)
    assert rc == 0 and f"{path} is damaged" in err and "the next start saves" in err, (rc, err)
    await w.bsf.start()
    await w.wait_hss_peer()
    assert f"{path} was damaged" in w.bsf.text() and "data.mdb.damaged" in w.bsf.text()
    conn = await w.naf()
    assert (await naf.fetch(conn, s.btid)).result == (10415, 5403)
    s = await w.ue().bootstrap()
    assert (await naf.fetch(conn, s.btid)).key == s.ks_naf()
    await w.bsf.stop()
    with open(path, "r+b") as f:
        f.truncate()
    for argv in (check, check[:-1]):
        rc, _, err = await procs.run(argv)
        assert rc == 1 and f"{path} is empty, but a store was made here" in err and "put back a copy" in err, (rc, err)


@test("data.mdb cut under the daemon: it ends with a line that names the file, and starts again", smoke=True)
async def cut(t):
    w = await World(t).start()
    ue = w.ue()
    await ue.bootstrap()
    with open(w.dir + "/bsf/data.mdb", "r+b") as f:
        f.truncate(8192)
    try:
        await ue.bootstrap()
    except HttpClosed:
        pass
    assert await w.bsf.proc.wait() == 1, w.bsf.tail(5)
    assert f"{w.dir}/bsf/data.mdb cannot be used any longer" in w.bsf.text(), w.bsf.tail(5)
    await w.bsf.start()
    await w.wait_hss_peer()
    s = await ue.bootstrap()
    assert (await naf.fetch(await w.naf(), s.btid)).key == s.ks_naf()


class WriterHeld:
    """LMDB's one write transaction, held from outside: nothing is committed meanwhile, as on a disk that hangs."""

    def __init__(self, folder):
        self._lib, self._env, self._txn = ctypes.CDLL("liblmdb.so.0"), ctypes.c_void_p(), ctypes.c_void_p()
        for rc in (self._lib.mdb_env_create(ctypes.byref(self._env)),
                   self._lib.mdb_env_set_mapsize(self._env, ctypes.c_size_t(64 << 30)),
                   self._lib.mdb_env_open(self._env, folder.encode(), 0x200000, 0o600),
                   self._lib.mdb_txn_begin(self._env, None, 0, ctypes.byref(self._txn))):
            assert rc == 0, rc

    def release(self):
        self._lib.mdb_txn_abort(self._txn)
        self._lib.mdb_env_close(self._env)


@test("a revocation that waits for the disk does not hold up the log", smoke=True)
async def revoke_waits(t):
    w = await World(t).no_limits().start()
    s = await w.ue(0).bootstrap()
    v = await vty.Vty.open(w.ports["bsf_vty"])
    t.cleanups.append((v.close, ()))
    await v.command("enable")
    held = WriterHeld(w.dir + "/bsf")
    revoking = asyncio.ensure_future(v.command(f"revoke impi {s.impi}"))
    try:
        for _ in range(8):                              # the command is at work from the second or third on
            mark = w.bsf.mark()
            await w.ue(1).first()

            async def logged(mark=mark):
                return "ub_challenged" in w.bsf.text(mark)
            await t.until(logged, 3, "a line in the log")
            assert not revoking.done()
    finally:
        held.release()
    assert "1 sessions revoked" in await revoking


CALLS = "trace=write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,fsync,fdatasync"

MAA = r"@\\0\\1/"                                          # an answer, code 303, as strace writes its octets
CALL_KINDS = {
    "bsf": {"commit": r"^pwrite64\(\d+<\S*data.mdb>.*, [1-7]?\d{1,3}\) ",   # into the header pages
            "data": r"^p?writev?(64|2)?\(\d+<\S*data.mdb>", "sync": r"^fdatasync\(\d+<\S*data.mdb>", "told": r"HTTP/1.1 200"},
    "hss": {"data": r"^pwrite64\(\d+<\S*-wal>", "sync": r"^fdatasync\(\d+<\S*-wal>",
            "told": r"^(write|writev|sendto|sendmsg)\(\d+<(TCP|socket).*" + MAA},
}


class Traced:
    """The daemon of a world under strace: what it writes, syncs and sends, in order."""

    def __init__(self, t, daemon, log):
        if not shutil.which("strace"):
            t.skip("strace is missing (package strace)")
        if procs.SANITIZED:
            t.skip("the leak check is a tracer itself")
        self.log, self.daemon = log, daemon
        daemon.argv = ["strace", "-D", "-f", "-y", "-s", "40", "-o", log, "-e", CALLS, *daemon.argv]

    def mark(self):
        return os.path.getsize(self.log)

    def calls(self, since, **kinds):
        """Words for the calls since then that a pattern names, in order of their end; the same word again is one."""
        out = []
        with open(self.log, encoding="utf-8", errors="replace") as f:
            f.seek(since)
            begun = {}
            for line in f:
                pid, call = line.split(None, 1)
                if "<unfinished" in call:
                    begun[pid] = call
                    continue
                call = begun.pop(pid, "") + call
                word = next((k for k, pattern in kinds.items() if re.search(pattern, call)), None)
                if word and out[-1:] != [word]:
                    out.append(word)
        return out


@test("the order on the disk: a session is synced before its 200 leaves, a mark before its vector", smoke=True,
      req=["220-4.5.2-29"])
async def order(t):
    w = World(t)
    bsf, hss = w.bsf_daemon, w.hss_daemon
    traced = {}

    def under(name, make):
        daemon = make()
        traced[name] = Traced(t, daemon, f"{w.dir}/log/{name}.strace")
        return daemon
    w.bsf_daemon, w.hss_daemon = lambda: under("bsf", bsf), lambda: under("hss", hss)
    await w.start()
    marks = {k: v.mark() for k, v in traced.items()}

    def trace(name):
        return traced[name].calls(marks[name], **CALL_KINDS[name])
    await w.ue().bootstrap()

    async def complete():
        return "told" in trace("bsf")
    await t.until(complete, 5, "the 200 in the trace")
    assert trace("bsf")[:4] == ["data", "sync", "commit", "told"], trace("bsf")
    told = trace("hss").index("told")
    assert told >= 2 and trace("hss")[:told][-2:] == ["data", "sync"], trace("hss")
