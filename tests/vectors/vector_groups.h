/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file vector_groups.h
 *  The groups of gba-vectors.json and what runs them. */
#pragma once

#include <jansson.h>

struct vector_group {
	const char *name;
	void (*run)(json_t *v, const char *name); /* takes out of v what it has looked at; NULL: a later step */
	const char *step;
	const char *number; /* where an entry without a name has its number; NULL: "set" */
};

/*! Ends with an empty one. */
extern const struct vector_group vector_groups[];

/*! What did not fit: text of the value's name. The first one of a vector is shown. */
void vector_fail(const char *what, const char *name);

/*! A part of a vector that a later step runs. */
void vector_skip(const char *group, const char *name, const char *step);
