# SPDX-License-Identifier: AGPL-3.0-or-later
"""gba-regd: a grant that works, from the operator's word to the page of the application, and back."""
import json
import os

from lib import ctl, naf, procs, vty
from lib.registry import ASP, FQDN, Realm, page, page_until
from lib.runner import test
from lib.ue import UbError


@test("registry: no grant, no page; granted, the page without another bootstrap; withdrawn, no page within recheck", smoke=True, timeout=90)
async def grant(t):
    w = await Realm(t).start()
    impi = w.cards[0].impi
    app = await w.app()
    await app.start()
    await w.order(f"device add {impi}")
    s, ua = await w.ue().bootstrap(), app.client()
    assert await page(app, ua, s) == (403, "naf_not_authorized")
    assert await w.order(f"grant {impi} {FQDN}") == {"changed": True}
    await page_until(app, ua, s, 200)
    assert await w.order(f"grant {impi} {FQDN}") == {"changed": False}
    await w.told()
    assert await w.order(f"withdraw {impi} {FQDN}") == {"changed": True}
    await page_until(app, ua, s, 403)
    await w.told()
    s = await w.ue().bootstrap()                                   # the HSS knows it, too
    assert await page(app, ua, s) == (403, "naf_not_authorized")
    assert await w.order(f"withdraw {impi} {FQDN}") == {"changed": False}
    assert (await w.order("audit verify"))["rows"] == 4


@test("registry: an application learns a pseudonym, another ASP another one, and neither the IMPI; what is on disk does not show it either",
      smoke=True)
async def pseudonyms(t):
    w = await Realm(t).start()
    impi = w.cards[0].impi
    for asp, fqdn in ((ASP, FQDN), (ASP, "games.example.net")):
        await w.order(f"app add {asp} {fqdn} 127.0.0.1/32")
    await w.order(f"app add other tv.example.org 127.0.0.1/32")
    await w.order(f"device add {impi} msisdn=4917012345678 iccid=8949017000000000001")
    for fqdn in (FQDN, "games.example.net", "tv.example.org"):
        await w.order(f"grant {impi} {fqdn}")
    await w.told()
    shown = await w.order("device show msisdn=4917012345678")
    uids = {g["app"]: g["uid"] for g in shown["grants"]}
    assert shown["impi"] == impi and shown["iccid"] == "8949017000000000001", shown
    assert uids[FQDN] == uids["games.example.net"] != uids["tv.example.org"] and len(uids[FQDN]) == 32, uids
    s = await w.ue().bootstrap()
    a = await naf.fetch(await w.naf(FQDN), s.btid, naf.naf_id(FQDN), gsids=["1000001", "1000002", "1000003"])
    assert a.key and uids[FQDN].encode() in a.uss_list and a.impi is None and impi.encode() not in a.uss_list, a.uss_list
    assert uids["tv.example.org"].encode() not in a.uss_list and b"1000002" not in a.uss_list
    await w.order(f"withdraw {impi} {FQDN}")
    await w.order(f"grant {impi} {FQDN}")
    assert {g["app"]: g["uid"] for g in (await w.order(f"device show {impi}"))["grants"]} == uids
    await w.told()
    await w.reg.stop()
    for name in os.listdir(os.path.dirname(w.database)):
        with open(os.path.join(os.path.dirname(w.database), name), "rb") as f:
            octets = f.read()
        for secret in (impi.encode(), w.cards[0].imsi.encode(), b"4917012345678", b"8949017000000000001"):
            assert secret not in octets, f"{secret} in {name}"
    for number in (w.cards[0].imsi, "4917012345678", "8949017000000000001"):
        assert number not in w.reg.text(), f"{number} in the log"


@test("registry: the operator lets an application stand for one label more: a key for each name, its server answers to each; nobody else's names, and no two at one",
      smoke=True, timeout=90)
