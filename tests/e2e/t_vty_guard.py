# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who may use the VTY and what it can do harm with: reached by root and the daemon's user alone, everything it changes is
logged, nothing the daemon uses is written over, and what was saved starts again."""
import asyncio
import os
import re
import resource
import stat

from lib import naf, procs, vty
from lib.runner import test
from lib.world import BSF_ID, HSS_ID, World

WHICH = ("bsf", "hss")


async def session(w, which="bsf", node=None):
    """A VTY in enable mode, or in a node of the configuration."""
    v = await vty.Vty.open(w.ports[f"{which}_vty"])
    w.t.cleanup(v.close)
    for line in ["enable"] + (["configure terminal", node] if node else []):
        await v.command(line)
    return v


async def answer_to(path, octets):
    """All that comes back until the other side closes; what it has not read then may cost us the end."""
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        writer.write(octets)
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


def tcp_ports(pid):
    """Ports a process listens on."""
    inodes = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            inodes.add(os.readlink(f"/proc/{pid}/fd/{fd}"))
        except OSError:
            pass
    out = set()
    for name in ("tcp", "tcp6"):
        with open(f"/proc/{pid}/net/{name}", encoding="ascii") as f:
            for x in (line.split() for line in list(f)[1:]):
                if x[3] == "0A" and f"socket:[{x[9]}]" in inodes:
                    out.add(int(x[1].rsplit(":", 1)[1], 16))
    return out


@test("any local user, a browser, a forwarded request: the VTY is a socket of mode 0600 and no port, and asks who connects",
      smoke=True)
async def who_reaches_it(t):
    w = await World(t).start()
    assert tcp_ports(w.bsf.pid) == {w.ports["ub"], w.ports["dia"]}, tcp_ports(w.bsf.pid)
    assert tcp_ports(w.hss.pid) == {w.ports["hss"]}, tcp_ports(w.hss.pid)
    for which in WHICH:
        path = w.ports[f"{which}_vty"]
        st = os.stat(path)
        assert stat.S_ISSOCK(st.st_mode) and stat.S_IMODE(st.st_mode) == 0o600, oct(st.st_mode)
    t.need_root("becoming another user")
    code = ("import os, socket, sys; os.setgroups([]); os.setgid(65534); os.setuid(65534); s = socket.socket(socket.AF_UNIX)\n"
            "try: s.connect(sys.argv[1]); print(s.makefile().read())\n"
            "except PermissionError: print('no permission')")
    for mode, said in ((0o600, "no permission"), (0o666, "only root and the daemon's own user")):
        os.chmod(path, mode)
        rc, out, err = await procs.run(["/usr/bin/python3", "-c", code, path], 10)
        assert said in out and "VTY interface" not in out, (mode, out, err)

    async def named():
        return "vty: uid 65534 pid " in w.hss.text()
    await t.until(named, 10, "a line that names who was refused")
    await w.bsf.stop()
    assert not os.path.exists(w.ports["bsf_vty"]), "its socket stays behind"


@test("VTY: help and completion at the end of a long line read and write in the line alone; a line without end is refused", smoke=True)
async def long_lines(t):
    w = await World(t).start()
    for which in WHICH:
        path = w.ports[f"{which}_vty"]
        for octets in (b"a" * 511 + b"?" + b"a" * 600 + b"?", b" " * 509 + b"show run\t", b" " * 1020 + b"show run\t?", b"ena\t" * 120 + b"?",
                       b"a" * 511 + b"\t?"):
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(octets + b"\n\nexit\n")
            assert b"VTY interface" in await asyncio.wait_for(reader.read(), 10 * t.factor)
            writer.close()
        assert b"a line has up to 4096 characters" in await answer_to(path, b"a" * 4600)
        assert await w.counters(which)


@test("a folder into which others may write holds no socket, no KEK, no store, no database and no log: start and --check say so", smoke=True)
async def folder_of_others(t):
    w = World(t)
    w.write_configs()
    kept = os.path.join(w.dir, "open")
    os.makedirs(kept)
    os.chmod(kept, 0o777)
    for cfg, exe, node, line in ((w.bsf_cfg, "gba-bsfd", "line vty", "socket {}/vty"),
                                 (w.bsf_cfg, "gba-bsfd", "store", "lmdb {}"),
                                 (w.bsf_cfg, "gba-bsfd", "store", "kek 1 file {}/kek"),
                                 (w.bsf_cfg, "gba-bsfd", "log file {}/log", "logging level set-all info"),
                                 (w.hss_cfg, "gba-hss-simd", "line vty", "socket {}/vty"),
                                 (w.hss_cfg, "gba-hss-simd", "subscribers", "database {}/db")):
        nodes = [[head, list(lines)] for head, lines in cfg.nodes]
        cfg.set(node.format(kept), line.format(kept))
        path = f"{w.etc}/open.cfg"
        cfg.write(path)
        for more in ([], ["--check"]):
            rc, out, err = await procs.run([t.need_program(exe), "-c", path, *more], 10)
            assert rc and "everybody may write into its folder" in err, (line, more, rc, out, err)
        cfg.nodes = nodes
    assert os.listdir(kept) == [], os.listdir(kept)


@test("without a socket in the configuration there is no VTY, and the log says so", smoke=True)
async def none(t):
    w = World(t, raw_hss=True)
    w.bsf_cfg.remove_node("line vty")
    w.write_configs()
    d = w.bsf_daemon()
    t.watch(d)
    await d.start()
    assert "no VTY: 'line vty' names no socket" in d.text()
    assert tcp_ports(d.pid) == {w.ports["ub"], w.ports["dia"]}


@test("a line that looks like HTTP closes, and nothing after it is done", smoke=True)
async def http(t):
    w = await World(t, raw_hss=True).start()
    evil = b"enable\nconfigure terminal\nnaf evil.example.com\naddress 127.0.0.1\nspeaks-for naf1.example.com\nend\nshutdown\n"
    post = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(evil)
    for octets in (post + evil, b"show version\n" + post + evil, b"GET /" + b"a" * 1000 + b" HTTP/1.1\r\n" + evil, b"exit\n" + evil):
        await answer_to(w.ports["bsf_vty"], octets)
    reader, writer = await asyncio.open_unix_connection(w.ports["bsf_vty"])
    for i in range(post.index(b"\n")):       # in pieces of one octet, so that no piece holds the word
        writer.write(post[i:i + 1])
        await asyncio.sleep(0)
    await asyncio.wait_for(reader.read(), 10)
    writer.close()
    assert w.bsf.text().count("sent an HTTP request: closed") == 4, w.bsf.text()
    v = await session(w)
    assert "evil" not in await v.command("show running-config")


@test("every change and revocation is logged with who and what, at the packaged level; an IMPI masked; a key that left, too",
      smoke=True)
async def logged(t):
    w = World(t)
    for cfg, more in ((w.bsf_cfg, ("ub", "zn")), (w.hss_cfg, ("zh",))):      # as conf/ has it
        cfg.remove("log stderr", "logging")
        for line in ["set-all notice"] + [f"{x} info" for x in more]:
            cfg.add("log stderr", f"logging level {line}")
    await w.start()
    conn = await w.naf()
    s = await w.ue().bootstrap()
    assert (await naf.fetch(conn, s.btid)).key == s.ks_naf()
    await t.until(lambda: re.search(r"^.* INFO DZN zn_ok", w.bsf.text(), re.M), 5, "the line of the key")
    v = await session(w, node="naf late.example.com")
    for line in ("address 127.0.0.1/32", "speaks-for naf1.example.com", "end", f"revoke btid {s.btid}", f"revoke impi {w.cards[0].impi}",
                 "show running-config", "terminal length 0", "nonsense of a password"):
        await v.command(line)
    h = await session(w, "hss", f"fault {w.cards[0].impi} result 5012")
    await h.command("end")
    await h.command("shutdown")
    who = f"vty: uid {os.geteuid()} pid {os.getpid()}, in "
    said = re.findall(f"NOTICE DCFG {who}(.*)", w.bsf.text())
    masked = w.cards[0].impi.replace(w.cards[0].imsi, w.cards[0].imsi[:5] + "*****")
    assert [re.sub(r"^0.*@", "IMSI@", x) for x in said] == [
        "config, done: naf late.example.com", "config-naf, done: address 127.0.0.1/32", "config-naf, done: speaks-for naf1.example.com",
        f"enable, done: revoke btid {s.btid}", f"enable, done: revoke impi {masked}"], said
    await asyncio.wait_for(w.hss.proc.wait(), 20)
    w.hss.asked_to_end = True
    said = re.findall(f"NOTICE DCFG {who}(.*)", w.hss.text())
    assert said == [f"config, done: fault {masked} result 5012", "enable, done: shutdown"], said
    assert w.cards[0].imsi not in w.bsf.text() + w.hss.text()


@test("write file: never over a file that is there, mode 0640, the hand-written one is kept; logs never into what is ours",
      smoke=True)
async def write_file(t):
    w = await World(t).start()
    used = {"bsf": [f"{w.dir}/bsf/data.mdb", f"{w.etc}/bsf-1.kek", f"{w.etc}/subscribers.csv", w.bsf.argv[2]],
            "hss": [f"{w.dir}/hss/subscribers.sqlite", f"{w.etc}/hss-1.kek", f"{w.etc}/subscribers.csv", w.hss.argv[2]]}
    link = f"{w.dir}/harmless"
    for which in WHICH:
        daemon = getattr(w, which)
        v = await session(w, which)
        before = {path: open(path, "rb").read() for path in used[which]}
        os.link(used[which][0], link)
        for path in used[which] + [link]:
            out = await v.command(f"write file {path}")
            assert "not written" in out and "is there already; allowed: a file that is not there" in out, (path, out)
        await v.command("configure terminal")
        ours = [x for x in used[which] if not x.endswith(".csv")]
        for path in ours + [f"{w.dir}/bsf/new" if which == "bsf" else f"{used[which][0]}-wal"]:
            out = await v.command(f"log file {path}")
            assert "is a file of this daemon" in out and "allowed" in out, (path, out)
        await v.command("end")
        assert {path: open(path, "rb").read() for path in used[which]} == before, "written over"
        os.unlink(link)
        new = f"{w.etc}/{which}-new.cfg"
        assert "saved to" in await v.command(f"write file {new}")
        path = daemon.argv[2]
        os.chmod(path, 0o644)
        for _ in range(2):
            assert "saved to" in await v.command("write")
        for x in (new, path):
            assert stat.S_IMODE(os.stat(x).st_mode) == 0o640, x
        assert open(path + ".sav", "rb").read() == before[path]
        assert open(new, "rb").read() == open(path, "rb").read() != before[path]
        assert not [x for x in os.listdir(w.etc) if re.search(r"\.cfg\.\w{6}$", x)], os.listdir(w.etc)
        out = await v.command("show running-config")
        for word in ("lglobal", "login", "bind", "password"):
            assert word not in out, out
    await w.bsf.stop()
    await w.bsf.start()         # what was written starts, and does the same
    v = await session(w)
    assert (await v.command("show running-config")) == (await v.command("show running-config"))
    rc, out, err = await procs.run(w.bsf.argv[:2] + [f"{w.etc}/bsf-new.cfg", "--check"], 15)
    assert rc == 0 and "configuration ok" in out, (rc, out, err)


def cpu_ticks(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        return sum(int(x) for x in f.read().rsplit(") ", 1)[1].split()[11:13])


@test("eight connections, the next is told; without descriptors a client is turned away and the others go on", smoke=True)
async def connections(t):
    w = await World(t, raw_hss=True).start()
    path = w.ports["bsf_vty"]
    open_now = [await vty.Vty.open(path) for _ in range(8)]
    assert b"too many VTY connections" in await answer_to(path, b"")
    assert "zn_ok" in await open_now[3].command("show counters")
    for v in open_now[1:]:
        v.close()

    async def alone():
        return (await open_now[0].command("who")).count("vty[") == 1
    await t.until(alone, 10, "the others to be closed")
    assert "zn_ok" in await vty.command(path, "show counters")
    await t.until(alone, 10, "that one to be closed")
    limits = resource.prlimit(w.bsf.pid, resource.RLIMIT_NOFILE)
    most = max(int(x) for x in os.listdir(f"/proc/{w.bsf.pid}/fd")) + 1
    resource.prlimit(w.bsf.pid, resource.RLIMIT_NOFILE, (most, limits[1]))
    kept, first = [], b""
    while len(kept) < 7 and b"no descriptor left" not in first:         # each takes one that was free
        reader, writer = await asyncio.open_unix_connection(path)
        kept.append(writer)
        first = await asyncio.wait_for(reader.read(4096), 10)
    assert b"no descriptor left" in first, first
    assert b"no descriptor left" in await answer_to(path, b"")
    assert "zn_ok" in await open_now[0].command("show counters")
    for x in kept:
        x.close()
    await t.until(alone, 10, "them to be closed")
    have = {int(x) for x in os.listdir(f"/proc/{w.bsf.pid}/fd")}        # now the spare one is no help, either
    resource.prlimit(w.bsf.pid, resource.RLIMIT_NOFILE, (min(set(range(1000)) - have), limits[1]))
    waits = asyncio.ensure_future(vty.command(path, "show counters"))
    await asyncio.sleep(0)
    before = cpu_ticks(w.bsf.pid)
    assert "zn_ok" in await open_now[0].command("show counters")
    await asyncio.sleep(1)                          # the time in which nothing may happen
    used = cpu_ticks(w.bsf.pid) - before
    assert used < os.sysconf("SC_CLK_TCK") // 8, f"{used} ticks: it spins"
    resource.prlimit(w.bsf.pid, resource.RLIMIT_NOFILE, limits)
    try:
        text = await waits
    except ConnectionError:                         # one became free meanwhile, and the spare one turned it away
        text = await vty.command(path, "show counters")
    assert "zn_ok" in text
    open_now[0].close()


@test("who does not read what it asked for holds up nobody", smoke=True)
async def does_not_read(t):
    w = await World(t, raw_hss=True).start()
    reader, writer = await asyncio.open_unix_connection(w.ports["bsf_vty"], limit=1)
    t.cleanup(writer.close)
    writer.write(b"terminal length 0\n" + b"show online-help\n" * 50)
    for _ in range(3):
        assert "zn_ok" in await w.vty("show counters")
    await w.ue().bootstrap()


@test("live changes are checked as at the start: a limit that contradicts, an identity that is taken are refused at once",
      smoke=True)
async def live_checked(t):
    w = await World(t).start()
    v = await session(w, node="bsf")
    for line in ("key-lifetime 2592001", "key-lifetime-max 3599", "no key-lifetime-max"):
        out = await v.command(line)
        assert ("key-lifetime-max" in out and "allowed" in out) == (not line.startswith("no")), (line, out)
    assert "% " not in await v.command("exit")
    for name, why in ((HSS_ID, "an hss has this identity"), (BSF_ID.upper(), "our own identity"), ("a..b", "'a..b' is no host name")):
        out = await v.command(f"naf {name}")
        assert why in out and "allowed" in out, (name, out)
    for name, why in (("naf1.example.com", "a naf has this identity"), (BSF_ID.upper(), "our own identity"), ("a..b", "'a..b' is no host name")):
        out = await v.command(f"hss {name}")
        assert why in out and "allowed" in out, (name, out)
    await v.command("naf half.example.com")
    out = await v.command("exit")
    assert "would not start again" in out and "half.example.com: peer without address" in out, out
    out = await v.command("do write file") + await v.command("write")
    assert "not written" in out and "half.example.com" in out and "saved" not in out, out
    await v.command("naf half.example.com")
    await v.command("address 127.0.0.9")
    assert "speaks for no name" in await v.command("end")
    await v.command("configure terminal")
    assert "saved to" in await v.command("no naf half.example.com") + await v.command("write")
    await w.bsf.stop()
    await w.bsf.start()
    h = await session(w, "hss", "bsf half.example.com")
    out = await h.command("exit")
    assert "would not start again" in out and "half.example.com" in out and "address" in out, out
    assert "not written" in await h.command("write")
    await h.command(f"no bsf {BSF_ID}")
    await h.command("no bsf half.example.com")
    assert "nobody could connect" in await h.command("write")
    await h.command(f"bsf {BSF_ID}")
    await h.command("address 127.0.0.1/32")
    assert "would not" not in await h.command("end")
    assert "saved to" in await h.command("write")
    await w.hss.stop()
    await w.hss.start()


@test("a wrong line is told like in the file; no LIMIT gives the default back; show limits says what holds; our categories alone",
      smoke=True)
async def told(t):
    w = await World(t, raw_hss=True).start()
    v = await session(w)
    out = await v.command("shwo counters")
    assert "unknown word 'shwo'" in out and "allowed here" in out and "show" in out, out
    await v.command("configure terminal")
    await v.command("ub")
    for line, words in (("nonce-lifetime 0", ["'0'", "<1-3600>"]), ("nonce-lifetime x", ["'x'", "<1-3600>"]),
                        ("nonse 5", ["unknown word 'nonse'", "nonce-lifetime"]),
                        ("challenges-impi 5", ["incomplete", "<1-86400>"]), ("source-exempt all", ["'all'", "private, none"])):
        out = await v.command(line)
        assert all(x in out for x in words), (line, out)
    for line in ("nonce-lifetime 7", "challenges-impi 5 5", "resyncs-impi off"):
        assert "%" not in await v.command(line), line
    out = await v.command("do show limits")
    assert re.search(r"^nonce-lifetime +7 +default 60$", out, re.M) and re.search(r"^challenges-impi +5 5 +default 6 60$", out, re.M), out
    assert re.search(r"^resyncs-impi +off +default 2 600$", out, re.M) and re.search(r"^timeout +5 +of hss hss\.", out, re.M), out
    for line in ("no nonce-lifetime", "no challenges-impi", "no resyncs-impi"):
        assert "%" not in await v.command(line), line
    assert "takes effect after restart" in await v.command("no header-max")
    out = await v.command("do show limits")
    assert re.search(r"^nonce-lifetime +60 ", out, re.M) and re.search(r"^challenges-impi +6 60 ", out, re.M), out
    assert re.search(r"^resyncs-impi +2 600 ", out, re.M), out
    running = await v.command("do show running-config")
    assert "challenges-impi" not in running and "resyncs-impi" not in running
    await v.command("exit")
    await v.command("log stderr")
    out = await v.command("logging level lglobal debug")
    assert "'lglobal'" in out and "ub, zh, zn, store, naf, cfg, rt" in out, out
    assert "%" not in await v.command("logging level ub debug")
    for line in ("password x", "line vty", "login"):
        out = await v.command("end") + await v.command("configure terminal") + await v.command(line)
        assert ("unknown word" in out) == (line != "line vty"), (line, out)
