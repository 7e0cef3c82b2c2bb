# SPDX-License-Identifier: AGPL-3.0-or-later
"""A redis-server of a test's own, and BSFs that share it."""
import asyncio
import os
import re
import secrets
import signal

from . import procs
from .ue import UbError
from .world import HSS_ID, World

LEASE_MS = int(min(1000 * procs.FACTOR, 3000))


def may():
    """What the user of Redis may, word for word as the manual has it."""
    with open(os.path.join(procs.SRC, "doc/man/gba-bsfd.8"), encoding="utf-8") as f:
        return re.search(r"^\.Ql (~c\* .*) \.$", f.read(), re.M)[1]


class Redis:
    """One server with a password and a user who may what the manual says. start() begins empty, too. tls: Pair of certificate and key,
    for a second port of its own. like: another one, whose passwords it has."""

    def __init__(self, t, *more, tls=None, ca=None, like=None):
        t.need_tool("redis-server", "redis-server")
        self.t, self.port, self.more = t, procs.free_port(), list(more)
        self.tls_port = procs.free_port() if tls else None
        if tls:
            self.more += ["--tls-port", str(self.tls_port), "--tls-cert-file", tls.certificate, "--tls-key-file", tls.key,
                          "--tls-ca-cert-file", ca]
        self.password, self.admin = (like.password, like.admin) if like else (secrets.token_hex(16), secrets.token_hex(16))
        self.proc = self.wire = None
        t.cleanup(self.kill)

    async def start(self, open_to_all=False):
        """open_to_all: it asks for no password."""
        locked = ["--requirepass", self.admin, "--user", "gba", "on", f">{self.password}", *may().split()]
        words = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--rdb-del-sync-files", "yes",
                 "--repl-diskless-sync-delay", "0",
                 *(() if open_to_all else locked), *self.more]
        with open(f"{self.t.dir}/redis.log", "ab") as log:
            self.proc = await asyncio.create_subprocess_exec(*words, stdout=log, stderr=log, cwd=self.t.dir)
        await self.t.until(self.answers, 20, "redis-server to answer")
        return self

    async def answers(self):
        try:
            return await self.ask("PING") == b"+PONG"
        except OSError:
            return False

    def lines(self, world):
        """Of the configuration: where it is."""
        return [f"redis 127.0.0.1 {self.wire.port if self.wire else self.port}"]

    async def ask(self, *words):
        """The first line of what it answers, as its administrator."""
        return (await self.told(*words))[0]

    async def has_replicas(self, n):
        """So many have all; one that only just has it is not among them until it has said so."""
        return sum(b"state=online" in x and b"offset=0," not in x for x in await self.told("INFO", "replication")) == n

    async def told(self, *words):
        """Its lines: of a text there are two, of the length and its first one."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        for command in (("AUTH", self.admin), words):
            command = [w if isinstance(w, bytes) else w.encode() for w in command]
            writer.write(b"*%d\r\n" % len(command) + b"".join(b"$%d\r\n%b\r\n" % (len(w), w) for w in command))
        await reader.readline()
        lines = [(await reader.readline()).rstrip()]
        if lines[0].startswith((b"$", b"*")) and lines[0] not in (b"$-1", b"*-1"):
            n = int(lines[0][1:])
            text = await reader.readexactly(n) if lines[0][:1] == b"$" else b"".join([await reader.readline() for _ in range(2 * n)])
            lines += text.split(b"\r\n")
        writer.close()
        return lines

    def freeze(self):
        self.proc.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.proc.send_signal(signal.SIGCONT)

    async def kill(self):
        if self.proc and self.proc.returncode is None:
            self.proc.kill()
            await self.proc.wait()


class Sentinel:
    """One of three; its file is its own to write, so that it knows the others again after it was killed."""

    def __init__(self, t, n, master, password, tls=None, ca=None):
        self.t, self.port, self.admin, self.proc = t, procs.free_port(), password, None
        self.tls_port = procs.free_port() if tls else None
        os.makedirs(f"{t.dir}/etc", exist_ok=True)       # where passwords may stand
        self.path = f"{t.dir}/etc/sentinel{n}.conf"
        with open(self.path, "w", encoding="ascii") as f:
            if tls:
                f.write(f"tls-port {self.tls_port}\ntls-cert-file {tls.certificate}\ntls-key-file {tls.key}\ntls-ca-cert-file {ca}\n")
            f.write(f"port {self.port}\nbind 127.0.0.1\ndir {t.dir}\nrequirepass {password}\nsentinel sentinel-pass {password}\n"
                    f"sentinel monitor gba 127.0.0.1 {master.port} 2\nsentinel auth-pass gba {master.admin}\n"
                    "sentinel down-after-milliseconds gba 1500\nsentinel failover-timeout gba 6000\n")
        t.cleanup(self.kill)

    async def start(self):
        with open(f"{self.t.dir}/sentinel.log", "ab") as log:
            self.proc = await asyncio.create_subprocess_exec("redis-server", self.path, "--sentinel", stdout=log, stderr=log)

    kill = Redis.kill
    told = Redis.told

    async def answers(self):
        try:
            return (await self.told("SENTINEL", "get-master-addr-by-name", "gba"))[0] == b"*2"
        except OSError:
            return False

    async def ready(self):
        try:
            quorum, replicas = await self.told("SENTINEL", "ckquorum", "gba"), await self.told("SENTINEL", "replicas", "gba")
        except (OSError, IndexError):
            return False
        return quorum[0].startswith(b"+OK 3") and replicas[0] == b"*2"


class Sentinels:
    """A master with two replicas, and three Sentinels. A master without a replica takes nothing."""

    def __init__(self, t):
        safe = ("--min-replicas-to-write", "1", "--min-replicas-max-lag", "2", "--repl-ping-replica-period", "1")
        first = Redis(t, *safe)
        first.more += ["--masterauth", first.admin]
        rest = [Redis(t, *safe, "--masterauth", first.admin, "--replicaof", "127.0.0.1", str(first.port), like=first) for _ in range(2)]
        self.t, self.servers = t, [first, *rest]
        self.password, self.watch = first.password, secrets.token_hex(16)
        self.sentinels = [Sentinel(t, n, first, self.watch) for n in range(3)]

    def lines(self, world):
        path = world.write_secret("sentinel.password", self.watch + "\n")
        world.more_secrets.append(self.watch.encode())
        return [f"redis sentinel gba 127.0.0.1 {s.port}" for s in self.sentinels] + [f"redis sentinel-password file {path}"]

    async def start(self):
        for s in self.servers:
            await s.start()

        async def replicated():
            return await self.servers[0].has_replicas(2)
        await self.t.until(replicated, 20, "the replicas to be there")
        for s in self.sentinels:
            await s.start()
        for s in self.sentinels:
            await self.t.until(s.ready, 30, "each Sentinel to know the others")
        return self

    async def master(self):
        """Whom most of them name."""
        named = []
        for s in self.sentinels:
            try:
                named.append(int((await s.told("SENTINEL", "get-master-addr-by-name", "gba"))[4]))
            except (OSError, IndexError, ValueError):
                continue
        for s in self.servers:
            if named.count(s.port) >= 2:
                return s
        return None

    async def another(self, than):
        async def other():
            m = await self.master()
            return m and m is not than and m
        await self.t.until(other, 40, "another master to be named")
        return await self.master()

    async def joins(self, server, master=None):
        """It was killed, and begins as a replica of that one; without one, as the master."""
        if "--replicaof" in server.more:
            at = server.more.index("--replicaof")
            del server.more[at:at + 3]
        if master:
            server.more += ["--replicaof", "127.0.0.1", str(master.port)]
        await server.start()


def use(world, redis, timeout_ms=2000):
    """The store of this world is that server."""
    path = world.write_secret("redis.password", redis.password + "\n")
    cfg = world.bsf_cfg
    cfg.remove("store", "lmdb")
    cfg.remove("store", "map-size-gib")
    for line in (*redis.lines(world), "redis user gba", f"redis password file {path}", f"redis timeout-ms {timeout_ms}",
                 f"redis lease-ms {LEASE_MS}"):
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


async def bootstrap(ue):
    """Until it has keys: who is challenged in the moment of a revocation, or of a fault, begins again."""
    for _ in range(50):
        try:
            return await ue.bootstrap()
        except UbError as e:
            assert e.response.status in (401, 503), e
            await asyncio.sleep(0.1 if e.response.status == 503 else 0)      # what Retry-After asks of a UE, in short
    raise AssertionError("no bootstrap in 50 tries")


def at(ue, world):
    """The next request of this device goes to that BSF."""
    ue.port = world.ports["ub"]
    return ue
