/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Each allocation of the node fails once, and with the one behind it (calloc(), malloc(), realloc() are ours: -Wl,--wrap): what was asked for is refused and
 * can be asked for again, two nodes find each other again, every question has one end, and nothing is lost: the sanitizer's
 * build of this test says so. */
#include <errno.h>
#include <stdio.h>
#include <openssl/ssl.h>
#include "common/base/clock.h"
#include "common/dia/dia_hub.h"
#include "common/dia/zh_wire.h"
#include "tests/flow/free_port.h"
#include "tests/unit/pki_made.h"
#include "tests/unit/suite.h"

#define HSS   "hss.example.com"
#define BSF   "bsf.example.com"
#define REALM "example.com"
#define GUSS  40000 /* octets of the first answer: more than a stream has room for at first */
#define ASKED 66    /* at once: more than the table of questions has room for at first */
#define PATIENCE_MS \
	60000 /* more than the test waits: where an answer finds no memory the connection ends, and so the question */

static unsigned long calls, fails_at; /* from 1; 0: none fails */
static unsigned long in_a_row;        /* so many fail then: where the first is made up for, the second is not */
static unsigned long open_at;         /* so many there were when the two had found each other */
static struct dia_loop *loop;
static struct dia_hub *hss, *bsf;
static struct sockaddr_storage hss_at;
static unsigned ends, answered;
static struct dia_reply *kept[ASKED];
static size_t n_kept;
static uint8_t guss[GUSS];

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

static bool fails(void)
{
	return ++calls - fails_at < in_a_row && fails_at;
}

void *__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
	return fails() ? NULL : __real_realloc(p, n);
}

static int put_maa(struct writer *w, struct span request, const struct dia_self *self, const void *answer)
{
	return zh_wire_maa_put(w, request, self, answer);
}

static int put_mar(struct writer *w, const struct dia_address *to, const void *what)
{
	return zh_wire_mar_put(w, to, what);
}

static void answer(struct dia_reply *r)
{
	struct zh_maa m = { .result.code = RESULT_SUCCESS, .guss = span_of(guss, answered == 1 ? GUSS : 1) };

	dia_reply_put(r, put_maa, &m);
}

/* Some are kept; where there is no memory to keep one, it is answered at once. */
static void on_mar(void *owner, struct dia_reply *r)
{
	struct dia_reply *k = ++answered % 8 == 0 ? dia_reply_keep(r) : NULL;

	if (k)
		kept[n_kept++] = k;
	else
		answer(r);
}

static int all_may_come(void *owner, const char *identity, const struct sockaddr *from)
{
	return 0;
}

static void on_end(void *owner, uint64_t txn, int rc, struct span msg)
{
	ends++;
}

/* The same in the clear, by TLS and by TLS after CER. */
static const enum dia_hub_protection ways[] = { DIA_HUB_PLAIN, DIA_HUB_BY_TLS, DIA_HUB_TLS_AFTER_CER };
#define N_WAYS (sizeof(ways) / sizeof(ways[0]))
static enum dia_hub_protection how;
static SSL_CTX *tls; /* one certificate for both */

static void security(void *owner, const char *identity, const struct sockaddr *at, struct dia_hub_security *out)
{
	out->how = how;
}

static void make_tls(void)
{
	char dir[] = "/tmp/dia_torture.XXXXXX", cmd[64];
	const struct span names[] = { span_str(HSS), span_str(BSF) };
	struct pki_ca ca;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	pki_ca_make(&ca, "a CA");
	pki_ca_save(dir, "ca", &ca);
	pki_make(dir, "both", &(struct pki_wish){ .ca = &ca, .names = names, .n_names = 2 });
	pki_ca_clear(&ca);
	tls = pki_open(dir, "both", NULL);
	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	ck_assert_int_eq(system(cmd), 0);
}

static const char *const realms[] = { REALM };
static const struct dia_hub_service services[] = { { .grammar = &zh_wire_mar, .fn = on_mar } };
static const uint32_t zh[] = { GBA_APP_ZH };

