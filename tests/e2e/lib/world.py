# SPDX-License-Identifier: AGPL-3.0-or-later
"""One HSS (ours or raw), one BSF, their configuration from conf/, subscribers; everything in one temporary folder."""
import os
import random

from . import aka, dia, kdf, naf, procs, vty
from .cfg import Cfg
from .hss import RawHss
from .ue import Ue

BSF_ID = "bsf.mnc001.mcc001.3gppnetwork.org"
BSF_NAME = "bsf.mnc001.mcc001.pub.3gppnetwork.org"
HSS_ID = "hss.mnc001.mcc001.3gppnetwork.org"
OP = bytes.fromhex("cdc202d5123e20f62b6d676ac72cb318")
MCC_MNC = "00101"


class Card:
    """A subscriber: what the CSV row and the USIM hold."""

    def __init__(self, n, rng):
        self.imsi = f"{MCC_MNC}{n:010d}"
        self.impi = kdf.impi_from_imsi(self.imsi)
        self.k = rng.randbytes(16)
        self.opc = aka.Milenage(self.k, op=OP).opc
        self.sqn = "0"


class World:
    """World(t, ...): nothing runs before start(). raw_hss: our Python HSS in place of gba-hss-simd."""

    def __init__(self, t, n_cards=3, raw_hss=False, guss=None, name=""):
        self.t, self.raw = t, raw_hss
        self.dir = os.path.join(t.dir, name) if name else t.dir
        self.etc = os.path.join(self.dir, "etc")
        for sub in ("etc", "log", "bsf", "hss"):
            os.makedirs(os.path.join(self.dir, sub), exist_ok=True)
        rng = random.Random(os.urandom(16))
        self.cards = [Card(n + 1, rng) for n in range(n_cards)]
        self.guss = guss                        # XML for all cards with {impi} in it, or None
        self.ports = {w: procs.free_port() for w in ("ub", "dia", "hss")}
        self.ports |= {w: f"{self.dir}/{w}" for w in ("bsf_vty", "hss_vty", "bsf_ctl", "hss_ctl")}       # sockets
        self.keks = {w: rng.randbytes(32) for w in ("bsf", "hss")}
        for w, kek in self.keks.items():
            self.write_secret(f"{w}-1.kek", kek.hex() + "\n")
        self.make_hss = RawHss
        self.hss_env, self.bsf_env = {}, {}
        self.bsf_cfg, self.hss_cfg = self._bsf_cfg(), self._hss_cfg()
        self.bsf = self.hss = self.raw_hss = None
        self.ues = []
        self.more_secrets = []

    # --- files
    def write_secret(self, name, text):
        path = os.path.join(self.etc, name)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def usim(self, n=0, state=""):
        """Path of the card of subscriber n as gba-ue reads it; its state lies beside it, or where it is said."""
        c = self.cards[n]
        return self.write_secret(f"usim-{n + 1}.cfg", f"usim\n imsi {c.imsi}\n mnc-length 2\n k {c.k.hex()}\n opc {c.opc.hex()}\n algorithm milenage\n"
                                                      f" state-file {state or f'usim-{n + 1}.state'}\n")

    def _bsf_cfg(self):
        c = Cfg(os.path.join(procs.SRC, "conf", "gba-bsf.cfg"))
        c.set("ub", f"listen 127.0.0.1 {self.ports['ub']}")
        c.set("diameter", f"listen 127.0.0.1 {self.ports['dia']}")
        c.set(f"hss {HSS_ID}", f"connect 127.0.0.1 {self.ports['hss']}")
        c.set("store", f"lmdb {self.dir}/bsf")
        c.set("store", f"kek 1 file {self.etc}/bsf-1.kek")
        c.set("line vty", f"socket {self.ports['bsf_vty']}")
        c.set("control", f"socket {self.ports['bsf_ctl']}")
        self.log_level(c, "info")
        return c

    def _hss_cfg(self):
        c = Cfg(os.path.join(procs.SRC, "conf", "gba-hss-sim.cfg"))
        c.set("diameter", f"listen 127.0.0.1 {self.ports['hss']}")
        c.set("subscribers", f"database {self.dir}/hss/subscribers.sqlite")
        c.set("subscribers", f"kek 1 file {self.etc}/hss-1.kek")
        c.set("line vty", f"socket {self.ports['hss_vty']}")
        c.set("control", f"socket {self.ports['hss_ctl']}")
        self.log_level(c, "info")
        return c

    @staticmethod
    def log_level(cfg, level):
        cfg.remove("log stderr", "logging")
        cfg.add("log stderr", f"logging level set-all {level}")

    def no_limits(self):
        """Load tests: the limits that protect one subscriber and one source are configuration."""
        self.bsf_cfg.set("ub", "challenges-impi off")
        self.bsf_cfg.set("ub", "challenges-source off")
        return self

    def write_configs(self):
        self.bsf_cfg.write(os.path.join(self.etc, "gba-bsf.cfg"))
        self.hss_cfg.write(os.path.join(self.etc, "gba-hss-sim.cfg"))

    def csv(self):
        """The import file, in the form of conf/subscribers.csv."""
        rows = ["impi,imsi,k,op,opc,amf,algorithm,sqn,ind,guss"]
        for c in self.cards:
            guss = self.guss_of(c)
            name = f"guss-{c.imsi}.xml" if guss else ""
            if guss:
                with open(os.path.join(self.etc, name), "wb") as f:
                    f.write(guss)
            rows.append(f"{c.impi},{c.imsi},{c.k.hex()},,{c.opc.hex()},0000,milenage,{c.sqn},,{name}")
        return self.write_secret("subscribers.csv", "\n".join(rows) + "\n")

    def guss_of(self, card):
        return None if self.guss is None else self.guss.replace("{impi}", card.impi).encode()

    # --- processes
    def bsf_daemon(self):
        exe = self.t.need_program("gba-bsfd")
        return procs.Daemon("gba-bsfd", [exe, "-c", f"{self.etc}/gba-bsf.cfg"], f"{self.dir}/log/bsf.log", self.bsf_env)

    def hss_daemon(self):
        exe = self.t.need_program("gba-hss-simd")
        return procs.Daemon("gba-hss-simd", [exe, "-c", f"{self.etc}/gba-hss-sim.cfg"], f"{self.dir}/log/hss.log",
                            self.hss_env)

    async def import_subscribers(self, timeout=60):
        exe = self.t.need_program("gba-hss-simd")
        rc, out, err = await procs.run([exe, "-c", f"{self.etc}/gba-hss-sim.cfg", "--import", self.csv()], timeout)
        assert rc == 0, f"import ended with {rc}: {out}{err}"
        return out + err

    async def start(self, bsf=True, wait_peer=True):
        """HSS first, then BSF, then wait until the two are connected."""
        self.write_configs()
        if bsf:
            self.t.need_program("gba-bsfd")
        if self.raw:
            self.raw_hss = self.make_hss()
            for c in self.cards:
                self.raw_hss.add(c.impi, c.k, c.opc, self.guss_of(c))
            await self.raw_hss.start(self.ports["hss"])
            self.t.cleanup(self.raw_hss.stop)
        else:
            await self.import_subscribers()
            self.hss = self.hss_daemon()
            self.t.watch(self.hss)
            await self.hss.start()
        if bsf:
            self.bsf = self.bsf_daemon()
            self.t.watch(self.bsf)
            await self.bsf.start()
            if wait_peer:
                await self.wait_hss_peer()
        self.t.worlds.append(self)
        return self

    async def wait_hss_peer(self, timeout=15):
        """Until the BSF and its HSS have shaken hands."""
        await self.t.until(self.hss_open, timeout, "the BSF to be connected to the HSS")

    async def hss_open(self):
        text = await vty.command(self.ports["bsf_vty"], "show peers")
        return any(HSS_ID in line and "open" in line.lower() for line in text.split("\n"))

    # --- clients
    def ue(self, n=0):
        c = self.cards[n]
        ue = Ue(self.ports["ub"], c.impi, c.k, c.opc, BSF_NAME)
        self.ues.append(ue)
        return ue

    async def naf(self, identity="naf1.example.com", **kw):
        """A connected NAF; closed at the end of the test."""
        conn = await naf.connect(self.ports["dia"], identity, identity.split(".", 1)[1], **kw)
        self.t.cleanup(conn.close)
        return conn

    async def counters(self, which="bsf"):
        return await vty.counters(self.ports[f"{which}_vty"])

    async def vty(self, line, which="bsf"):
        return await vty.command(self.ports[f"{which}_vty"], line)

    def secrets(self):
        """Every key of this run."""
        out = list(self.keks.values()) + list(self.more_secrets)
        for ue in self.ues:
            out += ue.secrets
        if self.raw_hss:
            for rand, autn, xres, ck, ik in self.raw_hss.vectors:
                out += [xres, ck, ik, ck + ik]
        return list(dict.fromkeys(out))


async def raw_bsf_conn(t, port, identity=BSF_ID, **kw):
    """A raw Zh client, to drive a real HSS."""
    from . import dia_peer
    conn = await dia_peer.connect(port, identity, "mnc001.mcc001.3gppnetwork.org", [dia.APP_ZH], **kw)
    t.cleanup(conn.close)
    return conn
