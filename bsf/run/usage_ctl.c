/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/run/usage_ctl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bsf/zn/usage.h"

#define AT_ONCE     500
#define NUMBER_MAX  20 /* digits */
#define CURSOR_SIZE (ZN_USAGE_BOOT + 1 + NUMBER_MAX + 1)

/* BOOT-NUMBER, as it was in the answer before. \param[out] number 0: it is of another start \returns false: it is none */
static bool cursor_read(const char *text, uint64_t *number)
{
	const char *digits = text + ZN_USAGE_BOOT + 1;
	size_t len = strlen(text);

	if (len < ZN_USAGE_BOOT + 2 || len >= CURSOR_SIZE || text[ZN_USAGE_BOOT] != '-' ||
	    strspn(text, "0123456789abcdef") != ZN_USAGE_BOOT || digits[strspn(digits, "0123456789")])
		return false;
	*number = strncmp(text, zn_usage_boot(), ZN_USAGE_BOOT) == 0 ? strtoull(digits, NULL, 10) : 0;
	return true;
}

static json_t *uses(const struct zn_use *use, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list,
				      json_pack("{sssssIsI}", "impi", use[i].impi, "naf", use[i].naf, "bootstrapped",
						(json_int_t)use[i].bootstrapped_s, "at", (json_int_t)use[i].at_s));
	return list;
}

void usage_ctl_run(struct ctl_request *q)
{
	struct zn_use *use = malloc(AT_ONCE * sizeof(*use));
	char cursor[CURSOR_SIZE];
	uint64_t number = 0, lost;
	size_t n;

	if (!use) {
		ctl_fail(q, CTL_FAILED, "no memory");
	} else if (ctl_arg(q, 0) && !cursor_read(ctl_arg(q, 0), &number)) {
		ctl_fail(q, CTL_INVALID, "that is no cursor; allowed: that of the answer before, or none");
	} else {
		n = zn_usage_read(use, AT_ONCE, &number, &lost);
		snprintf(cursor, sizeof(cursor), "%s-%" PRIu64, zn_usage_boot(), number);
		ctl_ok(q, json_pack("{sssIsbso}", "cursor", cursor, "lost", (json_int_t)lost, "more", n == AT_ONCE,
				    "used", uses(use, n)));
	}
	free(use);
}
