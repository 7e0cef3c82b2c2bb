/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "common/dia/dia_core.h"
#include "common/dia/zh_codec.h"
#include "fuzz/dia_input.h"

static void request(struct msg *m)
{
	struct zh_maa refusal = { 0 };
	struct zh_mar mar;

	if (zh_mar_decode(&mar, m, &refusal.result) == 0) {
		assert(mar.impi.s[IMPI_MAX] == '\0' && mar.scheme[ZH_SCHEME_MAX] == '\0');
		refusal.result.code = RESULT_SUCCESS;
	} else {
		assert(refusal.result.code / 1000 == 5 && refusal.result.failed_avp);
	}
	zh_maa_encode(&m, &refusal);
	fd_msg_free(m);
}

static void answer(struct msg *m)
{
	char *xml;
	struct zh_maa maa;

	if (zh_maa_decode(&maa, m) == 0) {
		assert(maa.vector.kind == ZH_VECTOR_NONE ||
		       (maa.result.code == RESULT_SUCCESS && maa.vector.aka.res.len >= AKA_RES_MIN &&
			maa.vector.aka.res.len <= AKA_RES_MAX && maa.vector.aka.ck.len == AKA_KEY_LEN &&
			maa.vector.aka.ik.len == AKA_KEY_LEN));
		xml = malloc(maa.guss.len + 1); /* every octet of it is there */
		assert(xml);
		if (maa.guss.len)
			memcpy(xml, maa.guss.p, maa.guss.len);
		free(xml);
		zh_maa_clear(&maa);
	}
	fd_msg_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	dia_input(data, size, request, answer);
	return 0;
}
