# SPDX-License-Identifier: AGPL-3.0-or-later
"""The NAF library in its example server: every cause of Ua, the key cache, curl and gba-ue as devices, gba-naf on the line."""
import base64
import json
import os
import time

from lib import causes, dia, kdf, procs
from lib.app import App, RawBsf, fingerprint
from lib.dia import Avp
from lib.runner import test
from lib.ue import Session, UaClient
from lib.world import BSF_ID, BSF_NAME, World

FQDN = "naf1.example.com"
OTHER_FQDN = "a.apps.example.com"


class Naf(App):
    """The example server, its log by the number of the request."""

    async def expect(self, cause, verdict, n):
        """The n-th request was logged with this cause; registers it."""
        async def there():
            return len(self.requests()) >= n
        await self.t.until(there, 5, f"line {n} of the application's log")
        line = self.requests()[n - 1]
        assert (line["cause"], line["verdict"]) == (cause, verdict), line
        causes.register(cause)


class RawZn(RawBsf):
    """A BSF as the NAF sees it: answers BIRs as told."""

    def __init__(self):
        super().__init__()
        self.sessions, self.result, self.silent = {}, None, False

    def session(self, life=3600, created=0):
        ks, rand, impi = os.urandom(32), os.urandom(16), "a@b.example"
        s = Session(kdf.btid(rand, BSF_NAME), ks, rand, impi, int(time.time()) + life)
        self.sessions[s.btid] = s
        return s

    async def _on_request(self, conn, bir):
        self.birs.append(bir)
        if self.silent:
            return
        s = self.sessions.get(bir.text(dia.BTID))
        head = [dia.vsai(dia.APP_ZN)] + conn.origin()
        if self.result is not None:
            await conn.send(bir.answer(head + [self.result]))
        elif s is None:
            await conn.send(bir.answer(head + [dia.experimental(5403)]))
        else:
            key = kdf.ks_naf(s.ks, s.rand, s.impi, bir.find(dia.NAF_ID).data)
            await conn.send(bir.answer(head + [
                Avp(dia.RESULT, 2001), Avp(dia.ME_KEY, key), Avp(dia.KEY_EXPIRY, dia.to_ntp(s.expires_at)),
                Avp(dia.CREATION, dia.to_ntp(s.made_at))]))


async def raw(t, *more):
    zn = RawZn()
    await zn.start()
    t.cleanup(zn.stop)
    return zn, await Naf(t, zn.port, *more).start()


def is_challenge(r, stale=False):
    assert r.status == 401, r
    value = r.get("WWW-Authenticate")
    assert f'realm="3GPP-bootstrapping@{FQDN}"' in value and ("stale=true" in value.lower()) == stale, value
    return r


@test("a page: bootstrapping required, the key over Zn, the page and its proof; the next page without Zn", smoke=True,
      req=["220-4.2.2-1", "220-4.4.6-9", "220-4.4.6-23", "220-4.4.7-3", "220-4.4.9-2", "220-4.4.9-8", "220-4.5.1-2",
           "220-4.5.3-10", "220-4.5.3-15", "220-H.3-2"])
async def page(t):
    w = await World(t).start()
    n = await Naf(t, w.ports["dia"]).start()
    s = await w.ue().bootstrap()
    ua = UaClient(n.port)
    is_challenge(await ua.get("/page?a=b"))
    await n.expect("naf_challenged", "challenge", 1)
    async with causes.counted(w, zn_ok=1):
        r = await ua.fetch(s, "/page?a=b")
    assert r.status == 200 and b"Welcome" in r.body and "rspauth" in r.get("Authentication-Info"), r
    await n.expect("naf_ok", "accept", 3)
    async with causes.counted(w):
        assert (await ua.fetch(s, "/two", qop="auth")).status == 200
        assert (await ua.fetch(s, "/three", method="POST", body=b"some body")).status == 200
    for key in (s.ks, s.ks_naf()):
        assert key.hex() not in n.daemon.text()


@test("causes of Ua: syntax, uri, downgrade, stale, replay, response, foreign BSF; a foreign Host", smoke=True,
      req=["220-4.4.9-2", "220-4.5.2-27", "220-H.1-1"])
