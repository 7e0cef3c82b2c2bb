/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/subscriber_orders.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include "common/base/clock.h"
#include "hss-sim/import_chunk.h"
#include "hss-sim/subscriber_json.h"

/* --- add and change: rows of a CSV, or of JSON that becomes one */

struct putting {
	struct provision_order *o;
	struct subscriber_db *db;
	struct csv_file csv;
	struct subscriber_json json; /* list NULL: it is a CSV */
	bool add;
	int done, same;
};

/* \returns 0; -EBUSY; -EBADMSG; -errno */
static int write_row(struct subscriber_db *db, const struct subscriber_row *r)
{
	struct subscriber_ready ready = { .row = *r };
	size_t at;
	int rc = subscriber_db_ready(db, &ready);

	if (rc == 0)
		rc = subscriber_db_put(db, &ready, 1, &at);
	aka_cred_clear(&ready.row.cred);
	return rc < 0 ? rc : 0;
}

static bool same_subscriber(const struct subscriber_row *a, const struct subscriber_row *b)
{
	return strcmp(a->imsi, b->imsi) == 0 && a->cred.kind == b->cred.kind && secret_equal(&a->cred.k, &b->cred.k) &&
	       secret_equal(&a->cred.opc, &b->cred.opc) && memcmp(a->cred.amf, b->cred.amf, AKA_AMF_LEN) == 0 &&
	       a->cred.res_len == b->cred.res_len && a->cred.rounds == b->cred.rounds && a->ind_fixed == b->ind_fixed &&
	       a->ind_bits == b->ind_bits && a->profile == b->profile;
}

static int refuse_row(struct putting *p, enum ctl_word word, const char *why)
{
	if (p->json.list)
		return provision_refuse(p->o, -EINVAL, word, "subscribers[%u]: %s",
					p->csv.lines.line - SUBSCRIBER_JSON_LINE, why);
	return provision_refuse(p->o, -EINVAL, word, "line %u: %s", p->csv.lines.line, why);
}

/* \param[in] found what is there; rc says whether it can be read */
static int put_over(struct putting *p, struct subscriber_row *r, const struct subscriber_row *found, int rc)
{
	const bool same = rc == 0 && same_subscriber(r, found) && r->seq <= found->seq;

	if (p->add && !same)
		return refuse_row(p, CTL_EXISTS,
				  "this IMPI is there, and is another one; allowed: 'subscriber change'");
	if (same) {
		p->same++;
		return 0;
	}
	r->keep_guss = true;
	rc = write_row(p->db, r);
	if (rc == -EBUSY)
		return refuse_row(p, CTL_BUSY, "the length of IND can be changed while the daemon is stopped");
	if (rc == -EBADMSG)
		return refuse_row(p, CTL_FAILED, "the counter of the subscriber is damaged");
	p->done += rc >= 0;
	return rc < 0 ? rc : 0;
}

static int guss_failed(struct putting *p, int rc, const struct err *why)
{
	struct err text;

	err_set(&text, rc, "guss: %.480s", rc == -E2BIG ? "more than a message can carry" : why->text);
	return refuse_row(p, CTL_INVALID, text.text);
}

/* The GUSS of a row of JSON, which has been put in. \param[in] was how many rows had been changed before it */
static int put_row_guss(struct putting *p, const char *impi, struct span xml, int was)
{
	struct subscriber_guss there = { 0 };
	struct guss_coming coming;
	struct guss_kept next;
	struct err why = { "no memory" };
	char *made = NULL;
	int rc = guss_change_read(&coming, xml, impi, time(NULL), &why);

	if (rc < 0)
		return guss_failed(p, rc, &why);
	rc = subscriber_db_guss_get(p->db, impi, &there);
	if (rc == 0)
		rc = guss_change(&next, &made, &there.kept, &coming, (int64_t)clock_wall_ms());
	if (rc == -E2BIG)
		rc = guss_failed(p, rc, &why);
	else if (rc == 1 && p->add && p->done == was)
		rc = refuse_row(p, CTL_EXISTS,
				"guss: this IMPI is there with another one; allowed: 'subscriber change'");
	else if (rc == 1 && (rc = subscriber_db_guss_put(p->db, impi, &next)) == 0 && p->done == was) {
		p->done++;
		p->same--;
	}
	free(made);
	free(there.xml);
	return rc;
}

