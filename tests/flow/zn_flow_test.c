/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A BIR from the Diameter library to its answer: at once where the store is at hand, through a shard where it is
 * not. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <osmocom/core/select.h>
#include <osmocom/core/talloc.h>
#include "bsf/policy/policy.h"
#include "bsf/store/backend.h"
#include "bsf/zn/fd.h"
#include "common/base/clock.h"
#include "common/crypto/kdf.h"
#include "common/dia/dia_core.h"
#include "common/rt/counters.h"
#include "tests/unit/provoked.h"
#include "tests/unit/dia_octets.h"
#include "tests/unit/suite.h"

#define NAF      "naf1.example.com"
#define IMPI     "001010000000001@ims.mnc001.mcc001.3gppnetwork.org"
#define BSF_NAME "bsf.mnc001.mcc001.pub.3gppnetwork.org"
#define SENT_MAX 8

/* The store in memory, as if it were elsewhere: never at hand, and slow if told so. */
struct far_store {
	struct store_shared sh; /* must be first */
	struct store_shared *mem;
	bool slow;
	struct store_req *held;
};

static struct far_store far;
static struct zn_flow *flow;
static struct zn_fd *zn;
static struct gba_session session;
static struct msg *sent[SENT_MAX];
static unsigned n_sent;

static void far_submit(struct store_shared *sh, struct store_req *r)
{
	if (far.slow) {
		struct store_req **last = &far.held;

		while (*last)
			last = &(*last)->next;
		r->next = NULL;
		*last = r;
		return;
	}
	far.mem->be->submit(far.mem, r);
}

static int far_get_now(struct store_shared *sh, const struct btid *id, struct gba_session *out)
{
	return -EAGAIN;
}

static void far_release(void)
{
	while (far.held) {
		struct store_req *r = far.held;

		far.held = r->next;
		far.mem->be->submit(far.mem, r);
	}
}

static void far_drain(struct store_shared *sh)
{
	far_release();
}

static const struct store_backend far_backend = { .submit = far_submit, .get_now = far_get_now, .drain = far_drain };

static int keep_sent(struct msg **m)
{
	ck_assert_uint_lt(n_sent, SENT_MAX);
	sent[n_sent++] = *m;
	*m = NULL;
	return 0;
}

static void policy_set(void)
{
	struct policy *p = calloc(1, sizeof(*p));
	struct naf_policy *n = calloc(1, sizeof(*n));

	p->nafs = n;
	p->n_nafs = 1;
	n->identity = strdup(NAF);
	n->proxy = true; /* the Origin-Host of a message made here is that of the parser */
	n->speaks_for = name_table_new();
	name_table_put(n->speaks_for, NAF, n);
	policy_index(p);
	policy_publish(p);
}

static void stored(void *owner, uint64_t txn, const struct store_answer *a)
{
	ck_assert_int_eq(a->rc, 0);
	*(bool *)owner = true;
}

static void session_put(void)
{
	bool done = false;
	struct store *st;

	memset(&session, 0, sizeof(session));
	memset(session.rand, 7, AKA_RAND_LEN);
	memset(session.ks.b, 9, 32);
	session.ks.len = 32;
	session.variant = GBA_VARIANT_ME;
	strcpy(session.impi.s, IMPI);
	strcpy(session.bsf_name, BSF_NAME);
	session.created_at = time(NULL);
	session.expires_at = session.created_at + 1000;
	st = store_new(NULL, far.mem, stored, &done);
	ck_assert_int_eq(store_put(st, &session, 1), 0);
	while (!done)
		osmo_select_main(0);
	talloc_free(st);
}

static void start(unsigned in_flight_max, unsigned timeout_ms)
{
	struct zn_flow_cfg cfg = { &far.sh, NULL, in_flight_max, timeout_ms, keep_sent };
	struct err err = { "" };

	ck_assert_msg(dia_core_init_parser(&err) == 0, "%s", err.text);
	far = (struct far_store){ .sh.be = &far_backend, .mem = store_shared_mem_new(&err) };
	policy_set();
	session_put();
	cfg.deadlines = deadline_set_new(OTC_GLOBAL);
	flow = zn_flow_new(OTC_GLOBAL, &cfg);
	ck_assert_ptr_nonnull(flow);
	zn = zn_fd_new(&far.sh, &flow, 1);
	n_sent = 0;
}

