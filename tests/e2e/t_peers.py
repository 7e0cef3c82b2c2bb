# SPDX-License-Identifier: AGPL-3.0-or-later
"""Peers are connections, hss and naf are names: what may be written, what is saved, and changes while it runs."""
import asyncio
import time

from lib import dia, dia_peer, hss, naf, procs, vty
from lib.dia import Avp, Msg
from lib.runner import test
from lib.vty import typed
from lib.world import BSF_ID, HSS_ID, World, raw_bsf_conn

DRA = "dra.example.com"
HEARD_S = 1.1       # who was heard within a second is alive, and is not asked


async def checked(w, words):
    """--check refuses the file and says each of words in one line."""
    w.write_configs()
    rc, _, err = await procs.run(w.bsf_daemon().argv + ["--check"], 15)
    assert rc != 0 and any(all(x in line for x in words) for line in err.split("\n")), (words, rc, err)


def relayed(w, *lines):
    """A configuration in which one relay stands between us and everybody."""
    c = w.bsf_cfg
    for line in (f"connect 127.0.0.1 {w.ports['dia'] + 1}", "address 127.0.0.0/8") + lines:
        c.add(f"peer {DRA}", line)
    c.remove(f"hss {HSS_ID}", "connect")
    c.add(f"hss {HSS_ID}", f"via {DRA}")
    c.add("naf a.example.com", f"via {DRA}")
    c.add("naf a.example.com", "speaks-for a.example.com")
    return w


@test("peer, via, relays: what contradicts itself is refused at the start, with its line and what is allowed", smoke=True)
async def refused(t):
    t.need_program("gba-bsfd")
    n = 0

    async def case(words, *changes, base=lambda w: w):
        nonlocal n
        n += 1
        w = base(World(t, name=f"w{n}"))
        for node, line in changes:
            w.bsf_cfg.add(node, line)
        await checked(w, words + ["allowed"])
    peer, hss, one = f"peer {DRA}", f"hss {HSS_ID}", "naf naf1.example.com"
    await case([peer, "without address", "connect ADDRESS PORT"], (peer, "connections 2"))
    await case([f"hss {HSS_ID}", "via nobody.example.com", "no such peer"], (hss, "via nobody.example.com"),
               base=lambda w: w.bsf_cfg.remove(hss, "connect") or w)
    await case(["has a connection of its own"], (hss, f"via {DRA}"))
    await case(["reached via"], (hss, "connect 127.0.0.1 3868"), base=relayed)
    await case(["naf b.example.com", "via nobody.example.com", "no such peer"], ("naf b.example.com", "via nobody.example.com"))
    await case(["has a connection of its own"], (one, f"via {DRA}"))
    await case(["comes via"], ("naf a.example.com", "address 127.0.0.1"), base=relayed)
    await case(["naf b.example.com", "without address", "via PEER"], ("naf b.example.com", "speaks-for b.example.com"))
    await case([f"peer {BSF_ID}", "our own identity"], (f"peer {BSF_ID}", "address 127.0.0.1"))
    await case([f"peer {HSS_ID}", "an hss has this identity"], (f"peer {HSS_ID}", "address 127.0.0.1"))
    await case(["peer naf1.example.com", "its own address"], ("peer naf1.example.com", "address 127.0.0.1"))
    await case(["'65'", "<1-64>"], (peer, "connections 65"))
    await case(["'a..b'"], (peer, "relays x.example.com a..b"))
    await case([f"peer {DRA}", "relays A.example.com is a naf"], (peer, "relays A.example.com"), base=relayed)


