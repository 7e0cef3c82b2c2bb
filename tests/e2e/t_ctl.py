# SPDX-License-Identifier: AGPL-3.0-or-later
"""The control socket: its lines, who may, who is slow; what gba-bsfd does when it is told; gbactl."""
import asyncio
import json
import os
import signal
import socket
import stat

from lib import causes, naf, procs, vty
from lib.ctl import Ctl, ask
from lib.runner import test
from lib.ue import UbError
from lib.vty import typed
from lib.world import World

LATIN = "caf\xe9".encode("latin-1")


async def control(w, which="bsf"):
    c = await Ctl.open(w.ports[f"{which}_ctl"])
    w.t.cleanup(c.close)
    return c


async def gbactl(t, w, *args, which="bsf", stdin=None):
    return await procs.run([t.need_program("gbactl"), "-s", w.ports[f"{which}_ctl"], *args], 30, stdin=stdin or b"")


async def answers(path, octets):
    """Everything that comes back until the daemon closes, which may be before it has read all."""
    loop, out = asyncio.get_running_loop(), b""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:     # a stream would give up what came before a broken pipe
        s.setblocking(False)
        await loop.sock_connect(s, path)
        try:
            await loop.sock_sendall(s, octets)
        except (BrokenPipeError, ConnectionResetError):
            pass
        try:
            while piece := await asyncio.wait_for(loop.sock_recv(s, 65536), 30 * procs.FACTOR):
                out += piece
        except ConnectionResetError:
            pass
    return out.decode()


@test("control: sessions are revoked by socket at once, twice is as good as once; the log says who, and no IMPI", smoke=True)
async def revoke(t):
    w = await World(t, raw_hss=True).start()
    c, conn = await control(w), await w.naf()
    s, other = await w.ue().bootstrap(), await w.ue(1).bootstrap()
    assert await c.ask(f"revoke btid {s.btid}") == {"revoked": 1}
    assert (await naf.fetch(conn, s.btid)).key is None
    assert (await naf.fetch(conn, other.btid)).key == other.ks_naf()
    assert await c.ask(f"revoke btid {s.btid}") == {"revoked": 0}
    s = await w.ue().bootstrap()
    assert await c.ask(f"revoke impi {w.cards[0].impi}") == {"revoked": 1}
    assert (await naf.fetch(conn, s.btid)).key is None
    assert await c.ask(f"revoke impi {w.cards[0].impi}") == {"revoked": 0}
    for line in ("revoke btid xyz", "revoke impi xyz"):
        assert (await c.refused(line)).startswith("invalid that is no "), line
    f = await c.ask("figures")
    assert f["figures"]["sessions"] == 1 and f["counters"]["ub_ok"] == 3 and "hss_ok" not in f["counters"], f
    log = w.bsf.text()
    assert f"control: uid {os.getuid()} pid {os.getpid()}, done: revoke btid {s.btid[:20]}" not in log     # of the first one
    assert f"control: uid {os.getuid()} pid {os.getpid()}, done: revoke impi 00101*****@" in log, log
    assert "refused (invalid): revoke impi xyz" in log and w.cards[0].impi not in log
    assert "control: uid" in log and "figures" not in log


@test("control: what cannot be read is told, and behind it nothing is done; what is no command is told, and the next one is served",
      smoke=True)
