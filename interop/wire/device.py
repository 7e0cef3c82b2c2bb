# SPDX-License-Identifier: AGPL-3.0-or-later
"""Devices as they are met: each row of cases/devices.csv is a habit that must bootstrap, or a hostile variation that must not.

Columns: side is ub (the row is a device at gba-bsfd) or ua (the row is what an application says to gba-ue). expect is the status, and
the cause where we have one; for ua 200 is the page, anything else none. head, first and answer are the fields of the request and the
Authorization of the first and second request (ua: the WWW-Authenticate); empty is the usual form. head is split at |; {...} is filled in."""
import base64
import csv
import os
import re

from . import digest, kdf
from .http_raw import HttpConn

FIRST = 'Digest username="{user}", realm="{realm}", nonce="", uri="{uri}", response=""'
ANSWER = ('Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{uri}", qop=auth-int, nc={nc}, cnonce="{cnonce}", '
          'response="{response}", opaque="{opaque}", algorithm=AKAv1-MD5')
HEAD = "Host: {host}|User-Agent: {agent}|Accept: */*|Authorization: {auth}"


def table(side):
    """Its rows, as dicts."""
    path = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "cases", "devices.csv")
    with open(path, encoding="utf-8", newline="") as f:
        rows = [r for r in csv.DictReader(f) if r["side"] == side]
    for r in rows:
        for column in ("head", "first", "answer"):
            r[column] = re.sub(r"\\(\\|r|n|t|x01)", lambda m: {"\\": "\\", "r": "\r", "n": "\n", "t": "\t", "x01": "\x01"}[m[1]], r[column])
    return rows


class Device:
    """One row at the BSF that ue talks to; realm: the name of the BSF that it uses."""

    def __init__(self, ue, row, realm):
        self.ue, self.row, self.realm = ue, row, realm
        self.fields = {"bsf": self.realm, "realm": self.realm, "port": ue.port, "nc": row["nc"] or "00000001",
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
        conn = await HttpConn.open(self.ue.port, self.ue.host, self.ue.source)
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
