# SPDX-License-Identifier: AGPL-3.0-or-later
"""The behaviours of gba-hss-simd for testers, each against gba-bsfd: what a device sees, the cause the BSF counts, and that the next run,
without it, works."""
import json
import os

from lib import aka, causes, dia, hss, procs
from lib.ctl import Ctl
from lib.runner import test
from lib.vty import Vty
from lib.world import HSS_ID, World, raw_bsf_conn

GUSS = ('<guss id="{impi}" xmlns="urn:3gpp:gba:GBAGUSSSchema-R9:2010-02"><Extension><timestamp>2026-01-02T03:04:05Z</timestamp></Extension>'
        '<ussList/></guss>')
OTHER = "hss9.mnc001.mcc001.3gppnetwork.org"


async def world(t, **kw):
    w = World(t, n_cards=2, guss=GUSS, **kw)
    w.bsf_cfg.set(f"hss {HSS_ID}", "timeout 1")
    w.bsf_cfg.set("diameter", "tc 1")
    await w.no_limits().start()
    c = await Ctl.open(w.ports["hss_ctl"])
    t.cleanup(c.close)
    return w, c


async def nothing_left(c):
    assert (await c.ask("faults"))["faults"] == [], "what was to be done once is still there"


ZH = ("dia_protocol", "dia_misrouted", "zh_late", "zh_duplicate")

# behaviour, status of the first request, causes that the BSF counts, others that may move
ROWS = [
    ("busy", 503, {"zh_busy": 1}),
    ("result 5012", 503, {"zh_error": 1}),
    ("result 5401", 403, {"ub_user_unknown": 1}),
    (f"redirect {OTHER}", 503, {"zh_redirect_foreign": 1}),
    (f"redirect {HSS_ID}", 503, {"zh_redirect_loop": 1}),
    ("no-answer", 503, {"zh_timeout": 1}),
    ("xres-length 0", 503, {"zh_malformed": 1}),
    ("xres-length 3", 503, {"zh_malformed": 1}),
    ("xres-length 33", 503, {"zh_malformed": 1}),
    ("malformed no-session", 503, {"zh_malformed": 1}),
    ("malformed other-session", 503, {"zh_malformed": 1}),
    ("malformed other-user", 503, {"zh_malformed": 1}),
    ("malformed no-result", 503, {"zh_malformed": 1}),
    ("malformed result-twice", 503, {"zh_malformed": 1}),
    ("malformed no-vector", 503, {"zh_no_vector": 1}),
    ("malformed no-ck", 503, {"zh_no_vector": 1}),
    ("malformed short-ck", 503, {"zh_malformed": 1}),
    ("malformed short-challenge", 503, {"zh_malformed": 1}),
    ("malformed bad-guss", 503, {"zh_guss_bad": 1}),
    ("mandatory-avp", 503, {"zh_malformed": 1}),
]


@test("behaviours that leave no vector: each is a refusal with its cause, and the next run works without it", smoke=True, timeout=120)
async def refused(t):
    w, c = await world(t)
    impi = w.cards[0].impi
    for behaviour, status, expected in ROWS:
        await c.ask(f"fault set {impi} {behaviour} times 1")
        async with causes.counted(w, **expected):
            r = await w.ue().first()
        assert r.status == status, (behaviour, r.status, r.body)
        await nothing_left(c)
        other = await w.ue(1).first()                            # and never another subscriber
        assert other.status == 401, (behaviour, other.status)
        await w.ue().bootstrap()
    seen = [x["fault"] for x in (await c.ask(f"mar {impi}"))["mars"] if x["fault"]]
    assert seen[:2] == ["busy", "result"] and "malformed:no-ck" in seen and len(seen) == len(ROWS), seen
    done = (await c.ask("faults"))["done"]
    assert done["malformed"] == 10 and done["result"] == 2 and done["redirect"] == 2 and done["xres-length"] == 3 and "delay" not in done, done


