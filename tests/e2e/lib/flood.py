# SPDX-License-Identifier: AGPL-3.0-or-later
"""A NAF that floods, as a process of its own: python3 -m lib.flood PORT IDENTITY BTID NAF. One line on stdout when it is under way; it
sends as fast as the BSF takes until it is killed, then says nothing: what was answered the BSF has counted."""
import asyncio
import socket
import sys
import threading

from . import naf


async def begin(port, identity, btid, name):
    conn = await naf.connect(port, identity, identity.split(".", 1)[1])
    assert conn.cea.result == 2001, conn.cea.avps
    m = naf.bir(conn, btid, naf.naf_id(name))
    m.hbh = m.e2e = 1
    conn.writer.transport.pause_reading()
    return conn, m.encode()


def drain(sock):
    while sock.recv(1 << 20):
        pass


def main():
    loop = asyncio.new_event_loop()
    conn, octets = loop.run_until_complete(begin(int(sys.argv[1]), *sys.argv[2:5]))
    sock = socket.socket(fileno=conn.writer.get_extra_info("socket").fileno())
    sock.setblocking(True)
    threading.Thread(target=drain, args=(sock,), daemon=True).start()
    print("floods", flush=True)
    while True:
        sock.sendall(octets * 500)


if __name__ == "__main__":
    main()
