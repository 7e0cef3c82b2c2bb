/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/dia_local.h"

#define DIA_LOOP_DETECTED 3005

static uint32_t find_command(const struct dia_grammar **out, const struct dia_local *l, const struct dia_hdr *hdr)
{
	uint32_t code = RESULT_APPLICATION_UNSUPPORTED;

	for (size_t i = 0; i < l->n_served; i++) {
		const struct dia_grammar *g = l->served[i];

		if (g->app != hdr->app)
			continue;
		code = RESULT_COMMAND_UNSUPPORTED;
		if (g->command != hdr->command)
			continue;
		*out = g;
		if (hdr->flags & DIA_CMD_E || (hdr->flags & DIA_CMD_P) != (g->flags & DIA_CMD_P))
			return DIA_INVALID_HDR_BITS;
		return 0;
	}
	return code;
}

static bool is_ours(const struct dia_local *l, struct span name)
{
	for (size_t i = 0; i < l->n_realms; i++)
		if (span_ieq(name, span_str(l->realms[i])))
			return true;
	return false;
}

/* What stands behind an AVP that cannot be read is not looked at: such a request is refused anyway. */
static uint32_t find_address(const struct dia_local *l, struct span msg)
{
	struct dia_iter it = dia_wire_avps(msg);
	struct span host = { 0 }, realm = { 0 };
	struct dia_avp a;

	while (dia_wire_next(&it, &a) == 1) {
		if (a.id == AVP_ROUTE_RECORD && span_ieq(a.data, span_str(l->identity)))
			return DIA_LOOP_DETECTED;
		if (a.id == AVP_DESTINATION_HOST && !host.p)
			host = a.data;
		if (a.id == AVP_DESTINATION_REALM && !realm.p)
			realm = a.data;
	}
	if (l->agent)
		return 0;
	if (host.p)
		return span_ieq(host, span_str(l->identity)) || is_ours(l, host) ? 0 : RESULT_UNABLE_TO_DELIVER;
	return !realm.p || is_ours(l, realm) ? 0 : RESULT_REALM_NOT_SERVED;
}

const struct dia_grammar *dia_local(struct dia_fault *f, struct span msg, const struct dia_local *l)
{
	const struct dia_grammar *g = NULL;
	struct dia_hdr hdr;
	uint32_t code;

	dia_wire_hdr(&hdr, msg.p);
	code = find_command(&g, l, &hdr);
	if (!code)
		code = find_address(l, msg);
	*f = (struct dia_fault){ .code = code };
	return code ? NULL : g;
}
