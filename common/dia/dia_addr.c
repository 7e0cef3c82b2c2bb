/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/dia_addr.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/bytes.h"

/*! 1 to 65535; 0 would be the default's other name, and getaddrinfo() takes the rest modulo 65536. */
static bool is_port(const char *digits)
{
	size_t n = strspn(digits, "0123456789");
	unsigned long port = n && n <= 5 && !digits[n] ? strtoul(digits, NULL, 10) : 0;

	return port >= 1 && port <= 65535;
}

int dia_addr_resolve(struct sockaddr_storage *out, const char *text, const char *port, struct err *err)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	const char *begin = *text == '[' ? text + 1 : text;
	const char *end = begin + strcspn(begin, *text == '[' ? "]" : ":");
	const char *rest = *text == '[' && *end ? end + 1 : end;
	struct addrinfo *ai;
	char host[256];
	int rc;

	if ((*text == '[' && !*end) || (*rest && (*rest != ':' || !is_port(rest + 1))) ||
	    span_to_str(host, sizeof(host), span_of(begin, (size_t)(end - begin))) < 0)
		return err_set(err, -EINVAL, "BSF address \"%.200s\": HOST, HOST:PORT or [IPV6]:PORT, port 1 to 65535",
			       text);
	rc = getaddrinfo(host, *rest ? rest + 1 : port, &hints, &ai);
	if (rc)
		return err_set(err, -EINVAL, "BSF address \"%.200s\": %s", text, gai_strerror(rc));
	memcpy(out, ai->ai_addr, ai->ai_addrlen);
	freeaddrinfo(ai);
	return 0;
}
