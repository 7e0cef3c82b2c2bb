/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "fuzz/dia_input.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "common/dia/dia_core.h"
#include "common/dia/dia_guard.h"

void dia_input(const uint8_t *data, size_t size, void (*request)(struct msg *), void (*answer)(struct msg *))
{
	struct fd_pei pei = { 0 };
	struct msg *m = NULL;
	struct msg_hdr *hdr;
	uint8_t *copy;

	if (size < 20 || dia_core_init_parser(NULL))
		return;
	copy = malloc(size);
	assert(copy);
	memcpy(copy, data, size);
	if (dia_guard(copy, size) || fd_msg_parse_buffer(&copy, size, &m)) {
		free(copy);
	} else if (fd_msg_parse_dict(m, fd_g_config->cnf_dict, &pei) || fd_msg_hdr(m, &hdr)) {
		if (pei.pei_avp_free)
			fd_msg_free(pei.pei_avp);
		fd_msg_free(m);
	} else if (hdr->msg_flags & CMD_FLAG_REQUEST) {
		request(m);
	} else {
		answer(m);
	}
}
