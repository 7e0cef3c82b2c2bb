# SPDX-License-Identifier: AGPL-3.0-or-later
"""gba-ue apps: a device asks the registry, as a NAF, which applications it may use; its own credential says who it is."""
import json
import os
import socket

from lib import procs
from lib.gba_ue import Device
from lib.registry import ASP, FQDN, OWN, Registry
from lib.runner import test
from lib.ue import UaClient


@test("gba-ue apps: a device sees the applications that are granted to it and live, no other device's, and at once when that changes", smoke=True,
      timeout=90)
async def apps(t):
    w = await Registry(t).start()
    mine, other = w.cards[0].impi, w.cards[1].impi
    await w.order(f"app add {ASP} {FQDN} 127.0.0.1/32")
    await w.order("app add other tv.example.org 127.0.0.1/32")
    for impi in (mine, other):
        await w.order(f"device add {impi}")
    assert (await w.order("discovery"))["apps_url"] == f"http://{OWN}:{w.ports['own']}/"
    assert await w.listed(0) == (1, "refused"), "nobody has granted it anything"
    await w.order(f"grant {mine} {FQDN}")
    await w.order(f"grant {other} tv.example.org")
    await w.told()

    async def remembered_no_more():                                # that it was refused
        return await w.listed(0) == [FQDN]
    await t.until(remembered_no_more, 10, "the list")
    assert await w.listed(1) == ["tv.example.org"]
    await w.order(f"grant {mine} tv.example.org")
    rc, x = await w.apps(0)
    assert [a["fqdn"] for a in x["apps"]] == ["tv.example.org", FQDN] and x["apps"][0]["ua"] == ["0100000002"], x
    assert abs(x["apps"][0]["since"] - os.stat(w.reg.log).st_mtime) < 600 and x["run"], x
    for number in (w.cards[0].imsi, w.cards[1].imsi):
        assert number not in json.dumps(x) and number not in w.reg.text(), "an identity is told or logged"
    await w.order(f"app profile {FQDN} high")
    high = [a for a in (await w.apps(0))[1]["apps"] if a["fqdn"] == FQDN][0]
    assert (high["profile"], high["keys"]) == ("high", "device"), high
    await w.order(f"withdraw {mine} {FQDN}")
    assert await w.listed(0) == ["tv.example.org"]
    user = (await w.order("user add contract-1"))["user"]
    await w.order(f"device custodian {mine} {user}")

    async def unknown():                                           # within recheck
        return await w.listed(0) == (1, "refused")
    await t.until(unknown, 15, "the former one's right to end")
    await w.order(f"grant {mine} tv.example.org")

    async def known():
        return await w.listed(0) == ["tv.example.org"]
    await t.until(known, 15, "the list of who has the device now")
    await w.order("app suspend tv.example.org")
    assert await w.listed(0) == [] and await w.listed(1) == []
    rc, out, err = await procs.run(w.device(1) + ["apps", f"http://{OWN}/"], 30)
    assert rc == 0 and not out and "may use no application" in err, (out, err)
    await w.order("app delete tv.example.org")                     # with it the right to ask goes
    await t.until(unknown, 15, "the list to end")


@test("who has no key of the registry's own application gets no list, nor anything else that listens there", smoke=True)
async def strangers(t):
    w = await Registry(t).start()
    await w.granted()
    ua = UaClient(w.ports["own"], OWN)
    s = await w.ue(0).bootstrap()
    r = await ua.get("/")
    assert r.status == 401 and FQDN.encode() not in r.body, r
    ua.take(r)
    assert (await ua.get("/", ua.authorization(s))).status == 200
    forged = await w.ue(1).bootstrap()
    assert (await ua.get("/", ua.authorization(forged))).status == 403, "a device that nobody has granted anything"
    forged.btid = s.btid
    r = await ua.get("/", ua.authorization(forged))
    assert r.status == 401 and FQDN.encode() not in r.body, r
    for path, status in (("/x", 404), ("/?a", 404)):
        rc, x = await w.apps(0, command="get", path=path)
        assert x["status"] == status and FQDN not in json.dumps(x), x


@test("gba-ue apps does not believe a list that is not proved, or is none", smoke=True)
async def lists(t):
    d = await Device(t).start()
    url = "http://naf1.example.com/"
    entry = '{"fqdn": "video.example.com", "name": "\\u001b[2JVideo", "ua": ["0100000002"], "since": 1700000000, "later": [1]}'
    d.naf.page = f'{{"apps": [{entry}, {{"fqdn": "tv.example.org"}}]}}'.encode()
    rc, x, err = await d.run("apps", url)
    assert rc == 0 and [a["fqdn"] for a in x["apps"]] == ["video.example.com", "tv.example.org"], (x, err)
    rc, out, err = await procs.run(d.at("apps", url), 20)
    assert rc == 0 and "\x1b" not in out and out.split("\n")[0].startswith("video.example.com, since 2023-11-14T22:13:20Z, name "), out
    for page in (b"", b"[]", b"{}", b'{"apps": 1}', b'{"apps": [1]}', b'{"apps": [{}]}', b'{"apps": [{"fqdn": "a b"}]}', b'{"apps": [], "apps": []}',
                 b'{"apps": [{"fqdn": "a", "ua": ["1"]}]}', b'{"apps": [{"fqdn": "a", "since": -1}]}', b'{"apps": [' + b'{"fqdn": "a"},' * 256 + b'{"fqdn": "a"}]}'):
        d.naf.page = page
        rc, x, err = await d.run("apps", url)
        assert (rc, x["cause"]) == (1, "answer"), (page[:40], x)
    d.naf.page, d.naf.spoil_info = b'{"apps": []}', lambda x: ""
    rc, x, err = await d.run("apps", url)
    assert (rc, x["cause"]) == (3, "rspauth"), x


@test("the port of the registry's own application: in use is a remark of --check; who opens all connections keeps no other address out", smoke=True)
async def port(t):
    w = await Registry(t).start()
    rc, out, err = await procs.run(w.reg.argv + ["--check"], 20)
    assert rc == 0 and "configuration ok" in out + err and f"cannot listen on 127.0.0.1 {w.ports['own']}: port in use" in err, (rc, out, err)

    async def asked(source):
        return (await procs.run(["curl", "-s", "-m", "5", "--interface", source, "-o", os.devnull, "-w", "%{http_code}",
                                 "-H", "Connection: close", "-H", f"Host: {OWN}", f"http://127.0.0.1:{w.ports['own']}/"], 20))[1]
    assert await asked("127.0.0.2") == "401"
    many = [socket.create_connection(("127.0.0.1", w.ports["own"]), 5) for _ in range(250)]
    try:
        assert await asked("127.0.0.1") == "000" and await asked("127.0.0.2") == "401"
    finally:
        for s in many:
            s.close()
