# SPDX-License-Identifier: AGPL-3.0-or-later
"""The example configurations of conf/, with single lines changed."""


class Cfg:
    """VTY syntax: a node is a line without indentation and the indented lines under it."""

    def __init__(self, path):
        self.nodes = []
        with open(path, encoding="utf-8") as f:
            for line in f.read().splitlines():
                if not line.strip() or line.lstrip().startswith("!"):
                    continue
                if line[0] != " ":
                    self.nodes.append([line, []])
                else:
                    self.nodes[-1][1].append(line)

    def node(self, head):
        """Lines of the node; made if it is not there."""
        for n in self.nodes:
            if n[0] == head:
                return n[1]
        self.nodes.append([head, []])
        return self.nodes[-1][1]

    def find(self, word):
        """Head of the first node that begins with word."""
        return next(n[0] for n in self.nodes if n[0].split()[0] == word)

    def set(self, head, line):
        """Replace what begins with the same word, else add."""
        self.remove(head, line.split()[0])
        self.add(head, line)

    def add(self, head, line):
        self.node(head).append(" " + line)

    def remove(self, head, word):
        lines = self.node(head)
        lines[:] = [x for x in lines if x.split()[0] != word]

    def remove_node(self, head):
        self.nodes = [n for n in self.nodes if n[0] != head]

    def text(self):
        return "".join(h + "\n" + "".join(x + "\n" for x in lines) + "!\n" for h, lines in self.nodes)

    def write(self, path):
        with open(path, "w", encoding="utf-8") as f:
            f.write(self.text())
