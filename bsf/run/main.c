/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* gba-bsfd: start and stop in the right order. */
#include "config.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/resource.h>
#include <unistd.h>
#include <talloc.h>
#include <openssl/ssl.h>
#include "bsf/run/cfg.h"
#include "bsf/run/control.h"
#include "bsf/run/peer_cfg.h"
#include "bsf/run/vty.h"
#include "bsf/policy/overload.h"
#include "bsf/run/history_vty.h"
#include "bsf/run/kek_rotate.h"
#include "bsf/run/hlr_cfg.h"
#include "bsf/run/naf_explain.h"
#include "bsf/run/naf_load.h"
#include "bsf/run/shard.h"
#include "bsf/run/store_open.h"
#include "bsf/run/suspend.h"
#include "bsf/store/store.h"
#include "bsf/zn/answer.h"
#include "bsf/zn/given.h"
#include "bsf/zn/usage.h"
#include "common/rt/cfg_file.h"
#include "common/rt/counters.h"
#include "common/rt/daemon.h"
#include "common/rt/kek_job.h"
#include "common/rt/log_cat.h"
#include "common/rt/tls_keep.h"

#define HSS_WAIT_MS 1000
#define OTHER_FILES \
	512 /* descriptors beside HTTP and NAF connections: Diameter peers without a name yet, store, threads */

static const char *const places[] = { "ub", "zh", "zn", "dia", NULL };

static const struct rt_program program = {
	.name = "gba-bsfd",
	.summary = "Bootstrapping Server Function of GBA (3GPP TS 33.220): Ub, Zh, Zn",
	.counters = places,
	.commands = bsf_commands,
	.figures = bsf_figures,
	.check = bsf_cfg_check,
};

/* What runs, in the order in which it was started. */
struct bsf {
	struct store_shared *store;
	struct overload *overload;
	struct ub_history *history;
	struct shard_env env;
	struct shard *shards[BSF_SHARDS_MAX];
	size_t n_shards;
	struct node *node;
	SSL_CTX *tls; /* NULL: no TLS */
	struct gsup_link *gsup;
};

/* Whoever is told that we are ready may bootstrap at once, so an HSS that is there is waited for; one that is not keeps
 * us from nothing. */
static void wait_hss(const struct bsf *b)
{
	if (b->gsup) {
		gsup_link_wait(b->gsup, HSS_WAIT_MS);
		return; /* it says itself how it is */
	}
	if (!node_wait_hss(b->node, HSS_WAIT_MS))
		LOGT(DRT, LOGL_NOTICE, "no HSS is connected yet: devices get 503 (zh_down), next attempts every %u s\n",
		     (unsigned)bsf_limit(LIM_TC));
}

static int probe_all(const struct rt_args *a, struct cfg_ports *ports, const struct bsf_listen *l, size_t n,
		     const char *node, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = rt_held(a, cfg_ports_take(ports, &l[i].addr, l[i].line, node, err), err);
	return rc;
}

/* Ports that others have, or two of our nodes; before anything is touched. */
static int probe(const struct rt_args *a, struct err *err)
{
	struct cfg_ports ports = { 0 };
	int rc = probe_all(a, &ports, bsf_cfg->ub, bsf_cfg->n_ub, "ub", err);

	if (rc == 0)
		rc = probe_all(a, &ports, bsf_cfg->dia, bsf_cfg->n_dia, "diameter", err);
	if (rc == 0)
		rc = rt_vty_check(a, err);
	cfg_ports_release(&ports);
	return rc;
}

static int64_t key_life_max_s(void)
{
	return bsf_limit(LIM_KEY_LIFETIME_MAX);
}

/* Enough descriptors for the connections we promise; where that fails, say so and promise less. */
static void raise_files(void)
{
	rlim_t others = OTHER_FILES, want;
	struct rlimit r;

	for (const struct peer_cfg *p = bsf_cfg->peers; p; p = p->next)
		others += p->connections;
	others += naf_load_connections();
	want = (rlim_t)bsf_limit(LIM_CONNECTIONS) + others;
	getrlimit(RLIMIT_NOFILE, &r);
	if (r.rlim_cur >= want)
		return;
	r.rlim_cur = want;
	if (r.rlim_max < want)
		r.rlim_max = want; /* root may */
	if (setrlimit(RLIMIT_NOFILE, &r) == 0)
		return;
	getrlimit(RLIMIT_NOFILE, &r);
	r.rlim_cur = r.rlim_max < want ? r.rlim_max : want;
	setrlimit(RLIMIT_NOFILE, &r);
	if (r.rlim_cur >= want)
		return;
	want = r.rlim_cur > 2 * others ? r.rlim_cur - others : r.rlim_cur / 2;
	LOGT(DRT, LOGL_NOTICE, "the limit of open files is %llu: serving %llu HTTP connections instead of %u\n",
	     (unsigned long long)r.rlim_cur, (unsigned long long)want, (unsigned)bsf_limit(LIM_CONNECTIONS));
	bsf_cfg->connections_cap = (uint32_t)want;
}

static unsigned shards_wanted(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (bsf_cfg->shards)
		return bsf_cfg->shards;
	if (cores > BSF_SHARDS_MAX + 2)
		return BSF_SHARDS_MAX;
	return cores > 3 ? cores - 2 : 1;
}

/* Shards, committer and HSS wake each other. Woken in the usual way each one pushes aside the one that woke it, which may
 * hold the lock the woken one needs; as a batch process it waits for that one's end or for a free core, and often finds
 * more to do by then. Without effect on a machine with a free core. Who gave us another policy knows why. */
