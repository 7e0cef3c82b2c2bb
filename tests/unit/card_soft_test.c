/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The soft USIM: what it answers, and that its numbers survive. 31102-7.1.1.1-1 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/crypto/gba_u.h"
#include "common/crypto/milenage.h"
#include "common/crypto/sqn.h"
#include "tests/unit/suite.h"
#include "ue/card/card.h"

#define K   "465b5ce8b199b49faa5f0a2ee238a6bc"
#define OPC "cd63cb71954a9f4e48a5994e37a02baf"

static char folder[] = "card_soft_test.XXXXXX", cfg_path[100], state_path[100];

static void put_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	fchmod(fd, mode);
	close(fd);
}

static void setup(void)
{
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(cfg_path, sizeof(cfg_path), "%s/usim.cfg", folder);
	snprintf(state_path, sizeof(state_path), "%s/card.state", folder);
	put_file(cfg_path,
		 "usim\n imsi 001010000000001\n mnc-length 2\n k " K "\n opc " OPC "\n algorithm milenage\n"
		 " state-file card.state\n",
		 0600);
}

static void teardown(void)
{
	static const char *const names[] = { "usim.cfg", "card.state", "card.state.lock", "card.state.new" };
	char path[200];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		if (unlink(path) < 0)
			rmdir(path);
	}
	rmdir(folder);
}

static struct card *insert(void)
{
	struct card *card = NULL;
	struct err err = { "" };

	ck_assert_msg(card_soft_open(&card, cfg_path, &err) == 0, "%s", err.text);
	return card;
}

/* The network's side. */
static struct aka_vector vector(uint64_t sqn)
{
	struct aka_cred c = { .k = secret_of(K), .opc = secret_of(OPC) };
	struct aka_vector v;
	uint8_t rand[AKA_RAND_LEN] = { (uint8_t)sqn, (uint8_t)(sqn >> 8) };

	ck_assert_int_eq(aka_vector_make(&v, &c, rand, sqn), 0);
	return v;
}

static enum card_outcome ask(struct card *card, const struct aka_vector *v, struct card_answer *out)
{
	struct err err = { "" };

	memset(out, 0x55, sizeof(*out));
	ck_assert_msg(card_authenticate(card, out, CARD_CONTEXT_3G, v->rand, v->autn, &err) == 0, "%s", err.text);
	return out->outcome;
}

static uint64_t auts_says(const struct aka_vector *v, const struct card_answer *a)
{
	struct aka_cred c = { .k = secret_of(K), .opc = secret_of(OPC) };
	uint64_t sqn = 0;
	bool ok = false;

	ck_assert_int_eq(aka_auts_open(&sqn, &ok, &c, v->rand, a->auts), 0);
	ck_assert(ok);
	return sqn;
}

START_TEST(answers)
{
	struct card *card = insert();
	struct aka_vector v = vector(sqn_make(7, 3));
	struct card_answer a;

	ck_assert_str_eq(card->imsi, "001010000000001");
	ck_assert_str_eq(card->impi.s, "001010000000001@ims.mnc001.mcc001.3gppnetwork.org");
	ck_assert_str_eq(card->bsf_name, "bsf.mnc001.mcc001.pub.3gppnetwork.org");
	ck_assert_int_eq(ask(card, &v, &a), CARD_OK);
	ck_assert(secret_equal(&a.res, &v.res) && secret_equal(&a.ck, &v.ck) && secret_equal(&a.ik, &v.ik));
	/* 102-6.3.3-2: the same again gives AUTS and nothing else */
	ck_assert_int_eq(ask(card, &v, &a), CARD_SYNC_FAILURE);
	ck_assert_uint_eq(a.res.len + a.ck.len + a.ik.len, 0);
	ck_assert_uint_eq(auts_says(&v, &a), sqn_make(7, 3));
	card_close(card);
}
END_TEST

