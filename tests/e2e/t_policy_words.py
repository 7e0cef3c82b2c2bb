# SPDX-License-Identifier: AGPL-3.0-or-later
"""The words of a naf node: each one, typed while it runs, decides the next answer, and what cannot be is told."""
from lib import causes, naf, vty
from lib.runner import test
from lib.world import World

GUSS = """<?xml version="1.0" encoding="UTF-8"?>
<guss id="{impi}" xmlns="urn:3gpp:gba:GBAGUSSSchema-R9:2010-02"><ussList>
<uss id="1" type="1" nafGroup="A"><uids><uid>in-A</uid></uids><flags/></uss>
<uss id="1" type="1" nafGroup="B"><uids><uid>in-B</uid></uids><flags/></uss>
<uss id="1" type="1"><uids><uid>in-none</uid></uids><flags/></uss>
</ussList></guss>"""
MBMS = bytes((1, 0, 0, 0, 1))


async def commands(w, *lines):
    return await vty.enabled(w.ports["bsf_vty"], *lines)


async def typed(w, *lines, name="naf1.example.com"):
    return await commands(w, "configure terminal", f"naf {name}", *lines, "end")


async def running(w):
    return await commands(w, "show running-config")


async def refused_by(t, w, conn, s, cause, result, **kw):
    """A BIR that this cause refuses, in counter and log, and with nothing in the answer."""
    before = (await w.counters())[cause]
    bia = await naf.fetch(conn, s.btid, **kw)
    assert bia.result == (10415, result) and bia.empty_handed, (cause, bia.msg.avps)
    assert (await w.counters())[cause] == before + 1 and f" {cause} " in w.bsf.text(), cause
    causes.register(cause)


@test("policy words: Ua protocols, variants, key kinds, age and group of a NAF act at once; taken back they are as never said", smoke=True)
async def words(t):
    w = await World(t, raw_hss=True, guss=GUSS).start()
    s, conn = await w.ue().bootstrap(), await w.naf()
    before = await running(w)
    for line, cause, result in (("ua-protocols 0100000001 0300*", "zn_ua_denied", 5402), ("variants gba-u 2g", "zn_variant_denied", 5402),
                                ("keys refused", "zn_keys_denied", 5402), ("keys uicc", "zn_keys_denied", 5402)):
        assert "%" not in (out := await typed(w, line)), out
        assert f"\n {line}\n" in await running(w), line
        await refused_by(t, w, conn, s, cause, result)
        if "ua" in cause:
            bia = await naf.fetch(conn, s.btid, naf.naf_id(ua=MBMS))
            assert bia.key == s.ks_naf(ua=MBMS), bia.msg.avps
        assert "%" not in (out := await typed(w, "no " + line.split()[0])), out
        assert (await naf.fetch(conn, s.btid)).key == s.ks_naf(), line
    assert "%" not in await typed(w, "key-age-max 1")

    async def too_old():
        bia = await naf.fetch(conn, s.btid)
        return bia.result == (10415, 5403)
    await t.until(too_old, 10, "the key to be older than a second")
    await refused_by(t, w, conn, s, "zn_key_old", 5403)
    assert "%" not in await typed(w, "no key-age-max", "key-uses-max 2")
    s = await w.ue().bootstrap()
    for _ in range(2):
        assert (await naf.fetch(conn, s.btid)).key == s.ks_naf()
    await refused_by(t, w, conn, s, "zn_key_used", 5403)
    s = await w.ue().bootstrap()
    assert (await naf.fetch(conn, s.btid)).key == s.ks_naf()
    assert "%" not in await typed(w, "no key-uses-max", "keys me", "naf-group X B A")
    bia = await naf.fetch(conn, s.btid, gsids=("1",))
    assert bia.key == s.ks_naf() and b"in-B" in bia.uss_list and bia.impi, bia.msg.avps       # the first of its groups that has one
    assert "%" not in await typed(w, "naf-group X")
    assert b"in-none" in (await naf.fetch(conn, s.btid, gsids=("1",))).uss_list
    assert "%" not in await typed(w, "private-identity deny", "anonymous")
    bia = await naf.fetch(conn, s.btid, gsids=("1",))
    assert bia.impi is None and b"<uss" in bia.uss_list and b"in-" not in bia.uss_list, bia.uss_list         # neither IMPI nor uid
    assert "%" not in await typed(w, "no anonymous", "private-identity allow", "naf-group A", "no keys")
    assert await running(w) == before


@test("policy words: what a word of a naf node may not be is told, with what is allowed, and changes nothing", smoke=True)
async def wrong(t):
    w = await World(t, raw_hss=True).start()
    before = await running(w)
    for line, why in (("ua-protocols 01", "is no Ua security protocol; allowed: 10 hex digits, or the first of them and *"),
                      ("ua-protocols 0100000002 x", "x is no Ua security protocol"), ("variants 3g", "variants 3g; allowed: gba-me, gba-u, 2g, digest"),
                      ("keys none", "in 'keys none'; allowed here: both, me, uicc, refused"), ("key-age-max 0", "allowed here: <1-31536000>"), ("visited-network a..b", "a..b is no host name"),
                      ("uss-required 1 x", "x is no service identifier; allowed: up to 16 digits"), ("speaks-for *", "* is no host name; allowed: FQDN or *.DOMAIN"),
                      ("no speaks-for x.example", "x.example is not there"), ("naf-group " + "x" * 65, "is no group; allowed: up to 64 characters")):
        out = await typed(w, line)
        assert "%" in out and why in out, (line, out)
    assert await running(w) == before
