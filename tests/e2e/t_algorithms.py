# SPDX-License-Identifier: AGPL-3.0-or-later
"""Every algorithm from the subscriber file to the application: AuC, BSF, gba-ue and NAF as processes, keys computed once more in Python
(lib/aka.py), which shares no code with them."""
import base64
import hmac
import json
import os
import time

from lib import aka, causes, digest, hss, kdf, naf, procs
from lib.algorithms import Cards, words
from lib.runner import test
from lib.vty import Vty
from lib.world import raw_bsf_conn


def octets(n):
    return os.urandom(n)


ALGORITHMS = [
    lambda: aka.Milenage(octets(16), octets(16)),
    lambda: aka.Tuak(octets(16), octets(32), res_len=4),       # the lengths of set 1 of 35.233
    lambda: aka.Tuak(octets(32), octets(32), res_len=8, rounds=2),
    lambda: aka.Tuak(octets(32), octets(32), res_len=16),
    lambda: aka.Xor(octets(16)),
    lambda: aka.Tuak(octets(16), octets(32), res_len=16),      # the last two with GBA_U
    lambda: aka.Milenage(octets(16), octets(16)),
]


@test("Milenage, TUAK of every length and XOR: the soft card bootstraps with our AuC, with GBA_ME and GBA_U; the NAF's key is the one "
      "computed apart; a card out of step resynchronises", smoke=True, timeout=60, req=["102-6.3.2-2"])
async def end_to_end(t):
    w = Cards(t, [make() for make in ALGORITHMS], gba=(5, 6))
    await w.start()
    conn = await w.naf()
    for n, a in enumerate(w.algorithms):
        if n in (1, 4):                                  # the card has seen more than the network gave
            seqs = "".join(f"{90000}\n" for _ in range(32))
            w.write_secret(f"usim-{n}.state", "gba-ue usim state v1\n" + seqs)
        async with causes.counted(w, ub_ok=1, ub_challenged=2 if n in (1, 4) else 1):
            rc, out, err = await w.bootstrap(n)
            assert rc == 0, (n, out, err)
        btid = out.split('"btid"')[1].split('"')[1]
        rand = base64.b64decode(btid.split("@")[0])
        _, ck, ik, _ = a.f2345(rand)
        want = kdf.ks_naf(ck + ik, rand, w.cards[n].impi, naf.naf_id())
        bia = await naf.fetch(conn, btid)
        assert bia.result == 2001 and bia.key == want, n
        shown = await w.vty(f"show subscriber {w.cards[n].impi}", "hss")
        assert f"algorithm {words(a)[0]}, K of {8 * len(a.k)} bits" in shown, shown


def sqn_of(a, maa):
    rand, autn, xres, ck, ik = hss.vector_of(maa)
    res, ck2, ik2, ak = a.f2345(rand)
    assert (res, ck2, ik2) == (xres, ck, ik)
    sqn = aka.xor(autn[:6], ak)
    assert a.f1(rand, sqn, autn[6:8])[0] == autn[8:]
    return int.from_bytes(sqn, "big")


@test("profiles of sequence numbers: by one, by the clock, by the clock plus a difference; IND in the range of this AuC, fixed, and of "
      "another length", smoke=True, req=["102-C.1.1.1-2", "102-C.1.1.3-1", "102-C.1.2-1", "102-C.4-1"])
async def profiles(t):
    w = Cards(t, [aka.Milenage(octets(16), octets(16)) for _ in range(5)])
    w.more = ["", "part-time,,", "time,,", ",3,7", "part-time,8,"]
    w.hss_cfg.add("subscribers", "ind 4 6")
    await w.start(bsf=False)
    conn = await raw_bsf_conn(t, w.ports["hss"])
    got = []
    for c, a in zip(w.cards, w.algorithms):
        got.append([sqn_of(a, await conn.request(hss.mar(conn, c.impi))) for _ in range(4)])
    clock = int(time.time())
    assert [x >> 5 for x in got[0]] == [1, 2, 3, 4] and [x & 31 for x in got[0]] in ([5, 6, 4, 5], [6, 4, 5, 6], [4, 5, 6, 4]), got[0]
    for seqs in ([x >> 5 for x in got[1]], [x >> 8 for x in got[4]]):
        assert seqs == sorted(set(seqs)) and 0 <= (clock - seqs[0]) % 2**24 <= 60, (seqs, clock)
    seqs = [x >> 5 for x in got[2]]
    assert seqs == sorted(set(seqs)) and 0 < seqs[0] < 600, seqs          # tenths of a second since the import
    assert [x & 7 for x in got[3]] == [7] * 4 and [x >> 3 for x in got[3]] == [1, 2, 3, 4], got[3]
    # a resynchronisation sets the difference: from there the clock goes on
    a, c = w.algorithms[2], w.cards[2]
    rand, *_ = hss.vector_of(await conn.request(hss.mar(conn, c.impi)))
    async with causes.counted(w, "hss", hss_resync=1):
        maa = await conn.request(hss.mar(conn, c.impi, resync=rand + a.auts(rand, 5000000 << 5 | 9)))
    assert 0 < (sqn_of(a, maa) >> 5) - 5000000 <= 600
    assert "sqn-profile time" in await w.vty(f"show subscriber {c.impi}", "hss")


