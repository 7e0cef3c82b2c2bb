/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file avp_table.h
 *  The AVPs of TS 29.109 and those of TS 29.229 and RFC 5090 it borrows, one line each:
 *  AVP(code, vendor, name, flags that are set, type). The including file says what AVP() does.
 *  Only GUSS-Timestamp and SIP-Digest-Authenticate must not carry M (29.109 6.3.1 table). Base AVPs come with the
 *  library. */

/* TS 29.109 6.3 */
AVP(400, TGPP, "GBA-UserSecSettings", V | M, OCTETS)
AVP(401, TGPP, "Transaction-Identifier", V | M, OCTETS)
AVP(402, TGPP, "NAF-Id", V | M, OCTETS)
AVP(403, TGPP, "GAA-Service-Identifier", V | M, OCTETS)
AVP(404, TGPP, "Key-ExpiryTime", V | M, TIME)
AVP(405, TGPP, "ME-Key-Material", V | M, OCTETS)
AVP(406, TGPP, "UICC-Key-Material", V | M, OCTETS)
AVP(407, TGPP, "GBA_U-Awareness-Indicator", V | M, ENUM)
AVP(408, TGPP, "BootstrapInfoCreationTime", V | M, TIME)
AVP(409, TGPP, "GUSS-Timestamp", V, TIME)
AVP(410, TGPP, "GBA-Type", V | M, ENUM)
AVP(411, TGPP, "UE-Id", V | M, OCTETS)
AVP(412, TGPP, "UE-Id-Type", V | M, ENUM)
AVP(413, TGPP, "UICC-App-Label", V | M, OCTETS)
AVP(414, TGPP, "UICC-ME", V | M, ENUM)
AVP(415, TGPP, "Requested-Key-Lifetime", V | M, TIME)
AVP(416, TGPP, "Private-Identity-Request", V | M, ENUM)
AVP(417, TGPP, "GBA-Push-Info", V | M, OCTETS)
AVP(418, TGPP, "NAF-SA-Identifier", V | M, OCTETS)
AVP(419, TGPP, "Security-Feature-Request", V | M, OCTETS)
AVP(420, TGPP, "Security-Feature-Response", V | M, OCTETS)

/* TS 29.229 6.3, used by 29.109 4.2; SIP-Number-Auth-Items is not in the grammar of Zh but foreign HSSs send it */
AVP(601, TGPP, "Public-Identity", V | M, UTF8)
AVP(607, TGPP, "SIP-Number-Auth-Items", V | M, U32)
AVP(608, TGPP, "SIP-Authentication-Scheme", V | M, UTF8)
AVP(609, TGPP, "SIP-Authenticate", V | M, OCTETS)
AVP(610, TGPP, "SIP-Authorization", V | M, OCTETS)
AVP(611, TGPP, "SIP-Authentication-Context", V | M, OCTETS)
AVP(612, TGPP, "SIP-Auth-Data-Item", V | M, GROUPED)
AVP(613, TGPP, "SIP-Item-Number", V | M, U32)
AVP(625, TGPP, "Confidentiality-Key", V | M, OCTETS)
AVP(626, TGPP, "Integrity-Key", V | M, OCTETS)
AVP(635, TGPP, "SIP-Digest-Authenticate", V, GROUPED)

/* RFC 5090, inside SIP-Digest-Authenticate; without vendor */
AVP(104, IETF, "Digest-Realm", M, UTF8)
AVP(110, IETF, "Digest-QoP", M, UTF8)
AVP(111, IETF, "Digest-Algorithm", M, UTF8)
AVP(121, IETF, "Digest-HA1", M, UTF8)
