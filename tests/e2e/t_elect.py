# SPDX-License-Identifier: AGPL-3.0-or-later
"""Both sides connect at once (RFC 6733 5.6.4), forced: each CER is held back until the other one is out, too. Of two connections
one remains, whichever name is greater. GBA_ELECTIONS: how many (make elections: 500)."""
import asyncio
import os

from lib import dia, dra, otp, procs
from lib.dia import Msg
from lib.runner import test

NODES = 20
WANTED = int(os.environ.get("GBA_ELECTIONS", "20"))


class Leg:
    """One direction of connecting, through us. The first message is held until .meeting lets it go."""

    def __init__(self, meeting, port):
        self.meeting, self.target = meeting, port
        self.live = 0

    async def start(self):
        self.server = await asyncio.start_server(self._accept, "127.0.0.1", procs.free_port())
        self.port = self.server.sockets[0].getsockname()[1]

    async def _accept(self, reader, writer):
        try:
            r2, w2 = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        link = Link(self.meeting, (reader, writer), (r2, w2))
        self.meeting.links.append(link)
        await link.run(self)


class Link:
    def __init__(self, meeting, client, server):
        self.meeting, self.client, self.server = meeting, client, server
        self.leg, self.closed, self.accepted, self.released = None, asyncio.Event(), False, False

    async def run(self, leg):
        self.leg = leg
        try:
            cer = await dia.read(self.client[0])
            await self.meeting.hold(self)
            self.server[1].write(cer)
            await asyncio.wait([asyncio.ensure_future(self._pump(self.client[0], self.server[1])),
                                asyncio.ensure_future(self._answers())], return_when=asyncio.FIRST_COMPLETED)
        except (OSError, asyncio.IncompleteReadError):
            pass
        self.abort()

    async def _pump(self, r, w):
        while data := await r.read(65536):
            w.write(data)

    async def _answers(self):
        """The CEA says whether this one was let in."""
        try:
            cea = await dia.read(self.server[0])
            self.accepted = Msg.decode(cea).result == 2001
            self.client[1].write(cea)
            self.meeting.changed.set()
            await self._pump(self.server[0], self.client[1])
        except (OSError, asyncio.IncompleteReadError):
            pass

    def abort(self):
        for _, w in (self.client, self.server):
            w.transport.abort()
        self.closed.set()
        self.meeting.changed.set()


class Meeting:
    """Two nodes that find each other again and again."""

    def __init__(self, name, port_there, port_here, elects):
        self.name, self.links, self.held, self.forced, self.elects = name, [], {}, 0, elects
        self.looked_at = 0           # of those forced: the first may be over before anybody looks
        self.changed = asyncio.Event()
        self.out, self.back = Leg(self, port_there), Leg(self, port_here)

    async def start(self):
        await self.out.start()
        await self.back.start()

    async def hold(self, link):
        """Until one of each direction is here. Who gives up, or is here again, does not go on alone."""
        self.held = {leg: x for leg, x in self.held.items() if not x.client[0].at_eof()}
        self.held[link.leg] = link
        if len(self.held) == 2:
            for x in self.held.values():
                x.released = True
            self.held = {}
            self.forced += 1
        self.changed.set()
        while not link.released:
            if self.held.get(link.leg) is not link:
                raise ConnectionAbortedError("another one is held")
            await self.wait()

    async def wait(self):
        self.changed.clear()
        await self.changed.wait()

    def open(self):
        return [x for x in self.links if x.released and not x.closed.is_set()]

    async def once(self):
        """Both out, one in; then it is cut. Returns the direction that remained."""
        self.none = 0
        while True:
            while self.forced == self.looked_at or len(self.open()) != 1 or not self.open()[0].accepted:
                await self.wait()
            await asyncio.sleep(0.05)                      # a second one would be let in about now, or this one ended
            left = self.open()
            if len(left) == 1 and left[0].accepted:
                break
            assert len(left) < 2 and not self.elects, (self.name, len(left))
            self.none += 1                                 # each has let go of the one that the other kept: they try again
        self.looked_at = self.forced
        left[0].abort()
        for link in list(self.held.values()):               # who goes on trying while he is connected
            link.abort()
        self.held = {}
        return "out" if left[0].leg is self.out else "back"


async def elect(t, wanted, foreign, elects=True):
    """Meetings of NODES nodes of ours, with names below and above the other's, until wanted elections were looked at.
    foreign(port, {name: port}) starts the other node, which listens on port and connects to the rest."""
    exe = t.need_program("dia_many")
    names = [f"{'a' if i % 2 else 'z'}{i}.example.com" for i in range(NODES)]       # dra.example.com lies between
    ports, there = [procs.free_port() for _ in names], procs.free_port()
    meetings = [Meeting(n, there, p, elects) for n, p in zip(names, ports)]
    for m in meetings:
        await m.start()
    await foreign(there, {m.name: m.back.port for m in meetings})
    argv = [exe, dra.DRA_ID, dra.DRA_REALM] + [f"{m.name}:{p}:{m.out.port}" for m, p in zip(meetings, ports)]
    d = procs.Daemon("dia_many", argv, t.dir + "/many.log", notifies=False)
    t.cleanup(d.kill)
    await d.start()
    won = {"out": 0, "back": 0}

    async def worker(m):
        for _ in range(-(-wanted // NODES)):
            won[await m.once()] += 1
    await asyncio.gather(*(worker(m) for m in meetings))
    assert d.running and not d.sanitizer_report(), d.tail(20)
    t.note(f"{sum(m.forced for m in meetings)} elections forced, in {sum(won.values())} of them looked at one remained: {won}")
    return won


@test("elections that are forced, against freeDiameterd, with names below and above its own: one connection remains each time",
      timeout=60 + 3 * WANTED / NODES)
async def forced(t):
    async def foreign(port, peers):
        await dra.relay(t, peers, ["*.example.com"], port=port)
    won = await elect(t, WANTED, foreign)
    assert min(won.values()) > 0, won            # the greater name's own


@test("elections that are forced, against erlang-diameter, which has no election: at most one at a time, and one in the end",
      timeout=90 + 4 * WANTED / NODES)
async def forced_otp(t):
    out = await otp.compiled(t)

    async def foreign(port, peers):                      # anew for each: it waits for half a minute to connect a second time
        argv = ["erl", "-noshell", "-pa", out, "-run", "zn_many", "main", dra.DRA_ID, dra.DRA_REALM, str(port)] + [str(p) for p in peers.values()]
        peer = procs.Daemon("erlang", argv, f"{t.dir}/erlang-{port}.log", {"HOME": t.dir}, notifies=False)
        t.cleanup(peer.kill)
        await peer.start()
    for _ in range(-(-WANTED // 5 // NODES)):
        await elect(t, NODES, foreign, elects=False)
