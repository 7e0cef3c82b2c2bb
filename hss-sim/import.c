/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/import.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/base/clock.h"
#include "common/base/visible.h"
#include "hss-sim/import_chunk.h"

struct import {
	struct subscriber_db *db;
	const struct import_options *options;
	struct import_plan plan;
	struct import_chunk *chunks[2];
	struct import_chunk *coming; /* the one of them that is being made ready */
	size_t begun, done;          /* rows of the plan that were in before, and that are in */
	size_t batch;                /* rows of one transaction */
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
	return err_set(
		err, rc, "database: %s%s",
		rc == -ENOSPC    ? "disk full"
		: rc == -EBADMSG ? "the counter of the subscriber is damaged"
		: rc == -E2BIG
			? "its GUSS, with its timestamp, is more than the octets that a Diameter message can carry"
		: rc == -EBUSY ? "the length of IND can only be changed while the daemon is stopped"
			       : subscriber_db_errmsg(im->db),
		im->options->atomic ? ": nothing was changed" : "");
}

/* --- rows, the next ones made ready while these are written */

static size_t batch_end(const struct import *im, size_t from)
{
	size_t end = from + im->batch - (from - im->begun) % im->batch;

	return end < im->plan.n ? end : im->plan.n;
}

/* Chunks end where batches do. */
static size_t chunk_end(const struct import *im, size_t from)
{
	size_t end = batch_end(im, from);

	return end - from > IMPORT_CHUNK ? from + IMPORT_CHUNK : end;
}

static void chunk_begin(struct import *im, size_t from)
{
	im->coming->from = from;
	im->coming->end = chunk_end(im, from);
	import_chunk_start(im->coming);
}

/* The chunk that was begun, when it is ready; the next one is begun then. \returns 0; -errno */
static int chunk_next(struct import *im, struct import_chunk **out, struct err *err)
{
	struct import_chunk *c = im->coming;
	int rc = import_chunk_wait(c);

	if (rc < 0) {
		*err = c->err;
		return rc;
	}
	im->coming = c == im->chunks[0] ? im->chunks[1] : im->chunks[0];
	if (c->from + c->n < im->plan.n)
		chunk_begin(im, c->from + c->n);
	*out = c;
	return 0;
}

static int put_chunk(struct import *im, const struct import_chunk *c, struct err *err)
{
	struct err why;
	size_t at = 0;
	int rc = subscriber_db_put(im->db, c->rows, c->n, &at);

	if (rc < 0) {
		db_failed(im, rc, &why);
		return err_set(err, rc, "%s:%u: %s", im->plan.path, im->plan.rows[c->from + at].line, why.text);
	}
	im->added += (unsigned)rc;
	im->updated += c->n - (unsigned)rc;
	return 0;
}

/* \param[in,out] end it may come sooner: the log beside the database is as long as a transaction has octets */
static int put_rows(struct import *im, size_t *end, struct err *err)
{
	struct import_chunk *c;
	size_t octets = 0;
	int rc = 0;

	for (size_t i = im->done; i < *end && rc == 0;) {
		rc = chunk_next(im, &c, err);
		if (rc == 0)
			rc = put_chunk(im, c, err);
		if (rc == 0 && (i + c->n) / IMPORT_BATCH > i / IMPORT_BATCH && i + c->n < *end)
			fprintf(stderr, "%zu of %zu subscribers read\n", i + c->n, im->plan.n);
		if (rc < 0)
			break;
		i += c->n;
		octets += c->octets;
		if (octets >= IMPORT_BATCH_OCTETS && !im->options->atomic)
			*end = i;
	}
	return rc;
}

/* One transaction: rows from done to end at most, and the note of it. */
static int put_batch(struct import *im, size_t end, struct err *err)
{
	int rc = subscriber_db_begin(im->db);

	if (rc < 0)
		return db_failed(im, rc, err);
	rc = put_rows(im, &end, err);
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

/* --- the whole */

/* Where the import of this very file stopped. */
static int find_begin(struct import *im, struct err *err)
{
	int64_t rows = im->options->atomic ? 0 : subscriber_db_import_rows(im->db, im->plan.digest);

	if (rows < 0)
		return db_failed(im, (int)rows, err);
	im->begun = im->done = (size_t)rows > im->plan.n ? 0 : (size_t)rows;
	im->batch = im->options->atomic && im->plan.n ? im->plan.n
		    : im->options->beside             ? IMPORT_BATCH_BESIDE
						      : IMPORT_BATCH;
	if (im->done)
		fprintf(stderr, "%s: %zu of %zu subscribers are in from before: going on there\n", im->plan.path,
			im->done, im->plan.n);
	return 0;
}

#define TURN_US \
	30000 /* in which the daemon's marks find the database free; SQLite asks again after up to 25 ms at first */

static int put_all(struct import *im, struct err *err)
{
	struct err why = { "" };
	int rc;

	if (im->done < im->plan.n)
		chunk_begin(im, im->done);
	do {
		size_t before = im->done;

		if (im->options->beside)
			usleep(TURN_US);
		rc = put_batch(im, batch_end(im, im->done), &why);
		if (rc == 0 && im->done / IMPORT_BATCH > before / IMPORT_BATCH)
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

static int chunks_make(struct import *im, struct err *err)
{
	for (size_t i = 0; i < 2; i++) {
		im->chunks[i] = calloc(1, sizeof(*im->chunks[i]));
		if (!im->chunks[i])
			return err_set(err, -ENOMEM, "no memory");
		im->chunks[i]->plan = &im->plan;
		im->chunks[i]->db = im->db;
		im->chunks[i]->now_ms = clock_wall_ms();
	}
	im->coming = im->chunks[0];
	return 0;
}

int import_csv(struct subscriber_db *db, const char *path, const struct import_options *o, struct err *err)
{
	struct import im = { .db = db, .options = o };
	uint64_t start = clock_mono_ms();
	int rc;

	if (!o->atomic)
		catch_stop();
	rc = import_plan_make(&im.plan, path, db, o, err);
	if (rc < 0)
		return rc;
	say_remarks(&im);
	rc = find_begin(&im, err);
	if (rc == 0)
		rc = chunks_make(&im, err);
	if (rc == 0)
		rc = put_all(&im, err);
	if (rc == 0)
		fprintf(stderr, "%s: %lu subscribers imported (%lu new, %lu updated) in %.1f s\n", path,
			im.added + im.updated, im.added, im.updated, (double)(clock_mono_ms() - start) / 1000.0);
	import_chunk_free(im.chunks[0]);
	import_chunk_free(im.chunks[1]);
	import_plan_clear(&im.plan);
	return rc;
}
