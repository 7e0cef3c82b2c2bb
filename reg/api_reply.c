/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/api_reply.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/base/visible.h"

static const char *const always[][2] = {
	{ "Cache-Control", "no-store" },
	{ "X-Content-Type-Options", "nosniff" },
	{ "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Strict-Transport-Security", "max-age=31536000" },
};

/* Also of what was cut within a character: then its octets are shown. */
static json_t *said(const char *text)
{
	json_t *v = json_string(text);
	char *shown = v ? NULL : visible_text(text, strlen(text), false);

	v = v ? v : json_string(shown);
	free(shown);
	return v;
}

static json_t *problem(const struct api_answer *a)
{
	const char *const members[][2] = { { "detail", a->detail }, { "field", a->field }, { "allowed", a->allowed } };
	json_t *p = json_pack("{sssssI}", "type", "about:blank", "title", MHD_get_reason_phrase_for(a->status),
			      "status", (json_int_t)a->status);

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (members[i][1][0])
			json_object_set_new(p, members[i][0], said(members[i][1]));
	}
	return p;
}

static char *json_text(const struct api_answer *a)
{
	json_t *v = a->status >= 400 ? problem(a) : a->body ? json_incref(a->body) : json_object();
	char *text = v ? json_dumps(v, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;

	json_decref(v);
	return text;
}

static bool add_line(struct MHD_Response *m, const char *name, const char *value)
{
	return MHD_add_response_header(m, name, value) == MHD_YES;
}

static bool add_etag(struct MHD_Response *m, int64_t revision)
{
	char text[32];

	snprintf(text, sizeof(text), "\"%" PRId64 "\"", revision);
	return add_line(m, MHD_HTTP_HEADER_ETAG, text);
}

static bool add_retry(struct MHD_Response *m, unsigned in_s)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", in_s);
	return add_line(m, MHD_HTTP_HEADER_RETRY_AFTER, text);
}

static bool add_allow(struct MHD_Response *m, const struct api_req *r)
{
	char allow[64];

	if (!r->path || (!r->options && r->answer.status != MHD_HTTP_METHOD_NOT_ALLOWED))
		return true;
	api_ask_allow(r->path, allow);
	return add_line(m, MHD_HTTP_HEADER_ALLOW, allow);
}

static bool add_all(struct MHD_Response *m, const struct api_req *r, bool closing)
{
	const struct api_answer *a = &r->answer;
	bool all = add_allow(m, r);

	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		all = all && add_line(m, always[i][0], always[i][1]);
	if (a->status != MHD_HTTP_NO_CONTENT)
		all = all && add_line(m, MHD_HTTP_HEADER_CONTENT_TYPE,
				      a->status >= 400 ? "application/problem+json" : "application/json");
	if (a->revision && a->status < 400)
		all = all && add_etag(m, a->revision);
	if (a->retry_s)
		all = all && add_retry(m, a->retry_s);
	if (a->status == MHD_HTTP_UNAUTHORIZED)
		all = all && add_line(m, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
				      r->shown ? "Bearer realm=\"gba-reg\", error=\"invalid_token\""
					       : "Bearer realm=\"gba-reg\"");
	if (closing)
		all = all && add_line(m, MHD_HTTP_HEADER_CONNECTION, "close");
	return all;
}

enum MHD_Result api_reply(struct api_req *r, bool closing)
{
	char *text = r->answer.status == MHD_HTTP_NO_CONTENT ? strdup("") : json_text(&r->answer);
	struct MHD_Response *m =
		text ? MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE) : NULL;
	enum MHD_Result rc = MHD_NO;

	if (!m) {
		free(text);
		return MHD_NO;
	}
	if (add_all(m, r, closing))
		rc = MHD_queue_response(r->mhd, r->answer.status, m);
	MHD_destroy_response(m);
	return rc;
}
