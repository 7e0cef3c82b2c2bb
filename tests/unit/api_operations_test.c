/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The document of the API and the operations of the daemon name the same; what only reads is a GET. */
#include <string.h>
#include "reg/api_doc.h"
#include "reg/reg_operations.h"
#include "tests/unit/suite.h"

static const void *served(const char *id)
{
	return reg_operation_named(id);
}

static const struct api_op *in_document(const struct api_doc *d, const char *id)
{
	for (size_t i = 0; i < d->n_paths; i++) {
		for (size_t k = 0; k < d->paths[i].n_ops; k++) {
			if (strcmp(d->paths[i].ops[k].id, id) == 0)
				return &d->paths[i].ops[k];
		}
	}
	return NULL;
}

START_TEST(both_ways)
{
	struct err err = { "" };
	struct api_doc *d = api_doc_new(api_openapi, &err);

	ck_assert_msg(d != NULL, "%s", err.text);
	ck_assert_msg(api_doc_bind(d, served, &err) == 0, "%s", err.text);
	for (const struct reg_operation *op = reg_operations; op->id; op++) {
		const struct api_op *said = in_document(d, op->id);

		ck_assert_msg(said != NULL, "%s is in no document", op->id);
		ck_assert_msg(said->is_get == !op->writes, "%s: a GET changes nothing, all else does", op->id);
		for (const struct reg_operation *other = op + 1; other->id; other++)
			ck_assert_str_ne(op->id, other->id);
	}
	api_doc_free(d);
}
END_TEST

/* Who changes something says what it was; who makes something may ask again. */
START_TEST(headers)
{
	static const char *const without[] = { "revokeToken",
					       "answerRequest" }; /* never changes, or once: it needs no revision */
	struct err err;
	struct api_doc *d = api_doc_new(api_openapi, &err);

	for (size_t i = 0; i < d->n_paths; i++) {
		for (size_t k = 0; k < d->paths[i].n_ops; k++) {
			const struct api_op *op = &d->paths[i].ops[k];
			bool changes = strcmp(op->method, "PUT") == 0 || strcmp(op->method, "DELETE") == 0,
			     known = false;

			for (size_t w = 0; w < sizeof(without) / sizeof(without[0]); w++)
				known |= strcmp(op->id, without[w]) == 0;
			ck_assert_msg(op->if_match == (changes && !known), "%s: If-Match", op->id);
			ck_assert_msg(op->makes == (strcmp(op->id, "putGroup") == 0 || strcmp(op->id, "putGrant") == 0),
				      "%s: If-None-Match", op->id);
			ck_assert_msg(op->idempotent == (strcmp(op->method, "POST") == 0 && !(op->roles & 1)),
				      "%s: Idempotency-Key", op->id);
		}
	}
	api_doc_free(d);
}
END_TEST

SUITE("api_operations", both_ways, headers)
