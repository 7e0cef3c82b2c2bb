# SPDX-License-Identifier: AGPL-3.0-or-later
"""Programs that find no memory: no_memory.c, compiled and loaded before libc."""
import mmap
import os

from . import procs


async def library(t):
    """Path of the library for LD_PRELOAD; skips where there is no place for it."""
    if procs.SANITIZED:
        t.skip("sanitizers have an allocator of their own")
    lib = t.dir + "/no_memory.so"
    source = os.path.join(os.path.dirname(__file__), "no_memory.c")
    rc, out, err = await procs.run([t.need_tool("cc", "gcc"), "-O1", "-shared", "-fPIC", "-o", lib, source], 30)
    assert rc == 0, out + err
    return lib


class Nth:
    """Of the allocations that a program makes from now on exactly one fails."""

    def __init__(self, t, lib, name="nth"):
        path = f"{t.dir}/{name}"
        with open(path, "wb") as f:
            f.write(bytes(8))
        with open(path, "r+b") as f:
            self.words = memoryview(mmap.mmap(f.fileno(), 8)).cast("I")
        self.env = {"LD_PRELOAD": lib, "NO_MEMORY_COUNTER": path}

    def fails(self, n):
        """The n-th from here on, from 1; 0: none."""
        self.words[1] = 0
        self.words[0] = 0
        self.words[1] = n

    @property
    def calls(self):
        return self.words[0]
