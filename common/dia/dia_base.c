/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/dia_base.h"

#include <errno.h>

#define PRODUCT "gba"

static const struct dia_rule cer_rules[] = {
	{ AVP_ORIGIN_HOST, 1, 1, false },
	{ AVP_ORIGIN_REALM, 1, 1, false },
	{ AVP_HOST_IP_ADDRESS, 1, 0, false },
	{ AVP_VENDOR_ID, 1, 1, false },
	{ AVP_PRODUCT_NAME, 1, 1, true },
	{ AVP_ORIGIN_STATE_ID, 0, 1, false },
	{ AVP_SUPPORTED_VENDOR_ID, 0, 0, false },
	{ AVP_AUTH_APPLICATION_ID, 0, 0, false },
	{ AVP_INBAND_SECURITY_ID, 0, 0, false },
	{ AVP_ACCT_APPLICATION_ID, 0, 0, false },
	{ AVP_VSAI, 0, 0, false },
	{ AVP_FIRMWARE_REVISION, 0, 1, false },
};

/* Peers leave out what we do not need, so only the name must be there. */
static const struct dia_rule cea_rules[] = {
	{ AVP_RESULT_CODE, 0, 1, false },
	{ AVP_ORIGIN_HOST, 1, 1, false },
	{ AVP_ORIGIN_REALM, 0, 1, false },
	{ AVP_ORIGIN_STATE_ID, 0, 1, false },
	{ AVP_AUTH_APPLICATION_ID, 0, 0, false },
	{ AVP_ACCT_APPLICATION_ID, 0, 0, false },
	{ AVP_VSAI, 0, 0, false },
	{ AVP_INBAND_SECURITY_ID, 0, 0, false },
};

static const struct dia_rule dwr_rules[] = {
	{ AVP_ORIGIN_HOST, 1, 1, false },
	{ AVP_ORIGIN_REALM, 1, 1, false },
	{ AVP_ORIGIN_STATE_ID, 0, 1, false },
};

static const struct dia_rule dpr_rules[] = {
	{ AVP_ORIGIN_HOST, 1, 1, false },
	{ AVP_ORIGIN_REALM, 1, 1, false },
	{ AVP_DISCONNECT_CAUSE, 1, 1, false },
};

static const struct dia_rule reply_rules[] = { { AVP_RESULT_CODE, 0, 1, false } };

#define GRAMMAR(command, flags, rules) \
	{ \
		DIA_APP_BASE, command, flags, rules, sizeof(rules) / sizeof((rules)[0]) \
	}

static const struct dia_grammar cer_grammar = GRAMMAR(DIA_CMD_CAPABILITIES, DIA_CMD_R, cer_rules);
static const struct dia_grammar cea_grammar = GRAMMAR(DIA_CMD_CAPABILITIES, 0, cea_rules);
const struct dia_grammar dia_base_dwr = GRAMMAR(DIA_CMD_WATCHDOG, DIA_CMD_R, dwr_rules);
const struct dia_grammar dia_base_dwa = GRAMMAR(DIA_CMD_WATCHDOG, 0, reply_rules);
const struct dia_grammar dia_base_dpr = GRAMMAR(DIA_CMD_DISCONNECT, DIA_CMD_R, dpr_rules);

bool dia_base_common(const struct dia_caps *a, const struct dia_caps *b)
{
	if ((a->relay && (b->relay || b->n_apps)) || (b->relay && a->n_apps))
		return true;
	for (size_t i = 0; i < a->n_apps; i++)
		for (size_t j = 0; j < b->n_apps; j++)
			if (a->apps[i] == b->apps[j])
				return true;
	return false;
}

static void add_app(struct dia_caps *c, uint32_t id)
{
	if (id == DIA_APP_RELAY) {
		c->relay = true;
		return;
	}
	for (size_t i = 0; i < c->n_apps; i++)
		if (c->apps[i] == id)
			return;
	if (id != DIA_APP_BASE && c->n_apps < DIA_BASE_APPS_MAX)
		c->apps[c->n_apps++] = id;
}

static void get_product(struct dia_caps *c, struct span s)
{
	size_t n = s.len < sizeof(c->product) - 1 ? s.len : sizeof(c->product) - 1;

	for (size_t i = 0; i < n; i++)
		c->product[i] = s.p[i] >= ' ' && s.p[i] < 0x7f ? (char)s.p[i] : '?';
	c->product[n] = '\0';
}

