/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "naf-lib/naf_ctx.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/err.h"
#include "common/crypto/kdf.h"
#include "common/crypto/rng.h"
#include "naf-lib/naf_fake.h"
#include "naf-lib/naf_fork.h"
#include "naf-lib/naf_sized.h"

#define NONCE_SECRET_LEN 32

static unsigned or_default(unsigned v, unsigned dflt)
{
	return v ? v : dflt;
}

static int read_config(struct gba_naf_config *out, const struct gba_naf_config *in, struct err *err)
{
	if (naf_sized_read(out, sizeof(*out), in, NAF_SIZED_TO(struct gba_naf_config, log_owner)) < 0)
		return err_set(err, -EINVAL, "config is NULL or config.size is wrong: call gba_naf_config_init()");
	if (!!out->diameter + !!out->link + !!out->fake != 1)
		return err_set(err, -EINVAL, "exactly one of config.diameter, config.link and config.fake is needed");
	if (!out->names || !out->bsf_names || !out->n_names || out->n_names > NAF_NAMES_MAX || !out->n_bsf_names ||
	    out->n_bsf_names > NAF_NAMES_MAX)
		return err_set(err, -EINVAL, "config.names and config.bsf_names: 1 to %d each, not %zu and %zu",
			       NAF_NAMES_MAX, out->n_names, out->n_bsf_names);
	if (out->algorithms & ~(GBA_NAF_MD5 | GBA_NAF_SHA256))
		return err_set(err, -EINVAL, "config.algorithms: GBA_NAF_MD5, GBA_NAF_SHA256 or both");
	if (out->qop & ~(GBA_NAF_AUTH | GBA_NAF_AUTH_INT))
		return err_set(err, -EINVAL, "config.qop: GBA_NAF_AUTH, GBA_NAF_AUTH_INT or both");
	if (out->keys & ~(GBA_NAF_KEY_DEVICE | GBA_NAF_KEY_CARD))
		return err_set(err, -EINVAL, "config.keys: GBA_NAF_KEY_DEVICE, GBA_NAF_KEY_CARD or both");
	if (out->n_gsids && !out->gsids)
		return err_set(err, -EINVAL, "config.gsids is NULL, config.n_gsids %zu", out->n_gsids);
	return 0;
}

/* One of our names, or "*." and a name: one label more. A request without a host means the first, so that is no wildcard. */
static bool read_name(char out[FQDN_MAX + 1], const char *name, bool first)
{
	bool wild = !first && strncmp(name, "*.", 2) == 0;
	struct naf_id id;
	int len;

	if (strchr(name, ':') || naf_id_make(&id, wild ? name + 2 : name, UA_ID_HTTP_DIGEST) < 0)
		return false;
	len = snprintf(out, FQDN_MAX + 1, "%s%s", wild ? "*." : "", id.fqdn);
	return len <= FQDN_MAX;
}

static int read_names(struct gba_naf *naf, const struct gba_naf_config *cfg, struct err *err)
{
	for (size_t i = 0; i < cfg->n_names; i++)
		if (!cfg->names[i] || !read_name(naf->names[i], cfg->names[i], i == 0))
			return err_set(err, -EINVAL, "config.names[%zu]: \"%s\" is no DNS name", i,
				       cfg->names[i] ? cfg->names[i] : "");
	naf->n_names = cfg->n_names;
	for (size_t i = 0; i < cfg->n_bsf_names; i++) {
		const char *name = cfg->bsf_names[i] ? cfg->bsf_names[i] : "";

		if (!fqdn_valid(span_str(name), BSF_NAME_MAX))
			return err_set(err, -EINVAL,
				       "config.bsf_names[%zu]: \"%s\" is no DNS name of at most %d characters", i, name,
				       BSF_NAME_MAX);
		memcpy(naf->bsf_names[i], name, strlen(name) + 1);
	}
	naf->n_bsf_names = cfg->n_bsf_names;
	return 0;
}

static void live_free(struct naf_live *l)
{
	if (!l)
		return;
	naf_zn_free(l->zn);
	naf_ks_free(l->ks);
	naf_nonces_free(l->nonces);
	free(l);
}

static struct naf_nonces *make_nonces(const struct gba_naf *naf)
{
	SECRET_AUTO secret = { .len = NONCE_SECRET_LEN };

	if (naf->nonce_secret.len)
		secret = naf->nonce_secret;
	else if (rng_fill(secret.b, NONCE_SECRET_LEN) < 0)
		return NULL;
	return naf_nonces_new(&secret, (int64_t)naf->nonce_s * 1000, naf->nonces_max);
}

static struct naf_live *live_new(struct gba_naf *naf)
{
	struct naf_live *l = calloc(1, sizeof(*l));
	struct naf_transport t;

