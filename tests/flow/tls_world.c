/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/flow/tls_world.h"

#include <stdio.h>
#include <unistd.h>
#include "dict/gba_ids.h"
#include "tests/flow/free_port.h"
#include "tests/unit/pki_made.h"

struct dia_loop *loop;
struct dia_hub *bsf, *naf;
struct tls_seen at_bsf, at_naf;

static char dir[] = "/tmp/tls_world.XXXXXX";
static struct pki_ca ca;
static const uint32_t zn[] = { GBA_APP_ZN };

void tls_world_setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	pki_ca_make(&ca, "ca");
	pki_ca_save(dir, "ca", &ca);
	at_bsf = at_naf = (struct tls_seen){ .security.how = DIA_HUB_BY_TLS };
	loop = dia_loop_new();
}

void tls_world_teardown(void)
{
	char command[64];

	dia_hub_free(naf);
	dia_hub_free(bsf);
	dia_loop_free(loop);
	pki_ca_clear(&ca);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
}

SSL_CTX *tls_world_certified(const char *name, long until_s)
{
	const struct span names[] = { span_str(name) };
	const struct pki_wish w = { .ca = &ca, .names = names, .n_names = 1, .from_s = -60, .until_s = until_s };

	pki_make(dir, name, &w);
	return pki_open(dir, name, name);
}

static void on_event(void *owner, enum dia_hub_event ev, const char *peer, const char *detail)
{
	struct tls_seen *s = owner;

	s->n[ev]++;
	snprintf(s->detail[ev], sizeof(s->detail[ev]), "%s", detail);
}

static int all_may(void *owner, const char *identity, const struct sockaddr *from)
{
	return 0;
}

static void as_wanted(void *owner, const char *identity, const struct sockaddr *at, struct dia_hub_security *out)
{
	*out = ((const struct tls_seen *)owner)->security;
}

static struct dia_hub *hub(const char *name, SSL_CTX *tls, struct tls_seen *seen, const struct sockaddr_storage *listen,
			   bool listen_tls)
{
	struct dia_hub_cfg cfg = {
		.self = { name, "example.com" },
		.client_apps = zn,
		.n_client_apps = 1,
		.n_listen = listen ? 1 : 0,
		.listen_tls = { listen_tls },
		.tls = tls,
		.tc_ms = 1000,
		.cb = { .event = on_event, .admit = all_may, .security = as_wanted, .owner = seen },
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

void tls_world_meet(SSL_CTX *of_bsf, SSL_CTX *of_naf, bool tls)
{
	struct sockaddr_storage at = free_port();

	bsf = hub(BSF, of_bsf, &at_bsf, &at, tls);
	naf = hub(NAF, of_naf, &at_naf, NULL, false);
	ck_assert_int_eq(dia_hub_dial(naf, BSF, &at, false), 0);
}
