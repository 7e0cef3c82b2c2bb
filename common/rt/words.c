/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <talloc.h>
#include <osmocom/vty/vty.h>

static bool word_eq(const char *a, const char *b)
{
	return strcasecmp(a, b) == 0;
}

int words_add(void *ctx, struct words *w, const char *s)
{
	char **grown;

	for (size_t i = 0; i < w->n; i++) {
		if (word_eq(w->s[i], s))
			return 0;
	}
	if (w->n == WORDS_MAX)
		return -E2BIG;
	grown = talloc_realloc(ctx, w->s, char *, w->n + 1);
	if (!grown)
		return -ENOMEM;
	w->s = grown;
	w->s[w->n] = talloc_strdup(ctx, s);
	if (!w->s[w->n])
		return -ENOMEM;
	w->n++;
	return 0;
}

int words_del(struct words *w, const char *s)
{
	for (size_t i = 0; i < w->n; i++) {
		if (!word_eq(w->s[i], s))
			continue;
		talloc_free(w->s[i]);
		memmove(&w->s[i], &w->s[i + 1], (w->n - i - 1) * sizeof(*w->s));
		w->n--;
		return 0;
	}
	return -ENOENT;
}

void words_clear(struct words *w)
{
	talloc_free(w->s);
	*w = (struct words){ 0 };
}

struct name_table *words_table(const struct words *w)
{
	return name_table_of(w->s, w->n, false);
}

void words_write(struct vty *vty, const char *command, const struct words *w)
{
	for (size_t i = 0; i < w->n; i++)
		vty_out(vty, " %s %s%s", command, w->s[i], VTY_NEWLINE);
}

void words_write_line(struct vty *vty, const char *command, const struct words *w)
{
	if (!w->n)
		return;
	vty_out(vty, " %s", command);
	for (size_t i = 0; i < w->n; i++)
		vty_out(vty, " %s", w->s[i]);
	vty_out(vty, "%s", VTY_NEWLINE);
}
