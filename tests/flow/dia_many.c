/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* dia_many PEER REALM IDENTITY:LISTEN:CONNECT...: many nodes of ours in one process, each of which connects to PEER on a port and
 * may be connected to by it on another; what becomes of the connections goes to standard output, a line each. For tests of how
 * a node of others and ours find each other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/base/sockaddr.h"
#include "common/dia/dia_hub.h"
#include "common/dia/zn_wire.h"

#define NODES_MAX 64
#define TC_MS     1000

static const uint32_t zn = GBA_APP_ZN;

struct node {
	char identity[64];
	struct dia_hub *hub;
};

static void on_event(void *owner, enum dia_hub_event ev, const char *peer, const char *detail)
{
	const struct node *n = owner;

	if (ev == DIA_HUB_OPEN)
		printf("%s open\n", n->identity);
	else
		printf("%s %s: %s\n", n->identity, ev == DIA_HUB_LOST ? "lost" : "told", detail);
	fflush(stdout);
}

static struct sockaddr_storage here(const char *port)
{
	struct sockaddr_storage sa;

	if (sockaddr_parse(&sa, "127.0.0.1", port) < 0)
		exit(2);
	return sa;
}

/* spec is cut into its parts. */
static void start(struct node *n, struct dia_loop *loop, const char *peer, const char *realm, char *spec)
{
	const char *identity = strtok(spec, ":"), *listen = strtok(NULL, ":"), *connect = strtok(NULL, ":");
	struct sockaddr_storage there = here(connect);
	struct dia_hub_cfg cfg = { .client_apps = &zn,
				   .n_client_apps = 1,
				   .n_listen = 1,
				   .tc_ms = TC_MS,
				   .cb = { .event = on_event, .owner = n } };
	struct err err;

	snprintf(n->identity, sizeof(n->identity), "%s", identity);
	cfg.self = (struct dia_self){ n->identity, realm };
	cfg.listen[0] = here(listen);
	n->hub = dia_hub_new(loop, &cfg);
	if (!n->hub || dia_hub_listen(n->hub, &err) < 0 || dia_hub_dial(n->hub, peer, &there, true) < 0)
		exit(1);
}

int main(int argc, char **argv)
{
	static struct node nodes[NODES_MAX];
	struct dia_loop *loop = dia_loop_new();

	if (!loop || argc < 4 || argc > 3 + NODES_MAX)
		return 2;
	for (int i = 3; i < argc; i++)
		start(&nodes[i - 3], loop, argv[1], argv[2], argv[i]);
	puts("ready");
	fflush(stdout);
	for (;;) { /* until it is killed */
		dia_loop_wait(loop, -1);
		dia_loop_turn(loop, 64);
	}
}
