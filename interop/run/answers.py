# SPDX-License-Identifier: AGPL-3.0-or-later
"""What every answer must be, whatever was asked: Diameter (RFC 6733 3, 4.1, 6.2, 7) and Ub (24.109 4, RFC 3310)."""
import base64

from ..wire import dia, digest

V3 = dia.VENDOR_3GPP
# code: (vendor, must M be set); what stands in an answer of Zh, Zn or the base protocol
FLAGS = {dia.SESSION_ID: (0, True), dia.ORIGIN_HOST: (0, True), dia.ORIGIN_REALM: (0, True), dia.RESULT: (0, True), dia.VSAI: (0, True),
         dia.AUTH_STATE: (0, True), dia.USER_NAME: (0, True), dia.EXP_RESULT: (0, True), dia.FAILED_AVP: (0, True),
         dia.ERROR_MESSAGE: (0, False), dia.PRODUCT: (0, False), dia.HOST_IP: (0, True), dia.VENDOR_ID: (0, True),
         dia.GUSS: (V3, True), dia.KEY_EXPIRY: (V3, True), dia.ME_KEY: (V3, True), dia.UICC_KEY: (V3, True), dia.CREATION: (V3, True),
         dia.GBA_TYPE: (V3, True), dia.ITEM: (V3, True), dia.SCHEME: (V3, True), dia.AUTHENTICATE: (V3, True),
         dia.AUTHORIZATION: (V3, True), dia.CK: (V3, True), dia.IK: (V3, True)}
SEVERAL = {dia.PROXY_INFO, dia.ROUTE_RECORD, dia.HOST_IP, dia.VSAI, dia.AUTH_APP, dia.SUPPORTED_VENDOR, dia.ITEM, dia.FAILED_AVP}


def _each(avps):
    for a in avps:
        yield a
        if isinstance(a.data, list) and a.code != dia.FAILED_AVP:
            yield from _each(a.data)


def _header(q, a):
    if a.flags & (dia.R | dia.T | 0x0f):
        yield f"flags {a.flags:02x}: R, T and the reserved bits must be clear in an answer"
    if (a.flags ^ q.flags) & dia.P:
        yield "P is not that of the request"
    if (a.cmd, a.app) != (q.cmd, q.app):
        yield f"command and application {a.cmd}, {a.app} are not those of the request, {q.cmd}, {q.app}"
    if (a.hbh, a.e2e) != (q.hbh, q.e2e):
        yield "Hop-by-Hop or End-to-End Identifier is not that of the request"


def _result(a):
    codes = a.all(dia.RESULT) + a.all(dia.EXP_RESULT)
    if len(codes) != 1:
        yield f"{len(codes)} of Result-Code and Experimental-Result, not one"
        return
    code = a.result if isinstance(a.result, int) else a.result[1]
    if not 1000 <= code < 6000:
        yield f"a result of {code}"
    if isinstance(a.result, tuple) and a.result[0] != V3:
        yield f"Experimental-Result of vendor {a.result[0]}"
    error = isinstance(a.result, int) and 3000 <= code < 4000
    if bool(a.flags & dia.E) != error:
        yield f"E is {'clear' if error else 'set'} with {code}: it is set with 3xxx and with nothing else"
    if code == 2001 and a.find(dia.FAILED_AVP):
        yield "Failed-AVP beside 2001"


def _identities(q, a, d):
    asked, said = q.find(dia.SESSION_ID), a.find(dia.SESSION_ID)
    if (asked.data if asked else None) != (said.data if said else None):
        yield "Session-Id is not that of the request"
    if said and a.avps[0].code != dia.SESSION_ID:
        yield "Session-Id is not the first AVP"
    if (a.text(dia.ORIGIN_HOST) or "").lower() != d.identity.lower():
        yield f"Origin-Host {a.text(dia.ORIGIN_HOST)} is not {d.identity}"
    if (a.text(dia.ORIGIN_REALM) or "").lower() != d.realm.lower():
        yield f"Origin-Realm {a.text(dia.ORIGIN_REALM)} is not {d.realm}"
    if [p.encode() for p in a.all(dia.PROXY_INFO)] != [p.encode() for p in q.avps if not isinstance(p, bytes) and p.code == dia.PROXY_INFO]:
        yield "Proxy-Info is not as it was in the request"


