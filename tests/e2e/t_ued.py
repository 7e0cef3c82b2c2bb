# SPDX-License-Identifier: AGPL-3.0-or-later
"""gba-ued, the device's agent: programs of all kinds get their keys, others do not, and what ends is gone.
covers: OBF-7.4-1, OBF-7.4-5, OBF-9.3-6, OBFA-9.2.1-1, IOT2-A1, IOT2-A2, IOT2-A3, IOT2-A4, IOT2-A5, IOT2-B1, IOT2-B2, IOT2-B4"""
import asyncio
import base64
import contextlib
import json
import os
import random
import shutil
import socket
import sys
import time

from lib import kdf, leaks, memory, procs
from lib.agent import NAF, Agent, Realm, moved
from lib.app import App
from lib.pcsc import Pcscd, Vuicc
from lib.runner import test
from lib.web import RawNaf
from lib.world import BSF_NAME, World

IMSI, OTHER = "001010000000001", "001020000000002"


@test("gba-ued: a shell, a Python script and a C program get the key the application has, and one run serves them all", smoke=True)
async def three_programs(t):
    r = Realm(t, "home", IMSI)
    a = await Agent(t, r).start()
    first = await a.key()
    want = base64.b64encode(r.key(first["btid"])).decode()
    assert first["key"] == want and first["bootstrapped"] and first["realm"] == "home" and first["naf"] == NAF, first
    assert first["run"] == kdf.run_id(r.bsf.sessions[first["btid"]][1]) and 3500 < first["expires"] - time.time() < 3601, first
    got = {}
    if shutil.which("socat"):
        rc, out, err = await procs.run(["sh", "-c", f"echo 'key http://{NAF}/x' | socat -t 20 - UNIX-CONNECT:{a.socket}"])
        got["shell"] = (json.loads(out)["btid"], json.loads(out)["key"])
    rc, out, err = await procs.run([t.need_program("gba-ue"), "--agent", a.socket, "--json", "key", NAF])
    got["gba-ue"] = (json.loads(out)["btid"], json.loads(out)["key"])
    rc, out, err = await procs.run([os.path.join(procs.BUILD, "ue/lib/examples/ue-key"), a.socket, NAF])
    assert rc == 0, err
    got["C"] = tuple(out.split())
    if not procs.SANITIZED:
        script = os.path.join(procs.SRC, "ue/lib/examples/ue_key.py")
        rc, out, err = await procs.run([sys.executable, script, a.socket, NAF],
                                       env={"LIBGBAUE": os.path.join(procs.BUILD, "ue/lib/.libs/libgbaue.so.0")})
        assert rc == 0, err
        got["Python"] = tuple(out.split())
    assert set(got.values()) == {(first["btid"], want)}, (got, want)
    assert r.runs() == 1 and len(r.bsf.requests) == 2, "more than one run"
    await moved(a, agent_key=4)
    assert want not in a.daemon.text() and IMSI not in a.daemon.text(), "the log has a key or an identity"


class Watch:
    """A program that is told."""

    def __init__(self, agent):
        self.agent = agent

    async def start(self):
        self.reader, self.writer = await asyncio.open_unix_connection(self.agent.socket)
        self.agent.t.cleanup(self.writer.close)
        self.writer.write(b"watch\n")
        self.first = await self.line()
        assert self.first["result"] == "watching" and self.first["realms"], self.first
        return self

    async def line(self):
        return json.loads(await asyncio.wait_for(self.reader.readline(), 10 * procs.FACTOR))

    async def told(self, *expected):
        """These changes come, (what, realm), in this order; the last line."""
        for want in expected:
            x = await self.line()
            assert (x["result"], x["what"], x["realm"]) == ("changed", *want), (want, x)
        return x


