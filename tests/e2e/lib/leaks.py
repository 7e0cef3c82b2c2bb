# SPDX-License-Identifier: AGPL-3.0-or-later
"""Search files for keys in any form a careless line could have: raw, hex, base64, spaced dumps."""
import base64
import os


def forms(key):
    """Octets to search for. Long keys by their first 16 octets, which no form splits."""
    h = key.hex()
    out = {key, h.encode(), h.upper().encode(), base64.b64encode(key).rstrip(b"="),
           " ".join(h[i:i + 2] for i in range(0, len(h), 2)).encode(),
           " ".join(h[i:i + 2] for i in range(0, len(h), 2)).upper().encode(),
           ":".join(h[i:i + 2] for i in range(0, len(h), 2)).encode(),
           base64.b64encode(h.encode()).rstrip(b"=")}
    return out


def files_under(folder, without=()):
    for base, dirs, names in os.walk(folder):
        dirs[:] = [d for d in dirs if d not in without]
        for name in names:
            path = os.path.join(base, name)
            if os.path.isfile(path):
                yield path


def search(folder, keys, without=()):
    """(path, key number, form) of every hit; keys: octets, at least 8 each"""
    wanted = [(i, f) for i, key in enumerate(keys) for f in forms(key)]
    hits, octets = [], 0
    for path in files_under(folder, without):
        with open(path, "rb") as f:
            data = f.read(256 << 20)
        octets += len(data)
        hits += [(path, i, form[:12]) for i, form in wanted if form in data]
    return hits, octets