async def wrong_lines(t):
    w = await World(t, raw_hss=True).start()
    path = w.ports["bsf_ctl"]
    for octets, said in ((b"figures\n2 figures\n", "0 error syntax a line begins with a number"),
                         (b"x figures\n2 figures\n", "0 error syntax a line begins"),
                         (b"1  figures\n2 figures\n", "1 error syntax an empty word"),
                         (b"1 figures\r\n2 figures\n", "1 error syntax an empty word, or one with other than visible ASCII"),
                         (b"1 fig\0ures\n2 figures\n", "0 error syntax a NUL in the line"),
                         (b"1 " + LATIN + b"\n2 figures\n", "1 error syntax an empty word, or"),
                         (b"1 revoke impi +99999999999\n2 figures\n", "1 error syntax a document has up to"),
                         (b"1 " + b"a " * 17 + b"b\n2 figures\n", "1 error syntax more than 16 words"),
                         (b"1 " + b"a" * 4094 + b"\n2 figures\n", "0 error syntax a line has up to 4096 octets"),
                         (b"a" * 100000, "0 error syntax a line has up to 4096 octets")):
        out = await answers(path, octets)
        assert out.startswith(said) and out.count("\n") == 1, (octets[:40], out)
    for octets, said in ((b"1 nonsense\n2 generation?\n", "1 error syntax there is no such command"),
                         (b"1 revoke\n2 generation?\n", "1 error syntax there is no such command"),
                         (b"1 revoke impi\n2 generation?\n", "1 error syntax not so; allowed: revoke impi IMPI\n"),
                         (b"1 revoke impi a b\n2 generation?\n", "1 error syntax not so"),
                         (b"1 revoke impi a +3\nabc2 generation?\n", "1 error syntax not so"),
                         (b"1 nonsense +10000\n" + b"\n" * 10000 + b"2 generation?\n", "1 error syntax there is no such command"),
                         (b"1 " + b"a" * 4093 + b"\n2 generation?\n", "1 error syntax there is no such command")):
        out = await two_lines(path, octets)
        assert out[0].startswith(said.rstrip("\n")) and out[1].startswith('2 ok {"generation":'), (octets[:40], out)
    assert (await ask(path, "figures"))["counters"]["ub_ok"] == 0


async def two_lines(path, octets):
    c = await Ctl.open(path)
    c.writer.write(octets)
    out = [await c.line(), await c.line()]
    c.close()
    return out


@test("control: octets that come one by one, and requests that come many at once, are answered each and in their order", smoke=True)
async def pieces(t):
    w = await World(t).start()
    for which in ("bsf", "hss"):
        c = await control(w, which)
        for octet in b"17 generation?\n":
            c.writer.write(bytes([octet]))
            await c.writer.drain()
            await asyncio.sleep(0)
        assert (await c.line()).startswith("17 ok ")
        c.writer.write(b"".join(b"%d figures\n" % n for n in range(300)))
        for n in range(300):
            assert (await c.line()).startswith(f"{n} ok "), n
        first, again = (await c.ask("generation?"))["generation"], (await c.ask("generation?"))["generation"]
        assert first == again
    await w.bsf.stop()
    await w.bsf.start()
    assert (await ask(w.ports["bsf_ctl"], "generation?"))["generation"] != first


@test("control: root, the daemon's user and the socket's group are served, nobody else; the socket goes with the daemon", smoke=True)
async def who_may(t):
    t.need_root("becoming another user")
    setpriv = t.need_tool("setpriv", "util-linux")
    w = World(t, raw_hss=True)
    w.bsf_cfg.add("control", "group daemon")
    await w.start()
    path = w.ports["bsf_ctl"]
    st = os.stat(path)
    assert stat.S_ISSOCK(st.st_mode) and stat.S_IMODE(st.st_mode) == 0o660 and st.st_gid == 1, (oct(st.st_mode), st.st_gid)
    code = ("import socket, sys; s = socket.socket(socket.AF_UNIX)\n"
            "try: s.connect(sys.argv[1])\n"
            "except PermissionError: sys.exit(print('no permission'))\n"
            "try: s.sendall(b'1 generation?\\n')\n"
            "except BrokenPipeError: pass\n"
            "print(s.makefile().readline())")
    for groups, mode, said in ((["--regid=65534", "--clear-groups"], 0o660, "no permission"),
                               (["--regid=65534", "--clear-groups"], 0o666, "0 error denied root, the daemon's own user and"),
                               (["--regid=1", "--clear-groups"], 0o660, "1 ok"),
                               (["--regid=65534", "--groups=2,1"], 0o660, "1 ok")):
        os.chmod(path, mode)
        _, out, err = await procs.run([setpriv, "--reuid=65534", *groups, "/usr/bin/python3", "-c", code, path], 20)
        assert out.startswith(said), (groups, oct(mode), out, err)
    assert "control: uid 65534" in w.bsf.text() and "refused: root, the daemon's own user" in w.bsf.text()
    v = await vty.Vty.open(w.ports["bsf_vty"])
    t.cleanup(v.close)
    await v.command("enable")
    config = await v.command("show running-config")
    assert f"control\n socket {path}\n group daemon\n" in config.replace("\r", ""), config
    await w.bsf.stop()
    assert not os.path.exists(path), "its socket stays behind"


