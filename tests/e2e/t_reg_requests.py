# SPDX-License-Identifier: AGPL-3.0-or-later
"""gba-regd over HTTPS: what a new device may ask, a request that an application's side has begun, what a user is told, who finds a device."""
import json

from lib import procs
from lib.pki import pki
from lib.reg_api import ApiRealm
from lib.registry import FQDN
from lib.runner import test

BACK = f"https://{FQDN}/back"
ICCID, EID = "8949017000000000001", "89049032000000000000000000000123"


async def realm(t):
    """One ASP with an application, and two users with a device each."""
    w = ApiRealm(t)
    w.reg_cfg.add("registry", "discovery registry https://registry.example.com")
    await w.start()
    await w.order(f"app add acme {FQDN} 127.0.0.1/32")
    await w.order("app add rival tv.example.org 127.0.0.1/32")
    w.people = []
    for n, names in ((1, f"iccid={ICCID} eid={EID}"), (2, "")):
        user = (await w.order(f"user add kyc-{n}"))["user"]
        await w.order(f"device add {n}@example.com {names}".strip())
        await w.order(f"device custodian {n}@example.com {user}")
        device = (await w.order(f"device show {n}@example.com"))["device"]
        w.people.append((await w.token("user", user), device))
    w.acme, w.rival = await w.token("asp", "acme"), await w.token("asp", "rival")
    return w


@test("registry api: begun at the ASP's side, agreed by the user for his device: granted, told to him, and back with state and result", smoke=True)
async def begun(t):
    w = await realm(t)
    a, (user, device), (other, others) = w.link(), *w.people
    r = await a.ask("GET", f"/apps/{FQDN}/return-addresses", token=w.acme)
    assert r.status == 200 and r.json["return_addresses"] == [], r
    tag = {"If-Match": r.headers["etag"]}
    body = {"return_addresses": [BACK]}
    assert (await a.ask("PUT", f"/apps/{FQDN}/return-addresses", body, w.acme)).status == 428
    assert (await a.ask("PUT", f"/apps/{FQDN}/return-addresses", body, w.rival, tag)).status == 404
    r = await a.ask("PUT", f"/apps/{FQDN}/return-addresses", {"return_addresses": ["https://evil.example.net/"]}, w.acme, tag)
    assert r.status == 422 and r.json["field"] == "/return_addresses", r
    assert (await a.ask("PUT", f"/apps/{FQDN}/return-addresses", body, w.acme, tag)).status == 200
    assert (await a.ask("PUT", f"/apps/{FQDN}/return-addresses", body, w.acme, tag)).status == 412
    ask = {"fqdn": FQDN, "state": "s&1", "return": BACK}
    for wrong in ({"return": BACK + "/"}, {"return": "https://evil.example.net/"}, {"state": ""}, {"return": "javascript:alert(1)"}):
        assert (await a.ask("POST", "/requests", ask | wrong, w.acme)).status in (400, 422), wrong
    assert (await a.ask("POST", "/requests", ask, w.rival)).status == 404
    assert (await a.ask("POST", "/requests", ask, user)).status == 403
    once = {"Idempotency-Key": "1"}
    made = await a.ask("POST", "/requests", ask, w.acme, once)
    assert made.status == 201 and made.json["result"] == "waiting", made
    assert (await a.ask("POST", "/requests", ask, w.acme, once)).json == made.json
    name = made.json["request"]
    assert made.json["link"] == f"https://registry.example.com/grants/begin?request={name}"
    assert [x["request"] for x in (await w.order("request list"))["requests"]] == [name]
    seen = (await a.ask("GET", f"/requests/{name}", token=user)).json
    assert seen["fqdn"] == FQDN and "state" not in seen and "link" not in seen, seen
    assert (await a.ask("GET", f"/requests/{name}", token=w.rival)).status == 404
    assert (await a.ask("PUT", f"/requests/{name}", {"agree": True, "device": others}, user)).status == 404
    assert (await a.ask("PUT", f"/requests/{name}", {"agree": True}, user)).status == 422
    assert (await a.ask("PUT", f"/requests/{name}", {"agree": True, "device": device}, w.acme)).status == 403
    r = await a.ask("PUT", f"/requests/{name}", {"agree": True, "device": device}, user)
    assert r.status == 200 and r.json["go_to"] == BACK + "?state=s%261&result=agreed", r
    assert (await a.ask("PUT", f"/requests/{name}", {"agree": True, "device": device}, user)).json == r.json
    assert (await a.ask("PUT", f"/requests/{name}", {"agree": False}, user)).status == 409
    assert (await a.ask("PUT", f"/requests/{name}", {"agree": False}, other)).status == 404
    assert (await w.order("device show 1@example.com"))["grants"], "granted"
    told = (await a.ask("GET", "/inbox", token=user)).json["events"]
    assert [e["event"] for e in told] == ["received", "granted"] and {e["device"] for e in told} == {device}, told
    assert (told[1]["fqdn"], told[1]["asp"]) == (FQDN, "acme") and told[1]["gsid"], told
    assert [e["event"] for e in (await a.ask("GET", "/inbox", token=other)).json["events"]] == ["received"]
    assert (await a.ask("GET", "/inbox", token=w.acme)).status == 403
    mine = (await a.ask("GET", "/requests", token=w.acme)).json["requests"]
    assert mine[0]["result"] == "agreed" and mine[0]["device"] not in (device, others), mine
    await w.order("device state 1@example.com suspended")
    await w.order("device custodian 1@example.com")
    told = (await a.ask("GET", "/inbox", token=user)).json["events"][2:]
    assert [e["event"] for e in told] == ["suspended", "given_away"], told
    mine = (await a.ask("GET", "/requests", token=w.acme)).json["requests"]
    assert mine[0]["result"] == "agreed" and "device" not in mine[0], "who has it now is another subscriber"
    assert (await a.ask("GET", "/requests", token=w.rival)).json["requests"] == []
    assert "1@example.com" not in str(mine) and ICCID not in str(mine)


