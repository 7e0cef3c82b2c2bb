/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What an application says of the way to its BSF, before any file is read: keys go in clear to nobody by mistake. */
#include <errno.h>

#include "common/base/sockaddr.h"
#include "naf-lib/naf_tls.h"
#include "tests/unit/suite.h"

#define CERT "absent.pem"
#define KEY  "absent.key"
#define CA   "absent-ca.pem"

/* words "": it is good */
static const struct {
	struct naf_tls_wish wish;
	const char *to, *words;
} rows[] = {
	{ { .plain = false }, "127.0.0.1", "" },
	{ { .plain = false }, "::1", "" },
	{ { .plain = true }, "192.0.2.1", "" },
	{ { .plain = false }, "192.0.2.1", "is not of this host" },
	{ { .plain = false }, "2001:db8::1", "is not of this host" },
	{ { .name = "bsf.example" }, "127.0.0.1", "need TLS" },
	{ { .cn = true }, "127.0.0.1", "need TLS" },
	{ { .certificate = CERT }, "127.0.0.1", "belong together" },
	{ { .certificate = CERT, .key = KEY }, "127.0.0.1", "belong together" },
	{ { .certificate = CERT, .ca = CA }, "127.0.0.1", "belong together" },
	{ { .key = KEY, .ca = CA }, "127.0.0.1", "belong together" },
	{ { .certificate = CERT, .key = KEY, .ca = CA, .plain = true }, "127.0.0.1", "exclude each other" },
	{ { .certificate = CERT, .key = KEY, .ca = CA, .name = ".example" }, "127.0.0.1", "is no host name" },
	{ { .certificate = CERT, .key = KEY, .ca = CA, .name = "bsf.example" }, "192.0.2.1", CERT ": No such file" },
};

START_TEST(wishes)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sockaddr_storage to;
		struct err err = { "" };
		struct naf_tls t;
		int rc;

		ck_assert_int_eq(sockaddr_parse(&to, rows[i].to, "3868"), 0);
		rc = naf_tls_read(&t, &rows[i].wish, &to, &err);
		ck_assert_msg((rc < 0) == (rows[i].words[0] != '\0'), "row %zu: %d", i, rc);
		ck_assert_msg(strstr(err.text, rows[i].words) != NULL, "row %zu: %s", i, err.text);
		ck_assert_msg(!t.on, "row %zu", i);
		naf_tls_clear(&t);
	}
}
END_TEST

SUITE("naf_tls", wishes)