@test("what is saved is what was written, short forms and peer nodes, and starts again", smoke=True)
async def saved(t):
    w = relayed(World(t), "connections 3", "relays dra2.example.com dra3.example.com")
    w.bsf_cfg.add(f"hss {HSS_ID}", "destination-host")
    w.bsf_cfg.add("naf naf1.example.com", "connections 4")
    w.write_configs()
    w.bsf = w.bsf_daemon()
    t.watch(w.bsf)
    await w.bsf.start()
    new = f"{w.etc}/new.cfg"
    assert "saved to" in await typed(w, "end", f"write file {new}")
    with open(new, encoding="utf-8") as f:
        text = f.read()
    for node in (f"peer {DRA}\n connect 127.0.0.1 {w.ports['dia'] + 1}\n address 127.0.0.0/8\n connections 3\n"
                 " relays dra2.example.com dra3.example.com\n",
                 f"hss {HSS_ID}\n realm mnc001.mcc001.3gppnetwork.org\n via {DRA}\n destination-host\n timeout 5\n",
                 "naf naf1.example.com\n address 127.0.0.1/32\n connections 4\n speaks-for naf1.example.com\n",
                 f"naf a.example.com\n via {DRA}\n speaks-for a.example.com\n"):
        assert node in text, (node, text)
    assert text.count("\npeer ") == 1, text
    rc, out, err = await procs.run(w.bsf.argv[:2] + [new, "--check"], 15)
    assert rc == 0 and "configuration ok" in out, (rc, out, err)


@test("peers and NAFs changed live pass the checks of the start: at once, at exit, at write file", smoke=True)
async def live_checked(t):
    w = await World(t, raw_hss=True).start()
    for name, why in ((BSF_ID, "our own identity"), (HSS_ID, "an hss has this identity"), ("naf1.example.com", "its own address"),
                      ("a..b", "is no host name")):
        out = await typed(w, f"peer {name}")
        assert why in out and "allowed" in out, (name, out)
    assert "there is no peer" in await typed(w, "naf b.example.com", "via nobody.example.com")
    assert "has a connection of its own" in await typed(w, "naf naf1.example.com", "via naf1.example.com")
    out = await typed(w, "no naf b.example.com", f"peer {DRA}", "exit")
    assert "would not start again" in out and f"peer {DRA}: peer without address" in out, out
    assert "not written" in await typed(w, "end", "write file")
    out = await typed(w, f"peer {DRA}", "address 127.0.0.9", "connections 2", "relays r.example.com", "exit",
                      "naf b.example.com", f"via {DRA}", "speaks-for b.example.com", "end", "write file")
    assert "saved to" in out and "would not" not in out, out
    out = await typed(w, f"no peer {DRA}")
    assert "b.example.com is via peer" in out and "allowed" in out, out
    out = await typed(w, f"peer {DRA}", "relays b.example.com", "exit")
    assert "would not start again" in out and "is a naf that comes over it" in out, out
    out = await typed(w, "no naf b.example.com", f"no peer {DRA}", "end", "write file")
    assert "saved to" in out, out
    with open(w.bsf.argv[2], encoding="utf-8") as f:
        assert "peer " not in f.read()
    await w.bsf.stop()
    await w.bsf.start()


class Asking:
    """A NAF of whose connection nothing is changed: it asks all the while, over that one, and gets its key each time."""

    def __init__(self, w, s):
        self.w, self.s, self.n, self.stop = w, s, 0, asyncio.Event()

    async def __aenter__(self):
        self.conn = await self.w.naf()
        self.task = asyncio.ensure_future(self._run())
        return self

    async def _run(self):
        while not self.stop.is_set():
            assert (await naf.fetch(self.conn, self.s.btid)).key == self.s.ks_naf()
            self.n += 1

    async def __aexit__(self, *exc):
        self.stop.set()
        await self.task
        assert self.n > 10 and not self.conn.closed.is_set() and not self.conn.got_dpr.is_set()


async def served(conn, s, name):
    """A BIR over a connection that either side has made."""
    return (await naf.fetch(conn, s.btid, naf.naf_id(name))).key == s.ks_naf(name)


async def dpr_of(conn, timeout=10):
    await asyncio.wait_for(conn.got_dpr.wait(), timeout)
    return conn.cause


def freeze(conn):
    """As a process that was stopped, or a host without power: nothing is read, nothing answered, nothing closed."""
    conn.pause_reading()
    conn.answer_dwr = False