	if (!l)
		return NULL;
	l->process = naf_fork_process();
	l->nonces = make_nonces(naf);
	l->ks = naf_ks_new(&naf->ks_cfg);
	if (!l->nonces || !l->ks)
		goto fail;
	if (naf->fake)
		naf_fake_transport(naf->fake, &t);
	else if (naf_link_transport(naf->link, &naf->gsids, &t) < 0)
		goto fail;
	l->zn = naf_zn_new(&t, l->ks, naf->in_flight, naf->clock);
	if (l->zn)
		return l;
	t.close(t.self, NULL);
fail:
	live_free(l);
	return NULL;
}

struct naf_live *naf_ctx_live(struct gba_naf *naf)
{
	struct naf_live *l = atomic_load_explicit(&naf->live, memory_order_acquire), *mine;

	if (l && l->process == naf_fork_process())
		return l;
	mine = live_new(naf);
	if (!mine || atomic_compare_exchange_strong(&naf->live, &l, mine))
		return mine;
	live_free(mine);
	return l;
}

static int make_link(struct gba_naf *naf, const struct gba_naf_config *cfg, struct err *err)
{
	struct gba_naf_diameter d;

	if (cfg->link) {
		naf->link = naf_link_ref(cfg->link);
		return 0;
	}
	if (naf_sized_read(&d, sizeof(d), cfg->diameter, NAF_SIZED_TO(struct gba_naf_diameter, log_owner)) < 0)
		return err_set(err, -EINVAL, "config.diameter.size is wrong: call gba_naf_diameter_init()");
	if (!d.log) {
		d.log = cfg->log;
		d.log_owner = cfg->log_owner;
	}
	return naf_link_make(&naf->link, &d, err);
}

static int make_parts(struct gba_naf *naf, const struct gba_naf_config *cfg, struct err *err)
{
	int rc = naf_link_gsids(&naf->gsids, cfg, err);

	naf->fake = cfg->fake;
	if (rc == 0 && !cfg->fake)
		rc = make_link(naf, cfg, err);
	if (rc == 0 && !naf_ctx_live(naf))
		rc = err_set(err, -ENOMEM, "no memory");
	return rc;
}

static void read_numbers(struct gba_naf *naf, const struct gba_naf_config *c)
{
	naf->algorithms = or_default(c->algorithms, GBA_NAF_MD5);
	naf->qop = or_default(c->qop, GBA_NAF_AUTH);
	naf->keys = or_default(c->keys, GBA_NAF_KEY_DEVICE);
	naf->slash_optional = c->slash_optional;
	naf->ks_cfg = (struct naf_ks_cfg){ or_default(c->cache_keys, 10000),
					   or_default(c->refusals, 10000),
					   or_default(c->refusal_s, 5),
					   c->key_age_max_s,
					   c->recheck_s,
					   c->renew_s };
	memcpy(naf->ua, c->ua_id ? c->ua_id : UA_ID_HTTP_DIGEST, UA_ID_LEN);
	naf->nonce_s = or_default(c->nonce_s, 300);
	naf->nonces_max = or_default(c->nonces, 20000);
	naf->deadline_ms = or_default(c->deadline_ms, 3000);
	naf->in_flight = or_default(c->in_flight, 256);
	if (c->nonce_secret)
		secret_set(&naf->nonce_secret, c->nonce_secret, NONCE_SECRET_LEN);
}

struct gba_naf *naf_ctx_new(const struct gba_naf_config *cfg, naf_clock_fn *clock, char *err, size_t errlen)
{
	struct err why = { "no memory" };
	struct gba_naf_config c;
	struct gba_naf *naf = naf_fork_init() < 0 ? NULL : calloc(1, sizeof(*naf));
	int rc = naf ? read_config(&c, cfg, &why) : -ENOMEM;

	if (rc == 0) {
		naf->clock = clock;
		read_numbers(naf, &c);
		rc = read_names(naf, &c, &why);
	}
	if (rc == 0)
		rc = make_parts(naf, &c, &why);
	if (rc == 0)
		return naf;
	if (err && errlen)
		snprintf(err, errlen, "%s", why.text);
	gba_naf_free(naf);
	return NULL;
}

struct gba_naf *gba_naf_new(const struct gba_naf_config *cfg, char *err, size_t errlen)
{
	return naf_ctx_new(cfg, naf_clock, err, errlen);
}

/*! Of a parent's part nothing is touched: its locks may be held by threads that do not exist here. */
void gba_naf_free(struct gba_naf *naf)
{
	struct naf_live *l;

	if (!naf)
		return;
	l = naf->live;
	if (l && l->process == naf_fork_process())
		live_free(l);
	naf_link_unref(naf->link);
	secret_clear(&naf->nonce_secret);
	free(naf);
}

