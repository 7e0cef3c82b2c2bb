# SPDX-License-Identifier: AGPL-3.0-or-later
"""Operator, ASP and user at the registry: who may say what, and that it is so at BSF and HSS."""
from lib.reg_api import ApiRealm
from lib.registry import FQDN
from lib.runner import test


class Who:
    """Somebody with a token. Each change names the revision that was read before."""

    def __init__(self, w, token=None):
        self.link, self.token = w.link(), token

    async def get(self, path):
        return await self.link.ask("GET", path, token=self.token)

    async def post(self, path, body):
        return await self.link.ask("POST", path, body, token=self.token)

    async def put(self, path, body, match=None):
        return await self._change("PUT", path, body, match)

    async def delete(self, path, match=None):
        return await self._change("DELETE", path, None, match)

    async def _change(self, method, path, body, match):
        if not match:
            r = await self.get(path.rsplit("/", 1)[0] if path.endswith(("/state", "/custodian")) else path)
            match = r.headers.get("etag")
        return await self.link.ask(method, path, body, token=self.token, headers={"If-Match": match} if match else {"If-None-Match": "*"})


async def must(awaited, status=200):
    r = await awaited
    assert r.status == status, r
    return r.json


async def open_realm(w, device=0):
    """An ASP with an application, a user with a device; nothing is granted yet."""
    boss, nobody = Who(w, await w.token()), Who(w)
    applied = await must(nobody.post("/asps", {"asp": "acme", "contact": "desk@example.com", "public_id": "duns:150483782"}), 201)
    assert applied["state"] == "applied", applied
    asp = Who(w, applied["token"])
    r = await asp.post("/apps", {"fqdn": FQDN, "addresses": ["127.0.0.1/32"]})
    assert r.status == 403 and "applied" in r.json["detail"], r                                # not before it is approved
    await must(boss.put("/asps/acme", {"state": "approved"}))
    assert (await must(asp.post("/apps", {"fqdn": FQDN, "addresses": ["127.0.0.1/32"], "title": "Video", "published": True}), 201))["state"] == "applied"
    await w.order(f"app prove {FQDN} word")                                                # not by DNS here
    await must(boss.put(f"/apps/{FQDN}", {"state": "approved"}))
    user = await must(boss.post("/users", {"kyc_ref": "desk 7/12", "assurance": 1}), 201)
    dev = await must(boss.post("/devices", {"impi": w.cards[device].impi, "msisdn": "4917012345678"}), 201)
    await must(boss.put(f"/devices/{dev['device']}/custodian", {"user": user["user"]}))
    return boss, asp, Who(w, await w.token("user", user["user"])), dev["device"], user["user"]


@test("registry roles: from an ASP that applies to a key at its application; each of the three ends a grant alone, and an ASP learns a pseudonym only",
      smoke=True, timeout=90)
async def story(t):
    w = await ApiRealm(t, bare=False).start()
    boss, asp, user, dev, _ = await open_realm(w)
    grant = f"/grants/{dev}/{FQDN}"
    for word in ({"wildcard": True}, {"profile": "payments"}, {"state": "approved"}):
        assert "for the operator to say" in (await must(asp.put(f"/apps/{FQDN}", word), 403))["detail"]
    s = await w.ue().bootstrap()

    async def has_key():
        await w.told()
        return await w.has_key(s)
    assert not (await must(user.put(grant, {"user_agrees": True})))["live"] and not await has_key()
    seen = await must(asp.get(f"/grants?fqdn={FQDN}"))
    (mine,) = seen["grants"]
    assert mine["device"] == mine["uid"] != dev and mine["user_agrees"] and not mine["asp_agrees"], mine
    own = f"/grants/{mine['uid']}/{FQDN}"
    assert (await must(asp.put(own, {"asp_agrees": True})))["live"] and await has_key()
    for who, path, says in ((user, grant, "user_agrees"), (asp, own, "asp_agrees")):
        await must(who.put(path, {says: False}))
        assert not await has_key(), says
        await must(who.put(path, {says: True}))
        assert await has_key(), says
    await must(boss.put(grant, {"operator_objects": True}))
    assert not await has_key()
    for who, path, says in ((user, grant, "operator_objects"), (asp, own, "user_agrees"), (user, grant, "asp_agrees")):
        r = await who.put(path, {says: False})
        assert r.status == 403 and r.json["field"] == f"/{says}", r                            # that is another's
    await must(boss.put(grant, {"operator_objects": False}))
    assert await has_key()
    for path in (f"/devices/{dev}", f"/devices?impi={w.cards[0].impi}", grant, "/users", "/audit", "/outbox"):
        assert (await asp.get(path)).status in (403, 404), path
    shown = (await asp.get("/apps")).body + (await asp.get(f"/grants?fqdn={FQDN}")).body + (await asp.get("/asps/acme")).body
    for secret in (w.cards[0].impi, w.cards[0].imsi, "4917012345678", dev):
        assert secret.encode() not in shown
    renewed = await must(user.post(f"/devices/{dev}/forget", {"asp": "acme"}))
    assert renewed["uid"] != mine["uid"] and (await asp.get(own)).status == 404                # forgotten
    assert await has_key()


@test("registry roles: a lost device is refused everywhere at once, a suspended ASP served no more, a new custodian begins without consents", smoke=True,
      timeout=90)
