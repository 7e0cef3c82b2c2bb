/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Ua over time and in company: offers, counting, lives of nonce and key, moods of the BSF, processes. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/naf_device.h"

static bool is_readable(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms) == 1 && p.revents & POLLIN;
}

START_TEST(header_forms)
{
	static const struct {
		const char *value, *cause;
	} rows[] = {
		{ NULL, "naf_challenged" },
		{ "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "naf_challenged" },
		{ "Digest realm=\"x\"", "naf_challenged" },
		{ "Digest", "naf_syntax" },
		{ "", "naf_syntax" },
		{ "Digest username=\"", "naf_syntax" },
		{ "Digest realm=\"a\", realm=\"b\"", "naf_syntax" },
	};
	struct gba_naf *naf = plain();
	struct device d = good(naf);
	struct gba_naf_answer *a;
	char large[AUTH_HDR_MAX + 2];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		a = send_value(naf, &d, rows[i].value);
		ck_assert_msg(strcmp(gba_naf_cause_name(a->cause), rows[i].cause) == 0, "row %zu: %s", i,
			      gba_naf_cause_name(a->cause));
		gba_naf_answer_free(a);
	}
	memset(large, 'a', sizeof(large));
	memcpy(large, "Digest ", 7);
	large[sizeof(large) - 1] = '\0';
	a = send_value(naf, &d, large);
	ck_assert_int_eq(a->cause, GBA_NAF_CAUSE_SYNTAX);
	gba_naf_answer_free(a);
	done(naf);
}
END_TEST

START_TEST(offers)
{
	struct gba_naf_config c;
	struct gba_naf *naf;
	struct device d;
	struct gba_naf_answer *a;

	gba_naf_config_init(&c);
	c.algorithms = GBA_NAF_SHA256 | GBA_NAF_MD5;
	c.qop = GBA_NAF_AUTH_INT;
	naf = context(&c);
	d = good(naf);
	a = send_value(naf, &d, NULL);
	ck_assert_int_eq(a->cause, GBA_NAF_CAUSE_CHALLENGED);
	ck_assert_uint_eq(a->n_challenges, 2);
	ck_assert_ptr_nonnull(strstr(a->challenge[0], "algorithm=SHA-256, qop=\"auth-int\""));
	ck_assert_ptr_nonnull(strstr(a->challenge[1], "algorithm=MD5, qop=\"auth-int\""));
	gba_naf_answer_free(a);
	EXPECT(naf, &d, "naf_ok");
	d.algorithm = "SHA-256";
	d.nc = "00000002";
	EXPECT(naf, &d, "naf_ok");
	d.qop = "auth";
	d.nc = "00000003";
	EXPECT(naf, &d, "naf_downgrade");
	done(naf);
	c.algorithms = GBA_NAF_SHA256;
	naf = context(&c);
	d = good(naf);
	EXPECT(naf, &d, "naf_downgrade"); /* MD5 */
	done(naf);
}
END_TEST

/* The form of RFC 2069 has no count, so it could be repeated */
START_TEST(without_count)
{
	struct gba_naf *naf = plain();
	struct device d = good(naf);

	d.qop = d.nc = d.cnonce = NULL;
	EXPECT(naf, &d, "naf_downgrade");
	done(naf);
}
END_TEST

START_TEST(counting)
{
	struct gba_naf *naf = plain();
	struct device d = good(naf);
	struct gba_naf_answer *a;

	EXPECT(naf, &d, "naf_ok");
	EXPECT(naf, &d, "naf_replay");
	d.nc = "00000010";
	EXPECT(naf, &d, "naf_ok");
	d.nc = "00000009";
	EXPECT(naf, &d, "naf_ok");
	EXPECT(naf, &d, "naf_replay");
	d.nc = "00000011";
	d.wrong_key = true;
	for (unsigned i = 1; i <= 3; i++) {
		a = send_value(naf, &d, authorization(&d));
		ck_assert_int_eq(a->cause, GBA_NAF_CAUSE_RESPONSE);
		ck_assert_uint_eq(a->failures, i);
		gba_naf_answer_free(a);
	}
	d.wrong_key = false; /* a stranger has not used up the count */
	EXPECT(naf, &d, "naf_ok");
	clock_now.mono_ms += 300000;
	d.nc = "00000012";
	EXPECT(naf, &d, "naf_nonce_stale");
	d = good(naf);
	EXPECT(naf, &d, "naf_ok");
	done(naf);
}
END_TEST