async def come(t, w, identity, state=None):
    """A NAF that connects; its CEA, and how long that took."""
    began = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", w.ports["dia"])
    conn = dia_peer.Conn(reader, writer, identity, "example.com", [dia.APP_ZN])
    t.cleanup(conn.close)
    conn.start()
    avps = conn.capabilities() + ([Avp(dia.ORIGIN_STATE, state)] if state else [])
    conn.cea = await conn.request(Msg(dia.CMD_CE, 0, avps, dia.R), 15)
    return conn, conn.cea.result, time.monotonic() - began


@test("a NAF is killed, frozen, without power, started anew: its next process is in within 4 s, living ones keep their place",
      smoke=True, timeout=60)
async def dead_ones(t):
    w = World(t, raw_hss=True)
    for name, n in (("killed", 1), ("frozen", 1), ("anew", 1), ("half", 2), ("both", 2), ("alive", 2)):
        w.bsf_cfg.add(f"naf {name}.example.com", "address 127.0.0.1")
        w.bsf_cfg.add(f"naf {name}.example.com", f"connections {n}")
        w.bsf_cfg.add(f"naf {name}.example.com", f"speaks-for {name}.example.com")
    await w.start()
    s = await w.ue().bootstrap()

    async def two(name):
        """Two processes of one identity, the second of which is frozen."""
        got = [await come(t, w, f"{name}.example.com") for _ in range(2)]
        assert [code for _, code, _ in got] == [2001, 2001], (name, got)
        freeze(got[1][0])
        return got[0][0], got[1][0]

    async def killed():
        conn, code, _ = await come(t, w, "killed.example.com")
        conn.abort()
        conn, code, took = await come(t, w, "killed.example.com")
        assert code == 2001 and took < 1 * t.factor and await served(conn, s, "killed.example.com"), (code, took)

    async def frozen(name, state):
        old, _, _ = await come(t, w, name, state)
        freeze(old)
        await asyncio.sleep(HEARD_S)
        conn, code, took = await come(t, w, name, state and state + 1)
        assert code == 2001 and took < 4 * t.factor and await served(conn, s, name), (name, code, took)

    async def half():
        living, _ = await two("half")
        await asyncio.sleep(HEARD_S)
        conn, code, took = await come(t, w, "half.example.com")
        assert code == 2001 and took < 4 * t.factor, (code, took)
        assert await served(conn, s, "half.example.com") and await served(living, s, "half.example.com")

    async def both():
        """Two wait for the two places of the dead: in the same round, not one after the other."""
        living, _ = await two("both")
        freeze(living)
        await asyncio.sleep(HEARD_S)
        got = await asyncio.gather(*(come(t, w, "both.example.com") for _ in range(2)))
        assert [code for _, code, _ in got] == [2001, 2001] and max(took for _, _, took in got) < 4 * t.factor, got

    async def alive():
        got = [await come(t, w, "alive.example.com") for _ in range(2)]
        await asyncio.sleep(HEARD_S)
        _, code, took = await come(t, w, "alive.example.com")
        assert code == 5012 and took < 4 * t.factor, (code, took)
        for conn, _, _ in got:
            answer = await conn.request(Msg(dia.CMD_DW, 0, conn.origin() + [Avp(dia.ORIGIN_STATE, 77)], dia.R))
            assert answer.result == 2001 and await served(conn, s, "alive.example.com")
    async with Asking(w, s):
        await asyncio.gather(killed(), frozen("frozen.example.com", None), frozen("anew.example.com", 5), half(), both(), alive())


async def listening(t, identity):
    """A peer that waits for us to connect."""
    server = await dia_peer.Server(identity, "example.com", [dia.APP_ZN]).start()
    t.cleanup(server.stop)
    return server


@test("peers and NAFs are added, moved and removed while another NAF asks: who is meant gets a DPR, nobody else notices",
      smoke=True, timeout=60)
