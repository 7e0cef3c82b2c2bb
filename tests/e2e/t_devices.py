# SPDX-License-Identifier: AGPL-3.0-or-later
"""tests/interop/devices.csv: each habit of a device or client is a row that must bootstrap, each hostile variation one that must not.

Columns: side is ub (the row is a device at gba-bsfd) or ua (the row is what an application says to gba-ue). expect is the status, and
the cause where we have one; for ua 200 is the page, anything else none. head, first and answer are the fields of the request and the
Authorization of the first and second request (ua: the WWW-Authenticate); empty is the usual form. head is split at |; {...} is filled in."""
import base64
import csv
import json
import os
import re

from lib import causes, digest, kdf, procs
from lib.http_raw import HttpClosed, HttpConn
from lib.runner import test
from lib.web import RawBsf, RawNaf
from lib.world import BSF_NAME, World

FIRST = 'Digest username="{user}", realm="{realm}", nonce="", uri="{uri}", response=""'
ANSWER = ('Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{uri}", qop=auth-int, nc={nc}, cnonce="{cnonce}", '
          'response="{response}", opaque="{opaque}", algorithm=AKAv1-MD5')
HEAD = "Host: {host}|User-Agent: {agent}|Accept: */*|Authorization: {auth}"
NAMES = {"usim": BSF_NAME, "isim": "bsf.ims.mnc001.mcc001.pub.3gppnetwork.org", "home": "bsf.home1.net"}
FQDN = "naf1.example.com"


def table(side):
    with open(os.path.join(procs.SRC, "tests", "interop", "devices.csv"), encoding="utf-8", newline="") as f:
        rows = [r for r in csv.DictReader(f) if r["side"] == side]
    for r in rows:
        for column in ("head", "first", "answer"):
            r[column] = re.sub(r"\\(\\|r|n|t|x01)", lambda m: {"\\": "\\", "r": "\r", "n": "\n", "t": "\t", "x01": "\x01"}[m[1]], r[column])
    return rows


class Device:
    """One row at the BSF, with a card of its own."""

    def __init__(self, w, card, row):
        self.w, self.row = w, row
        self.ue = w.ue(card)
        self.realm = NAMES[row["bsf"]]
        self.fields = {"bsf": self.realm, "realm": self.realm, "port": w.ports["ub"], "nc": row["nc"] or "00000001",
                       "cnonce": os.urandom(8).hex(), "agent": row["agent"], "nonce": "", "opaque": "", "response": ""}
        self.fields["host"] = self.fill(row["host"])
        self.method, self.target, self.version = "GET", row["target"], "HTTP/1.1"
        if row["target"].startswith("POST "):
            self.method, self.target = row["target"].split(" ")
        elif row["target"].endswith(" HTTP/1.0"):
            self.target, self.version = row["target"].split(" ")
        self.target = self.fill(self.target)
        self.fields["uri"] = self.fill(row["uri"]) or self.target

    def fill(self, text):
        f = self.fields
        more = {"RESPONSE": f["response"].upper(), "USER": f.get("user", "").upper(), "WRONG": f["response"][:-1] + "x"}
        return re.sub(r"\{(\w+)\}", lambda m: str((f | more)[m[1]]), text)

    async def send(self, form):
        self.fields["auth"] = self.fill(form)
        lines = [self.fill(x) for x in (self.row["head"] or HEAD).split("|")]
        conn = await HttpConn.open(self.w.ports["ub"])
        await conn.send("\r\n".join([f"{self.method} {self.target} {self.version}"] + lines + ["", ""]).encode("latin-1"))
        try:
            return await conn.response()
        finally:
            conn.close()

    async def run(self):
        """The last response, and whether it is a session that is right."""
        ue = self.ue
        if self.row["user"] == "tmpi":
            ue.bsf_name = ue.http_host = self.realm
            await ue.bootstrap()
        user = ue.impi
        if self.row["user"] == "capitals":
            user = ue.impi.replace("ims.", "IMS.")
        self.fields["user"] = ue.tmpi if self.row["user"] == "tmpi" else user
        r = await self.send(self.row["first"] or FIRST)
        if r.status != 401:
            return r
        p = digest.parse_params(r.get("WWW-Authenticate"))
        assert p["realm"] == self.realm or "address" in self.row["id"], p
        nonce = base64.b64decode(p["nonce"])
        res, ck, ik = ue.usim.authenticate(nonce[:16], nonce[16:])
        f = self.fields
        f |= {"nonce": p["nonce"], "opaque": p["opaque"], "realm": p["realm"]}
        form = self.row["answer"] or ANSWER
        cnonce = re.search(r'(?i)cnonce ?= ?"?([^",]+)', form)
        f["cnonce"] = self.fill(cnonce[1]) if cnonce else f["cnonce"]
        f["response"] = digest.response(f["user"], p["realm"], res, self.method, f["uri"], p["nonce"], f["nc"], f["cnonce"], "auth-int")
        r = await self.send(form)
        if r.status == 200:
            info = digest.parse_params(r.get("Authentication-Info"), None)
            want = digest.response(f["user"], p["realm"], res, "", f["uri"], p["nonce"], f["nc"], f["cnonce"], "auth-int", r.body)
            assert info["rspauth"] == want and kdf.btid(nonce[:16], p["realm"]).encode() in r.body, (self.row["id"], info, r.body)
        return r


async def try_row(w, card, row):
    """None, or what went otherwise than the row says."""
    allowed = [x.split() for x in row["expect"].split("|")]
    mark = w.bsf.mark()
    try:
        r = await Device(w, card, row).run()
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
