/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file provoked.h
 *  Tell the walk through causes.csv (tests/e2e/run.py --causes) that a test has provoked a cause which no outside peer
 *  can, and has seen its answer and its counter. */
#pragma once

#include <stdio.h>
#include <stdlib.h>

/*! \param[in] cause name as in common/gba/causes.csv */
static inline void provoked(const char *cause)
{
	const char *path = getenv("GBA_CAUSES_FILE");
	FILE *f = path ? fopen(path, "a") : NULL;

	if (!f)
		return;
	fprintf(f, "%s\n", cause);
	fclose(f);
}
