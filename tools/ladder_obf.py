#!/usr/bin/env python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Print what happened in ./demo --obf, each line from what the processes themselves said. Fails if a step is missing or the promise is
not kept: the page without another bootstrap after the grant, none within recheck after its end."""
import json
import os
import re
import sys

import ladder
from ladder import row

ANSWERS = {200: "the page", 403: "this device may not use it"}
WHY = {"naf_ok": "BIR, BIA: Ks_NAF and the USS of this application, with a pseudonym", "naf_not_authorized": "BIR, BIA: 5402, no USS, no key"}


def run(number, causes):
    """One request of the device, with the bootstrap it needed, if any."""
    result = json.loads(ladder.read(f"obf-{number}.json"))
    for direction, line, headers in ladder.messages(ladder.read(f"obf-{number}.trace")):
        to_bsf = direction == ">" and headers["host"].startswith("bsf.") or direction == "<" and to_bsf
        auth, challenge = headers.get("authorization", ""), headers.get("www-authenticate", "")
        if direction == ">":
            row("UE  -> BSF" if to_bsf else "UE  -> NAF", "GET" + (", B-TID and digest with Ks_NAF" if auth and not to_bsf else ""))
        elif "3GPP-bootstrapping" in challenge:
            row("NAF -> UE", "401 " + ("bootstrapping required" if number == 1 else "a nonce"))
        elif challenge:
            row("BSF -> HSS", "MAR, MAA: one vector and the GUSS")
            row("BSF -> UE", "401 challenge: RAND and AUTN")
        elif to_bsf:
            row("BSF -> UE", "200 B-TID and lifetime")
        else:
            status = int(re.search(r" (\d{3})", line)[1])
            row("NAF -> BSF", WHY[causes[status]] + ("" if number == 1 else " (perhaps asked before, in the background)"))
            row("NAF -> UE", f"{status} {ANSWERS[status]}")
    return result


def main():
    targets = {t["target"]: t for t in json.loads(ladder.read("obf-outbox.json"))["targets"]}
    audit = [json.loads(line)["audit"] for line in ladder.read("obf-audit.json").splitlines()][0]
    if [a["what"] for a in audit] != ["app add", "device add", "grant", "withdraw"]:
        sys.exit(f"the audit is another one: {audit}")
    causes = {200: "naf_ok", 403: "naf_not_authorized"}
    took = [float(ladder.read(f"obf-{n}.s")) for n in (2, 3)]
    print()
    row("operator", "app add: policy at the BSF, and a naf.conf, with which alone the application has started; device add")
    first = run(1, causes)
    row("operator", "grant (audit row 3): a USS in the GUSS, told to BSF and HSS over their control sockets")
    second = run(2, causes)
    row("", f"after {took[0]:.1f} s, of which up to 1 s is how long the application remembers a refusal")
    row("operator", "withdraw (audit row 4)")
    third = run(3, causes)
    row("", f"after {took[1]:.1f} s: the application had the key, and asks again within {os.environ['OBF_RECHECK']} s (recheck)")
    print()
    statuses = [r.get("status") for r in (first, second, third)]
    bsf = ladder.counters("bsf")
    row("statuses", "403, 200, 403" if statuses == [403, 200, 403] else str(statuses))
    row("bootstraps", str(bsf["ub_ok"]))
    row("registry", ", ".join(f"{name} told {t['told']} times" for name, t in targets.items()))
    if statuses != [403, 200, 403] or bsf["ub_ok"] != 1:
        sys.exit("the promise was not kept")
    if took[1] > float(os.environ["OBF_RECHECK"]) + 5:      # a machine may stand still
        sys.exit("a right that was withdrawn lived on beyond recheck")


main()
