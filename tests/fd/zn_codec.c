/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "tests/fd/zn_codec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "tests/fd/dia_msg.h"
#include "tests/fd/dict_handles.h"
#include "dict/dict_gba.h"

#define TGPP         RESULT_VENDOR_3GPP
#define KS_NAF_LEN   32
#define GBA_U_YES    1
#define GSID_BIN_LEN 4

/* AVPs of a BIR that may stand once; bit in a set of those seen. */
enum { SESSION = 1, ORIGIN_HOST = 2, TRANSACTION = 4, NAF = 8, AWARE = 16 };

static const struct {
	uint32_t code, vendor;
	unsigned bit;
	bool required;
} bir_single[] = {
	{ 263, 0, SESSION, true }, { 264, 0, ORIGIN_HOST, true }, { 401, TGPP, TRANSACTION, true },
	{ 402, TGPP, NAF, true },  { 407, TGPP, AWARE, false },
};
#define N_BIR_SINGLE (sizeof(bir_single) / sizeof(bir_single[0]))

static int zn_codec_refuse(struct result *bad, uint32_t code, uint32_t avp, uint32_t vendor)
{
	*bad = (struct result){ .code = code, .failed_avp = avp, .failed_vendor = vendor };
	return -EBADMSG;
}

static int read_btid(struct zn_bir *b, const struct avp_cursor *c)
{
	struct span s;

	if (avp_octets(c, &s) || s.len > BTID_MAX)
		return -EBADMSG;
	/* text of another form was never given out by us: unknown, not wrong */
	b->btid_ok = !btid_parse(&b->btid, s.p, s.len);
	return 0;
}

static int read_naf_id(struct zn_bir *b, const struct avp_cursor *c)
{
	struct span s;

	return avp_octets(c, &s) ? -EBADMSG : naf_id_parse(&b->naf_id, s.p, s.len);
}

/* Decimal text; some senders put the number as 4 octets. What is neither selects nothing, like an unknown one. */
static int read_gsid(struct zn_bir *b, const struct avp_cursor *c)
{
	char text[ZN_GSID_MAX + 1];
	struct writer w;
	struct span s;
	size_t i;

	if (avp_octets(c, &s))
		return -EBADMSG;
	writer_init(&w, text, sizeof(text));
	if (s.len == GSID_BIN_LEN && s.p[0] < 0x20)
		writer_printf(&w, "%u", (unsigned)be32_get(s.p));
	else
		writer_span(&w, s);
	if (writer_end(&w) < 1 || strspn(text, "0123456789") != w.len)
		return 0;
	for (i = 0; i < b->n_gsids; i++)
		if (!strcmp(b->gsids[i], text))
			return 0;
	if (b->n_gsids == ZN_GSIDS_MAX)
		return -E2BIG;
	memcpy(b->gsids[b->n_gsids++], text, w.len + 1);
	return 0;
}

static int read_bir_avp(struct zn_bir *b, const struct avp_cursor *c, unsigned bit)
{
	uint32_t v;

	switch (bit) {
	case SESSION:
		return dia_msg_session_ok(c) ? 0 : -EBADMSG;
	case ORIGIN_HOST:
		return avp_str(c, b->origin_host, sizeof(b->origin_host));
	case TRANSACTION:
		return read_btid(b, c);
	case NAF:
		return read_naf_id(b, c);
	case AWARE:
		if (avp_u32(c, &v))
			return -EBADMSG;
		b->gba_u_aware = v == GBA_U_YES;
		return 0;
	default:
		return 0;
	}
}

int zn_bir_decode(struct zn_bir *out, struct msg *m, struct result *bad)
{
	struct zn_bir b = { 0 };
	struct avp_cursor c;
	unsigned seen = 0;
	bool more;
	size_t i;
	int rc;

	for (more = avp_first(&c, m); more; more = avp_next(&c)) {
		if (avp_is(&c, 403, TGPP)) {
			rc = read_gsid(&b, &c);
			if (rc)
				return zn_codec_refuse(
					bad, rc == -E2BIG ? RESULT_AVP_TOO_MANY : RESULT_INVALID_AVP_VALUE, 403, TGPP);
			continue;
		}
		for (i = 0; i < N_BIR_SINGLE; i++) {
			if (!avp_is(&c, bir_single[i].code, bir_single[i].vendor))
				continue;
			if (seen & bir_single[i].bit)
				return zn_codec_refuse(bad, RESULT_AVP_TOO_MANY, bir_single[i].code,
						       bir_single[i].vendor);
			seen |= bir_single[i].bit;
			if (read_bir_avp(&b, &c, bir_single[i].bit))
				return zn_codec_refuse(bad, RESULT_INVALID_AVP_VALUE, bir_single[i].code,
						       bir_single[i].vendor);
		}
	}
	for (i = 0; i < N_BIR_SINGLE; i++)
		if (bir_single[i].required && !(seen & bir_single[i].bit))
			return zn_codec_refuse(bad, RESULT_MISSING_AVP, bir_single[i].code, bir_single[i].vendor);
	*out = b;
	return 0;
}

