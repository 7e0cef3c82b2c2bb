/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "common/dia/dia_core.h"
#include "common/dia/zn_codec.h"
#include "fuzz/dia_input.h"

static void request(struct msg *m)
{
	struct zn_bia refusal = { 0 };
	struct zn_bir bir;

	if (zn_bir_decode(&bir, m, &refusal.result) == 0) {
		assert(bir.n_gsids <= ZN_GSIDS_MAX && bir.naf_id.len > UA_ID_LEN &&
		       bir.origin_host[ZN_NAME_MAX] == '\0');
		for (size_t i = 0; i < bir.n_gsids; i++)
			assert(strlen(bir.gsids[i]) >= 1 && strlen(bir.gsids[i]) <= ZN_GSID_MAX);
		refusal.result.code = RESULT_SUCCESS;
	} else {
		assert(refusal.result.code / 1000 == 5 && refusal.result.failed_avp);
	}
	zn_bia_encode(&m, &refusal);
	fd_msg_free(m);
}

static void answer(struct msg *m)
{
	struct zn_bia bia;

	if (zn_bia_decode(&bia, m) == 0) {
		assert(bia.me_key.len == 0 || bia.me_key.len == 32);
		assert(bia.result.code == RESULT_SUCCESS || bia.me_key.len == 0);
		assert(!bia.uss_list || bia.uss_list[bia.uss_list_len] == '\0');
		zn_bia_clear(&bia);
	}
	fd_msg_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	dia_input(data, size, request, answer);
	return 0;
}
