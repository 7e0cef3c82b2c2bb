# SPDX-License-Identifier: AGPL-3.0-or-later
"""The VTY of gba-bsfd: what acts at once does, what does not says so and changes nothing; revocation; figures."""
import asyncio
import re

from lib import naf, vty
from lib.dia_peer import PeerClosed
from lib.runner import test
from lib.ue import UbError
from lib.world import World


async def session(w):
    """A VTY in enable mode."""
    v = await vty.Vty.open(w.ports["bsf_vty"])
    w.t.cleanup(v.close)
    await v.command("enable")
    return v


async def in_node(v, node, *lines):
    out = await v.command("configure terminal") + await v.command(node)
    for line in lines:
        out += await v.command(line)
    return out + await v.command("end")


@test("a NAF is added, restricted and taken away while running", smoke=True, req=["220-4.4.6-10"])
async def naf_live(t):
    w = World(t, raw_hss=True)
    await w.start()
    v = await session(w)
    s = await w.ue().bootstrap()
    name = "late.example.com"
    try:
        conn = await naf.connect(w.ports["dia"], name, "example.com")
        assert conn.cea.result == 3010, conn.cea.result
        await conn.close()
    except PeerClosed:
        pass
    out = await in_node(v, f"naf {name}", "address 127.0.0.1/32", "speaks-for naf1.example.com")
    assert "%" not in out, out
    conn = await w.naf(name)
    assert (await naf.fetch(conn, s.btid)).key == s.ks_naf()
    await in_node(v, f"naf {name}", "no speaks-for naf1.example.com", "speaks-for *.example.org")
    assert (await naf.fetch(conn, s.btid)).key is None
    config = await v.command("show running-config")
    assert f"naf {name}" in config and " speaks-for *.example.org" in config and "speaks-for naf1.example.com" in config
    for line, why in (("address 300.0.0.1", "no address"), ("address 10.0.0.0/33", "no address"),
                      ("speaks-for a..b", "no host name"), ("gaa-service x", "no service identifier"),
                      ("no address 10.9.9.9/32", "is not there")):
        out = await in_node(v, f"naf {name}", line)
        assert why in out, (line, out)
    out = await in_node(v, f"naf {name}", "address ::ffff:10.0.0.0/104", "no address 10.0.0.0/8", "no address 127.0.0.1", "address 127.0.0.1")
    assert "%" not in out.replace("% as it is now", ""), out
    config = await v.command("show running-config")
    assert " address 127.0.0.1\n" in config and "::ffff" not in config, config
    out = await v.command("configure terminal") + await v.command(f"no naf {name}") + await v.command("end")
    assert "%" not in out, out
    assert (await naf.fetch(conn, s.btid)).key is None
    assert name not in await v.command("show running-config")


@test("limits act at once; the rest takes effect after restart and is not changed", smoke=True)
async def limits_live(t):
    w = World(t, raw_hss=True)
    await w.start()
    v = await session(w)
    out = await in_node(v, "ub", "challenges-impi 2 600")
    assert "%" not in out, out
    for source in ("127.0.0.2", "127.0.0.3"):                    # one source has half of them
        ue = w.ue()
        ue.source = source
        await ue.challenge()
    try:
        await w.ue().challenge()
        raise AssertionError("not limited")
    except UbError as e:
        assert "503" in str(e)
    await in_node(v, "ub", "challenges-impi off")
    await w.ue().challenge()
    await in_node(v, "bsf", "key-lifetime 77")
    s = await w.ue(1).bootstrap()
    assert 75 <= s.expires_at - s.made_at <= 78, s.expires_at - s.made_at
    before = await v.command("show running-config")
    assert " challenges-impi off" in before and " key-lifetime 77" in before
    for node, line in (("bsf", "name other.example.com"), ("bsf", "shards 7"), ("ub", "listen 127.0.0.1 1"),
                       ("ub", "path /x"), ("ub", "header-max 2000"), ("ub", "connections 5"),
                       ("diameter", "identity x.example.com"), ("diameter", "realm example.com"),
                       ("diameter", "listen 127.0.0.1 1"), ("diameter", "tc 9"), ("store", "memory"),
                       ("store", "lmdb /nowhere"), ("store", "map-size-gib 3"), ("store", "kek 9 file /nowhere")):
        out = await in_node(v, node, line)
        assert "takes effect after restart" in out, (node, line, out)
    assert await v.command("show running-config") == before


@test("revoke: one session by B-TID, all of an IMPI; the others live on; a new bootstrap works", smoke=True,
      req=["220-4.5.3-13"])
async def revoke(t):
    w = World(t, raw_hss=True)
    await w.start()
    v = await session(w)
    conn = await w.naf()
    s, other = await w.ue().bootstrap(), await w.ue(1).bootstrap()
    out = await v.command("show sessions count")
    assert out.split()[0] == "2", out
    assert "1 sessions revoked" in await v.command(f"revoke btid {s.btid}")
    assert (await naf.fetch(conn, s.btid)).key is None
    assert (await naf.fetch(conn, other.btid)).key == other.ks_naf()
    s = await w.ue().bootstrap()
    assert (await naf.fetch(conn, s.btid)).key == s.ks_naf()
    assert "1 sessions revoked" in await v.command(f"revoke impi {w.cards[0].impi}")
    assert (await naf.fetch(conn, s.btid)).key is None
    for line, why in ((f"revoke btid {s.btid}", "not revoked"), ("revoke btid xyz", "is no B-TID"),
                      ("revoke impi xyz", "is no IMPI")):
        out = await v.command(line)
        assert why in out or "0 sessions revoked" in out, out
    log = w.bsf.text()
    assert "revoked by the operator" in log


@test("figures: store, peers, connections, and a counter for each cause of this daemon", smoke=True)
async def figures(t):
    w = World(t, raw_hss=True)
    await w.start()
    await w.naf()
    await w.ue().bootstrap()
    store = dict(re.findall(r"^(\S+)\s+(\d+)$", await w.vty("show store"), re.M))
    assert store["sessions"] == "1" and store["tmpis"] == "1", store
    peers = await w.vty("show peers")
    assert re.search(r"^hss\s+hss\.\S+\s+open, 0 unanswered$", peers, re.M), peers
    assert re.search(r"^naf\s+naf1\.example\.com\s+open$", peers, re.M), peers
    assert re.search(r"^naf\s+gba-naf\.example\.com\s+closed$", peers, re.M), peers
    assert re.search(r"^connections \d+ of \d+$", await w.vty("show ub"), re.M)
    names = set(await w.counters())
    assert {"ub_ok", "zh_late", "zn_ok", "dia_protocol", "store_failed"} <= names and "hss_ok" not in names


@test("a VTY that is left at once still says what it had to: its descriptor is closed once, after that", smoke=True)
async def left_at_once(t):
    w = World(t, raw_hss=True)
    await w.start()
    reader, writer = await asyncio.open_unix_connection(w.ports["bsf_vty"])
    t.cleanup(writer.close)
    writer.write(b"terminal length 0\nshow counters\nexit\n")
    out = await asyncio.wait_for(reader.read(), 10)
    assert b"zn_realm" in out and b"dia_protocol" in out, out
