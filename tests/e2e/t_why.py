# SPDX-License-Identifier: AGPL-3.0-or-later
"""Why it failed, at the VTY: the last runs of a subscriber, the last failure by cause and by device, and a subscriber who is followed."""
from lib import digest, hss, kdf, naf
from lib.runner import test
from lib.vty import Vty
from lib.world import World


def table(text):
    """The rows below a head that begins with "at", each as words."""
    lines = text.split("\n")
    head = [i for i, x in enumerate(lines) if x.startswith("at ")][0]
    return [x.split() for x in lines[head + 1:] if x[:2] == "20"]


async def runs(w, ue):
    return table(await w.vty(f"show subscriber {ue.impi}"))


@test("show subscriber: the last 16 runs with time, step, cause, run, variant, device and HSS, the newest first; an IMPI nobody used, and what is "
      "none, are told", smoke=True)
async def subscriber(t):
    w = await World(t).no_limits().start()
    ue = w.ue()
    ue.agent = "phone/7.1 (model x) 3gpp-gba-tmpi"
    s = await ue.bootstrap()
    rows = await runs(w, ue)
    assert len(rows) == 1, rows
    assert rows[0][1:] == ["session", "ub_ok", kdf.run_id(s.rand), "GBA_ME", "phone/7.1", "hss.mnc001.mcc001.3gppnetwork.org"], rows
    ue.tmpi = None
    ch = await ue.challenge()
    assert (await runs(w, ue))[0][1:4] == ["challenge", "ub_challenged", kdf.run_id(ch.rand)]
    p = ue.answer_params(ch, b"wrong")
    assert (await ue.send(digest.format_params(p))).status == 403
    rows = await runs(w, ue)
    assert [r[1:4] for r in rows[:2]] == [["answer", "ub_response", kdf.run_id(ch.rand)], ["session", "ub_ok", kdf.run_id(s.rand)]], rows
    ids = []
    for _ in range(20):
        ids.append(kdf.run_id((await ue.challenge()).rand))
    rows = await runs(w, ue)
    assert [r[3] for r in rows] == ids[:3:-1], (rows, ids)
    text = await w.vty("show subscriber nobody@example.org")
    assert "0 runs" in text and "no request" in text, text
    assert "allowed: user@domain" in await w.vty("show subscriber nobody")
    word = (await w.vty(f"show pseudonym {ue.impi}")).split("\n")[0].strip()
    assert f"sub={word}" in await w.vty(f"show subscriber {ue.impi.replace('ims.', 'IMS.')}")


@test("show subscriber of one whom the HSS does not serve; show failures by cause and by device", smoke=True)
async def failures(t):
    w = await World(t, raw_hss=True).no_limits().start()
    good, bad = w.ue(0), w.ue(1)
    good.agent, bad.agent = "steady/1", "old phone/2"
    await good.bootstrap()
    w.raw_hss.behave = hss.RawHss.result(5012)
    for _ in range(3):
        assert (await bad.first()).status == 503
    rows = await runs(w, bad)
    assert [r[1:6] for r in rows] == [["hss", "zh_error", "-", "-", "old"]] * 3, rows
    assert all(r[6] == "hss.mnc001.mcc001.3gppnetwork.org" for r in rows), rows
    assert (await bad.first(uri="/other")).status == 400
    text = await w.vty("show failures")
    causes = {x.split()[2]: x for x in text.split("\n") if "; " in x and x[:2] == "20"}
    word = (await w.vty(f"show pseudonym {bad.impi}")).split("\n")[0].strip()
    assert set(causes) == {"zh_error", "ub_uri_mismatch"}, text
    assert f"; 3, sub={word}" in causes["zh_error"] and "; 1, sub=-" in causes["ub_uri_mismatch"], text
    devices = [x.split() for x in text.split("device                    requests")[1].split("\n")[1:] if x.strip()]
    assert devices[0][:3] == ["old", "4", "4"] and devices[0][5] == "ub_uri_mismatch", devices
    assert ["steady/1", "2", "0"] in devices, devices


@test("trace: each step of one subscriber in the log at notice, for as long as was said; no IMPI, no TMPI, no key in it; nobody else", smoke=True)
async def trace(t):
    w = World(t, n_cards=10).no_limits()
    w.log_level(w.bsf_cfg, "notice")
    await w.start()
    ue, other = w.ue(0), w.ue(1)
    v = await Vty.open(w.ports["bsf_vty"])
    assert "nknown" in await v.command(f"trace {ue.impi} 60"), "for who may change things only"
    await v.command("enable")
    assert not (await v.command(f"trace {ue.impi} 60")).strip().split("\n")[1:-1]
    ue.agent = 'phone " x=1 3gpp-gba-tmpi'
    await ue.bootstrap()
    s = await ue.bootstrap()                                # with a TMPI
    conn = await w.naf()
    assert (await naf.fetch(conn, s.btid)).result == 2001
    assert (await naf.fetch(conn, (await other.bootstrap()).btid)).result == 2001
    ch = await ue.challenge()
    assert (await ue.send(digest.format_params(ue.answer_params(ch, b"wrong")))).status == 403
    await other.bootstrap()

    async def lines():
        return [x for x in w.bsf.text().split("\n") if " trace " in x and "DUB" in x]

    async def ended():
        return any("cause=ub_response" in x for x in await lines())
    await t.until(ended, 5, "the last line of the trace")
    word = (await w.vty(f"show pseudonym {ue.impi}")).split("\n")[0].strip()
    text = await lines()
    assert all(f"sub={word}" in x for x in text), text
    zn = [x for x in w.bsf.text().split("\n") if " zn_ok " in x]
    assert len(zn) == 1 and "NOTICE" in zn[0] and f"sub={word}" in zn[0], zn
    steps = [x.split("step=")[1] for x in text if "step=" in x]
    assert steps == ["hss", "challenge", "session", "hss", "challenge", "session", "hss", "challenge"], steps
    for part in ("wants=challenge user=impi", "user=tmpi", "sends=response", "result=2001", "cause=ub_ok status=200", "cause=ub_response status=403",
                 r'agent="phone \" x=1 3gpp-gba-tmpi"'):
        assert any(part in x for x in text), (part, text)
    log = w.bsf.text()
    assert ue.usim and w.cards[0].imsi not in log and ue.tmpi not in log, "an identity in the log"
    await v.command(f"no trace {ue.impi}")
    n = len(text)
    await ue.challenge()
    for i in range(2, 10):
        assert "traced already" not in await v.command(f"trace {w.cards[i].impi} 60")
    assert "8 subscribers are traced already" in await v.command(f"trace {ue.impi} 60")
    assert len(await lines()) == n, "after no trace"
    assert "allowed" in await v.command("trace nobody 60") and "<1-3600>" in await v.command(f"trace {ue.impi} 3601")
    v.close()
