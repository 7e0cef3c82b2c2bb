/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file fd.c
 *  Zn server on the threads of the Diameter library. */
#include "bsf/zn/fd.h"

#include <errno.h>
#include <stdlib.h>
#include "bsf/zn/answer.h"
#include "common/dia/dia_core.h"
#include "common/dia/zn_codec.h"
#include "dict/dict_gba.h"

struct zn_fd {
	struct store_shared *store;
	struct zn_flow **flows;
	size_t n_flows;
};

struct zn_fd *zn_fd_new(struct store_shared *store, struct zn_flow *const *flows, size_t n_flows)
{
	struct zn_fd *z = calloc(1, sizeof(*z));

	if (!z)
		return NULL;
	z->flows = calloc(n_flows, sizeof(*flows));
	if (!z->flows) {
		free(z);
		return NULL;
	}
	memcpy(z->flows, flows, n_flows * sizeof(*flows));
	z->store = store;
	z->n_flows = n_flows;
	return z;
}

void zn_fd_free(struct zn_fd *z)
{
	if (z)
		free(z->flows);
	free(z);
}

int zn_fd_serve(struct zn_fd *z)
{
	return dia_serve(GBA_APP_ZN, zn_fd_request, z);
}

static int zn_fd_encode(void *m, const struct zn_bia *bia)
{
	return zn_bia_encode(m, bia);
}

static void refuse_unread(struct msg **m, const struct result *bad)
{
	static const struct {
		uint32_t code;
		enum cause cause;
	} causes[] = {
		{ RESULT_MISSING_AVP, CAUSE_zn_missing_avp },
		{ RESULT_AVP_TOO_MANY, CAUSE_zn_avp_repeated },
	};
	enum cause cause = CAUSE_zn_bad_avp;
	char peer[ZN_NAME_MAX + 1];

	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
		if (causes[i].code == bad->code)
			cause = causes[i].cause;
	dia_msg_peer(*m, peer);
	(void)zn_answer_refuse(peer, NULL, cause, bad, zn_fd_encode, m);
}

/* The store is in this process: answer here. \returns 0; -EAGAIN: it is not */
static int answer_now(struct zn_fd *z, struct msg **m, const struct zn_bir *bir)
{
	struct gba_session s;
	int rc;

	rc = bir->btid_ok ? store_get_now(z->store, &bir->btid, &s) : -ENOENT;
	if (rc == -EAGAIN)
		return rc;
	(void)zn_answer(bir, rc, &s, zn_fd_encode, m);
	if (rc == 0)
		gba_session_clear(&s);
	return 0;
}

/* What could not be encoded stays a request, and the caller answers it with 5012. */
void zn_fd_request(struct msg **m, void *zn_fd)
{
	static const struct result busy = { .code = RESULT_TOO_BUSY };
	struct zn_fd *z = zn_fd;
	struct result bad = { 0 };
	struct zn_bir bir;

	if (zn_bir_decode(&bir, *m, &bad) < 0) {
		refuse_unread(m, &bad);
		return;
	}
	if (answer_now(z, m, &bir) == 0)
		return;
	if (zn_flow_post(z->flows[bir.btid.rand[0] % z->n_flows], m, &bir) < 0)
		(void)zn_answer_refuse(bir.peer, &bir, CAUSE_zn_busy, &busy, zn_fd_encode, m);
}

int zn_realm_is_ours(const char *const *bsf_names, size_t n, const char *realm)
{
	for (size_t i = 0; i < n; i++)
		if (span_ieq(span_str(bsf_names[i]), span_str(realm)))
			return 0;
	return -ENOENT;
}
