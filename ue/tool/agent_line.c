/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/tool/agent_line.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <jansson.h>

#include "common/base/visible.h"

/* connect() waits, too, where many stand before it. */
static FILE *connect_stream(const char *path, const struct timeval *wait, struct err *err)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(at.sun_path)) {
		err_set(err, -EIO, "%s: path too long for a socket", path);
		return NULL;
	}
	strcpy(at.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, wait, sizeof(*wait));
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, wait, sizeof(*wait));
	if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return fdopen(fd, "r+");
	err_set(err, -EIO, "%s: no agent: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return NULL;
}

static enum ue_cause cause_in(const char *line)
{
	json_t *o = json_loads(line, 0, NULL);
	const char *name = json_string_value(json_object_get(o, "cause"));
	enum ue_cause cause = ue_cause_named(name ? name : "");

	json_decref(o);
	return cause;
}

int agent_line(const char *path, int wait_s, char *const *words, int n, enum ue_cause *cause, struct err *err)
{
	const struct timeval wait = { .tv_sec = wait_s }, none = { 0 };
	FILE *f = connect_stream(path, &wait, err);
	char *line = NULL;
	size_t cap = 0;
	ssize_t len = -1;
	bool more, late;

	if (!f)
		return -EIO;
	for (int i = 0; i < n; i++)
		fprintf(f, "%s%s", i ? " " : "", words[i]);
	fputc('\n', f);
	errno = 0;
	more = fflush(f) == 0;
	while (more && (len = getline(&line, &cap, f)) > 0) {
		*cause = cause_in(line);
		visible_print(stdout, line, (size_t)len, true);
		fflush(stdout);
		more = *cause == UE_CAUSE_ok && n == 1 && strcmp(words[0], "watch") == 0;
		if (more) /* it has answered: what it tells comes when it comes */
			setsockopt(fileno(f), SOL_SOCKET, SO_RCVTIMEO, &none, sizeof(none));
	}
	late = len <= 0 && errno == EAGAIN;
	fclose(f);
	free(line);
	if (len <= 0)
		*cause = late ? UE_CAUSE_not_reached : UE_CAUSE_local;
	if (late)
		return err_set(err, -ETIMEDOUT, "%s: no answer of the agent within %d s", path, wait_s);
	return len > 0 ? 0 : err_set(err, -EIO, "%s: the agent broke off", path);
}
