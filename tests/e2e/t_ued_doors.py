# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who may ask gba-ued, what its hook says, and programs that misbehave; an agent that hangs."""
import asyncio
import contextlib
import json
import os
import socket
import sys
import time

from lib import procs, vty
from lib.agent import NAF, Agent, Realm, moved
from lib.runner import test

IMSI = "001010000000001"


@test("gba-ued: the access list: another user gets nothing, a listed one only his applications; a change acts at once", smoke=True)
async def access(t):
    t.need_root("asking as another user")
    r = Realm(t, "home", IMSI)
    a = await Agent(t, r, programs={4001: [f"naf {NAF}", "naf *.apps.example.com"]}).start()

    async def as_user(uid, line):
        rc, out, err = await procs.run([t.need_tool("setpriv", "util-linux"), f"--reuid={uid}", f"--regid={uid}", "--clear-groups",
                                        sys.executable, "-c", CLIENT, a.socket, line])
        assert rc == 0, err
        return json.loads(out)
    for uid, line in ((4002, f"key {NAF}"), (0, f"key {NAF}"), (4002, "list"), (4001, "key naf2.example.com"),
                      (4001, "key apps.example.com"), (4001, "key xapps.example.com"), (4001, "renew"), (4001, "use home"),
                      (4001, "drop home")):
        x = await as_user(uid, line)
        assert (x["cause"], x["reason"]) == ("not_allowed", 7) and "key" not in x, (uid, line, x)
    assert not r.bsf.requests, "a run for somebody who gets nothing"
    for line in (f"key {NAF}", "key a.apps.example.com", f"key {NAF.upper()}", "list"):
        assert (await as_user(4001, line))["cause"] == "ok", line
    v = await vty.Vty.open(a.vty)
    for line in ("enable", "configure terminal", "no program uid 4001", "program uid 4002", f"naf {NAF}", "manage"):
        assert "%" not in await v.command(line), line
    v.close()
    assert (await as_user(4001, f"key {NAF}"))["cause"] == "not_allowed"
    assert (await as_user(4002, f"key {NAF}"))["cause"] == "ok" == (await as_user(4002, "renew"))["cause"]
    await moved(a, agent_not_allowed=10)


CLIENT = """
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(sys.argv[2].encode() + b"\\n")
print(s.makefile().readline(), end="")
"""


@test("gba-ued: the consent hook: asked with user, application and realm; a no, no answer and no program are a no", smoke=True)
async def consent(t):
    r = Realm(t, "home", IMSI)
    os.makedirs(t.dir + "/agent")
    hook = t.dir + "/agent/hook"

    def says(script):
        with open(hook + ".new", "w", encoding="utf-8") as f:
            f.write("#!/bin/sh\n" + script)
        os.chmod(hook + ".new", 0o755)
        os.rename(hook + ".new", hook)
    os.rmdir(t.dir + "/agent")
    a = Agent(t, r, more=["consent hook", "consent-time 1"])
    says(f'echo "$GBA_UID $GBA_NAF $GBA_REALM" >>{t.dir}/asked; [ "$GBA_NAF" = {NAF} ]')
    await a.start()
    assert (await a.key())["bootstrapped"]
    x = await a.ask("key naf2.example.com")
    assert (x["cause"], x["reason"]) == ("not_allowed", 7) and "key" not in x, x
    with open(t.dir + "/asked", encoding="utf-8") as f:
        assert f.read() == f"{os.geteuid()} {NAF} home\n{os.geteuid()} naf2.example.com home\n"
    says("exec sleep 100")
    slow = asyncio.ensure_future(a.ask(f"key {NAF}"))
    assert (await a.ask("list"))["cause"] == "ok", "the agent waits for a person"
    assert (await slow)["cause"] == "not_allowed"
    says("kill -9 $$")
    assert (await a.ask(f"key {NAF}"))["cause"] == "not_allowed", "a hook that dies says yes"
    os.unlink(hook)
    assert (await a.ask(f"key {NAF}"))["cause"] == "not_allowed", "a hook that is gone says yes"
    await moved(a, agent_no_consent=4)
    assert r.runs() == 1


@test("gba-ue --agent: an agent that takes the question and hangs, or takes nobody, is waited for as long as --timeout says", smoke=True)
async def hangs(t):
    path = t.dir + "/ask"
    listening = socket.socket(socket.AF_UNIX)
    t.cleanup(listening.close)
    listening.bind(path)
    listening.listen(0)                                # takes the question and never answers; whoever comes then is not even taken
    waiting = []
    for n in range(3):
        for words in (["key", NAF], ["ask", "list"]):
            began = time.monotonic()
            rc, out, err = await procs.run([t.need_program("gba-ue"), "--agent", path, "--json", "--timeout", "1"] + words, 30)
            out = json.loads(out) if out else {"cause": "", "reason": err}
            assert rc in (2, 4) and "agent" in out["reason"], (n, words, rc, out, err)
            assert rc == 2 or out["cause"] == "not_reached", out
            waiting.append(time.monotonic() - began)
    assert max(waiting) < 10 * t.factor, waiting


