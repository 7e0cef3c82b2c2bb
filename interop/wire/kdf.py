# SPDX-License-Identifier: AGPL-3.0-or-later
"""Keys and identities of TS 33.220 annex B, 4.5.2 and TS 23.003 13.3, 16.2."""
import base64
import hashlib
import hmac
import unicodedata

UA_HTTP_DIGEST = bytes.fromhex("0100000002")
UA_TMPI = bytes.fromhex("0100000100")
TMPI_REALM = "tmpi.bsf.3gppnetwork.org"


def kdf(key, fc, *params):
    s = bytes([fc])
    for p in params:
        s += p + len(p).to_bytes(2, "big")
    return hmac.new(key, s, hashlib.sha256).digest()


def nfkc(text):
    return unicodedata.normalize("NFKC", text).encode()


def ks_naf(ks, rand, impi, naf_id, p0=b"gba-me"):
    """naf_id: octets, host name then the five of the Ua protocol"""
    host, ua = naf_id[:-5].decode(), naf_id[-5:]
    return kdf(ks, 1, p0, rand, nfkc(impi), nfkc(host) + ua)


def tmpi(ks, rand, impi, bsf_name):
    seed = ks_naf(ks, rand, impi, bsf_name.encode() + UA_TMPI)
    return base64.b64encode(seed[:24]).decode() + "@" + TMPI_REALM


def btid(rand, bsf_name):
    return base64.b64encode(rand).decode() + "@" + bsf_name


def impi_from_imsi(imsi, mnc_len=2):
    mcc, mnc = imsi[:3], imsi[3:3 + mnc_len].rjust(3, "0")
    return f"{imsi}@ims.mnc{mnc}.mcc{mcc}.3gppnetwork.org"


def bsf_name(imsi, mnc_len=2):
    mcc, mnc = imsi[:3], imsi[3:3 + mnc_len].rjust(3, "0")
    return f"bsf.mnc{mnc}.mcc{mcc}.pub.3gppnetwork.org"


def gba_u(autn, xres, ik, hash_name="sha1"):
    """(AUTN*, XRES*) of 33.220 5.3.2"""
    mask = hashlib.new(hash_name, ik).digest()[:8]
    return autn[:8] + bytes(a ^ b for a, b in zip(autn[8:], mask)), xres[:-1] + bytes([xres[-1] ^ 1])


def run_id(rand):
    """How every log names a run: first 8 hex digits of SHA-256(RAND)."""
    return hashlib.sha256(rand).hexdigest()[:8]
