/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/import.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include "common/base/clock.h"
#include "common/base/visible.h"
#include "common/crypto/sqn.h"
#include "hss-sim/import_plan.h"

struct import {
	struct subscriber_db *db;
	const struct import_options *options;
	struct import_plan plan;
	size_t done;     /* rows of the plan that are in */
	uint64_t now_ms; /* wall clock */
	unsigned long added, updated;
};

static volatile sig_atomic_t stop_asked;

static void on_stop(int signo)
{
	stop_asked = 1;
}

/* Batches end where they end; the same signal again ends at once. */
static void catch_stop(void)
{
	struct sigaction sa = { .sa_handler = on_stop, .sa_flags = SA_RESETHAND };

	stop_asked = 0;
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
}

static int db_failed(const struct import *im, int rc, struct err *err)
{
	return err_set(err, rc, "database: %s%s",
		       rc == -ENOSPC    ? "disk full"
		       : rc == -EBADMSG ? "the counter of the subscriber is damaged"
					: subscriber_db_errmsg(im->db),
		       im->options->atomic ? ": nothing was changed" : "");
}

static int make_row(struct import *im, struct subscriber_row *r, const struct csv_subscriber *s, struct err *err)
{
	int rc = 0;

	*r = (struct subscriber_row){
		.impi = s->impi,
		.cred = s->cred,
		.ind_fixed = s->ind,
		.ind_bits = s->ind_bits,
		.profile = s->profile,
		.seq = s->sqn >> s->ind_bits,
	};
	r->dif = sqn_home_dif(r->seq, im->now_ms);
	memcpy(r->imsi, s->imsi, sizeof(r->imsi));
	if (s->op.len)
		rc = aka_opc_make(&r->cred.opc, &r->cred, &s->op);
	if (rc < 0)
		return err_set(err, rc, "%s:%u: OPc cannot be computed", im->plan.path, im->plan.csv.lines.line);
	if (s->guss.len) {
		/* lent to the row; the row's own clear is not called */
		r->guss = im->plan.guss.xml.p;
		r->guss_len = im->plan.guss.xml.len;
		r->has_guss_timestamp = im->plan.guss.has_timestamp;
		r->guss_timestamp = im->plan.guss.timestamp;
	}
	return 0;
}

static int put_row(struct import *im, size_t i, struct err *err)
{
	struct csv_subscriber s;
	struct subscriber_row r;
	struct err why = { "" };
	int rc = import_plan_get(&im->plan, i, &s, err);

	if (rc < 0)
		return rc;
	rc = make_row(im, &r, &s, err);
	csv_subscriber_clear(&s);
	if (rc == 0) {
		rc = subscriber_db_put(im->db, &r);
		if (rc < 0) {
			db_failed(im, rc, &why);
			err_set(err, rc, "%s:%u: %s", im->plan.path, im->plan.rows[i].line, why.text);
		}
	}
	aka_cred_clear(&r.cred);
	if (rc < 0)
		return rc;
	im->added += (unsigned)rc;
	im->updated += !rc;
	return 0;
}

/* One transaction: rows from done to end, and the note of it. */
static int put_batch(struct import *im, size_t end, struct err *err)
{
	int rc = subscriber_db_begin(im->db);

	if (rc < 0)
		return db_failed(im, rc, err);
	for (size_t i = im->done; i < end && rc == 0; i++) {
		rc = put_row(im, i, err);
		if (rc == 0 && (i + 1) % IMPORT_BATCH == 0 && i + 1 < end)
			fprintf(stderr, "%zu of %zu subscribers read\n", i + 1, im->plan.n);
	}
	if (rc < 0) {
		subscriber_db_rollback(im->db);
		return rc;
	}
	rc = end < im->plan.n ? subscriber_db_import_note(im->db, im->plan.digest, (int64_t)end)
			      : subscriber_db_import_forget(im->db);
	if (rc == 0)
		rc = subscriber_db_commit(im->db);
	else
		subscriber_db_rollback(im->db);
	if (rc < 0)
		return db_failed(im, rc, err);
	im->done = end;
	return 0;
}

/* Where the import of this very file stopped. */
static int find_begin(struct import *im, struct err *err)
{
	int64_t rows = im->options->atomic ? 0 : subscriber_db_import_rows(im->db, im->plan.digest);

	if (rows < 0)
		return db_failed(im, (int)rows, err);
	im->done = (size_t)rows > im->plan.n ? 0 : (size_t)rows;
	if (im->done)
		fprintf(stderr, "%s: %zu of %zu subscribers are in from before: going on there\n", im->plan.path,
			im->done, im->plan.n);
	return 0;
}

static int put_all(struct import *im, struct err *err)
{
	size_t batch = im->options->atomic ? im->plan.n : IMPORT_BATCH;
	struct err why = { "" };
	int rc;

	do {
		size_t end = im->plan.n - im->done > batch ? im->done + batch : im->plan.n;

		rc = put_batch(im, end, &why);
		if (rc == 0 && im->done % IMPORT_BATCH == 0)
			fprintf(stderr, "%zu of %zu subscribers are in\n", im->done, im->plan.n);
	} while (rc == 0 && im->done < im->plan.n && !stop_asked);
	if (rc == 0 && im->done < im->plan.n)
		rc = err_set(&why, -EINTR, "%s: ended by a signal", im->plan.path);
	if (rc < 0 && im->done)
		return err_set(err, rc, "%s; %zu of %zu subscribers are in, the same command goes on there", why.text,
			       im->done, im->plan.n);
	if (rc < 0)
		*err = why;
	return rc;
}

/* What an operator should know before rows are written. */
static void say_remarks(const struct import *im)
{
	const struct transport_keys *t = im->options->csv.transport;

	if (im->plan.csv.ignored[0]) {
		fprintf(stderr, "%s: columns that are not read: ", im->plan.path);
		visible_print(stderr, im->plan.csv.ignored, strlen(im->plan.csv.ignored), false);
		fputc('\n', stderr);
	}
	if (t && transport_keys_unchecked(t))
		fprintf(stderr,
			"%s: WARNING: a transport key has no check value: if it is a wrong one nothing will show it but"
			" cards that refuse every vector\n",
			im->plan.path);
}

int import_csv(struct subscriber_db *db, const char *path, const struct import_options *o, struct err *err)
{
	struct import im = { .db = db, .options = o, .now_ms = clock_wall_ms() };
	uint64_t start = clock_mono_ms();
	int rc;

	if (!o->atomic)
		catch_stop();
	rc = import_plan_make(&im.plan, path, o, err);
	if (rc < 0)
		return rc;
	say_remarks(&im);
	rc = find_begin(&im, err);
	if (rc == 0)
		rc = put_all(&im, err);
	if (rc == 0)
		fprintf(stderr, "%s: %lu subscribers imported (%lu new, %lu updated) in %.1f s\n", path,
			im.added + im.updated, im.added, im.updated, (double)(clock_mono_ms() - start) / 1000.0);
	import_plan_clear(&im.plan);
	return rc;
}
