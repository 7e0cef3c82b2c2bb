/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* MAR and MAA as octets: what is read lies within limits, what is refused names why, every answer can be written. */
#include <assert.h>
#include "common/dia/dia_redirect.h"
#include "common/dia/zh_wire.h"
#include "common/gba/btid.h"

#define ANSWER_MAX 16384

static void request(struct span msg)
{
	static const struct dia_self self = { "hss.example", "example" };
	static uint8_t out[ANSWER_MAX];
	struct zh_maa maa = { .result = { .code = RESULT_SUCCESS } };
	struct dia_fault bad = { .code = 0 };
	struct zh_mar mar;
	struct writer w;

	writer_init(&w, out, sizeof(out));
	if (zh_wire_mar_get(&mar, msg, &bad) == 0) {
		assert(strlen(mar.impi.s) <= IMPI_MAX && strlen(mar.scheme) <= ZH_SCHEME_MAX);
		zh_wire_maa_put(&w, msg, &self, &maa);
	} else {
		assert(bad.code / 1000 == 5 || bad.code / 1000 == 3);
		dia_build_refusal(&w, msg, &self, &bad);
	}
}

static void redirect(struct span msg)
{
	struct zh_redirect r;

	if (dia_redirect_get(&r, msg) < 0)
		return;
	assert(r.n >= 1 && r.n <= ZH_REDIRECT_HOSTS);
	for (size_t i = 0; i < r.n; i++)
		assert(fqdn_valid(span_str(r.hosts[i]), ZH_HOST_MAX));
}

static void answer(struct span msg)
{
	struct zh_maa maa;

	if (zh_wire_maa_get(&maa, msg) < 0)
		return;
	assert(maa.vector.kind == ZH_VECTOR_NONE ||
	       (maa.result.code == RESULT_SUCCESS && maa.vector.aka.res.len >= AKA_RES_MIN &&
		maa.vector.aka.ck.len == AKA_KEY_LEN));
	if (maa.result.code == RESULT_REDIRECT)
		redirect(msg);
	assert(!maa.guss.len || (maa.guss.p > msg.p && maa.guss.p + maa.guss.len <= msg.p + msg.len));
	zh_maa_clear(&maa);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < DIA_HDR_LEN)
		return 0;
	request(span_of(data, size));
	answer(span_of(data, size));
	return 0;
}
