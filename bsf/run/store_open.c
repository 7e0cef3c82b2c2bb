/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/run/store_open.h"

#include <errno.h>
#include <libgen.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <openssl/ssl.h>
#include <talloc.h>
#include <unistd.h>
#include "bsf/run/cfg.h"
#include "bsf/run/suspend.h"
#include "bsf/store/marks_file.h"
#include "bsf/store/redis_sentinel.h"
#include "common/base/clock.h"
#include "common/base/folder.h"
#include "common/rt/cfg_file.h"
#include "common/rt/daemon.h"
#include "common/rt/kek_cfg.h"
#include "common/rt/log_cat.h"
#include "common/rt/pseudonym.h"

#define LINKS_WAIT_MS 2000
#define LINKS_STEP_MS 5

/* \param[in] keks the first seals. \returns 0; -errno, e says why */
static int open_lmdb(struct store_shared **out, const struct seal_kek *keks, size_t n_keks, bool check, struct err *err)
{
	struct store_lmdb_cfg cfg = {
		.dir = bsf_cfg->lmdb_path,
		.limit_gib = bsf_cfg->map_size_gib,
		.keks = keks,
		.n_keks = n_keks,
		.check = check,
	};
	struct err e = { { 0 } };

	*out = store_shared_lmdb_new(&cfg, &e);
	return *out ? 0 : cfg_error(err, -errno, bsf_cfg->store_line, "%s", e.text);
}

static int redis_passwords(struct secret *of_redis, struct secret *of_sentinels, struct err *err)
{
	int rc = bsf_redis_password(of_redis, &bsf_cfg->redis.login, err);

	return rc < 0 ? rc : bsf_redis_password(of_sentinels, &bsf_cfg->redis.sentinel_login, err);
}

static void redis_sentinels(struct store_redis_cfg *cfg, const struct bsf_redis *r)
{
	snprintf(cfg->sentinel_name, sizeof(cfg->sentinel_name), "%s", r->sentinel_name);
	snprintf(cfg->sentinel_user, sizeof(cfg->sentinel_user), "%s", r->sentinel_login.user);
	snprintf(cfg->sentinel_tls_name, sizeof(cfg->sentinel_tls_name), "%s", r->sentinel_login.tls_name);
	for (cfg->n_sentinels = 0; cfg->n_sentinels < r->n_sentinels; cfg->n_sentinels++)
		cfg->sentinels[cfg->n_sentinels] = r->sentinels[cfg->n_sentinels].addr;
}

static int open_redis(struct store_shared **out, const struct seal_kek *keks, size_t n_keks, struct err *err)
{
	const struct bsf_redis *r = &bsf_cfg->redis;
	struct store_redis_cfg cfg = {
		.addr = r->at.addr,
		.timeout_ms = r->timeout_ms,
		.lease_ms = r->lease_ms,
		.grace_ms = r->grace_ms,
		.marks_dir = r->marks_path,
		/* one that the Sentinels have not told yet may take a former master for the right one */
		.others_lease_ms = r->lease_ms + (r->n_sentinels ? REDIS_TRUST_MS : 0),
		.keks = keks,
		.n_keks = n_keks,
	};
	struct err e = { { 0 } };
	int rc = redis_passwords(&cfg.password, &cfg.sentinel_password, err);

	if (rc == 0 && (r->login.tls_line || r->sentinel_login.tls_line))
		rc = tls_cfg_open(&cfg.tls, &bsf_cfg->tls, NULL, err);
	snprintf(cfg.tls_name, sizeof(cfg.tls_name), "%s", r->login.tls_name);
	snprintf(cfg.user, sizeof(cfg.user), "%s", r->login.user);
	redis_sentinels(&cfg, r);
	*out = rc < 0 ? NULL : store_shared_redis_new(&cfg, &e);
	secret_clear(&cfg.password);
	secret_clear(&cfg.sentinel_password);
	if (rc == 0 && !*out) {
		SSL_CTX_free(cfg.tls);
		rc = cfg_error(err, -EIO, bsf_cfg->store_line, "%s", e.text);
	}
	return rc;
}