@test("control: a socket that a daemon answers on is not taken, one that a killed daemon left is made anew; a file is left alone",
      smoke=True)
async def one_socket(t):
    w = await World(t, raw_hss=True).start()
    path, exe = w.ports["bsf_ctl"], t.need_program("gba-bsfd")
    other = World(t, raw_hss=True, name="other")
    other.bsf_cfg.set("control", f"socket {path}")
    other.write_configs()
    for more, status in (([], 1), (["--check"], 0)):
        rc, _, err = await procs.run([exe, "-c", f"{other.etc}/gba-bsf.cfg", *more], 20)
        assert rc == status and f"control: cannot listen on {path}: in use by another daemon" in err, (rc, err)
    await w.bsf.kill()
    assert os.path.exists(path)
    await w.bsf.start()
    assert (await ask(path, "generation?"))["daemon"] == "gba-bsfd"
    with open(f"{w.dir}/file", "w", encoding="ascii") as f:
        f.write("x")
    other.bsf_cfg.set("control", f"socket {w.dir}/file")
    other.write_configs()
    rc, _, err = await procs.run([exe, "-c", f"{other.etc}/gba-bsf.cfg"], 20)
    assert rc == 1 and "that is no socket" in err and os.path.getsize(f"{w.dir}/file") == 1, err
    w.bsf_cfg.remove_node("control")
    w.write_configs()
    await w.bsf.stop()
    await w.bsf.start()
    assert not os.path.exists(path)


@test("control: a thousand that begin a request and say no more, and some that do not read, keep nobody out", smoke=True)
async def silent(t):
    w = await World(t, raw_hss=True).no_limits().start()
    path, conn = w.ports["bsf_ctl"], await w.naf()
    kept = []
    for n in range(1000):
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b"1 figu" if n % 2 else b"1 revoke impi x +1000\nabc")
        kept.append((reader, writer))
        t.cleanup(writer.close)
        if n % 100 == 99:
            s = await w.ue().bootstrap()
            assert (await naf.fetch(conn, s.btid)).key == s.ks_naf()
            assert (await ask(path, "generation?"))["daemon"] == "gba-bsfd"
    assert "it was silent longest" in w.bsf.text()
    assert len(os.listdir(f"/proc/{w.bsf.pid}/fd")) < 200
    for _ in range(8):                                           # more answers than a socket holds, and nobody takes them
        _, writer = await asyncio.open_unix_connection(path, limit=1)
        t.cleanup(writer.close)
        writer.transport.pause_reading()
        writer.write(b"".join(b"%d commands\n" % n for n in range(20000)))
    s = await w.ue().bootstrap()
    assert (await naf.fetch(conn, s.btid)).key == s.ks_naf()
    assert (await ask(path, "generation?"))["daemon"] == "gba-bsfd"


@test("control: who sent a document that nobody wanted, in pieces, has begun nothing any more and stays connected", long=True, timeout=120)
async def refused_in_pieces(t):
    w = await World(t, raw_hss=True).start()
    c = await control(w)
    c.writer.write(b"1 nonsense +10\nabcde")
    assert (await c.line()).startswith("1 error syntax")
    c.writer.write(b"fghij")
    await asyncio.sleep(32)                                       # a request that has begun has 30 s
    assert (await c.ask("generation?"))["daemon"] == "gba-bsfd"