async def wildcard(t):
    w = await Realm(t).start()
    one, two = f"one.{FQDN}", f"two.{FQDN}"
    await w.granted()
    s, conn = await w.ue().bootstrap(), await w.naf(FQDN)

    async def keys():
        return [(await naf.fetch(conn, s.btid, naf.naf_id(n))).key == s.ks_naf(n) for n in (FQDN, one, two, f"a.{one}", "example.com")]
    assert await keys() == [True, False, False, False, False]
    assert (await w.order(f"app wildcard {FQDN} yes"))["wildcard"] is True
    await w.told()
    assert await keys() == [True, True, True, False, False]
    await conn.close()
    app = await w.app()
    await app.start()
    for name, status in ((FQDN, 200), (one, 200), (two, 200), (f"a.{one}", 400), ("video.example.net", 400)):
        r = await app.client(name).fetch(s)
        assert r.status == status, (name, r)
    await app.daemon.stop()
    assert (await w.refused(f"app add {ASP} {one} 127.0.0.1/32")).startswith("exists the wildcard of another application stands for that name")
    await w.order(f"app add {ASP} a.{one} 127.0.0.1/32")
    assert (await w.refused(f"app wildcard {FQDN} maybe")).startswith("invalid allowed: yes, no")
    await w.order(f"app wildcard {FQDN} no")
    await w.told()
    conn = await w.naf(FQDN)
    assert await keys() == [True, False, False, False, False]
    await w.order(f"app add {ASP} {one} 127.0.0.1/32")
    assert (await w.refused(f"app wildcard {FQDN} yes")).startswith("exists there is another application one label under that name")
    assert (await w.order(f"app show {FQDN}"))["wildcard"] is False


@test("registry: what may not be is refused with what is allowed, and changes nothing", smoke=True)
async def refusals(t):
    w = await Realm(t).start()
    impi = w.cards[0].impi
    await w.order(f"app add {ASP} {FQDN} 127.0.0.1/32")
    await w.order(f"device add {impi} imei=490154203237518")
    before = await w.order("audit head")
    for command, said in ((f"app add {ASP} localhost 127.0.0.1", "invalid that is no name of an application"),
                          (f"app add {ASP} 192.0.2.1 127.0.0.1", "invalid that is no name"), (f"app add {ASP} co.uk 127.0.0.1", "invalid a public suffix"), (f"app add {ASP} *.example.com 127.0.0.1", "invalid a wildcard"),
                          (f"app add {ASP} bsf.mnc001.mcc001.pub.3gppnetwork.org 127.0.0.1", "invalid that name belongs to the operator"),
                          (f"app add {ASP} a.mnc001.mcc001.3gppnetwork.org 127.0.0.1", "invalid that name belongs to the operator"),
                          (f"app add other {FQDN} 127.0.0.1", "exists another ASP"), (f"app add other www.{FQDN} 127.0.0.1", "exists another ASP"),
                          ("app add other example.com 127.0.0.1", "exists another ASP"),
                          (f"app add {ASP} {FQDN} 192.0.2.0/24", "exists it is there, and connects from 127.0.0.1/32"),
                          (f"app add {ASP} {FQDN} nowhere", "invalid 'nowhere' is no address"), (f"app add a:b {FQDN} 127.0.0.1", "invalid that is no name of an ASP"),
                          ("app show nothing.example.com", "unknown there is no such application"), ("device add nobody", "invalid that is no IMPI"),
                          (f"device add {w.cards[1].impi} imei=490154203237518", "exists another device has that imei"),
                          ("device add a@example.com", "invalid no HSS of the realm knows it"),
                          (f"app add {ASP} naf1.example.com 127.0.0.1", "exists target bsf-1 has it in its configuration"),
                          (f"device add {impi} imei=490154203237519", "exists the device has another imei"),
                          (f"device add {impi} eid=1", "invalid that is no eid; allowed: 32 digits"), (f"device add {impi} colour=1", "invalid a device has no such name"),
                          ("device show a@example.com", "unknown there is no such device"), (f"grant {impi} tv.example.com", "unknown there is no such application"),
                          (f"grant a@example.com {FQDN}", "unknown there is no such device"), ("backup x", "invalid allowed: the absolute path")):
        out = await w.refused(command)
        assert out.startswith(said), (command, out)
    assert await w.order("audit head") == before
    assert "msisdn" not in await w.order(f"device show {impi}")
    await w.order(f"grant {impi} {FQDN}")
    assert (await w.refused(f"device delete {impi}")).startswith("conflict it has grants")
    assert await w.order(f"app delete {FQDN}") == {"deleted": True}
    assert await w.order(f"app delete {FQDN}") == {"deleted": False}
    await w.told()
    await w.order(f"device delete {impi}")
    assert (await w.refused(f"device show imei=490154203237518")).startswith("unknown")


