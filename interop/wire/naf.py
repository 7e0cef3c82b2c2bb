# SPDX-License-Identifier: AGPL-3.0-or-later
"""A raw NAF: BIR and BIA of Zn (TS 29.109 5.2)."""
from . import dia, dia_peer, kdf
from .dia import Avp, Msg

BSF_REALM = "mnc001.mcc001.3gppnetwork.org"


async def connect(port, identity="naf1.example.com", realm="example.com", **kw):
    return await dia_peer.connect(port, identity, realm, [dia.APP_ZN], **kw)


def naf_id(fqdn="naf1.example.com", ua=kdf.UA_HTTP_DIGEST):
    return fqdn.encode() + ua


def bir(conn, btid, naf=None, realm=BSF_REALM, dest_host=None, gsids=(), origin=None, extra=(), u_aware=None):
    """btid or naf None leaves the AVP out; origin: (host, realm) that are not the connection's."""
    avps = [Avp(dia.SESSION_ID, conn.session_id()), dia.vsai(dia.APP_ZN)]
    avps += conn.origin() if origin is None else [Avp(dia.ORIGIN_HOST, origin[0]), Avp(dia.ORIGIN_REALM, origin[1])]
    avps.append(Avp(dia.DEST_REALM, realm))
    if dest_host is not None:
        avps.append(Avp(dia.DEST_HOST, dest_host))
    avps += [Avp(dia.GSID, g) for g in gsids]
    if btid is not None:
        avps.append(Avp(dia.BTID, btid))
    if naf is not None:
        avps.append(Avp(dia.NAF_ID, naf))
    if u_aware is not None:
        avps.append(Avp(dia.GBA_U_AWARE, u_aware))
    return Msg(dia.CMD_BI, dia.APP_ZN, avps + list(extra), dia.R | dia.P)


class Bia:
    def __init__(self, msg):
        self.msg = msg
        self.result = msg.result
        key = msg.find(dia.ME_KEY)
        self.key = key.data if key else None
        uicc = msg.find(dia.UICC_KEY)
        self.uicc_key = uicc.data if uicc else None
        expiry, made = msg.find(dia.KEY_EXPIRY), msg.find(dia.CREATION)
        self.expires_at = dia.from_ntp(expiry.u32) if expiry else None
        self.created_at = dia.from_ntp(made.u32) if made else None
        guss = msg.find(dia.GUSS)
        self.uss_list = guss.data if guss else None
        self.impi = msg.text(dia.USER_NAME)

    @property
    def empty_handed(self):
        """No key and nothing personal in it."""
        return self.key is None and self.uicc_key is None and self.uss_list is None and self.impi is None


async def fetch(conn, btid, naf=None, timeout=10, **kw):
    return Bia(await conn.request(bir(conn, btid, naf_id() if naf is None else naf, **kw), timeout))