static int put_row_keys(struct putting *p, const struct csv_subscriber *s, struct subscriber_row *r)
{
	struct subscriber_row found = { 0 };
	int rc, there = subscriber_db_get(p->db, s->impi.s, &found);

	if (there == -EIO || there == -ENOMEM)
		rc = there;
	else if (there == -ENOENT && !p->add)
		rc = refuse_row(p, CTL_UNKNOWN, "there is no such subscriber; allowed: 'subscriber add'");
	else if (there == -ENOENT)
		rc = write_row(p->db, r) < 0 ? -EIO : (p->done++, 0);
	else
		rc = put_over(p, r, &found, there);
	subscriber_row_clear(&found);
	return rc;
}

static int put_row(struct putting *p, const struct csv_subscriber *s)
{
	const char *guss = p->json.list ? subscriber_json_guss(&p->json, p->csv.lines.line) : NULL;
	struct subscriber_row r;
	struct err why = { "" };
	int rc, was = p->done;

	if (s->guss.len)
		return refuse_row(p, CTL_INVALID,
				  "guss: a path means nothing here; allowed: empty, and then 'guss IMPI'");
	if (import_chunk_row(&r, s, p->db, clock_wall_ms(), &why) < 0)
		return refuse_row(p, CTL_INVALID, why.text);
	rc = put_row_keys(p, s, &r);
	aka_cred_clear(&r.cred);
	return rc == 0 && guss ? put_row_guss(p, s->impi.s, span_str(guss), was) : rc;
}

static int put_all_rows(struct putting *p, struct span doc)
{
	const struct csv_options how = { .allow_test = p->o->rules->allow_test };
	struct csv_subscriber s;
	struct err why = { "" };
	int rc = csv_open(&p->csv, doc.p, doc.len, &how, &why);

	while (rc >= 0 && (rc = csv_next(&p->csv, &s, &why)) > 0) {
		rc = put_row(p, &s);
		csv_subscriber_clear(&s);
		if (rc < 0)
			return rc;
	}
	if (rc < 0 && p->json.list)
		subscriber_json_place(&why);
	return rc < 0 ? provision_refuse(p->o, rc, CTL_INVALID, "%s", why.text) : 0;
}

static int put_rows(struct provision_order *o, struct subscriber_db *db, bool add)
{
	struct putting p = { .o = o, .db = db, .add = add };
	struct span doc = o->ask.document;
	struct err why = { "no memory" };
	int rc = 0;

	if (subscriber_json_is(doc)) {
		rc = subscriber_json_read(&p.json, doc, &why);
		if (rc < 0)
			return provision_refuse(o, rc, CTL_INVALID, "%s", why.text);
		doc = span_of(p.json.csv, p.json.len);
	}
	rc = put_all_rows(&p, doc);
	subscriber_json_clear(&p.json);
	if (rc < 0)
		return rc;
	o->touched = p.done > 0;
	o->answer = json_pack("{sisi}", add ? "added" : "changed", p.done, "unchanged", p.same);
	return 0;
}

int subscriber_order_add(struct provision_order *o, struct subscriber_db *db)
{
	return put_rows(o, db, true);
}

int subscriber_order_change(struct provision_order *o, struct subscriber_db *db)
{
	return put_rows(o, db, false);
}

int subscriber_order_delete(struct provision_order *o, struct subscriber_db *db)
{
	int rc = subscriber_db_delete(db, o->ask.impi);

	if (rc < 0)
		return rc;
	o->touched = rc > 0;
	o->answer = json_pack("{si}", "deleted", rc);
	return 0;
}