@test("gba-ued tells programs that watch, as it happens: new key, dropped, over, another realm, end of the agent", smoke=True)
async def watched(t):
    home, work = Realm(t, "home", IMSI), Realm(t, "work", OTHER)
    a = await Agent(t, home, work, programs={os.geteuid(): ["naf any", "manage"], 65534: []}).start()
    w = [await Watch(a).start() for _ in range(3)]
    shell = await asyncio.create_subprocess_exec(t.need_program("gba-ue"), "--agent", a.socket, "ask", "watch", stdout=asyncio.subprocess.PIPE,
                                                 env=procs.environment())
    t.cleanup(shell.wait)
    assert json.loads(await shell.stdout.readline())["result"] == "watching"
    x = await a.key()
    for each in w:
        y = await each.told(("key", "home"))
        assert y["btid"] == x["btid"] and y["expires"] == x["expires"] and "key" not in y, y
    assert json.loads(await shell.stdout.readline())["btid"] == x["btid"]
    assert (await a.ask("renew"))["cause"] == "ok"
    for each in w:
        assert (await each.told(("key", "home")))["btid"] != x["btid"]
    assert (await a.ask("use work"))["cause"] == "ok"
    await w[0].told(("active", "work"))
    assert (await a.ask("drop home"))["cause"] == "ok"
    await w[0].told(("no-key", "home"))
    work.bsf.lifetime = 1
    await a.key()
    await w[0].told(("key", "work"), ("no-key", "work"))        # its time is over: nobody has asked
    w[0].writer.write(b"list\nuse home\nlist\n")
    lines = [await w[0].line() for _ in range(4)]
    assert sorted(x["result"] for x in lines) == ["changed", "done", "realms", "realms"], "a watching program may go on asking"
    await a.key()
    assert (await w[0].told(("key", "home")))["realm"] == "home"
    await moved(a, agent_done=7)
    await a.daemon.stop()
    assert await w[0].reader.read() == b"" and (await shell.wait()) != 0, "the end of the agent is an end"


@test("gba-ued: whoever watches and does not read is closed, and costs nobody a wait", smoke=True)
async def not_read(t):
    home, work = Realm(t, "home", IMSI), Realm(t, "work", OTHER)
    a = await Agent(t, home, work).start()
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(a.socket)
        s.sendall(b"watch\n")
        reader, writer = await asyncio.open_unix_connection(a.socket)
        t.cleanup(writer.close)
        for n in range(400):                            # more than a socket holds
            writer.write((b"use work\n", b"use home\n")[n % 2])
            assert json.loads(await reader.readline())["result"] == "done"
        s.settimeout(10)
        octets = b""
        with contextlib.suppress(ConnectionError):
            while more := s.recv(65536):
                octets += more
    assert 1 < octets.count(b"\n") < 400, "it was waited for"


@test("gba-ued: what waits for a key of a realm that hangs is served by the one that is made active meanwhile", smoke=True)
async def another_one(t):
    home, work = Realm(t, "home", IMSI), Realm(t, "work", OTHER)
    a = await Agent(t, home, work).start()
    asked = asyncio.Event()

    async def hang(_req):
        asked.set()
        await asyncio.Event().wait()
    home.bsf.handle_slowly = hang
    waiting = asyncio.ensure_future(a.key())
    await asyncio.wait_for(asked.wait(), 10 * procs.FACTOR)
    began = time.monotonic()
    assert (await a.ask("use work"))["cause"] == "ok"
    assert (await waiting)["realm"] == "work"
    assert time.monotonic() - began < 10, "it waited for the realm that hangs"


@test("gba-ued: a hundred applications, asked at the same moment, cost one run; each key is its own", smoke=True)
async def many_nafs(t):
    r = Realm(t, "home", IMSI)
    a = await Agent(t, r).start()
    names = [f"naf{n}.example.com" for n in range(100)]
    answers = []
    for at in range(0, 100, 20):
        answers += await asyncio.gather(*(a.key(n) for n in names[at:at + 20]))
    assert r.runs() == 1 and len({x["key"] for x in answers}) == 100
    for name, x in zip(names, answers):
        assert base64.b64decode(x["key"]) == r.key(x["btid"], name), name
    ua = bytes.fromhex("010001c02f")            # PSK TLS: another key with the same host
    x = await a.key(NAF, "ua " + ua.hex())
    assert base64.b64decode(x["key"]) == r.key(x["btid"], NAF, ua)


