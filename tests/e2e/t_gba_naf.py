# SPDX-License-Identifier: AGPL-3.0-or-later
"""gba-naf on the command line: what it tells of every outcome, what it refuses, and that no BSF steers the terminal."""
import json
import os
import time

from lib import dia, kdf, procs
from lib.app import RawBsf, a_btid
from lib.dia import Avp
from lib.runner import test
from lib.world import BSF_NAME


async def raw_bsf(t):
    bsf = RawBsf()
    port = procs.free_port()
    await bsf.start(port)
    t.cleanup(bsf.stop)
    return bsf, [t.need_program("gba-naf"), "bir", a_btid(), "--naf", "naf1.example.com", "--ua", "0100000002", "--bsf",
                 f"127.0.0.1:{port}"]


def settings(gsid):
    xml = f'<ussList><uss id="{gsid}" type="1"><uids/></uss></ussList>'
    return [Avp(dia.RESULT, 2001), Avp(dia.ME_KEY, os.urandom(32)), Avp(dia.KEY_EXPIRY, dia.to_ntp(int(time.time()) + 60)),
            Avp(dia.GUSS, xml.encode())]


@test("gba-naf prints no escape sequence a BSF sends, as text and as JSON", smoke=True)
async def escapes(t):
    bsf, argv = await raw_bsf(t)
    gsid = "1\u009b2J\x7f\u202e\u200f\ufeff"         # what XML can carry
    bsf.answer = settings(gsid)
    for more in ([], ["-v"], ["--json"], ["--json", "-v"]):
        rc, out, err = await procs.run(argv + more, 20, binary=True)
        assert rc == 0 and out, (more, rc, out, err)
        for stream in (out, err):
            assert all(c >= 0x20 or c == 10 for c in stream) and 0x7f not in stream, (more, stream)
            assert not any(0x80 <= ord(c) < 0xa0 or c in "\u202e\u200f\ufeff" for c in stream.decode()), (more, stream)
        if "--json" in more:
            assert json.loads(out)["uss"][0]["gsid"] == gsid, "JSON holds what came"


@test("gba-naf: every outcome in JSON with cause, result code and run id; one exit code each", smoke=True)
async def outcomes(t):
    bsf, argv = await raw_bsf(t)
    rand = os.urandom(16)
    argv[2] = kdf.btid(rand, BSF_NAME)
    rows = [(settings("1"), 0, "ok", 2001), ([Avp(dia.RESULT, 2001)], 1, "no_key", 2001), ([dia.experimental(5402)], 1, "refused", 5402),
            ([dia.experimental(5403)], 3, "btid_unknown", 5403), ([Avp(dia.RESULT, 3004)], 4, "later", 3004),
            ([Avp(dia.RESULT, 5012)], 1, "refused", 5012), ([Avp(dia.RESULT, 5403)], 1, "refused", 5403)]  # not 3GPP's 5403
    for answer, code, cause, result in rows:
        bsf.answer = answer
        rc, out, err = await procs.run(argv + ["--json"], 20)
        o = json.loads(out)
        assert (rc, o["cause"], o["result_code"], o["run"]) == (code, cause, result, kdf.run_id(rand)), (rc, o, err)
    rc, out, err = await procs.run(argv, 20)
    assert rc == 1 and kdf.run_id(rand) in out, "text names the run, too"
    bsf.answer = settings("1") + [Avp(dia.USER_NAME, "001010000000001@ims.example.org")]
    for more in ([], ["--json"]):
        rc, out, err = await procs.run(argv + more, 20)
        assert rc == 0 and "00101*****@ims.example.org" in out and "0000000001" not in out, "an identity is masked"
    bsf.answer = None                                              # silence
    rc, out, err = await procs.run(argv + ["--json", "--timeout", "300"], 20)
    o = json.loads(out)
    assert (rc, o["cause"], o["result_code"], o["run"]) == (4, "no_answer", None, kdf.run_id(rand)), (rc, o, err)
    bsf.apps = [dia.APP_ZH]
    rc, out, err = await procs.run(argv + ["--timeout", "3000"], 20)
    assert rc == 4 and f"its CEA offers none of our applications ({dia.APP_ZN})" in err, (rc, out, err)
    bsf.apps = [dia.APP_ZN]
    bsf.answer = settings("1") + [Avp(4242, b"x", m=True)]         # one nobody knows, with M: told at once
    rc, out, err = await procs.run(argv + ["--json", "--timeout", "20000"], 15)
    o = json.loads(out)
    assert (rc, o["cause"]) == (1, "unreadable") and "5001, AVP 4242" in o["reason"], (rc, o, err)
    argv[-1] = "127.0.0.1:1"
    rc, out, err = await procs.run(argv + ["--timeout", "200"], 20)
    assert rc == 4 and f"(run {kdf.run_id(rand)})" in err, (rc, out, err)


@test("gba-naf: malformed words are refused before anything is sent, exit code 2, also as JSON", smoke=True)
async def usage(t):
    exe = t.need_program("gba-naf")
    bir = ["bir", a_btid(), "--naf", "naf1.example.com", "--ua", "0100000002"]
    wrong = [[], ["bir"], ["dance", "x"], ["bir", "a", "b"], bir[:4], bir[:2] + bir[4:]]
    wrong += [bir + more for more in (["--timeout", "0"], ["--timeout", "-4294967295"], ["--timeout", "+5"], ["--timeout", " 5"],
                                      ["--timeout", "5s"], ["--timeout", "600001"], ["--gsid", "x"], ["--gsid", ""], ["--identity", "a b"],
                                      ["--realm", ""], ["--bsf-identity", "-x"], ["--bsf-realm", "x..y"], ["--colour"], ["-q"],
                                      ["--timeout"], ["--bsf", ""], ["--bsf", "127.0.0.1:99999"], ["--bsf", "127.0.0.1:0"])]
    wrong += [bir[:3] + ["a_b"] + bir[4:], bir[:5] + ["01"], bir[:5] + ["010000000g"],
              ["bir", "nonsense"] + bir[2:] + ["--bsf-realm-from-btid"], ["curl-config", "nonsense", "-"]]
    for words in wrong:
        rc, out, err = await procs.run([exe, *words, "--json"] if words else [exe, "--json"], 20)
        o = json.loads(out)
        assert rc == 2 and (o["result"], o["cause"], o["result_code"]) == ("none", "usage", None), (words, rc, o, err)
    for words in wrong[:3]:
        rc, out, err = await procs.run([exe, *words], 20)
        assert rc == 2 and not out and "--help" in err, (words, rc, out, err)
