/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/api_req.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/crypto/evp.h"
#include "common/http/fields.h"

#define SWALLOW_MAX 1048576 /* of a body that is too long or for nobody, to answer before closing */
#define ETAG_DIGITS 18

struct api_req *api_req_new(const char *uri)
{
	struct api_req *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->raw = strdup(uri);
	r->target_at = uri;
	if (r->raw)
		return r;
	free(r);
	return NULL;
}

void api_req_free(struct api_req *r)
{
	json_decref(r->answer.body);
	free(r->raw);
	free(r->body);
	free(r);
}

static bool req_refuse(struct api_req *r, unsigned status, const char *field, const char *detail, const char *allowed)
{
	api_answer_problem(&r->answer, status, field, detail, allowed);
	return true;
}

/* --- header fields */

struct field {
	const char *name, *value;
	unsigned n;
};

static enum MHD_Result count_field(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct field *f = cls;

	if (strcasecmp(name, f->name) == 0) {
		f->n++;
		f->value = value ? value : "";
	}
	return MHD_YES;
}

/* \returns NULL: it is not there. Twice: refused */
static const char *field(struct api_req *r, const char *name)
{
	struct field f = { .name = name };

	MHD_get_connection_values(r->mhd, MHD_HEADER_KIND, count_field, &f);
	if (f.n > 1)
		req_refuse(r, 400, name, "it comes twice", "once");
	return f.value;
}

/* "type/subtype" before parameters, blanks around it cut off. */
static bool is_media(const char *text, size_t len, const char *type)
{
	while (len && (*text == ' ' || *text == '\t')) {
		text++;
		len--;
	}
	len = len < strcspn(text, "; \t") ? len : strcspn(text, "; \t");
	return len == strlen(type) && strncasecmp(text, type, len) == 0;
}

static bool is_accepted(const char *accept)
{
	static const char *const ours[] = { "application/json", "application/*", "*/*", "application/problem+json" };

	for (; accept; accept = strchr(accept, ',') ? strchr(accept, ',') + 1 : NULL) {
		for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
			if (is_media(accept, strcspn(accept, ","), ours[i]))
				return true;
		}
	}
	return false;
}

/* Bearer (RFC 6750 2.1). */
static void read_token(struct api_req *r, const struct request_head *h)
{
	struct span a = h->authorization;
	const char *digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	char token[REG_TOKEN_TEXT + 1];
	size_t blank = 7;

	r->shown = h->n_authorization > 0;
	if (h->n_authorization > 1)
		req_refuse(r, 400, "Authorization", "it comes twice", "once");
	if (a.len < blank || strncasecmp((const char *)a.p, "Bearer ", blank) != 0)
		return;
	while (blank < a.len && a.p[blank] == ' ')
		blank++;
	if (a.len - blank != REG_TOKEN_TEXT)
		return;
	memcpy(token, a.p + blank, REG_TOKEN_TEXT);
	token[REG_TOKEN_TEXT] = '\0';
	if (strspn(token, digits) == REG_TOKEN_TEXT && reg_proof_of_token(r->proof[0], token) == 0)
		r->n_proofs = 1;
	OPENSSL_cleanse(token, sizeof(token));
}

