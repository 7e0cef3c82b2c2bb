/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file free_port.h
 *  An address for a listener of a test. */
#pragma once

#include <unistd.h>
#include <arpa/inet.h>
#include "common/base/sockaddr.h"
#include "tests/unit/suite.h"

/*! \returns 127.0.0.1 with a port that nobody has now */
static inline struct sockaddr_storage free_port(void)
{
	struct sockaddr_storage sa = { 0 };
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(sockaddr_parse(&sa, "127.0.0.1", "0"), 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sa, sizeof(struct sockaddr_in)), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	close(fd);
	return sa;
}
