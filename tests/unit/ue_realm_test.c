/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* When a device's keys end (33.220 4.4.11): card pulled, swapped, not there at the start, time over. With a card that does what
 * the test says; real ones are in tests/e2e. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/unit/suite.h"
#include "ue/card/card_ops.h"
#include "ue/lib/ue_device.h"
#include "ue/lib/ue_key.h"

static struct {
	bool present, changed; /* changed: it was out since it was opened */
	bool cannot_tell;
	unsigned caps, opened, checked;
	const char *serial;
} slot;

static char state[100], file[120];

static int slot_check(struct card *c, struct err *err)
{
	slot.checked++;
	if (slot.cannot_tell)
		return err_set(err, -EIO, "no answer");
	return slot.present && !slot.changed ? 0 : err_set(err, -ENODEV, "gone");
}

static void slot_close(struct card *c)
{
	free(c->state_path);
	free(c);
}

static const struct card_ops slot_ops = { .check = slot_check, .close = slot_close };

static int slot_open(struct card **out, const char *path, struct err *err)
{
	struct card *c;

	if (!slot.present)
		return err_set(err, -ENODEV, "%s: no card", path);
	c = calloc(1, sizeof(*c));
	c->ops = &slot_ops;
	c->caps = slot.caps;
	ck_assert_int_eq(card_set_usim(c, "001010000000001", 2, err), 0);
	snprintf(c->serial, sizeof(c->serial), "%s", slot.serial);
	c->state_path = strdup(state);
	slot.changed = false;
	slot.opened++;
	*out = c;
	return 0;
}

static struct gba_ue *ue;
static struct ue_realm *r;

