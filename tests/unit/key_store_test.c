/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the device remembers, and when it forgets: 220-4.4.13-3, 220-4.4.13-4, 220-4.5.2-30. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/io_log.h"
#include "tests/unit/suite.h"
#include "ue/lib/key_store.h"
#include "ue/state_file.h"

#define NOW   1800000000
#define IMSI  "001010000000001"
#define WHOSE "\"card\": \"" IMSI "\", \"impi\": \"" IMSI "@ims.mnc001.mcc001.3gppnetwork.org\""

static char base[100], path[110], sealing[120];

/* One of each opening; freed at the end, as the tests copy their stores about. */
static struct key_seal *seals[20];
static size_t n_seals;

static void setup(void)
{
	snprintf(base, sizeof(base), "key_store_test.%d", (int)getpid());
	snprintf(path, sizeof(path), "%s.gba", base);
	snprintf(sealing, sizeof(sealing), "%s.key", path);
	unlink(path);
}

static void teardown(void)
{
	unlink(path);
	unlink(sealing);
	while (n_seals)
		key_seal_free(seals[--n_seals]);
}

static struct key_store open_at(const char *imsi, time_t now)
{
	struct key_store k;
	struct err err = { "" };
	struct impi impi;

	ck_assert_int_eq(impi_from_imsi(&impi, imsi, 2), 0);
	ck_assert_msg(key_store_open(&k, base, imsi, &impi, now, &err) == 0, "%s", err.text);
	ck_assert_uint_lt(n_seals, sizeof(seals) / sizeof(seals[0]));
	seals[n_seals++] = k.seal;
	return k;
}

static void fill(struct key_store *k)
{
	k->has_ks = true;
	k->ks = secret_of("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
	memset(k->rand, 7, sizeof(k->rand));
	strcpy(k->btid, "BwcHBwcHBwcHBwcHBwcHBw==@bsf.example.com");
	k->expires_at = NOW + 100;
	k->has_tmpi = true;
	memset(k->tmpi, 9, sizeof(k->tmpi));
	ck_assert_int_eq(key_store_save(k, NULL), 0);
}

START_TEST(kept_over_restart)
{
	struct key_store k = open_at(IMSI, NOW), back;
	struct stat st;

	ck_assert(!k.has_ks && !k.has_tmpi);
	ck_assert_int_ne(stat(path, &st), 0); /* nothing to remember, nothing written */
	fill(&k);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	back = open_at(IMSI, NOW + 99);
	ck_assert(back.has_ks && back.has_tmpi);
	ck_assert(secret_equal(&back.ks, &k.ks));
	ck_assert_mem_eq(back.rand, k.rand, sizeof(k.rand));
	ck_assert_mem_eq(back.tmpi, k.tmpi, sizeof(k.tmpi));
	ck_assert_str_eq(back.btid, k.btid);
	ck_assert_int_eq(back.expires_at, NOW + 100);
	ck_assert_str_eq(back.impi.s, IMSI "@ims.mnc001.mcc001.3gppnetwork.org");
}
END_TEST

/* Is the key still in the file? */
static bool file_holds(const char *text)
{
	char buf[4096] = "";
	FILE *f = fopen(path, "r");
	size_t n;

	ck_assert_ptr_nonnull(f);
	n = fread(buf, 1, sizeof(buf) - 1, f);
	fclose(f);
	buf[n] = '\0';
	return strstr(buf, text) != NULL;
}

/* Expiry takes Ks from the disk, too, and leaves the TMPI. */
START_TEST(expiry)
{
	struct key_store k = open_at(IMSI, NOW);

	fill(&k);
	ck_assert(file_holds("sealed"));
	k = open_at(IMSI, NOW + 100);
	ck_assert(!k.has_ks && k.has_tmpi && !k.btid[0] && !k.ks.len);
	ck_assert(!file_holds("sealed") && !file_holds("BwcH"));
}
END_TEST

/* Another card: everything of the former one goes. */
START_TEST(another_card)
{
	struct key_store k = open_at(IMSI, NOW);

	fill(&k);
	k = open_at("001010000000002", NOW);
	ck_assert(!k.has_ks && !k.has_tmpi);
	ck_assert(!file_holds("sealed") && !file_holds("tmpi") && !file_holds(IMSI));
	k = open_at(IMSI, NOW);
	ck_assert(!k.has_ks && !k.has_tmpi);
}
END_TEST

START_TEST(forgotten)
{
	struct key_store k = open_at(IMSI, NOW);

	fill(&k);
	ck_assert_int_eq(key_store_forget(&k, false, NULL), 0);
	k = open_at(IMSI, NOW);
	ck_assert(!k.has_ks && k.has_tmpi);
	ck_assert_int_eq(key_store_forget(&k, true, NULL), 0);
	k = open_at(IMSI, NOW);
	ck_assert(!k.has_ks && !k.has_tmpi);
}
END_TEST

/* A file half understood gives no key. */
START_TEST(damaged)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"{\"card\": 5, \"impi\": 5}",
		"{" WHOSE
		", \"btid\": \"x\", \"expires\": \"2030-01-01T00:00:00Z\", \"rand\": \"00\", \"sealed\": \"00\"}",
		"{" WHOSE ", \"tmpi\": \"0000\"}",
		"{" WHOSE ", \"sealed\": \"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\"}",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		struct key_store k;

		ck_assert_int_eq(write(fd, texts[i], strlen(texts[i])), (ssize_t)strlen(texts[i]));
		close(fd);
		k = open_at(IMSI, NOW);
		ck_assert_msg(!k.has_ks && !k.has_tmpi, "case %zu", i);
	}
}
END_TEST

