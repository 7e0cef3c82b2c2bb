# SPDX-License-Identifier: AGPL-3.0-or-later
"""A TCP port whose connections are passed to another one."""
import asyncio


class Passing:
    """Listens on .port; each connection is passed to target_port by what pumps() gives for it."""

    def __init__(self, target_port):
        self.target_port, self.port = target_port, None
        self._server, self._tasks = None, set()

    async def start(self, port=0):
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def pumps(self, client, server):
        """Both are (reader, writer). -> coroutines, each of which takes what comes from one end to the other and closes that"""
        raise NotImplementedError

    async def _accept(self, *client):
        try:
            server = await asyncio.open_connection("127.0.0.1", self.target_port)
        except ConnectionError:
            client[1].close()
            return
        for pump in self.pumps(client, server):
            task = asyncio.ensure_future(pump)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def stop(self):
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
