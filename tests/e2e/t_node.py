# SPDX-License-Identifier: AGPL-3.0-or-later
"""The BSF's Diameter node as an operator and its peers see it: figures, one line for each change of state, fairness, limits."""
import asyncio
import itertools
import os
import re
import signal
import subprocess
import sys
import time

from lib import causes, dia, naf
from lib.dia import Avp, Msg
from lib.hss import RawHss
from lib.kept import is_refusal
from lib.procs import many_files
from lib.runner import test
from lib.world import HSS_ID, World


async def peer_line(w, identity):
    """What `show peers` says below the line of this peer; "" if nothing."""
    m = re.search(rf"^(?:hss|naf) +{re.escape(identity)} .*\n?((?:     .*\n?)?)", (await w.vty("show peers")).replace("\r", ""), re.M)
    return m[1].strip()


@test("show peers: since when, address, applications, requests in and out, pending, errors by code, round trip", smoke=True)
async def figures(t):
    w = await World(t, raw_hss=True).start()
    conn = await w.naf()
    s = await w.ue().bootstrap()
    await naf.fetch(conn, s.btid)
    for _ in range(2):
        await naf.fetch(conn, "AAAAAAAAAAAAAAAAAAAAAA==@" + s.btid.split("@")[1])
    bir = naf.bir(conn, s.btid, naf.naf_id())
    bir.cmd = 999
    await conn.request(bir)
    w.raw_hss.behave = RawHss.result(5012)
    is_refusal(await w.ue(1).first(), 503)
    line = await peer_line(w, "naf1.example.com")
    assert re.fullmatch(r"for \d+ s, 127\.0\.0\.1 \d+, Zn, requests 4 in 0 out, errors (5403 x 2, 3001 x 1|3001 x 1, 5403 x 2)", line), line
    line = await peer_line(w, HSS_ID)
    assert re.fullmatch(rf"for \d+ s, 127\.0\.0\.1 {w.ports['hss']}, Zh, requests 0 in 2 out, round trip \d+\.\d+ ms, errors 5012 x 1", line), line
    w.raw_hss.behave = RawHss.never
    task = asyncio.ensure_future(w.ue(2).first())

    async def waiting():
        return re.search(rf"^hss +{HSS_ID} +open, 1 unanswered", await w.vty("show peers"), re.M)
    await t.until(waiting, 5, "a request that is not answered")
    assert await peer_line(w, "gba-naf.example.com") == ""       # was never there
    await conn.close()

    async def gone():
        return re.fullmatch(r"for \d+ s, requests 4 in 0 out, .*", await peer_line(w, "naf1.example.com"))
    await t.until(gone, 5, "the NAF to be known as gone")
    await w.raw_hss.stop()
    is_refusal(await task, 503)


@test("zh_timeout and zh_down name the HSS, zh_error its code, name and Error-Message", smoke=True)
async def named(t):
    w = World(t, raw_hss=True)
    w.bsf_cfg.set(f"hss {HSS_ID}", "timeout 1")
    await w.start()
    w.raw_hss.behave = RawHss.never
    async with causes.counted(w, zh_timeout=1):
        is_refusal(await w.ue().first(), 503)

    async def refused(hss, conn, mar):
        await conn.send(mar.answer(hss.head() + [Avp(dia.RESULT, 5012), Avp(dia.ERROR_MESSAGE, "no AuC today")]))
    w.raw_hss.behave = refused
    async with causes.counted(w, zh_error=1):
        is_refusal(await w.ue().first(), 503)
    mark = w.bsf.mark()
    await w.raw_hss.stop()

    async def lost():
        return f"peer {HSS_ID} lost" in w.bsf.text(mark)
    await t.until(lost, 10, "the loss to be told")
    async with causes.counted(w, zh_down=1):
        is_refusal(await w.ue().first(), 503)
    text = w.bsf.text()
    for line in (rf" zh_timeout .* hss={HSS_ID} ", rf" zh_down .* hss={HSS_ID} ",
                 rf' zh_error .* hss={HSS_ID} result=5012 error="no AuC today"'):
        assert re.search(line, text), (line, text)


@test("an HSS that leaves with a Disconnect-Cause: the log says which, and when the next attempt is", smoke=True)
async def leaves(t):
    w = await World(t, raw_hss=True).start()
    for cause, words in ((1, "it is busy; next attempt in 30 s"), (2, "it does not want us; next attempt in 5 min")):
        conn = await w.raw_hss.wait_peer()
        mark = w.bsf.mark()
        await conn.request(Msg(dia.CMD_DP, 0, conn.origin() + [Avp(dia.DISCONNECT_CAUSE, cause)], dia.R), 5)
        await conn.close()

        async def told(mark=mark, words=words):
            return f"{HSS_ID} lost: it disconnects: {words}" in w.bsf.text(mark)
        await t.until(told, 5, words)
        await w.bsf.stop()
        await w.bsf.start()
        await w.wait_hss_peer()


