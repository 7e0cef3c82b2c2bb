# SPDX-License-Identifier: AGPL-3.0-or-later
"""gba-ue with a card, and the two ends of the network it talks to: a raw BSF and a raw NAF."""
import json
import os

from . import aka, kdf, procs
from .web import RawBsf, RawNaf

IMSI = "001010000000001"
IMPI = kdf.impi_from_imsi(IMSI)
NAME = kdf.bsf_name(IMSI)


class Device:
    """A folder with a card, and the two ends of the network it talks to."""

    def __init__(self, t):
        self.t = t
        self.k, self.op = os.urandom(16), os.urandom(16)
        self.opc = aka.Milenage(self.k, op=self.op).opc
        self.exe = t.need_program("gba-ue")
        self.write_card()

    def write_card(self):
        with open(os.path.join(procs.SRC, "conf", "usim-1.cfg"), encoding="utf-8") as f:
            text = f.read()
        lines = []
        for line in text.split("\n"):
            word = line.split()[0] if line.split() else ""
            value = {"k": self.k.hex(), "op": self.op.hex()}.get(word)
            lines.append(f" {word} {value}" if value else line)
        self.card = self.t.dir + "/usim-1.cfg"
        fd = os.open(self.card, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "w") as f:
            f.write("\n".join(lines))

    async def start(self):
        self.bsf = await RawBsf(NAME, self.k, self.opc, IMPI).start()
        self.naf = await RawNaf(self.bsf).start()
        self.t.cleanup(self.bsf.stop)
        self.t.cleanup(self.naf.stop)
        return self

    async def run(self, *words):
        rc, out, err = await procs.run(self.at("--json", *words), 20)
        for secret in (self.k, self.op, self.opc) + tuple(ks for ks, _ in self.bsf.sessions.values()):
            assert secret.hex() not in out + err, "a key is printed"
        assert IMSI not in out, "an identity is shown"
        o = json.loads(out)
        assert {"result", "cause", "status", "run"} <= set(o), o
        return rc, o, err

    def at(self, *words):
        """The command line without --json."""
        return [self.exe, "-c", self.card, "--connect-to", f"{NAME}:80:127.0.0.1:{self.bsf.port}",
                "--connect-to", f"naf1.example.com:80:127.0.0.1:{self.naf.port}", *words]

    def state(self):
        out = {}
        for name in sorted(os.listdir(self.t.dir)):
            with open(os.path.join(self.t.dir, name), "rb") as f:
                out[name] = f.read()
        return out
