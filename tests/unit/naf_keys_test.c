/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Which key of a device with GBA_U an application takes: that of the device, that of the card, or either. */
#include <stdio.h>

#include "tests/unit/naf_device.h"

#define REALM_DEVICE "3GPP-bootstrapping@" HOST
#define REALM_CARD   "3GPP-bootstrapping-uicc@" HOST
#define REALM_BOTH   REALM_CARD ";" REALM_DEVICE

static struct gba_naf *with_keys(unsigned keys)
{
	struct gba_naf_config c;

	gba_naf_config_init(&c);
	c.qop = GBA_NAF_AUTH | GBA_NAF_AUTH_INT;
	c.keys = keys;
	return context(&c);
}

/* 220-4.2.2-5, 220-4.4.9-3, 220-4.4.9-4, 220-5.3.3-2: what is taken is offered, the other one is refused, and without an
 * agreement it is that of the device */
START_TEST(kinds)
{
	static const struct {
		unsigned keys;
		bool gba_u;
		const char *realm;
		bool by_card;
		const char *cause;
	} rows[] = {
		{ 0, false, REALM_DEVICE, false, "naf_ok" },
		{ 0, true, REALM_DEVICE, false, "naf_ok" },
		{ 0, true, REALM_CARD, true, "naf_challenged" },
		{ 0, true, REALM_DEVICE, true, "naf_response" },
		{ GBA_NAF_KEY_CARD, true, REALM_CARD, true, "naf_ok" },
		{ GBA_NAF_KEY_CARD, true, REALM_CARD, false, "naf_response" },
		{ GBA_NAF_KEY_CARD, true, REALM_DEVICE, false, "naf_challenged" },
		{ GBA_NAF_KEY_CARD, false, REALM_CARD, true, "naf_not_authorized" }, /* its run was GBA_ME */
		{ GBA_NAF_KEY_CARD | GBA_NAF_KEY_DEVICE, true, REALM_CARD, true, "naf_ok" },
		{ GBA_NAF_KEY_CARD | GBA_NAF_KEY_DEVICE, true, REALM_DEVICE, false, "naf_ok" },
		{ GBA_NAF_KEY_CARD | GBA_NAF_KEY_DEVICE, false, REALM_DEVICE, false, "naf_ok" },
		{ GBA_NAF_KEY_CARD | GBA_NAF_KEY_DEVICE, true, REALM_BOTH, false, "naf_ok" }, /* knows no lists */
		{ GBA_NAF_KEY_CARD | GBA_NAF_KEY_DEVICE, true, REALM_BOTH, true, "naf_response" },
		{ GBA_NAF_KEY_CARD | GBA_NAF_KEY_DEVICE, true, "3GPP-bootstrapping-uicc@naf2.example.com", true,
		  "naf_challenged" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct gba_naf_answer *a;
		struct gba_naf *naf;
		struct device d;

		fake_gba_u = rows[i].gba_u;
		naf = with_keys(rows[i].keys);
		d = good(naf);
		d.realm = rows[i].realm;
		d.by_card = rows[i].by_card;
		a = send_value(naf, &d, authorization(&d));
		ck_assert_msg(!strcmp(gba_naf_cause_name(a->cause), rows[i].cause), "row %zu: %s", i,
			      gba_naf_cause_name(a->cause));
		ck_assert_msg(a->by_card == (a->verdict == GBA_NAF_ACCEPT && rows[i].by_card), "row %zu", i);
		gba_naf_answer_free(a);
		done(naf);
	}
}
END_TEST

/* 33.220 5.3.3: a USS demands the other key, or two demand one each; whatever the application offers */
START_TEST(demanded)
{
	static const struct {
		unsigned use;
		const char *of_device, *of_card;
	} rows[] = {
		{ GBA_NAF_KEY_CARD | GBA_NAF_KEY_DEVICE, "naf_ok", "naf_ok" },
		{ GBA_NAF_KEY_DEVICE, "naf_ok", "naf_not_authorized" },
		{ GBA_NAF_KEY_CARD, "naf_not_authorized", "naf_ok" },
		{ GBA_NAF_KEY_NONE, "naf_not_authorized", "naf_not_authorized" },
	};

	fake_gba_u = true;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (int by_card = 0; by_card <= 1; by_card++) {
			struct gba_naf *naf = with_keys(GBA_NAF_KEY_CARD | GBA_NAF_KEY_DEVICE);
			struct device d = good(naf);
			struct gba_naf_key k = the_key();

			k.use = rows[i].use;
			ck_assert_int_eq(gba_naf_fake_add(fake, BTID, &k), 0);
			d.realm = by_card ? REALM_CARD : REALM_DEVICE;
			d.by_card = by_card;
			EXPECT(naf, &d, by_card ? rows[i].of_card : rows[i].of_device);
			done(naf);
		}
	}
}
END_TEST

static void offers(struct gba_naf *naf, unsigned keys, const char *realm)
{
	struct gba_naf_request req;
	struct gba_naf_answer *a;
	char want[200];

	gba_naf_request_init(&req);
	req.method = "GET";
	req.target = "/";
	req.host = HOST;
	req.keys = keys;
	a = gba_naf_digest(naf, &req);
	snprintf(want, sizeof(want), "realm=\"%s\"", realm ? realm : "");
	if (!realm)
		ck_assert_int_eq(a->verdict, GBA_NAF_TEMPORARY);
	else
		ck_assert_msg(strstr(a->challenge[0], want) != NULL, "%s", a->challenge[0]);
	gba_naf_answer_free(a);
}

/* The realm says it, and a request may ask for less than the context, not for more */
START_TEST(realms)
{
	struct gba_naf *naf = with_keys(GBA_NAF_KEY_CARD | GBA_NAF_KEY_DEVICE);

	offers(naf, 0, REALM_BOTH);
	offers(naf, GBA_NAF_KEY_CARD, REALM_CARD);
	offers(naf, GBA_NAF_KEY_DEVICE, REALM_DEVICE);
	offers(naf, 4, NULL);
	done(naf);
	naf = with_keys(0);
	offers(naf, 0, REALM_DEVICE);
	offers(naf, GBA_NAF_KEY_CARD, NULL);
	done(naf);
}
END_TEST

SUITE("naf_keys", kinds, demanded, realms)