static void let_wakers_finish(void)
{
	const struct sched_param none = { 0 };

	if (sched_getscheduler(0) == SCHED_OTHER)
		sched_setscheduler(0, SCHED_BATCH, &none);
}

static bool is_followed(void *history, const char *impi)
{
	return ub_history_traced(history, impi);
}

static struct gsup_link *make_gsup(struct bsf_hlr *h)
{
	struct gsup_link_cfg cfg = { .addr = h->connect.addr, .label = h->label, .name = h->name, .open = &h->open };

	return gsup_link_new(&cfg);
}

/* Those of before count before anybody is served. */
static int suspended(struct store_shared *store, struct err *err)
{
	const char *dir = bsf_cfg->store == BSF_STORE_REDIS ? bsf_cfg->redis.marks_path : bsf_cfg->lmdb_path;
	int rc = suspend_begin(dir, store_shared_beside(store), err);

	if (rc < 0 || !suspend_count())
		return rc;
	LOGT(DRT, LOGL_NOTICE, "%zu subscribers are suspended, as before\n", suspend_count());
	return naf_cfg_publish(bsf_cfg) < 0 ? err_set(err, -ENOMEM, "no memory for who is suspended") : 0;
}

static int main_start(struct bsf *b, struct err *err)
{
	int rc = store_open(&b->store, false, err);

	if (rc < 0)
		return rc;
	store_shared_life_max(b->store, key_life_max_s);
	rc = suspended(b->store, err);
	if (rc < 0)
		return rc;
	b->overload = overload_new();
	b->history = ub_history_new();
	if (!b->overload || !b->history)
		return err_set(err, -ENOMEM, "no memory for the limits");
	zn_answer_follow(is_followed, b->history);
	if (zn_given_init() < 0 || zn_usage_init() < 0)
		return err_set(err, -ENOMEM, "no memory for who got keys");
	b->node = node_new(shards_wanted(), b->tls, err);
	if (!b->node)
		return -ENOMEM;
	if (bsf_cfg->hlr && !(b->gsup = make_gsup(bsf_cfg->hlr)))
		return err_set(err, -ENOMEM, "no memory or descriptors for the connection to the HLR");
	b->env = (struct shard_env){ b->store, b->overload, b->history, b->node, b->gsup };
	policy_readers(shards_wanted());
	for (unsigned i = 0; i < shards_wanted(); i++) {
		b->shards[i] = shard_start(i, &b->env, err);
		if (!b->shards[i])
			return -EIO;
		b->n_shards++;
	}
	rc = node_begin(b->node, err);
	if (rc < 0)
		return rc;
	if (naf_load_begin(rt_ctx(), err) < 0)
		return -EIO;
	bsf_vty_init(b->store, b->shards, b->node);
	history_vty_init(b->history);
	naf_explain_vty_init(b->shards);
	tls_keep_begin(b->tls, &bsf_cfg->tls, bsf_cfg->identity, node_tls, b->node);
	b->tls = NULL;
	bsf_control_init(b->store, b->shards);
	return rt_vty_start(err);
}

/* Devices first, then Diameter, whose loops run on the shards and use the store, then those. */
static void stop(struct bsf *b)
{
	kek_job_end();
	naf_load_end();
	tls_keep_end();
	for (size_t i = 0; i < b->n_shards; i++)
		shard_quiesce(b->shards[i]);
	if (b->node)
		node_stop(b->node, b->n_shards);
	for (size_t i = 0; i < b->n_shards; i++)
		shard_end(b->shards[i]);
	policy_readers(0);
	node_free(b->node);
	gsup_link_free(b->gsup);
	suspend_free();
	if (b->store)
		store_shared_free(b->store);
	overload_free(b->overload);
	ub_history_free(b->history);
	zn_given_free();
	zn_usage_free();
	policy_publish(NULL);
	naf_load_free();
}

int main(int argc, char **argv)
{
	struct rt_args args;
	struct bsf b = { 0 };
	struct err err = { { 0 } };
	int rc = rt_begin(&args, &program, argc, argv);

	if (rc >= 0)
		return rc;
	if (bsf_cfg_init(rt_ctx()) < 0) {
		rt_fatal("no memory");
		return 1;
	}
	rc = bsf_cfg_read(args.config, &err);
	if (rc == 0)
		rc = probe(&args, &err);
	if (rc == 0)
		rc = tls_cfg_open(&b.tls, &bsf_cfg->tls, NULL, &err);
	if (rc == 0)
		rc = naf_load_first(&err);
	if (rc == 0 && args.check)
		naf_load_remarks();
	if (rc == 0 && args.check)
		rc = rt_checked(&args, rt_held(&args, store_open_check(&err), &err));
	if (rc == 0 && !args.check && bsf_cfg->store == BSF_STORE_LMDB)
		rc = rt_owner_check(&args, bsf_cfg->lmdb_path, bsf_cfg->store_line, &err);
	if (rc == 0 && !args.check) {
		log_relay_refresh();
		bsf_tls_say_plain(bsf_cfg);
		raise_files();
		let_wakers_finish();
		rc = naf_cfg_publish(bsf_cfg) < 0 ? err_set(&err, -ENOMEM, "no memory") : main_start(&b, &err);
		if (rc == 0) {
			store_open_wait(b.store);
			wait_hss(&b);
			kek_rotate_init(b.store);
			rt_ready();
			rt_run();
		}
		stop(&b);
	}
	if (rc < 0)
		rt_fatal("%s", err.text);
	SSL_CTX_free(b.tls);
	rt_exit();
	bsf_cfg_free();
	return rc < 0 || rt_failed();
}
