/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdlib.h>
#include "hss-sim/csv_import.h"
#include "hss-sim/subscriber_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One row for each that is in the array, or none is read at all. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct csv_options how = { .allow_test = true };
	struct subscriber_json j;
	struct csv_subscriber s;
	struct csv_file f;
	struct err why;
	size_t n = 0;
	int rc;

	if (subscriber_json_read(&j, span_of(data, size), &why) < 0)
		return 0;
	rc = csv_open(&f, (const uint8_t *)j.csv, j.len, &how, &why);
	while (rc >= 0 && (rc = csv_next(&f, &s, &why)) > 0) {
		(void)subscriber_json_guss(&j, f.lines.line);
		csv_subscriber_clear(&s);
		n++;
	}
	if (rc < 0)
		subscriber_json_place(&why);
	else if (n != json_array_size(j.list))
		abort();
	subscriber_json_clear(&j);
	return 0;
}
