/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/flow/zh_fake.h"

#include "common/base/hex.h"

static int zh_fake_ask(struct zh_client *client, const struct zh_ask *ask, uint64_t txn, uint32_t *timeout_ms,
		       char *session_id)
{
	struct zh_fake *zc = (struct zh_fake *)client;

	if (zc->refuse)
		return zc->refuse;
	zc->asked++;
	zc->txn = txn;
	zc->impi = *ask->impi;
	zc->scheme = ask->scheme;
	zc->guss_timestamp = ask->has_guss_timestamp ? ask->guss_timestamp : 0;
	zc->resync = ask->auts != NULL;
	if (ask->auts) {
		memcpy(zc->rand, ask->rand, sizeof(zc->rand));
		memcpy(zc->auts, ask->auts, sizeof(zc->auts));
	}
	*timeout_ms = zc->timeout_ms;
	strcpy(session_id, "bsf.example;1;1;zh");
	return 0;
}

static const char *zh_fake_asked(const struct zh_client *client)
{
	return "hss.example";
}

void zh_fake_init(struct zh_fake *f)
{
	static const struct zh_client_ops ops = { zh_fake_ask, zh_fake_asked };

	memset(f, 0, sizeof(*f));
	f->client.ops = &ops;
}

static void set(struct secret *s, const char *hex)
{
	s->len = hex_decode(s->b, sizeof(s->b), hex, strlen(hex));
}

void zh_fake_vector(struct zh_result *out, uint8_t n, const char *guss_xml)
{
	memset(out, 0, sizeof(*out));
	out->result.code = RESULT_SUCCESS;
	out->vector.kind = ZH_VECTOR_AKA;
	hex_decode(out->vector.aka.rand, 16, "23553cbe9637a89d218ae64dae47bf35", 32);
	out->vector.aka.rand[0] = n;
	hex_decode(out->vector.aka.autn, 16, "55f328b43577b9b94a9ffac354dfafb3", 32);
	set(&out->vector.aka.res, "a54211d5e3ba50bf");
	set(&out->vector.aka.ck, "b40ba9a3c58b2a05bbf0d987b21bf8cb");
	set(&out->vector.aka.ik, "f769bcd751044604127672711c6d3441");
	if (guss_xml)
		out->guss = guss_blob_new(span_str(guss_xml));
}

void zh_fake_code(struct zh_result *out, uint32_t code, bool experimental)
{
	memset(out, 0, sizeof(*out));
	out->result.code = code;
	out->result.experimental = experimental;
	out->result.vendor = experimental ? RESULT_VENDOR_3GPP : 0;
}

void zh_fake_clear(struct zh_result *r)
{
	zh_vector_clear(&r->vector);
	guss_blob_put(r->guss);
	r->guss = NULL;
}
