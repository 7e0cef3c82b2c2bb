/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What an operator withdraws is true at a NAF that has the key: it asks again (recheck_s), or is told (gba_naf_drop()). */
#include <errno.h>
#include <poll.h>

#include "tests/unit/naf_device.h"

#define USS "<ussList><uss id=\"7\" type=\"1\"><uids><uid>%s</uid></uids></uss></ussList>"

static struct gba_naf *asking(unsigned recheck_s)
{
	struct gba_naf_config c;

	gba_naf_config_init(&c);
	ck_assert_uint_eq(c.recheck_s, 60);
	c.recheck_s = recheck_s;
	return context(&c);
}

static int fetch(struct gba_naf *naf)
{
	struct gba_naf_key *key = NULL;
	int rc = gba_naf_fetch_key(naf, BTID, NULL, &key);

	gba_naf_key_free(key);
	return rc;
}

static int fetch_after(struct gba_naf *naf, unsigned ms)
{
	clock_now.mono_ms += ms;
	return fetch(naf);
}

static unsigned asked(void)
{
	return gba_naf_fake_asked(fake);
}

/* Half of the time over: asked beside the request, which is served; then not again before half of it is over once more */
START_TEST(beside)
{
	struct gba_naf *naf = asking(60);

	ck_assert_int_eq(fetch(naf), 0);
	ck_assert_int_eq(fetch_after(naf, 29999), 0);
	ck_assert_uint_eq(asked(), 1);
	ck_assert_int_eq(fetch_after(naf, 1), 0);
	ck_assert_uint_eq(asked(), 2);
	ck_assert_int_eq(fetch(naf), 0);
	ck_assert_int_eq(fetch_after(naf, 29999), 0);
	ck_assert_uint_eq(asked(), 2);
	done(naf);
}
END_TEST

/* A key withdrawn at the BSF serves until the answer, and is gone with it */
START_TEST(withdrawn_in_use)
{
	static const struct {
		enum gba_naf_fake_mood mood;
		bool known;
		int rc;
	} t[] = {
		{ GBA_NAF_FAKE_NORMAL, false, -ENOENT },
		{ GBA_NAF_FAKE_REFUSE, true, -EPERM },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct gba_naf *naf = asking(60);

		ck_assert_int_eq(fetch(naf), 0);
		gba_naf_fake_set(fake, t[i].mood);
		if (!t[i].known)
			gba_naf_fake_remove(fake, BTID);
		ck_assert_int_eq(fetch_after(naf, 29999), 0);
		ck_assert_int_eq(fetch_after(naf, 1), 0);
		ck_assert_int_eq(fetch(naf), t[i].rc);
		done(naf);
	}
}
END_TEST

/* Nobody came for the whole time: the first one who does is not served by what was withdrawn meanwhile */
START_TEST(withdrawn_while_idle)
{
	struct gba_naf *naf = asking(60);

	ck_assert_int_eq(fetch(naf), 0);
	gba_naf_fake_set(fake, GBA_NAF_FAKE_REFUSE);
	ck_assert_int_eq(fetch_after(naf, 60000), -EPERM);
	gba_naf_fake_set(fake, GBA_NAF_FAKE_NORMAL);
	ck_assert_int_eq(fetch_after(naf, 5000), 0); /* refusal_s: a right that is given again */
	done(naf);
}
END_TEST

/* The BSF cannot be asked: the key serves on, and is asked for again each half of the time only */
START_TEST(bsf_away)
{
	static const enum gba_naf_fake_mood moods[] = { GBA_NAF_FAKE_DOWN, GBA_NAF_FAKE_BROKEN };

	for (size_t i = 0; i < sizeof(moods) / sizeof(moods[0]); i++) {
		struct gba_naf *naf = asking(60);

		ck_assert_int_eq(fetch(naf), 0);
		gba_naf_fake_set(fake, moods[i]);
		for (unsigned n = 0; n < 10; n++) {
			ck_assert_int_eq(fetch_after(naf, 20000), 0);
		}
		ck_assert_uint_le(asked(), 6);
		gba_naf_fake_set(fake, GBA_NAF_FAKE_REFUSE);
		ck_assert_int_eq(fetch_after(naf, 30000), -EPERM);
		done(naf);
	}
}
END_TEST

START_TEST(off)
{
	struct gba_naf *naf = asking(0);

	ck_assert_int_eq(fetch(naf), 0);
	gba_naf_fake_set(fake, GBA_NAF_FAKE_REFUSE);
	ck_assert_int_eq(fetch_after(naf, 3000000), 0);
	ck_assert_uint_eq(asked(), 1);
	done(naf);
}
END_TEST

/* A BSF that does not answer: who asks for an idle key waits to the deadline, once, and has it; a question beside a request leaves
 * its place when its time is over */
