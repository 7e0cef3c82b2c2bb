# SPDX-License-Identifier: AGPL-3.0-or-later
"""The BSF's Diameter node as an operator and its peers see it: figures, one line for each change of state, fairness, limits."""
import asyncio
import re

from lib import causes, dia, naf
from lib.dia import Avp, Msg
from lib.hss import RawHss
from lib.kept import is_refusal
from lib.runner import test
from lib.world import HSS_ID, World


async def peer_line(w, identity):
    """What `show peers` says below the line of this peer; "" if nothing."""
    m = re.search(rf"^(?:hss|naf) +{re.escape(identity)} .*\n?((?:     .*\n?)?)", (await w.vty("show peers")).replace("\r", ""), re.M)
    return m[1].strip()


@test("show peers: since when, address, applications, requests in and out, pending, errors by code, round trip", smoke=True)
async def figures(t):
    w = await World(t, raw_hss=True).start()
    conn = await w.naf()
    s = await w.ue().bootstrap()
    await naf.fetch(conn, s.btid)
    for _ in range(2):
        await naf.fetch(conn, "AAAAAAAAAAAAAAAAAAAAAA==@" + s.btid.split("@")[1])
    bir = naf.bir(conn, s.btid, naf.naf_id())
    bir.cmd = 999
    await conn.request(bir)
    w.raw_hss.behave = RawHss.result(5012)
    is_refusal(await w.ue(1).first(), 503)
    line = await peer_line(w, "naf1.example.com")
    assert re.fullmatch(r"for \d+ s, 127\.0\.0\.1 \d+, Zn, requests 4 in 0 out, errors (5403 x 2, 3001 x 1|3001 x 1, 5403 x 2)", line), line
    line = await peer_line(w, HSS_ID)
    assert re.fullmatch(rf"for \d+ s, 127\.0\.0\.1 {w.ports['hss']}, Zh, requests 0 in 2 out, round trip \d+\.\d+ ms, errors 5012 x 1", line), line
    w.raw_hss.behave = RawHss.never
    task = asyncio.ensure_future(w.ue(2).first())

    async def waiting():
        return re.search(rf"^hss +{HSS_ID} +open, 1 unanswered", await w.vty("show peers"), re.M)
    await t.until(waiting, 5, "a request that is not answered")
    assert await peer_line(w, "gba-naf.example.com") == ""       # was never there
    await conn.close()

    async def gone():
        return re.fullmatch(r"for \d+ s, requests 4 in 0 out, .*", await peer_line(w, "naf1.example.com"))
    await t.until(gone, 5, "the NAF to be known as gone")
    await w.raw_hss.stop()
    is_refusal(await task, 503)


@test("zh_timeout and zh_down name the HSS, zh_error its code, name and Error-Message", smoke=True)
async def named(t):
    w = World(t, raw_hss=True)
    w.bsf_cfg.set(f"hss {HSS_ID}", "timeout 1")
    await w.start()
    w.raw_hss.behave = RawHss.never
    async with causes.counted(w, zh_timeout=1):
        is_refusal(await w.ue().first(), 503)

    async def refused(hss, conn, mar):
        await conn.send(mar.answer(hss.head() + [Avp(dia.RESULT, 5012), Avp(dia.ERROR_MESSAGE, "no AuC today")]))
    w.raw_hss.behave = refused
    async with causes.counted(w, zh_error=1):
        is_refusal(await w.ue().first(), 503)
    mark = w.bsf.mark()
    await w.raw_hss.stop()

    async def lost():
        return f"peer {HSS_ID} lost" in w.bsf.text(mark)
    await t.until(lost, 10, "the loss to be told")
    async with causes.counted(w, zh_down=1):
        is_refusal(await w.ue().first(), 503)
    text = w.bsf.text()
    for line in (rf" zh_timeout .* hss={HSS_ID} ", rf" zh_down .* hss={HSS_ID} ",
                 rf' zh_error .* hss={HSS_ID} result=5012 error="no AuC today"'):
        assert re.search(line, text), (line, text)


@test("an HSS that leaves with a Disconnect-Cause: the log says which, and when the next attempt is", smoke=True)
async def leaves(t):
    w = await World(t, raw_hss=True).start()
    for cause, words in ((1, "it is busy; next attempt in 30 s"), (2, "it does not want us; next attempt in 5 min")):
        conn = await w.raw_hss.wait_peer()
        mark = w.bsf.mark()
        await conn.request(Msg(dia.CMD_DP, 0, conn.origin() + [Avp(dia.DISCONNECT_CAUSE, cause)], dia.R), 5)
        await conn.close()

        async def told(mark=mark, words=words):
            return f"{HSS_ID} lost: it disconnects: {words}" in w.bsf.text(mark)
        await t.until(told, 5, words)
        await w.bsf.stop()
        await w.bsf.start()
        await w.wait_hss_peer()


@test("a peer that flaps: so many changes of state a minute are told, the rest counted; another's are told meanwhile", smoke=True)
async def flaps(t):
    w = await World(t, raw_hss=True).start()
    mark = w.bsf.mark()
    for _ in range(30):
        conn = await naf.connect(w.ports["dia"])
        await conn.close()

        async def gone():
            return "closed" in re.search(r"^naf +naf1\.example\.com +(.*)$", await w.vty("show peers"), re.M)[1]
        await t.until(gone, 5, "the NAF to be gone")
    await w.naf("gba-naf.example.com")
    text = w.bsf.text(mark)
    assert len(re.findall(r"peer naf1\.example\.com (?:connected|lost)", text)) == 20, text
    assert "peer gba-naf.example.com connected" in text
