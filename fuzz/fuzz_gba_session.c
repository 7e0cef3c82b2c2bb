/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdlib.h>
#include "bsf/store/gba_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read, packed and read again is the same session. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t rand[AKA_RAND_LEN] = { 7 };
	static uint8_t again[GBA_RECORD_MAX + 64];
	struct gba_session_known known = { 1700003600, 0x0102030405060708 };
	struct gba_session s, t;
	int n;

	if (gba_session_unpack(&s, rand, &known, data, size) < 0)
		return 0;
	known = (struct gba_session_known){ s.expires_at, be64_get(s.tmpi) };
	n = gba_session_pack(again, sizeof(again), &s);
	if (n < 0 || gba_session_unpack(&t, rand, &known, again, (size_t)n) < 0)
		abort();
	if (strcmp(s.impi.s, t.impi.s) || strcmp(s.bsf_name, t.bsf_name) || s.expires_at != t.expires_at ||
	    !secret_equal(&s.ks, &t.ks) || s.has_tmpi != t.has_tmpi ||
	    !span_eq(guss_blob_span(s.guss), guss_blob_span(t.guss)))
		abort();
	gba_session_clear(&s);
	gba_session_clear(&t);
	return 0;
}