@test("a card with an age limit refuses a number that is too old for it, and resynchronises", smoke=True,
      req=["102-C.2.2-2"])
async def limits(t):
    w = Cards(t, [aka.Milenage(octets(16), octets(16)) for _ in range(2)])
    w.more = [",,9", ",,9"]
    await w.start()
    head = "gba-ue usim state v1\n"
    # the network is at SEQ 1 with IND 9; the card has seen 50 with IND 0: fresh for its array, too old for L = 40
    w.write_secret("usim-0.state", head + "50\n" + "0\n" * 31)
    async with causes.counted(w, "hss", hss_resync=1, hss_ok=1):
        rc, out, err = await w.bootstrap(0, "sqn-age 40")
    assert rc == 0, (out, err)
    w.write_secret("usim-1.state", head + "50\n" + "0\n" * 31)
    async with causes.counted(w, "hss", hss_ok=1):
        rc, out, err = await w.bootstrap(1)
    assert rc == 0, (out, err)


@test("XOR without allow-test-algorithms: not imported, not served, not a card", smoke=True)
async def no_leave(t):
    w = Cards(t, [aka.Xor(octets(16))])
    await w.start()
    assert (await w.bootstrap(0))[0] == 0
    await w.bsf.stop()
    await w.hss.stop()
    w.hss_cfg.remove("subscribers", "allow-test-algorithms")
    w.write_configs()
    rc, _, err = await procs.run([t.need_program("gba-hss-simd"), "-c", f"{w.etc}/gba-hss-sim.cfg", "--import", w.csv()], 20)
    assert rc == 1 and "an algorithm for tests, which protects nothing" in err and "allow-test-algorithms" in err, err
    await w.hss.start()
    conn = await raw_bsf_conn(t, w.ports["hss"])
    async with causes.counted(w, "hss", hss_failed=1):
        assert (await conn.request(hss.mar(conn, w.cards[0].impi))).result == 5012
    assert "refused without allow-test-algorithms" in await w.vty(f"show subscriber {w.cards[0].impi}", "hss")
    card = w.card_file(0)
    with open(card, encoding="ascii") as f:
        text = f.read().replace(" allow-test-algorithms yes\n", "")
    card = w.write_secret("usim-0.cfg", text)
    rc, out, err = await procs.run([t.need_program("gba-ue"), "-c", card, "bootstrap"], 20)
    assert rc == 2 and "allow-test-algorithms yes" in err, (rc, err)


@test("allow-test-algorithms, sqn-profile, ind: at the start only, written back, wrong ones told with what is allowed", smoke=True)
async def rules(t):
    w = Cards(t, [aka.Xor(octets(16))])
    w.hss_cfg.add("subscribers", "sqn-profile part-time")
    w.hss_cfg.add("subscribers", "ind 16 31")
    await w.start(bsf=False)
    v = await Vty.open(w.ports["hss_vty"])
    for line in ("enable", "configure terminal", "subscribers"):
        await v.command(line)
    assert "restart" in await v.command("ind 0 15") and "restart" in await v.command("sqn-profile time")
    running = await v.command("show running-config")
    assert all(x in running for x in (" allow-test-algorithms", " sqn-profile part-time", " ind 16 31")), running
    v.close()
    assert "ind 1" in await w.vty(f"show subscriber {w.cards[0].impi}", "hss")
    await w.hss.stop()
    for n, (line, word) in enumerate((("ind 9 3", "the lower one first"), ("sqn-profile clock", "sqn-profile"), ("ind 0 256", "ind"))):
        bad = Cards(t, [aka.Xor(octets(16))])
        bad.hss_cfg.add("subscribers", line)
        bad.write_configs()
        rc, _, err = await procs.run([t.need_program("gba-hss-simd"), "-c", f"{bad.etc}/gba-hss-sim.cfg", "--check"], 15)
        assert rc != 0 and word in err, (n, rc, err)


