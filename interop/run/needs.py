# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a case may need, and whether a target has it."""
from . import schema, target

FACTS = {
    "ub": "a table [ub] and a subscriber: a session must be made first",
    "other": "a second peer with role = \"other\"",
    "probe": "a peer with role = \"probe\", whose connection may be cut at any time",
    "private-identity": "private-identity = true for the main naf",
    "no-private-identity": "private-identity = false for the other naf",
    "gsids": "gsids that the main naf may have, of which a subscriber has one",
    "gsids-foreign": "gsids of a subscriber that the main naf may not have",
    "gba-u-subscriber": "a subscriber with uicc = \"gba-u\" (or gba-u-sha256)",
    "two-names": "two names of the main naf, none with *",
    "wildcard": "a name of the main naf that begins with *.",
    "isim": "isim-name in [ub], and a subscriber with kind = \"isim\"",
    "home": "home-name in [ub], and a subscriber with kind = \"home\"",
    "two-subscribers": "two subscribers with kind = \"usim\" and uicc = \"me\"",
    "guss-subscriber": "a subscriber with guss = \"FILE\"",
    "no-guss-subscriber": "a subscriber without guss",
    "bsf": "a table [diameter] and a naf: keys are asked for on Zn",
    "tls": "security = \"tls\" in [diameter], and certificates",
    "watchdog": "watchdog in [diameter], its Tw: no more than 15 seconds",
    "short-nonce": "nonce-lifetime in [ub], no more than 10 seconds",
}


def _gsids(t, role):
    naf = target.peer(t, "zn")
    mine, theirs = set(naf.gsids if naf else ()), {g for s in t.subscriber for g in s.gsids}
    return mine & theirs if role else theirs - mine


def _names(t, star):
    naf = target.peer(t, "zn")
    return [n for n in (naf.names or [naf.identity]) if n.startswith("*.") == star] if naf else []


def has(t, role):
    """The words that the target fulfils."""
    me = [s for s in t.subscriber if s.kind == "usim" and s.uicc == "me"]
    other = target.peer(t, "zn", "other")
    facts = {
        "ub": t.ub and t.subscriber, "other": target.peer(t, role, "other"), "probe": target.peer(t, role, "probe"),
        "private-identity": t.naf and target.peer(t, "zn").private_identity, "no-private-identity": other and not other.private_identity,
        "gsids": _gsids(t, True), "gsids-foreign": _gsids(t, False),
        "gba-u-subscriber": any(s.uicc != "me" for s in t.subscriber), "two-names": len(_names(t, False)) > 1, "wildcard": _names(t, True),
        "isim": t.ub and t.ub.isim_name and any(s.kind == "isim" for s in t.subscriber),
        "home": t.ub and t.ub.home_name and any(s.kind == "home" for s in t.subscriber), "two-subscribers": len(me) > 1,
        "guss-subscriber": any(s.guss for s in t.subscriber), "no-guss-subscriber": any(not s.guss for s in t.subscriber),
        "bsf": t.diameter and t.naf,
        "tls": t.diameter and t.diameter.security == "tls",
        "watchdog": t.diameter and t.diameter.watchdog and t.diameter.watchdog <= 15,
        "short-nonce": t.ub and t.ub.nonce_lifetime and t.ub.nonce_lifetime <= 10,
    }
    return {word for word, true in facts.items() if true} | set(t.target.capabilities)


def why_not(case, have):
    """Why the case cannot be run here, or None."""
    for word in sorted(case.needs - have):
        if word in FACTS:
            return f"needs {FACTS[word]}"
        return f"the target does not say capability \"{word}\" ({schema.CAPABILITIES[word]})"
    return None