static void get_caps_avp(struct dia_caps *c, const struct dia_avp *a)
{
	struct dia_iter it;
	struct dia_avp inner;

	switch (a->id) {
	case AVP_ORIGIN_HOST:
		span_to_str(c->host, sizeof(c->host), a->data);
		break;
	case AVP_ORIGIN_REALM:
		span_to_str(c->realm, sizeof(c->realm), a->data);
		break;
	case AVP_VENDOR_ID:
		c->vendor_id = dia_wire_u32(a);
		break;
	case AVP_PRODUCT_NAME:
		get_product(c, a->data);
		break;
	case AVP_ORIGIN_STATE_ID:
		c->has_state = true;
		c->state = dia_wire_u32(a);
		break;
	case AVP_AUTH_APPLICATION_ID:
	case AVP_ACCT_APPLICATION_ID:
		add_app(c, dia_wire_u32(a));
		break;
	case AVP_VSAI:
		for (it = dia_wire_inside(a); dia_wire_next(&it, &inner) == 1;)
			if (inner.id == AVP_AUTH_APPLICATION_ID || inner.id == AVP_ACCT_APPLICATION_ID)
				add_app(c, dia_wire_u32(&inner));
		break;
	case AVP_INBAND_SECURITY_ID:
		c->security_offered = true;
		c->tls |= dia_wire_u32(a) == DIA_SECURITY_TLS;
		c->no_tls |= dia_wire_u32(a) == DIA_SECURITY_NONE;
		break;
	default:
		break;
	}
}

static void get_caps(struct dia_caps *out, struct span msg)
{
	struct dia_iter it = dia_wire_avps(msg);
	struct dia_caps c = { .n_apps = 0 };
	struct dia_avp a;

	while (dia_wire_next(&it, &a) == 1)
		get_caps_avp(&c, &a);
	if (!c.security_offered)
		c.no_tls = true;
	*out = c;
}

int dia_base_cer_get(struct dia_caps *out, struct span msg, struct dia_fault *bad)
{
	if (dia_check(bad, msg, &cer_grammar, NULL))
		return -EBADMSG;
	get_caps(out, msg);
	return 0;
}

int dia_base_cea_get(struct dia_caps *out, uint32_t *code, struct span msg)
{
	struct dia_fault bad;
	struct dia_avp a;

	if (dia_check(&bad, msg, &cea_grammar, NULL))
		return -EBADMSG;
	get_caps(out, msg);
	*code = dia_wire_find(&a, dia_wire_avps(msg), AVP_RESULT_CODE) ? dia_wire_u32(&a) : 0;
	return 0;
}

static void put_application(struct writer *w, uint32_t app)
{
	size_t mark = dia_wire_group(w, AVP_VSAI);

	dia_wire_put_u32(w, AVP_VENDOR_ID, DIA_VENDOR_TGPP);
	dia_wire_put_u32(w, AVP_AUTH_APPLICATION_ID, app);
	dia_wire_group_end(w, mark);
}

static void put_names(struct writer *w, const struct dia_caps *us)
{
	dia_wire_put_str(w, AVP_ORIGIN_HOST, us->host);
	dia_wire_put_str(w, AVP_ORIGIN_REALM, us->realm);
}

static void put_caps(struct writer *w, const struct dia_caps *us)
{
	put_names(w, us);
	for (size_t i = 0; i < us->n_ips; i++)
		dia_wire_put(w, AVP_HOST_IP_ADDRESS, span_of(us->ip[i], us->ip_len[i]));
	dia_wire_put_u32(w, AVP_VENDOR_ID, us->vendor_id);
	dia_wire_put_str(w, AVP_PRODUCT_NAME, us->product[0] ? us->product : PRODUCT);
	if (us->has_state)
		dia_wire_put_u32(w, AVP_ORIGIN_STATE_ID, us->state);
	dia_wire_put_u32(w, AVP_SUPPORTED_VENDOR_ID, DIA_VENDOR_TGPP);
	if (us->tls && us->no_tls)
		dia_wire_put_u32(w, AVP_INBAND_SECURITY_ID, DIA_SECURITY_NONE);
	if (us->tls)
		dia_wire_put_u32(w, AVP_INBAND_SECURITY_ID, DIA_SECURITY_TLS);
	for (size_t i = 0; i < us->n_apps; i++)
		put_application(w, us->apps[i]);
	if (us->relay)
		dia_wire_put_u32(w, AVP_AUTH_APPLICATION_ID, DIA_APP_RELAY);
}