@test("behaviours that leave a vector: more AVPs, another Origin-Host, an old timestamp, no GUSS, the answer three times: the run works", smoke=True)
async def harmless(t):
    w, c = await world(t)
    impi = w.cards[0].impi
    b = await Ctl.open(w.ports["bsf_ctl"])
    t.cleanup(b.close)
    for behaviour, expected in (("extra-avps 1", {}), ("extra-avps 200", {}), (f"origin-host {OTHER}", {}), ("no-guss", {}),
                                ("old-timestamp 3600", {}), ("duplicate 2", {"zh_duplicate": 2})):
        await c.ask(f"fault set {impi} {behaviour} times 1")
        async with causes.counted(w, ub_challenged=1, ub_ok=1, also=("dia_protocol", "dia_misrouted"), **expected):
            await w.ue().bootstrap()
        await nothing_left(c)
        async with causes.counted(w, ub_challenged=1, ub_ok=1):
            await w.ue().bootstrap()
    names = [x["fault"] for x in (await c.ask(f"mar {impi}"))["mars"]]
    assert names == ["extra-avps", "", "extra-avps", "", "origin-host", "", "no-guss", "", "old-timestamp", "", "duplicate", ""], names


@test("old-timestamp, no-guss, origin-host, extra-avps, duplicate as they are on the wire", smoke=True)
async def on_the_wire(t):
    w = World(t, n_cards=1, guss=GUSS)
    await w.start(bsf=False)
    c, conn = await Ctl.open(w.ports["hss_ctl"]), await raw_bsf_conn(t, w.ports["hss"])
    t.cleanup(c.close)
    impi = w.cards[0].impi

    async def spoilt(behaviour):
        await c.ask(f"fault set {impi} {behaviour} times 1")
        return await conn.request(hss.mar(conn, impi))
    a = await spoilt("old-timestamp 3600")
    assert b"<timestamp>2026-01-02T02:04:05Z</timestamp>" in a.find(dia.GUSS).data and a.result == 2001
    assert (await spoilt("no-guss")).find(dia.GUSS) is None
    assert (await spoilt(f"origin-host {OTHER}")).text(dia.ORIGIN_HOST) == OTHER
    a = await spoilt(f"redirect {OTHER},{HSS_ID}")
    assert a.result == 3006 and [x.data.decode() for x in a.avps if x.code == dia.REDIRECT_HOST] == [f"aaa://{OTHER}", f"aaa://{HSS_ID}"], a.avps
    a = await spoilt("extra-avps 3")
    assert sum(x.vendor == 0xffffff for x in a.avps) == 3 and a.find(dia.GUSS) is not None
    await c.ask(f"fault set {impi} busy times 1")                # both at once: 3004 from another host
    a = await spoilt(f"origin-host {OTHER}")
    assert a.result == 3004 and a.text(dia.ORIGIN_HOST) == OTHER
    a = await conn.request(hss.mar(conn, impi))
    assert a.result == 2001 and a.text(dia.ORIGIN_HOST) == HSS_ID and b"2026-01-02T03:04:05Z" in a.find(dia.GUSS).data


@test("wrong-mac and stale-sqn: the card refuses, or is brought back in step; then all is well", smoke=True)
async def cards(t):
    w, c = await world(t)
    impi = w.cards[0].impi
    ue = w.ue()
    await c.ask(f"fault set {impi} wrong-mac times 1")
    ch = await ue.challenge()
    try:
        ue.usim.authenticate(ch.rand, ch.autn)
        raise AssertionError("the MAC is right")
    except aka.MacFailure:
        pass
    await ue.bootstrap()
    await c.ask("fault set all stale-sqn times 1")
    async with causes.counted(w, "hss", hss_ok=2):
        await ue.bootstrap()
    await nothing_left(c)
    await c.ask(f"fault set {impi} xres-length 9 times 1")
    async with causes.counted(w, ub_challenged=1, ub_response=1):
        ch = await ue.challenge()
        res, *_ = ue.usim.authenticate(ch.rand, ch.autn)
        r, _ = await ue.answer(ch, res)
    assert r.status == 403, r.status
    await ue.bootstrap()


