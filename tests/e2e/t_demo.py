# SPDX-License-Identifier: AGPL-3.0-or-later
"""./demo: what it prints, its two refusals, what it leaves running and what it leaves behind."""
import asyncio
import os
import re
import signal
import socket
import subprocess

from lib import procs
from lib.runner import test

PORTS = (8080, 8081, 3868, 3869, 3870, 4270, 4271, 5868)


def ready(t):
    """The demo builds in build/gcc and uses the ports of conf/."""
    if os.path.realpath(procs.BUILD) != os.path.join(procs.SRC, "build", "gcc"):
        t.skip("runs in ./test only, where build/gcc is what is tested")
    for port in PORTS:
        with socket.socket() as s:
            try:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.bind(("127.0.0.1", port))
            except OSError:
                t.skip(f"port {port} is in use by somebody else")
    tmp = t.dir + "/tmp"
    os.mkdir(tmp)
    return {"TMPDIR": tmp}


def processes(folder):
    """Command lines that name the folder."""
    found = []
    for pid in os.listdir("/proc"):
        if pid.isdigit() and int(pid) != os.getpid():
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    line = f.read().replace(b"\0", b" ").decode("utf-8", "replace")
            except OSError:
                continue
            if folder in line:
                found.append(line)
    return found


async def nothing_left(t, env):
    await t.until(lambda: not os.listdir(env["TMPDIR"]) and not processes(env["TMPDIR"]), 30, "nothing to be left", then=lambda: left(env))


def left(env):
    return os.listdir(env["TMPDIR"]), processes(env["TMPDIR"])


async def demo(env, *words, timeout=120):
    return await procs.run([procs.SRC + "/demo", *words], timeout, env)


@test("./demo: the ladder, one key on both sides, nothing left", timeout=150)
async def plain(t):
    env = ready(t)
    rc, out, err = await demo(env)
    assert rc == 0, out + err
    for step in ("UE  -> NAF", "NAF -> UE", "UE  -> BSF", "BSF -> HSS", "BSF -> UE", "NAF -> BSF", "same key", "lifetime", "B-TID"):
        assert step in out, f"{step!r} is not in:\n{out}"
    ue, naf = re.search(r"UE ([0-9a-f]{8}), NAF ([0-9a-f]{8})", out).groups()
    assert ue == naf
    assert "465b5ce8b199b49faa5f0a2ee238a6bc" not in out + err
    await nothing_left(t, env)


@test("./demo --obf: no grant, no page; granted, the page without a new bootstrap; withdrawn, none; nothing left", timeout=150)
async def registry(t):
    env = ready(t)
    rc, out, err = await demo(env, "--obf")
    assert rc == 0 and not err, out + err
    for line in ("403 this device may not use it", "200 the page", "statuses      403, 200, 403", "bootstraps    1"):
        assert line in out, f"{line!r} is not in:\n{out}"
    assert "001010000000001" not in out
    await nothing_left(t, env)


@test("./demo --roaming: the page abroad, and the way of its key in the logs of both operators; nothing left", timeout=150)
async def abroad(t):
    env = ready(t)
    rc, out, err = await demo(env, "--roaming")
    assert rc == 0 and not err, out + err
    for line in ("UE and NAF hold the same key", "znproxy_ok run=", "home=op-a", "zn_ok run=", "route=naf1.apps.op-b.example", "peer=znproxy.op-b.example"):
        assert line in out, f"{line!r} is not in:\n{out}"
    await nothing_left(t, env)


@test("./demo --fail wrong-key, --fail foreign-naf: refused, and where the operator sees why", timeout=150)
async def refusals(t):
    env = ready(t)
    for what, cause in (("wrong-key", "ub_mac_failure"), ("foreign-naf", "zn_name_denied")):
        rc, out, err = await demo(env, "--fail", what)
        assert rc == 0, (what, rc, out + err)
        assert out.count(cause) >= 2 and re.search(cause + r"\s+1\b", out), f"{cause} as log line and counter:\n{out}"
        assert "same key" not in out
        await nothing_left(t, env)


@test("./demo --keep: every command it suggests works when pasted; --stop leaves nothing", timeout=240)
async def keep(t):
    env = ready(t)
    rc, out, err = await demo(env, "--keep")
    assert rc == 0, out + err
    folder = os.path.join(env["TMPDIR"], os.listdir(env["TMPDIR"])[0])
    try:
        lines = [x.strip() for x in out[out.index("Everything is still running"):].split("\n")[1:]]
        commands = [x for x in lines if x and not x.startswith("#")]
        assert len(commands) >= 7 and "--stop" in commands[-1], commands
        script = "set -e\n" + "\n".join(f"echo '== {n}'\n{c}" for n, c in enumerate(commands[:-1]))
        rc, out2, err2 = await procs.run(["bash", "-c", script], 60, env, cwd="/")
        assert rc == 0, (rc, out2, err2)
        assert out2.count("Welcome") >= 2, "page by gba-ue and by curl:\n" + out2
        assert re.search(r"zn_ok\s+[1-9]", out2) and re.search(r"hss_ok\s+1\b", out2), out2
        key = [x for x in leftovers(folder) if x.endswith("/key")]
        for path in key:
            assert os.stat(path).st_mode & 0o077 == 0, "the key file can be read by others"
    finally:
        rc, out3, err3 = await demo(env, "--stop", folder)
    assert rc == 0, out3 + err3
    await nothing_left(t, env)


