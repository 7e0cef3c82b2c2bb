/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "common/dia/dia_core.h"
#include "common/dia/dia_guard.h"
#include "common/dia/zn_codec.h"

static void request(struct msg *m)
{
	struct zn_bia refusal = { 0 };
	struct zn_bir bir;

	if (zn_bir_decode(&bir, m, &refusal.result) == 0) {
		assert(bir.n_gsids <= ZN_GSIDS_MAX && bir.naf_id.len > UA_ID_LEN && bir.origin_host[DIA_ID_MAX] == '\0');
		for (size_t i = 0; i < bir.n_gsids; i++)
			assert(strlen(bir.gsids[i]) >= 1 && strlen(bir.gsids[i]) <= ZN_GSID_MAX);
		refusal.result.code = DIA_SUCCESS;
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
		assert(bia.result.code == DIA_SUCCESS || bia.me_key.len == 0);
		assert(!bia.uss_list || bia.uss_list[bia.uss_list_len] == '\0');
		zn_bia_clear(&bia);
	}
	fd_msg_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fd_pei pei = { 0 };
	struct msg *m = NULL;
	struct msg_hdr *hdr;
	uint8_t *copy;

	if (size < 20 || dia_core_init_parser(NULL))
		return 0;
	copy = malloc(size);
	assert(copy);
	memcpy(copy, data, size);
	if (dia_guard(copy, size) || fd_msg_parse_buffer(&copy, size, &m)) {
		free(copy);
		return 0;
	}
	if (fd_msg_parse_dict(m, fd_g_config->cnf_dict, &pei) || fd_msg_hdr(m, &hdr)) {
		if (pei.pei_avp_free)
			fd_msg_free(pei.pei_avp);
		fd_msg_free(m);
	} else if (hdr->msg_flags & CMD_FLAG_REQUEST) {
		request(m);
	} else {
		answer(m);
	}
	return 0;
}
