# SPDX-License-Identifier: AGPL-3.0-or-later
"""gba-regd: the security degree of an application, as the operator's profile says, holds at the BSF."""
import contextlib
import sqlite3

from lib import causes, digest, kdf, naf, procs
from lib.dia_peer import PeerClosed
from lib.pki import pki
from lib.registry import FQDN, Realm
from lib.runner import test
from lib.tls import certify
from lib.ue import UaClient
from lib.world import BSF_ID

PAYMENTS, FRESH = "profile payments", "profile fresh"


async def key_cause(w, conn, s, ua=kdf.UA_HTTP_DIGEST):
    """Cause of one BIR, which is counted; "zn_ok": and the key is right."""
    before = await w.counters()
    bia = await naf.fetch(conn, s.btid, naf.naf_id(FQDN, ua))
    after = await w.counters()
    cause = [c for c in after if c.startswith("zn_") and after[c] > before.get(c, 0)]
    assert (bia.key == s.ks_naf(FQDN, ua)) == (cause == ["zn_ok"]), (cause, bia.msg.avps)
    return cause[0]


@test("registry: a profile with keys of the card only refuses a device without GBA_U by a cause of its own; another form of Ua, and an old key, too",
      smoke=True, timeout=90)
async def degrees(t):
    w = Realm(t)
    w.reg_cfg.add(FRESH, "key-age-max 1")
    w.reg_cfg.add("profile web", "ua-protocol 0100000002")
    await w.start()
    await w.granted()
    s, conn = await w.ue().bootstrap(), await w.naf(FQDN)
    assert await key_cause(w, conn, s) == "zn_ok"

    await w.order(f"app profile {FQDN} payments")
    await w.told()
    assert await key_cause(w, conn, s) == "zn_keys_denied"
    assert await key_cause(w, conn, s, bytes.fromhex("0100000001")) == "zn_ua_denied"
    conf = (await w.order(f"app conf {FQDN}"))["naf_conf"]
    assert "\nkeys card\nalgorithms sha256\nkey-age-max 3600\n" in conf, conf
    assert (await w.order(f"app show {FQDN}"))["profile"] == "payments"

    # what an application says it has is looked at, too: never more than is good enough
    for has, web, mbms in (("0100000001 0100000002", "zn_ok", "zn_ua_denied"), ("0100000001", "zn_keys_denied", "zn_keys_denied"), ("", "zn_ok", "zn_ua_denied")):
        with contextlib.closing(sqlite3.connect(w.database, timeout=20)) as db:
            db.execute("UPDATE application SET ua = ?", (has,))
            db.commit()
        await w.order(f"app profile {FQDN} web")
        await w.told()
        assert [await key_cause(w, conn, s), await key_cause(w, conn, s, bytes.fromhex("0100000001"))] == [web, mbms], has

    await w.order(f"app profile {FQDN} fresh")
    await w.told()

    async def too_old():
        return await key_cause(w, conn, s) == "zn_key_old"
    await t.until(too_old, 10, "the key to be older than a second")

    assert (await w.refused(f"app profile {FQDN} none")).startswith("invalid there is no such profile")
    assert (await w.refused("app profile tv.example.com fresh")).startswith("unknown there is no such application")
    shown = {p["profile"]: p for p in (await w.order("profiles"))["profiles"]}
    assert shown["payments"]["ua_protocols"] == ["0100000002", "010001*"] and shown["fresh"] == {"profile": "fresh", "key_age_max": 1, "ua_protocols": []}, shown

    # what a profile says now, or that it is none any more, reaches the BSF at the start of the registry
    w.reg_cfg.set(FRESH, "key-age-max 3600")
    await w.reg.stop()
    await start_changed(w)
    assert await key_cause(w, conn, s) == "zn_ok"
    w.reg_cfg.remove_node(FRESH)
    await w.reg.stop()
    await start_changed(w)
    assert await key_cause(w, conn, s) == "zn_keys_denied"
    await w.order(f"app profile {FQDN}")
    await w.told()
    assert await key_cause(w, conn, s) == "zn_ok"


async def start_changed(w):
    w.reg = None
    await w.start_reg()

    async def again():
        return [x for x in (await w.order("outbox"))["targets"] if x["target"] == "bsf-1"][0]["told"] > 0
    await w.t.until(again, 20, "the BSF to be told of the profile")
    await w.told()


# what a degree asks of Ua: lines, and of a Ua security protocol (33.220 annex H) the cause of a BIR for it
DIGEST, MBMS, SUITE_13, SUITE_12, FORM_13, PSK_13 = "0100000002", "0100000001", "0100011301", "010001c02f", "0100021302", "0100000007"
DEGREES = {
    "tls12": (["tls 1.2"], {DIGEST: "zn_ua_denied", SUITE_12: "zn_ok", SUITE_13: "zn_ok", FORM_13: "zn_ok", PSK_13: "zn_ok"}),
    "tls13": (["tls 1.3"], {DIGEST: "zn_ua_denied", SUITE_12: "zn_ua_denied", SUITE_13: "zn_ok", FORM_13: "zn_ok", PSK_13: "zn_ok"}),
    "part": (["tls 1.3", "ua-protocol 010001*", f"ua-protocol {DIGEST}"], {DIGEST: "zn_ua_denied", SUITE_12: "zn_ua_denied", SUITE_13: "zn_ok", FORM_13: "zn_ua_denied"}),
    "one": ([f"ua-protocol {SUITE_12}", "tls 1.2"], {SUITE_12: "zn_ok", SUITE_13: "zn_ua_denied"}),
    # Digest with MD5 and with SHA-256 are one protocol to a BSF: the library refuses the one
    "sha256": (["digest sha256"], {DIGEST: "zn_ok", MBMS: "zn_ok", SUITE_12: "zn_ok"}),
    "md5": (["digest md5"], {DIGEST: "zn_ok"}),
}


