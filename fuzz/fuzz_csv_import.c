/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdlib.h>
#include "hss-sim/csv_import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct csv_subscriber s;
	struct csv_file f;
	struct err err;

	if (csv_open(&f, data, size, &err) < 0)
		return 0;
	while (csv_next(&f, &s, &err) > 0) {
		/* what a row must have, and a path that lies in the input */
		if (!s.impi.s[0] || s.k.len != AKA_KEY_LEN || (s.op.len != 0) == (s.opc.len != 0) || s.sqn >> 48 ||
		    s.amf[0])
			abort();
		if (s.guss.len && (s.guss.p < data || s.guss.p + s.guss.len > data + size))
			abort();
	}
	return 0;
}
