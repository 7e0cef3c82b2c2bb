# SPDX-License-Identifier: AGPL-3.0-or-later
"""Vectors from an HLR by GSUP: osmo-hlr of the distribution, and one in Python that misbehaves."""
import asyncio
import os
import random
import re
import struct
import time

from lib import aka, causes, digest, procs
from lib.hlr import Hlr
from lib.kept import is_refusal
from lib.runner import test
from lib.world import BSF_NAME, HSS_ID, World

GUSS = '<?xml version="1.0"?><guss xmlns="urn:3gpp:gba:GBAGUSSSchema-R9:2010-02"><bsfInfo><lifeTime>{}</lifeTime></bsfInfo><ussList/></guss>'


def ask_hlr(w, addr, port, name="bsf-1", *more):
    """The BSF's configuration with an hlr in the place of its hss."""
    w.bsf_cfg.remove_node(f"hss {HSS_ID}")
    for line in (f"connect {addr} {port}", f"our-name {name}", "timeout 2", *more):
        w.bsf_cfg.add("hlr home", line)
    return w


async def start_bsf(t, w, wait=True):
    w.write_configs()
    w.bsf = w.bsf_daemon()
    t.watch(w.bsf)
    await w.bsf.start()
    t.worlds.append(w)
    if wait:
        await connected(t, w)
    return w


async def connected(t, w, is_so=True):
    async def check():
        return ("connected" in await w.vty("show hlr")) == is_so
    await t.until(check, 20, "the HLR to be " + ("connected" if is_so else "down"))


async def world(t, *more, name="", our_name="bsf-1", hlr=None, shards=1, **kw):
    w = World(t, name=name, **kw).no_limits()
    if not hlr:
        hlr = Hlr(t)
        await hlr.start()
        await hlr.add(*w.cards)
    ask_hlr(w, hlr.addr, 4222, our_name, *more)
    w.bsf_cfg.set("bsf", f"shards {shards}")
    return await start_bsf(t, w), hlr


