/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A question of an application to its BSF, over real sockets: it is asked once more where no answer comes, and only its own answer
 * ends it. */
#include <errno.h>
#include <stdio.h>

#include "common/base/clock.h"
#include "common/dia/zn_wire.h"
#include "naf-lib/naf_bir.h"
#include "tests/flow/free_port.h"
#include "tests/unit/suite.h"

#define NAF      "naf1.example.com"
#define BSF      "bsf.example.com"
#define REALM    "example.com"
#define BTID     "I1U8vpY3qJ0hiuZNrke/NQ==@" BSF
#define PATIENCE 600

static struct dia_loop *loop;
static struct dia_hub *bsf, *naf;
static struct {
	struct dia_hdr hdr;
	struct dia_reply *reply; /* kept; NULL: it was answered */
} came[4];                       /* at the BSF, in their order */
static unsigned n_came, ends;
static bool keep, other_session, unreadable;
static int end_rc;
static bool end_key;
static char end_why[NAF_BIR_WHY_MAX];

/* --- the BSF */

static int put_bia(struct writer *w, struct span request, const struct dia_self *self, const void *what)
{
	struct zn_bia bia = { .result.code = RESULT_SUCCESS, .me_key.len = 32 };
	struct dia_avp a;
	int len;

	if (unreadable)
		bia.me_key.len = 31;
	len = zn_wire_bia_put(w, request, self, &bia);
	ck_assert(len > 0 && dia_wire_find(&a, dia_wire_avps(span_of(w->p, (size_t)len)), AVP_SESSION_ID));
	if (other_session)
		w->p[a.data.p - w->p + a.data.len - 1] ^= 1;
	return len;
}

static void on_bir(void *owner, struct dia_reply *r)
{
	ck_assert_uint_lt(n_came, 4);
	dia_wire_hdr(&came[n_came].hdr, dia_reply_request(r).p);
	came[n_came].reply = keep ? dia_reply_keep(r) : NULL;
	n_came++;
	if (!keep)
		dia_reply_put(r, put_bia, NULL);
}

static void answer(unsigned i)
{
	dia_reply_put(came[i].reply, put_bia, NULL);
	came[i].reply = NULL;
}

/* --- the application */

static void on_end(void *owner, uint64_t txn, int rc, struct zn_bia *bia, const char *why)
{
	ends++;
	end_rc = rc;
	end_key = bia && bia->me_key.len == 32;
	snprintf(end_why, sizeof(end_why), "%s", why ? why : "");
}

static void ask(void)
{
	struct naf_id id;
	struct naf_bir b = { .peer = BSF, .realm = REALM, .btid = span_str(BTID), .naf_id = &id };

	ck_assert_int_eq(naf_id_make(&id, NAF, UA_ID_HTTP_DIGEST), 0);
	ck_assert_int_eq(naf_bir_ask(naf, loop, &b, PATIENCE, on_end, NULL, 1), 0);
	ck_assert_uint_eq(ends, 0);
}

/* --- both */

#define UNTIL(what) \
	do { \
		uint64_t until_ = clock_mono_ms() + 20000; \
\
		while (!(what)) { \
			ck_assert_msg(clock_mono_ms() < until_, "never: " #what); \
			dia_loop_wait(loop, 50); \
			dia_loop_turn(loop, 64); \
		} \
	} while (0)

static int admit(void *owner, const char *identity, const struct sockaddr *from)
{
	return 0;
}

static void begin(void)
{
	static const struct dia_hub_service services[] = { { .grammar = &zn_wire_bir, .fn = on_bir } };
	static const char *const realms[] = { REALM };
	static const uint32_t zn = GBA_APP_ZN;
	const struct dia_hub_cfg there = {
		.self = { BSF, REALM },
		.realms = realms,
		.n_realms = 1,
		.services = services,
		.n_services = 1,
		.listen = { free_port() },
		.n_listen = 1,
		.cb = { .admit = admit },
	};
	const struct dia_hub_cfg here = { .self = { NAF, "example.net" }, .client_apps = &zn, .n_client_apps = 1 };
	struct err err = { "" };

	loop = dia_loop_new();
	bsf = dia_hub_new(loop, &there);
	ck_assert_msg(bsf && dia_hub_listen(bsf, &err) == 0, "%s", err.text);
	naf = dia_hub_new(loop, &here);
	ck_assert_int_eq(dia_hub_dial(naf, BSF, &there.listen[0], false), 0);
	UNTIL(dia_hub_is_open(naf, BSF));
}

static void end(void)
{
	for (unsigned i = 0; i < n_came; i++)
		if (came[i].reply)
			dia_reply_drop(came[i].reply);
	dia_hub_free(naf);
	dia_hub_free(bsf);
	dia_loop_free(loop);
}

START_TEST(answered)
{
	ask();
	UNTIL(ends);
	ck_assert_int_eq(end_rc, 0);
	ck_assert(end_key);
	ck_assert_uint_eq(n_came, 1);
	ck_assert(!(came[0].hdr.flags & DIA_CMD_T));
}
END_TEST

START_TEST(of_another_session)
{
	other_session = true;
	ask();
	UNTIL(ends);
	ck_assert_int_eq(end_rc, -EBADMSG);
	ck_assert(!end_key);
	ck_assert_ptr_nonnull(strstr(end_why, "Session-Id"));
}
END_TEST

START_TEST(that_cannot_be_read)
{
	unreadable = true;
	ask();
	UNTIL(ends);
	ck_assert_int_eq(end_rc, -EBADMSG);
	ck_assert(!end_key);
	ck_assert_ptr_nonnull(strstr(end_why, "BIA"));
}
END_TEST

/* When half of the time is over, with T, the same End-to-End id and another hop-by-hop id (RFC 6733 5.5.4); whichever is answered
 * first is the answer, and what comes behind it is nothing */
static void sent_again(unsigned first, unsigned last)
{
	keep = true;
	ask();
	UNTIL(n_came == 2);
	ck_assert_uint_eq(ends, 0);
	ck_assert(!(came[0].hdr.flags & DIA_CMD_T));
	ck_assert(came[1].hdr.flags & DIA_CMD_T);
	ck_assert_uint_eq(came[1].hdr.end_to_end, came[0].hdr.end_to_end);
	ck_assert_uint_ne(came[1].hdr.hop_by_hop, came[0].hdr.hop_by_hop);
	answer(first);
	UNTIL(ends);
	ck_assert_int_eq(end_rc, 0);
	ck_assert(end_key);
	answer(last);
	keep = false;
	ends = 0;
	ask(); /* its answer comes behind that one */
	UNTIL(ends);
	ck_assert_uint_eq(ends, 1);
	ck_assert_uint_eq(n_came, 3);
}

START_TEST(first_sent_again)
{
	sent_again(0, 1);
}
END_TEST

START_TEST(last_sent_again)
{
	sent_again(1, 0);
}
END_TEST

START_TEST(no_answer)
{
	keep = true;
	ask();
	UNTIL(ends);
	ck_assert_int_eq(end_rc, -ETIMEDOUT);
	ck_assert_uint_eq(ends, 1);
	ck_assert_uint_eq(n_came, 2);
}
END_TEST

SUITE_WITH_FIXTURE("naf_bir", begin, end, answered, of_another_session, that_cannot_be_read, first_sent_again,
		   last_sent_again, no_answer)
