/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/dia_check.h"

#include <errno.h>

#define RULES_MAX 32 /* of one level */

/* What one walk through a message knows. */
struct walk {
	struct dia_fault *fault;
	unsigned avps, read_over;
};

static const struct dia_rule vsai_rules[] = {
	{ AVP_VENDOR_ID, 1, 0, false },
	{ AVP_AUTH_APPLICATION_ID, 0, 1, false },
	{ AVP_ACCT_APPLICATION_ID, 0, 1, false },
};

/* 3GPP wants the vendor; an answer without one is read as 3GPP's */
static const struct dia_rule experimental_rules[] = {
	{ AVP_VENDOR_ID, 0, 1, false },
	{ AVP_EXPERIMENTAL_RESULT_CODE, 1, 1, false },
};

static const struct dia_rule auth_item_rules[] = {
	{ AVP_SIP_AUTH_SCHEME, 0, 1, true }, /* one that nobody has is no malformed one */
	{ AVP_SIP_AUTHENTICATE, 0, 1, false },
	{ AVP_SIP_AUTHORIZATION, 0, 1, false },
	{ AVP_CK, 0, 1, false },
	{ AVP_IK, 0, 1, false },
	{ AVP_SIP_ITEM_NUMBER, 0, 1, false },
};

#define RULES(r) \
	{ \
		0, 0, 0, r, sizeof(r) / sizeof((r)[0]) \
	}

/* Any other group: what is in it has lengths and bits, no more is known. */
static const struct dia_grammar *inside_of(enum dia_avp_id id)
{
	static const struct dia_grammar vsai = RULES(vsai_rules), experimental = RULES(experimental_rules),
					auth_item = RULES(auth_item_rules), other = { .n = 0 };

	switch (id) {
	case AVP_VSAI:
		return &vsai;
	case AVP_EXPERIMENTAL_RESULT:
		return &experimental;
	case AVP_SIP_AUTH_DATA_ITEM:
		return &auth_item;
	default:
		return &other;
	}
}

struct span dia_fault_avp(const struct dia_fault *f)
{
	return f->made_len ? span_of(f->made, f->made_len) : f->avp;
}

struct result dia_fault_result(const struct dia_fault *f)
{
	struct result r = { .code = f->code };

	if (f->id) {
		r.failed_avp = dia_dict(f->id)->code;
		r.failed_vendor = dia_dict(f->id)->vendor;
	}
	return r;
}

/* Header and least value, where the AVP itself cannot be shown. */
static void make_example(struct dia_fault *f, uint32_t code, uint8_t flags, uint32_t vendor, size_t data_len)
{
	size_t hdr = flags & DIA_FLAG_V ? DIA_AVP_HDR_V : DIA_AVP_HDR;
	uint8_t *p = f->made + f->made_len;

	memset(p, 0, hdr + data_len);
	be32_put(p, code);
	p[4] = flags;
	p[7] = (uint8_t)(hdr + data_len);
	if (flags & DIA_FLAG_V)
		be32_put(p + DIA_AVP_HDR, vendor);
	f->made_len += (hdr + data_len + 3) & ~(size_t)3;
}

static void example_of(struct dia_fault *f, enum dia_avp_id id)
{
	const struct dia_def *d = dia_dict(id);

	make_example(f, d->code, d->flags, d->vendor, dia_dict_min(d->type));
}

int dia_fault_missing(struct dia_fault *f, enum dia_avp_id id)
{
	*f = (struct dia_fault){ .code = RESULT_MISSING_AVP, .id = id };
	example_of(f, id);
	return -EBADMSG;
}

int dia_fault_set(struct dia_fault *f, uint32_t code, const struct dia_avp *a)
{
	*f = (struct dia_fault){ .code = code, .id = a->id };
	if (a->whole.len <= DIA_FAILED_MAX)
		f->avp = a->whole;
	else
		make_example(f, a->code, a->flags, a->vendor, a->id ? dia_dict_min(dia_dict(a->id)->type) : 0);
	return -EBADMSG;
}

/* 7.1.5: of an AVP whose length is wrong, its header, as much as there is of it, and a value of the least length. */
static int bad_length(struct dia_fault *f, const struct dia_iter *it)
{
	uint8_t head[DIA_AVP_HDR_V] = { 0 };
	size_t left = it->end - it->at;
	struct dia_avp a = { 0 };
	size_t min = 0;

	memcpy(head, it->at, left < sizeof(head) ? left : sizeof(head));
	a.code = be32_get(head);
	a.flags = head[4];
	if (a.flags & DIA_FLAG_V)
		a.vendor = be32_get(head + DIA_AVP_HDR);
	if (!a.vendor)
		a.flags &= ~DIA_FLAG_V;
	a.id = dia_dict_find(a.code, a.vendor);
	if (a.id)
		min = dia_dict_min(dia_dict(a.id)->type);
	*f = (struct dia_fault){ .code = RESULT_INVALID_AVP_LENGTH, .id = a.id };
	make_example(f, a.code, a.flags, a.vendor, min);
	return -EBADMSG;
}

