/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "znproxy/relay_octets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/dia/dia_frame.h"
#include "common/dia/zn_wire.h"

#define GSID_BIN_LEN 4
#define GSID_TEXT    11

static struct span body(struct span msg)
{
	return span_of(msg.p + DIA_HDR_LEN, msg.len - DIA_HDR_LEN);
}

/* RFC 6733 4.1: zeros up to a multiple of four. Others hide something, and there are peers that end a connection for it. */
static bool zeros_behind(const struct dia_avp *a, const uint8_t *end)
{
	const uint8_t *p = a->whole.p + a->whole.len;

	for (; p < end && (p - a->whole.p) & 3; p++)
		if (*p)
			return false;
	return true;
}

/* Of a group all. Its depth was checked, but the inside of a Proxy-Info is looked at by nobody else. */
static bool well_padded(const struct dia_avp *a, const uint8_t *end)
{
	struct dia_iter it = dia_wire_inside(a);
	struct dia_avp in;
	int rc;

	if (!zeros_behind(a, end))
		return false;
	if (a->id != AVP_PROXY_INFO && (!a->id || dia_dict(a->id)->type != DIA_GROUPED))
		return true;
	while ((rc = dia_wire_next(&it, &in)) == 1)
		if (!zeros_behind(&in, it.end) || (a->id != AVP_PROXY_INFO && !well_padded(&in, it.end)))
			return false;
	return rc == 0;
}

static bool gsid_allowed(struct span s, const struct words *allowed)
{
	char text[GSID_TEXT];

	if (s.len == GSID_BIN_LEN && s.p[0] < ' ') {
		snprintf(text, sizeof(text), "%u", (unsigned)be32_get(s.p));
		s = span_str(text);
	}
	for (size_t i = 0; i < allowed->n; i++)
		if (span_eq(s, span_str(allowed->s[i])))
			return true;
	return false;
}

/* base64(RAND)@domain. Whether the first is one only its home needs to know. */
static int read_btid(struct relay_bir *b, struct span s)
{
	struct span domain = span_of(s.p + BTID_RAND_CHARS + 1, s.len - BTID_RAND_CHARS - 1);

	if (s.len > BTID_MAX)
		return -EBADMSG;
	b->btid = s;
	if (s.len <= BTID_RAND_CHARS + 1 || s.p[BTID_RAND_CHARS] != '@' || !fqdn_valid(domain, BSF_NAME_MAX))
		return 0;
	memcpy(b->btid_domain, domain.p, domain.len);
	b->btid_domain[domain.len] = '\0';
	return 0;
}

bool relay_octets_rand(uint8_t out[BTID_RAND_LEN], struct span btid)
{
	struct btid b;

	if (btid_parse(&b, btid.p, btid.len) < 0)
		return false;
	memcpy(out, b.rand, BTID_RAND_LEN);
	return true;
}

static int read_avp(struct relay_bir *b, const struct dia_avp *a, const struct words *gsids)
{
	switch (a->id) {
	case AVP_SESSION_ID:
		b->session_id = a->data;
		return 0;
	case AVP_ORIGIN_HOST:
		b->origin = a->data;
		return 0;
	case AVP_DESTINATION_REALM:
		b->realm = a->data;
		return 0;
	case AVP_DESTINATION_HOST:
		b->host = a->data;
		return 0;
	case AVP_TRANSACTION_ID:
		return read_btid(b, a->data);
	case AVP_NAF_ID:
		return naf_id_parse(&b->naf_id, a->data.p, a->data.len);
	case AVP_ROUTE_RECORD: /* a NAF has none, and what it writes there is its own text; but its home reads names there */
		return dia_dict_value_ok(a->id, a->data) ? 0 : -EBADMSG;
	case AVP_GSID:
		b->gsids = b->gsids && gsids && gsid_allowed(a->data, gsids);
		return 0;
	default:
		return 0;
	}
}

