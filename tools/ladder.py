#!/usr/bin/env python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Print what happened in a demo, each line from what the processes themselves said: the device's trace and result, the
application's log, the counters of BSF and HSS. Fails if a step is missing."""
import json
import os
import re
import signal
import subprocess
import sys

folder = sys.argv[1]
here = os.path.dirname(os.path.abspath(__file__))


def read(name):
    with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as f:
        return f.read()


def counters(daemon):
    out = subprocess.run([os.path.join(here, "vty"), f"{folder}/{daemon}-vty", "show counters"], capture_output=True, check=True).stdout
    return {m[1]: int(m[2]) for m in re.finditer(r"^\s*([a-z_]+)\s+(\d+)", out.decode("utf-8", "replace"), re.M)}


def messages(trace):
    """Requests and answers of the device, in order: (direction, first line, headers)."""
    found = []
    for line in trace.splitlines():
        if re.match(r"[<>] (GET|HTTP/)", line):
            found.append((line[0], line[2:], {}))
        elif found and re.match(r"[<>] [A-Za-z-]+:", line):
            name, value = line[2:].split(":", 1)
            found[-1][2][name.lower()] = value.strip()
    return found


def row(who, what):
    print(f"  {who:<12}  {what}")


def show(trace, result, log, bsf, hss):
    for direction, line, headers in messages(trace):
        if direction == ">":
            to_bsf = headers["host"].startswith("bsf.")
            who = "UE  -> BSF" if to_bsf else "UE  -> NAF"
            auth = headers.get("authorization", "")
            user = re.search(r'username="([^"@]*)', auth)
            digest = 'response=""' not in auth
            text = "GET" if not auth else "GET, " + ("answer of the card" if digest and to_bsf else
                                                     "B-TID and digest with Ks_NAF" if digest else "who I am")
            row(who, text + (f" ({'IMSI' if user[1].isdigit() else 'identity'} masked)" if user and not digest else ""))
            continue
        challenge = headers.get("www-authenticate", "")
        if "3GPP-bootstrapping" in challenge:
            row("NAF -> UE", "401 bootstrapping required: " + re.search(r'realm="([^"]*)"', challenge)[1])
        elif challenge:
            row("BSF -> HSS", f"MAR, MAA: one vector and the GUSS (HSS counts hss_ok {hss['hss_ok']})")
            row("BSF -> UE", "401 challenge: RAND and AUTN; the card checks them")
        elif "rspauth" in headers.get("authentication-info", "") and to_bsf:
            row("BSF -> UE", "200 B-TID and lifetime, with proof (rspauth) that the BSF holds the key")
        else:
            row("NAF -> BSF", f"BIR, BIA: Ks_NAF of this B-TID (BSF counts zn_ok {bsf['zn_ok']})")
            row("NAF -> UE", line.split(" ", 1)[1])
    print()
    row("B-TID", result["btid"])
    row("lifetime", "until " + result["lifetime"])
    row("key", f"UE {result['key_fingerprint']}, NAF {log['key_fingerprint']} (fingerprints)")
    if result["key_fingerprint"] != log["key_fingerprint"]:
        sys.exit("UE and NAF hold different keys")
    row("", "UE and NAF hold the same key, and never met before")
    row("page", " ".join(result["body"].split())[:100])


def main():
    result = json.loads(read("ue.json") or "{}")
    if result.get("result") != "answered" or result.get("status") != 200 or not result.get("used_gba"):
        sys.exit(f"the device got no page: {result.get('reason', result)}")
    lines = [json.loads(text) for text in read("naf.log").splitlines() if text.startswith("{")]
    accepted = [entry for entry in lines if entry.get("cause") == "naf_ok"]
    if not accepted:
        sys.exit("the application accepted nobody")
    bsf, hss = counters("bsf"), counters("hss")
    for name, where in (("ub_ok", bsf), ("zn_ok", bsf), ("hss_ok", hss)):
        if where.get(name, 0) < 1:
            sys.exit(f"counter {name} did not move")
    print()
    show(read("ue.trace"), result, accepted[-1], bsf, hss)


signal.signal(signal.SIGPIPE, signal.SIG_DFL)   # who reads only the first lines is served
if __name__ == "__main__":
    main()
