# SPDX-License-Identifier: AGPL-3.0-or-later
"""A card of each kind, and the two ends of the network a device with it talks to."""
import json
import os
import signal

from . import kdf, procs
from .pcsc import Pcscd, Vuicc
from .uicc import Modem, SimRest, Slot
from .web import RawBsf, RawNaf

IMSI = "001010000000001"
IMPI = kdf.impi_from_imsi(IMSI)
NAME = kdf.bsf_name(IMSI)
PAGE = "http://naf1.example.com/"


class Ends:
    """A card's keys, and the two ends of the network a device with it talks to."""

    def __init__(self, t):
        self.t, self.exe = t, t.need_program("gba-ue")
        self.k, self.opc = os.urandom(16), os.urandom(16)
        self.frozen = []

    async def start(self, name=NAME, impi=IMPI):
        self.name, self.impi, self.inside = name, impi, []
        self.bsf = await RawBsf(name, self.k, self.opc, impi).start()
        self.naf = await RawNaf(self.bsf).start()
        self.t.cleanup(self.bsf.stop)
        self.t.cleanup(self.naf.stop)
        return self

    def card_file(self, name, *lines):
        path = f"{self.t.dir}/{name}.cfg"
        words = (f"imsi {IMSI}", "mnc-length 2", f"k {self.k.hex()}", f"opc {self.opc.hex()}", "algorithm milenage",
                 f"state-file {name}.state") + lines
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as f:
            f.write("usim\n" + "".join(f" {x}\n" for x in words))
        return path

    async def ue(self, *words):
        """gba-ue with these words: (exit code, what it says as JSON)"""
        argv = self.inside + [self.exe, "--json", "--connect-to", f"{self.name}:80:127.0.0.1:{self.bsf.port}",
                "--connect-to", f"naf1.example.com:80:127.0.0.1:{self.naf.port}", *words]
        rc, out, err = await procs.run(argv, 20)
        for secret in (self.k, self.opc) + tuple(ks for ks, _ in self.bsf.sessions.values()):
            assert secret.hex() not in out + err, "a key is printed"
        return rc, json.loads(out)

    def kept(self):
        """Everything the device has written."""
        out = b""
        for name in sorted(os.listdir(self.t.dir)):
            if name.endswith(".gba"):
                with open(os.path.join(self.t.dir, name), "rb") as f:
                    out += f.read()
        return out

    async def slot(self, *lines):
        """A whole UICC in a reader of our own."""
        slot = await Slot().start()
        self.t.cleanup(slot.stop)
        self.vuicc = await Vuicc(self.t, slot.port, self.card_file("vuicc", *UICC, *lines)).start()
        self.vuicc_slot = slot
        return await slot.card()

    async def reader(self, *lines):
        """The same in a reader of pcscd; the text that names it."""
        self.pcscd = await Pcscd(self.t).start()
        self.inside = self.pcscd.inside()
        self.vuicc = await Vuicc(self.t, self.pcscd.port, self.card_file("vuicc", *UICC, *lines)).start()
        assert await self.pcscd.send("in") == []
        return f"pcsc:{self.pcscd.reader},pin-file={self.pin_file('1234')},state={self.t.dir}/card"

    def freeze(self, daemon):
        """It hangs until thaw(), which also comes at the end of the test."""
        os.kill(daemon.pid, signal.SIGSTOP)
        self.frozen.append(daemon.pid)
        self.t.cleanup(self.thaw)

    def thaw(self):
        while self.frozen:
            os.kill(self.frozen.pop(), signal.SIGCONT)

    def pin_file(self, digits):
        path = f"{self.t.dir}/pin"
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as f:
            f.write(digits + "\n")
        return path

    async def modem(self, slot, **kinds):
        modem = await Modem(slot, **kinds).start()
        self.t.cleanup(modem.stop)
        return modem


UICC = ("iccid 8988211000000000007", "pin 1234", "puk 12345678")


async def rest(e, gba):
    server = await SimRest(await e.slot("gba u")).start()         # the card could; this way cannot
    server.pin = "1234"
    e.t.cleanup(server.stop)
    return f"rest:http://127.0.0.1:{server.port},mnc-length=2,state={e.t.dir}/card"


def modem(**kinds):
    async def make(e, gba):
        m = await e.modem(await e.slot(f"gba {gba}"), **kinds)
        e.at = m
        return f"modem:{m.device},pin-file={e.pin_file('1234')},state={e.t.dir}/card"
    return make
