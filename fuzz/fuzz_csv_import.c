/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>
#include "common/crypto/sqn.h"
#include "hss-sim/csv_import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a row must have, and spans that lie in the input. */
static void assert_row(const struct csv_subscriber *s, const uint8_t *data, size_t size)
{
	struct err err;

	if (!s->impi.s[0] || !s->id.len || s->sqn >> 48 || s->cred.amf[0] || s->ind_bits > SQN_IND_BITS_MAX ||
	    s->ind >= 1 << s->ind_bits || (s->op.len && s->cred.opc.len) ||
	    aka_algorithm_check(&s->cred, s->op.len ? s->op.len : s->cred.opc.len, &err) < 0)
		abort();
	if (s->id.p < data || s->id.p + s->id.len > data + size)
		abort();
	if (s->guss.len && (s->guss.p < data || s->guss.p + s->guss.len > data + size))
		abort();
}

/* The first octet says how the file is read; a transport key that decrypts to anything is tried too. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct transport_keys keys = { .of[0].key.len = 16 };
	struct csv_options o = { 0 };
	struct csv_subscriber s, again;
	struct csv_file f;
	struct err err;

	if (size && data[0] < 0x10) {
		o.mnc_len = data[0] & 1 ? 2 + (data[0] >> 1 & 1) : 0;
		o.clear_separation_bit = data[0] & 2;
		o.allow_test = data[0] & 4;
		o.transport = data[0] & 8 ? &keys : NULL;
		data++;
		size--;
	}
	if (csv_open(&f, data, size, &o, &err) < 0)
		return 0;
	while (csv_next(&f, &s, &err) > 0) {
		struct csv_lines here = f.lines;

		assert_row(&s, data, size);
		csv_seek(&f, f.row_at, f.lines.line);
		if (csv_next(&f, &again, &err) != 1 || strcmp(again.impi.s, s.impi.s) != 0 ||
		    f.lines.line != here.line || f.lines.p != here.p)
			abort();
	}
	return 0;
}
