/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/flow/dia_raw.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/time.h>
#include "common/base/bytes.h"
#include "tests/flow/dia_check.h"

#define V_FLAG 0x80

uint8_t raw[4096];
size_t raw_len;

void raw_begin(uint32_t command, uint8_t flags, uint32_t app)
{
	memset(raw, 0, 20);
	raw[0] = 1;
	be32_put(raw + 4, command);
	raw[4] = flags;
	be32_put(raw + 8, app);
	be32_put(raw + 12, 7);
	be32_put(raw + 16, 7);
	raw_len = 20;
}

void raw_avp(uint32_t code, uint8_t flags, uint32_t vendor, const void *data, size_t len)
{
	uint8_t *p = raw + raw_len;
	size_t hdr = flags & V_FLAG ? 12 : 8;

	memset(p, 0, hdr + len + 4);
	be32_put(p, code);
	p[4] = flags;
	be16_put(p + 6, (uint16_t)(hdr + len));
	if (hdr == 12)
		be32_put(p + 8, vendor);
	memcpy(p + hdr, data, len);
	raw_len += (hdr + len + 3) & ~(size_t)3;
}

void raw_text(uint32_t code, const char *text)
{
	raw_avp(code, 0x40, 0, text, strlen(text));
}

void raw_capabilities(const char *identity)
{
	raw_begin(257, 0x80, 0);
	raw_text(264, identity);
	raw_text(296, "example.com");
	raw_avp(257, 0x40, 0, "\0\1\x7f\0\0\1", 6);
	raw_avp(266, 0x40, 0, "\0\0\x28\xaf", 4);
	raw_avp(269, 0, 0, "raw", 3);
	raw_avp(260, 0x40, 0, "\0\0\1\x0a\x40\0\0\x0c\0\0\x28\xaf\0\0\1\2\x40\0\0\x0c\1\0\0\4", 24);
}

int raw_connect(uint16_t port)
{
	struct sockaddr_storage to = loopback("127.0.0.1", port);
	struct timeval t = { .tv_sec = WAIT_S };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)));
	CHECK(!connect(fd, (struct sockaddr *)&to, sizeof(struct sockaddr_in)));
	return fd;
}

void raw_send(int fd)
{
	be16_put(raw + 2, (uint16_t)raw_len);
	CHECK(send(fd, raw, raw_len, MSG_NOSIGNAL) == (ssize_t)raw_len);
}