@test("gba-ued: GBA_U: the card makes the keys, the agent holds no Ks, an application gets Ks_ext_NAF", smoke=True)
async def gba_u(t):
    r = Realm(t, "home", IMSI, gba="u")
    a = await Agent(t, r).start()
    x = await a.key()
    assert base64.b64decode(x["key"]) == r.key(x["btid"]) and (await a.token())["on_card"], x
    ks, _ = r.bsf.sessions[x["btid"]]
    assert not leaks.search(a.state, [ks])[0] and b"sealed" not in a.kept()
    assert b'"on-card": true' in a.kept()


@test("gba-ued with the real BSF and HSS: its key opens the example application's page, and nothing on Ub or Ua tells it", smoke=True)
async def real_network(t):
    w = await World(t).start()
    card = w.cards[0]
    taps = {"ub": Tap(w.ports["ub"]), "ua": None}
    app = await App(t, w.ports["dia"]).start()
    taps["ua"] = Tap(app.port)
    for tap in taps.values():
        await tap.start()
        t.cleanup(tap.stop)
    a = await Agent(t, Realm(t, "home", card.imsi, card.k, card.opc, port=taps["ub"].port)).start()
    ue = [t.need_program("gba-ue"), "--agent", a.socket, "--json", "--connect-to", f"{NAF}:80:127.0.0.1:{taps['ua'].port}",
          "get", f"http://{NAF}/page"]
    for n in range(2):
        rc, out, err = await procs.run(ue)
        o = json.loads(out)
        assert rc == 0 and o["used_gba"] and o["bootstrapped"] == (n == 0) and "Welcome" in o["body"], (rc, o, err)
    assert app.requests()[-1]["key_fingerprint"] == o["key_fingerprint"]
    before = len(taps["ub"].octets)
    assert (await a.ask("renew"))["cause"] == "ok"
    second = taps["ub"].octets[before:]
    assert b"3gpp-gba-tmpi" in second and card.imsi.encode() not in second, "the IMPI is sent though there is a TMPI"
    key = base64.b64decode((await a.key())["key"])
    everything = taps["ub"].octets + taps["ua"].octets
    assert BSF_NAME.encode() in everything and card.imsi.encode() in everything, "nothing was seen"
    hits = [f for k in (card.k, card.opc, key) for f in leaks.forms(k) if f in everything]
    assert not hits, hits


class Tap:
    """Between the device and a server: all octets of both directions."""

    def __init__(self, target):
        self.target, self.octets, self.port = target, b"", None

    async def start(self):
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]

    async def stop(self):
        self.server.close()

    async def _serve(self, reader, writer):
        r2, w2 = await asyncio.open_connection("127.0.0.1", self.target)

        async def pump(r, to):
            try:
                while data := await r.read(65536):
                    self.octets += data
                    to.write(data)
                    await to.drain()
            except ConnectionError:
                pass
            finally:
                to.close()
        await asyncio.gather(pump(reader, w2), pump(r2, writer))


@test("gba-ued and a server that forges refusals: so many runs and no more, also through gba-ue and over a restart", smoke=True)
async def forged(t):
    r = Realm(t, "home", IMSI)
    a = await Agent(t, r).start()
    naf = await RawNaf(r.bsf).start()
    t.cleanup(naf.stop)
    naf.handle = lambda req: naf.challenge()        # refuses whatever comes
    first = await a.key()
    ue = [t.need_program("gba-ue"), "--agent", a.socket, "--json", "--connect-to", f"{NAF}:80:127.0.0.1:{naf.port}", "get",
          f"http://{NAF}/"]
    ends = []
    for n in range(6):
        rc, out, err = await procs.run(ue)
        ends.append(json.loads(out)["cause"])
        if n == 2:
            await a.daemon.kill()
            await a.daemon.start()
    assert ends == ["key_refused"] * 3 + ["too_often"] * 3, ends
    assert r.runs() == 4, "a forged 401 costs a run each time"
    assert len(naf.requests) <= 18, "a loop"
    x = await a.ask(f"key {NAF} force")
    assert (x["cause"], x["reason"]) == ("too_often", 8), x
    now = await a.key()
    assert now["btid"] != first["btid"] and not now["bootstrapped"], "the key there is, is given all the same"
    assert (await a.key("naf2.example.com", "refused " + first["btid"]))["btid"] == now["btid"] and r.runs() == 4, \
        "a refused key that is not the newest one needs no run"
    assert (await a.key("naf2.example.com", "refused " + now["btid"]))["bootstrapped"] and r.runs() == 5, "others are not shut out"
    await moved(a, agent_failed=2)


