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
	struct dia_avp a, host, realm;
	bool has_host, has_realm;

	while (dia_wire_next_of(&it, &a, AVP_ROUTE_RECORD))
		if (span_ieq(a.data, span_str(l->identity)))
			return DIA_LOOP_DETECTED;
	if (l->agent)
		return 0;
	has_host = dia_wire_find(&host, dia_wire_avps(msg), AVP_DESTINATION_HOST);
	has_realm = dia_wire_find(&realm, dia_wire_avps(msg), AVP_DESTINATION_REALM);
	if (has_host)
		return span_ieq(host.data, span_str(l->identity)) || is_ours(l, host.data) ? 0
											   : RESULT_UNABLE_TO_DELIVER;
	return !has_realm || is_ours(l, realm.data) ? 0 : RESULT_REALM_NOT_SERVED;
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