def _avps(a):
    for code in (dia.DEST_HOST, dia.DEST_REALM):
        if a.find(code):
            yield f"AVP {code} has no place in an answer"
    seen = set()
    for x in a.avps:
        if (x.code, x.vendor) in seen and x.code not in SEVERAL:
            yield f"AVP {x.code} twice"
        seen.add((x.code, x.vendor))
    for x in _each(a.avps):
        vendor, m = FLAGS.get(x.code, (x.vendor, x.m))
        if x.vendor != vendor:
            yield f"AVP {x.code} has vendor {x.vendor}, not {vendor}"
        if x.m != m:
            yield f"AVP {x.code} has M {'set' if x.m else 'clear'}"


def diameter(q, a, d, session=True):
    """What is wrong with answer a to request q of the peer d (identity, realm). session False: CEA, DWA, DPA."""
    out = list(_header(q, a)) + list(_result(a)) + list(_identities(q, a, d)) + list(_avps(a))
    if session and a.result == 2001:
        app = a.find(dia.VSAI)
        if app is None or {(x.code, x.u32) for x in app.data} != {(dia.VENDOR_ID, V3), (dia.AUTH_APP, q.app)}:
            out.append("Vendor-Specific-Application-Id is not 10415 and that of the request")
        state = a.find(dia.AUTH_STATE)
        if state is not None and state.u32 != 1:
            out.append(f"Auth-Session-State {state.u32}, not NO_STATE_MAINTAINED (1)")
    return out


# --- Ub
def _keyless(r):
    if b"btid" in r.body or r.get("Authentication-Info"):
        yield "a B-TID or Authentication-Info in what is no 200"


def _one_each(r):
    for name in ("WWW-Authenticate", "Authentication-Info", "Server", "Content-Type", "Content-Length"):
        if len(r.all(name)) > 1 and name != "WWW-Authenticate":
            yield f"{name} twice"


def _challenge(r, names):
    values = r.all("WWW-Authenticate")
    if len(values) < 1:
        yield "401 without WWW-Authenticate"
        return
    try:
        p = digest.parse_params(values[0])
        octets = base64.b64decode(p["nonce"], validate=True)
    except (ValueError, KeyError) as e:
        yield f"WWW-Authenticate cannot be read: {e}"
        return
    if p.get("realm", "").lower() not in names:
        yield f"realm {p.get('realm')} is no name of the BSF"
    if len(octets) < 32:
        yield f"nonce of {len(octets)} octets holds no RAND and AUTN"
    if p.get("algorithm", "").upper() != "AKAV1-MD5":
        yield f"algorithm {p.get('algorithm')}, not AKAv1-MD5"
    if "auth-int" not in [x.strip() for x in (p.get("qop") or "").split(",")]:
        yield f"qop {p.get('qop')} does not offer auth-int"
    if not p.get("opaque"):
        yield "no opaque (24.109 A.4)"


def ub(r, names, tmpi):
    """What is wrong with an answer of Ub, whatever was asked."""
    out = list(_one_each(r))
    if r.status not in (200, 401, 503) and not 400 <= r.status < 500:
        out.append(f"status {r.status}")
    if r.status != 200:
        out += _keyless(r)
    if r.status == 401:
        out += _challenge(r, names)
    elif r.all("WWW-Authenticate"):
        out.append(f"WWW-Authenticate with {r.status}")
    if tmpi and r.status in (200, 401) and "3gpp-gba-tmpi" not in (r.get("Server") or ""):
        out.append("Server lacks 3gpp-gba-tmpi")
    if r.status == 200 and (r.get("Content-Type") or "").split(";")[0] != "application/vnd.3gpp.bsf+xml":
        out.append(f"Content-Type {r.get('Content-Type')}")
    return out
