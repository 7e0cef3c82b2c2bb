/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* CER to DPA from any octets: names are names, and the answer to it can be read. */
#include <assert.h>
#include "common/dia/dia_base.h"

static const struct dia_caps us = { .host = "bsf.example", .realm = "example", .apps = { GBA_APP_ZN }, .n_apps = 1 };

static void named(const struct dia_caps *c)
{
	assert(c->host[0] && strlen(c->host) <= DIA_NAME_MAX && strlen(c->product) < sizeof(c->product));
	assert(c->n_apps <= DIA_BASE_APPS_MAX && (c->tls || c->no_tls || c->security_offered));
}

static void answer_cer(struct span msg, const struct dia_fault *bad)
{
	static uint8_t out[16384];
	struct dia_caps c;
	struct writer w;
	uint32_t code;
	int n;

	writer_init(&w, out, sizeof(out));
	n = dia_base_cea_put(&w, msg, &us, bad, NULL);
	assert(n > DIA_HDR_LEN && n % 4 == 0);
	assert(dia_base_cea_get(&c, &code, span_of(out, (size_t)n)) == 0 && code == (bad ? bad->code : 2001));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span msg = span_of(data, size);
	struct dia_fault bad;
	struct dia_word word;
	struct dia_caps c;
	uint32_t code;

	if (size < DIA_HDR_LEN)
		return 0;
	if (dia_base_cer_get(&c, msg, &bad) == 0) {
		named(&c);
		answer_cer(msg, NULL);
	} else {
		answer_cer(msg, &bad);
	}
	if (dia_base_cea_get(&c, &code, msg) == 0)
		named(&c);
	if (dia_base_word_get(&word, msg, &dia_base_dwr, &bad) == 0)
		assert(word.host[0]);
	if (dia_base_word_get(&word, msg, &dia_base_dpr, &bad) == 0)
		assert(word.cause <= DIA_DO_NOT_WANT);
	dia_base_reply_check(msg, &dia_base_dwa);
	return 0;
}
