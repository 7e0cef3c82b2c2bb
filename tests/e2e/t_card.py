# SPDX-License-Identifier: AGPL-3.0-or-later
"""Every kind of card behind gba-ue, each asked for what it states; keys against a computation of their own."""
import json
import os

from lib import aka, kdf, procs
from lib.runner import test
from lib.web import RawBsf, RawNaf

IMSI = "001010000000001"
IMPI = kdf.impi_from_imsi(IMSI)
NAME = kdf.bsf_name(IMSI)
PAGE = "http://naf1.example.com/"


class Ends:
    """A card's keys, and the two ends of the network a device with it talks to."""

    def __init__(self, t):
        self.t, self.exe = t, t.need_program("gba-ue")
        self.k, self.opc = os.urandom(16), os.urandom(16)

    async def start(self, name=NAME, impi=IMPI):
        self.name = name
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
        argv = [self.exe, "--json", "--connect-to", f"{self.name}:80:127.0.0.1:{self.bsf.port}",
                "--connect-to", f"naf1.example.com:80:127.0.0.1:{self.naf.port}", *words]
        rc, out, err = await procs.run(argv, 20)
        for secret in (self.k, self.opc) + tuple(ks for ks, _ in self.bsf.sessions.values()):
            assert secret.hex() not in out + err, "a key is printed"
        return rc, json.loads(out)

    def key_of(self, btid):
        ks, rand = self.bsf.sessions[btid]
        return kdf.ks_naf(ks, rand, IMPI, b"naf1.example.com" + kdf.UA_HTTP_DIGEST)

    def files(self):
        """Everything the device and the card have written."""
        out = b""
        for name in sorted(os.listdir(self.t.dir)):
            if name.endswith((".state", ".gba")):
                with open(os.path.join(self.t.dir, name), "rb") as f:
                    out += f.read()
        return out


@test("the device picks the context by its card before it sees the challenge: of the four pairs with the network two fail, "
      "and both possible mismatches are named", smoke=True)
async def four_pairs(t):
    e = await Ends(t).start()
    cards = {"me": e.card_file("me"), "u": e.card_file("u", "gba u")}
    for network in (None, "sha1"):
        for kind, path in cards.items():
            e.bsf.gba_u, failures = network, e.bsf.mac_failures
            rc, out = await e.ue("-c", path, "bootstrap")
            if (network is not None) == (kind == "u"):
                assert rc == 0 and out["btid"] in e.bsf.sessions, (network, kind, out)
                continue
            assert (rc, out["cause"]) == (3, "autn") and e.bsf.mac_failures == failures + 1, (network, kind, out)
            assert "does not know the key" in out["reason"], out
            assert ("with GBA_U" if kind == "me" else "without GBA_U") in out["reason"], out
            assert len(e.bsf.open) == 0, "the device does not try the other context by itself"


@test("GBA_U with the soft card: page with Ks_ext_NAF, TMPI from it, Ks in the card's file alone, SHA-256 by choice", smoke=True)
async def soft_gba_u(t):
    e = await Ends(t).start()
    for hash_name in ("sha1", "sha256"):
        card = e.card_file("u" + hash_name, "gba u", f"mac-star {hash_name}")
        e.bsf.gba_u = hash_name
        rc, out = await e.ue("-c", card, "get", PAGE)
        assert rc == 0 and out["body"] == "the page", out
        rc, status = await e.ue("-c", card, "status")
        assert rc == 0 and status["btid"] in e.bsf.sessions and status["tmpi"] in e.bsf.tmpis, status
        ks, _ = e.bsf.sessions[status["btid"]]
        with open(f"{t.dir}/u{hash_name}.state.gba", "rb") as f:
            assert ks.hex().encode() not in f.read(), "the device keeps a key that never left the card"
        n = len(e.bsf.requests)
        assert (await e.ue("-c", card, "get", PAGE))[0] == 0 and len(e.bsf.requests) == n, "the key on the card serves again"
