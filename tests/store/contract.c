/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What every store keeps to: one set of cases, run on memory, on LMDB, on Redis, and on Redis behind Sentinels. */
#include "tests/store/contract.h"

#include "tests/store/redis_server.h"
#include "tests/store/sentinel_set.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#include "tests/unit/suite.h"

static const char *const backend_name[] = { "memory", "LMDB", "Redis", "Redis behind Sentinels" };
static struct redis_server server;
static struct sentinel_set set; /* for all cases: it takes some seconds */
static char dir[256];
struct harness h;

void backend_open(int backend)
{
	struct store_lmdb_cfg cfg = lmdb_cfg();

	dir[0] = '\0';
	if (backend == MEM) {
		harness_open_mem(&h);
		return;
	}
	if (backend == REDIS) {
		struct store_redis_cfg redis;

		redis_server_start(&server, NULL);
		redis = redis_cfg(&server.addr);
		harness_open_redis(&h, &redis);
		return;
	}
	if (backend == SENTINEL) {
		struct store_redis_cfg behind = sentinel_set_cfg(&set);
		char text[32];

		redis_server_ask(&set.master, text, sizeof(text), (const char *const[]){ "FLUSHALL", NULL });
		harness_open_redis(&h, &behind);
		return;
	}
	strcpy(dir, temp_dir());
	harness_open_lmdb(&h, dir, &cfg);
}

void backend_again(int backend)
{
	struct store_lmdb_cfg cfg = lmdb_cfg();
	struct store_redis_cfg redis = backend == SENTINEL ? sentinel_set_cfg(&set) : redis_cfg(&server.addr);

	harness_close(&h);
	if (backend == LMDB)
		harness_open_lmdb(&h, dir, &cfg);
	else
		harness_open_redis(&h, &redis);
}

void backend_close(void)
{
	harness_close(&h);
	redis_server_stop(&server);
	if (dir[0])
		temp_dir_remove(dir);
}

/* 220-4.5.2-29: Ks under its B-TID; the domain is the one it was made under, in any case */
CASE(put_and_get)
{
	struct gba_session s = session_make(1, IMPI_1, BSF_A, false);
	struct btid id = btid_of(&s);

	ck_assert_int_eq(get(&h, &id), -ENOENT);
	ck_assert_int_eq(put(&h, &s), 0);
	ck_assert_int_eq(get(&h, &id), 0);
	assert_same_session(&h.session, &s);
	strcpy(id.domain, "BSF.mnc001.MCC001.pub.3gppnetwork.org");
	ck_assert_int_eq(get(&h, &id), 0);
	strcpy(id.domain, BSF_B);
	ck_assert_int_eq(get(&h, &id), -ENOENT);
	id = btid_of(&s);
	id.rand[15] ^= 1;
	ck_assert_int_eq(get(&h, &id), -ENOENT);
}

CASE(guss_comes_back)
{
	struct gba_session s = session_make(1, IMPI_1, BSF_A, true);
	struct btid id = btid_of(&s);

	s.guss = guss_noise(65536);
	ck_assert_int_eq(put(&h, &s), 0);
	ck_assert_int_eq(get(&h, &id), 0);
	assert_same_session(&h.session, &s);
	gba_session_clear(&s);
}

/* 220-4.4.7-2: no two live sessions share a B-TID */
CASE(rand_of_a_live_session)
{
	struct gba_session s = session_make(1, IMPI_1, BSF_A, true), other = session_make(1, IMPI_2, BSF_B, true);
	struct btid id = btid_of(&s);

	ck_assert_int_eq(put(&h, &s), 0);
	ck_assert_int_eq(put(&h, &other), -EEXIST);
	ck_assert_int_eq(put(&h, &s), -EEXIST);
	ck_assert_int_eq(get(&h, &id), 0);
	assert_same_session(&h.session, &s);
	ck_assert_int_eq(find_tmpi(&h, s.tmpi), 0);
	ck_assert_str_eq(h.impi, IMPI_1);
	ck_assert_int_eq(revoke_impi(&h, IMPI_2), 0);
	ck_assert_uint_eq(h.a.revoked, 0);
}

