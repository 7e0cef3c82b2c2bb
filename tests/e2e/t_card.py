# SPDX-License-Identifier: AGPL-3.0-or-later
"""Every kind of card behind gba-ue, each asked for what it states; keys against a computation of their own."""
import asyncio
import base64
import os

from lib import kdf
from lib.agent import NAF, Agent, Realm
from lib.card_ends import Ends, IMPI, IMSI, PAGE, modem, rest
from lib.runner import test
from lib.uicc import AID
from lib.web import RawBsf


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


@test("GBA_U with the soft card: page with Ks_ext_NAF, TMPI from it, Ks in the card's file alone, SHA-256 by choice", smoke=True,
      req=["220-5.3.2-9"])
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


# --- one suite for every way to a card; what a way states is asked of it

async def soft(e, gba):
    return e.card_file("soft", f"gba {gba}")


async def pcsc(e, gba, *lines):
    return await e.reader(f"gba {gba}", *lines)


async def pcsc_isim(e, gba):
    return await e.reader(f"gba {gba}", f"impi {ISIM_IMPI}") + ",app=isim"


ISIM_IMPI = "user@ims.example.com"
WAYS = {  # name: (way, what the card can, files below state)
    "soft card, GBA_ME": (soft, "me"),
    "soft card, GBA_U": (soft, "u"),
    "PC/SC, USIM without service 68": (pcsc, "me"),
    "PC/SC, USIM with GBA_U": (pcsc, "u"),
    "PC/SC, ISIM with GBA_U": (pcsc_isim, "u"),
    "PC/SC, ISIM without service 2": (pcsc_isim, "me"),
    "REST, 3G alone": (rest, "me"),
    "modem with +CGLA, GBA_U": (modem(), "u"),
    "modem with +CGLA, bare numbers, small letters, GBA_ME": (modem(bare=True, lower=True), "me"),
    "modem with +CSIM alone, GBA_U": (modem(cgla=False), "u"),
}


async def suite(t, way, gba):
    isim = way is pcsc_isim
    e = await Ends(t).start(*(("bsf.ims.example.com", ISIM_IMPI) if isim else ()))
    card = await way(e, gba)
    e.bsf.gba_u = "sha1" if gba == "u" else None
    rc, out = await e.ue("-c", card, "get", PAGE)
    assert rc == 0 and out["body"] == "the page", out              # the NAF has the key from Python's own sums
    assert e.bsf.requests[0]["params"]["username"] == e.impi, e.bsf.requests[0]
    _, status = await e.ue("-c", card, "status")
    assert e.bsf.sessions[status["btid"]][0].hex().encode() not in e.kept(), "a key in a file as it is"
    if way in (pcsc, pcsc_isim) and gba == "u":                    # the device wrote it beside the card's RAND
        aid, fid = (AID["isim"], "6fd5") if isim else (AID["usim"], "6fd6")
        verify = "0020000108" + b"1234".hex() + "ffffffff"
        got = await e.pcscd.send("00a4040c07" + aid, verify, "00a4000c02" + fid, "00b0000080")
        assert status["btid"].encode() + b"\x14" + status["lifetime"].encode() in bytes.fromhex(got[3][0]), (status, got)
    n = len(e.bsf.requests)
    rc, out = await e.ue("-c", card, "get", PAGE)
    assert rc == 0 and len(e.bsf.requests) == n, ("the key serves again", out)
    e.bsf.sub.seq = e.bsf.sub.ind = 0                              # the number of the first run once more
    rc, out = await e.ue("-c", card, "bootstrap")
    assert rc == 0 and e.bsf.resyncs == 1 and out["btid"] != status["btid"], out
    kept = (await e.ue("-c", card, "status"))[1]
    e.bsf.spoil_autn = lambda autn: autn[:-1] + bytes([autn[-1] ^ 1])
    rc, out = await e.ue("-c", card, "bootstrap")
    assert (rc, out["cause"]) == (3, "autn") and e.bsf.mac_failures == 1, out
    assert (await e.ue("-c", card, "status"))[1]["btid"] == kept["btid"], "a run that fails takes nothing away"
    return e, card


def case(name, way, gba):
    @test(f"a card behind gba-ue: {name}: bootstraps, opens a page, serves again, resynchronises, tells a wrong MAC", smoke=True, timeout=60,
          req=["220-5.3.2-6", "220-4.2.4-7", "220-4.4.8-14", "220-5.1-1", "220-G-1", "220-G.1-1", "220-G.1-3", "220-G.2-1", "220-4.2.4-2"])
    async def run(t):
        await suite(t, way, gba)


