/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Yardstick of the Ub bench: bare LMDB. Records of SIZE octets under random 16-octet keys, in durable commits of COMMIT
 * records; each one may take an old one away, so that LIVE stay.
 *
 * lmdb_put DIR LIVE PUTS SIZE COMMIT [replace]; DIR is empty. Prints one line of JSON: CPU per put, and per get. */
#include <lmdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define KEY_LEN 16
#define FILL    65536 /* records in a commit while filling */

static MDB_env *env;
static MDB_dbi dbi;
static uint8_t value[8192];
static size_t size;

static void check(int rc, const char *what)
{
	if (rc) {
		fprintf(stderr, "lmdb_put: %s: %s\n", what, mdb_strerror(rc));
		exit(1);
	}
}

/* the n-th key, the same in every run (splitmix64) */
static void make_key(uint8_t key[KEY_LEN], uint64_t n)
{
	uint64_t z[2];
	int i;

	for (i = 0; i < 2; i++) {
		z[i] = (2 * n + (uint64_t)i + 1) * 0x9e3779b97f4a7c15u;
		z[i] = (z[i] ^ z[i] >> 30) * 0xbf58476d1ce4e5b9u;
		z[i] = (z[i] ^ z[i] >> 27) * 0x94d049bb133111ebu;
		z[i] ^= z[i] >> 31;
	}
	memcpy(key, z, KEY_LEN);
}

static void put(MDB_txn *t, uint64_t n)
{
	uint8_t key[KEY_LEN];
	MDB_val k = { KEY_LEN, key }, v = { size, value };

	make_key(key, n);
	check(mdb_put(t, dbi, &k, &v, 0), "put");
}

static void del(MDB_txn *t, uint64_t n)
{
	uint8_t key[KEY_LEN];
	MDB_val k = { KEY_LEN, key };

	make_key(key, n);
	check(mdb_del(t, dbi, &k, NULL), "del");
}

static double cpu_us(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e6 +
	       (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

/* \returns records put; commits grow and shrink around the mean, so that it may be a fraction */
static void run(uint64_t from, uint64_t count, double commit, uint64_t live, int replace)
{
	double due = 0;
	uint64_t n = 0;
	MDB_txn *t;

	while (n < count) {
		check(mdb_txn_begin(env, NULL, 0, &t), "begin");
		for (due += commit; due >= 1 && n < count; due--, n++) {
			put(t, from + n);
			if (replace)
				del(t, from + n - live);
		}
		check(mdb_txn_commit(t), "commit");
	}
}

static double gets(uint64_t live, uint64_t count)
{
	uint8_t key[KEY_LEN];
	MDB_val k = { KEY_LEN, key }, v;
	double before = cpu_us();
	uint64_t i;
	MDB_txn *t;

	check(mdb_txn_begin(env, NULL, MDB_RDONLY, &t), "begin");
	for (i = 0; i < count; i++) {
		make_key(key, i * 7919 % live);
		check(mdb_get(t, dbi, &k, &v), "get");
		mdb_txn_reset(t);
		check(mdb_txn_renew(t), "renew");
	}
	mdb_txn_abort(t);
	return (cpu_us() - before) / (double)count;
}

int main(int argc, char **argv)
{
	uint64_t live, puts;
	double commit, before, per_put, per_get = 0;
	MDB_txn *t;

	if (argc < 6) {
		fprintf(stderr, "usage: lmdb_put DIR LIVE PUTS SIZE COMMIT [replace]\n");
		return 2;
	}
	live = strtoull(argv[2], NULL, 10);
	puts = strtoull(argv[3], NULL, 10);
	size = strtoul(argv[4], NULL, 10);
	commit = strtod(argv[5], NULL);
	if (size > sizeof(value) || commit <= 0)
		return 2;
	memset(value, 0xa5, sizeof(value));
	check(mdb_env_create(&env), "create");
	check(mdb_env_set_mapsize(env, (size_t)64 << 30), "map");
	check(mdb_env_open(env, argv[1], MDB_NOTLS | MDB_NORDAHEAD, 0600), "open");
	check(mdb_txn_begin(env, NULL, 0, &t), "begin");
	check(mdb_dbi_open(t, NULL, MDB_CREATE, &dbi), "dbi");
	check(mdb_txn_commit(t), "commit");
	run(0, live, FILL, 0, 0);
	if (live)
		per_get = gets(live, 100000);
	before = cpu_us();
	run(live, puts, commit, live, argc > 6);
	per_put = (cpu_us() - before) / (double)puts;
	mdb_env_close(env);
	printf("{\"put_us\": %.2f, \"get_us\": %.3f}\n", per_put, per_get);
	return 0;
}
