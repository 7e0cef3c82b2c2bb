# SPDX-License-Identifier: AGPL-3.0-or-later
"""TLS of a NAF: gba-naf and libgba-naf towards a BSF with each kind of wrong certificate, and with wrong options."""
import json
import os
import time

from lib import dia, procs
from lib.app import RawBsf, a_btid
from lib.dia import Avp
from lib.pki import NONE, pki
from lib.runner import test
from lib.world import BSF_ID

NAF_ID = "naf1.example.com"
# what is wrong with the BSF's certificate: the word here
WORDS = {
    "wrong name": "its certificate is for another name",
    "wildcard": "its certificate is for another name",
    "NUL": "its certificate is for another name",
    "CN alone": "its certificate is for another name",
    "other CA": "its certificate is of another CA",
    "expired": "its certificate, or one above it, has expired",
    "not yet": "its certificate is not valid yet",
}


def mine(pair=None):
    pair = pair or pki().make("naf1", NAF_ID)
    return ["--certificate", pair.certificate, "--key", pair.key, "--ca", pki().ca()]


async def tls_bsf(t, pair):
    bsf = RawBsf()
    bsf.answer = [Avp(dia.RESULT, 2001), Avp(dia.ME_KEY, os.urandom(32)), Avp(dia.KEY_EXPIRY, dia.to_ntp(int(time.time()) + 60))]
    await bsf.start(procs.free_port(), tls=pki().context(pair, True))
    t.cleanup(bsf.stop)
    return bsf


def gba_naf(t, port):
    return [t.need_program("gba-naf"), "bir", a_btid(), "--naf", NAF_ID, "--ua", "0100000002", "--bsf", f"127.0.0.1:{port}",
            "--json", "--timeout", str(int(5000 * procs.FACTOR))]


async def asked(argv):
    rc, out, err = await procs.run(argv, 30)
    return rc, json.loads(out), err


@test("gba-naf over TLS: the right certificate, one named otherwise, and each wrong one by its word", smoke=True,
      req=["220-4.4.6-2", "220-4.2.2-2"])
async def words(t):
    bsf = await tls_bsf(t, pki().make("bsf", BSF_ID))
    argv = gba_naf(t, bsf.port)
    rc, o, err = await asked(argv + mine())
    assert (rc, o["cause"]) == (0, "ok"), (o, err)
    rc, o, err = await asked(argv + mine() + ["--tls-name", "zn.example.net"])
    assert (rc, o["cause"]) == (4, "not_connected") and "its certificate is for another name" in o["reason"], o
    named = await tls_bsf(t, pki().make("zn", "zn.example.net"))
    rc, o, err = await asked(gba_naf(t, named.port) + mine() + ["--tls-name", "zn.example.net"])
    assert (rc, o["cause"]) == (0, "ok"), (o, err)
    by_cn = await tls_bsf(t, pki().make("bsf_cn", cn=BSF_ID))
    rc, o, err = await asked(gba_naf(t, by_cn.port) + mine() + ["--tls-cn"])
    assert (rc, o["cause"]) == (0, "ok"), (o, err)
    for what, pair in pki().wrong(BSF_ID).items():
        if pair is NONE:
            continue                                              # a TLS server has one
        bad = await tls_bsf(t, pair)
        rc, o, err = await asked(gba_naf(t, bad.port) + mine())
        assert (rc, o["cause"]) == (4, "not_connected") and WORDS[what] in o["reason"], (what, o)
        assert not bad.birs, "nothing was asked of " + what


@test("gba-naf over TLS: what the BSF says of our own certificate is told, in TLS 1.2 and 1.3", smoke=True)
async def refused(t):
    openssl = t.need_tool("openssl", "openssl")
    bsf = pki().make("bsf", BSF_ID)
    foreign = pki().make("foreign_naf", NAF_ID, ca="other")
    for version in ("-tls1_2", "-tls1_3"):
        port = procs.free_port()
        server = procs.Daemon("s_server", [openssl, "s_server", "-accept", f"127.0.0.1:{port}", "-cert", bsf.certificate, "-key", bsf.key,
                                           "-CAfile", pki().ca(), "-Verify", "1", "-verify_return_error", "-www", version],
                              f"{t.dir}/s_server{version}.log", notifies=False, ready_text="ACCEPT")
        t.watch(server)
        t.may_die.add(server)
        await server.start()
        rc, o, err = await asked(gba_naf(t, port) + mine(foreign))
        assert (rc, o["cause"]) == (4, "not_connected") and 'alert "unknown CA" from it' in o["reason"], (version, o)


@test("gba-naf over TLS: files and options that cannot be used are named, exit code 2", smoke=True)
async def options(t):
    argv = gba_naf(t, 1)
    old = pki().make("old_naf", NAF_ID, since=-7200, until=-3600)
    other = pki().make("other_naf", NAF_ID)
    open_key = pki().make("open_naf", NAF_ID)
    os.chmod(open_key.key, 0o644)
    rows = [(mine()[:4], "certificate, key and ca belong together"), (["--tls-name", "a.example"], "need TLS"),
            (mine() + ["--plain"], "exclude each other"), (mine() + ["--tls-name", ".example"], "is no host name"),
            (mine(old), "has expired"), (mine(open_key), "readable or writable by others"),
            (mine()[:2] + mine(other)[2:], "is not the key of the certificate in"),
            (mine()[:2] + ["--key", f"{t.dir}/nowhere", "--ca", pki().ca()], "/nowhere: No such file"),
            (["--bsf", "192.0.2.1"], "192.0.2.1 is not of this host"), (["--bsf", "[2001:db8::1]:3868"], "is not of this host")]
    for more, word in rows:
        rc, o, err = await asked(argv + more)
        assert (rc, o["cause"]) == (2, "usage") and word in o["reason"], (more, word, o)
    rc, o, err = await asked(argv + ["--bsf", "192.0.2.1", "--plain", "--timeout", "100"])
    assert (rc, o["cause"]) == (4, "not_connected"), "said, it is tried"
