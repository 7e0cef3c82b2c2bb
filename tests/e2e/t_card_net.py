# SPDX-License-Identifier: AGPL-3.0-or-later
"""Every algorithm, every variant, every way to a card, over the real programs: gba-ue, gba-bsfd, gba-hss-simd and an application. The
key is computed a third time in Python, from K alone."""
import asyncio
import base64
import json
import os

from lib import aka, kdf, procs
from lib.agent import Agent, Realm
from lib.app import App, fingerprint
from lib.pcsc import Pcscd, Vuicc
from lib.runner import test
from lib.uicc import Modem, SimRest, Slot
from lib.world import BSF_NAME, World

U = ('<?xml version="1.0" encoding="UTF-8"?>\n<guss id="{impi}" xmlns="urn:3gpp:gba:GBAGUSSSchema-R9:2010-02"><bsfInfo>'
     "<uiccType>GBA_U</uiccType></bsfInfo><ussList/></guss>")
ALGORITHMS = {  # name: (octets of OPc, words of the card, what computes it again)
    "milenage": (16, (), lambda k, opc: aka.Milenage(k, opc)),
    "tuak": (32, (), lambda k, opc: aka.Tuak(k, opc)),
    "xor": (0, ("allow-test-algorithms yes",), lambda k, opc: aka.Xor(k)),
}
HOST = "naf1.example.com"


class Network(World):
    """Two subscribers of one algorithm: GBA_ME and GBA_U."""

    def __init__(self, t, algorithm):
        super().__init__(t, n_cards=2)
        self.algorithm = algorithm
        size, self.words, make = ALGORITHMS[algorithm]
        for c in self.cards:
            c.opc = os.urandom(size)
            c.sums = make(c.k, c.opc)
        self.hss_cfg.add("subscribers", "allow-test-algorithms")

    def guss_of(self, card):
        return U.replace("{impi}", card.impi).encode() if card is self.cards[1] else None

    def csv(self):
        path = super().csv()
        with open(path, encoding="ascii") as f:
            text = f.read().replace(",milenage,", f",{self.algorithm},")
        return self.write_secret("subscribers.csv", text)

    def card_file(self, n, way):
        c, name = self.cards[n], f"{way}-{n}"
        words = (f"imsi {c.imsi}", "mnc-length 2", f"k {c.k.hex()}", f"algorithm {self.algorithm}", f"state-file {name}.state",
                 f"gba {'me' if n == 0 else 'u'}", f"iccid 89882110000000000{n:02d}") + self.words
        if c.opc:
            words += (f"opc {c.opc.hex()}",)
        return self.write_secret(f"{name}.cfg", "usim\n" + "".join(f" {x}\n" for x in words))

    def key(self, n, btid):
        rand = base64.b64decode(btid.split("@")[0])
        _, ck, ik, _ = self.cards[n].sums.f2345(rand)
        return kdf.ks_naf(ck + ik, rand, self.cards[n].impi, HOST.encode() + kdf.UA_HTTP_DIGEST)


async def ways(t, w, n):
    """(name, in front of the command, text of the card) of each way that states this variant."""
    yield "soft", [], w.card_file(n, "soft")
    pcscd = await Pcscd(t, f"pcscd-{n}").start()
    await Vuicc(t, pcscd.port, w.card_file(n, "pcsc"), f"pcsc-{n}").start()
    there = await pcscd.send("in")
    assert there == [], there
    yield "pcsc", pcscd.inside(), f"pcsc:{pcscd.reader},state={t.dir}/pcsc-{n}"
    slot = await Slot().start()
    t.cleanup(slot.stop)
    await Vuicc(t, slot.port, w.card_file(n, "slot"), f"slot-{n}").start()
    await slot.card()
    modem = await Modem(slot).start()
    t.cleanup(modem.stop)
    yield "modem", [], f"modem:{modem.device},state={t.dir}/modem-{n}"
    if n == 0:
        rest = await SimRest(slot).start()
        t.cleanup(rest.stop)
        yield "rest", [], f"rest:http://127.0.0.1:{rest.port},mnc-length=2,state={t.dir}/rest-{n}"


def case(algorithm):
    @test(f"{algorithm}: GBA_ME and GBA_U bootstrap over gba-bsfd with the soft card, PC/SC, modem and REST where it states it; both ends and "
          "a computation of its own have the same key", smoke=True, timeout=90, req=["220-5.3.2-6", "220-5.3.2-11"])
    async def run(t):
        w = await Network(t, algorithm).start()
        app = await App(t, w.ports["dia"]).start()
        exe, seen = t.need_program("gba-ue"), []
        for n in (0, 1):
            async for way, inside, card in ways(t, w, n):
                argv = inside + [exe, "--json", "-c", card, "--connect-to", f"{BSF_NAME}:80:127.0.0.1:{w.ports['ub']}",
                                 "--connect-to", f"{HOST}:80:127.0.0.1:{app.port}"]
                rc, out, err = await procs.run(argv + ["get", f"http://{HOST}/"], 20)
                assert rc == 0, (way, n, out, err)
                status = json.loads((await procs.run(argv + ["status"], 20))[1])
                want = fingerprint(w.key(n, status["btid"]))
                assert app.requests()[-1]["key_fingerprint"] == want, (way, n)
                assert json.loads(out)["key_fingerprint"] == want, (way, n, out)
                seen.append((way, n))
        assert len(seen) == 7, seen


for _algorithm in ALGORITHMS:
    case(_algorithm)


@test("gba-ued with a card in a reader: keys for programs, and 1.5 s after the card is pulled there are none", smoke=True,
      req=["220-4.4.11-1"])
async def agent(t):
    realm = Realm(t, "home", "001010000000001", gba="u")
    a = Agent(t, realm)
    pcscd = await Pcscd(t).start()
    path = f"{t.dir}/vuicc.cfg"
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
        f.write(f"usim\n imsi {realm.imsi}\n mnc-length 2\n k {realm.k.hex()}\n opc {realm.opc.hex()}\n algorithm milenage\n"
                " state-file vuicc.state\n gba u\n iccid 8988211000000000007\n")
    vuicc = await Vuicc(t, pcscd.port, path).start()
    assert await pcscd.send("in") == []
    realm.put_card = lambda: None
    realm.card = f"pcsc:{pcscd.reader}"
    a.daemon.argv = pcscd.inside() + a.daemon.argv
    await a.start()
    got = await a.key()
    assert base64.b64decode(got["key"]) == realm.key(got["btid"]), got
    assert (await a.token())["btid"] == got["btid"]
    await vuicc.tell("out")

    async def gone():
        return not (await a.token()).get("btid")
    loop = asyncio.get_running_loop()
    began = loop.time()
    await t.until(gone, 5, "the keys of the card that was pulled to be gone")
    t.note(f"keys gone {loop.time() - began:.2f} s after the card was pulled")
    assert loop.time() - began < 1.5 * t.factor
    assert (await a.ask("key naf1.example.com"))["cause"] != "ok"
    await vuicc.tell("in")
    assert await pcscd.send("in") == []
    assert (await a.key())["btid"] != got["btid"]
