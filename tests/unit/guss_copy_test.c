/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What is kept of a GUSS, and what a NAF gets of it. */
#include "common/gba/guss_copy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "tests/unit/suite.h"

#define NS   " xmlns=\"" GUSS_NAMESPACE "\""
#define DECL "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"

static uint8_t *made;
static size_t made_len;

static struct guss_copy opened(const char *xml)
{
	struct guss_copy c;

	ck_assert_int_eq(guss_copy_make(&made, &made_len, NULL, NULL, span_str(xml), GUSS_BAD_USS_FAILS, NULL), 0);
	ck_assert_int_eq(guss_copy_open(&c, span_of(made, made_len)), 0);
	ck_assert_ptr_null(c.made);
	return c;
}

/* \returns list of the one with this GSID; free() */
static char *given(const char *xml, const char *gsid, bool bare)
{
	struct guss_copy c = opened(xml);
	struct guss_copy_uss u;
	size_t len;
	char *list;

	ck_assert(guss_copy_find(&c, &u, span_str(gsid), NULL));
	ck_assert_int_eq(guss_copy_list(&c, &list, &len, &u, 1, bare), 0);
	ck_assert_uint_eq(strlen(list), len);
	guss_copy_close(&c);
	free(made);
	return list;
}

static const char groups[] = "<ussList><uss id=\"1\" type=\"1\" nafGroup=\"B\"><uids><uid>b</uid></uids></uss>"
			     "<uss id=\"1\" type=\"1\"><uids><uid>plain</uid></uids></uss>"
			     "<uss id=\"1\" type=\"1\" nafGroup=\"A\"><uids><uid>a</uid></uids></uss>"
			     "<uss id=\"10\" type=\"1\" nafGroup=\"A\"><uids><uid>ten</uid></uids></uss>"
			     "<uss id=\"1\" type=\"1\"><uids><uid>second plain</uid></uids></uss></ussList>";

/* 220-4.2.1-7: the one of the NAF's group, else the one without; another group's never */
START_TEST(selection)
{
	static const struct {
		const char *gsid, *group, *uid;
	} rows[] = {
		{ "1", "A", ">a<" },     { "1", "B", ">b<" },    { "1", "C", ">plain<" }, { "1", NULL, ">plain<" },
		{ "1", "a", ">plain<" }, { "10", "A", ">ten<" }, { "10", "B", NULL },     { "10", NULL, NULL },
		{ "2", "A", NULL },      { "01", "A", NULL },    { "", "A", NULL },
	};
	struct guss_copy c = opened(groups);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct guss_copy_uss u;
		bool found = guss_copy_find(&c, &u, span_str(rows[i].gsid), rows[i].group);

		ck_assert_int_eq(found, rows[i].uid != NULL);
		if (found)
			ck_assert_msg(memmem(u.whole.p, u.whole.len, rows[i].uid, strlen(rows[i].uid)), "row %zu", i);
	}
	guss_copy_close(&c);
	free(made);
}
END_TEST

/* 220-4.4.6-22: the group's name does not leave the home network */
START_TEST(list_without_groups)
{
	struct guss_copy c = opened(groups);
	struct guss_copy_uss chosen[2];
	size_t len;
	char *xml;

	ck_assert(guss_copy_find(&c, &chosen[0], span_str("1"), "A"));
	ck_assert(guss_copy_find(&c, &chosen[1], span_str("10"), "A"));
	ck_assert_int_eq(guss_copy_list(&c, &xml, &len, chosen, 2, false), 0);
	ck_assert_str_eq(xml, DECL "<ussList" NS "><uss id=\"1\" type=\"1\"><uids><uid>a</uid></uids><flags/></uss>"
				   "<uss id=\"10\" type=\"1\"><uids><uid>ten</uid></uids><flags/></uss></ussList>");
	free(xml);
	ck_assert_int_eq(guss_copy_list(&c, &xml, &len, NULL, 0, false), 0);
	ck_assert_str_eq(xml, DECL "<ussList" NS "></ussList>");
	free(xml);
	guss_copy_close(&c);
	free(made);
}
END_TEST

