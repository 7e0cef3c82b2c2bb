# SPDX-License-Identifier: AGPL-3.0-or-later
"""Search the memory of a running process for keys, in the forms of leaks.py: heap (what was freed too), stacks, data."""
import collections
import ctypes
import os
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


# --- a program that ends: its memory at the last moment

TRACEME, CONT, SETOPTIONS, TRACEEXIT, EXITKILL, EVENT_EXIT = 0, 7, 0x4200, 0x40, 0x100000, 6
_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def at_exit(argv, keys, env=None):
    """Run it until it exits, and search what is in its memory then: stack, heap, data. (exit status, hits, octets)"""
    pid = os.fork()
    if pid == 0:
        try:
            null = os.open("/dev/null", os.O_RDWR)
            for fd in (0, 1, 2):
                os.dup2(null, fd)
            _libc.ptrace(TRACEME, 0, None, None)
            os.execve(argv[0], argv, env or dict(os.environ))
        finally:
            os._exit(127)
    os.waitpid(pid, 0)                                           # stopped by its exec
    _libc.ptrace(SETOPTIONS, pid, None, TRACEEXIT | EXITKILL)
    hits, octets, sig = {}, 0, 0
    while True:
        _libc.ptrace(CONT, pid, None, sig)
        _, status = os.waitpid(pid, 0)
        if not os.WIFSTOPPED(status):
            return os.waitstatus_to_exitcode(status), hits, octets
        exiting = status >> 16 == EVENT_EXIT
        sig = 0 if exiting else os.WSTOPSIG(status)
        if exiting:
            hits, octets = search(pid, keys)
