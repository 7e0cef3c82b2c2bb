/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Two nodes of ours over TLS: a connection whose certificate ends is ended, and it is said before. */
#include <stdio.h>
#include <unistd.h>
#include "common/base/clock.h"
#include "common/base/sockaddr.h"
#include "common/dia/dia_cert.h"
#include "common/dia/dia_hub.h"
#include "common/dia/dia_tls.h"
#include "dict/gba_ids.h"
#include "tests/flow/free_port.h"
#include "tests/unit/pki_made.h"
#include "tests/unit/suite.h"

#define BSF "bsf.example.com"
#define NAF "naf.example.com"
#define DAY 86400

struct seen {
	unsigned n[DIA_HUB_MISROUTED + 1];
	char detail[DIA_HUB_MISROUTED + 1][256];
};

static char dir[] = "/tmp/dia_expiry.XXXXXX";
static struct pki_ca ca;
static struct dia_loop *loop;
static struct seen at_bsf, at_naf;
static const uint32_t zn[] = { GBA_APP_ZN };

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	pki_ca_make(&ca, "ca");
	pki_ca_save(dir, "ca", &ca);
	at_bsf = at_naf = (struct seen){ 0 };
	loop = dia_loop_new();
}

static void teardown(void)
{
	char command[64];

	dia_loop_free(loop);
	pki_ca_clear(&ca);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
}

/* A context of its own with a certificate that holds so long. */
static SSL_CTX *certified(const char *name, long until_s)
{
	const struct span names[] = { span_str(name) };
	const struct pki_wish w = { .ca = &ca, .names = names, .n_names = 1, .from_s = -60, .until_s = until_s };
	char cert[64], key[64], cas[64];
	const struct dia_cert_conf conf = { .certificate = cert, .key = key, .ca = cas, .name = name };
	struct err err = { "" };
	SSL_CTX *c;

	pki_make(dir, name, &w);
	snprintf(cert, sizeof(cert), "%s/%s.pem", dir, name);
	snprintf(key, sizeof(key), "%s/%s.key", dir, name);
	snprintf(cas, sizeof(cas), "%s/ca.pem", dir);
	c = dia_cert_new(&conf, &err);
	ck_assert_msg(c != NULL, "%s", err.text);
	dia_tls_prepare(c);
	return c;
}

static void expiry_on_event(void *owner, enum dia_hub_event ev, const char *peer, const char *detail)
{
	struct seen *s = owner;

	s->n[ev]++;
	snprintf(s->detail[ev], sizeof(s->detail[ev]), "%s", detail);
}

static int all_may(void *owner, const char *identity, const struct sockaddr *from)
{
	return 0;
}

static void by_tls(void *owner, const char *identity, const struct sockaddr *at, struct dia_hub_security *out)
{
	out->how = DIA_HUB_BY_TLS;
}

static struct dia_hub *hub(const char *name, SSL_CTX *tls, struct seen *seen, const struct sockaddr_storage *listen)
{
	struct dia_hub_cfg cfg = {
		.self = { name, "example.com" },
		.client_apps = zn,
		.n_client_apps = 1,
		.n_listen = listen ? 1 : 0,
		.listen_tls = { true },
		.tls = tls,
		.tc_ms = 1000,
		.cb = { .event = expiry_on_event, .admit = all_may, .security = by_tls, .owner = seen },
	};
	struct dia_hub *h;
	struct err err;

	if (listen)
		cfg.listen[0] = *listen;
	h = dia_hub_new(loop, &cfg);
	SSL_CTX_free(tls);
	ck_assert(h && dia_hub_listen(h, &err) == 0);
	return h;
}

/* bsf listens, naf connects. */
static void meet(struct dia_hub **bsf, struct dia_hub **naf, SSL_CTX *of_bsf, SSL_CTX *of_naf)
{
	struct sockaddr_storage at = free_port();

	*bsf = hub(BSF, of_bsf, &at_bsf, &at);
	*naf = hub(NAF, of_naf, &at_naf, NULL);
	ck_assert_int_eq(dia_hub_dial(*naf, BSF, &at, false), 0);
}

#define UNTIL(what) \
	do { \
		uint64_t until_ = clock_mono_ms() + 30000; \
\
		while (!(what)) { \
			ck_assert_msg(clock_mono_ms() < until_, "never: " #what); \
			dia_loop_wait(loop, 100); \
			dia_loop_turn(loop, 64); \
		} \
	} while (0)

START_TEST(who_is_certified_no_more_goes)
{
	struct dia_hub *bsf, *naf;
	SSL_CTX *renewed;

	meet(&bsf, &naf, certified(BSF, 100 * DAY), certified(NAF, 3));
	UNTIL(at_bsf.n[DIA_HUB_OPEN] && at_naf.n[DIA_HUB_OPEN]);
	UNTIL(at_bsf.n[DIA_HUB_EXPIRES] >= 2 && at_naf.n[DIA_HUB_LOST]);
	ck_assert_str_eq(at_bsf.detail[DIA_HUB_EXPIRES], "its certificate, or one above it, has expired");
	UNTIL(at_bsf.n[DIA_HUB_LOST]);
	ck_assert_str_eq(at_bsf.detail[DIA_HUB_LOST], "its certificate, or one above it, has expired");
	UNTIL(at_naf.n[DIA_HUB_TLS] && at_bsf.n[DIA_HUB_TLS]); /* it tries again */
	ck_assert_str_eq(at_naf.detail[DIA_HUB_TLS], "alert \"certificate expired\" from it");
	ck_assert_str_eq(at_bsf.detail[DIA_HUB_TLS], "its certificate, or one above it, has expired");
	ck_assert_uint_eq(at_naf.n[DIA_HUB_EXPIRES], 0);
	renewed = certified(NAF, 100 * DAY);
	dia_hub_tls(naf, renewed); /* and with a new one is back */
	SSL_CTX_free(renewed);
	UNTIL(at_bsf.n[DIA_HUB_OPEN] == 2);
	dia_hub_free(naf);
	dia_hub_free(bsf);
}
END_TEST

START_TEST(that_it_ends_is_said_before)
{
	struct dia_hub *bsf, *naf;

	meet(&bsf, &naf, certified(BSF, 29 * DAY + 60), certified(NAF, 31 * DAY));
	UNTIL(at_naf.n[DIA_HUB_EXPIRES]);
	ck_assert_str_eq(at_naf.detail[DIA_HUB_EXPIRES], "certificate ends in 29 days");
	UNTIL(at_bsf.n[DIA_HUB_OPEN]);
	dia_loop_turn(loop, 64);
	dia_loop_turn(loop, 64);
	ck_assert_uint_eq(at_bsf.n[DIA_HUB_EXPIRES], 0);
	ck_assert_uint_eq(at_naf.n[DIA_HUB_EXPIRES], 1);
	dia_hub_free(naf);
	dia_hub_free(bsf);
}
END_TEST

SUITE_WITH_FIXTURE("dia_expiry", setup, teardown, who_is_certified_no_more_goes, that_it_ends_is_said_before)