/* 220-4.2.3-5, 220-4.2.3-6, 220-4.4.6-13: what is not known here goes on unchanged, in whatever name space it was */
static const struct {
	const char *xml, *whole, *bare;
} rows[] = {
	{ "<guss><ussList><uss id='7' type='9' x='&lt;1&amp;2'><uids><uid>u</uid></uids><flags><flag>3</flag></flags>"
	  "<keyChoice>UICC_BASED_KEY</keyChoice><own a='1'>text<deep/> &amp; more</own></uss></ussList></guss>",
	  DECL "<ussList" NS
	       "><uss id=\"7\" type=\"9\" x=\"&lt;1&amp;2\"><uids><uid>u</uid></uids><flags><flag>3</flag></flags>"
	       "<keyChoice>UICC_BASED_KEY</keyChoice><own a=\"1\">text<deep/> &amp; more</own></uss></ussList>",
	  DECL "<ussList" NS "><uss id=\"7\" type=\"9\"><uids></uids><flags><flag>3</flag></flags>"
	       "<keyChoice>UICC_BASED_KEY</keyChoice></uss></ussList>" },
	{ "<g:guss xmlns:g='urn:g' xmlns:o='urn:outer'><g:ussList xmlns:o='urn:inner' xmlns:p='urn:p'>"
	  "<g:uss id='7' g:nafGroup='not one'><g:uids><g:uid>u</g:uid></g:uids><o:own p:a='1'/></g:uss></g:ussList></g:guss>",
	  DECL
	  "<g:ussList xmlns:o=\"urn:inner\" xmlns:p=\"urn:p\" xmlns:g=\"urn:g\"><g:uss id=\"7\" type=\"0\"><g:uids><g:uid>u</g:uid>"
	  "</g:uids><g:flags/><o:own p:a=\"1\"/></g:uss></g:ussList>",
	  DECL "<ussList" NS "><uss id=\"7\" type=\"0\"><uids></uids><flags/></uss></ussList>" },
	{ "<guss xmlns='guss-schema-of-3gpp-gaa'><ussList><!-- for pki-east --><uss id='7' type='1'><uids><uid>u<!-- a note --></uid>"
	  "</uids><flags/><?note own?></uss></ussList></guss>",
	  DECL
	  "<ussList xmlns=\"guss-schema-of-3gpp-gaa\"><uss id=\"7\" type=\"1\"><uids><uid>u</uid></uids><flags/></uss></ussList>",
	  DECL "<ussList" NS "><uss id=\"7\" type=\"1\"><uids></uids><flags/></uss></ussList>" },
	{ "<guss><ussList><uss id='7' q:a='1' q:nafGroup='2'><q:z/><uids><uid q:b='3'>u</uid></uids><own xmlns:o='urn:o' o:q:r='1'><q:z>x</q:z></own></uss></ussList></guss>",
	  DECL "<ussList" NS
	       "><uss id=\"7\" type=\"0\"><uids><uid>u</uid></uids><flags/><own xmlns:o=\"urn:o\"/></uss></ussList>",
	  DECL "<ussList" NS "><uss id=\"7\" type=\"0\"><uids></uids><flags/></uss></ussList>" },
	{ "<?xml version='1.0' encoding='ISO-8859-1'?><ussList><uss id='7'><uids><uid>J\xf6rg</uid></uids></uss></ussList>",
	  DECL "<ussList" NS "><uss id=\"7\" type=\"0\"><uids><uid>J\xc3\xb6rg</uid></uids><flags/></uss></ussList>",
	  DECL "<ussList" NS "><uss id=\"7\" type=\"0\"><uids></uids><flags/></uss></ussList>" },
};

START_TEST(kept_as_it_was)
{
	char *list = given(rows[_i].xml, "7", false);

	ck_assert_str_eq(list, rows[_i].whole);
	free(list);
	list = given(rows[_i].xml, "7", true);
	ck_assert_str_eq(list, rows[_i].bare);
	free(list);
}
END_TEST

