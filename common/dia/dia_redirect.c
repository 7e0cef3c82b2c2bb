/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/dia_redirect.h"

#include <errno.h>
#include <stdio.h>
#include "common/gba/btid.h"

#define URI_MAX (ZH_HOST_MAX + 8)

/* The FQDN of "aaa://FQDN[:PORT][;transport=...][;protocol=...]" (RFC 6733 4.3.1). */
static bool host_of(char out[ZH_HOST_MAX + 1], struct span uri)
{
	static const char *const schemes[] = { "aaa://", "aaas://" };

	for (size_t i = 0; i < 2; i++) {
		struct span s = span_str(schemes[i]), host;
		size_t n = s.len;

		if (uri.len <= s.len || !span_ieq(span_of(uri.p, s.len), s))
			continue;
		while (n < uri.len && uri.p[n] != ':' && uri.p[n] != ';')
			n++;
		host = span_of(uri.p + s.len, n - s.len);
		return fqdn_valid(host, ZH_HOST_MAX) && span_to_str(out, ZH_HOST_MAX + 1, host) == 0;
	}
	return false;
}

int dia_redirect_get(struct zh_redirect *out, struct span msg)
{
	struct dia_iter it = dia_wire_avps(msg);
	struct zh_redirect r = { .n = 0 };
	struct dia_avp a;

	while (dia_wire_next(&it, &a) == 1) {
		if (a.id == AVP_REDIRECT_HOST && r.n < ZH_REDIRECT_HOSTS)
			r.n += host_of(r.hosts[r.n], a.data);
		else if (a.id == AVP_REDIRECT_HOST_USAGE)
			r.usage = dia_wire_u32(&a);
		else if (a.id == AVP_REDIRECT_MAX_CACHE_TIME)
			r.cache_s = dia_wire_u32(&a);
	}
	if (!r.n)
		return -EBADMSG;
	*out = r;
	return 0;
}

int dia_redirect_put(struct writer *w, struct span request, const struct dia_self *self, const struct zh_redirect *in)
{
	const struct result r = { .code = RESULT_REDIRECT };
	char uri[URI_MAX];

	(void)dia_build_answer(w, request, self, &r);
	for (size_t i = 0; i < in->n; i++) {
		snprintf(uri, sizeof(uri), "aaa://%s", in->hosts[i]);
		dia_wire_put_str(w, AVP_REDIRECT_HOST, uri);
	}
	if (in->usage != ZH_REDIRECT_ONCE) {
		dia_wire_put_u32(w, AVP_REDIRECT_HOST_USAGE, in->usage);
		dia_wire_put_u32(w, AVP_REDIRECT_MAX_CACHE_TIME, in->cache_s);
	}
	return dia_build_answer_end(w, request, NULL);
}