@test("a peer that flaps: so many changes of state a minute are told, the rest counted; another's are told meanwhile", smoke=True)
async def flaps(t):
    w = await World(t, raw_hss=True).start()
    mark = w.bsf.mark()
    for _ in range(30):
        conn = await naf.connect(w.ports["dia"])
        await conn.close()

        async def gone():
            return "closed" in re.search(r"^naf +naf1\.example\.com +(.*)$", await w.vty("show peers"), re.M)[1]
        await t.until(gone, 5, "the NAF to be gone")
    await w.naf("gba-naf.example.com")

    async def another():
        return "peer gba-naf.example.com connected" in w.bsf.text(mark)
    await t.until(another, 5, "another peer's line")
    text = w.bsf.text(mark)
    assert len(re.findall(r"peer naf1\.example\.com (?:connected|lost)", text)) == 20, text


# --- many peers, peers that flood, peers that say nothing. GBA_FULL=1: the sizes that the project promises (make node-full)
FULL = os.environ.get("GBA_FULL") == "1"


def nafs(w, n):
    """n NAFs with identities of their own, each speaking for its name."""
    names = [f"app{i}.example.com" for i in range(n)]
    for name in names:
        for line in ("address 127.0.0.1/32", f"speaks-for {name}"):
            w.bsf_cfg.add(f"naf {name}", line)
    return names


@test("NAF identities over as many connections at once: each gets its own key, and the table of peers knows all", timeout=180)
async def many(t):
    many_files()
    n = 1000 if FULL else 200
    w = World(t, raw_hss=True)
    names = nafs(w, n)
    await w.start()
    s = await w.ue().bootstrap()

    async def one(name):
        conn = await naf.connect(w.ports["dia"], name, "example.com", timeout=30 * t.factor)
        t.cleanup(conn.close)
        return conn
    conns = []
    for i in range(0, n, 200):
        conns += await asyncio.gather(*(one(x) for x in names[i:i + 200]))
    for _ in range(3):
        bias = await asyncio.gather(*(naf.fetch(c, s.btid, naf.naf_id(c.identity), timeout=30 * t.factor) for c in conns))
        keys = {b.key for b in bias}
        assert keys == {s.ks_naf(x) for x in names} and len(keys) == n
    table = await w.vty("show peers")
    assert len(re.findall(r"^naf +app\d+\.example\.com +open", table, re.M)) == n


