/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A BIR from a NAF's connection to its answer: at once where the store is at hand, when the store has answered where it is
 * not. BSF and NAF are two hubs on one loop. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <osmocom/core/select.h>
#include <osmocom/core/talloc.h>
#include "bsf/policy/policy.h"
#include "bsf/zn/serve.h"
#include "common/base/clock.h"
#include "common/base/sockaddr.h"
#include "common/crypto/kdf.h"
#include "common/dia/zn_wire.h"
#include "common/rt/counters.h"
#include "common/rt/dia_select.h"
#include "tests/unit/provoked.h"
#include "tests/flow/free_port.h"
#include "tests/store/way.h"
#include "tests/unit/suite.h"

#define NAF      "naf1.example.com"
#define IMPI     "001010000000001@ims.mnc001.mcc001.3gppnetwork.org"
#define BSF_NAME "bsf.mnc001.mcc001.pub.3gppnetwork.org"
#define BSF      "bsf.mnc001.mcc001.3gppnetwork.org"
#define REALM    "mnc001.mcc001.3gppnetwork.org"
#define ENDS_MAX 8

static struct way far;
static struct zn_flow *flow;
static struct zn_serve serve;
static struct gba_session session;
static struct dia_loop *loop;
static struct dia_select *sel;
static struct dia_hub *bsf, *naf;
static struct {
	uint32_t code;
	bool key;
} ends[ENDS_MAX]; /* answers that came, in their order */
static unsigned n_ends, n_lost;
static const char *const realms[] = { REALM, BSF_NAME };
static const uint32_t zn_app = GBA_APP_ZN;

static void policy_set(uint32_t uses_max)
{
	struct policy *p = calloc(1, sizeof(*p));
	struct naf_policy *n = calloc(1, sizeof(*n));

	p->nafs = n;
	p->n_nafs = 1;
	n->identity = strdup(NAF);
	n->via = strdup(NAF);
	n->key_uses_max = uses_max;
	p->peers = calloc(1, sizeof(*p->peers));
	p->peers[p->n_peers++].identity = strdup(NAF);
	ck_assert_int_eq(names_add(&n->speaks_for, span_str(NAF), 1), 0);
	policy_index(p);
	policy_publish(p);
}

static void never(void *owner, uint64_t txn, const struct store_answer *a)
{
	ck_abort_msg("memory answers at once");
}

static void session_put(void)
{
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
	st = store_new(NULL, far.inner, never, NULL);
	session.made_ms = store_clock_ms(st);
	ck_assert_int_eq(store_put(st, &session, 1)->rc, 0);
	talloc_free(st);
}

static int admit(void *owner, const char *identity, const struct sockaddr *from)
{
	return strcmp(identity, NAF) ? -ENOENT : 0;
}

static void start_hubs(void)
{
	struct sockaddr_storage at = free_port();
	static struct dia_hub_service service; /* lent until the hub is freed */
	struct dia_hub_cfg there = {
		.self = { BSF, REALM },
		.realms = realms,
		.n_realms = 2,
		.services = &service,
		.n_services = 1,
		.listen = { at },
		.n_listen = 1,
		.cb = { .admit = admit },
	};
	struct dia_hub_cfg here = { .self = { NAF, "example.com" }, .client_apps = &zn_app, .n_client_apps = 1 };
	struct err err = { "" };

	service = zn_serve(&serve);
	loop = dia_loop_new();
	sel = dia_select_new(OTC_GLOBAL, loop);
	bsf = dia_hub_new(loop, &there);
	ck_assert_msg(bsf && dia_hub_listen(bsf, &err) == 0, "%s", err.text);
	naf = dia_hub_new(loop, &here);
	ck_assert_int_eq(dia_hub_dial(naf, BSF, &at, false), 0);
	while (!dia_hub_is_open(naf, BSF))
		osmo_select_main(0);
}

