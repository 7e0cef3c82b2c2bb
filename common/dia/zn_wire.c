/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/zn_wire.h"

#include <errno.h>
#include <stdlib.h>

#define KS_NAF_LEN   32
#define GBA_U_YES    1
#define GSID_BIN_LEN 4

static const struct dia_rule bir_rules[] = {
	{ AVP_SESSION_ID, 1, 1, false },
	{ AVP_VSAI, 1, 1, false },
	{ AVP_ORIGIN_HOST, 1, 1, false },
	{ AVP_ORIGIN_REALM, 1, 1, false },
	{ AVP_DESTINATION_REALM, 1, 1, false },
	{ AVP_DESTINATION_HOST, 0, 1, false },
	{ AVP_TRANSACTION_ID, 1, 1, false },
	{ AVP_NAF_ID, 1, 1, false },
	{ AVP_GSID, 0, 0, false },
	{ AVP_GBA_U_AWARENESS, 0, 1, false },
	{ AVP_AUTH_SESSION_STATE, 0, 1, false },
	{ AVP_AUTH_APPLICATION_ID, 0, 1, false },
	{ AVP_PROXY_INFO, 0, 0, true },
	{ AVP_ROUTE_RECORD, 0, 0, true },
};

/* An answer is read leniently: what is not needed may be missing. */
static const struct dia_rule bia_rules[] = {
	{ AVP_RESULT_CODE, 0, 1, false },   { AVP_EXPERIMENTAL_RESULT, 0, 1, false },
	{ AVP_USER_NAME, 0, 1, false },     { AVP_ME_KEY, 0, 1, false },
	{ AVP_UICC_KEY, 0, 1, false },      { AVP_KEY_EXPIRY_TIME, 0, 1, false },
	{ AVP_CREATION_TIME, 0, 1, false }, { AVP_GUSS, 0, 1, false },
	{ AVP_GBA_TYPE, 0, 1, false },
};

#define GRAMMAR(flags, rules) \
	{ \
		GBA_APP_ZN, GBA_CMD_BI, flags, rules, sizeof(rules) / sizeof((rules)[0]) \
	}

const struct dia_grammar zn_wire_bir = GRAMMAR(DIA_CMD_R | DIA_CMD_P, bir_rules);
const struct dia_grammar zn_wire_bia = GRAMMAR(DIA_CMD_P, bia_rules);

static int get_btid(struct zn_bir *b, struct span s)
{
	if (s.len > BTID_MAX)
		return -EBADMSG;
	/* text of another form was never given out by us: unknown, not wrong */
	b->btid_ok = !btid_parse(&b->btid, s.p, s.len);
	return 0;
}

/* Decimal text; some senders put the number as 4 octets. What is neither selects nothing, like an unknown one. */
static int get_gsid(struct zn_bir *b, struct span s)
{
	char text[ZN_GSID_MAX + 1];
	struct writer w;

	writer_init(&w, text, sizeof(text));
	if (s.len == GSID_BIN_LEN && s.p[0] < ' ')
		writer_printf(&w, "%u", (unsigned)be32_get(s.p));
	else
		writer_span(&w, s);
	if (writer_end(&w) < 1 || strspn(text, "0123456789") != w.len)
		return 0;
	for (size_t i = 0; i < b->n_gsids; i++)
		if (!strcmp(b->gsids[i], text))
			return 0;
	if (b->n_gsids == ZN_GSIDS_MAX)
		return -E2BIG;
	memcpy(b->gsids[b->n_gsids++], text, w.len + 1);
	return 0;
}

static void get_route(struct zn_bir *b, struct span name)
{
	if (b->n_routes == ZN_ROUTES) {
		b->routes_cut = true;
		memmove(b->routes, b->routes + 1, --b->n_routes * sizeof(b->routes[0]));
	}
	b->routes[b->n_routes++] = name;
}

static int get_bir_avp(struct zn_bir *b, const struct dia_avp *a)
{
	switch (a->id) {
	case AVP_ROUTE_RECORD:
		get_route(b, a->data);
		return 0;
	case AVP_ORIGIN_HOST:
		return span_to_str(b->origin_host, sizeof(b->origin_host), a->data);
	case AVP_TRANSACTION_ID:
		return get_btid(b, a->data);
	case AVP_NAF_ID:
		return naf_id_parse(&b->naf_id, a->data.p, a->data.len) ? -EBADMSG : 0;
	case AVP_GSID:
		return get_gsid(b, a->data);
	case AVP_GBA_U_AWARENESS:
		b->gba_u_aware = dia_wire_u32(a) == GBA_U_YES;
		return 0;
	default:
		return 0;
	}
}

