# SPDX-License-Identifier: AGPL-3.0-or-later
"""osmo-hlr of the distribution. Its ports are fixed, so each has a loopback address of its own."""
import asyncio
import random
import shutil
import sqlite3
import tempfile

from . import procs
from .vty import Vty

GSUP_PORT, VTY_PORT = 4222, 4258


class Hlr:
    """Its files lie apart from the test's, since they hold the subscribers' keys as they are."""

    def __init__(self, t):
        if not shutil.which("osmo-hlr"):
            t.skip("osmo-hlr is not installed")
        self.t = t
        self.dir = folder = tempfile.mkdtemp(prefix="gba-hlr-")
        t.cleanup(shutil.rmtree, folder)
        self.addr = f"127.{random.randint(1, 254)}.{random.randint(0, 255)}.{random.randint(1, 254)}"
        self.db = f"{folder}/hlr.db"
        with open(f"{folder}/hlr.cfg", "w", encoding="utf-8") as f:
            f.write(f"log stderr\n logging level set-all notice\nline vty\n bind {self.addr}\nctrl\n bind {self.addr}\n"
                    f"hlr\n gsup\n  bind ip {self.addr}\n")
        self.daemon = procs.Daemon("osmo-hlr", ["osmo-hlr", "-c", f"{folder}/hlr.cfg", "-l", self.db], f"{folder}/hlr.log",
                                   notifies=False, ready_text="gsup")
        self.watched = False

    async def start(self):
        await self.daemon.start(wait=False)
        if not self.watched:
            self.t.cleanup(self.kill)
            self.watched = True
        await self.t.until(self.answers, 20, "osmo-hlr to listen")

    async def answers(self):
        try:
            _, w = await asyncio.open_connection(self.addr, GSUP_PORT)
        except OSError:
            assert self.daemon.running, self.daemon.tail(10)
            return False
        w.close()
        return True

    async def kill(self):
        if self.daemon.running:
            self.daemon.asked_to_end = True
            self.daemon.proc.kill()
            await self.daemon.proc.wait()

    async def type(self, *lines):
        """At its VTY, as an operator. Returns what the last one printed."""
        v = Vty(*await asyncio.open_connection(self.addr, VTY_PORT))
        try:
            await v._until_prompt()             # pylint: disable=protected-access
            out = ""
            for line in lines:
                out = await v.command(line)
                assert not any(x in out for x in ("% Unknown", "% Error", "% Cannot", "% Command")), (line, out)
            return out
        finally:
            v.close()

    async def add(self, *cards):
        for c in cards:
            await self.type("enable", f"subscriber imsi {c.imsi} create",
                            f"subscriber imsi {c.imsi} update aud3g milenage k {c.k.hex()} opc {c.opc.hex()} ind-bitlen 5")

    def rows(self, query):
        db = sqlite3.connect(f"file:{self.db}?mode=ro", uri=True)
        try:
            return db.execute(query).fetchall()
        finally:
            db.close()
