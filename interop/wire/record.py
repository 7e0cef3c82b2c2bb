# SPDX-License-Identifier: AGPL-3.0-or-later
"""What went over the wires of a case, for whoever wants to see it: every module here tells each message as octets."""
import time

tape = None          # a list while somebody listens


class Entry:
    """One message, or the end of a connection (octets None). us: who we are on it; kind: "diameter" or "http"."""

    def __init__(self, kind, us, sent, octets):
        self.at, self.kind, self.us, self.sent, self.octets = time.monotonic(), kind, us, sent, octets


def note(kind, us, sent, octets):
    if tape is not None:
        tape.append(Entry(kind, us, sent, octets))
