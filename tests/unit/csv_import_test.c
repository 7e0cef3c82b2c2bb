/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The subscriber file: every fault is told with its line and character, and never with a key. 102-H-1: of the AMF too. */
#include <errno.h>
#include <stdio.h>

#include "hss-sim/csv_import.h"
#include "tests/unit/suite.h"

#define HEAD "impi,imsi,k,op,opc,amf,algorithm,sqn,ind,guss\n"
#define IMPI "1@ims.example.org"
#define KEY  "465b5ce8b199b49faa5f0a2ee238a6bc"
#define OP   "cdc202d5123e20f62b6d676ac72cb318"
#define GOOD IMPI ",001010000000001," KEY "," OP ",,0000,milenage,0,,"

static struct csv_file f;
static struct err err;

/* All rows. \returns number of them; or the error */
static int read_all(const char *text, struct csv_subscriber *last)
{
	int rc = csv_open(&f, (const uint8_t *)text, strlen(text), &err), n = 0;

	while (rc >= 0) {
		rc = csv_next(&f, last, &err);
		if (rc == 0)
			return n;
		n += rc > 0;
	}
	return rc;
}

START_TEST(whole_row)
{
	struct csv_subscriber s;

	ck_assert_int_eq(
		read_all(HEAD IMPI ",001010000000001," KEY "," OP ",,00ff,Milenage,0x1ff,31,a/guss-1.xml\n", &s), 1);
	ck_assert_str_eq(s.impi.s, IMPI);
	ck_assert_str_eq(s.imsi, "001010000000001");
	ck_assert_secret(s.k, KEY);
	ck_assert_secret(s.op, OP);
	ck_assert_uint_eq(s.opc.len, 0);
	ck_assert_uint_eq(s.amf[1], 0xff);
	ck_assert_uint_eq(s.sqn, 0x1ff);
	ck_assert_int_eq(s.ind, 31);
	ck_assert(span_eq(s.guss, span_str("a/guss-1.xml")));
}
END_TEST

START_TEST(forms_that_are_accepted)
{
	struct csv_subscriber s;

	ck_assert_int_eq(read_all("opc,k,impi\n" OP "," KEY "," IMPI, &s), 1); /* any order, no end of line */
	ck_assert_secret(s.opc, OP);
	ck_assert_int_eq(s.ind, -1);
	ck_assert_uint_eq(s.sqn, 0);
	ck_assert_int_eq(read_all("\xef\xbb\xbf" HEAD GOOD "\r\n" GOOD "\r\n\r\n", &s),
			 2); /* of a spreadsheet program */
	/* empty lines at the end, as editors and spreadsheet programs leave them */
	ck_assert_int_eq(read_all(HEAD GOOD "\n\n\n \t\n,,,,,,,,,\n\n", &s), 1);
	ck_assert_int_eq(read_all(HEAD GOOD "\r\n\r\n  ", &s), 1);
	ck_assert_int_eq(read_all("impi, k , op\n " IMPI " , " KEY "," OP "\n", &s), 1);
	ck_assert_str_eq(s.impi.s, IMPI);
	ck_assert_int_eq(read_all(HEAD, &s), 0);
	ck_assert_int_eq(read_all(HEAD IMPI ",," KEY "," OP ",,,,281474976710655,,\n", &s), 1);
	ck_assert_uint_eq(s.sqn, 0xffffffffffffull);
}
END_TEST

