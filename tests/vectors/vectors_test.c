/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Runs every vector of gba-vectors.json that belongs to what is built, and lists the others with the step that builds
 * them. Output is TAP. A value is taken out of its object when it has been looked at; one that is left over fails,
 * so that nothing in the file goes untested in silence.
 *
 * Shows 220-4.5.2-19, 220-4.5.2-20, 220-4.5.2-24, 220-4.5.2-25, 220-3.1-2, 220-B.1-2, 220-B.2.0-1, 220-B.2.0-2,
 * 220-B.3-1, 220-B.4-1, 220-4.2.4-5, 102-6.3.2-2, 102-6.3.3-3. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>

#include "tests/vectors/vector_groups.h"

static int passed, failed, skipped, number;
static const char *failure; /* first one of the vector that runs */
static char failure_text[300];

void vector_fail(const char *what, const char *name)
{
	if (failure)
		return;
	snprintf(failure_text, sizeof(failure_text), "%s %s", name, what);
	failure = failure_text;
}

static void report(const char *group, const char *name)
{
	number++;
	if (failure) {
		failed++;
		printf("not ok %d - %s: %s: %s\n", number, group, name, failure);
	} else {
		passed++;
		printf("ok %d - %s: %s\n", number, group, name);
	}
}

void vector_skip(const char *group, const char *name, const char *step)
{
	skipped++;
	number++;
	printf("ok %d - %s: %s # SKIP step '%s'\n", number, group, name, step);
}

static void nothing_left(const json_t *o)
{
	const char *key = json_object_iter_key(json_object_iter((json_t *)o));

	if (key)
		vector_fail("has been read by nobody", key);
}

static void run_group(const struct vector_group *g, json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *v = json_array_get(list, i);
		const char *given = json_string_value(json_object_get(v, "name"));
		char name[200];

		if (given)
			snprintf(name, sizeof(name), "%s", given);
		else
			snprintf(name, sizeof(name), "set %d",
				 (int)json_integer_value(json_object_get(v, g->number ? g->number : "set")));
		if (!g->run) {
			vector_skip(g->name, name, g->step);
			continue;
		}
		failure = NULL;
		json_object_del(v, "name");
		json_object_del(v, "source");
		g->run(v, name);
		nothing_left(v);
		report(g->name, name);
	}
}

int main(void)
{
	const char *folder = getenv("srcdir");
	char path[1000];
	json_error_t e;
	json_t *all;

	snprintf(path, sizeof(path), "%s/tests/vectors/gba-vectors.json", folder ? folder : ".");
	all = json_load_file(path, JSON_REJECT_DUPLICATES, &e);
	if (!all) {
		printf("Bail out! %s: %s\n", path, e.text);
		return 1;
	}
	json_object_del(all, "meta");
	for (const struct vector_group *g = vector_groups; g->name; g++) {
		json_t *list = json_object_get(all, g->name);

		failure = NULL;
		if (!json_array_size(list)) {
			vector_fail("is missing", g->name);
			report(g->name, "group");
		}
		run_group(g, list);
		json_object_del(all, g->name);
	}
	failure = NULL;
	nothing_left(all);
	report("file", "every group is known");
	json_decref(all);
	printf("1..%d\n# vectors: %d passed, %d failed, %d skipped\n", number, passed, failed, skipped);
	return failed != 0;
}
