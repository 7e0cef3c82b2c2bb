/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/agent/consent.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include <osmocom/core/select.h>
#include <osmocom/core/timer.h>

struct consent {
	pid_t pid;
	struct osmo_fd ended; /* a pidfd */
	struct osmo_timer_list over;
	void (*done)(void *owner, bool yes);
	void *owner;
};

static void consent_free(struct consent *c)
{
	osmo_timer_del(&c->over);
	if (c->ended.fd >= 0) {
		osmo_fd_unregister(&c->ended);
		close(c->ended.fd);
	}
	free(c);
}

static void say(struct consent *c, bool yes)
{
	void (*done)(void *owner, bool said) = c->done;
	void *owner = c->owner;

	consent_free(c);
	done(owner, yes);
}

static int on_ended(struct osmo_fd *fd, unsigned int what)
{
	struct consent *c = fd->data;
	int status = 1;
	pid_t pid = waitpid(c->pid, &status, WNOHANG);

	if (pid != 0)
		say(c, pid == c->pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return 0;
}

static void kill_and_reap(struct consent *c)
{
	kill(c->pid, SIGKILL);
	waitpid(c->pid, NULL, 0);
}

static void on_no_answer(void *data)
{
	struct consent *c = data;

	kill_and_reap(c);
	say(c, false);
}

/* \returns 0; an errno */
static int spawn(pid_t *pid, const char *program, char *const *env)
{
	char *const argv[] = { (char *)program, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int rc;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDWR, 0);
	posix_spawn_file_actions_adddup2(&files, 0, 1);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	rc = posix_spawn(pid, program, &files, &attr, argv, env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return rc;
}

static int run_program(pid_t *pid, const char *program, const struct consent_ask *ask)
{
	char uid[32], process[32], naf[300], realm[100];
	char *const env[] = { uid, process, naf, realm, (char *)"PATH=/usr/bin:/bin", NULL };

	snprintf(uid, sizeof(uid), "GBA_UID=%u", (unsigned)ask->uid);
	snprintf(process, sizeof(process), "GBA_PID=%d", (int)ask->pid);
	snprintf(naf, sizeof(naf), "GBA_NAF=%s", ask->naf);
	snprintf(realm, sizeof(realm), "GBA_REALM=%s", ask->realm);
	return spawn(pid, program, env);
}

struct consent *consent_start(const char *program, const struct consent_ask *ask, int seconds,
			      void (*done)(void *owner, bool yes), void *owner)
{
	struct consent *c = calloc(1, sizeof(*c));
	int fd;

	if (!c || run_program(&c->pid, program, ask) != 0) {
		free(c);
		return NULL;
	}
	c->done = done;
	c->owner = owner;
	fd = pidfd_open(c->pid, 0);
	if (fd < 0) {
		kill_and_reap(c);
		free(c);
		return NULL;
	}
	osmo_fd_setup(&c->ended, fd, OSMO_FD_READ, on_ended, c, 0);
	osmo_fd_register(&c->ended);
	osmo_timer_setup(&c->over, on_no_answer, c);
	osmo_timer_schedule(&c->over, seconds, 0);
	return c;
}

void consent_stop(struct consent *c)
{
	if (!c)
		return;
	kill_and_reap(c);
	consent_free(c);
}
