/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "naf-lib/naf_link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/dia/dia_addr.h"
#include "naf-lib/naf_bia.h"
#include "naf-lib/naf_fork.h"
#include "naf-lib/naf_node.h"
#include "naf-lib/naf_sized.h"

#define CONNECT_MS 1000

enum { IDENTITY, REALM, PEER, BSF_REALM, N_TEXTS };

/*! Written once, but for the node: that is another one in each process. */
struct gba_naf_link {
	atomic_uint refs;
	char texts[N_TEXTS][DIA_NAME_MAX + 1];
	char bsf_identity[DIA_NAME_MAX + 1]; /* "": no Destination-Host */
	bool realm_from_btid;
	_Atomic(struct naf_tls *) tls;
	struct naf_node_cfg cfg;
	void (*log)(void *owner, enum gba_naf_log_level level, const char *text);
	void *log_owner;
	_Atomic(struct naf_node *) node;
};

/*! One context's side of it. */
struct client {
	atomic_uint refs; /* the context's, and one for each question on its way */
	struct gba_naf_link *link;
	const struct naf_gsids *gsids;
	pthread_mutex_t lock;        /* while an answer is handed over */
	_Atomic(struct naf_zn *) zn; /* NULL: closed, under the lock; or nothing was asked yet */
};

struct link_word {
	struct naf_word w; /* first */
	struct client *client;
	uint64_t txn;
	struct naf_question q;
	struct naf_gsids gsids;
};

static void link_log(void *owner, int level, const char *text)
{
	struct gba_naf_link *l = owner;

	if (l->log)
		l->log(l->log_owner, (enum gba_naf_log_level)level, text);
}

/*! That of this process; in a child the first caller makes it. What is there of the parent stays as it is.
 *  \returns NULL: no memory, descriptor or thread */
static struct naf_node *node_of(struct gba_naf_link *l)
{
	struct naf_node *n = atomic_load_explicit(&l->node, memory_order_acquire), *mine;
	struct naf_node_cfg cfg;

	if (n && naf_node_process(n) == naf_fork_process())
		return n;
	cfg = l->cfg;
	cfg.tls = atomic_load(&l->tls);
	mine = naf_node_new(&cfg);
	if (!mine || atomic_compare_exchange_strong(&l->node, &n, mine))
		return mine;
	naf_node_free(mine);
	return n;
}

/* One context. */