@test("an answer beyond the BSF's deadline is not used and counted as late; no vector is lost by it: the next run needs no resynchronisation",
      smoke=True)
async def late(t):
    w, c = await world(t)
    impi = w.cards[0].impi
    before = (await c.ask(f"subscriber show {impi}"))["seq"]
    await c.ask(f"fault set {impi} delay 2 times 1")
    async with causes.counted(w, zh_timeout=1, zh_late=1, wait=10):
        assert (await w.ue().first()).status == 503
    async with causes.counted(w, "hss", hss_ok=1):
        await w.ue().bootstrap(resync=False)
    assert (await c.ask(f"subscriber show {impi}"))["seq"] == before + 2
    await nothing_left(c)


async def connected_again(w):
    await w.wait_hss_peer(30)


@test("disconnect-before and disconnect-after: the run fails with the connection, or has its vector; the BSF comes back by itself; so it does "
      "from octets that are no message", smoke=True, timeout=90)
async def disconnect(t):
    w, c = await world(t)
    impi = w.cards[0].impi
    for behaviour in ("disconnect-before", "malformed version", "malformed avp-length"):
        await c.ask(f"fault set {impi} {behaviour} times 1")
        async with causes.counted(w, also=ZH + ("zh_down", "zh_timeout", "zh_malformed")):
            assert (await w.ue().first()).status == 503, behaviour

        async def works():
            return (await w.ue().first()).status == 401
        await t.until(works, 20, f"a challenge after {behaviour}")
        await w.ue().bootstrap()
    seen = w.bsf.mark()
    await c.ask(f"fault set {impi} disconnect-after times 1")
    await w.ue().bootstrap()
    await t.until(lambda: "closed the connection" in w.bsf.text(seen), 10, "the BSF to lose the connection")
    await connected_again(w)
    await w.ue().bootstrap()
    assert "DIS" not in w.hss.text() and "fault=disconnect-after" in w.hss.text()


@test("for a time: what holds for some seconds ends by itself; several of one sort take turns", smoke=True)
async def for_a_time(t):
    w, c = await world(t)
    impi = w.cards[0].impi
    await c.ask(f"fault set {impi} busy seconds 2")
    left = (await c.ask("faults"))["faults"]
    assert [(x["behaviour"], x["subscriber"], x["seconds"] <= 2, x["waits"]) for x in left] == [("busy", impi, True, False)], left
    assert (await w.ue().first()).status == 503

    async def over():
        return (await w.ue().first()).status == 401
    await t.until(over, 10, "two seconds to be over")
    await nothing_left(c)
    scenario = f"# turns\nsubscriber {impi}: busy, times 1\nsubscriber {impi}: result 5401, times 2\nsubscriber all: no-guss\n"
    assert await c.ask("scenario load", scenario) == {"lines": 3}
    assert [x["waits"] for x in (await c.ask("faults"))["faults"]] == [False, True, False]
    assert [(await w.ue().first()).status for _ in range(4)] == [503, 403, 403, 401]
    assert [x["behaviour"] for x in (await c.ask("faults"))["faults"]] == ["no-guss"]


@test("a scenario is taken whole or not at all, by VTY and gbactl; it is in the running configuration, ends with the daemon, and stays where it "
      "is written", smoke=True)
