/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "tests/fd/zh_codec.h"

#include <errno.h>
#include <string.h>
#include "tests/fd/dia_msg.h"
#include "tests/fd/dict_handles.h"
#include "dict/dict_gba.h"

#define TGPP       RESULT_VENDOR_3GPP
#define VECTOR_LEN (AKA_RAND_LEN + AKA_AUTN_LEN) /* SIP-Authenticate */
#define RESYNC_LEN (AKA_RAND_LEN + AKA_AUTS_LEN) /* SIP-Authorization of a resynchronisation */
#define NO_SCHEME  "?"

#define AUTH_STATE_NOT_MAINTAINED 1

static int zh_codec_refuse(struct result *bad, uint32_t code, uint32_t avp, uint32_t vendor)
{
	*bad = (struct result){ .code = code, .failed_avp = avp, .failed_vendor = vendor };
	return -EBADMSG;
}

static int read_mar_item(struct zh_mar *mar, const struct avp_cursor *item, struct result *bad)
{
	struct avp_cursor c;
	struct span s;
	bool more;

	for (more = avp_first(&c, item->avp); more; more = avp_next(&c)) {
		if (avp_is(&c, 608, TGPP)) {
			if (mar->scheme[0])
				return zh_codec_refuse(bad, RESULT_AVP_TOO_MANY, 608, TGPP);
			if (avp_octets(&c, &s))
				return zh_codec_refuse(bad, RESULT_INVALID_AVP_VALUE, 608, TGPP);
			/* a name that does not fit is a scheme nobody has */
			if (s.len && span_to_str(mar->scheme, sizeof(mar->scheme), s))
				strcpy(mar->scheme, NO_SCHEME);
		} else if (avp_is(&c, 610, TGPP)) {
			if (mar->has_resync)
				return zh_codec_refuse(bad, RESULT_AVP_TOO_MANY, 610, TGPP);
			if (avp_octets(&c, &s) || s.len != RESYNC_LEN)
				return zh_codec_refuse(bad, RESULT_INVALID_AVP_VALUE, 610, TGPP);
			memcpy(mar->rand, s.p, AKA_RAND_LEN);
			memcpy(mar->auts, s.p + AKA_RAND_LEN, AKA_AUTS_LEN);
			mar->has_resync = true;
		}
	}
	return 0;
}

int zh_mar_decode(struct zh_mar *out, struct msg *m, struct result *bad)
{
	bool more, public_id = false, user = false, item = false;
	struct zh_mar mar = { 0 };
	struct avp_cursor c;
	int rc;

	for (more = avp_first(&c, m); more; more = avp_next(&c)) {
		if (avp_is(&c, 263, 0)) {
			if (!dia_msg_session_ok(&c))
				return zh_codec_refuse(bad, RESULT_INVALID_AVP_VALUE, 263, 0);
		} else if (avp_is(&c, 1, 0)) {
			if (user)
				return zh_codec_refuse(bad, RESULT_AVP_TOO_MANY, 1, 0);
			user = true;
			if (avp_str(&c, mar.impi.s, sizeof(mar.impi.s)))
				return zh_codec_refuse(bad, RESULT_INVALID_AVP_VALUE, 1, 0);
		} else if (avp_is(&c, 601, TGPP)) {
			public_id = true;
		} else if (avp_is(&c, 409, TGPP)) {
			if (mar.has_guss_timestamp)
				return zh_codec_refuse(bad, RESULT_AVP_TOO_MANY, 409, TGPP);
			if (avp_time(&c, &mar.guss_timestamp))
				return zh_codec_refuse(bad, RESULT_INVALID_AVP_VALUE, 409, TGPP);
			mar.has_guss_timestamp = true;
		} else if (avp_is(&c, 612, TGPP)) {
			if (item)
				return zh_codec_refuse(bad, RESULT_AVP_TOO_MANY, 612, TGPP);
			item = true;
			rc = read_mar_item(&mar, &c, bad);
			if (rc)
				return rc;
		}
	}
	if (!mar.impi.s[0] && !public_id)
		return zh_codec_refuse(bad, RESULT_MISSING_AVP, 1, 0);
	*out = mar;
	return 0;
}

int zh_mar_encode(struct msg **out, const struct zh_mar *in, const char *dest_realm, const char *dest_host)
{
	const struct dia_handles *h = dia_handles();
	struct avp_writer w = { 0 }, item;
	uint8_t resync[RESYNC_LEN];
	struct msg *m = NULL;
	int rc;

	rc = dia_msg_request(&m, h->mar, GBA_APP_ZH, "zh", true, dest_realm, dest_host);
	if (rc)
		return rc;
	w.parent = m;
	if (in->impi.s[0])
		avp_put_str(&w, h->user_name, in->impi.s);
	if (in->scheme[0] || in->has_resync) {
		item = avp_group(&w, h->auth_item);
		if (in->scheme[0])
			avp_put_str(&item, h->auth_scheme, in->scheme);
		if (in->has_resync) {
			memcpy(resync, in->rand, AKA_RAND_LEN);
			memcpy(resync + AKA_RAND_LEN, in->auts, AKA_AUTS_LEN);
			avp_put(&item, h->authorization, span_of(resync, sizeof(resync)));
		}
		avp_group_end(&w, &item);
	}
	if (in->has_guss_timestamp)
		avp_put_time(&w, h->guss_timestamp, in->guss_timestamp);
	if (w.rc) {
		fd_msg_free(m);
		return w.rc;
	}
	*out = m;
	return 0;
}

