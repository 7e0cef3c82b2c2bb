# SPDX-License-Identifier: AGPL-3.0-or-later
"""GBA_U, network and device: which variant a subscriber gets, what fits which card, whose key is whose. Keys are computed once more
in Python (lib/kdf.py, lib/aka.py), which shares no code with either side."""
import base64
import json
import os
import re

from lib import aka, causes, digest, kdf, leaks, naf, procs
from lib.app import App, fingerprint
from lib.relay import Relay
from lib.runner import test
from lib.vty import Vty
from lib.world import BSF_NAME, World

GUSS = """<?xml version="1.0" encoding="UTF-8"?>
<guss id="{impi}" xmlns="urn:3gpp:gba:GBAGUSSSchema-R9:2010-02"><bsfInfo>INFO</bsfInfo><ussList/></guss>"""
U = GUSS.replace("INFO", "<uiccType>GBA_U</uiccType>")
U_256 = GUSS.replace("INFO", "<uiccType>GBA_U</uiccType><Extension><macStar>SHA-256</macStar></Extension>")
ME = GUSS.replace("INFO", "<uiccType>GBA</uiccType>")
FQDN = "naf1.example.com"


class Subscribers(World):
    """Each card with a GUSS of its own."""

    def __init__(self, t, guss, **kw):
        super().__init__(t, n_cards=len(guss), **kw)
        self.gusses = {c.impi: g for c, g in zip(self.cards, guss)}

    def guss_of(self, card):
        g = self.gusses[card.impi]
        return g and g.replace("{impi}", card.impi).encode()

    def device(self, n, gba=None):
        ue = self.ue(n)
        ue.usim.gba = gba
        return ue


def card_file(w, n, *lines):
    c = w.cards[n]
    name = "-".join(("usim", str(n)) + lines).replace(" ", "_")
    words = (f"imsi {c.imsi}", "mnc-length 2", f"k {c.k.hex()}", f"opc {c.opc.hex()}", "algorithm milenage",
             f"state-file {name}.state") + lines
    return w.write_secret(f"{name}.cfg", "usim\n" + "".join(f" {x}\n" for x in words))


def gba_ue(t, card, ub, ua=None):
    argv = [t.need_program("gba-ue"), "-c", card, "--json", "--connect-to", f"{BSF_NAME}:80:127.0.0.1:{ub}"]
    return argv + (["--connect-to", f"{FQDN}:80:127.0.0.1:{ua}"] if ua else [])


@test("what the GUSS says chooses the variant, SHA-256 per subscriber; Ks_ext_NAF for every NAF, Ks_int_NAF for an aware one only",
      smoke=True, req=["220-3.4-1", "220-5-1", "220-5.2.2-1", "220-5.2.2-2", "220-5.3.2-1", "220-5.3.2-2", "220-5.3.2-3", "220-5.3.2-5",
                       "220-5.3.2-12", "220-5.3.3-10", "220-B.1-3"])
async def variants(t):
    w = await Subscribers(t, [None, ME, U, U_256]).start()
    conn = await w.naf()
    for n, gba in enumerate((None, None, "sha1", "sha256")):
        async with causes.counted(w, ub_challenged=1, ub_ok=1):
            s = await w.device(n, gba).bootstrap()
        for aware in (None, 0, 1):
            bia = await naf.fetch(conn, s.btid, u_aware=aware)
            assert bia.result == 2001 and bia.key == s.ks_naf(), (n, aware)
            assert bia.uicc_key == (s.ks_int_naf() if gba and aware else None), (n, aware)
            assert bia.msg.find(410) is None, "GBA-Type: absent is 3G"
    assert w.bsf.text().count("variant=GBA_U") == 4, "two runs, two lines each"


@test("the XRES that counts has its last bit turned: the plain RES opens nothing", smoke=True, req=["220-5.3.2-4"])
async def plain_res(t):
    w = await Subscribers(t, [U]).start()
    ue = w.device(0, "sha1")
    ch = await ue.challenge()
    res, _, _ = ue.usim.authenticate(ch.rand, ch.autn)
    plain = res[:-1] + bytes([res[-1] ^ 1])
    async with causes.counted(w, ub_response=1):
        r, _ = await ue.answer(ch, plain)
        assert r.status == 403


@test("device and network, the four combinations: two work, two fail, each with a cause that names what may not fit, and no other variant is "
      "tried", smoke=True, timeout=90, req=["220-5.2.1-2", "220-5.3.2-10", "220-4.2.4-7"])