/* twelve hexadecimal digits are how everybody writes an SQN; they were read as a decimal number */
START_TEST(sequence_numbers)
{
	static const struct {
		const char *text;
		uint64_t sqn;
	} good[] = {
		{ "000000000020", 0x20 },
		{ "000000001000", 0x1000 },
		{ "ff9bb4d0b607", 0xff9bb4d0b607 },
		{ "FF9BB4D0B607", 0xff9bb4d0b607 },
		{ "10000000000a", 0x10000000000a },
		{ "0x20", 0x20 },
		{ "0X100000000000", 0x100000000000 },
		{ "0", 0 },
		{ "20", 20 },
		{ "99999999999", 99999999999 },
		{ "1000000000000", 1000000000000 },
	};
	static const char *const bad[] = {
		"100000000000", "999999999999", "0020", "00000000020",  "0000000000020",  "00",
		"2a",           "0x",           "-1",   "00000000002g", "0x0000000000020"
	};
	char text[300];
	struct csv_subscriber s;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(text, sizeof(text), HEAD IMPI ",," KEY "," OP ",,,,%s,,\n", good[i].text);
		ck_assert_msg(read_all(text, &s) == 1, "%s: %s", good[i].text, err.text);
		ck_assert_msg(s.sqn == good[i].sqn, "%s", good[i].text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), HEAD IMPI ",," KEY "," OP ",,,,%s,,\n", bad[i]);
		ck_assert_msg(read_all(text, &s) == -EBADMSG, "%s", bad[i]);
		ck_assert_msg(strstr(err.text, "2:89: sqn: ") && strstr(err.text, "0x and up to 12 hex digits"), "%s",
			      err.text);
	}
}
END_TEST

