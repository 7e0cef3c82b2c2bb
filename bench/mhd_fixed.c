/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The reference of the Ub bench: what two fixed answers cost in libmicrohttpd, run as gba-bsfd runs it (external epoll,
 * one thread). First request: a constant 401; with a nonce: a constant 200 of the size of BootstrappingInfo. */
#include <arpa/inet.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <microhttpd.h>

#define NONCE "I1U8vpY3qJ0hiuZNrke/NVXzKLQ1d7m5Sp/6w1Tfr7M="
#define CHALLENGE                                                                                                      \
	"Digest realm=\"bsf.mnc001.mcc001.pub.3gppnetwork.org\", nonce=\"" NONCE "\", algorithm=AKAv1-MD5, "           \
	"qop=\"auth-int\", opaque=\"5ccc069c403ebaf9f0171e9517f30e41\""
#define INFO                                                                                                           \
	"qop=auth-int, rspauth=\"03ecbd85c2396a7d4fe5c615e0901d48\", cnonce=\"6629fae49393a05397450978507c4ef1\", "    \
	"nc=00000001"
#define BODY                                                                                                           \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<BootstrappingInfo xmlns=\"uri:3gpp-gba\">\r\n"                 \
	"  <btid>I1U8vpY3qJ0hiuZNrke/NQ==@bsf.mnc001.mcc001.pub.3gppnetwork.org</btid>\r\n"                            \
	"  <lifetime>2030-01-01T12:00:00Z</lifetime>\r\n</BootstrappingInfo>\r\n"

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	stop = 1;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *c, const char *url, const char *method,
				  const char *version, const char *upload, size_t *upload_size, void **state)
{
	static int seen;
	const char *auth = MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
	bool first = !auth || strstr(auth, "nonce=\"\"");
	struct MHD_Response *r;
	enum MHD_Result rc;

	if (!*state) {
		*state = &seen;
		return MHD_YES;
	}
	r = first ? MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT)
		  : MHD_create_response_from_buffer(sizeof(BODY) - 1, (void *)BODY, MHD_RESPMEM_PERSISTENT);
	MHD_add_response_header(r, "Server", "mhd_fixed 3gpp-gba-tmpi");
	if (first) {
		MHD_add_response_header(r, "WWW-Authenticate", CHALLENGE);
	} else {
		MHD_add_response_header(r, "Authentication-Info", INFO);
		MHD_add_response_header(r, "Content-Type", "application/vnd.3gpp.bsf+xml");
	}
	rc = MHD_queue_response(c, first ? 401 : 200, r);
	MHD_destroy_response(r);
	return rc;
}

static int listen_on(const char *addr, int port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (inet_pton(AF_INET, addr, &to.sin_addr) != 1 || bind(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ||
	    listen(fd, 1024) < 0) {
		perror("mhd_fixed: listen");
		exit(1);
	}
	return fd;
}

int main(int argc, char **argv)
{
	struct sigaction sa = {.sa_handler = on_signal};
	struct epoll_event ev = {.events = EPOLLIN};
	struct MHD_Daemon *d;
	MHD_UNSIGNED_LONG_LONG ms;
	int ep;

	if (argc != 3) {
		fprintf(stderr, "usage: mhd_fixed ADDRESS PORT\n");
		return 1;
	}
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	d = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, NULL, MHD_OPTION_LISTEN_SOCKET,
			     listen_on(argv[1], atoi(argv[2])), MHD_OPTION_CONNECTION_LIMIT, 2000u, MHD_OPTION_END);
	if (!d)
		return 1;
	ep = epoll_create1(EPOLL_CLOEXEC);
	epoll_ctl(ep, EPOLL_CTL_ADD, MHD_get_daemon_info(d, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, &ev);
	puts("ready");
	fflush(stdout);
	while (!stop) {
		int wait_ms = MHD_get_timeout(d, &ms) == MHD_YES && ms < 1000 ? (int)ms : 1000;

		epoll_wait(ep, &ev, 1, wait_ms);
		MHD_run(d);
	}
	MHD_stop_daemon(d);
	close(ep);
	return 0;
}
