/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file cfg_redis.c
 *  "redis ..." of the node store. */
#include <errno.h>
#include <stdlib.h>
#include <talloc.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>
#include "bsf/run/cfg_vty.h"
#include "common/base/sockaddr.h"
#include "common/rt/cfg_file.h"

#define REDIS_HELP       "On Redis, which several processes may use\n"
#define TIMEOUT_MS       50
#define LEASE_MS         1000
#define PASSWORD_ALLOWED "allowed: one line of 1 to 64 octets in a file of mode 0600 or 0400"

DEFUN(cfg_redis, cfg_redis_cmd, "redis " ADDR_PORT, REDIS_HELP ADDR_PORT_HELP)
{
	int rc = bsf_cfg_choose_store(vty, BSF_STORE_REDIS);

	return rc == CMD_SUCCESS ? bsf_cfg_set_listen(vty, &bsf_cfg->redis.at, argv) : rc;
}

/* \param[in] argv address and port, as written */
static bool redis_is_at(const struct bsf_listen *l, const char *argv[])
{
	struct sockaddr_storage a;

	return sockaddr_parse(&a, argv[0], argv[1]) == 0 && sockaddr_same_host(&a, &l->addr) &&
	       sockaddr_port(&a) == sockaddr_port(&l->addr);
}

/* The first one says that there are Sentinels, so the store is chosen with it. */
DEFUN(cfg_redis_sentinel, cfg_redis_sentinel_cmd, "redis sentinel NAME " ADDR_PORT,
      REDIS_HELP "The server that most Sentinels of these lines name, one line each\n"
		 "Of the master, there\n" ADDR_PORT_HELP)
{
	struct bsf_redis *r = &bsf_cfg->redis;
	int rc = CMD_SUCCESS;

	if (!cfg_reading())
		return cfg_after_restart(vty);
	if (r->n_sentinels == STORE_SENTINELS_MAX)
		return cfg_fail(vty, "more than %d Sentinels", STORE_SENTINELS_MAX);
	if (r->n_sentinels && strcmp(r->sentinel_name, argv[0]) != 0)
		return cfg_fail(vty, "Sentinels of %s and of %s; allowed: of one master", r->sentinel_name, argv[0]);
	for (size_t i = 0; i < r->n_sentinels; i++)
		if (redis_is_at(&r->sentinels[i], argv + 1))
			return cfg_fail(vty, "%s %s stands twice: one Sentinel has one voice", argv[1], argv[2]);
	if (!r->n_sentinels)
		rc = bsf_cfg_choose_store(vty, BSF_STORE_REDIS);
	if (rc == CMD_SUCCESS)
		rc = bsf_cfg_set_name(vty, r->sentinel_name, "redis sentinel", argv[0], sizeof(r->sentinel_name) - 1);
	if (rc == CMD_SUCCESS)
		rc = bsf_cfg_set_listen(vty, &r->sentinels[r->n_sentinels], argv + 1);
	r->n_sentinels += rc == CMD_SUCCESS;
	return rc;
}

static int login_name(struct vty *vty, const struct bsf_redis_login *l, char *out, size_t max, int *line,
		      const char *word, const char *name)
{
	char what[32];
	int rc;

	snprintf(what, sizeof(what), "%s%s", l->command, word);
	rc = cfg_reading() ? cfg_once(vty, line, what) : cfg_after_restart(vty);
	return rc == CMD_SUCCESS ? bsf_cfg_set_name(vty, out, what, name, max) : rc;
}

static int login_user(struct vty *vty, struct bsf_redis_login *l, const char *name)
{
	return login_name(vty, l, l->user, sizeof(l->user) - 1, &l->user_line, "user", name);
}

static int login_tls(struct vty *vty, struct bsf_redis_login *l, const char *name)
{
	return login_name(vty, l, l->tls_name, sizeof(l->tls_name) - 1, &l->tls_line, "tls", name);
}

static int login_password(struct vty *vty, struct bsf_redis_login *l, const char *argv[])
{
	char what[32];
	int rc;

	snprintf(what, sizeof(what), "%spassword", l->command);
	rc = cfg_reading() ? cfg_once(vty, &l->password_line, what) : cfg_after_restart(vty);
	if (rc != CMD_SUCCESS)
		return rc;
	l->credential = argv[0][0] == 'c';
	l->path = bsf_cfg_secret_path(l->credential, argv[1]);
	if (!l->path)
		return cfg_fail(vty, "systemd gave us no credentials; allowed: %s file PATH", what);
	l->where = talloc_strdup(bsf_cfg, argv[1]);
	return CMD_SUCCESS;
}

#define USER_HELP \
	"Who we are there\n" \
	"Name of an ACL (default: default)\n"
#define PASSWORD_HELP \
	"What it asks for; it must ask\n" \
	"One line in a file that only we may read\n" \
	"A credential of systemd\n" \
	"Path or name\n"