static void start(bool near, unsigned in_flight_max, unsigned timeout_ms)
{
	struct zn_flow_cfg cfg = { &far.sh, NULL, in_flight_max, timeout_ms };
	struct err err = { "" };

	way_init(&far, store_shared_mem_new(&err));
	far.later = !near;
	policy_set(0);
	session_put();
	cfg.deadlines = deadline_set_new(OTC_GLOBAL);
	flow = zn_flow_new(OTC_GLOBAL, &cfg);
	ck_assert_ptr_nonnull(flow);
	serve = (struct zn_serve){ flow };
	n_ends = n_lost = 0;
	start_hubs();
}

static void stop(void)
{
	talloc_free(flow);
	dia_hub_free(naf);
	dia_hub_free(bsf);
	talloc_free(sel);
	dia_loop_free(loop);
	way_free(&far);
	policy_publish(NULL);
}

/* What the NAF asks. */
struct question {
	char text[BTID_MAX + 1];
	bool no_naf_id;
};

static int put_bir(struct writer *w, const struct dia_address *to, const void *what)
{
	const struct question *q = what;
	struct naf_id id;

	naf_id_make(&id, NAF, UA_ID_HTTP_DIGEST);
	if (!q->no_naf_id)
		return zn_wire_bir_put(w, to, span_str(q->text), &id, NULL, 0, false);
	dia_build_request(w, &zn_wire_bir, to);
	dia_wire_put_str(w, AVP_TRANSACTION_ID, q->text);
	return dia_wire_end(w);
}

static void on_bia(void *owner, uint64_t txn, int rc, struct span answer)
{
	struct secret want = { 0 };
	struct naf_id id;
	struct zn_bia bia;

	if (rc < 0) {
		n_lost++;
		return;
	}
	ck_assert_uint_lt(n_ends, ENDS_MAX);
	ck_assert_int_eq(zn_wire_bia_get(&bia, answer), 0);
	naf_id_make(&id, NAF, UA_ID_HTTP_DIGEST);
	kdf_ks_naf(&want, KDF_KS_NAF, &session.ks, session.rand, span_str(IMPI), span_of(id.raw, id.len));
	ends[n_ends].code = bia.result.code;
	ends[n_ends].key = secret_equal(&bia.me_key, &want);
	ck_assert_uint_eq(bia.me_key.len, ends[n_ends].key ? 32 : 0);
	if (ends[n_ends++].key)
		ck_assert_int_eq(bia.expires_at, session.expires_at);
	zn_bia_clear(&bia);
}

static void send_question(const struct question *q)
{
	struct dia_target to = { .peer = BSF, .realm = BSF_NAME, .host = NULL, .grammar = &zn_wire_bir, .room = 2048 };

	ck_assert_int_eq(dia_ask(naf, &to, put_bir, q, 60000, on_bia, NULL, 1), 0);
}

static void send_bir(bool known)
{
	struct question q = { .no_naf_id = false };
	uint8_t rand[AKA_RAND_LEN];

	memcpy(rand, session.rand, sizeof(rand));
	rand[15] ^= !known;
	ck_assert_int_gt(btid_format(q.text, rand, BSF_NAME), 0);
	send_question(&q);
}

static void run_until_ends(unsigned n)
{
	while (n_ends < n)
		osmo_select_main(0);
	ck_assert_uint_eq(n_ends, n);
}

static void run_until_in_flight(unsigned n)
{
	while (zn_flow_in_flight(flow) != n)
		osmo_select_main(0);
}

/* The oldest answer. */
static void came(uint32_t code, bool key)
{
	run_until_ends(n_ends ? n_ends : 1);
	ck_assert_uint_eq(ends[0].code, code);
	ck_assert_int_eq(ends[0].key, key);
	memmove(ends, ends + 1, sizeof(ends) - sizeof(ends[0]));
	n_ends--;
}