/* Without an allocation of its own while all is well: check's macros have some. */
#define MUST(what) \
	do { \
		if (!(what)) { \
			unsigned long failed_ = fails_at; \
\
			fails_at = 0; \
			ck_abort_msg("allocation %lu: not " #what, failed_); \
		} \
	} while (0)

/* What could not be done for want of memory can be done the next time. */
#define AT_LAST(what) ((what) || (what) || (what))

static bool start_hss(void)
{
	struct dia_hub_cfg cfg = {
		.self = { HSS, REALM },
		.realms = realms,
		.n_realms = 1,
		.services = services,
		.n_services = 1,
		.n_listen = 1,
		.tc_ms = 100,
		.state_id = 1,
		.tls = tls,
		.cb = { .admit = all_may_come, .security = security },
	};
	struct err err;

	cfg.listen[0] = hss_at;
	cfg.listen_tls[0] = how == DIA_HUB_BY_TLS;
	hss = dia_hub_new(loop, &cfg);
	if (hss && dia_hub_listen(hss, &err) < 0) {
		dia_hub_free(hss);
		hss = NULL;
	}
	return hss;
}

static bool start_bsf(void)
{
	struct dia_hub_cfg cfg = {
		.self = { BSF, REALM },
		.client_apps = zh,
		.n_client_apps = 1,
		.tc_ms = 100,
		.state_id = 1,
		.tls = tls,
		.cb = { .security = security },
	};

	bsf = dia_hub_new(loop, &cfg);
	return bsf;
}

static int ask(void)
{
	struct dia_target to = { .peer = HSS, .realm = REALM, .grammar = &zh_wire_mar, .room = 2048 };
	struct zh_mar mar = { .scheme = "Digest-AKAv1-MD5" };

	strcpy(mar.impi.s, "001010000000001@ims.example.com");
	return dia_ask(bsf, &to, put_mar, &mar, PATIENCE_MS, on_end, NULL, 0);
}

static void turn(void)
{
	dia_loop_wait(loop, 100);
	dia_loop_turn(loop, 64);
}

#define UNTIL(what) \
	for (uint64_t until_ = clock_mono_ms() + 10000; !(what); turn()) \
	MUST(clock_mono_ms() < until_ && "at last: " #what)

/* One that finds no memory while its connection is there is refused or ends, and the next one goes. */
static void ask_many(void)
{
	unsigned before = ends, asked = 0;

	UNTIL(dia_hub_is_open(bsf, HSS));
	open_at = open_at ? open_at : calls;
	for (unsigned i = 0; i < ASKED; i++)
		asked += ask() == 0;
	MUST(asked >= ASKED - in_a_row);
	UNTIL(ends - before + n_kept >= asked);
	while (n_kept)
		answer(kept[--n_kept]);
	UNTIL(ends - before == asked);
}

static void scene(void)
{
	ends = answered = 0;
	MUST(AT_LAST(loop = dia_loop_new()));
	MUST(AT_LAST(start_hss()) && AT_LAST(start_bsf()));
	MUST(AT_LAST(dia_hub_dial(bsf, HSS, &hss_at, false) == 0));
	ask_many();
	UNTIL(dia_hub_is_open(bsf, HSS));
	ask_many();
	dia_hub_free(bsf);
	dia_hub_free(hss);
	dia_loop_free(loop);
}

START_TEST(test_each_allocation_fails)
{
	unsigned long all = 1;

	hss_at = free_port();
	how = ways[_i % N_WAYS];
	in_a_row = 1 + (unsigned)_i / N_WAYS;
	make_tls();
	for (unsigned long n = 1; n <= all; n++) {
		calls = open_at = 0;
		fails_at = n;
		scene();
		all = how == DIA_HUB_PLAIN ? calls : open_at; /* what comes then is the same */
		fails_at = 0;
	}
	SSL_CTX_free(tls);
	ck_assert_uint_gt(all, how == DIA_HUB_PLAIN ? 2 * ASKED : 10);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("dia_torture");

	tcase_add_loop_test(t, test_each_allocation_fails, 0, N_WAYS + 1);
	return suite_run_cases("dia_torture", &t, 1);
}