/* 102-6.3.3-1, 102-6.3.3-4: MAC first, also where the number is stale; no RES, no AUTS, and no number is used up */
START_TEST(mac_before_sqn)
{
	struct card *card = insert();
	struct aka_vector v = vector(sqn_make(7, 3)), stale = v, high = vector(sqn_make(5000, 4));
	struct card_answer a, zero = { .outcome = CARD_MAC_FAILURE };

	ck_assert_int_eq(ask(card, &v, &a), CARD_OK);
	stale.autn[15] ^= 1;
	ck_assert_int_eq(ask(card, &stale, &a), CARD_MAC_FAILURE);
	ck_assert_mem_eq(a.auts, zero.auts, sizeof(a.auts));
	ck_assert_uint_eq(a.res.len + a.ck.len + a.ik.len, 0);
	high.autn[8] ^= 0x80;
	ck_assert_int_eq(ask(card, &high, &a), CARD_MAC_FAILURE);
	v = vector(sqn_make(8, 4));
	ck_assert_int_eq(ask(card, &v, &a), CARD_OK);
	card_close(card);
}
END_TEST

/* 102-C.2.2-1, 102-C.2.1-1, 102-6.3.2-4, 102-6.3.3-3: per IND; AUTS holds the highest of all */
START_TEST(array)
{
	struct card *card = insert();
	struct card_answer a;
	struct aka_vector v;
	static const struct {
		uint64_t seq;
		unsigned ind;
		enum card_outcome want;
	} steps[] = {
		{ 10, 0, CARD_OK },
		{ 4, 1, CARD_OK },
		{ 9, 0, CARD_SYNC_FAILURE },
		{ 5, 1, CARD_OK },
		{ 5, 1, CARD_SYNC_FAILURE },
		{ 11, 31, CARD_OK },
		{ 10, 0, CARD_SYNC_FAILURE },
		{ 11 + SQN_DELTA, 2, CARD_OK },
		{ 12 + 2 * SQN_DELTA, 2, CARD_SYNC_FAILURE },
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		v = vector(sqn_make(steps[i].seq, steps[i].ind));
		ck_assert_msg(ask(card, &v, &a) == steps[i].want, "step %zu", i);
	}
	ck_assert_uint_eq(auts_says(&v, &a), sqn_make(11 + SQN_DELTA, 2));
	card_close(card);
}
END_TEST

START_TEST(survives)
{
	struct aka_vector v = vector(sqn_make(70, 3));
	struct card *card = insert();
	struct card_answer a;
	struct stat st;

	ck_assert_int_eq(ask(card, &v, &a), CARD_OK);
	ck_assert_int_eq(stat(state_path, &st), 0); /* on disk before RES is given out, not at close */
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	card_close(card);
	card = insert();
	ck_assert_int_eq(ask(card, &v, &a), CARD_SYNC_FAILURE);
	ck_assert_uint_eq(auts_says(&v, &a), sqn_make(70, 3));
	card_close(card);
}
END_TEST

/* A number that cannot be written down gives no RES: else the vector could be used again after a restart. */
START_TEST(disk_refuses)
{
	struct aka_vector v = vector(sqn_make(70, 3));
	struct card *card = insert();
	struct card_answer a = { 0 };
	struct err err = { "" };

	ck_assert_int_eq(mkdir(state_path, 0700), 0);
	ck_assert_int_lt(card_authenticate(card, &a, CARD_CONTEXT_3G, v.rand, v.autn, &err), 0);
	ck_assert_uint_eq(a.res.len, 0);
	ck_assert_ptr_nonnull(strstr(err.text, "card.state"));
	ck_assert_int_eq(rmdir(state_path), 0);
	ck_assert_int_eq(ask(card, &v, &a), CARD_OK); /* the number was not used up */
	card_close(card);
}
END_TEST

START_TEST(one_process)
{
	struct card *card = insert(), *second = NULL;
	struct err err = { "" };

	ck_assert_int_eq(card_soft_open(&second, cfg_path, &err), -EBUSY);
	ck_assert_ptr_null(second);
	ck_assert_ptr_nonnull(strstr(err.text, "another"));
	card_close(card);
	card = insert();
	card_close(card);
}
END_TEST

START_TEST(bad_state)
{
	static const char *const bad[] = { "", "gba-ue usim state v2\n", "gba-ue usim state v1\n1\n2\n",
					   "gba-ue usim state v1\nx\n", "gba-ue usim state v1\n99999999999999\n" };
	struct card *card;
	struct err err;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put_file(state_path, bad[i], 0600);
		ck_assert_msg(card_soft_open(&card, cfg_path, &err) == -EBADMSG, "case %zu", i);
		ck_assert_ptr_nonnull(strstr(err.text, "card.state"));
	}
}
END_TEST

