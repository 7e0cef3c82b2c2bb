/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A GUSS on its way in: what is refused with its place (220-4.2.3-4, 220-4.2.3-12), what is kept (220-4.2.3-5, 220-4.2.3-11), and
 * its timestamp. */
#include "common/gba/guss_edit.h"

#include <errno.h>
#include <stdio.h>
#include "common/gba/guss.h"
#include "tests/unit/suite.h"

#define USS(more) "<uss " more "><uids><uid>a</uid></uids></uss>"
#define DOC(body) "<guss>" body "</guss>"

static const struct {
	const char *xml, *why; /* why NULL: taken */
	const char *remarks;
} rows[] = {
	{ DOC("<ussList/>"), NULL, "" },
	{ "<guss id='a@B.c'><ussList/></guss>", NULL, "" },
	{ "<guss id='A@b.c'><ussList/></guss>", "line 1: guss: its id is another subscriber's", NULL },
	{ DOC("<ussList>" USS("id='1' type='1'") USS("id='1' type='1' nafGroup='A'") "</ussList>"), NULL, "" },
	{ DOC("<ussList>\n" USS("id='1' type='1' nafGroup='A'") "\n" USS("id='1' type='2' nafGroup='A'") "</ussList>"),
	  "line 3: uss: the same id and nafGroup", NULL },
	{ DOC("\n<bsfInfo><lifetime>5</lifetime>\n<uiccType>GBA</uiccType></bsfInfo><ussList/>"), NULL,
	  "line 2: lifetime" },
	{ DOC("<lifeTime>5</lifeTime><ussList><usss/></ussList>"), NULL, "line 1: lifeTime; line 1: usss" },
	{ DOC("\n\n<bsfInfo><lifeTime>0</lifeTime></bsfInfo><ussList/>"), "line 3: lifeTime: no time a key can live",
	  NULL },
	{ DOC("<bsfInfo><uiccType>gba</uiccType></bsfInfo><ussList/>"), "line 1: uiccType: allowed", NULL },
	{ DOC("<ussList>" USS("id='4294967295' type='0'") "</ussList>"), NULL, "" },
	{ DOC("<ussList>" USS("id='4294967296' type='0'") "</ussList>"), "no GSID", NULL },
	{ DOC("<ussList>" USS("id='-1' type='0'") "</ussList>"), "no GSID", NULL },
	{ DOC("<ussList>" USS("id='1'") "</ussList>"), "no type", NULL },
	{ "<ussList/>", "allowed: a guss document", NULL },
	{ DOC(""), "no ussList", NULL },
};

START_TEST(checked)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char remarks[GUSS_REMARKS_MAX] = "untouched";
		struct err err = { "" };
		int rc = guss_edit_check(span_str(rows[i].xml), "a@b.c", remarks, &err);

		ck_assert_msg(rc == (rows[i].why ? -EBADMSG : 0), "%s: %d %s", rows[i].xml, rc, err.text);
		if (rows[i].why)
			ck_assert_msg(strstr(err.text, rows[i].why) != NULL, "%s: %s", rows[i].xml, err.text);
		else
			ck_assert_str_eq(remarks, rows[i].remarks);
	}
}
END_TEST

START_TEST(remarks_are_cut)
{
	char xml[8192] = "<guss>", remarks[GUSS_REMARKS_MAX];

	for (int i = 0; i < 200; i++)
		strcat(xml, "<misspelt/>");
	strcat(xml, "<ussList/></guss>");
	ck_assert_int_eq(guss_edit_check(span_str(xml), "a@b.c", remarks, NULL), 0);
	ck_assert_uint_eq(strlen(remarks), GUSS_REMARKS_MAX - 1);
	ck_assert_str_eq(remarks + strlen(remarks) - 3, "...");
}
END_TEST

static char *stamped(const char *xml, time_t t)
{
	char *out = NULL;
	size_t len = 0;

	ck_assert_int_eq(guss_edit_stamp(&out, &len, span_str(xml), t), 0);
	ck_assert_uint_eq(len, strlen(out));
	return out;
}

#define AT  1767323045
#define ISO "2026-01-02T03:04:05Z"

START_TEST(stamped_in_its_place)
{
	static const char *const in_out[][2] = {
		{ "<guss xmlns='u'><bsfInfo/><ussList/></guss>",
		  "<guss xmlns=\"u\"><bsfInfo/><Extension><timestamp>" ISO
		  "</timestamp></Extension><ussList/></guss>\n" },
		{ "<g:guss xmlns:g='u'><g:ussList/></g:guss>", "<g:guss xmlns:g=\"u\"><g:Extension><g:timestamp>" ISO
							       "</g:timestamp></g:Extension><g:ussList/></g:guss>\n" },
		{ "<guss><Extension><x a='&lt;'>&#228;</x><timestamp>1999-01-01T00:00:00.5+01:00</timestamp></Extension><ussList/></guss>",
		  "<guss><Extension><x a=\"&lt;\">\xc3\xa4</x><timestamp>" ISO
		  "</timestamp></Extension><ussList/></guss>\n" },
		{ "<guss><Extension/><!-- kept --><ussList/></guss>",
		  "<guss><Extension><timestamp>" ISO "</timestamp></Extension><!-- kept --><ussList/></guss>\n" },
	};

	for (size_t i = 0; i < sizeof(in_out) / sizeof(in_out[0]); i++) {
		char *out = stamped(in_out[i][0], AT), *again = stamped(out, AT);

		ck_assert_str_eq(strchr(out, '\n') + 1, in_out[i][1]);
		ck_assert_str_eq(again, out);
		free(again);
		free(out);
	}
}
END_TEST

SUITE("guss_edit", checked, remarks_are_cut, stamped_in_its_place)
