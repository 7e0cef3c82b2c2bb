# SPDX-License-Identifier: AGPL-3.0-or-later
"""pcscd in a mount namespace of its own (its socket has one fixed place), readers of vsmartcard-vpcd in it, and gba-vuicc."""
import asyncio
import json
import os
import shutil
import subprocess

from . import procs

DRIVER = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so"
HERE = os.path.dirname(os.path.abspath(__file__))


def two_ports():
    """A reader has two slots, on a port and the next one."""
    while True:
        port = procs.free_port()
        if port % 2 == 0 and procs.is_free(port + 1):
            return port


class Pcscd:
    """One pcscd with one reader, .reader its name and .port where its card connects."""

    def __init__(self, t, name="pcscd"):
        t.need_root("a mount namespace")
        t.need_tool("unshare", "util-linux")
        exe = t.need_tool("pcscd", "pcscd")
        may = subprocess.run(["unshare", "-m", "true"], capture_output=True, text=True, check=False)
        if may.returncode:                                   # within chroot, for one
            t.skip(f"no mount namespace: {may.stderr.strip()}")
        if not os.path.exists(DRIVER):
            t.skip("libifdvpcd.so is missing (package vsmartcard-vpcd)")
        self.t, self.port, self.reader = t, two_ports(), "Virtual A 00 00"
        conf = f"{t.dir}/{name}.conf"
        with open(conf, "w", encoding="ascii") as f:
            f.write(f'FRIENDLYNAME "Virtual A"\nDEVICENAME /dev/null:{self.port}\nLIBPATH {DRIVER}\nCHANNELID {self.port:#x}\n')
        inside = f"mount -t tmpfs tmpfs /run && mkdir /run/pcscd && exec {exe} -f -c {conf}"
        self.daemon = procs.Daemon(name, ["unshare", "-m", "sh", "-c", inside], f"{t.dir}/{name}.log", notifies=False)

    async def start(self):
        await self.daemon.start(wait=False)
        self.t.cleanup(self.stop)

        async def listens():
            return os.path.exists(f"/proc/{self.daemon.pid}/root/run/pcscd/pcscd.comm")
        await self.t.until(listens, 10, "pcscd's socket")
        return self

    async def stop(self):
        await self.daemon.stop()

    def inside(self, *argv):
        """A command line where this pcscd is the one there is."""
        return ["nsenter", "-t", str(self.daemon.pid), "-m", "--", *argv]

    def scard(self):
        """scard.py for this reader; a test without pyscard is skipped."""
        try:
            import smartcard  # noqa: F401 pylint: disable=unused-import,import-outside-toplevel
        except ImportError:
            self.t.skip("pyscard is missing (package python3-pyscard)")
        return self.inside(shutil.which("python3", path="/usr/bin") or "python3", HERE + "/scard.py", self.reader)

    async def send(self, *words):
        """Commands in hex through pyscard: [[data, status word, ms]...]; an error text instead of a list."""
        argv = self.scard()
        rc, out, err = await procs.run(argv + list(words), 40)
        if rc:
            return json.loads(err.strip().split("\n")[-1])["error"] if '"error"' in err else err
        return json.loads(out)

    async def hold(self):
        """Another program that has the card for itself, until the end of the test."""
        p = await asyncio.create_subprocess_exec(*self.scard(), "hold", stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=procs.environment())
        self.t.cleanup(p.communicate, b"")
        assert await p.stdout.readline() == b"held\n"


class Vuicc:
    """A gba-vuicc in a reader."""

    def __init__(self, t, port, card_file, name="vuicc", *options):
        self.exe, self.control = t.need_program("gba-vuicc"), f"{t.dir}/{name}.ctl"
        self.daemon = procs.Daemon(name, [self.exe, "-c", card_file, "--reader", f"127.0.0.1:{port}", "--control", self.control,
                                          *options], f"{t.dir}/{name}.log", notifies=False)
        t.watch(self.daemon)

    async def start(self):
        await self.daemon.start()
        return self

    async def tell(self, word):
        rc, out, err = await procs.run([self.exe, "--control", self.control, word], 10)
        assert rc == 0, err
        return out.strip()
