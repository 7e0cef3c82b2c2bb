/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/fault_act.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "common/dia/dia_wire.h"
#include "common/gba/guss.h"
#include "common/gba/guss_edit.h"

/* --- in the place of an answer */

bool fault_result_experimental(uint32_t code)
{
	return (code >= 2401 && code <= 2409) || (code >= 5401 && code <= 5409);
}

static struct result result_of(uint32_t code)
{
	const bool x = fault_result_experimental(code);

	return (struct result){ .code = code, .experimental = x, .vendor = x ? RESULT_VENDOR_3GPP : 0 };
}

static void redirect_to(struct zh_redirect *out, const char *hosts)
{
	while (out->n < ZH_REDIRECT_HOSTS) {
		size_t len = strcspn(hosts, ",");

		snprintf(out->hosts[out->n++], sizeof(out->hosts[0]), "%.*s", (int)len, hosts);
		if (!hosts[len])
			return;
		hosts += len + 1;
	}
}

bool fault_outcome(struct fault_outcome *out, const struct fault_effect *e)
{
	static const uint32_t codes[FAULT_KINDS] = {
		[FAULT_BUSY] = RESULT_TOO_BUSY, [FAULT_REDIRECT] = RESULT_REDIRECT
	};
	const struct fault_part *p = &e->of[FAULT_SORT_OUTCOME];

	*out = (struct fault_outcome){ 0 };
	if (!p->there)
		return false;
	out->result = result_of(p->kind == FAULT_RESULT ? p->value : codes[p->kind]);
	if (p->kind == FAULT_REDIRECT)
		redirect_to(&out->redirect, e->hosts);
	return true;
}

uint64_t fault_delay_ms(const struct fault_effect *e)
{
	return e->of[FAULT_SORT_DELAY].there ? e->of[FAULT_SORT_DELAY].value * 1000ull : 0;
}

bool fault_cuts(const struct fault_effect *e)
{
	return fault_is(e, FAULT_DISCONNECT_BEFORE) || fault_is(e, FAULT_DISCONNECT_AFTER);
}

/* --- a vector */

static int turn_mac(struct aka_vector *v, uint32_t value, const struct aka_cred *cred)
{
	v->autn[AKA_AUTN_LEN - 1] ^= 1;
	return 0;
}

static int set_back(struct aka_vector *v, uint32_t value, const struct aka_cred *cred)
{
	uint8_t rand[AKA_RAND_LEN];

	memcpy(rand, v->rand, sizeof(rand));
	return aka_vector_make(v, cred, rand, 0);
}

static int resize_xres(struct aka_vector *v, uint32_t value, const struct aka_cred *cred)
{
	if (value > v->res.len)
		memset(v->res.b + v->res.len, 0, value - v->res.len);
	v->res.len = (uint8_t)value;
	return 0;
}

int fault_vector(struct aka_vector *v, const struct fault_part *p, const struct aka_cred *cred)
{
	static int (*const acts[FAULT_KINDS])(struct aka_vector *, uint32_t, const struct aka_cred *) = {
		[FAULT_WRONG_MAC] = turn_mac,
		[FAULT_STALE_SQN] = set_back,
		[FAULT_XRES_LENGTH] = resize_xres,
	};

	return p->there ? acts[p->kind](v, p->value, cred) : 0;
}

/* --- a GUSS */

static struct span older(struct span guss, uint32_t seconds, char **made)
{
	struct guss *g = NULL;
	size_t len = 0;
	time_t at;

	if (!guss.len || guss_parse(&g, guss.p, guss.len, NULL) < 0)
		return guss;
	at = (g->has_timestamp ? g->timestamp : time(NULL)) - (time_t)seconds;
	guss_free(g);
	return guss_edit_stamp(made, &len, guss, at) < 0 ? guss : span_of(*made, len);
}

struct span fault_guss(struct span guss, const struct fault_effect *e, char **made)
{
	*made = NULL;
	if (fault_is(e, FAULT_NO_GUSS))
		return span_of(NULL, 0);
	return fault_is(e, FAULT_OLD_TIMESTAMP) ? older(guss, e->of[FAULT_SORT_GUSS].value, made) : guss;
}

/* --- the octets of an answer */

#define CODE_NOBODY   0x00ffff00 /* of an AVP whose name was taken away, and of those nobody knows */
#define VENDOR_NOBODY 0x00ffffff
#define FLAG_V        0x80
#define FLAG_M        0x40
#define AT_CODE       0
#define AT_FLAGS      4
#define AT_LEN        5

/* Where it begins in what was written. */
static uint8_t *octets_of(struct writer *w, const struct dia_avp *a)
{
	return w->p + (a->whole.p - w->p);
}

static void take_name(struct writer *w, const struct dia_avp *a)
{
	uint8_t *p = octets_of(w, a);

	be32_put(p + AT_CODE, CODE_NOBODY);
	p[AT_FLAGS] &= (uint8_t)~FLAG_M;
}

static void set_len(struct writer *w, const struct dia_avp *a, size_t len)
{
	uint8_t *p = octets_of(w, a) + AT_LEN;

	p[0] = (uint8_t)(len >> 16);
	p[1] = (uint8_t)(len >> 8);
	p[2] = (uint8_t)len;
}

/* One octet less, which becomes padding. */
static void cut_octet(struct writer *w, const struct dia_avp *a)
{
	set_len(w, a, a->whole.len - 1);
}

