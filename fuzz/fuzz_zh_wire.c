/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* MAR and MAA as octets: what is read lies within limits, what is refused names why, every answer can be written. */
#include <assert.h>
#include "common/dia/zh_wire.h"

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

static void answer(struct span msg)
{
	struct zh_maa maa;

	if (zh_wire_maa_get(&maa, msg) < 0)
		return;
	assert(maa.vector.kind == ZH_VECTOR_NONE ||
	       (maa.result.code == RESULT_SUCCESS && maa.vector.aka.res.len >= AKA_RES_MIN &&
		maa.vector.aka.ck.len == AKA_KEY_LEN));
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