/* A device with this card and a key of it, on disk too. */
static void with_key(unsigned caps, time_t life)
{
	slot = (typeof(slot)){ .present = true, .caps = caps | CARD_CAP_3G, .serial = "1" };
	gba_ue_free(ue);
	ue = gba_ue_new(NULL, NULL, 0);
	ck_assert_int_eq(gba_ue_realm_add(ue, "home", "slot", "http://127.0.0.1:9/", state, NULL, 0), 0);
	r = ue->realms[0];
	r->open = slot_open;
	ck_assert_int_eq(ue_realm_ready(r, NULL), 0);
	r->keys.has_ks = r->keys.has_tmpi = true;
	r->keys.ks = secret_of("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
	strcpy(r->keys.btid, "BwcHBwcHBwcHBwcHBwcHBw==@bsf.example.com");
	r->keys.expires_at = time(NULL) + life;
	ck_assert_int_eq(key_store_save(&r->keys, NULL), 0);
}

static bool on_disk(const char *text)
{
	char buf[4096] = "";
	FILE *f = fopen(file, "r");

	if (!f)
		return false;
	buf[fread(buf, 1, sizeof(buf) - 1, f)] = '\0';
	fclose(f);
	return strstr(buf, text) != NULL;
}

/* Polls the descriptor, as a program does. \returns ms until the key was gone; 5000: it was not */
static uint64_t until_gone(void)
{
	const uint64_t began = clock_mono_ms();

	while (clock_mono_ms() - began < 5000 && (r->keys.has_ks || on_disk("btid"))) {
		struct pollfd p = { .fd = gba_ue_fd(ue), .events = POLLIN };

		poll(&p, 1, 5000);
		gba_ue_step(ue);
	}
	return clock_mono_ms() - began;
}

static void setup(void)
{
	snprintf(state, sizeof(state), "ue_realm_test.%d", (int)getpid());
	snprintf(file, sizeof(file), "%s.gba", state);
}

static void teardown(void)
{
	char key[130];

	gba_ue_free(ue);
	ue = NULL;
	snprintf(key, sizeof(key), "%s.key", file);
	unlink(file);
	unlink(key);
}

/* 220-4.4.11-1: nobody asks for anything; the descriptor tells */
START_TEST(pulled)
{
	struct gba_ue_key old = { .expires_at = time(NULL) + 100, .realm = "home" };

	with_key(CARD_CAP_REMOVAL, 3600);
	ck_assert(gba_ue_key_valid(ue, &old));
	gba_ue_step(ue);
	slot.present = false;
	ck_assert_uint_lt(until_gone(), 1000);
	ck_assert(!on_disk("tmpi") && !on_disk("sealed"));
	ck_assert_msg(!gba_ue_key_valid(ue, &old), "a program is not told");
	ck_assert(!gba_ue_token_at(ue, 0)->card);
	slot.present = true;
	ck_assert(gba_ue_token_at(ue, 0)->card && !gba_ue_token_at(ue, 0)->key);
}
END_TEST

/* out and in again between two looks: the card's event counter tells */
START_TEST(swapped_while_nobody_looked)
{
	with_key(CARD_CAP_REMOVAL, 3600);
	slot.changed = true;
	slot.serial = "2";
	ck_assert_int_eq(ue_realm_ready(r, NULL), 0);
	ck_assert(r->card && !r->keys.has_ks && !r->keys.has_tmpi && !on_disk("btid"));
	ck_assert_str_eq(r->keys.serial, "2");
	ck_assert_uint_eq(slot.opened, 2);
}
END_TEST

/* one that cannot tell is asked before each use, and not else */
START_TEST(without_removal)
{
	unsigned before;

	with_key(0, 3600);
	before = slot.checked;
	gba_ue_step(ue);
	ue_realm_life(r);
	ck_assert_uint_eq(slot.checked, before);
	slot.changed = true;
	ck_assert(gba_ue_finish(gba_ue_start(ue, GBA_UE_APP_ANY, "naf1.example.com", NULL, false, NULL), NULL) !=
		  GBA_UE_OK);
	ck_assert(!r->keys.has_ks && !on_disk("btid"));
}
END_TEST

/* not known is neither there nor gone: nothing is used, nothing deleted */
START_TEST(cannot_be_told)
{
	struct gba_ue_request *q;

	with_key(CARD_CAP_REMOVAL, 3600);
	slot.cannot_tell = true;
	q = gba_ue_start(ue, GBA_UE_APP_ANY, "naf1.example.com", NULL, false, NULL);
	ck_assert_int_eq(gba_ue_finish(q, NULL), GBA_UE_FEATURE_NOT_READY);
	ck_assert(r->keys.has_ks && on_disk("btid"));
	slot.cannot_tell = false;
	q = gba_ue_start(ue, GBA_UE_APP_ANY, "naf1.example.com", NULL, false, NULL);
	ck_assert_int_eq(gba_ue_finish(q, NULL), GBA_UE_OK);
}
END_TEST

/* 220-4.4.11-1: in the middle of a run */
START_TEST(pulled_in_a_run)
{
	struct gba_ue_request *q;

	with_key(CARD_CAP_REMOVAL, 3600);
	q = gba_ue_start(ue, GBA_UE_APP_ANY, "naf1.example.com", NULL, true, NULL);
	ck_assert_int_eq(gba_ue_reason(q), GBA_UE_PENDING);
	slot.present = false;
	r->check_at = 0;
	gba_ue_step(ue);
	ck_assert_int_eq(gba_ue_reason(q), GBA_UE_FEATURE_NOT_READY);
	ck_assert_msg(strstr(gba_ue_text(q), "taken out") || strstr(gba_ue_text(q), "no card"), "%s", gba_ue_text(q));
	gba_ue_finish(q, NULL);
	ck_assert(!r->ub.run && !on_disk("btid"));
}
END_TEST

/* 220-4.4.11-2, 220-4.4.11-3: another card at the start, and none; one that only cannot be opened deletes nothing */
/* A program polls, steps, and only then looks: what another call has seen ends a request within a step that the descriptor asks
 * for, also when nothing else comes. */
static void ends_by_the_descriptor(struct gba_ue_request *q)
{
	while (gba_ue_reason(q) == GBA_UE_PENDING) {
		struct pollfd p = { .fd = gba_ue_fd(ue), .events = POLLIN };

		ck_assert_int_eq(poll(&p, 1, 3000), 1);
		gba_ue_step(ue);
	}
	ck_assert_int_ne(gba_ue_finish(q, NULL), GBA_UE_OK);
}

START_TEST(one_request_does_not_end_another)
{
	struct gba_ue_request *first, *second;

	with_key(0, 3600);
	first = gba_ue_start(ue, GBA_UE_APP_ANY, "naf1.example.com", NULL, true, NULL);
	for (int i = 0; i < 20; i++) { /* nobody listens there: its run is over after a few looks */
		struct pollfd p = { .fd = gba_ue_fd(ue), .events = POLLIN };

		poll(&p, 1, 20);
		second = gba_ue_start(ue, GBA_UE_APP_ANY, "naf2.example.com", NULL, false, NULL);
		ck_assert_int_eq(gba_ue_finish(second, NULL), GBA_UE_OK);
		ck_assert_int_eq(gba_ue_reason(first), GBA_UE_PENDING);
	}
	ends_by_the_descriptor(first);
}
END_TEST

START_TEST(a_look_at_the_card_ends_a_run)
{
	struct gba_ue_request *q;

	with_key(0, 3600);
	q = gba_ue_start(ue, GBA_UE_APP_ANY, "naf1.example.com", NULL, true, NULL);
	slot.present = false;
	ck_assert(!gba_ue_token_at(ue, 0)->card);
	ck_assert_int_eq(gba_ue_reason(q), GBA_UE_PENDING);
	ends_by_the_descriptor(q);
}
END_TEST

/* Who waited for a realm gets his key from the one that is made active: now, not when something else comes. */
START_TEST(another_realm_serves_at_once)
{
	struct gba_ue_request *q;
	struct pollfd clock;

	with_key(0, 3600);
	ck_assert_int_eq(gba_ue_realm_add(ue, "work", "/nowhere/card", NULL, NULL, NULL, 0), 0);
	q = gba_ue_start(ue, GBA_UE_APP_ANY, "naf1.example.com", NULL, true, NULL);
	ck_assert_int_eq(gba_ue_reason(q), GBA_UE_PENDING);
	clock = (struct pollfd){ .fd = ue->clock_fd, .events = POLLIN };
	ck_assert_int_eq(poll(&clock, 1, 0), 0);
	ck_assert_int_eq(gba_ue_realm_use(ue, "work"), 0);
	ck_assert_int_eq(poll(&clock, 1, 3000), 1);
	gba_ue_step(ue);
	ck_assert_int_eq(gba_ue_finish(q, NULL), GBA_UE_FEATURE_NOT_READY);
}
END_TEST

START_TEST(at_power_up)
{
	with_key(CARD_CAP_REMOVAL, 3600);
	gba_ue_free(ue);
	ue = gba_ue_new(NULL, NULL, 0);
	ck_assert_int_eq(gba_ue_realm_add(ue, "home", "slot", NULL, state, NULL, 0), 0);
	r = ue->realms[0];
	ck_assert(!gba_ue_token_at(ue, 0)->card || !on_disk("btid")); /* "slot" is no file of a soft card */
	with_key(CARD_CAP_REMOVAL, 3600);
	gba_ue_free(ue);
	slot.serial = "3";
	ue = gba_ue_new(NULL, NULL, 0);
	gba_ue_realm_add(ue, "home", "slot", NULL, state, NULL, 0);
	r = ue->realms[0];
	r->open = slot_open;
	ck_assert(gba_ue_token_at(ue, 0)->card && !gba_ue_token_at(ue, 0)->key && !on_disk("btid"));
	with_key(CARD_CAP_REMOVAL, 3600);
	gba_ue_free(ue);
	slot.present = false;
	ue = gba_ue_new(NULL, NULL, 0);
	gba_ue_realm_add(ue, "home", "slot", NULL, state, NULL, 0);
	r = ue->realms[0];
	r->open = slot_open;
	ck_assert(!gba_ue_token_at(ue, 0)->card && access(file, F_OK) != 0);
}
END_TEST

/* 220-4.4.11-4: within a second, the TMPI stays */
START_TEST(over)
{
	time_t end;

	with_key(0, 2);
	end = r->keys.expires_at;
	gba_ue_step(ue);
	until_gone();
	ck_assert(!r->keys.has_ks && !r->keys.ks.len && r->keys.has_tmpi && on_disk("tmpi") && !on_disk("btid"));
	ck_assert_int_le(time(NULL), end + 1);
}
END_TEST

/* A key that somebody has is made anew before its end: renew_s before, but not in the first half of its life */
START_TEST(renewed_when)
{
	static const struct {
		time_t life, before;
		unsigned renew_s;
	} rows[] = { { 3600, 100, 100 }, { 100, 50, 100 }, { 101, 50, 600 } };
	time_t at, end;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		with_key(0, rows[i].life);
		r->renew_s = rows[i].renew_s;
		end = r->keys.expires_at;
		ue_realm_life(r);
		(void)ue_realm_next(r, &at);
		ck_assert_msg(at == end, "row %zu: nobody has it", i);
		r->given = true;
		(void)ue_realm_next(r, &at);
		ck_assert_msg(at >= end - rows[i].before - 2 && at <= end - rows[i].before + 2, "row %zu: %ld s before",
			      i, (long)(end - at));
	}
}
END_TEST

/* a run that fails, or never answers, leaves the key there is; who waits may leave */
START_TEST(given_up)
{
	struct gba_ue_request *q;

	with_key(0, 3600);
	q = gba_ue_start(ue, GBA_UE_APP_ANY, NULL, NULL, true, NULL);
	ck_assert_int_eq(gba_ue_finish(q, NULL), GBA_UE_PENDING);
	q = gba_ue_start(ue, GBA_UE_APP_ANY, NULL, NULL, true, NULL);
	ck_assert_int_eq(gba_ue_wait(q, 5000), GBA_UE_NETWORK_FAILURE); /* nobody listens on port 9 */
	gba_ue_finish(q, NULL);
	q = gba_ue_start(ue, GBA_UE_APP_ANY, "naf1.example.com", NULL, false, NULL);
	ck_assert_int_eq(gba_ue_finish(q, NULL), GBA_UE_OK);
}
END_TEST

SUITE_WITH_FIXTURE("ue_realm", setup, teardown, pulled, swapped_while_nobody_looked, without_removal, cannot_be_told,
		   pulled_in_a_run, one_request_does_not_end_another, a_look_at_the_card_ends_a_run,
		   another_realm_serves_at_once, at_power_up, over, renewed_when, given_up)
