/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Escape sequences a server sends reach no terminal. */
#include <stdio.h>

#include "common/base/visible.h"
#include "tests/unit/suite.h"

#define ROW(in, out) \
	{ \
		in, sizeof(in) - 1, out \
	}

START_TEST(one_line)
{
	static const struct {
		const char *in;
		size_t len;
		const char *out;
	} rows[] = {
		ROW("", ""),
		ROW("plain text, 100%d \\n", "plain text, 100%d \\n"),
		ROW("Gr\xc3\xbc\xc3\x9f\x65 \xe2\x82\xac \xe6\xbc\xa2 \xd7\x90 e\xcc\x81 \xf0\x9f\x98\x80",
		    "Gr\xc3\xbc\xc3\x9f\x65 \xe2\x82\xac \xe6\xbc\xa2 \xd7\x90 e\xcc\x81 \xf0\x9f\x98\x80"),
		ROW("\x1b[2J\x1b]0;t\a", "\\x1b[2J\\x1b]0;t\\x07"), /* clears the screen, sets a title */
		ROW("a\0b", "a\\x00"
			    "b"),
		ROW("a\r\nb\tc", "a\\x0d\\x0ab\\x09"
				 "c"),
		ROW("\x7f", "\\x7f"),
		ROW("\xc2\x9b"
		    "2J \xc2\x80 \xc2\x85",
		    "\\xc2\\x9b"
		    "2J \\xc2\\x80 \\xc2\\x85"), /* C1: CSI */
		ROW("\x9b"
		    "2J",
		    "\\x9b"
		    "2J"), /* C1 as one octet */
		ROW("\xc0\x9b \xe0\x80\x9b \xf0\x80\x80\x9b",
		    "\\xc0\\x9b \\xe0\\x80\\x9b \\xf0\\x80\\x80\\x9b"), /* overlong ESC */
		ROW("\xe2\x80\xae"
		    "drow \xe2\x81\xa6 \xe2\x80\x8f", /* right to left override, isolate, mark */
		    "\\xe2\\x80\\xae"
		    "drow \\xe2\\x81\\xa6 \\xe2\\x80\\x8f"),
		ROW("\xe2\x80\x8b \xc2\xad \xef\xbb\xbf \xe1\x85\xa0", /* of no width */
		    "\\xe2\\x80\\x8b \\xc2\\xad \\xef\\xbb\\xbf \\xe1\\x85\\xa0"),
		ROW("\xe2\x80\xa8 \xe2\x80\xa9", "\\xe2\\x80\\xa8 \\xe2\\x80\\xa9"), /* line and paragraph separator */
		ROW("\xed\xa0\x80 \xf4\x90\x80\x80 \xef\xbf\xbf \xee\x80\x80", /* surrogate, beyond, no character, private */
		    "\\xed\\xa0\\x80 \\xf4\\x90\\x80\\x80 \\xef\\xbf\\xbf \\xee\\x80\\x80"),
		ROW("\xe2\x82", "\\xe2\\x82"), /* cut */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *out = visible_text(rows[i].in, rows[i].len, false);

		ck_assert_str_eq(out, rows[i].out);
		free(out);
	}
}
END_TEST

START_TEST(several_lines)
{
	char *out = visible_text("a\r\n\tb\rc\n\x1b", 9, true);

	ck_assert_str_eq(out, "a\r\n\tb\\x0dc\n\\x1b"); /* a lone CR would write over the line */
	free(out);
}
END_TEST

START_TEST(streams)
{
	char buf[100] = "";
	FILE *f = fmemopen(buf, sizeof(buf), "w");

	visible_print(f, "\x1b[m|", 4, false);
	visible_json(f, "{\"a\": \"\x7f\\u001b\"}");
	visible_json(f, NULL);
	fclose(f);
	ck_assert_str_eq(buf, "\\x1b[m|{\"a\": \"\\u007f\\u001b\"}\n");
}
END_TEST

SUITE("visible", one_line, several_lines, streams)