for _name, (_way, _gba) in WAYS.items():
    case(_name, _way, _gba)


# --- several applications of one card behind one agent

async def isim_reader(e):
    card = await e.reader("gba me", f"impi {ISIM_IMPI}")
    return card.partition(",state=")[0], e.pcscd.inside()


def isim_modem(**kinds):
    async def make(e):
        e.at = await e.modem(await e.slot("gba me", f"impi {ISIM_IMPI}"), noise=False, **kinds)
        return f"modem:{e.at.device},pin-file={e.pin_file('1234')}", ()
    return make


def several_applications(what, make):
    @test(f"{what}: USIM and ISIM of one card, chosen by each request: kind, label, identity; none is closed for another, each keeps its key, "
          "and what is not there costs no run", smoke=True,
          req=["220-4.4.8-3", "220-4.4.8-4", "220-4.4.8-6", "220-4.4.8-7", "220-4.4.8-8", "220-4.4.8-9", "220-4.4.8-11", "220-4.4.8-15", "220-4.2.4-4"])
    async def run(t):
        e = await Ends(t).start()
        isim_bsf = await RawBsf("bsf.ims.example.com", e.k, e.opc, ISIM_IMPI).start()
        t.cleanup(isim_bsf.stop)
        realm = Realm(t, "home", IMSI, k=e.k, opc=e.opc, port=e.bsf.port)
        realm.text, inside = await make(e)
        a = await Agent(t, realm, more=[f"connect-to bsf.ims.example.com:80:127.0.0.1:{isim_bsf.port}"], inside=inside).start()

        async def who(words=""):
            x = await a.key(words=words)
            bsf = isim_bsf if x["btid"] in isim_bsf.sessions else e.bsf
            ks, rand = bsf.sessions[x["btid"]]
            assert base64.b64decode(x["key"]) == kdf.ks_naf(ks, rand, bsf.impi, NAF.encode() + kdf.UA_HTTP_DIGEST), words
            return "isim" if bsf is isim_bsf else "usim", x["bootstrapped"]
        assert await who() == ("usim", True)
        assert await who("app isim") == ("isim", True)
        assert [await who(w) for w in ("", "app usim", "app isim", "label USIM", "label ISIM", f"impi {IMPI}", f"impi {ISIM_IMPI}",
                                       f"label USIM impi {ISIM_IMPI}")] == \
            [(k, False) for k in ("usim", "usim", "isim", "usim", "isim", "usim", "isim", "isim")]
        seen = len(e.bsf.requests) + len(isim_bsf.requests)
        for words in ("label Other", "impi nobody@example.com"):
            x = await a.ask(f"key {NAF} {words}")
            assert (x["reason"], x["cause"]) == (2, "local") and "no such application" in x["text"], x
        assert len(e.bsf.requests) + len(isim_bsf.requests) == seen and await who() == ("usim", False)
        # asked for both at the same moment: one run after the other, each with its own identity
        for bsf in (e.bsf, isim_bsf):
            bsf.sub.seq += 5
        both = await asyncio.gather(*(a.key(n, w + "force") for n in (NAF, "naf2.example.com") for w in ("app isim ", "app usim ")))
        assert [x["btid"] in b.sessions for x, b in zip(both, (isim_bsf, e.bsf) * 2)] == [True] * 4
        for bsf in (e.bsf, isim_bsf):
            names = [r["params"]["username"] for r in bsf.requests]
            assert names[0] == bsf.impi and all(n == bsf.impi or n.endswith("@" + kdf.TMPI_REALM) for n in names), names
        if inside:
            return
        selected = [c for c in e.vuicc_slot.commands if c[1:4] == b"\xa4\x04\x0c"]
        closed = [c for c in e.vuicc_slot.commands if c[1:3] == b"\x70\x80"]
        assert len(selected) == 2 and not closed, (selected, closed)
        kept = [x for x in os.listdir(a.state) if x.endswith(".gba")]
        assert len(kept) == 2, kept
        await e.vuicc.tell("out")
        x = await a.ask(f"key {NAF}")
        assert x["cause"] == "local" and not [x for x in os.listdir(a.state) if x.endswith(".gba")], "keys of a card that is gone"


for _name, _make in {"in a reader": isim_reader, "in a modem with +CGLA": isim_modem(), "in a modem with +CSIM alone": isim_modem(cgla=False)}.items():
    several_applications(_name, _make)


