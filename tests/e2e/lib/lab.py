# SPDX-License-Identifier: AGPL-3.0-or-later
"""conf/interop on ports of its own: our daemons as the target files of gba-interop have them."""
import os
import re
import shutil
import sys

from . import procs
from .cfg import Cfg
from .world import BSF_ID, HSS_ID, World

CONF = os.path.join(procs.SRC, "conf", "interop")
TOOL = os.path.join(procs.SRC, "interop", "gba-interop")


class Lab(World):
    def __init__(self, t, **kw):
        super().__init__(t, n_cards=0, **kw)
        for name in os.listdir(CONF):
            shutil.copy(os.path.join(CONF, name), self.etc)
        for name in ("bsf.toml", "hss.toml"):
            self.rewrite(name, lambda s: s.replace("timeout = 10", f"timeout = {10 * t.factor}"))
        ports = {"bsf.toml": {"3868": "dia", "8080": "ub"}, "hss.toml": {"3869": "hss"}}
        for name, which in ports.items():
            self.rewrite(name, lambda s, w=which: re.sub(r"^port = (\d+)", lambda m: f"port = {self.ports[w[m[1]]]}", s, flags=re.M))

    def rewrite(self, name, change):
        path = os.path.join(self.etc, name)
        with open(path, encoding="utf-8") as f:
            text = f.read()
        with open(path, "w", encoding="utf-8") as f:
            f.write(change(text))

    def target(self, role):
        return os.path.join(self.etc, "hss.toml" if role == "zh" else "bsf.toml")

    def _of(self, name, cfg):
        """The configuration of the folder with the places of this world: what the one of conf/ would have."""
        c = Cfg(os.path.join(CONF, name))
        for head, words in (("diameter", ["listen"]), ("ub", ["listen"]), (f"hss {HSS_ID}", ["connect"]), ("store", ["lmdb", "kek"]),
                            ("subscribers", ["database", "kek"]), ("line vty", ["socket"])):
            if all(n[0] != head for n in c.nodes):
                continue
            for word in words:
                c.set(head, next(x for x in cfg.node(head) if x.split()[0] == word).strip())
        self.log_level(c, "info")
        return c

    def _bsf_cfg(self):
        return self._of("gba-bsf.cfg", super()._bsf_cfg())

    def _hss_cfg(self):
        return self._of("gba-hss-sim.cfg", super()._hss_cfg())

    async def import_subscribers(self, timeout=60):
        """As the manual says it, by gba-interop --provision."""
        exe = self.t.need_program("gba-hss-simd")
        self.rewrite("hss.toml", lambda s: s.replace('"gba-hss-simd", "-c", "gba-hss-sim.cfg"', f'"{exe}", "-c", "{self.etc}/gba-hss-sim.cfg"'))
        rc, out, err = await procs.run([sys.executable, TOOL, "zh", "--target", self.target("zh"), "--provision"], timeout)
        assert rc == 0, f"--provision ended with {rc}: {out}{err}"
        return out + err

    async def interop(self, role, *more, target=None, timeout=120):
        """(exit status, output) of a run."""
        argv = [sys.executable, TOOL, role, "--target", target or self.target(role), "--destructive", *more]
        rc, out, err = await procs.run(argv, timeout)
        return rc, out + err


__all__ = ["BSF_ID", "Lab"]
