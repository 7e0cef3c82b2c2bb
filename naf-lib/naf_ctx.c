/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "naf-lib/naf_ctx.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/crypto/kdf.h"
#include "common/crypto/rng.h"
#include "naf-lib/naf_fake.h"
#include "naf-lib/naf_sized.h"
#include "naf-lib/naf_zn_fd.h"

#define NONCE_SECRET_LEN 32

static unsigned or_default(unsigned v, unsigned dflt)
{
	return v ? v : dflt;
}

static int read_config(struct gba_naf_config *out, struct gba_naf_diameter *diameter, const struct gba_naf_config *in,
		       struct err *err)
{
	if (naf_sized_read(out, sizeof(*out), in, NAF_SIZED_TO(struct gba_naf_config, log_owner)) < 0)
		return err_set(err, -EINVAL, "config is NULL or config.size is wrong: call gba_naf_config_init()");
	if (!out->diameter == !out->fake)
		return err_set(err, -EINVAL, "exactly one of config.diameter and config.fake is needed");
	if (out->diameter) {
		if (naf_sized_read(diameter, sizeof(*diameter), out->diameter,
				   NAF_SIZED_TO(struct gba_naf_diameter, connect_ms)) < 0)
			return err_set(err, -EINVAL, "config.diameter.size is wrong: call gba_naf_diameter_init()");
		out->diameter = diameter;
	}
	if (!out->names || !out->bsf_names || !out->n_names || out->n_names > NAF_NAMES_MAX || !out->n_bsf_names ||
	    out->n_bsf_names > NAF_NAMES_MAX)
		return err_set(err, -EINVAL, "config.names and config.bsf_names: 1 to %d each, not %zu and %zu",
			       NAF_NAMES_MAX, out->n_names, out->n_bsf_names);
	if (out->algorithms & ~(GBA_NAF_MD5 | GBA_NAF_SHA256))
		return err_set(err, -EINVAL, "config.algorithms: GBA_NAF_MD5, GBA_NAF_SHA256 or both");
	if (out->qop & ~(GBA_NAF_AUTH | GBA_NAF_AUTH_INT))
		return err_set(err, -EINVAL, "config.qop: GBA_NAF_AUTH, GBA_NAF_AUTH_INT or both");
	if (out->n_gsids && !out->gsids)
		return err_set(err, -EINVAL, "config.gsids is NULL, config.n_gsids %zu", out->n_gsids);
	return 0;
}

static void set_defaults(struct gba_naf_config *out)
{
	out->algorithms = or_default(out->algorithms, GBA_NAF_MD5);
	out->qop = or_default(out->qop, GBA_NAF_AUTH);
	out->cache_keys = or_default(out->cache_keys, 10000);
	out->refusals = or_default(out->refusals, 10000);
	out->refusal_s = or_default(out->refusal_s, 5);
	out->nonce_s = or_default(out->nonce_s, 300);
	out->nonces = or_default(out->nonces, 20000);
	out->deadline_ms = or_default(out->deadline_ms, 3000);
	out->in_flight = or_default(out->in_flight, 256);
}

