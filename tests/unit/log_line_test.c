/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Lines of one form that nobody can forge, subscribers' words, and how a line looks on each target. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <osmocom/core/application.h>
#include <osmocom/core/select.h>
#include <osmocom/core/utils.h>
#include "common/rt/log_cat.h"
#include "common/rt/log_form.h"
#include "common/rt/log_line.h"
#include "common/rt/pseudonym.h"
#include "tests/unit/suite.h"

static char last[4096];

static void capture(struct log_target *t, unsigned int level, const char *line)
{
	snprintf(last, sizeof(last), "%s", line);
}

static struct log_target *start(enum log_target_type type)
{
	struct log_target *t;

	ck_assert_int_eq(osmo_init_logging2(NULL, &gba_log_info), 0);
	log_del_target(osmo_stderr_target);
	t = log_target_create();
	t->type = type;
	t->output = capture;
	log_set_all_filter(t, 1);
	log_add_target(t);
	ck_assert_int_eq(log_relay_init(), 0);
	return t;
}

static struct log_line *begun(void)
{
	static struct log_line l;

	ck_assert(log_line_begin(&l, DZN, LOGL_NOTICE, CAUSE_zn_ok));
	return &l;
}

START_TEST(values)
{
	static const struct {
		const char *value, *text;
	} t[] = {
		{ "naf1.example.com", "zn_ok k=naf1.example.com" },
		{ "", "zn_ok" },
		{ NULL, "zn_ok" },
		{ "a b", "zn_ok k=\"a b\"" },
		{ "x peer=evil", "zn_ok k=\"x peer=evil\"" },
		{ "x\"y\\", "zn_ok k=\"x\\\"y\\\\\"" },
		{ "x\nub_ok", "zn_ok k=\"x\\x0aub_ok\"" },
		{ "\x1b[2J\x7f\xc3\xa9", "zn_ok k=\"\\x1b[2J\\x7f\\xc3\\xa9\"" },
		{ "a=b", "zn_ok k=\"a=b\"" },
	};

	start(LOG_TGT_TYPE_STDERR);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct log_line *l = begun();

		log_line_str(l, "k", t[i].value);
		ck_assert_str_eq(l->s, t[i].text);
	}
}
END_TEST

