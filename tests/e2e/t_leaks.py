# SPDX-License-Identifier: AGPL-3.0-or-later
"""No key in any output: everything at DEBUG, every kind of failure, then a search for every key of the run."""
from lib import digest, leaks, memory, naf, procs, vty
from lib.app import App
from lib.dia_peer import PeerClosed
from lib.hss import RawHss
from lib.runner import test
from lib.world import World


@test("all levels at debug, failures of every kind, a peer that leaves before its answer: no key in logs, store or VTY",
      smoke=True, req=["220-4.2.1-3", "220-4.5.2-14"], timeout=120)
async def everywhere(t):
    w = World(t, n_cards=12, raw_hss=True).no_limits()
    for cfg in (w.bsf_cfg, w.hss_cfg):
        w.log_level(cfg, "debug")
    w.bsf_cfg.set("hss hss.mnc001.mcc001.3gppnetwork.org", "timeout 1")
    await w.start()
    sessions = [await w.ue(i).bootstrap() for i in range(6)]
    conn = await w.naf()
    naf_keys = []
    for s in sessions:
        naf_keys.append(s.ks_naf())
        assert (await naf.fetch(conn, s.btid)).key == naf_keys[-1]
    # BIRs whose sender is gone before the answer
    for _ in range(10):
        try:
            gone = await naf.connect(w.ports["dia"], "gba-naf.example.com", "example.com")
        except PeerClosed:
            continue                                   # the one before is not yet noticed to be gone
        gone.writer.write(b"".join(naf.bir(gone, s.btid, naf.naf_id()).encode() for s in sessions * 20))
        gone.abort()
        await gone.close()
    for behave in (RawHss.hang_up, RawHss.double, RawHss.short_nonce, RawHss.late(1.3), RawHss.wrong_length, RawHss.never):
        w.raw_hss.behave = behave
        await w.ue(7).first()
        w.raw_hss.behave = None
        await w.raw_hss.wait_peer(20)

        async def works():
            return (await w.ue(8).first()).status == 401
        await t.until(works, 15, "the HSS to be back")
    ue = w.ue(9)
    for spoil in ({"response": "0" * 32}, {"opaque": "1" * 32}, {"qop": "auth"}):
        ch = await ue.challenge()
        res, ck, ik = ue.usim.authenticate(ch.rand, ch.autn)
        r, _ = await ue.answer(ch, res, **spoil)
        assert r.status in (400, 403)
    ch = await ue.challenge()
    r = await ue.send(digest.format_params(ue.auts_params(ch, ue.usim.mil.auts(ch.rand, 1 << 5))))
    text = [await w.vty(c) for c in ("show counters", "show peers", "show store", "show running-config")]
    with open(w.dir + "/log/vty.txt", "w", encoding="utf-8") as f:
        f.write("\n".join(text))
    await w.bsf.stop()
    keys = w.secrets() + naf_keys
    hits, octets = leaks.search(w.dir, keys, without=("etc",))
    t.note(f"{len(keys)} keys searched in {octets} octets of logs and store")
    assert octets > 10000 and not hits, [(p, f) for p, _, f in hits[:5]]
    assert all(c.impi.encode() not in open(p, "rb").read() for p in leaks.files_under(w.dir + "/bsf") for c in w.cards), \
        "an IMPI in the store"


@test("above DEBUG an IMPI is never whole in a log", smoke=True)
async def masked(t):
    w = World(t, raw_hss=True).no_limits()
    await w.start()
    ue = w.ue()
    s = await ue.bootstrap()
    await ue.first(username="001019999999999@ims.mnc001.mcc001.3gppnetwork.org")
    await naf.fetch(await w.naf(), s.btid)
    w.raw_hss.behave = RawHss.empty
    await ue.first()

    async def written():
        return "zh_no_vector" in w.bsf.text()
    await t.until(written, 5, "the last line to be written")
    log = w.bsf.text()
    for c in w.cards:
        assert c.imsi not in log, [x for x in log.split("\n") if c.imsi in x][:2]
    assert "001019999999999" not in log
    assert "ub_user_unknown" in log and "zh_no_vector" in log