@test("gbactl: what it prints and how it ends: done 0, refused 1, usage 2, no daemon 3", smoke=True)
async def tool(t):
    w = await World(t).start()
    s = await w.ue().bootstrap()
    rc, out, err = await gbactl(t, w, "figures")
    assert rc == 0 and "\nsessions                 1\n" in out and "ub_ok                    1\n" in out and not err, (rc, out, err)
    rc, out, err = await gbactl(t, w, "--json", "figures")
    assert rc == 0 and json.loads(out)["figures"]["sessions"] == 1, (rc, out, err)
    rc, out, err = await gbactl(t, w, "figures", which="hss")
    assert rc == 0 and "\nsubscribers              3\n" in out, (rc, out, err)
    rc, out, err = await gbactl(t, w, "show", "kek")
    assert rc == 0 and "\nkeks 1                   seals true, may_go false\n" in out, (rc, out, err)
    rc, out, err = await gbactl(t, w, "commands")
    assert rc == 0 and "\nrevoke impi IMPI                        Make the keys of a subscriber invalid at once" in out, out
    assert "\nguss IMPI --file FILE                   A newer GUSS" in out and "of causes, and gauges (changes nothing)\n" in out, out
    rc, out, _ = await gbactl(t, w, "--json", "commands")
    assert rc == 0 and {"revoke impi", "guss", "figures"} <= {c["command"] for c in json.loads(out)["commands"]}, out
    rc, out, err = await gbactl(t, w, "revoke", "btid", s.btid)
    assert (rc, out.split(), err) == (0, ["revoked", "1"], ""), (rc, out, err)
    rc, out, err = await gbactl(t, w, "revoke", "impi", "nobody")
    assert rc == 1 and not out and err == "gbactl: refused: that is no IMPI; allowed: user@domain\n", (rc, out, err)
    rc, out, err = await gbactl(t, w, "--json", "revoke", "impi", "nobody")
    assert rc == 1 and json.loads(out) == {"error": "invalid", "text": "that is no IMPI; allowed: user@domain"}, (rc, out)
    for args in (["nonsense"], ["revoke", "impi"], [], ["--nonsense"], ["revoke impi"], ["-t", "x", "figures"],
                 ["-f", "/nonexistent", "figures"]):
        rc, out, err = await gbactl(t, w, *args)
        assert rc == 2 and err, (args, rc, out, err)
    rc, _, err = await procs.run([t.need_program("gbactl"), "-s", f"{w.dir}/nothing", "figures"], 20)
    assert rc == 3 and "No such file" in err, (rc, err)
    os.kill(w.bsf.pid, signal.SIGSTOP)
    rc, _, err = await gbactl(t, w, "-t", "1", "figures")
    os.kill(w.bsf.pid, signal.SIGCONT)
    assert rc == 3 and "no answer in time" in err, (rc, err)


@test("gbactl: bash completes what the daemon can be told", smoke=True)
async def completion(t):
    w = await World(t, raw_hss=True).start()
    script = os.path.join(procs.SRC, "tools", "completion", "gbactl")
    exe = t.need_program("gbactl")
    code = (f"gbactl() {{ {exe} \"$@\"; }}; . {script}; COMP_WORDS=(gbactl -s {w.ports['bsf_ctl']} \"$@\"); "
            "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _gbactl; echo \"${COMPREPLY[*]}\"")
    for words, want in ((["rev"], "revoke"), (["revoke", ""], "all btid impi naf"), (["revoke", "i"], "impi"), (["--js"], "--json"),
                        (["gen"], "generation?")):
        rc, out, err = await procs.run(["bash", "-c", code, "x", *words], 20)
        assert rc == 0 and out.split() == want.split(), (words, rc, out, err)


def guss(at, *gsids):
    stamp = f"<Extension><timestamp>{at}</timestamp></Extension>" if at else ""
    return f"<guss>{stamp}<ussList>" + "".join(
        f'<uss id="{g}" type="1"><uids><uid>sip:a@example.com</uid></uids></uss>' for g in gsids) + "</ussList></guss>"


AT = [f"2026-01-02T03:04:0{n}Z" for n in range(10)]
RIGHT = "7"         # the GSID without which the application gets no key