async def ua_causes(t):
    zn, n = await raw(t)
    s, ua, k = zn.session(), UaClient(n.port), 0

    async def ask(cause, verdict, status, authorization, target="/", **kw):
        nonlocal k
        r = await ua.get(target, authorization, **kw)
        k += 1
        assert r.status == status, (cause, r)
        await n.expect(cause, verdict, k)
        if status == 401:
            is_challenge(r, cause in ("naf_nonce_stale", "naf_replay"))
        return r
    ua.take(await ask("naf_challenged", "challenge", 401, None))
    await ask("naf_syntax", "deny", 400, 'Digest username="a", realm')
    await ask("naf_syntax", "deny", 400, ua.authorization(s, response=None))
    await ask("naf_uri_mismatch", "deny", 400, ua.authorization(s, target="/a"), target="/b")
    await ask("naf_downgrade", "challenge", 401, ua.authorization(s, algorithm="MD5-sess"))
    await ask("naf_response", "challenge", 401, ua.authorization(s, key=os.urandom(32)))
    assert len(zn.birs) == 1
    ok = ua.authorization(s)
    await ask("naf_ok", "accept", 200, ok)
    await ask("naf_replay", "challenge", 401, ok)
    await ask("naf_nonce_stale", "challenge", 401, ua.authorization(s, nonce=base64.b64encode(os.urandom(24)).decode()))
    await ask("naf_bsf_foreign", "deny", 403, ua.authorization(s, username=kdf.btid(os.urandom(16), "bsf.evil.example")))
    await ask("naf_btid_unknown", "challenge", 401, ua.authorization(s, username=kdf.btid(os.urandom(16), BSF_NAME)))
    assert len(zn.birs) == 2
    r = await ua.get("/", ua.authorization(s), http_host="other.example.com")
    assert r.status in (400, 403, 404), r
    assert len(zn.birs) == 2, "a BIR for a host that is not ours"
    assert all(b.find(dia.NAF_ID).data == FQDN.encode() + kdf.UA_HTTP_DIGEST for b in zn.birs)
    assert zn.birs[0].text(dia.BTID) == s.btid, "the B-TID of Ua, unchanged"


@test("causes from Zn: not authorised, any other result, no answer, no BSF; then it works again", smoke=True, timeout=90,
      req=["220-4.5.3-14"])
async def zn_causes(t):
    zn, n = await raw(t, "--deadline", str(int(1000 * t.factor)))
    ua, k = UaClient(n.port), 1
    ua.take(await ua.get("/"))
    for cause, verdict, status, result in (("naf_not_authorized", "deny", 403, dia.experimental(5402)),
                                           ("naf_bsf_error", "temporary failure", 503, Avp(dia.RESULT, 5012)),
                                           ("naf_bsf_error", "temporary failure", 503, dia.experimental(5999))):
        zn.result = result
        r = await ua.get("/", ua.authorization(zn.session()))
        k += 1
        assert r.status == status and (status != 503 or int(r.get("Retry-After")) > 0), (cause, r)
        await t.until(lambda: enough(n, k), 5, "a log line")
        line = n.requests()[k - 1]
        assert line["cause"] == cause, line
        causes.register(cause)
    zn.result, zn.silent = None, True
    r = await ua.get("/", ua.authorization(zn.session()))
    assert r.status == 503 and n.requests()[-1]["cause"] == "naf_bsf_down", (r, n.requests()[-1])
    zn.silent = False
    assert (await ua.get("/", ua.authorization(zn.session()))).status == 200
    port = zn.port
    await zn.stop()

    async def unhealthy():
        return (await ua.get("/health")).status == 503
    await t.until(unhealthy, 10, "the application to notice that the BSF is gone")
    r = await ua.get("/", ua.authorization(zn.session()))
    assert r.status == 503 and n.requests()[-1]["cause"] == "naf_bsf_down", (r, n.requests()[-1])
    causes.register("naf_bsf_down")
    await zn.start(port)

    async def healthy():
        return (await ua.get("/health")).status == 200
    await t.until(healthy, 20, "the application to connect again")
    assert (await ua.get("/", ua.authorization(zn.session()))).status == 200


async def enough(n, k):
    return len(n.requests()) >= k


@test("naf_key_expired: a cached key ends at the BSF's expiry, and renegotiation is asked for", smoke=True,
      req=["220-4.2.2-6", "220-4.5.3-3"])
