/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* BIR and BIA as octets: what is read lies within limits, what is refused names why, every answer can be written. */
#include <assert.h>
#include "common/dia/zn_wire.h"

#define ANSWER_MAX 16384

static void request(struct span msg)
{
	static const struct dia_self self = { "bsf.example", "example" };
	static uint8_t out[ANSWER_MAX];
	struct zn_bia bia = { .result = { .code = RESULT_SUCCESS } };
	struct dia_fault bad = { .code = 0 };
	struct zn_bir bir;
	struct writer w;

	writer_init(&w, out, sizeof(out));
	if (zn_wire_bir_get(&bir, msg, &bad, NULL) == 0) {
		assert(bir.n_gsids <= ZN_GSIDS_MAX && bir.naf_id.len > UA_ID_LEN && bir.origin_host[0]);
		for (size_t i = 0; i < bir.n_gsids; i++)
			assert(strlen(bir.gsids[i]) >= 1 && strlen(bir.gsids[i]) <= ZN_GSID_MAX);
		zn_wire_bia_put(&w, msg, &self, &bia);
	} else {
		assert(bad.code / 1000 == 5 || bad.code / 1000 == 3);
		dia_build_refusal(&w, msg, &self, &bad);
	}
}

static void answer(struct span msg)
{
	struct zn_bia bia;

	if (zn_wire_bia_get(&bia, msg) < 0)
		return;
	assert(bia.me_key.len == 0 || bia.me_key.len == 32);
	assert(bia.result.code == RESULT_SUCCESS || bia.me_key.len == 0);
	assert(!bia.uss_list || bia.uss_list[bia.uss_list_len] == '\0');
	zn_bia_clear(&bia);
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
