# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is wrong with a request, and what its sender is told: each row as octets on the wire, to the BSF and to the HSS simulator;
the answers are read by tshark, too. Where the outer frame is sound the connection is kept."""
import asyncio

from lib import dia, dia_peer, hss, naf, procs
from lib.dia import Avp, Msg
from lib.relay import Relay
from lib.runner import test
from lib.world import BSF_ID, BSF_NAME, HSS_ID, World
from lib.wrong import CLOSED, KEPT, SILENT, cer_rows, instead, less, more, octets_of, rows, to_host


class Asker:
    """Connections to one daemon through the relay that writes the capture."""

    def __init__(self, port, connect, request):
        self.port, self.connect, self.request, self.conn = port, connect, request, None
        self.seen = {}                             # hop-by-hop: (what, code)

    async def row(self, what, code, failed, after, change):
        if self.conn is None:
            self.conn = await self.connect(self.port)
            assert self.conn.cea.result == 2001, (what, self.conn.cea.result)
        answer, octets_ = await self._answer(what, after, change)
        if after == SILENT:
            assert answer is None, (what, answer.result)
        else:
            self._judge(what, answer, octets_, code, failed)
        if after == CLOSED:
            await asyncio.wait_for(self.conn.closed.wait(), 5)
            self.conn = None

    async def _answer(self, what, after, change):
        """The answer; None if there shall be none and a watchdog that was sent after it is answered."""
        m = self.request(self.conn)
        m.hbh = m.e2e = next(self.conn._ids)
        change(m)
        octets_ = octets_of(m)
        f = self.conn.pending[m.hbh] = asyncio.get_running_loop().create_future()
        self.seen[m.hbh] = what
        await self.conn.send_raw(octets_)
        answer = None if after == SILENT else await asyncio.wait_for(f, 5)
        if after != CLOSED:
            await self.conn.request(Msg(dia.CMD_DW, 0, self.conn.origin(), dia.R))
        return (f.result() if f.done() else answer), octets_

    def _judge(self, what, a, octets_, code, failed):
        assert a is not None, f"{what}: no answer"
        assert a.result == code, (what, a.result, code)
        assert bool(a.flags & dia.E) == (code // 1000 == 3), (what, a.flags)
        assert not a.flags & (dia.R | dia.T), (what, a.flags)
        f = a.find(dia.FAILED_AVP)
        codes = [x.code for x in f.data] if f else []
        assert codes == ([failed] if failed else []), (what, codes)
        sent = Msg.decode(octets_) if code in (2001, 5005) else None
        if sent and sent.find(dia.PROXY_INFO):
            assert a.find(dia.PROXY_INFO).encode() == sent.find(dia.PROXY_INFO).encode(), what
        assert not any(a.find(x) for x in (dia.DEST_HOST, dia.DEST_REALM)), what


async def by_tshark(t, pcap, seen, expected):
    """The same answers as somebody else reads them."""
    t.need_tool("tshark", "tshark")
    argv = ["tshark", "-r", pcap, "-Y", "diameter.flags.request == 0 && diameter.cmd.code != 280 && diameter.cmd.code != 257", "-T", "fields",
            "-E", "separator=|", "-E", "occurrence=a", "-E", "aggregator=,"]
    for field in ("diameter.hopbyhopid", "diameter.Result-Code", "diameter.flags.error"):
        argv += ["-e", field]
    rc, out, err = await procs.run(argv, 60)
    assert rc == 0, err
    said = {}
    for line in out.split("\n"):
        if line:
            ids, codes, errors = (x.split(",") for x in line.split("|"))
            for i, c, e in zip(ids, codes, errors):
                said[int(i, 16)] = (int(c), e in ("1", "True"))
    for hbh, what in seen.items():
        code = expected[what]
        if code is not None:
            assert said.get(hbh) == (code, code // 1000 == 3), (what, code, said.get(hbh))


async def every_row(t, daemon, port, connect, request, table):
    relay = await Relay(f"{t.dir}/rows.pcap", port).start()
    t.cleanup(relay.stop)
    asker = Asker(relay.port, connect, request)
    for row in table:
        try:
            await asker.row(*row)
        except Exception as e:
            raise AssertionError(f"{row[0]}: {e!r}") from e
        assert daemon.running, row[0]
    await asker.conn.close()
    relay.pcap.f.flush()
    await by_tshark(t, f"{t.dir}/rows.pcap", asker.seen, {r[0]: r[1] for r in table})
    t.note(f"{len(table)} rows")


@test("each kind of wrong MAR, octet by octet: the HSS's answer, whether the connection is kept, and what tshark reads", smoke=True)
async def to_hss(t):
    w = await World(t).start(bsf=False)

    async def connect(port):
        return await dia_peer.connect(port, BSF_ID, "mnc001.mcc001.3gppnetwork.org", [dia.APP_ZH])
    table = rows(HSS_ID, BSF_ID, dia.CMD_BI, (dia.AUTH_STATE, 0))
    await every_row(t, w.hss, w.ports["hss"], connect, lambda c: hss.mar(c, w.cards[0].impi), table)


async def cers(port, identity, realm, app):
    for what, code, failed, change in cer_rows():
        conn = await dia_peer.connect(port, identity, realm, [app], cer=False)
        m = Msg(dia.CMD_CE, 0, conn.capabilities(), dia.R, 7, 7)
        change(m)
        f = conn.pending[7] = asyncio.get_running_loop().create_future()
        await conn.send_raw(m.encode())
        a = await asyncio.wait_for(f, 5)
        got = a.find(dia.FAILED_AVP)
        assert (a.result, [x.code for x in got.data] if got else []) == (code, [failed] if failed else []), (what, a.result, a.avps)
        assert bool(a.flags & dia.E) == (code // 1000 == 3), (what, a.flags)
        await asyncio.wait_for(conn.closed.wait(), 5)


@test("each kind of wrong CER is answered with its code and AVP, and the connection ends", smoke=True)
async def wrong_cer(t):
    w = await World(t).start(bsf=False)
    await cers(w.ports["hss"], BSF_ID, "mnc001.mcc001.3gppnetwork.org", dia.APP_ZH)


@test("each kind of wrong BIR, octet by octet: the BSF's answer, whether the connection is kept, and what tshark reads", smoke=True)
async def to_bsf(t):
    w = await World(t, raw_hss=True).start()
    s = await w.ue().bootstrap()

    def connect(port):
        return naf.connect(port)

    def bir(conn):
        return naf.bir(conn, s.btid, naf.naf_id(), u_aware=1)
    table = rows(BSF_ID, "naf1.example.com", dia.CMD_MA, (dia.GBA_U_AWARE, dia.VENDOR_3GPP))
    table += [("a host that is a name of the BSF", 2001, None, KEPT, to_host(BSF_NAME)),
              ("a realm that is a name of the BSF", 2001, None, KEPT, instead(dia.DEST_REALM, Avp(dia.DEST_REALM, BSF_NAME))),
              ("no NAF-Id", 5005, dia.NAF_ID, KEPT, less(dia.NAF_ID)),
              ("no Transaction-Identifier", 5005, dia.BTID, KEPT, less(dia.BTID)),
              ("AVPs of Zpn", 2001, None, KEPT, more(Avp(dia.USER_NAME, "a@b.example"), Avp(411, 1, dia.VENDOR_3GPP, False)))]
    await every_row(t, w.bsf, w.ports["dia"], connect, bir, table)
    await cers(w.ports["dia"], "gba-naf.example.com", "example.com", dia.APP_ZN)
