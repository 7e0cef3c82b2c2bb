# SPDX-License-Identifier: AGPL-3.0-or-later
"""What went over the wires, message by message, to be read by people. No key is shown, and a subscriber by the name the target file gives."""
import hashlib
import re
import time

from ..wire import dia
from .visible import visible

COMMANDS = {(257, True): "CER", (257, False): "CEA", (280, True): "DWR", (280, False): "DWA", (282, True): "DPR", (282, False): "DPA",
            (303, True): "MAR", (303, False): "MAA", (310, True): "BIR", (310, False): "BIA"}
NAMES = dict(x.split(":") for x in (
    "1:User-Name 257:Host-IP-Address 258:Auth-Application-Id 259:Acct-Application-Id 260:Vendor-Specific-Application-Id 261:Redirect-Host-Usage "
    "262:Redirect-Max-Cache-Time 263:Session-Id 264:Origin-Host 265:Supported-Vendor-Id 266:Vendor-Id 267:Firmware-Revision 268:Result-Code "
    "269:Product-Name 273:Disconnect-Cause 277:Auth-Session-State 278:Origin-State-Id 279:Failed-AVP 281:Error-Message 282:Route-Record "
    "283:Destination-Realm 284:Proxy-Info 292:Redirect-Host 293:Destination-Host 296:Origin-Realm 297:Experimental-Result "
    "298:Experimental-Result-Code 299:Inband-Security-Id 400:GBA-UserSecSettings 401:Transaction-Identifier 402:NAF-Id "
    "403:GAA-Service-Identifier 404:Key-ExpiryTime 405:ME-Key-Material 406:UICC-Key-Material 407:GBA_U-Awareness-Indicator "
    "408:BootstrapInfoCreationTime 409:GUSS-Timestamp 410:GBA-Type 601:Public-Identity 608:SIP-Authentication-Scheme 609:SIP-Authenticate "
    "610:SIP-Authorization 612:SIP-Auth-Data-Item 625:Confidentiality-Key 626:Integrity-Key").split())
TIMES = {dia.KEY_EXPIRY, dia.CREATION, dia.GUSS_TIMESTAMP}
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
    if len(a.data) == 4 and a.code in TIMES:
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(dia.from_ntp(a.u32)))
    if len(a.data) == 4:
        return str(a.u32)
    return a.data.hex() if len(a.data) <= 40 else a.data[:40].hex() + f"... ({len(a.data)} octets)"


def _avps(avps, depth=1):
    for a in avps:
        head = "  " * depth + NAMES.get(str(a.code), "AVP") + (f" ({a.code}/{a.vendor})" if a.vendor else f" ({a.code})")
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