async def states(t):
    w = await ApiRealm(t, bare=False).start()
    boss, asp, user, dev, owner = await open_realm(w)
    grant = f"/grants/{dev}/{FQDN}"
    await must(boss.put(grant, {"user_agrees": True, "asp_agrees": True}))
    await w.told()
    s = await w.ue().bootstrap()

    def has_key():
        return w.has_key(s, shut_out=True)
    assert await has_key()
    await must(user.put(f"/devices/{dev}/state", {"state": "lost"}))
    await w.told()
    assert not await has_key()
    assert (await user.put(f"/devices/{dev}/state", {"state": "active"})).status == 403        # he may have lost it to somebody
    await must(boss.put(f"/devices/{dev}/state", {"state": "active"}))
    await w.told()
    s = await w.ue().bootstrap()
    assert await has_key()
    await must(boss.put("/asps/acme", {"state": "suspended"}))
    await w.told()
    assert not await has_key()
    assert (await asp.put(f"/apps/{FQDN}", {"title": "still here"})).status == 403
    await must(boss.put("/asps/acme", {"state": "approved"}))
    await w.told()
    assert await has_key()
    other = await must(boss.post("/users", {"kyc_ref": "desk 7/13"}), 201)
    await must(boss.put(f"/devices/{dev}/custodian", {"user": other["user"]}))
    await w.told()
    assert not await has_key() and (await user.get(f"/devices/{dev}")).status == 404           # it is another's now
    theirs = Who(w, await w.token("user", other["user"]))
    assert (await must(theirs.put(grant, {"user_agrees": True})))["live"]
    await must(boss.put(f"/apps/{FQDN}", {"assurance_min": 1}))                                # this one is known less
    await w.told()
    assert not await has_key()
    await must(theirs.delete(grant), 204)
    r = await theirs.put(grant, {"user_agrees": True})
    assert r.status == 409 and "assurance is 0; allowed by the application: 1" in r.json["detail"] + r.json.get("allowed", ""), r
    await must(boss.put(f"/users/{other['user']}", {"assurance": 2}))
    assert (await must(theirs.put(grant, {"user_agrees": True})))["live"]


@test("registry roles: another ASP and another user find nothing of what is not theirs, also not by guessing; who is at another revision changes nothing",
      smoke=True)
async def strangers(t):
    w = await ApiRealm(t).start()
    boss, asp, user, dev, owner = await open_realm(w)
    await must(boss.put(f"/grants/{dev}/{FQDN}", {"user_agrees": True, "asp_agrees": True}))
    (mine,) = (await must(asp.get(f"/grants?fqdn={FQDN}")))["grants"]
    rival = Who(w, await w.token("asp", "rival") if (await boss.post("/asps", {"asp": "rival"})).status == 201 else None)
    someone = await must(boss.post("/users", {"kyc_ref": "x"}), 201)
    stranger = Who(w, await w.token("user", someone["user"]))
    for path in (f"/apps/{FQDN}", f"/apps/{FQDN}/conf", "/asps/acme", f"/grants?fqdn={FQDN}", f"/grants/{mine['uid']}/{FQDN}", f"/grants/{dev}/{FQDN}"):
        r = await rival.get(path)
        assert r.status == 404, (path, r)
    assert (await must(rival.get("/apps")))["apps"] == []
    for path in (f"/devices/{dev}", f"/users/{owner}", f"/grants/{dev}/{FQDN}", f"/grants?device={dev}"):
        assert (await stranger.get(path)).status == 404, path
    assert (await must(stranger.get("/devices")))["devices"] == []
    r = await rival.post("/apps", {"fqdn": f"www.{FQDN}", "addresses": ["127.0.0.1/32"]})
    assert r.status == 409, r
    for who, method, path, body in ((rival, "DELETE", f"/apps/{FQDN}", None), (rival, "PUT", "/asps/acme", {"contact": "me"}),
                                    (stranger, "PUT", f"/devices/{dev}/state", {"state": "lost"}), (stranger, "DELETE", f"/grants/{dev}/{FQDN}", None)):
        r = await who.link.ask(method, path, body, token=who.token, headers={"If-Match": "*"})
        assert r.status == 404, (path, r)
    assert (await must(boss.get(f"/grants/{dev}/{FQDN}")))["live"]
    r = await boss.put(f"/apps/{FQDN}", {"title": "a"}, match='"1"')
    assert r.status == 412, r
    async def fleet(**headers):
        return (await boss.link.ask("PUT", "/groups/fleet", {}, token=boss.token, headers={k.replace("_", "-"): v for k, v in headers.items()})).status
    assert await fleet(If_Match="*") == 412 and await fleet() == 428, "it is not there"
    assert await fleet(If_None_Match="*", If_Match="*") == 400 and await fleet(If_None_Match='"1"') == 400
    assert await fleet(If_None_Match="*") == 200 and await fleet(If_None_Match="*") == 412 and await fleet(If_Match="*") == 200
    await must(boss.post("/groups/fleet/members", {"devices": [dev]}))
    lines = [{"group": "fleet", "fqdn": FQDN, "operator_objects": True}, {"device": "0" * 32, "fqdn": FQDN, "operator_objects": True}]
    r = await boss.post("/grants/bulk", {"lines": lines})
    assert r.status == 404 and "line 2" in r.json["detail"] and (await must(boss.get(f"/grants/{dev}/{FQDN}")))["live"], r    # all or nothing
    assert await must(boss.post("/grants/bulk", {"lines": lines[:1]})) == {"changed": 1}
    assert not (await must(boss.get(f"/grants/{dev}/{FQDN}")))["live"]