START_TEST(fields)
{
	static const struct result plain = { .code = 5012 },
				   x = { .code = 5401, .experimental = true, .vendor = 10415 }, none;
	struct sockaddr_in6 from = { .sin6_family = AF_INET6,
				     .sin6_port = htons(80),
				     .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_storage nowhere = { 0 };
	struct log_line *l;

	start(LOG_TGT_TYPE_STDERR);
	l = begun();
	log_line_result(l, &plain);
	log_line_result(l, &x);
	log_line_result(l, &none);
	log_line_from(l, &from);
	log_line_from(l, &nowhere);
	log_line_run(l, NULL);
	log_line_num(l, "ms", 0);
	ck_assert_str_eq(l->s, "zn_ok result=5012 result=10415/5401 from=::1 port=80 ms=0");
}
END_TEST

START_TEST(long_value_is_cut)
{
	static char big[4 * LOG_LINE_MAX];
	struct log_line *l;

	start(LOG_TGT_TYPE_STDERR);
	memset(big, '\n', sizeof(big) - 1);
	l = begun();
	log_line_str(l, "k", big);
	log_line_str(l, "z", "late");
	ck_assert_uint_lt(strlen(l->s), sizeof(l->s));
	log_line_end(l);
	ck_assert_ptr_nonnull(strstr(last, " ...\n"));
	ck_assert_ptr_null(strstr(last, "late"));
}
END_TEST

/* The same subscriber, the same word, whatever the case of the domain; another key, another word; never the identity. */
START_TEST(words)
{
	struct secret kek, other;
	uint8_t octets[32] = { 1 };
	char a[PSEUDONYM_LEN + 1], b[PSEUDONYM_LEN + 1];

	pseudonym(a, "00101@a.example");
	ck_assert_str_eq(a, "-");
	secret_set(&kek, octets, sizeof(octets));
	octets[31] = 9;
	secret_set(&other, octets, sizeof(octets));
	ck_assert_int_eq(pseudonym_init(&kek), 0);
	pseudonym(a, "00101@a.example");
	pseudonym(b, "00101@A.Example");
	ck_assert_str_eq(a, b);
	ck_assert_uint_eq(strspn(a, "0123456789abcdef"), PSEUDONYM_LEN);
	pseudonym(b, "00102@a.example");
	ck_assert_str_ne(a, b);
	ck_assert_int_eq(pseudonym_init(&other), 0);
	pseudonym(b, "00101@a.example");
	ck_assert_str_ne(a, b);
	ck_assert_int_eq(pseudonym_init(NULL), 0);
	pseudonym(a, "00101@a.example");
	ck_assert_str_ne(a, b);
	ck_assert_int_eq(pseudonym_init(&kek), 0);
	pseudonym(b, "00101@a.example");
	ck_assert_str_eq(b, "97380991ebea"); /* so that an upgrade does not rename everybody */
}
END_TEST

/* What somebody typed of a person: as IMPI, as a bare number, as a name of a device. */
START_TEST(typed)
{
	static const struct {
		const char *word, *text;
	} t[] = {
		{ "001010000000001@ims.example", "00101*****@ims.example" },
		{ "impi=001010000000001@ims.example", "*****@ims.example" },
		{ "msisdn=491701234567", "msisdn=*****" },
		{ "eid=89049032", "eid=*****" },
		{ "imsi=", "imsi=*****" },
		{ "001010000000001", "00101*****" },
		{ "001010000000001-001010000000002", "00101*****-00101*****" },
		{ "00101-00102", "00101-00102" },
		{ "2026-11-26", "2026-11-26" },
		{ "-1", "-1" },
		{ "-", "-" },
		{ "", "" },
		{ "0100000002", "0100000002" },
		{ "1000000000000000x", "1000000000000000x" },
		{ "QbYEJw1B25Qy1G66mbxAeA==@bsf.example", "QbYEJw1B25Qy1G66mbxAeA==@bsf.example" },
		{ "video.example.net", "video.example.net" },
	};
	char out[128];

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct writer w;

		memset(out, 0, sizeof(out));
		writer_init(&w, out, sizeof(out));
		log_line_word(&w, t[i].word);
		ck_assert_str_eq(out, t[i].text);
	}
}
END_TEST

static void expect(const char *pattern)
{
	regex_t re;

	ck_assert_int_eq(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
	ck_assert_msg(regexec(&re, last, 0, NULL, 0) == 0, "'%s' is not like %s", last, pattern);
	regfree(&re);
}

#define WHEN "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{3}"

START_TEST(forms)
{
	static const enum log_target_type with_time[] = { LOG_TGT_TYPE_STDERR, LOG_TGT_TYPE_FILE, LOG_TGT_TYPE_VTY };

	struct log_target *t = start(LOG_TGT_TYPE_STDERR);

	unsetenv("JOURNAL_STREAM");
	for (size_t i = 0; i < ARRAY_SIZE(with_time); i++) {
		t->type = with_time[i];
		setenv("TZ", "XXX-5:30", 1);
		tzset();
		LOGT(DZN, LOGL_NOTICE, "one\ntwo\x1b\n");
		expect(WHEN "\\+05:30 NOTICE DZN one.two.\n$");
		setenv("TZ", "XXX3", 1);
		tzset();
		LOGT(DUB, LOGL_ERROR, "x\n");
		expect(WHEN "-03:00 ERROR DUB x\n$");
	}
}
END_TEST

/* The journal has its own time and reads <N>; a variable that speaks of another descriptor is not believed. */
START_TEST(journal)
{
	char text[64];
	struct stat st;

	start(LOG_TGT_TYPE_STDERR);
	ck_assert_int_eq(fstat(2, &st), 0);
	snprintf(text, sizeof(text), "%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", text, 1);
	LOGT(DZN, LOGL_NOTICE, "x\n");
	ck_assert_str_eq(last, "<5>DZN x\n");
	LOGT(DZN, LOGL_ERROR, "x\n");
	ck_assert_str_eq(last, "<3>DZN x\n");
	snprintf(text, sizeof(text), "%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino + 1);
	setenv("JOURNAL_STREAM", text, 1);
	LOGT(DZN, LOGL_NOTICE, "x\n");
	expect(WHEN);
}
END_TEST

SUITE("log_line", forms, values, fields, long_value_is_cut, words, typed, journal)