static void run_past(struct writer *w, const struct dia_avp *a)
{
	set_len(w, a, DIA_LEN_MAX);
}

static void change_octet(struct writer *w, const struct dia_avp *a)
{
	octets_of(w, a)[a->data.p - a->whole.p] ^= 1;
}

static void put_again(struct writer *w, const struct dia_avp *a)
{
	uint8_t copy[64];
	size_t len = a->whole.len < sizeof(copy) ? a->whole.len : 0;

	memcpy(copy, a->whole.p, len);
	dia_wire_put_whole(w, span_of(copy, len));
}

static void other_version(struct writer *w, const struct dia_avp *a)
{
	w->p[0] = DIA_VERSION + 1;
}

/* What is found in the answer, inside its SIP-Auth-Data-Item or not, and what is done to it. */
#define FORMS(X) \
	X("no-session", AVP_SESSION_ID, false, take_name, "Without Session-Id\n") \
	X("other-session", AVP_SESSION_ID, false, change_octet, "Another Session-Id\n") \
	X("other-user", AVP_USER_NAME, false, change_octet, "Another User-Name\n") \
	X("no-result", AVP_RESULT_CODE, false, take_name, "Without a result\n") \
	X("result-twice", AVP_RESULT_CODE, false, put_again, "Result-Code twice\n") \
	X("no-vector", AVP_SIP_AUTH_DATA_ITEM, false, take_name, "Success without a vector\n") \
	X("no-ck", AVP_CK, true, take_name, "A vector without CK\n") \
	X("short-ck", AVP_CK, true, cut_octet, "A CK of 15 octets\n") \
	X("short-challenge", AVP_SIP_AUTHENTICATE, true, cut_octet, "RAND and AUTN of 31 octets\n") \
	X("bad-guss", AVP_GUSS, false, change_octet, "A GUSS that is no XML\n") \
	X("avp-length", AVP_SESSION_ID, false, run_past, "An AVP that runs past the message\n") \
	X("version", AVP_SESSION_ID, false, other_version, "Another Diameter version\n")

#define FORM_ROW(word, avp, in_item, act, help)  { avp, in_item, act },
#define FORM_WORD(word, avp, in_item, act, help) word,
#define FORM_HELP(word, avp, in_item, act, help) help

static const struct {
	enum dia_avp_id avp;
	bool in_item;
	void (*act)(struct writer *w, const struct dia_avp *a);
} forms[] = { FORMS(FORM_ROW) };

const char *const fault_forms[] = { FORMS(FORM_WORD) NULL };
const char fault_form_help[] = FORMS(FORM_HELP);

static bool form_find(struct dia_avp *out, const struct writer *w, enum dia_avp_id avp, bool in_item)
{
	struct dia_iter it = dia_wire_avps(span_of(w->p, w->len));
	struct dia_avp item;

	if (!in_item)
		return dia_wire_find(out, it, avp);
	return dia_wire_find(&item, it, AVP_SIP_AUTH_DATA_ITEM) && dia_wire_find(out, dia_wire_inside(&item), avp);
}

static void act_form(struct writer *w, uint32_t value)
{
	struct dia_avp a;

	if (form_find(&a, w, forms[value].avp, forms[value].in_item))
		forms[value].act(w, &a);
}

static void put_unknown(struct writer *w, uint8_t flags, uint32_t code)
{
	uint8_t avp[DIA_AVP_HDR_V + 4] = { 0 };

	be32_put(avp + AT_CODE, code);
	avp[AT_FLAGS] = flags;
	avp[AT_LEN + 2] = sizeof(avp);
	be32_put(avp + DIA_AVP_HDR, VENDOR_NOBODY);
	writer_put(w, avp, sizeof(avp));
}

static void put_extra(struct writer *w, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		put_unknown(w, FLAG_V, CODE_NOBODY + i);
}

static void put_mandatory(struct writer *w, uint32_t unused)
{
	put_unknown(w, FLAG_V | FLAG_M, CODE_NOBODY);
}

static void act_copies(struct writer *w, uint32_t n)
{
	const size_t len = w->len;

	for (uint32_t i = 0; i < n && !w->overflow; i++)
		writer_put(w, w->p, len);
}

/* In the order of their sorts; the message is ended before it is copied. */
static void (*const octet_acts[FAULT_KINDS])(struct writer *w, uint32_t value) = {
	[FAULT_MALFORMED] = act_form,
	[FAULT_EXTRA_AVPS] = put_extra,
	[FAULT_MANDATORY_AVP] = put_mandatory,
	[FAULT_DUPLICATE] = act_copies,
};

int fault_put(struct writer *w, struct span request, const struct dia_self *self, const void *fault_answer)
{
	const struct fault_answer *a = fault_answer;
	struct dia_self us = *self;
	int rc;

	if (a->effect->origin[0])
		us.host = a->effect->origin;
	rc = a->put(w, request, &us, a->answer);
	for (int sort = FAULT_SORT_FORM; sort < FAULT_SORTS && rc >= 0; sort++) {
		const struct fault_part *p = &a->effect->of[sort];

		if (!p->there || !octet_acts[p->kind])
			continue;
		octet_acts[p->kind](w, p->value);
		if (sort < FAULT_SORT_COPIES)
			rc = dia_wire_end(w);
	}
	return rc < 0 ? rc : w->overflow ? -ENOSPC : (int)w->len;
}
