/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The reference of the Ub bench: bare LMDB puts with random keys in durable commits, and gets, at a given number of
 * live records. Prints CPU per operation of this process. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <lmdb.h>

#include "common/crypto/rng.h"

static unsigned long live = 1000, puts_n = 20000, gets_n = 100000;
static unsigned size = 300, per_commit = 8;
static unsigned char (*keys)[16];

static void check(int rc, const char *what)
{
	if (rc == 0)
		return;
	fprintf(stderr, "lmdb_put: %s: %s\n", what, mdb_strerror(rc));
	exit(1);
}

static double cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void put_range(MDB_env *env, MDB_dbi dbi, unsigned long from, unsigned long n, unsigned commit)
{
	static unsigned char value[65536];
	MDB_txn *t = NULL;

	for (unsigned long i = 0; i < n; i++) {
		MDB_val k = {16, keys[from + i]}, v = {size, value};

		if (!t)
			check(mdb_txn_begin(env, NULL, 0, &t), "begin");
		check(mdb_put(t, dbi, &k, &v, 0), "put");
		if ((i + 1) % commit == 0 || i + 1 == n) {
			check(mdb_txn_commit(t), "commit");
			t = NULL;
		}
	}
}

static double time_gets(MDB_env *env, MDB_dbi dbi)
{
	MDB_txn *t;
	double start;

	check(mdb_txn_begin(env, NULL, MDB_RDONLY, &t), "begin");
	mdb_txn_reset(t);
	start = cpu_us();
	for (unsigned long i = 0; i < gets_n; i++) {
		MDB_val k = {16, keys[(i * 7919) % live]}, v;

		check(mdb_txn_renew(t), "renew");
		check(mdb_get(t, dbi, &k, &v), "get");
		mdb_txn_reset(t);
	}
	start = cpu_us() - start;
	mdb_txn_abort(t);
	return start / (double)gets_n;
}

int main(int argc, char **argv)
{
	MDB_env *env;
	MDB_txn *t;
	MDB_dbi dbi;
	double start, put_us;
	int c;

	while ((c = getopt(argc, argv, "l:p:g:s:c:")) != -1) {
		unsigned long v = strtoul(optarg ? optarg : "", NULL, 10);

		if (v == 0)
			break;
		if (c == 'l')
			live = v;
		else if (c == 'p')
			puts_n = v;
		else if (c == 'g')
			gets_n = v;
		else if (c == 's')
			size = v < 65536 ? (unsigned)v : 65535;
		else if (c == 'c')
			per_commit = (unsigned)v;
	}
	if (c != -1 || argc - optind != 1) {
		fprintf(stderr,
			"usage: lmdb_put [-l live] [-p puts] [-g gets] [-s octets] [-c puts per commit] NEW-FOLDER\n");
		return 1;
	}
	keys = malloc((live + puts_n) * sizeof(*keys));
	if (!keys || mkdir(argv[optind], 0700) < 0) {
		perror("lmdb_put");
		return 1;
	}
	for (unsigned long i = 0; i < live + puts_n; i++) {
		if (rng_fill(keys[i], sizeof(keys[i])) < 0)
			return 1;
	}
	check(mdb_env_create(&env), "create");
	check(mdb_env_set_mapsize(env, 64ul << 30), "map size");
	check(mdb_env_open(env, argv[optind], MDB_NOTLS | MDB_NORDAHEAD, 0600), "open");
	check(mdb_txn_begin(env, NULL, 0, &t), "begin");
	check(mdb_dbi_open(t, NULL, MDB_CREATE, &dbi), "dbi");
	check(mdb_txn_commit(t), "commit");
	put_range(env, dbi, 0, live, 10000);
	start = cpu_us();
	put_range(env, dbi, live, puts_n, per_commit);
	put_us = (cpu_us() - start) / (double)puts_n;
	printf("{\"live\": %lu, \"octets\": %u, \"per_commit\": %u, \"put_cpu_us\": %.2f, \"get_cpu_us\": %.2f}\n",
	       live, size, per_commit, put_us, time_gets(env, dbi));
	mdb_env_close(env);
	free(keys);
	return 0;
}