/* 220-4.5.3-3: about to expire. The device is told once, when it has proved the key, and then served until the end; a stranger who sends its
 * B-TID, or its former request once more, does not use that up */
START_TEST(ending)
{
	struct gba_naf_config c;
	struct gba_naf_request req;
	struct gba_naf *naf;
	struct device d;

	gba_naf_config_init(&c);
	c.qop = GBA_NAF_AUTH | GBA_NAF_AUTH_INT;
	c.renew_s = 600;
	c.recheck_s = 10;
	naf = context(&c);
	d = good(naf);
	d.qop = "auth";
	clock_now.wall_s += 2999;
	EXPECT(naf, &d, "naf_ok");
	clock_now.wall_s += 1;
	make_request(&req, &d, authorization(&d));
	ck_assert_ptr_null(gba_naf_digest_before_body(naf, &req));
	EXPECT(naf, &d, "naf_replay");
	d.nc = "00000002";
	d.wrong_key = true;
	EXPECT(naf, &d, "naf_response");
	d.wrong_key = false;
	EXPECT(naf, &d, "naf_key_ending");
	d.nc = "00000003";
	EXPECT(naf, &d, "naf_ok");
	clock_now.mono_ms += 11000; /* asked for anew it is the same key */
	d.nc = "00000004";
	EXPECT(naf, &d, "naf_ok");
	clock_now.wall_s += 600;
	d.nc = "00000005";
	EXPECT(naf, &d, "naf_key_expired");
	done(naf);
}
END_TEST

/* A key that lives shorter than renew_s is not asked to be renewed at once, but in its second half */
START_TEST(ending_short)
{
	struct gba_naf_config c;
	struct gba_naf *naf;
	struct device d;

	gba_naf_config_init(&c);
	c.qop = GBA_NAF_AUTH | GBA_NAF_AUTH_INT;
	c.renew_s = 7200;
	naf = context(&c);
	d = good(naf);
	clock_now.wall_s += 1799;
	EXPECT(naf, &d, "naf_ok");
	clock_now.wall_s += 1;
	d.nc = "00000002";
	EXPECT(naf, &d, "naf_key_ending");
	done(naf);
}
END_TEST

/* 220-4.2.2-6, 220-4.5.3-3, 220-4.5.3-14: renegotiation, and one question for what is refused */
START_TEST(lives)
{
	struct gba_naf *naf = plain();
	struct device d = good(naf);

	EXPECT(naf, &d, "naf_ok");
	clock_now.wall_s += 3600;
	d.nc = "00000002";
	EXPECT(naf, &d, "naf_key_expired");
	EXPECT(naf, &d, "naf_key_expired");
	ck_assert_uint_eq(gba_naf_fake_asked(fake), 1);
	d.user = OTHER;
	for (int i = 0; i < 5; i++)
		EXPECT(naf, &d, "naf_btid_unknown");
	ck_assert_uint_eq(gba_naf_fake_asked(fake), 2);
	d.user = "n3yNAhrM9NshPM/wx/caag==@BSF.mnc015.mcc234.pub.3gppnetwork.org";
	EXPECT(naf, &d, "naf_btid_unknown");
	ck_assert_uint_eq(gba_naf_fake_asked(fake), 2); /* the same B-TID, spelt otherwise */
	clock_now.mono_ms += 4999;
	EXPECT(naf, &d, "naf_btid_unknown");
	ck_assert_uint_eq(gba_naf_fake_asked(fake), 2);
	clock_now.mono_ms += 1;
	d = good(naf);
	d.user = OTHER;
	EXPECT(naf, &d, "naf_btid_unknown");
	ck_assert_uint_eq(gba_naf_fake_asked(fake), 3);
	done(naf);
}
END_TEST