async def four(t):
    rows = [  # GUSS, gba-u, line of the card, cause of the BSF, in its log
        (U, "guss", "gba u", "ub_ok", None),
        (U, "guss", "gba me", "ub_mac_context", "AUTN* was sent"),
        (ME, "guss", "gba u", "ub_mac_failure", "AUTN was sent"),
        (ME, "guss", "gba me", "ub_ok", None),
        (U, "off", "gba u", "ub_mac_context", "AUTN was sent"),
        (U, "off", "gba me", "ub_ok", None),
        (U, "guss", "gba u\n mac-star sha256", "ub_mac_context", "AUTN* was sent"),
    ]
    w = await Subscribers(t, [r[0] for r in rows]).start()
    v = await Vty.open(w.ports["bsf_vty"])
    for word in ("enable", "configure terminal", "ub"):
        await v.command(word)
    for n, (_, mode, line, cause, words) in enumerate(rows):
        await v.command(f"gba-u {mode}")
        card = card_file(w, n, *line.split("\n ")) if line != "gba me" else card_file(w, n)
        for again in range(2 if words else 1):
            mark = w.bsf.mark()
            async with causes.counted(w, ub_challenged=1, **{cause: 1}):
                rc, out, err = await procs.run(gba_ue(t, card, w.ports["ub"]) + ["bootstrap"], 20)
            assert (rc == 0) == (cause == "ub_ok"), (n, again, rc, out, err)
            assert words is None or words in w.bsf.text(mark), (n, again, "the same variant as before")
            assert rc == 0 or json.loads(out)["cause"] == "autn", out
    v.close()
    assert "gba-u off" in w.bsf.text()


@test("gba-u is live, written back, shown, and a wrong word is told with what is allowed", smoke=True)
async def switch(t):
    w = await Subscribers(t, [U]).start()
    v = await Vty.open(w.ports["bsf_vty"])
    for word in ("enable", "configure terminal", "ub"):
        await v.command(word)
    bad = await v.command("gba-u on")
    assert "guss" in bad and "off" in bad, bad
    assert " gba-u" not in await v.command("show running-config")
    await v.command("gba-u off")
    assert " gba-u off" in await v.command("show running-config")
    assert "off" in [x for x in (await w.vty("show limits")).split("\n") if x.startswith("gba-u")][0]
    await w.device(0).bootstrap()                       # the plain context now fits
    v.close()


@test("a macStar that is neither SHA-1 nor SHA-256 is refused by the import, with the words that are allowed", smoke=True)
async def mac_star(t):
    w = Subscribers(t, [GUSS.replace("INFO", "<Extension><macStar>MD5</macStar></Extension>")])
    w.write_configs()
    rc, out, err = await procs.run([t.need_program("gba-hss-simd"), "-c", f"{w.etc}/gba-hss-sim.cfg", "--import", w.csv()], 20)
    assert rc != 0 and "macStar: allowed: SHA-1, SHA-256" in out + err, (rc, out, err)


@test("a GBA_U card that is out of step resynchronises with the plain AUTS, and bootstraps", smoke=True)
async def resync(t):
    w = await Subscribers(t, [U]).start()
    ue = w.device(0, "sha1")
    ue.usim.seq = [5000] * 32
    async with causes.counted(w, ub_challenged=2, ub_ok=1):
        await ue.bootstrap()
    ch = await ue.challenge()
    try:
        ue.usim.authenticate(ch.rand, bytes(16))
        raise AssertionError("a card without MAC check")
    except aka.MacFailure:
        pass


@test("an application that knows GBA_U gets the page opened with Ks_int_NAF, by choice only; a run of GBA_ME has no such key", smoke=True,
      req=["220-5.3.3-9", "220-4.2.2-5", "220-4.4.9-3", "220-5.3.3-2", "220-5.3.3-10"])
async def by_card(t):
    w = await Subscribers(t, [U, ME]).start()
    u, me = await w.device(0, "sha1").bootstrap(), await w.device(1).bootstrap()
    for word, realm in (("device", "3GPP-bootstrapping@"), ("card", "3GPP-bootstrapping-uicc@"), ("both", "3GPP-bootstrapping-uicc@")):
        app = await App(t, w.ports["dia"], "--key", word, name="naf-" + word).start()
        rows = [(u, u.ks_naf(), "3GPP-bootstrapping@", word != "card"), (u, u.ks_int_naf(), "3GPP-bootstrapping-uicc@", word != "device"),
                (u, u.ks_naf(), "3GPP-bootstrapping-uicc@", False), (me, me.ks_naf(), "3GPP-bootstrapping@", word != "card"),
                (me, os.urandom(32), "3GPP-bootstrapping-uicc@", False)]
        for session, key, under, good in rows:
            client = app.client()
            offered = client.take(await client.get())["realm"]
            assert offered.startswith(realm + FQDN), offered
            r = await client.get("/", client.authorization(session, key=key, realm=under + FQDN))
            assert (r.status == 200) == good, (word, under, r.status)
            if session is me and under != "3GPP-bootstrapping@" and word != "device":
                assert r.status == 403 and app.requests()[-1]["cause"] == "naf_not_authorized", r
        await app.daemon.stop()


def selecting(choice, info="<uiccType>GBA_U</uiccType>"):
    return GUSS.replace("INFO", info).replace("<ussList/>", '<ussList><uss id="1" type="1"><uids><uid>x</uid></uids><flags/>'
                                              f"<keyChoice>{choice}</keyChoice></uss></ussList>")


@test("a key selection in a USS binds the application, in both directions: who used the other key is turned away though the digest is right;"
      " `keys uicc` of the BSF gives it one key only", smoke=True, req=["220-5.3.3-3"])
