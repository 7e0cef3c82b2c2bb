/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/base/err.h"

#include <stdarg.h>
#include <stdio.h>

int err_set(struct err *e, int rc, const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return rc;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return rc;
}