/* A refused B-TID is remembered for who has sent it: a stranger who has seen RAND on Ub does not keep its owner out */
START_TEST(stranger_first)
{
	struct gba_naf *naf = plain();
	struct device d = good(naf);
	struct gba_naf_key k = the_key();

	gba_naf_fake_remove(fake, BTID);
	source = "198.51.100.9";
	EXPECT(naf, &d, "naf_btid_unknown");
	ck_assert_int_eq(gba_naf_fake_add(fake, BTID, &k), 0); /* the bootstrapping is done now */
	source = "192.0.2.1";
	EXPECT(naf, &d, "naf_ok");
	source = "198.51.100.9";
	d.nc = "00000002";
	EXPECT(naf, &d, "naf_ok"); /* known is known */
	done(naf);
}
END_TEST

/* An application that gives no source: nothing is remembered, so nobody is kept out */
START_TEST(no_source)
{
	struct gba_naf *naf = plain();
	struct device d = good(naf);
	struct gba_naf_key k = the_key();

	source = NULL;
	gba_naf_fake_remove(fake, BTID);
	EXPECT(naf, &d, "naf_btid_unknown");
	EXPECT(naf, &d, "naf_btid_unknown");
	ck_assert_uint_eq(gba_naf_fake_asked(fake), 2);
	ck_assert_int_eq(gba_naf_fake_add(fake, BTID, &k), 0);
	EXPECT(naf, &d, "naf_ok");
	done(naf);
}
END_TEST

START_TEST(moods)
{
	static const struct {
		enum gba_naf_fake_mood mood;
		const char *cause;
	} rows[] = {
		{ GBA_NAF_FAKE_DOWN, "naf_bsf_down" },         { GBA_NAF_FAKE_SILENT, "naf_bsf_down" },
		{ GBA_NAF_FAKE_BROKEN, "naf_bsf_error" },      { GBA_NAF_FAKE_REFUSE, "naf_not_authorized" },
		{ GBA_NAF_FAKE_NORMAL, "naf_not_authorized" }, /* remembered */
	};
	struct gba_naf *naf = plain();
	struct device d = good(naf);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		gba_naf_fake_set(fake, rows[i].mood);
		ck_assert_int_eq(gba_naf_connected(naf), rows[i].mood != GBA_NAF_FAKE_DOWN);
		EXPECT(naf, &d, rows[i].cause);
	}
	ck_assert_uint_eq(gba_naf_fake_asked(fake), 3);
	clock_now.mono_ms += 30000;
	EXPECT(naf, &d, "naf_ok");
	done(naf);
}
END_TEST

/* Who asks may wait less long than the context would */
START_TEST(own_deadline)
{
	struct gba_naf_config c;
	struct gba_naf *naf;
	struct device d;
	uint64_t began;

	gba_naf_config_init(&c);
	c.qop = GBA_NAF_AUTH_INT;
	c.deadline_ms = 30000;
	naf = context(&c);
	d = good(naf);
	gba_naf_fake_set(fake, GBA_NAF_FAKE_SILENT);
	began = clock_mono_ms();
	EXPECT(naf, &d, "naf_bsf_down"); /* in 50 ms */
	ck_assert_uint_lt(clock_mono_ms() - began, 15000);
	done(naf);
}
END_TEST

/* A key of GBA_Digest does not fit our realm (33.220 M.6.4) */
START_TEST(wrong_type)
{
	struct gba_naf *naf = plain();
	struct device d = good(naf);
	struct gba_naf_key k = the_key();

	k.gba_type = 2;
	ck_assert_int_eq(gba_naf_fake_add(fake, BTID, &k), 0);
	EXPECT(naf, &d, "naf_not_authorized");
	done(naf);
}
END_TEST

