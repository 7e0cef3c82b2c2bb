# SPDX-License-Identifier: AGPL-3.0-or-later
"""The Zn-Proxy under fire: homes and NAFs that flood, lie, fall silent and go; a kill -9; nothing is mixed up, and nothing is left."""
import asyncio
import os

from lib import causes, ctl, dia, dia_peer, naf, vty
from lib.app import a_btid
from lib.dia import Avp, Msg
from lib.mutate import Quick, mutate_inside
from lib.pki import pki
from lib.roaming import DENIED, MINE, NAF_ID, PROXY_ID, REALM, Home, Proxy, ask, home_of, home_world, raw_home, roaming
from lib.runner import test
from lib.world import BSF_ID


@test("Zn-Proxy: over its rate, and over what may wait for a home, a NAF is told so at once; another NAF is served", smoke=True)
async def busy(t):
    p, (home,) = await raw_home(t)
    second = "naf2.apps." + REALM
    p.set_naf(second, "speaks-for " + second, "rate 5")
    await p.start()
    n, n2 = await p.naf(), await p.naf(second)
    results = [(await ask(n2, name=second)).result for _ in range(8)]
    assert results[:5] == [2001] * 5 and 3004 in results[5:], results
    causes.register("znproxy_rate")
    async def silent(conn, bir):
        pass
    home.answers = silent
    async with causes.counted(p, znproxy_busy=4200 - 3072, wait=20):
        asked = [asyncio.ensure_future(ask(n, timeout=60 * t.factor)) for _ in range(4200)]
        await t.until(lambda: sum(f.done() for f in asked) >= 4200 - 3072, 20, "those over the limit to be answered")
    assert {f.result().result for f in asked if f.done()} == {3004}
    home.answers = None
    p.sends = [(await ask(n2, name=second)).result for _ in range(3)]
    assert 2001 in p.sends, p.sends                                # another NAF is served by the same home
    await home.conns[-1].close()                                   # all who wait are told, none is left
    rest = await asyncio.gather(*asked)
    assert {b.result for b in rest} == {3002, 3004}, {b.result for b in rest}
    assert (await ctl.ask(p.ports["ctl"], "figures"))["figures"]["requests_in_work"] == 0


@test("Zn-Proxy: a home that is lost is told at once; where it has a second BSF that one is asked, with the T bit; silence ends by its time",
      smoke=True, timeout=90)
async def lost_home(t):
    p, (a, b) = await raw_home(t, n=2)
    p.cfg.add("home op-a", "timeout 1")
    await p.start()
    n = await p.naf()
    assert (await ask(n)).result == 2001 and len(a.birs) == 1 and not b.birs
    async def silent(conn, bir):
        pass
    a.answers = silent
    async with causes.counted(p, znproxy_timeout=1, also=("znproxy_stray",)):
        assert (await ask(n)).result == 3002
    waits = asyncio.ensure_future(ask(n))
    await t.until(lambda: len(a.birs) == 3, 10, "the request to be at the first BSF")
    await a.stop()
    assert (await waits).result == 2001 and b.birs[-1].flags & dia.T, b.birs
    assert b.birs[-1].e2e == a.birs[-1].e2e
    assert (await ask(n, dest_host=BSF_ID)).result == 3002         # that one, and no other
    b.answers = silent
    waits = asyncio.ensure_future(ask(n))
    await t.until(lambda: len(b.birs) == 2, 10, "the request to be at the second BSF")
    async with causes.counted(p, znproxy_home_lost=2):
        await b.stop()
        assert (await waits).result == 3002
        assert (await ask(n)).result == 3002


@test("Zn-Proxy: what a home answers that is no answer, or sends the NAF elsewhere, does not reach the NAF; nor does one home answer for another",
      smoke=True, timeout=90)