@test("gba-ued: expired, missing, refused: one run each; a BSF that fails or lies gives no key and keeps the former one", smoke=True)
async def renewals(t):
    r = Realm(t, "home", IMSI)
    a = await Agent(t, r).start()
    first = await a.key()                           # missing
    second = await a.key(NAF, "refused " + first["btid"])
    assert second["btid"] != first["btid"] and r.runs() == 2
    assert (await a.key("naf2.example.com"))["btid"] == second["btid"] and r.runs() == 2
    for attribute, lie, cause, reason in (("spoil_autn", lambda x: x[:15] + bytes([x[15] ^ 1]), "autn", 1),
                                          ("spoil_info", lambda x: x.replace('rspauth="', 'rspauth="0')[:-1], "rspauth", 1),
                                          ("spoil_body", lambda b: b.replace(b"==@", b"=@"), "answer", 1),
                                          ("refuse", 503, "busy", 4), ("refuse", 403, "refused", 4)):
        honest = getattr(r.bsf, attribute)
        setattr(r.bsf, attribute, lie)
        x = await a.ask("renew")
        assert (x["cause"], x["reason"]) == (cause, reason) and x["text"], x
        setattr(r.bsf, attribute, honest)
        assert (await a.key())["btid"] == second["btid"], "the former key is gone"
    port, r.bsf.lifetime = r.bsf.port, 2
    third = await a.ask("renew")
    assert third["cause"] == "ok" and third["btid"].encode() in a.kept()

    async def gone():
        return third["btid"].encode() not in a.kept() and b"sealed" not in a.kept()
    await t.until(gone, max(0.1, third["expires"] - time.time() + 1), "the key to end without being asked for")
    r.bsf.lifetime = 3600
    fourth = await a.key()
    assert fourth["bootstrapped"] and fourth["btid"] != third["btid"] and port == r.bsf.port
    token = await a.token()
    assert token["btid"] == fourth["btid"] and token["tmpi"] and IMSI not in json.dumps(token)


@test("gba-ued, renew-before: a key that was given is made anew before its end, nobody waits for it; one that nobody was given ends; a BSF that fails costs nothing",
      smoke=True, req=["220-4.5.3-5"])
async def before_the_end(t):
    r = Realm(t, "home", IMSI)
    a = await Agent(t, r, more=["renew-before 3600"]).start()
    w = await Watch(a).start()
    r.bsf.lifetime = 3
    first = await a.key()
    await w.told(("key", "home"))
    assert (await a.key())["btid"] == first["btid"] and r.runs() == 1, "made anew at once, though it lives shorter"
    r.bsf.lifetime = 1
    second = await w.told(("key", "home"))
    assert second["btid"] != first["btid"] and time.time() < first["expires"] and r.runs() == 2
    await w.told(("no-key", "home"))
    assert r.runs() == 2, "made anew for nobody"
    r.bsf.lifetime = 2
    third = await a.key()
    await w.told(("key", "home"))
    tried, r.bsf.refuse = len(r.bsf.requests), 503

    async def failed():
        return len(r.bsf.requests) > tried
    await t.until(failed, 10, "a run before the end")
    assert time.time() < third["expires"] and (await a.key())["btid"] == third["btid"]
    await w.told(("no-key", "home"))