/* 220-4.5.2-21, -29: a new run of an IMPI under the same BSF name replaces session and TMPI */
CASE(new_run_replaces)
{
	struct gba_session a = session_make(1, IMPI_1, BSF_A, true), b = session_make(2, IMPI_1, BSF_A, true);
	struct gba_session other = session_make(3, IMPI_2, BSF_A, true);
	struct btid id_a = btid_of(&a), id_b = btid_of(&b), id_other = btid_of(&other);

	strcpy(b.bsf_name, "bsf.MNC001.mcc001.pub.3gppnetwork.org");
	ck_assert_int_eq(put(&h, &a), 0);
	ck_assert_int_eq(put(&h, &other), 0);
	ck_assert_int_eq(put(&h, &b), 0);
	ck_assert_int_eq(get(&h, &id_a), -ENOENT);
	ck_assert_int_eq(get(&h, &id_b), 0);
	ck_assert_int_eq(get(&h, &id_other), 0);
	ck_assert_int_eq(find_tmpi(&h, a.tmpi), -ENOENT);
	ck_assert_int_eq(find_tmpi(&h, b.tmpi), 0);
	ck_assert_str_eq(h.impi, IMPI_1);
	ck_assert_int_eq(find_tmpi(&h, other.tmpi), 0);
	ck_assert_str_eq(h.impi, IMPI_2);
}

/* Two BSF names: both sessions live, one TMPI for the IMPI */
CASE(names_apart)
{
	struct gba_session a = session_make(1, IMPI_1, BSF_A, true), b = session_make(2, IMPI_1, BSF_B, true);
	struct btid id_a = btid_of(&a), id_b = btid_of(&b);

	ck_assert_int_eq(put(&h, &a), 0);
	ck_assert_int_eq(put(&h, &b), 0);
	ck_assert_int_eq(get(&h, &id_a), 0);
	ck_assert(secret_equal(&h.session.ks, &a.ks));
	ck_assert_int_eq(get(&h, &id_b), 0);
	ck_assert_int_eq(find_tmpi(&h, a.tmpi), -ENOENT);
	ck_assert_int_eq(find_tmpi(&h, b.tmpi), 0);
	/* the domain of an IMPI has no case, whoever writes it */
	ck_assert_int_eq(revoke_impi(&h, "001010000000001@IMS.mnc001.mcc001.3GPPnetwork.org"), 0);
	ck_assert_uint_eq(h.a.revoked, 2);
}

/* A run without the product token: no TMPI is made, and the former is over */
CASE(run_without_tmpi)
{
	struct gba_session a = session_make(1, IMPI_1, BSF_A, true), b = session_make(2, IMPI_1, BSF_B, false);
	struct btid id_a = btid_of(&a);

	ck_assert_int_eq(put(&h, &a), 0);
	ck_assert_int_eq(put(&h, &b), 0);
	ck_assert_int_eq(find_tmpi(&h, a.tmpi), -ENOENT);
	ck_assert_int_eq(get(&h, &id_a), 0);
}

CASE(revoked_is_gone)
{
	struct gba_session s = session_make(1, IMPI_1, BSF_A, true), again = session_make(2, IMPI_1, BSF_A, true);
	struct gba_session other = session_make(3, IMPI_2, BSF_A, false);
	struct btid id = btid_of(&s), id_again = btid_of(&again), id_other = btid_of(&other);

	ck_assert_int_eq(put(&h, &s), 0);
	ck_assert_int_eq(put(&h, &other), 0);
	ck_assert_int_eq(revoke_impi(&h, IMPI_1), 0);
	ck_assert_uint_eq(h.a.revoked, 1);
	ck_assert_int_eq(get(&h, &id), -ENOENT);
	ck_assert_int_eq(get(&h, &id_other), 0);
	ck_assert_msg(put(&h, &s) == -EEXIST, "the tombstone keeps it from coming back");
	ck_assert_int_eq(revoke_impi(&h, IMPI_1), 0);
	ck_assert_uint_eq(h.a.revoked, 0);
	ck_assert_int_eq(find_tmpi(&h, s.tmpi), 0);
	ck_assert_int_eq(put(&h, &again), 0);
	ck_assert_int_eq(find_tmpi(&h, s.tmpi), -ENOENT);
	ck_assert_int_eq(find_tmpi(&h, again.tmpi), 0);
	ck_assert_int_eq(get(&h, &id_again), 0);
	ck_assert_msg(put(&h, &s) == -EEXIST, "nor a new run");
	ck_assert_int_eq(get(&h, &id_again), 0);
	ck_assert_int_eq(find_tmpi(&h, again.tmpi), 0);
}

