/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/policy/nets.h"

#include <errno.h>
#include <stdlib.h>

#define BITS 128

struct nets {
	struct sockaddr_net *a; /* by family, length and address */
	size_t n, room;
	bool prefix_v4[BITS + 1], prefix_v6[BITS + 1]; /* that are there */
};

struct nets *nets_new(void)
{
	return calloc(1, sizeof(struct nets));
}

void nets_free(struct nets *n)
{
	if (n)
		free(n->a);
	free(n);
}

/* The range that has this prefix and holds the address: what stands behind the prefix is zero. */
static struct sockaddr_net range(const uint8_t *host, uint8_t len, uint8_t prefix)
{
	struct sockaddr_net net = { .len = len, .prefix = prefix };

	memcpy(net.host, host, prefix / 8);
	if (prefix % 8)
		net.host[prefix / 8] = host[prefix / 8] & (uint8_t)(0xff << (8 - prefix % 8));
	return net;
}

int nets_add(struct nets *n, const struct sockaddr_net *net)
{
	if (n->n == n->room) {
		size_t room = n->room ? 2 * n->room : 16;
		struct sockaddr_net *more = realloc(n->a, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		n->a = more;
		n->room = room;
	}
	n->a[n->n++] = range(net->host, net->len, net->prefix);
	(net->len == 4 ? n->prefix_v4 : n->prefix_v6)[net->prefix] = true;
	return 0;
}

static int nets_cmp(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct sockaddr_net)); /* octets only, no padding */
}

void nets_sort(struct nets *n)
{
	_Static_assert(sizeof(struct sockaddr_net) == 18, "octets only");
	if (n->n)
		qsort(n->a, n->n, sizeof(*n->a), nets_cmp);
}

bool nets_has(const struct nets *n, const void *from)
{
	struct span host = sockaddr_host(from);
	const bool *prefixes = host.len == 4 ? n->prefix_v4 : n->prefix_v6;

	for (unsigned bits = 0; n->n && host.len && bits <= 8 * host.len; bits++) {
		struct sockaddr_net key;

		if (!prefixes[bits])
			continue;
		key = range(host.p, (uint8_t)host.len, (uint8_t)bits);
		if (bsearch(&key, n->a, n->n, sizeof(key), nets_cmp))
			return true;
	}
	return false;
}