@test("gba-ued: dropped, expired and pulled keys are in no file and nowhere in its memory", smoke=True, req=["220-4.4.13-4"])
async def nowhere(t):
    t.need_root("reading another process's memory")
    r = Realm(t, "home", IMSI)
    a = await Agent(t, r).start()
    x = await a.key()
    ks, _ = r.bsf.sessions[x["btid"]]
    keys = {"Ks": ks, "Ks_NAF": base64.b64decode(x["key"])}
    if procs.SANITIZED:
        t.skip("a sanitizer keeps what was freed")
    assert "Ks" in memory.search(a.daemon.pid, keys)[0], "the search finds nothing"
    assert not leaks.search(a.state, list(keys.values()))[0], "Ks is in a file in the clear"
    assert (await a.ask("drop home"))["cause"] == "ok"
    hits = memory.search(a.daemon.pid, keys)[0]
    assert not hits, dict(hits)
    token = await a.token()
    assert "btid" not in token and token["tmpi"], token
    assert (await a.ask("drop home tmpi"))["cause"] == "ok" and "tmpi" not in await a.token()
    y = await a.key()
    await a.daemon.stop()
    os.unlink(r.card)                               # no card at power-up: nothing of it is kept
    await a.daemon.start()
    assert y["btid"].encode() not in a.kept() and not any(n.endswith(".gba") for n in os.listdir(a.state)), os.listdir(a.state)
    z = await a.ask(f"key {NAF}")
    assert (z["cause"], z["reason"]) == ("local", 3) and r.card in z["text"], z
    r.put_card()
    assert (await a.key())["bootstrapped"], "a card that came back is not seen"


@test("gba-ued with a card in a reader: pulled, its keys are gone within 1.5 s; swapped while nobody looked, too; GBA_U", smoke=True,
      req=["220-4.4.11-1"])
