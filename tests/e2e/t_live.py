# SPDX-License-Identifier: AGPL-3.0-or-later
"""Everything an operator changes, at once and over TLS, while load programs ask: certificates, NAFs, peers, HSSs, subscribers, sessions."""
import asyncio
import json
import random
import time

from lib import dia, dia_peer, naf, procs
from lib.hss_pair import HSS2, REALM, asked, is_state
from lib.pki import pki
from lib.runner import test
from lib.tls import client, tls_world
from lib.vty import Vty, typed
from lib.world import BSF_ID, BSF_NAME, HSS_ID, Card

K, OPC = "465b5ce8b199b49faa5f0a2ee238a6bc", "cd63cb71954a9f4e48a5994e37a02baf"      # bench/card.h
DEVICES, LINKS = 200, 4
SLOWER = 0.1 if procs.SANITIZED else 1
BIRS_S, BOOTSTRAPS_S, SLICE_S = round(2000 * SLOWER), round(200 * SLOWER), 2
LOAD_ID, DRA = "load.example.com", "dra.example.com"
LONG = 400 * 86400
WAIT = 20 * procs.FACTOR


def cards():
    """Those of ub_load, which have one key, then ours."""
    rng = random.Random(15)
    out = [Card(n, rng) for n in range(DEVICES + 8)]
    for c in out[:DEVICES]:
        c.k, c.opc = bytes.fromhex(K), bytes.fromhex(OPC)
    return out