CASE(revoke_by_btid)
{
	struct gba_session a = session_make(1, IMPI_1, BSF_A, false), b = session_make(2, IMPI_1, BSF_B, true);
	struct btid id_a = btid_of(&a), id_b = btid_of(&b), wrong = btid_of(&a);
	struct store_figures f;

	ck_assert_int_eq(put(&h, &a), 0);
	ck_assert_int_eq(put(&h, &b), 0);
	strcpy(wrong.domain, BSF_B);
	ck_assert_int_eq(revoke_btid(&h, &wrong), 0);
	ck_assert_uint_eq(h.a.revoked, 0);
	ck_assert_int_eq(revoke_btid(&h, &id_a), 0);
	ck_assert_uint_eq(h.a.revoked, 1);
	ck_assert_int_eq(get(&h, &id_a), -ENOENT);
	ck_assert_int_eq(get(&h, &id_b), 0);
	ck_assert_int_eq(revoke_btid(&h, &id_a), 0);
	ck_assert_uint_eq(h.a.revoked, 0);
	store_shared_figures(h.sh, &f);
	ck_assert_msg(f.corrupt == 0, "a tombstone is no damage");
	if (backend < REDIS) /* it is not counted there: others use it, too */
		ck_assert_uint_eq(f.sessions, 1);
}

static struct guss_blob *guss_of(const char *when, const char *gsid)
{
	char xml[512];

	snprintf(xml, sizeof(xml),
		 "<guss><Extension>%s%s%s</Extension><ussList><uss id='%s' type='1'/></ussList></guss>",
		 when ? "<timestamp>" : "", when ? when : "", when ? "</timestamp>" : "", gsid);
	return guss_blob_new(span_str(xml));
}

static bool has_gsid(const struct gba_session *s, const char *gsid)
{
	struct btid id = btid_of(s);
	char word[32];
	struct span xml;

	ck_assert_int_eq(get(&h, &id), 0);
	snprintf(word, sizeof(word), "id='%s'", gsid);
	xml = guss_blob_span(h.session.guss);
	return xml.len && memmem(xml.p, xml.len, word, strlen(word));
}

#define T1 "2026-01-01T00:00:01Z"
#define T2 "2026-01-01T00:00:02Z"
#define T3 "2026-01-01T00:00:03Z"

/* \param[in] guss taken */
static struct gba_session session_with(unsigned n, const char *impi, const char *bsf_name, struct guss_blob *guss)
{
	struct gba_session s = session_make(n, impi, bsf_name, false);

	s.guss = guss;
	return s;
}

/* A GUSS that is newer takes the place of the older one in every live session of its subscriber, and in no other */
CASE(guss_is_replaced)
{
	struct gba_session a = session_with(1, IMPI_1, BSF_A, guss_of(T1, "1")),
			   b = session_make(2, IMPI_1, BSF_B, false);
	struct gba_session other = session_with(3, IMPI_2, BSF_A, guss_of(T1, "1"));

	ck_assert_int_eq(put(&h, &a), 0);
	ck_assert_int_eq(put(&h, &b), 0);
	ck_assert_int_eq(put(&h, &other), 0);
	ck_assert_int_eq(push_guss(&h, "001010000000001@IMS.mnc001.mcc001.3GPPnetwork.org", guss_of(T2, "2"), 1000), 0);
	ck_assert_uint_eq(h.a.revoked, 2);
	ck_assert(has_gsid(&a, "2") && has_gsid(&b, "2") && has_gsid(&other, "1"));
	ck_assert(secret_equal(&h.session.ks, &other.ks));
	ck_assert_int_eq(push_guss(&h, IMPI_1, guss_of(T2, "3"), 1000), 0);
	ck_assert_uint_eq(h.a.revoked, 0);
	ck_assert_uint_eq(h.a.as_new, 2);
	ck_assert_int_eq(push_guss(&h, IMPI_1, guss_of(T1, "4"), 1000), 0);
	ck_assert_uint_eq(h.a.revoked, 0);
	ck_assert(has_gsid(&a, "2"));
	ck_assert_int_eq(revoke_impi(&h, IMPI_1), 0);
	ck_assert_uint_eq(h.a.revoked, 2);
	ck_assert_int_eq(push_guss(&h, IMPI_1, guss_of(T3, "5"), 1000), 0);
	ck_assert_msg(h.a.revoked + h.a.as_new == 0, "what is revoked stays so");
	gba_session_clear(&a);
	gba_session_clear(&other);
}

