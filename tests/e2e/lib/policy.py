# SPDX-License-Identifier: AGPL-3.0-or-later
"""A policy directory, written as a program writes it: beside, then renamed."""
import os

from . import ctl

CONN = "address 127.0.0.1\n"


def text(*names, more="", way=CONN):
    return way + "".join(f"speaks-for {n}\n" for n in names) + more


class PolicyDir:
    def __init__(self, w, name="naf.d"):
        self.w, self.path = w, os.path.join(w.etc, name)
        os.makedirs(self.path, exist_ok=True)
        w.bsf_cfg.nodes.insert(0, [f"policy directory {self.path}", []])

    def at(self, identity):
        return os.path.join(self.path, f"{identity}.naf")

    def write(self, identity, content):
        content = content.encode() if isinstance(content, str) else content
        beside = os.path.join(self.path, f".{identity}.new")
        with open(beside, "wb") as f:
            f.write(content)
        os.rename(beside, self.at(identity))

    def remove(self, identity):
        os.unlink(self.at(identity))

    async def ask(self, command="policy reload"):
        return await ctl.ask(self.w.ports["bsf_ctl"], command)

    async def problems(self):
        return (await self.ask("policy show"))["problems"]