int store_open(struct store_shared **out, bool check, struct err *err)
{
	struct seal_kek keks[SEAL_KEKS_MAX] = { 0 };
	size_t n;
	int rc;

	if (bsf_cfg->store == BSF_STORE_MEMORY) {
		*out = store_shared_mem_new(err);
		return *out && pseudonym_init(NULL) == 0 ? 0 : -ENOMEM;
	}
	rc = kek_cfg_read(keks, &n, err);
	if (rc == 0)
		rc = bsf_cfg->store == BSF_STORE_LMDB ? open_lmdb(out, keks, n, check, err)
						      : open_redis(out, keks, n, err);
	if (rc == 0)
		rc = kek_cfg_pseudonyms(&keks[0], err);
	kek_cfg_free(keks);
	return rc;
}

/* Could the store be made there? Of a folder that is not there the last name is made, no more. */
static int check_store_dir(struct err *err)
{
	const char *dir = bsf_cfg->lmdb_path, *why;
	char *parent;

	if (access(dir, F_OK) < 0 && errno == ENOENT) {
		parent = talloc_strdup(rt_ctx(), dir);
		if (!parent)
			return -ENOMEM;
		dir = dirname(parent);
	} else if ((why = folder_open_to(dir))) {
		return cfg_error(err, -EPERM, bsf_cfg->store_line, "store: %s: %s; allowed: " FOLDER_OURS, dir, why);
	}
	if (access(dir, W_OK | X_OK) == 0)
		return 0;
	return cfg_error(err, -errno, bsf_cfg->store_line, "store: cannot make it in %s: %s", dir, strerror(errno));
}

/* What lies in files beside a store. \param[in] marks as well as who is suspended */
static int check_beside(const char *dir, struct seal *seal, bool marks, struct err *err)
{
	struct err e = { "" };
	int rc = dir && seal && marks ? marks_file_check(dir, seal, &e) : 0;

	if (rc == 0)
		rc = suspend_check(dir, seal, &e);
	return rc < 0 ? cfg_error(err, rc, bsf_cfg->store_line, "%s", e.text) : 0;
}

static int check_redis_files(const struct seal_kek *keks, size_t n, struct err *err)
{
	struct seal *seal = seal_new(keks, n, err);
	int rc = seal ? check_beside(bsf_cfg->redis.marks_path, seal, true, err) : -EINVAL;

	seal_free(seal);
	return rc;
}

static int check_secrets(struct err *err)
{
	struct seal_kek keks[SEAL_KEKS_MAX] = { 0 };
	size_t n;
	int rc = kek_cfg_read(keks, &n, err);
	SECRET_AUTO password = { 0 };
	SECRET_AUTO of_sentinels = { 0 };

	if (rc == 0 && bsf_cfg->store == BSF_STORE_REDIS)
		rc = check_redis_files(keks, n, err);
	kek_cfg_free(keks);
	return rc < 0 ? rc : redis_passwords(&password, &of_sentinels, err);
}

static int check_lmdb(struct err *err)
{
	struct store_shared *sh = NULL;
	int rc = store_open(&sh, true, err);

	if (rc == 0)
		rc = check_beside(bsf_cfg->lmdb_path, store_shared_beside(sh), false, err);
	if (sh)
		store_shared_free(sh);
	return rc;
}

int store_open_check(struct err *err)
{
	int rc;

	if (bsf_cfg->store == BSF_STORE_MEMORY)
		return 0;
	if (bsf_cfg->store == BSF_STORE_LMDB && store_lmdb_is_there(bsf_cfg->lmdb_path))
		return check_lmdb(err);
	rc = check_secrets(err);
	return rc < 0 || bsf_cfg->store == BSF_STORE_REDIS ? rc : check_store_dir(err);
}

void store_open_wait(struct store_shared *sh)
{
	uint64_t end = clock_mono_ms() + LINKS_WAIT_MS;
	struct store_links l = { .up = 0 };

	while (store_shared_links(sh, &l) && (l.up < l.of || !l.lease) && clock_mono_ms() < end) {
		log_relay_run();
		(void)poll(NULL, 0, LINKS_STEP_MS);
	}
	if (l.up < l.of)
		LOGT(DRT, LOGL_NOTICE,
		     "Redis is not to be used yet (%s): devices get 503 (store_away), it is tried every second\n",
		     l.why);
}
