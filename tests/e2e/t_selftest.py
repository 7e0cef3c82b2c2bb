# SPDX-License-Identifier: AGPL-3.0-or-later
"""The test library itself: against the vectors, and its ends against each other."""
import asyncio
import base64
import json
import os
import sys

from lib import aka, dia, digest, hss, kdf, leaks, procs, runner
from lib.dia import Avp, Msg
from lib.dia_peer import PeerClosed, connect
from lib.hss import RawHss
from lib.relay import Relay
from lib.runner import test


def vectors():
    with open(os.path.join(procs.SRC, "tests", "vectors", "gba-vectors.json"), encoding="utf-8") as f:
        return json.load(f)


@test("Milenage, AUTS, KDF and Digest of the test library agree with the vectors", smoke=True,
      req=["102-6.3.2-2", "220-B.3-1", "220-B.4-3", "220-4.5.2-20"])
async def against_vectors(t):
    h = bytes.fromhex
    for v in vectors()["gba"]:
        m = aka.Milenage(h(v["K"]), op=h(v["OP"]))
        assert m.opc == h(v["OPc"])
        autn, res, ck, ik = m.vector(h(v["RAND"]), int(v["SQN"], 16), h(v["AMF"]))
        assert (autn, res, ck, ik) == (h(v["AUTN"]), h(v["RES"]), h(v["CK"]), h(v["IK"])), v["name"]
        assert m.auts(h(v["RAND"]), int(v["resync"]["SQN_MS"], 16)) == h(v["resync"]["AUTS"])
        assert m.auts_open(h(v["RAND"]), h(v["resync"]["AUTS"])) == (int(v["resync"]["SQN_MS"], 16), True)
        ks = ck + ik
        assert kdf.ks_naf(ks, h(v["RAND"]), v["IMPI"], h(v["NAF_Id"])) == h(v["Ks_NAF"]), v["name"]
        assert kdf.tmpi(ks, h(v["RAND"]), v["IMPI"], v["BSF_name"]) == v["TMPI"]
        assert kdf.btid(h(v["RAND"]), v["BSF_name"]) == v["B_TID"]
        u = v["ub"]
        assert digest.response(v["IMPI"], u["realm"], res, "GET", u["uri"], u["nonce"], u["nc"], u["cnonce"], "auth-int") \
            == u["response"]
        assert digest.response(v["IMPI"], u["realm"], res, "", u["uri"], u["nonce"], u["nc"], u["cnonce"], "auth-int",
                               u["body_200"].encode()) == u["rspauth"]
        a = v["ua_digest"]
        assert digest.response(a["username"], a["realm"], base64.b64encode(h(v["Ks_NAF"])), "GET", a["uri"], a["nonce"],
                               a["nc"], a["cnonce"], "auth") == a["response_auth_MD5"]


@test("the soft card checks MAC before SQN, and refuses what is not fresh", smoke=True, req=["102-6.3.3-1", "102-C.2.2-1"])
async def card(t):
    k, opc, rand = os.urandom(16), os.urandom(16), os.urandom(16)
    net, usim = aka.Milenage(k, opc), aka.Usim(k, opc)
    autn = net.vector(rand, 5 << 5 | 3)[0]
    usim.authenticate(rand, autn)
    for bad, want in ((autn, aka.SyncFailure), (autn[:-1] + bytes([autn[-1] ^ 1]), aka.MacFailure),
                      (net.vector(rand, 5 + (1 << 28) + 1 << 5)[0], aka.SyncFailure)):
        try:
            usim.authenticate(rand, bad)
        except want as e:
            if want is aka.SyncFailure:
                assert net.auts_open(rand, e.auts) == (5 << 5 | 3, True)
            continue
        raise AssertionError(f"{want.__name__} did not come")


@test("Diameter messages survive encoding and decoding; lengths that lie do not", smoke=True)
async def codec(t):
    m = Msg(dia.CMD_MA, dia.APP_ZH, [Avp(dia.SESSION_ID, "a;1;2"), dia.vsai(dia.APP_ZH), Avp(dia.GUSS, b"<guss/>")],
            dia.R | dia.P, 7, 8)
    d = Msg.decode(m.encode())
    assert d.encode() == m.encode() and d.find(dia.VSAI).find(dia.AUTH_APP).u32 == dia.APP_ZH
    for length in (0, 7, 100):
        m.avps[0].length = length
        try:
            Msg.decode(m.encode())
        except dia.Malformed:
            continue
        raise AssertionError(f"length {length} passed")


@test("raw HSS and raw Zh client: vector, resynchronisation, unknown user, silence; tshark reads the relay's capture",
      smoke=True, req=["102-6.3.5-1"])