async def with_rights(t, given=()):
    """One HSS of ours whose GUSS has these GSIDs, a NAF that must have RIGHT, and the control socket."""
    w = World(t, raw_hss=True, guss=guss(AT[1], *given)).no_limits()
    w.bsf_cfg.set("naf naf1.example.com", f"uss-required {RIGHT}")
    await w.start()
    return w, await control(w), await w.naf()


@test("guss: a right that is given or taken while a session lives is in the next BIR, without a new bootstrap, and after a restart",
      smoke=True, req=["220-4.4.6-17"])
async def guss_pushed(t):
    w, c, conn = await with_rights(t)
    impi = w.cards[0].impi
    s, other = await w.ue().bootstrap(), await w.ue(1).bootstrap()
    assert (await naf.fetch(conn, s.btid)).key is None
    assert await c.ask(f"guss {impi}", guss(AT[3], RIGHT)) == {"changed": 1, "as_new": 0}
    a = await naf.fetch(conn, s.btid)
    assert a.key == s.ks_naf() and (await naf.fetch(conn, other.btid)).key is None
    assert await c.ask(f"guss {impi}", guss(AT[3], RIGHT)) == {"changed": 0, "as_new": 1}
    assert await c.ask(f"guss {impi}", guss(AT[2])) == {"changed": 0, "as_new": 1}
    assert (await naf.fetch(conn, s.btid)).key == s.ks_naf()
    await w.bsf.kill()
    await w.bsf.start()
    await w.wait_hss_peer()
    c, conn = await control(w), await w.naf()
    assert (await naf.fetch(conn, s.btid)).key == s.ks_naf()
    assert await c.ask(f"guss {impi}", guss(AT[4])) == {"changed": 1, "as_new": 0}
    assert (await naf.fetch(conn, s.btid)).key is None
    assert await c.ask("guss nobody@example.com", guss(AT[4])) == {"changed": 0, "as_new": 0}
    for document, said in ((guss(None, RIGHT), "invalid guss: no Extension/timestamp"), ("<guss/>", "invalid guss: line 1: guss: no ussList"),
                           (guss(AT[9], "x"), "invalid guss: line 1: uss: id is no GSID"), ("", "invalid guss: empty"),
                           (guss(AT[9], RIGHT).replace("<guss>", '<guss id="x@y.org">'), "invalid guss: line 1: guss: its id")):
        out = await c.refused(f"guss {impi}", document)
        assert out.startswith(said), (document, out)
    assert (await naf.fetch(conn, s.btid)).key is None
    assert (await c.refused("guss nobody", guss(AT[9]))).startswith("invalid that is no IMPI")


@test("guss: pushed between the 401 and the 200, what is taken stays taken, whatever the MAA of that run said; a later one of the HSS counts",
      smoke=True, req=["220-4.2.3-2", "220-4.5.2-2"])
async def guss_in_flight(t):
    w, c, conn = await with_rights(t, [RIGHT])
    impi, ue = w.cards[0].impi, w.ue()
    ch = await ue.challenge()
    assert await c.ask(f"guss {impi}", guss(AT[3])) == {"changed": 0, "as_new": 0}
    res, ck, ik = ue.usim.authenticate(ch.rand, ch.autn)
    r, params = await ue.answer(ch, res)
    s = ue.finish(ch, params, r, res, ck, ik)
    assert (await naf.fetch(conn, s.btid)).key is None
    s = await ue.bootstrap()                                      # the HSS has not heard of it yet
    assert (await naf.fetch(conn, s.btid)).key is None
    w.raw_hss.subscribers[impi].guss = guss(AT[5], RIGHT).encode()
    s = await ue.bootstrap()
    assert (await naf.fetch(conn, s.btid)).key == s.ks_naf()


@test("guss: pushed again and again under bootstraps, the last word is never undone", smoke=True, timeout=60)
async def guss_race(t):
    w, c, conn = await with_rights(t, [RIGHT])
    impi, ue = w.cards[0].impi, w.ue()
    for n in range(30):
        at = f"2026-01-03T00:{n:02}:00Z"
        run = asyncio.create_task(ue.bootstrap())
        await asyncio.sleep(0.0007 * (n % 10))
        await c.ask(f"guss {impi}", guss(at))                      # taken away, at some moment of the run
        s = await run
        assert (await naf.fetch(conn, s.btid)).key is None, n