START_TEST(silent)
{
	struct gba_naf_config c;
	struct gba_naf *naf;

	gba_naf_config_init(&c);
	c.deadline_ms = 20;
	c.in_flight = 1;
	naf = context(&c);
	ck_assert_int_eq(fetch(naf), 0);
	gba_naf_fake_set(fake, GBA_NAF_FAKE_SILENT);
	ck_assert_int_eq(fetch_after(naf, 60000), 0);
	ck_assert_int_eq(fetch_after(naf, 30000), 0);
	ck_assert_uint_eq(asked(), 3);
	clock_now.mono_ms += 10000;
	poll(NULL, 0, 25); /* the deadline is real time */
	gba_naf_fake_set(fake, GBA_NAF_FAKE_REFUSE);
	ck_assert_int_eq(fetch_after(naf, 60000), -EPERM);
	done(naf);
}
END_TEST

/* The same without waiting */
START_TEST(in_a_loop)
{
	struct gba_naf *naf = asking(60);
	struct gba_naf_fetch *f;
	struct gba_naf_key *key = NULL;

	ck_assert_int_eq(fetch(naf), 0);
	clock_now.mono_ms += 30000;
	ck_assert_int_eq(gba_naf_fetch_start(naf, BTID, NULL, &f), 0);
	ck_assert_int_eq(gba_naf_fetch_fd(f), -1);
	ck_assert_int_eq(gba_naf_fetch_finish(f, &key), 0);
	gba_naf_key_free(key);
	ck_assert_uint_eq(asked(), 2);
	gba_naf_fake_set(fake, GBA_NAF_FAKE_DOWN);
	clock_now.mono_ms += 60000;
	ck_assert_int_eq(gba_naf_fetch_start(naf, BTID, NULL, &f), 0);
	ck_assert_int_eq(gba_naf_fetch_finish(f, &key), 0);
	gba_naf_key_free(key);
	gba_naf_fake_set(fake, GBA_NAF_FAKE_REFUSE);
	clock_now.mono_ms += 60000;
	ck_assert_int_eq(gba_naf_fetch_start(naf, BTID, NULL, &f), 0);
	ck_assert_int_ge(gba_naf_fetch_fd(f), 0);
	ck_assert_int_eq(gba_naf_fetch_finish(f, &key), -EPERM);
	clock_now.mono_ms += 60000;
	ck_assert_int_eq(gba_naf_fetch_start(naf, BTID, NULL, &f), 0);
	gba_naf_fetch_cancel(f);
	done(naf);
}
END_TEST

/* Wrong responses are counted on, also when the key was confirmed in between */
START_TEST(failures_stay)
{
	const struct naf_ks_cfg cfg = { .keys = 10, .refusals = 10, .refusal_s = 5 };
	struct naf_ks *ks = naf_ks_new(&cfg);
	struct btid btid = { .domain = BSF };
	struct gba_naf_key out;
	struct naf_id naf_id;
	struct naf_ks_id id;

	ck_assert_int_eq(naf_id_make(&naf_id, HOST, UA_ID_HTTP_DIGEST), 0);
	naf_ks_id_make(&id, &btid, &naf_id);
	for (unsigned n = 1; n < 4; n++) {
		struct naf_now now = { .wall_s = 1000, .mono_ms = 1000 * n };
		struct gba_naf_key key = { .expires_at = 2000, .created_at = 1000 };

		ck_assert_int_eq(naf_ks_put(ks, &id, &now, &key, &out), 0);
		naf_key_clear(&out);
		ck_assert_uint_eq(naf_ks_failed(ks, &id), n);
	}
	naf_ks_free(ks);
}
END_TEST

static void give_list(const char *btid, char *uss)
{
	struct gba_naf_key key = the_key();

	gba_naf_fake_remove(fake, btid);
	key.uss_list = uss;
	key.uss_list_len = strlen(uss);
	ck_assert_int_eq(gba_naf_fake_add(fake, btid, &key), 0);
}

static void give(const char *btid, const char *uid)
{
	char uss[256];

	snprintf(uss, sizeof(uss), USS, uid);
	give_list(btid, uss);
}

static void fetch_both(struct gba_naf *naf)
{
	struct gba_naf_key *key;

	ck_assert_int_eq(fetch(naf), 0);
	ck_assert_int_eq(gba_naf_fetch_key(naf, OTHER, NULL, &key), 0);
	gba_naf_key_free(key);
}