async def key_choice(t):
    w = Subscribers(t, [selecting("UICC_BASED_KEY"), selecting("ME_BASED_KEY"), selecting("ME_UICC_BASED_KEYS"),
                        selecting("UICC_BASED_KEY", "<uiccType>GBA</uiccType>")])
    w.bsf_cfg.set("naf naf1.example.com", "gaa-service 1")
    await w.start()
    app = await App(t, w.ports["dia"], "--key", "both", "--gsid", "1", name="naf-both").start()

    async def page(s, card):
        client = app.client()
        client.take(await client.get())
        realm = ("3GPP-bootstrapping-uicc@" if card else "3GPP-bootstrapping@") + FQDN
        r = await client.get("/", client.authorization(s, key=s.ks_int_naf() if card else s.ks_naf(), realm=realm))
        assert r.status == 200 or app.requests()[-1]["cause"] == "naf_not_authorized", app.requests()[-1]
        return r.status
    seen = {}
    for n, choice in enumerate(("uicc", "me", "both", "uicc, and no card")):
        s = await w.device(n, "sha1" if n < 3 else None).bootstrap()
        seen[choice] = await page(s, False), await page(s, True)
    assert seen == {"uicc": (403, 200), "me": (200, 403), "both": (200, 200), "uicc, and no card": (403, 403)}, seen
    v = await Vty.open(w.ports["bsf_vty"])
    for line in ("enable", "configure terminal", "naf naf1.example.com", "keys uicc", "no gaa-service", "end"):
        assert "%" not in (out := await v.command(line)), (line, out)
    v.close()
    s = await w.device(2, "sha1").bootstrap()
    assert (await page(s, True), await page(s, False)) == (200, 403), "only the card's key came"
    await app.daemon.stop()                                  # one connection an identity
    rc, out, err = await procs.run([t.need_program("gba-naf"), "bir", s.btid, "--naf", FQDN, "--ua", "0100000002", "--gba-u", "--identity", FQDN,
                                    "--bsf", f"127.0.0.1:{w.ports['dia']}", "--json"], 20)
    o = json.loads(out)
    assert rc == 0 and o["uicc_key_fingerprint"] == fingerprint(s.ks_int_naf()) and not o.get("key_fingerprint"), (rc, out, err)


def third(card, gba, pcap):
    """(keys, Ks_NAF) of the run in a capture of Ub, computed from card and nonce alone; the digest in it is the one of that RES."""
    with open(pcap, "rb") as f:
        headers = re.findall(rb"Authorization: ([^\r\n]+)", f.read())
    p = digest.parse_params(headers[-1].decode())
    nonce = base64.b64decode(p["nonce"])
    usim = aka.Usim(card.k, card.opc)
    usim.gba = gba
    res, ck, ik = usim.authenticate(nonce[:16], nonce[16:32])
    assert p["response"] == digest.response(p["username"], p["realm"], res, "GET", p["uri"], p["nonce"], p["nc"], p["cnonce"], "auth-int")
    ks_naf = kdf.ks_naf(ck + ik, nonce[:16], card.impi, FQDN.encode() + kdf.UA_HTTP_DIGEST)
    return [card.k, card.opc, res, ck, ik, ck + ik, ks_naf], ks_naf


@test("device, BSF and application, with GBA_U and with GBA_ME: the same key at all ends and in a third computation; captures of Ub and Ua "
      "hold no key, and no IMPI once a TMPI is held", smoke=True, timeout=90,
      req=["220-5.3.2-11", "220-5.3.2-12", "220-5.3.2-6", "220-B.4-2"])
async def captures(t):
    w = await Subscribers(t, [U, ME]).start()
    app = await App(t, w.ports["dia"]).start()
    for n, gba in enumerate(("sha1", None)):
        card = card_file(w, n, *(["gba u"] if gba else []))
        for run in ("first", "second"):
            pcaps = [f"{t.dir}/{kind}-{n}-{run}.pcap" for kind in ("ub", "ua")]
            ub, ua = await Relay(pcaps[0], w.ports["ub"]).start(), await Relay(pcaps[1], app.port).start()
            argv = gba_ue(t, card, ub.port, ua.port)
            if run == "second":
                rc, out, err = await procs.run(argv + ["bootstrap"], 20)
                assert rc == 0, (out, err)
            rc, out, err = await procs.run(argv + ["get", f"http://{FQDN}/"], 20)
            assert rc == 0, (out, err)
            await ub.stop()
            await ua.stop()
            keys, ks_naf = third(w.cards[n], gba, pcaps[0])
            assert json.loads(out)["key_fingerprint"] == app.requests()[-1]["key_fingerprint"] == fingerprint(ks_naf), (gba, run)
            for path in pcaps:
                with open(path, "rb") as f:
                    data = f.read()
                assert len(data) > 500 and not any(form in data for k in keys for form in leaks.forms(k)), f"a key in {path}"
                assert (w.cards[n].imsi.encode() in data) == (run == "first" and path == pcaps[0]), f"the IMPI in {path}"
