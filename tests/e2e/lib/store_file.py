# SPDX-License-Identifier: AGPL-3.0-or-later
"""data.mdb, page by page."""

PAGE = 4096


def leaves_with(path, rand):
    """Numbers of the pages of data.mdb that have or had this RAND as a key; the live one is among them. What splits have left between the
    records of a page, which may be another table's by now, does not count."""
    pages = sorted({at // PAGE for at in values_of(path, rand)})
    assert pages, "no page holds the session"
    return pages


def values_of(path, rand):
    """Where in data.mdb a value under this RAND begins, on each leaf that has or had it."""
    with open(path, "rb") as f:
        data = f.read()
    out = []
    for at in range(2 * PAGE, len(data) // PAGE * PAGE, PAGE):
        if data[at + 10] != 2:                                  # a leaf
            continue
        lower = min(int.from_bytes(data[at + 12:at + 14], "little"), PAGE)
        for i in range(16, lower, 2):
            node = at + int.from_bytes(data[at + i:at + i + 2], "little")
            if data[node + 8:node + 24] == rand:
                out.append(node + 24)
    return out
