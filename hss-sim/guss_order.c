/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A GUSS for a subscriber while the daemon runs. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include "common/base/clock.h"
#include "common/gba/gba_time.h"
#include "hss-sim/guss_json.h"
#include "hss-sim/subscriber_orders.h"

/* The document as XML. \param[out] made of JSON; malloc'ed */
static int read_document(struct guss_coming *out, char **made, struct provision_order *o)
{
	struct span doc = o->ask.document;
	struct err why = { "no memory" };
	size_t len;
	int rc = 0;

	*out = (struct guss_coming){ 0 };
	if (!doc.len)
		return 0;
	if (guss_json_is(doc)) {
		rc = guss_json_read(made, &len, doc, o->ask.impi, &why);
		doc = span_of(*made, rc < 0 ? 0 : len);
	}
	if (rc == 0)
		rc = guss_change_read(out, doc, o->ask.impi, time(NULL), &why);
	return rc < 0 ? provision_refuse(o, rc, CTL_INVALID, "guss: %s", why.text) : 0;
}

static void put_instant(json_t *into, const char *name, int64_t ms)
{
	char when[DATE_TIME_MS_LEN + 1];

	if (ms && date_time_ms_format(when, ms) == 0)
		json_object_set_new(into, name, json_string(when));
}

static void put_timestamp(json_t *into, const struct guss_kept *g)
{
	char when[DATE_TIME_LEN + 1];

	if (g->has_timestamp && date_time_format(when, g->timestamp) == 0)
		json_object_set_new(into, "timestamp", json_string(when));
	put_instant(into, "changed_at", g->changed_ms);
}

static json_t *guss_outcome(const struct guss_coming *c, bool changed, const struct guss_kept *kept)
{
	json_t *a = json_pack("{sb}", "changed", changed);

	put_timestamp(a, kept);
	if (c->remarks[0])
		json_object_set_new(a, "not_known", json_string(c->remarks));
	return a;
}

static int find_guss(struct subscriber_guss *out, struct provision_order *o, struct subscriber_db *db)
{
	int rc = subscriber_db_guss_get(db, o->ask.impi, out);

	return rc == -ENOENT ? provision_refuse(o, rc, CTL_UNKNOWN, "there is no such subscriber") : rc;
}

static int put(struct provision_order *o, struct subscriber_db *db, const struct guss_kept *there,
	       const struct guss_coming *coming)
{
	struct guss_kept next;
	char *made;
	int rc = guss_change(&next, &made, there, coming, (int64_t)clock_wall_ms());

	if (rc == -E2BIG)
		return provision_refuse(o, rc, CTL_INVALID,
					"guss: with its timestamp more than the %d octets that a message can carry",
					ZH_GUSS_CARRIED);
	if (rc < 0)
		return provision_refuse(o, rc, CTL_FAILED, "no memory");
	o->touched = rc > 0;
	rc = rc ? subscriber_db_guss_put(db, o->ask.impi, &next) : 0;
	free(made);
	if (rc == 0)
		o->answer = guss_outcome(coming, o->touched, &next);
	return rc;
}

int guss_order_put(struct provision_order *o, struct subscriber_db *db)
{
	struct subscriber_guss there = { 0 };
	struct guss_coming coming;
	char *made = NULL;
	int rc = find_guss(&there, o, db);

	if (rc == 0)
		rc = read_document(&coming, &made, o);
	if (rc == 0)
		rc = put(o, db, &there.kept, &coming);
	free(there.xml);
	free(made);
	return rc;
}

int guss_order_show(struct provision_order *o, struct subscriber_db *db)
{
	struct subscriber_guss g = { 0 };
	int rc = find_guss(&g, o, db);

	if (rc < 0)
		return rc;
	o->answer = json_object();
	put_timestamp(o->answer, &g.kept);
	json_object_set_new(o->answer, "guss", g.xml ? json_stringn((const char *)g.xml, g.kept.xml.len) : json_null());
	free(g.xml);
	return 0;
}
