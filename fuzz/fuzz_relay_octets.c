/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a Zn-Proxy reads and hands on: what goes on is as it came, with one AVP more, and its home can read it. */
#include <assert.h>
#include <stdlib.h>
#include "common/dia/zn_wire.h"
#include "znproxy/relay_octets.h"

#define ROOM 70000

static char *services[] = { "1", "2" };
static const struct words allowed = { services, 2 };

static void goes_on(struct span msg)
{
	const struct dia_address to = { .hop_by_hop = 7 };
	struct relay_request *q = relay_octets_request(msg, "naf.example");
	static uint8_t out[ROOM];
	struct dia_fault bad;
	struct zn_bir bir;
	struct writer w;
	int len;

	if (!q)
		return; /* too long */
	writer_init(&w, out, sizeof(out));
	len = relay_octets_put_request(&w, &to, q);
	assert(len > 0 && (size_t)len == q->len && q->len > msg.len);
	assert(memcmp(out + DIA_HDR_LEN, msg.p + DIA_HDR_LEN, msg.len - DIA_HDR_LEN) == 0);
	if (zn_wire_bir_get(&bir, span_of(out, (size_t)len), &bad, NULL) < 0)
		assert(bad.code == RESULT_UNABLE_TO_COMPLY ||
		       bad.code == RESULT_AVP_TOO_MANY); /* one AVP, or GSID, too many */
	else
		assert(bir.n_routes && span_eq(bir.routes[bir.n_routes - 1], span_str("naf.example")));
	free(q);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span msg = span_of(data, size);
	struct relay_request *q;
	struct dia_fault bad = { .code = 0 };
	struct relay_bir bir;
	struct result r;

	if (size < DIA_HDR_LEN || size % 4)
		return 0;
	if (relay_octets_read(&bir, msg, &allowed, &bad) == 0)
		goes_on(msg);
	else
		assert(bad.code / 1000 == 5 || bad.code / 1000 == 3);
	q = relay_octets_request(msg, "naf.example");
	if (q)
		(void)relay_octets_fits(&r, msg, q);
	free(q);
	return 0;
}