@test("registry: the least TLS of a degree is the BSF's to enforce, by the Ua identifier; the least digest the library's, which offers and takes no MD5", smoke=True,
      timeout=90)
async def least(t):
    w = Realm(t)
    for name, (lines, _) in DEGREES.items():
        for line in lines:
            w.reg_cfg.add(f"profile {name}", line)
    await w.start()
    await w.granted()
    s, conn = await w.ue().bootstrap(), await w.naf(FQDN)
    for name, (_, causes_of) in DEGREES.items():
        await w.order(f"app profile {FQDN} {name}")
        await w.told()
        assert {ua: await key_cause(w, conn, s, bytes.fromhex(ua)) for ua in causes_of} == causes_of, name
    await conn.close()
    shown = {p["profile"]: p.get("tls") for p in (await w.order("profiles"))["profiles"]}
    assert [shown[n] for n in DEGREES] == ["1.2", "1.3", "1.3", "1.2", None, None], shown
    for name, offers in (("sha256", {"SHA-256"}), ("md5", {"SHA-256", "MD5"})):
        await w.order(f"app profile {FQDN} {name}")
        app, ua = await w.app(name=f"naf-{name}"), UaClient(0, FQDN)
        await app.start()
        ua.port = app.port
        r = await ua.get()
        challenges = [digest.parse_params(v) for k, v in r.headers if k.lower() == "www-authenticate"]
        assert {c["algorithm"] for c in challenges} == offers, challenges
        ua.challenge = challenges[0] | {"algorithm": "MD5"}
        assert (await ua.get("/", ua.authorization(s))).status == (200 if "MD5" in offers else 401), name
        ua.challenge, ua.nc = challenges[0] | {"algorithm": "SHA-256"}, 5
        assert (await ua.get("/", ua.authorization(s))).status == 200, name
        await app.daemon.stop()


@test("registry: the public keys of an application reach the BSF's policy; a certificate for its name with another key is no way in", smoke=True, timeout=90)
async def pinned(t):
    w = Realm(t)
    w.ports["tls"] = procs.free_port()
    certify(w.bsf_cfg, pki().make("bsf", BSF_ID))
    w.bsf_cfg.add("diameter", f"listen tls 127.0.0.1 {w.ports['tls']}")
    await w.start()
    mine, stolen = pki().make("mine", FQDN), pki().make("stolen", FQDN)

    async def key_with(pair):
        try:
            conn = await naf.connect(w.ports["tls"] if pair else w.ports["dia"], FQDN, tls=pair and pki().context(pair, False))
        except PeerClosed:
            return False
        if conn.cea.result != 2001:
            await conn.close()
            return False
        key = (await naf.fetch(conn, s.btid, naf.naf_id(FQDN))).key
        await conn.close()
        return key == s.ks_naf(FQDN)
    await w.granted()
    s = await w.ue().bootstrap()
    assert [await key_with(p) for p in (mine, stolen, None)] == [True, True, True]
    assert (await w.order(f"app tls-key {FQDN} {mine.pin()}"))["tls_keys"] == [mine.pin()]
    await w.told()
    async with causes.counted(w, zn_ok=1, dia_key=1, dia_tls=1):
        assert [await key_with(p) for p in (mine, stolen, None)] == [True, False, False]
    await w.order(f"app tls-key {FQDN} {mine.pin()} {stolen.pin()}")
    await w.told()
    assert [await key_with(p) for p in (mine, stolen, None)] == [True, True, False]
    assert (await w.refused(f"app tls-key {FQDN} sha256:00")).startswith("invalid 'sha256:00' is no public key; allowed: sha256: and 64 hex digits")
    assert (await w.order(f"app tls-key {FQDN}"))["tls_keys"] == []
    await w.told()
    assert [await key_with(p) for p in (mine, stolen, None)] == [True, True, True]


@test("gba-regd: what is wrong in a profile is said with its line and what is allowed", smoke=True)
async def wrong(t):
    for lines, said in ((["keys none"], "keys none"), (["ua-protocol 01"], "allowed: 10 hex digits"), (["key-age-max 0"], "key-age-max 0"),
                        (["digest sha1"], "digest sha1"), (["tls 1.1"], "tls 1.1"),
                        (["tls 1.3", "ua-protocol 0100000002", "ua-protocol 010001c0*"], "tls 1.3 leaves none of its ua-protocol; allowed: one of 010001*")):
        w = Realm(t)
        for line in lines:
            w.reg_cfg.add("profile p", line)
        w.reg_cfg.write(f"{w.etc}/gba-reg.cfg")
        rc, out, err = await procs.run([t.need_program("gba-regd"), "-c", f"{w.etc}/gba-reg.cfg", "--check"], 20)
        assert rc == 1 and said in out + err, (rc, out, err)