static void client_unref(struct client *c)
{
	if (atomic_fetch_sub(&c->refs, 1) != 1)
		return;
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static int answer_of(int rc, struct zn_bia *bia, struct gba_naf_key *key)
{
	struct naf_now now;

	switch (rc) {
	case 0:
		naf_clock(&now);
		return naf_bia_read(bia, now.wall_s, key);
	case -ENOTCONN:
		return -EHOSTDOWN;
	case -EBADMSG:
	case -EMSGSIZE:
		return -EPROTO;
	default:
		return rc;
	}
}

static void word_end(struct naf_word *w, int rc, struct zn_bia *bia, const char *why)
{
	struct link_word *lw = (struct link_word *)w;
	struct client *c = lw->client;
	struct gba_naf_key key = { 0 };
	struct naf_zn *zn;

	rc = answer_of(rc, bia, &key);
	pthread_mutex_lock(&c->lock);
	zn = atomic_load(&c->zn);
	if (zn)
		naf_zn_answer(zn, lw->txn, rc, rc == 0 ? &key : NULL);
	pthread_mutex_unlock(&c->lock);
	naf_key_clear(&key);
	client_unref(c);
	free(lw);
}

static struct link_word *word_new(struct client *c, const struct naf_question *q)
{
	const struct gba_naf_link *l = c->link;
	struct link_word *lw = calloc(1, sizeof(*lw));

	if (!lw)
		return NULL;
	lw->client = c;
	lw->txn = q->txn;
	lw->q = *q;
	lw->gsids = *c->gsids;
	lw->w.end = word_end;
	lw->w.patience_ms = q->deadline_ms;
	lw->w.bir = (struct naf_bir){
		.realm = l->realm_from_btid ? lw->q.domain : l->texts[BSF_REALM],
		.host = l->realm_from_btid || !*l->bsf_identity ? NULL : l->bsf_identity,
		.btid = span_str(lw->q.btid),
		.naf_id = &lw->q.naf_id,
		.gsids = (const char(*)[ZN_GSID_MAX + 1]) lw->gsids.s,
		.n_gsids = lw->gsids.n,
		.gba_u_aware = lw->gsids.gba_u_aware,
	};
	return lw;
}

static int link_start(void *self, const struct naf_question *q)
{
	struct client *c = self;
	struct naf_node *n = node_of(c->link);
	struct link_word *lw = n ? word_new(c, q) : NULL;

	if (!lw)
		return -ENOMEM;
	atomic_store(&c->zn, q->zn); /* without the lock: an answer that is asked again comes here with it */
	atomic_fetch_add(&c->refs, 1);
	if (naf_node_ask(n, &lw->w) == 0)
		return 0;
	client_unref(c);
	free(lw);
	return -EHOSTDOWN;
}

static bool link_connected(void *self)
{
	return gba_naf_link_connected(((struct client *)self)->link);
}

static void link_close(void *self, struct naf_zn *zn)
{
	struct client *c = self;

	pthread_mutex_lock(&c->lock);
	c->zn = NULL;
	pthread_mutex_unlock(&c->lock);
	client_unref(c);
}

int naf_link_transport(struct gba_naf_link *l, const struct naf_gsids *g, struct naf_transport *out)
{
	struct client *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->refs = 1;
	c->link = l;
	c->gsids = g;
	pthread_mutex_init(&c->lock, NULL);
	*out = (struct naf_transport){
		.start = link_start, .connected = link_connected, .close = link_close, .self = c
	};
	return 0;
}

int naf_link_gsids(struct naf_gsids *out, const struct gba_naf_config *cfg, struct err *err)
{
	*out = (struct naf_gsids){ .gba_u_aware = cfg->keys & GBA_NAF_KEY_CARD };
	if (cfg->n_gsids > ZN_GSIDS_MAX)
		return err_set(err, -EINVAL, "config.gsids: at most %d", ZN_GSIDS_MAX);
	for (size_t i = 0; i < cfg->n_gsids; i++) {
		const char *g = cfg->gsids[i] ? cfg->gsids[i] : "";

		if (!*g || strspn(g, "0123456789") != strlen(g) ||
		    span_to_str(out->s[i], sizeof(out->s[i]), span_str(g)) < 0)
			return err_set(err, -EINVAL, "config.gsids[%zu]: \"%.40s\" is no number of at most %d digits",
				       i, g, ZN_GSID_MAX);
	}
	out->n = cfg->n_gsids;
	return 0;
}

/* The link itself. */

static int read_text(char out[DIA_NAME_MAX + 1], const char *text, const char *name, struct err *err)
{
	if (!text || !*text)
		return err_set(err, -EINVAL, "config.diameter.%s is needed", name);
	if (span_to_str(out, DIA_NAME_MAX + 1, span_str(text)) < 0)
		return err_set(err, -EINVAL, "config.diameter.%s: at most %d characters", name, DIA_NAME_MAX);
	return 0;
}

static int read_texts(struct gba_naf_link *l, const struct gba_naf_diameter *d, struct err *err)
{
	const struct {
		const char *text, *name;
	} rows[N_TEXTS] = {
		[IDENTITY] = { d->identity, "identity" },
		[REALM] = { d->realm, "realm" },
		[PEER] = { d->peer ? d->peer : d->bsf_identity,
			   d->peer ? "peer" : "bsf_identity (or config.diameter.peer)" },
		[BSF_REALM] = { d->bsf_realm, "bsf_realm" },
	};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < N_TEXTS; i++)
		rc = read_text(l->texts[i], rows[i].text, rows[i].name, err);
	if (rc == 0 && d->bsf_identity)
		rc = read_text(l->bsf_identity, d->bsf_identity, "bsf_identity", err);
	if (rc == 0 && (!d->bsf_address || !*d->bsf_address))
		rc = err_set(err, -EINVAL, "config.diameter.bsf_address is needed");
	return rc;
}

static int read_tls(struct gba_naf_link *l, const struct gba_naf_diameter *d, struct err *err)
{
	const struct naf_tls_wish w = {
		.certificate = d->certificate,
		.key = d->key,
		.ca = d->ca,
		.name = d->tls_name,
		.cn = d->tls_cn,
		.plain = d->plain,
	};
	const char *port = naf_tls_wanted(&w) ? DIA_ADDR_PORT_TLS : DIA_ADDR_PORT;
	struct err why = { "" };
	int rc = dia_addr_resolve(&l->cfg.addr, d->bsf_address, port, err);

	if (rc < 0)
		return rc;
	rc = naf_tls_read(l->tls, &w, &l->cfg.addr, &why);
	return rc < 0 ? err_set(err, rc, "config.diameter: %s", why.text) : 0;
}