int zn_wire_bir_get(struct zn_bir *out, struct span msg, struct dia_fault *bad, unsigned *read_over)
{
	struct zn_bir b = { .n_gsids = 0 };
	struct dia_avp a;
	struct dia_iter it = dia_wire_avps(msg);
	int rc;

	if (dia_check(bad, msg, &zn_wire_bir, read_over))
		return -EBADMSG;
	while (dia_wire_next(&it, &a) == 1) {
		rc = get_bir_avp(&b, &a);
		if (rc)
			return dia_fault_set(bad, rc == -E2BIG ? RESULT_AVP_TOO_MANY : RESULT_INVALID_AVP_VALUE, &a);
	}
	*out = b;
	return 0;
}

int zn_wire_bir_put(struct writer *w, const struct dia_address *to, struct span btid, const struct naf_id *naf_id,
		    const char (*gsids)[ZN_GSID_MAX + 1], size_t n_gsids, bool gba_u_aware)
{
	dia_build_request(w, &zn_wire_bir, to);
	for (size_t i = 0; i < n_gsids; i++)
		dia_wire_put_str(w, AVP_GSID, gsids[i]);
	dia_wire_put(w, AVP_TRANSACTION_ID, btid);
	dia_wire_put(w, AVP_NAF_ID, span_of(naf_id->raw, naf_id->len));
	if (gba_u_aware)
		dia_wire_put_u32(w, AVP_GBA_U_AWARENESS, GBA_U_YES);
	return dia_wire_end(w);
}

static int get_ks(struct secret *out, struct span s)
{
	return s.len == KS_NAF_LEN ? secret_set(out, s.p, s.len) : -EBADMSG;
}

static int get_uss_list(struct zn_bia *b, struct span s)
{
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

static int get_bia_avp(struct zn_bia *b, const struct dia_avp *a)
{
	switch (a->id) {
	case AVP_USER_NAME:
		return span_to_str(b->impi.s, sizeof(b->impi.s), a->data);
	case AVP_GUSS:
		return get_uss_list(b, a->data);
	case AVP_KEY_EXPIRY_TIME:
		b->has_times = true;
		b->expires_at = dia_wire_time(a);
		return 0;
	case AVP_CREATION_TIME:
		b->has_created = true;
		b->created_at = dia_wire_time(a);
		return 0;
	case AVP_ME_KEY:
		return get_ks(&b->me_key, a->data);
	case AVP_UICC_KEY:
		return get_ks(&b->uicc_key, a->data);
	case AVP_GBA_TYPE:
		b->gba_type = dia_wire_u32(a);
		return 0;
	default:
		return 0;
	}
}

int zn_wire_bia_get(struct zn_bia *out, struct span msg)
{
	struct zn_bia b = { .has_times = false };
	struct dia_iter it = dia_wire_avps(msg);
	struct dia_fault bad;
	struct dia_avp a;
	int rc;

	rc = dia_check(&bad, msg, &zn_wire_bia, NULL);
	if (rc)
		return rc;
	dia_build_result(&b.result, msg);
	while (!rc && b.result.code == RESULT_SUCCESS && !b.result.experimental && dia_wire_next(&it, &a) == 1)
		rc = get_bia_avp(&b, &a);
	if (rc) {
		zn_bia_clear(&b);
		return rc == -ENOMEM ? rc : -EBADMSG;
	}
	*out = b;
	OPENSSL_cleanse(&b, sizeof(b));
	return 0;
}

static void put_bia(struct writer *w, const struct zn_bia *in)
{
	if (in->impi.s[0])
		dia_wire_put_str(w, AVP_USER_NAME, in->impi.s);
	if (in->me_key.len)
		dia_wire_put(w, AVP_ME_KEY, span_of(in->me_key.b, in->me_key.len));
	if (in->uicc_key.len)
		dia_wire_put(w, AVP_UICC_KEY, span_of(in->uicc_key.b, in->uicc_key.len));
	if (in->has_times) {
		dia_wire_put_time(w, AVP_KEY_EXPIRY_TIME, in->expires_at);
		dia_wire_put_time(w, AVP_CREATION_TIME, in->created_at);
	}
	if (in->uss_list)
		dia_wire_put(w, AVP_GUSS, span_of(in->uss_list, in->uss_list_len));
	if (in->gba_type != ZN_GBA_3G)
		dia_wire_put_u32(w, AVP_GBA_TYPE, in->gba_type);
}

int zn_wire_bia_put(struct writer *w, struct span request, const struct dia_self *self, const struct zn_bia *in)
{
	if (dia_build_answer(w, request, self, &in->result))
		put_bia(w, in);
	return dia_build_answer_end(w, request, NULL);
}
