# SPDX-License-Identifier: AGPL-3.0-or-later
"""The application's own users under the key of the SIM: the form of the example server, with gba-ue as the device and curl as the browser."""
import asyncio
import json
import re

from lib import procs
from lib.app import App
from lib.runner import test
from lib.world import BSF_NAME, World

FQDN, PIN = "naf1.example.com", "46 81&=é"


class Browser:
    """A device: gba-ue holds its card and gives the key, curl opens pages with it. No cookies, no scripts."""

    def __init__(self, t, w, app, n):
        self.ue = [t.need_program("gba-ue"), "-c", w.usim(n), "--json", "--connect-to", f"{BSF_NAME}:80:127.0.0.1:{w.ports['ub']}"]
        self.port = app.port

    async def bootstrap(self):
        for words in (["bootstrap"], ["key", FQDN]):
            rc, out, err = await procs.run(self.ue + words, 20)
            assert rc == 0, out + err
        key = json.loads(out)
        self.user = f'user = "{key["btid"]}:{key["key"]}"\n'
        return self

    async def open(self, path, *fields, octets=None):
        """Status, Location and page; fields are posted as a form sends them."""
        argv = ["curl", "-s", "--digest", "-K", "-", "-w", "\n%{http_code} %header{location}", "--connect-to", f"{FQDN}:80:127.0.0.1:{self.port}"]
        for f in fields:
            argv += ["--data-urlencode", f]
        if octets is not None:
            argv += ["--data-binary", octets]
        rc, out, err = await procs.run(argv + [f"http://{FQDN}{path}"], 20, stdin=self.user.encode())
        assert rc == 0, err
        text, last = out.rsplit("\n", 1)
        status, _, location = last.partition(" ")
        return int(status), location, text

    async def word(self):
        """What the form of this session has in it."""
        status, _, text = await self.open("/account")
        assert status == 200, text
        return re.search(r'name="word" value="([0-9a-f]{32})"', text).group(1)

    async def sign_in(self, name, pin):
        return await self.open("/account/sign-in", f"word={await self.word()}", f"name={name}", f"pin={pin}")


async def users_file(w, *names):
    rc, out, err = await procs.run(["openssl", "passwd", "-6", "-stdin"], 20, stdin=(PIN + "\n").encode())
    assert rc == 0, err
    return w.write_secret("users", "".join(f"{n}:{out.strip()}\n" for n in names))


async def start(t, *names, devices=2):
    t.need_tool("curl", "curl")
    t.need_tool("openssl", "openssl")
    w = await World(t).start()
    app = await App(t, w.ports["dia"], "--users", await users_file(w, *names)).start()
    return app, [await Browser(t, w, app, n).bootstrap() for n in range(devices)]


@test("an application's own form under the key of the SIM: signed in for this key alone, and after a new bootstrap the form is there again",
      smoke=True, timeout=90)
async def form(t):
    app, (mine, other) = await start(t, "alice")
    status, _, text = await mine.open("/account")
    assert status == 200 and "<form" in text and "<script" not in text and "Signed in" not in text
    assert (await mine.sign_in("alice", "1"))[0] == 403
    status, location, _ = await mine.sign_in("alice", PIN)
    assert (status, location) == (303, f"http://{FQDN}/account") or (status, location) == (303, "/account"), (status, location)
    assert "Signed in as alice" in (await mine.open("/account"))[2]
    assert "Signed in" not in (await other.open("/account"))[2], "another SIM's key"
    assert (await mine.open("/account/sign-in", f"word={await mine.word()}", "name=alice", f"pin={PIN}"))[0] == 403, "twice"
    assert (await mine.open("/account/sign-out", f"word={await mine.word()}"))[0] == 303
    assert "Signed in" not in (await mine.open("/account"))[2]
    assert (await mine.sign_in("alice", PIN))[0] == 303
    await mine.bootstrap()
    assert "Signed in" not in (await mine.open("/account"))[2], "who holds the device is asked again with a new key"
    events = [e["event"] for e in app.events() if e.get("user") == "alice"]
    assert events == ["pin_wrong", "signed_in", "signed_out", "signed_in"], events
    assert PIN not in app.daemon.text() and "46+81" not in app.daemon.text()
    mine.user = 'user = "nobody:x"\n'
    assert (await mine.open("/account"))[0] == 400, "without a key there is no form"


@test("a form another site or another subscriber has made is refused: it lacks the word of this key, which changes with each sign-in",
      smoke=True)
async def foreign_forms(t):
    app, (mine, other) = await start(t, "alice")
    good = ["name=alice", f"pin={PIN}"]
    before = await mine.word()
    for fields in ([], ["word="], [f"word={'0' * 32}"], [f"word={await other.word()}"], [f"word={before}", f"word={before}"]):
        status, _, text = await mine.open("/account/sign-in", *fields, *good)
        assert status == 403 and "not of this session" in text, (fields, status)
    assert (await mine.open(f"/account/sign-in?word={before}&name=alice&pin=1"))[0] == 405, "a link signs nobody in"
    assert (await mine.sign_in("alice", PIN))[0] == 303
    status, _, _ = await mine.open("/account/sign-out", f"word={before}")
    assert status == 403, "what was shown before the sign-in"
    assert "Signed in as alice" in (await mine.open("/account"))[2]
    assert [e["event"] for e in app.events()].count("form_foreign") == 6


@test("a form's PIN is tried five times and then not for a minute, also where all come at once; what no form is changes nothing", smoke=True)
async def tries(t):
    app, (mine, other) = await start(t, "alice", "bob")
    word = await mine.word()
    for octets in ("", "&&&===", f"word={word}", f"word={word}&name=alice", f"word={word}&name=alice&pin=%", f"word={word}&name=alice&pin=%00",
                   f"word={word}&name=alice&pin=%zz", f"word={word}&name={'a' * 33}&pin=1", f"word={word}&name=alice&pin={'1' * 65}",
                   f"word={word}&name=alice&pin=1&pin=2", f"word={word}&name=<b>&pin=1", f"word={word}&name=eve&pin=1"):
        status, _, text = await mine.open("/account/sign-in", octets=octets)
        assert status == 403 and "<b>" not in text, (octets, status)
    said = set()
    for name in ("alice", "nobody"):                               # which of them there is, no answer tells
        got = await asyncio.gather(*(mine.open("/account/sign-in", f"word={word}", f"name={name}", f"pin={n}") for n in range(8)))
        said |= {(r[0], r[2].replace(name, "NAME")) for r in got}
    assert len(said) == 1 and next(iter(said))[0] == 403, said
    assert [e["event"] for e in app.events() if e["event"].startswith("pin_")].count("pin_locked") == 3, app.events()
    assert (await mine.sign_in("alice", PIN))[0] == 403 and (await other.sign_in("alice", PIN))[0] == 403, "the right one, too"
    assert (await other.sign_in("bob", PIN))[0] == 303, "who is not alice is not kept waiting"


@test("gba-naf-example refuses a file of users that is none, with file, line and what is allowed", smoke=True)
async def files(t):
    w = World(t)
    good = "alice:$6$aaaa$" + "a" * 86
    for text, said in (("", "nobody is in"), ("alice\n", ":1: allowed is NAME:HASH"), ("alice:1234\n", ":1: no hash of a PIN"), (f"{good}\n{good}\n", ":2: that name"),
                       (f"{good}\nA:$6$a$b\n", ":2: a name has 1 to 32"), (f"{good}\n\n", ":2: allowed")):
        rc, out, err = await procs.run([t.need_program("gba-naf-example"), "--users", w.write_secret("users", text)], 20)
        assert rc == 2 and said in err, (text, rc, err)