/* 0: the store answers later; 1: at once */
START_TEST(at_once_or_later)
{
	start(_i, 4, 5000);
	send_bir(true);
	came(2001, true);
	ck_assert_uint_eq(counter_get(CAUSE_zn_ok), 1);
	send_bir(false);
	came(5403, false);
	ck_assert_uint_eq(counter_get(CAUSE_zn_btid_unknown), 1);
	ck_assert_uint_eq(zn_flow_in_flight(flow), 0);
	stop();
}
END_TEST

START_TEST(when_the_store_answers)
{
	start(false, 4, 5000);
	for (int i = 0; i < 3; i++) {
		far.hold = true;
		send_bir(i != 1);
		run_until_in_flight(1);
		way_release(&far);
		came(i != 1 ? 2001 : 5403, i != 1);
		ck_assert_uint_eq(zn_flow_in_flight(flow), 0);
	}
	ck_assert_uint_eq(counter_get(CAUSE_zn_ok), 2);
	ck_assert_uint_eq(counter_get(CAUSE_zn_btid_unknown), 1);
	stop();
}
END_TEST

/* The store ends without an answer, or cannot be asked: an error, never a key. 0: later; 1: at once */
START_TEST(store_does_not_say)
{
	start(_i, 4, 5000);
	far.fail_op = STORE_GET;
	far.fail_rc = -ENOTCONN;
	send_bir(true);
	came(5012, false);
	ck_assert_uint_eq(counter_get(CAUSE_store_away), 1);
	far.fail_rc = -EIO;
	send_bir(true);
	came(5012, false);
	ck_assert_uint_eq(counter_get(CAUSE_store_failed), 1);
	far.fail_rc = -ESTALE;
	send_bir(true);
	came(5012, false);
	ck_assert_uint_eq(counter_get(CAUSE_store_lease), 1);
	provoked("store_away");
	provoked("store_lease");
	stop();
}
END_TEST

/* Where the keys of an application are bounded each is counted before it leaves: those that ask at once get as many as there are, and
 * where it cannot be counted there is none. What would be refused all the same is not counted. 0: later; 1: at once */
START_TEST(uses_are_bounded)
{
	unsigned given = 0;

	start(_i, 8, 5000);
	policy_set(2);
	far.fail_op = STORE_USE;
	far.fail_rc = -EIO;
	send_bir(true);
	came(5012, false);
	ck_assert_uint_eq(counter_get(CAUSE_store_failed), 1);
	far.fail_rc = 0;
	send_bir(false);
	came(5403, false);
	for (int i = 0; i < 5; i++)
		send_bir(true);
	run_until_ends(5);
	for (int i = 0; i < 5; i++)
		given += ends[i].code == 2001 && ends[i].key;
	ck_assert_uint_eq(given, 2);
	ck_assert_uint_eq(counter_get(CAUSE_zn_key_used), 3);
	ck_assert_uint_eq(zn_flow_in_flight(flow), 0);
	n_ends = 0;
	policy_set(0);
	send_bir(true);
	came(2001, true);
	stop();
}
END_TEST

/* The session comes later, its use is counted at once: of what the store lent for that nothing stays either */
START_TEST(counted_at_once)
{
	start(true, 4, 5000);
	policy_set(1);
	for (int i = 0; i < 2; i++) {
		far.hold = true;
		send_bir(true);
		run_until_in_flight(1);
		way_release(&far);
		came(i == 0 ? 2001 : 5403, i == 0);
		ck_assert_uint_eq(zn_flow_in_flight(flow), 0);
		ck_assert_ptr_nonnull(far.st->spare);
		ck_assert_uint_eq(far.st->spare->session.ks.len, 0);
	}
	stop();
}
END_TEST

/* What cannot be read or is no B-TID is answered at once, wherever the store is */
START_TEST(not_readable)
{
	start(_i, 4, 5000);
	send_question(&(struct question){ .text = "no B-TID" });
	came(5403, false);
	send_question(&(struct question){ .text = "x", .no_naf_id = true });
	came(5005, false);
	ck_assert_uint_eq(counter_get(CAUSE_zn_missing_avp), 1);
	ck_assert_uint_eq(counter_get(CAUSE_zn_bad_avp), 0);
	stop();
}
END_TEST