int relay_octets_read(struct relay_bir *out, struct span msg, const struct words *gsids, struct dia_fault *bad)
{
	struct dia_iter it = dia_wire_avps(msg);
	struct dia_avp a;

	if (dia_check(bad, msg, &zn_wire_bir, NULL))
		return -EBADMSG;
	out->host = span_of(NULL, 0);
	out->btid_domain[0] = '\0';
	out->gsids = true;
	while (dia_wire_next(&it, &a) == 1)
		if (!well_padded(&a, it.end) || read_avp(out, &a, gsids) < 0)
			return dia_fault_set(bad, RESULT_INVALID_AVP_VALUE, &a);
	return 0;
}

struct relay_request *relay_octets_request(struct span msg, const char *from)
{
	size_t room = msg.len + DIA_AVP_HDR + strlen(from) + 3;
	struct relay_request *q = malloc(sizeof(*q) + room);
	struct dia_hdr hdr;
	struct writer w;
	int len;

	if (!q)
		return NULL;
	dia_wire_hdr(&hdr, msg.p);
	writer_init(&w, q->octets, room);
	dia_wire_begin(&w, &hdr);
	writer_span(&w, body(msg));
	dia_wire_put_str(&w, AVP_ROUTE_RECORD, from);
	len = dia_wire_end(&w);
	if (len > 0 && len <= DIA_FRAME_NAF) {
		q->len = (size_t)len;
		return q;
	}
	free(q);
	errno = EMSGSIZE;
	return NULL;
}

int relay_octets_put_request(struct writer *w, const struct dia_address *to, const void *what)
{
	const struct relay_request *q = what;
	struct dia_hdr hdr;

	dia_wire_hdr(&hdr, q->octets);
	hdr.flags = DIA_CMD_R | DIA_CMD_P | (hdr.flags & DIA_CMD_T) | (to->repeated ? DIA_CMD_T : 0);
	hdr.hop_by_hop = to->hop_by_hop;
	dia_wire_begin(w, &hdr);
	writer_span(w, body(span_of(q->octets, q->len)));
	return dia_wire_end(w);
}

static bool same_session(struct span session_id, const struct relay_request *q)
{
	struct dia_avp asked;

	return dia_wire_find(&asked, dia_wire_avps(span_of(q->octets, q->len)), AVP_SESSION_ID) &&
	       span_eq(session_id, asked.data);
}

bool relay_octets_fits(struct result *result, struct span answer, const struct relay_request *q)
{
	struct dia_iter it = dia_wire_avps(answer);
	bool session = false, experimental = false;
	struct dia_hdr asked, answered;
	struct dia_fault bad;
	struct dia_avp a;

	dia_wire_hdr(&asked, q->octets);
	dia_wire_hdr(&answered, answer.p);
	*result = (struct result){ 0 };
	if (answered.end_to_end != asked.end_to_end || dia_check(&bad, answer, &zn_wire_bia, NULL) < 0)
		return false;
	while (dia_wire_next(&it, &a) == 1) {
		if (!well_padded(&a, it.end) || (a.id == AVP_SESSION_ID && !same_session(a.data, q)))
			return false;
		session |= a.id == AVP_SESSION_ID;
		if (a.id == AVP_RESULT_CODE)
			result->code = dia_wire_u32(&a);
		experimental |= a.id == AVP_EXPERIMENTAL_RESULT;
	}
	if (experimental)
		dia_build_result(result, answer);
	return session;
}

int relay_octets_put_answer(struct writer *w, struct span request, const struct dia_self *self, const void *answer)
{
	const struct span *a = answer;
	struct dia_hdr hdr, came;

	dia_wire_hdr(&hdr, request.p);
	dia_wire_hdr(&came, a->p);
	hdr.flags = (hdr.flags & DIA_CMD_P) | (came.flags & DIA_CMD_E);
	dia_wire_begin(w, &hdr);
	writer_span(w, body(*a));
	return dia_wire_end(w);
}
