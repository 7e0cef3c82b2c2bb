# SPDX-License-Identifier: AGPL-3.0-or-later
"""A raw SLF (Dz), and two raw HSSs that are asked only where it sends the BSF."""
from . import dia
from .hss import RawHss
from .hss_pair import REALM, is_state, node
from .world import HSS_ID, World


def redirect(*hosts, usage=None, cache=None, uri="aaa://{}:3868;transport=tcp"):
    """An SLF's answer (RFC 6733 6.1.8)."""
    async def behave(self, conn, mar):
        avps = [dia.Avp(dia.RESULT, 3006)] + self.head()[2:] + [dia.Avp(dia.REDIRECT_HOST, uri.format(h)) for h in hosts]
        if usage is not None:
            avps.append(dia.Avp(dia.REDIRECT_USAGE, usage))
        if cache is not None:
            avps.append(dia.Avp(dia.REDIRECT_CACHE, cache))
        await conn.send(mar.answer(avps, dia.P | dia.E))
    return behave


async def raw_hss(t, w, identity):
    other = await RawHss(identity).start()
    t.cleanup(other.stop)
    for c in w.cards:
        other.add(c.impi, c.k, c.opc)
    return other


async def slf(t, *lines):
    """A raw SLF, and two raw HSSs that are asked only where it sends us."""
    w = World(t, raw_hss=True, n_cards=6).no_limits()
    one, two_ = [await raw_hss(t, w, f"hss{n}.{REALM}") for n in (1, 2)]
    for other in (one, two_):
        w.bsf_cfg.nodes.append([f"hss {other.identity}", node(other.port, "load 0", "timeout 1")])
    w.bsf_cfg.set(f"hss {HSS_ID}", "timeout 1")
    await w.start()
    for other in (one, two_):
        await t.until(lambda o=other: is_state(w, o.identity, "open"), 10, "all to be connected")
    return w, one, two_
