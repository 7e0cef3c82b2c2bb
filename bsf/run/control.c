/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/run/control.h"

#include <errno.h>
#include <string.h>
#include "bsf/run/cfg.h"
#include "bsf/ub/conn.h"

static struct store_shared *sessions;
static struct shard *const *shards;

static void figure(json_t *into, const char *name, uint64_t n)
{
	json_object_set_new(into, name, json_integer((json_int_t)n));
}

void bsf_figures(json_t *into)
{
	struct store_figures f;

	store_shared_figures(sessions, &f);
	figure(into, "sessions", f.sessions);
	figure(into, "challenges", f.challenges);
	figure(into, "tmpis", f.tmpis);
	figure(into, "commits", f.commits);
	figure(into, "committed_records", f.committed_records);
	figure(into, "swept", f.swept);
	figure(into, "unreadable", f.corrupt);
	figure(into, "index_octets", f.index_octets);
	figure(into, "ub_connections", ub_conn_open());
	figure(into, "ub_connections_max", bsf_connections());
}

/* A session that is not there (any more) is revoked as well as one that was: the order may come twice. */
static void answer_revoked(struct ctl_request *q, int rc)
{
	if (rc == -ENOENT)
		rc = 0;
	if (rc == -EBUSY)
		ctl_fail(q, CTL_BUSY, "the store has too much to do");
	else if (rc < 0)
		ctl_fail(q, CTL_FAILED, "not revoked: %s", strerror(-rc));
	else
		ctl_ok(q, json_pack("{si}", "revoked", rc));
}

static void run_revoke_impi(struct ctl_request *q)
{
	const char *arg = ctl_arg(q, 0);
	struct impi impi;

	if (impi_parse(&impi, (const uint8_t *)arg, strlen(arg)) < 0)
		ctl_fail(q, CTL_INVALID, "that is no IMPI; allowed: user@domain");
	else
		answer_revoked(q, shard_revoke(shards[0], impi.s, NULL));
}

static void run_revoke_btid(struct ctl_request *q)
{
	const char *arg = ctl_arg(q, 0);
	struct btid btid;

	if (btid_parse(&btid, (const uint8_t *)arg, strlen(arg)) < 0)
		ctl_fail(q, CTL_INVALID, "that is no B-TID; allowed: base64(RAND)@FQDN");
	else
		answer_revoked(q, shard_revoke(shards[0], NULL, &btid));
}

const struct ctl_command bsf_commands[] = {
	{ .words = "revoke impi",
	  .args = "IMPI",
	  .help = "Make the keys of a subscriber invalid at once; the device must bootstrap again",
	  .args_min = 1,
	  .args_max = 1,
	  .changes = true,
	  .run = run_revoke_impi },
	{ .words = "revoke btid",
	  .args = "BTID",
	  .help = "The same of one session",
	  .args_min = 1,
	  .args_max = 1,
	  .changes = true,
	  .run = run_revoke_btid },
	{ 0 },
};

void bsf_control_init(struct store_shared *store, struct shard *const *sh)
{
	sessions = store;
	shards = sh;
}
