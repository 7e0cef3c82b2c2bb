/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_dns_net.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include "common/base/ascii.h"
#include "common/base/clock.h"
#include "common/crypto/rng.h"

#define AGAIN_MS 1000 /* a datagram may be lost: it is sent again */

/* \returns 0; -ETIMEDOUT; -errno */
static int wait_until(int fd, short what, uint64_t until_ms)
{
	struct pollfd p = { .fd = fd, .events = what };
	uint64_t now;
	int n;

	do {
		now = clock_mono_ms();
		n = now < until_ms ? poll(&p, 1, (int)(until_ms - now)) : 0;
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n ? 0 : -ETIMEDOUT;
}

static int connect_to(const struct sockaddr_storage *server, int type, uint64_t until_ms)
{
	int fd = socket(server->ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), rc = 0, no = 0;
	socklen_t len = sizeof(no);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)server, sockaddr_len(server)) < 0)
		rc = errno == EINPROGRESS ? wait_until(fd, POLLOUT, until_ms) : -errno;
	if (rc == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &no, &len) == 0)
		rc = -no;
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

/* The question again, in whatever case. */
static bool same_question(const uint8_t *a, const uint8_t *b, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (ascii_lower(a[i]) != ascii_lower(b[i]))
			return false;
	}
	return true;
}

/* Whoever does not see the question knows neither its id nor our port. */
static bool is_answer_to(const uint8_t *query, size_t len, const uint8_t *answer, size_t n)
{
	return n >= len && memcmp(query, answer, 2) == 0 && (answer[2] & 0x80) &&
	       memcmp(query + 4, answer + 4, 2) == 0 &&
	       same_question(query + NS_HFIXEDSZ, answer + NS_HFIXEDSZ, len - NS_HFIXEDSZ);
}

/* --- a datagram */

static int receive_datagram(int fd, uint8_t *answer, size_t cap, const uint8_t *query, size_t len, uint64_t until_ms)
{
	int rc;

	while ((rc = wait_until(fd, POLLIN, until_ms)) == 0) {
		ssize_t n = recv(fd, answer, cap, 0);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno; /* nobody has that port */
		if (n > 0 && is_answer_to(query, len, answer, (size_t)n))
			return (int)n;
	}
	return rc;
}

static int by_udp(uint8_t *answer, size_t cap, const struct sockaddr_storage *server, const uint8_t *query, size_t len,
		  uint64_t until_ms)
{
	int fd = connect_to(server, SOCK_DGRAM, until_ms), n = fd < 0 ? fd : -ETIMEDOUT;

	while (fd >= 0 && n == -ETIMEDOUT && clock_mono_ms() < until_ms) {
		uint64_t again_ms = clock_mono_ms() + AGAIN_MS;

		if (send(fd, query, len, MSG_NOSIGNAL) < 0)
			n = -errno;
		else
			n = receive_datagram(fd, answer, cap, query, len, again_ms < until_ms ? again_ms : until_ms);
	}
	if (fd >= 0)
		close(fd);
	return n;
}

/* --- a connection: each message has its length before it (RFC 1035 4.2.2) */

/* \param[in] p for send() it is only read */
static int move_all(int fd, bool out, uint8_t *p, size_t len, uint64_t until_ms)
{
	int rc = 0;

	while (rc == 0 && len) {
		ssize_t n = out ? send(fd, p, len, MSG_NOSIGNAL) : recv(fd, p, len, 0);

		if (n == 0)
			return -ECONNRESET;
		if (n < 0 && errno == EAGAIN)
			rc = wait_until(fd, out ? POLLOUT : POLLIN, until_ms);
		else if (n < 0)
			rc = errno == EINTR ? 0 : -errno;
		p += n < 0 ? 0 : n;
		len -= n < 0 ? 0 : (size_t)n;
	}
	return rc;
}

static int by_tcp(uint8_t *answer, size_t cap, const struct sockaddr_storage *server, uint8_t *query, size_t len,
		  uint64_t until_ms)
{
	uint8_t head[2] = { (uint8_t)(len >> 8), (uint8_t)len };
	int fd = connect_to(server, SOCK_STREAM, until_ms), rc = fd < 0 ? fd : 0;
	size_t n = 0;

	if (rc == 0)
		rc = move_all(fd, true, head, 2, until_ms);
	if (rc == 0)
		rc = move_all(fd, true, query, len, until_ms);
	if (rc == 0)
		rc = move_all(fd, false, head, 2, until_ms);
	if (rc == 0) {
		n = (size_t)head[0] << 8 | head[1];
		rc = n > cap ? -EMSGSIZE : move_all(fd, false, answer, n, until_ms);
	}
	if (fd >= 0)
		close(fd);
	if (rc == 0 && !is_answer_to(query, len, answer, n))
		rc = -EBADMSG;
	return rc < 0 ? rc : (int)n;
}

int reg_dns_exchange(uint8_t *answer, size_t cap, const struct sockaddr_storage *server, uint8_t *query, size_t len,
		     uint64_t until_ms, struct err *err)
{
	char at[SOCKADDR_TEXT];
	int n = rng_fill(query, 2);

	if (n == 0)
		n = by_udp(answer, cap, server, query, len, until_ms);
	if (n > 0 && answer[2] & 0x02) /* TC */
		n = by_tcp(answer, cap, server, query, len, until_ms);
	if (n >= 0)
		return n;
	sockaddr_text(at, server);
	return err_set(err, n, "DNS server %s: %s", at, n == -ETIMEDOUT ? "no answer in time" : strerror(-n));
}
