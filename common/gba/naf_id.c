/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/gba/naf_id.h"

#include <errno.h>
#include <unistr.h>

#include "common/base/ascii.h"
#include "common/gba/btid.h"

const uint8_t UA_ID_HTTP_DIGEST[UA_ID_LEN] = { 0x01, 0x00, 0x00, 0x00, 0x02 };

/* Annex H.3; octets beyond prefix are free (cipher suite codes). */
static const struct {
	uint8_t ua[UA_ID_LEN];
	uint8_t prefix;
	enum ua_id_class is;
	const char *name;
} annex_h[] = {
	{ { 0x00, 0x00, 0x00, 0x00, 0x00 }, 5, UA_ID_KNOWN, "unspecified" },
	{ { 0x01, 0x00, 0x00, 0x00, 0x00 }, 5, UA_ID_KNOWN, "subscriber certificates, TS 33.221" },
	{ { 0x01, 0x00, 0x00, 0x00, 0x01 }, 5, UA_ID_KNOWN, "MBMS, TS 33.246" },
	{ { 0x01, 0x00, 0x00, 0x00, 0x02 }, 5, UA_ID_KNOWN, "HTTP Digest, TS 24.109" },
	{ { 0x01, 0x00, 0x00, 0x00, 0x03 }, 5, UA_ID_KNOWN, "MBMS over HTTP, TS 26.237" },
	{ { 0x01, 0x00, 0x00, 0x00, 0x04 }, 5, UA_ID_KNOWN, "MBMS over SIP, TS 26.237" },
	{ { 0x01, 0x00, 0x00, 0x00, 0x05 }, 5, UA_ID_KNOWN, "Generic Push Layer, TS 33.224" },
	{ { 0x01, 0x00, 0x00, 0x00, 0x06 }, 5, UA_ID_KNOWN, "IMS KMS, TS 33.328" },
	/* not in V17.2.0, added by later releases */
	{ { 0x01, 0x00, 0x00, 0x00, 0x07 }, 5, UA_ID_KNOWN, "shared-key TLS 1.3, TS 33.222" },
	{ { 0x01, 0x00, 0x00, 0x01, 0x00 }, 5, UA_ID_RESERVED, "TMPI derivation, annex B.4" },
	{ { 0x01, 0x00, 0x01 }, 3, UA_ID_KNOWN, "TLS with this cipher suite, TS 33.222" },
	{ { 0x01, 0x00, 0x02 }, 3, UA_ID_KNOWN, "form login inside TLS with this cipher suite, TS 33.222 annex D" },
	{ { 0x03, 0x00, 0x00, 0x00, 0x01 }, 5, UA_ID_KNOWN, "OMA SUPL 2.0" },
	{ { 0x03, 0x00, 0x00, 0x00, 0x02 }, 5, UA_ID_KNOWN, "OMA LOCSIP" },
	{ { 0x03, 0x00, 0x00, 0x00, 0x03 }, 5, UA_ID_KNOWN, "OMA SIP Digest" },
	{ { 0x03, 0x00, 0x01 }, 3, UA_ID_KNOWN, "OMA TLS with this cipher suite" },
	{ { 0x00 }, 1, UA_ID_INVALID, "organisation 00 has only the all-zero identifier" },
	{ { 0x01 }, 1, UA_ID_UNKNOWN, NULL },
	{ { 0 }, 0, UA_ID_KNOWN, NULL }, /* other organisations' */
};

enum ua_id_class ua_id_classify(const uint8_t ua[UA_ID_LEN], const char **name)
{
	size_t i = 0;

	while (memcmp(ua, annex_h[i].ua, annex_h[i].prefix) != 0)
		i++; /* the last row fits everything */
	if (name)
		*name = annex_h[i].name;
	return annex_h[i].is;
}

int naf_id_parse(struct naf_id *out, const uint8_t *buf, size_t len)
{
	size_t host;

	if (len > NAF_ID_MAX)
		return -E2BIG;
	if (len < UA_ID_LEN + 1)
		return -EBADMSG;
	host = len - UA_ID_LEN;
	for (size_t i = 0; i < host; i++) {
		/* 0xc2 0x80..0x9f are U+0080..U+009F, which a terminal obeys like the others */
		if (buf[i] <= 0x20 || buf[i] == 0x7f || (buf[i] == 0xc2 && i + 1 < host && buf[i + 1] <= 0x9f))
			return -EBADMSG;
	}
	if (u8_check(buf, host))
		return -EBADMSG;
	out->len = len;
	memcpy(out->raw, buf, len);
	memcpy(out->fqdn, buf, host);
	out->fqdn[host] = '\0';
	memcpy(out->ua, buf + host, UA_ID_LEN);
	return 0;
}

bool naf_id_wildcard(char out[FQDN_MAX + 2], const char *fqdn)
{
	const char *parent = strchr(fqdn, '.');

	if (!parent || strlen(parent) > FQDN_MAX)
		return false;
	out[0] = '*';
	strcpy(out + 1, parent);
	return true;
}

int naf_id_make(struct naf_id *out, const char *host, const uint8_t ua[UA_ID_LEN])
{
	const char *colon = strchr(host, ':');
	size_t len = colon ? (size_t)(colon - host) : strlen(host);
	uint8_t raw[NAF_ID_MAX];

	if (colon && strspn(colon + 1, "0123456789") != strlen(colon + 1))
		return -EINVAL;
	if (len && host[len - 1] == '.')
		len--;
	if (!fqdn_valid(span_of(host, len), FQDN_MAX))
		return -EINVAL;
	ascii_lower_copy(raw, host, len);
	memcpy(raw + len, ua, UA_ID_LEN);
	return naf_id_parse(out, raw, len + UA_ID_LEN) == 0 ? 0 : -EINVAL;
}
