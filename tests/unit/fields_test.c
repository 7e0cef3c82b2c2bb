/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Two Host or Authorization headers, and framing that two programs could read in two ways. */
#include "common/http/fields.h"
#include "tests/unit/suite.h"

#define MAX 3

static const struct {
	const char *fields[MAX][2];
	bool bad;
} rows[] = {
	{ { { "Host", "naf1.example.com" }, { "authorization", "Digest" }, { "CONTENT-LENGTH", "12" } }, false },
	{ { { "Accept", "a" }, { "Accept", "b" }, { "X-Host", "c" } }, false },
	{ { { "Content-Length", " 12 \t" } }, false },
	{ { { "Content-Length", "999999999999999999" } }, false },
	{ { { "Transfer-Encoding", "chunked" } }, false },
	{ { { "X-Tab", "a\tb \xc3\xa9" }, { "Host", "" } }, false },
	{ { { "!#$%&'*+-.^_`|~09azAZ", "" } }, false },
	{ { { "Host", "a" }, { "Accept", "b" }, { "HOST", "a" } }, true },
	{ { { "Authorization", "a" }, { "Authorization", "a" } }, true },
	{ { { "Content-Length", "5" }, { "Content-Length", "5" } }, true },
	{ { { "Transfer-Encoding", "chunked" }, { "Transfer-Encoding", "chunked" } }, true },
	{ { { "Content-Length", "5" }, { "Transfer-Encoding", "chunked" } }, true },
	{ { { "Transfer-Encoding", "chunked" }, { "Content-Length", "5" } }, true },
	{ { { "Content-Length ", "5" } }, true },
	{ { { "Content-Length\t", "5" } }, true },
	{ { { " Accept", "5" } }, true },
	{ { { "Acc ept", "5" } }, true },
	{ { { "Acc(ept", "5" } }, true },
	{ { { "Acc\xc3\xa9pt", "5" } }, true },
	{ { { "", "5" } }, true },
	{ { { "Content-Length", "" } }, true },
	{ { { "Content-Length", "+5" } }, true },
	{ { { "Content-Length", "-5" } }, true },
	{ { { "Content-Length", "5 5" } }, true },
	{ { { "Content-Length", "5,5" } }, true },
	{ { { "Content-Length", "0x5" } }, true },
	{ { { "Content-Length", "1999999999999999999" } }, true },
	{ { { "Content-Length50", "" } }, true }, /* folded behind its colon, as a server may hand it over */
	{ { { "transfer-encodingchunked", "" } }, true },
	{ { { "Content-Lengt", "5" } }, false },
	{ { { "Transfer-Encoding", " Chunked " } }, false },
	{ { { "Transfer-Encoding", "xchunked" } }, true },
	{ { { "Transfer-Encoding", "gzip, chunked" } }, true },
	{ { { "Transfer-Encoding", "" } }, true },
	{ { { "Accept", "a\rb" } }, true },
	{ { { "Accept", "a\nb" } }, true },
	{ { { "Accept", "a\x7f" } }, true },
	{ { { "Accept", "a\x01" } }, true },
};

START_TEST(table)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned seen = 0;

		for (size_t k = 0; k < MAX && rows[i].fields[k][0]; k++)
			fields_note(&seen, span_str(rows[i].fields[k][0]), span_str(rows[i].fields[k][1]));
		ck_assert_msg(!!(seen & FIELDS_BAD) == rows[i].bad, "row %zu", i);
		fields_note(&seen, span_str("Accept"), span_str("a"));
		ck_assert_msg(!!(seen & FIELDS_BAD) == rows[i].bad, "row %zu: bad stays bad", i);
	}
}
END_TEST

START_TEST(octets)
{
	unsigned seen = 0;

	ck_assert_uint_eq(fields_note(&seen, span_str("hOST"), span_str("a")), FIELDS_HOST);
	ck_assert_uint_eq(fields_note(&seen, span_str("Accept"), span_str("a")), 0);
	ck_assert_uint_eq(seen, FIELDS_HOST);
	fields_note(&seen, span_of("Ac\0ept", 6), span_str("a"));
	ck_assert(seen & FIELDS_BAD);
	seen = 0;
	fields_note(&seen, span_str("Accept"), span_of("a\0b", 3));
	ck_assert(seen & FIELDS_BAD);
}
END_TEST

SUITE("fields", table, octets)