@test("registry: a grant for a subscriber the HSS does not have is kept as refused, shown, and keeps nobody else waiting", smoke=True)
async def not_at_hss(t):
    w = Realm(t)
    w.reg_cfg.add("target hss-1 hss", "subscribers unasked")
    await w.start()
    await w.order(f"app add {ASP} {FQDN} 127.0.0.1/32")
    for impi in ("stranger@example.com", w.cards[0].impi):
        await w.order(f"device add {impi}")
        await w.order(f"grant {impi} {FQDN}")
    await w.told()
    hss = [x for x in (await w.order("outbox"))["targets"] if x["target"] == "hss-1"][0]
    assert hss["refused"] == 1 and hss["what"][0]["refused"].startswith("unknown there is no such subscriber"), hss
    s = await w.ue().bootstrap()
    assert (await naf.fetch(await w.naf(FQDN), s.btid, naf.naf_id(FQDN))).key == s.ks_naf(FQDN)


@test("registry: what is wrong with the file of another name below or above an application is not held against it", smoke=True)
async def names_alike(t):
    w = await Realm(t).start()
    for other in ("www." + FQDN, FQDN + ".eu", FQDN):
        with open(os.path.join(w.policy, other + ".naf"), "w", encoding="utf-8") as f:
            f.write("no such word\n")
    await w.order(f"app add {ASP} {FQDN} 127.0.0.1/32")             # its own file is written anew
    await w.told()
    bsf = [x for x in (await w.order("outbox"))["targets"] if x["target"] == "bsf-1"][0]
    assert bsf["refused"] == 0, bsf
    out = await procs.run([t.need_program("gbactl"), "-s", w.ports["bsf_ctl"], "policy", "show"], 30)
    assert all(other in out[1] for other in ("www." + FQDN, FQDN + ".eu")), out


@test("registry: an application that the BSF refuses is shown and logged with the reason, and none whose name is the end of its name", smoke=True)
async def not_at_bsf(t):
    w = await Realm(t).start()
    await w.order(f"app add {ASP} {FQDN} 127.0.0.1/32")
    await w.order(f"app add {ASP} my{FQDN} 192.0.2.1/32")           # beyond loopback, and this BSF has no TLS
    await w.order("reconcile")
    await w.told()
    bsf = [x for x in (await w.order("outbox"))["targets"] if x["target"] == "bsf-1"][0]
    assert [x["app"] for x in bsf["what"]] == [f"my{FQDN}"], bsf
    assert bsf["what"][0]["refused"].startswith(f"my{FQDN}.naf: is beyond loopback, so it needs TLS"), bsf
    assert f"target bsf-1 refuses application my{FQDN}: my{FQDN}.naf: is beyond" in w.reg.text()


@test("gbactl: the verbs of the registry; a naf.conf comes out as it is, ready for a file", smoke=True)
async def by_gbactl(t):
    w = await Realm(t).start()
    exe = [t.need_program("gbactl"), "-s", w.ports["reg_ctl"]]
    rc, out, err = await procs.run([*exe, "app", "add", ASP, FQDN, "127.0.0.1/32"], 20)
    assert rc == 0 and out.startswith(f"# {FQDN} of {ASP}, for gba_naf_config_read()") and "\nrecheck 2\n" in out and "naf_conf " not in out, (out, err)
    rc, again, err = await procs.run([*exe, "app", "conf", FQDN], 20)
    assert rc == 0 and again == out, (again, err)
    for words in (["device", "add", w.cards[0].impi], ["grant", w.cards[0].impi, FQDN], ["outbox"], ["audit", "show"], ["app", "list"]):
        rc, out, err = await procs.run([*exe, "--json", *words], 20)
        assert rc == 0 and json.loads(out) is not None, (words, out, err)
    rc, out, err = await procs.run([*exe, "grant", "x@example.com", FQDN], 20)
    assert rc == 1 and "there is no such device" in err, (rc, out, err)


@test("gbactl: what only the registry can be told goes to the registry without -s", smoke=True)
async def without_socket(t):
    w = await Realm(t).start()
    verbs = {}
    for which in ("reg_ctl", "bsf_ctl"):
        verbs[which] = {c["command"].split()[0] for c in (await ctl.ask(w.ports[which], "commands"))["commands"]}
    own = sorted(verbs["reg_ctl"] - verbs["bsf_ctl"])
    assert {"app", "token"} <= set(own), own
    for verb in own:
        _, _, err = await procs.run([t.need_program("gbactl"), "-t", "1", verb], 20, {"GBACTL_SOCKET": ""})
        assert "/run/gba-reg/control" in err, (verb, err)


