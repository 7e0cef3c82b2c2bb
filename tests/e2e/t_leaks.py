# SPDX-License-Identifier: AGPL-3.0-or-later
"""No key in any output: everything at DEBUG, every kind of failure, then a search for every key of the run."""
from lib import digest, leaks, naf
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
    log = w.bsf.text()
    for c in w.cards:
        assert c.imsi not in log, [x for x in log.split("\n") if c.imsi in x][:2]
    assert "001019999999999" not in log
    assert "ub_user_unknown" in log and "zh_no_vector" in log
