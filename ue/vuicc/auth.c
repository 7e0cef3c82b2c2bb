/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* AUTHENTICATE (TS 31.102 7.1, 31.103 7.1): what comes in and goes out as octets; what is computed is ue/card/sim.c's. */
#include <errno.h>
#include <string.h>

#include "ue/vuicc/vuicc.h"

#define P2_GSM    0x80
#define P2_3G     0x81
#define P2_GBA    0x84
#define P2_NAF_85 0x85 /* no context of 31.102; what some devices send for a NAF's key */

#define TAG_BOOTSTRAP 0xdd
#define TAG_NAF       0xde
#define TAG_SUCCESS   0xdb
#define TAG_AUTS      0xdc

/* One of the values, each behind its length. \returns false: the data ends before it does */
static bool take(struct span *value, struct span *rest)
{
	if (!rest->len || rest->len < 1u + rest->p[0])
		return false;
	*value = span_of(rest->p + 1, rest->p[0]);
	*rest = span_of(rest->p + 1 + value->len, rest->len - 1 - value->len);
	return true;
}

static bool take_two(struct span *first, struct span *second, struct span data)
{
	return take(first, &data) && take(second, &data) && !data.len;
}

static void give(uint8_t *out, size_t *n, const uint8_t *p, size_t len)
{
	out[(*n)++] = (uint8_t)len;
	memcpy(out + *n, p, len);
	*n += len;
}

/* Service 27 of a USIM: Kc behind CK and IK. */
static void give_3g(const struct vuicc_app *app, const struct card_answer *r, uint8_t *out, size_t *n)
{
	SECRET_AUTO kc = { 0 };

	give(out, n, r->ck.b, r->ck.len);
	give(out, n, r->ik.b, r->ik.len);
	if (app->kind != CARD_APP_USIM)
		return;
	sim_kc(&kc, &r->ck, &r->ik);
	give(out, n, kc.b, kc.len);
}

/* RAND is the card's to write; what the device wrote beside the old one is over (33.220 G.1). */
static void new_gbabp(struct vuicc_app *app, const uint8_t rand[AKA_RAND_LEN])
{
	memset(app->gbabp, 0xff, sizeof(app->gbabp));
	app->gbabp[0] = AKA_RAND_LEN;
	memcpy(app->gbabp + 1, rand, AKA_RAND_LEN);
	app->gbabp[1 + AKA_RAND_LEN] = 0;
	app->gbabp[2 + AKA_RAND_LEN] = 0;
}

/* Both applications have the same K: a number used in one is used. */
static void same_numbers(struct vuicc *u, const struct vuicc_app *from)
{
	for (size_t i = 0; i < VUICC_APPS; i++) {
		if (&u->app[i] != from)
			u->app[i].sim.sqn = from->sim.sqn;
	}
}

static enum apdu_sw aka(struct vuicc *u, struct vuicc_app *app, bool gba, struct span data, uint8_t *out, size_t *n)
{
	struct vuicc_app before = *app;
	struct card_answer r = { 0 };
	struct span rand, autn;
	enum apdu_sw sw = SW_OK;
	int rc;

	if (!take_two(&rand, &autn, data) || rand.len != AKA_RAND_LEN || autn.len != AKA_AUTN_LEN)
		return SW_DATA;
	rc = gba ? sim_gba(&app->sim, &r, rand.p, autn.p) : sim_3g(&app->sim, &r, rand.p, autn.p);
	if (rc == 0 && r.outcome == CARD_OK) {
		if (gba)
			new_gbabp(app, rand.p);
		same_numbers(u, app);
		rc = u->save(u);
	}
	if (rc < 0 || r.outcome == CARD_MAC_FAILURE) {
		sw = rc < 0 ? SW_NOT_SAVED : SW_MAC;
		*app = before;
		same_numbers(u, app);
	} else if (r.outcome == CARD_SYNC_FAILURE) {
		out[(*n)++] = TAG_AUTS;
		give(out, n, r.auts, sizeof(r.auts));
	} else {
		out[(*n)++] = TAG_SUCCESS;
		give(out, n, r.res.b, r.res.len);
		if (!gba)
			give_3g(app, &r, out, n);
	}
	card_answer_clear(&r);
	OPENSSL_cleanse(&before, sizeof(before));
	return sw;
}

/* The record of this NAF_Id, else an empty one, else the one used longest ago (31.102 7.1.1.5). */
static struct vuicc_naf *naf_place(struct vuicc_app *app, struct span naf_id)
{
	struct vuicc_naf *best = &app->naf[0];

