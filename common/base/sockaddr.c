/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/base/sockaddr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

#define MAPPED_BITS 96

static sa_family_t family_of(const void *sa)
{
	return ((const struct sockaddr *)sa)->sa_family;
}

socklen_t sockaddr_len(const void *sa)
{
	if (family_of(sa) == AF_INET)
		return sizeof(struct sockaddr_in);
	return family_of(sa) == AF_INET6 ? sizeof(struct sockaddr_in6) : 0;
}

uint16_t sockaddr_port(const void *sa)
{
	if (family_of(sa) == AF_INET)
		return ntohs(((const struct sockaddr_in *)sa)->sin_port);
	return family_of(sa) == AF_INET6 ? ntohs(((const struct sockaddr_in6 *)sa)->sin6_port) : 0;
}

void sockaddr_port_set(struct sockaddr_storage *sa, uint16_t port)
{
	if (sa->ss_family == AF_INET)
		((struct sockaddr_in *)sa)->sin_port = htons(port);
	else if (sa->ss_family == AF_INET6)
		((struct sockaddr_in6 *)sa)->sin6_port = htons(port);
}

static bool is_mapped(const uint8_t host[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(host, mapped, sizeof(mapped)) == 0;
}

struct span sockaddr_host(const void *sa)
{
	const uint8_t *six;

	if (family_of(sa) == AF_INET)
		return span_of(&((const struct sockaddr_in *)sa)->sin_addr, 4);
	if (family_of(sa) != AF_INET6)
		return span_of(NULL, 0);
	six = ((const struct sockaddr_in6 *)sa)->sin6_addr.s6_addr;
	return is_mapped(six) ? span_of(six + 12, 4) : span_of(six, 16);
}

struct span sockaddr_line(const void *sa)
{
	struct span host = sockaddr_host(sa);

	return host.len == 16 ? span_of(host.p, 8) : host;
}

bool sockaddr_same_host(const void *a, const void *b)
{
	struct span x = sockaddr_host(a);

	return x.len && span_eq(x, sockaddr_host(b));
}

bool sockaddr_is_loopback(const void *sa)
{
	struct span h = sockaddr_host(sa);

	return (h.len == 4 && h.p[0] == 127) || (h.len == 16 && memcmp(h.p, &in6addr_loopback, 16) == 0);
}

void sockaddr_unmap(struct sockaddr_storage *sa)
{
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(sockaddr_port(sa)) };
	struct span host = sockaddr_host(sa);

	if (host.len != 4 || sa->ss_family != AF_INET6)
		return;
	memcpy(&four.sin_addr, host.p, 4);
	memset(sa, 0, sizeof(*sa));
	memcpy(sa, &four, sizeof(four));
}

/* Digits alone: strtoul() would take signs and blanks. */
static int decimal(unsigned *out, const char *text, unsigned max)
{
	size_t len = strlen(text);
	unsigned v = 0;

	if (!len || len > 5 || strspn(text, "0123456789") != len)
		return -EINVAL;
	for (const char *p = text; *p; p++)
		v = v * 10 + (unsigned)(*p - '0');
	if (v > max)
		return -EINVAL;
	*out = v;
	return 0;
}

int sockaddr_parse(struct sockaddr_storage *out, const char *addr, const char *port)
{
	struct sockaddr_storage ss = { 0 };
	unsigned n;

	if (decimal(&n, port, 65535) < 0)
		return -EINVAL;
	if (inet_pton(AF_INET, addr, &((struct sockaddr_in *)&ss)->sin_addr) == 1)
		ss.ss_family = AF_INET;
	else if (inet_pton(AF_INET6, addr, &((struct sockaddr_in6 *)&ss)->sin6_addr) == 1)
		ss.ss_family = AF_INET6;
	else
		return -EINVAL;
	sockaddr_port_set(&ss, (uint16_t)n);
	*out = ss;
	return 0;
}

void sockaddr_host_text(char out[SOCKADDR_TEXT], const void *sa)
{
	const void *host = family_of(sa) == AF_INET6 ? (const void *)&((const struct sockaddr_in6 *)sa)->sin6_addr
						     : (const void *)&((const struct sockaddr_in *)sa)->sin_addr;

	if (!sockaddr_len(sa) || !inet_ntop(family_of(sa), host, out, SOCKADDR_TEXT))
		strcpy(out, "?");
}

void sockaddr_text(char out[SOCKADDR_TEXT], const void *sa)
{
	char host[SOCKADDR_TEXT];

	sockaddr_host_text(host, sa);
	snprintf(out, SOCKADDR_TEXT, "%.46s %u", host, sockaddr_port(sa));
}

int sockaddr_net_parse(struct sockaddr_net *out, const char *text)
{
	const char *slash = strchr(text, '/');
	char addr[INET6_ADDRSTRLEN];
	struct sockaddr_net n = { 0 };
	struct sockaddr_storage ss;
	struct span host;
	unsigned bits, prefix;

	if (span_to_str(addr, sizeof(addr), span_of(text, slash ? (size_t)(slash - text) : strlen(text))) < 0 ||
	    sockaddr_parse(&ss, addr, "0") < 0)
		return -EINVAL;
	bits = prefix = ss.ss_family == AF_INET6 ? 128 : 32; /* as written, so before the other form */
	if (slash && decimal(&prefix, slash + 1, bits) < 0)
		return -EINVAL;
	host = sockaddr_host(&ss);
	if (host.len == 4 && bits == 128) {
		if (prefix < MAPPED_BITS)
			return -EINVAL; /* half of it would be no IPv4 address */
		prefix -= MAPPED_BITS;
	}
	n.len = (uint8_t)host.len;
	n.prefix = (uint8_t)prefix;
	memcpy(n.host, host.p, host.len);
	*out = n;
	return 0;
}

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	return memcmp(a, b, whole) == 0 && (rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0);
}

bool sockaddr_net_is_loopback(const struct sockaddr_net *net)
{
	if (net->len == 4)
		return net->host[0] == 127 && net->prefix >= 8;
	return memcmp(net->host, &in6addr_loopback, 16) == 0 && net->prefix == 128;
}

bool sockaddr_nets_beyond(const struct sockaddr_net *nets, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!sockaddr_net_is_loopback(&nets[i]))
			return true;
	return false;
}

bool sockaddr_net_match(const struct sockaddr_net *net, const void *from)
{
	struct span host = sockaddr_host(from);

	return host.len && host.len == net->len && same_bits(net->host, host.p, net->prefix);
}

bool sockaddr_net_same(const struct sockaddr_net *a, const struct sockaddr_net *b)
{
	return a->len == b->len && a->prefix == b->prefix && same_bits(a->host, b->host, a->prefix);
}

void sockaddr_net_text(char out[SOCKADDR_TEXT], const struct sockaddr_net *net)
{
	char ip[INET6_ADDRSTRLEN] = "?";

	inet_ntop(net->len == 4 ? AF_INET : AF_INET6, net->host, ip, sizeof(ip));
	snprintf(out, SOCKADDR_TEXT, "%s/%u", ip, net->prefix);
}
