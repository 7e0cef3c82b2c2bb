/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/cfg_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>
#include "common/base/port_probe.h"
#include "common/base/sockaddr.h"

int cfg_ports_take(struct cfg_ports *p, const struct sockaddr_storage *addr, int line, const char *node,
		   struct err *err)
{
	int fd = p->n < CFG_PORTS_MAX ? port_probe(addr) : -E2BIG;
	char text[SOCKADDR_TEXT], ours[64];
	const char *why = fd == -EADDRINUSE ? "port in use by another process" : strerror(-fd);

	if (fd >= 0) {
		p->held[p->n].fd = fd;
		p->held[p->n].port = sockaddr_port(addr);
		p->held[p->n++].node = node;
		return 0;
	}
	for (size_t i = 0; i < p->n && fd == -EADDRINUSE; i++) {
		if (p->held[i].port != sockaddr_port(addr))
			continue;
		snprintf(ours, sizeof(ours), "node %s does", p->held[i].node);
		why = ours;
		fd = -EEXIST;
	}
	sockaddr_text(text, addr);
	return cfg_error(err, fd, line,
			 "%s: cannot listen on %s: %s; allowed: an address of this machine, with a port that is free",
			 node, text, why);
}

void cfg_ports_release(struct cfg_ports *p)
{
	while (p->n)
		close(p->held[--p->n].fd);
}

/* Who has it, as he wrote it there; " (pid 17)", or "" when that cannot be read. */
static void lock_holder(char out[32], int fd)
{
	char text[16] = "";
	long pid;

	out[0] = '\0';
	if (pread(fd, text, sizeof(text) - 1, 0) <= 0)
		return;
	pid = strtol(text, NULL, 10);
	if (pid > 0)
		snprintf(out, 32, " (pid %ld)", pid);
}

int cfg_lock_file(const char *path, struct err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), rc;
	char holder[32];

	if (fd < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		/* for whoever finds it held; that it cannot be written (a full disk) is no reason not to go on */
		if (ftruncate(fd, 0) < 0 || dprintf(fd, "%d\n", (int)getpid()) < 0)
			errno = 0;
		return fd;
	}
	rc = errno;
	lock_holder(holder, fd);
	rc = rc == EWOULDBLOCK ? err_set(err, -EBUSY, "%s: in use by another daemon%s", path, holder)
			       : err_set(err, -rc, "%s: %s", path, strerror(rc));
	close(fd);
	return rc;
}
