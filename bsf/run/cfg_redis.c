/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file cfg_redis.c
 *  "redis ..." of the node store. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <talloc.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>
#include "bsf/run/cfg_vty.h"
#include "common/base/sockaddr.h"
#include "common/rt/cfg_file.h"

#define REDIS_HELP       "On Redis, which several processes may use\n"
#define TIMEOUT_MS       50
#define PASSWORD_ALLOWED "allowed: one line of 1 to 64 octets in a file of mode 0600 or 0400"

DEFUN(cfg_redis, cfg_redis_cmd, "redis " ADDR_PORT, REDIS_HELP ADDR_PORT_HELP)
{
	int rc = bsf_cfg_choose_store(vty, BSF_STORE_REDIS);

	return rc == CMD_SUCCESS ? bsf_cfg_set_listen(vty, &bsf_cfg->redis.at, argv) : rc;
}

DEFUN(cfg_redis_user, cfg_redis_user_cmd, "redis user NAME",
      REDIS_HELP "Who we are there\n"
		 "Name of an ACL (default: default)\n")
{
	int rc = cfg_reading() ? cfg_once(vty, &bsf_cfg->redis.user_line, "redis user") : cfg_after_restart(vty);

	return rc == CMD_SUCCESS ? bsf_cfg_set_name(vty, bsf_cfg->redis.user, "redis user", argv[0],
						    sizeof(bsf_cfg->redis.user) - 1)
				 : rc;
}

DEFUN(cfg_redis_password, cfg_redis_password_cmd, "redis password (file|credential) WHERE",
      REDIS_HELP "What it asks for; it must ask\n"
		 "One line in a file that only we may read\n"
		 "A credential of systemd\n"
		 "Path or name\n")
{
	struct bsf_redis *r = &bsf_cfg->redis;
	int rc = cfg_reading() ? cfg_once(vty, &r->password_line, "redis password") : cfg_after_restart(vty);

	if (rc != CMD_SUCCESS)
		return rc;
	r->credential = argv[0][0] == 'c';
	r->path = bsf_cfg_secret_path(r->credential, argv[1]);
	if (!r->path)
		return cfg_fail(vty, "systemd gave us no credentials; allowed: redis password file PATH");
	r->where = talloc_strdup(bsf_cfg, argv[1]);
	return CMD_SUCCESS;
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

DEFUN(cfg_redis_tls, cfg_redis_tls_cmd, "redis tls NAME",
      REDIS_HELP "By TLS, with certificate, key and CAs of the node diameter\n"
		 "Name that its certificate must have (dNSName)\n")
{
	struct bsf_redis *r = &bsf_cfg->redis;
	int rc = cfg_reading() ? cfg_once(vty, &r->tls_line, "redis tls") : cfg_after_restart(vty);

	return rc == CMD_SUCCESS ? bsf_cfg_set_name(vty, r->tls_name, "redis tls", argv[0], sizeof(r->tls_name) - 1)
				 : rc;
}

void bsf_redis_write(struct vty *vty)
{
	const struct bsf_redis *r = &bsf_cfg->redis;

	if (bsf_cfg->store == BSF_STORE_REDIS)
		vty_out(vty, " redis %s%s", r->at.text, VTY_NEWLINE);
	if (r->user_line)
		vty_out(vty, " redis user %s%s", r->user, VTY_NEWLINE);
	if (r->where)
		vty_out(vty, " redis password %s %s%s", r->credential ? "credential" : "file", r->where, VTY_NEWLINE);
	if (r->tls_line)
		vty_out(vty, " redis tls %s%s", r->tls_name, VTY_NEWLINE);
	if (r->timeout_line)
		vty_out(vty, " redis timeout-ms %u%s", r->timeout_ms, VTY_NEWLINE);
}

int bsf_redis_check(const struct bsf_cfg *c, struct err *err)
{
	const struct bsf_redis *r = &c->redis;
	int more = r->user_line ?: r->password_line ?: r->tls_line ?: r->timeout_line;

	if (c->store != BSF_STORE_REDIS)
		return more ? cfg_error(
				      err, -EINVAL, more,
				      "store: redis user, password, tls or timeout-ms, but no redis; allowed: with redis ADDRESS PORT")
			    : 0;
	if (r->user_line && !r->where)
		return cfg_error(
			err, -EINVAL, r->user_line,
			"store: redis user without a password; allowed: redis password file PATH, redis password credential NAME");
	if (!r->where && !sockaddr_is_loopback(&r->at.addr))
		return cfg_error(
			err, -EINVAL, r->at.line,
			"store: redis beyond loopback without a password; allowed: redis password file PATH, redis password credential NAME");
	if (r->tls_line && !c->tls.certificate)
		return cfg_error(err, -EINVAL, r->tls_line,
				 "store: redis tls without a certificate; needed in diameter: " TLS_CFG_WORDS);
	return 0;
}

static int password_take(struct secret *out, int fd)
{
	char line[SECRET_MAX + 2];
	ssize_t n = read(fd, line, sizeof(line));
	int rc = -EBADMSG;

	if (n > 0 && line[n - 1] == '\n')
		n--;
	if (n > 0 && n <= SECRET_MAX && !memchr(line, '\n', (size_t)n))
		rc = secret_set(out, line, (size_t)n);
	OPENSSL_cleanse(line, sizeof(line));
	return rc;
}

int bsf_redis_password(struct secret *out, struct err *err)
{
	const struct bsf_redis *r = &bsf_cfg->redis;
	char why[ERR_MAX - 160];
	int fd, rc;

	*out = (struct secret){ .len = 0 };
	if (!r->where)
		return 0;
	fd = secret_open_file(r->path, why, sizeof(why));
	if (fd < 0)
		return cfg_error(err, fd, r->password_line, "redis password: %s; " PASSWORD_ALLOWED, why);
	rc = password_take(out, fd);
	close(fd);
	return rc < 0 ? cfg_error(err, rc, r->password_line, "redis password: %s is none; " PASSWORD_ALLOWED, r->path)
		      : 0;
}

void bsf_redis_vty_init(void)
{
	static struct cmd_element *const cmds[] = { &cfg_redis_cmd, &cfg_redis_user_cmd, &cfg_redis_password_cmd,
						    &cfg_redis_tls_cmd, &cfg_redis_timeout_cmd };

	bsf_cfg->redis.timeout_ms = TIMEOUT_MS;
	for (size_t i = 0; i < sizeof(cmds) / sizeof(cmds[0]); i++)
		install_element(BSF_NODE_STORE, cmds[i]);
}
