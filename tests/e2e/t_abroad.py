# SPDX-License-Identifier: AGPL-3.0-or-later
"""Two operators, each in a network of its own with a wire between them: the device is at home, the NAF abroad. This file runs in a
namespace of its own; where there is none its test is skipped."""
import asyncio
import os
import time

from lib import ctl, procs, two_nets
from lib.roaming import NAF_ID, PROXY_ID, REALM, Proxy, home_of, home_world
from lib.runner import test

TW = 6


@test("two operators in two networks: a NAF abroad has the device's key; a wire that is cut without a word is found within two watchdogs, and back",
      smoke=True, timeout=120, req=["220-4.2.2a-2", "220-4.4.3-2"])
async def over_the_wire(t):
    net = await two_nets.make(t)
    w = home_world(t)
    listen = f"listen tls {net.home} {w.ports['tls']}"
    w.bsf_cfg.node("diameter")[:] = [x for x in w.bsf_cfg.node("diameter") if "listen tls" not in x] + [" " + listen, f" tw {TW}"]
    w.bsf_cfg.set(f"naf {PROXY_ID}", f"address {net.abroad}")
    await w.start()
    s = await w.ue().bootstrap()
    p = Proxy(t, os.path.join(w.dir, "visited"), prefix=net.prefix)
    p.cfg.add("diameter", f"tw {TW}")
    p.cfg.set("diameter", "tc 1")
    realms, ((identity, _, port),) = home_of(w)
    p.add_home("op-a", realms, [(identity, net.home, port)])
    p.cfg.add("home op-a", "timeout 60")                           # longer than the watchdog takes
    await p.start()

    async def ask():
        """gba-naf, in the visited network. -> exit status, seconds"""
        began = time.monotonic()
        rc, out, err = await procs.run(net.prefix + [t.need_program("gba-naf"), "bir", s.btid, "--naf", NAF_ID, "--ua", "0100000002", "--bsf",
                                                     f"127.0.0.1:{p.ports['naf']}", "--peer", PROXY_ID, "--bsf-realm-from-btid", "--identity",
                                                     NAF_ID, "--realm", "apps." + REALM, "--json", "--timeout", "40000"], 60)
        return out, time.monotonic() - began
    out, _ = await ask()
    assert '"result_code":2001' in out.replace(" ", ""), out
    figures = (await ctl.ask(p.ports["ctl"], "figures"))["figures"]
    assert figures["homes_connected"] == 1, figures
    await net.cut()
    began = time.monotonic()
    waits = asyncio.ensure_future(ask())

    async def gone():
        return (await ctl.ask(p.ports["ctl"], "figures"))["figures"]["homes_connected"] == 0
    await t.until(gone, 2 * (TW + 2) + 10, "the watchdog to see that the wire is cut")
    took = time.monotonic() - began
    t.note(f"the cut wire was found after {took:.1f} s")
    assert took < (2 * (TW + 2) + 4) * t.factor, took
    out, _ = await waits                                           # who has asked meanwhile is told by the watchdog, too
    assert '"result_code":3002' in out.replace(" ", ""), out
    out, seconds = await ask()
    assert '"result_code":3002' in out.replace(" ", "") and seconds < 4.5 * t.factor, (out, seconds)
    await net.mend()
    await t.until(p.all_open, 60, "the home to be there again", p.peers)
    out, _ = await ask()
    assert '"result_code":2001' in out.replace(" ", ""), out
