/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a program asks for and is told, without a network: tests/e2e/t_uelib.py has that. */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/suite.h"
#include "ue/lib/ue_limit.h"
#include "ue/lib/ue_remote.h"
#include "ue/lib/ue_request.h"

#define NOW 1800000000

/* A server that forges refusals gets so many runs and no more, whatever others do. */
START_TEST(limit_per_naf_and_time)
{
	struct ue_limit l = { 0 };
	long wait_s = 0;

	for (int i = 0; i < 3; i++)
		ck_assert(ue_limit_take(&l, "naf1.example.com", NOW + i, 3, 600, NULL));
	ck_assert(!ue_limit_take(&l, "naf1.example.com", NOW + 10, 3, 600, &wait_s));
	ck_assert_int_eq(wait_s, 590);
	ck_assert(ue_limit_take(&l, "naf2.example.com", NOW + 10, 3, 600, NULL));
	ck_assert(!ue_limit_take(&l, "naf1.example.com", NOW + 599, 3, 600, NULL));
	ck_assert(ue_limit_take(&l, "naf1.example.com", NOW + 600, 3, 600, NULL)); /* the first is forgotten */
	ck_assert(!ue_limit_take(&l, "naf1.example.com", NOW + 600, 3, 600, NULL));
	/* a clock that was set back does not lock anybody out for years */
	ck_assert(ue_limit_take(&l, "naf1.example.com", NOW - 100000, 3, 600, NULL));
}
END_TEST

/* many names are one limit, too: a page may send the device to any number of hosts */
START_TEST(limit_of_all_nafs)
{
	struct ue_limit l = { 0 };
	char name[40];

	for (int i = 0; i < UE_LIMIT_PAST; i++) {
		snprintf(name, sizeof(name), "naf%d.example.com", i);
		ck_assert(ue_limit_take(&l, name, NOW, 3, 600, NULL));
	}
	ck_assert(!ue_limit_take(&l, "another.example.com", NOW, 3, 600, NULL));
	ck_assert(ue_limit_take(&l, "another.example.com", NOW + 600, 3, 600, NULL));
}
END_TEST

START_TEST(hosts)
{
	static const struct {
		const char *naf, *host;
	} rows[] = {
		{ "naf1.example.com", "naf1.example.com" },
		{ "https://naf1.example.com/a?b", "naf1.example.com" },
		{ "coaps://naf1.example.com:5684", "naf1.example.com" },
		{ "http://naf1.example.com#x", "naf1.example.com" },
		{ "http://naf1.example.com?x@y", "naf1.example.com" },
		{ "http://user@naf1.example.com/", NULL },
		{ "http:///x", NULL },
		{ "", NULL },
	};
	char long_name[300], host[GBA_UE_NAME_MAX + 1];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int rc = ue_request_host(host, rows[i].naf);

		ck_assert_msg(rc == (rows[i].host ? 0 : -EINVAL), "%s", rows[i].naf);
		if (rc == 0)
			ck_assert_str_eq(host, rows[i].host);
	}
	memset(long_name, 'a', 254);
	long_name[254] = '\0';
	ck_assert_int_eq(ue_request_host(host, long_name), -EINVAL);
}
END_TEST

/* Every cause has a reason, and only ok is ok. */
START_TEST(reasons)
{
	for (int c = 0; c < UE_CAUSE_COUNT; c++) {
		enum gba_ue_reason r = ue_request_reason((enum ue_cause)c);

		ck_assert_msg((r == GBA_UE_OK) == (c == UE_CAUSE_ok) && r < GBA_UE_PENDING, "cause %d", c);
		ck_assert_int_eq(ue_cause_named(ue_cause_name((enum ue_cause)c)), c);
	}
	ck_assert_int_eq(ue_cause_named("nonsense"), UE_CAUSE_local);
	/* the places of Android's GBA_FAILURE_REASON_ constants, one more than there */
	ck_assert_int_eq(GBA_UE_UNKNOWN, 1);
	ck_assert_int_eq(GBA_UE_FEATURE_NOT_SUPPORTED, 2);
	ck_assert_int_eq(GBA_UE_FEATURE_NOT_READY, 3);
	ck_assert_int_eq(GBA_UE_NETWORK_FAILURE, 4);
	ck_assert_int_eq(GBA_UE_INCORRECT_NAF_ID, 5);
	ck_assert_int_eq(GBA_UE_SECURITY_PROTOCOL_NOT_SUPPORTED, 6);
	for (int r = GBA_UE_OK; r <= GBA_UE_PENDING; r++)
		ck_assert_msg(gba_ue_reason_text((enum gba_ue_reason)r)[0], "%d", r);
}
END_TEST

