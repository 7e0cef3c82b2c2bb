# SPDX-License-Identifier: AGPL-3.0-or-later
"""The wire between BSFs and a server: passes what comes, keeps it back for later, or adds what nobody asked for."""
import asyncio

from .passing import Passing


class Link:
    """One connection over it."""

    def __init__(self, client, server):
        self.client, self.server = client, server
        self.kept = None                        # what is kept back
        self.late = b""                         # what the server says of it in the end

    def release(self):
        """What was kept goes to the server now."""
        self.late = b""
        self.server.write(self.kept)


class Wire(Passing):
    """For a test whose end stops it."""

    def __init__(self, t, target_port):
        super().__init__(target_port)
        self._pattern, self._keeps, self._links = None, None, set()
        t.cleanup(self.stop)

    def keep(self, pattern):
        """The connection in which these octets go to the server keeps them and what comes behind them, also when its client has given
        it up. A future of its Link."""
        self._pattern, self._keeps = pattern, asyncio.get_running_loop().create_future()
        return self._keeps

    def add(self, octets):
        """They come to each client as if the server had said them; between two replies, as these are short."""
        for link in self._links:
            link.client.write(octets)

    def pumps(self, client, server):
        link = Link(client[1], server[1])
        self._links.add(link)
        return self._to_server(client[0], link), self._to_client(server[0], link)

    async def _to_server(self, reader, link):
        try:
            while data := await reader.read(65536):
                if self._pattern and self._pattern in data:
                    link.kept, self._pattern = b"", None
                    self._keeps.set_result(link)
                if link.kept is None:
                    link.server.write(data)
                else:
                    link.kept += data
        except ConnectionError:
            pass
        if link.kept is None:
            link.server.close()

    async def _to_client(self, reader, link):
        try:
            while data := await reader.read(65536):
                link.late += data if link.kept else b""
                link.client.write(data)
        except ConnectionError:
            pass
        self._links.discard(link)
        link.client.close()
