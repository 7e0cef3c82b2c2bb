/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Every public function with NULL, with structs that were not begun, and at the edges of what it takes: told, not
 * followed. On the public header alone. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <gba/naf.h>

#define BTID "I1U8vpY3qJ0hiuZNrke/NQ==@bsf.example.org"

static struct gba_naf_fake *fake;
static struct gba_naf *naf;

static void begin(void)
{
	static const char *const names[] = { "naf1.example.com" }, *const bsfs[] = { "bsf.example.org" };
	struct gba_naf_config c;
	struct gba_naf_key key;

	fake = gba_naf_fake_new();
	gba_naf_key_init(&key);
	key.expires_at = 4000000000;
	ck_assert_int_eq(gba_naf_fake_add(fake, BTID, &key), 0);
	gba_naf_config_init(&c);
	c.names = names;
	c.bsf_names = bsfs;
	c.n_names = c.n_bsf_names = 1;
	c.fake = fake;
	naf = gba_naf_new(&c, NULL, 0);
	ck_assert_ptr_nonnull(naf);
}

static void end(void)
{
	gba_naf_free(naf);
	gba_naf_fake_free(fake);
}

START_TEST(nothing)
{
	struct gba_naf_request req;
	enum gba_naf_cause cause;

	gba_naf_request_init(&req);
	gba_naf_free(NULL);
	gba_naf_key_free(NULL);
	gba_naf_answer_free(NULL);
	gba_naf_fake_free(NULL);
	ck_assert_ptr_null(gba_naf_new(NULL, NULL, 0));
	ck_assert_ptr_null(gba_naf_new(NULL, NULL, 100));
	ck_assert(!gba_naf_connected(NULL));
	gba_naf_request_header(NULL, "Host", "a");
	gba_naf_request_header(&req, NULL, "a");
	ck_assert_uint_eq(req.fields, 0);
	gba_naf_request_header(&req, "Host", NULL);
	ck_assert_str_eq(req.host, "");
	ck_assert_ptr_null(gba_naf_digest_finish(NULL, NULL, 0));
	ck_assert_int_eq(gba_naf_key_verdict(0, NULL), GBA_NAF_ACCEPT);
	ck_assert_int_eq(gba_naf_key_verdict(-EINVAL, &cause), GBA_NAF_DENY);
	ck_assert_str_eq(gba_naf_cause_name((enum gba_naf_cause) - 1), "?");
	ck_assert_str_eq(gba_naf_verdict_name((enum gba_naf_verdict) - 1), "?");
	ck_assert_ptr_nonnull(gba_naf_strerror(1));
}
END_TEST

/* What a result of gba_naf_fetch_key() means for who asked; one that is not known is no key */
START_TEST(verdicts)
{
	static const struct {
		int rc;
		enum gba_naf_verdict verdict;
		enum gba_naf_cause cause;
	} rows[] = {
		{ 0, GBA_NAF_ACCEPT, GBA_NAF_CAUSE_OK },
		{ -EINVAL, GBA_NAF_DENY, GBA_NAF_CAUSE_SYNTAX },
		{ -ENOENT, GBA_NAF_CHALLENGE, GBA_NAF_CAUSE_BTID_UNKNOWN },
		{ -EKEYEXPIRED, GBA_NAF_CHALLENGE, GBA_NAF_CAUSE_KEY_EXPIRED },
		{ -EREMOTE, GBA_NAF_DENY, GBA_NAF_CAUSE_BSF_FOREIGN },
		{ -EPERM, GBA_NAF_DENY, GBA_NAF_CAUSE_NOT_AUTHORIZED },
		{ -ETIMEDOUT, GBA_NAF_TEMPORARY, GBA_NAF_CAUSE_BSF_DOWN },
		{ -EPROTO, GBA_NAF_TEMPORARY, GBA_NAF_CAUSE_BSF_ERROR },
		{ -EXDEV, GBA_NAF_TEMPORARY, GBA_NAF_CAUSE_BSF_ERROR },
		{ 1, GBA_NAF_TEMPORARY, GBA_NAF_CAUSE_BSF_ERROR },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum gba_naf_cause cause;

		ck_assert_msg(gba_naf_key_verdict(rows[i].rc, &cause) == rows[i].verdict, "row %zu", i);
		ck_assert_msg(cause == rows[i].cause, "row %zu", i);
		ck_assert_int_eq(gba_naf_key_verdict(rows[i].rc, NULL), rows[i].verdict);
	}
}
END_TEST

START_TEST(no_key)
{
	char fingerprint[GBA_NAF_FINGERPRINT_LEN + 1] = "x", password[GBA_NAF_PASSWORD_LEN + 1] = "x";

	gba_naf_key_fingerprint(NULL, fingerprint);
	gba_naf_key_password(NULL, password);
	ck_assert_str_eq(fingerprint, "");
	ck_assert_str_eq(password, "");
}
END_TEST

