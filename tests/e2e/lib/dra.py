# SPDX-License-Identifier: AGPL-3.0-or-later
"""freeDiameterd as relay agent (DRA), with our dictionary as its extension."""
import os
import tempfile

from . import procs
from .runner import Skip

DRA_ID, DRA_REALM = "dra.example.com", "example.com"


def extension():
    return os.path.join(procs.BUILD, "dict", ".libs", "dict_gba.fdx")


async def own_credentials(d, identity):
    """It wants some even where it speaks no TLS."""
    rc, out, err = await procs.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={identity}",
                                    "-keyout", d + "/key.pem", "-out", d + "/cert.pem"], 60)
    assert rc == 0, out + err
    return d + "/cert.pem", d + "/key.pem", d + "/cert.pem"


async def relay(t, connect, allow, identity=DRA_ID, rules=(), port=0, tls=None, tls_port=0):
    """A running freeDiameterd; .port is where it listens, .tls_port with TLS first. connect: {identity: port} it dials, or
    (port, "TLS_old_method" or ""); allow: identities or *.domain that may come in, or (identity, "ALLOW_OLD_TLS" or "");
    rules: lines for rt_default.fdx; tls: (certificate with its identity as CN, key, CA)."""
    exe = t.need_tool("freeDiameterd", "freediameterd")
    if procs.SANITIZED:
        raise Skip("freeDiameterd cannot load an extension built with a sanitizer")
    d = tempfile.mkdtemp(prefix=identity + "-", dir=t.dir)
    cert, key, ca = tls or await own_credentials(d, identity)
    port = port or procs.free_port()
    with open(d + "/acl", "w", encoding="ascii") as f:
        f.write("".join(f"{a[1]} {a[0]}\n" if isinstance(a, tuple) else f"ALLOW_IPSEC {a}\n" for a in allow))
    lines = [f'Identity = "{identity}";', f'Realm = "{DRA_REALM}";', f"Port = {port};", f"SecPort = {tls_port};", "No_SCTP;", "No_IPv6;",
             f'TLS_Cred = "{cert}", "{key}";', f'TLS_CA = "{ca}";', "TcTimer = 1;", "TwTimer = 6;",
             f'LoadExtension = "{extension()}";',
             f'LoadExtension = "/usr/lib/freeDiameter/acl_wl.fdx" : "{d}/acl";']
    if rules:
        with open(d + "/rules", "w", encoding="ascii") as f:
            f.write("\n".join(rules) + "\n")
        lines.append(f'LoadExtension = "/usr/lib/freeDiameter/rt_default.fdx" : "{d}/rules";')
    for i, p in connect.items():
        p, how = p if isinstance(p, tuple) else (p, "No_TLS")
        lines.append(f'ConnectPeer = "{i}" {{ ConnectTo = "127.0.0.1"; {how + "; " if how else ""}port = {p}; }};')
    with open(d + "/fd.conf", "w", encoding="ascii") as f:
        f.write("\n".join(lines) + "\n")
    fd = procs.Daemon("freeDiameterd", [exe, "-c", d + "/fd.conf"], d + "/log", notifies=False,
                      ready_text="freeDiameterd daemon initialized")
    fd.port, fd.tls_port = port, tls_port
    await fd.start()
    t.cleanup(fd.kill)
    return fd
