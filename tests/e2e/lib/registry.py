# SPDX-License-Identifier: AGPL-3.0-or-later
"""A realm: HSS simulator, BSF and the registry that tells both, with one application that starts from its naf.conf alone."""
import json
import os
import random

from . import ctl, naf, procs
from .app import App
from .cfg import Cfg
from .dia_peer import PeerClosed
from .world import BSF_NAME, World

ASP, FQDN = "asp-1", "video.example.com"
OWN = "apps.operator.example"


class Realm(World):
    """Realm(t): as World, with gba-regd, which writes the BSF's policy directory."""

    def __init__(self, t, n_cards=3, guss=None):
        super().__init__(t, n_cards, guss=guss)
        os.makedirs(os.path.join(self.dir, "reg"), mode=0o700, exist_ok=True)
        self.policy = os.path.join(self.dir, "policy")
        os.makedirs(self.policy, mode=0o700, exist_ok=True)
        self.ports |= {w: f"{self.dir}/{w}" for w in ("reg_vty", "reg_ctl")}
        self.keks["reg"] = random.randbytes(32)
        self.write_secret("reg-1.kek", self.keks["reg"].hex() + "\n")
        self.anchor = os.path.join(self.dir, "audit.anchor")
        self.database = os.path.join(self.dir, "reg", "registry.sqlite")
        self.reg_cfg, self.reg = self._reg_cfg(), None
        self.no_limits()
        self.bsf_cfg.node(f"policy directory {self.policy}")

    def _reg_cfg(self):
        c = Cfg(os.path.join(procs.SRC, "conf", "gba-reg.cfg"))
        c.set("registry", f"database {self.database}")
        c.set("registry", f"kek 1 file {self.etc}/reg-1.kek")
        c.set("registry", f"anchor {self.anchor}")
        c.set("registry", f"bsf-address 127.0.0.1:{self.ports['dia']}")
        c.set("registry", "recheck 2")
        c.add("registry", "naf-conf refusal 1")
        c.set("target bsf-1 bsf", f"socket {self.ports['bsf_ctl']}")
        c.set("target bsf-1 bsf", f"policy-directory {self.policy}")
        c.set("target hss-1 hss", f"socket {self.ports['hss_ctl']}")
        c.set("line vty", f"socket {self.ports['reg_vty']}")
        c.set("control", f"socket {self.ports['reg_ctl']}")
        return c

    def reg_daemon(self):
        exe = self.t.need_program("gba-regd")
        self.reg_cfg.write(os.path.join(self.etc, "gba-reg.cfg"))
        return procs.Daemon("gba-regd", [exe, "-c", f"{self.etc}/gba-reg.cfg"], f"{self.dir}/log/reg.log")

    async def start(self, **kw):
        await super().start(**kw)
        await self.start_reg()
        return self

    async def start_reg(self):
        if not self.reg:
            self.reg = self.reg_daemon()
            self.t.watch(self.reg)
        await self.reg.start()

    async def order(self, command):
        """What gba-regd answers."""
        return await ctl.ask(self.ports["reg_ctl"], command)

    async def refused(self, command):
        return await ctl.refused(self.ports["reg_ctl"], command)

    async def granted(self):
        """The first device may use our application, and everybody has been told."""
        impi = self.cards[0].impi
        for line in (f"app add {ASP} {FQDN} 127.0.0.1/32", f"device add {impi}", f"grant {impi} {FQDN}"):
            await self.order(line)
        await self.told()

    async def told(self, timeout=20):
        """Until nothing waits in the outbox."""
        async def empty():
            return not any(t["waiting"] for t in (await self.order("outbox"))["targets"])
        await self.t.until(empty, timeout, "all targets to be told", then=lambda: self.order("outbox"))

    async def has_key(self, session, fqdn=FQDN, shut_out=False):
        """Does an application get the key of a session? It must be the right one. shut_out: it may be one that gets no connection at all."""
        try:
            conn = await self.naf(fqdn)
            key = (await naf.fetch(conn, session.btid, naf.naf_id(fqdn))).key
            await conn.close()
        except (OSError, PeerClosed):
            if not shut_out:
                raise
            return False
        assert key in (None, session.ks_naf(fqdn)), f"{fqdn} has a wrong key"
        return key is not None

    async def app(self, fqdn=FQDN, asp=ASP, name="naf"):
        """An application as registered: gba-naf-example with the naf.conf it was given."""
        conf = (await self.order(f"app add {asp} {fqdn} 127.0.0.1/32"))["naf_conf"]
        await self.told()                                          # who is not admitted yet comes again seconds later
        path = os.path.join(self.etc, fqdn + ".conf")
        with open(path, "w", encoding="utf-8") as f:
            f.write(conf)
        app = App(self.t, 0, fqdn=fqdn, name=name)
        app.daemon.argv = [self.t.need_program("gba-naf-example"), "--config", path, "--listen", f"127.0.0.1:{app.port}", "--json-log"]
        return app


class Registry(Realm):
    """A realm whose registry has an application of its own; by TLS, if tls is a pair for it."""

    def __init__(self, t, tls=None):
        super().__init__(t)
        self.tls = tls

    async def start(self):
        await super().start()
        conf = (await self.order(f"app add operator {OWN} 127.0.0.1/32"))["naf_conf"]
        with open(os.path.join(self.etc, "own.conf"), "w", encoding="utf-8") as f:
            f.write(conf)
        self.ports["own"] = procs.free_port()
        self.reg_cfg.add("registry", f"own-app listen 127.0.0.1 {self.ports['own']}")
        self.reg_cfg.add("registry", "own-app naf-conf own.conf")
        if self.tls:
            self.reg_cfg.add("registry", f"own-app tls certificate {self.tls.certificate}")
            self.reg_cfg.add("registry", f"own-app tls key {self.tls.key}")
        self.reg_cfg.add("profile high", "keys device")
        await self.told()
        await self.reg.stop()
        self.reg_cfg.write(os.path.join(self.etc, "gba-reg.cfg"))
        await self.reg.start()
        return self

    def device(self, n):
        """The command line of gba-ue with card n."""
        return [self.t.need_program("gba-ue"), "-c", self.usim(n), "--connect-to", f"{BSF_NAME}:80:127.0.0.1:{self.ports['ub']}",
                "--connect-to", f"{OWN}:80:127.0.0.1:{self.ports['own']}"]

    async def apps(self, n, *options, command="apps", path="/"):
        rc, out, err = await procs.run(self.device(n) + ["--json", *options, command, f"http://{OWN}{path}"], 30)
        return rc, json.loads(out)

    async def listed(self, n):
        rc, x = await self.apps(n)
        return [a["fqdn"] for a in x["apps"]] if rc == 0 else (rc, x["cause"])


async def page(app, ua, session):
    """Status and cause of one page; a challenge is taken."""
    r = await ua.fetch(session)
    if r.status == 401:
        ua.take(r)
    return r.status, app.requests()[-1]["cause"]


async def page_until(app, ua, session, status, timeout=20):
    async def there():
        return (await page(app, ua, session))[0] == status
    await app.t.until(there, timeout, f"a page with {status}")