/* A run that was under way when it came brings an older one with it: it does not take it back */
CASE(guss_of_a_run_under_way)
{
	struct gba_session a = session_with(1, IMPI_1, BSF_A, guss_of(T1, "1"));
	struct gba_session b = session_with(2, IMPI_1, BSF_B, guss_of(T3, "3"));
	struct gba_session other = session_make(3, IMPI_2, BSF_A, false);
	struct gba_session late = session_with(4, IMPI_1, BSF_A, guss_of(T1, "1"));

	ck_assert_int_eq(push_guss(&h, IMPI_1, guss_of(T2, "2"), 200), 0);
	ck_assert_uint_eq(h.a.revoked + h.a.as_new, 0);
	ck_assert_int_eq(put(&h, &a), 0);
	ck_assert(has_gsid(&a, "2"));
	ck_assert_int_eq(put(&h, &b), 0);
	ck_assert_int_eq(put(&h, &other), 0);
	ck_assert(has_gsid(&b, "3") && !has_gsid(&other, "2"));
	usleep(250000);
	ck_assert_int_eq(put(&h, &late), 0);
	ck_assert_msg(has_gsid(&late, "1"), "the runs of that time are over");
	gba_session_clear(&a);
	gba_session_clear(&b);
	gba_session_clear(&late);
}

/* More revocations of one IMPI within a life time than the index shows at once */
CASE(revoked_often)
{
	for (unsigned n = 0; n < 100; n++) {
		struct gba_session s = session_make(n, IMPI_1, BSF_A, true);
		struct btid id = btid_of(&s);

		ck_assert_int_eq(put(&h, &s), 0);
		ck_assert_int_eq(revoke_impi(&h, IMPI_1), 0);
		ck_assert_uint_eq(h.a.revoked, 1);
		ck_assert_int_eq(get(&h, &id), -ENOENT);
	}
}

/* A TMPI is known by all of its octets */
CASE(tmpi_whole)
{
	struct gba_session s = session_make(1, IMPI_1, BSF_A, true);
	uint8_t near[TMPI_LEN];

	ck_assert_int_eq(put(&h, &s), 0);
	for (unsigned i = 0; i < TMPI_LEN; i++) {
		memcpy(near, s.tmpi, TMPI_LEN);
		near[i] ^= 1;
		ck_assert_int_eq(find_tmpi(&h, near), -ENOENT);
	}
	ck_assert_int_eq(find_tmpi(&h, s.tmpi), 0);
}

static void set_start(void)
{
	sentinel_set_start(&set);
}

static void set_stop(void)
{
	sentinel_set_stop(&set);
}

static int backends;
#define ADD(name) tcase_add_loop_test(tc, name, 0, backends)

int main(void)
{
	TCase *tc = tcase_create("memory, LMDB and Redis");

	backends = redis_server_is_there() ? BACKENDS : REDIS;
	for (int i = 0; i < BACKENDS; i++)
		printf("case number %d is %s%s\n", i, backend_name[i],
		       i < backends ? "" : ": skipped, there is no redis-server");
	ADD(put_and_get);
	ADD(guss_comes_back);
	ADD(rand_of_a_live_session);
	ADD(new_run_replaces);
	ADD(names_apart);
	ADD(run_without_tmpi);
	ADD(revoked_is_gone);
	ADD(revoke_by_btid);
	ADD(guss_is_replaced);
	ADD(guss_of_a_run_under_way);
	ADD(revoked_often);
	ADD(tmpi_whole);
	contract_life_add(tc, backends);
	contract_marks_add(tc, backends);
	contract_challenges_add(tc, backends);
	contract_threads_add(tc, backends);
	if (backends == BACKENDS)
		tcase_add_unchecked_fixture(tc, set_start, set_stop);
	return suite_run_cases("store contract", &tc, 1);
}