def password(form, res, ck, ik):
    """Of AKAv2, RFC 4169: base64 of a keyed hash over a text."""
    if not form.startswith("AKAv2"):
        return res
    mac = hmac.new(res + ik + ck, b"http-digest-akav2-password", "sha256" if form.endswith("256") else "md5")
    return base64.b64encode(mac.digest())


async def by_hand(ue, form):
    """A run in Python alone, with this form if the BSF wants it: (status, form of the challenge)."""
    ch = await ue.challenge()
    res, ck, ik = ue.usim.authenticate(ch.rand, ch.autn)
    offered = ch.params["algorithm"]
    alg, word = "sha256" if offered.endswith("256") else "md5", password(form or offered, res, ck, ik)
    p = ue.answer_params(ch, word, algorithm=form or offered)
    args = ch.nonce, p["nc"], p["cnonce"], "auth-int"
    p["response"] = digest.response(p["username"], ch.realm, word, "GET", "/", *args, alg=alg)
    r = await ue.send(digest.format_params(p))
    if r.status == 200:
        info = digest.parse_params(r.get("Authentication-Info"), None)
        assert info["rspauth"] == digest.response(p["username"], ch.realm, word, "", "/", *args, r.body, alg), info
    return r.status, offered


@test("AKAv2 and SHA-256 on Ub: only for the subscriber and the product token that are written down, live; device, BSF and a computation "
      "apart agree; never with CK and IK of a card that keeps them", smoke=True)
async def forms(t):
    w = Cards(t, [aka.Milenage(octets(16), octets(16)) for _ in range(5)], gba=(4,))
    w.no_limits()
    one, two, three, four, five = w.cards
    for c, word in ((one, "akav2-md5"), (two, "akav1-sha-256"), (three, "akav2-sha-256"), (five, "akav2-sha-256")):
        w.bsf_cfg.add("ub", f"digest-form {c.impi} gba-ue {word}")
    w.bsf_cfg.add("ub", f"digest-form {one.impi} e2e akav2-md5")
    user, domain = two.impi.split("@")
    w.bsf_cfg.add("ub", f"digest-form {user}@{domain.upper()} e2e akav1-sha-256")               # the same subscriber
    w.bsf_cfg.add("ub", f"digest-form {three.impi} e2e akav2-sha-256")
    await w.start()
    conn = await w.naf()
    for n, a in enumerate(w.algorithms):                     # the device of this tree, also those that have no form of their own
        rc, out, err = await w.gba_ue(w.card_file(n), "-v", "key", "naf1.example.com")
        assert rc == 0, (n, out, err)
        want = ("AKAv2-MD5", "AKAv1-SHA-256", "AKAv2-SHA-256", "AKAv1-MD5", "AKAv1-SHA-256")[n]
        assert err.count(f"algorithm={want}") >= 2, (want, err)
        btid = json.loads(out)["btid"]
        rand = base64.b64decode(btid.split("@")[0])
        _, ck, ik, _ = a.f2345(rand)
        assert (await naf.fetch(conn, btid)).key == kdf.ks_naf(ck + ik, rand, w.cards[n].impi, naf.naf_id()), want
    for n, want in enumerate(("AKAv2-MD5", "AKAv1-SHA-256", "AKAv2-SHA-256", "AKAv1-MD5")):
        ue = w.ue(n)
        assert await by_hand(ue, None) == (200, want), want
    ue = w.ue(0)
    ue.agent = "other/1.0"                                   # the subscriber's, but not this device
    assert await by_hand(ue, None) == (200, "AKAv1-MD5")
    async with causes.counted(w, ub_challenged=1, ub_algorithm=1):
        assert (await by_hand(ue, "AKAv2-MD5"))[0] == 400, "nobody chooses a form that was not offered"
    v = await Vty.open(w.ports["bsf_vty"])
    user, domain = one.impi.split("@")
    for line in ("enable", "configure terminal", "ub", f"no digest-form {user}@{domain.upper()} e2e"):
        assert "%" not in await v.command(line)
    assert await by_hand(w.ue(0), None) == (200, "AKAv1-MD5"), "live"
    running = await v.command("show running-config")
    assert f" digest-form {three.impi} e2e akav2-sha-256" in running and f"{one.impi} e2e" not in running, running
    for line, word in ((f"no digest-form {one.impi} e2e", "there is no"), ("digest-form nobody e2e akav2-md5", "allowed: user@domain"),
                       (f"digest-form {one.impi} a/b akav2-md5", "product token"), (f"digest-form {one.impi} e2e md5", "%")):
        assert word in await v.command(line), line
    for n in range(40):
        said = await v.command(f"digest-form {one.impi} t{n} akav2-md5")
    assert "more than 32" in said, said
    v.close()
