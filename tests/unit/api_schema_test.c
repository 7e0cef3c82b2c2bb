/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The subset of JSON schema: what is wrong first, where, and what is allowed; and what a document may not say. */
#include <string.h>
#include "reg/api_valid.h"
#include "tests/unit/suite.h"

static const char text[] =
	"{\"Id\": {\"type\": \"string\", \"pattern\": \"^[0-9a-f]{4}$\", \"description\": \"4 hex digits\"},"
	" \"Any\": {\"type\": \"object\", \"required\": [\"id\"], \"additionalProperties\": false, \"properties\": {"
	"  \"id\": {\"$ref\": \"#/Id\", \"description\": \"whose\"},"
	"  \"n\": {\"type\": \"integer\", \"minimum\": 1, \"maximum\": 5},"
	"  \"more\": {\"type\": \"integer\", \"minimum\": 1},"
	"  \"role\": {\"type\": \"string\", \"enum\": [\"asp\", \"user\"]},"
	"  \"or\": {\"type\": [\"string\", \"null\"], \"minLength\": 2, \"maxLength\": 3},"
	"  \"yes\": {\"type\": \"boolean\"}, \"only\": {\"const\": \"x\"},"
	"  \"a~b/c\": {\"type\": \"null\"},"
	"  \"list\": {\"type\": \"array\", \"minItems\": 1, \"maxItems\": 2, \"uniqueItems\": true, \"items\": {\"$ref\": \"#/Id\"}},"
	"  \"in\": {\"type\": \"object\", \"properties\": {\"x\": {\"type\": \"number\"}}}}}}";

START_TEST(values)
{
	static const struct {
		const char *value, *field, *allowed; /* field NULL: nothing is wrong */
	} rows[] = {
		{ "{\"id\": \"00ff\"}", NULL, NULL },
		{ "[]", "", "object" },
		{ "{}", "/id", "a value" },
		{ "{\"id\": 1}", "/id", "string" },
		{ "{\"id\": \"00FF\"}", "/id", "4 hex digits" },
		{ "{\"id\": \"00ff\\n\"}", "/id", "4 hex digits" },
		{ "{\"id\": \"00ff\", \"n\": 0}", "/n", "1 to 5" },
		{ "{\"id\": \"00ff\", \"n\": 5}", NULL, NULL },
		{ "{\"id\": \"00ff\", \"n\": 6}", "/n", "1 to 5" },
		{ "{\"id\": \"00ff\", \"n\": 2.0}", "/n", "integer" },
		{ "{\"id\": \"00ff\", \"more\": 0}", "/more", "1 and more" },
		{ "{\"id\": \"00ff\", \"role\": \"Asp\"}", "/role", "asp, user" },
		{ "{\"id\": \"00ff\", \"or\": null}", NULL, NULL },
		{ "{\"id\": \"00ff\", \"or\": \"\xc3\xa4\xc3\xa4\xc3\xa4\"}", NULL, NULL },
		{ "{\"id\": \"00ff\", \"or\": \"\xc3\xa4\"}", "/or", "2 to 3 characters" },
		{ "{\"id\": \"00ff\", \"or\": true}", "/or", "string, null" },
		{ "{\"id\": \"00ff\", \"yes\": 1}", "/yes", "boolean" },
		{ "{\"id\": \"00ff\", \"only\": \"y\"}", "/only", "x" },
		{ "{\"id\": \"00ff\", \"a~b/c\": 1}", "/a~0b~1c", "null" },
		{ "{\"id\": \"00ff\", \"list\": []}", "/list", "1 to 2" },
		{ "{\"id\": \"00ff\", \"list\": [\"0000\", \"x\"]}", "/list/1", "4 hex digits" },
		{ "{\"id\": \"00ff\", \"list\": [\"0000\", \"0000\"]}", "/list", "each once" },
		{ "{\"id\": \"00ff\", \"in\": {\"x\": 1.5, \"y\": 1}}", NULL, NULL },
		{ "{\"id\": \"00ff\", \"in\": {\"x\": \"1\"}}", "/in/x", "number" },
		{ "{\"id\": \"00ff\", \"Id\": \"00ff\"}", "/Id", "id, n, more, role, or, yes, only, a~b/c, list, in" },
	};
	json_t *doc = json_loads(text, 0, NULL), *any = json_object_get(doc, "Any");
	struct api_schemas *s = api_schemas_new(doc);
	struct err err;

	ck_assert_msg(api_schema_check(s, any, &err) == 0, "%s", err.text);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *v = json_loads(rows[i].value, 0, NULL);
		struct api_bad bad = { .field = "" };
		int rc = api_valid(s, any, v, &bad);

		ck_assert_msg((rc == 0) == !rows[i].field, "%s: %s", rows[i].value, bad.field);
		if (rc < 0) {
			ck_assert_str_eq(bad.field, rows[i].field);
			ck_assert_str_eq(bad.allowed, rows[i].allowed);
		}
		json_decref(v);
	}
	api_schemas_free(s);
	json_decref(doc);
}
END_TEST

/* What nobody checks may not be written: it would be a promise. */
START_TEST(documents)
{
	static const char *const wrong[] = {
		"{\"type\": \"strin\"}",
		"{\"type\": []}",
		"{\"oneOf\": []}",
		"{\"patternProperties\": {}}",
		"{\"additionalProperties\": true}",
		"{\"multipleOf\": 3}",
		"{\"exclusiveMinimum\": 3}",
		"{\"minimum\": 1.5}",
		"{\"minLength\": -1}",
		"{\"required\": [\"x\"], \"properties\": {}}",
		"{\"enum\": [1]}",
		"{\"$ref\": \"#/nowhere\"}",
		"{\"$ref\": \"other.json\"}",
		"{\"$ref\": \"#/schema\"}",
		"{\"properties\": {\"x\": {\"$ref\": \"#/schema\"}}}",
		"{\"items\": true}",
		"{\"pattern\": \"[a-z]$\"}",
		"{\"pattern\": \"^a\"}",
		"{\"pattern\": \"^\\\\d+$\"}",
		"{\"pattern\": \"^(?=a)b$\"}",
		"{\"pattern\": \"^a*?$\"}",
		"{\"pattern\": \"^[\\\\w]$\"}",
		"{\"pattern\": \"^[[:alpha:]]$\"}",
		"{\"pattern\": \"^(a$\"}",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		json_t *doc = json_object();
		struct api_schemas *s = api_schemas_new(doc);
		struct err err = { "" };

		json_object_set_new(doc, "schema", json_loads(wrong[i], 0, NULL));
		ck_assert_msg(api_schema_check(s, json_object_get(doc, "schema"), &err) < 0 && err.text[0], "%s",
			      wrong[i]);
		api_schemas_free(s);
		json_decref(doc);
	}
}
END_TEST

SUITE("api_schema", values, documents)
