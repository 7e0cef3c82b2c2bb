# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a case gets: the target, the connection to it, its subscribers' cards and sessions."""
import asyncio
import contextlib
import ssl

from ..wire import aka, dia, dia_peer, http_raw, naf, tap, ue, zh
from ..wire.dia import Avp, Msg
from . import answers, needs, target


class Card(aka.Usim):
    """A new card: the first number it sees, it takes; the AuC may count from anywhere."""

    def __init__(self, sub):
        algorithm = aka.Xor(sub.k) if sub.algorithm == "xor" else None
        super().__init__(sub.k, sub.opc, sub.op, algorithm)
        self.gba = {"me": None, "gba-u": "sha1", "gba-u-sha256": "sha256"}[sub.uicc]

    def authenticate(self, rand, autn):
        if not any(self.seq):
            sqn = aka.xor(autn[:6], self.mil.f2345(rand)[3])
            self.seq = [max(0, (int.from_bytes(sqn, "big") >> aka.IND_BITS) - 1)] * 32
        return super().authenticate(rand, autn)


class Device(ue.Ue):
    """Every answer is judged."""

    def __init__(self, bench, sub):
        ub = bench.target.ub
        name = {"usim": ub.name, "isim": ub.isim_name, "home": ub.home_name}[sub.kind] or ub.name
        super().__init__(ub.port, sub.impi, sub.k, sub.opc, name, ub.host)
        self.usim, self.bench, self.sub = Card(sub), bench, sub
        self.agent = "gba-interop/1 3gpp-gba-tmpi"

    async def send(self, *args, timeout=None, **kw):
        r = await super().send(*args, timeout=timeout or self.bench.timeout, **kw)
        self.bench.judge_ub(r)
        return r


