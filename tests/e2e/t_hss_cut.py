# SPDX-License-Identifier: AGPL-3.0-or-later
"""One of two HSSs is cut off: the link goes down, nothing is closed, nothing is answered. In network namespaces of its own, so this file
runs itself once more inside."""
import os
import re
import sys
import time

from lib import procs
from lib.hss_pair import HSS2, UnderLoad, asked, gap, is_state, node, second, settled, spent, state
from lib.runner import test
from lib.world import BSF_ID, HSS_ID, World

INSIDE = "GBA_INSIDE_NAMESPACE"
HERE, THERE = "10.99.0.1", "10.99.0.2"
NAME = "one of two HSSs is cut off under load: each device waits for two time-outs at most, and it is asked again when the link is back"

NAME_LONG = "one of two HSSs is cut off for longer than its watchdog waits: its connection is given up, nobody notices, and it is dialled again"

# the daemon's own namespace: its end of the link comes in from outside
WAIT = 'ip link set lo up; until ip link show vb >/dev/null 2>&1; do sleep 0.05; done; ' \
       f'ip addr add {THERE}/24 dev vb; ip link set vb up; exec "$@"'


async def ip(*words):
    rc, out, err = await procs.run(["ip"] + list(words), 10)
    assert rc == 0, (words, out, err)


async def far_hss(t, w):
    """The HSS of w behind a link, va here and vb there."""
    w.hss_cfg.set("diameter", f"listen {THERE} {w.ports['hss']}")
    w.hss_cfg.set(f"bsf {BSF_ID}", f"address {HERE}")
    w.bsf_cfg.set(f"hss {HSS_ID}", f"connect {THERE} {w.ports['hss']}")
    w.hss_cfg.add(f"bsf {BSF_ID}", "security plain")
    w.bsf_cfg.add(f"hss {HSS_ID}", "security plain")
    w.write_configs()
    await w.import_subscribers()
    await ip("link", "add", "va", "type", "veth", "peer", "name", "vb")
    await ip("addr", "add", f"{HERE}/24", "dev", "va")
    await ip("link", "set", "va", "up")
    w.hss = w.hss_daemon()
    w.hss.argv = ["unshare", "-n", "sh", "-c", WAIT, "sh"] + w.hss.argv
    t.watch(w.hss)
    await w.hss.start(wait=False)
    await ip("link", "set", "vb", "netns", str(w.hss.pid))
    await w.hss.wait_ready()


async def pair(t, *lines):
    """Two HSSs, the first one behind the link; lines of the BSF's Diameter node."""
    w = World(t, n_cards=40).no_limits()
    w.hss_cfg.add("subscribers", "ind 0 15")
    for line in lines:
        w.bsf_cfg.set("diameter", line)
    for line in ("timeout 1", "priority 1"):
        w.bsf_cfg.set(f"hss {HSS_ID}", line)
    await far_hss(t, w)
    w2 = await second(t, w)
    w.bsf_cfg.nodes.append([f"hss {HSS2}", node(w2.ports["hss"], "timeout 1")])
    w.write_configs()
    w.bsf = w.bsf_daemon()
    t.watch(w.bsf)
    await w.bsf.start()
    t.worlds.append(w)
    for identity in (HSS_ID, HSS2):
        await t.until(lambda i=identity: is_state(w, i, "open"), 15, "both to be connected")
    return w, w2


async def longer(t):
    w, w2 = await pair(t, "tw 6", "tc 1")
    async with UnderLoad(w) as u:
        began = time.monotonic()
        await ip("link", "set", "va", "down")

        async def given():
            return f"Diameter peer {HSS_ID} lost: it answers no watchdog" in w.bsf.text()
        await t.until(given, 40, "its connection to be given up")     # two times of the watchdog, each up to 8 s
        given_up = time.monotonic() - began
        await u.more(60)
        away, last = gap(u.load.ledger, began, time.monotonic()), await asked(w, HSS_ID)
        await ip("link", "set", "va", "up")
        at = time.monotonic()
        await t.until(lambda: is_state(w, HSS_ID, "open"), 20, "it to be connected again")

        async def again():
            return await asked(w, HSS_ID) > last + 10
        await t.until(again, 30, "it to be asked again")
        back = time.monotonic() - at
    u.no_failure()
    t.note(f"nobody was served for {away:.2f} s, given up after {given_up:.1f} s, asked again {back:.1f} s after the link was back")
    assert given_up > 6 and away < 2 * t.factor, (given_up, away)
    s = (await state(w, HSS_ID))[1]
    # what it was asked before the link went down never came there, or its answer was lost with the connection
    late = await settled(t, w, {HSS_ID: None, HSS2: await spent(w2)})
    assert late == 0 and await spent(w) - s["answered"] <= s["timed_out"] == s["asked"] - s["answered"], (late, s)


async def inside(t):
    w, w2 = await pair(t)
    async with UnderLoad(w) as u:
        began = time.monotonic()
        await ip("link", "set", "va", "down")
        await t.until(lambda: is_state(w, HSS_ID, "silent"), 15, "it to be asked last")
        await u.more(60)
        away, last = gap(u.load.ledger, began, time.monotonic()), await asked(w, HSS_ID)
        await ip("link", "set", "va", "up")
        at = time.monotonic()

        async def again():
            return await asked(w, HSS_ID) > last + 10
        await t.until(again, 40, "it to be asked again")
        back = time.monotonic() - at
    u.no_failure()
    t.note(f"nobody was served for {away:.2f} s, asked again {back:.1f} s after the link was back")
    assert away < 2 * t.factor, away
    late = await settled(t, w, {HSS_ID: await spent(w), HSS2: await spent(w2)})
    s = (await state(w, HSS_ID))[1]
    assert late <= s["timed_out"], (late, s)


@test(NAME, smoke=True, timeout=150)
async def cut(t):
    await in_namespace(t, NAME, inside)


@test(NAME_LONG, timeout=150)
async def cut_long(t):
    await in_namespace(t, NAME_LONG, longer)


async def in_namespace(t, name, scene):
    if os.environ.get(INSIDE):
        return await scene(t)
    t.need_program("gba-bsfd")
    t.need_tool("unshare", "util-linux")
    t.need_tool("ip", "iproute2")
    rc, _, err = await procs.run(["unshare", "-Urn", "ip", "link", "add", "va", "type", "veth", "peer", "name", "vb"], 10)
    if rc:
        t.skip(f"no network namespace with a link: {err.strip()[:100]}")
    runner = os.path.join(procs.SRC, "tests", "e2e", "run.py")
    argv = ["unshare", "-Urn", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", sys.executable, runner, "--only",
            "^" + re.escape(name) + "$", os.path.abspath(__file__)]
    rc, out, err = await procs.run(argv, 140, {INSIDE: "1"})
    assert rc == 0 and "1 passed, 0 failed, 0 skipped" in out, out + err
    for line in out.split("\n"):
        if line.startswith("# nobody was served"):
            t.note(line[2:])
