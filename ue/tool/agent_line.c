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

static FILE *connect_stream(const char *path, struct err *err)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(at.sun_path)) {
		err_set(err, -EIO, "%s: path too long for a socket", path);
		return NULL;
	}
	strcpy(at.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
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

int agent_line(const char *path, char *const *words, int n, enum ue_cause *cause, struct err *err)
{
	FILE *f = connect_stream(path, err);
	char *line = NULL;
	size_t cap = 0;
	ssize_t len = -1;
	bool more;

	if (!f)
		return -EIO;
	for (int i = 0; i < n; i++)
		fprintf(f, "%s%s", i ? " " : "", words[i]);
	fputc('\n', f);
	more = fflush(f) == 0;
	while (more && (len = getline(&line, &cap, f)) > 0) {
		*cause = cause_in(line);
		visible_print(stdout, line, (size_t)len, true);
		fflush(stdout);
		more = *cause == UE_CAUSE_ok && n == 1 && strcmp(words[0], "watch") == 0;
	}
	fclose(f);
	free(line);
	if (len <= 0)
		*cause = UE_CAUSE_local;
	return len > 0 ? 0 : err_set(err, -EIO, "%s: the agent broke off", path);
}
