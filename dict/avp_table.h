/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file avp_table.h
 *  The AVPs of TS 29.109 and those of TS 29.229 and RFC 5090 it borrows, one line each:
 *  AVP(identifier, code, vendor, name, flags that are set, type). The including file says what AVP() does.
 *  Only GUSS-Timestamp and SIP-Digest-Authenticate must not carry M (29.109 6.3.1 table). Base AVPs come with the
 *  library, and for our own codec with common/dia/base_avps.h. */

/* TS 29.109 6.3 */
AVP(GUSS, 400, TGPP, "GBA-UserSecSettings", V | M, OCTETS)
AVP(TRANSACTION_ID, 401, TGPP, "Transaction-Identifier", V | M, OCTETS)
AVP(NAF_ID, 402, TGPP, "NAF-Id", V | M, OCTETS)
AVP(GSID, 403, TGPP, "GAA-Service-Identifier", V | M, OCTETS)
AVP(KEY_EXPIRY_TIME, 404, TGPP, "Key-ExpiryTime", V | M, TIME)
AVP(ME_KEY, 405, TGPP, "ME-Key-Material", V | M, OCTETS)
AVP(UICC_KEY, 406, TGPP, "UICC-Key-Material", V | M, OCTETS)
AVP(GBA_U_AWARENESS, 407, TGPP, "GBA_U-Awareness-Indicator", V | M, ENUM)
AVP(CREATION_TIME, 408, TGPP, "BootstrapInfoCreationTime", V | M, TIME)
AVP(GUSS_TIMESTAMP, 409, TGPP, "GUSS-Timestamp", V, TIME)
AVP(GBA_TYPE, 410, TGPP, "GBA-Type", V | M, ENUM)
AVP(UE_ID, 411, TGPP, "UE-Id", V | M, OCTETS)
AVP(UE_ID_TYPE, 412, TGPP, "UE-Id-Type", V | M, ENUM)
AVP(UICC_APP_LABEL, 413, TGPP, "UICC-App-Label", V | M, OCTETS)
AVP(UICC_ME, 414, TGPP, "UICC-ME", V | M, ENUM)
AVP(REQUESTED_KEY_LIFETIME, 415, TGPP, "Requested-Key-Lifetime", V | M, TIME)
AVP(PRIVATE_IDENTITY_REQUEST, 416, TGPP, "Private-Identity-Request", V | M, ENUM)
AVP(GBA_PUSH_INFO, 417, TGPP, "GBA-Push-Info", V | M, OCTETS)
AVP(NAF_SA_IDENTIFIER, 418, TGPP, "NAF-SA-Identifier", V | M, OCTETS)
AVP(SECURITY_FEATURE_REQUEST, 419, TGPP, "Security-Feature-Request", V | M, OCTETS)
AVP(SECURITY_FEATURE_RESPONSE, 420, TGPP, "Security-Feature-Response", V | M, OCTETS)

/* TS 29.229 6.3, used by 29.109 4.2; SIP-Number-Auth-Items is not in the grammar of Zh but foreign HSSs send it */
AVP(PUBLIC_IDENTITY, 601, TGPP, "Public-Identity", V | M, UTF8)
AVP(SIP_NUMBER_AUTH_ITEMS, 607, TGPP, "SIP-Number-Auth-Items", V | M, U32)
AVP(SIP_AUTH_SCHEME, 608, TGPP, "SIP-Authentication-Scheme", V | M, UTF8)
AVP(SIP_AUTHENTICATE, 609, TGPP, "SIP-Authenticate", V | M, OCTETS)
AVP(SIP_AUTHORIZATION, 610, TGPP, "SIP-Authorization", V | M, OCTETS)
AVP(SIP_AUTH_CONTEXT, 611, TGPP, "SIP-Authentication-Context", V | M, OCTETS)
AVP(SIP_AUTH_DATA_ITEM, 612, TGPP, "SIP-Auth-Data-Item", V | M, GROUPED)
AVP(SIP_ITEM_NUMBER, 613, TGPP, "SIP-Item-Number", V | M, U32)
AVP(CK, 625, TGPP, "Confidentiality-Key", V | M, OCTETS)
AVP(IK, 626, TGPP, "Integrity-Key", V | M, OCTETS)
AVP(SIP_DIGEST_AUTHENTICATE, 635, TGPP, "SIP-Digest-Authenticate", V, GROUPED)

/* RFC 5090, inside SIP-Digest-Authenticate; without vendor */
AVP(DIGEST_REALM, 104, IETF, "Digest-Realm", M, UTF8)
AVP(DIGEST_QOP, 110, IETF, "Digest-QoP", M, UTF8)
AVP(DIGEST_ALGORITHM, 111, IETF, "Digest-Algorithm", M, UTF8)
AVP(DIGEST_HA1, 121, IETF, "Digest-HA1", M, UTF8)
