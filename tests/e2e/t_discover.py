# SPDX-License-Identifier: AGPL-3.0-or-later
"""gba-ue discover: what an operator tells of its realm over HTTPS, checked by the device as by the schema, and a configuration of it."""
import asyncio
import datetime
import json
import os
import ssl
import time

from lib import procs, vty
from lib.pki import pki
from lib.registry import Realm
from lib.runner import test
from lib.web import HttpServer
from lib.world import BSF_NAME

PATH = "/.well-known/gba-configuration"
HOST = "registry.example.com"
LATER = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86400))
WHOLE = {"realm": "mnc001.mcc001.3gppnetwork.org", "bsf_url": f"http://{BSF_NAME}/", "bsf_names": [BSF_NAME], "ua_protocols": ["0100000002"],
         "key_kinds": ["device"], "registry": f"https://{HOST}/", "catalogue": f"https://{HOST}/catalogue", "apps_url": "http://apps.example.com:8091/", "valid_until": LATER}


class Operator(HttpServer):
    """A web server with a certificate for HOST; .answer is what it says."""

    def __init__(self, document=None):
        super().__init__()
        self.answer = (200, [("Content-Type", "application/json")], json.dumps(document or WHOLE).encode())
        self.endless = False

    async def start(self, pair=None):
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        pair = pair or pki().make("registry", HOST)
        c.load_cert_chain(pair.certificate, pair.key)
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=c)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def handle(self, req):
        return self.answer

    async def _serve(self, reader, writer):
        if not self.endless:
            return await super()._serve(reader, writer)
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 x\r\n\r\n{")
            while True:
                writer.write(b" " * 65536)
                await writer.drain()
                await asyncio.sleep(0)                             # drain() alone does not let the loop see that nobody is there any more
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


async def operator(t, document=None, pair=None):
    o = await Operator(document).start(pair)
    t.cleanup(o.stop)
    return o


async def discover(t, port, *more, url=f"https://{HOST}", ca=None, as_json=True):
    argv = [t.need_program("gba-ue"), *(["--json"] if as_json else []), "--ca", ca or pki().ca(), "--connect-to", f"{HOST}:443:127.0.0.1:{port}",
            *more, "discover", url]
    rc, out, err = await procs.run(argv, 30)
    return rc, json.loads(out) if as_json else out, err


async def ajv(t, documents):
    """Which of them the schema takes."""
    t.need_tool("node", "node-ajv")
    here = os.path.dirname(os.path.abspath(__file__))
    rc, out, err = await procs.run(["node", here + "/lib/ajv.js", os.path.join(procs.SRC, "doc", "gba-configuration.schema.json")], 30,
                                   stdin=json.dumps(documents).encode(), env={"NODE_PATH": "/usr/share/nodejs"})
    assert rc == 0, err
    return json.loads(out)


def changed(**members):
    d = WHOLE | members
    return {k: v for k, v in d.items() if v is not ...}


@test("gba-ue discover: what gba-regd tells of its realm is as the schema wants it, and the configuration that is made of it works unchanged",
      smoke=True, timeout=90)
async def whole_way(t):
    w = Realm(t)
    w.reg_cfg.add("registry", f"discovery registry https://{HOST}/")
    w.reg_cfg.add("registry", "discovery key card")
    w.reg_cfg.add("registry", "discovery key device")
    await w.start()
    rc, out, err = await procs.run([t.need_program("gbactl"), "-s", w.ports["reg_ctl"], "--json", "discovery"])
    told = json.loads(out)
    assert rc == 0 and await ajv(t, [told]) == [True], (out, err)
    assert told["realm"] == WHOLE["realm"] and told["bsf_url"] == WHOLE["bsf_url"] and told["key_kinds"] == ["device", "card"], told
    o = await operator(t, told)
    folder = os.path.join(t.dir, "device")
    os.mkdir(folder, 0o700)
    card, cfg = w.usim(state=folder + "/usim.state"), folder + "/ue.cfg"
    rc, x, err = await discover(t, o.port, "-c", card, "--connect-to", f"{BSF_NAME}:80:127.0.0.1:{w.ports['ub']}", "--write", cfg)
    assert rc == 0 and x["result"] == "discovered" and x["registry"] == f"https://{HOST}/" and x["written"] == cfg, (x, err)
    assert x["missing"] == ["the catalogue: which applications there are is not told", "apps_url: 'gba-ue apps' cannot ask what this device may use"] and o.requests[0]["target"] == PATH, x
    before = open(cfg, encoding="utf-8").read()
    rc, x, err = await discover(t, o.port, "-c", card, "--write", cfg)
    assert (rc, x["cause"]) == (2, "local") and open(cfg, encoding="utf-8").read() == before, "a file that is there is written over"
    assert sorted(os.listdir(folder)) == ["gba-ued.state", "ue.cfg"], os.listdir(folder)
    here = os.getcwd()
    for n, (typed, written) in enumerate((("u.cfg", f"{here}/u.cfg"), ("soft:u.cfg,state=s,timeout=5", f"soft:{here}/u.cfg,state={here}/s,timeout=5"),
                                          ("pcsc:A Reader,pin-file=pin,state=/var/s", f"pcsc:A Reader,pin-file={here}/pin,state=/var/s"),
                                          ("rest:http://127.0.0.1:1/#0,pin-file=p", f"rest:http://127.0.0.1:1/#0,pin-file={here}/p"), ("soft:/u", "soft:/u"))):
        apart = os.path.join(t.dir, f"apart{n}")
        os.mkdir(apart, 0o700)
        rc, x, err = await discover(t, o.port, "-c", typed, "--write", apart + "/ue.cfg")
        assert rc == 0 and f"\n card {written}\n" in open(apart + "/ue.cfg", encoding="utf-8").read(), (typed, err)
    taken = os.path.join(t.dir, "taken")
    os.mkdir(taken, 0o700)
    open(taken + "/gba-ued.state", "x", encoding="ascii").close()
    rc, x, err = await discover(t, o.port, "-c", card, "--write", taken + "/ue.cfg")
    assert (rc, x["cause"]) == (2, "local") and "gba-ued.state: " in x["reason"], (x, err)
    assert os.listdir(taken) == ["gba-ued.state"], "a configuration is left that could not begin"
    agent = procs.Daemon("gba-ued", [t.need_program("gba-ued"), "-c", cfg], t.dir + "/log/ued.log")
    t.watch(agent)
    await agent.start()
    rc, out, err = await procs.run([t.need_program("gba-ue"), "--agent", folder + "/gba-ued.ask", "--json", "bootstrap"])
    assert rc == 0 and json.loads(out)["btid"].endswith("@" + BSF_NAME), (out, err)
    w.reg_cfg.add("registry", "discovery ub http://bsf.example.com/")
    w.reg_cfg.write(os.path.join(w.etc, "gba-reg.cfg"))
    rc, out, err = await procs.run([t.need_program("gba-regd"), "-c", f"{w.etc}/gba-reg.cfg", "--check"])
    assert rc == 1 and "allowed is a host that is a bsf-name" in err, err


@test("a discovered document is taken or refused by the device as by its schema, and what is wrong is named with what is allowed", smoke=True)
async def documents(t):
    o = await operator(t)
    wrong = {
        "realm": ("", "a b", "-a", "a..b", "a.b\n", "x" * 64, 1, None, ..., ["a"]),
        "bsf_url": ("", "bsf", "ftp://" + BSF_NAME, "https://" + BSF_NAME + "/", f"http://u@{BSF_NAME}/", f"http://{BSF_NAME}/ x", "http://", {}, ...),
        "bsf_names": ([], BSF_NAME, ["a b"], [BSF_NAME] * 17, [1], ["x." * 120 + "x"], ...),
        "ua_protocols": ([], "0100000002", ["01"], ["010000000G"], ["01000000AB"], [2], ["0100000002"] * 17, ...),
        "key_kinds": ([], ["later"], "device", ["device", 1], ["device", ""], ["device", "x" * 33], ["device", "a b"], ...),
        "registry": ("http://x/", "", "https://", "https://a b/", 'https://"/', "https://" + "x" * 1024, 1, None),
        "catalogue": ("http://x/", "https://\u00e9/", []),
        "apps_url": ("ftp://x/", "https://x y/", "", "http:///", "http://x y/", 1),
        "valid_until": ("", "2030-01-01", "2030-01-01T00:00:00+01:00", "2030-01-01 00:00:00Z", 4102444800, ...),
    }
    good = [WHOLE, changed(registry=..., catalogue=..., apps_url=...), changed(later={"a": [1]}), changed(key_kinds=["later", "card"]),
            changed(ua_protocols=["0100010000", "0100000002"]), changed(apps_url="https://x/"), changed(bsf_names=["other.example.com", BSF_NAME.upper()])]
    bad = [(name, changed(**{name: v})) for name, values in wrong.items() for v in values]
    assert await ajv(t, good) == [True] * len(good)
    taken = await ajv(t, [d for _, d in bad] + [[], "x", None])
    assert not any(taken), [d for (_, d), v in zip(bad, taken) if v]
    documents = good + [d for _, d in bad]
    o.handle = lambda req: (200, [], json.dumps(documents[int(req["target"][1:])]).encode())
    at_once = asyncio.Semaphore(4)

    async def one(n):
        async with at_once:
            return await discover(t, o.port, url=f"https://{HOST}/{n}")
    results = await asyncio.gather(*(one(n) for n in range(len(documents))))
    for d, (rc, x, _) in zip(good, results):
        assert rc == 0, (d, x)
    for (name, d), (rc, x, _) in zip(bad, results[len(good):]):
        assert (rc, x["cause"]) == (1, "answer") and f": {name} is " in x["reason"] and "allowed is" in x["reason"], (name, d, x)


@test("hostile discovery: no JSON, twice the same member, too large, endless, over, redirects, http, foreign certificates; no file comes of any",
      smoke=True)
async def hostile(t):
    o = await operator(t)
    text = json.dumps(WHOLE)
    for answer, status, cause, said in (
            ((200, [], b""), 1, "answer", "no JSON object"), ((200, [], b"<html>"), 1, "answer", "no JSON object"), ((200, [], b"[]"), 1, "answer", "no JSON object"),
            ((200, [], b"[" * 60000), 1, "answer", "no JSON object"), ((200, [], (text + "x").encode()), 1, "answer", "no JSON object"),
            ((200, [], text.replace("{", '{"realm": "evil.example.com", ', 1).encode()), 1, "answer", "no JSON object"),
            ((200, [], (text + " " * 65536).encode()), 1, "answer", "allowed are 65536"), ((200, [], text.encode() + b" " * (1 << 20)), 1, "answer", "body than"),
            ((200, [], json.dumps(changed(valid_until="2020-01-01T00:00:00Z")).encode()), 1, "answer", "valid_until is over"),
            ((200, [], json.dumps(changed(bsf_url="http://evil.example.com/")).encode()), 1, "answer", "allowed is a host of bsf_names"),
            ((200, [], json.dumps(changed(realm="a\u0000b")).encode()), 1, "answer", "no JSON object"),
            ((302, [("Location", f"https://{HOST}/elsewhere")], b""), 1, "refused", "no other address is followed"),
            ((404, [], b""), 1, "refused", "HTTP 404"), ((503, [], b""), 4, "busy", "HTTP 503")):
        o.answer = answer
        rc, x, err = await discover(t, o.port, "--write", t.dir + "/made.cfg")
        assert (rc, x["cause"]) == (status, cause) and said in x["reason"], (answer[2][:60], x, err)
    assert len(o.requests) == 14, "an address is followed"
    o.endless = True
    rc, x, _ = await discover(t, o.port, "--write", t.dir + "/made.cfg")
    assert (rc, x["cause"]) == (1, "answer") and "body than" in x["reason"], x
    for url in (f"http://{HOST}/", "https://", f"https://u:p@{HOST}/", f"https://{HOST}/?x", "file:///etc/passwd", f"https://{HOST}/\x1b[2J", HOST):
        rc, x, _ = await discover(t, o.port, url=url)
        assert (rc, x["cause"]) == (2, "usage") and "allowed is https://" in x["reason"], (url, x)
    p = pki()
    for name, pair, ca in (("another name", p.make("evil", "evil.example.com"), None), ("another CA", p.make("foreign", HOST, ca="other"), None),
                           ("over", p.make("old", HOST, since=-7200, until=-3600), None), ("the system's CAs", None, "/etc/ssl/certs/ca-certificates.crt")):
        o = await operator(t, pair=pair)
        if ca and not os.path.exists(ca):
            continue
        rc, x, _ = await discover(t, o.port, ca=ca)
        assert (rc, x["cause"]) == (3, "certificate") and not o.requests, (name, x)
    assert not [n for n in os.listdir(t.dir) if n.startswith("made")], "a file was made"
    o = await operator(t, changed(ua_protocols=["0100010000"], registry=..., catalogue=..., apps_url=...))
    rc, out, _ = await discover(t, o.port, as_json=False)
    assert rc == 0 and out.count("missing: ") == 4 and "HTTP Digest among the Ua protocols" in out, out


@test("gba-regd: what is told to new devices is configured in words that are checked, written back, and true after a restart alone", smoke=True)
async def words(t):
    w = Realm(t)
    good = ["discovery ub http://" + BSF_NAME + ":8080/", f"discovery registry https://{HOST}/", f"discovery catalogue https://{HOST}/catalogue",
            "discovery ua 0100010000", "discovery key card", "discovery days 7"]
    for line in good:
        w.reg_cfg.add("registry", line)
    for node in ("target bsf-1 bsf", "target hss-1 hss"):
        w.reg_cfg.remove_node(node)
    await w.start_reg()
    running = await vty.enabled(w.ports["reg_vty"], "show running-config")
    assert all(f"\n {line}" in running for line in good), running
    told = await w.order("discovery")
    assert told["bsf_url"] == f"http://{BSF_NAME}:8080/" and told["ua_protocols"] == ["0100010000"] and told["key_kinds"] == ["card"], told
    assert await ajv(t, [told]) == [True]
    days = (datetime.datetime.fromisoformat(told["valid_until"]) - datetime.datetime.now(datetime.timezone.utc)).total_seconds() / 86400
    assert 6.9 < days < 7.1, told
    bad = os.path.join(w.etc, "bad.cfg")
    for line, said in (("discovery ub https://x.example.com/", "allowed is http://"), ("discovery ub http://", "allowed is http://"),
                       ("discovery registry http://x.example.com/", "allowed is https://"), ("discovery ua 01", "10 hexadecimal digits"),
                       ("discovery ua 010001000G", "10 hexadecimal digits"), ("discovery key sim", "discovery key"), ("discovery days 366", "discovery days"),
                       ("discovery days 0", "discovery days"), (f"discovery catalogue https://{HOST}/", "allowed: once"),
                       ("own-app listen nowhere 8091", "no address"), ("own-app listen 127.0.0.1 8091", "go together"),
                       ("own-app naf-conf nothing.conf", "nothing.conf")):
        w.reg_cfg.add("registry", line)
        w.reg_cfg.write(bad)
        w.reg_cfg.node("registry").pop()
        rc, _, err = await procs.run([t.need_program("gba-regd"), "-c", bad, "--check"])
        assert rc == 1 and said in err and "bad.cfg:" in err, (line, rc, err)
