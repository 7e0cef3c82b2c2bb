# SPDX-License-Identifier: AGPL-3.0-or-later
"""data.mdb, page by page."""


def leaves_with(path, rand):
    """Numbers of the pages of data.mdb that hold this RAND in a leaf; the live one is among them."""
    with open(path, "rb") as f:
        data = f.read()
    pages = [n for n in range(2, len(data) // 4096) if data[4096 * n + 10] == 2 and rand in data[4096 * n:4096 * (n + 1)]]
    assert pages, "no page holds the session"
    return pages


def values_of(path, rand):
    """Where in data.mdb a value under this RAND begins, on each page that has or had it: not in what splits have left between."""
    with open(path, "rb") as f:
        data = f.read()
    out = []
    for page in leaves_with(path, rand):
        at = 4096 * page
        lower = int.from_bytes(data[at + 12:at + 14], "little")
        for i in range(16, lower, 2):
            node = at + int.from_bytes(data[at + i:at + i + 2], "little")
            if data[node + 8:node + 24] == rand:
                out.append(node + 24)
    return out
