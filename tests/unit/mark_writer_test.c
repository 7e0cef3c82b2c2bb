/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The thread that makes marks durable: written and synced before it is told, an error is told, and a start that failed too. */
#include "hss-sim/mark_writer.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
#include <osmocom/core/select.h>

#include "common/rt/inbox.h"
#include "tests/unit/io_log.h"
#include "tests/unit/suite.h"

#define IMPI "1@x.org"

static char dir[] = "/tmp/gba-marks-XXXXXX", path[64];
static struct seal_kek kek = { .id = 1, .key = { 32, { [0 ... 31] = 0x11 } } };
static struct inbox *back;

/* A descriptor belongs to the loop of one thread; whoever takes it out must be that one. */
static _Thread_local int registered;
static _Atomic bool refuse, foreign;

int osmo_fd_register(struct osmo_fd *fd)
{
	REAL_OF(osmo_fd_register)
	if (refuse)
		return -EMFILE;
	registered++;
	return real(fd);
}

void osmo_fd_unregister(struct osmo_fd *fd)
{
	REAL_OF(osmo_fd_unregister)
	if (registered-- <= 0)
		foreign = true;
	real(fd);
}

static int64_t subscriber_id;

static struct subscriber_db *db_open(void)
{
	struct err err;
	struct subscriber_db *db = subscriber_db_open(path, &kek, 1, SUBSCRIBER_DB_RUN, &err);

	ck_assert_msg(db != NULL, "%s", err.text);
	return db;
}

static uint64_t seq_stored(void)
{
	struct subscriber_db *db = db_open();
	struct subscriber_row r;
	uint64_t seq;

	ck_assert_int_eq(subscriber_db_get(db, IMPI, &r), 0);
	seq = r.seq;
	subscriber_id = r.id;
	subscriber_row_clear(&r);
	subscriber_db_close(db);
	return seq;
}

static const char *import_one(void)
{
	struct subscriber_ready r = { .row = { .ind_fixed = -1, .ind_bits = 5, .profile = -1, .seq = 5 } };
	struct subscriber_db *db = db_open();
	const char *log;
	size_t at;

	strcpy(r.row.impi.s, IMPI);
	r.row.cred.k = r.row.cred.opc = secret_of("465b5ce8b199b49faa5f0a2ee238a6bc");
	io_log_start();
	ck_assert_int_eq(subscriber_db_begin(db), 0);
	ck_assert_int_eq(subscriber_db_ready(db, &r), 0);
	ck_assert_int_eq(subscriber_db_put(db, &r, 1, &at), 1);
	ck_assert_int_eq(subscriber_db_commit(db), 0);
	io_log_note("told");
	log = io_log_end();
	subscriber_db_close(db);
	return log;
}

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s.sqlite", dir);
	back = inbox_new(0, NULL);
	ck_assert_int_eq(inbox_attach(back), 0);
}

static void teardown(void)
{
	static const char *const files[] = { "", "-wal", "-shm", ".lock" };
	char name[128];

	inbox_free(back);
	for (size_t i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "%s%s", path, files[i]);
		unlink(name);
	}
	rmdir(dir);
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	ck_assert_msg(!foreign, "a descriptor was taken out of another thread's loop");
}

static int told_rc;
static unsigned told;

static void on_done(void *owner, const char *impi, uint64_t seq, int rc)
{
	ck_assert_str_eq(impi, IMPI);
	io_log_note("told");
	told_rc = rc;
	told++;
}

static int mark(struct mark_writer *w, uint64_t seq)
{
	told = 0;
	ck_assert_int_eq(mark_writer_ask(w, IMPI, subscriber_id, seq), 0);
	while (!told)
		osmo_select_main(0);
	return told_rc;
}

static struct mark_writer *writer_start(void)
{
	struct err err;
	struct mark_writer *w = mark_writer_start(path, back, on_done, &err);

	ck_assert_msg(w != NULL, "%s", err.text);
	return w;
}

/* Written and synced, then told */
START_TEST(order)
{
	struct mark_writer *w;
	const char *log;

	import_one();
	seq_stored();
	w = writer_start();
	for (uint64_t seq = 100; seq < 103; seq++) {
		io_log_start();
		ck_assert_int_eq(mark(w, seq), 0);
		log = io_log_end();
		/* the first frame of a new log has a header, synced by itself, and the log's name is new */
		ck_assert_msg(!strcmp(log, "write:s.sqlite-wal sync:s.sqlite-wal told") ||
				      (seq == 100 && !strcmp(log, "write:s.sqlite-wal sync:s.sqlite-wal sync:folder/ "
								  "write:s.sqlite-wal sync:s.sqlite-wal told")),
			      "%s", log);
	}
	mark_writer_stop(w);
	ck_assert_uint_eq(seq_stored(), 102);
}
END_TEST

/* The same of an import, whose file and name are new */
START_TEST(order_of_an_import)
{
	const char *log;

	io_log_start();
	subscriber_db_close(db_open());
	log = io_log_end();
	ck_assert_msg(strstr(log, "sync:folder/"), "the name of a new database is not durable: %s", log);
	log = import_one();
	ck_assert_msg(strstr(log, "write:s.sqlite-wal sync:s.sqlite-wal told"), "%s", log);
}
END_TEST

/* The disk fails at its first, second... write or sync: told, and no mark is taken for durable that is not */
START_TEST(disk_fails)
{
	unsigned failed = 0;

	import_one();
	seq_stored();
	for (unsigned n = 1; n <= 4; n++) {
		struct mark_writer *w = writer_start();
		int rc;

		io_log_fail("-wal", n);
		rc = mark(w, 1000 * n);
		io_log_fail("", 0);
		ck_assert(rc == 0 || rc == -EIO);
		failed += rc != 0;
		mark_writer_stop(w);
		ck_assert_msg(rc != 0 || seq_stored() == 1000 * n, "told as durable, and is not");
	}
	ck_assert_uint_ge(failed, 2);
}
END_TEST

/* A start says that the thread could not attach */
START_TEST(no_descriptor)
{
	struct err err = { "" };

	import_one();
	refuse = true;
	ck_assert_ptr_null(mark_writer_start(path, back, on_done, &err));
	refuse = false;
	ck_assert_msg(strstr(err.text, "marks"), "%s", err.text);
}
END_TEST

SUITE_WITH_FIXTURE("mark writer", setup, teardown, order, order_of_an_import, disk_fails, no_descriptor)