/* Target and header lines, as they lie in the library's memory. \returns false: not as RFC 9112 wants it */
static bool read_header(struct api_req *r, struct request_head *h, const char *method, const char *version)
{
	const union MHD_ConnectionInfo *i = MHD_get_connection_info(r->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	size_t before = (size_t)(version - method);

	if (!i || r->target_at - method != (ptrdiff_t)strlen(method) + 1 ||
	    version - r->target_at != (ptrdiff_t)strlen(r->raw) + 1 || strpbrk(r->raw, " \t") ||
	    i->header_size < before)
		return false;
	return request_head_read(h, (uint8_t *)(uintptr_t)version, i->header_size - before) == 0 &&
	       request_head_framed(h) && !h->folded;
}

static void find_way(struct api_req *r, const struct api_doc *d, const char *method)
{
	int rc = api_target_parse(&r->target, r->raw);

	if (rc < 0) {
		req_refuse(r, rc == -E2BIG ? 414 : 400, "", "the target of the request cannot be read",
			   "an absolute path");
		return;
	}
	r->path = api_ask_path(d, &r->target);
	r->op = r->path ? api_ask_op(r->path, method) : NULL;
	r->options = r->path && strcmp(method, "OPTIONS") == 0;
	if (!r->path)
		req_refuse(r, 404, "", "there is nothing here", "what /openapi.json names");
	else if (!r->op && !r->options)
		req_refuse(r, 405, "", "not by this method", "those of Allow");
}

static uint64_t body_length(struct span digits) /* fields.h allows 18 of them */
{
	uint64_t n = 0;

	for (size_t i = 0; i < digits.len; i++)
		n = n * 10 + (uint64_t)(digits.p[i] - '0');
	return n;
}

static bool too_large(struct api_req *r, uint64_t has)
{
	char allowed[64];
	size_t most = r->op ? r->op->body_max : SWALLOW_MAX;

	if (has <= most)
		return false;
	snprintf(allowed, sizeof(allowed), "%zu octets", most);
	return req_refuse(r, 413, "", "the body is too large", allowed);
}

bool api_req_head(struct api_req *r, const struct api_doc *d, const char *method, const char *version)
{
	struct request_head h;
	const char *accept;

	if (!read_header(r, &h, method, version)) {
		r->close_after = req_refuse(r, 400, "", "the request is not as RFC 9112 wants it", "");
		return false;
	}
	r->close_after = h.seen & FIELDS_CODING; /* what others may read otherwise is the last of its connection */
	read_token(r, &h);
	find_way(r, d, method);
	accept = field(r, "Accept");
	if (accept && !is_accepted(accept))
		req_refuse(r, 406, "Accept", "nothing else is answered", "application/json");
	return !too_large(r, body_length(h.length)) || body_length(h.length) <= SWALLOW_MAX;
}

bool api_req_body(struct api_req *r, const char *data, size_t len)
{
	char *grown;

	r->swallowed += len;
	if (r->answer.status || r->options || too_large(r, r->swallowed)) { /* nobody reads it */
		r->close_after = true;
		return r->swallowed <= SWALLOW_MAX;
	}
	grown = realloc(r->body, r->len + len);
	if (!grown)
		return false;
	memcpy(grown + r->len, data, len);
	r->body = grown;
	r->len += len;
	return true;
}

/* --- the call */

/* If-Match: "5" or *; of what may be made by the request, or instead If-None-Match: *. */
static int64_t read_match(struct api_req *r, struct api_answer *refused)
{
	const char *is = field(r, "If-Match"), *none = r->op->makes ? field(r, "If-None-Match") : NULL;
	size_t digits = is && is[0] == '"' ? strspn(is + 1, "0123456789") : 0;

	if (none) {
		if (is || strcmp(none, "*") != 0)
			api_answer_problem(refused, 400, "If-None-Match", "beside If-Match, or not *",
					   "* where nothing is there yet");
		return REG_MATCH_NEW;
	}
	if (!is) {
		api_answer_problem(
			refused, 428, "If-Match", "what it is about may have changed meanwhile",
			r->op->makes ? "the ETag of what is changed, or If-None-Match: * where nothing is there yet"
				     : "the ETag of what is changed");
		return REG_MATCH_NONE;
	}
	if (strcmp(is, "*") == 0)
		return REG_MATCH_THERE;
	if (is[0] != '"' || strchr(is, ',') || !strchr(is + 1, '"') || strchr(is + 1, '"')[1]) {
		api_answer_problem(refused, 400, "If-Match", "that is no ETag", "one, in quotation marks, or *");
		return REG_MATCH_NONE;
	}
	if (!digits || digits > ETAG_DIGITS || strcmp(is + 1 + digits, "\"") != 0) /* never given by us */
		return 0;
	return strtoll(is + 1, NULL, 10);
}

static void read_key(struct api_req *r, struct api_call *c, const char *method)
{
	const struct evp_algorithms *a = evp_algorithms();
	struct evp_thread *t = evp_thread();
	const char *key = field(r, "Idempotency-Key");
	size_t len = key ? strlen(key) : 0;

	if (!key)
		return;
	if (!len || len > API_KEY_MAX || strspn(key, " \t") || strlen(key) != strcspn(key, "\x7f")) {
		api_answer_problem(&c->refused, 400, "Idempotency-Key", "it is too long or empty",
				   "1 to 128 characters");
		return;
	}
	memcpy(c->key, key, len + 1);
	if (!a || !t || !EVP_DigestInit_ex2(t->md, a->sha256, NULL) ||
	    !EVP_DigestUpdate(t->md, method, strlen(method)) || !EVP_DigestUpdate(t->md, r->raw, strlen(r->raw) + 1) ||
	    !EVP_DigestUpdate(t->md, r->body, r->len) || !EVP_DigestFinal_ex(t->md, c->digest, NULL))
		api_answer_problem(&c->refused, 503, "", "not now", "");
}

static json_t *read_json(struct api_req *r, struct api_call *c)
{
	const char *type = field(r, "Content-Type");
	char detail[256];
	json_error_t e;
	json_t *v;

	if (!r->len)
		return NULL;
	if (!type || !is_media(type, strlen(type), "application/json")) {
		api_answer_problem(&c->refused, 415, "Content-Type", "nothing else is read", "application/json");
		return NULL;
	}
	v = json_loadb(r->body, r->len, JSON_REJECT_DUPLICATES, &e);
	if (v)
		return v;
	snprintf(detail, sizeof(detail), "the body is no JSON: line %d, column %d: %s", e.line, e.column, e.text);
	for (char *p = detail; *p; p++) /* what is near it may be anything */
		*p = *p >= ' ' && *p < 0x7f ? *p : '?';
	api_answer_problem(&c->refused, 400, "", detail, "an object in which each name comes once");
	return NULL;
}

static void read_in(struct api_req *r, const struct api_doc *d, struct api_call *c)
{
	json_t *body = read_json(r, c);
	struct api_bad bad;
	int rc;

	if (!c->refused.status) {
		rc = api_ask_in(d, r->op, &r->target, body, &c->in, &bad);
		if (rc == -EINVAL)
			api_answer_problem(&c->refused, 422, bad.field, bad.what, bad.allowed);
		else if (rc < 0)
			api_answer_problem(&c->refused, 503, "", "no memory", "");
	}
	json_decref(body);
}

struct api_call *api_req_call(struct api_req *r, const struct api_doc *d)
{
	struct api_call *c = r->answer.status ? NULL : api_call_new();

	if (!c) {
		req_refuse(r, 503, "", "no memory", "");
		return NULL;
	}
	c->op = r->op;
	c->shown = r->shown;
	c->n_proofs = r->n_proofs;
	memcpy(c->proof, r->proof, sizeof(c->proof));
	if (r->op->if_match)
		c->if_match = read_match(r, &c->refused);
	if (r->op->idempotent)
		read_key(r, c, r->op->method);
	read_in(r, d, c);
	if (!r->answer.status)
		return c;
	api_call_free(c); /* a field that comes twice */
	return NULL;
}
