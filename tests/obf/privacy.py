# SPDX-License-Identifier: AGPL-3.0-or-later
"""What an application can see of a subscriber, and what two of them can tell each other."""
# covers: OBF-7.5-6 OBF-9.4.1-8 OBF-10.3-3
#   + t_reg: registry: an application learns a pseudonym
#   - privacy: rows: two providers put together
#   - t_reg_generator: registry api: requests made by chance
#
# covers: OBF-7.4-6 OBF-9.1.1-5
#   + t_flow: TMPI: used in the next run
#   - t_leaks: above DEBUG an IMPI is never whole
import os
import re

from lib.registry import FQDN, Realm, page
from lib.relay import Relay
from lib.runner import test

PROVIDERS = {"asp-1": FQDN, "other": "tv.example.org"}
NUMBERS = {"msisdn": "4917012345678", "iccid": "8949017000000000001", "imei": "490154203237518", "eid": "89049032000000000000000000000001"}
TIME = re.compile(rb"\d{4}-\d\d-\d\dT[\d:.]+[+Z\d]*")


class Provider:
    """An application behind two relays that keep every octet of Zn and Ua; with its naf.conf and its log all that its provider has."""

    def __init__(self, w, name, fqdn):
        self.w, self.name, self.fqdn, self.read = w, name, fqdn, {}

    async def start(self):
        w, folder = self.w, os.path.join(self.w.dir, self.name)
        os.mkdir(folder)
        self.app = await w.app(self.fqdn, self.name, self.name)
        zn = await Relay(os.path.join(folder, "zn.pcap"), w.ports["dia"]).start()
        self.ua = await Relay(os.path.join(folder, "ua.pcap"), self.app.port).start()
        self.relays = [zn, self.ua]
        conf = os.path.join(w.etc, self.fqdn + ".conf")
        with open(conf, encoding="utf-8") as f:
            text = f.read().replace(f"127.0.0.1:{w.ports['dia']}", f"127.0.0.1:{zn.port}")
        with open(conf, "w", encoding="utf-8") as f:
            f.write(text)
        self.files = [conf, self.app.daemon.log] + [r.pcap.f.name for r in self.relays]
        for r in self.relays:
            w.t.cleanup(r.stop)
        await self.app.start()
        return self

    async def visit(self, session):
        """A page for the device; what is new to the provider behind it."""
        client = self.app.client()
        client.port = self.ua.port
        assert await page(self.app, client, session) == (200, "naf_ok")
        return self.news()

    def news(self):
        out = b""
        for r in self.relays:
            r.pcap.f.flush()
        for path in self.files:
            with open(path, "rb") as f:
                f.seek(self.read.get(path, 0))
                out += f.read()
                self.read[path] = f.tell()
        return out


def words(octets):
    return set(re.findall(rb"[A-Za-z0-9+/=@._-]{6,}", TIME.sub(b" ", octets)))


@test("rows: two providers put together all they ever saw: only the B-TID and times are the same, and neither has an identity of the device",
      timeout=90)
async def together(t):
    w = await Realm(t, n_cards=2).start()
    a, b = [await Provider(w, name, fqdn).start() for name, fqdn in PROVIDERS.items()]
    for c, more in zip(w.cards, ("".join(f" {k}={v}" for k, v in NUMBERS.items()), "")):
        await w.order(f"device add {c.impi}{more}")
        for fqdn in PROVIDERS.values():
            await w.order(f"grant {c.impi} {fqdn}")
    await w.told()
    seen, sessions = [], []
    for n in (1, 0, 0):                             # another device, for what is the same with everybody; then ours, twice
        sessions.append(await w.ue(n).bootstrap())
        seen.append([await p.visit(sessions[-1]) for p in (a, b)])
    everybodys = words(seen[0][0]) | words(seen[0][1])
    same = (words(seen[1][0]) & words(seen[1][1])) - everybodys
    btid, run = sessions[1].btid.encode(), [r["run"] for r in a.app.requests() if r["status"] == "200"][1].encode()     # made from the B-TID
    assert btid in same and same <= {btid, run}, same
    for x, y in ((seen[1][0], seen[2][1]), (seen[2][0], seen[1][1])):
        assert not (words(x) & words(y)) - everybodys, (words(x) & words(y)) - everybodys
    uids = [g["uid"].encode() for g in (await w.order(f"device show {w.cards[0].impi}"))["grants"]]
    mine, others = (b"".join(s[n] for s in seen) for n in (0, 1))
    assert sum(uid in mine for uid in uids) == sum(uid in others for uid in uids) == 1, "each has its pseudonym"
    for c in w.cards:
        for secret in (c.imsi, c.impi, *NUMBERS.values()):
            assert secret.encode() not in mine + others, secret