def named(ue, n):
    """Keys of a UE that ran once, under names of their own."""
    k, opc, res, ck, ik, _ = ue.secrets[:6]
    return {f"K {n}": k, f"OPc {n}": opc, f"RES {n}": res, f"CK {n}": ck, f"IK {n}": ik}


@test("memory: with `store memory` a revoked session's Ks is gone at once, though its tombstone stays", smoke=True)
async def revoked_in_memory(t):
    t.need_root("reading the memory of a hardened process")
    if procs.SANITIZED:
        t.skip("sanitizers have an allocator of their own")
    w = World(t, n_cards=2).no_limits()
    w.bsf_cfg.remove("store", "lmdb")
    w.bsf_cfg.set("store", "memory")
    await w.start()
    sessions = [await w.ue(n).bootstrap() for n in range(2)]
    keys = {f"{part} {n}": s.ks[i:i + 16] for n, s in enumerate(sessions) for i, part in ((0, "CK"), (16, "IK"))}
    assert set(memory.search(w.bsf.pid, keys)[0]) == set(keys), "what lives is found"
    v = await vty.Vty.open(w.ports["bsf_vty"])
    for line in ("enable", f"revoke impi {w.cards[0].impi}", f"revoke btid {sessions[1].btid}"):
        await v.command(line)
    v.close()
    assert not memory.search(w.bsf.pid, keys)[0], dict(memory.search(w.bsf.pid, keys)[0])


@test("memory: after its transaction no key of a run is left in gba-bsfd, of the HSS but K and OPc, of a NAF but its cache",
      smoke=True, req=["220-4.2.1-3"])
async def in_memory(t):
    """Ks is CK and IK one after the other. The heap is searched with what was freed in it."""
    t.need_root("reading the memory of a hardened process")
    if procs.SANITIZED:
        t.skip("sanitizers have an allocator of their own")
    w = World(t, n_cards=9).no_limits()
    w.bsf_cfg.set("ub", "nonce-lifetime 1")
    await w.start()
    app = await App(t, w.ports["dia"]).start()
    keys, ks_naf = {}, {}
    for i in range(6):
        ue, ua = w.ue(i), app.client()
        s = await ue.bootstrap()
        ua.take(await ua.get("/"))
        assert (await ua.get("/", ua.authorization(s, "/"))).status == 200
        keys |= named(ue, i)
        ks_naf[f"Ks_NAF {i}"] = s.ks_naf()
    ue = w.ue(6)                                         # refused
    ch = await ue.challenge()
    triple = ue.usim.authenticate(ch.rand, ch.autn)
    assert (await ue.answer(ch, b"wrong response"))[0].status == 403
    keys |= zip(("RES refused", "CK refused", "IK refused"), triple)
    ue = w.ue(7)                                         # resynchronised
    ue.usim.seq = [1 << 20] * 32
    s = await ue.bootstrap()
    keys |= named(ue, 7)
    ue = w.ue(8)                                         # never answered: there while it may be, and then no more
    ch = await ue.challenge()
    waiting = dict(zip(("RES unanswered", "CK unanswered", "IK unanswered"), ue.usim.authenticate(ch.rand, ch.autn)))
    assert set(memory.search(w.bsf.pid, waiting)[0]) == set(waiting), "the search finds nothing"

    async def gone():
        return not memory.search(w.bsf.pid, waiting)[0]
    await t.until(gone, 5, "the keys of an unanswered challenge to go")
    keys |= waiting
    hits, octets = memory.search(w.bsf.pid, keys | ks_naf)
    assert octets > 1 << 20 and not hits, dict(hits)
    hits, octets = memory.search(w.hss.pid, keys | ks_naf)
    assert octets > 1 << 20 and all(k.startswith(("K ", "OPc ")) and len(v) == 1 for k, v in hits.items()), dict(hits)
    assert "K 0" in hits and "OPc 0" in hits, "the subscribers in its cache"
    hits, octets = memory.search(app.daemon.pid, keys | ks_naf)
    # one in the cache, one in what libfdcore received: in a host's process its buffers are not ours to wipe
    assert set(hits) == set(ks_naf) and all(len(v) <= 2 for v in hits.values()), dict(hits)