/* whole but for one thing */
START_TEST(nearly_good_state)
{
	static const struct {
		const char *head, *last;
		int rc;
	} rows[] = {
		{ "gba-ue usim state v1\n", "8796093022207\n", 0 },
		{ "gba-ue usim state v1\n", "8796093022208\n", -EBADMSG }, /* SEQ has 43 bits */
		{ "gba-ue usim state v2\n", "1\n", -EBADMSG },
		{ "gba-ue usim state v1\n", "1", -EBADMSG }, /* cut */
	};
	struct card *card = NULL;
	char text[300];
	struct err err;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		strcpy(text, rows[i].head);
		for (unsigned k = 0; k < SQN_IND_MAX; k++)
			strcat(text, "0\n");
		strcat(text, rows[i].last);
		put_file(state_path, text, 0600);
		ck_assert_msg(card_soft_open(&card, cfg_path, &err) == rows[i].rc, "row %zu", i);
		if (rows[i].rc == 0)
			card_close(card);
	}
}
END_TEST

#define REST "usim\n imsi 001010000000001\n k " K "\n algorithm milenage\n state-file card.state\n"

static const struct {
	const char *text;
	mode_t mode;
	int rc;
	const char *why;
} files[] = {
	{ "usim\n imsi 00101\n", 0600, -EINVAL, "usim.cfg:2: imsi" },
	{ "usim\n imsi 0010100000000012\n", 0600, -EINVAL, ":2: imsi" },
	{ "usim\n\n! x\n mnc-length 4\n", 0600, -EINVAL, ":4: mnc-length: allowed is 2 or 3" },
	{ "usim\n k 00\n", 0600, -EINVAL, ":2: k: allowed is 32 hex" },
	{ "usim\n k " K "0\n", 0600, -EINVAL, ":2: k" },
	{ "usim\n k " K " x\n", 0600, -EINVAL, ":2: k" },
	{ "usim\n k\n", 0600, -EINVAL, ":2: k" },
	{ "usim\n algorithm comp128\n", 0600, -EINVAL, ":2: algorithm: allowed is milenage, tuak" },
	{ "usim\n ind-length 6\n", 0600, -EINVAL, ":2: ind-length: allowed is 0 to 5 bits" },
	{ "usim\n sqn-age 0\n", 0600, -EINVAL, ":2: sqn-age" },
	{ "usim\n res-length 63\n", 0600, -EINVAL, ":2: res-length" },
	{ "usim\n rounds 256\n", 0600, -EINVAL, ":2: rounds" },
	{ REST " mnc-length 2\n opc " K K "\n", 0600, -EINVAL, "256 bits; allowed with milenage: 128" },
	{ REST " mnc-length 2\n opc " K "\n res-length 32\n", 0600, -EINVAL,
	  "RES of 32 bits; allowed with milenage: 64" },
	{ "usim\n " K "\n", 0600, -EINVAL, ":2: unknown word '...'" },
	{ "usim\n color blue\n", 0600, -EINVAL, ":2: unknown word 'color'" },
	{ "isim\n", 0600, -EINVAL, ":1: allowed here is 'usim'" },
	{ " k " K "\n", 0600, -EINVAL, ":1: words of a card stand below" },
	{ REST " mnc-length 2\n", 0600, -EINVAL, "exactly one of op and opc" },
	{ REST " mnc-length 2\n op " K "\n opc " K "\n", 0600, -EINVAL, "exactly one of op and opc" },
	{ REST " op " K "\n", 0600, -EINVAL, "mnc-length" },
	{ "usim\n", 0644, -EACCES, "chmod 600" },
	{ "usim\n", 0620, -EACCES, "chmod 600" },
};

START_TEST(bad_files)
{
	struct card *card = NULL;
	struct err err;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		put_file(cfg_path, files[i].text, files[i].mode);
		ck_assert_msg(card_soft_open(&card, cfg_path, &err) == files[i].rc, "case %zu: %s", i, err.text);
		ck_assert_msg(strstr(err.text, cfg_path) && strstr(err.text, files[i].why), "case %zu: %s", i,
			      err.text);
		ck_assert_msg(!strstr(err.text, "465b5c"), "the reason shows the key: %s", err.text);
	}
	ck_assert_int_eq(card_soft_open(&card, "nowhere/x.cfg", &err), -ENOENT);
	ck_assert_ptr_null(card);
}
END_TEST

