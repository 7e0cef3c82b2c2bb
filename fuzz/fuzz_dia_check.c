/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Any octets against every grammar: AVPs lie in the message, and a refusal with its Failed-AVP passes the check itself. */
#include <assert.h>
#include "common/dia/dia_local.h"
#include "common/dia/zh_wire.h"
#include "common/dia/zn_wire.h"

#define ANSWER_MAX (2 * 1024 * 1024)

static const struct dia_grammar *const served[] = { &zn_wire_bir, &zh_wire_mar };
static const char *const realms[] = { "example", "bsf.example" };
static const struct dia_local local = { "bsf.example", realms, 2, served, 2, false };
static const struct dia_self self = { "bsf.example", "example" };

static void walk(struct span msg)
{
	struct dia_iter it = dia_wire_avps(msg);
	struct dia_avp a;

	while (dia_wire_next(&it, &a) == 1)
		assert(a.whole.p >= msg.p + DIA_HDR_LEN && a.data.p >= a.whole.p + DIA_AVP_HDR &&
		       a.data.p + a.data.len <= msg.p + msg.len && it.at <= msg.p + msg.len);
}

/* Proxy-Info and Session-Id of the request come back as they were: of what was not read, not all can be told. */
static void refuse(struct span msg, const struct dia_fault *f)
{
	static uint8_t out[ANSWER_MAX];
	struct dia_avp failed, a;
	struct dia_iter it;
	struct dia_fault bad;
	struct writer w;
	int n, rc;

	writer_init(&w, out, sizeof(out));
	n = dia_build_refusal(&w, msg, &self, f);
	assert(n > DIA_HDR_LEN && n % 4 == 0);
	assert(dia_check(&bad, span_of(out, (size_t)n), &zn_wire_bia, NULL) == 0 ||
	       bad.code == RESULT_UNABLE_TO_COMPLY);
	if (!dia_wire_find(&failed, dia_wire_avps(span_of(out, (size_t)n)), AVP_FAILED_AVP))
		return;
	for (it = dia_wire_inside(&failed); (rc = dia_wire_next(&it, &a)) == 1;)
		assert(a.whole.len <= DIA_FAILED_MAX);
	assert(rc == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct dia_grammar *const all[] = { &zn_wire_bir, &zn_wire_bia, &zh_wire_mar, &zh_wire_maa };
	struct span msg = span_of(data, size);
	const struct dia_grammar *g;
	struct dia_fault f;

	if (size < DIA_HDR_LEN)
		return 0;
	walk(msg);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (dia_check(&f, msg, all[i], NULL))
			refuse(msg, &f);
	g = dia_local(&f, msg, &local);
	assert(!g == !!f.code);
	if (!g)
		refuse(msg, &f);
	return 0;
}