async def pulled(t):
    r = Realm(t, "home", IMSI, gba="u")
    pcscd = await Pcscd(t).start()
    a = Agent(t, r, inside=pcscd.inside())
    r.text = f"pcsc:{pcscd.reader},pin-file={t.dir}/pin"
    with open(os.open(t.dir + "/pin", os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
        f.write("1234\n")
    card = t.dir + "/vuicc.cfg"
    with open(os.open(card, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
        f.write(f"usim\n imsi {IMSI}\n mnc-length 2\n k {r.k.hex()}\n opc {r.opc.hex()}\n algorithm milenage\n gba u\n state-file vuicc.state\n"
                " iccid 8988211000000000007\n pin 1234\n puk 12345678\n")
    vuicc = await Vuicc(t, pcscd.port, card).start()
    assert await pcscd.send("in") == []
    await a.start()
    x = await a.key()
    ks, _ = r.bsf.sessions[x["btid"]]
    assert base64.b64decode(x["key"]) == r.key(x["btid"]) and (await a.token())["on_card"], x
    watch = await Watch(a).start()
    if os.geteuid() == 0 and not procs.SANITIZED:
        assert not memory.search(a.daemon.pid, {"Ks": ks})[0], "Ks has left the card"
    await vuicc.tell("out")
    began = time.monotonic()
    await t.until(lambda: x["btid"].encode() not in a.kept(), 4, "the keys of a pulled card to end")
    t.note(f"gone {time.monotonic() - began:.2f} s after the pull")
    assert time.monotonic() - began < 1.5 * t.factor, "the keys of a pulled card live on"
    await watch.told(("no-key", "home"), ("no-card", "home"))
    y = await a.ask(f"key {NAF}")
    assert (y["cause"], y["reason"]) == ("local", 3), y
    await vuicc.tell("in")
    assert await pcscd.send("in") == []
    z = await a.key()
    assert z["bootstrapped"] and z["btid"] != x["btid"]
    await vuicc.tell("out")
    await vuicc.tell("in")
    assert await pcscd.send("in") == []
    await t.until(lambda: z["btid"].encode() not in a.kept(), 4, "a card that was out and in again to lose its keys")

    async def new_key():
        return (await a.ask(f"key {NAF}")).get("bootstrapped")      # pcscd sees the card with a delay of its own
    await t.until(new_key, 5, "a key from the card that is back")


@test("gba-ued: another card in its place: the former one's keys are gone, TMPI too", smoke=True)
async def another_card(t):
    r = Realm(t, "home", IMSI)
    a = await Agent(t, r).start()
    x = await a.key()
    await a.daemon.stop()
    r.imsi, r.impi = "001010000000007", kdf.impi_from_imsi("001010000000007")
    r.bsf.impi = r.impi
    r.put_card()
    await a.daemon.start()
    token = await a.token()
    assert "btid" not in token and "tmpi" not in token and x["btid"].encode() not in a.kept(), token
    y = await a.key()
    assert y["bootstrapped"] and base64.b64decode(y["key"]) == r.key(y["btid"])


@test("gba-ued: several realms are kept and one is active: a hundred switches at once never show two", smoke=True)
async def realms(t):
    home, work = Realm(t, "home", IMSI), Realm(t, "work", OTHER)
    a = await Agent(t, home, work).start()
    assert (await a.token())["realm"] == "home", "the first one is active"
    x = await a.key()
    assert x["realm"] == "home"
    assert (await a.ask("use nowhere"))["cause"] == "usage" and (await a.token())["realm"] == "home"
    assert (await a.ask("use work"))["cause"] == "ok"
    y = await a.key()
    assert y["realm"] == "work" and y["btid"].endswith(work.bsf_name) and base64.b64decode(y["key"]) == work.key(y["btid"])
    assert (await a.token("home"))["btid"] == x["btid"], "the other realm's key is kept"
    names = [random.choice(("home", "work")) for _ in range(100)]

    async def switch(name):
        assert (await a.ask("use " + name))["cause"] == "ok"
        await a.token()                             # asserts that exactly one is active
        k = await a.key()
        assert k["btid"] == {"home": x, "work": y}[k["realm"]]["btid"]
    for at in range(0, 100, 20):
        await asyncio.gather(*(switch(n) for n in names[at:at + 20]))
    assert (home.runs(), work.runs()) == (1, 1)
    await moved(a, agent_done=100)


@test("gba-ued killed at any moment: what it has answered is still true, and the card's numbers go on", smoke=True)
async def killed(t):
    home, work = Realm(t, "home", IMSI), Realm(t, "work", OTHER)
    a = await Agent(t, home, work).start()
    rng = random.Random(7)
    told = {"active": "home", "btid": {}, "dropped": set()}

    async def busy():
        while True:
            name = rng.choice(("home", "work"))
            if (await a.ask("use " + name))["cause"] == "ok":
                told["active"] = name
            x = await a.ask(rng.choice(("renew", f"key {NAF}")))
            assert x["cause"] == "ok", x
            told["btid"][x["realm"]] = x["btid"]
    for round_ in range(8):
        work_ = asyncio.ensure_future(busy())
        await asyncio.sleep(rng.uniform(0.0, 0.25))      # the moment is what is tried
        await a.daemon.kill()
        work_.cancel()
        await asyncio.gather(work_, return_exceptions=True)
        asked = dict(told["btid"])
        await a.daemon.start()
        now = {n: await a.token(n) for n in ("home", "work")}
        for name, btid in asked.items():
            r = home if name == "home" else work
            held = now[name].get("btid")
            # the one told, or a newer one that was made and not told
            assert held in list(r.bsf.sessions)[list(r.bsf.sessions).index(btid):], (round_, name, held)
        x = await a.key()
        assert x["cause"] == "ok" and not x["bootstrapped"] or x["realm"] not in asked, x
    assert home.bsf.mac_failures == work.bsf.mac_failures == 0
    active = (await a.token())["realm"]
    assert (await a.ask("use " + ("home" if active == "work" else "work")))["cause"] == "ok"
    await a.daemon.kill()
    await a.daemon.start()
    assert (await a.token())["realm"] != active, "an answered switch is lost"
