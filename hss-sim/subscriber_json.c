/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/subscriber_json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/crypto.h>
#include "common/gba/impi.h"
#include "hss-sim/csv_import.h"

#define COLUMNS CSV_GUSS /* all but the last, the path of a GUSS */

bool subscriber_json_is(struct span doc)
{
	size_t i = 0;

	while (i < doc.len && doc.p[i] && strchr(" \t\r\n", doc.p[i]))
		i++;
	return i < doc.len && (doc.p[i] == '{' || doc.p[i] == '[');
}

static bool is_column(const char *name)
{
	for (enum csv_column c = 0; c < COLUMNS; c++)
		if (strcmp(csv_column_name(c), name) == 0)
			return true;
	return false;
}

/* Its line begins with it: one that is empty, or a comment, would be passed over. */
static bool has_name(json_t *o)
{
	const char *name = json_string_value(json_object_get(o, "impi"));
	struct impi impi;

	return name && impi_parse(&impi, (const uint8_t *)name, strlen(name)) == 0 && *name != '#';
}

static int check_subscriber(json_t *o, size_t i, struct err *err)
{
	const char *name;
	json_t *v;

	if (!json_is_object(o))
		return err_set(err, -EBADMSG, "subscribers[%zu]: allowed: an object", i);
	json_object_foreach(o, name, v)
	{
		const bool guss = strcmp(name, "guss") == 0;

		if (!guss && !is_column(name))
			return err_set(err, -EBADMSG, "subscribers[%zu]: a member '%.40s' is not known", i, name);
		if (!json_is_string(v) && (guss || !json_is_integer(v) || json_integer_value(v) < 0))
			return err_set(err, -EBADMSG, "subscribers[%zu].%s: allowed: a string%s", i, name,
				       guss ? ", the document in XML" : ", or a whole number");
		if (json_is_string(v) && !guss && strpbrk(json_string_value(v), ",;\t\r\n\"'"))
			return err_set(err, -EBADMSG, "subscribers[%zu].%s: a character that no such value has", i,
				       name);
	}
	if (!has_name(o))
		return err_set(err, -EBADMSG, "subscribers[%zu]: impi: no private identity; allowed: user@domain", i);
	return 0;
}

static void put_value(FILE *f, json_t *v)
{
	if (json_is_integer(v))
		fprintf(f, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	else if (v)
		fputs(json_string_value(v), f);
}

static void put_header(FILE *f)
{
	for (enum csv_column c = 0; c < COLUMNS; c++)
		fprintf(f, "%s%c", csv_column_name(c), c + 1 < COLUMNS ? ',' : '\n');
}

static int put_subscribers(FILE *f, json_t *list, struct err *err)
{
	json_t *o;
	size_t i;

	put_header(f);
	json_array_foreach(list, i, o)
	{
		if (check_subscriber(o, i, err) < 0)
			return -EBADMSG;
		for (enum csv_column c = 0; c < COLUMNS; c++) {
			put_value(f, json_object_get(o, csv_column_name(c)));
			fputc(c + 1 < COLUMNS ? ',' : '\n', f);
		}
	}
	return 0;
}

int subscriber_json_read(struct subscriber_json *out, struct span doc, struct err *err)
{
	struct subscriber_json j = { 0 };
	json_error_t why;
	FILE *f;
	int rc;

	j.root = json_loadb((const char *)doc.p, doc.len, JSON_REJECT_DUPLICATES, &why);
	if (!j.root)
		return err_set(err, -EBADMSG, "line %d: not JSON: %s", why.line, why.text);
	j.list = json_is_array(j.root) ? j.root : json_object_get(j.root, "subscribers");
	f = json_is_array(j.list) ? open_memstream(&j.csv, &j.len) : NULL;
	if (!f) {
		json_decref(j.root);
		return err_set(err, -EBADMSG, "allowed: {\"subscribers\": [...]}, or an array of subscribers");
	}
	rc = put_subscribers(f, j.list, err);
	fclose(f);
	if (rc < 0)
		subscriber_json_clear(&j);
	else
		*out = j;
	return rc;
}

void subscriber_json_clear(struct subscriber_json *j)
{
	if (j->csv)
		OPENSSL_cleanse(j->csv, j->len);
	free(j->csv);
	json_decref(j->root);
	*j = (struct subscriber_json){ 0 };
}

const char *subscriber_json_guss(const struct subscriber_json *j, unsigned line)
{
	return json_string_value(json_object_get(json_array_get(j->list, line - SUBSCRIBER_JSON_LINE), "guss"));
}

void subscriber_json_place(struct err *err)
{
	unsigned line, at;
	int n = 0;
	char text[ERR_MAX];

	if (sscanf(err->text, "%u:%u: %n", &line, &at, &n) < 2 || !n || line < SUBSCRIBER_JSON_LINE)
		return;
	snprintf(text, sizeof(text), "%s", err->text + n);
	snprintf(err->text, sizeof(err->text), "subscribers[%u]: %.460s", line - SUBSCRIBER_JSON_LINE, text);
}
