/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A request on Ub: lines target, Host, User-Agent, Authorization; the rest is the body. */
#include <assert.h>
#include <string.h>
#include "bsf/ub/decide.h"

static struct span line(const uint8_t **p, size_t *len)
{
	const uint8_t *nl = *len ? memchr(*p, '\n', *len) : NULL;
	struct span s = { *p, nl ? (size_t)(nl - *p) : *len };

	*len -= s.len + (nl ? 1 : 0);
	*p += s.len + (nl ? 1 : 0);
	return s;
}

static void judge(const struct ub_wish *w, const struct ub_request *in)
{
	struct gba_challenge c = { .bsf_name = "bsf.example", .opaque = "0", .aka.xres = { 8, { 1 } } };
	struct ub_answer a;
	enum cause cause;

	memcpy(c.key, w->key, sizeof(c.key));
	c.key_len = w->key_len;
	memcpy(c.username, w->auth.username.p, w->auth.username.len);
	cause = ub_decide_answer(w, in, &c);
	/* nobody finds the response to this XRES by chance; an AUTS needs none */
	assert(cause != CAUSE_ub_ok);
	assert(cause != CAUSE_ub_challenged || w->has_auts);
	ub_answer_cause(&a, cause);
	assert(a.status >= 400);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char names[][BSF_NAME_MAX + 1] = { "bsf.example", "bsf.ims.example" };
	const struct ub_self self = { names, 2, NULL };
	struct ub_request in = { .method = span_str("GET"), .n_authorization = 1 };
	struct ub_wish w;

	in.target = line(&data, &size);
	in.host = line(&data, &size);
	in.user_agent = line(&data, &size);
	in.authorization = line(&data, &size);
	in.body = span_of(data, size);
	ub_decide_request(&w, &in, &self);
	if (w.want == UB_REFUSE)
		return 0;
	assert(w.bsf_name == names[0] || w.bsf_name == names[1]);
	assert(w.auth.username.len <= IMPI_MAX && (w.is_tmpi || w.impi.s[0]));
	if (w.want == UB_ANSWER && w.key_len)
		judge(&w, &in);
	return 0;
}