static struct gba_naf_link *link_new(const struct gba_naf_diameter *d, struct err *err)
{
	struct gba_naf_link *l = calloc(1, sizeof(*l));
	struct naf_tls *tls = calloc(1, sizeof(*tls));

	if (!l || !tls)
		err_set(err, -ENOMEM, "no memory");
	else
		l->tls = tls;
	if (!l || !tls || read_texts(l, d, err) < 0 || read_tls(l, d, err) < 0) {
		free(tls);
		free(l);
		return NULL;
	}
	l->refs = 1;
	l->realm_from_btid = d->realm_from_btid;
	l->log = d->log;
	l->log_owner = d->log_owner;
	l->cfg.identity = l->texts[IDENTITY];
	l->cfg.realm = l->texts[REALM];
	l->cfg.peer = l->texts[PEER];
	l->cfg.connect_ms = d->connect_ms ? d->connect_ms : CONNECT_MS;
	l->cfg.log = link_log;
	l->cfg.log_owner = l;
	return l;
}

int naf_link_make(struct gba_naf_link **out, const struct gba_naf_diameter *in, struct err *err)
{
	struct gba_naf_diameter d;
	struct gba_naf_link *l;

	if (naf_sized_read(&d, sizeof(d), in, NAF_SIZED_TO(struct gba_naf_diameter, log_owner)) < 0)
		return err_set(err, -EINVAL,
			       "config.diameter is NULL or its size is wrong: call gba_naf_diameter_init()");
	if (naf_fork_init() < 0)
		return err_set(err, -ENOMEM, "no memory");
	l = link_new(&d, err);
	if (!l)
		return -EINVAL;
	if (!d.connect_later && !node_of(l)) {
		naf_link_unref(l);
		return err_set(err, -ENOMEM, "no memory, descriptor or thread for the connection");
	}
	if (!d.connect_later)
		naf_node_wait(l->node, l->cfg.connect_ms);
	*out = l;
	return 0;
}

struct gba_naf_link *naf_link_ref(struct gba_naf_link *l)
{
	atomic_fetch_add(&l->refs, 1);
	return l;
}

void naf_link_unref(struct gba_naf_link *l)
{
	struct naf_node *n;

	if (!l || atomic_fetch_sub(&l->refs, 1) != 1)
		return;
	n = l->node;
	if (n && naf_node_process(n) == naf_fork_process())
		naf_node_free(n);
	naf_tls_clear(l->tls);
	free(l->tls);
	free(l);
}

struct gba_naf_link *gba_naf_link_new(const struct gba_naf_diameter *d, char *err, size_t errlen)
{
	struct err why = { "" };
	struct gba_naf_link *l = NULL;

	if (naf_link_make(&l, d, &why) < 0 && err && errlen)
		snprintf(err, errlen, "%s", why.text);
	return l;
}

void gba_naf_link_free(struct gba_naf_link *link)
{
	naf_link_unref(link);
}

/*! In a process that has no connection yet the next one is made with them. */
static int use_files(struct gba_naf_link *l, struct naf_tls *again, struct err *err)
{
	struct naf_node *n = atomic_load(&l->node);

	again->older = atomic_load(&l->tls);
	while (!atomic_compare_exchange_weak(&l->tls, &again->older, again))
		;
	return n && naf_node_process(n) == naf_fork_process() ? naf_node_tls(n, again, err) : 0;
}

static int read_again(struct gba_naf_link *l, struct err *err)
{
	const struct naf_tls *tls = l ? atomic_load(&l->tls) : NULL;
	struct naf_tls *again;

	if (!tls || !tls->on)
		return err_set(err, -EINVAL, "there is no TLS: nothing to read anew");
	again = naf_tls_again(tls, err);
	return again ? use_files(l, again, err) : -EINVAL;
}

int gba_naf_link_reload(struct gba_naf_link *link, char *err, size_t errlen)
{
	struct err why = { "" };
	int rc = read_again(link, &why);

	if (rc < 0 && err && errlen)
		snprintf(err, errlen, "%s", why.text);
	return rc;
}

bool gba_naf_link_connected(struct gba_naf_link *link)
{
	struct naf_node *n = link ? node_of(link) : NULL;

	return n && naf_node_connected(n);
}