async def scenario(t):
    w, c = await world(t)
    impi = w.cards[0].impi
    await c.ask("fault set all no-guss")
    for text, said in ((f"subscriber {impi}: busy\nsubscriber {impi}: bussy\n", "invalid line 2: unknown behaviour 'bussy'; allowed: delay, "),
                       ("subscriber nobody@example.org: busy\n", "invalid line 1: there is no subscriber nobody@example.org"),
                       ("subscriber all: \x1b[2J\n", "invalid line 1: unknown behaviour")):
        out = await c.refused("scenario load", text)
        assert out.startswith(said) and "\x1b" not in out, out
    assert [x["behaviour"] for x in (await c.ask("faults"))["faults"]] == ["no-guss"]
    path = f"{w.dir}/tests.scenario"
    lines = [f"subscriber {impi}: wrong-mac times 2", f"subscriber {impi}: redirect {OTHER},{HSS_ID} times 1", "subscriber all: malformed no-ck seconds 600"]
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")
    v = await Vty.open(w.ports["hss_vty"])
    t.cleanup(v.close)
    await v.command("enable")
    assert "3 behaviours" in await v.command(f"scenario load {path}")
    assert "no behaviour" not in (out := await v.command("show faults")) and f"fault {impi} wrong-mac times 2" in out, out
    assert "from the root" in await v.command("scenario load tests.scenario") and "No such file" in await v.command("scenario load /nonexistent")
    running = await v.command("show running-config")
    assert f"fault {impi} wrong-mac times 2\n" in running and f"fault {impi} redirect {OTHER},{HSS_ID} times 1\n" in running, running
    assert "fault all malformed no-ck seconds " in running and "no-guss" not in running, running
    gbactl = [t.need_program("gbactl"), "-s", w.ports["hss_ctl"]]
    rc, out, err = await procs.run(gbactl + ["--json", "-f", path, "scenario", "load"], 30)
    assert rc == 0 and json.loads(out) == {"lines": 3}, (rc, out, err)
    await v.command("write file")
    assert await c.ask("fault clear all") == {"removed": 1} and await c.ask("fault clear") == {"removed": 2}
    await w.hss.stop()
    await w.hss.start()
    c = await Ctl.open(w.ports["hss_ctl"])
    t.cleanup(c.close)
    assert sorted(x["behaviour"] for x in (await c.ask("faults"))["faults"]) == ["malformed", "redirect", "wrong-mac"]
    await c.ask("scenario load", "")
    await w.hss.stop()
    await w.hss.start()                                          # not written: what the file says holds
    c = await Ctl.open(w.ports["hss_ctl"])
    t.cleanup(c.close)
    assert len((await c.ask("faults"))["faults"]) == 3


@test("the examples of conf/, a scenario and a table of GUSSs, are taken as they stand", smoke=True)
async def examples(t):
    w = await World(t, n_cards=1).start(bsf=False)
    gbactl = [t.need_program("gbactl"), "-s", w.ports["hss_ctl"], "--json", "-f"]
    for name, command, said in (("hss-faults.scenario", ("scenario", "load"), {"lines": 6}), ("guss.csv", ("guss", "csv"), {"changed": 1, "unchanged": 0})):
        rc, out, err = await procs.run(gbactl + [os.path.join(procs.SRC, "conf", name), *command], 30)
        assert rc == 0 and json.loads(out) == said, (name, rc, out, err)


@test("each behaviour can be typed, is shown as it was typed, and is wrong in one line", smoke=True)
async def typed(t):
    w = await World(t, n_cards=1).start(bsf=False)
    v = await Vty.open(w.ports["hss_vty"])
    t.cleanup(v.close)
    for line in ("enable", "configure terminal"):
        await v.command(line)
    for behaviour in ("delay 3", "no-answer", "result 5012", "busy", f"redirect {OTHER}", "disconnect-before", "wrong-mac", "stale-sqn", "xres-length 9",
                      "no-guss", "old-timestamp 60", f"origin-host {OTHER}", "malformed no-session", "malformed version", "extra-avps 5",
                      "mandatory-avp", "duplicate 1", "disconnect-after"):
        for limits in ("", " times 3", " seconds 77", " times 3 seconds 77"):
            out = await v.command(f"fault all {behaviour}{limits}")
            assert out.strip() == "", (behaviour, limits, out)
            assert f"fault all {behaviour}{limits.replace('77', '7')}" in await v.command("show running-config"), (behaviour, limits)
    for wrong, said in (("malformed", "no-session"), ("malformed ck", "no-session"), ("duplicate 11", "<1-10>"), ("origin-host a..b", "DNS name"),
                        ("redirect a.example,", "up to four DNS names"), ("wrong-mac seconds 0", "<1-1000000>")):
        out = await v.command(f"fault all {wrong}")
        assert said in out, (wrong, out)
