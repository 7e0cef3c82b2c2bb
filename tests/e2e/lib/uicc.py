# SPDX-License-Identifier: AGPL-3.0-or-later
"""A reader of our own for gba-vuicc (the side of vsmartcard-vpcd), and the two ways to a card that stand in for ones we have not: a
modem on a raw pty, and a server in the form of pySim's sim-rest-server."""
import asyncio
import json
import os
import pty
import re
import termios

from .web import HttpServer

AID = {"usim": "a0000000871002", "isim": "a0000000871004"}


class Slot:
    """Listens where a gba-vuicc connects; power on, then commands."""

    def __init__(self):
        self.port, self._server, self._card, self._there = None, None, None, asyncio.Event()
        self._busy = asyncio.Lock()
        self.commands = []

    async def start(self):
        self._server = await asyncio.start_server(self._on_card, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self):
        self._server.close()
        if self._card:
            self._card[1].close()

    async def _on_card(self, reader, writer):
        writer.write(b"\0\1\1")
        self._card = (reader, writer)
        self._there.set()

    async def card(self):
        await asyncio.wait_for(self._there.wait(), 10)
        return self

    async def send(self, command):
        """data and status word as they come; ConnectionError: the card is gone"""
        async with self._busy:
            self.commands.append(command)
            reader, writer = self._card
            writer.write(len(command).to_bytes(2, "big") + command)
            try:
                return await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
            except asyncio.IncompleteReadError:
                raise ConnectionError("no card") from None

    async def ask(self, text, data=b"", channel=0):
        """Like a client that knows 61xx and 6Cxx: (data, status word as hex)"""
        head = bytes.fromhex(text)
        head = bytes([head[0] | channel]) + head[1:]
        answer = await self.send(head + (bytes([len(data)]) + data if data else b""))
        if answer[-2] == 0x6c:
            answer = await self.send(head[:4] + answer[-1:])
        out = answer[:-2]
        if answer[-2] == 0x61:
            answer = await self.send(bytes([channel, 0xc0, 0, 0, answer[-1]]))
            out = answer[:-2]
        return out, answer[-2:].hex()


class Modem:
    """AT commands on a pty. cgla: has +CCHO, +CGLA, +CUAD; csim: has +CSIM; noise: unsolicited lines; bare: +CCHO answers with the
    number alone; lower: hex in lower case."""

    def __init__(self, slot, cgla=True, csim=True, noise=True, bare=False, lower=False):
        self.slot, self.cgla, self.csim, self.noise, self.bare, self.lower = slot, cgla, csim, noise, bare, lower
        self.master, self.slave = pty.openpty()
        self.device = os.ttyname(self.slave)
        self.echo, self.commands, self._in = True, [], b""
        self.spoil = None                        # name of a command that says +CME ERROR: 100
        self.mute, self.unanswered = False, None
        self._work = asyncio.Queue()

    async def start(self):
        os.set_blocking(self.master, False)
        asyncio.get_running_loop().add_reader(self.master, self._on_octets)
        self._task = asyncio.ensure_future(self._serve())
        return self

    async def stop(self):
        asyncio.get_running_loop().remove_reader(self.master)
        self._task.cancel()
        os.close(self.master)
        os.close(self.slave)

    def was_raw(self):
        """Did the program switch echo and line editing of its side off?"""
        return not termios.tcgetattr(self.slave)[3] & (termios.ECHO | termios.ICANON)

    def _on_octets(self):
        try:
            got = os.read(self.master, 4096)
        except OSError:
            return
        if self.echo:
            os.write(self.master, got)
        self._in += got
        while b"\r" in self._in:
            line, self._in = self._in.split(b"\r", 1)
            self._work.put_nowait(line.decode("latin-1").strip())

    async def wake(self):
        """Answers again, first of all what it has left unanswered."""
        self.mute = False
        for line in await self._answer(self.unanswered) + ["OK"]:
            self.say(line)

    def say(self, text):
        os.write(self.master, f"\r\n{text}\r\n".encode())

    async def _serve(self):
        while True:
            command = await self._work.get()
            self.commands.append(command)
            if self.mute:
                self.unanswered = command
                continue
            if self.noise:
                self.say("+CREG: 1,\"00C3\",\"0001\"")
            try:
                for line in await self._answer(command):
                    self.say(line)
                    if self.noise:
                        self.say("^HCSQ:\"LTE\",55")
                self.say("OK")
            except ConnectionError:
                self.say("+CME ERROR: 10")
            except ValueError as e:
                self.say(str(e))

    def _hex(self, octets):
        text = octets.hex() if self.lower else octets.hex().upper()
        return f"{len(text)},\"{text}\""

    async def _answer(self, command):
        name = re.match(r"AT\+?[A-Z0-9]+", command.upper()).group(0)
        if self.spoil and name == "AT+" + self.spoil:
            raise ValueError("+CME ERROR: 100")
        if name == "ATE0":
            self.echo = False
            return []
        if name == "AT+CMEE":
            return ["+CMEE: 1"] if command.endswith("?") else []
        if name in ("AT+CUAD", "AT+CCHO", "AT+CCHC", "AT+CGLA") and self.cgla:
            return await getattr(self, "_" + name[3:].lower())(command.partition("=")[2])
        if name == "AT+CSIM" and self.csim:
            length, text = command.partition("=")[2].split(",")
            octets = bytes.fromhex(text.strip('"'))
            assert int(length) == 2 * len(octets)
            return ["+CSIM: " + self._hex(await self.slot.send(octets))]
        raise ValueError("ERROR")

    async def _cuad(self, _):
        await self.slot.ask("00a4080c", bytes.fromhex("2f00"))
        records = [(await self.slot.ask(f"00b2{n:02x}0400"))[0] for n in (1, 2)]
        return [f'+CUAD: "{b"".join(records).hex()}"']

    async def _ccho(self, aid):
        channel = (await self.slot.ask("0070000001"))[0][0]
        _, sw = await self.slot.ask("00a4040c", bytes.fromhex(aid.strip('"')), channel)
        if sw != "9000":
            raise ValueError("+CME ERROR: 22")
        return [str(channel) if self.bare else f"+CCHO: {channel}"]

    async def _cchc(self, session):
        await self.slot.ask(f"007080{int(session):02x}")
        return []

    async def _cgla(self, text):
        session, length, command = text.split(",")
        octets = bytes.fromhex(command.strip('"'))
        assert int(length) == 2 * len(octets)
        return ["+CGLA: " + self._hex(await self.slot.send(bytes([octets[0] & 0xf0 | int(session)]) + octets[1:]))]


