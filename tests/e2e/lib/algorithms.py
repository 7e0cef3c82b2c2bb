# SPDX-License-Identifier: AGPL-3.0-or-later
"""Subscribers of every algorithm: what the import file and the card's file say of the same keys."""
from . import procs
from .world import BSF_NAME, World

HEAD = "impi,imsi,k,opc,algorithm,res-length,rounds,sqn-profile,ind-length,ind"
GUSS_U = """<?xml version="1.0" encoding="UTF-8"?>
<guss id="{impi}" xmlns="urn:3gpp:gba:GBAGUSSSchema-R9:2010-02"><bsfInfo><uiccType>GBA_U</uiccType></bsfInfo><ussList/></guss>"""


def words(a):
    """(name, RES in bits, rounds) as an import file has them."""
    name = type(a).__name__.lower()
    res = 8 * a.res_len if name != "milenage" else ""
    return name, res, a.rounds if name == "tuak" else ""


class Cards(World):
    """One subscriber for each of the algorithms; gba: the numbers of those with GBA_U."""

    def __init__(self, t, algorithms, gba=()):
        super().__init__(t, n_cards=len(algorithms))
        self.algorithms, self.gba = algorithms, gba
        self.more = [""] * len(algorithms)              # further columns of a row
        self.hss_cfg.add("subscribers", "allow-test-algorithms")
        for c, a in zip(self.cards, algorithms):
            c.k, c.opc = a.k, a.opc
            self.more_secrets += [a.k] + ([a.opc] if a.opc else [])

    def csv(self):
        rows = [HEAD + ",guss"]
        for n, (c, a) in enumerate(zip(self.cards, self.algorithms)):
            name, res, rounds = words(a)
            guss = f"u-{c.imsi}.xml" if n in self.gba else ""
            if guss:
                self.write_secret(guss, GUSS_U.replace("{impi}", c.impi))
            more = self.more[n] or ",,"
            rows.append(f"{c.impi},{c.imsi},{a.k.hex()},{a.opc.hex()},{name},{res},{rounds},{more},{guss}")
        return self.write_secret("subscribers.csv", "\n".join(rows) + "\n")

    def card_file(self, n, *lines):
        c, a = self.cards[n], self.algorithms[n]
        name, res, rounds = words(a)
        text = [f"imsi {c.imsi}", "mnc-length 2", f"k {a.k.hex()}", f"algorithm {name}", f"state-file usim-{n}.state", *lines]
        text += [f"opc {a.opc.hex()}"] if a.opc else ["allow-test-algorithms yes"]
        text += ([f"res-length {res}"] if res else []) + ([f"rounds {rounds}"] if rounds else []) + (["gba u"] if n in self.gba else [])
        return self.write_secret(f"usim-{n}.cfg", "usim\n" + "".join(f" {x}\n" for x in text))

    async def gba_ue(self, card, *command, inside=()):
        """gba-ue with this card: (exit code, standard output, standard error)"""
        argv = [*inside, self.t.need_program("gba-ue"), "-c", card, "--json",
                "--connect-to", f"{BSF_NAME}:80:127.0.0.1:{self.ports['ub']}", *command]
        return await procs.run(argv, 20)

    async def bootstrap(self, n, *lines):
        return await self.gba_ue(self.card_file(n, *lines), "bootstrap")
