# SPDX-License-Identifier: AGPL-3.0-or-later
"""Policy files changed, broken, taken away and brought back under BIRs: never a wrong answer. POLICY_STORM_FILES (300; 10,000 with
`make policy-storm`), POLICY_STORM_ROUNDS."""
import asyncio
import json
import os
import random

from lib import dia, naf, procs
from lib.dia import Avp
from lib.policy import PolicyDir
from lib.runner import test
from lib.world import World

FILES = int(os.environ.get("POLICY_STORM_FILES", 300))
ROUNDS = int(os.environ.get("POLICY_STORM_ROUNDS", 4))
RATE = 2000 if FILES > 1000 and not procs.SANITIZED else 200       # of the load beside
ASKERS = 16
DRA, LOAD = "dra.example.com", "load.example.com"
DENIED = (10415, 5402)


class App:
    """A NAF behind the relay. What it is now for the BSF is one of `may` versions: more than one between the first octet written and the
    answer of the reload. Version None: nothing it asks is granted."""

    def __init__(self, n):
        self.identity, self.n, self.may = f"app{n}.example.com", n, {None}

    def fqdn(self, version):
        return f"v{version}.app{self.n}.example.net"

    def text(self, version):
        """Odd ones may learn the IMPI."""
        return (f"naf {self.identity}\n via {DRA}\n speaks-for {self.fqdn(version)}\n "
                + ("private-identity allow\n" if version % 2 else "anonymous\n"))


class Storm:
    def __init__(self, t, w, d, s):
        self.t, self.w, self.d, self.s = t, w, d, s
        self.apps = [App(n) for n in range(FILES)]
        self.rng = random.Random(16)
        self.version, self.asked, self.ended = 0, 0, False

    async def one(self, conn, app):
        """Any version may be asked for; before and after are the versions it may be for the BSF."""
        version = self.rng.choice([self.version - 2, self.version - 1, self.version, self.version])
        before = set(app.may)
        bia = await naf.fetch(conn, self.s.btid, naf.naf_id(app.fqdn(version)), origin=(app.identity, "example.com"), timeout=30,
                              extra=[Avp(dia.ROUTE_RECORD, app.identity)])
        may = before | app.may
        self.asked += 1
        given = bia.result == 2001
        what = (app.identity, version, may, bia.result)
        assert given or (bia.result == DENIED and bia.empty_handed), what
        assert not given or (version in may and bia.key == self.s.ks_naf(app.fqdn(version))), what
        assert given or may != {version}, what
        assert not given or (bia.impi is not None) == bool(version % 2), (what, bia.impi)

    async def asks(self, conn):
        while not self.ended:
            await self.one(conn, self.rng.choice(self.apps))

    async def round(self):
        """Each file is another one, a few break or go; behind the reload all of it counts."""
        self.version += 1
        for i, app in enumerate(self.apps):
            fate = self.rng.randrange(50)
            there = os.path.exists(self.d.at(app.identity))
            after = self.version if fate > 1 else None
            app.may = set(app.may) | {after}
            if fate == 0 and there:
                self.d.remove(app.identity)
            elif fate < 2:
                self.d.write(app.identity, app.text(self.version)[:-30] + "\n colour red\n")
            else:
                self.d.write(app.identity, app.text(self.version))
            app.after = after
            if i % 50 == 0:
                await asyncio.sleep(0)
        out = await self.d.ask()
        for app in self.apps:
            app.may = {app.after}
        return out

    async def load(self):
        """Beside them, a NAF of the directory whose file is written anew each round and says the same."""
        seconds = 2
        while not self.ended:
            rc, out, err = await procs.run([self.t.need_program("zn_load"), "--identity", LOAD, "--port", str(self.w.ports["dia"]), "--realm",
                                            naf.BSF_REALM, "--btids", self.btids, "--naf", "naf9.example.net", "--in-flight", "1",
                                            "--rate", str(RATE), "--requests", str(RATE * seconds)], 120)
            assert rc == 0 and json.loads(out)["ok"] == RATE * seconds, (rc, out, err)
            self.loaded = getattr(self, "loaded", 0) + RATE * seconds


@test(f"policy storm: {FILES} files changed, broken, removed under BIRs of all of them: each answer is that of the table before or behind the reload",
      timeout=max(60, FILES // 20))
async def storm(t):
    w = World(t, raw_hss=True)
    d = PolicyDir(w)
    w.bsf_cfg.add(f"peer {DRA}", "address 127.0.0.1")
    d.write(LOAD, "address 127.0.0.1\nspeaks-for naf9.example.net\n")
    await w.start()
    s = await w.ue().bootstrap()
    storm = Storm(t, w, d, s)
    storm.btids = w.write_secret("btids", s.btid + "\n")
    conn = await w.naf(DRA)
    await storm.round()
    rss = w.bsf.rss_kib()
    tasks = [asyncio.ensure_future(storm.asks(conn)) for _ in range(ASKERS)] + [asyncio.ensure_future(storm.load())]
    try:
        took = []
        for n in range(ROUNDS):
            d.write(LOAD, f"address 127.0.0.1\n! {n}\nspeaks-for naf9.example.net\n")
            out = await storm.round()
            took.append(out["ms"])
            target = storm.asked + 3 * ASKERS
            while storm.asked < target and not any(x.done() for x in tasks):     # what counts now is asked for, too
                await asyncio.sleep(0.01)
            for x in tasks:
                if x.done():
                    x.result()
        good, bad = out["good"], out["bad"]
        assert good + bad + out["vanished"] == FILES + 1 and bad and out["vanished"], out
        storm.ended = True
        await asyncio.gather(*tasks)
    finally:
        storm.ended = True
        await asyncio.gather(*tasks, return_exceptions=True)
    # killed, the next one has what is written
    await w.bsf.kill()
    await w.bsf.start()
    conn = await w.naf(DRA)
    for app in storm.rng.sample(storm.apps, min(200, FILES)):
        await storm.one(conn, app)
    t.note(f"{ROUNDS} rounds of {FILES} files, read in {took} ms; {storm.asked} answers looked at, {storm.loaded} of the load beside; "
           f"{rss // 1024} MiB after the first, {w.bsf.rss_kib() // 1024} after a start")