/* A struct of who knows fewer fields: the others are zero */
START_TEST(sized)
{
	struct later {
		size_t size;
		int old, new;
	} in = { NAF_SIZED_TO(struct later, old), 1, 2 }, out = { 9, 9, 9 };

	ck_assert_int_eq(naf_sized_read(&out, sizeof(out), &in, in.size + 1), -EINVAL);
	ck_assert_int_eq(naf_sized_read(&out, in.size - 1, &in, 0), -EINVAL);
	ck_assert_int_eq(naf_sized_read(&out, sizeof(out), NULL, 0), -EINVAL);
	ck_assert_int_eq(out.old, 9);
	ck_assert_int_eq(naf_sized_read(&out, sizeof(out), &in, in.size), 0);
	ck_assert_int_eq(out.old, 1);
	ck_assert_int_eq(out.new, 0);
}
END_TEST

START_TEST(shared_nonces)
{
	uint8_t secret[32] = { 1 };
	struct gba_naf_config c;
	struct gba_naf *a, *b;
	struct gba_naf_fake *first;
	struct device d;

	gba_naf_config_init(&c);
	c.qop = GBA_NAF_AUTH_INT;
	c.nonce_secret = secret;
	a = context(&c);
	first = fake;
	d = good(a);
	b = context(&c);
	EXPECT(b, &d, "naf_ok");
	EXPECT(b, &d, "naf_replay");
	done(b);
	secret[sizeof(secret) - 1] = 1; /* another secret */
	b = context(&c);
	EXPECT(b, &d, "naf_nonce_stale");
	done(b);
	fake = first;
	done(a);
}
END_TEST

static int in_child(int (*fn)(struct gba_naf *naf, struct device *d), struct gba_naf *naf, struct device *d)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(fn(naf, d));
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int grandchild(struct gba_naf *naf, struct device *d)
{
	struct gba_naf_key *k;
	int rc = gba_naf_fetch_key(naf, BTID, NULL, &k);

	if (rc == 0)
		gba_naf_key_free(k);
	gba_naf_free(naf);
	return rc == 0 ? 0 : 10;
}

/*! Parent's nonce, cache and counts are the parent's. */
static int child(struct gba_naf *naf, struct device *d)
{
	struct gba_naf_answer *a = send_value(naf, d, authorization(d));
	unsigned asked = gba_naf_fake_asked(fake);
	int rc = a->cause == GBA_NAF_CAUSE_NONCE_STALE && gba_naf_connected(naf) ? 0 : 1;

	gba_naf_answer_free(a);
	*d = good(naf);
	a = send_value(naf, d, authorization(d));
	if (a->cause != GBA_NAF_CAUSE_OK || gba_naf_fake_asked(fake) != asked + 1)
		rc |= 2;
	gba_naf_answer_free(a);
	rc |= in_child(grandchild, naf, d) << 2;
	gba_naf_free(naf);
	return rc;
}

/* A context from before a fork works in the child, and in the child's child, with caches and nonces of its own */
START_TEST(forked)
{
	struct gba_naf *naf = plain();
	struct device d = good(naf);

	EXPECT(naf, &d, "naf_ok"); /* so the key is in the cache */
	d.nc = "00000002";
	ck_assert_int_eq(in_child(child, naf, &d), 0);
	EXPECT(naf, &d, "naf_ok");
	ck_assert_uint_eq(gba_naf_fake_asked(fake), 1);
	done(naf);
}
END_TEST

