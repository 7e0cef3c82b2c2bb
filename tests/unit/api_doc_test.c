/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The document the daemon has in it, and what a document may not be. */
#include <string.h>
#include "reg/api_ask.h"
#include "tests/unit/suite.h"

#define ID "00112233445566778899aabbccddeeff"

static struct api_doc *d;

static void open_doc(void)
{
	struct err err = { "" };

	d = api_doc_new(api_openapi, &err);
	ck_assert_msg(d != NULL, "%s", err.text);
}

START_TEST(paths)
{
	struct api_target t;
	char allow[64];

	open_doc();
	ck_assert_int_eq(api_target_parse(&t, "/tokens/" ID), 0);
	ck_assert_str_eq(api_ask_path(d, &t)->text, "/tokens/{token}");
	ck_assert_str_eq(api_ask_op(api_ask_path(d, &t), "DELETE")->id, "revokeToken");
	ck_assert_ptr_null(api_ask_op(api_ask_path(d, &t), "GET"));
	ck_assert_int_eq(api_target_parse(&t, "/tokens"), 0);
	api_ask_allow(api_ask_path(d, &t), allow);
	ck_assert_str_eq(allow, "GET, HEAD, POST, OPTIONS");
	ck_assert_str_eq(api_ask_op(api_ask_path(d, &t), "HEAD")->id, "listTokens");
	for (const char **no = (const char *[]){ "/", "/tokens/", "/Tokens", "/tokens/a/b", "//tokens", NULL }; *no;
	     no++) {
		ck_assert_int_eq(api_target_parse(&t, *no), 0);
		ck_assert_msg(!api_ask_path(d, &t), "%s", *no);
	}
	api_doc_free(d);
}
END_TEST

START_TEST(taken)
{
	static const struct {
		const char *method, *target, *body, *field; /* field NULL: taken */
	} rows[] = {
		{ "GET", "/tokens?limit=5&after=x", NULL, NULL },
		{ "GET", "/tokens?limit=0", NULL, "limit" },
		{ "GET", "/tokens?limit=5x", NULL, "limit" },
		{ "GET", "/tokens?limit=+5", NULL, "limit" },
		{ "GET", "/tokens?limit=99999999999999999999", NULL, "limit" },
		{ "GET", "/tokens?limit=5&limit=6", NULL, "limit" },
		{ "GET", "/tokens?colour=5", NULL, "colour" },
		{ "GET", "/tokens?token=" ID, NULL, "token" },
		{ "GET", "/tokens", "{}", "" },
		{ "DELETE", "/tokens/" ID, NULL, NULL },
		{ "DELETE", "/tokens/1", NULL, "token" },
		{ "POST", "/tokens", NULL, "" },
		{ "POST", "/tokens", "{}", NULL },
		{ "POST", "/tokens", "{\"role\": \"root\"}", "/role" },
		{ "POST", "/tokens", "{\"limit\": 1}", "/limit" },
		{ "POST", "/tokens", "{\"certificate\": \"a.example.com\"}", NULL },
		{ "POST", "/tokens", "{\"certificate\": \"*.example.com\"}", "/certificate" },
	};

	open_doc();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *body = rows[i].body ? json_loads(rows[i].body, 0, NULL) : NULL, *in = NULL;
		struct api_bad bad = { .field = "-" };
		struct api_target t;
		int rc;

		ck_assert_int_eq(api_target_parse(&t, rows[i].target), 0);
		rc = api_ask_in(d, api_ask_op(api_ask_path(d, &t), rows[i].method), &t, body, &in, &bad);
		ck_assert_msg((rc == 0) == !rows[i].field, "row %zu: %s", i, bad.field);
		if (rc < 0)
			ck_assert_str_eq(bad.field, rows[i].field);
		json_decref(in);
		json_decref(body);
	}
	api_doc_free(d);
}
END_TEST

#define OP(inner) "{\"paths\": {\"/a/{b}\": {\"get\": {" inner "}}}}"
#define B         "\"parameters\": [{\"name\": \"b\", \"in\": \"path\", \"schema\": {\"type\": \"string\"}}]"
#define R         "\"responses\": {\"204\": {}, \"default\": {}}"
#define X         "\"operationId\": \"x\", \"x-roles\": [\"asp\"], "
#define BODY(s)   X B ", " R ", \"requestBody\": {\"content\": {\"application/json\": {\"schema\": " s "}}}"

START_TEST(documents)
{
	static const char *const wrong[] = {
		"",
		"{\"a\": 1, \"a\": 2}",
		"{}",
		"{\"paths\": {\"a\": {}}}",
		"{\"paths\": {\"/1/2/3/4/5/6/7/8/9\": {}}}",
		"{\"x-limits\": {\"body\": 0}, \"paths\": {\"/a\": {}}}",
		OP("\"x-roles\": [\"asp\"], " B ", " R),
		OP("\"operationId\": \"x\", " B ", " R),
		OP("\"operationId\": \"x\", \"x-roles\": [\"root\"], " B ", " R),
		OP(X R),
		OP(X B),
		OP(X B ", \"responses\": {\"204\": {}}"),
		OP(X B ", \"responses\": {\"200\": {}, \"default\": {}}"),
		OP(X R ", \"parameters\": [{\"name\": \"b\", \"in\": \"path\", \"schema\": {\"type\": \"boolean\"}}]"),
		OP(X R ", \"parameters\": [{\"name\": \"b\", \"in\": \"query\", \"schema\": {\"type\": \"string\"}}]"),
		OP(X R
		   ", \"parameters\": [{\"name\": \"X-Other\", \"in\": \"header\", \"schema\": {\"type\": \"string\"}}]"),
		OP(BODY("{\"type\": \"array\"}")),
		OP(BODY("{\"type\": \"object\"}")),
		OP(BODY("{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {\"b\": {}}}")),
		OP(BODY("{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {\"c\": {\"not\": {}}}}")),
	};
	struct err err;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		err.text[0] = '\0';
		d = api_doc_new(wrong[i], &err);
		ck_assert_msg(!d && err.text[0], "%s", wrong[i]);
	}
	d = api_doc_new(
		OP(BODY("{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {\"c\": {}}}")), &err);
	ck_assert_msg(d != NULL, "%s", err.text);
	api_doc_free(d);
}
END_TEST

SUITE("api_doc", paths, taken, documents)
