/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/fd/fd_parser.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include "dict/dict_gba.h"
#include "tests/fd/dict_handles.h"

int fd_parser_init(void)
{
	const char *missing;

	fd_g_debug_lvl = FD_LOG_ERROR;
	if (fd_core_initialize())
		return -EINVAL;
	fd_g_config->cnf_diamid = strdup("parser.localdomain");
	fd_g_config->cnf_diamrlm = strdup("localdomain");
	fd_g_config->cnf_port = fd_g_config->cnf_port_tls = 0;
	fd_g_config->cnf_flags.no_sctp = 1;
	if (fd_core_parseconf("/dev/null") || dict_gba_load(fd_g_config->cnf_dict))
		return -EINVAL;
	return dia_handles_load(fd_g_config->cnf_dict, &missing);
}

struct msg *fd_parser_msg(const struct octets *o)
{
	uint8_t *copy = malloc(o->len);
	struct fd_pei pei = { 0 };
	struct msg *m = NULL;

	ck_assert(copy != NULL);
	memcpy(copy, o->b, o->len);
	ck_assert_int_eq(fd_msg_parse_buffer(&copy, o->len, &m), 0);
	ck_assert_int_eq(fd_msg_parse_dict(m, fd_g_config->cnf_dict, &pei), 0);
	return m;
}

void fd_parser_octets(struct octets *o, struct msg *m)
{
	uint8_t *buf;
	size_t len;

	ck_assert_int_eq(fd_msg_bufferize(m, &buf, &len), 0);
	ck_assert_uint_le(len, sizeof(o->b));
	memcpy(o->b, buf, len);
	o->len = len;
	free(buf);
}
