# SPDX-License-Identifier: AGPL-3.0-or-later
"""gba-hss-simd by itself: its own failures, import beside a database that is in use, live commands, bad configuration."""
import asyncio
import os
import random
import signal
import sqlite3
import subprocess

from lib import aka, causes, dia, hss, procs
from lib.faketime import WallClock
from lib.runner import test
from lib.vty import Vty
from lib.world import BSF_ID, World, raw_bsf_conn

HEAD = "impi,imsi,k,op,opc,amf,algorithm,sqn,ind,guss"


def row(card, sqn="0", ind=""):
    return f"{card.impi},{card.imsi},{card.k.hex()},,{card.opc.hex()},0000,milenage,{sqn},{ind},"


async def run_import(t, w, lines, name="rows.csv", head=HEAD, more=()):
    path = w.write_secret(name, "\n".join([head] + lines) + "\n")
    exe = t.need_program("gba-hss-simd")
    return await procs.run([exe, "-c", f"{w.etc}/gba-hss-sim.cfg", "--import", path, *more], 60)


def sqn_of(card, maa):
    rand, autn, *_ = hss.vector_of(maa)
    return int.from_bytes(aka.xor(autn[:6], aka.Milenage(card.k, card.opc).f2345(rand)[3]), "big")


@test("import: what an error repeats of the file steers no terminal", smoke=True)
async def import_visible(t):
    w = World(t)
    w.write_configs()
    rc, out, err = await run_import(t, w, [row(w.cards[0]) + "\u009b2J\u202e.xml"])
    assert rc == 1 and "guss: " in err and "\\xc2\\x9b2J" in err, (rc, err)
    assert "\u009b" not in out + err and "\u202e" not in out + err, err


@test("hss_bad_avp: a User-Name that no IMPI can be", smoke=True)
async def user_name(t):
    w = await World(t).start(bsf=False)
    conn = await raw_bsf_conn(t, w.ports["hss"])
    async with causes.counted(w, "hss", hss_bad_avp=1):
        a = await conn.request(hss.mar(conn, "x" * 300 + "@example.org"))
    assert a.result == 5004 and [x.code for x in a.find(dia.FAILED_AVP).data] == [dia.USER_NAME], a.result
    assert (await conn.request(hss.mar(conn, w.cards[0].impi))).result == 2001


@test("disk full: a vector that needs a new mark is refused, none is given twice, and it goes on when there is room",
      timeout=60)
async def disk_full(t):
    if os.geteuid() != 0:
        t.skip("needs root to mount a small tmpfs")
    w = World(t, n_cards=1)
    folder = f"{w.dir}/hss"
    rc, _, err = await procs.run(["mount", "-t", "tmpfs", "-o", "size=600k,mode=700", "tmpfs", folder])
    if rc != 0:
        t.skip(f"no tmpfs here: {err.strip()}")
    try:
        await w.start(bsf=False)
        conn = await raw_bsf_conn(t, w.ports["hss"])
        card, seen = w.cards[0], []
        seen.append(sqn_of(card, await conn.request(hss.mar(conn, card.impi))))
        with open(f"{folder}/ballast", "wb", buffering=0) as f:
            try:
                while f.write(b"\0" * 4096):
                    pass
            except OSError:
                pass
        refused = 0
        for _ in range(400):
            a = await conn.request(hss.mar(conn, card.impi))
            if a.result == 2001:
                seen.append(sqn_of(card, a))
            else:
                assert a.result == 5012, a.result
                refused += 1
                if refused == 3:
                    break
        assert refused == 3, "the disk never was full"
        os.unlink(f"{folder}/ballast")
        for _ in range(100):
            a = await conn.request(hss.mar(conn, card.impi))
            assert a.result == 2001, a.result
            seen.append(sqn_of(card, a))
        assert len(set(seen)) == len(seen) and seen == sorted(seen)
        await conn.close()
        t.may_die.add(w.hss)
        await w.hss.stop()
    finally:
        rc, _, err = await procs.run(["umount", "-l", folder])
        assert rc == 0, err


