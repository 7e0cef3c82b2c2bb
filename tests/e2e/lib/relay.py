# SPDX-License-Identifier: AGPL-3.0-or-later
"""A TCP relay between two Diameter peers that writes what passes as a pcap file (raw IPv4, made-up headers, port 3868)."""
import asyncio
import struct
import time


class Pcap:
    """Writes TCP streams; each side's sequence numbers run on, so tshark reassembles."""

    def __init__(self, path):
        self.f = open(path, "wb")
        self.f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 101))

    def segment(self, src, dst, seq, ack, data):
        for at in range(0, len(data), 60000):
            part = data[at:at + 60000]
            tcp = struct.pack(">HHIIBBHHH", src[1], dst[1], (seq + at) & 0xffffffff, ack & 0xffffffff, 0x50, 0x18, 65535, 0, 0)
            ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40 + len(part), 0, 0x4000, 64, 6, 0, src[0], dst[0])
            now = time.time()
            n = len(ip) + len(tcp) + len(part)
            self.f.write(struct.pack("<IIII", int(now), int(now % 1 * 1e6), n, n) + ip + tcp + part)

    def close(self):
        self.f.close()


class Relay:
    """Listens on .port; each connection is passed to target_port. client and server name the two ends in the pcap."""

    def __init__(self, pcap_path, target_port, client=b"\x0a\0\0\1", server=b"\x0a\0\0\2"):
        self.pcap, self.target_port = Pcap(pcap_path), target_port
        self.client, self.server_ip = client, server
        self.port, self._server, self._tasks, self._next_port = None, None, set(), 40000

    async def start(self, port=0):
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def _accept(self, reader, writer):
        try:
            r2, w2 = await asyncio.open_connection("127.0.0.1", self.target_port)
        except ConnectionError:
            writer.close()
            return
        self._next_port += 1
        ends = {"a": (self.client, self._next_port), "b": (self.server_ip, 3868)}
        seq = {"a": 1, "b": 1}

        async def pump(r, w, frm, to):
            try:
                while data := await r.read(65536):
                    self.pcap.segment(ends[frm], ends[to], seq[frm], seq[to], data)
                    seq[frm] += len(data)
                    w.write(data)
                    await w.drain()
            except ConnectionError:
                pass
            finally:
                w.close()
        for args in ((reader, w2, "a", "b"), (r2, writer, "b", "a")):
            t = asyncio.ensure_future(pump(*args))
            self._tasks.add(t)
            t.add_done_callback(self._tasks.discard)

    async def stop(self):
        self._server.close()
        for t in list(self._tasks):
            t.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.pcap.close()