async def latency(ask, n):
    """Median and 95th percentile of n questions one after the other, in ms."""
    took = []
    for _ in range(n):
        at = time.perf_counter()
        await ask()
        took.append(1000 * (time.perf_counter() - at))
    took.sort()
    return took[n // 2], took[n * 95 // 100]


class Flood:
    """So many processes that flood, each under an identity of its own."""

    def __init__(self, w, btid, names):
        self.args = [[sys.executable, "-m", "lib.flood", str(w.ports["dia"]), n, btid, n] for n in names]

    async def __aenter__(self):
        self.procs = [await asyncio.create_subprocess_exec(*a, cwd=os.path.dirname(os.path.abspath(__file__)), stdout=subprocess.PIPE)
                      for a in self.args]
        for p in self.procs:
            assert (await asyncio.wait_for(p.stdout.readline(), 20)) == b"floods\n"
        return self

    async def __aexit__(self, *a):
        for p in self.procs:
            p.kill()
            await p.wait()


@test("NAFs that flood: another NAF and Ub are served meanwhile, with what it costs them in the same run", timeout=180)
async def floods(t):
    w = World(t, raw_hss=True, n_cards=10).no_limits()
    names = nafs(w, 8)
    w.bsf_cfg.set("log stderr", "logging level set-all notice")
    await w.start()
    conn, s = await w.naf(), await w.ue().bootstrap()
    n = 500 if FULL else 100
    turn = itertools.count()

    async def fetch():
        assert (await naf.fetch(conn, s.btid)).key == s.ks_naf()

    async def bootstrap():
        await w.ue(1 + next(turn) % 9).bootstrap()
    await latency(fetch, 50)
    quiet = [await latency(fetch, n), await latency(bootstrap, n)]
    told = [f"alone: BIR {quiet[0][0]:.1f}/{quiet[0][1]:.1f} ms, bootstrap {quiet[1][0]:.1f}/{quiet[1][1]:.1f} ms (median/95 %)"]
    for many_of_them in (1, 8):
        before = (await w.counters())["zn_ok"]
        async with Flood(w, s.btid, names[:many_of_them]):
            began = time.monotonic()
            busy = [await latency(fetch, n), await latency(bootstrap, n)]
            rate = ((await w.counters())["zn_ok"] - before) / (time.monotonic() - began)
        told.append(f"{many_of_them} flooding with {rate:.0f}/s: {busy[0][0]:.1f}/{busy[0][1]:.1f} ms, {busy[1][0]:.1f}/{busy[1][1]:.1f} ms")
        t.note("; ".join(told))
        assert rate > 2000 / t.factor, f"the floods got only {rate:.0f}/s: nothing is shown"
        # the measuring side shares the cores with the floods, so the limit is a wide one
        assert busy[0][0] < 10 * quiet[0][0] + 10 and busy[1][0] < 10 * quiet[1][0] + 10, told


@test("the HSS is frozen: told within 2 (tw + 2 s), meanwhile and after that 503 at once; back: full service within as long", timeout=180)
async def frozen(t):
    tw = 6
    w = World(t).no_limits()
    w.bsf_cfg.set("diameter", f"tw {tw}")
    w.bsf_cfg.set(f"hss {HSS_ID}", "timeout 1")
    await w.start()
    await w.ue().bootstrap()
    os.kill(w.hss.pid, signal.SIGSTOP)
    began = time.monotonic()
    try:
        while True:
            r = await w.ue().first()
            assert r.status == 503, r.status
            if "it has not answered a watchdog" in w.bsf.text():
                break
            assert time.monotonic() - began < (2 * (tw + 2) + 1.5) * t.factor, "not noticed"
        noticed, at = time.monotonic() - began, time.monotonic()
        is_refusal(await w.ue().first(), 503)
        assert time.monotonic() - at < 0.5 * t.factor, "nobody is asked, and still it takes its time"
    finally:
        os.kill(w.hss.pid, signal.SIGCONT)
    at = time.monotonic()

    async def back():
        return (await w.ue().first()).status == 401
    await t.until(back, 2 * (tw + 2) * t.factor, "the HSS to be asked again")
    t.note(f"noticed after {noticed:.1f} s, back {time.monotonic() - at:.1f} s after it went on")
    assert "it answers again" in w.bsf.text() or "lost" in w.bsf.text()
    await w.ue().bootstrap()


async def in_one_flight(t, w, name, s):
    """CER and BIR in one write: what stands behind the CER goes with the connection to the loop of its peer."""
    conn = await naf.connect(w.ports["dia"], name, "example.com", cer=False)
    t.cleanup(conn.close)
    cer = Msg(dia.CMD_CE, 0, conn.capabilities(), dia.R)
    bir = naf.bir(conn, s.btid, naf.naf_id(name))
    for i, m in enumerate((cer, bir)):
        m.hbh = m.e2e = 77 + i
    answers = [asyncio.get_running_loop().create_future() for _ in (cer, bir)]
    conn.pending = dict(zip((77, 78), answers))
    await conn.send_raw(cer.encode() + bir.encode())
    cea, bia = await asyncio.wait_for(asyncio.gather(*answers), 10 * t.factor)
    assert cea.result == 2001 and naf.Bia(bia).key == s.ks_naf(name), (cea.result, bia.avps)
    return conn


@test("several shards: each peer is on the loop its name says, wherever it was accepted; Zh is asked by all; live changes reach all",
      timeout=120)
async def shards(t):
    w = World(t, raw_hss=True, n_cards=12).no_limits()
    names = nafs(w, 40)
    w.bsf_cfg.set("bsf", "shards 4")
    await w.start()
    s = await w.ue().bootstrap()
    conns = await asyncio.gather(*(in_one_flight(t, w, x, s) for x in names))
    for _ in range(5):
        bias = await asyncio.gather(*(naf.fetch(c, s.btid, naf.naf_id(c.identity)) for c in conns))
        assert [b.key for b in bias] == [s.ks_naf(x) for x in names]
    for _ in range(3):
        await asyncio.gather(*(w.ue(i).bootstrap() for i in range(1, 12)))
    table = await w.vty("show peers")
    assert len(re.findall(r"^naf +app\d+\.example\.com +open", table, re.M)) == 40, table
    for name in names[:8]:                                       # wherever it is accepted, the one that is there is found
        again = await naf.connect(w.ports["dia"], name, "example.com")
        assert again.cea.result == 5012, again.cea.avps
        await again.close()
    assert (await naf.connect(w.ports["dia"], "stranger.example.com", "example.com")).cea.result == 3010
    for c in conns[:20]:
        await c.close()
    for name in names[:20]:
        await in_one_flight(t, w, name, s)
    mark = w.bsf.mark()
    await w.raw_hss.stop()

    async def lost():
        return f"peer {HSS_ID} lost" in w.bsf.text(mark)
    await t.until(lost, 10, "the loss of the HSS")
    is_refusal(await w.ue().first(), 503)
    began = time.monotonic()
    await w.bsf.stop()
    assert time.monotonic() - began < 5 * t.factor
