# SPDX-License-Identifier: AGPL-3.0-or-later
"""A World whose daemons speak TLS, and peers with certificates."""
from . import procs
from .pki import pki
from .world import BSF_ID, HSS_ID, World

NAF_ID = "naf1.example.com"


def certify(cfg, pair):
    cfg.add("diameter", f"tls certificate {pair.certificate}")
    cfg.add("diameter", f"tls key {pair.key}")
    cfg.add("diameter", f"tls ca {pki().ca()}")


def tls_world(t, zh="tls", shards=2, nafs=(), bsf=None, hss=None, **kw):
    """Both daemons have a certificate; Zh as zh says; NAFs may come to ports["tls"]."""
    w = World(t, **kw)
    w.ports["tls"] = procs.free_port()
    certify(w.bsf_cfg, bsf or pki().make("bsf", BSF_ID))
    certify(w.hss_cfg, hss or pki().make("hss", HSS_ID))
    w.bsf_cfg.set("bsf", f"shards {shards}")
    w.bsf_cfg.add("diameter", f"listen tls 127.0.0.1 {w.ports['tls']}")
    w.bsf_cfg.add(f"hss {HSS_ID}", f"security {zh}")
    w.hss_cfg.add(f"bsf {BSF_ID}", f"security {zh}")
    if zh == "tls":
        w.hss_cfg.set("diameter", f"listen tls 127.0.0.1 {w.ports['hss']}")
    for n in nafs:
        w.bsf_cfg.set(f"naf {n}", "address 127.0.0.0/8")
        w.bsf_cfg.add(f"naf {n}", "speaks-for naf1.example.com")
    return w


def client(name=NAF_ID, **kw):
    return pki().context(pki().make(name, name, **kw), False)
