/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A file that whoever may write into the policy directory has made. What is read is written by the table, and read again it is the same. */
#include <stdlib.h>
#include <string.h>
#include "bsf/policy/naf_text.h"
#include "bsf/policy/naf_words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct text {
	char *p;
	size_t len;
};

static void put_line(void *to, const char *line)
{
	struct text *t = to;
	size_t n = strlen(line);

	t->p = realloc(t->p, t->len + n + 1);
	if (!t->p || strchr(line, '\n'))
		abort();
	memcpy(t->p + t->len, line, n);
	t->p[t->len + n] = '\n';
	t->len += n + 1;
}

static struct text written(const struct naf_text *n)
{
	struct text t = { 0 };

	for (const struct naf_word *w = naf_words; w->word; w++)
		naf_word_write(w, w->of_peer ? (const void *)&n->peer : &n->naf, put_line, &t);
	return t;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct naf_text n, again;
	struct text first, second;
	struct err err = { "" };

	if (naf_text_parse(&n, data, size, &err) < 0) {
		if (!err.text[0] || n.naf.identity || n.peer.nets)
			abort();
		return 0;
	}
	first = written(&n);
	if (!n.naf.speaks_for.n || (n.naf.via ? n.peer.n_nets : !n.peer.n_nets))
		abort();
	if (first.len <= NAF_TEXT_MAX) { /* a network may be written longer than it was */
		if (naf_text_parse(&again, (const uint8_t *)first.p, first.len, &err) < 0)
			abort();
		second = written(&again);
		if (first.len != second.len || memcmp(first.p, second.p, first.len) != 0)
			abort();
		free(second.p);
		naf_text_clear(&again);
	}
	free(first.p);
	naf_text_clear(&n);
	return 0;
}
