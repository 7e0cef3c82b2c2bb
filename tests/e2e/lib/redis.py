# SPDX-License-Identifier: AGPL-3.0-or-later
"""A redis-server of a test's own, and BSFs that share it."""
import asyncio
import secrets
import signal

from . import procs
from .world import HSS_ID, World

MAY = "~c* ~s* ~i* ~t* ~n* ~m ~k ~r -@all +get +getrange +set +del +scan +incr +pexpire +exists +pexpiretime +time +info +eval +evalsha"   # as the manual has it


class Redis:
    """One server with a password and a user who may what the manual says. start() begins empty, too. tls: Pair of certificate and key,
    for a second port of its own."""

    def __init__(self, t, *more, tls=None, ca=None):
        t.need_tool("redis-server", "redis-server")
        self.t, self.port, self.more = t, procs.free_port(), list(more)
        self.tls_port = procs.free_port() if tls else None
        if tls:
            self.more += ["--tls-port", str(self.tls_port), "--tls-cert-file", tls.certificate, "--tls-key-file", tls.key,
                          "--tls-ca-cert-file", ca]
        self.password, self.admin = secrets.token_hex(16), secrets.token_hex(16)
        self.proc = None
        t.cleanup(self.kill)

    async def start(self):
        words = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--requirepass", self.admin,
                 "--user", "gba", "on", f">{self.password}", *MAY.split(), *self.more]
        with open(f"{self.t.dir}/redis.log", "ab") as log:
            self.proc = await asyncio.create_subprocess_exec(*words, stdout=log, stderr=log, cwd=self.t.dir)
        await self.t.until(self.answers, 20, "redis-server to answer")
        return self

    async def answers(self):
        try:
            return await self.ask("PING") == b"+PONG"
        except OSError:
            return False

    async def ask(self, *words):
        """The first line of what it answers, as its administrator."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        for command in (("AUTH", self.admin), words):
            writer.write(f"*{len(command)}\r\n".encode() + b"".join(f"${len(w)}\r\n{w}\r\n".encode() for w in command))
        await reader.readline()
        line = (await reader.readline()).rstrip()
        writer.close()
        return line

    def freeze(self):
        self.proc.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.proc.send_signal(signal.SIGCONT)

    async def kill(self):
        if self.proc and self.proc.returncode is None:
            self.proc.kill()
            await self.proc.wait()


def use(world, redis, timeout_ms=2000):
    """The store of this world is that server."""
    path = world.write_secret("redis.password", redis.password + "\n")
    cfg = world.bsf_cfg
    cfg.remove("store", "lmdb")
    cfg.remove("store", "map-size-gib")
    for line in (f"redis 127.0.0.1 {redis.port}", "redis user gba", f"redis password file {path}",
                 f"redis timeout-ms {timeout_ms}"):
        cfg.add("store", line)
    world.more_secrets.append(redis.password.encode())
    return world


def two(t, redis, timeout_ms=2000, **kw):
    """Two BSFs of one operator: same name, same KEK, same HSS (a's)."""
    a, b = World(t, name="a", raw_hss=True, **kw), World(t, name="b", raw_hss=True, **kw)
    b.cards = a.cards
    b.bsf_cfg.set(f"hss {HSS_ID}", f"connect 127.0.0.1 {a.ports['hss']}")
    b.keks["bsf"] = a.keks["bsf"]
    b.write_secret("bsf-1.kek", a.keks["bsf"].hex() + "\n")
    return use(a, redis, timeout_ms), use(b, redis, timeout_ms)


def at(ue, world):
    """The next request of this device goes to that BSF."""
    ue.port = world.ports["ub"]
    return ue
