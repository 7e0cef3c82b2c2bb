# SPDX-License-Identifier: AGPL-3.0-or-later
"""Programs of others: tshark reads every frame, erlang-diameter is NAF and HSS, six HTTP clients are devices."""
import base64
import os
import re

from lib import naf, otp, procs
from lib.app import App
from lib.otp import compiled
from lib.relay import Relay
from lib.runner import test
from lib.world import World

GUSS = os.path.join(procs.SRC, "conf", "guss-1.xml")


async def tshark(t, pcap, display, fields):
    t.need_tool("tshark", "tshark")
    argv = ["tshark", "-r", pcap, "-Y", display, "-T", "fields", "-E", "separator=|", "-E", "occurrence=f"]
    for f in fields:
        argv += ["-e", f]
    rc, out, err = await procs.run(argv, 60)
    assert rc == 0, err
    return [line.split("|") for line in out.split("\n") if line]


@test("tshark decodes every frame of Zh and Zn: no malformed, no unknown AVP, the values are right", smoke=True,
      req=["220-4.4.5-3", "220-4.5.2-12", "220-4.2.5-3", "220-4.4.5-9", "220-4.5.2-14"])
async def frames(t):
    t.need_tool("tshark", "tshark")
    with open(GUSS, encoding="utf-8") as f:
        w = World(t, guss=re.sub('<guss id="[^"]*"', '<guss id="{impi}"', f.read()))      # each has his own
    w.write_configs()
    t.worlds.append(w)
    await w.import_subscribers()
    w.hss = w.hss_daemon()
    t.watch(w.hss)
    await w.hss.start()
    zh = await Relay(w.etc + "/zh.pcap", w.ports["hss"]).start()      # captures hold the keys, rightly
    w.bsf_cfg.set(f"hss {'hss.mnc001.mcc001.3gppnetwork.org'}", f"connect 127.0.0.1 {zh.port}")
    w.write_configs()
    w.bsf = w.bsf_daemon()
    t.watch(w.bsf)
    await w.bsf.start()
    await w.wait_hss_peer()
    zn = await Relay(w.etc + "/zn.pcap", w.ports["dia"]).start()
    ue = w.ue()
    s1 = await ue.bootstrap()
    ue.usim.seq = [9000] * 32
    s = await ue.bootstrap()                                       # with a resynchronisation
    await w.ue(1).first(username="001019999999999@ims.mnc001.mcc001.3gppnetwork.org")
    conn = await naf.connect(zn.port)
    assert (await naf.fetch(conn, s.btid, gsids=["1", "2"])).key == s.ks_naf()
    assert (await naf.fetch(conn, s1.btid)).result == (10415, 5403)
    assert (await naf.fetch(conn, s.btid, naf.naf_id("foreign.example.com"))).result == (10415, 5402)
    await conn.request(naf.bir(conn, None, naf.naf_id()))
    await conn.disconnect()
    await w.bsf.stop()
    await zh.stop()
    await zn.stop()
    for path, cmd, pairs in ((w.etc + "/zh.pcap", 303, 4), (w.etc + "/zn.pcap", 310, 4)):
        bad = await tshark(t, path, "_ws.malformed || diameter.avp.unknown || diameter.avp.invalid-data || _ws.expert.severity >= 0x800000",
                           ["frame.number", "diameter.cmd.code", "_ws.expert.message"])
        assert not bad, (path, bad)
        rows = await tshark(t, path, f"diameter.cmd.code == {cmd}", ["diameter.flags.request", "diameter.Session-Id"])
        assert sum(r[0] == "1" for r in rows) == pairs and len(rows) == 2 * pairs, (path, rows)
    rows = await tshark(t, w.etc + "/zh.pcap", "diameter.cmd.code == 303 && diameter.flags.request == 1",
                        ["ip.src", "diameter.User-Name", "diameter.3GPP-SIP-Authorization", "diameter.Auth-Session-State"])
    assert {r[0] for r in rows} == {"10.0.0.1"}, "a request from the HSS"
    assert all(r[1] and r[3] == "1" for r in rows) and len(rows[2][2]) == 60 and not rows[0][2], rows
    rows = await tshark(t, w.etc + "/zn.pcap", "diameter.ME-Key-Material", ["diameter.ME-Key-Material", "diameter.GBA-Type"])
    assert rows[0][0].replace(":", "") == s.ks_naf().hex(), rows


