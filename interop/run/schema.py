# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a target file may hold: one table, from which it is read, refused and documented."""
import os
import re

CAPABILITIES = {
    "tmpi": "the BSF gives and takes TMPIs",
    "gba-u": "the BSF serves GBA_U",
    "uss": "the BSF keeps the user's security settings and gives a NAF what it may have",
    "resync": "the HSS resynchronises",
    "guss": "the HSS has security settings for subscribers, and their timestamps",
    "habits": "the BSF bears what devices in the field do beyond the letter of 24.109",
    "dpa": "a DPR is answered before the connection ends",
    "strict": "what RFC 6733 only recommends is wanted, too: Failed-AVP with the AVP as it came, E bit with 3xxx alone",
}


class Bad(Exception):
    """Of one value; what it must be."""


def text(v, _):
    if not isinstance(v, str) or not v:
        raise Bad("a text that is not empty")
    return v


def name(v, _):
    if not isinstance(v, str) or not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", v):
        raise Bad("a host name")
    return v


def port(v, _):
    if not isinstance(v, int) or isinstance(v, bool) or not 1 <= v <= 65535:
        raise Bad("a number, 1 to 65535")
    return v


def seconds(v, _):
    if not isinstance(v, (int, float)) or isinstance(v, bool) or not 0.1 <= v <= 600:
        raise Bad("seconds, 0.1 to 600")
    return float(v)


def yes(v, _):
    if not isinstance(v, bool):
        raise Bad("true or false")
    return v


def octets(n):
    def read(v, _):
        if not isinstance(v, str) or not re.fullmatch(r"[0-9a-fA-F]{%d}" % (2 * n), v):
            raise Bad(f"{2 * n} hex digits")
        return bytes.fromhex(v)
    return read


def one_of(*words):
    def read(v, _):
        if v not in words:
            raise Bad("one of " + ", ".join(words))
        return v
    return read


def some(item):
    def read(v, where):
        if not isinstance(v, list):
            raise Bad("a list, as [\"...\"]")
        return [item(x, where) for x in v]
    return read


def file(v, folder):
    """Beside the target file; its path."""
    if not isinstance(v, str) or not os.path.isfile(os.path.join(folder, v)):
        raise Bad("the name of a file that is there, seen from the folder of this one")
    return os.path.join(folder, v)


def digits(v, _):
    if not isinstance(v, str) or not re.fullmatch(r"\d{6,15}", v):
        raise Bad("6 to 15 digits, as a text")
    return v


def number(v, _):
    if not isinstance(v, str) or not re.fullmatch(r"(UB|ZH|ZN)-\d{3}", v):
        raise Bad("the number of a case, as ZN-017")
    return v


MUST = object()
TLS = {"tls-ca": (file, None), "tls-certificate": (file, None), "tls-key": (file, None)}
ROLES = one_of("main", "other", "probe")

# table: (may there be several, {field: (reader, default; MUST is none)})
TABLES = {
    "target": (False, {"name": (text, MUST), "capabilities": (some(one_of(*CAPABILITIES)), []), "timeout": (seconds, 10.0)}),
    "diameter": (False, {"host": (text, "127.0.0.1"), "port": (port, MUST), "identity": (name, MUST), "realm": (name, MUST),
                         "security": (one_of("plain", "tls"), "plain"), "watchdog": (seconds, None)}),
    "ub": (False, {"host": (text, "127.0.0.1"), "port": (port, 80), "name": (name, MUST), "isim-name": (name, None),
                   "home-name": (name, None), "nonce-lifetime": (seconds, None)}),
    "naf": (True, {"role": (ROLES, "main"), "identity": (name, MUST), "realm": (name, MUST), "source": (text, None), "names": (some(text), []),
                   "private-identity": (yes, False), "gsids": (some(text), []), **TLS}),
    "bsf": (True, {"role": (ROLES, "main"), "identity": (name, MUST), "realm": (name, MUST), "source": (text, None), **TLS}),
    "subscriber": (True, {"name": (text, MUST), "impi": (text, MUST), "imsi": (digits, None), "k": (octets(16), MUST),
                          "opc": (octets(16), None), "op": (octets(16), None), "algorithm": (one_of("milenage", "xor"), "milenage"),
                          "uicc": (one_of("me", "gba-u", "gba-u-sha256"), "me"), "kind": (one_of("usim", "isim", "home"), "usim"),
                          "guss": (file, None), "gsids": (some(text), [])}),
    "provision": (False, {"text": (text, None), "command": (some(text), None)}),
    "expected": (True, {"case": (number, MUST), "reason": (text, MUST)}),
}
NEEDED = {"zn": ("diameter", "naf"), "zh": ("diameter", "bsf", "subscriber"), "ub": ("ub", "subscriber")}
