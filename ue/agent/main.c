/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* gba-ued: the device's agent. It has the cards and gives programs the keys with the applications they may use. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <talloc.h>
#include "common/base/folder.h"
#include "common/rt/daemon.h"
#include "common/rt/log_cat.h"
#include "ue/agent/agent_server.h"

static const char *const counters[] = { "agent", NULL };

static struct agent_cfg *config; /* for checks while running */

static int agent_complete(struct err *err)
{
	return agent_cfg_verify(config, err);
}

static const struct rt_program program = {
	.name = "gba-ued",
	.summary = "GBA device: keeps the cards, gives programs keys with applications",
	.counters = counters,
	.check = agent_complete,
};

/* The folder of the state is ours alone. */
static int check_state(const struct rt_args *a, const struct agent_cfg *c, struct err *err)
{
	char *path = cfg_path(NULL, c->state);
	const char *open_to;
	struct stat st;
	int rc = rt_owner_check(a, path, c->state_line, err);

	if (rc == 0 && (stat(path, &st) < 0 || !S_ISDIR(st.st_mode)))
		rc = cfg_error(err, -ENOENT, c->state_line, "agent: state %s: no such folder", path);
	open_to = rc == 0 ? folder_open_to(path) : NULL;
	if (open_to)
		rc = cfg_error(err, -EACCES, c->state_line,
			       "agent: state %s: %s may write there; allowed: " FOLDER_OURS, path, open_to);
	talloc_free(path);
	return rc;
}

static int lock_state(const struct agent_cfg *c, struct err *err)
{
	char *folder = cfg_path(NULL, c->state), *path = talloc_asprintf(NULL, "%s/lock", folder);
	int fd = cfg_lock_file(path, err);

	talloc_free(path);
	talloc_free(folder);
	return fd;
}

static int add_realms(struct gba_ue *ue, const struct agent_cfg *c, struct err *err)
{
	const struct gba_ue_token *t;
	struct agent_realm *r;
	struct err why;
	int rc = 0;

	llist_for_each_entry(r, &c->realms, entry)
	{
		char *card = card_is_file(r->card) ? cfg_path(NULL, r->card) : talloc_strdup(NULL, r->card);

		if (rc == 0)
			rc = gba_ue_realm_add(ue, r->name, card, r->bsf, NULL, why.text, sizeof(why.text));
		if (rc < 0)
			cfg_error(err, rc, r->line, "realm %s: %s", r->name, why.text);
		talloc_free(card);
		if (rc < 0)
			return rc;
	}
	/* what the rules of 33.220 4.4.11 say at power-up, before anybody asks */
	for (size_t i = 0; (t = gba_ue_token_at(ue, i)); i++) {
		if (!t->card)
			LOGP(DUB, LOGL_NOTICE, "realm %s has no card: %s\n", t->realm, t->why);
	}
	return 0;
}

static struct gba_ue *open_device(const struct agent_cfg *c, struct err *err)
{
	char *state = cfg_path(NULL, c->state);
	struct gba_ue_config cfg;
	struct gba_ue *ue;

	gba_ue_config_init(&cfg);
	cfg.state_dir = state;
	cfg.connect_to = (const char *const *)c->connect_to;
	cfg.n_connect_to = c->n_connect_to;
	cfg.timeout_s = (unsigned)c->timeout_s;
	cfg.renewals = (unsigned)c->renewals;
	cfg.renewals_s = (unsigned)c->renewals_s;
	cfg.renew_s = (unsigned)c->renew_s;
	ue = gba_ue_new(&cfg, err->text, sizeof(err->text));
	talloc_free(state);
	if (ue && add_realms(ue, c, err) == 0)
		return ue;
	gba_ue_free(ue);
	return NULL;
}

static int serve_programs(const struct rt_args *a, const struct agent_cfg *c, struct err *err)
{
	int lock = lock_state(c, err), rc;
	struct gba_ue *ue;

	if (lock < 0)
		return lock;
	ue = open_device(c, err);
	rc = ue ? agent_server_start(c, ue, err) : -EIO;
	if (rc == 0)
		rc = rt_vty_start(err);
	if (rc == 0) {
		rt_ready();
		rt_run();
	}
	agent_server_stop();
	gba_ue_free(ue);
	close(lock);
	return rc;
}

int main(int argc, char **argv)
{
	struct err err = { { 0 } };
	struct rt_args args;
	struct agent_cfg *cfg;
	int rc = rt_begin(&args, &program, argc, argv);

	if (rc >= 0)
		return rc;
	cfg = config = agent_cfg_new(rt_ctx());
	agent_vty_init(cfg);
	if (rt_config(&args) < 0)
		return 1;
	rc = agent_cfg_verify(cfg, &err);
	if (rc == 0)
		rc = check_state(&args, cfg, &err);
	if (rc == 0)
		rc = rt_held(&args, agent_server_check(cfg, &err), &err);
	if (rc == 0)
		rc = rt_vty_check(&args, &err);
	if (rc == 0)
		rc = args.check ? rt_checked(&args, 0) : serve_programs(&args, cfg, &err);
	rt_exit();
	if (rc < 0)
		rt_fatal("%s", err.text);
	return rc < 0 || rt_failed();
}
