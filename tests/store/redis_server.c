/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/store/redis_server.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <hiredis/hiredis.h>

#include "common/base/sockaddr.h"
#include "tests/flow/free_port.h"

#define WORDS_MAX 48

bool redis_server_is_there(void)
{
	return access("/usr/bin/redis-server", X_OK) == 0;
}

static void redis_exec(const struct redis_server *s, const char *const *more)
{
	const char *argv[WORDS_MAX] = { "redis-server", "--save",     "",        "--bind",
					"127.0.0.1",    "--loglevel", "warning", "--port" };
	int null = open("/dev/null", O_RDWR);
	char port[8];
	size_t n = 8;

	snprintf(port, sizeof(port), "%u", sockaddr_port(&s->addr));
	argv[n++] = port;
	for (; more && *more; more++)
		for (char *word = strtok(strdup(*more), " "); word; word = strtok(NULL, " "))
			argv[n++] = word;
	argv[n] = NULL;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(null, 1);
	dup2(null, 2);
	execv("/usr/bin/redis-server", (char *const *)argv);
	_exit(127);
}

static redisContext *redis_reach(const struct redis_server *s)
{
	redisContext *c = redisConnect("127.0.0.1", sockaddr_port(&s->addr));

	if (c && !c->err)
		return c;
	redisFree(c);
	return NULL;
}

void redis_server_start(struct redis_server *s, const char *const *more)
{
	redisContext *c;
	int status;

	s->addr = free_port();
	s->pid = fork();
	ck_assert_int_ge(s->pid, 0);
	if (s->pid == 0)
		redis_exec(s, more);
	while (!(c = redis_reach(s))) {
		ck_assert_msg(waitpid(s->pid, &status, WNOHANG) == 0, "redis-server has ended");
		usleep(5000);
	}
	redisFree(c);
}

void redis_server_stop(struct redis_server *s)
{
	if (!s->pid)
		return;
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	s->pid = 0;
}

void redis_server_ask(const struct redis_server *s, char *text, size_t cap, const char *const *words)
{
	redisContext *c = redis_reach(s);
	redisReply *r;
	int n = 0;

	while (words[n])
		n++;
	ck_assert_ptr_nonnull(c);
	r = redisCommandArgv(c, n, (const char **)words, NULL);
	ck_assert_ptr_nonnull(r);
	if (r->type == REDIS_REPLY_INTEGER)
		snprintf(text, cap, "%lld", r->integer);
	else
		snprintf(text, cap, "%s", r->str ? r->str : "");
	freeReplyObject(r);
	redisFree(c);
}
