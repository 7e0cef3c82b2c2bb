# SPDX-License-Identifier: AGPL-3.0-or-later
"""gba-ued as a process with cards of its own, and who asks it."""
import asyncio
import json
import os

from . import aka, causes, kdf, procs, vty
from .web import RawBsf

NAF = "naf1.example.com"


class Realm:
    """A card and its BSF, raw unless another port is told."""

    def __init__(self, t, name, imsi, k=None, opc=None, port=None, gba="me"):
        self.t, self.name, self.imsi, self.port, self.gba = t, name, imsi, port, gba
        self.impi, self.bsf_name = kdf.impi_from_imsi(imsi), kdf.bsf_name(imsi)
        self.k = k or os.urandom(16)
        self.opc = opc or aka.Milenage(self.k, op=os.urandom(16)).opc
        self.card = f"{t.dir}/agent/{name}-card.cfg"
        self.text = None                        # what the configuration says, if not the file of this card

    async def start(self):
        if not self.port:
            self.bsf = await RawBsf(self.bsf_name, self.k, self.opc, self.impi).start()
            self.bsf.gba_u = "sha1" if self.gba == "u" else None
            self.t.cleanup(self.bsf.stop)
            self.port = self.bsf.port
        self.put_card()

    def put_card(self):
        text = (f"usim\n imsi {self.imsi}\n mnc-length 2\n k {self.k.hex()}\n opc {self.opc.hex()}\n algorithm milenage\n"
                f" state-file {self.name}-card.state\n gba {self.gba}\n")
        fd = os.open(self.card, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "w") as f:
            f.write(text)

    def runs(self):
        """How many sessions its BSF has made."""
        return len(self.bsf.sessions)

    def key(self, btid, naf=NAF, ua=kdf.UA_HTTP_DIGEST):
        """What this BSF would give the application."""
        ks, rand = self.bsf.sessions[btid]
        return kdf.ks_naf(ks, rand, self.impi, naf.encode() + ua)


class Agent:
    def __init__(self, t, *realms, programs=None, more=(), inside=()):
        self.t, self.realms, self.more = t, realms, list(more)
        self.programs = programs if programs is not None else {os.geteuid(): ["naf any", "manage"]}
        self.dir, self.socket, self.vty = t.dir + "/agent", t.dir + "/agent/ask", t.dir + "/agent/vty"
        self.state = self.dir + "/state"
        os.makedirs(self.state, mode=0o700)
        os.chmod(self.dir, 0o755)
        os.chmod(self.state, 0o700)
        self.cfg = self.dir + "/gba-ue.cfg"
        self.exe = t.need_program("gba-ued")
        self.daemon = procs.Daemon("gba-ued", [*inside, self.exe, "-c", self.cfg], self.dir + "/log")
        t.watch(self.daemon)

    def write(self):
        lines = ["log stderr", " logging level set-all info", "agent", " socket ask", " state state", *(" " + x for x in self.more)]
        lines += [f" connect-to {r.bsf_name}:80:127.0.0.1:{r.port}" for r in self.realms]
        for r in self.realms:
            lines += [f"realm {r.name}", f" card {r.text or r.card}"]
        for uid, words in self.programs.items():
            lines += [f"program uid {uid}", *(" " + x for x in words)]
        with open(self.cfg, "w", encoding="utf-8") as f:
            f.write("\n".join(lines + ["line vty", " socket vty", ""]))

    async def start(self):
        for r in self.realms:
            await r.start()
        self.write()
        await self.daemon.start()
        return self

    async def ask(self, line, half_close=False):
        """One line, its answer."""
        reader, writer = await asyncio.open_unix_connection(self.socket)
        try:
            writer.write(line.encode() + b"\n")
            if half_close:
                writer.write_eof()
            answer = await asyncio.wait_for(reader.readline(), 20 * procs.FACTOR)
            assert answer.endswith(b"\n"), answer
            return json.loads(answer)
        finally:
            writer.close()

    async def key(self, naf=NAF, words=""):
        a = await self.ask(f"key {naf}{words and ' ' + words}")
        assert a["cause"] == "ok", a
        return a

    async def token(self, name=None):
        """The active realm, or the one of this name."""
        realms = (await self.ask("list"))["realms"]
        assert sum(r["active"] for r in realms) == 1, realms
        return next(r for r in realms if (r["realm"] == name if name else r["active"]))

    def kept(self):
        """Every octet of the state folder."""
        out = b""
        for name in sorted(os.listdir(self.state)):
            with open(os.path.join(self.state, name), "rb") as f:
                out += f.read()
        return out

    async def secrets(self):
        return {f"{r.name} {what}": key for r in self.realms for what, key in self._of(r)}

    @staticmethod
    def _of(r):
        for ks, _ in r.bsf.sessions.values():
            yield f"Ks {ks.hex()[:8]}", ks


async def moved(agent, **expected):
    """These causes stand in the agent's counters and in its log; registered."""
    async def there():
        c = await vty.counters(agent.vty)
        return all(c.get(k, 0) >= n for k, n in expected.items())
    await agent.t.until(there, 5, f"counters {expected}")
    for name in expected:
        assert name in agent.daemon.text(), f"no log line names {name}"
        causes.register(name)