async def ends(t):
    h = await RawHss().start()
    t.cleanup(h.stop)
    k, opc = os.urandom(16), os.urandom(16)
    h.add("a@b.example", k, opc, b"<guss/>")
    relay = await Relay(t.dir + "/zh.pcap", h.port).start()
    conn = await connect(relay.port, "bsf.example", "example", [dia.APP_ZH])
    assert conn.cea.result == 2001
    usim = aka.Usim(k, opc)
    rand, autn, xres, ck, ik = hss.vector_of(await conn.request(hss.mar(conn, "a@b.example")))
    assert usim.authenticate(rand, autn) == (xres, ck, ik)
    usim.seq[9] = 1000
    rand, autn, *_ = hss.vector_of(await conn.request(hss.mar(conn, "a@b.example")))
    try:
        usim.authenticate(rand, autn)                    # another entry of the array: still fresh
    except aka.SyncFailure:
        raise AssertionError("array of SQNs is not kept per IND") from None
    auts = usim.mil.auts(rand, usim.highest())
    rand, autn, *_ = hss.vector_of(await conn.request(hss.mar(conn, "a@b.example", resync=rand + auts)))
    usim.authenticate(rand, autn)
    assert usim.last_sqn >> 5 == 1001
    assert (await conn.request(hss.mar(conn, "x@b.example"))).result == (10415, 5401)
    h.behave = RawHss.never
    try:
        await conn.request(hss.mar(conn, "a@b.example"), 0.2)
        raise AssertionError("answer came")
    except asyncio.TimeoutError:
        pass
    h.behave = RawHss.hang_up
    try:
        await conn.request(hss.mar(conn, "a@b.example"), 5)
        raise AssertionError("answer came")
    except PeerClosed:
        pass
    await conn.close()
    await relay.stop()
    t.need_tool("tshark", "tshark")
    rc, out, err = await procs.run(["tshark", "-r", t.dir + "/zh.pcap", "-Y", "diameter.cmd.code==303", "-T", "fields", "-e",
                                    "diameter.User-Name", "-e", "_ws.malformed", "-e", "diameter.avp.unknown"])
    rows = [x.split("\t") for x in out.strip().split("\n")]
    assert rc == 0 and len(rows) == 10 and all(r[1:] == ["", ""] for r in rows if len(r) == 3), (rc, out, err)


@test("a test that moves is as long as it needs; one that stands still ends at its time-out", smoke=True)
async def moving(t):
    limit = 0.2

    async def moves(ctx):
        for _ in range(8):
            await asyncio.sleep(limit * procs.FACTOR / 4)         # twice the time-out in all
            ctx.moved()

    async def stands(ctx):
        ctx.moved()
        await asyncio.sleep(60)
    status, text, _ = await runner._one("moves", limit, moves)
    assert status == "ok", text
    status, text, _ = await runner._one("stands", limit, stands)
    assert status == "fail" and "TimeoutError" in text, text


@test("run.py: a file that takes long keeps none of the others waiting, and all are counted", smoke=True)
async def side_by_side(t):
    made = os.path.join(t.dir, "third")
    head = "import asyncio, os\nfrom lib.runner import test\n@test('it')\nasync def it(t):\n    "
    for name, body in (("t_1", f"await t.until(lambda: os.path.exists({made!r}), 20, 'the third file')"), ("t_2", "pass"),
                       ("t_3", f"open({made!r}, 'w').close()"), ("t_4", "assert False")):
        with open(os.path.join(t.dir, name + ".py"), "w", encoding="ascii") as f:
            f.write(head + body + "\n")
    rc, out, err = await procs.run([sys.executable, os.path.join(procs.SRC, "tests", "e2e", "run.py"), "--jobs", "2",
                                    *(os.path.join(t.dir, f"t_{n}.py") for n in range(1, 5))], 50)
    assert rc == 1 and "\ne2e: 3 passed, 1 failed, 0 skipped in" in out, (rc, out, err)
    assert out.index("# t_3\n") < out.index("# t_1\n"), out


@test("leaks: a key is found in each of its forms, among text and among octets, and nothing is found where it is not", smoke=True)
async def finds_keys(t):
    keys = [b"0123456789abcdef", bytes(range(1, 17)), b"\n" + os.urandom(15), b"\0" + os.urandom(15), os.urandom(32)]
    folder = os.path.join(t.dir, "looked-at")
    os.makedirs(os.path.join(folder, "left-out"))
    for name, around in (("text", b"2026 INFO x=%b y\n" * 3), ("octets", b"\xff\0\n%b" * 3)):
        for n, key in enumerate(keys):
            for form in leaks.forms(key):
                for at in ("", "left-out"):
                    with open(os.path.join(folder, at, name), "wb") as f:
                        f.write(around % (b"nothing", form if not at else b"", b"nothing") + (form if at else b""))
                hits, _ = leaks.search(folder, keys, without=("left-out",))
                assert (os.path.join(folder, name), n, form[:12]) in hits and {x[0] for x in hits} == {os.path.join(folder, name)}, (name, n, form)
        os.remove(os.path.join(folder, name))
    assert leaks.search(folder, keys, without=("left-out",)) == ([], 0)