/* an IMPI made of an IMSI, and another IMSI beside it */
START_TEST(identities_that_disagree)
{
	static const struct {
		const char *impi, *imsi;
		bool good;
	} rows[] = {
		{ "001010000000001@ims.mnc001.mcc001.3gppnetwork.org", "001010000000001", true },
		{ "001010000000001@IMS.mnc001.mcc001.3GPPnetwork.org", "001010000000001", true },
		{ "001010000000001@ims.mnc010.mcc001.3gppnetwork.org", "001010000000001", true }, /* MNC of 3 digits */
		{ "001010000000001@ims.mnc001.mcc001.3gppnetwork.org", "", true },
		{ "001010000000001@private.mnc001.mcc001.3gppnetwork.org", "001010000000001", true },
		{ "alice@ims.mnc001.mcc001.3gppnetwork.org", "001010000000001", true }, /* of an ISIM */
		{ "4915112345678@ims.example.org", "001010000000001", true },
		{ "001010000000001@ims.mnc001.mcc001.3gppnetwork.org", "001010000000002", false },
		{ "001010000000001@ims.mnc001.mcc001.3gppnetwork.org", "00101000000000", false },
		{ "001010000000001@ims.mnc002.mcc001.3gppnetwork.org", "001010000000001", false },
		{ "001010000000001@ims.mnc001.mcc002.3gppnetwork.org", "001010000000001", false },
		{ "001010000000001@private.mnc001.mcc001.3gppnetwork.org", "001010000000002", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct csv_subscriber s;
		char text[300];

		snprintf(text, sizeof(text), HEAD "%s,%s," KEY "," OP ",,,,,,\n", rows[i].impi, rows[i].imsi);
		ck_assert_msg(read_all(text, &s) == (rows[i].good ? 1 : -EBADMSG), "row %zu: %s", i, err.text);
		if (!rows[i].good)
			ck_assert_msg(strstr(err.text, ": imsi: not the one the impi is made of; allowed: "), "%s",
				      err.text);
	}
}
END_TEST

static const struct {
	const char *text, *says[3];
} faults[] = {
	{ "", { "1:1: empty file" } },
	{ "impi,k,op,colour\n", { "1:11: unknown column", "allowed: impi,imsi,k" } },
	{ "impi,k,op,k\n", { "1:11: column named twice" } },
	{ "impi,op\n", { "1:1: column impi or k is missing" } },
	{ "impi,k\n", { "1:1: columns op and opc are both missing" } },
	{ HEAD GOOD "\n" IMPI ",1," KEY "," OP ",,0000,milenage,0,,\n", { "3:19: imsi: no IMSI", "6 to 15 digits" } },
	{ HEAD IMPI ",0010100000000012," KEY "," OP ",,,,,,\n", { "2:19: imsi: no IMSI" } },
	{ HEAD IMPI ",00101," KEY "," OP ",,,,,,\n", { "2:19: imsi: no IMSI" } },
	{ HEAD IMPI ",00101000000000x," KEY "," OP ",,,,,,\n", { "2:19: imsi: no IMSI" } },
	{ HEAD "nobody,," KEY "," OP ",,,,,,\n", { "2:1: impi: no private identity", "user@domain" } },
	{ HEAD ",," KEY "," OP ",,,,,,\n", { "2:1: impi: empty" } },
	{ HEAD IMPI ",,1234," OP ",,,,,,\n", { "2:20: k: 4 characters", "32 hex digits" } },
	{ HEAD IMPI ",,," OP ",,,,,,\n", { "2:20: k: empty" } },
	{ HEAD IMPI ",,465b5ce8b199b49faa5f0a2ee238a6bx," OP ",,,,,,\n",
	  { "2:20: k: a character that is no hex digit" } },
	{ HEAD IMPI ",," KEY "," OP "," OP ",,,,,\n", { "2:86: opc: op and opc are both given" } },
	{ HEAD IMPI ",," KEY ",,,,,,,\n", { "2:1: neither op nor opc" } },
	{ HEAD IMPI ",," KEY "," OP ",,8000,,,,\n", { "2:87: amf: the separation bit (8000)", "0000 to 00ff" } },
	{ HEAD IMPI ",," KEY "," OP ",,4000,,,,\n", { "2:87: amf: bits 1 to 7" } },
	{ HEAD IMPI ",," KEY "," OP ",,00,,,,\n", { "2:87: amf: not 4 hex digits" } },
	{ HEAD IMPI ",," KEY "," OP ",,,tuak,,,\n",
	  { "2:88: algorithm: tuak is not supported yet", "allowed: milenage" } },
	{ HEAD IMPI ",," KEY "," OP ",,,comp128,,,\n", { "algorithm: unknown algorithm" } },
	{ HEAD IMPI ",," KEY "," OP ",,,,281474976710656,,\n", { "2:89: sqn: no sequence number" } },
	{ HEAD IMPI ",," KEY "," OP ",,,,0x1000000000000,,\n", { "2:89: sqn: no sequence number" } },
	{ HEAD IMPI ",," KEY "," OP ",,,,ff,,\n", { "sqn: no sequence number" } },
	{ HEAD IMPI ",," KEY "," OP ",,,,99999999999999999999999,,\n", { "sqn: no sequence number" } },
	{ HEAD IMPI ",," KEY "," OP ",,,,,32,\n", { "2:90: ind: no index", "0 to 31" } },
	{ HEAD IMPI ",," KEY "," OP "\n", { "2:1: 4 fields, the first line has 10" } },
	{ HEAD GOOD ",more\n", { "2:1: 11 fields, the first line has 10" } },
	{ HEAD "\n" GOOD "\n", { "2:1: empty line" } },
	{ HEAD "\"" IMPI "\",," KEY "," OP ",,,,,,\n", { "2:1: a quote" } },
	{ HEAD IMPI ",," KEY "," OP ",,,,,,a\001b\n", { "2:92: a control character" } },
};

START_TEST(faults_say_where)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct csv_subscriber s;

		err.text[0] = '\0';
		ck_assert_msg(read_all(faults[i].text, &s) == -EBADMSG, "%s", faults[i].text);
		for (size_t k = 0; k < 3 && faults[i].says[k]; k++)
			ck_assert_msg(strstr(err.text, faults[i].says[k]), "'%s' lacks '%s'", err.text,
				      faults[i].says[k]);
		ck_assert_msg(strstr(err.text, "allowed: "), "%s", err.text);
		ck_assert_ptr_null(strstr(err.text, "465b5c"));
		ck_assert_ptr_null(strstr(err.text, "cdc202"));
	}
}
END_TEST

START_TEST(long_line)
{
	static char text[2 * CSV_LINE_MAX];
	struct csv_subscriber s;

	strcpy(text, HEAD);
	memset(text + strlen(text), 'a', CSV_LINE_MAX + 1);
	ck_assert_int_eq(read_all(text, &s), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(err.text, "2:4096: line too long"));
}
END_TEST

SUITE("csv_import", whole_row, forms_that_are_accepted, sequence_numbers, identities_that_disagree, faults_say_where,
      long_line)
