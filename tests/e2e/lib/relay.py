# SPDX-License-Identifier: AGPL-3.0-or-later
"""A TCP relay between two Diameter peers that writes what passes as a pcap file (raw IPv4, made-up headers, port 3868)."""
import struct
import time

from .passing import Passing


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


class Relay(Passing):
    """client and server name the two ends in the pcap."""

    def __init__(self, pcap_path, target_port, client=b"\x0a\0\0\1", server=b"\x0a\0\0\2"):
        super().__init__(target_port)
        self.pcap, self.client, self.server_ip, self._next_port = Pcap(pcap_path), client, server, 40000

    def pumps(self, client, server):
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
        return pump(client[0], server[1], "a", "b"), pump(server[0], client[1], "b", "a")

    async def stop(self):
        await super().stop()
        self.pcap.close()
