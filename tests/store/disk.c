/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/store/disk.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <osmocom/core/select.h>
#include <osmocom/core/talloc.h>

#include "bsf/store/lmdb.h"

char dir[256];
struct harness h;

void disk_setup(void)
{
	strcpy(dir, temp_dir());
}

void disk_teardown(void)
{
	temp_dir_remove(dir);
}

void open_store(void)
{
	struct store_lmdb_cfg cfg = lmdb_cfg();

	harness_open_lmdb(&h, dir, &cfg);
}

struct gba_session nth(unsigned n, bool with_tmpi)
{
	char impi[64];

	snprintf(impi, sizeof(impi), "u%u@ims.mnc001.mcc001.3gppnetwork.org", n);
	return session_make(n, impi, BSF_A, with_tmpi);
}

int get_nth(unsigned n)
{
	struct gba_session s = nth(n, true);
	struct btid id = btid_of(&s);

	return get(&h, &id);
}

struct many {
	unsigned answered, done;
};

static void on_put(void *owner, uint64_t txn, const struct store_answer *a)
{
	struct many *m = owner;

	m->answered++;
	m->done += a->rc == 0;
}

unsigned put_many(unsigned n, struct gba_session (*make)(unsigned n))
{
	struct many m = { 0 };
	struct store *st = store_new(NULL, h.sh, on_put, &m);

	for (unsigned i = 0; i < n; i++) {
		struct gba_session s = make(i);

		s.made_ms = store_clock_ms(st);
		ck_assert_ptr_null(store_put(st, &s, i));
		gba_session_clear(&s);
	}
	while (m.answered < n)
		osmo_select_main(0);
	talloc_free(st);
	return m.done;
}

void expect_refused(const struct store_lmdb_cfg *cfg, const char *word)
{
	struct err err = { "" };

	ck_assert(!harness_try_lmdb(&h, dir, cfg, &err));
	ck_assert_msg(strstr(err.text, word), "\"%s\" does not say \"%s\"", err.text, word);
	ck_assert_msg(strstr(err.text, dir), "\"%s\" does not name the directory", err.text);
}

size_t read_data(uint8_t **out)
{
	char path[300];
	struct stat st;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/data.mdb", dir);
	fd = open(path, O_RDONLY);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	*out = malloc((size_t)st.st_size);
	n = read(fd, *out, (size_t)st.st_size);
	ck_assert_int_eq(n, st.st_size);
	close(fd);
	return (size_t)n;
}

void disk_change(void (*change)(MDB_txn *txn, MDB_dbi dbi))
{
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;

	ck_assert_int_eq(mdb_env_create(&env), 0);
	mdb_env_set_mapsize(env, 1 << 30);
	ck_assert_int_eq(mdb_env_open(env, dir, 0, 0600), 0);
	ck_assert_int_eq(mdb_txn_begin(env, NULL, 0, &txn), 0);
	ck_assert_int_eq(mdb_dbi_open(txn, NULL, 0, &dbi), 0);
	change(txn, dbi);
	ck_assert_int_eq(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

void index_key_gone(MDB_txn *txn, MDB_dbi dbi)
{
	MDB_val k = { LMDB_META_KEY_LEN, LMDB_META_KEY };

	ck_assert_int_eq(mdb_del(txn, dbi, &k, NULL), 0);
}
