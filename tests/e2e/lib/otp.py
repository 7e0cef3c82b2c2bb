# SPDX-License-Identifier: AGPL-3.0-or-later
"""erlang-diameter, of OTP: our dictionaries and the peers of tests/interop/erlang."""
import glob
import os

from . import procs


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
