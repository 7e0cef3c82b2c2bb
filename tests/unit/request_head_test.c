/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Headers as RFC 9112 allows them and not, in the form in which libmicrohttpd leaves them. */
#include <errno.h>

#include "common/http/fields.h"
#include "common/http/request_head.h"
#include "tests/unit/suite.h"

#define V    "HTTP/1.1\r\n"
#define HOST "Host: a\r\n"
#define END  "\r\n"

static struct request_head head;
static uint8_t buf[1024];

/* As the library does it: CR LF, LF and the first colon of a line are NUL; '@' stands for the NULs of a name moved away. */
static size_t leave(const char *text)
{
	bool in_name = false;
	size_t n = 0;

	for (const char *p = text; *p; p++) {
		bool nul = *p == '@' || *p == '\n' || (*p == '\r' && p[1] == '\n') || (in_name && *p == ':');

		buf[n++] = nul ? 0 : (uint8_t)*p;
		if (*p == '\n')
			in_name = p[1] != ' ' && p[1] != '\t' && p[1] != '@';
		else if (nul)
			in_name = false;
	}
	return n;
}

static int read_head(const char *text)
{
	return request_head_read(&head, buf, leave(text));
}

#define ck_assert_span(got, want) \
	ck_assert_msg(span_eq(got, span_str(want)), "\"%.*s\"", (int)(got).len, (const char *)(got).p)

START_TEST(fields)
{
	ck_assert_int_eq(
		read_head(V "hOsT:\t bsf.example \t\r\nX-Empty:\r\nUser-Agent: a: b\r\nAuthorization: Digest x\r\n"
			    "Content-Length: 12\r\n" END),
		0);
	ck_assert_span(head.host, "bsf.example");
	ck_assert_span(head.user_agent, "a: b");
	ck_assert_span(head.authorization, "Digest x");
	ck_assert_span(head.length, "12");
	ck_assert_uint_eq(head.n_authorization, 1);
	ck_assert_uint_eq(head.seen, FIELDS_HOST | FIELDS_LENGTH);
	ck_assert(!head.http10 && !head.folded);
	ck_assert_int_eq(read_head("HTTP/1.0\r\n" END), 0);
	ck_assert(head.http10);
	ck_assert_int_eq(read_head(V "Host: \xc3\xa4\r\n" END), 0); /* obs-text */
	ck_assert_int_eq(read_head(V "Authorization: a\r\nAuthorization: b\r\n" END), 0);
	ck_assert_uint_eq(head.n_authorization, 2);
}
END_TEST

/* RFC 9112 2.2, 2.3, 5, 5.1, 5.2; RFC 9110 5.5, 5.6.2 */
START_TEST(refused)
{
	static const char *const rows[] = {
		"HTTP/2.0\r\n" HOST END,
		"HTTP/1.1 \r\n" HOST END,
		V HOST,
		V HOST "x",
		V " X: a\r\n" HOST END,
		V HOST "Content-Length : 5\r\n" END,
		V HOST "Content-Length\t: 5\r\n" END,
		V HOST "X[]: a\r\n" END,
		V HOST "X\"Y: a\r\n" END,
		V HOST "\x80: a\r\n" END,
		V HOST ": a\r\n" END,
		V HOST "X: a\rb\r\n" END,
		V HOST "X: a\r\r\n" END,
		V HOST "\rX: a\r\n" END,
		V HOST "X: a\nY: b\r\n" END,
		V HOST "X: a\r\n\n",
		V HOST "X: a\x07\r\n" END,
		V HOST "X: a\x7f\r\n" END,
		V HOST "X: a@b\r\n" END,
		V HOST "X: a@\r\n" END,
		V HOST "X: a@@\r\n" END,
		V HOST "@@@@@@@@@@@@@@@ 5\r\n  6\r\n" END, /* 14 characters: Content-Length in two lines */
		V HOST "@@@@@@@@@@@@@@ Digest a\r\n" END,  /* 13, and no second line */
		V HOST "@@@@@@@@@@@@@@ Digest a\r\nX: b\r\n" END,
		V HOST "@@@@@@@@@@@@@@ Digest a\r\n b\rc\r\n" END,
		V HOST "@@@@@@@@",
	};

	memset(&head, 0, sizeof(head));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(read_head(rows[i]) == -EBADMSG, "row %zu: %s", i, rows[i]);
	ck_assert_uint_eq(head.seen, 0); /* untouched */
}
END_TEST

/* TS 24.109 folds Authorization in its examples */
START_TEST(folded)
{
	ck_assert_int_eq(read_head(V HOST "@@@@@@@@@@@@@@ Digest a=1,\r\n\tb=2,\r\n   c=3 \r\nX: y\r\n" END), 0);
	ck_assert(head.folded);
	ck_assert_uint_eq(head.n_authorization, 1);
	ck_assert_span(head.authorization, "Digest a=1,\r\n\tb=2,\r\n   c=3");
	ck_assert_int_eq(read_head(V "@@@@@@@@@@@@@@\r\n Digest a\r\n" HOST END), 0);
	ck_assert_span(head.authorization, "\r\n Digest a");
	ck_assert_uint_eq(head.seen, FIELDS_HOST);
}
END_TEST

/* RFC 9112 3.2, 6.1, 6.2, 6.3 */
START_TEST(framing)
{
	static const struct {
		const char *text;
		bool framed;
	} rows[] = {
		{ V HOST END, true },
		{ V "Host:\r\n" END, true },
		{ V "Host: [2001:db8::1]:80\r\n" END, true },
		{ V HOST "Content-Length: 05\r\n" END, true },
		{ V HOST "Transfer-Encoding: Chunked\r\n" END, true },
		{ "HTTP/1.0\r\n" HOST "Content-Length: 5\r\n" END, true },
		{ V END, false },
		{ V HOST HOST END, false },
		{ V "Host: a, b\r\n" END, false },
		{ V "Host: a b\r\n" END, false },
		{ V "Host: a/b\r\n" END, false },
		{ V "Host: a@b\r\n" END, false },
		{ V HOST "Content-Length:\r\n" END, false },
		{ V HOST "Content-Length: +5\r\n" END, false },
		{ V HOST "Content-Length: -5\r\n" END, false },
		{ V HOST "Content-Length: 0x5\r\n" END, false },
		{ V HOST "Content-Length: 5, 5\r\n" END, false },
		{ V HOST "Content-Length: 5\r\nContent-Length: 5\r\n" END, false },
		{ V HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" END, false },
		{ V HOST "Transfer-Encoding: gzip, chunked\r\n" END, false },
		{ V HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" END, false },
		{ V HOST "Transfer-Encoding:\r\n" END, false },
		{ "HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n" END, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool user = strchr(rows[i].text, '@') != NULL;
		int rc = read_head(rows[i].text);

		if (user) { /* '@' as itself */
			uint8_t *p = memchr(buf + 12, 0, 12);

			while (p[1] != 'b')
				p++;
			*p = '@';
			rc = request_head_read(&head, buf, strlen(rows[i].text));
		}
		ck_assert_msg(rc == 0 && request_head_framed(&head) == rows[i].framed, "row %zu: %s", i, rows[i].text);
	}
}
END_TEST

SUITE("request_head", fields, refused, folded, framing)
