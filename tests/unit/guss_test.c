/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* GUSS, 29.109 annex A; selection and what goes out on Zn, 33.220 4.4.6; nothing reached beyond the document. */
#include <errno.h>
#include <stdio.h>

#include "common/gba/guss.h"
#include "tests/unit/suite.h"

#define NS " xmlns=\"" GUSS_NAMESPACE "\""

static struct guss *parsed(const char *xml)
{
	struct guss *g = NULL;
	struct err err = { "" };
	int rc = guss_parse(&g, (const uint8_t *)xml, strlen(xml), &err);

	ck_assert_msg(rc == 0, "%d %s", rc, err.text);
	return g;
}

static int refused(const char *xml, size_t len, const char *why)
{
	struct guss *g = NULL;
	struct err err = { "" };
	int rc = guss_parse(&g, (const uint8_t *)xml, len, &err);

	ck_assert_msg(rc < 0 && !g, "taken: %.100s", xml);
	ck_assert_msg(strstr(err.text, why) != NULL, "'%s' is not about %s", err.text, why);
	return rc;
}

static char *file(const char *name, size_t *len)
{
	char path[1024];
	static char text[65536];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", getenv("srcdir") ? getenv("srcdir") : ".", name);
	f = fopen(path, "r");
	ck_assert_msg(f != NULL, "%s", path);
	*len = fread(text, 1, sizeof(text) - 1, f);
	text[*len] = '\0';
	fclose(f);
	return text;
}

/* what the example configuration gives its subscriber */
START_TEST(example)
{
	size_t len;
	struct guss *g = parsed(file("conf/guss-1.xml", &len));

	ck_assert_str_eq(g->id, "001010000000001@ims.mnc001.mcc001.3gppnetwork.org");
	ck_assert_str_eq(g->uicc_type, "GBA");
	ck_assert(g->has_life_time);
	ck_assert_int_eq(g->life_time_s, 3600);
	ck_assert(g->has_timestamp);
	ck_assert_int_eq(g->timestamp, 1767323045);
	ck_assert_uint_eq(g->n_uss, 2);
	ck_assert_str_eq(g->uss[0].id, "1");
	ck_assert_int_eq(g->uss[0].type, 1);
	ck_assert_str_eq(g->uss[0].naf_group, "A");
	ck_assert_uint_eq(g->uss[0].n_uids, 1);
	ck_assert_uint_eq(g->uss[0].n_flags, 1);
	ck_assert_int_eq(g->uss[0].flags[0], 1);
	ck_assert_ptr_null(g->uss[1].naf_group);
	ck_assert_str_eq(g->uss[1].uids[0], "sip:alice@ims.mnc001.mcc001.3gppnetwork.org");
	ck_assert_uint_eq(g->uss[1].n_flags, 0);
	ck_assert_ptr_null(g->uss[1].key_choice);
	guss_free(g);
}
END_TEST

/* 220-4.2.3-6, 220-4.4.6-13: what was read is written so that it reads the same, flags and a private GSID, too */
START_TEST(round_trip)
{
	static const char in[] =
		"<guss id=\"a&amp;&lt;&quot;@b.c\"" NS "><bsfInfo><uiccType>GBA_U</uiccType><lifeTime>43200"
		"</lifeTime><securityFeatures>GPL_U</securityFeatures><securityFeatures>x&amp;y</securityFeatures><Extension><macStar>SHA-256</macStar></Extension></bsfInfo><Extension><timestamp>2026-01-02T03:04:05Z</timestamp></Extension>"
		"<ussList><uss id=\"1000001\" type=\"0\" nafGroup=\"&lt;A&gt;\"><uids><uid>sip:\xc3\xa4&amp;</uid>"
		"<uid>tel:+1</uid></uids><flags><flag>1</flag><flag>-2</flag></flags><keyChoice>ME-based-key"
		"</keyChoice></uss></ussList></guss>";
	struct guss *g = parsed(in), *again;
	size_t len, len2;
	char *xml, *xml2;

	ck_assert_str_eq(g->id, "a&<\"@b.c");
	ck_assert_str_eq(g->uss[0].naf_group, "<A>");
	ck_assert_str_eq(g->uss[0].uids[0], "sip:\xc3\xa4&");
	ck_assert_int_eq(g->uss[0].flags[1], -2);
	ck_assert_str_eq(g->uss[0].key_choice, "ME-based-key");
	ck_assert_int_eq(guss_format(&xml, &len, g), 0);
	ck_assert_uint_eq(strlen(xml), len);
	again = parsed(xml);
	ck_assert_int_eq(guss_format(&xml2, &len2, again), 0);
	ck_assert_str_eq(xml, xml2);
	ck_assert_str_eq(again->id, g->id);
	ck_assert_str_eq(again->uss[0].naf_group, "<A>");
	ck_assert_int_eq(again->timestamp, g->timestamp);
	ck_assert(g->mac_star_sha256 && again->mac_star_sha256);
	ck_assert_int_eq(again->life_time_s, 43200);
	ck_assert_uint_eq(again->n_features, 2);
	ck_assert_str_eq(again->features[0], "GPL_U");
	ck_assert_str_eq(again->features[1], "x&y");
	free(xml);
	free(xml2);
	guss_free(g);
	guss_free(again);
}
END_TEST