static void stop(void)
{
	talloc_free(flow);
	zn_fd_free(zn);
	for (unsigned i = 0; i < n_sent; i++)
		fd_msg_free(sent[i]);
	store_shared_free(far.mem);
	policy_publish(NULL);
}

static struct msg *bir(bool known)
{
	char btid[BTID_MAX + 1];
	uint8_t rand[AKA_RAND_LEN];
	struct naf_id id;
	struct msg *m;
	int len;

	memcpy(rand, session.rand, sizeof(rand));
	rand[15] ^= !known;
	len = btid_format(btid, rand, BSF_NAME);
	naf_id_make(&id, NAF, UA_ID_HTTP_DIGEST);
	ck_assert_int_eq(zn_bir_encode(&m, span_of(btid, (size_t)len), &id, NULL, 0, false, "localdomain", NULL), 0);
	fd_msg_source_set(m, (DiamId_t)NAF, strlen(NAF));
	return m;
}

/* What an answer says; it is freed. \returns Result-Code or Experimental-Result-Code */
static uint32_t result_of(struct msg *m, bool key)
{
	struct secret want = { 0 };
	struct naf_id id;
	struct zn_bia bia;
	uint32_t code;

	ck_assert_int_eq(zn_bia_decode(&bia, m), 0);
	code = bia.result.code;
	naf_id_make(&id, NAF, UA_ID_HTTP_DIGEST);
	kdf_ks_naf(&want, KDF_KS_NAF, &session.ks, session.rand, span_str(IMPI), span_of(id.raw, id.len));
	ck_assert_int_eq(secret_equal(&bia.me_key, &want), key);
	ck_assert_uint_eq(bia.me_key.len, key ? 32 : 0);
	if (key)
		ck_assert_int_eq(bia.expires_at, session.expires_at);
	zn_bia_clear(&bia);
	fd_msg_free(m);
	return code;
}

static void run_until_sent(unsigned n)
{
	while (n_sent < n)
		osmo_select_main(0);
	ck_assert_uint_eq(n_sent, n);
}

/* The oldest of what was sent. */
static struct msg *sent_take(void)
{
	struct msg *m = sent[0];

	memmove(sent, sent + 1, sizeof(sent) - sizeof(sent[0]));
	n_sent--;
	return m;
}

/* Ask through the far store. \returns its answer */
static uint32_t ask(struct msg *m, bool key)
{
	zn_fd_request(&m, zn);
	ck_assert_ptr_null(m);
	ck_assert_uint_eq(n_sent, 0);
	ck_assert_uint_eq(zn_flow_in_flight(flow), 1);
	run_until_sent(1);
	ck_assert_uint_eq(zn_flow_in_flight(flow), 0);
	return result_of(sent_take(), key);
}

START_TEST(at_once)
{
	struct zn_fd *near;
	struct msg *m;

	start(4, 5000);
	near = zn_fd_new(far.mem, &flow, 1);
	m = bir(true);
	zn_fd_request(&m, near);
	ck_assert_uint_eq(result_of(m, true), 2001);
	ck_assert_uint_eq(counter_get(CAUSE_zn_ok), 1);
	m = bir(false);
	zn_fd_request(&m, near);
	ck_assert_uint_eq(result_of(m, false), 5403);
	ck_assert_uint_eq(counter_get(CAUSE_zn_btid_unknown), 1);
	ck_assert_uint_eq(zn_flow_in_flight(flow), 0);
	zn_fd_free(near);
	stop();
}
END_TEST

START_TEST(through_a_shard)
{
	start(4, 5000);
	ck_assert_uint_eq(ask(bir(true), true), 2001);
	ck_assert_uint_eq(ask(bir(false), false), 5403);
	ck_assert_uint_eq(ask(bir(true), true), 2001);
	ck_assert_uint_eq(counter_get(CAUSE_zn_ok), 2);
	ck_assert_uint_eq(counter_get(CAUSE_zn_btid_unknown), 1);
	stop();
}
END_TEST