async def hostile_home(t):
    p, (home,) = await raw_home(t)
    thief = await Home("bsf.thief.example", "thief.example").begin(t)
    p.add_home("thief", ["thief.example"], [(thief.identity, "127.0.0.1", thief.port)])
    p.cfg.add("home op-a", "timeout 1")
    await p.start()
    n = await p.naf()

    def changed(what, **kw):
        async def fn(conn, bir):
            a = home.bia(bir)
            for k, v in kw.items():
                setattr(a, k, v)
            await conn.send(a)
        return what, fn

    def octets(what, change):
        async def fn(conn, bir):
            await conn.send_raw(change(bytearray(home.bia(bir).encode())))
        return what, fn

    def session(conn, bir):
        a = home.bia(bir)
        a.avps = [x if x.code != dia.SESSION_ID else Avp(dia.SESSION_ID, "another;1;2") for x in a.avps]
        return conn.send(a)

    def no_session(conn, bir):
        a = home.bia(bir)
        a.avps = [x for x in a.avps if x.code != dia.SESSION_ID]
        return conn.send(a)

    def bad_length(b):
        b[20 + 7] += 60                                            # an AVP that ends in the next one, or beyond
        b[-40 + 6] = 0xff
        return bytes(b)
    for what, fn in (changed("another end-to-end id", e2e=1), changed("another command", cmd=dia.CMD_MA), changed("another application", app=dia.APP_ZH),
                     octets("AVPs that overlap", bad_length), ("another session", session), ("no session", no_session)):
        home.answers = fn
        async with causes.counted(p, znproxy_answer=1):
            b = await ask(n)
        assert b.result == 3002 and b.empty_handed, (what, b.result)
    redirect = [Avp(dia.RESULT, 3006), Avp(292, "aaa://elsewhere.example"), Avp(261, 5), Avp(262, 9999)]
    home.answers = lambda conn, bir: _error(conn, home, bir, redirect)
    async with causes.counted(p, znproxy_redirect=1):
        b = await ask(n)
    assert b.result == 3002 and not b.msg.find(292), b.msg
    home.answers = lambda conn, bir: conn.send(home.bia(bir, Avp(dia.RESULT, 2001), Avp(dia.ME_KEY, b"k" * 32), Avp(dia.GUSS, b"x" * 65500)))
    async with causes.counted(p, znproxy_too_large=1):
        b = await ask(n)
    assert b.result == 5012 and b.empty_handed
    # the other home sees neither the request nor can it answer it
    async def stolen(conn, bir):
        for hbh in range(bir.hbh - 3 if bir.hbh > 3 else 0, bir.hbh + 3):
            a = home.bia(bir, Avp(dia.RESULT, 2001), Avp(dia.ME_KEY, b"t" * 32))
            a.hbh = hbh
            await thief.conns[-1].send(a)
        await asyncio.sleep(0.2)
        await conn.send(home.bia(bir))
    home.answers = stolen
    async with causes.counted(p, znproxy_ok=1, znproxy_stray=6):
        assert (await ask(n)).key == b"k" * 32
    assert not thief.birs
    # requests of a home are not served, and cost nobody his connection
    for m in (naf.bir(home.conns[-1], a_btid(), MINE), naf.bir(home.conns[-1], a_btid(), MINE, realm=REALM)):
        assert (await home.conns[-1].request(m)).result == 3007
    home.answers = None
    assert (await ask(n)).result == 2001


async def _error(conn, home, bir, avps):
    a = home.bia(bir, *avps)
    a.flags |= dia.E
    await conn.send(a)


@test("Zn-Proxy: kill -9 costs what was under way; NAFs and homes come back; a new certificate is taken while it runs", smoke=True, timeout=90)
async def killed(t):
    w, p = await roaming(t, names=("shop." + REALM,))
    s = await w.ue().bootstrap()
    n = await p.naf()
    async with causes.counted(p, znproxy_certificate=1):
        assert (await ask(n, s.btid)).result == DENIED
    pki().install(pki().make("renewed", PROXY_ID, "*.apps." + REALM), p.pairs["op-a"])
    v = await vty.Vty.open(p.ports["vty"])
    await v.command("enable")
    assert "reloaded" in await v.command("tls reload")
    assert (await ask(n, s.btid)).result == DENIED                    # the connection has the former one
    await v.command("peers reconnect")
    v.close()
    await t.until(lambda: _open_again(p), 20, "the home to be there again")
    n = await p.naf()
    assert (await ask(n, s.btid)).key == s.ks_naf(NAF_ID)
    await p.daemon.kill()
    await asyncio.wait_for(n.closed.wait(), 10 * t.factor)
    await p.daemon.start()
    await t.until(p.all_open, 20, "the proxy to be connected again")
    n = await p.naf()
    assert (await ask(n, s.btid)).key == s.ks_naf(NAF_ID)


async def _open_again(p):
    text = await p.peers()
    return "home op-a" in text and " open," in text and "for 0 s" in text or await p.all_open()


@test("Zn-Proxy: 10,000 wrong BIRs of four NAFs cost neither it nor the home anything, and what goes on the home finds nothing wrong with; 2,000 "
      "wrong answers of a home do not reach a NAF's connection", smoke=True, timeout=240)