class Bench:
    def __init__(self, t, role):
        self.target, self.role, self.timeout = t, role, t.target.timeout
        self.names = {n.lower() for n in (t.ub.name, t.ub.isim_name, t.ub.home_name) if n} if t.ub else set()
        self._main, self._more, self._devices, self._sessions = None, [], {}, {}
        self.notes = []
        self.can = frozenset()

    def skip(self, why):
        raise tap.Skip(why)

    def note(self, text):
        self.notes.append(text)

    # --- Diameter
    @property
    def app(self):
        return dia.APP_ZH if self.role == "zh" else dia.APP_ZN

    def identity(self, which="main"):
        return target.peer(self.target, "zh" if self.role == "zh" else "zn", which)

    def _tls(self, p):
        if self.target.diameter.security != "tls":
            return None
        c = ssl.create_default_context(cafile=p.tls_ca)
        c.check_hostname = False                     # a case of its own looks at the name
        c.load_cert_chain(p.tls_certificate, p.tls_key)
        return c

    async def shake(self, which="main", certificate=True):
        """A TLS connection: the names in their certificate. Raises what the handshake raises."""
        p, d = self.identity(which), self.target.diameter
        c = ssl.create_default_context(cafile=p.tls_ca)
        c.check_hostname = False
        if certificate:
            c.load_cert_chain(p.tls_certificate, p.tls_key)
        reader, writer = await asyncio.open_connection(d.host, d.port, local_addr=(p.source, 0) if p.source else None, ssl=c)
        self._more.append(writer)
        shown = writer.get_extra_info("ssl_object").getpeercert()
        return reader, writer, [v.lower() for k, v in shown.get("subjectAltName", ()) if k == "DNS"]

    async def connect(self, which="main", cer=True, keep=False, **kw):
        """A connection of its own, ended with the case. Just after another of this name has ended it may be refused for a moment."""
        p, d = self.identity(which), self.target.diameter
        if which == "main" and not keep:
            await self._drop_main()
        for left in range(40, -1, -1):
            conn = await dia_peer.connect(d.port, kw.get("identity", p.identity), p.realm, kw.get("apps", [self.app]), d.host, p.source or None,
                                          cer=False, tls=self._tls(p))
            conn.product = "gba-interop"
            if not keep:
                self._more.append(conn)
            if cer:
                conn.cea = await conn.capabilities_exchange(self.timeout)
                if conn.cea.result in (5012, 4003) and left:
                    await conn.close()
                    await asyncio.sleep(0.05)
                    continue
                if not kw.get("refused"):
                    assert conn.cea.result == 2001, f"CEA with {conn.cea.result}"
            return conn

    async def main(self):
        """The connection that lasts."""
        if self._main is None or self._main.closed.is_set():
            self._main = await self.connect(keep=True)
            # some give a request no answer that comes as quick as this behind the CEA
            await self._main.request(Msg(dia.CMD_DW, 0, self._main.origin(), dia.R), self.timeout)
        return self._main

    async def _drop_main(self):
        if self._main:
            await self._main.disconnect()
        self._main = None

    async def ask(self, conn, m, *results, failed=None, session=True):
        """The answer to a request, judged; its result must be one of these."""
        a = await conn.request(m, self.timeout)
        return self.judge(m, a, *results, failed=failed, session=session)

    def judge(self, q, a, *results, failed=None, session=True):
        bad = answers.diameter(q, a, self.target.diameter, session)
        assert not bad, "; ".join(bad)
        assert not results or a.result in results, f"result {a.result}, not {' or '.join(map(str, results))}"
        if failed is not None:
            f = a.find(dia.FAILED_AVP)
            assert f and failed in [x.code for x in f.data], f"Failed-AVP does not name {failed}: {f}"
        return a

    async def watchdog(self, conn):
        """It lives: a DWR is answered."""
        return await self.ask(conn, Msg(dia.CMD_DW, 0, conn.origin(), dia.R), 2001, session=False)

    async def valid(self, conn):
        """A request that is answered with 2001, for the cases that make something wrong of it."""
        if self.role == "zh":
            return zh.mar(conn, self.sub().impi, self.target.diameter.realm)
        if "ub" not in self.can:
            self.skip("needs a session: " + needs.FACTS["ub"])
        s = await self.session()
        return naf.bir(conn, s.btid, naf.naf_id(self.fqdn()), self.target.diameter.realm, u_aware=0)

    # --- subscribers
    def sub(self, uicc="me", kind="usim", nth=0, where=lambda s: True):
        found = [s for s in self.target.subscriber if (uicc == "any" or (s.uicc == "me") == (uicc == "me")) and kind in ("any", s.kind) and where(s)]
        if len(found) <= nth:
            self.skip(f"needs {nth + 1} subscriber(s) with uicc {uicc}, kind {kind}" if found else "no such subscriber in the target file")
        return found[nth]

    def device(self, sub=None):
        """Its device; the same through the run, as its card remembers what it saw."""
        sub = sub or self.sub()
        if sub.name not in self._devices:
            self._devices[sub.name] = Device(self, sub)
        return self._devices[sub.name]

    async def session(self, sub=None, fresh=False):
        """A session of this subscriber; one for the whole run unless fresh."""
        sub = sub or self.sub()
        if fresh or sub.name not in self._sessions:
            self._sessions[sub.name] = await self.device(sub).bootstrap()
        return self._sessions[sub.name]

    def judge_ub(self, r):
        bad = answers.ub(r, self.names, "tmpi" in self.can)
        assert not bad, "; ".join(bad)

    async def http(self):
        """A connection to the BSF that a case writes on by itself."""
        conn = await http_raw.HttpConn.open(self.target.ub.port, self.target.ub.host)
        self._more.append(conn)
        return conn

    # --- Zn
    def fqdn(self, nth=0):
        """A name that the main naf speaks for."""
        p = target.peer(self.target, "zn")
        return [n for n in (p.names or [p.identity]) if not n.startswith("*.")][nth]

    async def bir(self, btid, naf_id=None, conn=None, **kw):
        """The answer, judged, as naf.Bia."""
        conn = conn or await self.main()
        m = naf.bir(conn, btid, naf.naf_id(self.fqdn()) if naf_id is None else naf_id, kw.pop("realm", self.target.diameter.realm), **kw)
        return naf.Bia(await self.ask(conn, m))

    # --- the end of a case
    def strays(self):
        """Answers that came and nobody waited for, in words."""
        conns = [c for c in self._more + [self._main] if isinstance(c, dia_peer.Conn)]
        return [f"an answer nobody waits for: command {m.cmd}, hop-by-hop {m.hbh:08x}" for c in conns for m in c.unsolicited if m.cmd != dia.CMD_DP]

    async def finish(self, failed):
        for c in self._more:
            with contextlib.suppress(Exception):
                r = c.close()
                if asyncio.iscoroutine(r):
                    await r
        self._more = []
        if failed:                                     # what is left of it tells nothing about the next case
            self._devices, self._sessions = {}, {}
            with contextlib.suppress(Exception):
                await self._drop_main()
            self._main = None

    async def close(self):
        await self.finish(False)
        with contextlib.suppress(Exception):
            await self._drop_main()


def avp_of(m, code):
    """The octets of an AVP, or None."""
    a = m.find(code)
    return None if a is None else a.data


__all__ = ["Avp", "Bench", "avp_of"]
