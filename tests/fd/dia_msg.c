/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "tests/fd/dia_msg.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistr.h>
#include "tests/fd/dict_handles.h"

#define AUTH_STATE_NOT_MAINTAINED 1

/* RFC 6733 8.8: identity;high;low;own. High is the time of the first one, so numbers do not come again after a
 * restart. */
static void session_id(char *out, size_t cap, const char *tag)
{
	static _Atomic uint64_t next;
	uint64_t n = atomic_load_explicit(&next, memory_order_relaxed), fresh = (uint64_t)time(NULL) << 32;

	if (!n)
		atomic_compare_exchange_strong(&next, &n, fresh);
	n = atomic_fetch_add_explicit(&next, 1, memory_order_relaxed);
	snprintf(out, cap, "%s;%u;%u;%s", fd_g_config->cnf_diamid, (unsigned)(n >> 32), (unsigned)n, tag);
}

static void put_vsai(struct avp_writer *w, uint32_t app_id)
{
	struct avp_writer g = avp_group(w, dia_handles()->vsai);

	avp_put_u32(&g, dia_handles()->vendor_id, RESULT_VENDOR_3GPP);
	avp_put_u32(&g, dia_handles()->auth_app_id, app_id);
	avp_group_end(w, &g);
}

static void put_origin(struct avp_writer *w)
{
	const struct fd_config *cfg = fd_g_config;

	avp_put(w, dia_handles()->origin_host, span_of(cfg->cnf_diamid, cfg->cnf_diamid_len));
	avp_put(w, dia_handles()->origin_realm, span_of(cfg->cnf_diamrlm, cfg->cnf_diamrlm_len));
}

int dia_msg_request(struct msg **out, struct dict_object *command, uint32_t app_id, const char *tag, bool state,
		    const char *dest_realm, const char *dest_host)
{
	const struct dia_handles *h = dia_handles();
	char session[DIA_SESSION_ID_MAX + 1];
	struct msg *m = NULL;
	struct msg_hdr *hdr;
	struct avp_writer w;

	if (fd_msg_new(command, MSGFL_ALLOC_ETEID, &m))
		return -ENOMEM;
	if (!fd_msg_hdr(m, &hdr))
		hdr->msg_appl = app_id;
	session_id(session, sizeof(session), tag);
	w = (struct avp_writer){ .parent = m };
	avp_put_str(&w, h->session_id, session);
	put_vsai(&w, app_id);
	if (state)
		avp_put_u32(&w, h->auth_session_state, AUTH_STATE_NOT_MAINTAINED);
	put_origin(&w);
	avp_put_str(&w, h->dest_realm, dest_realm);
	if (dest_host)
		avp_put_str(&w, h->dest_host, dest_host);
	if (w.rc) {
		fd_msg_free(m);
		return w.rc;
	}
	*out = m;
	return 0;
}

/* The AVP a bad request is answered with, on the first two levels: of a repeated one, the second. */
static bool find_offender(struct avp_cursor *c, msg_or_avp *query, const struct result *r)
{
	unsigned wanted = r->code == RESULT_AVP_TOO_MANY ? 2 : 1, seen = 0;
	struct avp_cursor inner;
	bool more;

	for (more = avp_first(c, query); more; more = avp_next(c)) {
		if (avp_is(c, r->failed_avp, r->failed_vendor) && ++seen == wanted)
			return true;
		if (avp_find(&inner, c->avp, r->failed_avp, r->failed_vendor) && wanted == 1) {
			*c = inner;
			return true;
		}
	}
	return false;
}

static void put_failed_avp(struct avp_writer *w, struct msg *query, const struct result *r)
{
	struct dict_avp_request_ex by_code = { .avp_vendor = { .vendor_id = r->failed_vendor },
					       .avp_data = { .avp_code = r->failed_avp } };
	struct span octets = { 0 };
	struct dict_object *model = NULL;
	struct avp_cursor c = { 0 };
	struct avp_writer g;
	uint32_t number;

	if (r->failed_vendor)
		fd_dict_search(fd_g_config->cnf_dict, DICT_AVP, AVP_BY_STRUCT, &by_code, &model, 0);
	else
		fd_dict_search(fd_g_config->cnf_dict, DICT_AVP, AVP_BY_CODE, &r->failed_avp, &model, 0);
	if (!model)
		return;
	g = avp_group(w, dia_handles()->failed_avp);
	/* RFC 6733 7.5: a missing AVP is shown with its code, vendor and the least data */
	if (r->code != RESULT_MISSING_AVP && find_offender(&c, query, r) && !avp_u32(&c, &number)) {
		avp_put_u32(&g, model, number);
	} else {
		if (r->code != RESULT_MISSING_AVP && c.avp)
			avp_octets(&c, &octets);
		avp_put(&g, model, octets);
	}
	avp_group_end(w, &g);
}

