#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""gba-keys as a person uses it: the vectors through the program, inputs from everywhere, refusals. TAP."""
import hashlib
import json
import os
import subprocess
import sys
import tempfile

KEYS = os.path.join(os.environ.get("builddir", "."), "tools", "gba-keys")
VECTORS = os.path.join(os.environ.get("srcdir", "."), "tests", "vectors", "gba-vectors.json")
K = "465b5ce8b199b49faa5f0a2ee238a6bc"


def run(*args, text="", env=None):
    e = {k: v for k, v in os.environ.items() if not k.startswith("GBA_")}
    e.update(env or {})
    return subprocess.run([KEYS, *args], input=text, capture_output=True, text=True, timeout=60, env=e)


def steps(*args, **kw):
    p = run("--json", *args, **kw)
    assert p.returncode == 0, p.stderr
    return {s["name"]: s["value"] for s in json.loads(p.stdout)["steps"]}


def lines(**values):
    return "".join(f"{k.replace('_', '-')} = {v}\n" for k, v in values.items())


def vectors():
    with open(VECTORS, encoding="utf-8") as f:
        for v in json.load(f)["gba"]:
            common = {"impi": v["IMPI"], "bsf": v["BSF_name"], "naf": v["NAF_FQDN"], "ua": v["Ua_id"], "rand": v["RAND"]}
            want = {"Ks_NAF": "Ks_NAF", "Ks_int_NAF": "Ks_int_NAF", "TMPI": "TMPI", "B-TID": "B_TID", "NAF_Id": "NAF_Id",
                    "password": "Ks_NAF_base64"}
            got = steps("--in", "-", text=lines(k=v["K"], op=v["OP"], sqn=v["SQN"], amf=v["AMF"],
                                                sqn_ms=v["resync"]["SQN_MS"], **common))
            for name, field in {**want, "OPc": "OPc", "RES": "RES", "CK": "CK", "IK": "IK", "AUTN": "AUTN", "Ks": "Ks"}.items():
                assert got[name] == v[field], (v["name"], name)
            assert got["auts"] == v["resync"]["auts_base64"]
            u = v["gba_u"]
            assert got["AUTN* SHA-1"] == u["AUTN_star"] and got["AUTN* SHA-256"] == u["sha256"]["AUTN_star"], v["name"]
            assert got["RES of GBA_U"] == u["RES_lsb_flipped"], v["name"]
            turned = hashlib.md5(f"{v['IMPI']}:{v['BSF_name']}:".encode() + bytes.fromhex(u["RES_lsb_flipped"])).hexdigest()
            assert got["HA1 of GBA_U"] == turned
            for star in ("AUTN* SHA-1", "AUTN* SHA-256"):
                back = steps("--in", "-", text=lines(k=v["K"], op=v["OP"], autn=got[star], **common))
                assert back["MAC-A"] == f"right, as MAC* of {star[6:]}: for the GBA context", back["MAC-A"]
            if v["BSF_name"] == v["ub"]["realm"]:
                assert got["HA1 of Ub"] == v["ub"]["HA1"]
            for given in ({"ks": v["Ks"]}, {"ck": v["CK"], "ik": v["IK"]}):
                got = steps("--in", "-", text=lines(**given, **common))
                for name, field in want.items():
                    assert got[name] == v[field], (v["name"], name, list(given))


def from_everywhere():
    with tempfile.NamedTemporaryFile("w", suffix=".cfg") as f:
        f.write(f"! a card\nusim\n imsi 001010000000001\n mnc-length 2\n k {K}\n op cdc202d5123e20f62b6d676ac72cb318\n"
                " algorithm milenage\n state-file x.state\n")
        f.flush()
        got = steps("--in", f.name, "rand=23553cbe9637a89d218ae64dae47bf35")
        assert got["Ks"].startswith("b40ba9a3c58b2a05") and got["BSF name"] == "bsf.mnc001.mcc001.pub.3gppnetwork.org"
        # a word wins over the file, the file over the environment
        got = steps("--in", f.name, "rand=23553cbe9637a89d218ae64dae47bf36", "imsi=001020000000001",
                    env={"GBA_IMSI": "001030000000001", "GBA_NAF": "x.example.com"})
        assert got["IMPI"] == "001020000000001@ims.mnc002.mcc001.3gppnetwork.org" and "Ks_NAF" in got
    assert steps(env={"GBA_K": K, "GBA_OPC": K, "GBA_RAND": K})["CK"]