def leftovers(folder):
    return [os.path.join(b, n) for b, _, names in os.walk(folder) for n in names]


@test("./demo interrupted at any moment leaves nothing: Ctrl-C, SIGTERM", timeout=240)
async def interrupted(t):
    env = ready(t)
    for n, (sig, word) in enumerate(((signal.SIGINT, "starting"), (signal.SIGTERM, "starting"), (signal.SIGINT, None))):
        p = await asyncio.create_subprocess_exec(
            procs.SRC + "/demo", *(["--fail", "wrong-key"] if n == 2 else []), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env=procs.environment(env), start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
        while word:
            line = (await asyncio.wait_for(p.stdout.readline(), 60)).decode()
            assert line, "the demo ended early"
            if word in line:
                break
        if word is None:
            await t.until(lambda: any("gba-bsf.cfg" in x for x in processes(env["TMPDIR"])), 30, "the demo to start the BSF")
        if sig == signal.SIGINT:
            os.killpg(p.pid, sig)                     # as a terminal does
        else:
            p.send_signal(sig)
        rest = await asyncio.wait_for(p.communicate(), 60)
        assert p.returncode != 0, rest
        await nothing_left(t, env)


async def interrupt(t, env, delay, sig):
    """Start a demo in a group of its own, end it after a while as an impatient user does: twice. \returns what it printed."""
    p = await asyncio.create_subprocess_exec(
        procs.SRC + "/demo", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=procs.environment(env), start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
    out = asyncio.ensure_future(p.stdout.read())
    try:
        await asyncio.wait_for(p.wait(), delay)          # the moment itself, not a wait for something
    except asyncio.TimeoutError:
        os.killpg(p.pid, sig)
        if p.returncode is None:
            os.killpg(p.pid, sig)
    await asyncio.wait_for(p.wait(), 60)
    return p.returncode, (await out).decode()


@test("./demo ended at five moments of its life leaves nothing, and the next one works", timeout=240)
async def any_moment(t):
    env, loop = ready(t), asyncio.get_running_loop()
    began = loop.time()
    rc, out, err = await demo(env)
    whole = loop.time() - began
    assert rc == 0, out + err
    for n in range(5):
        rc, out = await interrupt(t, env, whole * (n + 0.5) / 5, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)[n % 3])
        assert rc != 0 or "page  " in out, (n, rc, out)
        await nothing_left(t, env)
    rc, out, err = await procs.run(["bash", "-c", f"{procs.SRC}/demo | head -n 1"], 60, env)
    assert "Killed" not in err, err  # the daemons are given their time
    await nothing_left(t, env)
    rc, out, err = await demo(env)
    assert rc == 0 and "same key" in out, out + err


@test("./demo from a path with a blank, --stop without folder, and proposals that fit --fail", timeout=240)
async def blank(t):
    env = ready(t)
    os.symlink(procs.SRC, t.dir + "/a tree")
    here = t.dir + "/a tree/demo"
    rc, out, err = await procs.run([here, "--stop"], 20, env)
    assert rc == 1 and "no demo is running" in err, (rc, out, err)
    rc, out, err = await procs.run([here, "--keep", "--fail", "wrong-key"], 120, env)
    assert rc == 0, out + err
    lines = [x.strip() for x in out[out.index("Everything is still running"):].split("\n")[1:]]
    commands = [x for x in lines if x and not x.startswith("#")]
    assert "same page again" not in out and "a\\ tree" in out, out
    try:
        rc, again, err = await demo(env)
        assert rc == 1 and "./demo --stop" in err, (rc, again, err)
        rc, out2, err2 = await procs.run(["bash", "-c", "set -e\n" + "\n".join(commands[:-1])], 60, env, cwd="/")
        assert rc == 0 and "refused, as it should be" in out2 and "Welcome" in out2, (rc, out2, err2)
    finally:
        rc, out3, err3 = await procs.run([here, "--stop"], 60, env)
    assert rc == 0, out3 + err3
    await nothing_left(t, env)


@test("./demo with a port in use says which, and leaves nothing", timeout=120)
async def port_taken(t):
    env = ready(t)
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", 8080))
        s.listen()
        rc, out, err = await demo(env)
    assert rc != 0 and "8080" in out + err, (rc, out + err)
    await nothing_left(t, env)