static int read_names(struct gba_naf *naf, const struct gba_naf_config *cfg, struct err *err)
{
	struct naf_id id;

	for (size_t i = 0; i < cfg->n_names; i++) {
		if (!cfg->names[i] || strchr(cfg->names[i], ':') ||
		    naf_id_make(&id, cfg->names[i], UA_ID_HTTP_DIGEST) < 0)
			return err_set(err, -EINVAL, "config.names[%zu]: \"%s\" is no DNS name", i,
				       cfg->names[i] ? cfg->names[i] : "");
		memcpy(naf->names[i], id.fqdn, sizeof(naf->names[i]));
	}
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

static int make_nonces(struct gba_naf *naf, const struct gba_naf_config *cfg, struct err *err)
{
	SECRET_AUTO secret = { .len = NONCE_SECRET_LEN };

	if (cfg->nonce_secret)
		memcpy(secret.b, cfg->nonce_secret, NONCE_SECRET_LEN);
	else if (rng_fill(secret.b, NONCE_SECRET_LEN) < 0)
		return err_set(err, -EIO, "no random numbers");
	naf->nonces = naf_nonces_new(&secret, (int64_t)cfg->nonce_s * 1000, cfg->nonces);
	return naf->nonces ? 0 : err_set(err, -ENOMEM, "no memory");
}

/*! The connection comes last: it is the one thing that cannot be undone in this process. */
static int make_parts(struct gba_naf *naf, const struct gba_naf_config *cfg, struct err *err)
{
	const struct naf_ks_cfg ks = { cfg->cache_keys, cfg->refusals, cfg->refusal_s, cfg->key_age_max_s };
	struct naf_transport t;
	int rc = make_nonces(naf, cfg, err);

	if (rc < 0)
		return rc;
	naf->ks = naf_ks_new(&ks);
	if (!naf->ks)
		return err_set(err, -ENOMEM, "no memory");
	if (cfg->fake)
		naf_fake_transport(cfg->fake, &t);
	else
		rc = naf_zn_fd_open(cfg, &t, err);
	if (rc < 0)
		return rc;
	naf->zn = naf_zn_new(&t, naf->ks, cfg->in_flight, naf->clock);
	if (naf->zn)
		return 0;
	t.close(t.self, NULL);
	return err_set(err, -ENOMEM, "no memory");
}

struct gba_naf *naf_ctx_new(const struct gba_naf_config *cfg, naf_clock_fn *clock, char *err, size_t errlen)
{
	struct err why = { "no memory" };
	struct gba_naf_diameter d;
	struct gba_naf_config c;
	struct gba_naf *naf = calloc(1, sizeof(*naf));
	int rc = naf ? read_config(&c, &d, cfg, &why) : -ENOMEM;

	if (rc == 0) {
		set_defaults(&c);
		naf->pid = getpid();
		naf->clock = clock;
		naf->algorithms = c.algorithms;
		naf->qop = c.qop;
		naf->slash_optional = c.slash_optional;
		naf->deadline_ms = c.deadline_ms;
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

void gba_naf_free(struct gba_naf *naf)
{
	if (!naf || (naf->pid && naf->pid != getpid()))
		return; /* a child's copy: its locks may be held by threads that do not exist */
	naf_zn_free(naf->zn);
	naf_ks_free(naf->ks);
	naf_nonces_free(naf->nonces);
	free(naf);
}

bool gba_naf_connected(struct gba_naf *naf)
{
	return naf && naf_zn_connected(naf->zn);
}

int naf_ctx_host(const struct gba_naf *naf, const char *host, const uint8_t *ua_id, struct naf_id *out)
{
	struct naf_id id;

	if (naf_id_make(&id, host, ua_id ? ua_id : UA_ID_HTTP_DIGEST) < 0)
		return -EINVAL;
	for (size_t i = 0; i < naf->n_names; i++) {
		if (strcmp(naf->names[i], id.fqdn) == 0) {
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
	return naf_sized_read(out, sizeof(*out), in, NAF_SIZED_TO(struct gba_naf_request, fields));
}

int naf_ctx_key(struct gba_naf *naf, const struct naf_ks_id *id, const struct btid *btid, struct span text,
		const struct naf_id *naf_id, const struct gba_naf_request *req, struct gba_naf_key *out)
{
	char as_received[BTID_MAX + 1];
	struct naf_question q = { .btid = as_received, .domain = btid->domain, .naf_id = naf_id };
	struct naf_now now;
	int rc;

	q.source = req->source ? span_str(req->source) : span_of(NULL, 0);
	naf->clock(&now);
	rc = naf_ks_get(naf->ks, id, q.source, &now, out);
	if (rc == -EAGAIN && span_to_str(as_received, sizeof(as_received), text) < 0)
		rc = -EINVAL;
	if (rc == -EAGAIN)
		rc = naf_zn_fetch(naf->zn, id, &q, or_default(req->deadline_ms, naf->deadline_ms), out);
	if (rc == 0)
		out->size = sizeof(*out); /* whoever made it: the application gets this one */
	return rc;
}

/*! The context is of this process. */
static int fetch_key(struct gba_naf *naf, const char *btid, const struct gba_naf_request *req, struct gba_naf_key *out)
{
	struct naf_id naf_id;
	struct naf_ks_id id;
	struct btid b;
	int rc = naf_ctx_host(naf, req->host ? req->host : naf->names[0], req->ua_id, &naf_id);

	if (rc == 0)
		rc = naf_ctx_btid(naf, span_str(btid), &b);
	if (rc < 0)
		return rc;
	naf_ks_id_make(&id, &b, &naf_id);
	return naf_ctx_key(naf, &id, &b, span_str(btid), &naf_id, req, out);
}

int gba_naf_fetch_key(struct gba_naf *naf, const char *btid, const struct gba_naf_request *given,
		      struct gba_naf_key **out)
{
	struct gba_naf_request req = { 0 };
	struct gba_naf_key *key;
	int rc;

	if (!naf || !btid || !out || (given && naf_ctx_request(&req, given) < 0))
		return -EINVAL;
	if (naf->pid != getpid())
		return -ECHILD;
	key = calloc(1, sizeof(*key));
	rc = key ? fetch_key(naf, btid, &req, key) : -ENOMEM;
	if (rc == 0)
		*out = key;
	else
		gba_naf_key_free(key);
	return rc;
}
