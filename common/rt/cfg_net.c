/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/cfg_file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>
#include "common/base/port_probe.h"

int cfg_sockaddr(struct sockaddr_storage *out, const char *addr, const char *port)
{
	struct sockaddr_storage ss = { 0 };
	struct sockaddr_in *in4 = (struct sockaddr_in *)&ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ss;
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(port, &end, 10);
	if (errno || *end || end == port || *port == '-' || *port == '+' || n > 65535)
		return -EINVAL;
	if (inet_pton(AF_INET, addr, &in4->sin_addr) == 1) {
		in4->sin_family = AF_INET;
		in4->sin_port = htons(n);
	} else if (inet_pton(AF_INET6, addr, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(n);
	} else {
		return -EINVAL;
	}
	*out = ss;
	return 0;
}

void cfg_sockaddr_text(char out[CFG_SOCKADDR_TEXT], const struct sockaddr_storage *addr)
{
	char ip[INET6_ADDRSTRLEN] = "?";
	unsigned port;

	if (addr->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)addr;

		inet_ntop(AF_INET6, &in6->sin6_addr, ip, sizeof(ip));
		port = ntohs(in6->sin6_port);
	} else {
		const struct sockaddr_in *in4 = (const struct sockaddr_in *)addr;

		inet_ntop(AF_INET, &in4->sin_addr, ip, sizeof(ip));
		port = ntohs(in4->sin_port);
	}
	snprintf(out, CFG_SOCKADDR_TEXT, "%s %u", ip, port);
}

int cfg_net_parse(struct cfg_net *out, const char *text)
{
	char addr[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	struct cfg_net n = { 0 };
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	unsigned max;
	char *end;

	if (len >= sizeof(addr))
		return -EINVAL;
	memcpy(addr, text, len);
	addr[len] = '\0';
	if (cfg_sockaddr(&n.addr, addr, "0") < 0)
		return -EINVAL;
	max = n.addr.ss_family == AF_INET6 ? 128 : 32;
	n.prefix = max;
	if (slash) {
		unsigned long v;

		if (slash[1] < '0' || slash[1] > '9')
			return -EINVAL;
		v = strtoul(slash + 1, &end, 10);
		if (*end || v > max)
			return -EINVAL;
		n.prefix = v;
	}
	*out = n;
	return 0;
}

static const unsigned char *address_octets(const struct sockaddr *sa, int *family)
{
	static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

	if (sa->sa_family == AF_INET6) {
		const unsigned char *p = ((const struct sockaddr_in6 *)sa)->sin6_addr.s6_addr;

		/* an IPv4 peer on an IPv6 socket */
		if (memcmp(p, mapped, sizeof(mapped)) == 0) {
			*family = AF_INET;
			return p + 12;
		}
		*family = AF_INET6;
		return p;
	}
	*family = AF_INET;
	return (const unsigned char *)&((const struct sockaddr_in *)sa)->sin_addr;
}

bool cfg_net_match(const struct cfg_net *net, const struct sockaddr *from)
{
	const unsigned char *a, *b;
	unsigned whole = net->prefix / 8, rest = net->prefix % 8;
	int fa, fb;

	if (from->sa_family != AF_INET && from->sa_family != AF_INET6)
		return false;
	a = address_octets((const struct sockaddr *)&net->addr, &fa);
	b = address_octets(from, &fb);
	if (fa != fb || memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

void cfg_net_text(char out[CFG_SOCKADDR_TEXT], const struct cfg_net *net)
{
	char ip[CFG_SOCKADDR_TEXT];

	cfg_sockaddr_text(ip, &net->addr);
	ip[strcspn(ip, " ")] = '\0';
	snprintf(out, CFG_SOCKADDR_TEXT, "%.46s/%u", ip, net->prefix);
}

static uint16_t port_of(const struct sockaddr_storage *addr)
{
	return addr->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)addr)->sin6_port
					   : ((const struct sockaddr_in *)addr)->sin_port;
}

int cfg_ports_take(struct cfg_ports *p, const struct sockaddr_storage *addr, int line, const char *node,
		   struct err *err)
{
	int fd = p->n < CFG_PORTS_MAX ? port_probe(addr) : -E2BIG;
	char text[CFG_SOCKADDR_TEXT], ours[64];
	const char *why = fd == -EADDRINUSE ? "port in use by another process" : strerror(-fd);

	if (fd >= 0) {
		p->held[p->n].fd = fd;
		p->held[p->n].port = port_of(addr);
		p->held[p->n++].node = node;
		return 0;
	}
	for (size_t i = 0; i < p->n && fd == -EADDRINUSE; i++) {
		if (p->held[i].port != port_of(addr))
			continue;
		snprintf(ours, sizeof(ours), "node %s does", p->held[i].node);
		why = ours;
	}
	cfg_sockaddr_text(text, addr);
	return cfg_error(err, fd, line,
			 "%s: cannot listen on %s: %s; allowed: an address of this machine, with a port that is free",
			 node, text, why);
}

void cfg_ports_release(struct cfg_ports *p)
{
	while (p->n)
		close(p->held[--p->n].fd);
}

int cfg_lock_file(const char *path, struct err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), rc;

	if (fd < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	rc = errno == EWOULDBLOCK ? err_set(err, -EBUSY, "%s: in use by another daemon", path)
				  : err_set(err, -errno, "%s: %s", path, strerror(errno));
	close(fd);
	return rc;
}