/* The same number is an AVP of ours with the other V bit, and the sender insists on it: it forgot V, or has one too many. */
static bool has_twin(const struct dia_avp *a)
{
	return dia_dict_find(a->code, a->vendor ? DIA_VENDOR_NONE : DIA_VENDOR_TGPP) != AVP_UNKNOWN;
}

/* 4.1, 4.4: what no dictionary here knows is read over, unless its M, and that of the group around it, forbids. */
static int check_unknown(struct dia_fault *f, const struct dia_avp *a, bool strict)
{
	if (a->flags & DIA_FLAG_V && !a->vendor)
		return dia_fault_set(f, DIA_INVALID_AVP_BITS, a);
	if (!(a->flags & DIA_FLAG_M) || !strict)
		return 0;
	return dia_fault_set(f, has_twin(a) ? DIA_INVALID_AVP_BITS : RESULT_AVP_UNSUPPORTED, a);
}

static int check_form(struct dia_fault *f, const struct dia_avp *a)
{
	enum dia_type type = dia_dict(a->id)->type;
	size_t min = dia_dict_min(type);

	if (a->data.len < min || (dia_dict_fixed(type) && a->data.len != min)) {
		dia_fault_set(f, RESULT_INVALID_AVP_LENGTH, a);
		if (a->data.len < min) {
			f->avp.len = 0;
			example_of(f, a->id);
		}
		return -EBADMSG;
	}
	return 0;
}

/* RFC 6733 6.11: exactly one of the two identifiers. */
static int check_vsai(struct dia_fault *f, const struct dia_avp *vsai)
{
	struct dia_avp auth, acct;
	bool has_auth = dia_wire_find(&auth, dia_wire_inside(vsai), AVP_AUTH_APPLICATION_ID);
	bool has_acct = dia_wire_find(&acct, dia_wire_inside(vsai), AVP_ACCT_APPLICATION_ID);

	if (has_auth && has_acct)
		return dia_fault_set(f, RESULT_AVP_TOO_MANY, auth.whole.p > acct.whole.p ? &auth : &acct);
	if (!has_auth && !has_acct) {
		dia_fault_missing(f, AVP_AUTH_APPLICATION_ID);
		example_of(f, AVP_ACCT_APPLICATION_ID);
		return -EBADMSG;
	}
	return 0;
}

static const struct dia_rule *rule_of(const struct dia_grammar *g, enum dia_avp_id id)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->rules[i].id == id)
			return &g->rules[i];
	return NULL;
}

static bool value_ok(const struct dia_rule *r, const struct dia_avp *a)
{
	if (a->id == AVP_PROXY_INFO && a->data.len > DIA_PROXY_INFO_MAX)
		return false;
	return r->as_is || dia_dict_value_ok(a->id, a->data);
}

static int check_level(struct walk *w, struct dia_iter it, const struct dia_grammar *g, bool strict, unsigned depth);

static int check_avp(struct walk *w, const struct dia_avp *a, const struct dia_rule *r, bool strict, unsigned depth)
{
	int rc;

	if (a->id == AVP_UNKNOWN)
		return check_unknown(w->fault, a, strict);
	rc = check_form(w->fault, a);
	if (rc)
		return rc;
	if (r && !value_ok(r, a))
		return dia_fault_set(w->fault, RESULT_INVALID_AVP_VALUE, a);
	if (dia_dict(a->id)->type != DIA_GROUPED)
		return 0;
	if (depth == DIA_DEPTH_MAX)
		return dia_fault_set(w->fault, RESULT_INVALID_AVP_VALUE, a);
	rc = check_level(w, dia_wire_inside(a), inside_of(a->id), strict && a->flags & DIA_FLAG_M, depth + 1);
	if (!rc && a->id == AVP_VSAI)
		rc = check_vsai(w->fault, a);
	return rc;
}

static int check_level(struct walk *w, struct dia_iter it, const struct dia_grammar *g, bool strict, unsigned depth)
{
	uint16_t seen[RULES_MAX] = { 0 };
	const struct dia_rule *r;
	struct dia_avp a;
	int rc;

	while ((rc = dia_wire_next(&it, &a)) == 1) {
		if (++w->avps > DIA_AVPS_MAX) {
			*w->fault = (struct dia_fault){ .code = RESULT_UNABLE_TO_COMPLY };
			return -EBADMSG;
		}
		r = rule_of(g, a.id);
		rc = check_avp(w, &a, r, strict, depth);
		if (rc)
			return rc;
		if (r && ++seen[r - g->rules] > r->max && r->max)
			return dia_fault_set(w->fault, RESULT_AVP_TOO_MANY, &a);
		w->read_over += !r && a.id && dia_dict(a.id)->vendor && depth == 0;
	}
	if (rc)
		return bad_length(w->fault, &it);
	for (size_t i = 0; i < g->n; i++)
		if (seen[i] < g->rules[i].min)
			return dia_fault_missing(w->fault, g->rules[i].id);
	return 0;
}

int dia_check(struct dia_fault *f, struct span msg, const struct dia_grammar *g, unsigned *read_over)
{
	struct walk w = { .fault = f };
	int rc;

	*f = (struct dia_fault){ .code = 0 };
	rc = check_level(&w, dia_wire_avps(msg), g, true, 0);
	if (read_over)
		*read_over = w.read_over;
	return rc;
}
