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
	char port[8];
	const char *argv[WORDS_MAX] = { "redis-server" };
	const char *const ours[] = { "--save", "",          "--rdb-del-sync-files", "yes",
				     "--bind", "127.0.0.1", "--loglevel",           "warning",
				     "--port", port };
	bool has_file = more && more[0] && more[0][0] != '-';
	int null = open("/dev/null", O_RDWR);
	size_t n = 1;

	snprintf(port, sizeof(port), "%u", sockaddr_port(&s->addr));
	if (has_file) /* it comes first */
		argv[n++] = *more++;
	for (size_t i = has_file ? 4 : 0; i < sizeof(ours) / sizeof(ours[0]); i++) /* a Sentinel saves nothing */
		argv[n++] = ours[i];
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

struct fake {
	const char *reply, *then;
	bool at_once;
	unsigned nth;
};

static void fake_serve(int c, const struct fake *f)
{
	unsigned commands = 0;
	char buf[4096];
	ssize_t n;

	if (f->at_once && write(c, f->reply, strlen(f->reply)) < 0)
		return;
	while ((n = read(c, buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < n; i++)
			if (buf[i] == '*') {
				const char *say = ++commands >= f->nth && f->then ? f->then : f->reply;

				(void)send(c, say, strlen(say), MSG_NOSIGNAL);
			}
}

static void fake_drip(int c, const struct fake *f)
{
	const char *say = f->reply;

	for (; send(c, say, strlen(say), MSG_NOSIGNAL) > 0; say = "x")
		usleep(50000);
}

static void fake_start(struct redis_server *s, void (*serve)(int c, const struct fake *f), struct fake f)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1, c;

	s->addr = free_port();
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&s->addr, sizeof(struct sockaddr_in)), 0);
	ck_assert_int_eq(listen(fd, 8), 0);
	s->pid = fork();
	if (s->pid) {
		close(fd);
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGCHLD, SIG_IGN);
	while ((c = accept(fd, NULL, NULL)) >= 0) {
		if (fork() == 0) { /* each thread that asks has a connection of its own */
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			serve(c, &f);
			_exit(0);
		}
		close(c);
	}
	_exit(0);
}

void redis_fake_start(struct redis_server *s, const char *reply, bool at_once, const char *then, unsigned nth)
{
	fake_start(s, fake_serve, (struct fake){ reply, then, at_once, nth });
}

void redis_drip_start(struct redis_server *s, const char *begin)
{
	fake_start(s, fake_drip, (struct fake){ .reply = begin });
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
	redisReply *r = NULL;
	redisContext *c;
	int n = 0;

	while (words[n])
		n++;
	for (int i = 0; !r && i < 10; i++) { /* a Sentinel that makes a replica of it ends its connections */
		c = redis_reach(s);
		ck_assert_ptr_nonnull(c);
		r = redisCommandArgv(c, n, (const char **)words, NULL);
		if (!r)
			redisFree(c);
	}
	ck_assert_ptr_nonnull(r);
	if (r->type == REDIS_REPLY_INTEGER)
		snprintf(text, cap, "%lld", r->integer);
	else
		snprintf(text, cap, "%s", r->str ? r->str : "");
	freeReplyObject(r);
	redisFree(c);
}