async def expired(t):
    zn, n = await raw(t)
    s, ua = zn.session(life=2), UaClient(n.port)
    assert (await ua.fetch(s)).status == 200

    async def over():
        r = await ua.get("/", ua.authorization(s))
        if r.status == 200:
            assert time.time() < s.expires_at + 1, "served after the expiry of the key"
        return r.status == 401
    await t.until(over, 8, "the end of the key")
    assert n.requests()[-1]["cause"] == "naf_key_expired", n.requests()[-1]
    causes.register("naf_key_expired")
    assert len(zn.birs) == 1, "the BSF was asked for an expired key"


@test("curl --digest opens the page: MD5, SHA-256 first, integrity only; with a wrong key it does not", smoke=True)
async def curl(t):
    t.need_tool("curl", "curl")
    w = await World(t).start()
    s = await w.ue().bootstrap()
    for more in ([], ["--sha256"], ["--qop", "auth-int"]):
        n = await Naf(t, w.ports["dia"], *more).start()
        argv = ["curl", "-s", "--digest", "-K", "-", "-w", "%{http_code}", "--connect-to",
                f"{FQDN}:80:127.0.0.1:{n.port}", f"http://{FQDN}/page?x=1"]
        config = f'user = "{s.btid}:{base64.b64encode(s.ks_naf()).decode()}"\n'
        rc, out, err = await procs.run(argv, 20, stdin=config.encode())
        assert rc == 0 and "Welcome" in out and out.endswith("200"), (more, rc, out, err)
        wrong = f'user = "{s.btid}:{base64.b64encode(os.urandom(32)).decode()}"\n'
        rc, out, err = await procs.run(argv, 20, stdin=wrong.encode())
        assert out.endswith("401"), (more, rc, out, err)
        await n.daemon.stop()


@test("gba-ue and the example server hold the same key; a restarted BSF without the session leads to one more bootstrap",
      smoke=True, timeout=90, req=["220-4.5.3-5", "220-4.2.4-5", "220-4.5.3-14", "220-4.5.2-30", "220-4.5.3-6",
                                   "220-4.4.6-9", "220-4.5.2-27", "220-4.4.9-8"])
async def device(t):
    w = await World(t).start()
    n = await Naf(t, w.ports["dia"], "--fqdn", OTHER_FQDN).start()
    argv = [t.need_program("gba-ue"), "-c", w.usim(), "--json", "--connect-to", f"{BSF_NAME}:80:127.0.0.1:{w.ports['ub']}",
            "--connect-to", f"{FQDN}:80:127.0.0.1:{n.port}", "--connect-to", f"{OTHER_FQDN}:80:127.0.0.1:{n.port}",
            "get", f"http://{FQDN}/"]
    rc, out, err = await procs.run(argv)
    first = json.loads(out)
    assert rc == 0 and "Welcome" in first["body"] and first["bootstrapped"], (rc, out, err)
    assert first["key_fingerprint"] == n.requests()[-1]["key_fingerprint"]
    rc, out, err = await procs.run(argv)
    again = json.loads(out)
    assert rc == 0 and not again["bootstrapped"] and again["btid"] == first["btid"]
    rc, out, err = await procs.run(argv[:-1] + [f"http://{OTHER_FQDN}/"])
    other = json.loads(out)
    assert rc == 0 and not other["bootstrapped"] and other["btid"] == first["btid"], "a second NAF is no reason for a run"
    assert other["key_fingerprint"] == n.requests()[-1]["key_fingerprint"] != first["key_fingerprint"], "NAF_Id follows Host"
    await n.daemon.stop()
    from lib.vty import Vty
    v = await Vty.open(w.ports["bsf_vty"])
    await v.command("enable")
    assert "1 sessions revoked" in await v.command(f"revoke btid {first['btid']}")
    v.close()
    await n.start()
    rc, out, err = await procs.run(argv)
    last = json.loads(out)
    assert rc == 0 and last["bootstrapped"] and last["btid"] != first["btid"], (rc, out, err)


@test("gba-naf bir: the key's fingerprint on the command line, refusals by name and exit code", smoke=True)
async def line(t):
    exe = t.need_program("gba-naf")
    w = await World(t).start()
    s = await w.ue().bootstrap()

    async def bir(btid, *more):
        return await procs.run([exe, "bir", btid, "--naf", FQDN, "--ua", "0100000002", "--bsf",
                                f"127.0.0.1:{w.ports['dia']}", *more], 20)
    rc, out, err = await bir(s.btid)
    assert rc == 0 and s.ks_naf().hex() not in out + err, (rc, out, err)
    for btid in (kdf.btid(os.urandom(16), BSF_NAME),):
        rc, out, err = await bir(btid)
        assert rc != 0 and "5403" in out + err, (rc, out, err)


