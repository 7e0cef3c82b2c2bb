# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is withdrawn at the BSF reaches an application that has the key: recheck in its naf.conf, from which it starts unchanged."""
import asyncio
import os
import time

from lib import causes, naf, procs
from lib.app import App
from lib.ctl import ask
from lib.runner import test
from lib.world import BSF_ID, BSF_NAME, World

RIGHT = "7"


def guss(at, *gsids):
    return (f"<guss><Extension><timestamp>2026-01-02T03:04:0{at}Z</timestamp></Extension><ussList>" + "".join(
        f'<uss id="{g}" type="1"><uids><uid>c0ffee</uid></uids></uss>' for g in gsids) + "</ussList></guss>")


def conf(w, *more):
    path = os.path.join(w.etc, "naf.conf")
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(("# of the operator", "name naf1.example.com", f"bsf-name {BSF_NAME}", "identity naf1.example.com", "realm example.com",
                           f"bsf 127.0.0.1:{w.ports['dia']}", f"bsf-identity {BSF_ID}", f"bsf-realm {naf.BSF_REALM}", f"gsid {RIGHT}",
                           "refusal 1", *more)) + "\n")
    return path


class FileApp(App):
    """gba-naf-example from a file alone."""

    def __init__(self, t, w, *more):
        super().__init__(t, 0)
        self.daemon.argv = [t.need_program("gba-naf-example"), "--config", conf(w, *more), "--listen", f"127.0.0.1:{self.port}", "--json-log"]


async def served(app, ua, s, status, causes):
    """Pages until one has this status; before it only 200, 401 or 403 come."""
    async def there():
        r = await ua.fetch(s)
        if r.status == 401:
            ua.take(r)
        return r.status == status and app.requests()[-1]["cause"] in causes
    await app.t.until(there, 20, f"a page with {status}")


@test("recheck: a right that is taken, a session that is revoked: the application that had the key refuses within its time; given again, it serves",
      smoke=True, timeout=90)
async def withdrawn(t):
    w = World(t, raw_hss=True, guss=guss(1, RIGHT)).no_limits()
    w.bsf_cfg.set("naf naf1.example.com", f"uss-required {RIGHT}")
    await w.start()
    app = await FileApp(t, w, "recheck 2").start()
    s, ua = await w.ue().bootstrap(), app.client()
    assert (await ua.fetch(s)).status == 200
    await ask(w.ports["bsf_ctl"], f"guss {w.cards[0].impi}", guss(2))
    await served(app, ua, s, 403, ("naf_not_authorized",))
    await ask(w.ports["bsf_ctl"], f"guss {w.cards[0].impi}", guss(3, RIGHT))
    await served(app, ua, s, 200, ("naf_ok",))                     # the same bootstrap
    await ask(w.ports["bsf_ctl"], f"revoke btid {s.btid}")
    await served(app, ua, s, 401, ("naf_btid_unknown",))


@test("renew: the example application asks a device once, in the last half of the life of its key, to bootstrap again; one that does not is served to the end",
      smoke=True, req=["220-4.5.3-3", "220-4.5.3-5"])
async def renewed(t):
    w = World(t, guss="<guss><bsfInfo><lifeTime>4</lifeTime></bsfInfo><ussList></ussList></guss>").no_limits()
    await w.start()
    app = await FileApp(t, w, "renew 60", "recheck 0").start()
    s, ua = await w.ue().bootstrap(), app.client()

    async def ending():
        r = await ua.fetch(s)
        if r.status == 401:
            ua.take(r)
        return app.requests()[-1]["cause"] == "naf_key_ending"
    await t.until(ending, 20, "the device to be told")
    assert time.time() < s.expires_at
    causes.register("naf_key_ending")
    assert (await ua.fetch(s)).status == 200, "told, and not served any more"
    seen = [x["cause"] for x in app.requests()]
    assert seen.count("naf_key_ending") == 1 and "naf_ok" in seen[:seen.index("naf_key_ending")], seen


@test("recheck: off, the key serves on after a revocation; on, it serves on while the BSF is away", smoke=True, timeout=90)
async def kept(t):
    w = await World(t, raw_hss=True, guss=guss(1, RIGHT)).start()
    for line in ("recheck 0", "recheck 1"):
        app = await FileApp(t, w, line).start()
        s, ua = await w.ue().bootstrap(), app.client()
        assert (await ua.fetch(s)).status == 200
        if line == "recheck 1":
            await w.bsf.stop()
        else:
            await ask(w.ports["bsf_ctl"], f"revoke btid {s.btid}")
        for _ in range(6):
            assert (await ua.fetch(s)).status == 200, line
            await asyncio.sleep(0.3)                                 # longer than recheck says, in all
        await app.daemon.stop()


@test("naf.conf: what is wrong in it is said with file, line and what is allowed, and nothing is begun", smoke=True)
async def faults(t):
    w = World(t, raw_hss=True)
    exe = t.need_program("gba-naf-example")
    for more, said in ((["recheck soon"], "naf.conf: line 11: recheck soon; allowed: 0 to 86400 (seconds)"),
                       (["nonsense 1"], "naf.conf: line 11: there is no 'nonsense'"), (["realm a.org"], "line 11: 'realm' a second time")):
        rc, out, err = await procs.run([exe, "--config", conf(w, *more)], 20)
        assert rc == 2 and said in err, (rc, out, err)
    rc, out, err = await procs.run([exe, "--config", conf(w), "--fqdn", "a.example.com"], 20)
    assert rc == 2 and "beside --config only" in err, (rc, out, err)
    rc, out, err = await procs.run([exe, "--config", t.dir + "/none.conf"], 20)
    assert rc == 2 and "none.conf: No such file" in err, (rc, out, err)
