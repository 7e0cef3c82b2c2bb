/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* TLS for the benches, on plain OpenSSL, so that what is measured is the server alone.
 *
 * tls_load pipe LISTEN PORT CERT KEY CA        what connects to LISTEN comes out at PORT by TLS; a process for each
 * tls_load handshakes PORT N CERT KEY CA       N of them one after the other, 8 of each source address; prints JSON
 * tls_load hold PORT N CERT KEY CA             N connections that are kept until standard input ends; "held" when they are there.
 *                                              CERT "-": without TLS */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#define OF_EACH 8 /* less than an address may have at once */

__attribute__((noreturn)) static void die(const char *what)
{
	perror(what);
	ERR_print_errors_fp(stderr);
	exit(1);
}

static SSL_CTX *make_ctx(char **files)
{
	SSL_CTX *c = SSL_CTX_new(TLS_client_method());

	if (!c || SSL_CTX_use_certificate_chain_file(c, files[0]) != 1 ||
	    SSL_CTX_use_PrivateKey_file(c, files[1], SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_load_verify_file(c, files[2]) != 1)
		die("files");
	SSL_CTX_set_verify(c, SSL_VERIFY_PEER, NULL);
	return c;
}

static struct sockaddr_in local(unsigned host, int port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	sin.sin_addr.s_addr = htonl(0x7f000001u + host);
	return sin;
}

/* \param[in] host the source is 127.0.0.1 and so much more */
static int connect_from(unsigned host, int port)
{
	struct sockaddr_in here = local(host, 0), there = local(0, port);
	int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&here, sizeof(here)) < 0 ||
	    connect(fd, (struct sockaddr *)&there, sizeof(there)) < 0)
		die("connect");
	return fd;
}

static SSL *shake(SSL_CTX *c, int fd)
{
	SSL *s = SSL_new(c);

	if (!s || SSL_set_fd(s, fd) != 1 || SSL_connect(s) != 1)
		die("handshake");
	return s;
}

static void pipe_one(SSL_CTX *c, int plain, int port)
{
	static char buf[256 * 1024];
	int fd = connect_from(0, port);
	SSL *s = shake(c, fd);
	struct pollfd p[] = { { .fd = plain, .events = POLLIN }, { .fd = fd, .events = POLLIN } };
	ssize_t n;

	for (;;) {
		if (!SSL_pending(s) && poll(p, 2, -1) < 0)
			die("poll");
		if (p[0].revents) {
			n = read(plain, buf, sizeof(buf));
			if (n <= 0 || SSL_write(s, buf, (int)n) <= 0)
				exit(0);
		}
		if (p[1].revents || SSL_pending(s)) {
			n = SSL_read(s, buf, sizeof(buf));
			if (n <= 0 || write(plain, buf, (size_t)n) != n)
				exit(0);
		}
	}
}

static void pipes(SSL_CTX *c, int listen_at, int port)
{
	struct sockaddr_in here = local(0, listen_at);
	int one = 1, l = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(l, (struct sockaddr *)&here, sizeof(here)) < 0 || listen(l, 256) < 0)
		die("listen");
	signal(SIGCHLD, SIG_IGN);
	puts("ready");
	fflush(stdout);
	for (;;) {
		int fd = accept(l, NULL, NULL);

		if (fd < 0)
			die("accept");
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		if (fork() == 0)
			pipe_one(c, fd, port);
		close(fd);
	}
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void handshakes(SSL_CTX *c, int port, unsigned n)
{
	double t0 = now_s();

	for (unsigned i = 0; i < n; i++) {
		int fd = connect_from(i / OF_EACH, port);

		SSL_free(shake(c, fd));
		close(fd);
	}
	printf("{\"handshakes\": %u, \"rate\": %.0f}\n", n, n / (now_s() - t0));
}

static void hold(SSL_CTX *c, int port, unsigned n)
{
	char end;

	for (unsigned i = 0; i < n; i++) {
		int fd = connect_from(i / OF_EACH, port);

		if (c)
			shake(c, fd);
	}
	puts("held");
	fflush(stdout);
	while (read(0, &end, 1) > 0)
		;
}

int main(int argc, char **argv)
{
	SSL_CTX *c;

	if (argc != 7) {
		fprintf(stderr, "usage: tls_load pipe LISTEN PORT CERT KEY CA | handshakes|hold PORT N CERT KEY CA\n");
		return 2;
	}
	c = strcmp(argv[4], "-") ? make_ctx(argv + 4) : NULL;
	if (strcmp(argv[1], "pipe") == 0)
		pipes(c, atoi(argv[2]), atoi(argv[3]));
	else if (strcmp(argv[1], "handshakes") == 0)
		handshakes(c, atoi(argv[2]), (unsigned)atoi(argv[3]));
	else
		hold(c, atoi(argv[2]), (unsigned)atoi(argv[3]));
	return 0;
}
