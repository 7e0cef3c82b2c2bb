/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* One request at libgba-naf: first line Host, second the request target, the rest the Authorization value, in which each
 * "@NONCE@" becomes a nonce that is ours. Nobody here has the key, so nothing may ever be accepted. */
#include <stdlib.h>
#include <time.h>
#include "naf-lib/naf_ctx.h"

#define BSF   "bsf.mnc001.mcc001.pub.3gppnetwork.org"
#define BTID  "I1U8vpY3qJ0hiuZNrke/NQ==@" BSF
#define MARK  "@NONCE@"
#define INPUT 8192

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct gba_naf *naf;
static struct gba_naf_fake *fake;

static void stopped_clock(struct naf_now *out)
{
	*out = (struct naf_now){ .wall_s = 1000000, .mono_ms = 1000000 };
}

static void end(void)
{
	gba_naf_free(naf);
	gba_naf_fake_free(fake);
}

static void begin(void)
{
	static const char *const names[] = { "naf1.example.com" }, *const bsfs[] = { BSF };
	struct gba_naf_key key = { .size = sizeof(key), .expires_at = time(NULL) + 1000000000 };
	struct gba_naf_config c;

	fake = gba_naf_fake_new();
	for (size_t i = 0; i < sizeof(key.key); i++)
		key.key[i] = (uint8_t)(rand() >> 3);
	if (!fake || gba_naf_fake_add(fake, BTID, &key) < 0)
		abort();
	gba_naf_config_init(&c);
	c.names = names;
	c.n_names = 1;
	c.bsf_names = bsfs;
	c.n_bsf_names = 1;
	c.fake = fake;
	c.algorithms = GBA_NAF_MD5 | GBA_NAF_SHA256;
	c.qop = GBA_NAF_AUTH | GBA_NAF_AUTH_INT;
	naf = naf_ctx_new(&c, stopped_clock, NULL, 0);
	if (!naf)
		abort();
	atexit(end);
}

/*! The Authorization with real nonces in it. */
static void with_nonces(char *out, size_t cap, const char *in)
{
	static const char realm[] = NAF_REALM "naf1.example.com";
	char nonce[NAF_NONCE_CHARS + 1];
	struct writer w;
	const char *mark;

	writer_init(&w, out, cap);
	for (; (mark = strstr(in, MARK)); in = mark + strlen(MARK)) {
		if (naf_nonce_make(naf_ctx_live(naf)->nonces, span_str(realm), 1000000, nonce) < 0)
			abort();
		writer_put(&w, in, (size_t)(mark - in));
		writer_str(&w, nonce);
	}
	writer_str(&w, in);
	if (writer_end(&w) < 0)
		*out = '\0';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[INPUT + 1], authorization[2 * INPUT], *target, *value;
	struct gba_naf_request req;
	struct gba_naf_answer *a, *early;

	if (!naf)
		begin();
	if (size > INPUT)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	target = strchr(text, '\n');
	value = target ? strchr(target + 1, '\n') : NULL;
	if (!value)
		return 0;
	*target++ = '\0';
	*value++ = '\0';
	gba_naf_request_init(&req);
	req.method = "GET";
	req.target = target;
	with_nonces(authorization, sizeof(authorization), value);
	gba_naf_request_header(&req, "Host", text);
	gba_naf_request_header(&req, "Authorization", authorization);
	early = gba_naf_digest_before_body(naf, &req);
	a = gba_naf_digest(naf, &req);
	if (a->verdict == GBA_NAF_ACCEPT || gba_naf_digest_finish(a, "", 0) || a->key)
		abort();
	if ((a->verdict == GBA_NAF_CHALLENGE) != (a->n_challenges == 2) || a->status < 400)
		abort();
	if (early ? early->cause != a->cause
		  : a->cause != GBA_NAF_CAUSE_RESPONSE) /* no body: auth-int can be wrong only */
		abort();
	gba_naf_answer_free(early);
	gba_naf_answer_free(a);
	return 0;
}