/* A pipe in the place of the state is refused; nobody waits for a writer. */
START_TEST(pipe_for_a_file)
{
	struct impi impi = { "" };
	struct key_store k;
	struct err why = { "" };

	alarm(10);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(key_store_open(&k, base, IMSI, &impi, NOW, &why), -EINVAL);
	ck_assert_msg(strstr(why.text, "no regular file"), "%s", why.text);
	alarm(0);
}
END_TEST

/* Nothing is made where a link in the folder points to. */
START_TEST(link_for_the_lock)
{
	char lock[120], there[120];
	struct err why = { "" };

	snprintf(lock, sizeof(lock), "%s.lock", base);
	snprintf(there, sizeof(there), "%s.there", base);
	ck_assert_int_eq(symlink(there, lock), 0);
	ck_assert_int_lt(state_file_lock(base, &why), 0);
	ck_assert_int_ne(access(there, F_OK), 0);
	unlink(lock);
}
END_TEST

/* Written beside, synced, renamed, and the folder synced, before anybody is told: at each moment one whole file has the
 * name */
START_TEST(order)
{
	struct key_store k = open_at(IMSI, NOW);
	char want[600];

	io_log_start();
	fill(&k);
	snprintf(want, sizeof(want), "write:%s.gba.new sync:%s.gba.new rename:%s.gba.new>%s.gba sync:folder/", base,
		 base, base, base);
	ck_assert_str_eq(io_log_end(), want);
}
END_TEST

/* What a killed run left beside the file is in nobody's way. */
START_TEST(left_beside)
{
	struct key_store k = open_at(IMSI, NOW);
	char beside[130];
	int fd;

	snprintf(beside, sizeof(beside), "%s.new", path);
	fd = open(beside, O_WRONLY | O_CREAT, 0600);
	ck_assert_int_eq(write(fd, "half", 4), 4);
	close(fd);
	fill(&k);
	k = open_at(IMSI, NOW);
	ck_assert(k.has_ks && access(beside, F_OK) != 0);
}
END_TEST

/* An error of the disk is told, and the former file is untouched */
START_TEST(disk_fails)
{
	struct key_store k = open_at(IMSI, NOW), back;
	struct err err = { "" };
	struct secret former;

	fill(&k);
	former = k.ks;
	k.ks.b[0] ^= 1;
	for (unsigned n = 1; n <= 2; n++) {
		io_log_fail(".gba.new", n);
		ck_assert_int_eq(key_store_save(&k, &err), -EIO);
		io_log_fail("", 0);
		back = open_at(IMSI, NOW);
		ck_assert(back.has_ks && secret_equal(&back.ks, &former));
		ck_assert_msg(strstr(err.text, path), "%s", err.text);
	}
}
END_TEST