/* What cannot be read or is no B-TID is answered at once, wherever the store is */
START_TEST(not_readable)
{
	static struct octets o;
	struct naf_id id;
	struct msg *m;

	start(4, 5000);
	naf_id_make(&id, NAF, UA_ID_HTTP_DIGEST);
	ck_assert_int_eq(zn_bir_encode(&m, span_str("no B-TID"), &id, NULL, 0, false, "localdomain", NULL), 0);
	fd_msg_source_set(m, (DiamId_t)NAF, strlen(NAF));
	zn_fd_request(&m, zn);
	ck_assert_uint_eq(result_of(m, false), 5403);
	m = bir(true);
	octets_of_msg(&o, m);
	fd_msg_free(m);
	octets_drop(&o, 402);
	m = octets_msg(&o);
	zn_fd_request(&m, zn);
	ck_assert_uint_eq(result_of(m, false), 5005);
	ck_assert_uint_eq(counter_get(CAUSE_zn_missing_avp), 1);
	ck_assert_uint_eq(counter_get(CAUSE_zn_bad_avp), 0);
	stop();
}
END_TEST

/* zn_busy: over the cap 3004 at once; those under way are answered, and then there is room */
START_TEST(over_the_cap)
{
	struct msg *m;

	start(2, 5000);
	far.slow = true;
	for (int i = 0; i < 2; i++) {
		m = bir(true);
		zn_fd_request(&m, zn);
		ck_assert_ptr_null(m);
		osmo_select_main(1);
	}
	m = bir(true);
	zn_fd_request(&m, zn);
	ck_assert_uint_eq(result_of(m, false), 3004);
	ck_assert_uint_eq(counter_get(CAUSE_zn_busy), 1);
	ck_assert_uint_eq(zn_flow_in_flight(flow), 2);
	far.slow = false;
	far_release();
	run_until_sent(2);
	ck_assert_uint_eq(result_of(sent_take(), true), 2001);
	ck_assert_uint_eq(result_of(sent_take(), true), 2001);
	ck_assert_uint_eq(ask(bir(true), true), 2001);
	provoked("zn_busy"); /* LMDB answers at once: no peer can fill the cap of the running daemon */
	stop();
}
END_TEST

/* A store that does not answer: an error in time, never a key, and what comes late is for nobody */
START_TEST(deadline_ends_it)
{
	uint64_t from;
	struct msg *m;

	start(2, 100);
	far.slow = true;
	m = bir(true);
	from = clock_mono_ms();
	zn_fd_request(&m, zn);
	run_until_sent(1);
	ck_assert_uint_ge(clock_mono_ms() - from, 100);
	ck_assert_uint_eq(result_of(sent_take(), false), 5012);
	ck_assert_uint_eq(counter_get(CAUSE_store_failed), 1);
	ck_assert_uint_eq(zn_flow_in_flight(flow), 0);
	m = bir(false); /* takes the place of the first */
	zn_fd_request(&m, zn);
	osmo_select_main(1);
	far.slow = false;
	far_release();
	run_until_sent(1);
	ck_assert_uint_eq(result_of(sent_take(), false), 5403);
	osmo_select_main(1);
	ck_assert_uint_eq(n_sent, 0);
	stop();
}
END_TEST

/* Freed with one in the inbox and one at the store: nothing is sent, nothing leaks */
START_TEST(freed_under_way)
{
	struct msg *m;

	start(2, 5000);
	far.slow = true;
	m = bir(true);
	zn_fd_request(&m, zn);
	osmo_select_main(1);
	m = bir(true);
	zn_fd_request(&m, zn);
	ck_assert_uint_eq(zn_flow_in_flight(flow), 2);
	stop();
	ck_assert_uint_eq(n_sent, 0);
}
END_TEST

START_TEST(realms)
{
	const char *names[] = { BSF_NAME, "bsf.ims.example.org" };

	ck_assert_int_eq(zn_realm_is_ours(names, 2, "BSF.mnc001.mcc001.pub.3GPPnetwork.org"), 0);
	ck_assert_int_eq(zn_realm_is_ours(names, 2, "bsf.ims.example.org"), 0);
	ck_assert_int_eq(zn_realm_is_ours(names, 1, "bsf.ims.example.org"), -ENOENT);
	ck_assert_int_eq(zn_realm_is_ours(names, 2, "ims.example.org"), -ENOENT);
	ck_assert_int_eq(zn_realm_is_ours(names, 2, ""), -ENOENT);
}
END_TEST

SUITE("zn_flow", at_once, through_a_shard, not_readable, over_the_cap, deadline_ends_it, freed_under_way, realms)