async def live(t):
    w = await World(t, raw_hss=True).start()
    s, name = await w.ue().bootstrap(), "late.example.com"
    async with Asking(w, s):
        assert (await naf.connect(w.ports["dia"], name)).cea.result == 3010
        await typed(w, f"naf {name}", "address 127.0.0.1", f"speaks-for {name}")
        conn = await w.naf(name)
        assert conn.cea.result == 2001 and await served(conn, s, name)
        second = await naf.connect(w.ports["dia"], name)
        assert second.cea.result == 5012
        await typed(w, f"naf {name}", "connections 2")
        second = await w.naf(name)
        assert second.cea.result == 2001 and await served(second, s, name) and await served(conn, s, name)
        await typed(w, f"no naf {name}")
        assert [await dpr_of(c) for c in (conn, second)] == [2, 2]
        assert (await naf.connect(w.ports["dia"], name)).cea.result == 3010
        one, two = await listening(t, DRA), await listening(t, DRA)
        await typed(w, f"peer {DRA}", f"connect 127.0.0.1 {one.port}", "exit", f"naf {DRA}", f"via {DRA}", f"speaks-for {DRA}")
        first = await one.wait_peer()
        assert await served(first, s, DRA)
        await typed(w, f"peer {DRA}", f"connect 127.0.0.1 {two.port}")
        assert await dpr_of(first) == 0
        await first.close()
        moved = await two.wait_peer()
        assert await served(moved, s, DRA) and len(one.conns) == 1
        await typed(w, f"no naf {DRA}", f"no peer {DRA}")
        assert await dpr_of(moved) == 2
    out = await typed(w, "end", "write file")
    assert "saved to" in out, out


@test("peer NAME disconnect keeps a peer off, reconnect takes it up again, for those who come and those we connect to",
      smoke=True, timeout=60)
async def off_and_on(t):
    w = World(t, raw_hss=True)
    server = await listening(t, DRA)
    w.bsf_cfg.add(f"peer {DRA}", f"connect 127.0.0.1 {server.port}")
    w.bsf_cfg.add(f"naf {DRA}", f"via {DRA}")
    w.bsf_cfg.add(f"naf {DRA}", f"speaks-for {DRA}")
    await w.start()
    s, name = await w.ue().bootstrap(), "gba-naf.example.com"
    async with Asking(w, s):
        comes, dialled = await w.naf(name), await server.wait_peer()
        assert "there is no peer x.example.com" in await typed(w, "end", "peer x.example.com disconnect")
        await typed(w, "end", f"peer {name} disconnect", f"peer {DRA} disconnect")
        assert [await dpr_of(c) for c in (comes, dialled)] == [2, 2]
        await comes.close()
        await dialled.close()
        text = await w.vty("show peers")
        assert sorted(x.split()[1] for x in text.split("\n") if " disconnected" in x) == [DRA, DRA, name], text
        again = await naf.connect(w.ports["dia"], name)
        assert again.cea.result == 3004 and "its operator here has disconnected it" in again.cea.text(dia.ERROR_MESSAGE), again.cea.avps
        await typed(w, "end", f"peer {name} reconnect", f"peer {DRA} reconnect")
        back = await server.wait_peer()
        assert len(server.conns) == 2 and await served(back, s, DRA)
        comes = await w.naf(name)
        assert comes.cea.result == 2001
        await typed(w, "end", f"peer {name} reconnect")       # anew, also where nothing was wrong
        assert await dpr_of(comes) == 0


@test("a BSF taken out of the HSS simulator's configuration gets a DPR, the others stay and are served", smoke=True)
async def hss_live(t):
    w = World(t)
    w.hss_cfg.add("bsf bsf2.example.com", "address 127.0.0.1")
    await w.start(bsf=False)
    stays, goes = await raw_bsf_conn(t, w.ports["hss"]), await raw_bsf_conn(t, w.ports["hss"], "bsf2.example.com")
    v = await vty.Vty.open(w.ports["hss_vty"])
    t.cleanup(v.close)
    for line in ("enable", "configure terminal", "no bsf bsf2.example.com"):
        await v.command(line)
    assert await dpr_of(goes) == 2
    assert (await stays.request(hss.mar(stays, w.cards[0].impi))).result == 2001 and not stays.got_dpr.is_set()
