/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The clock of Redis as a shard knows it: the best of what it has said, how far ours is off, and of two masters the odd one. */
#include <stdio.h>
#include <stdlib.h>
#include <osmocom/core/application.h>

#include "bsf/store/redis.h"
#include "common/base/clock.h"
#include "common/rt/log_cat.h"
#include "tests/store/harness.h"
#include "tests/unit/suite.h"

#define S_US  1000000ll
#define MS_US 1000ll

static struct store_redis shared;
static struct redis_part part;
static char refused[REDIS_LINK_WHY]; /* "": it was not */
static unsigned said;                /* about our clock */

static void on_greet(void *unused)
{
}

static void on_state(void *unused, bool up, const char *why)
{
	snprintf(refused, sizeof(refused), "%s", why);
}

static void capture(struct log_target *t, unsigned int level, const char *line)
{
	said += strstr(line, "our clock") != NULL;
}

static void setup(void)
{
	static const struct redis_link_ops ops = { .greet = on_greet, .state = on_state };
	struct redis_link_cfg cfg = { .addr = { .ss_family = AF_UNSPEC }, .ops = &ops };
	struct log_target *t;

	ck_assert_int_eq(osmo_init_logging2(NULL, &gba_log_info), 0);
	log_del_target(osmo_stderr_target);
	t = log_target_create();
	t->output = capture;
	log_set_all_filter(t, 1);
	log_add_target(t);
	ck_assert_int_eq(log_relay_init(), 0);
	shared = (struct store_redis){ .links = 0 };
	part = (struct redis_part){ .shared = &shared, .link = redis_link_new(&cfg), .run_id = "a" };
	refused[0] = '\0';
	said = 0;
}

static void teardown(void)
{
	redis_link_free(part.link);
}

/* \param[in] us how far its clock is ahead of our time of day */
static void server_says(int64_t us)
{
	redis_clock_take(&part, (int64_t)clock_wall_ms() * MS_US + us);
}

/* Of our monotonic clock, ms: about the same as off_us of the time of day */
static int64_t ahead_ms(int64_t off_us)
{
	return (int64_t)clock_wall_ms() - (int64_t)clock_mono_ms() + off_us / MS_US;
}

/* What it says later than it was read is less: the most counts. One that was put back by more than that is believed */
START_TEST(best_counts)
{
	server_says(0);
	ck_assert_int_ge(part.clock_ms, ahead_ms(0) - 100);
	ck_assert_int_le(part.clock_ms, ahead_ms(0) + 100);
	server_says(-500 * MS_US);
	ck_assert_int_ge(part.clock_ms, ahead_ms(0) - 100);
	server_says(400 * MS_US);
	ck_assert_int_ge(part.clock_ms, ahead_ms(400 * MS_US) - 100);
	server_says(-1500 * MS_US);
	ck_assert_int_le(part.clock_ms, ahead_ms(-1500 * MS_US) + 100);
	ck_assert_str_eq(refused, "");
}
END_TEST

/* From 2 s on it is said, once, and once more when it is over; from 5 s on it is not used, and nothing is learnt of it */
START_TEST(off_is_said)
{
	static const struct {
		int64_t us;
		unsigned said;
		const char *words; /* NULL: it is used */
	} rows[] = {
		{ 1800 * MS_US, 0, NULL },
		{ 2200 * MS_US, 1, NULL },
		{ 2200 * MS_US, 1, NULL },
		{ -2200 * MS_US, 1, NULL },
		{ 0, 2, NULL },
		{ -4800 * MS_US, 3, NULL },
		{ -5200 * MS_US, 3, "our clock is 5 s ahead of its; allowed: 5 s" },
		{ 3600 * S_US + 200 * MS_US, 3, "our clock is 3600 s behind its; allowed: 5 s" },
		{ 0, 4, NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t before = part.clock_ms;

		refused[0] = '\0';
		server_says(rows[i].us);
		ck_assert_msg(said == rows[i].said, "row %zu: said %u times", i, said);
		ck_assert_msg(strcmp(refused, rows[i].words ? rows[i].words : "") == 0, "row %zu: %s", i, refused);
		ck_assert_int_eq(atomic_load(&shared.off_said), rows[i].said % 2);
		ck_assert_int_le(llabs(atomic_load(&shared.off_ms) + rows[i].us / MS_US), 100);
		if (rows[i].words)
			ck_assert_int_eq(part.clock_ms, before);
	}
}
END_TEST

/* Of two masters whose clocks are 5 s apart the one that is farther from ours is not used; the same one may be put right */
START_TEST(odd_master)
{
	static const struct {
		int64_t us;
		const char *run;
		bool odd;
	} rows[] = {
		{ -2 * S_US, "a", false }, { 4 * S_US, "a", false }, { -2 * S_US, "a", false },
		{ 4 * S_US, "b", true },   { 2 * S_US, "b", false }, { -4 * S_US, "a", true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t before = part.clock_ms;

		refused[0] = '\0';
		strcpy(part.run_id, rows[i].run);
		server_says(rows[i].us);
		ck_assert_msg((strstr(refused, "differ by 5 s or more") != NULL) == rows[i].odd, "row %zu: %s", i,
			      refused);
		if (rows[i].odd)
			ck_assert_int_eq(part.clock_ms, before);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { best_counts, off_is_said, odd_master };

	return suite_run("clock of Redis", setup, teardown, tests, sizeof(tests) / sizeof(tests[0]));
}
