/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdlib.h>
#include "common/gba/guss_edit.h"
#include "hss-sim/guss_csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever stands in the fields, what comes out is one element a column and nothing else: XML that reads. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char remarks[GUSS_REMARKS_MAX];
	struct guss_csv_one one;
	struct guss_csv c;
	struct err why;
	int rc = guss_csv_open(&c, span_of(data, size), &why);

	while (rc == 0 && (rc = guss_csv_next(&c, &one, &why)) > 0) {
		if (guss_edit_check(span_of(one.xml, one.len), one.impi.s, remarks, &why) == 0 && remarks[0])
			abort();
		free(one.xml);
		rc = 0;
	}
	return 0;
}
