#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A PC/SC client of its own (pyscard): waits for a card in the reader, sends commands, prints what came as JSON.
scard.py READER HEX...; a command "in" or "out" waits for the card's coming or going. scard.py READER gone: until there is none. READER hold: keep everybody else from the card until standard input ends."""
import json
import sys
import time

from smartcard import scard

WAIT_S = 20


def check(rc):
    if rc != scard.SCARD_S_SUCCESS:
        raise SystemExit(json.dumps({"error": scard.SCardGetErrorMessage(rc)}))


class Client:
    def __init__(self, reader):
        rc, self.ctx = scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM)
        check(rc)
        self.reader, self.card, self.protocol = reader, None, None

    def wait(self, present):
        state, end = scard.SCARD_STATE_UNAWARE, time.monotonic() + WAIT_S
        while time.monotonic() < end:
            rc, states = scard.SCardGetStatusChange(self.ctx, 1000, [(self.reader, state)])
            if rc == scard.SCARD_E_TIMEOUT:
                continue
            check(rc)
            state = states[0][1]
            if bool(state & scard.SCARD_STATE_PRESENT) == present:
                return
        raise SystemExit(json.dumps({"error": "the card does not " + ("come" if present else "go")}))

    def connect(self):
        rc, self.card, self.protocol = scard.SCardConnect(self.ctx, self.reader, scard.SCARD_SHARE_SHARED,
                                                          scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1)
        check(rc)

    def raw(self, octets):
        rc, answer = scard.SCardTransmit(self.card, scard.SCARD_PCI_T0, list(octets))
        check(rc)
        return bytes(answer)

    def send(self, octets):
        """[data, status word, milliseconds of the first command]"""
        began = time.perf_counter()
        answer = self.raw(octets)
        ms = (time.perf_counter() - began) * 1000
        if answer[-2] == 0x6c:
            answer = self.raw(octets[:-1] + answer[-1:])
        data = answer[:-2]
        while answer[-2] == 0x61:
            answer = self.raw(bytes([octets[0] & 3, 0xc0, 0, 0, answer[-1]]))
            data += answer[:-2]
        return [data.hex(), answer[-2:].hex(), ms]


def main(reader, words):
    c, out = Client(reader), []
    if words == ["gone"]:
        c.wait(False)
        print("[]")
        return
    c.wait(True)
    if words == ["in"]:
        print("[]")
        return
    c.connect()
    if words == ["hold"]:
        check(scard.SCardBeginTransaction(c.card))
        print("held", flush=True)
        sys.stdin.read()
        return
    for w in words:
        if w in ("in", "out"):
            print(w, "waited for", file=sys.stderr, flush=True)
            c.wait(w == "in")
            if w == "in":
                c.connect()
        else:
            out.append(c.send(bytes.fromhex(w)))
    print(json.dumps(out))
    scard.SCardDisconnect(c.card, scard.SCARD_RESET_CARD)         # no PIN stays verified for the next one


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