def manual_lines():
    """The literal blocks of gba-hlr(7), each a list of lines."""
    with open(procs.SRC + "/doc/man/gba-hlr.7", encoding="utf-8") as f:
        return [b.strip("\n").split("\n") for b in re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", f.read(), re.M | re.S)]


@test("from nothing to the first bootstrap with the lines of gba-hlr(7): HLR, subscriber, configuration, gba-ue")
async def manual(t):
    w = World(t)
    install, subscriber, cfg, ue = manual_lines()
    hlr = Hlr(t)
    assert install == ["apt-get install osmo-hlr", "mkdir /etc/gba/guss", "telnet 127.0.0.1 4258"], install
    await hlr.start()
    await hlr.type(*subscriber)
    w.bsf_cfg.remove_node(f"hss {HSS_ID}")
    os.mkdir(w.etc + "/guss")
    for line in cfg[1:]:
        w.bsf_cfg.add(cfg[0], line.strip().replace("127.0.0.1", hlr.addr))
    await start_bsf(t, w)
    assert "gba-bsf-1" in await hlr.type("show gsup-connections")
    imsi, k, opc = re.search(r"imsi (\d+) update .* k (\w+) opc (\w+)", subscriber[-1]).groups()
    w.more_secrets += [bytes.fromhex(k), bytes.fromhex(opc)]
    w.write_secret("usim-1.cfg", f"usim\n imsi {imsi}\n mnc-length 2\n k {k}\n opc {opc}\n algorithm milenage\n"
                   " state-file usim-1.state\n")
    assert ue[0].split() == ["gba-ue", "-c", "usim-1.cfg", "bootstrap"], ue
    argv = [t.need_program("gba-ue"), "-c", f"{w.etc}/usim-1.cfg", "--connect-to",
            f"{BSF_NAME}:80:127.0.0.1:{w.ports['ub']}", "bootstrap"]
    rc, out, err = await procs.run(argv, 30)
    assert rc == 0, (out, err)


@test("bootstrap and resynchronisation; two daemons under two names have two INDs, one card follows both; four shards, one connection", smoke=True,
      req=["220-4.1-1", "220-4.2.6-1"])
async def names(t):
    w, hlr = await world(t, n_cards=2, shards=4)
    w2, _ = await world(t, name="second", our_name="bsf-2", hlr=hlr)
    w2.cards = w.cards
    a, b = w.ue(), w2.ue()
    b.usim = a.usim
    inds = set()
    for _ in range(8):
        for one in (a, b):
            one.tmpi = None
            await one.bootstrap(resync=False)
            inds.add((one is a, a.usim.last_sqn & 31))
    assert len(inds) == 2 and len({i for _, i in inds}) == 2, inds
    # a card that is ahead: one AUTS, and the HLR goes on above it
    ue = w.ue(1)
    ue.usim.seq = [1000] * 32
    async with causes.counted(w, ub_challenged=2, ub_ok=1):
        await ue.bootstrap()
    assert ue.usim.last_sqn >> 5 == 1001, ue.usim.last_sqn
    assert sorted(hlr.rows("SELECT vlr FROM ind")) == [("bsf-1",), ("bsf-2",)]
    assert (await hlr.type("show gsup-connections")).count("bsf-1") == 1
    assert await w.vty("show hlr") == f"hlr home: {hlr.addr} 4222 connected, as bsf-1", await w.vty("show hlr")


@test("an AUTS that is no card's, an unknown IMSI, an IMPI without one, a subscriber with 2G data alone: each its own cause", smoke=True)
async def refusals(t):
    w, hlr = await world(t, "identity fourth@ims.example imsi 001010000000004", n_cards=4)
    await hlr.type("enable", f"subscriber imsi {w.cards[1].imsi} update aud3g none",
                   f"subscriber imsi {w.cards[1].imsi} update aud2g comp128v1 ki {w.cards[1].k.hex()}")
    await hlr.type("enable", f"subscriber imsi {w.cards[2].imsi} delete")
    ue = w.ue(0)
    ch = await ue.challenge()
    async with causes.counted(w, ub_auts_refused=1):
        r = await ue.send(digest.format_params(ue.auts_params(ch, bytes(14))))
        is_refusal(r, 403)
    async with causes.counted(w, zh_no_vector=1):
        is_refusal(await w.ue(1).first(), 503)
    async with causes.counted(w, ub_user_unknown=1):
        is_refusal(await w.ue(2).first(), 403)
    log = w.bsf.text()
    assert "GSUP cause 0x02" in log, log[-500:]
    for impi in ("001010000000001@ims.mnc001.mcc002.3gppnetwork.org", "someone@ims.example"):
        stranger = w.ue(0)
        stranger.impi = impi
        async with causes.counted(w, ub_user_unknown=1):
            is_refusal(await stranger.first(), 403)
    assert "not asked" in w.bsf.text()
    named = w.ue(3)
    named.impi = "fourth@ims.example"
    await named.bootstrap()
    await w.ue(0).bootstrap()


@test("the HLR killed, away and back, under two daemons: zh_down within a second or two, then both go on, each name keeps its IND, no"
      " sequence number comes twice; gone for good, every device is told at once")
async def killed(t):
    w, hlr = await world(t)
    w2, _ = await world(t, name="second", our_name="bsf-2", hlr=hlr)
    w2.cards, seen, inds = w.cards, [], set()
    pair = (w, w.ue()), (w2, w2.ue())
    pair[1][1].usim = pair[0][1].usim                       # one card, which both lead on

    async def both():
        for one, ue in pair:
            ue.tmpi = None
            await ue.bootstrap(resync=False)
            seen.append(ue.usim.last_sqn)
            inds.add((one is w, ue.usim.last_sqn & 31))
    for _ in range(3):
        await both()
    for _ in range(2):
        await hlr.kill()
        for one, _ in pair:
            await connected(t, one, False)
            async with causes.counted(one, zh_down=1):
                is_refusal(await one.ue().first(), 503)
        await hlr.start()
        for one, _ in pair:
            await connected(t, one)
        await both()
    assert len(set(seen)) == len(seen) and len(inds) == 2 and len({i for _, i in inds}) == 2, (seen, inds)
    assert sorted(hlr.rows("SELECT vlr FROM ind")) == [("bsf-1",), ("bsf-2",)]
    shown = await hlr.type("show gsup-connections")
    assert shown.count("bsf-1") == 1 and shown.count("bsf-2") == 1, shown
    await hlr.kill()
    for one, _ in pair:
        await connected(t, one, False)
        for r in await asyncio.gather(*[one.ue().first() for _ in range(8)]):
            is_refusal(r, 503)


@test("a BSF killed and started anew under load has its own IND again, and needs no resynchronisation", timeout=120)
async def restarted(t):
    w, hlr = await world(t)
    ue = w.ue()
    await ue.bootstrap(resync=False)
    ind = ue.usim.last_sqn & 31
    for _ in range(3):
        asks = [asyncio.ensure_future(w.ue(1).first()) for _ in range(20)]
        await asyncio.sleep(0)
        w.bsf.asked_to_end = True
        w.bsf.proc.kill()
        await w.bsf.proc.wait()
        await asyncio.gather(*asks, return_exceptions=True)
        await w.bsf.start()
        await connected(t, w)
        ue.tmpi = None
        await ue.bootstrap(resync=False)
        assert ue.usim.last_sqn & 31 == ind
    assert hlr.rows("SELECT vlr FROM ind") == [("bsf-1",)]


@test("GUSS from a folder: read when it is there, as it is now; one that cannot be used ends the run", smoke=True, req=["220-4.2.1-9"])
async def guss(t):
    w = World(t).no_limits()
    folder = f"{w.etc}/guss"
    os.mkdir(folder)
    hlr = Hlr(t)
    await hlr.start()
    await hlr.add(*w.cards)
    ask_hlr(w, hlr.addr, 4222, "bsf-1", "guss-directory guss")
    await start_bsf(t, w)
    path = f"{folder}/{w.cards[0].impi}.xml"

    def put(text):
        with open(path + ".new", "w", encoding="utf-8") as f:
            f.write(text)
        os.rename(path + ".new", path)

    async def life():
        ue = w.ue()
        s = await ue.bootstrap()
        return s.expires_at - time.time()
    usual = await life()
    for seconds in (600, 1200):
        put(GUSS.format(seconds))
        assert abs(await life() - seconds) < 60
    for bad in ("<guss>", "", "x" * 70000):
        put(bad)
        async with causes.counted(w, zh_guss_bad=1):
            is_refusal(await w.ue().first(), 503)
    os.unlink(path)
    os.symlink("/etc/hostname", path)
    async with causes.counted(w, zh_guss_bad=1):
        is_refusal(await w.ue().first(), 503)
    os.unlink(path)
    assert abs(await life() - usual) < 60
    assert folder not in w.bsf.text()


class RawHlr:
    """A GSUP server: behave(session, imsi) gives the octets of an answer, or None."""

    def __init__(self, t):
        self.t, self.port, self.conns, self.asked, self.names = t, procs.free_port(), [], [], []
        self.behave = lambda session, imsi: None
        self.server = None

    async def start(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", self.port)
        self.t.cleanup(self.server.close)

    @staticmethod
    def frame(protocol, body):
        return struct.pack(">HB", len(body), protocol) + body

    async def serve(self, r, w):
        self.conns.append(w)
        w.write(self.frame(0xfe, b"\x04"))
        try:
            while True:
                n, protocol = struct.unpack(">HB", await r.readexactly(3))
                body = await r.readexactly(n)
                if protocol == 0xfe:
                    self.names.append(body)
                    continue
                imsi, session = body[2:2 + 2 + body[3]], body[body.index(b"\x30\x04") + 2:][:4]
                self.asked.append(body)
                answer = self.behave(session, imsi)
                if answer is not None:
                    w.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            w.close()

    @classmethod
    def answer(cls, session, imsi, vector, kind=b"\x0a"):
        rand, autn, res, ck, ik = vector
        parts = ((0x20, rand), (0x23, ik), (0x24, ck), (0x25, autn), (0x27, res))
        tuple_ = b"".join(bytes([c, len(v)]) + v for c, v in parts)
        return cls.frame(0xee, b"\x05" + kind + imsi + b"\x03" + bytes([len(tuple_)]) + tuple_ + b"\x30\x04" + session + b"\x31\x01\x03")


def vector_of(card, seq):
    rand = os.urandom(16)
    mil = aka.Milenage(card.k, card.opc)
    sqn = (seq << 5).to_bytes(6, "big")
    res, ck, ik, ak = mil.f2345(rand)
    mac = mil.f1(rand, sqn, bytes(2))[0]
    return rand, aka.xor(sqn, ak) + bytes(2) + mac, res, ck, ik


@test("answers go by their Session-Id: of another one, of another subscriber, late, twice, cut to pieces, none at all, no GSUP", timeout=120,
      req=["220-4.4.12-1"])
async def answers(t):
    raw = RawHlr(t)
    await raw.start()
    w = ask_hlr(World(t).no_limits(), "127.0.0.1", raw.port, "bsf-1")
    await start_bsf(t, w)
    card, seqs = w.cards[0], iter(range(1, 1000))
    w.more_secrets += []

    def good(session, imsi):
        return RawHlr.answer(session, imsi, vector_of(card, next(seqs)))
    raw.behave = good
    await w.ue().bootstrap()
    assert raw.asked[0].endswith(b"\x52\x01\x01") and raw.names[0].count(b"bsf-1\0") == 3, (raw.asked, raw.names)
    # of another subscriber
    raw.behave = lambda s, imsi: good(s, imsi[:-1] + b"\xf9")
    async with causes.counted(w, zh_malformed=1):
        is_refusal(await w.ue().first(), 503)
    # of a session nobody asked in: dropped, and the right one behind it counts; twice: the second is dropped
    raw.behave = lambda s, imsi: good(b"\xff\xff\xff\xff", imsi) + good(s, imsi) + good(s, imsi)
    async with causes.counted(w, ub_challenged=1, ub_ok=1, zh_late=2):
        await w.ue().bootstrap()
    # octet by octet
    pieces = []
    raw.behave = lambda s, imsi: pieces.append(good(s, imsi))
    asked = asyncio.ensure_future(w.ue().first())
    await t.until(lambda: pieces, 10, "the question")
    for octet in pieces[0]:
        raw.conns[-1].write(bytes([octet]))
        await raw.conns[-1].drain()
    assert (await asked).status == 401
    # no answer, while others of this connection are answered: a time-out, and the connection stays; then it comes
    held, other = [], w.ue(1)
    raw.behave = lambda s, imsi: held.append(good(s, imsi)) if imsi.endswith(b"\x01\xf1"[1:]) and not held else good(s, imsi)
    n = len(raw.conns)
    late = asyncio.ensure_future(w.ue().first())
    await t.until(lambda: held, 10, "the question")
    assert (await other.first()).status == 401
    async with causes.counted(w, zh_timeout=1, wait=20):
        is_refusal(await late, 503)
    async with causes.counted(w, zh_late=1):
        raw.conns[-1].write(held[0])
    assert len(raw.conns) == n
    # nothing at all any more: the connection is given up, and there is one anew
    raw.behave = lambda s, imsi: None
    is_refusal(await w.ue().first(), 503)
    await t.until(lambda: len(raw.conns) > n, 20, "a new connection")
    await connected(t, w)
    raw.behave = good
    await w.ue().bootstrap()
    # no GSUP
    raw.behave = lambda s, imsi: b"HTTP/1.1 400 Bad Request\r\n\r\n"
    async with causes.counted(w, zh_down=1, wait=10):
        is_refusal(await w.ue().first(), 503)
    assert "what it sends is no GSUP" in w.bsf.text()
    raw.behave = good
    await connected(t, w)
    raw.conns[-1].write(RawHlr.frame(0xfe, b"\0"))
    await t.until(lambda: raw.names[-1] == b"\x01", 10, "a PONG")


@test("configuration of an hlr: beside an hss, twice, without address or name of ours, a folder that is not there, who is no IMPI; live only the time-out")
async def config(t):
    exe = t.need_program("gba-bsfd")
    good = ["connect 127.0.0.1 4222", "our-name bsf-1"]
    for lines, says in ((good[:1], "our-name NAME, another one for each daemon"), (good[1:], "allowed: connect ADDRESS PORT"),
                        (good + ["guss-directory nowhere"], "allowed: a folder that is there"),
                        (good + ["identity nobody imsi 001010000000001"], "allowed: user@domain"),
                        (good + ["identity a@b imsi 12345"], "allowed: 6 to 15 digits"),
                        (good + ["identity a@b.c imsi 123456", "identity a@B.c imsi 123457"], "allowed: each once"),
                        (["connect 192.0.2.1 4222", good[1]], "allowed: security plain"),
                        (good + ["our-name a_b"], "allowed: letters, digits, dots, dashes"),
                        (good + ["hss"], "sequence numbers of two AuCs"), (good + ["twice"], "sequence numbers of two AuCs")):
        w = World(t, name=f"cfg{random.randrange(1 << 30)}")
        if lines[-1] == "hss":
            lines = lines[:-1]
        else:
            w.bsf_cfg.remove_node(f"hss {HSS_ID}")
        for line in lines:
            if line == "twice":
                w.bsf_cfg.add("hlr away", good[0])
            else:
                w.bsf_cfg.add("hlr home", line)
        w.write_configs()
        rc, _, err = await procs.run([exe, "--check", "-c", f"{w.etc}/gba-bsf.cfg"], 20)
        assert rc == 1 and says in err, (lines, rc, err)
    w = ask_hlr(World(t, name="beyond"), "192.0.2.1", 4222, "bsf-1", "security plain")
    w.write_configs()
    assert (await procs.run([exe, "--check", "-c", f"{w.etc}/gba-bsf.cfg"], 20))[0] == 0
    w = ask_hlr(World(t, name="live"), "127.0.0.1", procs.free_port())
    await start_bsf(t, w, wait=False)
    assert "down" in await w.vty("show hlr")
    async with causes.counted(w, zh_down=1):
        is_refusal(await w.ue().first(), 503)


@test("vectors of an HLR in a second, beside what the HLR alone can give", timeout=120)
async def rate(t):
    w, hlr = await world(t, n_cards=16)
    n = int(os.environ.get("GBA_GSUP_VECTORS", "320"))

    async def many(ask):
        began = time.monotonic()
        await asyncio.gather(*[ask(w.ue(i)) for i in range(16)])
        return n / (time.monotonic() - began)

    async def through(ue):
        for _ in range(n // 16):
            r = await ue.first()
            assert r.status == 401, r.status
    t.note(f"{await many(through):.0f} challenges/s through the BSF, {await alone(hlr, w.cards[0].imsi, n):.0f} vectors/s of osmo-hlr at 16 in flight")


async def alone(hlr, imsi, n):
    """Requests of a bare client, 16 in flight."""
    r, w = await asyncio.open_connection(hlr.addr, 4222)

    async def frame():
        size, protocol = struct.unpack(">HB", await r.readexactly(3))
        return protocol, await r.readexactly(size)
    assert (await frame())[1][0] == 4
    name = b"bench\0"
    w.write(RawHlr.frame(0xfe, b"\x05" + b"".join(b"\0" + bytes([len(name) + 1, tag]) + name for tag in (1, 0, 8))))
    digits = imsi + "f" * (len(imsi) % 2)
    bcd = bytes(int(digits[i + 1] + digits[i], 16) for i in range(0, len(digits), 2))
    ask = RawHlr.frame(0xee, b"\x05\x08\x01" + bytes([len(bcd)]) + bcd + b"\x52\x01\x01")
    began = time.monotonic()
    w.write(ask * 16)
    for i in range(n):
        while (await frame())[0] != 0xee:
            pass
        if i + 16 < n:
            w.write(ask)
    w.close()
    return n / (time.monotonic() - began)
