# SPDX-License-Identifier: AGPL-3.0-or-later
"""Cards that are wrong, out, blocked, silent or held by another: each is told in its time, and no key outlives its card."""
import asyncio
import contextlib
import fcntl
import time

from lib.agent import Agent, Realm
from lib.card_ends import IMPI, IMSI, Ends, modem, rest
from lib.runner import test
from lib.uicc import SimRest


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
