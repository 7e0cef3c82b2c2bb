# SPDX-License-Identifier: AGPL-3.0-or-later
"""gba-vuicc in a reader of pcscd: what foreign clients read and ask of it, and what it does not forget."""
import os

from lib import aka, kdf, procs
from lib.pcsc import Pcscd, Vuicc
from lib.runner import test

IMSI = "001010000000001"
IMPI = "user@ims.example.com"
USIM, ISIM = "00a4040c07a0000000871002", "00a4040c07a0000000871004"
PIN = "0020000108" + b"1234".hex() + "ffffffff"
NAF_ID = b"naf1.example.com" + kdf.UA_HTTP_DIGEST


class Card:
    """The card's file, and the network that knows its key."""

    def __init__(self, t, *more, name="vuicc"):
        self.k, self.opc = os.urandom(16), os.urandom(16)
        self.mil, self.seq = aka.Milenage(self.k, self.opc), 0
        self.path = f"{t.dir}/{name}.cfg"
        words = (f"imsi {IMSI}", "mnc-length 2", f"k {self.k.hex()}", f"opc {self.opc.hex()}", "algorithm milenage",
                 f"state-file {name}.state", "iccid 8988211000000000007", f"impi {IMPI}", "gba u", "pin 1234", "puk 12345678") + more
        with open(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as f:
            f.write("usim\n" + "".join(f" {x}\n" for x in words))

    def challenge(self, star, seq=None):
        """(AUTHENTICATE in hex, rand, RES as the card gives it, CK, IK)"""
        self.seq = seq or self.seq + 1
        rand = os.urandom(16)
        autn, res, ck, ik = self.mil.vector(rand, self.seq << 5)
        if star:
            autn, res = kdf.gba_u(autn, res, ik)
        data = (b"\xdd" if star else b"") + b"\x10" + rand + b"\x10" + autn
        return f"0088008{4 if star else 1}{len(data):02x}{data.hex()}", rand, res, ck, ik


def derivation(impi, p2="84"):
    data = b"\xde" + bytes([len(NAF_ID)]) + NAF_ID + bytes([len(impi)]) + impi.encode()
    return f"008800{p2}{len(data):02x}{data.hex()}"


async def setting(t, *more):
    card = Card(t, *more)
    pcscd = await Pcscd(t).start()
    vuicc = await Vuicc(t, pcscd.port, card.path).start()
    return card, pcscd, vuicc


@test("gba-vuicc: opensc-tool and pyscard read the same files; before the PIN only those that are for everybody", smoke=True,
      req=["31102-4.2.79-1", "31102-4.2.83-1", "31102-7.1.1-1"])
async def files(t):
    card, pcscd, _ = await setting(t)
    opensc = t.need_tool("opensc-tool", "opensc")
    commands = [USIM, "00a4080c022fe2", "00b000000a", "00a4080c047fff6f07", "00b0000009", PIN, "00b0000009", "00a4000c026fad",
                "00b0000004", ISIM, "00a4000c026f02", "00b0000016", "00a4000c026f03", "00b0000011"]
    got = await pcscd.send(*commands)
    words = [x for c in commands for x in ("-s", ":".join(c[i:i + 2] for i in range(0, len(c), 2)))]
    rc, out, err = await procs.run(pcscd.inside(opensc, "--card-driver", "default", "-r", "0", *words), 20)
    assert rc == 0, err
    theirs = out.split("Received (SW1=0x")[1:]
    assert len(theirs) == len(got), out
    for part, (data, sw, _) in zip(theirs, got):
        lines = [data[i:i + 32].upper() for i in range(0, len(data), 32)]
        assert part.startswith(f"{sw[:2].upper()}, SW2=0x{sw[2:].upper()})"), (part, sw)
        assert all(" ".join(x[i:i + 2] for i in range(0, len(x), 2)) in part for x in lines), (part, data)
    mine = [(sw, data) for data, sw, _ in got]
    assert mine[2][1] == "988812010000000000f7" and mine[4] == ("6982", ""), mine
    assert mine[6] == ("9000", "080910100000000010") and mine[8][1] == "00000002", mine
    assert bytes.fromhex(mine[11][1])[2:].decode() == IMPI and bytes.fromhex(mine[13][1])[2:].decode() == "ims.example.com", mine


@test("gba-vuicc: three contexts, NAF derivation, AUTS: octets as computed apart; CK and IK stay inside in GBA context", smoke=True,
      req=["31102-7.1.1.1-1", "31102-7.1.1.2-1", "31102-7.1.2.3-1", "31102-7.1.2.3-2", "31102-7.1.2.4-1", "31102-7.1.2.4-2", "220-5.2.1-1",
           "220-5.2.1-2", "220-5.3.2-8", "220-5.3.2-11", "220-G.1-2", "220-G.2-2", "31102-7.1.2-1"])
async def contexts(t):
    card, pcscd, _ = await setting(t)
    plain, _, res, ck, ik = card.challenge(False)
    gba, rand, res_u, ck_u, ik_u = card.challenge(True)
    got = await pcscd.send(USIM, PIN, derivation(IMPI), plain, gba, "00a4000c026fd6", "00b0000011", derivation(IMPI), gba,
                           card.challenge(False)[0].replace("00880081", "00880084")[:8] + gba[8:-2] + "00",
                           "0088008011" + "10" + rand.hex(), "00a4000c026fda", "00b201048c")
    data, sw = [bytes.fromhex(x[0]) for x in got], [x[1] for x in got]
    assert sw[2] == "6985", "no Ks, no key"
    kc = bytes(a ^ b ^ c ^ d for a, b, c, d in zip(ck[:8], ck[8:], ik[:8], ik[8:]))
    assert data[3] == b"\xdb\x08" + res + b"\x10" + ck + b"\x10" + ik + b"\x08" + kc, data[3].hex()
    assert data[4] == b"\xdb\x08" + res_u, data[4].hex()
    assert data[6] == b"\x10" + rand, data[6].hex()
    assert data[7] == b"\xdb\x20" + kdf.ks_naf(ck_u + ik_u, rand, IMPI, NAF_ID)
    assert data[8][:2] == b"\xdc\x0e", "the number is used"
    sqn, ok = card.mil.auts_open(rand, data[8][2:])
    assert ok and sqn == (card.seq - 1) << 5, (sqn >> 5, card.seq)
    assert sw[9] == "9862" and data[10][0] == 4 and data[10][5] == 8, (sw[9], data[10].hex())
    assert data[12].startswith(b"\x80\x15" + NAF_ID + b"\x81\x00\xff"), data[12].hex()
    for secret in (ck_u, ik_u, card.k, kdf.ks_naf(ck_u + ik_u, rand, IMPI, NAF_ID, b"gba-u")):
        assert not any(secret in d for d in data), "a key left the card"


async def killed(pcscd, vuicc):
    """kill -9, and started again when pcscd has seen the card go."""
    await vuicc.daemon.kill()
    assert await pcscd.send("gone") == []
    await vuicc.start()


@test("gba-vuicc forgets nothing at kill -9: used numbers, Ks, tries of the PIN; a blocked PIN stays blocked until the PUK", smoke=True,
      req=["220-5.3.2-13"])
async def survives(t):
    card, pcscd, vuicc = await setting(t)
    gba, rand, _, ck, ik = card.challenge(True)
    wrong = "0020000108" + b"0000".hex() + "ffffffff"
    assert (await pcscd.send(USIM, PIN, gba))[2][1] == "9000"
    await killed(pcscd, vuicc)
    got = await pcscd.send(USIM, wrong, wrong)
    assert isinstance(got, list) and got[2][1] == "63c1", got
    await killed(pcscd, vuicc)
    got = await pcscd.send(USIM, "00200001", PIN, derivation(IMPI), gba)
    assert got[1][1] == "63c1" and got[2][1] == "9000", got
    assert got[3][0] == "db20" + kdf.ks_naf(ck + ik, rand, IMPI, NAF_ID).hex() and got[4][0].startswith("dc0e"), got
    got = await pcscd.send(USIM, wrong, wrong, wrong, PIN)
    assert [x[1] for x in got[1:]] == ["63c2", "63c1", "63c0", "6983"], got
    await killed(pcscd, vuicc)
    puk = "002c000110" + b"12345678".hex() + b"4321".hex() + "ffffffff"
    got = await pcscd.send(USIM, PIN, gba, puk, "00200001", derivation(IMPI))
    assert [x[1] for x in got[1:]] == ["6983", "6982", "9000", "63c3", "9000"], got


@test("gba-vuicc is taken out and put back by command; a reader that goes and comes back finds it", smoke=True)
async def removal(t):
    card, pcscd, vuicc = await setting(t)
    assert await vuicc.tell("status") == "in"
    assert await vuicc.tell("out") == "out" and await vuicc.tell("status") == "out"
    waiting = pcscd.send(USIM)
    assert await vuicc.tell("in") == "in"
    assert (await waiting)[0][1] == "9000"
    rc, _, err = await procs.run([vuicc.exe, "--control", vuicc.control, "sideways"], 10)
    assert rc == 2, err
    await pcscd.daemon.stop()
    await pcscd.daemon.start(wait=False)

    async def back():
        return await vuicc.tell("status") == "in"
    await t.until(back, 10, "the card in its reader again")


@test("gba-vuicc answers in under 2 ms; with --p2-85 also a derivation that comes with P2 85", smoke=True)
async def quick(t):
    card = Card(t)
    pcscd = await Pcscd(t).start()
    await Vuicc(t, pcscd.port, card.path, "vuicc", "--p2-85").start()
    runs = [card.challenge(True)[0] for _ in range(30)]
    got = await pcscd.send(USIM, PIN, *runs, derivation(IMPI, "85"), *[derivation(IMPI)] * 30)
    assert all(x[1] == "9000" for x in got), got
    times = sorted(x[2] for x in got)
    t.note(f"vuicc: {len(times)} commands, median {times[len(times) // 2]:.2f} ms, 9 of 10 under {times[len(times) * 9 // 10]:.2f} ms")
    assert times[len(times) // 2] < 2 * t.factor, times
