/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/dia_build.h"

#define NO_STATE_MAINTAINED 1

static bool requires(const struct dia_grammar *g, enum dia_avp_id id)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->rules[i].id == id)
			return g->rules[i].min > 0;
	return false;
}

static void put_application(struct writer *w, uint32_t app)
{
	size_t mark = dia_wire_group(w, AVP_VSAI);

	dia_wire_put_u32(w, AVP_VENDOR_ID, DIA_VENDOR_TGPP);
	dia_wire_put_u32(w, AVP_AUTH_APPLICATION_ID, app);
	dia_wire_group_end(w, mark);
}

static void put_origin(struct writer *w, const struct dia_self *self)
{
	dia_wire_put_str(w, AVP_ORIGIN_HOST, self->host);
	dia_wire_put_str(w, AVP_ORIGIN_REALM, self->realm);
}

void dia_build_request(struct writer *w, const struct dia_grammar *g, const struct dia_address *to)
{
	struct dia_hdr hdr = {
		.flags = g->flags | (to->repeated ? DIA_CMD_T : 0),
		.command = g->command,
		.app = g->app,
		.hop_by_hop = to->hop_by_hop,
		.end_to_end = to->end_to_end,
	};

	dia_wire_begin(w, &hdr);
	dia_wire_put_str(w, AVP_SESSION_ID, to->session_id);
	put_application(w, g->app);
	if (requires(g, AVP_AUTH_SESSION_STATE))
		dia_wire_put_u32(w, AVP_AUTH_SESSION_STATE, NO_STATE_MAINTAINED);
	put_origin(w, to->self);
	dia_wire_put_str(w, AVP_DESTINATION_REALM, to->realm);
	if (to->host)
		dia_wire_put_str(w, AVP_DESTINATION_HOST, to->host);
}

static void copy_all(struct writer *w, struct span request, enum dia_avp_id id)
{
	struct dia_iter it = dia_wire_avps(request);
	struct dia_avp a;

	while (dia_wire_next_of(&it, &a, id))
		dia_wire_put_whole(w, a.whole);
}

static void copy_first(struct writer *w, struct span request, enum dia_avp_id id)
{
	struct dia_avp a;

	if (dia_wire_find(&a, dia_wire_avps(request), id))
		dia_wire_put_whole(w, a.whole);
}

static void put_result(struct writer *w, const struct result *r)
{
	size_t mark;

	if (!r->experimental) {
		dia_wire_put_u32(w, AVP_RESULT_CODE, r->code);
		return;
	}
	mark = dia_wire_group(w, AVP_EXPERIMENTAL_RESULT);
	dia_wire_put_u32(w, AVP_VENDOR_ID, r->vendor);
	dia_wire_put_u32(w, AVP_EXPERIMENTAL_RESULT_CODE, r->code);
	dia_wire_group_end(w, mark);
}

bool dia_build_answer(struct writer *w, struct span request, const struct dia_self *self, const struct result *r)
{
	bool error = !r->experimental && r->code / 1000 == 3;
	struct dia_hdr hdr;

	dia_wire_hdr(&hdr, request.p);
	hdr.flags = (hdr.flags & DIA_CMD_P) | (error ? DIA_CMD_E : 0);
	dia_wire_begin(w, &hdr);
	copy_first(w, request, AVP_SESSION_ID);
	if (!error && hdr.app)
		put_application(w, hdr.app);
	put_result(w, r);
	put_origin(w, self);
	return !error;
}

int dia_build_answer_end(struct writer *w, struct span request, const struct dia_fault *f)
{
	struct span failed = f ? dia_fault_avp(f) : span_of(NULL, 0);
	size_t mark;

	if (failed.len) {
		mark = dia_wire_group(w, AVP_FAILED_AVP);
		dia_wire_put_whole(w, failed);
		dia_wire_group_end(w, mark);
	}
	copy_all(w, request, AVP_PROXY_INFO);
	return dia_wire_end(w);
}

int dia_build_refusal(struct writer *w, struct span request, const struct dia_self *self, const struct dia_fault *f)
{
	struct result r = dia_fault_result(f);

	dia_build_answer(w, request, self, &r);
	return dia_build_answer_end(w, request, f);
}

int dia_build_keep(struct writer *w, struct span request)
{
	struct dia_hdr hdr;

	dia_wire_hdr(&hdr, request.p);
	dia_wire_begin(w, &hdr);
	copy_first(w, request, AVP_SESSION_ID);
	copy_first(w, request, AVP_USER_NAME);
	copy_all(w, request, AVP_PROXY_INFO);
	return dia_wire_end(w);
}

static bool get_experimental(struct result *r, const struct dia_avp *group)
{
	struct dia_avp a;

	if (!dia_wire_find(&a, dia_wire_inside(group), AVP_EXPERIMENTAL_RESULT_CODE))
		return false;
	*r = (struct result){ .code = dia_wire_u32(&a), .experimental = true, .vendor = DIA_VENDOR_TGPP };
	if (dia_wire_find(&a, dia_wire_inside(group), AVP_VENDOR_ID))
		r->vendor = dia_wire_u32(&a);
	return true;
}

void dia_build_result(struct result *out, struct span answer)
{
	struct result base = { 0 }, experimental;
	struct dia_avp a;

	if (dia_wire_find(&a, dia_wire_avps(answer), AVP_RESULT_CODE))
		base.code = dia_wire_u32(&a);
	if (dia_wire_find(&a, dia_wire_avps(answer), AVP_EXPERIMENTAL_RESULT) && get_experimental(&experimental, &a) &&
	    (!base.code || base.code / 1000 == 2))
		base = experimental;
	*out = base;
}
