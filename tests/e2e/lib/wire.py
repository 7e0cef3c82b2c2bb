# SPDX-License-Identifier: AGPL-3.0-or-later
"""The wire between BSFs and a server: passes what comes, keeps it back for later, or adds what nobody asked for."""
import asyncio


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


class Wire:
    """Listens on .port; each connection is passed to target_port."""

    def __init__(self, t, target_port):
        self.target_port, self.port = target_port, None
        self._pattern, self._keeps = None, None
        self._links, self._tasks = set(), set()
        t.cleanup(self.stop)

    async def start(self):
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def keep(self, pattern):
        """The connection in which these octets go to the server keeps them and what comes behind them, also when its client has given
        it up. A future of its Link."""
        self._pattern, self._keeps = pattern, asyncio.get_running_loop().create_future()
        return self._keeps

    def add(self, octets):
        """They come to each client as if the server had said them; between two replies, as these are short."""
        for link in self._links:
            link.client.write(octets)

    async def _accept(self, reader, writer):
        try:
            r2, w2 = await asyncio.open_connection("127.0.0.1", self.target_port)
        except ConnectionError:
            writer.close()
            return
        link = Link(writer, w2)
        self._links.add(link)
        for pump in (self._to_server(reader, link), self._to_client(r2, link)):
            task = asyncio.ensure_future(pump)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

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

    async def stop(self):
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