@test("gba-ued: odd lines, half lines, no lines, and a program that goes away cost nobody else anything", smoke=True)
async def odd_clients(t):
    r = Realm(t, "home", IMSI)
    a = await Agent(t, r).start()
    for line in ("", "dance", "key", "key  ", "key a b", f"key {NAF} ua 01", f"key {NAF} ua 010000000g", f"key {NAF} app sim",
                 f"key {NAF} refused x", "key http://u@h/", "key a..b", "list more", "use", "use a b", "drop", "drop home x", "use " + "x" * 64,
                 "key \x1b[2J", "KEY " + NAF):
        x = await a.ask(line)
        assert (x["cause"], x["result"]) == ("usage", "refused") and "allowed" in x["text"], (line, x)
    x = await a.ask("key naf1.example.com ua 0100000100")
    assert (x["cause"], x["reason"]) == ("usage", 6), x
    reader, writer = await asyncio.open_unix_connection(a.socket)
    writer.write(b"list\r\nlist\nkey " + NAF.encode() + b"\nlist\n")
    assert [json.loads(await reader.readline())["result"] for _ in range(4)] == ["realms", "realms", "key", "realms"], "lines in a row"
    writer.write(b"x" * 5000)
    with contextlib.suppress(ConnectionError):
        assert await reader.read() == b"", "a line without end is waited for"
    writer.close()
    assert (await a.ask(f"key {NAF}", half_close=True))["cause"] == "ok", "who has said his last gets no answer"
    held = [await asyncio.open_unix_connection(a.socket) for _ in range(64)]
    reader, writer = await asyncio.open_unix_connection(a.socket)
    assert json.loads(await reader.readline())["cause"] == "busy" and await reader.read() == b""
    writer.close()
    for _, w in held:
        w.close()

    async def room():
        try:
            return (await a.ask("list"))["cause"] == "ok"
        except ConnectionError:
            return False
    await t.until(room, 5, "room for a new connection")
    await moved(a, agent_syntax=19, agent_busy=1)


@test("gba-ued: a second one, a missing folder, an open one and odd words are refused with file and line", smoke=True)
async def starts(t):
    r = Realm(t, "home", IMSI)
    a = await Agent(t, r).start()
    rc, out, err = await procs.run([a.exe, "-c", a.cfg])
    assert rc == 1 and "in use by another" in err and a.cfg + ":" in err, (rc, err)
    rc, out, err = await procs.run([a.exe, "-c", a.cfg, "--check"])
    assert rc == 0 and "configuration ok" in out, (rc, out, err)
    await a.daemon.stop()
    with open(a.cfg, encoding="utf-8") as f:
        good = f.read()
    for change, words in ((lambda s: s.replace(" state state", " state nowhere"), "no such folder"),
                          (lambda s: s.replace(" socket ask", ""), "socket and state are needed"),
                          (lambda s: s.replace(f" card {r.card}", ""), "a card is needed"),
                          (lambda s: s.replace("naf any", "naf NAF1.example.com"), "lower case"),
                          (lambda s: s.replace("naf any", "naf *"), "allowed"),
                          (lambda s: s.replace("connect-to ", "connect-to x"), None),
                          (lambda s: s.replace("realm home", "realm a/b"), "letters, digits"),
                          (lambda s: s.replace(" card ", " bsf ftp://x/\n card "), "http://")):
        with open(a.cfg, "w", encoding="utf-8") as f:
            f.write(change(good))
        rc, out, err = await procs.run([a.exe, "-c", a.cfg] + (["--check"] if words != "letters, digits" else []))
        assert (words is None) == (rc == 0) and (words or "") in err, (words, rc, err)
    with open(a.cfg, "w", encoding="utf-8") as f:
        f.write(good)
    os.chmod(a.state, 0o777)
    rc, out, err = await procs.run([a.exe, "-c", a.cfg, "--check"])
    assert rc == 1 and "may write there" in err, (rc, err)
    os.chmod(a.state, 0o700)
    await a.daemon.start()
    v = await vty.Vty.open(a.vty)
    await v.command("enable")
    shown = await v.command("show running-config")
    v.close()
    for line in good.split("\n"):
        assert line in shown or "logging" in line, (line, shown)
