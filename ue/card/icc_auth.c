/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* AUTHENTICATE of a real card in 3G and GBA context, and the NAF derivation (TS 31.102 7.1). */
#include <errno.h>
#include <string.h>
#include "ue/card/icc_in.h"

#define TAG_SUCCESS 0xdb
#define TAG_AUTS    0xdc

/* Value at *p behind its length, of a length that is allowed. */
static int icc_value(struct secret *out, const struct link_answer *a, size_t *at, size_t min, size_t max)
{
	size_t len = *at < a->len ? a->data[*at] : 0;

	if (len < min || len > max || *at + 1 + len > a->len)
		return -EBADMSG;
	*at += 1 + len;
	return out ? secret_set(out, a->data + *at - len, len) : 0;
}

static int icc_answer(struct card_answer *out, const struct link_answer *a, bool keys)
{
	size_t at = 1;
	int rc;

	if (a->len == 2 + AKA_AUTS_LEN && a->data[0] == TAG_AUTS && a->data[1] == AKA_AUTS_LEN) {
		out->outcome = CARD_SYNC_FAILURE;
		memcpy(out->auts, a->data + 2, AKA_AUTS_LEN);
		return 0;
	}
	out->outcome = CARD_OK;
	if (!a->len || a->data[0] != TAG_SUCCESS)
		return -EBADMSG;
	rc = icc_value(&out->res, a, &at, AKA_RES_MIN, 16);
	if (rc < 0 || !keys)
		return rc < 0 || at != a->len ? -EBADMSG : 0;
	rc = icc_value(&out->ck, a, &at, AKA_KEY_LEN, AKA_KEY_LEN);
	return rc < 0 ? rc : icc_value(&out->ik, a, &at, AKA_KEY_LEN, AKA_KEY_LEN); /* Kc may follow */
}

/* AUTHENTICATE; everything it brings is wiped by the caller. */
static int icc_auth(struct icc *c, uint8_t p2, struct span data, struct link_answer *a, struct err *err)
{
	int rc = icc_begin(c, err);

	if (rc < 0)
		return rc;
	rc = link_ask(c->link, &(struct link_command){ .ins = 0x88, .p2 = p2, .data = data, .le = 0 }, a, err);
	icc_end(c);
	return rc;
}

int icc_authenticate(struct card *base, struct card_answer *out, enum card_context context,
		     const uint8_t rand[AKA_RAND_LEN], const uint8_t autn[AKA_AUTN_LEN], struct err *err)
{
	struct icc *c = (struct icc *)base;
	const bool gba = context == CARD_CONTEXT_GBA;
	struct card_answer got = { 0 };
	struct link_answer a = { 0 };
	uint8_t data[64];
	struct writer w;
	int rc;

	writer_init(&w, data, sizeof(data));
	writer_put(&w, "\xdd\x10", gba ? 2 : 0);
	if (!gba)
		writer_put(&w, "\x10", 1);
	writer_put(&w, rand, AKA_RAND_LEN);
	writer_put(&w, "\x10", 1);
	writer_put(&w, autn, AKA_AUTN_LEN);
	rc = icc_auth(c, gba ? 0x84 : 0x81, span_of(data, w.len), &a, err);
	if (rc == 0 && a.sw == ICC_SW_MAC)
		got.outcome = CARD_MAC_FAILURE;
	else if (rc == 0 && a.sw != ICC_SW_OK)
		rc = icc_refused(c, a.sw, "AUTHENTICATE", err);
	else if (rc == 0 && icc_answer(&got, &a, !gba) < 0)
		rc = err_set(err, -EIO, "%s: AUTHENTICATE: the answer cannot be read", c->what);
	if (rc == 0)
		*out = got;
	card_answer_clear(&got);
	OPENSSL_cleanse(&a, sizeof(a));
	return rc;
}

int icc_derive(struct card *base, struct secret *ks_ext_naf, struct span naf_id, struct span impi, struct err *err)
{
	struct icc *c = (struct icc *)base;
	const uint8_t lengths[] = { (uint8_t)naf_id.len, (uint8_t)impi.len };
	struct link_answer a = { 0 };
	uint8_t data[255];
	struct writer w;
	size_t at = 1;
	int rc;

	writer_init(&w, data, sizeof(data));
	writer_put(&w, "\xde", 1);
	writer_put(&w, lengths, 1);
	writer_span(&w, naf_id);
	writer_put(&w, lengths + 1, 1);
	writer_span(&w, impi);
	if (w.overflow)
		return err_set(err, -EINVAL, "%s: NAF_Id and IMPI are too long for a command", c->what);
	rc = icc_auth(c, 0x84, span_of(data, w.len), &a, err);
	if (rc == 0 && a.sw != ICC_SW_OK)
		rc = icc_refused(c, a.sw, "NAF derivation", err);
	else if (rc == 0 && (!a.len || a.data[0] != TAG_SUCCESS || icc_value(ks_ext_naf, &a, &at, 32, 32) < 0))
		rc = err_set(err, -EIO, "%s: NAF derivation: the answer cannot be read", c->what);
	OPENSSL_cleanse(&a, sizeof(a));
	return rc;
}