@test("Destination-Realm: as configured, with the BSF's name; or the domain of the B-TID and no name", smoke=True,
      req=["220-4.4.7-4", "220-4.2.2-2"])
async def destination(t):
    exe, fork = t.need_program("gba-naf"), t.need_program("naf_fork")
    zn = RawZn()
    await zn.start()
    t.cleanup(zn.stop)
    s, realm = zn.session(), "mnc001.mcc001.3gppnetwork.org"
    argv = [exe, "bir", s.btid, "--naf", FQDN, "--ua", "0100000002", "--bsf", f"127.0.0.1:{zn.port}"]
    for more in ([], ["--bsf-realm-from-btid"], ["--no-destination-host"]):
        rc, out, err = await procs.run(argv + more, 20)
        assert rc == 0, (rc, out, err)
    for mode in ("once", "btid"):
        rc, out, err = await procs.run([fork, mode, f"127.0.0.1:{zn.port}", s.btid, fingerprint(s.ks_naf())], 20)
        assert rc == 0, (rc, out, err)
    by = {}
    for b in zn.birs:
        by.setdefault(b.text(dia.ORIGIN_HOST), []).append((b.text(dia.DEST_REALM), b.text(dia.DEST_HOST)))
    configured, found, relayed = (realm, BSF_ID), (s.btid.split("@")[1], None), (realm, None)
    assert by == {"gba-naf.example.com": [configured, found, relayed], "naf1.example.com": [relayed, found]}, by


def gsids(bir):
    return [a.data for a in bir.avps if a.code == dia.GSID]


@test("GSIDs: those of an application's configuration, and of --gsid of gba-naf, are in its BIR: none, one, several, in their order",
      smoke=True, req=["220-4.2.2-3", "220-4.4.6-12", "220-4.5.3-11"])
async def services(t):
    exe, fork = t.need_program("gba-naf"), t.need_program("naf_fork")
    for names in ([], ["1"], ["2", "4294967295", "1000001"]):
        words = [w for g in names for w in ("--gsid", g)]
        zn, n = await raw(t, *words)
        s = zn.session()
        assert (await UaClient(n.port).fetch(s)).status == 200
        rc, out, err = await procs.run([exe, "bir", s.btid, "--naf", FQDN, "--ua", "0100000002", "--bsf", f"127.0.0.1:{zn.port}"] + words, 20)
        assert rc == 0, (out, err)
        assert [gsids(b) for b in zn.birs] == [[g.encode() for g in names]] * 2, zn.birs
    rc, out, err = await procs.run([fork, "once", f"127.0.0.1:{zn.port}", s.btid, fingerprint(s.ks_naf())], 20,
                                   env={"NAF_GSID": "7", "NAF_GSID2": "99"})
    assert rc == 0 and gsids(zn.birs[-1]) == [b"7", b"99"] and 'impi "" uss none' in out, (out, err)


@test("a pseudonym: the library asks for a USS and the application gets its uid and flags whole, and no IMPI beside it", smoke=True,
      req=["220-4.5.3-12", "220-4.4.6-13"])
async def pseudonym(t):
    uss = '<uss id="7" type="2" nafGroup="A"><uids><uid>customer-4711</uid></uids><flags><flag>3</flag><flag>9</flag></flags></uss>'
    w = World(t, guss='<guss id="{impi}"><ussList>' + uss + '<uss id="8" type="2"><uids><uid>{impi}</uid></uids></uss></ussList></guss>')
    w.bsf_cfg.set("naf naf1.example.com", "gaa-service 7")
    w.bsf_cfg.set("naf naf1.example.com", "private-identity deny")
    await w.start()
    s = await w.ue().bootstrap()
    rc, out, err = await procs.run([t.need_program("naf_fork"), "once", f"127.0.0.1:{w.ports['dia']}", s.btid, fingerprint(s.ks_naf())], 20,
                                   env={"NAF_GSID": "7", "NAF_GSID2": "8"})
    assert rc == 0 and 'impi "" uss <?xml' in out and uss.replace(' nafGroup="A"', "") in out and s.impi not in out, (out, err)
