/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What goes out on a connection because its peer's machine wants it: messages of the base protocol. */
#include <errno.h>
#include "common/dia/dia_hub_in.h"

struct dia_caps dia_conn_caps(const struct dia_conn *c)
{
	struct sockaddr_storage here = { 0 };
	socklen_t len = sizeof(here);
	struct dia_caps caps = c->hub->caps;
	struct span host;

	caps.tls = c->tls_follows;
	caps.no_tls = !caps.tls;
	if (getsockname(c->s.f.fd, (struct sockaddr *)&here, &len) < 0)
		return caps;
	sockaddr_unmap(&here);
	host = sockaddr_host(&here);
	be16_put(caps.ip[0], host.len == 4 ? 1 : 2);
	memcpy(caps.ip[0] + 2, host.p, host.len);
	caps.ip_len[0] = 2 + host.len;
	caps.n_ips = 1;
	return caps;
}

/* The fault of a message that ends the connection: only a request has an answer. */
static int put_error(struct dia_conn *c, struct writer *w)
{
	struct dia_frame f;

	dia_frame(&f, c->msg.p, c->msg.len, c->s.msg_max);
	if (f.is != DIA_FRAME_BAD || !f.answerable)
		return 0;
	return dia_build_refusal(w, span_of(c->msg.p, DIA_HDR_LEN), &c->hub->cfg.self, &f.fault);
}

static int put_act(struct dia_conn *c, struct writer *w, unsigned act, uint32_t arg)
{
	struct dia_hub *h = c->hub;
	const struct dia_fault *fault = c->fault.code ? &c->fault : NULL;
	struct dia_caps us;
	struct span cer = span_of(c->cer, sizeof(c->cer));
	uint32_t id = dia_hub_next_id(h);
	char text[DIA_REFUSAL_TEXT];

	switch (act) {
	case DIA_BIT_SEND_CER:
		us = dia_conn_caps(c);
		return dia_base_cer_put(w, &us, id, id);
	case DIA_BIT_SEND_CEA:
		us = dia_conn_caps(c);
		return dia_base_cea_put(w, cer, &us, NULL, NULL);
	case DIA_BIT_SEND_REFUSAL:
		us = dia_conn_caps(c);
		dia_refusal_text(text, c, c->id->name, &dia_refusal_in_use);
		dia_hub_tell(h, dia_refusal_in_use.ev, c->id->name, text + strlen(c->id->name) + 1);
		return dia_base_cea_put(w, cer, &us, &(struct dia_fault){ .code = arg }, text);
	case DIA_BIT_SEND_DWR:
		return dia_base_word_put(w, &dia_base_dwr, &h->caps, 0, arg, id);
	case DIA_BIT_SEND_DPR:
		return dia_base_word_put(w, &dia_base_dpr, &h->caps, arg, id, id);
	case DIA_BIT_SEND_DWA:
	case DIA_BIT_SEND_DPA:
		return dia_base_reply_put(w, c->msg, &h->caps, fault);
	case DIA_BIT_SEND_BUSY:
		return dia_build_refusal(w, c->msg, &h->cfg.self, &(struct dia_fault){ .code = RESULT_TOO_BUSY });
	case DIA_BIT_SEND_ERROR:
		return put_error(c, w);
	default:
		return 0;
	}
}

void dia_conn_act(struct dia_conn *c, unsigned act, uint32_t arg)
{
	struct writer w;

	/* the answer to a request may copy what that had to be copied */
	if (dia_stream_room(&c->s, &w, DIA_CONN_BASE_ROOM + DIA_FAILED_MAX + c->msg.len))
		dia_stream_commit(&c->s, put_act(c, &w, act, arg));
	else
		dia_conn_no_room(c);
}
