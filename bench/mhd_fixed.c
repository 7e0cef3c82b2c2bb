/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Yardstick of the Ub bench: libmicrohttpd with answers made once. A request whose Authorization has an empty response
 * gets a 401, every other one a 200, with headers and body of the size gba-bsfd sends; the daemon is driven from
 * outside by its epoll descriptor, as there.
 *
 * mhd_fixed PORT; listens on 127.0.0.1; ends on SIGTERM. */
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <microhttpd.h>

#define CHALLENGE \
	"Digest realm=\"bsf.mnc001.mcc001.pub.3gppnetwork.org\", " \
	"nonce=\"I1U8vpY3qJ0hiuZNrke/NVXzKLQ1d7m5Sp/6w1Tfr7M=\", opaque=\"00112233445566778899aabbccddeeff\", " \
	"algorithm=AKAv1-MD5, qop=\"auth-int\""
#define INFO \
	"qop=auth-int, rspauth=\"00112233445566778899aabbccddeeff\", cnonce=\"00112233445566778899aabbccddeeff\", " \
	"nc=00000001"
#define BODY \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<BootstrappingInfo xmlns=\"uri:3gpp-gba\">" \
	"<btid>I1U8vpY3qJ0hiuZNrke/NQ==@bsf.mnc001.mcc001.pub.3gppnetwork.org</btid>" \
	"<lifetime>2026-01-02T15:04:05Z</lifetime></BootstrappingInfo>\n"

static struct MHD_Response *challenge, *done;
static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	stop = 1;
}

static struct MHD_Response *answer(const char *body, const char *name, const char *value, const char *type)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(strlen(body), (void *)body, MHD_RESPMEM_PERSISTENT);

	MHD_add_response_header(r, "Server", "gba-bsfd/0.1.0 3gpp-gba-tmpi");
	MHD_add_response_header(r, "Cache-Control", "no-store");
	MHD_add_response_header(r, name, value);
	if (type) {
		MHD_add_response_header(r, "Content-Type", type);
		MHD_add_response_header(r, "Expires", "Fri, 02 Jan 2026 15:04:05 GMT");
	}
	return r;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *c, const char *url, const char *method,
				  const char *version, const char *upload, size_t *upload_len, void **ctx)
{
	static int seen;
	const char *auth;

	if (!*ctx) {
		*ctx = &seen;
		return MHD_YES;
	}
	auth = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Authorization");
	if (auth && strstr(auth, "response=\"\""))
		return MHD_queue_response(c, 401, challenge);
	return MHD_queue_response(c, 200, done);
}

static int listen_on(uint16_t port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) || listen(fd, 1024)) {
		perror("mhd_fixed");
		exit(1);
	}
	return fd;
}

int main(int argc, char **argv)
{
	struct MHD_Daemon *d;
	struct pollfd p = { .events = POLLIN };
	MHD_UNSIGNED_LONG_LONG ms;

	if (argc < 2) {
		fprintf(stderr, "usage: mhd_fixed PORT\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	challenge = answer("", "WWW-Authenticate", CHALLENGE, NULL);
	done = answer(BODY, "Authentication-Info", INFO, "application/vnd.3gpp.bsf+xml");
	d = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, NULL,
			     MHD_OPTION_LISTEN_SOCKET, listen_on((uint16_t)atoi(argv[1])), MHD_OPTION_CONNECTION_LIMIT,
			     2000u, MHD_OPTION_CONNECTION_TIMEOUT, 10u, MHD_OPTION_END);
	if (!d)
		return 1;
	printf("ready\n");
	fflush(stdout);
	p.fd = MHD_get_daemon_info(d, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	while (!stop) {
		MHD_run(d);
		poll(&p, 1, MHD_get_timeout(d, &ms) == MHD_YES ? (int)ms : 1000);
	}
	MHD_stop_daemon(d);
	return 0;
}
