# SPDX-License-Identifier: AGPL-3.0-or-later
"""The control socket of a daemon."""
import asyncio
import json

from . import procs


class Refused(Exception):
    def __init__(self, word, text):
        super().__init__(f"{word} {text}")
        self.word = word


class Ctl:
    def __init__(self, reader, writer):
        self.reader, self.writer, self.number = reader, writer, 0

    @classmethod
    async def open(cls, path):
        return cls(*await asyncio.open_unix_connection(path, limit=1 << 26))

    async def line(self):
        return (await asyncio.wait_for(self.reader.readline(), 30 * procs.FACTOR)).decode().rstrip("\n")

    async def ask(self, command, document=None):
        """What a command answers; Refused."""
        self.number += 1
        if document is None:
            self.writer.write(f"{self.number} {command}\n".encode())
        else:
            document = document.encode() if isinstance(document, str) else document
            self.writer.write(f"{self.number} {command} +{len(document)}\n".encode() + document)
        line = await self.line()
        number, outcome, rest = line.split(" ", 2)
        assert int(number) == self.number, line
        if outcome == "ok":
            return json.loads(rest)
        raise Refused(*rest.split(" ", 1))

    async def refused(self, command, document=None):
        """The word and text of a refusal."""
        try:
            return f"done: {await self.ask(command, document)}"
        except Refused as e:
            return str(e)

    def close(self):
        self.writer.close()


async def ask(path, command, document=None):
    c = await Ctl.open(path)
    try:
        return await c.ask(command, document)
    finally:
        c.close()


async def refused(path, command):
    c = await Ctl.open(path)
    try:
        return await c.refused(command)
    finally:
        c.close()