/* What is wrong is a request that has ended, and a NULL is told. */
START_TEST(wrong)
{
	static const uint8_t reserved[5] = { 1, 0, 0, 1, 0 }, invalid[5] = { 0, 0, 0, 0, 1 };
	static const struct {
		const char *naf;
		const uint8_t *ua;
		enum gba_ue_reason want;
	} rows[] = {
		{ "", NULL, GBA_UE_INCORRECT_NAF_ID },
		{ "http://u@h/", NULL, GBA_UE_INCORRECT_NAF_ID },
		{ "naf 1", NULL, GBA_UE_INCORRECT_NAF_ID },
		{ "naf1.example.com", reserved, GBA_UE_SECURITY_PROTOCOL_NOT_SUPPORTED },
		{ "naf1.example.com", invalid, GBA_UE_SECURITY_PROTOCOL_NOT_SUPPORTED },
		{ "naf1.example.com", NULL, GBA_UE_FEATURE_NOT_READY }, /* no realm */
	};
	struct gba_ue *ue = gba_ue_new(NULL, NULL, 0);
	struct gba_ue_request *q;
	struct gba_ue_key *key = (struct gba_ue_key *)ue;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		q = gba_ue_start(ue, GBA_UE_APP_ANY, rows[i].naf, rows[i].ua, false, NULL);
		ck_assert_msg(gba_ue_reason(q) == rows[i].want, "row %zu: %s", i, gba_ue_text(q));
		ck_assert(gba_ue_text(q)[0] && gba_ue_cause(q)[0]);
		ck_assert_int_eq(gba_ue_finish(q, &key), rows[i].want);
		ck_assert_ptr_null(key);
	}
	q = gba_ue_start(NULL, GBA_UE_APP_ANY, "h", NULL, false, NULL);
	ck_assert_int_eq(gba_ue_finish(q, NULL), GBA_UE_FEATURE_NOT_SUPPORTED);
	ck_assert_int_eq(gba_ue_finish(NULL, NULL), GBA_UE_UNKNOWN);
	ck_assert_ptr_null(gba_ue_token_at(ue, 0));
	ck_assert_int_eq(gba_ue_realm_use(ue, "x"), -ENOENT);
	ck_assert_int_eq(gba_ue_drop(ue, "x", false), -ENOENT);
	ck_assert(!gba_ue_key_valid(ue, NULL) && !gba_ue_key_octets(NULL));
	gba_ue_key_free(NULL);
	gba_ue_free(ue);
	gba_ue_free(NULL);
}
END_TEST

START_TEST(realms)
{
	static const char *const bad[] = {
		"", ".", "a/b", "a b", "\xc3\xa4", "0123456789012345678901234567890123456789012345678901234567890123"
	};
	struct gba_ue *ue = gba_ue_new(NULL, NULL, 0);
	char name[8], err[200] = "";

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(gba_ue_realm_add(ue, bad[i], "/nowhere", NULL, NULL, err, sizeof(err)), -EINVAL);
	ck_assert_int_eq(gba_ue_realm_add(ue, "a", NULL, NULL, NULL, err, sizeof(err)), -EINVAL);
	ck_assert_int_eq(gba_ue_realm_add(ue, "a", "/nowhere", "ftp://x/", NULL, err, sizeof(err)), -EINVAL);
	for (int i = 0; i < GBA_UE_REALMS_MAX; i++) {
		snprintf(name, sizeof(name), "r%d", i);
		ck_assert_int_eq(gba_ue_realm_add(ue, name, "/nowhere", NULL, NULL, err, sizeof(err)), 0);
	}
	ck_assert_int_eq(gba_ue_realm_add(ue, "r0", "/nowhere", NULL, NULL, err, sizeof(err)), -EEXIST);
	ck_assert_int_eq(gba_ue_realm_add(ue, "more", "/nowhere", NULL, NULL, err, sizeof(err)), -ENOSPC);
	ck_assert_int_eq(gba_ue_realm_use(ue, "r5"), 0);
	for (size_t i = 0; i < GBA_UE_REALMS_MAX; i++) {
		const struct gba_ue_token *t = gba_ue_token_at(ue, i);

		ck_assert(t->active == (i == 5) && !t->card && !t->key && t->why[0]);
	}
	gba_ue_free(ue);
}
END_TEST

/* An agent's line becomes a key, and no copy of the key stays in the line. */
START_TEST(agents_answer)
{
	char good[] =
		"{\"result\":\"key\",\"reason\":0,\"cause\":\"ok\",\"realm\":\"home\",\"naf\":\"naf1.example.com\","
		"\"btid\":\"b@bsf\",\"expires\":1800000000,\"run\":\"01234567\",\"bootstrapped\":true,"
		"\"key\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"}";
	static const char *const bad[] = { "",
					   "{}",
					   "[]",
					   "{\"reason\":9}",
					   "{\"reason\":-1}",
					   "{\"reason\":0}",
					   "{\"reason\":\"0\"}",
					   "{\"reason\":0,\"btid\":\"b\",\"key\":\"AAEC\"}" };
	struct ue_remote_answer a;
	char refused[] = "{\"reason\":7,\"cause\":\"not_allowed\",\"text\":\"no\",\"status\":0}";

	ck_assert_int_eq(ue_remote_read(&a, good), 0);
	ck_assert_int_eq(a.reason, GBA_UE_OK);
	ck_assert_secret(a.key.key, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
	ck_assert_str_eq(a.key.btid, "b@bsf");
	ck_assert_str_eq(a.key.realm, "home");
	ck_assert(a.key.expires_at == NOW && a.key.bootstrapped);
	for (size_t i = 0; i + 4 < sizeof(good); i++)
		ck_assert(memcmp(good + i, "AAEC", 4) != 0 && memcmp(good + i, "Gxwd", 4) != 0);
	ck_assert_int_eq(ue_remote_read(&a, refused), 0);
	ck_assert(a.reason == GBA_UE_NOT_ALLOWED && strcmp(a.cause, "not_allowed") == 0 && !a.key.key.len);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char line[100];

		strcpy(line, bad[i]);
		ck_assert_msg(ue_remote_read(&a, line) == -EBADMSG, "%s", bad[i]);
	}
}
END_TEST

SUITE("ue_request", limit_per_naf_and_time, limit_of_all_nafs, hosts, reasons, wrong, realms, agents_answer)
