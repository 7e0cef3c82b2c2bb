# SPDX-License-Identifier: AGPL-3.0-or-later
"""Search files for keys in any form a careless line could have: raw, hex, base64, spaced dumps."""
import base64
import os
import subprocess


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


def with_words(words, paths):
    """Those of the files that hold one of the words, none of which has a line feed or NUL."""
    r = subprocess.run(["grep", "-a", "-l", "-Z", "-F", "-f", "-", "--", *paths, os.devnull], input=b"\n".join(words), stdout=subprocess.PIPE,
                       stderr=subprocess.DEVNULL, env={"LC_ALL": "C", "PATH": os.defpath}, check=False)
    return {os.fsdecode(x) for x in r.stdout.split(b"\0")} if r.returncode < 2 else set(paths)


def search(folder, keys, without=()):
    """(path, key number, form) of every hit; keys: octets, at least 8 each. Most forms are looked for by grep, all at once, since a log of
    many megabytes would be read more than a thousand times."""
    wanted = [(i, f) for i, key in enumerate(keys) for f in forms(key)]
    words = {f for _, f in wanted if f.isascii() and not f.count(0) + f.count(b"\n")}
    paths = list(files_under(folder, without))
    suspects = with_words(words, paths) if words else set()
    hits, octets = [], 0
    for path in paths:
        with open(path, "rb") as f:
            data = f.read(256 << 20)
        octets += len(data)
        text = data.isascii()
        hits += [(path, i, form[:12]) for i, form in wanted
                 if (path in suspects or form not in words) and (form.isascii() or not text) and form in data]
    return hits, octets
