# SPDX-License-Identifier: AGPL-3.0-or-later
"""A raw BSF: MAR and MAA of Zh (TS 29.109 4.2)."""
from . import dia
from .dia import Avp, Msg

SCHEME = "Digest-AKAv1-MD5"


def mar(conn, impi, realm="mnc001.mcc001.3gppnetwork.org", resync=None, scheme=SCHEME, extra=()):
    """A MAR as a BSF sends it; resync: RAND||AUTS; impi None leaves User-Name out."""
    item = [Avp(dia.SCHEME, scheme)] if scheme else []
    if resync is not None:
        item.append(Avp(dia.AUTHORIZATION, resync))
    avps = [Avp(dia.SESSION_ID, conn.session_id()), dia.vsai(dia.APP_ZH), Avp(dia.AUTH_STATE, 1)] + conn.origin()
    avps += [Avp(dia.DEST_REALM, realm)]
    if impi is not None:
        avps.append(Avp(dia.USER_NAME, impi))
    return Msg(dia.CMD_MA, dia.APP_ZH, avps + [Avp(dia.ITEM, item)] + list(extra), dia.R | dia.P)


def vector_of(maa):
    """(rand, autn, xres, ck, ik) of a successful MAA."""
    item = maa.find(dia.ITEM)
    nonce = item.find(dia.AUTHENTICATE).data
    return nonce[:16], nonce[16:], item.find(dia.AUTHORIZATION).data, item.find(dia.CK).data, item.find(dia.IK).data