#define TLS_HELP \
	"By TLS, with certificate, key and CAs of the node diameter\n" \
	"Name that its certificate must have (dNSName)\n"

DEFUN(cfg_redis_user, cfg_redis_user_cmd, "redis user NAME", REDIS_HELP USER_HELP)
{
	return login_user(vty, &bsf_cfg->redis.login, argv[0]);
}

DEFUN(cfg_redis_password, cfg_redis_password_cmd, "redis password (file|credential) WHERE", REDIS_HELP PASSWORD_HELP)
{
	return login_password(vty, &bsf_cfg->redis.login, argv);
}

DEFUN(cfg_redis_tls, cfg_redis_tls_cmd, "redis tls NAME", REDIS_HELP TLS_HELP)
{
	return login_tls(vty, &bsf_cfg->redis.login, argv[0]);
}

DEFUN(cfg_sentinel_user, cfg_sentinel_user_cmd, "redis sentinel-user NAME", REDIS_HELP USER_HELP)
{
	return login_user(vty, &bsf_cfg->redis.sentinel_login, argv[0]);
}

DEFUN(cfg_sentinel_password, cfg_sentinel_password_cmd, "redis sentinel-password (file|credential) WHERE",
      REDIS_HELP PASSWORD_HELP)
{
	return login_password(vty, &bsf_cfg->redis.sentinel_login, argv);
}

DEFUN(cfg_sentinel_tls, cfg_sentinel_tls_cmd, "redis sentinel-tls NAME", REDIS_HELP TLS_HELP)
{
	return login_tls(vty, &bsf_cfg->redis.sentinel_login, argv[0]);
}

DEFUN(cfg_redis_timeout, cfg_redis_timeout_cmd, "redis timeout-ms <10-5000>",
      REDIS_HELP "When nothing has come for so long the connection is made anew\n"
		 "Milliseconds (default: 50)\n")
{
	int rc = cfg_reading() ? cfg_once(vty, &bsf_cfg->redis.timeout_line, "redis timeout-ms")
			       : cfg_after_restart(vty);

	if (rc == CMD_SUCCESS)
		bsf_cfg->redis.timeout_ms = (unsigned)atoi(argv[0]);
	return rc;
}

DEFUN(cfg_redis_lease, cfg_redis_lease_cmd, "redis lease-ms <200-3000>",
      REDIS_HELP "Keys are given for so long without hearing what is revoked at other BSFs; the same at all of them\n"
		 "Milliseconds (default: 1000)\n")
{
	int rc = cfg_reading() ? cfg_once(vty, &bsf_cfg->redis.lease_line, "redis lease-ms") : cfg_after_restart(vty);

	if (rc == CMD_SUCCESS)
		bsf_cfg->redis.lease_ms = (unsigned)atoi(argv[0]);
	return rc;
}

DEFUN(cfg_redis_grace, cfg_redis_grace_cmd, "redis grace-ms <0-10000>",
      REDIS_HELP
      "Keys of sessions that this daemon has made are given so much longer; each revocation may take so much longer\n"
      "Milliseconds (default: 0)\n")
{
	int rc = cfg_reading() ? cfg_once(vty, &bsf_cfg->redis.grace_line, "redis grace-ms") : cfg_after_restart(vty);

	if (rc == CMD_SUCCESS)
		bsf_cfg->redis.grace_ms = (unsigned)atoi(argv[0]);
	return rc;
}

DEFUN(cfg_redis_marks, cfg_redis_marks_cmd, "redis marks DIRECTORY",
      REDIS_HELP "Keep what was revoked here, too, so that it is not lost with Redis\n"
		 "A directory of this daemon alone\n")
{
	struct bsf_redis *r = &bsf_cfg->redis;
	int rc = cfg_reading() ? cfg_once(vty, &r->marks_line, "redis marks") : cfg_after_restart(vty);

	if (rc != CMD_SUCCESS)
		return rc;
	r->marks_dir = talloc_strdup(bsf_cfg, argv[0]);
	r->marks_path = cfg_path(bsf_cfg, argv[0]);
	return CMD_SUCCESS;
}

static void login_write(struct vty *vty, const struct bsf_redis_login *l)
{
	if (l->user_line)
		vty_out(vty, " %suser %s%s", l->command, l->user, VTY_NEWLINE);
	if (l->where)
		vty_out(vty, " %spassword %s %s%s", l->command, l->credential ? "credential" : "file", l->where,
			VTY_NEWLINE);
	if (l->tls_line)
		vty_out(vty, " %stls %s%s", l->command, l->tls_name, VTY_NEWLINE);
}

