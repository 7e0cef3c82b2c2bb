/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What an HLR sends, or whoever stands in its place: a stream of frames. */
#include <stdlib.h>
#include "bsf/vectors/gsup_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_answer(struct span msg)
{
	struct gsup_answer a;

	if (gsup_wire_answer_get(&a, msg) < 0)
		return;
	if (!a.imsi[0] || strspn(a.imsi, "0123456789") != strlen(a.imsi))
		abort();
	if (a.has_vector && (a.vector.ck.len != AKA_KEY_LEN || a.vector.ik.len != AKA_KEY_LEN ||
			     a.vector.res.len < AKA_RES_MIN || a.vector.res.len > 16))
		abort();
	gsup_answer_clear(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_of(data, size);
	struct gsup_frame f;
	int n;

	while ((n = gsup_wire_frame(&f, in)) > 0) {
		if ((size_t)n > in.len || f.body.p < in.p || f.body.p + f.body.len != in.p + n)
			abort();
		if (f.kind == GSUP_MESSAGE)
			check_answer(f.body);
		in = span_of(in.p + n, in.len - (size_t)n);
	}
	return 0;
}
