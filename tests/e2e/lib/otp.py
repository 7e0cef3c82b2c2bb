# SPDX-License-Identifier: AGPL-3.0-or-later
"""erlang-diameter, of OTP: our dictionaries and the peers of tests/interop/erlang."""
import asyncio
import glob
import os

from . import aka, procs


async def compiled(t):
    """Compile the dictionaries and the peers; the folder of the result."""
    for tool, package in (("erl", "erlang-base"), ("erlc", "erlang-base"), ("diameterc", "erlang-diameter")):
        t.need_tool(tool, package)
    src, out = os.path.join(procs.SRC, "tests", "interop", "erlang"), t.dir + "/erl"
    os.mkdir(out)
    for d in ("zn", "zh"):
        rc, o, e = await procs.run(["diameterc", "-o", out, f"{src}/{d}.dia"], 60, cwd=out)
        assert rc == 0, o + e
    rc, o, e = await procs.run(["erlc", "-o", out, f"{out}/zn.erl", f"{out}/zh.erl"] + sorted(glob.glob(src + "/*.erl")), 60)
    assert rc == 0, o + e
    return out


async def hss(t, port, impi, k, opc):
    """An HSS that has one subscriber, and one vector for whatever question."""
    out, rand = await compiled(t), os.urandom(16)
    v = (rand,) + aka.Milenage(k, opc).vector(rand, 33)
    argv = ["erl", "-noshell", "-pa", out, "-run", "zh_hss", "main", str(port), impi] + [x.hex() for x in v]
    peer = procs.Daemon("erlang", argv, t.dir + "/log/erlang.log", {"HOME": t.dir}, notifies=False)
    await peer.start()
    t.cleanup(peer.kill)

    async def listens():
        try:
            _, wr = await asyncio.open_connection("127.0.0.1", port)
            wr.close()
            return True
        except OSError:
            return False
    await t.until(listens, 20, "erlang to listen")
    return peer