/*! -EINVAL, and *out as it was. */
static void invalid(struct gba_naf *n, const char *btid, const struct gba_naf_request *req)
{
	struct gba_naf_key *out = (struct gba_naf_key *)&out;

	ck_assert_int_eq(gba_naf_fetch_key(n, btid, req, &out), -EINVAL);
	ck_assert_ptr_eq(out, (struct gba_naf_key *)&out);
}

START_TEST(fetch_key)
{
	struct gba_naf_request req;
	struct gba_naf_key *key;

	gba_naf_request_init(&req);
	invalid(NULL, BTID, &req);
	invalid(naf, NULL, &req);
	invalid(naf, "", &req);
	ck_assert_int_eq(gba_naf_fetch_key(naf, BTID, &req, NULL), -EINVAL);
	req.host = "";
	invalid(naf, BTID, &req);
	req.host = NULL;
	req.size = 0;
	invalid(naf, BTID, &req);
	req.size = sizeof(req) + 1;
	invalid(naf, BTID, &req);
	ck_assert_uint_eq(gba_naf_fake_asked(fake), 0);
	ck_assert_int_eq(gba_naf_fetch_key(naf, BTID, NULL, &key), 0);
	gba_naf_key_free(key);
}
END_TEST

START_TEST(fakes)
{
	struct gba_naf_key key;

	gba_naf_key_init(&key);
	ck_assert_int_eq(gba_naf_fake_add(NULL, BTID, &key), -EINVAL);
	ck_assert_int_eq(gba_naf_fake_add(fake, NULL, &key), -EINVAL);
	ck_assert_int_eq(gba_naf_fake_add(fake, "", &key), -EINVAL);
	ck_assert_int_eq(gba_naf_fake_add(fake, BTID, NULL), -EINVAL);
	key.size = 0;
	ck_assert_int_eq(gba_naf_fake_add(fake, BTID, &key), -EINVAL);
	key.size = sizeof(key) + 1;
	ck_assert_int_eq(gba_naf_fake_add(fake, BTID, &key), -EINVAL);
	ck_assert_int_eq(gba_naf_fake_remove(NULL, BTID), -EINVAL);
	ck_assert_int_eq(gba_naf_fake_remove(fake, NULL), -EINVAL);
	gba_naf_fake_set(NULL, GBA_NAF_FAKE_DOWN);
	ck_assert_uint_eq(gba_naf_fake_asked(NULL), 0);
	ck_assert_int_eq(gba_naf_fake_remove(fake, BTID), 0); /* what was refused changed nothing */
}
END_TEST

static void temporary(struct gba_naf *n, const struct gba_naf_request *req)
{
	struct gba_naf_answer *a[] = { gba_naf_digest(n, req), gba_naf_digest_before_body(n, req) };

	for (int i = 0; i < 2; i++) {
		ck_assert_ptr_nonnull(a[i]);
		ck_assert_int_eq(a[i]->verdict, GBA_NAF_TEMPORARY);
		ck_assert_int_eq(a[i]->status, 503);
		ck_assert_uint_gt(a[i]->retry_after_s, 0);
		ck_assert_ptr_null(gba_naf_digest_finish(a[i], "", 0));
		gba_naf_answer_free(a[i]);
	}
}

START_TEST(digest)
{
	struct gba_naf_request req;
	struct gba_naf_answer *a;

	gba_naf_request_init(&req);
	temporary(NULL, &req);
	temporary(naf, NULL);
	req.size = 0;
	temporary(naf, &req);
	req.size = sizeof(req) + 1;
	temporary(naf, &req);
	gba_naf_request_init(&req); /* nothing of it is there */
	a = gba_naf_digest(naf, &req);
	ck_assert_int_eq(a->verdict, GBA_NAF_DENY);
	ck_assert_int_eq(a->status, 400);
	gba_naf_answer_free(a);
	req.host = "naf1.example.com"; /* no target, no method, no Authorization: a challenge is all there is to say */
	a = gba_naf_digest(naf, &req);
	ck_assert_int_eq(a->verdict, GBA_NAF_CHALLENGE);
	ck_assert_uint_eq(a->n_challenges, 1);
	gba_naf_answer_free(a);
	req.body_len = 100; /* and no body */
	gba_naf_answer_free(gba_naf_digest(naf, &req));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("naf_api");
	TCase *t = tcase_create("naf_api");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, nothing);
	tcase_add_test(t, verdicts);
	tcase_add_test(t, no_key);
	tcase_add_test(t, fetch_key);
	tcase_add_test(t, fakes);
	tcase_add_test(t, digest);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
