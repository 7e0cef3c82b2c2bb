# SPDX-License-Identifier: AGPL-3.0-or-later
"""More connections than there is room for, or descriptors: who came to be served is."""
import asyncio
import os
import resource
import select
import signal
import socket

from lib import causes, naf
from lib.http_raw import HttpConn
from lib.procs import many_files
from lib.runner import test
from lib.world import World

ROOM = 40


async def crowd(w, n, source, octets=b""):
    """Connections that owe a request, from one address; taken by the server."""
    conns = []
    for _ in range(n):
        c = await HttpConn.open(w.ports["ub"], source=source)
        if octets:
            await c.send(octets)
        conns.append(c)
    return conns


async def crowded(t, room=ROOM, **kw):
    w = World(t, n_cards=4, **kw).no_limits()
    w.bsf_cfg.set("ub", f"connections {room}")
    w.bsf_cfg.set("ub", "idle-time 60")
    w.bsf_cfg.set("ub", "request-time 60")
    await w.start()

    async def full():
        return f"connections {room} " in await w.vty("show ub")
    return w, full


def open_ones(conns):
    return [c for c in conns if not c.reader.at_eof()]


@test("one source fills the connections, saying nothing or half a request: others are served, and it lost its oldest",
      smoke=True)
async def one_source(t):
    for octets in (b"", b"GET / HTTP/1.1\r\nHost: a\r\nX: "):
        w, full = await crowded(t, name=f"say{len(octets)}") if octets else await crowded(t)
        async with causes.counted(w, also=("ub_challenged", "ub_ok", "ub_limit_connections")):
            conns = await crowd(w, ROOM + 10, "127.0.0.2", octets)
            await t.until(full, 5, "the room to be full")
            for i in range(4):
                await w.ue(i).bootstrap()
        lost = (await w.counters())["ub_limit_connections"]
        assert 11 <= lost <= 18, lost                            # for the crowd's own and for up to two of each bootstrap
        await asyncio.sleep(0)
        assert open_ones(conns) == conns[-len(open_ones(conns)):], "not the oldest went"
        for c in conns:
            c.close()