class Load:
    """The load programs, again and again until end(); each asks at its rate for SLICE_S seconds, and every answer must be the right one."""

    def __init__(self, t, w, sessions):
        self.t, self.w, self.ending = t, w, False
        self.done, self.seconds = {"ub": 0, "zn": 0}, {"ub": 0, "zn": 0}
        self.btids = w.write_secret("btids", "".join(f"{s.btid}\n" for s in sessions))

    async def start(self):
        pair, port = pki().make("load", *(f"{n + 1}.{LOAD_ID}" for n in range(LINKS))), procs.free_port()
        pipe = procs.Daemon("tls_load", [self.t.need_program("tls_load"), "pipe", str(port), str(self.w.ports["tls"]), pair.certificate,
                                         pair.key, pki().ca()], f"{self.w.dir}/log/pipe.log", notifies=False)
        await pipe.start()
        self.t.cleanup(pipe.kill)
        zn = ["--port", port, "--identity", LOAD_ID, "--realm", REALM, "--btids", self.btids, "--naf", "naf1.example.com", "--connections", LINKS,
              "--in-flight", 4, "--rate", BIRS_S, "--requests", BIRS_S * SLICE_S]
        ub = ["--port", self.w.ports["ub"], "--name", BSF_NAME, "--subscribers", DEVICES, "--in-flight", 16, "--keep", "--rate", BOOTSTRAPS_S,
              "--runs", BOOTSTRAPS_S * SLICE_S]
        self.tasks = [asyncio.ensure_future(self._again("zn", zn, "requests")), asyncio.ensure_future(self._again("ub", ub, "runs"))]
        self.t.cleanup(self._stop)
        return self

    async def _stop(self):
        """Where the work has failed; what the load then says is of no interest."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _again(self, which, args, total):
        while not self.ending:
            rc, out, err = await procs.run([self.t.need_program(f"{which}_load")] + [str(x) for x in args], 60)
            assert rc == 0, f"{which}_load: {out}{err}"
            r = json.loads(out)
            assert r["ok"] == r[total] == int(args[-1]), out
            self.done[which] += r["ok"]
            self.seconds[which] += r["seconds"]

    async def beside(self, *work):
        """Until all the work is done; what goes wrong on either side ends both."""
        work = asyncio.gather(*work)
        await asyncio.wait([work, *self.tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in self.tasks:
            if task.done():
                task.result()
        await work
        self.ending = True
        await asyncio.gather(*self.tasks)

    def rate(self, which):
        return self.done[which] / self.seconds[which]


class Operator:
    """Writes configuration, one node after the other: a VTY in its configuration mode keeps others out of it."""

    def __init__(self, w):
        self.w, self.lock = w, asyncio.Lock()

    async def types(self, *lines):
        async with self.lock:
            out = await typed(self.w, *lines)
        assert "%" not in out, (lines, out)


async def change_certificates(w, which, identity, pair, times):
    v = await Vty.open(w.ports[which + "_vty"])
    w.t.cleanup(v.close)
    await v.command("enable")
    for n in range(times):
        pki().install(pki().make(f"{which}_{n % 2}", identity, until=LONG), pair)
        assert "reloaded: until 20" in await v.command("tls reload")


async def served(conn, s):
    return (await naf.fetch(conn, s.btid, timeout=WAIT)).key == s.ks_naf()


async def dpr_of(conn):
    await asyncio.wait_for(conn.got_dpr.wait(), WAIT)
    return conn.cause


async def change_naf(w, op, s, n, lost):
    """One is added, may have a second connection, and is removed while it asks; lost: what it got no key for, and may not."""
    name = f"late{n}.example.com"

    async def come():
        conn = await dia_peer.connect(w.ports["tls"], name, "example.com", [dia.APP_ZN], source=f"127.0.2.{n + 1}", tls=client(name), timeout=WAIT)
        w.t.cleanup(conn.close)
        assert conn.cea.result == 2001 and await served(conn, s), conn.cea.avps
        return conn
    await op.types(f"naf {name}", "address 127.0.0.0/8", "speaks-for naf1.example.com", "security tls")
    conns = [await come()]
    await op.types(f"naf {name}", "connections 2")
    conns.append(await come())
    asking = asyncio.gather(*(served(c, s) for c in conns for _ in range(20)), return_exceptions=True)
    await op.types(f"no naf {name}")
    assert [await dpr_of(c) for c in conns] == [2, 2]
    lost += [x for x in await asking if x is not True]
    for c in conns:
        await c.close()


async def change_peer(w, op, s):
    """A relay that we dial is added, moves, and is removed."""
    ctx = pki().context(pki().make("dra", DRA), True)
    one, two = [await dia_peer.Server(DRA, "example.com", [dia.APP_ZN]).start(tls=ctx) for _ in range(2)]
    for server in (one, two):
        w.t.cleanup(server.stop)
    await op.types(f"peer {DRA}", "security tls", f"connect 127.0.0.1 {one.port}", "exit", f"naf {DRA}", f"via {DRA}",
                   "speaks-for naf1.example.com")
    first = await one.wait_peer(WAIT)
    assert await served(first, s)
    await op.types(f"peer {DRA}", f"connect 127.0.0.1 {two.port}")
    assert await dpr_of(first) == 0
    await first.close()
    moved = await two.wait_peer(WAIT)
    assert await served(moved, s)
    await op.types(f"no naf {DRA}", f"no peer {DRA}")
    assert await dpr_of(moved) == 2
    await moved.close()


async def change_hss(w, w2, op):
    """A second one is added, is the only one asked, is spared, and is removed."""
    t = w.t

    async def asked_more(identity, n=5):
        before = await asked(w, identity)

        async def more():
            return await asked(w, identity) >= before + n
        await t.until(more, 20, f"{identity} to be asked")
    await op.types(f"hss {HSS2}", f"realm {REALM}", "security tls", f"connect 127.0.0.1 {w2.ports['hss']}", "timeout 60")
    await t.until(lambda: is_state(w, HSS2, "open"), 20, "the new HSS")
    await asked_more(HSS2)
    await op.types(f"hss {HSS2}", "priority 1")
    await asked_more(HSS2)
    await op.types(f"hss {HSS2}", "no priority", "load 0")
    await asked_more(HSS_ID)
    await op.types(f"hss {HSS2}", "no load")
    await asked_more(HSS2)
    await op.types(f"no hss {HSS2}")
    assert HSS2 not in await w.vty("show hss")


async def tell(w, which, *args, stdin=""):
    rc, out, err = await procs.run([w.t.need_program("gbactl"), "--json", "-s", w.ports[f"{which}_ctl"], *args], 30, stdin=stdin.encode())
    assert rc == 0, (args, out, err)
    return json.loads(out)


async def change_subscriber(w, ue, card):
    """A session is revoked, its subscriber is deleted and comes back; by gbactl."""
    s = await ue.bootstrap()
    assert await tell(w, "bsf", "revoke", "btid", s.btid) == {"revoked": 1}
    assert await tell(w, "hss", "subscriber", "delete", card.impi) == {"deleted": 1}
    row = f"impi,imsi,k,opc,amf,algorithm,sqn,ind\n{card.impi},{card.imsi},{card.k.hex()},{card.opc.hex()},0000,milenage,0,\n"
    assert await tell(w, "hss", "-f", "-", "subscriber", "add", stdin=row) == {"added": 1, "unchanged": 0}


async def world(t):
    """Two HSSs, of which the BSF knows one, and who comes as a NAF under load."""
    pairs = [pki().make(f"{name}_live", identity, until=LONG) for name, identity in (("bsf", BSF_ID), ("hss", HSS_ID))]
    w = tls_world(t, bsf=pairs[0], hss=pairs[1], nafs=[f"{n + 1}.{LOAD_ID}" for n in range(LINKS)]).no_limits()
    w2 = tls_world(t, name="two", hss=pki().make("hss2", HSS2))
    w.cards = w2.cards = cards()
    w.hss_cfg.add("subscribers", "ind 0 15")
    w2.hss_cfg.add("subscribers", "ind 16 31")
    w2.hss_cfg.set("diameter", f"identity {HSS2}")
    w.bsf_cfg.set(f"hss {HSS_ID}", "timeout 60")
    await w2.start(bsf=False)
    return await w.start(), w2, pairs


@test("all at once over TLS under BIRs and bootstraps of load programs: certificates, NAFs, peers, an HSS, subscribers; nothing lost but "
      "what a removed NAF asked", timeout=180)
async def all_at_once(t):
    times, rounds = max(10, round(100 * t.scale)), max(1, round(2 * t.scale))
    w, w2, (bsf, hss) = await world(t)
    op, lost = Operator(w), []
    sessions = [await w.ue(DEVICES + n).bootstrap() for n in range(4)]
    s, spare = sessions[0], w.ue(DEVICES + 5)

    async def again(change, *args):
        for n in range(rounds):
            await change(*(n if x is again else x for x in args))
    load, began = await Load(t, w, sessions).start(), time.monotonic()
    await load.beside(change_certificates(w, "bsf", BSF_ID, bsf, times), change_certificates(w, "hss", HSS_ID, hss, times),
                      again(change_naf, w, op, s, again, lost), again(change_peer, w, op, s), again(change_hss, w, w2, op),
                      again(change_subscriber, w, spare, w.cards[DEVICES + 5]))
    c = await w.counters()
    t.note(f"{time.monotonic() - began:.1f} s: {load.done['zn']} BIRs ({load.rate('zn'):.0f}/s), {load.done['ub']} bootstraps "
           f"({load.rate('ub'):.0f}/s), {times} certificates at both ends, {rounds} rounds of everything else; of {rounds * 40} BIRs of removed "
           f"NAFs {len(lost)} got no key")
    assert c["zh_late"] == c["zh_down"] == c["zh_timeout"] == 0, c
    text = w.bsf.text()
    assert text.count(f"peer {HSS_ID} connected") == 1 and not [x for x in text.split("\n") if HSS_ID in x and "lost" in x], "it went on"
