/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/run/naf_cfg.h"

#include <errno.h>
#include <stdlib.h>
#include <talloc.h>
#include "common/base/sockaddr.h"
#include "common/rt/cfg_file.h"

/* The list keeps the order of the file; the table finds one of ten thousand. */
static struct name_table *by_identity;
static struct naf_cfg **end_of_list;

static bool word_eq(const char *a, const char *b)
{
	return strcasecmp(a, b) == 0;
}

int naf_cfg_word_add(void *ctx, struct words *w, const char *s)
{
	char **grown;

	for (size_t i = 0; i < w->n; i++) {
		if (word_eq(w->s[i], s))
			return 0;
	}
	if (w->n == NAF_CFG_WORDS_MAX)
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

int naf_cfg_word_del(struct words *w, const char *s)
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

void naf_cfg_words_clear(struct words *w)
{
	talloc_free(w->s);
	*w = (struct words){ 0 };
}

/* into malloc'ed memory, as a policy wants it */
static char **words_copy(const struct words *w)
{
	char **out = calloc(w->n ? w->n : 1, sizeof(*out));

	for (size_t i = 0; out && i < w->n; i++) {
		out[i] = strdup(w->s[i]);
		if (out[i])
			continue;
		while (i--)
			free(out[i]);
		free(out);
		return NULL;
	}
	return out;
}

static struct name_table *names_table(const struct words *w)
{
	struct name_table *t = name_table_new();

	for (size_t i = 0; t && i < w->n; i++) {
		if (name_table_put(t, w->s[i], t) != -ENOMEM) /* any value will do */
			continue;
		name_table_free(t);
		return NULL;
	}
	return t;
}

static bool naf_to_policy(struct naf_policy *out, const struct naf_cfg *n)
{
	out->identity = strdup(n->identity);
	out->nets = calloc(n->nets.n, sizeof(*out->nets));
	out->speaks_for = names_table(&n->speaks_for);
	out->gsids = words_copy(&n->gsids);
	out->required_gsids = words_copy(&n->required);
	out->naf_group = n->group ? strdup(n->group) : NULL;
	out->private_identity = n->private_identity;
	out->proxy = n->proxy;
	if (!out->identity || !out->nets || !out->speaks_for || !out->gsids || !out->required_gsids ||
	    (n->group && !out->naf_group))
		return false;
	out->n_nets = n->nets.n;
	for (size_t i = 0; i < n->nets.n; i++)
		sockaddr_net_parse(&out->nets[i], n->nets.s[i]); /* good: it was looked at when it was written */
	out->n_gsids = n->gsids.n;
	out->n_required_gsids = n->required.n;
	return true;
}

int naf_cfg_publish(const struct bsf_cfg *c)
{
	struct policy *p = calloc(1, sizeof(*p));
	size_t n = 0;

	for (const struct naf_cfg *i = c->nafs; i; i = i->next)
		n++;
	if (p)
		p->nafs = calloc(n ? n : 1, sizeof(*p->nafs));
	if (!p || !p->nafs) {
		free(p);
		return -ENOMEM;
	}
	for (const struct naf_cfg *i = c->nafs; i; i = i->next) {
		/* not bound to any address (yet): nobody can be this peer */
		if (!i->nets.n)
			continue;
		if (!naf_to_policy(&p->nafs[p->n_nafs++], i)) {
			policy_free(p);
			return -ENOMEM;
		}
	}
	if (policy_index(p) < 0) {
		policy_free(p);
		return -ENOMEM;
	}
	policy_publish(p);
	return 0;
}

const char *naf_cfg_taken_by(const struct bsf_cfg *c, const char *identity)
{
	for (size_t i = 0; i < c->n_hss; i++) {
		if (word_eq(identity, c->hss[i].identity))
			return "an hss has this identity";
	}
	return word_eq(identity, c->identity) ? "that is our own identity" : NULL;
}

int naf_cfg_check(const struct bsf_cfg *c, struct err *err)
{
	for (const struct naf_cfg *i = c->nafs; i; i = i->next) {
		if (!i->nets.n)
			return cfg_error(err, -EINVAL, i->line,
					 "naf %s: peer without address; allowed: address ADDRESS/PREFIX", i->identity);
		if (!i->speaks_for.n)
			return cfg_error(err, -EINVAL, i->line,
					 "naf %s: speaks for no name, so it would get no key; allowed: speaks-for FQDN",
					 i->identity);
		if (naf_cfg_taken_by(c, i->identity))
			return cfg_error(err, -EINVAL, i->line, "naf %s: %s; allowed: another one", i->identity,
					 naf_cfg_taken_by(c, i->identity));
	}
	return 0;
}

void naf_cfg_each(const struct bsf_cfg *c, void (*fn)(void *data, const char *identity), void *data)
{
	for (const struct naf_cfg *i = c->nafs; i; i = i->next)
		fn(data, i->identity);
}

void naf_cfg_free(struct bsf_cfg *c)
{
	while (c->nafs) {
		struct naf_cfg *n = c->nafs;

		c->nafs = n->next;
		talloc_free(n);
	}
	name_table_free(by_identity);
	by_identity = NULL;
}

struct naf_cfg *naf_cfg_find(const char *identity)
{
	return name_table_get(by_identity, span_str(identity));
}

struct naf_cfg *naf_cfg_add(const char *identity)
{
	struct naf_cfg *n = talloc_zero(bsf_cfg, struct naf_cfg);

	if (!n)
		return NULL;
	if (!by_identity)
		by_identity = name_table_new();
	n->identity = talloc_strdup(n, identity);
	if (!by_identity || !n->identity || name_table_put(by_identity, identity, n) < 0) {
		talloc_free(n);
		return NULL;
	}
	n->line = cfg_line();
	if (!bsf_cfg->nafs)
		end_of_list = &bsf_cfg->nafs;
	*end_of_list = n;
	end_of_list = &n->next;
	return n;
}

void naf_cfg_remove(struct naf_cfg *n)
{
	struct naf_cfg **p = &bsf_cfg->nafs;

	while (*p != n)
		p = &(*p)->next;
	*p = n->next;
	if (!n->next)
		end_of_list = p;
	name_table_del(by_identity, n->identity);
	talloc_free(n);
}
