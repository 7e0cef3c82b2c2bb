#!/usr/bin/env python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the registry takes, by the clock: a change of a grant until the BSF honours it, in a session that lives; changes that are on the
disk, one at a time and of many at once; a page of a listing, at the begin and at the end; a start. usage: reg.py BUILD-FOLDER [PART ...]

REG_SCALE  part of a realm of 1,000,000 devices, 10,000 applications and 5,000,000 grants; 0.01 if it is not said
REG_KEPT   a folder in which the filled database stays, for the next time; of a whole realm it takes minutes

The daemons and what asks them go before all else on the machine, where that is allowed: what others do there does not count."""
import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import time

SRC = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(SRC, "tests", "e2e"))

SCALE, KEPT = float(os.environ.get("REG_SCALE", "0.01")), os.environ.get("REG_KEPT")
DEVICES, APPLICATIONS, EACH = int(1e6 * SCALE), max(int(1e4 * SCALE), 200), 5
CARDS, KNOWN, CHANGES, CONNECTIONS, OTHERS, SECONDS = 20, 200, 1000, 64, 32, 5       # KNOWN: to the HSS; CARDS of them have a session
PROGRAMS = ("bench/reg_fill", "reg/gba-regd", "bsf/gba-bsfd", "hss-sim/gba-hss-simd")
PARTS = ("start_again", "until_honoured", "pages", "device_pages", "one_at_a_time", "many_at_once", "beside_others")
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
            await asyncio.sleep(0.0005)                            # who asks without a pause takes the CPU from who is to answer
        return time.perf_counter() - began

    async def begin(self):
        w = self.w
        await w.order(f"app add {self.lib.ASP} {self.lib.FQDN} 127.0.0.1/32")
        await w.told()
        self.sessions = [await w.ue(n).bootstrap() for n in range(CARDS)]
        self.conn = await w.naf(self.lib.FQDN)
        for pid in (0, w.reg.proc.pid, w.bsf.proc.pid, w.hss.proc.pid):
            self.lib.real_time(pid)

    async def honoured_each(self, what, median=None):
        took = [await self.honoured(self.conn, self.sessions[i % CARDS], self.w.cards[i % CARDS].impi) for i in range(CHANGES)]
        both(f"a change of a grant until the BSF honours it{what}", took, median, 200)

    async def until_honoured(self):
        await self.honoured_each("", 20)

    async def beside_others(self):
        """While others change grants of devices that the HSS knows, too, as fast as they can."""
        enough = asyncio.Event()
        others = asyncio.create_task(self.changes(OTHERS, f"of {OTHERS} at once, beside it", range(CARDS, KNOWN), enough))
        await asyncio.sleep(1)
        await self.honoured_each(", beside other changes")
        enough.set()
        await others
        began = time.monotonic()
        await self.w.told(600)
        verdict("until all targets are told of them", time.monotonic() - began, "s")

    async def change(self, conn, numbers, took, enough):
        """Grants given and taken, one after the other."""
        n = 0
        while not enough.is_set():
            impi = f"00101{numbers[n // 2 % len(numbers)] + 1:010d}@ims.mnc001.mcc001.3gppnetwork.org"
            began = time.perf_counter()
            await conn.ask(f"{'withdraw' if n % 2 else 'grant'} {impi} {self.lib.FQDN}")
            took.append(time.perf_counter() - began)
            n += 1

    async def changes(self, n_connections, what, devices, enough=None):
        conns = [await self.lib.ctl.Ctl.open(self.w.ports["reg_ctl"]) for _ in range(n_connections)]
        took, began, for_seconds = [], time.monotonic(), not enough
        enough = enough or asyncio.Event()
        if for_seconds:
            asyncio.get_running_loop().call_later(SECONDS, enough.set)
        await asyncio.gather(*(self.change(c, devices[k::n_connections], took, enough) for k, c in enumerate(conns)))
        for c in conns:
            c.close()
        verdict(f"changes on the disk, {what}", len(took) / (time.monotonic() - began), "a second")
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

    async def one_at_a_time(self):
        await self.changes(1, "one at a time", range(KNOWN, DEVICES))

    async def many_at_once(self):
        await self.changes(CONNECTIONS, f"of {CONNECTIONS} at once", range(KNOWN, DEVICES))

    async def start_again(self):
        await self.w.reg.stop()
        began = time.monotonic()
        await self.w.start_reg()
        verdict("a start", time.monotonic() - began, "s", 2)


def fill(lib, w):
    numbers, kek = [str(n) for n in (DEVICES, APPLICATIONS, EACH)], f"{w.etc}/reg-1.kek"

    def make(path):
        subprocess.run([lib.procs.program("reg_fill"), path, kek, *numbers], check=True)
    if not KEPT:
        make(w.database)
        return
    kept = os.path.join(KEPT, "-".join(numbers) + ".sqlite")
    if not os.path.exists(kept):
        os.makedirs(KEPT, mode=0o700, exist_ok=True)
        shutil.copyfile(kek, kept + ".kek")
        make(kept + ".part")
        os.rename(kept + ".part", kept)
    shutil.copyfile(kept + ".kek", kek)
    shutil.copyfile(kept, w.database)


async def measure(lib, parts):
    t = lib.runner.Context("bench-reg")
    try:
        w = lib.reg_api.ApiRealm(t, bare=False, n_cards=KNOWN)
        w.reg_cfg.set("log stderr", "logging level set-all fatal")     # an HSS that does not know most of them is no news
        print(f"{DEVICES} devices, {APPLICATIONS} applications, {DEVICES * EACH} grants", flush=True)
        fill(lib, w)
        verdict("database", os.stat(w.database).st_size / 1e6, "MB")
        await w.start()
        b = Bench(w, lib)
        await b.begin()
        for part in parts:
            await getattr(b, part)()
    finally:
        for line in await t.finish():
            print(line)


def main():
    if len(sys.argv) < 2 or not os.path.isfile(os.path.join(sys.argv[1], "Makefile")):
        sys.exit(f"{sys.argv[-1]} is no build folder\n{__doc__}")
    for name in PROGRAMS:
        if not os.path.exists(os.path.join(sys.argv[1], name)):
            sys.exit(f"{name} is not there. Type: make -C {sys.argv[1]} bench-reg")
    os.environ["GBA_BUILD"] = os.path.abspath(sys.argv[1])
    import measure
    import lib.ctl
    import lib.naf
    import lib.procs
    import lib.reg_api
    import lib.registry
    import lib.runner
    lib.real_time = measure.real_time
    lib.ASP, lib.FQDN = lib.registry.ASP, lib.registry.FQDN
    asyncio.run(measure(lib, sys.argv[2:] or PARTS))
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