async def read_files(e):
    """EF_GBABP and the records of EF_GBANL, beside the device."""
    slot = e.vuicc_slot
    channel = (await slot.ask("0070000001"))[0][0]
    await slot.ask("00a4040c", bytes.fromhex(AID["usim"]), channel)
    await slot.ask("00200001", b"1234" + b"\xff" * 4, channel)
    await slot.ask("00a4000c", bytes.fromhex("6fd6"), channel)
    gbabp, _ = await slot.ask("00b0000069", channel=channel)
    await slot.ask("00a4000c", bytes.fromhex("6fda"), channel)
    records = [await slot.ask(f"00b2{n:02x}048c", channel=channel) for n in range(1, 5)]
    await slot.ask(f"007080{channel:02x}")
    return gbabp, [data for data, sw in records if sw == "9000" and data.strip(b"\xff")]


def trace(commands):
    """What was asked of the card, in words: read EF_GBABP, write it, run, derive."""
    out, fid = [], b""
    for c in commands:
        if c[1] == 0xa4 and c[2] != 4:
            fid = c[-2:]
        elif c[1] in (0xb0, 0xd6) and fid == b"\x6f\xd6":
            word = "read" if c[1] == 0xb0 else "write"
            out += [word] if out[-1:] != [word] else []         # 6Cxx has it asked again
        elif c[1] == 0x88:
            out.append({0xdd: "run", 0xde: "derive"}.get(c[5], "3G"))
    return out


@test("GBA_U by the trace of the card: EF_GBABP is read before each derivation, a Ks that is not of our run is none, each run replaces "
      "Ks and B-TID, a renewed NAF has one record and the others stay; the key is Ks_ext_NAF", smoke=True,
      req=["220-5.3.3-1", "220-5.3.3-4", "220-5.3.3-7", "220-5.3.3-8", "31102-5.2.21-1"])
async def card_trace(t):
    e = await Ends(t).start()
    card = await modem(cgla=False, noise=False)(e, "u")
    e.bsf.gba_u, commands = "sha1", e.vuicc_slot.commands

    async def key(naf, *words):
        at = len(commands)
        rc, out = await e.ue("-c", card, "key", naf, *words)
        assert rc == 0, out
        ks, rand = e.bsf.sessions[out["btid"]]
        assert base64.b64decode(out["key"]) == kdf.ks_naf(ks, rand, IMPI, naf.encode() + kdf.UA_HTTP_DIGEST, b"gba-me"), "Ks_ext_NAF"
        return out["btid"], trace(commands[at:])
    one, seen = await key(NAF)
    # the run, its B-TID beside the Ks, the TMPI, the key
    assert seen == ["run", "write", "derive", "read", "derive"], seen
    assert await key("naf2.example.com") == (one, ["read", "derive"])
    two, seen = await key(NAF, "--refused", one)
    assert two != one and seen[0] == "run" and seen[-2:] == ["read", "derive"], seen
    gbabp, records = await read_files(e)
    assert two.encode() in gbabp and one.encode() not in gbabp, gbabp
    assert one.encode() not in e.kept() and two.encode() in e.kept()
    of = {naf: [r for r in records if naf.encode() in r] for naf in (NAF, "naf2.example.com")}
    assert len(of[NAF]) == len(of["naf2.example.com"]) == 1, records
    assert two.encode() in of[NAF][0] and one.encode() in of["naf2.example.com"][0], records
    # somebody else has bootstrapped with this card: its Ks is not ours
    rand = os.urandom(16)
    autn, _, _, ik = e.bsf.sub.mil.vector(rand, e.bsf.sub.next_sqn())
    autn, _ = kdf.gba_u(autn, b"\0" * 8, ik)
    channel = (await e.vuicc_slot.ask("0070000001"))[0][0]
    await e.vuicc_slot.ask("00a4040c", bytes.fromhex(AID["usim"]), channel)
    await e.vuicc_slot.ask("00200001", b"1234" + b"\xff" * 4, channel)
    data, sw = await e.vuicc_slot.ask("00880084", b"\xdd\x10" + rand + b"\x10" + autn, channel)
    assert sw == "9000" and data[0] == 0xdb, (data, sw)
    await e.vuicc_slot.ask(f"007080{channel:02x}")
    three, seen = await key(NAF)
    assert three not in (one, two) and seen[:2] == ["read", "run"] and seen[-2:] == ["read", "derive"], seen