async def event(c):
    """The next event, and the number it came with."""
    number, word, rest = (await c.line()).split(" ", 2)
    assert word == "event", (number, word, rest)
    return int(number), json.loads(rest)


@test("watch: a revoked session, another GUSS and a NAF that is admitted no more are told at once, with who holds a key; between other answers, too",
      smoke=True)
async def watched(t):
    w, c, conn = await with_rights(t, [RIGHT])
    watcher, s = await control(w), await w.ue().bootstrap()
    impi = w.cards[0].impi
    assert await c.ask(f"used {impi}") == {}
    for _ in range(3):
        assert (await naf.fetch(conn, s.btid)).key
    assert (await naf.fetch(conn, s.btid, naf.naf_id("other.example.com"))).key is None      # no key: not noted
    used = await c.ask(f"used {impi}")
    assert used["btid"] == s.btid and [(x["naf"], x["times"]) for x in used["nafs"]] == [("naf1.example.com", 3)], used
    shown = await w.vty(f"show subscriber {impi}")
    assert "naf1.example.com, asked 3 times" in shown, shown
    assert await watcher.ask("watch") == {}
    assert await c.ask(f"guss {impi}", guss(AT[3])) == {"changed": 1, "as_new": 0}
    assert await event(watcher) == (1, {"event": "guss", "impi": impi, **used})
    await c.ask(f"guss {impi}", guss(AT[3]))                          # nothing changed: no event
    await c.ask("revoke impi nobody@example.com")
    assert (await watcher.ask("generation?"))["generation"]
    await c.ask(f"revoke btid {s.btid}")
    assert await event(watcher) == (1, {"event": "revoked", **used})
    s = await w.ue(1).bootstrap()
    await c.ask(f"revoke impi {w.cards[1].impi}")
    assert await event(watcher) == (1, {"event": "revoked", "impi": w.cards[1].impi})
    await typed(w, "no naf gba-naf.example.com")
    assert await event(watcher) == (1, {"event": "naf", "naf": "gba-naf.example.com"})


LONG = ".".join(["a" * 60] * 3) + ".example.com"       # so that few events are many octets


@test("watch: who does not take events is closed, and keeps no other one waiting; gbactl prints them one a line", smoke=True, timeout=120)
async def watched_slowly(t):
    w = World(t, raw_hss=True, guss=guss(AT[1], RIGHT)).no_limits()
    w.bsf_cfg.add("naf naf1.example.com", f"speaks-for *.{LONG}")
    await w.start()
    c, conn, s = await control(w), await w.naf(), await w.ue().bootstrap()
    for n in range(8):
        assert (await naf.fetch(conn, s.btid, naf.naf_id(f"naf-{n}{'n' * 40}.{LONG}"))).key
    lazy = await control(w)
    await lazy.ask("watch")
    lazy.writer.transport.pause_reading()
    p = await asyncio.create_subprocess_exec(t.need_program("gbactl"), "-s", w.ports["bsf_ctl"], "watch", stdout=asyncio.subprocess.PIPE, limit=1 << 20)
    first = asyncio.create_task(p.stdout.readline())

    async def push(n):
        at = f"2026-02-03T{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}Z"
        assert await c.ask(f"guss {w.cards[0].impi}", guss(at, RIGHT)) == {"changed": 1, "as_new": 0}
    n = 0
    while not first.done():                                            # gbactl has come
        await push(n := n + 1)
    assert len(json.loads(await first)["nafs"]) == 8
    while "does not take what it is told: closed" not in w.bsf.text():
        await push(n := n + 1)
        assert json.loads(await asyncio.wait_for(p.stdout.readline(), 30 * procs.FACTOR))["event"] == "guss"
        assert n < 5000
    await w.bsf.stop()
    assert await asyncio.wait_for(p.wait(), 30 * procs.FACTOR) == 3