def deaf(w, source):
    """A connection whose other side reads nothing, and has little room for what comes."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
    s.bind((source, 0))
    s.connect(("127.0.0.1", w.ports["ub"]))
    s.setblocking(False)
    return s


async def stuffed(t, socks):
    """Requests into all of them until none takes more: their answers wait to be read."""
    one = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    sent, still = [0] * len(socks), 0

    async def none_takes():
        nonlocal still
        before = sum(sent)
        for i, s in enumerate(socks):
            try:
                while True:
                    sent[i] += s.send((one * 2000)[sent[i] % len(one):])
            except BlockingIOError:
                pass
        still = still + 1 if sum(sent) == before else 0
        return still > 10
    await t.until(none_takes, 30, "nobody to take more requests")


@test("one source fills the connections with requests whose answers it does not read: others are served", smoke=True)
async def reads_nothing(t):
    w, full = await crowded(t, room=4)
    async with causes.counted(w, also=("ub_challenged", "ub_ok", "ub_scheme", "ub_limit_connections")):
        socks = [deaf(w, "127.0.0.2") for _ in range(4)]
        await t.until(full, 5, "the room to be full")
        await stuffed(t, socks)
        for i in range(4):
            await w.ue(i).bootstrap()
    for s in socks:
        s.close()


@test("as long as there is room a source may have all of it; a quiet device loses its place to the crowd of one source, not a busy one",
      smoke=True)
async def room(t):
    w, full = await crowded(t)
    async with causes.counted(w, also=("ub_challenged", "ub_ok")):
        many = await crowd(w, ROOM, "127.0.0.2")
        await t.until(full, 5, "the room to be full")
    assert len(open_ones(many)) == ROOM
    quiet = await HttpConn.open(w.ports["ub"], source="127.0.0.3")
    more = await crowd(w, 2 * ROOM, "127.0.0.2")                 # each takes the place of an older one of the same
    ue = w.ue(0)
    await ue.bootstrap(quiet)
    for c in many + more + [quiet]:
        c.close()


@test("all connections are of one address, as behind a balancer: a device among them is served", smoke=True)
async def one_address(t):
    w, full = await crowded(t)
    conns = await crowd(w, ROOM, "127.0.0.1")
    await t.until(full, 5, "the room to be full")
    for i in range(4):
        await w.ue(i).bootstrap()
    for c in conns:
        c.close()


@test("no descriptor is left: a new connection takes the place of an idle one", smoke=True)
async def no_descriptor(t):
    w = await World(t, n_cards=2).no_limits().start()
    before = resource.prlimit(w.bsf.pid, resource.RLIMIT_NOFILE)
    idle = await crowd(w, 3, "127.0.0.2")

    async def taken():
        return "connections 3 " in await w.vty("show ub")
    await t.until(taken, 5, "three connections")
    async with causes.counted(w, also=("ub_challenged", "ub_ok", "ub_limit_connections")):
        resource.prlimit(w.bsf.pid, resource.RLIMIT_NOFILE, (len(os.listdir(f"/proc/{w.bsf.pid}/fd")), before[1]))
        await w.ue(0).bootstrap()
        resource.prlimit(w.bsf.pid, resource.RLIMIT_NOFILE, before)              # the VTY that shows the counters needs one
    for c in idle:
        c.close()


def all_stand(pid):
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/stat", encoding="ascii") as f:
            if f.read().rpartition(")")[2].split()[0] != "T":
                return False
    return True


def answers_before_the_bia(w, socks, link, bir):
    """All of them ask while the BSF stands still; with the first answers a BIR goes off. -> how many were answered before it was"""
    poll = select.epoll()
    for s in socks:
        poll.register(s, select.EPOLLIN)
    os.kill(w.bsf.pid, signal.SIGSTOP)
    while not all_stand(w.bsf.pid):
        pass
    for s in socks:
        s.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: none\r\n\r\n")
    os.kill(w.bsf.pid, signal.SIGCONT)
    while len(poll.poll(20, 10)) < 10:                          # the library is in the midst of them
        pass
    assert os.write(link, bir) == len(bir)
    assert select.select([link], [], [], 20)[0], "no BIA"
    n = len(poll.poll(0, len(socks)))
    for s in socks:
        assert s.recv(4096).startswith(b"HTTP/1.1 400 ")
    poll.close()
    return n


@test("a thousand requests are ready at once: a BIR that comes then is answered between them, not behind all", smoke=True)
async def beside_a_crowd(t):
    many_files()
    w = World(t, n_cards=1).no_limits()
    w.bsf_cfg.set("log stderr", "logging level set-all notice")
    await w.start()
    conn, s, n = await w.naf(), await w.ue().bootstrap(), 1000
    for task in os.listdir(f"/proc/{w.bsf.pid}/task"):              # who waits for an answer gets a core before who gives it
        os.setpriority(os.PRIO_PROCESS, int(task), 5)
    socks = [socket.create_connection(("127.0.0.1", w.ports["ub"])) for _ in range(n)]
    link, before = conn.writer.get_extra_info("socket").fileno(), []
    # the first time connections are taken some at a time; and the other side may be late, but not always
    while len(before) < 2 or (before[-1] > n // 2 and len(before) < 20):
        bir = naf.bir(conn, s.btid, naf.naf_id())
        bir.hbh = bir.e2e = 7000 + len(before)
        answer = conn.pending[bir.hbh] = asyncio.get_running_loop().create_future()
        before.append(answers_before_the_bia(w, socks, link, bir.encode()))
        assert naf.Bia(await asyncio.wait_for(answer, 10)).key == s.ks_naf()
    assert before[-1] <= n // 2, before
    t.note(f"answers before the BIA: {before} of {n}")
    for sock in socks:
        sock.close()
