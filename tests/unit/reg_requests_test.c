/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Orders as each role gives them, on a database of their own. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "reg/reg_cfg.h"
#include "reg/reg_inbox.h"
#include "reg/reg_requests.h"
#include "reg/reg_returns.h"
#include "tests/unit/suite.h"

#define FQDN "video.example.com"
#define BACK "https://video.example.com/back"

static char folder[] = "/tmp/reg_requests.XXXXXX";
static struct reg_db *db;
static int64_t asp, other_asp, user, other_user;
static char device[64], other_device[64];

typedef int work_fn(struct reg_order *o, struct reg_db *db);

/* \returns the answer, to be freed, and rc; o->err is printed where the test did not expect it */
static json_t *give(int *rc, enum ctl_word *word, work_fn *work, enum reg_role role, int64_t id, json_t *in)
{
	struct reg_order *o = reg_order_new(work, in);
	json_t *answer;

	ck_assert_ptr_nonnull(o);
	o->caller.role = role;
	o->caller.id = id;
	snprintf(o->caller.name, sizeof(o->caller.name), "role %d row %d", role, (int)id);
	ck_assert_int_eq(sql_exec(db->sql, "SAVEPOINT one"), 0);
	*rc = work(o, db);
	if (*rc < 0)
		sql_exec(db->sql, "ROLLBACK TO one");
	sql_exec(db->sql, "RELEASE one");
	*word = o->word;
	answer = json_incref(o->answer);
	reg_order_free(o);
	return answer;
}

static json_t *done(work_fn *work, enum reg_role role, int64_t id, json_t *in)
{
	enum ctl_word word;
	int rc;
	json_t *answer = give(&rc, &word, work, role, id, in);

	ck_assert_int_ge(rc, 0);
	return answer ? answer : json_object();
}

static enum ctl_word refused(work_fn *work, enum reg_role role, int64_t id, json_t *in)
{
	enum ctl_word word;
	int rc;

	json_decref(give(&rc, &word, work, role, id, in));
	ck_assert_int_lt(rc, 0);
	return word;
}

static const char *text(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s ? s : "";
}

static int64_t number(const char *sql)
{
	int64_t n = -1;

	reg_db_int(db, &n, sql, "");
	return n;
}

static void make_device(char out[64], const char *impi, const char *kyc, int64_t *row)
{
	json_t *u = done(reg_user_add, REG_OPERATOR, 0, json_pack("{ss}", "kyc_ref", kyc));
	json_t *d = done(reg_device_add, REG_OPERATOR, 0, json_pack("{ss}", "impi", impi));

	snprintf(out, 64, "%s", impi);
	json_decref(done(reg_device_custodian, REG_OPERATOR, 0,
			 json_pack("{ss ss}", "device", impi, "user", text(u, "user"))));
	json_decref(d);
	d = done(reg_device_get, REG_OPERATOR, 0, json_pack("{ss}", "device", impi));
	snprintf(out, 64, "%s", text(d, "device"));
	ck_assert_int_eq(reg_db_int(db, row, "SELECT id FROM user WHERE name = ?1", "t", text(u, "user")), 1);
	json_decref(u);
	json_decref(d);
}

static void begin_realm(void)
{
	static char name[] = "bsf.mnc001.mcc001.pub.3gppnetwork.org", address[] = "127.0.0.1",
		    identity[] = "bsf.example", realm[] = "example";
	struct seal_kek kek = { .id = 1 };
	char path[128];
	struct err err;

	strcpy(folder, "/tmp/reg_requests.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/registry.sqlite", folder);
	memset(kek.key.b, 7, SEAL_KEK_LEN);
	kek.key.len = SEAL_KEK_LEN;
	db = reg_db_open(path, &kek, 1, &err);
	ck_assert_msg(db != NULL, "%s", err.text);
	reg_cfg.realm = (struct reg_realm){ { name }, 1, address, identity, realm, 60, { NULL }, 0 };
	json_decref(done(reg_app_add, REG_OPERATOR, 0,
			 json_pack("{ss ss s[s]}", "asp", "acme", "fqdn", FQDN, "addresses", "127.0.0.1/32")));
	json_decref(
		done(reg_app_add, REG_OPERATOR, 0,
		     json_pack("{ss ss s[s]}", "asp", "rival", "fqdn", "tv.example.org", "addresses", "127.0.0.1/32")));
	asp = number("SELECT id FROM asp WHERE name = 'acme'");
	other_asp = number("SELECT id FROM asp WHERE name = 'rival'");
	make_device(device, "one@example.com", "k1", &user);
	make_device(other_device, "two@example.com", "k2", &other_user);
	json_decref(
		done(reg_returns_put, REG_ASP, asp, json_pack("{ss s[s]}", "fqdn", FQDN, "return_addresses", BACK)));
}

