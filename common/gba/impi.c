/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/gba/impi.h"

#include <errno.h>
#include <stdio.h>
#include <unistr.h>

#include "common/base/ascii.h"
#include "common/gba/tmpi.h"

#define OPERATOR_TREE ".3gppnetwork.org"

/* What would need quoting in a header, XML or a log line has no place in an identity. */
static bool user_char(const uint8_t *p, const uint8_t *end)
{
	if (*p == 0xc2 && p + 1 < end && p[1] <= 0xa0)
		return false; /* U+0080 to U+00A0: more control characters, and a blank */
	return *p > 0x20 && *p != 0x7f && *p != '"' && *p != '\\' && *p != '<' && *p != '>' && *p != '&';
}

int impi_parse(struct impi *out, const uint8_t *buf, size_t len)
{
	const uint8_t *at;
	struct span all = span_of(buf, len);

	if (len > IMPI_MAX)
		return -E2BIG;
	at = len ? memchr(buf, '@', len) : NULL;
	if (!at || at == buf || tmpi_is(all) || u8_check(buf, len))
		return -EBADMSG;
	for (const uint8_t *p = buf; p < at; p++) {
		if (!user_char(p, at))
			return -EBADMSG;
	}
	if (!fqdn_valid(span_of(at + 1, len - (size_t)(at + 1 - buf)), IMPI_MAX))
		return -EBADMSG;
	return span_to_str(out->s, sizeof(out->s), all);
}

/* MCC and MNC as 23.003 writes them in names: three digits each. */
static int plmn(char mcc[4], char mnc[4], const char *imsi, int mnc_len)
{
	size_t n = strspn(imsi, "0123456789");

	if (imsi[n] || n < 6 || n > 15 || (mnc_len != 2 && mnc_len != 3))
		return -EINVAL;
	memcpy(mcc, imsi, 3);
	mcc[3] = '\0';
	mnc[0] = '0';
	memcpy(mnc + 3 - mnc_len, imsi + 3, (size_t)mnc_len);
	mnc[3] = '\0';
	return 0;
}

int impi_from_imsi(struct impi *out, const char *imsi, int mnc_len)
{
	char mcc[4], mnc[4];

	if (plmn(mcc, mnc, imsi, mnc_len) < 0)
		return -EINVAL;
	snprintf(out->s, sizeof(out->s), "%s@ims.mnc%s.mcc%s.3gppnetwork.org", imsi, mnc, mcc);
	return 0;
}

int bsf_name_from_imsi(char out[BSF_NAME_MAX + 1], const char *imsi, int mnc_len)
{
	char mcc[4], mnc[4];

	if (plmn(mcc, mnc, imsi, mnc_len) < 0)
		return -EINVAL;
	snprintf(out, BSF_NAME_MAX + 1, "bsf.mnc%s.mcc%s.pub.3gppnetwork.org", mnc, mcc);
	return 0;
}

int bsf_name_from_impi(char out[BSF_NAME_MAX + 1], const struct impi *impi)
{
	const char *at = strchr(impi->s, '@');
	const size_t tree = strlen(OPERATOR_TREE);
	struct span domain;
	struct writer w;
	char name[BSF_NAME_MAX + 1];

	if (!at)
		return -EINVAL;
	domain = span_str(at + 1);
	writer_init(&w, name, sizeof(name));
	writer_str(&w, "bsf.");
	if (domain.len > tree && span_ieq(span_of(domain.p + domain.len - tree, tree), span_str(OPERATOR_TREE))) {
		writer_put(&w, domain.p, domain.len - tree);
		writer_str(&w, ".pub" OPERATOR_TREE);
	} else {
		writer_span(&w, domain);
	}
	if (writer_end(&w) < 0)
		return -EINVAL;
	memcpy(out, name, w.len + 1);
	return 0;
}

void impi_mask(char out[IMPI_MAX + 1], const char *impi)
{
	const char *at = strchr(impi, '@');
	size_t digits = strspn(impi, "0123456789");
	int shown = digits > 8 ? 5 : 0; /* an IMSI keeps MCC and MNC; of other names nothing stays */

	snprintf(out, IMPI_MAX + 1, "%.*s*****%s", shown, impi, at ? at : "");
	for (char *p = out; *p; p++) {
		if (*p < ' ' || *p > '~')
			*p = '?'; /* perhaps not parsed yet: nothing that could forge a log line */
	}
}

void impi_key(struct impi *out, const char *impi)
{
	bool domain = false;
	size_t n = 0;

	for (; impi[n] && n < IMPI_MAX; n++) {
		domain = domain || impi[n] == '@';
		out->s[n] = domain ? (char)ascii_lower((uint8_t)impi[n]) : impi[n];
	}
	out->s[n] = '\0';
}

bool impi_same(const char *a, const char *b)
{
	struct impi ka, kb;

	impi_key(&ka, a);
	impi_key(&kb, b);
	return strcmp(ka.s, kb.s) == 0;
}
