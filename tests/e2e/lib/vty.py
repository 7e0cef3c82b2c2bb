# SPDX-License-Identifier: AGPL-3.0-or-later
"""The VTY of a daemon over its socket."""
import asyncio
import re

PROMPT = re.compile(rb"(?:^|\n)[^\r\n>#]{1,64}(?:> |# )$")


class Vty:
    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, path):
        v = cls(*await asyncio.open_unix_connection(path))
        await v._until_prompt()
        return v

    async def _until_prompt(self, timeout=20):
        buf = b""

        async def read():
            nonlocal buf
            while True:
                data = await self.reader.read(65536)
                if not data:
                    raise ConnectionError("VTY closed")
                buf += data
                if b"--More--" in buf[-40:]:
                    buf = buf[:buf.rindex(b"--More--")]
                    self.writer.write(b" ")
                    continue
                clean = re.sub(rb"\xff[\xfb-\xfe].|\x08|\x00", b"", buf)
                if PROMPT.search(clean):
                    return clean
        return await asyncio.wait_for(read(), timeout)

    async def command(self, line):
        """Text the command printed, without echo and prompt."""
        self.writer.write(line.encode() + b"\n")
        out = (await self._until_prompt()).decode("utf-8", "replace").replace("\r", "")
        lines = out.split("\n")
        if lines and lines[0].strip().endswith(line):
            lines = lines[1:]
        return "\n".join(lines[:-1])

    def close(self):
        self.writer.close()


async def command(path, line):
    v = await Vty.open(path)
    try:
        return await v.command(line)
    finally:
        v.close()


async def enabled(path, *lines):
    """All that it says to these lines, from enable on."""
    v = await Vty.open(path)
    try:
        return "".join([await v.command(x) for x in ("enable",) + lines])
    finally:
        v.close()


async def typed(w, *lines, which="bsf"):
    """All that a daemon of this world says to these lines, in configuration mode."""
    return await enabled(w.ports[f"{which}_vty"], "configure terminal", *lines)


async def counters(path):
    """"show counters" as a dict: name -> number."""
    out = {}
    for line in (await command(path, "show counters")).split("\n"):
        m = re.match(r"\s*([a-z0-9_]+)\s*:?\s+(\d+)\b", line)
        if m:
            out[m.group(1)] = int(m.group(2))
    assert out, "show counters gave nothing that looks like a counter"
    return out
