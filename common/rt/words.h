/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file words.h
 *  A list of words of a configuration node: as written, in the order written, each once (no case). */
#pragma once

#include <stddef.h>
#include "common/rt/name_table.h"

struct vty;

#define WORDS_MAX 256

struct words {
	char **s;
	size_t n;
};

/*! A word that is there already is not added again. \param[in] ctx owns what is kept \returns 0; -E2BIG; -ENOMEM */
int words_add(void *ctx, struct words *w, const char *s);
/*! \returns 0; -ENOENT */
int words_del(struct words *w, const char *s);
void words_clear(struct words *w);

/*! Write them, each in a line of its own, or all in one; of none nothing. */
void words_write(struct vty *vty, const char *command, const struct words *w);
void words_write_line(struct vty *vty, const char *command, const struct words *w);

/*! A table of them, whose values are not NULL. \returns malloc'ed; NULL no memory */
struct name_table *words_table(const struct words *w);
