/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Put sessions into a database of gba-bsfd that is not running, or into Redis, through its own store, and print their B-TIDs.
 *
 * store_fill (--dir DIR | --redis PORT) --kek FILE --sessions N --name BSF_NAME [--guss FILE] [--print N] [--first N] [--life S] [--tmpi]
 *
 * --first: number of the first subscriber; --life: all of them end so many seconds after this was started */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <osmocom/core/select.h>
#include <osmocom/core/talloc.h>
#include "bsf/store/store.h"
#include "common/gba/guss_copy.h"
#include "common/crypto/rng.h"

#define IN_FLIGHT 512

static const char *dir, *redis_port, *kek_file, *name, *guss_file;
static unsigned long sessions = 1000, to_print = 100000, first, life_s = 604800, in_flight, done, failed;
static bool with_tmpi;
static time_t begun;

static void die(const char *what)
{
	fprintf(stderr, "store_fill: %s\n", what);
	exit(1);
}

static void store_fill_usage(const char *what)
{
	fprintf(stderr, "store_fill: %s\n", what);
	exit(2);
}

static void on_done(void *owner, uint64_t txn, const struct store_answer *a)
{
	in_flight--;
	done++;
	failed += a->rc != 0;
}

static struct guss_blob *read_guss(void)
{
	static uint8_t xml[65536];
	struct guss_blob *b;
	size_t len, copy_len;
	uint8_t *copy;
	FILE *f;

	if (!guss_file)
		return NULL;
	f = fopen(guss_file, "r");
	if (!f)
		die("cannot read the GUSS");
	len = fread(xml, 1, sizeof(xml), f);
	fclose(f);
	if (guss_copy_make(&copy, &copy_len, NULL, NULL, span_of(xml, len), GUSS_BAD_USS_FAILS, NULL) < 0)
		die("the GUSS cannot be used");
	b = guss_blob_new(span_of(copy, copy_len));
	free(copy);
	if (!b)
		die("no memory");
	return b;
}

static void fill_session(struct gba_session *s, unsigned long n, struct guss_blob *guss)
{
	memset(s, 0, sizeof(*s));
	s->variant = GBA_VARIANT_ME;
	s->ks.len = 32;
	if (rng_fill(s->rand, sizeof(s->rand)) || rng_fill(s->ks.b, 32))
		die("no random octets");
	snprintf(s->bsf_name, sizeof(s->bsf_name), "%s", name);
	snprintf(s->impi.s, sizeof(s->impi.s), "00101%010lu@ims.mnc001.mcc001.3gppnetwork.org", n);
	s->created_at = begun;
	s->expires_at = begun + (time_t)life_s;
	s->has_tmpi = with_tmpi;
	if (with_tmpi && rng_fill(s->tmpi, sizeof(s->tmpi)))
		die("no random octets");
	s->guss = guss_blob_get(guss);
}

static void fill(struct store *st)
{
	struct guss_blob *guss = read_guss();
	char btid[BTID_MAX + 1];
	struct gba_session s;
	unsigned long n;

	for (n = 0; n < sessions; n++) {
		fill_session(&s, first + n, guss);
		s.made_ms = store_clock_ms(st);
		if (n < to_print && btid_format(btid, s.rand, name) > 0)
			puts(btid);
		while (in_flight >= IN_FLIGHT)
			osmo_select_main(0);
		if (store_put(st, &s, n)) /* LMDB answers it later, or it is refused */
			die("the store does not take more");
		in_flight++;
		gba_session_clear(&s);
	}
	while (in_flight)
		osmo_select_main(0);
	guss_blob_put(guss);
}

static void read_options(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "dir", 1, NULL, 'd' },
		{ "redis", 1, NULL, 'r' },
		{ "kek", 1, NULL, 'k' },
		{ "sessions", 1, NULL, 'n' },
		{ "name", 1, NULL, 'b' },
		{ "guss", 1, NULL, 'g' },
		{ "print", 1, NULL, 'p' },
		{ "first", 1, NULL, 'f' },
		{ "life", 1, NULL, 'l' },
		{ "tmpi", 0, NULL, 't' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'd':
			dir = optarg;
			break;
		case 'r':
			redis_port = optarg;
			break;
		case 'k':
			kek_file = optarg;
			break;
		case 'n':
			sessions = strtoul(optarg, NULL, 10);
			break;
		case 'b':
			name = optarg;
			break;
		case 'g':
			guss_file = optarg;
			break;
		case 'p':
			to_print = strtoul(optarg, NULL, 10);
			break;
		case 'f':
			first = strtoul(optarg, NULL, 10);
			break;
		case 'l':
			life_s = strtoul(optarg, NULL, 10);
			break;
		case 't':
			with_tmpi = true;
			break;
		default:
			store_fill_usage("unknown option");
		}
	}
	if (!dir == !redis_port || !kek_file || !name)
		store_fill_usage("--dir or --redis, --kek and --name are needed");
}

static struct store_shared *open_store(const struct seal_kek *kek, struct err *err)
{
	struct store_lmdb_cfg lmdb = { .dir = dir, .limit_gib = 64, .keks = kek, .n_keks = 1 };
	struct store_redis_cfg redis = { .timeout_ms = 5000, .lease_ms = 20000, .keks = kek, .n_keks = 1 };

	if (dir)
		return store_shared_lmdb_new(&lmdb, err);
	if (sockaddr_parse(&redis.addr, "127.0.0.1", redis_port) < 0)
		die("--redis is no port");
	return store_shared_redis_new(&redis, err);
}

/* One on another machine is not there at once, and takes nothing before it is known what was revoked, which another thread asks. */
static void wait_links(struct store_shared *sh)
{
	struct store_links l;

	while (store_shared_links(sh, &l) && (l.up < l.of || !l.lease)) {
		osmo_select_main(1);
		usleep(500);
	}
}

int main(int argc, char **argv)
{
	struct seal_kek kek = { .id = 1 };
	struct store_shared *sh;
	struct err err = { "" };
	struct store *st;

	read_options(argc, argv);
	begun = time(NULL);
	if (secret_read_file(&kek.key, SEAL_KEK_LEN, kek_file, err.text, sizeof(err.text)))
		die(err.text);
	osmo_ctx_init("fill");
	osmo_select_init();
	sh = open_store(&kek, &err);
	st = sh ? store_new(NULL, sh, on_done, NULL) : NULL;
	if (!st)
		die(err.text);
	wait_links(sh);
	fill(st);
	talloc_free(st);
	store_shared_free(sh);
	secret_clear(&kek.key);
	if (failed)
		die("some sessions were not stored");
	return 0;
}
