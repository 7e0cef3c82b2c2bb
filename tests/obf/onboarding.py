# SPDX-License-Identifier: AGPL-3.0-or-later
"""An application joins: its name, its ids, the file it starts with."""
# covers: OBF-7.5-3 OBF-7.7-2 OBF-9.2.2-1 OBF-10.2-2b OBFA-8.1-4
#   + onboarding: rows: an application joins
#   - t_reg: registry: what may not be is refused
#   - t_reg_crash: registry: an audit row that is altered
#
# covers: OBF-7.1-4 OBF-7.6-1 OBF-10.2-2a
#   + onboarding: rows: an application joins
#   - t_reg: registry: what may not be is refused
#
# covers: OBF-10.2-2c
#   +- onboarding: rows: an application joins
#
# covers: OBF-9.2.2-5 OBF-10.2-2d
#   + t_realm: each line of "Open a realm in an afternoon"
#   - t_recheck: naf.conf: what is wrong in it
#
# covers: OBF-9.4.1-2
#   + t_policy_dir: policy directory: a NAF comes, is changed
#   - t_policy_dir: policy directory: each error of a file
from lib.registry import ASP, FQDN, Realm
from lib.runner import test


def gsid(conf):
    return next(line.split()[1] for line in conf.split("\n") if line.startswith("gsid "))


@test("rows: an application joins under its FQDN and has an id of its own, which none has again; each step stands in the audit")
async def joins(t):
    w = await Realm(t, n_cards=1).start()
    conf = {}
    for fqdn in (FQDN, "games.example.net"):
        conf[fqdn] = (await w.order(f"app add {ASP} {fqdn} 127.0.0.1/32"))["naf_conf"]
        assert f"\nname {fqdn}\n" in conf[fqdn], conf[fqdn]
    first = gsid(conf[FQDN])
    assert first != gsid(conf["games.example.net"])
    assert gsid((await w.order(f"app add {ASP} {FQDN} 127.0.0.1/32"))["naf_conf"]) == first     # said twice
    await w.order(f"app delete {FQDN}")
    assert gsid((await w.order(f"app add {ASP} {FQDN} 127.0.0.1/32"))["naf_conf"]) not in [first, gsid(conf["games.example.net"])]
    said = [a["what"] for a in (await w.order("audit show"))["audit"]]
    assert [a for a in said if a.startswith("app")] == ["app add", "app add", "app delete", "app add"], said