class SimRest(HttpServer):
    """POST /sim-auth-api/v1/slot/0 and GET /sim-info-api/v1/slot/0, over a card in a slot."""

    def __init__(self, slot):
        super().__init__()
        self.slot = slot
        self.pin = None                          # verified before each question, as a server with an unlocked card has it

    async def handle_slowly(self, req):
        try:
            status, o = await self._handle(req)
        except ConnectionError:
            status, o = 410, {"error": {"message": "No SIM card inserted in slot"}}
        return status, [("Content-Type", "application/json")], json.dumps(o).encode()

    async def _handle(self, req):
        api, slot = re.match(r"/(sim-(?:auth|info)-api)/v1/slot/(\d+)$", req["target"]).groups()
        if slot != "0":
            return 404, {"error": {"message": "Reader Error: Specified SIM Slot doesn't exist"}}
        await self.slot.ask("00a4040c", bytes.fromhex(AID["usim"]))
        if self.pin:
            await self.slot.ask("00200001", self.pin.encode().ljust(8, b"\xff"))
        if api == "sim-info-api":
            await self.slot.ask("00a4080c", bytes.fromhex("2fe2"))
            iccid, _ = await self.slot.ask("00b000000a")
            await self.slot.ask("00a4080c", bytes.fromhex("7fff6f07"))
            imsi, _ = await self.slot.ask("00b0000009")
            swap = lambda b: "".join(f"{x & 15:x}{x >> 4:x}" for x in b)                      # noqa: E731
            return 200, {"imsi": swap(imsi[1:])[1:].rstrip("f"), "iccid": swap(iccid).rstrip("f")}
        o = json.loads(req["body"])
        rand, autn = bytes.fromhex(o["rand"]), bytes.fromhex(o["autn"])
        data, sw = await self.slot.ask("00880081", b"\x10" + rand + b"\x10" + autn)
        if sw == "9862":
            return 500, {"error": {"message": "Card Authentication Error - Incorrect MAC", "status_word": "9862"}}
        if sw != "9000":
            return 500, {"error": {"message": "Card Communication Error", "status_word": sw}}
        parts, at = [], 1
        while at < len(data):
            parts.append(data[at + 1:at + 1 + data[at]].hex())
            at += 1 + data[at]
        if data[0] == 0xdc:
            return 200, {"synchronisation_failure": {"auts": parts[0]}}
        return 200, {"successful_3g_authentication": dict(zip(("res", "ck", "ik", "kc"), parts))}