static int read_secret(struct secret *out, const struct avp_cursor *c, size_t min, size_t max)
{
	return out->len ? -EBADMSG : avp_take_secret(c, out, min, max);
}

/* SIP-Auth-Data-Item of an answer. A part that is there must have its length; parts may be missing (no vector then). */
static int read_maa_item(struct zh_maa *maa, const struct avp_cursor *item)
{
	bool more, challenge = false, ours = true;
	struct avp_cursor c;
	struct span s;
	int rc = 0;

	for (more = avp_first(&c, item->avp); more && !rc; more = avp_next(&c)) {
		if (c.hdr->avp_vendor != TGPP)
			continue;
		switch (c.hdr->avp_code) {
		case 608:
			rc = avp_octets(&c, &s);
			if (!rc)
				ours = ours && span_ieq(s, span_str(ZH_SCHEME_AKAV1));
			break;
		case 609:
			if (challenge || avp_octets(&c, &s) || s.len != VECTOR_LEN)
				return -EBADMSG;
			memcpy(maa->vector.aka.rand, s.p, AKA_RAND_LEN);
			memcpy(maa->vector.aka.autn, s.p + AKA_RAND_LEN, AKA_AUTN_LEN);
			challenge = true;
			break;
		case 610:
			rc = read_secret(&maa->vector.aka.res, &c, AKA_RES_MIN, AKA_RES_MAX);
			break;
		case 625:
			rc = read_secret(&maa->vector.aka.ck, &c, AKA_KEY_LEN, AKA_KEY_LEN);
			break;
		case 626:
			rc = read_secret(&maa->vector.aka.ik, &c, AKA_KEY_LEN, AKA_KEY_LEN);
			break;
		default: /* SIP-Item-Number and whatever else */
			break;
		}
	}
	if (ours && challenge && maa->vector.aka.res.len && maa->vector.aka.ck.len && maa->vector.aka.ik.len)
		maa->vector.kind = ZH_VECTOR_AKA;
	return rc;
}

static int read_maa(struct zh_maa *maa, struct msg *m)
{
	bool more, item = false;
	struct avp_cursor c;
	int rc = 0;

	for (more = avp_first(&c, m); more && !rc; more = avp_next(&c)) {
		if (avp_is(&c, 612, TGPP) && !item) { /* one vector was asked for: a second one is not used */
			item = true;
			rc = read_maa_item(maa, &c);
		} else if (avp_is(&c, 400, TGPP)) {
			rc = maa->guss.p ? -EBADMSG : avp_octets(&c, &maa->guss);
		}
	}
	return rc;
}

/* A vector of somebody else's would be used as if it were this one's. */
static bool same_user(struct msg *m)
{
	char is[IMPI_MAX + 1], was[IMPI_MAX + 1];
	struct msg *query = NULL;
	struct avp_cursor c;

	if (!avp_find(&c, m, 1, 0) || fd_msg_answ_getq(m, &query) || !query)
		return true;
	return !avp_str(&c, is, sizeof(is)) && avp_find(&c, query, 1, 0) && !avp_str(&c, was, sizeof(was)) &&
	       impi_same(is, was);
}

int zh_maa_decode(struct zh_maa *out, struct msg *m)
{
	struct zh_maa maa = { 0 };
	int rc;

	rc = dia_msg_fits(m) && same_user(m) ? dia_msg_result(&maa.result, m) : -EBADMSG;
	if (!rc && maa.result.code == RESULT_SUCCESS && !maa.result.experimental)
		rc = read_maa(&maa, m);
	if (!rc) {
		if (maa.vector.kind == ZH_VECTOR_NONE)
			zh_vector_clear(&maa.vector);
		*out = maa;
	}
	zh_maa_clear(&maa);
	return rc ? -EBADMSG : 0;
}

static void put_vector(struct avp_writer *w, const struct aka_vector *v)
{
	const struct dia_handles *h = dia_handles();
	struct avp_writer item = avp_group(w, h->auth_item);
	uint8_t challenge[VECTOR_LEN];

	memcpy(challenge, v->rand, AKA_RAND_LEN);
	memcpy(challenge + AKA_RAND_LEN, v->autn, AKA_AUTN_LEN);
	avp_put_str(&item, h->auth_scheme, ZH_SCHEME_AKAV1);
	avp_put(&item, h->authenticate, span_of(challenge, sizeof(challenge)));
	avp_put(&item, h->authorization, span_of(v->res.b, v->res.len));
	avp_put(&item, h->ck, span_of(v->ck.b, v->ck.len));
	avp_put(&item, h->ik, span_of(v->ik.b, v->ik.len));
	avp_group_end(w, &item);
}

int zh_maa_encode(struct msg **m, const struct zh_maa *in)
{
	const struct dia_handles *h = dia_handles();
	struct avp_writer w = { 0 };
	struct msg *query = NULL;
	struct avp_cursor c;
	struct span user;
	int rc;

	rc = dia_msg_answer(m, &in->result);
	if (rc)
		return rc;
	w.parent = *m;
	avp_put_u32(&w, h->auth_session_state, AUTH_STATE_NOT_MAINTAINED);
	if (!fd_msg_answ_getq(*m, &query) && query && avp_find(&c, query, 1, 0) && !avp_octets(&c, &user))
		avp_put(&w, h->user_name, user);
	if (in->vector.kind == ZH_VECTOR_AKA)
		put_vector(&w, &in->vector.aka);
	if (in->guss.len)
		avp_put(&w, h->guss, in->guss);
	return dia_msg_answer_end(m, &w);
}
