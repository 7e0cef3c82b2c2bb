# SPDX-License-Identifier: AGPL-3.0-or-later
"""Every kind of card behind gba-ue, each asked for what it states; keys against a computation of their own."""
import asyncio
import base64
import contextlib
import fcntl
import json
import os
import signal
import time

from lib import kdf, procs
from lib.agent import NAF, Agent, Realm
from lib.pcsc import Pcscd, Vuicc
from lib.runner import test
from lib.uicc import AID, Modem, SimRest, Slot
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


@test("a PIN that is wrong is told with the tries left, the last one is not used up, a blocked one is told", smoke=True,
      req=["220-4.4.8.1-1", "220-4.4.8.1-2"])
async def pin(t):
    e = await Ends(t).start()
    card = await e.reader("gba u")
    e.bsf.gba_u = "sha1"
    e.pin_file("0000")
    for left in (2, 1):
        rc, out = await e.ue("-c", card, "bootstrap")
        assert rc == 2 and f"{left} tries are left" in out["reason"] and "1234" not in out["reason"], out
    rc, out = await e.ue("-c", card, "bootstrap")
    assert rc == 2 and "one try is left" in out["reason"], out
    assert (await e.pcscd.send("00a4040c07a0000000871002", "00200001"))[1][1] == "63c1", "the last try is there"
    wrong = "0020000108" + b"9999".hex() + "ffffffff"
    assert (await e.pcscd.send("00a4040c07a0000000871002", wrong))[1][1] == "63c0"
    rc, out = await e.ue("-c", card, "bootstrap")
    assert rc == 2 and "blocked (6983)" in out["reason"] and not e.bsf.requests, out
    rc, out = await e.ue("-c", card.replace("pin-file", "mnc-length=2,pin-file").replace("/pin,", "/nothing,"), "bootstrap")
    assert rc == 2 and "blocked" in out["reason"], out
    assert (await e.pcscd.send("00a4040c07a0000000871002", "002c000110" + b"123456781234".hex() + "ffffffff"))[1][1] == "9000"
    e.pin_file("1234")
    assert (await e.ue("-c", card, "bootstrap"))[0] == 0


@test("a card pulled in the middle of a run ends it with a clear word; keys and TMPI of before are gone", smoke=True)
async def pulled(t):
    e = await Ends(t).start()
    card = await e.reader("gba u")
    e.bsf.gba_u = "sha1"
    assert (await e.ue("-c", card, "bootstrap"))[0] == 0
    assert "tmpi" in (await e.ue("-c", card, "status"))[1]
    handle = e.bsf.handle

    async def pull(req):
        if not req["params"].get("nonce"):
            await e.vuicc.tell("out")
            assert await e.pcscd.send("gone") == []
        return handle(req)
    e.bsf.handle_slowly = pull
    n = len(e.bsf.requests)
    rc, out = await e.ue("-c", card, "bootstrap")
    assert rc == 2 and len(e.bsf.requests) == n + 1 and ("removed" in out["reason"] or "taken out" in out["reason"]), out
    rc, out = await e.ue("-c", card, "status")
    assert "btid" not in out and "tmpi" not in out, out
    rc, out = await e.ue("-c", card, "bootstrap")
    assert rc == 2 and "there is no card in it" in out["reason"], out
    del e.bsf.handle_slowly
    await e.vuicc.tell("in")
    assert await e.pcscd.send("in") == []
    rc, out = await e.ue("-c", card, "status")
    assert rc == 0 and "btid" not in out and "tmpi" not in out, ("no key outlives its card", out)
    assert (await e.ue("-c", card, "bootstrap"))[0] == 0
    assert e.bsf.requests[-1]["params"]["username"] == IMPI, "the TMPI went with the card"