/* What an older release stored is answered from, too. */
START_TEST(xml_that_was_stored)
{
	struct guss_copy_uss u;
	struct guss_copy c;

	ck_assert_int_eq(guss_copy_open(&c, span_str(groups)), 0);
	ck_assert_ptr_nonnull(c.made);
	ck_assert(guss_copy_find(&c, &u, span_str("10"), "A"));
	ck_assert(!c.has_timestamp);
	guss_copy_close(&c);
	ck_assert_int_eq(guss_copy_open(&c, span_str("<guss")), -EBADMSG);
	ck_assert_int_eq(guss_copy_open(&c, span_of(NULL, 0)), 0);
	ck_assert(!guss_copy_find(&c, &u, span_str("1"), NULL));
}
END_TEST

START_TEST(timestamp)
{
	struct guss_copy c = opened("<guss><Extension><timestamp>1960-01-01T00:00:01Z</timestamp></Extension></guss>");

	ck_assert(c.has_timestamp);
	ck_assert_int_eq(c.timestamp, -315619199);
	ck_assert_uint_eq(c.n, 0);
	free(made);
}
END_TEST

/* Cut or changed anywhere it is refused or read within its octets (under ASan); one with a lifeTime, too. */
START_TEST(damaged)
{
	static const char *const documents[] = { groups, "<guss><bsfInfo><lifeTime>60</lifeTime></bsfInfo></guss>" };
	struct guss_copy_uss u;
	struct guss_copy c = opened(documents[_i]), d;
	uint8_t *cut;

	for (size_t n = 1; n < made_len; n++) {
		cut = malloc(n);
		memcpy(cut, made, n);
		ck_assert_int_eq(guss_copy_open(&d, span_of(cut, n)), -EBADMSG);
		free(cut);
	}
	for (size_t n = 1; n < made_len; n++) {
		made[n] ^= 0xff;
		if (guss_copy_open(&d, span_of(made, made_len)) == 0) {
			(void)guss_copy_find(&d, &u, span_str("10"), "A");
			guss_copy_close(&d);
		}
		made[n] ^= 0xff;
	}
	guss_copy_close(&c);
	free(made);
}
END_TEST

/* The longest documents: 256 USSs, and one that is mostly characters that are written longer. */
START_TEST(longest)
{
	char *xml = malloc(GUSS_XML_MAX + 1);
	struct guss_copy_uss u;
	struct guss_copy c;
	struct writer w;

	writer_init(&w, xml, GUSS_XML_MAX + 1);
	writer_str(&w, "<guss><ussList>");
	for (int i = 0; i < GUSS_USS_MAX; i++)
		writer_printf(&w,
			      "<uss id='%d' type='1' nafGroup='group-%d'><uids><uid>sip:%0160d@x</uid></uids></uss>", i,
			      i, i);
	writer_str(&w, "</ussList></guss>");
	ck_assert_int_gt(writer_end(&w), GUSS_XML_MAX - 6000);
	c = opened(xml);
	ck_assert_uint_eq(c.n, GUSS_USS_MAX);
	ck_assert(guss_copy_find(&c, &u, span_str("255"), "group-255"));
	ck_assert(!guss_copy_find(&c, &u, span_str("255"), "group-254"));
	guss_copy_close(&c);
	free(made);
	memset(xml, '>', GUSS_XML_MAX);
	memcpy(xml, "<guss><ussList><uss id='1'><uids><uid>", 38);
	memcpy(xml + GUSS_XML_MAX - 37, "</uid></uids></uss></ussList></guss>", 37);
	ck_assert_int_eq(guss_copy_make(&made, &made_len, NULL, NULL, span_str(xml), GUSS_BAD_USS_FAILS, NULL), -E2BIG);
	free(xml);
}
END_TEST

