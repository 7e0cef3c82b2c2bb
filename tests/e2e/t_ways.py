# SPDX-License-Identifier: AGPL-3.0-or-later
"""Every algorithm over every way to a card, with GBA_ME and GBA_U: AuC, BSF, card and gba-ue as processes. The key the device prints,
the one the BSF gives the application and one computed in Python (lib/aka.py, itself held against the published vectors) are the same."""
import asyncio
import base64
import json
import os

from lib import aka, kdf, naf, procs
from lib.algorithms import Cards, words
from lib.pcsc import Pcscd, Vuicc
from lib.runner import test
from lib.uicc import Modem, SimRest, Slot

FQDN = "naf1.example.com"
PIN = "1234"
UICC = ("iccid 8988211000000000007", f"pin {PIN}", "puk 12345678")
VECTORS = os.path.join(procs.SRC, "tests/vectors/gba-vectors.json")


def published():
    """{name: algorithm} with the keys of the published test sets, after a look whether Python computes what they say."""
    out = {}
    with open(VECTORS, encoding="utf-8") as f:
        sets = json.load(f)
    h = bytes.fromhex
    for v in sets["milenage"]:
        a = aka.Milenage(h(v["K"]), op=h(v["OP"]))
        want = (v["f2_RES"], v["f3_CK"], v["f4_IK"], v["f5_AK"])
        assert tuple(x.hex() for x in a.f2345(h(v["RAND"]))) == want and a.opc.hex() == v["OPc"].lower(), v["set"]
        assert tuple(x.hex() for x in a.f1(h(v["RAND"]), h(v["SQN"]), h(v["AMF"]))) == (v["f1"], v["f1star"]), v["set"]
        out[f"Milenage set {v['set']}"] = a
    v = sets["tuak"][0]                                    # the only one whose lengths an AUTN and a Ks can hold
    a = aka.Tuak(h(v["k"]), top=h(v["top"]), res_len=len(v["f2"]) // 2, rounds=v["it"])
    assert tuple(x.hex() for x in a.f2345(h(v["rand"]))) == (v["f2"], v["f3"], v["f4"], v["f5"]) and a.opc.hex() == v["topc"]
    out["TUAK set 1"] = a
    out["TUAK, K 256, RES 128"] = aka.Tuak(os.urandom(32), os.urandom(32), res_len=16)
    out["XOR"] = aka.Xor(os.urandom(16))
    return out


class Way:
    """A way to a card; several lanes of it run side by side, each with one card at a time."""
    gba = ("me", "u")
    lanes = 1

    def __init__(self, w, lane):
        self.w, self.t, self.name, self.inside = w, w.t, f"{type(self).__name__}-{lane}", ()
        self.pin = w.write_secret(self.name + ".pin", PIN + "\n")

    async def start(self):
        return self

    async def put(self, n):
        """What names the card of subscriber n, which is there now."""

    async def take(self):
        """It goes."""

    async def vuicc(self, n, port, *lines):
        self.card = await Vuicc(self.t, port, self.w.card_file(n, *UICC, *lines), f"vuicc-{n}").start()

    def place(self, n):
        return f"{self.t.dir}/{self.name}-{n}"


class Soft(Way):
    async def put(self, n):
        return self.w.card_file(n)


class Reader(Way):
    """PC/SC: gba-vuicc in a reader of pcscd."""
    lanes = 4

    async def start(self):
        self.pcscd = await Pcscd(self.t, self.name).start()
        self.inside = self.pcscd.inside()
        return self

    async def put(self, n):
        await self.vuicc(n, self.pcscd.port)
        assert await self.pcscd.send("in") == []
        return f"pcsc:{self.pcscd.reader},pin-file={self.pin},state={self.place(n)}"

    async def take(self):
        await self.card.daemon.stop()
        assert await self.pcscd.send("gone") == []


class InSlot(Way):
    async def put(self, n):
        self.slot = await Slot().start()
        await self.vuicc(n, self.slot.port)
        self.far = await self.behind(await self.slot.card()).start()
        return self.text(n)

    async def take(self):
        await self.far.stop()
        await self.slot.stop()
        await self.card.daemon.stop()


class AtModem(InSlot):
    def behind(self, slot):
        return Modem(slot)

    def text(self, n):
        return f"modem:{self.far.device},pin-file={self.pin},state={self.place(n)}"


class Rest(InSlot):
    gba = ("me",)                                          # 3G context alone

    def behind(self, slot):
        server = SimRest(slot)
        server.pin = PIN
        return server

    def text(self, n):
        return f"rest:http://127.0.0.1:{self.far.port},mnc-length=2,state={self.place(n)}"


WAYS = (Soft, Reader, AtModem, Rest)


async def run(w, conn, way, n):
    """One subscriber's card: bootstrap, and three keys that must be one."""
    c, a = w.cards[n], w.algorithms[n]
    card = await way.put(n)
    rc, out, err = await w.gba_ue(card, "key", FQDN, inside=way.inside)
    await way.take()
    assert rc == 0, (out, err)
    device = json.loads(out)
    rand = base64.b64decode(device["btid"].split("@")[0])
    _, ck, ik, _ = a.f2345(rand)
    third = kdf.ks_naf(ck + ik, rand, c.impi, naf.naf_id(FQDN))
    bia = await naf.fetch(conn, device["btid"])
    assert bia.result == 2001 and bia.key == third, "the BSF's key is another"
    assert base64.b64decode(device["key"]) == third, "the device's key is another"


@test("every algorithm over every way to a card, with GBA_ME and GBA_U, as far as the way states it: bootstraps with our AuC, and the "
      "keys of device, BSF and a third computation are one", smoke=True, timeout=120, req=["102-6.3.2-2", "220-5.3.2-6", "220-5.3.2-11"])
async def every_way(t):
    algorithms = published()
    plan = [(way, name, gba) for way in WAYS for name in algorithms for gba in way.gba]
    w = Cards(t, [algorithms[name] for _, name, _ in plan], gba=[n for n, p in enumerate(plan) if p[2] == "u"])
    await w.no_limits().start()
    conn, done, failed = await w.naf(), [], []

    async def lane(way, number):
        here = await way(w, number).start()
        for n in [n for n, p in enumerate(plan) if p[0] is way][number::way.lanes]:
            try:
                await run(w, conn, here, n)
                done.append(plan[n])
            except AssertionError as e:
                failed.append(f"{plan[n][0].__name__}, {plan[n][1]}, GBA_{plan[n][2].upper()}: {e}")
                return
    lanes = [asyncio.ensure_future(lane(way, i)) for way in WAYS for i in range(way.lanes)]
    for x in await asyncio.gather(*lanes, return_exceptions=True):
        if isinstance(x, BaseException):
            raise x
    assert not failed and len(done) == len(plan) == len(algorithms) * 7, failed
    for name, a in algorithms.items():
        n = next(n for n, p in enumerate(plan) if p[1] == name)
        shown = await w.vty(f"show subscriber {w.cards[n].impi}", "hss")
        assert f"algorithm {words(a)[0]}, K of {8 * len(a.k)} bits" in shown, shown
    t.note(f"{len(plan)} cards: {len(algorithms)} algorithms over {len(WAYS)} ways")
