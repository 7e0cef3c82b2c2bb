# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a target said, so that it steers no terminal of who reads it."""


def visible(text):
    return "".join(c if c == "\n" or c.isprintable() else "\\x%02x" % ord(c) if ord(c) < 256 else "\\u%04x" % ord(c) for c in text)
