#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Our Milenage and XOR, AUTN and AUTS against osmo-auc-gen of libosmocore, over random keys. TAP.

Shows 102-6.3.2-2, 102-6.3.3-3, 102-C.1.1.1-1 with somebody else's arithmetic."""
import json
import os
import re
import secrets
import shutil
import subprocess
import sys

KEYS = os.path.join(os.environ.get("builddir", "."), "tools", "gba-keys")
ROUNDS = 60


def ours(values):
    text = "".join(f"{k} = {v}\n" for k, v in values.items())
    p = subprocess.run([KEYS, "--in", "-", "--json"], input=text, capture_output=True, text=True, check=True, timeout=60)
    return {s["name"]: s["value"] for s in json.loads(p.stdout)["steps"]}, p.stdout


def theirs(*args, a="MILENAGE"):
    p = subprocess.run(["osmo-auc-gen", "-3", "-a", a, *args], capture_output=True, text=True, check=True, timeout=60)
    return dict(re.findall(r"^(\S[^:]*):\t(\S+)$", p.stdout, re.M))


def one(i):
    k, op, rand, amf = (secrets.token_hex(n) for n in (16, 16, 16, 2))
    sqn = secrets.randbits(48)
    with_opc = i % 2 == 1
    key = ["-o" if with_opc else "-O", op]
    mine, _ = ours({"k": k, "opc" if with_opc else "op": op, "rand": rand, "amf": amf, "sqn": f"{sqn:012x}"})
    his = theirs("-k", k, *key, "-f", amf, "-s", str(sqn), "-r", rand)
    assert his["SQN"] == str(sqn), his
    for ours_name, his_name in (("RES", "RES"), ("CK", "CK"), ("IK", "IK"), ("AUTN", "AUTN")):
        assert mine[ours_name] == his[his_name], (i, ours_name)
    # our AUTS, opened by the other side, which checks MAC-S and goes on from SQN_MS
    sqn_ms = secrets.randbits(47)
    mine, _ = ours({"k": k, "opc" if with_opc else "op": op, "rand": rand, "sqn-ms": f"{sqn_ms:012x}"})
    his = theirs("-k", k, *key, "-f", amf, "-r", rand, "-A", mine["AUTS"])
    assert his["SQN.MS"] == str(sqn_ms), (i, his["SQN.MS"], sqn_ms)
    # and its vector after it, opened by us
    _, text = ours({"k": k, "opc" if with_opc else "op": op, "rand": rand, "autn": his["AUTN"]})
    opened = [(s["name"], s["value"]) for s in json.loads(text)["steps"]]
    assert ("SQN", f"{int(his['SQN']):012x}") in opened and ("MAC-A", "right") in opened, (i, opened)


def xor():
    """TS 34.108 8.1.2: no OP, RES of 16 octets; the whole way as with Milenage."""
    k, rand, amf = (secrets.token_hex(n) for n in (16, 16, 2))
    sqn, sqn_ms = secrets.randbits(47) + 32, secrets.randbits(47)
    his = theirs("-k", k, "-f", amf, "-s", str(sqn), "-r", rand, a="XOR")
    sqn = int(his["SQN"])                   # it steps back for a step forward that its XOR does not make
    mine, _ = ours({"algorithm": "xor", "k": k, "rand": rand, "amf": amf, "sqn": f"{sqn:012x}"})
    for name in ("RES", "CK", "IK", "AUTN"):
        assert mine[name] == his[name], (name, mine[name], his[name])
    mine, _ = ours({"algorithm": "xor", "k": k, "rand": rand, "sqn-ms": f"{sqn_ms:012x}"})
    his = theirs("-k", k, "-f", amf, "-r", rand, "-A", mine["AUTS"], a="XOR")
    assert his["SQN.MS"] == str(sqn_ms), (his, sqn_ms)
    opened, _ = ours({"algorithm": "xor", "k": k, "rand": rand, "autn": his["AUTN"]})
    assert opened["MAC-A"] == "right", opened


def forged():
    k, op, rand = (secrets.token_hex(16) for _ in range(3))
    mine, _ = ours({"k": k, "op": op, "rand": rand, "sqn-ms": "000000000abc"})
    auts = bytes.fromhex(mine["AUTS"])
    bad = (auts[:13] + bytes([auts[13] ^ 1])).hex()
    p = subprocess.run(["osmo-auc-gen", "-3", "-a", "MILENAGE", "-k", k, "-O", op, "-f", "0000", "-r", rand, "-A", bad],
                       capture_output=True, text=True, timeout=60)
    assert "SQN.MS" not in p.stdout or p.returncode != 0, "osmo-auc-gen takes a wrong MAC-S: this test shows nothing"
    steps, _ = ours({"k": k, "op": op, "rand": rand, "auts": bad})
    assert steps["MAC-S"].startswith("WRONG"), steps


def main():
    if not shutil.which("osmo-auc-gen"):
        print("osmo-auc-gen is missing (Debian: libosmocore-utils)")
        return 77
    failed = 0
    cases = [(f"random keys, round {i}", lambda i=i: one(i)) for i in range(ROUNDS)] + [(f"XOR, round {i}", xor) for i in range(10)] + [("a forged AUTS is refused by both", forged)]
    print(f"1..{len(cases)}")
    for n, (name, run) in enumerate(cases, 1):
        try:
            run()
            print(f"ok {n} - {name}")
        except (AssertionError, subprocess.SubprocessError, KeyError) as e:
            failed += 1
            print(f"not ok {n} - {name}: {e!r}")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
