# SPDX-License-Identifier: AGPL-3.0-or-later
"""What went over the wires, message by message, to be read by people. No key is shown, and a subscriber by the name the target file gives."""
import hashlib
import re

from ..wire import dia
from .visible import visible

COMMANDS = {(257, True): "CER", (257, False): "CEA", (280, True): "DWR", (280, False): "DWA", (282, True): "DPR", (282, False): "DPA",
            (303, True): "MAR", (303, False): "MAA", (310, True): "BIR", (310, False): "BIA"}
NAMES = {getattr(dia, n): n.replace("_", "-") for n in (
    "USER_NAME HOST_IP AUTH_APP ACCT_APP VSAI ORIGIN_STATE SESSION_ID ORIGIN_HOST SUPPORTED_VENDOR VENDOR_ID RESULT PRODUCT DISCONNECT_CAUSE "
    "AUTH_STATE INBAND_SECURITY FAILED_AVP ERROR_MESSAGE ROUTE_RECORD DEST_REALM PROXY_INFO DEST_HOST ORIGIN_REALM EXP_RESULT EXP_CODE GUSS "
    "BTID NAF_ID GSID KEY_EXPIRY ME_KEY UICC_KEY GBA_U_AWARE CREATION GUSS_TIMESTAMP GBA_TYPE PUBLIC_ID SCHEME AUTHENTICATE AUTHORIZATION ITEM "
    "CK IK").split()}
KEYS = {dia.ME_KEY, dia.UICC_KEY, dia.CK, dia.IK, dia.AUTHORIZATION}


def fingerprint(octets):
    return f"{len(octets)} octets, fingerprint {hashlib.sha256(octets).hexdigest()[:8]}"


def _value(a):
    if a.code in KEYS:
        return fingerprint(a.data)
    if a.code == dia.GUSS:                     # uids are people's
        return re.sub(r">\s*[^<\s][^<]*<", ">...<", a.data.decode("utf-8", "backslashreplace"))
    if a.code == dia.NAF_ID and len(a.data) > 5:
        return f"{a.data[:-5].decode('utf-8', 'backslashreplace')} + {a.data[-5:].hex()}"
    try:
        text = a.data.decode()
        if text.isprintable() and text:
            return text
    except UnicodeDecodeError:
        pass
    if len(a.data) == 4:
        return str(a.u32)
    return a.data.hex() if len(a.data) <= 40 else a.data[:40].hex() + f"... ({len(a.data)} octets)"


def _avps(avps, depth=1):
    for a in avps:
        head = "  " * depth + NAMES.get(a.code, str(a.code)) + (f" ({a.code}/{a.vendor})" if a.vendor else f" ({a.code})")
        if isinstance(a.data, list):
            yield head
            yield from _avps(a.data, depth + 1)
        else:
            yield f"{head} {_value(a)}"


def _diameter(octets):
    try:
        m = dia.Msg.decode(octets)
    except dia.Malformed as e:
        return f"octets that are no message ({e})", octets[:200].hex(" ", 4)
    word = COMMANDS.get((m.cmd, m.is_request), f"{'request' if m.is_request else 'answer'} {m.cmd}")
    result = "" if m.is_request else f" {m.result[1] if isinstance(m.result, tuple) else m.result}"
    flags = "".join(c for c, bit in (("R", dia.R), ("P", dia.P), ("E", dia.E), ("T", dia.T)) if m.flags & bit)
    return word + result, "\n".join([f"flags {flags or '-'}, application {m.app}, hop-by-hop {m.hbh:08x}, end-to-end {m.e2e:08x}"] + list(_avps(m.avps)))


def _http(octets):
    text = octets.decode("latin-1")
    return text.split("\r\n", 1)[0][:80], re.sub(r'(response|rspauth)="[^"]{6,}"', r'\1="..."', text.replace("\r", ""))


class Ladder:
    """steps: (milliseconds, us, them, sent, title, details)."""

    def __init__(self, tape, subscribers, them):
        self.steps, self.names = [], {}
        for s in subscribers:
            self.names |= {s.impi: f"({s.name})"} | ({s.imsi: f"({s.name})"} if s.imsi else {})
        for e in tape:
            if e.octets is None:
                title, details = "connection ends", ""
            else:
                title, details = (_diameter if e.kind == "diameter" else _http)(e.octets)
            self.steps.append(((e.at - tape[0].at) * 1000, e.us, them, e.sent, self.without(title), self.without(details)))

    def without(self, text):
        """Nobody's identity in it, and nothing that steers a terminal."""
        text = visible(text)
        for identity, name in self.names.items():
            text = text.replace(identity, name)
        return text

    def lines(self):
        return [f"{ms:8.1f} ms  {us} {'-->' if sent else '<--'} {them}  {title}" for ms, us, them, sent, title, _ in self.steps]