int gba_naf_reload(struct gba_naf *naf, char *err, size_t errlen)
{
	return gba_naf_link_reload(naf->link, err, errlen);
}

bool gba_naf_connected(struct gba_naf *naf)
{
	struct naf_live *l = naf ? naf_ctx_live(naf) : NULL;

	return l && naf_zn_connected(l->zn);
}

static bool is_under_name(const char *ours, const char *fqdn)
{
	char wildcard[FQDN_MAX + 2];

	return strcmp(ours, fqdn) == 0 ||
	       (ours[0] == '*' && naf_id_wildcard(wildcard, fqdn) && strcmp(ours, wildcard) == 0);
}

int naf_ctx_host(const struct gba_naf *naf, const char *host, const uint8_t *ua_id, struct naf_id *out)
{
	struct naf_id id;

	if (naf_id_make(&id, host, ua_id ? ua_id : naf->ua) < 0)
		return -EINVAL;
	for (size_t i = 0; i < naf->n_names; i++) {
		if (is_under_name(naf->names[i], id.fqdn)) {
			*out = id;
			return 0;
		}
	}
	return -EINVAL;
}

int naf_ctx_btid(const struct gba_naf *naf, struct span text, struct btid *out)
{
	struct btid b;

	if (!text.p || btid_parse(&b, text.p, text.len) < 0)
		return -EINVAL;
	*out = b;
	for (size_t i = 0; i < naf->n_bsf_names; i++) {
		if (span_ieq(span_str(naf->bsf_names[i]), span_str(b.domain)))
			return 0;
	}
	return -EREMOTE;
}

int naf_ctx_request(struct gba_naf_request *out, const struct gba_naf_request *in)
{
	return naf_sized_read(out, sizeof(*out), in, NAF_SIZED_TO(struct gba_naf_request, fetch));
}

int naf_ctx_question(const struct gba_naf *naf, struct naf_question *out, const struct btid *btid, struct span text,
		     const struct naf_id *naf_id, const struct gba_naf_request *req)
{
	struct span source = req->source ? span_str(req->source) : span_of(NULL, 0);

	*out = (struct naf_question){ .naf_id = *naf_id, .has_source = req->source };
	out->deadline_ms = or_default(req->deadline_ms, naf->deadline_ms);
	if (source.len > GBA_NAF_SOURCE_MAX)
		source.len = GBA_NAF_SOURCE_MAX;
	span_to_str(out->source, sizeof(out->source), source);
	memcpy(out->domain, btid->domain, strlen(btid->domain) + 1);
	return span_to_str(out->btid, sizeof(out->btid), text) < 0 ? -EINVAL : 0;
}

/*! The BSF is asked again for a key that is there: now, and waited for, or beside it.
 *  \param[in,out] out the key. \returns 0; an error, and it is gone */
static int ask_again(struct naf_live *live, const struct naf_ks_id *id, struct naf_question *q, bool first,
		     struct gba_naf_key *out)
{
	q->anew = first;
	if (first)
		return naf_zn_fetch(live->zn, id, q, out);
	naf_zn_again(live->zn, id, q);
	return 0;
}

int gba_naf_drop(struct gba_naf *naf, const char *btid, const char *uid)
{
	struct naf_live *live;
	struct btid b;

	if (!naf || !btid == !uid || (btid && btid_parse(&b, (const uint8_t *)btid, strlen(btid)) < 0))
		return -EINVAL;
	live = naf_ctx_live(naf);
	if (!live)
		return -ENOMEM;
	naf_zn_dropped(live->zn);
	return (int)naf_ks_drop(live->ks, btid ? &b : NULL, uid);
}

int naf_ctx_key(struct gba_naf *naf, struct naf_live *live, const struct naf_ks_id *id, const struct btid *btid,
		struct span text, const struct naf_id *naf_id, const struct gba_naf_request *req,
		struct gba_naf_key *out)
{
	struct naf_question q;
	struct naf_now now;
	int rc;

	naf->clock(&now);
	rc = naf_ks_get(live->ks, id, req->source ? span_str(req->source) : span_of(NULL, 0), &now, out);
	if (rc == -EAGAIN && req->fetch)
		rc = naf_fetch_result(req->fetch, id, out);
	if ((rc == -EAGAIN || rc > 0) && naf_ctx_question(naf, &q, btid, text, naf_id, req) < 0) {
		if (rc > 0)
			naf_key_clear(out);
		return -EINVAL;
	}
	if (rc == -EAGAIN)
		rc = naf_zn_fetch(live->zn, id, &q, out);
	else if (rc > 0)
		rc = ask_again(live, id, &q, rc == NAF_KS_OLD, out);
	if (rc == 0)
		out->size = sizeof(*out); /* whoever made it: the application gets this one */
	return rc;
}