/* OP instead of OPc is the same card. */
START_TEST(op_or_opc)
{
	struct aka_vector v = vector(sqn_make(1, 0));
	struct card_answer a;
	struct card *card;

	put_file(cfg_path, "! with OP\n" REST " mnc-length 3\n op cdc202d5123e20f62b6d676ac72cb318\n", 0600);
	card = insert();
	ck_assert_str_eq(card->bsf_name, "bsf.mnc010.mcc001.pub.3gppnetwork.org");
	ck_assert_int_eq(ask(card, &v, &a), CARD_OK);
	ck_assert(secret_equal(&a.res, &v.res));
	card_close(card);
}
END_TEST

/* A card without service 68 has no GBA context to ask for, and no files of it. */
START_TEST(stated)
{
	struct card *card = insert();
	struct card_answer a = { 0 };
	struct card_gbabp bp;
	struct secret key;
	struct err err;

	ck_assert_uint_eq(card->caps, CARD_CAP_3G);
	ck_assert_int_eq(card_authenticate(card, &a, CARD_CONTEXT_GBA, (uint8_t[16]){ 0 }, (uint8_t[16]){ 0 }, &err),
			 -ENOTSUP);
	ck_assert_int_eq(card_derive(card, &key, span_str("naf12345"), span_str("a@b"), &err), -ENOTSUP);
	ck_assert_int_eq(card_gbabp_read(card, &bp, &err), -ENOTSUP);
	ck_assert_int_eq(card_gbabp_write(card, "x", "y", &err), -ENOTSUP);
	ck_assert_int_eq(card_check(card, &err), 0);
	card_close(card);
	card_close(NULL);
}
END_TEST

/* Ks of GBA_U is on disk before RES leaves, and goes neither with the process nor with a 3G run. */
START_TEST(gba_u_survives)
{
	struct aka_vector v = vector(sqn_make(7, 3)), plain = vector(sqn_make(8, 4));
	struct secret key = { 0 }, again = { 0 };
	uint8_t star[AKA_AUTN_LEN];
	struct card_gbabp bp;
	struct card_answer a;
	struct card *card;
	struct err err = { "" };

	put_file(cfg_path,
		 "usim\n imsi 001010000000001\n mnc-length 2\n k " K "\n opc " OPC "\n algorithm milenage\n"
		 " state-file card.state\n gba u\n mac-star sha256\n",
		 0600);
	card = insert();
	ck_assert_uint_eq(card->caps & CARD_CAP_GBA, CARD_CAP_GBA);
	ck_assert_int_eq(card_derive(card, &key, span_str("naf12345"), span_str("a@b"), &err), -ENOKEY);
	ck_assert_int_eq(gba_u_autn(star, v.autn, &v.ik, GBA_U_SHA256), 0);
	ck_assert_msg(card_authenticate(card, &a, CARD_CONTEXT_GBA, v.rand, star, &err) == 0, "%s", err.text);
	ck_assert(a.outcome == CARD_OK && !a.ck.len && !a.ik.len);
	gba_u_res(&a.res);
	ck_assert(secret_equal(&a.res, &v.res));
	ck_assert_int_eq(card_gbabp_write(card, "btid@bsf", "2030-01-01T00:00:00Z", &err), 0);
	ck_assert_int_eq(card_derive(card, &key, span_str("naf12345"), span_str("a@b"), &err), 0);
	ck_assert_int_eq(ask(card, &plain, &a), CARD_OK);
	card_close(card);
	card = insert();
	ck_assert_int_eq(card_gbabp_read(card, &bp, &err), 0);
	ck_assert(bp.has_rand && memcmp(bp.rand, v.rand, sizeof(v.rand)) == 0);
	ck_assert_str_eq(bp.btid, "btid@bsf");
	ck_assert_int_eq(card_derive(card, &again, span_str("naf12345"), span_str("a@b"), &err), 0);
	ck_assert(secret_equal(&key, &again));
	card_close(card);
}
END_TEST

SUITE_WITH_FIXTURE("card_soft", setup, teardown, answers, mac_before_sqn, array, survives, disk_refuses, one_process,
		   nearly_good_state, bad_state, bad_files, op_or_opc, stated, gba_u_survives)
