/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/subscriber_orders.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "common/base/clock.h"
#include "common/crypto/sqn.h"
#include "hss-sim/import_chunk.h"

/* --- add and change: rows of a CSV */

struct putting {
	struct provision_order *o;
	struct subscriber_db *db;
	struct csv_file csv;
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

static int put_row(struct putting *p, const struct csv_subscriber *s)
{
	struct subscriber_row r, found = { 0 };
	int rc, there;

	if (s->guss.len)
		return refuse_row(p, CTL_INVALID,
				  "guss: a path means nothing here; allowed: empty, and then 'guss IMPI'");
	if (import_chunk_row(&r, s, clock_wall_ms()) < 0)
		return refuse_row(p, CTL_FAILED, "OPc cannot be computed");
	there = subscriber_db_get(p->db, s->impi.s, &found);
	if (there == -EIO || there == -ENOMEM)
		rc = there;
	else if (there == -ENOENT && !p->add)
		rc = refuse_row(p, CTL_UNKNOWN, "there is no such subscriber; allowed: 'subscriber add'");
	else if (there == -ENOENT)
		rc = write_row(p->db, &r) < 0 ? -EIO : (p->done++, 0);
	else
		rc = put_over(p, &r, &found, there);
	subscriber_row_clear(&found);
	aka_cred_clear(&r.cred);
	return rc;
}

static int put_rows(struct provision_order *o, struct subscriber_db *db, bool add)
{
	const struct csv_options how = { .allow_test = o->rules->allow_test };
	struct putting p = { .o = o, .db = db, .add = add };
	struct span doc = ctl_document(o->q);
	struct csv_subscriber s;
	struct err why = { "" };
	int rc = csv_open(&p.csv, doc.p, doc.len, &how, &why);

	while (rc >= 0 && (rc = csv_next(&p.csv, &s, &why)) > 0) {
		rc = put_row(&p, &s);
		csv_subscriber_clear(&s);
		if (rc < 0)
			return rc;
	}
	if (rc < 0)
		return provision_refuse(o, rc, CTL_INVALID, "%s", why.text);
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
	int rc = subscriber_db_delete(db, ctl_arg(o->q, 0));

	if (rc < 0)
		return rc;
	o->touched = rc > 0;
	o->answer = json_pack("{si}", "deleted", rc);
	return 0;
}

/* --- lists */

struct listing {
	json_t *list; /* NULL: csv */
	FILE *csv;
	char last[IMPI_MAX + 1];
	int n;
};

static void list_one(void *owner, const struct subscriber_brief *b)
{
	struct listing *l = owner;

	l->n++;
	snprintf(l->last, sizeof(l->last), "%s", b->impi);
	json_array_append_new(l->list, json_pack("{sssssssssb}", "impi", b->impi, "imsi", b->imsi, "algorithm",
						 b->algorithm, "amf", b->amf, "guss", b->has_guss));
}

static void csv_number(FILE *f, int n)
{
	if (n >= 0)
		fprintf(f, "%d", n);
	fputc(',', f);
}

static void export_one(void *owner, const struct subscriber_brief *b)
{
	const int bits = b->ind_length >= 0 ? b->ind_length : SQN_IND_BITS;
	struct listing *l = owner;

	l->n++;
	snprintf(l->last, sizeof(l->last), "%s", b->impi);
	fprintf(l->csv, "%s,%s,%s,", b->impi, b->imsi, b->algorithm);
	csv_number(l->csv, b->res_length);
	fprintf(l->csv, "%s,", b->amf);
	csv_number(l->csv, b->ind_length);
	fprintf(l->csv, "%012" PRIx64 ",%s,", (uint64_t)b->seq << bits, b->sqn_profile);
	csv_number(l->csv, b->ind);
	fputs("\n", l->csv);
}

static const char *list_from(const struct provision_order *o)
{
	const char *after = ctl_arg(o->q, 0);

	return after ? after : "";
}

/* More may come: then the last one is what the next page begins behind. */
static void say_next(json_t *answer, const struct listing *l)
{
	if (l->n == SUBSCRIBER_PAGE)
		json_object_set_new(answer, "next", json_string(l->last));
}

int subscriber_order_list(struct provision_order *o, struct subscriber_db *db)
{
	struct listing l = { .list = json_array() };
	int rc = subscriber_db_list(db, list_from(o), SUBSCRIBER_PAGE, list_one, &l);

	o->answer = json_pack("{so}", "subscribers", l.list);
	say_next(o->answer, &l);
	return rc < 0 ? rc : 0;
}

/* The columns that an import reads, but k and opc: keys leave by no door. */
int subscriber_order_export(struct provision_order *o, struct subscriber_db *db)
{
	struct listing l = { 0 };
	char *text = NULL;
	size_t len = 0;
	int rc;

	l.csv = open_memstream(&text, &len);
	if (!l.csv)
		return provision_refuse(o, -ENOMEM, CTL_FAILED, "no memory");
	if (!*list_from(o))
		fputs("impi,imsi,algorithm,res-length,amf,ind-length,sqn,sqn-profile,ind,guss\n", l.csv);
	rc = subscriber_db_list(db, list_from(o), SUBSCRIBER_PAGE, export_one, &l);
	fclose(l.csv);
	o->answer = json_pack("{ss}", "csv", text ? text : "");
	free(text);
	say_next(o->answer, &l);
	return rc < 0 ? rc : 0;
}
