/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* GUSSs of many subscribers at once, as a table. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include "common/base/clock.h"
#include "common/gba/guss.h"
#include "hss-sim/guss_csv.h"
#include "hss-sim/subscriber_orders.h"

struct table {
	struct provision_order *o;
	struct subscriber_db *db;
	json_t *seen; /* by name */
	int changed, same;
};

static int refuse_one(struct table *t, const struct guss_csv_one *one, enum ctl_word word, const char *why)
{
	return provision_refuse(t->o, -EINVAL, word, "line %u: %s", one->line, why);
}

/* What was checked, in the form that such a document always has, wherever its lines stood. */
static int formed(char **xml, size_t *len, const struct guss_csv_one *one)
{
	struct guss *g = NULL;
	int rc = guss_parse(&g, (const uint8_t *)one->xml, one->len, NULL);

	if (rc == 0)
		rc = guss_format(xml, len, g);
	guss_free(g);
	return rc;
}

static int put_changed(struct table *t, const struct guss_csv_one *one, const struct guss_kept *there,
		       const struct guss_coming *coming)
{
	struct guss_kept next;
	char *made;
	int rc = guss_change(&next, &made, there, coming, (int64_t)clock_wall_ms());

	if (rc == -E2BIG)
		return refuse_one(t, one, CTL_INVALID, "guss: more than a message can carry");
	if (rc > 0) {
		t->changed++;
		rc = subscriber_db_guss_put(t->db, one->impi.s, &next);
	} else if (rc == 0) {
		t->same++;
	}
	free(made);
	return rc;
}

static int put_formed(struct table *t, const struct guss_csv_one *one, struct guss_coming *coming)
{
	struct subscriber_guss there = { 0 };
	char *xml = NULL;
	size_t len = 0;
	int rc = formed(&xml, &len, one);

	coming->xml = span_of(xml, len);
	if (rc == 0)
		rc = subscriber_db_guss_get(t->db, one->impi.s, &there);
	if (rc == -ENOENT)
		rc = refuse_one(t, one, CTL_UNKNOWN, "there is no such subscriber");
	if (rc == 0)
		rc = put_changed(t, one, &there.kept, coming);
	free(there.xml);
	free(xml);
	return rc;
}

static int put_one_guss(struct table *t, const struct guss_csv_one *one)
{
	struct guss_coming coming;
	struct err why = { "no memory" };
	struct impi key;
	int rc = guss_change_read(&coming, span_of(one->xml, one->len), one->impi.s, time(NULL), &why);

	if (rc < 0)
		return provision_refuse(t->o, rc, CTL_INVALID, "%s", why.text);
	impi_key(&key, one->impi.s);
	if (json_object_get(t->seen, key.s))
		return refuse_one(t, one, CTL_INVALID,
				  "this subscriber was there before others; allowed: its lines behind each other");
	json_object_set_new(t->seen, key.s, json_true());
	return put_formed(t, one, &coming);
}

int guss_order_csv(struct provision_order *o, struct subscriber_db *db)
{
	struct table t = { .o = o, .db = db, .seen = json_object() };
	struct guss_csv_one one;
	struct guss_csv csv;
	struct err why = { "" };
	int rc = guss_csv_open(&csv, o->ask.document, &why);

	if (rc < 0)
		provision_refuse(o, rc, CTL_INVALID, "%s", why.text);
	while (rc >= 0 && (rc = guss_csv_next(&csv, &one, &why)) > 0) {
		rc = put_one_guss(&t, &one);
		free(one.xml);
	}
	if (rc < 0 && why.text[0])
		provision_refuse(o, rc, CTL_INVALID, "%s", why.text);
	json_decref(t.seen);
	o->touched = t.changed > 0;
	if (rc == 0)
		o->answer = json_pack("{sisi}", "changed", t.changed, "unchanged", t.same);
	return rc;
}