/* One bad uss, by the operator's choice; the others stay what they are. */
START_TEST(bad_uss)
{
	static const char xml[] =
		"<guss><ussList><uss id='1'><uids><uid>one</uid></uids></uss><uss id='2' type='no'/>"
		"<uss id='3'><uids><uid>three</uid></uids></uss><uss/><uss id='5'><flags><flag>x</flag></flags></uss>"
		"<uss id='6'><uids><uid>six</uid></uids></uss></ussList></guss>";
	struct err err = { "" }, odd;
	struct guss_copy_uss u;
	struct guss_copy c;
	struct guss *g;

	ck_assert_int_eq(guss_copy_make(&made, &made_len, &g, &odd, span_str(xml), GUSS_BAD_USS_FAILS, &err), -EBADMSG);
	ck_assert_str_eq(err.text, "uss id=\"2\": type is no number");
	ck_assert_int_eq(guss_copy_make(&made, &made_len, &g, &odd, span_str(xml), GUSS_BAD_USS_LEFT_OUT, &err), 0);
	ck_assert_uint_eq(g->n_left_out, 3);
	ck_assert_str_eq(g->left_out.text, "uss id=\"2\": type is no number");
	ck_assert_int_eq(guss_copy_open(&c, span_of(made, made_len)), 0);
	ck_assert_uint_eq(c.n, 3);
	ck_assert(!guss_copy_find(&c, &u, span_str("2"), NULL) && !guss_copy_find(&c, &u, span_str("5"), NULL));
	ck_assert(guss_copy_find(&c, &u, span_str("3"), NULL) && memmem(u.whole.p, u.whole.len, ">three<", 7));
	ck_assert(guss_copy_find(&c, &u, span_str("6"), NULL) && memmem(u.whole.p, u.whole.len, ">six<", 5));
	guss_copy_close(&c);
	guss_free(g);
	free(made);
}
END_TEST

/* Misspelt, or in a wrong place; an operator's own elements of a uss, and all in an Extension, are his. */
START_TEST(odd_elements)
{
	static const struct {
		const char *xml, *odd;
	} odds[] = {
		{ "<guss><bsfInfo><lifetime>60</lifetime></bsfInfo><ussList/></guss>", "line 1: lifetime" },
		{ "<guss><lifeTime>60</lifeTime>\n<ussList><lifeTime>60</lifeTime></ussList></guss>",
		  "line 1: lifeTime; line 2: lifeTime" },
		{ "<guss><bsfinfo/><ussList><uss id='1'><Flags/></uss></ussList></guss>",
		  "line 1: bsfinfo; line 1: Flags" },
		{ "<guss><ussList><uss id='1'><lifeTime>60</lifeTime></uss></ussList></guss>", "line 1: lifeTime" },
		{ "<guss><bsfInfo><lifeTime>60</lifeTime><securityFeatures>GPL_U</securityFeatures><Extension><x/></Extension>"
		  "</bsfInfo><Extension><y/></Extension><ussList><uss id='1'><own/></uss></ussList></guss>",
		  "" },
		{ "<ussList><uss id='1'/></ussList>", "" },
	};
	struct err odd;

	for (size_t i = 0; i < sizeof(odds) / sizeof(odds[0]); i++) {
		ck_assert_int_eq(
			guss_copy_make(&made, &made_len, NULL, &odd, span_str(odds[i].xml), GUSS_BAD_USS_FAILS, NULL),
			0);
		ck_assert_str_eq(odd.text, odds[i].odd);
		free(made);
	}
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("guss_copy");
	Suite *s = suite_create("guss_copy");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_add_loop_test(tc, kept_as_it_was, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tc, selection);
	tcase_add_test(tc, list_without_groups);
	tcase_add_test(tc, xml_that_was_stored);
	tcase_add_test(tc, timestamp);
	tcase_add_loop_test(tc, damaged, 0, 2);
	tcase_add_test(tc, longest);
	tcase_add_test(tc, bad_uss);
	tcase_add_test(tc, odd_elements);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
