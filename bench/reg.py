#!/usr/bin/env python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the registry takes, by the clock: a change of a grant until the BSF honours it, in a session that lives; changes that are on the
disk, one at a time and of many at once; a page of a listing, at the begin and at the end; a start. usage: reg.py BUILD-FOLDER

REG_SCALE  part of a realm of 1,000,000 devices, 10,000 applications and 5,000,000 grants; 0.01 if it is not said"""
import asyncio
import os
import statistics
import subprocess
import sys
import time

SRC = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(SRC, "tests", "e2e"))

SCALE = float(os.environ.get("REG_SCALE", "0.01"))
DEVICES, APPLICATIONS, EACH = int(1e6 * SCALE), max(int(1e4 * SCALE), 200), 5
CARDS, CHANGES, CONNECTIONS, SECONDS = 20, 300, 64, 5
PROGRAMS = ("bench/reg_fill", "reg/gba-regd", "bsf/gba-bsfd", "hss-sim/gba-hss-simd")
missed = []


def verdict(what, value, unit, target=None):
    met = target is None or value <= target
    print(f"{what}: {value:.3g} {unit}" + (f", target {target}: {'met' if met else 'MISSED'}" if target else ""), flush=True)
    if not met:
        missed.append(what)


def p99(values):
    return sorted(values)[int(len(values) * 0.99)]


def both(what, values, median=None, worst=None):
    """In seconds; targets in ms."""
    verdict(what + ", median", statistics.median(values) * 1e3, "ms", median)
    verdict(what + ", p99", p99(values) * 1e3, "ms", worst)


class Bench:
    def __init__(self, w, lib):
        self.w, self.lib, self.granted = w, lib, {}

    async def honoured(self, conn, session, impi):
        """Seconds from the order until the BSF gives the key, or gives it no more."""
        naf, fqdn = self.lib.naf, self.lib.FQDN
        want = not self.granted.get(impi, False)
        self.granted[impi] = want
        began = time.perf_counter()
        await self.w.order(f"{'grant' if want else 'withdraw'} {impi} {fqdn}")
        while ((await naf.fetch(conn, session.btid, naf.naf_id(fqdn))).key is not None) != want:
            pass
        return time.perf_counter() - began

    async def until_honoured(self):
        w = self.w
        await w.order(f"app add {self.lib.ASP} {self.lib.FQDN} 127.0.0.1/32")
        await w.told()
        sessions = [await w.ue(n).bootstrap() for n in range(CARDS)]
        conn = await w.naf(self.lib.FQDN)
        took = [await self.honoured(conn, sessions[n % CARDS], w.cards[n % CARDS].impi) for n in range(CHANGES)]
        both("a change of a grant until the BSF honours it", took, 20, 200)
        await w.told()

    async def change(self, conn, numbers, took, end):
        """Grants given and taken, one after the other, of devices that no HSS knows."""
        n = 0
        while time.monotonic() < end:
            impi = f"00101{numbers[n // 2 % len(numbers)]:010d}@ims.mnc001.mcc001.3gppnetwork.org"
            began = time.perf_counter()
            await conn.ask(f"{'withdraw' if n % 2 else 'grant'} {impi} {self.lib.FQDN}")
            took.append(time.perf_counter() - began)
            n += 1

    async def changes(self, n_connections, what):
        conns = [await self.lib.ctl.Ctl.open(self.w.ports["reg_ctl"]) for _ in range(n_connections)]
        took, end = [], time.monotonic() + SECONDS
        await asyncio.gather(*(self.change(c, range(1000 + k, DEVICES, n_connections), took, end) for k, c in enumerate(conns)))
        for c in conns:
            c.close()
        verdict(f"changes on the disk, {what}", len(took) / SECONDS, "a second")
        both(f"changes on the disk, {what}: each", took)

    async def pages(self):
        c = await self.lib.ctl.Ctl.open(self.w.ports["reg_ctl"])
        for what, behind in (("at the begin", 0), ("in the middle", APPLICATIONS // 2), ("at the end", APPLICATIONS - 101)):
            took = []
            for _ in range(300):
                began = time.perf_counter()
                page = await c.ask(f"app list app-{behind:06d}")
                took.append(time.perf_counter() - began)
            assert len(page["apps"]) == min(100, APPLICATIONS - behind), page
            both(f"a page of applications {what}", took, 2)
        c.close()

    async def device_pages(self):
        """Over HTTPS on one connection, of names that are random."""
        link, token = self.w.link(), await self.w.token()
        for what, behind in (("at the begin", "0"), ("in the middle", "8"), ("at the end", "fe")):
            took = []
            for _ in range(300):
                began = time.perf_counter()
                r = link.ask_now("GET", f"/devices?after={behind:0<32}", token=token)
                took.append(time.perf_counter() - began)
                assert r.status == 200 and r.json["devices"], r
                await asyncio.sleep(0.02)                          # a token has a rate
            both(f"a page of devices over HTTPS {what}", took, 2)

    async def start_again(self):
        await self.w.reg.stop()
        began = time.monotonic()
        await self.w.start_reg()
        verdict("a start", time.monotonic() - began, "s", 2)


async def measure(lib):
    t = lib.runner.Context("bench-reg")
    try:
        w = lib.reg_api.ApiRealm(t, bare=False, n_cards=CARDS)
        print(f"{DEVICES} devices, {APPLICATIONS} applications, {DEVICES * EACH} grants", flush=True)
        subprocess.run([lib.procs.program("reg_fill"), w.database, f"{w.etc}/reg-1.kek", str(DEVICES), str(APPLICATIONS), str(EACH)], check=True)
        verdict("database", os.stat(w.database).st_size / 1e6, "MB")
        await w.start()
        b = Bench(w, lib)
        await b.start_again()
        await b.until_honoured()
        await b.pages()
        await b.device_pages()
        await b.changes(1, "one at a time")
        await b.changes(CONNECTIONS, f"of {CONNECTIONS} at once")
        await b.start_again()
    finally:
        for line in await t.finish():
            print(line)


def main():
    if len(sys.argv) != 2 or not os.path.isfile(os.path.join(sys.argv[1], "Makefile")):
        sys.exit(f"{sys.argv[-1]} is no build folder\n{__doc__}")
    for name in PROGRAMS:
        if not os.path.exists(os.path.join(sys.argv[1], name)):
            sys.exit(f"{name} is not there. Type: make -C {sys.argv[1]} bench-reg")
    os.environ["GBA_BUILD"] = os.path.abspath(sys.argv[1])
    import lib.ctl
    import lib.naf
    import lib.procs
    import lib.reg_api
    import lib.registry
    import lib.runner
    lib.ASP, lib.FQDN = lib.registry.ASP, lib.registry.FQDN
    asyncio.run(measure(lib))
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
