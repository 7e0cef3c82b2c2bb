/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/policy/naf_text.h"

#include <errno.h>
#include <stdlib.h>
#include "bsf/policy/naf_words.h"
#include "common/dia/dia_hub.h"
#include "common/gba/btid.h"
#include "common/gba/naf_id.h"

/* One line, cut into words. */
struct words_of {
	char *words[NAF_TEXT_WORDS_MAX];
	size_t n;
};

struct reader {
	struct naf_text t;
	struct err *err;
	size_t line;     /* from 1 */
	uint32_t seen;   /* rows of naf_words that stood in a line before */
	bool connection; /* a word of a connection of its own has been read */
};

static int bad_line(const struct reader *r, int rc, const char *what, const char *allowed)
{
	return err_set(r->err, rc, "line %zu: %s; allowed: %s", r->line, what, allowed);
}

/* \param[in,out] line NUL-terminated, cut in place \returns 0; -E2BIG */
static int cut(struct words_of *out, char *line)
{
	char *rest = NULL;

	out->n = 0;
	for (char *w = strtok_r(line, " \t\r", &rest); w; w = strtok_r(NULL, " \t\r", &rest)) {
		if (out->n == NAF_TEXT_WORDS_MAX)
			return -E2BIG;
		out->words[out->n++] = w;
	}
	return 0;
}

/* "naf IDENTITY", before all else */
static int naf_line_identity(struct reader *r, const struct words_of *w)
{
	if (r->t.naf.identity || r->seen)
		return bad_line(r, -EINVAL, "naf is the first line", "one NAF in a file");
	if (w->n != 2 || !fqdn_valid(span_str(w->words[1]), FQDN_MAX))
		return bad_line(r, -EINVAL, "naf and what is no host name", "naf IDENTITY");
	r->t.naf.identity = strdup(w->words[1]);
	return r->t.naf.identity ? 0 : bad_line(r, -ENOMEM, "no memory", "again");
}

static bool repeats(const struct naf_word *w)
{
	return w->kind == NAF_EACH || w->kind == NAF_NETS;
}

/* In a file each is said once: of two the reader of the file might mean the other. */
static int naf_line_word(struct reader *r, const struct words_of *w)
{
	const struct naf_word *row = naf_word_find(span_str(w->words[0]));
	const uint32_t bit = row ? UINT32_C(1) << (row - naf_words) : 0;
	struct err why;
	int rc;

	if (!row)
		return err_set(r->err, -EINVAL, "line %zu: unknown word '%.64s'; allowed: the words of a naf node",
			       r->line, w->words[0]);
	if ((r->seen & bit) && !repeats(row))
		return err_set(r->err, -EINVAL, "line %zu: %s a second time; allowed: once", r->line, row->word);
	r->seen |= bit;
	r->connection |= row->of_peer;
	if (!r->t.naf.lines[row - naf_words])
		r->t.naf.lines[row - naf_words] = (uint32_t)r->line;
	rc = naf_word_set(row, row->of_peer ? (void *)&r->t.peer : &r->t.naf, (const char *const *)w->words + 1,
			  w->n - 1, &why);
	return rc < 0 ? err_set(r->err, rc, "line %zu: %s", r->line, why.text) : 0;
}

static int naf_line(struct reader *r, char *line)
{
	struct words_of w;

	line += strspn(line, " \t");
	if (*line == '!')
		return 0;
	if (cut(&w, line) < 0)
		return bad_line(r, -EINVAL, "too many words", "up to 256 behind the first");
	if (!w.n)
		return 0;
	return strcmp(w.words[0], "naf") == 0 ? naf_line_identity(r, &w) : naf_line_word(r, &w);
}

/* What would forge a line where a name of it is shown; a remark is never shown. */
static bool is_text(const char *line, size_t len)
{
	bool remark = line[strspn(line, " \t")] == '!';

	for (size_t i = 0; i < len; i++)
		if (((uint8_t)line[i] < ' ' || (uint8_t)line[i] > '~') && line[i] != '\t' && line[i] != '\r' &&
		    !(remark && (uint8_t)line[i] >= 0x80))
			return false;
	return true;
}

static int naf_lines(struct reader *r, char *text, size_t len)
{
	char *end = text + len, *lf;
	int rc = 0;

	for (; text < end && rc == 0; text = lf + 1) {
		r->line++;
		lf = memchr(text, '\n', (size_t)(end - text));
		if (!lf)
			return bad_line(r, -EINVAL, "the last line has no end, so more may have stood there",
					"whole lines");
		*lf = '\0';
		if (!is_text(text, (size_t)(lf - text)))
			return bad_line(r, -EINVAL, "an octet that is no text", "text");
		rc = naf_line(r, text);
	}
	return rc;
}

/* --- as a whole */

static bool from_anywhere(const struct policy_peer *p)
{
	for (size_t i = 0; i < p->n_nets; i++)
		if (p->nets[i].prefix == 0)
			return true;
	return false;
}

static int look_at_way(struct reader *r)
{
	struct naf_text *t = &r->t;

	if (t->naf.via && r->connection)
		return err_set(r->err, -EINVAL, "via and a connection of its own; allowed: one of them");
	if (!t->naf.via && !t->peer.n_nets)
		return err_set(r->err, -EINVAL, "peer without address; allowed: address ADDRESS/PREFIX, via PEER");
	if (from_anywhere(&t->peer) && t->peer.how == DIA_HUB_PLAIN)
		return err_set(r->err, -EINVAL,
			       "address any without TLS would let everybody in under that name; allowed: security tls");
	if (t->peer.tls_keys.n && t->peer.how == DIA_HUB_PLAIN)
		return err_set(
			r->err, -EINVAL,
			"tls-key, and security plain, which has no certificate to look at; allowed: security tls, tls-after-cer");
	if (from_anywhere(&t->peer) && t->peer.how == DIA_HUB_BEYOND_LOOPBACK)
		t->peer.how = DIA_HUB_BY_TLS; /* nothing but its certificate binds the name */
	if (t->peer.n_nets && !t->peer.connections)
		t->peer.connections = 1;
	return 0;
}

static int look_at(struct reader *r)
{
	if (look_at_way(r) < 0)
		return -EINVAL;
	if (!r->t.naf.speaks_for.n)
		return err_set(r->err, -EINVAL, "speaks for no name, so it would get no key; allowed: speaks-for FQDN");
	return naf_policy_check(&r->t.naf, r->err);
}

void naf_text_clear(struct naf_text *t)
{
	naf_policy_clear(&t->naf);
	policy_peer_clear(&t->peer);
}

int naf_text_parse(struct naf_text *out, const uint8_t *buf, size_t len, struct err *err)
{
	struct reader r = { .err = err };
	char *text;
	int rc;

	*out = (struct naf_text){ 0 };
	if (len > NAF_TEXT_MAX)
		return err_set(err, -E2BIG, "%zu octets; allowed: up to %d", len, NAF_TEXT_MAX);
	text = malloc(len + 1);
	if (!text)
		return err_set(err, -ENOMEM, "no memory");
	memcpy(text, len ? buf : (const uint8_t *)"", len);
	rc = naf_lines(&r, text, len);
	free(text);
	if (rc == 0)
		rc = look_at(&r);
	if (rc == 0)
		*out = r.t;
	else
		naf_text_clear(&r.t);
	return rc;
}