/* old schema, prefixes, no namespace, flags left out, keyChoice in an Extension, elements of later releases */
START_TEST(generous)
{
	struct guss *g =
		parsed("<g:guss xmlns:g=\"guss-schema-of-3gpp-gaa\" id=\"u@home1.net\"><g:bsfInfo><g:lifeTime> 60\n"
		       "</g:lifeTime><g:later/></g:bsfInfo><g:ussList><g:uss id=\"4\" type=\"4\"><g:uids><g:uid> u "
		       "</g:uid></g:uids><g:Extension><g:keyChoice>UICC_based_key</g:keyChoice></g:Extension></g:uss>"
		       "</g:ussList></g:guss>");

	ck_assert_int_eq(g->life_time_s, 60);
	ck_assert_ptr_null(g->uicc_type);
	ck_assert(!g->has_timestamp);
	ck_assert_str_eq(g->uss[0].uids[0], "u");
	ck_assert_str_eq(g->uss[0].key_choice, "UICC_based_key");
	guss_free(g);
	g = parsed("<guss><ussList/></guss>"); /* a user without settings */
	ck_assert_ptr_null(g->id);
	ck_assert(!g->has_life_time);
	ck_assert_uint_eq(g->n_uss, 0);
	guss_free(g);
	g = parsed("<guss/>");
	guss_free(g);
	g = parsed("<ussList><uss id=\"1\" type=\"1\"><uids/></uss></ussList>");
	ck_assert_uint_eq(g->n_uss, 1);
	guss_free(g);
	g = parsed("<guss><bsfInfo><lifeTime>99999999999999999999999</lifeTime></bsfInfo></guss>");
	ck_assert_int_eq(g->life_time_s, INT64_MAX); /* for the caller to clamp and to count */
	guss_free(g);
	g = parsed("<guss><bsfInfo><lifeTime>-1</lifeTime></bsfInfo></guss>");
	ck_assert_int_eq(g->life_time_s, -1);
	guss_free(g);
}
END_TEST

