# SPDX-License-Identifier: AGPL-3.0-or-later
"""HTTP Digest arithmetic (RFC 7616 3.4, RFC 3310) and the header forms around it."""
import hashlib
import re


def _hex(name, data):
    return hashlib.new(name, data).hexdigest()


def response(user, realm, password, method, uri, nonce, nc, cnonce, qop, body=b"", alg="md5"):
    """password: octets. method "" gives rspauth."""
    ha1 = _hex(alg, user.encode() + b":" + realm.encode() + b":" + password)
    a2 = f"{method}:{uri}"
    if qop == "auth-int":
        a2 += ":" + _hex(alg, body)
    ha2 = _hex(alg, a2.encode())
    if qop is None:
        return _hex(alg, f"{ha1}:{nonce}:{ha2}".encode())
    return _hex(alg, f"{ha1}:{nonce}:{nc}:{cnonce}:{qop}:{ha2}".encode())


_TOKEN = {"algorithm", "qop", "nc", "stale"}


def format_params(params):
    """A dict of parameters as one Digest header value; None leaves one out."""
    parts = []
    for name, value in params.items():
        if value is None:
            continue
        parts.append(f"{name}={value}" if name in _TOKEN else f'{name}="{value}"')
    return "Digest " + ", ".join(parts)


_PARAM = re.compile(r'\s*([A-Za-z0-9_-]+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))\s*(?:,|$)')


def parse_params(value, scheme="Digest"):
    """Parameters of a challenge or Authentication-Info (scheme None); ValueError for any other form."""
    if scheme is not None:
        word, _, value = value.partition(" ")
        if word.lower() != scheme.lower():
            raise ValueError(f"scheme {word}")
    out, at = {}, 0
    while at < len(value):
        m = _PARAM.match(value, at)
        if not m:
            raise ValueError(f"parameter at {value[at:at + 40]!r}")
        name = m.group(1).lower()
        if name in out:
            raise ValueError(f"{name} twice")
        out[name] = m.group(2) if m.group(2) is not None else m.group(3)
        at = m.end()
    return out