/* zn_busy: over the cap 3004 at once; those under way are answered, and then there is room */
START_TEST(over_the_cap)
{
	start(false, 2, 5000);
	far.hold = true;
	send_bir(true);
	send_bir(true);
	run_until_in_flight(2);
	send_bir(true);
	came(3004, false);
	ck_assert_uint_eq(counter_get(CAUSE_zn_busy), 1);
	ck_assert_uint_eq(zn_flow_in_flight(flow), 2);
	way_release(&far);
	run_until_ends(2);
	came(2001, true);
	came(2001, true);
	send_bir(true);
	came(2001, true);
	provoked("zn_busy"); /* LMDB answers at once: no peer can fill the cap of the running daemon */
	stop();
}
END_TEST

/* A store that does not answer: an error in time, never a key, and what comes late is for nobody */
START_TEST(deadline_ends_it)
{
	uint64_t from;

	start(false, 2, 100);
	far.hold = true;
	from = clock_mono_ms();
	send_bir(true);
	came(5012, false);
	ck_assert_uint_ge(clock_mono_ms() - from, 100);
	ck_assert_uint_eq(counter_get(CAUSE_store_failed), 1);
	ck_assert_uint_eq(zn_flow_in_flight(flow), 0);
	send_bir(false); /* takes the place of the first */
	run_until_in_flight(1);
	way_release(&far);
	came(5403, false);
	osmo_select_main(1);
	ck_assert_uint_eq(n_ends, 0);
	stop();
}
END_TEST

/* What was revoked for this application, after the session was made, is 5403 for it (zn_key_old); for another one it is not */
START_TEST(revoked_for_it)
{
	struct store *st;

	start(_i == 0, 2, 5000);
	st = store_new(NULL, far.inner, never, NULL);
	ck_assert_int_eq(store_revoke_naf(st, "naf2.example.com", 1)->rc, 0);
	send_bir(true);
	came(2001, true);
	ck_assert_int_eq(store_revoke_naf(st, "NAF1.example.com", 1)->rc, 0);
	send_bir(true);
	came(5403, false);
	ck_assert_uint_eq(counter_get(CAUSE_zn_key_old), 1);
	talloc_free(st);
	stop();
}
END_TEST

/* dia_unsent: the NAF has gone meanwhile. Nothing is sent to another, nothing leaks, and it is counted */
START_TEST(gone_meanwhile)
{
	start(false, 2, 5000);
	far.hold = true;
	send_bir(true);
	run_until_in_flight(1);
	dia_hub_free(naf);
	naf = NULL;
	while (dia_hub_is_open(bsf, NAF))
		osmo_select_main(0);
	way_release(&far);
	run_until_in_flight(0);
	ck_assert_uint_eq(counter_get(CAUSE_dia_unsent), 1);
	ck_assert_uint_eq(counter_get(CAUSE_zn_ok), 0);
	stop();
}
END_TEST

/* Freed with two at the store: nothing is sent, nothing leaks */
START_TEST(freed_under_way)
{
	start(false, 2, 5000);
	far.hold = true;
	send_bir(true);
	send_bir(true);
	run_until_in_flight(2);
	stop();
	ck_assert_uint_eq(n_ends, 0);
	ck_assert_uint_eq(n_lost, 2);
}
END_TEST

int main(void)
{
	const TTest *const both[] = { at_once_or_later, not_readable, store_does_not_say, uses_are_bounded,
				      revoked_for_it },
			   *const later[] = { when_the_store_answers, counted_at_once, over_the_cap,
					      deadline_ends_it,       gone_meanwhile,  freed_under_way };
	TCase *tc = tcase_create("zn_flow");

	for (size_t i = 0; i < sizeof(both) / sizeof(both[0]); i++)
		tcase_add_loop_test(tc, both[i], 0, 2);
	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++)
		tcase_add_test(tc, later[i]);
	return suite_run_cases("zn_flow", &tc, 1);
}