void bsf_redis_write(struct vty *vty)
{
	const struct bsf_redis *r = &bsf_cfg->redis;

	if (bsf_cfg->store == BSF_STORE_REDIS && !r->n_sentinels)
		vty_out(vty, " redis %s%s", r->at.text, VTY_NEWLINE);
	for (size_t i = 0; i < r->n_sentinels; i++)
		vty_out(vty, " redis sentinel %s %s%s", r->sentinel_name, r->sentinels[i].text, VTY_NEWLINE);
	login_write(vty, &r->login);
	login_write(vty, &r->sentinel_login);
	if (r->timeout_line)
		vty_out(vty, " redis timeout-ms %u%s", r->timeout_ms, VTY_NEWLINE);
	if (r->marks_dir)
		vty_out(vty, " redis marks %s%s", r->marks_dir, VTY_NEWLINE);
	if (r->lease_line)
		vty_out(vty, " redis lease-ms %u%s", r->lease_ms, VTY_NEWLINE);
	if (r->grace_line)
		vty_out(vty, " redis grace-ms %u%s", r->grace_ms, VTY_NEWLINE);
}

/* \returns the line of something that needs more; 0: there is none */
static int login_line(const struct bsf_redis_login *l)
{
	return l->user_line ?: l->password_line ?: l->tls_line;
}

static int login_check(const struct bsf_cfg *c, const struct bsf_redis_login *l, struct err *err)
{
	if (l->user_line && !l->where)
		return cfg_error(
			err, -EINVAL, l->user_line,
			"store: %suser without a password; allowed: %spassword file PATH, %spassword credential NAME",
			l->command, l->command, l->command);
	if (l->tls_line && !c->tls.certificate)
		return cfg_error(err, -EINVAL, l->tls_line,
				 "store: %stls without a certificate; needed in diameter: " TLS_CFG_WORDS, l->command);
	return 0;
}

/* Whoever is there gets what we ask for, and where Sentinels stand beyond loopback the server they name does. */
static int redis_beyond_check(const struct bsf_redis *r, struct err *err)
{
	const struct bsf_listen *at = &r->at;

	for (size_t i = 0; i < r->n_sentinels; i++)
		if (!i || sockaddr_is_loopback(&at->addr))
			at = &r->sentinels[i];
	if (r->login.where || sockaddr_is_loopback(&at->addr))
		return 0;
	return cfg_error(
		err, -EINVAL, at->line,
		"store: redis beyond loopback without a password; allowed: redis password file PATH, redis password credential NAME");
}

int bsf_redis_check(const struct bsf_cfg *c, struct err *err)
{
	const struct bsf_redis *r = &c->redis;
	int line = login_line(&r->sentinel_login), rc;

	if (line && !r->n_sentinels)
		return cfg_error(
			err, -EINVAL, line,
			"store: redis sentinel-user, -password or -tls, but no Sentinel; allowed: with redis sentinel NAME ADDRESS PORT");
	line = login_line(&r->login) ?: r->timeout_line ?: r->lease_line ?: r->grace_line ?: r->marks_line;
	if (c->store != BSF_STORE_REDIS)
		return line ? cfg_error(
				      err, -EINVAL, line,
				      "store: redis user, password, tls, timeout-ms, lease-ms, grace-ms or marks, but no redis; allowed: with redis ADDRESS PORT, redis sentinel NAME ADDRESS PORT")
			    : 0;
	rc = login_check(c, &r->login, err);
	if (rc == 0)
		rc = login_check(c, &r->sentinel_login, err);
	return rc == 0 ? redis_beyond_check(r, err) : rc;
}

int bsf_redis_password(struct secret *out, const struct bsf_redis_login *l, struct err *err)
{
	char why[ERR_MAX - 160];
	int rc;

	*out = (struct secret){ .len = 0 };
	if (!l->where)
		return 0;
	rc = secret_read_line(out, l->path, why, sizeof(why));
	return rc < 0 ? cfg_error(err, rc, l->password_line, "%spassword: %s; " PASSWORD_ALLOWED, l->command, why) : 0;
}

void bsf_redis_vty_init(void)
{
	static struct cmd_element *const cmds[] = {
		&cfg_redis_cmd,         &cfg_redis_sentinel_cmd, &cfg_redis_user_cmd,   &cfg_redis_password_cmd,
		&cfg_redis_tls_cmd,     &cfg_sentinel_user_cmd,  &cfg_sentinel_tls_cmd, &cfg_sentinel_password_cmd,
		&cfg_redis_timeout_cmd, &cfg_redis_lease_cmd,    &cfg_redis_grace_cmd,  &cfg_redis_marks_cmd
	};
	struct bsf_redis *r = &bsf_cfg->redis;

	r->login.command = "redis ";
	r->sentinel_login.command = "redis sentinel-";
	r->timeout_ms = TIMEOUT_MS;
	r->lease_ms = LEASE_MS;
	for (size_t i = 0; i < sizeof(cmds) / sizeof(cmds[0]); i++)
		install_element(BSF_NODE_STORE, cmds[i]);
}
