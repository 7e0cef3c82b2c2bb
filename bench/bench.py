#!/usr/bin/env python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a BIR and a bootstrap cost, beside what they must cost at least. Usage: bench.py BUILD-FOLDER [--full] [--quick] [--rounds N]
[--only zn|uss|grants|nafs|policy|ub|beside|calls|gba_u|big]

How it is measured: measure.py. Each part is a method of one of the classes below."""
import os
import sys
import time

from beside import Beside
from big import Big
from calls import Calls
from measure import arguments
from policy import Policy
from ub import Ub
from zn import Zn

PARTS = ("zn", "uss", "grants", "nafs", "policy", "ub", "beside", "calls", "gba_u")


class All(Zn, Policy, Ub, Beside, Calls, Big):
    """Every part."""


def main():
    a = arguments()
    a.add_argument("--full", action="store_true", help="with 1,000,000 sessions")
    a.add_argument("--only", action="append", choices=(*PARTS, "big"))
    o = a.parse_args()
    parts = o.only or PARTS + (("big",) if o.full else ())
    begun = time.monotonic()
    missed = All.measure(o, parts, 10 if o.quick else 1)
    print(f"{time.monotonic() - begun:.0f} s, {missed} targets missed, load of the machine now {os.getloadavg()[0]:.1f}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
