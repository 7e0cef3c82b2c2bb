# SPDX-License-Identifier: AGPL-3.0-or-later
"""Ub behind nginx and haproxy, as lenient as they can be set, which keep their connections to us: what we read otherwise than
they do would be the request of somebody else."""
from lib import digest
from lib.http_raw import HttpConn
from lib.proxy import SHAPES, proxy
from lib.runner import test
from lib.world import World

async def answers_of(w):
    """How many requests Ub has answered so far."""
    return sum(n for name, n in (await w.counters()).items() if name.startswith("ub_"))


async def one_shape(t, w, port, octets):
    """What came through the proxy, and what it answered; each answer of ours must have gone to who sent these octets."""
    before = await answers_of(w)
    c = await HttpConn.open(port)
    await c.send(octets)
    c.writer.write_eof()
    got = await c.wait_closed_by_peer(5 * t.factor)
    c.close()
    ours = got.count(b"Server: gba-bsfd") + got.count(b"server: gba-bsfd")
    assert await answers_of(w) - before == ours, f"{ours} answers came back of {await answers_of(w) - before}: {got}"
    return got.split(b" ")[1].decode() if got else "closed"


async def through(t, kind):
    w = await World(t).no_limits().start()
    port = await proxy(t, kind, w.ports["ub"])
    ue, victim = w.ue(0), w.ue(1)
    ue.port = victim.port = port
    await ue.bootstrap()
    first = b"Authorization: " + digest.format_params(ue.first_params(username=ue.impi)).encode() + b"\r\n"
    said = {}
    for name, rest in SHAPES.items():
        said[name] = await one_shape(t, w, port, b"GET / HTTP/1.1\r\nHost: bsf.example\r\n" + first + rest)
        await victim.bootstrap()
    t.note(", ".join(f"{k}: {v}" for k, v in said.items()))


@test("behind nginx: a bootstrap, and no shape of framing makes two requests of one", smoke=True)
async def behind_nginx(t):
    await through(t, "nginx")


@test("behind haproxy: a bootstrap, and no shape of framing makes two requests of one", smoke=True)
async def behind_haproxy(t):
    await through(t, "haproxy")
