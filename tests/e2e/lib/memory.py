# SPDX-License-Identifier: AGPL-3.0-or-later
"""Search the memory of a running process for keys, in the forms of leaks.py: heap (what was freed too), stacks, data."""
import collections
import re

from . import leaks

PAGE = 4096
PRESENT = 1 << 7             # highest octet of an entry of pagemap: in memory, or swapped out
SWAPPED = 1 << 6


def _regions(pid):
    """(start, end, name) of what can be written; a mapped database is searched as a file."""
    with open(f"/proc/{pid}/maps", encoding="ascii", errors="replace") as f:
        for line in f:
            m = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw\S+ \S+ \S+ \d+\s*(.*)", line)
            if m and not m[3].endswith((".mdb", "-shm")):
                yield int(m[1], 16), int(m[2], 16), m[3] or "heap or stack"


def _runs(pagemap, start, end):
    """(start, end) of pages that have ever been touched: of a stack of 8 MiB it is a few."""
    pagemap.seek(start // PAGE * 8)
    flags = pagemap.read((end - start) // PAGE * 8)[7::8]
    at = None
    for i, flag in enumerate(flags):
        if flag & (PRESENT | SWAPPED):
            at = i if at is None else at
        elif at is not None:
            yield start + at * PAGE, start + i * PAGE
            at = None
    if at is not None:
        yield start + at * PAGE, start + len(flags) * PAGE


def _octets(pid):
    with open(f"/proc/{pid}/mem", "rb") as mem, open(f"/proc/{pid}/pagemap", "rb") as pagemap:
        for start, end, name in _regions(pid):
            for a, b in _runs(pagemap, start, end):
                mem.seek(a)
                yield a, name, mem.read(b - a)


def search(pid, keys):
    """keys: {name: octets}. ({name: [where...]}, octets searched)"""
    wanted = [(name, f) for name, key in keys.items() for f in leaks.forms(key)]
    hits, octets = collections.defaultdict(list), 0
    for start, region, data in _octets(pid):
        octets += len(data)
        for name, f in wanted:
            at = data.find(f)
            while at >= 0:
                hits[name].append((region, hex(start + at), f[:12]))
                at = data.find(f, at + 1)
    return hits, octets
