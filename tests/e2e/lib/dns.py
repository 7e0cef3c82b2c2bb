# SPDX-License-Identifier: AGPL-3.0-or-later
"""DNS servers of a test's own: knotd with one zone, and one that lies."""
import asyncio
import os
import struct

from . import procs

ZONE = "example.com"


class Knot:
    """knotd for example.com, which begins with nothing in it."""

    def __init__(self, t, address="127.0.0.1"):
        t.need_tool("knotd", "knot")
        t.need_tool("knotc", "knot")
        self.t, self.dir, self.port = t, os.path.join(t.dir, "knot"), procs.free_port()
        os.makedirs(self.dir, exist_ok=True)
        with open(f"{self.dir}/{ZONE}.zone", "w", encoding="utf-8") as f:
            f.write(f"$ORIGIN {ZONE}.\n@ 60 SOA ns hostmaster 1 60 60 600 0\n@ 60 NS ns\nns 60 A 127.0.0.1\n")
        with open(f"{self.dir}/knot.conf", "w", encoding="utf-8") as f:
            f.write(f"server:\n  rundir: {self.dir}\n  listen: {address}@{self.port}\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n"
                    f"database:\n  storage: {self.dir}\n  journal-db-max-size: 16M\n"
                    f"zone:\n  - domain: {ZONE}\n    storage: {self.dir}\n    file: {ZONE}.zone\n"
                    f"log:\n  - target: stderr\n    any: notice\n")
        self.daemon = procs.Daemon("knotd", ["knotd", "-c", f"{self.dir}/knot.conf"], f"{self.dir}/knot.log", notifies=False)
        t.cleanup(self.daemon.kill)

    async def start(self):
        await self.daemon.start(wait=False)
        await self.t.until(self.answers, 20, "knotd to have its zone")
        return self

    async def answers(self):
        rc, out, _ = await self.run("zone-status", ZONE)
        return rc == 0 and "serial" in out

    def run(self, *words):
        return procs.run(["knotc", "-c", f"{self.dir}/knot.conf", *words], 20)

    async def change(self, *commands):
        """Of its zone, at once: ("zone-set", "_gba-challenge.video", "60", "TXT", "..."), ("zone-unset", ...)."""
        for words in (("zone-begin", ZONE), *((c[0], ZONE, *c[1:]) for c in commands), ("zone-commit", ZONE)):
            rc, out, err = await self.run(*words)
            assert rc == 0, (words, out, err)

    def set_txt(self, name, text):
        return self.change(("zone-set", name, "60", "TXT", f'"{text}"'))


def name_octets(name):
    return b"".join(bytes([len(x)]) + x.encode() for x in name.split(".")) + b"\0"


def record(kind, data, owner=b"\xc0\x0c"):
    return owner + struct.pack(">HHIH", kind, 1, 60, len(data)) + data


def txt(text, owner=b"\xc0\x0c"):
    return record(16, bytes([len(text)]) + text, owner)


def cname(to, owner=b"\xc0\x0c"):
    return record(5, name_octets(to), owner)


def answer(query, *records, flags=0x8180, count=None):
    """To the octets of a question."""
    n = len(records) if count is None else count
    return query[:2] + struct.pack(">HHHHH", flags, 1, n, 0, 0) + query[12:] + b"".join(records)


class Liar(asyncio.DatagramProtocol):
    """say(query, tcp) -> octets to answer, a list of datagrams, or None: silence. trickle: seconds between octets by TCP."""

    def __init__(self, t, say, trickle=None):
        self.t, self.say, self.trickle, self.port, self.asked = t, say, trickle, procs.free_port(), 0
        self.transport = self.server = None
        t.cleanup(self.stop)

    async def start(self):
        loop = asyncio.get_running_loop()
        self.transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", self.port))
        self.server = await asyncio.start_server(self.on_connection, "127.0.0.1", self.port)
        return self

    async def stop(self):
        if self.transport:
            self.transport.close()
            self.server.close()

    def datagram_received(self, data, addr):
        self.asked += 1
        said = self.say(data, False)
        for one in said if isinstance(said, list) else [said]:
            if one is not None:
                self.transport.sendto(one[:65000], addr)

    async def on_connection(self, reader, writer):
        try:
            query = await reader.readexactly(struct.unpack(">H", await reader.readexactly(2))[0])
            said = self.say(query, True)
            if said is None:
                await reader.read()
                return
            out = struct.pack(">H", len(said)) + said
            if self.trickle is None:
                writer.write(out)
            for octet in out if self.trickle is not None else b"":
                writer.write(bytes([octet]))
                await asyncio.sleep(self.trickle)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