int zn_bir_encode(struct msg **out, struct span btid, const struct naf_id *naf_id, const char (*gsids)[ZN_GSID_MAX + 1],
		  size_t n_gsids, bool gba_u_aware, const char *dest_realm, const char *dest_host)
{
	const struct dia_handles *h = dia_handles();
	struct avp_writer w = { 0 };
	struct msg *m = NULL;
	size_t i;
	int rc;

	/* Auth-Session-State is optional on Zn and unknown to old peers: left out */
	rc = dia_msg_request(&m, h->bir, GBA_APP_ZN, "zn", false, dest_realm, dest_host);
	if (rc)
		return rc;
	w.parent = m;
	for (i = 0; i < n_gsids; i++)
		avp_put_str(&w, h->gsid, gsids[i]);
	avp_put(&w, h->transaction_id, btid);
	avp_put(&w, h->naf_id, span_of(naf_id->raw, naf_id->len));
	if (gba_u_aware)
		avp_put_u32(&w, h->gba_u_aware, GBA_U_YES);
	if (w.rc) {
		fd_msg_free(m);
		return w.rc;
	}
	*out = m;
	return 0;
}

static int zn_codec_read_key(struct secret *out, const struct avp_cursor *c)
{
	return out->len ? -EBADMSG : avp_take_secret(c, out, KS_NAF_LEN, KS_NAF_LEN);
}

static int read_uss_list(struct zn_bia *b, const struct avp_cursor *c)
{
	struct span s;

	if (b->uss_list || avp_octets(c, &s))
		return -EBADMSG;
	if (!s.len)
		return 0;
	b->uss_list = malloc(s.len + 1);
	if (!b->uss_list)
		return -ENOMEM;
	memcpy(b->uss_list, s.p, s.len);
	b->uss_list[s.len] = '\0';
	b->uss_list_len = s.len;
	return 0;
}

static int read_bia_avp(struct zn_bia *b, const struct avp_cursor *c)
{
	uint32_t type;
	int rc;

	if (avp_is(c, 1, 0))
		return avp_str(c, b->impi.s, sizeof(b->impi.s));
	if (c->hdr->avp_vendor != TGPP)
		return 0;
	switch (c->hdr->avp_code) {
	case 400:
		return read_uss_list(b, c);
	case 404:
		b->has_times = true;
		return avp_time(c, &b->expires_at);
	case 405:
		return zn_codec_read_key(&b->me_key, c);
	case 406:
		return zn_codec_read_key(&b->uicc_key, c);
	case 408:
		return avp_time(c, &b->created_at);
	case 410:
		rc = avp_u32(c, &type);
		if (!rc)
			b->gba_type = type;
		return rc;
	default:
		return 0;
	}
}

int zn_bia_decode(struct zn_bia *out, struct msg *m)
{
	struct zn_bia b = { 0 };
	struct avp_cursor c;
	bool more;
	int rc;

	rc = dia_msg_fits(m) ? dia_msg_result(&b.result, m) : -EBADMSG;
	if (!rc && b.result.code == RESULT_SUCCESS && !b.result.experimental)
		for (more = avp_first(&c, m); more && !rc; more = avp_next(&c))
			rc = read_bia_avp(&b, &c);
	if (rc) {
		zn_bia_clear(&b);
		return rc == -ENOMEM ? rc : -EBADMSG;
	}
	*out = b;
	OPENSSL_cleanse(&b, sizeof(b));
	return 0;
}

int zn_bia_encode(struct msg **m, const struct zn_bia *in)
{
	const struct dia_handles *h = dia_handles();
	struct avp_writer w = { 0 };
	int rc;

	rc = dia_msg_answer(m, &in->result);
	if (rc)
		return rc;
	w.parent = *m;
	if (in->impi.s[0])
		avp_put_str(&w, h->user_name, in->impi.s);
	if (in->me_key.len)
		avp_put(&w, h->me_key, span_of(in->me_key.b, in->me_key.len));
	if (in->uicc_key.len)
		avp_put(&w, h->uicc_key, span_of(in->uicc_key.b, in->uicc_key.len));
	if (in->has_times) {
		avp_put_time(&w, h->key_expiry, in->expires_at);
		avp_put_time(&w, h->creation_time, in->created_at);
	}
	if (in->uss_list)
		avp_put(&w, h->guss, span_of(in->uss_list, in->uss_list_len));
	if (in->gba_type != ZN_GBA_3G)
		avp_put_u32(&w, h->gba_type, in->gba_type);
	return dia_msg_answer_end(m, &w);
}
