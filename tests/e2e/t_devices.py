# SPDX-License-Identifier: AGPL-3.0-or-later
"""interop/cases/devices.csv: each habit of a device or client is a row that must bootstrap, each hostile variation one that must not."""
import json
import os

from lib import causes, kdf, procs
from lib.device import Device, table
from lib.http_raw import HttpClosed
from lib.runner import test
from lib.web import RawBsf, RawNaf
from lib.world import BSF_NAME, World

NAMES = {"usim": BSF_NAME, "isim": "bsf.ims.mnc001.mcc001.pub.3gppnetwork.org", "home": "bsf.home1.net"}
FQDN = "naf1.example.com"


async def try_row(w, card, row):
    """None, or what went otherwise than the row says."""
    allowed = [x.split() for x in row["expect"].split("|")]
    mark = w.bsf.mark()
    try:
        r = await Device(w.ue(card), row, NAMES[row["bsf"]]).run()
        status = r.status
    except HttpClosed:
        status = "closed"
    fits = [a for a in allowed if a[0] == str(status)]
    if not fits:
        return f"{row['id']}: {status}, not {row['expect']} ({row['what']})"
    words = [a[1] for a in fits if len(a) > 1]

    async def told():
        return not words or any(c in w.bsf.text(mark) for c in words)
    if not await told():
        await w.t.until(told, 5, f"{words} in the log, for {row['id']}")
    for c in words:
        if c in w.bsf.text(mark):
            causes.register(c)
    return None


@test("every device of the table bootstraps at gba-bsfd, and no hostile variation does", smoke=True, timeout=120,
      req=["220-5.3.2-1"])
async def at_the_bsf(t):
    rows = table("ub")
    w = World(t, n_cards=len(rows)).no_limits()
    w.bsf_cfg.add("bsf", "name bsf.home1.net")
    for n, row in enumerate(rows):
        if row["user"] == "impi" or row["bsf"] == "home":
            w.cards[n].impi = f"user{n}_private@home1.net"
    await w.start()
    faults = [x for n, row in enumerate(rows) if (x := await try_row(w, n, row))]
    good = sum(r["expect"] == "200" for r in rows)
    t.note(f"{good} that must, {len(rows) - good} that must not")
    assert good > 50 and len(rows) - good > 30 and not faults, faults


class Naf(RawNaf):
    """Says what a row says."""
    form = ""

    def challenge(self, extra=""):
        nonce = os.urandom(12).hex()
        self.nonces[nonce] = 0
        form = self.form.replace("{nonce}", nonce).replace("{fqdn}", self.fqdn).replace("{FQDN}", self.fqdn.upper())
        return 401, [("WWW-Authenticate", form)], b"no"


@test("whatever form the challenge of an application has, the device answers it with the key, and one that is not for it with nothing",
      smoke=True, timeout=120)
async def at_the_application(t):
    k, opc, imsi = os.urandom(16), os.urandom(16), "001010000000001"
    bsf = await RawBsf(kdf.bsf_name(imsi), k, opc, kdf.impi_from_imsi(imsi)).start()
    naf = await Naf(bsf).start()
    t.cleanup(bsf.stop)
    t.cleanup(naf.stop)
    card = f"{t.dir}/usim.cfg"
    with open(os.open(card, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
        f.write(f"usim\n imsi {imsi}\n mnc-length 2\n k {k.hex()}\n opc {opc.hex()}\n algorithm milenage\n state-file usim.state\n")
    argv = [t.need_program("gba-ue"), "-c", card, "--json", "--connect-to", f"{bsf.name}:80:127.0.0.1:{bsf.port}",
            "--connect-to", f"{FQDN}:80:127.0.0.1:{naf.port}", "get", f"http://{FQDN}/"]
    faults = []
    for row in table("ua"):
        naf.form, n = row["first"], len(naf.requests)
        rc, out, _ = await procs.run(argv, 20)
        page = rc == 0 and json.loads(out).get("body") == "the page"
        told = any("response" in r["params"] for r in naf.requests[n:])
        if page != (row["expect"] == "200") or (told and not page):
            faults.append(f"{row['id']}: rc {rc}, answered {told}, {out[:300]}")
    assert not faults, faults