/* Every line of the state and of the key beside it; neither alone gives Ks. */
START_TEST(sealed_at_rest)
{
	struct key_store k = open_at(IMSI, NOW), back;
	const char ks[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
	struct stat st;

	fill(&k);
	ck_assert_int_eq(stat(sealing, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert(!file_holds(ks) && !file_holds("AAECAwQFBgcICQoLDA0ODw"));
	back = open_at(IMSI, NOW);
	ck_assert(back.has_ks && secret_equal(&back.ks, &k.ks));
	unlink(sealing); /* a copy of the state, without the key: no Ks, and the TMPI is no key */
	back = open_at(IMSI, NOW);
	ck_assert(!back.has_ks && back.has_tmpi && !back.btid[0] && !file_holds("sealed"));
}
END_TEST

/* Put in again, or another identity on the same card: the serial and the IMPI tell. */
START_TEST(card_put_in_again)
{
	struct key_store k = open_at(IMSI, NOW);
	struct impi other;

	fill(&k);
	ck_assert_int_eq(impi_from_imsi(&other, IMSI, 3), 0);
	ck_assert_int_eq(key_store_open(&k, base, IMSI, &other, NOW, NULL), 0);
	seals[n_seals++] = k.seal;
	ck_assert(!k.has_ks && !k.has_tmpi);
	ck_assert_int_eq(key_store_no_card(base, NULL), 0);
	ck_assert_int_ne(access(path, F_OK), 0);
	ck_assert_int_eq(key_store_no_card(base, NULL), 0);
}
END_TEST

/* The same IMPI on a card of another serial */
START_TEST(copy_of_a_card)
{
	struct key_store k = open_at(IMSI, NOW);
	struct impi impi = k.impi;

	fill(&k);
	ck_assert_int_eq(key_store_open(&k, base, "another", &impi, NOW, NULL), 0);
	seals[n_seals++] = k.seal;
	ck_assert(!k.has_ks && !k.has_tmpi && !file_holds("sealed"));
}
END_TEST

/* What was sealed is of one B-TID: under another one it is nothing */
START_TEST(ks_of_another_run)
{
	struct key_store k = open_at(IMSI, NOW);
	char text[4096] = "", *at;
	FILE *f;

	fill(&k);
	f = fopen(path, "r+");
	ck_assert_uint_gt(fread(text, 1, sizeof(text) - 1, f), 0);
	at = strstr(text, "BwcHBwcH");
	ck_assert_ptr_nonnull(at);
	*at = 'C';
	rewind(f);
	ck_assert_uint_eq(fwrite(text, 1, strlen(text), f), strlen(text));
	fclose(f);
	k = open_at(IMSI, NOW);
	ck_assert(!k.has_ks && !k.ks.len && k.has_tmpi);
}
END_TEST

static char boot[40] = "first";

FILE *__real_fopen(const char *name, const char *mode);
FILE *__wrap_fopen(const char *name, const char *mode);

/* The system's name of its power-up is the test's. */
FILE *__wrap_fopen(const char *name, const char *mode)
{
	return strstr(name, "boot_id") ? fmemopen(boot, strlen(boot), "r") : __real_fopen(name, mode);
}

/* 220-4.4.11-2: a Ks does not live over a power-down, a TMPI does */
START_TEST(power_down)
{
	struct key_store k = open_at(IMSI, NOW);

	fill(&k);
	k = open_at(IMSI, NOW);
	ck_assert(k.has_ks);
	strcpy(boot, "second");
	k = open_at(IMSI, NOW);
	ck_assert(!k.has_ks && !k.ks.len && k.has_tmpi && !file_holds("sealed"));
}
END_TEST

static int made(const char *behind)
{
	char name[130];
	int fd;

	snprintf(name, sizeof(name), "%s%s", base, behind);
	fd = open(name, O_WRONLY | O_CREAT, 0600);
	return fd < 0 ? -1 : close(fd);
}

static bool is_there(const char *behind)
{
	char name[130];

	snprintf(name, sizeof(name), "%s%s", base, behind);
	return access(name, F_OK) == 0;
}

/* What is kept of a card's other applications goes with it; what only looks like it stays */
START_TEST(others_of_a_card)
{
	static const struct {
		const char *behind;
		bool stays;
	} rows[] = {
		{ "@a0000000871002.gba", false },
		{ "@a0000000871004.gba", false },
		{ "@a0.txt", true },
		{ "@a0", true },
		{ "x@a0.gba", true },
	};
	char name[130];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_int_eq(made(rows[i].behind), 0);
	ck_assert_int_eq(key_store_others(base, NULL), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_msg(is_there(rows[i].behind) == rows[i].stays, "%s", rows[i].behind);
		snprintf(name, sizeof(name), "%s%s", base, rows[i].behind);
		unlink(name);
	}
}
END_TEST

/* So that no restart gives a forging server another try. */
START_TEST(renewals_kept)
{
	struct key_store k = open_at(IMSI, NOW);

	for (int i = 0; i < 3; i++)
		ck_assert(ue_limit_take(&k.limit, "naf1.example.com", NOW, 3, 600, NULL));
	fill(&k);
	ck_assert(!file_holds("naf1"));
	k = open_at(IMSI, NOW + 50);
	ck_assert(!ue_limit_take(&k.limit, "naf1.example.com", NOW + 50, 3, 600, NULL));
	ck_assert(ue_limit_take(&k.limit, "naf2.example.com", NOW + 50, 3, 600, NULL));
}
END_TEST

SUITE_WITH_FIXTURE("key_store", setup, teardown, kept_over_restart, expiry, another_card, forgotten, damaged,
		   pipe_for_a_file, link_for_the_lock, order, left_beside, disk_fails, sealed_at_rest,
		   card_put_in_again, copy_of_a_card, ks_of_another_run, power_down, others_of_a_card, renewals_kept)