static void end_realm(void)
{
	static const char *const files[] = { "registry.sqlite", "registry.sqlite-wal", "registry.sqlite-shm",
					     "registry.sqlite.lock" };
	char path[160];

	reg_db_close(db);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
		unlink(path);
	}
	rmdir(folder);
}

static json_t *request(const char *state, const char *back)
{
	return json_pack("{ss ss ss}", "fqdn", FQDN, "state", state, "return", back);
}

static json_t *answered(const char *name, bool agree, const char *of)
{
	return json_pack("{ss sb ss*}", "request", name, "agree", agree, "device", of);
}

static char *begun(void)
{
	json_t *r = done(reg_request_add, REG_ASP, asp, request("s 1", BACK));
	char *name = strdup(text(r, "request"));

	ck_assert_uint_eq(strlen(name), 32);
	ck_assert_str_eq(text(r, "result"), "waiting");
	ck_assert_str_eq(text(r, "state"), "s 1");
	json_decref(r);
	return name;
}

START_TEST(agreed_both_have_consented_and_the_user_goes_back_with_the_state)
{
	char *name = begun();
	json_t *x = done(reg_request_get, REG_USER, user, json_pack("{ss}", "request", name)), *list;

	ck_assert_str_eq(text(x, "fqdn"), FQDN);
	ck_assert_str_eq(text(x, "asp"), "acme");
	ck_assert_msg(!json_object_get(x, "state"), "a state is the ASP's");
	json_decref(x);
	ck_assert_int_eq(number("SELECT count(*) FROM live"), 0);
	x = done(reg_request_answer, REG_USER, user, answered(name, true, device));
	ck_assert_str_eq(text(x, "go_to"), BACK "?state=s%201&result=agreed");
	json_decref(x);
	ck_assert_int_eq(number("SELECT count(*) FROM live"), 1);
	x = done(reg_request_answer, REG_USER, user, answered(name, true, device)); /* sent again */
	ck_assert_str_eq(text(x, "go_to"), BACK "?state=s%201&result=agreed");
	json_decref(x);
	ck_assert_int_eq(refused(reg_request_answer, REG_USER, user, answered(name, false, NULL)), CTL_CONFLICT);
	ck_assert_int_eq(refused(reg_request_answer, REG_USER, other_user, answered(name, true, other_device)),
			 CTL_UNKNOWN);
	list = done(reg_request_list, REG_ASP, asp, json_object());
	x = json_array_get(json_object_get(list, "requests"), 0);
	ck_assert_str_eq(text(x, "result"), "agreed");
	ck_assert_msg(strlen(text(x, "device")) == 32 && strcmp(text(x, "device"), device) != 0,
		      "its pseudonym, not the device");
	json_decref(list);
	list = done(reg_inbox_list, REG_USER, user, json_object());
	x = json_array_get(json_object_get(list, "events"), 1); /* behind "received" */
	ck_assert_uint_eq(json_array_size(json_object_get(list, "events")), 2);
	ck_assert_str_eq(text(x, "event"), "granted");
	ck_assert_str_eq(text(x, "fqdn"), FQDN);
	ck_assert_str_eq(text(x, "asp"), "acme");
	ck_assert_str_eq(text(x, "device"), device);
	ck_assert_msg(*text(x, "gsid"), "the application's identifiers");
	json_decref(list);
	list = done(reg_inbox_list, REG_USER, other_user, json_object());
	ck_assert_uint_eq(json_array_size(json_object_get(list, "events")), 1);
	json_decref(list);
	free(name);
}
END_TEST

