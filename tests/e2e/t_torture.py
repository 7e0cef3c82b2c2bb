# SPDX-License-Identifier: AGPL-3.0-or-later
"""Each allocation that a request costs fails once, in the running programs: none ends, the request is answered or its connection
closed, and the next one is served."""
import asyncio
import os

from lib import dia, hss, naf, procs
from lib.dia_peer import PeerClosed
from lib.http_raw import HttpClosed
from lib.no_memory import Nth, library
from lib.runner import test
from lib.ue import UbError
from lib.world import BSF_ID, World, raw_bsf_conn

FULL = os.environ.get("GBA_FULL") == "1"
MOST = 2000          # allocations of one request


async def each_fails(t, daemon, nth, scene, served):
    """scene() with its first, second... allocation failing, until it has no more; after each one served()."""
    fewest, ends = MOST, 0
    for n in range(1, MOST):
        nth.fails(n)
        ends += await scene()
        calls = nth.calls
        nth.fails(0)
        assert daemon.running, f"{daemon.name} ended: allocation {n} failed"
        await served(n)
        if calls < n:
            break
        fewest = min(fewest, calls)
    assert 3 < n < MOST - 1, n
    t.note(f"{daemon.name}: {n - 1} allocations failed, one each; {ends} of them cost the request")


def lost(e):
    return isinstance(e, (PeerClosed, ConnectionError, asyncio.IncompleteReadError))


@test("gba-bsfd: each allocation of a CER and a BIR fails once; no half answer, and the next NAF gets its key", timeout=180)
async def bir(t):
    lib = await library(t)
    w = World(t, raw_hss=True)
    nth = Nth(t, lib)
    w.bsf_env = nth.env
    await w.start()
    s = await w.ue().bootstrap()

    async def scene():
        conn = None
        try:
            conn = await naf.connect(w.ports["dia"], timeout=2 * t.factor)
            if conn.cea.result != 2001:
                assert conn.cea.result in (3004, 5012), conn.cea.avps
                return 1
            bia = await naf.fetch(conn, s.btid, timeout=2 * t.factor, gsids=("1",))
        except Exception as e:
            assert lost(e), e
            return 1
        finally:
            if conn:
                await conn.close()
        assert bia.key == s.ks_naf() or (bia.empty_handed and bia.result in (3004, 5012)), (bia.result, bia.msg.avps)
        return bia.key is None

    async def served(n):
        conn = await naf.connect(w.ports["dia"], "gba-naf.example.com", "example.com", timeout=5 * t.factor)
        assert conn.cea.result == 2001 and (await naf.fetch(conn, s.btid)).key == s.ks_naf(), f"allocation {n}"
        await conn.disconnect()
        await conn.close()

        async def free():                                    # the identity of the scene
            again = await naf.connect(w.ports["dia"], timeout=5 * t.factor)
            await again.close()
            return again.cea.result == 2001
        await t.until(free, 10, f"the connection to be known as gone after allocation {n} failed")
    await each_fails(t, w.bsf, nth, scene, served)


@test("gba-bsfd: each allocation of a bootstrap, its MAR and its MAA fails once; 401, 200, 503 or closed, and the next one succeeds",
      timeout=300)
async def bootstrap(t):
    lib = await library(t)
    w = World(t, raw_hss=True).no_limits()
    nth = Nth(t, lib)
    w.bsf_env = nth.env
    w.bsf_cfg.set("diameter", "tc 1")
    await w.start()

    async def scene():
        try:
            await w.ue().bootstrap()
        except UbError as e:
            assert e.response.status == 503, e.response
            return 1
        except (HttpClosed, ConnectionError):
            return 1
        return 0

    async def served(n):
        async def again():
            return await scene() == 0
        await t.until(again, 10, f"a bootstrap after allocation {n} failed")
    await each_fails(t, w.bsf, nth, scene, served)


@test("gba-hss-simd: each allocation of a CER and a MAR fails once; no half answer, no vector twice, and the next MAR is answered",
      timeout=180)
async def mar(t):
    lib = await library(t)
    w = World(t)
    nth = Nth(t, lib)
    w.hss_env = nth.env
    w.hss_cfg.add("bsf other.example.com", "address 127.0.0.1/32")
    await w.start(bsf=False)
    seen = set()

    def vector(maa):
        item = maa.find(dia.ITEM)
        if item is None:
            return None
        octets = b"".join(a.data for a in item.data if isinstance(a.data, bytes))
        assert octets not in seen, "a vector given twice"
        seen.add(octets)
        return octets

    async def scene():
        conn = None
        try:
            conn = await raw_bsf_conn(t, w.ports["hss"], timeout=2 * t.factor)
            if conn.cea.result != 2001:
                assert conn.cea.result in (3004, 5012), conn.cea.avps
                return 1
            maa = await conn.request(hss.mar(conn, w.cards[0].impi), 2 * t.factor)
        except Exception as e:
            assert lost(e), e
            return 1
        finally:
            if conn:
                await conn.close()
        assert (maa.result == 2001) == (vector(maa) is not None) and maa.result in (2001, 3004, 5012), maa.avps
        return maa.result != 2001

    async def served(n):
        conn = await raw_bsf_conn(t, w.ports["hss"], "other.example.com", timeout=5 * t.factor)
        assert conn.cea.result == 2001, f"allocation {n}"
        maa = await conn.request(hss.mar(conn, w.cards[0].impi), 5 * t.factor)
        assert maa.result == 2001 and vector(maa), (n, maa.avps)
        await conn.disconnect()
        await conn.close()

        async def free():
            again = await raw_bsf_conn(t, w.ports["hss"], timeout=5 * t.factor)
            await again.close()
            return again.cea.result == 2001
        await t.until(free, 10, f"the connection to be known as gone after allocation {n} failed")
    await each_fails(t, w.hss, nth, scene, served)


@test("gba-naf bir: allocations of its run fail, one each; it ends with a key or an error, never by a signal", timeout=300)
async def tool(t):
    lib = await library(t)
    exe = t.need_program("gba-naf")
    w = await World(t, raw_hss=True).start()
    s = await w.ue().bootstrap()
    argv = [exe, "bir", s.btid, "--naf", "naf1.example.com", "--ua", "0100000002", "--bsf", f"127.0.0.1:{w.ports['dia']}",
            "--bsf-identity", BSF_ID, "--bsf-realm", naf.BSF_REALM, "--identity", "gba-naf.example.com", "--realm", "example.com",
            "--timeout", "3000"]
    nth, errors = Nth(t, lib), 0
    nth.fails(0)
    rc, out, err = await procs.run(argv, 20, env=nth.env)
    assert rc == 0, err
    all_of_them = nth.calls                                  # nearly all are libcrypto's own at its start
    numbers = range(1, all_of_them + 1, 1 if FULL else max(1, all_of_them // 120))
    for n in numbers:
        nth.fails(n)
        rc, out, err = await procs.run(argv, 20, env=nth.env)
        assert rc >= 0 and (rc == 0 or err.strip()), (n, rc, out, err)
        errors += rc != 0
    t.note(f"{len(numbers)} of {all_of_them} allocations failed, one each; {errors} of them cost the answer")
