# SPDX-License-Identifier: AGPL-3.0-or-later
"""Providers and users take part by themselves, over HTTPS: who joins, under which names, and who may say what."""
# covers: OBF-7.7-1 OBF-7.1-3 OBF-10.2-1a OBF-10.2-1b OBF-10.2-1c OBF-10.2-1d OBF-10.1-3 OBFA-9.1-1
#   +- providers: rows: a provider joins under the number
#   - t_reg_roles: registry roles: another ASP and another user find nothing
#
# covers: OBF-7.7-2 OBF-7.1-4 OBF-7.6-1 OBF-10.2-2a OBFA-8.1-4
#   +- providers: rows: an application is found by each name
#   - t_reg_roles: registry roles: another ASP and another user find nothing
#
# covers: OBF-7.7-4 OBF-7.3-1 OBF-10.3-1 OBF-10.3-4 OBF-10.3-5
#   + t_reg_roles: registry roles: from an ASP that applies
#   - t_reg_roles: registry roles: a lost device is refused
#
# covers: OBF-10.3-2
#   +- providers: rows: who is not known well enough
#
# covers: OBF-7.7-3 OBFA-8.1-4
#   +- providers: rows: the catalogue has what is published
#
# covers: OBF-10.2-2a
#   + t_reg_proof: registry: a name is proven by its TXT record
#   - t_reg_proof: registry: a DNS server that lies
#
# covers: OBF-7.7-3 OBF-10.3-1 OBF-10.3-6
#   + t_reg_requests: registry api: begun at the ASP's side
#   - t_reg_roles: registry roles: another ASP and another user find nothing
#
# covers: OBF-7.7-4
#   - t_reg_document: registry api: the role matrix
from lib.reg_api import ApiRealm
from lib.runner import test

GTIN, URL, APP_ID = ("gs1", "4006381333931"), ("url", "https://video.example.com/"), ("onem2m", "Nvideo.example.com")


async def applied(boss, link, asp, public_id, fqdn=None, **more):
    """A provider with an application, both approved; its token."""
    r = await link.ask("POST", "/asps", {"asp": asp, "contact": "desk@example.com", "public_id": public_id})
    assert r.status == 201 and r.json["state"] == "applied", r
    await boss(f"asp approve {asp}")
    if fqdn:
        await register(boss, link, r.json["token"], fqdn, **more)
    return r.json["token"]


async def register(boss, link, token, fqdn, **more):
    r = await link.ask("POST", "/apps", {"fqdn": fqdn, "addresses": ["127.0.0.1/32"], **more}, token=token)
    assert r.status == 201 and r.json["state"] == "applied", r
    await boss(f"app prove {fqdn} word")
    await boss(f"app approve {fqdn}")


@test("rows: a provider joins under the number its company has, once; a number that is none is refused; its id and token are its own, and in the audit")
async def joins(t):
    w = await ApiRealm(t).start()
    link = w.link()
    tokens = {await applied(w.order, link, "acme", "lei:7LTWFZYICNSX8D621K86"), await applied(w.order, link, "other", "duns:150483782")}
    assert len(tokens) == 2
    for body, status in (({"asp": "third", "public_id": "lei:7ltwfzyicnsx8d621k86"}, 409), ({"asp": "acme", "public_id": "duns:150483783"}, 409),
                         ({"asp": "third", "public_id": "lei:7LTWFZYICNSX8D621K87"}, 422), ({"asp": "third", "public_id": "passport:1"}, 422)):
        r = await link.ask("POST", "/asps", {"contact": "desk@example.com", **body})
        assert r.status == status and r.json["field"] in ("/public_id", "/asp"), (body, r)
    assert (await link.ask("POST", "/apps", {"fqdn": "video.example.com", "addresses": ["127.0.0.1/32"]})).status == 401
    said = [a["what"] for a in (await w.order("audit show"))["audit"]]
    assert sum(x.startswith("asp") for x in said) == 4, said
    await w.order("audit verify")


@test("rows: an application is found by each name that others gave it, and is the same; a name with a wrong check digit is refused, and is for finding only")
async def aliases(t):
    w = await ApiRealm(t).start()
    link = w.link()
    names = [{"scheme": s, "value": v} for s, v in (GTIN, URL, APP_ID)]
    mine = await applied(w.order, link, "acme", "duns:150483782", "video.example.com", published=True, aliases=names)
    other = await applied(w.order, link, "other", "duns:150483783", "tv.example.org", published=True)
    for scheme, value in (GTIN, URL, APP_ID):
        r = await link.ask("GET", f"/catalogue?alias={scheme}:{value}")
        assert [a["fqdn"] for a in r.json["apps"]] == ["video.example.com"], (scheme, r)
    kept = (await link.ask("GET", "/apps/video.example.com", token=mine)).json["aliases"]
    assert {(a["scheme"], a["value"]) for a in kept} == {("gs1", "0" + GTIN[1]), URL, APP_ID}, kept
    r = await link.ask("POST", "/apps", {"fqdn": "b.example.com", "addresses": ["127.0.0.1/32"], "aliases": [{"scheme": "gs1", "value": "4006381333932"}]},
                       token=mine)
    assert r.status == 422 and r.json["field"].startswith("/aliases"), r
    assert (await link.ask("GET", "/apps/video.example.com", token=other)).status == 404


@test("rows: who is not known well enough for an application has no grant of it; known better, he has")
async def verified(t):
    w = await ApiRealm(t).start()
    link, boss = w.link(), await w.token()
    await applied(w.order, link, "acme", "duns:150483782", "bank.example.com", assurance_min=3)
    user = (await w.order("user add contract-1 2"))["user"]
    device = (await link.ask("POST", "/devices", {"impi": "a@example.com"}, token=boss)).json["device"]
    await w.order(f"device custodian {device} {user}")
    grant, me = f"/grants/{device}/bank.example.com", await w.token("user", user)
    r = await link.ask("PUT", grant, {"user_agrees": True}, token=me, headers={"If-None-Match": "*"})
    assert r.status == 409 and "assurance is 2" in r.json["detail"], r
    etag = (await link.ask("GET", f"/users/{user}", token=boss)).headers["etag"]
    assert (await link.ask("PUT", f"/users/{user}", {"assurance": 3}, token=boss, headers={"If-Match": etag})).status == 200
    r = await link.ask("PUT", grant, {"user_agrees": True}, token=me, headers={"If-None-Match": "*"})
    assert r.status == 200 and r.json["user_agrees"], r


@test("rows: the catalogue has what is published and served, for anybody: not what is hidden, waits or is suspended, and nothing that is not for all")
async def catalogue(t):
    w = await ApiRealm(t).start()
    link = w.link()
    token = await applied(w.order, link, "acme", "duns:150483782", "video.example.com", published=True, title="Video")
    await register(w.order, link, token, "hidden.example.com")
    await register(w.order, link, token, "away.example.com", published=True)
    await w.order("app suspend away.example.com")
    await link.ask("POST", "/apps", {"fqdn": "waits.example.com", "addresses": ["127.0.0.1/32"], "published": True}, token=token)
    r = await link.ask("GET", "/catalogue")
    assert [(a["fqdn"], a["title"]) for a in r.json["apps"]] == [("video.example.com", "Video")], r
    assert not {"gsid", "addresses"} & set(r.json["apps"][0]), r