START_TEST(refused_nothing_is_granted)
{
	char *name = begun();
	json_t *x = done(reg_request_answer, REG_USER, user, answered(name, false, NULL));

	ck_assert_str_eq(text(x, "go_to"), BACK "?state=s%201&result=refused");
	json_decref(x);
	ck_assert_int_eq(number("SELECT count(*) FROM granted"), 0);
	ck_assert_int_eq(refused(reg_request_answer, REG_USER, user, answered(name, true, device)), CTL_CONFLICT);
	ck_assert_int_eq(refused(reg_request_get, REG_USER, other_user, json_pack("{ss}", "request", name)),
			 CTL_UNKNOWN);
	free(name);
}
END_TEST

START_TEST(an_address_that_is_not_registered_is_never_gone_back_to)
{
	static const char *const others[] = { "https://video.example.com/back/", "https://video.example.com/back?x",
					      "https://evil.example.net/",       "https://video.example.com/",
					      "https://VIDEO.example.com/back",  "" };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ck_assert_int_eq(refused(reg_request_add, REG_ASP, asp, request("s", others[i])), CTL_INVALID);
	ck_assert_int_eq(
		refused(reg_returns_put, REG_ASP, asp,
			json_pack("{ss s[ss]}", "fqdn", FQDN, "return_addresses", BACK, "https://evil.example.net/")),
		CTL_INVALID);
	ck_assert_int_eq(refused(reg_request_add, REG_ASP, asp, request("", BACK)), CTL_INVALID);
	ck_assert_int_eq(number("SELECT count(*) FROM request"), 0);
	ck_assert_int_eq(number("SELECT count(*) FROM return_address"), 1);
}
END_TEST

START_TEST(each_sees_his_own)
{
	char *name = begun();
	json_t *list;

	ck_assert_int_eq(refused(reg_request_add, REG_ASP, other_asp, request("s", BACK)), CTL_UNKNOWN);
	ck_assert_int_eq(refused(reg_returns_put, REG_ASP, other_asp,
				 json_pack("{ss s[s]}", "fqdn", FQDN, "return_addresses", BACK)),
			 CTL_UNKNOWN);
	ck_assert_int_eq(refused(reg_returns_get, REG_ASP, other_asp, json_pack("{ss}", "fqdn", FQDN)), CTL_UNKNOWN);
	ck_assert_int_eq(refused(reg_request_get, REG_ASP, other_asp, json_pack("{ss}", "request", name)), CTL_UNKNOWN);
	ck_assert_int_eq(refused(reg_request_answer, REG_USER, user, answered(name, true, other_device)), CTL_UNKNOWN);
	ck_assert_int_eq(refused(reg_request_answer, REG_USER, user, answered(name, true, NULL)), CTL_INVALID);
	ck_assert_int_eq(
		refused(reg_request_answer, REG_USER, user, answered("0123456789abcdef0123456789abcdef", true, device)),
		CTL_UNKNOWN);
	list = done(reg_request_list, REG_ASP, other_asp, json_object());
	ck_assert_uint_eq(json_array_size(json_object_get(list, "requests")), 0);
	json_decref(list);
	list = done(reg_request_list, REG_USER, user, json_object());
	ck_assert_msg(json_array_size(json_object_get(list, "requests")) == 0,
		      "one whose link nobody has followed is nobody's");
	json_decref(list);
	list = done(reg_request_list, REG_OPERATOR, 0, json_object());
	ck_assert_uint_eq(json_array_size(json_object_get(list, "requests")), 1);
	json_decref(list);
	ck_assert_int_eq(number("SELECT count(*) FROM granted"), 0);
	free(name);
}
END_TEST

