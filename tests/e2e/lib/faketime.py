# SPDX-License-Identifier: AGPL-3.0-or-later
"""A wall clock of the test for one process or more, stepped while they run; their monotonic clock stays."""
import os

from . import procs

LIB = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"


class WallClock:
    """.env is for the processes; they see a step at once, or with cached within a second."""

    def __init__(self, t, folder, cached=False):
        if not os.path.exists(LIB):
            t.skip("libfaketime is missing (package faketime)")
        if procs.SANITIZED:
            t.skip("libfaketime and sanitizers both want to be loaded first")
        self._file = os.path.join(folder, "faketime")
        self.env = {"LD_PRELOAD": LIB, "FAKETIME_TIMESTAMP_FILE": self._file, "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                    "FAKETIME_CACHE_DURATION" if cached else "FAKETIME_NO_CACHE": "1"}
        self.step(0)

    def step(self, seconds):
        """seconds from the true time"""
        with open(self._file + ".new", "w", encoding="ascii") as f:
            f.write(f"{seconds:+d}\n")
        os.rename(self._file + ".new", self._file)
