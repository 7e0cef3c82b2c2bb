/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdlib.h>
#include "common/gba/impi.h"
#include "common/gba/tmpi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[BSF_NAME_MAX + 1], mask[IMPI_MAX + 1];
	struct impi impi;

	if (impi_parse(&impi, data, size) < 0)
		return 0;
	if (strlen(impi.s) != size || tmpi_is(span_of(data, size)))
		abort();
	if (bsf_name_from_impi(name, &impi) == 0 && !fqdn_valid(span_str(name), BSF_NAME_MAX))
		abort();
	impi_mask(mask, impi.s);
	return 0;
}
