# SPDX-License-Identifier: AGPL-3.0-or-later
"""The example application server (libgba-naf) as a process, its requests as it logs them, and a raw BSF for it."""
import hashlib
import json
import os

from . import causes, dia, digest, folder, kdf, procs
from .dia import Avp
from .dia_peer import Server
from .ue import UaClient
from .world import BSF_ID, BSF_NAME

BSF_REALM = "mnc001.mcc001.3gppnetwork.org"


class App:
    """App(t, dia_port, "--sha256", ...): gba-naf-example as naf1.example.com."""

    def __init__(self, t, dia_port, *options, fqdn="naf1.example.com", name="naf"):
        exe = t.need_program("gba-naf-example")
        self.t, self.port = t, procs.free_port()
        argv = [exe, "--listen", f"127.0.0.1:{self.port}", "--fqdn", fqdn, "--identity", "naf1.example.com", "--realm", "example.com",
                "--bsf", f"127.0.0.1:{dia_port}", "--bsf-identity", BSF_ID, "--bsf-realm", BSF_REALM,
                "--bsf-name", BSF_NAME, "--json-log", *options]
        self.fqdn = fqdn
        os.makedirs(os.path.join(t.dir, "log"), exist_ok=True)
        self.daemon = procs.Daemon("gba-naf-example", argv, os.path.join(t.dir, "log", name + ".log"), notifies=False,
                                   ready_text='"event":"ready"')
        t.watch(self.daemon)

    async def start(self):
        await self.daemon.start()
        return self

    def events(self):
        return [json.loads(line) for line in self.daemon.text().split("\n")[:-1] if line.startswith("{")]

    def requests(self):
        return [e for e in self.events() if e["event"] == "request"]

    def client(self, fqdn=None):
        return UaClient(self.port, fqdn or self.fqdn)

    async def expect(self, sending, status, cause):
        """One request: its status, and the cause the log gives for it."""
        before = len(self.requests())
        r = await sending
        await folder.until(os.path.dirname(self.daemon.log), lambda: len(self.requests()) > before, 5 * procs.FACTOR)
        last = self.requests()[-1]
        assert (r.status, last["cause"]) == (status, cause), f"{r.status} {last}, not {status} {cause}"
        assert ("WWW-Authenticate" in dict(r.headers)) == (status == 401), r.headers
        assert ("key_fingerprint" in last) == (status == 200), last
        causes.register(cause)
        return r


class RawBsf(Server):
    """A BSF that answers BIRs as .answer says: a list of AVPs, or None for silence."""

    def __init__(self):
        super().__init__(BSF_ID, BSF_REALM, [dia.APP_ZN], self._on_request)
        self.birs, self.answer = [], None

    async def _on_request(self, conn, bir):
        self.birs.append(bir)
        if self.answer is not None:
            head = [dia.vsai(dia.APP_ZN), Avp(dia.ORIGIN_HOST, BSF_ID), Avp(dia.ORIGIN_REALM, BSF_REALM)]
            await conn.send(bir.answer(head + self.answer))


def fingerprint(key):
    """First 8 hex digits of SHA-256(label || key), as all our programs show keys."""
    return hashlib.sha256(b"gba key fingerprint" + key).hexdigest()[:8]


def edited(authorization, name, value=None):
    """The header value with one parameter replaced after the arithmetic, or left out."""
    params = digest.parse_params(authorization)
    assert name in params
    params[name] = value
    return digest.format_params(params)


def a_btid():
    return kdf.btid(os.urandom(16), BSF_NAME)
