/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A request on the control socket, as it is read. */
#include "common/rt/ctl_line.h"

#include <errno.h>
#include <string.h>
#include "tests/unit/suite.h"

static const struct {
	const char *line;
	int rc;
	uint64_t number;
	size_t n;
	const char *last;
	bool has_document;
	size_t octets;
} rows[] = {
	{ "1 figures", 0, 1, 1, "figures", false, 0 },
	{ "0 revoke impi a@b", 0, 0, 3, "a@b", false, 0 },
	{ "999999999999999999 guss a@b +12", 0, 999999999999999999u, 2, "a@b", true, 12 },
	{ "007 guss a@b +0", 0, 7, 2, "a@b", true, 0 },
	{ "7 guss a@b +67108864", 0, 7, 2, "a@b", true, 67108864 },
	{ "7 guss a@b +67108865", -EINVAL, 7, 0, NULL, false, 0 },
	{ "7 guss a@b +1x", -EINVAL, 7, 0, NULL, false, 0 },
	{ "7 guss a@b +", -EINVAL, 7, 0, NULL, false, 0 },
	{ "7 btid +A==@b", 0, 7, 2, "+A==@b", false, 0 }, /* base64 may begin with a plus */
	{ "7 btid +1@b +3", 0, 7, 2, "+1@b", true, 3 },
	{ "7 guss +1 a@b", 0, 7, 3, "a@b", false, 0 }, /* an argument, as it is not the last */
	{ "1000000000000000000 x", -EINVAL, 0, 0, NULL, false, 0 },
	{ "", -EINVAL, 0, 0, NULL, false, 0 },
	{ "x", -EINVAL, 0, 0, NULL, false, 0 },
	{ "-1 x", -EINVAL, 0, 0, NULL, false, 0 },
	{ " 1 x", -EINVAL, 0, 0, NULL, false, 0 },
	{ "1", -EINVAL, 1, 0, NULL, false, 0 },
	{ "1 ", -EINVAL, 1, 0, NULL, false, 0 },
	{ "1 +5", -EINVAL, 1, 0, NULL, false, 0 },
	{ "1 a  b", -EINVAL, 1, 0, NULL, false, 0 },
	{ "1 a b ", -EINVAL, 1, 0, NULL, false, 0 },
	{ "1 a\tb", -EINVAL, 1, 0, NULL, false, 0 },
	{ "1 a b\r", -EINVAL, 1, 0, NULL, false, 0 },
	{ "1 a \xc3\xa4", -EINVAL, 1, 0, NULL, false, 0 },
	{ "1 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16", 0, 1, 16, "16", false, 0 },
	{ "1 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", -EINVAL, 1, 0, NULL, false, 0 },
};

static void check_row(size_t i)
{
	struct ctl_line l = { .n = 77 };
	char text[CTL_LINE_MAX];
	struct err err = { "" };

	strcpy(text, rows[i].line);
	ck_assert_msg(ctl_line_parse(&l, text, &err) == rows[i].rc, "%s: %s", rows[i].line, err.text);
	ck_assert_uint_eq(l.number, rows[i].number);
	if (rows[i].rc < 0) {
		ck_assert_uint_eq(l.n, 77);
		ck_assert_ptr_nonnull(strstr(err.text, "allowed: "));
		return;
	}
	ck_assert_uint_eq(l.n, rows[i].n);
	ck_assert_str_eq(l.word[l.n - 1], rows[i].last);
	ck_assert_int_eq(l.has_document, rows[i].has_document);
	ck_assert_uint_eq(l.octets, rows[i].octets);
}

START_TEST(lines)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(i);
}
END_TEST

SUITE("ctl_line", lines)