@test("import: refused while a daemon runs without a control socket; updates keys, never the counter back; IND fixed; line and character told",
      smoke=True, req=["102-6.3.2-1"])
async def imports(t):
    w = World(t)
    w.hss_cfg.remove_node("control")
    await w.start(bsf=False)
    card = w.cards[0]
    conn = await raw_bsf_conn(t, w.ports["hss"])
    before = sqn_of(card, await conn.request(hss.mar(conn, card.impi)))
    rc, _, err = await run_import(t, w, [row(card, ind="9")])
    assert rc != 0 and f"in use by another daemon (pid {w.hss.pid})" in err and len(err.strip().split("\n")) == 1, err
    await conn.close()
    await w.hss.stop()
    rc, _, err = await run_import(t, w, [row(w.cards[1]), row(card).replace(card.k.hex(), "12")], "bad.csv")
    at = len(card.impi) + len(card.imsi) + 3
    assert rc != 0 and f"bad.csv:3:{at}: k: " in err and "32 hex digits" in err, err
    rc, _, err = await run_import(t, w, [row(card, ind="9")])
    assert rc == 0, err
    await w.hss.start()
    conn = await raw_bsf_conn(t, w.ports["hss"])
    after = [sqn_of(card, await conn.request(hss.mar(conn, card.impi))) for _ in range(3)]
    assert after[0] >> 5 > before >> 5 and [x & 31 for x in after] == [9, 9, 9], (before, after)


@test("an IMPI whose domain is in capitals is the same subscriber: found, and one counter", smoke=True)
async def capitals(t):
    w = await World(t).start(bsf=False)
    card = w.cards[0]
    conn = await raw_bsf_conn(t, w.ports["hss"])
    user, domain = card.impi.split("@")
    names = [f"{user}@{domain.upper()}", card.impi, f"{user}@{domain.title()}"]
    seen = [sqn_of(card, await conn.request(hss.mar(conn, name))) for name in names]
    assert seen == sorted(set(seen)), seen
    assert card.imsi in await w.vty(f"show subscriber {names[0]}", "hss")


@test("nothing but the counter is kept between two requests: an AUTS for a challenge from before a restart is served",
      smoke=True, req=["220-4.4.5-8"])
async def stateless(t):
    w = await World(t).start(bsf=False)
    card = w.cards[0]
    conn = await raw_bsf_conn(t, w.ports["hss"])
    rand, *_ = hss.vector_of(await conn.request(hss.mar(conn, card.impi)))
    await conn.close()
    await w.hss.stop()
    await w.hss.start()
    conn = await raw_bsf_conn(t, w.ports["hss"])
    auts = aka.Milenage(card.k, card.opc).auts(rand, 5000 << 5 | 7)
    async with causes.counted(w, "hss", hss_resync=1):
        maa = await conn.request(hss.mar(conn, card.impi, resync=rand + auts))
    assert sqn_of(card, maa) >> 5 == 5001


def many_rows(n):
    """In no order: what an import has to sort."""
    rng = random.Random(n)
    rows = [f"00101{i:010d}@ims.mnc001.mcc001.3gppnetwork.org,,{i:032x},,{i + 7:032x},,,,," for i in range(100, 100 + n)]
    rng.shuffle(rows)
    return rows


@test("import --atomic: one that is killed, politely or not, has changed nothing", timeout=60)
async def import_killed(t):
    w = World(t)
    w.write_configs()
    exe = t.need_program("gba-hss-simd")
    rc, _, err = await run_import(t, w, [row(w.cards[0])])
    assert rc == 0, err
    card = w.cards[0]
    rows = [HEAD] + many_rows(60000) + [row(card).replace(card.k.hex(), "0" * 32)]
    path = w.write_secret("many.csv", "\n".join(rows) + "\n")
    for how in (signal.SIGKILL, signal.SIGINT, signal.SIGTERM):
        p = await asyncio.create_subprocess_exec(exe, "-c", f"{w.etc}/gba-hss-sim.cfg", "--import", path, "--atomic",
                                                 stderr=asyncio.subprocess.PIPE)
        line = await asyncio.wait_for(p.stderr.readline(), 30)
        assert b"10000" in line, line
        p.send_signal(how)
        await asyncio.wait_for(p.communicate(), 30)
        assert p.returncode == -how, (how, p.returncode)
    await w.start(bsf=False)
    assert "3 subscribers" in await w.vty("show subscribers count", "hss")
    conn = await raw_bsf_conn(t, w.ports["hss"])
    assert (await conn.request(hss.mar(conn, card.impi))).result == 2001