/* A key in the cache, one to be asked for, one unknown, a silent BSF, a context that goes: without waiting */
START_TEST(fetches)
{
	struct gba_naf *naf = plain();
	struct device d = good(naf);
	struct gba_naf_request req;
	struct gba_naf_fetch *f;
	struct gba_naf_answer *a;
	struct gba_naf_key *k;

	gba_naf_request_init(&req);
	ck_assert_int_eq(gba_naf_fetch_start(naf, NULL, NULL, &f), -EINVAL);
	ck_assert_int_eq(gba_naf_fetch_start(naf, "nonsense", NULL, &f), -EINVAL);
	ck_assert_int_eq(gba_naf_fetch_start(naf, BTID, NULL, NULL), -EINVAL);
	ck_assert_int_eq(gba_naf_fetch_finish(NULL, &k), -EINVAL);
	ck_assert_int_eq(gba_naf_fetch_fd(NULL), -1);
	gba_naf_fetch_cancel(NULL);
	req.authorization = authorization(&d);
	ck_assert_int_eq(gba_naf_fetch_start(naf, NULL, &req, &f), 0);
	ck_assert(is_readable(gba_naf_fetch_fd(f), 0));
	ck_assert_int_eq(gba_naf_fetch_finish(f, &k), 0);
	gba_naf_key_free(k);
	EXPECT(naf, &d, "naf_ok");
	ck_assert_int_eq(gba_naf_fetch_start(naf, BTID, NULL, &f), 0);
	ck_assert_int_eq(gba_naf_fetch_fd(f), -1); /* over already */
	ck_assert_int_eq(gba_naf_fetch_finish(f, &k), 0);
	gba_naf_key_free(k);
	ck_assert_uint_eq(gba_naf_fake_asked(fake), 1);
	source = NULL; /* not remembered, and still not asked twice */
	d = good(naf);
	d.user = OTHER;
	req.authorization = authorization(&d);
	ck_assert_int_eq(gba_naf_fetch_start(naf, NULL, &req, &f), 0);
	ck_assert(is_readable(gba_naf_fetch_fd(f), 0));
	the_fetch = f;
	a = send_value(naf, &d, req.authorization);
	the_fetch = NULL;
	ck_assert_int_eq(a->cause, GBA_NAF_CAUSE_BTID_UNKNOWN);
	gba_naf_answer_free(a);
	ck_assert_uint_eq(gba_naf_fake_asked(fake), 2);
	ck_assert_int_eq(gba_naf_fetch_finish(f, &k), -ENOENT);
	gba_naf_fake_set(fake, GBA_NAF_FAKE_SILENT);
	req.deadline_ms = 30;
	ck_assert_int_eq(gba_naf_fetch_start(naf, OTHER, &req, &f), 0);
	ck_assert_int_eq(gba_naf_fetch_finish(f, &k), -EAGAIN);
	ck_assert(is_readable(gba_naf_fetch_fd(f), 20000));
	ck_assert_int_eq(gba_naf_fetch_finish(f, &k), -ETIMEDOUT);
	ck_assert_int_eq(gba_naf_fetch_start(naf, OTHER, NULL, &f), 0);
	gba_naf_fetch_cancel(f);
	ck_assert_int_eq(gba_naf_fetch_start(naf, OTHER, NULL, &f), 0);
	done(naf);
	ck_assert(is_readable(gba_naf_fetch_fd(f), 0));
	ck_assert_int_eq(gba_naf_fetch_finish(f, &k), -ECANCELED);
	source = "192.0.2.1";
}
END_TEST

static int finish_in_child(struct gba_naf *naf, struct device *d)
{
	struct gba_naf_key *k;

	return gba_naf_fetch_finish(the_fetch, &k) == -ECHILD ? 0 : 1;
}

/* A fetch is of the process that started it */
START_TEST(fetch_forked)
{
	struct gba_naf *naf = plain();
	struct gba_naf_key *k;

	gba_naf_fake_set(fake, GBA_NAF_FAKE_SILENT);
	ck_assert_int_eq(gba_naf_fetch_start(naf, BTID, NULL, &the_fetch), 0);
	ck_assert_int_eq(in_child(finish_in_child, naf, NULL), 0);
	ck_assert_int_eq(gba_naf_fetch_finish(the_fetch, &k), -EAGAIN);
	gba_naf_fetch_cancel(the_fetch);
	the_fetch = NULL;
	done(naf);
}
END_TEST

SUITE("naf_life", header_forms, offers, without_count, counting, ending, ending_short, lives, stranger_first, no_source,
      moods, own_deadline, wrong_type, sized, shared_nonces, forked, fetches, fetch_forked)