/* A question beside a request has its time, too: then it takes nobody's place */
START_TEST(silent_beside)
{
	struct gba_naf_config c;
	struct gba_naf_key *key;
	struct gba_naf *naf;

	gba_naf_config_init(&c);
	c.deadline_ms = 20;
	c.in_flight = 1;
	naf = context(&c);
	give(OTHER, "x");
	ck_assert_int_eq(fetch(naf), 0);
	gba_naf_fake_set(fake, GBA_NAF_FAKE_SILENT);
	ck_assert_int_eq(fetch_after(naf, 30000), 0);
	ck_assert_uint_eq(asked(), 2);
	gba_naf_fake_set(fake, GBA_NAF_FAKE_NORMAL);
	poll(NULL, 0, 25); /* the deadline is real time */
	ck_assert_int_eq(gba_naf_fetch_key(naf, OTHER, NULL, &key), 0);
	gba_naf_key_free(key);
	done(naf);
}
END_TEST

START_TEST(dropped)
{
	struct gba_naf *naf = asking(60);
	char upper[sizeof(BTID)];

	give(BTID, "a&amp;b");
	give(OTHER, "ab");
	fetch_both(naf);
	ck_assert_uint_eq(asked(), 2);
	ck_assert_int_eq(gba_naf_drop(naf, NULL, "a"), 0);
	ck_assert_int_eq(gba_naf_drop(naf, NULL, "b"), 0);
	ck_assert_int_eq(gba_naf_drop(naf, NULL, "a&b"), 1);
	fetch_both(naf);
	ck_assert_uint_eq(asked(), 3);
	ck_assert_int_eq(gba_naf_drop(naf, NULL, "ab"), 1);
	fetch_both(naf);
	ck_assert_uint_eq(asked(), 4);
	strcpy(upper, BTID); /* a domain in another case is the same B-TID */
	upper[strlen(BTID) - 1] -= 'a' - 'A';
	ck_assert_int_eq(gba_naf_drop(naf, upper, NULL), 1);
	ck_assert_int_eq(gba_naf_drop(naf, BTID, NULL), 0);
	fetch_both(naf);
	ck_assert_uint_eq(asked(), 5);
	give_list(BTID, "<ussList><uss id=\"7\"><uids><uid>ab</uid>"); /* cut off: the uid may be anybody's */
	ck_assert_int_eq(gba_naf_drop(naf, BTID, NULL), 1);
	ck_assert_int_eq(fetch(naf), 0);
	ck_assert_int_eq(gba_naf_drop(naf, NULL, "xy"), 0);
	ck_assert_int_eq(gba_naf_drop(naf, NULL, "a"), 1);
	ck_assert_int_eq(gba_naf_drop(naf, BTID, "a"), -EINVAL);
	ck_assert_int_eq(gba_naf_drop(naf, NULL, NULL), -EINVAL);
	ck_assert_int_eq(gba_naf_drop(naf, "nonsense", NULL), -EINVAL);
	ck_assert_int_eq(gba_naf_drop(NULL, BTID, NULL), -EINVAL);
	done(naf);
}
END_TEST

/* A refusal is forgotten, too: what was just given is true at once */
START_TEST(dropped_refusal)
{
	struct gba_naf *naf = asking(60);

	gba_naf_fake_set(fake, GBA_NAF_FAKE_REFUSE);
	ck_assert_int_eq(fetch(naf), -EPERM);
	gba_naf_fake_set(fake, GBA_NAF_FAKE_NORMAL);
	ck_assert_int_eq(fetch(naf), -EPERM);
	ck_assert_int_eq(gba_naf_drop(naf, BTID, NULL), 0);
	ck_assert_int_eq(fetch(naf), 0);
	done(naf);
}
END_TEST

/* An answer that was on its way when the key was dropped serves who waits, and is not kept */
START_TEST(dropped_on_its_way)
{
	struct gba_naf *naf = asking(60);
	struct naf_live *live = naf_ctx_live(naf);
	struct gba_naf_key *key = NULL, given = the_key();
	struct gba_naf_fetch *f;

	gba_naf_fake_set(fake, GBA_NAF_FAKE_SILENT);
	ck_assert_int_eq(gba_naf_fetch_start(naf, BTID, NULL, &f), 0);
	ck_assert_int_eq(gba_naf_drop(naf, NULL, "x"), 0);
	naf_zn_answer(live->zn, 1, 0, &given);
	ck_assert_int_eq(gba_naf_fetch_finish(f, &key), 0);
	gba_naf_key_free(key);
	gba_naf_fake_set(fake, GBA_NAF_FAKE_REFUSE);
	ck_assert_int_eq(fetch(naf), -EPERM);
	done(naf);
}
END_TEST

SUITE("naf_recheck", beside, withdrawn_in_use, withdrawn_while_idle, bsf_away, off, silent, silent_beside, in_a_loop,
      failures_stay, dropped, dropped_refusal, dropped_on_its_way)