async def bootstrap_after_mark(t, ue):
    """What was challenged in the very millisecond of a revocation counts as from before it: such a device begins again."""
    got = []

    async def done():
        try:
            got.append(await ue.bootstrap())
        except UbError as e:
            assert e.response.status == 401, e
        return got
    await t.until(done, 5, "a bootstrap after the revocation")
    return got[0]


@test("suspend: a subscriber gets nothing until it is resumed: keys, TMPI, what is under way; the others are served; a daemon that was killed remembers it",
      smoke=True)
async def suspend(t):
    w = await World(t, raw_hss=True).start()
    c, conn = await control(w), await w.naf()
    ue, other = w.ue(), w.ue(1)
    s, impi = await ue.bootstrap(), w.cards[0].impi
    under_way = await w.ue().challenge()
    res, ck, ik = ue.usim.authenticate(under_way.rand, under_way.autn)
    before = await c.ask("generation?")
    assert await c.ask(f"suspend impi {impi}") == {"revoked": 1}
    assert await c.ask(f"suspend impi {impi}") == {"revoked": 0}
    assert (await naf.fetch(conn, s.btid)).key is None
    asked = len(w.raw_hss.vectors)
    async with causes.counted(w, ub_suspended=5):
        r, _ = await ue.answer(under_way, res)
        assert r.status == 403, r.status
        for who in (w.ue(), ue, w.ue()):                             # ue has a TMPI
            try:
                await who.bootstrap()
                raise AssertionError("bootstrapped")
            except UbError as e:
                assert e.response.status == 403, e
    assert len(w.raw_hss.vectors) == asked
    causes.register("ub_suspended")
    so = await other.bootstrap()
    assert (await naf.fetch(conn, so.btid)).key == so.ks_naf()
    assert (await c.ask("figures"))["figures"]["suspended"] == 1
    assert await c.ask(f"resume impi {impi}") == {"was_suspended": True}
    assert await c.ask(f"resume impi {impi}") == {"was_suspended": False}
    user, domain = impi.split("@")
    await c.ask(f"suspend impi {impi}")
    await c.ask(f"suspend impi {user}@{domain.upper()}")  # a domain is the same in any case: the same subscriber
    assert (await c.ask("figures"))["figures"]["suspended"] == 1
    assert await c.ask(f"resume impi {user}@{domain.title()}") == {"was_suspended": True}
    s = await bootstrap_after_mark(t, w.ue())
    assert (await naf.fetch(conn, s.btid)).key == s.ks_naf()
    assert (await c.refused("suspend impi x")).startswith("invalid that is no IMPI")
    kept = os.path.join(w.dir, "bsf", "suspended")
    await w.bsf.stop()
    await w.bsf.start()
    assert not os.path.exists(kept), "nobody is suspended"
    c = await control(w)
    await c.ask(f"suspend impi {impi}")
    await w.bsf.kill()
    t.may_die.add(w.bsf)
    with open(kept, "rb") as f:
        assert impi.encode() not in f.read() and impi not in w.bsf.text()
    await w.bsf.start()
    c = await control(w)
    assert (await c.ask("generation?"))["generation"] != before["generation"] and (await c.ask("figures"))["figures"]["suspended"] == 1
    assert f"suspended         1, kept in {w.dir}/bsf" in await w.vty("show store")
    async with causes.counted(w, ub_suspended=1):
        assert (await w.ue().first()).status == 403
    assert await c.ask(f"resume impi {impi}") == {"was_suspended": True}
    await w.bsf.kill()
    await w.bsf.start()
    await w.ue().bootstrap()
    await (await control(w)).ask(f"suspend impi {impi}")
    await w.bsf.stop()
    with open(kept, "r+b") as f:
        f.seek(-1, os.SEEK_END)
        last = f.read(1)[0]
        f.seek(-1, os.SEEK_END)
        f.write(bytes([last ^ 1]))
    for more in (["--check"], []):
        rc, out, err = await procs.run(w.bsf_daemon().argv + more, 20)
        assert rc != 0 and f"{kept}: record 2 was altered" in out + err, (more, rc, out, err)