@test("a card that was out and is in again while nobody looked is told by the reader's event counter: its keys are gone", smoke=True)
async def swapped(t):
    e = await Ends(t).start()
    card = await e.reader("gba u")
    e.bsf.gba_u = "sha1"
    assert (await e.ue("-c", card, "bootstrap"))[0] == 0
    assert "btid" in (await e.ue("-c", card, "status"))[1]
    await e.vuicc.tell("out")
    assert await e.pcscd.send("gone") == []
    await e.vuicc.tell("in")
    assert await e.pcscd.send("in") == []
    rc, out = await e.ue("-c", card, "status")
    assert rc == 0 and "btid" not in out and "tmpi" not in out, out


@test("a reader that is not there, two that fit, no card, no such application, no pcscd: each is told", smoke=True)
async def no_card(t):
    e = await Ends(t).start()
    card = await e.reader("gba u")
    for text, words in ((card.replace("Virtual A 00 00", "Nowhere"), "no such reader; there are: 'Virtual A 00 00', 'Virtual A 00 01'"),
                        (card.replace("Virtual A 00 00", "Virtual"), "several have this in their name"),
                        (card + ",app=Other", "no such application"),
                        (card.replace("00 00", "00 01"), "there is no card in it"),
                        (card.replace("pcsc:", "pcsc:,"), "wants 1 to"),
                        (card + ",colour=blue", "allowed is app=")):
        rc, out = await e.ue("-c", text, "bootstrap")
        assert rc == 2 and words in out["reason"], (text, out)
    e.inside = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs tmpfs /run && exec "$@"', "sh"]
    rc, out = await e.ue("-c", card, "bootstrap")
    assert rc == 2 and "pcscd" in out["reason"] and not e.bsf.requests, out


@test("a modem whose card is gone, whose session ends, which refuses, which another program has: told, and no key outlives its card", smoke=True)
async def modem_faults(t):
    e = await Ends(t).start()
    card = await modem()(e, "u")
    e.bsf.gba_u = "sha1"
    assert (await e.ue("-c", card, "bootstrap"))[0] == 0 and e.at.was_raw()
    assert "AT+CGLA" in " ".join(e.at.commands) and "AT+CSIM" not in " ".join(e.at.commands), e.at.commands
    assert sum(c.startswith("AT+CCHO") for c in e.at.commands) == sum(c.startswith("AT+CCHC") for c in e.at.commands), "channels are given back"
    e.at.spoil = "CGLA"
    rc, out = await e.ue("-c", card, "bootstrap")
    assert rc == 2 and "error 100" in out["reason"], out
    e.at.spoil = None
    with open(e.at.device, "rb") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        rc, out = await e.ue("-c", card, "status")
    assert "another program" in str(out), out
    await e.vuicc.tell("out")
    rc, out = await e.ue("-c", card, "bootstrap")
    assert rc == 2 and "there is no card" in out["reason"], out


@test("a REST server without this slot, without a card, with another card, or that is none: told; another card ends the keys", smoke=True)
async def rest_faults(t):
    e = await Ends(t).start()
    card = await rest(e, "me")
    assert (await e.ue("-c", card, "bootstrap"))[0] == 0 and "tmpi" in (await e.ue("-c", card, "status"))[1]
    for text, words in ((card.replace(",mnc-length=2", ""), "mnc-length"), (card.replace(",mnc", "#7,mnc"), "no such slot"),
                        (card.replace("http://", "ftp://"), "allowed is http"), (card + ",app=X", "USIM alone")):
        rc, out = await e.ue("-c", text, "bootstrap")
        assert rc == 2 and words in out["reason"], (text, out)
    await e.vuicc.daemon.stop()
    rc, out = await e.ue("-c", card, "bootstrap")
    assert rc == 2 and "no card" in out["reason"], out
    other = await e.slot("iccid 8988211000000000999")
    server = await SimRest(other).start()
    server.pin = "1234"
    t.cleanup(server.stop)
    rc, out = await e.ue("-c", f"rest:http://127.0.0.1:{server.port},mnc-length=2,state={t.dir}/card", "status")
    assert rc == 0 and "btid" not in out and "tmpi" not in out, out


# --- what never answers: told in a time of its own, whatever hangs

