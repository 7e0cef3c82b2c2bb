/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What can be wrong with a token, each in its own words; what softhsm2 cannot be brought to say comes from a module of the test. */
#include "common/rt/kek_token.h"

#include <sys/wait.h>
#include <unistd.h>
#include "tests/unit/suite.h"

#define MODULE "tests/unit/.libs/fake_token.so"

static struct kek_token *open_fake(const char *say, struct err *err)
{
	struct kek_token_cfg cfg = { .module = MODULE, .label = "fake", .key = "key", .pin = { 4, "1234" } };

	setenv("FAKE_TOKEN", say, 1);
	return kek_token_open(&cfg, err);
}

START_TEST(words)
{
	static const struct {
		const char *say, *words;
	} rows[] = {
		{ "initialize 5", "opening the module: the module failed" },
		{ "slots e0", "looking for the token: the token is lost" },
		{ "session 32", "opening a session: the token is lost" },
		{ "login a0", "logging in: the PIN is wrong" },
		{ "login a4", "logging in: the PIN is locked" },
		{ "locked", "logging in: the PIN is locked" },
		{ "login a3", "logging in: the PIN is over" },
		{ "login 77777", "logging in: PKCS#11 says 0x77777" },
		{ "find b3", "looking for the key: the token is lost, or has ended our session" },
		{ "none", "there is no key of this label" },
		{ "two", "several keys have this label" },
		{ "sign 63", "asking the token: the key is no generic secret" },
		{ "sign 68", "asking the token: the key may not sign" },
		{ "short", "asking the token: the module failed" },
		{ "sign 70", "asking the token: the token has no HMAC-SHA-256" },
	};
	struct err err;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		err = (struct err){ "" };
		ck_assert_ptr_null(open_fake(rows[i].say, &err));
		ck_assert_msg(strstr(err.text, rows[i].words) == err.text, "%s: %s", rows[i].say, err.text);
	}
}
END_TEST

/* A token is known by the whole of its label */
START_TEST(another_label)
{
	static const char *const labels[] = { "fak", "faker", "Fake", "", "fake                            x" };

	unsetenv("FAKE_TOKEN");
	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
		struct kek_token_cfg cfg = { .module = MODULE, .label = labels[i], .key = "key", .pin = { 4, "1234" } };
		struct err err = { "" };

		ck_assert_ptr_null(kek_token_open(&cfg, &err));
		ck_assert_str_eq(err.text, "there is no token of this label");
	}
}
END_TEST

START_TEST(lost_later)
{
	struct err err = { "" };
	struct kek_token *t = open_fake("", &err);
	uint8_t mac[32];

	ck_assert_msg(t != NULL, "%s", err.text);
	ck_assert_int_eq(kek_token_hmac(t, mac, span_str("x"), &err), 0);
	setenv("FAKE_TOKEN", "sign 101", 1);
	ck_assert_int_lt(kek_token_hmac(t, mac, span_str("x"), &err), 0);
	ck_assert_str_eq(err.text, "asking the token: we are not logged in any more");
	setenv("FAKE_TOKEN", "sign e0", 1);
	ck_assert_int_lt(kek_token_hmac(t, mac, span_str("x"), &err), 0);
	ck_assert_str_eq(err.text, "asking the token: the token is lost");
	kek_token_free(t);
	kek_token_free(NULL);
}
END_TEST

/* Two keys in tokens of one module: it is open already */
START_TEST(opened_before)
{
	struct err err = { "" };
	struct kek_token *first = open_fake("", &err), *second = open_fake("initialize 191", &err);
	uint8_t mac[32];

	ck_assert_msg(first && second, "%s", err.text);
	ck_assert_int_eq(kek_token_hmac(second, mac, span_str("x"), &err), 0);
	kek_token_free(second);
	ck_assert_int_eq(kek_token_hmac(first, mac, span_str("x"), &err), 0);
	kek_token_free(first);
}
END_TEST

/* A child has the module's memory, but not its session */
START_TEST(child)
{
	struct err err = { "" };
	struct kek_token *t = open_fake("", &err);
	uint8_t mac[32];
	int status;
	pid_t pid;

	ck_assert_ptr_nonnull(t);
	pid = fork();
	if (pid == 0)
		_exit(kek_token_hmac(t, mac, span_str("x"), &err) < 0 && strstr(err.text, "a child") ? 42 : 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(WEXITSTATUS(status), 42);
	ck_assert_int_eq(kek_token_hmac(t, mac, span_str("x"), &err), 0);
	kek_token_free(t);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { words, another_label, lost_later, opened_before, child };

	return suite_run("KEK in a token", NULL, NULL, tests, sizeof(tests) / sizeof(tests[0]));
}