	for (size_t i = 0; i < VUICC_NAFS; i++) {
		struct vuicc_naf *r = &app->naf[i];

		if (r->len && span_eq(span_of(r->naf_id, r->len), naf_id))
			return r;
		if (r->used < best->used)
			best = r;
	}
	return best;
}

static void btid_of_gbabp(char btid[BTID_MAX + 1], const struct vuicc *u, const struct vuicc_app *app)
{
	const size_t at = 1 + AKA_RAND_LEN;
	size_t len = app->gbabp[at];

	btid[0] = '\0';
	if (at + 1 + len <= u->gbabp_len && span_to_str(btid, BTID_MAX + 1, span_of(app->gbabp + at + 1, len)) < 0)
		btid[0] = '\0';
}

static size_t ber_len(size_t len)
{
	return len > 127 ? 2 : 1;
}

static enum apdu_sw keep_naf(struct vuicc *u, struct vuicc_app *app, struct span naf_id, const struct secret *ks_int)
{
	struct vuicc_naf *place = naf_place(app, naf_id), before = *place, r = { .len = (uint8_t)naf_id.len };
	size_t btid_len;

	btid_of_gbabp(r.btid, u, app);
	btid_len = strlen(r.btid);
	if (2 + ber_len(naf_id.len) + naf_id.len + ber_len(btid_len) + btid_len > u->gbanl_len)
		return SW_NO_MEMORY;
	memcpy(r.naf_id, naf_id.p, naf_id.len);
	r.ks_int = *ks_int;
	r.used = ++u->naf_clock;
	*place = r;
	if (u->save(u) == 0)
		return SW_OK;
	*place = before;
	return SW_NOT_SAVED;
}

static enum apdu_sw derive(struct vuicc *u, struct vuicc_app *app, struct span data, uint8_t *out, size_t *n)
{
	SECRET_AUTO ext = { 0 };
	SECRET_AUTO in = { 0 };
	struct span naf_id, impi;
	enum apdu_sw sw;
	int rc;

	if (!take_two(&naf_id, &impi, data) || !impi.len)
		return SW_DATA;
	rc = sim_derive(&app->sim, &ext, &in, naf_id, impi);
	if (rc < 0)
		return rc == -ENOKEY ? SW_CONDITIONS : rc == -EBADMSG ? SW_DATA : SW_FAULT;
	sw = keep_naf(u, app, naf_id, &in);
	if (sw != SW_OK)
		return sw;
	out[(*n)++] = TAG_SUCCESS;
	give(out, n, ext.b, ext.len);
	return SW_OK;
}

static enum apdu_sw gsm(struct vuicc *u, struct vuicc_app *app, struct span data, uint8_t *out, size_t *n)
{
	SECRET_AUTO sres = { 0 };
	SECRET_AUTO kc = { 0 };
	struct span rand;

	if (!take(&rand, &data) || data.len || rand.len != AKA_RAND_LEN)
		return SW_DATA;
	if (sim_gsm(&app->sim, &sres, &kc, rand.p) < 0)
		return SW_FAULT;
	give(out, n, sres.b, sres.len);
	give(out, n, kc.b, kc.len);
	return SW_OK;
}

static enum apdu_sw gba(struct vuicc *u, struct vuicc_app *app, struct span data, uint8_t *out, size_t *n)
{
	const struct span rest = span_of(data.p + 1, data.len - 1);

	if (!u->gba)
		return SW_CONTEXT;
	if (data.p[0] == TAG_NAF)
		return derive(u, app, rest, out, n);
	return data.p[0] == TAG_BOOTSTRAP ? aka(u, app, true, rest, out, n) : SW_DATA;
}

enum apdu_sw vuicc_authenticate(struct vuicc *u, struct vuicc_channel *c, const struct apdu *a, uint8_t *out, size_t *n)
{
	struct vuicc_app *app = c->app;

	if (a->p1)
		return SW_P1_P2;
	if (!app)
		return SW_CONDITIONS;
	if (!vuicc_may(u))
		return SW_SECURITY;
	switch (a->p2) {
	case P2_GSM:
		return app->kind == CARD_APP_USIM ? gsm(u, app, a->data, out, n) : SW_CONTEXT;
	case P2_3G:
		return aka(u, app, false, a->data, out, n);
	case P2_GBA:
		return gba(u, app, a->data, out, n);
	case P2_NAF_85:
		return u->p2_85 && a->data.p[0] == TAG_NAF ? gba(u, app, a->data, out, n) : SW_P1_P2;
	default:
		return SW_P1_P2;
	}
}