def secrets_refused():
    for args in (["k=" + K], ["--k=" + K], ["-k", K], ["--opc", K], ["KS=" + K * 2], ["--in", "-", "res=00112233"], ["ck:" + K]):
        p = run(*args, text=lines(op=K))
        assert p.returncode == 2 and "secret" in p.stderr and p.stdout == "", (args, p.stderr)
        assert K not in p.stderr, "the refusal repeats the secret"


def errors():
    for text, word in ((f"k = {K[:-1]}\n", "standard input:1: k: allowed is 32 or 64 hex"), ("\nkey = 1\n", ":2: unknown name 'key'"),
                       (f"k = {K}\nk = {K}\n", ":2: k is given twice"), (lines(k=K, rand=K), "k needs op or opc"),
                       (lines(ck=K), "ck and ik"), (lines(ks=K * 2, ck=K, ik=K), "ks and ck"), ("", "nothing follows"),
                       (lines(k=K, op=K, opc=K), "op and opc"), (lines(imsi="12", mnc_length=2), "imsi needs"),
                       (lines(impi="nobody"), "impi: allowed"), (lines(rand=K, bsf="a b"), ":2: bsf"),
                       (lines(k=K, op=K, rand=K, sqn="0" * 12, autn=K), "sqn and autn"), (lines(ck=K, ik=K, k=K, op=K), "ck and k"),
                       (lines(impi="a@b.c", imsi="001010000000001", mnc_length=2), "impi and imsi"),
                       (lines(ks=K * 2, k=K, op=K), "ks and k"), (lines(res="00112233", k=K, op=K), "res and k"),
                       (lines(k=K, op=K, algorithm="tuak"), "op or opc of 128 bits; allowed with tuak: 256"),
                       (lines(k=K, op=K * 2), "op or opc of 256 bits; allowed with milenage: 128"),
                       (lines(k=K * 2, op=K), "K of 256 bits; allowed with milenage: 128"),
                       (lines(k=K, op=K, algorithm="xor"), "op or opc; allowed with xor: none"),
                       (lines(k=K, op=K * 2, algorithm="tuak", res_length=256), "RES of 256 bits; allowed with tuak: 64, 32 or 128"),
                       (lines(k=K, op=K, rounds=2), "rounds; allowed with tuak"),
                       (lines(k=K, op=K, res_length="x"), "res-length: allowed"),
                       (lines(k=K, op=K, algorithm="comp128"), "algorithm: allowed is milenage, tuak, xor"),
                       (K + "\n", ":1: unknown name '...'")):    # a key alone, its name forgotten
        p = run("--in", "-", text=text)
        assert p.returncode == 2 and K not in p.stderr, (text, p.stderr)
        assert word in p.stderr or word == ":2: bsf" and "bsf: allowed" in p.stderr, (text, p.stderr)
    p = run("--in", "/nowhere/x")
    assert p.returncode == 2 and "/nowhere/x" in p.stderr
    assert run("rand").returncode == 2 and run("--nonsense").returncode == 2
    p = run("--in", "-", text="\x1b[2Jk = 1\n")
    assert p.returncode == 2 and "\x1b" not in p.stderr and "\\x1b[2J" in p.stderr, p.stderr
    with open("/dev/full", "w", encoding="utf-8") as full:
        for more in ([], ["--json"]):
            p = subprocess.run([KEYS, *more, "naf=naf1.example.com"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
            assert p.returncode == 1 and "standard output" in p.stderr, (more, p)
    p = run("--help")
    assert p.returncode == 0 and "SECRET" in p.stdout and "Ks" in p.stdout


def opened():
    got = run("--in", "-", text=lines(k=K, opc="cd63cb71954a9f4e48a5994e37a02baf", rand="23553cbe9637a89d218ae64dae47bf35",
                                      autn="55f328b43577b9b94a9ffac354dfafb2", auts="ba853f3c121b1d42e794305f81bd")).stdout
    assert "WRONG: the card refuses" in got and "ff9bb4d0b607" in got, got
    assert "MAC-S        right" in got and "ff9bb4d0b620" in got, got


def main():
    cases = [("every vector through the program, from K, from Ks, from CK and IK", vectors),
             ("card file, words, environment", from_everywhere), ("no secret from the argument list", secrets_refused),
             ("what is wrong is told with its line and without its value", errors), ("AUTN and AUTS received are opened and judged", opened)]
    failed = 0
    print(f"1..{len(cases)}")
    for n, (name, case) in enumerate(cases, 1):
        try:
            case()
            print(f"ok {n} - {name}")
        except (AssertionError, KeyError, subprocess.SubprocessError) as e:
            failed += 1
            print(f"not ok {n} - {name}: {e!r}")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