@test("registry: an application that the BSF has itself is not approved either, and the BSF's goes on; a device of an HSS that is away is registered", smoke=True)
async def ahead(t):
    w = await Realm(t).start()
    s = await w.ue().bootstrap()
    files = await ctl.ask(w.ports["bsf_ctl"], "policy show")
    assert (await w.refused("app approve naf1.example.com")).startswith("exists target bsf-1 has it in its configuration")
    assert (await naf.fetch(await w.naf("naf1.example.com"), s.btid, naf.naf_id("naf1.example.com"))).key == s.ks_naf("naf1.example.com")
    assert await ctl.ask(w.ports["bsf_ctl"], "policy show") == files
    assert (await w.order(f"device add {w.cards[0].impi}"))["state"] == "active"
    await w.hss.stop()
    await w.order("device add unknown@example.com")
    assert (await w.order("device list"))["devices"][1:], "both"


@test("registry: an application whose name a file of the policy directory has that is not the registry's, or for which another NAF speaks, is refused; "
      "its own comes back", smoke=True)
async def claimed(t):
    w = await Realm(t).start()

    def write(naf_name, *names):
        with open(os.path.join(w.policy, naf_name + ".naf"), "w", encoding="ascii") as f:
            f.write("address 127.0.0.1/32\n" + "".join(f"speaks-for {x}\n" for x in names))
    write("shop.example.net", "shop.example.net")
    write("other.example.net", "pay.example.net")
    out = await vty.typed(w, "naf wild.example.net", "address 127.0.0.1/32", "speaks-for *.films.example.net")
    assert "%" not in out, out
    assert (await ctl.ask(w.ports["bsf_ctl"], "policy reload"))["good"] == 2
    before = await w.order("audit head")
    for fqdn, why in (("shop.example.net", "target bsf-1 has it in a file that is not the registry's"),
                      ("pay.example.net", "at target bsf-1 other.example.net speaks for pay.example.net; allowed: to take it out there first"),
                      ("a.films.example.net", "at target bsf-1 wild.example.net speaks for *.films.example.net")):
        out = await w.refused(f"app add {ASP} {fqdn} 127.0.0.1/32")
        assert out.startswith("exists " + why), (fqdn, out)
    assert await w.order("audit head") == before and (await ctl.ask(w.ports["bsf_ctl"], "policy show"))["problems"] == []
    for fqdn in (FQDN, FQDN, "b." + FQDN):                         # its own file, and that of another application of the same ASP, are in nobody's way
        await w.order(f"app add {ASP} {fqdn} 127.0.0.1/32")
        await w.told()
    await w.order(f"app delete {FQDN}")
    await w.order(f"app add {ASP} {FQDN} 127.0.0.1/32")


@test("registry: a device that is suspended is so at a BSF that was started anew and has forgotten it; what a backup does not know ends with reconcile", smoke=True)
async def suspended_again(t):
    w = Realm(t)
    w.bsf_cfg.node("store")[:] = [" memory"]
    w.reg_cfg.set("registry", "usage interval 1 kept 60")
    await w.start()
    lost, other = w.cards[0].impi, w.cards[1].impi
    for impi in (lost, other):
        await w.order(f"device add {impi}")
    await w.order(f"device state {lost} lost")
    assert (await w.refused(f"device delete {lost}")).startswith("conflict it is suspended or lost; allowed: active first")
    await w.told()
    await w.bsf.stop()
    await w.bsf.start()

    async def refused():
        try:
            await w.ue().bootstrap()
        except UbError as e:
            return e.response.status == 403
        return False
    await t.until(refused, 30, "the BSF to be told again")
    await ctl.ask(w.ports["bsf_ctl"], f"suspend impi {other}")                 # by a registry of before
    await w.order(f"app add {ASP} {FQDN} 127.0.0.1/32")
    await w.order(f"grant {other} {FQDN}")
    await w.order("reconcile")
    await w.told()
    await w.ue(1).bootstrap()
    assert await refused()
