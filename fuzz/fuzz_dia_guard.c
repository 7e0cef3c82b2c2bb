/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What dia_guard() lets pass must not end the process in any of the steps the library takes with a message. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "common/dia/dia_core.h"
#include "common/dia/dia_guard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* The library forgets the AVP it made up for its complaint about an answer with the E bit and no Result-Code. */
const char *__lsan_default_suppressions(void)
{
	return "leak:fd_msg_avp_new\n";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct msg *m = NULL, *error = NULL;
	struct session *session;
	uint8_t *copy;

	if (dia_core_init_parser(NULL))
		return 0;
	copy = malloc(size + 1);
	assert(copy);
	if (size)
		memcpy(copy, data, size);
	if (dia_guard(copy, size) || fd_msg_parse_buffer(&copy, size, &m)) {
		free(copy);
		return 0;
	}
	if (!fd_msg_parse_or_error(&m, &error) || (m && m == error))
		fd_msg_sess_get(fd_g_config->cnf_dict, m, &session, NULL);
	if (m)
		fd_msg_free(m);
	if (error && error != m)
		fd_msg_free(error);
	return 0;
}