/* never half used */
START_TEST(bad)
{
	static const struct {
		const char *xml, *why;
	} rows[] = {
		{ "", "" },
		{ "guss", "line 1" },
		{ "<guss>\n<ussList>\n</guss>", "line 3" },
		{ "<other/>", "root" },
		{ "<guss><bsfInfo><lifeTime>1 h</lifeTime></bsfInfo></guss>", "lifeTime" },
		{ "<guss><bsfInfo><lifeTime/></bsfInfo></guss>", "lifeTime" },
		{ "<guss><Extension><timestamp>yesterday</timestamp></Extension></guss>", "timestamp" },
		{ "<ussList><uss type=\"1\"><uids/></uss></ussList>", "without id" },
		{ "<ussList><uss id=\"\" type=\"1\"><uids/></uss></ussList>", "without id" },
		{ "<ussList><uss id=\"1\" type=\"x\"><uids/></uss></ussList>", "type" },
		{ "<ussList><uss id=\"1\" type=\"-1\"><uids/></uss></ussList>", "type" },
		{ "<ussList><uss id=\"1\" type=\"99999999999\"><uids/></uss></ussList>", "type" },
		{ "<ussList><uss id=\"1\" type=\"1\"><flags><flag>yes</flag></flags></uss></ussList>", "flag" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_int_eq(refused(rows[i].xml, strlen(rows[i].xml), rows[i].why), -EBADMSG);
}
END_TEST

/* what a DTD could do: grow without end, read files of this machine, fetch, add attributes */
START_TEST(hostile)
{
	static const char laughs[] =
		"<!DOCTYPE guss [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">"
		"<!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;\">]><guss id=\"&c;\"/>";
	static const char external[] =
		"<!DOCTYPE guss [<!ENTITY f SYSTEM \"file:///proc/self/environ\">]><guss>&f;</guss>";
	static const char defaults[] = "<!DOCTYPE guss [<!ATTLIST guss id CDATA \"x@y.z\">]><guss/>";
	static const char foreign[] = "<!DOCTYPE guss SYSTEM \"http://192.0.2.1/guss.dtd\"><guss/>";
	char wide[2 * sizeof(laughs)] = "\xff\xfe";

	refused(laughs, strlen(laughs), "DOCTYPE");
	refused(external, strlen(external), "DOCTYPE");
	refused(defaults, strlen(defaults), "DOCTYPE");
	refused(foreign, strlen(foreign), "DOCTYPE");
	for (size_t i = 0; i < strlen(laughs); i++)
		wide[2 * i + 2] = laughs[i]; /* UTF-16LE: no search for "<!DOCTYPE" finds it */
	refused(wide, 2 * strlen(laughs) + 2, "DOCTYPE");
	refused("<guss id=\"&f;\"/>", 16, "line 1");
}
END_TEST

/* A string of n times unit between head and tail. */
static char *repeated(const char *head, const char *unit, size_t n, const char *tail)
{
	size_t one = strlen(unit), at = strlen(head);
	char *s = malloc(at + n * one + strlen(tail) + 1);

	ck_assert_ptr_nonnull(s);
	strcpy(s, head);
	for (size_t i = 0; i < n; i++, at += one)
		memcpy(s + at, unit, one);
	strcpy(s + at, tail);
	return s;
}

START_TEST(limits)
{
	char *s = repeated("<ussList>", "<uss id=\"1\"/>", GUSS_USS_MAX, "</ussList>");
	struct guss *g = parsed(s);

	ck_assert_uint_eq(g->n_uss, GUSS_USS_MAX);
	guss_free(g);
	free(s);
	s = repeated("<ussList>", "<uss id=\"1\"/>", GUSS_USS_MAX + 1, "</ussList>");
	ck_assert_int_eq(refused(s, strlen(s), "more than"), -E2BIG);
	free(s);
	s = repeated("<ussList><uss id=\"1\"><uids>", "<uid>x</uid>", 65, "</uids></uss></ussList>");
	ck_assert_int_eq(refused(s, strlen(s), "uid"), -E2BIG);
	free(s);
	s = repeated("<ussList><uss id=\"1\"><flags>", "<flag>1</flag>", 64, "</flags></uss></ussList>");
	guss_free(parsed(s));
	free(s);
	s = repeated("<ussList><uss id=\"1\"><flags>", "<flag>1</flag>", 65, "</flags></uss></ussList>");
	ck_assert_int_eq(refused(s, strlen(s), "flag"), -E2BIG);
	free(s);
	s = repeated("<guss>", "<x>", 15, "");
	refused(s, strlen(s), "line 1"); /* not yet too deep, only unfinished */
	free(s);
	s = repeated("<guss>", "<x>", 16, "");
	refused(s, strlen(s), "inside each other");
	free(s);
	s = repeated("<guss>", "<x>", 20000, "");
	refused(s, strlen(s), "inside each other");
	free(s);
	s = repeated("<guss>", " ", GUSS_XML_MAX - 13, "</guss>");
	guss_free(parsed(s));
	free(s);
	s = repeated("<guss>", " ", GUSS_XML_MAX - 12, "</guss>");
	ck_assert_int_eq(refused(s, strlen(s), "octets"), -E2BIG);
	free(s);
}
END_TEST

SUITE("guss", example, round_trip, generous, bad, hostile, limits)