@test("registry: a device is found by its ICCID and its EID by the operator, and by nobody else; what a new device may ask needs no token", smoke=True)
async def found(t):
    w = await realm(t)
    a, boss = w.link(), await w.token()
    (user, device), (other, _) = w.people
    for name in (f"iccid={ICCID}", f"eid={EID}"):
        shown = await w.order(f"device show {name}")
        assert shown["impi"] == "1@example.com" and shown["iccid"] == ICCID and shown["eid"] == EID, shown
    for name, said in ((f"iccid={ICCID[:-1]}2", "unknown there is no such device"), (f"eid={EID[:-1]}4", "unknown there is no such device"),
                       ("iccid=89", "invalid that is no iccid; allowed: 18 to 20 digits"), ("eid=89", "invalid that is no eid; allowed: 32 digits")):
        assert (await w.refused(f"device show {name}")).startswith(said), name
    r = await a.ask("GET", "/.well-known/gba-configuration")
    assert r.status == 200 and r.json["registry"] == "https://registry.example.com" and r.json["bsf_names"], r
    rc, out, err = await procs.run([t.need_program("gba-ue"), "--json", "--ca", pki().ca(), "--connect-to", f"localhost:443:127.0.0.1:{w.api}",
                                    "discover", "https://localhost"])
    assert rc == 0 and json.loads(out)["registry"] == "https://registry.example.com", (out, err)
    for query in (f"iccid={ICCID}", f"eid={EID}"):
        r = await a.ask("GET", "/devices?" + query, token=boss)
        assert r.status == 200 and [x["device"] for x in r.json["devices"]] == [device], r
        for token in (user, other, w.acme, w.rival):
            assert (await a.ask("GET", "/devices?" + query, token=token)).status == 403, query
        r = await a.ask("GET", "/devices?" + query.split("=")[0] + "=89000", token=boss)
        assert r.status == 422 and r.json["field"] == query.split("=")[0], r
        r = await a.ask("GET", "/devices?" + query[:-1], token=boss)
        assert r.status == 422 or r.json["devices"] == [], r