async def mutations(t):
    w, p = home_world(t), None
    nafs = [f"m{i}.apps." + REALM for i in range(4)]
    await w.start()
    p = Proxy(t, os.path.join(w.dir, "visited"))
    p.add_home("op-a", *home_of(w))
    for n in nafs:
        p.set_naf(n, "speaks-for " + n, "gaa-service 1")
    await p.start()
    seed = os.urandom(8).hex()
    t.note(f"seed {seed}")
    answered = [0]

    async def flood(n, identity, total):
        conn, left = None, total
        while left > 0:
            t.moved()
            if conn is None or conn.closed.is_set():
                conn = await naf.connect(p.ports["naf"], identity, REALM)
                quick = [Quick(naf.bir(conn, a_btid(), naf.naf_id(identity), gsids=g, extra=x).encode(), f"{seed} {n} {left} {i}")
                         for i, (g, x) in enumerate((((), ()), (("1",), ()), (("1",), (Avp(dia.ROUTE_RECORD, "r.example"),))))]
            conn.unsolicited.clear()
            for i in range(100):
                conn.writer.write(bytes(quick[i % 3].next(0x10000 + i)))
            left -= 100
            try:
                await conn.request(Msg(dia.CMD_DW, 0, conn.origin(), dia.R), 20 * t.factor)
            except (dia_peer.PeerClosed, ConnectionError):
                pass
            answered[0] += len(conn.unsolicited)
        await conn.close()
    await asyncio.gather(*(flood(n, identity, 2500) for n, identity in enumerate(nafs)))
    at_home = {k: v for k, v in (await w.counters()).items() if v and k.startswith(("zn_", "dia_"))}
    t.note(f"{answered[0]} of 10,000 answered; at home {at_home}")
    assert answered[0] > 5000 and at_home.pop("zn_btid_unknown", 0) > 1000, (answered, at_home)
    assert set(at_home) <= {"zn_read_over"} and f"peer {PROXY_ID} lost" not in w.bsf.text(), at_home
    s = await w.ue().bootstrap()
    assert (await ask(await p.naf(), s.btid)).key == s.ks_naf(NAF_ID)
    p, (home,) = await raw_home(t, folder="raw")
    p.cfg.add("home op-a", "timeout 1")
    await p.start()
    good = await p.naf()
    wrong = [0]

    async def spoilt(conn, bir):
        wrong[0] += 1
        octets = mutate_inside(home.bia(bir), wrong[0], seed) if wrong[0] % 4 else bytes(Quick(home.bia(bir).encode(), f"{seed} {wrong[0]}").next(bir.hbh))
        octets = octets[:12] + bir.hbh.to_bytes(4, "big") + octets[16:]
        await conn.send_raw(octets)
    home.answers = spoilt
    for n in range(20):
        t.moved()
        asked = [naf.bir(good, a_btid(), MINE) for _ in range(100)]
        for m, a in zip(asked, await asyncio.gather(*(good.request(m, 20 * t.factor) for m in asked))):
            assert (a.cmd, a.app, a.e2e, a.find(dia.SESSION_ID, 0).text) == (dia.CMD_BI, dia.APP_ZN, m.e2e, m.text(dia.SESSION_ID))
    home.answers = None
    await t.until(p.all_open, 20, "the home to be there")
    assert (await ask(good)).result == 2001 and not good.closed.is_set()

    async def idle():
        return (await ctl.ask(p.ports["ctl"], "figures"))["figures"]["requests_in_work"] == 0
    await t.until(idle, 10, "nothing to wait any more")


@test("Zn-Proxy: NAFs and homes that go, are taken away or hurry while requests are under way leave nothing behind", smoke=True, timeout=120)
async def under_way(t):
    p, (home,) = await raw_home(t)
    p.cfg.add("home op-a", "timeout 2")
    second = "naf2.apps." + REALM
    p.set_naf(second, "speaks-for " + second)
    await p.start()
    held = []

    async def hold(conn, bir):
        held.append((conn, bir))
    home.answers = hold

    async def waiting(n):
        await t.until(lambda: len(held) >= n, 10, f"{n} requests to be at the home")
    # a NAF that leaves: its answers have nobody to go to
    n = await p.naf()
    for _ in range(300):
        await n.send(numbered(naf.bir(n, a_btid(), MINE)))
    await waiting(300)
    n.abort()
    async with causes.counted(p, dia_unsent=300, also=("znproxy_timeout",)):
        await t.until(lambda: f"Diameter peer {NAF_ID} lost" in p.daemon.text(), 10, "the NAF to be gone")
        for conn, bir in held:
            await conn.send(home.bia(bir))
    # one that is taken out of the configuration while it waits
    held.clear()
    n2 = await p.naf(second)
    asked = [asyncio.ensure_future(ask(n2, name=second)) for _ in range(10)]
    await waiting(10)
    v = await vty.Vty.open(p.ports["vty"])
    for line in ("enable", "configure terminal", f"no naf {second}"):
        await v.command(line)
    for conn, bir in held:
        await conn.send(home.bia(bir))
    await asyncio.gather(*asked, return_exceptions=True)
    # a home that answers what nobody asked, as fast as it can, and takes its leave again and again
    for i in range(20000):
        a = home.bia(held[0][1])
        a.hbh = i
        home.conns[-1].writer.write(a.encode())
    n = await p.naf()
    home.answers = None
    assert (await ask(n, timeout=20 * t.factor)).result == 2001
    for line in ("end", "peers reconnect"):
        await v.command(line)
    v.close()
    home.answers = hold
    held.clear()
    await t.until(p.all_open, 20, "the home to be there again")
    n = await _naf_again(t, p)
    asked = [asyncio.ensure_future(ask(n)) for _ in range(20)]
    await waiting(20)
    # the end: who waits is told
    stopping = asyncio.ensure_future(p.daemon.stop())
    assert {(await f).result for f in asked} == {3002}
    assert await stopping == 0


def numbered(m):
    m.hbh = m.e2e = numbered.n = numbered.n + 1
    return m


numbered.n = 1 << 20


async def _naf_again(t, p):
    """After its connection was ended from there."""
    for _ in range(100):
        try:
            n = await p.naf()
            if n.cea.result == 2001:
                return n
            await n.close()
        except (dia_peer.PeerClosed, OSError):
            pass
        await asyncio.sleep(0.05)
    raise AssertionError("the NAF is not let in again")