def rows_and_note(w):
    """Rows of the table, rows the note of the unfinished import says, and what SQLite says of the whole."""
    db = sqlite3.connect(f"file:{w.dir}/hss/subscribers.sqlite?mode=ro", uri=True)
    try:
        rows, = db.execute("SELECT count(*) FROM subscriber").fetchone()
        counters, = db.execute("SELECT count(*) FROM counter").fetchone()
        note = db.execute("SELECT rows FROM import").fetchone()
        whole, = db.execute("PRAGMA integrity_check").fetchone()
    finally:
        db.close()
    assert rows == counters and whole == "ok", (rows, counters, whole)
    return rows, note and note[0]


@test("import: killed at random moments, rows equal the note each time, the same command finishes the rest", timeout=300)
async def import_goes_on(t):
    n, kills = int(os.environ.get("GBA_IMPORT_ROWS", "30000")), int(os.environ.get("GBA_IMPORT_KILLS", "6"))
    w = World(t)
    w.write_configs()
    exe = t.need_program("gba-hss-simd")
    rc, _, err = await run_import(t, w, [row(w.cards[0])])        # makes the database
    assert rc == 0, err
    path = w.write_secret("many.csv", "\n".join([HEAD] + many_rows(n)) + "\n")
    argv = [exe, "-c", f"{w.etc}/gba-hss-sim.cfg", "--import", path]
    rng, seen, partly, lines = random.Random(), 0, 0, max(1, n // 10000 // kills)
    t.note(f"{n} rows, {kills} kills")
    for k in range(kills):
        p = await asyncio.create_subprocess_exec(*argv, stderr=asyncio.subprocess.PIPE)
        # at a random line, and a random moment after it: before, between and within transactions; the first in the middle
        for _ in range(rng.randrange(lines) + 1):
            await asyncio.wait_for(p.stderr.readline(), 60)
        if k:
            await asyncio.sleep(rng.random() * 0.05)
        how = signal.SIGTERM if k % 3 == 2 else signal.SIGKILL
        if p.returncode is None:
            try:
                p.send_signal(how)
            except ProcessLookupError:
                pass
        _, err = await asyncio.wait_for(p.communicate(), 60)
        rows, note = rows_and_note(w)
        if p.returncode == 0 or rows == n + 1:                    # it was faster
            assert rows == n + 1 and note is None, (rows, note)
            break
        assert rows - 1 == (note or 0) >= seen, (rows, note, seen)
        if how == signal.SIGTERM:
            assert p.returncode == 1 and b"subscribers are in, the same command goes on there" in err, err
        seen, partly = rows - 1, partly + (0 < rows - 1 < n)
    else:
        rc, _, err = await procs.run(argv, 120)
        assert rc == 0, err
        assert (f"{seen} of {n} subscribers are in from before" in err) == (seen > 0), err
        assert rows_and_note(w) == (n + 1, None)
    assert partly or kills < 3, "no kill hit the middle: this shows nothing"


@test("import: a vendor's file, semicolons, quotes and encrypted keys; the card bootstraps; a wrong transport key is refused where there is a check value",
      smoke=True)
async def vendor_file(t):
    w = World(t, n_cards=1)
    card, key, iv = w.cards[0], os.urandom(16), b"#" * 16

    def aes(mode, data):
        p = subprocess.run(["openssl", "enc", f"-aes-128-{mode}", "-nopad", "-K", key.hex()] + (["-iv", iv.hex()] if mode == "cbc" else []),
                           input=data, capture_output=True, check=True)
        return p.stdout
    w.more_secrets += [card.k, key]
    keys = w.write_secret("transport", f"! of the vendor\nk key {key.hex()} iv {iv.hex()} check {aes('ecb', bytes(16))[:3].hex()}\n")
    rows = ['"IMSI";"ICCID";"EKI";"OPC";"AMF"', "", f'"{card.imsi}";"8949";"{aes("cbc", card.k).hex()}";"{card.opc.hex()}";8000']
    w.write_configs()
    rc, _, err = await run_import(t, w, rows[1:], "vendor.csv", rows[0], ["--mnc-length", "2"])
    assert rc == 1 and "the name says that it is encrypted" in err, err
    rc, _, err = await run_import(t, w, rows[1:], "vendor.csv", rows[0], ["--mnc-length", "2", "--transport-keys", keys])
    assert rc == 1 and ":3:" in err and "--clear-separation-bit" in err, err
    good = ["--mnc-length", "2", "--transport-keys", keys, "--clear-separation-bit"]
    wrong = w.write_secret("wrong", f"k key {bytes(16).hex()} iv {iv.hex()} check {aes('ecb', bytes(16))[:3].hex()}\n")
    rc, _, err = await run_import(t, w, rows[1:], "vendor.csv", rows[0], good[:3] + [wrong] + good[4:])
    assert rc == 1 and "wrong:1: the check value is another key's" in err and bytes(16).hex() not in err, err
    blind = w.write_secret("blind", f"k key {key.hex()} iv {iv.hex()}\n")
    rc, _, err = await run_import(t, w, rows[1:], "vendor.csv", rows[0], good[:3] + [blind] + good[4:])
    assert rc == 0 and "WARNING: a transport key has no check value" in err, err
    rc, _, err = await run_import(t, w, rows[1:], "vendor.csv", rows[0], good)
    assert rc == 0 and err.count("columns that are not read: ICCID") == 1 and "WARNING" not in err, err
    os.chmod(keys, 0o640)
    rc, _, err = await run_import(t, w, rows[1:], "vendor.csv", rows[0], good)
    assert rc == 1 and "chmod 600" in err, err
    w.hss = w.hss_daemon()
    t.watch(w.hss)
    await w.hss.start()
    conn = await raw_bsf_conn(t, w.ports["hss"])
    rand, autn, xres, *_ = hss.vector_of(await conn.request(hss.mar(conn, card.impi)))
    assert aka.Milenage(card.k, card.opc).f2345(rand)[0] == xres and autn[6:8] == b"\0\0"


@test("VTY: faults and peers act at once, the rest says so and changes nothing; no key is shown; write file gives it back",
      smoke=True)
async def live(t):
    w = await World(t).start(bsf=False)
    card = w.cards[0]
    conn = await raw_bsf_conn(t, w.ports["hss"])
    v = await Vty.open(w.ports["hss_vty"])
    shown = await v.command(f"show subscriber {card.impi}")
    assert card.imsi in shown and card.k.hex() not in shown and card.opc.hex() not in shown, shown
    assert "3 subscribers" in await v.command("show subscribers count")
    assert "unknown" in await v.command("show subscriber nobody@example.org")

    async def is_open():                                         # the CEA leaves a moment before the simulator calls it open
        return f"{BSF_ID} open" in await v.command("show peers")
    await t.until(is_open, 5, "the BSF to be shown as open")
    for line in ("enable", "configure terminal"):
        await v.command(line)
    await v.command(f"fault {card.impi} result 5012")
    assert (await conn.request(hss.mar(conn, card.impi))).result == 5012
    running = await v.command("show running-config")
    assert f"fault {card.impi} result 5012" in running and w.keks["hss"].hex() not in running
    await v.command(f"no fault {card.impi}")
    assert (await conn.request(hss.mar(conn, card.impi))).result == 2001
    await v.command("diameter")
    assert "restart" in await v.command("identity other.example.org")
    await v.command("exit")
    await v.command("bsf late.example.org")
    await v.command("address 127.0.0.1/32")
    await v.command("exit")
    late = await raw_bsf_conn(t, w.ports["hss"], identity="late.example.org")
    assert (await late.request(hss.mar(late, card.impi))).result == 2001
    assert "late.example.org" in await v.command("show running-config")
    await v.command("write file")
    v.close()
    await late.close()
    await conn.close()
    await w.hss.stop()
    await w.hss.start()         # with the file that was written
    late = await raw_bsf_conn(t, w.ports["hss"], identity="late.example.org")
    assert (await late.request(hss.mar(late, card.impi))).result == 2001


@test("bad configuration: one line with file and line, exit code not 0, nothing made; --check says the same", smoke=True)
async def bad(t):
    exe = t.need_program("gba-hss-simd")
    diameter = "diameter"
    cases = [
        ("bsf without address", lambda c: c.nodes.append(["bsf b.example.org", []]), ["'address'", "A.B.C.D/N"], "bsf b.example.org"),
        ("bsf twice", lambda c: c.nodes.append([f"bsf {BSF_ID}", [" address 127.0.0.1"]]), ["is there already"], None),
        ("no bsf", lambda c: c.remove_node(f"bsf {BSF_ID}"), ["no node 'bsf IDENTITY'"], None),
        ("no listen", lambda c: c.remove(diameter, "listen"), ["lacks 'listen'"], diameter),
        ("no kek", lambda c: c.remove("subscribers", "kek"), ["lacks 'kek'"], "subscribers"),
        ("no database", lambda c: c.remove("subscribers", "database"), ["lacks 'database'"], "subscribers"),
        ("database in no folder", lambda c: c.set("subscribers", "database /nonexistent/x.sqlite"), ["/nonexistent"], " database"),
        ("identity", lambda c: c.set(diameter, "identity a..b"), ["'a..b'", "allowed"], " identity"),
        ("address", lambda c: c.set(f"bsf {BSF_ID}", "address 127.0.0.1/33"), ["127.0.0.1/33", "allowed"], " address"),
        ("fault", lambda c: c.nodes.append(["fault all delay never", []]), ["'never'", "<1-3600>"], "fault"),
        ("fault of nobody", lambda c: c.nodes.append(["fault nobody no-answer", []]), ["'nobody'", "all"], "fault"),
        ("port", lambda c: c.set(diameter, "listen 127.0.0.1 0"), ["'0'", "<1-65535>"], " listen"),
        ("word", lambda c: c.add("subscribers", "keks 1"), ["'keks'", "database, kek"], " keks"),
    ]
    for n, (what, change, words, line) in enumerate(cases):
        w = World(t, name=f"w{n}")
        change(w.hss_cfg)
        w.write_configs()
        path = f"{w.etc}/gba-hss-sim.cfg"
        if line:
            with open(path, encoding="utf-8") as f:
                k = next(i for i, x in enumerate(f.read().split("\n"), 1) if x.startswith(line))
            words = words + [f"{path}:{k}: "]
        for more in (["--check"], []):
            rc, _, err = await procs.run([exe, "-c", path] + more, 15)
            lines = err.strip().split("\n")
            assert rc != 0 and len(lines) == 1 and all(x in err for x in words), (what, more, rc, words, err)
        assert os.listdir(f"{w.dir}/hss") == [], what


@test("the clock stepped by an hour either way: an answer that waits keeps its time, vectors go on", timeout=60)
async def clock(t):
    w = World(t)
    wall = WallClock(t, w.etc)
    w.hss_env = wall.env
    w.hss_cfg.nodes.append([f"fault {w.cards[0].impi} delay 2", []])
    await w.start(bsf=False)
    conn = await raw_bsf_conn(t, w.ports["hss"])
    card, free, loop = w.cards[0], w.cards[1], asyncio.get_running_loop()
    last = 0
    for seconds in (-3600, 3600, 0):
        began = loop.time()
        held = asyncio.ensure_future(conn.request(hss.mar(conn, card.impi), 20 * t.factor))
        now = sqn_of(free, await conn.request(hss.mar(conn, free.impi)))     # the held one has been read by now
        wall.step(seconds)
        assert now > last
        last = now
        a = await held
        took = loop.time() - began
        assert a.result == 2001 and 2 <= took < 4 * t.factor, (seconds, a.result, took)
