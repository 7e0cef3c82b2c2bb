# SPDX-License-Identifier: AGPL-3.0-or-later
"""doc/realm.md, "Open a realm in an afternoon", typed line by line."""
import asyncio
import os
import re
import shutil

from lib import procs
from lib.registry import Realm
from lib.runner import test
from lib.world import BSF_NAME

SAYS = "# says "


def chapter():
    """[(command, what it says)]; what is said of nothing is ""."""
    with open(os.path.join(procs.SRC, "doc", "realm.md"), encoding="utf-8") as f:
        lines = "\n".join(re.findall(r"```sh\n(.*?)```", f.read(), re.S)).split("\n")
    out = []
    for line in lines:
        if line.startswith(SAYS):
            out[-1] = (out[-1][0], line.removeprefix(SAYS))
        elif line:
            out.append((line, ""))
    return out


class Shell:
    """One shell, which keeps its variables from line to line."""

    async def start(self, env, cwd):
        self.p = await asyncio.create_subprocess_exec("/bin/bash", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                                                      stderr=asyncio.subprocess.STDOUT, env=procs.environment(env), cwd=cwd)
        return self

    async def type(self, line):
        """(exit status, what it says, each blank one)"""
        self.p.stdin.write(f"{line}\necho \" END $?\"\n".encode())
        said = (await asyncio.wait_for(self.p.stdout.readuntil(b" END "), 30 * procs.FACTOR)).decode()
        status = await self.p.stdout.readline()
        return int(status), re.sub(r"\s+", " ", said.removesuffix(" END "))

    async def end(self):
        self.p.stdin.close()
        await self.p.wait()


class Host:
    """The hosts of the chapter on one: its folders are those of a realm of tests, its programs those that were built, and one user has all files."""

    def __init__(self, t, w):
        self.t, self.w, self.port, self.https = t, w, procs.free_port(), procs.free_port()
        w.bsf_cfg.remove_node(f"policy directory {w.policy}")
        w.reg_cfg.set("registry", "recheck 60")
        self.places = {"/etc/gba": w.etc, "/var/lib/gba-reg-policy": w.policy, "/var/lib/gba-reg": os.path.dirname(w.database),
                       "192.0.2.10:3868": f"127.0.0.1:{w.ports['dia']}", "192.0.2.7:80": f"127.0.0.1:{self.port}", "192.0.2.7": "127.0.0.1", "192.0.2.10 8443": f"127.0.0.1 {self.https}",
                       "192.0.2.10 8444": f"127.0.0.1 {procs.free_port()}"}
        self.bin = os.path.join(w.dir, "bin")
        os.mkdir(self.bin)
        self.program("gba-regd", "")
        self.program("curl", f"--connect-to registry.example.com:8443:127.0.0.1:{self.https} --cacert {w.etc}/reg.pem", exe=shutil.which("curl"))
        self.program("chown", "", exe="true")
        self.program("gba-ue", f"--connect-to {BSF_NAME}:80:127.0.0.1:{w.ports['ub']} --connect-to video.example.com:80:127.0.0.1:{self.port}")
        self.program("gbactl", "-s $socket", f"case $* in policy*) socket={w.ports['bsf_ctl']};; *) socket={w.ports['reg_ctl']};; esac\n")

    def program(self, name, more, before="", exe=None):
        path = os.path.join(self.bin, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(f'#!/bin/sh\n{before}exec {exe or self.t.need_program(name)} {more} "$@"\n')
        os.chmod(path, 0o755)

    def here(self, line):
        for there, place in self.places.items():
            line = line.replace(there, place)
        return line

    async def begin(self):
        await super(Realm, self.w).start()                         # without the registry, which the chapter starts
        self.w.reg = self.w.reg_daemon()
        with open(os.path.join(procs.SRC, "conf", "gba-reg.cfg"), encoding="utf-8") as f, open(f"{self.w.etc}/gba-reg.cfg", "a", encoding="utf-8") as own:
            own.write(self.here(re.search(r"^!api\n.*?^!\n", f.read(), re.M | re.S).group()))       # what it has as a comment
        self.t.watch(self.w.reg)
        self.w.usim()
        self.shell = await Shell().start({"PATH": f"{self.bin}:{os.environ['PATH']}"}, self.w.etc)
        self.t.cleanup(self.shell.end)

    async def systemctl(self, line):
        daemon = {"gba-bsfd": self.w.bsf, "gba-regd": self.w.reg}[line.split()[-1]]
        if daemon.running:
            await daemon.stop()
        await daemon.start()
        await self.w.wait_hss_peer()

    async def background(self, line):
        argv = line.removesuffix(" &").split()
        daemon = procs.Daemon(argv[0], [self.t.need_program(argv[0]), *argv[1:]], os.path.join(self.w.dir, "log", argv[0] + ".log"), notifies=False,
                              ready_text="ready")
        for n, word in enumerate(daemon.argv):
            if word == "naf.conf":
                daemon.argv[n] = os.path.join(self.w.etc, word)
        self.t.watch(daemon)
        await daemon.start()

    async def type(self, line, says):
        line = self.here(line)
        if line.startswith("systemctl "):
            return await self.systemctl(line)
        if line.endswith(" &"):
            return await self.background(line)
        rc, out = await self.shell.type(line)

        async def said():
            nonlocal rc, out
            if says not in out:                                    # what changes by itself, within recheck
                rc, out = await self.shell.type(line)
            return says in out
        await self.t.until(said, 20, f"'{line}' to say '{says}'", then=lambda: out)
        assert rc == 0 or "refused:" in says or "403" in says, (line, rc, out)


@test('each line of "Open a realm in an afternoon" does what the chapter says', smoke=True, timeout=120)
async def afternoon(t):
    t.need_tool("curl", "curl")
    h = Host(t, Realm(t, n_cards=1))
    await h.begin()
    lines = chapter()
    assert len(lines) > 20, lines
    for line, says in lines:
        await h.type(line, says)
