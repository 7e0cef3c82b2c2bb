# SPDX-License-Identifier: AGPL-3.0-or-later
"""Two operators: a World is the home, op-b.example is the visited network with its NAFs and gba-znproxyd."""
import os

from . import dia, dia_peer, naf, procs, vty
from .app import a_btid
from .cfg import Cfg
from .dia import Avp
from .pki import pki
from .tls import tls_world
from .world import BSF_ID, BSF_NAME

PROXY_ID = "znproxy.op-b.example"
REALM = "op-b.example"
NAF_ID = "naf1.apps.op-b.example"
MINE = naf.naf_id(NAF_ID)
DENIED = (10415, 5402)


async def ask(conn, btid=None, name=NAF_ID, **kw):
    """The answer to a BIR; for the key of nobody where no B-TID is given."""
    return await naf.fetch(conn, btid or a_btid(), name if isinstance(name, bytes) else naf.naf_id(name), **kw)


class Proxy:
    """gba-znproxyd of the visited network. home: a World with TLS, or several: (name, realms, [(identity, address, port)])."""

    def __init__(self, t, folder, prefix=()):
        self.t, self.dir, self.prefix = t, folder, list(prefix)
        os.makedirs(folder, exist_ok=True)
        self.ports = {"naf": procs.free_port(), "vty": f"{folder}/vty", "ctl": f"{folder}/ctl"}
        self.path = os.path.join(folder, "gba-znproxy.cfg")
        c = self.cfg = Cfg(os.path.join(procs.SRC, "conf", "gba-znproxy.cfg"))
        c.set("diameter", f"listen 127.0.0.1 {self.ports['naf']}")
        c.set("line vty", f"socket {self.ports['vty']}")
        c.set("control", f"socket {self.ports['ctl']}")
        c.remove("log stderr", "logging")
        c.add("log stderr", "logging level set-all info")
        c.remove_node("home op-a")
        self.set_naf(NAF_ID, "speaks-for " + NAF_ID)
        self.daemon = None
        self.pairs = {}

    def set_naf(self, identity, *lines, address="127.0.0.0/8"):
        self.cfg.remove_node(f"naf {identity}")
        for line in (f"address {address}",) + lines:
            self.cfg.add(f"naf {identity}", line)

    def add_home(self, name, realms, bsfs, names=("*.apps." + REALM,), ca="ca", trust="ca"):
        """What this home certifies us by has our identity and names."""
        head, pair = f"home {name}", pki().make(f"znproxy-{name}", PROXY_ID, *names, ca=ca)
        self.cfg.remove_node(head)
        self.pairs[name] = pair
        for r in realms:
            self.cfg.add(head, f"realm {r}")
        for identity, address, port in bsfs:
            self.cfg.add(head, f"bsf {identity} {address} {port}")
        self.cfg.add(head, f"tls certificate {pair.certificate}")
        self.cfg.add(head, f"tls key {pair.key}")
        self.cfg.add(head, f"tls ca {pki().ca(trust)}")
        return pair

    async def start(self, wait=True):
        self.cfg.write(self.path)
        exe = self.t.need_program("gba-znproxyd")
        self.daemon = procs.Daemon("gba-znproxyd", self.prefix + [exe, "-c", self.path], os.path.join(self.dir, "proxy.log"))
        self.t.watch(self.daemon)
        await self.daemon.start()
        if wait:
            await self.t.until(self.all_open, 15, "the proxy to be connected to its homes", self.peers)
        return self

    async def peers(self):
        return await vty.command(self.ports["vty"], "show peers")

    async def all_open(self):
        lines = [x for x in (await self.peers()).split("\n") if x.startswith("home ")]
        return lines and all(" open," in x for x in lines)

    @property
    def bsf(self):
        """For causes.counted()."""
        return self.daemon

    async def counters(self, _which="bsf"):
        return await vty.counters(self.ports["vty"])

    async def naf(self, identity=NAF_ID, **kw):
        """A connected NAF; closed at the end of the test."""
        conn = await naf.connect(self.ports["naf"], identity, identity.split(".", 1)[1], **kw)
        self.t.cleanup(conn.close)
        return conn


def home_world(t, names=("*.apps." + REALM,), lines=(), **kw):
    """A home that knows the proxy of the visited network."""
    w = tls_world(t, **kw)
    head = f"naf {PROXY_ID}"
    for line in ("address 127.0.0.0/8", "proxy", f"visited-network {REALM}") + tuple(f"speaks-for {n}" for n in names) + tuple(lines):
        w.bsf_cfg.add(head, line)
    return w


def home_of(w):
    """What Proxy.add_home() wants of a World."""
    return [naf.BSF_REALM, BSF_NAME], [(BSF_ID, "127.0.0.1", w.ports["tls"])]


class Home(dia_peer.Server):
    """A BSF of a home as the proxy sees it: .answers(conn, bir) does what a test wants; by default a key that is none."""

    def __init__(self, identity=BSF_ID, realm=naf.BSF_REALM):
        super().__init__(identity, realm, [dia.APP_ZN], self._on_request)
        self.birs, self.octets, self.answers = [], [], None

    async def begin(self, t, ca="ca", port=0):
        self.pair = pki().make("home-" + self.identity, self.identity, ca=ca)
        await self.start(port, tls=pki().context(self.pair, True))
        t.cleanup(self.stop)
        return self

    def bia(self, bir, *avps):
        head = [dia.vsai(dia.APP_ZN), Avp(dia.ORIGIN_HOST, self.identity), Avp(dia.ORIGIN_REALM, self.realm)]
        return bir.answer(head + list(avps or (Avp(dia.RESULT, 2001), Avp(dia.ME_KEY, b"k" * 32))))

    async def _on_request(self, conn, bir):
        self.birs.append(bir)
        if self.answers is None:
            await conn.send(self.bia(bir))
        else:
            await self.answers(conn, bir)


async def raw_home(t, n=1, ident=BSF_ID, folder="visited", **kw):
    """A proxy and n BSFs of one home that are ours. -> proxy, homes"""
    homes = [await Home(ident if i == 0 else f"bsf{i + 1}." + naf.BSF_REALM).begin(t) for i in range(n)]
    p = Proxy(t, os.path.join(t.dir, folder))
    p.add_home("op-a", [naf.BSF_REALM, BSF_NAME], [(h.identity, "127.0.0.1", h.port) for h in homes], **kw)
    return p, homes


async def roaming(t, w=None, **kw):
    """One home and one proxy, connected. Names of the certificate by names=."""
    w = w or home_world(t)
    await w.start()
    p = Proxy(t, os.path.join(w.dir, "visited"))
    p.add_home("op-a", *home_of(w), **kw)
    await p.start()
    return w, p