int dia_base_cer_put(struct writer *w, const struct dia_caps *us, uint32_t hop_by_hop, uint32_t end_to_end)
{
	struct dia_hdr hdr = {
		.flags = DIA_CMD_R,
		.command = DIA_CMD_CAPABILITIES,
		.hop_by_hop = hop_by_hop,
		.end_to_end = end_to_end,
	};

	dia_wire_begin(w, &hdr);
	put_caps(w, us);
	return dia_wire_end(w);
}

/* \returns false: a protocol error, whose answer has no capabilities */
static bool put_reply(struct writer *w, struct span request, const struct dia_fault *bad)
{
	uint32_t code = bad ? bad->code : RESULT_SUCCESS;
	struct dia_hdr hdr;

	dia_wire_hdr(&hdr, request.p);
	hdr.flags = code / 1000 == 3 ? DIA_CMD_E : 0;
	dia_wire_begin(w, &hdr);
	dia_wire_put_u32(w, AVP_RESULT_CODE, code);
	return !hdr.flags;
}

static void put_failed(struct writer *w, const struct dia_fault *bad)
{
	size_t mark;

	if (!bad || !dia_fault_avp(bad).len)
		return;
	mark = dia_wire_group(w, AVP_FAILED_AVP);
	dia_wire_put_whole(w, dia_fault_avp(bad));
	dia_wire_group_end(w, mark);
}

int dia_base_cea_put(struct writer *w, struct span cer, const struct dia_caps *us, const struct dia_fault *bad,
		     const char *words)
{
	if (put_reply(w, cer, bad))
		put_caps(w, us);
	else
		put_names(w, us);
	if (words)
		dia_wire_put_str(w, AVP_ERROR_MESSAGE, words);
	put_failed(w, bad);
	return dia_wire_end(w);
}

int dia_base_word_get(struct dia_word *out, struct span msg, const struct dia_grammar *g, struct dia_fault *bad)
{
	struct dia_word word = { .has_state = false };
	struct dia_avp a;

	if (dia_check(bad, msg, g, NULL))
		return -EBADMSG;
	if (dia_wire_find(&a, dia_wire_avps(msg), AVP_ORIGIN_HOST))
		span_to_str(word.host, sizeof(word.host), a.data);
	word.has_state = g == &dia_base_dwr && dia_wire_find(&a, dia_wire_avps(msg), AVP_ORIGIN_STATE_ID);
	if (word.has_state)
		word.state = dia_wire_u32(&a);
	if (dia_wire_find(&a, dia_wire_avps(msg), AVP_DISCONNECT_CAUSE) && g == &dia_base_dpr)
		word.cause = (enum dia_cause)dia_wire_u32(&a);
	*out = word;
	return 0;
}

int dia_base_word_put(struct writer *w, const struct dia_grammar *g, const struct dia_caps *us, enum dia_cause cause,
		      uint32_t hop_by_hop, uint32_t end_to_end)
{
	struct dia_hdr hdr = {
		.flags = g->flags,
		.command = g->command,
		.hop_by_hop = hop_by_hop,
		.end_to_end = end_to_end,
	};

	dia_wire_begin(w, &hdr);
	put_names(w, us);
	if (g == &dia_base_dpr)
		dia_wire_put_u32(w, AVP_DISCONNECT_CAUSE, cause);
	else if (us->has_state)
		dia_wire_put_u32(w, AVP_ORIGIN_STATE_ID, us->state);
	return dia_wire_end(w);
}

int dia_base_reply_put(struct writer *w, struct span request, const struct dia_caps *us, const struct dia_fault *bad)
{
	struct dia_hdr hdr;

	put_reply(w, request, bad);
	put_names(w, us);
	dia_wire_hdr(&hdr, request.p);
	if (us->has_state && hdr.command == DIA_CMD_WATCHDOG)
		dia_wire_put_u32(w, AVP_ORIGIN_STATE_ID, us->state);
	put_failed(w, bad);
	return dia_wire_end(w);
}

int dia_base_reply_check(struct span msg, const struct dia_grammar *g)
{
	struct dia_fault bad;

	return dia_check(&bad, msg, g, NULL);
}
