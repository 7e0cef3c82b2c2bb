# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a refused request must look like, and what it must leave alone."""
from . import naf


class Kept:
    """A session of another subscriber, and what the store holds: what no refused request may change."""

    def __init__(self, w, conn, session):
        self.w, self.conn, self.session = w, conn, session

    @classmethod
    async def make(cls, w, card=2):
        k = cls(w, await w.naf(), await w.ue(card).bootstrap())
        k.mars = len(w.raw_hss.mars)
        return k

    async def check(self, mars=0):
        bia = await naf.fetch(self.conn, self.session.btid)
        assert bia.result == 2001 and bia.key == self.session.ks_naf() and bia.expires_at == self.session.expires_at
        assert len(self.w.raw_hss.mars) - self.mars == mars, f"{len(self.w.raw_hss.mars) - self.mars} MARs, not {mars}"
        self.mars = len(self.w.raw_hss.mars)


def is_refusal(r, status):
    assert r.status == status, r
    assert not r.all("WWW-Authenticate"), r
    assert b"btid" not in r.body, r
    if status == 503:
        assert int(r.get("Retry-After")) > 0, r
    assert "3gpp-gba-tmpi" in (r.get("Server") or ""), r.headers


async def mars_are(w, n):
    return len(w.raw_hss.mars) >= n