int dia_msg_answer(struct msg **m, const struct result *r)
{
	const struct dia_handles *h = dia_handles();
	struct msg *query = NULL;
	struct avp_writer w, g;
	struct msg_hdr *hdr;

	if (fd_msg_new_answer_from_req(fd_g_config->cnf_dict, m, 0) || fd_msg_hdr(*m, &hdr))
		return -ENOMEM;
	fd_msg_answ_getq(*m, &query);
	w = (struct avp_writer){ .parent = *m };
	put_vsai(&w, hdr->msg_appl);
	if (r->experimental) {
		g = avp_group(&w, h->exp_result);
		avp_put_u32(&g, h->vendor_id, r->vendor);
		avp_put_u32(&g, h->exp_result_code, r->code);
		avp_group_end(&w, &g);
	} else {
		avp_put_u32(&w, h->result_code, r->code);
		if (r->code / 1000 == 3)
			hdr->msg_flags |= CMD_FLAG_ERROR;
	}
	put_origin(&w);
	if (r->failed_avp && query)
		put_failed_avp(&w, query, r);
	return dia_msg_answer_end(m, &w);
}

static int too_long(struct msg *m)
{
	struct msg_hdr *hdr;

	if (fd_msg_update_length(m) || fd_msg_hdr(m, &hdr))
		return -ENOMEM;
	return hdr->msg_length > DIA_MSG_MAX ? -E2BIG : 0;
}

int dia_msg_answer_end(struct msg **m, const struct avp_writer *w)
{
	struct msg *query = NULL;
	int rc = w->rc ? w->rc : too_long(*m);

	if (!rc)
		return 0;
	fd_msg_answ_getq(*m, &query);
	fd_msg_answ_detach(*m);
	fd_msg_free(*m);
	*m = query;
	return rc;
}

bool dia_msg_fits(struct msg *answer)
{
	struct msg_hdr *is, *was;
	struct avp_cursor c, q;
	struct msg *query = NULL;
	struct span id, asked;

	if (fd_msg_answ_getq(answer, &query) || !query)
		return true;
	if (fd_msg_hdr(answer, &is) || fd_msg_hdr(query, &was) || is->msg_code != was->msg_code ||
	    is->msg_appl != was->msg_appl)
		return false;
	if (!avp_find(&c, answer, 263, 0))
		return is->msg_flags & CMD_FLAG_ERROR;
	return avp_find(&q, query, 263, 0) && !avp_octets(&c, &id) && !avp_octets(&q, &asked) && span_eq(id, asked);
}

static int read_experimental(struct result *r, const struct avp_cursor *group)
{
	struct avp_cursor c;

	if (!avp_find(&c, group->avp, 298, 0) || avp_u32(&c, &r->code))
		return -EBADMSG;
	/* 3GPP wants the vendor; an answer without one is read as 3GPP's */
	if (!avp_find(&c, group->avp, 266, 0))
		r->vendor = RESULT_VENDOR_3GPP;
	else if (avp_u32(&c, &r->vendor))
		return -EBADMSG;
	r->experimental = true;
	return 0;
}

int dia_msg_result(struct result *r, struct msg *m)
{
	struct result out = { 0 }, experimental = { 0 };
	unsigned n_base = 0, n_experimental = 0;
	struct avp_cursor c;
	bool more;

	for (more = avp_first(&c, m); more; more = avp_next(&c)) {
		if (avp_is(&c, 268, 0) && (n_base++ || avp_u32(&c, &out.code)))
			return -EBADMSG;
		if (avp_is(&c, 297, 0) && (n_experimental++ || read_experimental(&experimental, &c)))
			return -EBADMSG;
	}
	/* Both is against the grammar; the one that is no success counts. */
	if (n_experimental && (!n_base || out.code / 1000 == 2))
		out = experimental;
	*r = out;
	return 0;
}

bool dia_msg_session_ok(const struct avp_cursor *session)
{
	struct span s;

	return !avp_octets(session, &s) && (!s.len || (!u8_check(s.p, s.len) && !memchr(s.p, '\0', s.len)));
}

void dia_msg_session(struct msg *m, char out[DIA_SESSION_ID_MAX + 1])
{
	struct avp_cursor c;
	char *p;

	if (!avp_find(&c, m, 263, 0) || avp_str(&c, out, DIA_SESSION_ID_MAX + 1))
		out[0] = '\0';
	for (p = out; *p; p++)
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
}