async def mute(e):
    card = await modem()(e, "u")
    e.at.mute = True
    return card, "modem", "no answer within 1 s"


async def mute_in_the_middle(e):
    card = await modem()(e, "u")

    async def hush(req):
        e.at.mute = True
        return e.handle(req)
    e.bsf.handle_slowly = hush
    return card, "modem", "no answer within 1 s"


async def dead_server(e):
    server = await asyncio.start_server(lambda r, w: e.t.cleanup(w.close), "127.0.0.1", 0)
    e.t.cleanup(server.close)
    return f"rest:http://127.0.0.1:{server.sockets[0].getsockname()[1]},mnc-length=2,state={e.t.dir}/card", "http://127.0.0.1", "no answer within 1 s"


async def dripping_server(e):
    """An octet now and then, for ever."""
    async def drip(reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b"{")
                await writer.drain()
                await asyncio.sleep(0.1)                     # the fault itself
    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    e.t.cleanup(server.close)
    return f"rest:http://127.0.0.1:{server.sockets[0].getsockname()[1]},mnc-length=2,state={e.t.dir}/card", "http://127.0.0.1", "no answer within 1 s"


async def frozen_card(e):
    card = await e.reader("gba u")
    e.freeze(e.vuicc.daemon)
    return card, "reader 'Virtual A 00 00'", "no answer within 1 s"


async def frozen_in_the_middle(e):
    card = await e.reader("gba u")

    async def freeze(req):
        e.freeze(e.vuicc.daemon)
        return e.handle(req)
    e.bsf.handle_slowly = freeze
    return card, "reader 'Virtual A 00 00'", "no answer within 1 s"


async def frozen_pcscd(e):
    card = await e.reader("gba u")
    e.freeze(e.pcscd.daemon)
    return card, "reader 'Virtual A 00 00'", "no answer within 1 s"


async def held_card(e):
    """Another program has begun a transaction and does not end it."""
    card = await e.reader("gba u")
    await e.pcscd.hold()
    return card, "reader 'Virtual A 00 00'", "another program holds the card"


SILENT = {"a modem that answers nothing": mute, "a modem that falls silent in the middle of a run": mute_in_the_middle,
          "a REST server that answers nothing": dead_server,
          "a REST server that drips": dripping_server, "a card that hangs in its reader": frozen_card,
          "a card that hangs in the middle of a run": frozen_in_the_middle, "pcscd that hangs": frozen_pcscd,
          "a card another program holds": held_card}


def silent_case(what, make):
    @test(f"{what}: left after the time that was set, and named", smoke=True)
    async def run(t):
        e = await Ends(t).start()
        e.bsf.gba_u, e.handle = "sha1", e.bsf.handle
        card, where, words = await make(e)
        began = time.monotonic()
        rc, out = await e.ue("-c", card + ",timeout=1", "bootstrap")
        took = time.monotonic() - began
        e.thaw()
        t.note(f"{took:.1f} s")
        assert rc == 2 and where in out["reason"] and words in out["reason"], out
        assert took < 8 * t.factor, took


for _name, _make in SILENT.items():
    silent_case(_name, _make)


@test("a modem that was silent and answers late is not taken at its word for the next question; the agent serves again", smoke=True)
async def late_modem(t):
    e = await Ends(t).start()
    slot = await e.slot("gba me")
    m = await e.modem(slot, noise=False)
    realm = Realm(t, "home", IMSI, k=e.k, opc=e.opc, port=e.bsf.port)
    realm.text = f"modem:{m.device},pin-file={e.pin_file('1234')},timeout=1"
    a = await Agent(t, realm).start()
    first = await a.key()
    for _ in range(3):
        m.mute = True
        x = await a.ask("renew")
        assert x["cause"] == "local" and "no answer within 1 s" in x["text"], x
        await m.wake()
        assert (await a.key())["btid"] == first["btid"], "a late answer is taken for another one's"
    assert (await a.ask("renew"))["cause"] == "ok"


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
