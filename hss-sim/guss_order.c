/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A GUSS for a subscriber while the daemon runs. Each change has a timestamp of its own, later than the one before: a BSF keeps
 * its copy as long as the timestamps are equal, and Diameter's has whole seconds (29.109 6.3.1.10). */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include "common/gba/gba_time.h"
#include "common/gba/guss.h"
#include "common/gba/guss_edit.h"
#include "hss-sim/guss_json.h"
#include "hss-sim/subscriber_orders.h"

#define AHEAD_MAX_S 86400 /* how far a document's own timestamp may lie in the future */

struct change {
	struct span doc; /* empty: none */
	char *made;      /* of JSON; malloc'ed, doc points to it */
	struct subscriber_guss there;
	bool has_timestamp; /* of the document */
	time_t timestamp;
	char remarks[GUSS_REMARKS_MAX];
};

static int of_json(struct change *c, struct provision_order *o)
{
	struct err why = { "no memory" };
	size_t len;
	int rc = guss_json_read(&c->made, &len, c->doc, ctl_arg(o->q, 0), &why);

	if (rc < 0)
		return provision_refuse(o, rc, CTL_INVALID, "guss: %s", why.text);
	c->doc = span_of(c->made, len);
	return 0;
}

static int read_document(struct change *c, struct provision_order *o)
{
	struct guss *g = NULL;
	struct err why = { "" };
	int rc;

	if (!c->doc.len)
		return 0;
	rc = guss_json_is(c->doc) ? of_json(c, o) : 0;
	if (rc < 0)
		return rc;
	rc = guss_edit_check(c->doc, ctl_arg(o->q, 0), c->remarks, &why);
	if (rc < 0)
		return provision_refuse(o, rc, CTL_INVALID, "guss: %s", why.text);
	rc = guss_parse(&g, c->doc.p, c->doc.len, NULL);
	if (rc < 0)
		return provision_refuse(o, rc, CTL_FAILED, "no memory");
	c->has_timestamp = g->has_timestamp;
	c->timestamp = g->timestamp;
	guss_free(g);
	if (c->has_timestamp && c->timestamp > time(NULL) + AHEAD_MAX_S)
		return provision_refuse(o, -EINVAL, CTL_INVALID,
					"guss: its timestamp lies in the future; allowed: up to a day, or none");
	return 0;
}

/* Nothing but the timestamp is another one? */
static bool is_same(const struct change *c)
{
	char *a = NULL, *b = NULL;
	size_t a_len = 0, b_len = 0;
	bool same;

	if (!c->doc.len || !c->there.len)
		return c->doc.len == c->there.len;
	same = guss_edit_stamp(&a, &a_len, c->doc, 0) == 0 &&
	       guss_edit_stamp(&b, &b_len, span_of(c->there.xml, c->there.len), 0) == 0 &&
	       span_eq(span_of(a, a_len), span_of(b, b_len));
	free(a);
	free(b);
	return same;
}

/* The document's own, if it is later than what there was; else now, or a second later than that. */
static time_t next_timestamp(const struct change *c)
{
	time_t now = time(NULL);

	if (c->has_timestamp && (!c->there.has_timestamp || c->timestamp > c->there.timestamp))
		return c->timestamp;
	return c->there.has_timestamp && c->there.timestamp >= now ? c->there.timestamp + 1 : now;
}

static int put(struct change *c, struct provision_order *o, struct subscriber_db *db, time_t *at)
{
	char *xml = NULL;
	size_t len = 0;
	int rc = 0;

	*at = next_timestamp(c);
	if (c->doc.len)
		rc = guss_edit_stamp(&xml, &len, c->doc, *at);
	if (rc < 0)
		return provision_refuse(o, rc, CTL_FAILED, "no memory");
	if (len > ZH_GUSS_CARRIED)
		rc = provision_refuse(
			o, -E2BIG, CTL_INVALID,
			"guss: with its timestamp %zu octets; allowed: up to %d, which a message can carry", len,
			ZH_GUSS_CARRIED);
	if (rc == 0)
		rc = subscriber_db_guss_put(db, ctl_arg(o->q, 0), span_of(xml, len), *at);
	free(xml);
	return rc;
}

static json_t *guss_outcome(const struct change *c, bool changed, time_t at, bool has)
{
	json_t *a = json_pack("{sb}", "changed", changed);
	char when[DATE_TIME_LEN + 1];

	if (has && date_time_format(when, at) == 0)
		json_object_set_new(a, "timestamp", json_string(when));
	if (c->remarks[0])
		json_object_set_new(a, "not_known", json_string(c->remarks));
	return a;
}

static int find_guss(struct subscriber_guss *out, struct provision_order *o, struct subscriber_db *db)
{
	int rc = subscriber_db_guss_get(db, ctl_arg(o->q, 0), out);

	return rc == -ENOENT ? provision_refuse(o, rc, CTL_UNKNOWN, "there is no such subscriber") : rc;
}

int guss_order_put(struct provision_order *o, struct subscriber_db *db)
{
	struct change c = { .doc = ctl_document(o->q) };
	int rc = find_guss(&c.there, o, db);
	time_t at = 0;

	if (rc == 0)
		rc = read_document(&c, o);
	if (rc == 0 && is_same(&c)) {
		o->answer = guss_outcome(&c, false, c.there.timestamp, c.there.has_timestamp);
	} else if (rc == 0) {
		rc = put(&c, o, db, &at);
		o->touched = rc == 0;
		o->answer = rc == 0 ? guss_outcome(&c, true, at, true) : NULL;
	}
	free(c.there.xml);
	free(c.made);
	return rc;
}

int guss_order_show(struct provision_order *o, struct subscriber_db *db)
{
	struct subscriber_guss g = { 0 };
	char when[DATE_TIME_LEN + 1];
	int rc = find_guss(&g, o, db);

	if (rc < 0)
		return rc;
	o->answer = json_object();
	if (g.has_timestamp && date_time_format(when, g.timestamp) == 0)
		json_object_set_new(o->answer, "timestamp", json_string(when));
	json_object_set_new(o->answer, "guss", g.len ? json_stringn((const char *)g.xml, g.len) : json_null());
	free(g.xml);
	return 0;
}