@test("erlang-diameter as NAF: a key over Zn, Destination-Realm taken from the B-TID", timeout=120, smoke=True,
      req=["220-4.4.7-4"])
async def erlang_naf(t):
    out = await compiled(t)
    w = await World(t).start()
    s = await w.ue().bootstrap()

    async def ask(btid, *realm):
        argv = ["erl", "-noshell", "-pa", out, "-run", "zn_naf", "-extra", str(w.ports["dia"]), btid, "naf1.example.com", *realm]
        rc, o, e = await procs.run(argv, 40, env={"HOME": t.dir})
        assert rc == 0, o + e
        return o.split("\n")
    lines = await ask(s.btid)
    assert lines[0] == "result 2001" and lines[1] == f"key {s.ks_naf().hex()}" and lines[2] == f"expires {s.expires_at}", \
        [x[:20] for x in lines]
    lines = await ask("+AAAAAAAAAAAAAAAAAAAAA==@" + s.btid.split("@")[1])
    assert lines[0].startswith("experimental") and "5403" in lines[0], lines
    lines = await ask(s.btid, "elsewhere.example")      # with the E bit: read with strict M bits, nothing in it may be strange
    assert lines[0] == "answer-message 3003", lines


@test("erlang-diameter as HSS: its vector carries a bootstrap; an IMPI it does not know gets 403", timeout=120, smoke=True)
async def erlang_hss(t):
    w = World(t, raw_hss=True)
    card = w.cards[0]
    w.write_configs()
    t.worlds.append(w)
    await otp.hss(t, w.ports["hss"], card.impi, card.k, card.opc)
    w.bsf = w.bsf_daemon()
    t.watch(w.bsf)
    await w.bsf.start()
    await t.until(w.hss_open, 15, "the BSF and erlang to be connected")
    s = await w.ue().bootstrap()
    assert (await naf.fetch(await w.naf(), s.btid)).key == s.ks_naf()
    assert (await w.ue(1).first()).status == 403


CLIENTS = {     # what the author's guide says each can do: qop as offered by default, both, auth-int alone
    "curl": (["curl", "-s", "--digest", "-K", "-"], "curl", (True, True, True)),
    "wget": (["wget", "-q", "-O", "-", "--user={user}", "--password={password}"], "wget", (True, False, False)),
    "requests": (["/usr/bin/python3", "{dir}/python.py"], "python3-requests", (True, True, False)),
    "urllib": (["/usr/bin/python3", "{dir}/python.py"], "python3", (True, True, False)),
    "ruby": (["ruby", "{dir}/ruby.rb"], "ruby ruby-net-http-digest-auth", (True, False, False)),
    "LWP": (["perl", "{dir}/lwp.pl"], "libwww-perl", (True, True, False)),
}


@test("curl, wget, Ruby, Python and Perl log in with qop as it is by default; with both or auth-int alone those the guide names",
      timeout=120, req=["220-4.4.9-2"])
async def http_clients(t):
    for argv, package, _ in CLIENTS.values():
        t.need_tool(argv[0], package)
    w = await World(t).start()
    s = await w.ue().bootstrap()
    password = base64.b64encode(s.ks_naf()).decode()
    scripts = os.path.join(procs.SRC, "tests", "interop", "clients")
    url = "http://naf1.example.com/page?x=%20"
    for i, more in enumerate(([], ["--qop", "both"], ["--qop", "auth-int"])):
        app = await App(t, w.ports["dia"], *more, name=f"naf{i}").start()
        env = {"GBA_USER": s.btid, "GBA_PASSWORD": password, "http_proxy": f"http://127.0.0.1:{app.port}/", "HOME": t.dir}
        for name, (argv, _, can) in CLIENTS.items():
            argv = [a.format(user=s.btid, password=password, dir=scripts) for a in argv]
            rc, out, err = await procs.run(argv + [url] + (["urllib"] if name == "urllib" else []), 20, env=env,
                                           stdin=f'user = "{s.btid}:{password}"\n'.encode())
            assert ("Welcome" in out) == can[i], (name, more, rc, out, err)
        await app.daemon.stop()