START_TEST(one_for_a_device_is_shown_to_its_user_alone)
{
	char *name = begun();
	json_t *in, *list, *x;

	json_decref(done(reg_request_answer, REG_USER, user, answered(name, true, device)));
	free(name);
	list = done(reg_request_list, REG_ASP, asp, json_object());
	in = request("again", BACK);
	json_object_set(in, "device", json_object_get(json_array_get(json_object_get(list, "requests"), 0), "device"));
	json_decref(list);
	json_decref(done(reg_grant_put, REG_USER, user,
			 json_pack("{ss ss sb}", "device", device, "fqdn", FQDN, "user_agrees", 0)));
	x = done(reg_request_add, REG_ASP, asp, in);
	name = strdup(text(x, "request"));
	json_decref(x);
	ck_assert_int_eq(refused(reg_request_get, REG_USER, other_user, json_pack("{ss}", "request", name)),
			 CTL_UNKNOWN);
	ck_assert_int_eq(refused(reg_request_answer, REG_USER, other_user, answered(name, true, other_device)),
			 CTL_UNKNOWN);
	list = done(reg_request_list, REG_USER, user, json_object());
	ck_assert_uint_eq(json_array_size(json_object_get(list, "requests")), 2);
	json_decref(list);
	json_decref(done(reg_request_answer, REG_USER, user, answered(name, true, NULL)));
	ck_assert_int_eq(number("SELECT count(*) FROM live"), 1);
	list = done(reg_inbox_list, REG_USER, user, json_object());
	x = json_object_get(list, "events");
	ck_assert_uint_eq(json_array_size(x), 5);
	ck_assert_str_eq(text(json_array_get(x, 2), "event"), "ended");
	ck_assert_str_eq(text(json_array_get(x, 3), "event"), "request");
	json_decref(list);
	free(name);
}
END_TEST

START_TEST(what_is_over_is_answered_by_nobody)
{
	char *name = begun();

	ck_assert_int_eq(sql_exec(db->sql, "UPDATE request SET expires = 1000"), 0);
	ck_assert_int_eq(refused(reg_request_answer, REG_USER, user, answered(name, true, device)), CTL_CONFLICT);
	ck_assert_int_eq(number("SELECT count(*) FROM granted"), 0);
	free(name);
	free(begun());
	ck_assert_msg(number("SELECT count(*) FROM request") == 1, "what was over long ago is kept");
	ck_assert_int_eq(
		sql_exec(
			db->sql,
			"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 999) INSERT INTO request"
			" (name, app, state, return_to, since, expires) SELECT 'x' || i, 1, 's', 'r', 0, 9999999999 FROM n"),
		0);
	ck_assert_int_eq(refused(reg_request_add, REG_ASP, asp, request("s", BACK)), CTL_CONFLICT);
}
END_TEST

START_TEST(a_thousand_events_of_a_user_are_kept)
{
	int64_t row = number("SELECT id FROM device WHERE custodian IS NOT NULL ORDER BY id LIMIT 1");

	ck_assert_int_eq(sql_exec(db->sql, "BEGIN"), 0);
	for (int i = 0; i < REG_INBOX_MAX + 20; i++)
		ck_assert_int_eq(reg_inbox_tell(db, row, "granted", FQDN), 0);
	ck_assert_int_eq(sql_exec(db->sql, "COMMIT"), 0);
	ck_assert_int_eq(number("SELECT count(*) FROM inbox GROUP BY user ORDER BY 1 DESC LIMIT 1"), REG_INBOX_MAX);
	ck_assert_msg(number("SELECT min(id) FROM inbox WHERE event = 'granted'") > 20, "the oldest go");
}
END_TEST

SUITE_WITH_FIXTURE("reg_requests", begin_realm, end_realm,
		   agreed_both_have_consented_and_the_user_goes_back_with_the_state, refused_nothing_is_granted,
		   an_address_that_is_not_registered_is_never_gone_back_to, each_sees_his_own,
		   one_for_a_device_is_shown_to_its_user_alone, what_is_over_is_answered_by_nobody,
		   a_thousand_events_of_a_user_are_kept)
