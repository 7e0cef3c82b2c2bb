/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The subscriber file: every fault is told with its line and character, and never with a key. 102-H-1: of the AMF too. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/crypto/sqn.h"
#include "hss-sim/csv_import.h"
#include "tests/unit/suite.h"

#define HEAD      "impi,imsi,k,op,opc,amf,algorithm,sqn,ind,guss\n"
#define IMPI      "1@ims.example.org"
#define KEY       "465b5ce8b199b49faa5f0a2ee238a6bc"
#define OP        "cdc202d5123e20f62b6d676ac72cb318"
#define ENCRYPTED "82916286ee3bf17274b425ab2cce7f91"
#define GOOD      IMPI ",001010000000001," KEY "," OP ",,0000,milenage,0,,"

static struct csv_file f;
static struct err err;
static struct csv_options options;

/* All rows. \returns number of them; or the error */
static int read_all(const char *text, struct csv_subscriber *last)
{
	int rc = csv_open(&f, (const uint8_t *)text, strlen(text), &options, &err), n = 0;

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
	ck_assert_secret(s.cred.k, KEY);
	ck_assert_secret(s.op, OP);
	ck_assert_uint_eq(s.cred.opc.len, 0);
	ck_assert_uint_eq(s.cred.amf[1], 0xff);
	ck_assert_uint_eq(s.sqn, 0x1ff);
	ck_assert_int_eq(s.ind, 31);
	ck_assert(span_eq(s.guss, span_str("a/guss-1.xml")));
}
END_TEST

START_TEST(forms_that_are_accepted)
{
	struct csv_subscriber s;

	ck_assert_int_eq(read_all("opc,k,impi\n" OP "," KEY "," IMPI, &s), 1); /* any order, no end of line */
	ck_assert_secret(s.cred.opc, OP);
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
	{ "impi,k,op,k\n", { "1:11: k: column named twice" } },
	{ "impi,k,op,Ki\n", { "1:11: k: column named twice", "under one name" } },
	{ "IMPI;EKI;OPC\n", { "1:6: k: the name says that it is encrypted", "--transport-keys" } },
	{ "imsi,k,op\n", { "1:1: column impi is missing", "--mnc-length" } },
	{ "\xff\xfei\0m\0", { "1:1: UTF-16", "iconv" } },
	{ "impi,op\n", { "1:1: column impi or k is missing" } },
	{ "impi,k\n", { "1:1: columns op and opc are both missing" } },
	{ HEAD GOOD "\n" IMPI ",1," KEY "," OP ",,0000,milenage,0,,\n", { "3:19: imsi: no IMSI", "6 to 15 digits" } },
	{ HEAD IMPI ",0010100000000012," KEY "," OP ",,,,,,\n", { "2:19: imsi: no IMSI" } },
	{ HEAD IMPI ",00101," KEY "," OP ",,,,,,\n", { "2:19: imsi: no IMSI" } },
	{ HEAD IMPI ",00101000000000x," KEY "," OP ",,,,,,\n", { "2:19: imsi: no IMSI" } },
	{ HEAD "nobody,," KEY "," OP ",,,,,,\n", { "2:1: impi: no private identity", "user@domain" } },
	{ HEAD ",," KEY "," OP ",,,,,,\n", { "2:1: impi: empty", "--mnc-length" } },
	{ HEAD IMPI ",,1234," OP ",,,,,,\n", { "2:20: k: 4 characters", "32 hex digits" } },
	{ HEAD IMPI ",,," OP ",,,,,,\n", { "2:20: k: empty" } },
	{ HEAD IMPI ",,465b5ce8b199b49faa5f0a2ee238a6bx," OP ",,,,,,\n",
	  { "2:20: k: a character that is no hex digit" } },
	{ HEAD IMPI ",," KEY "," OP "," OP ",,,,,\n", { "2:86: opc: op and opc are both given" } },
	{ HEAD IMPI ",," KEY ",,,,,,,\n", { "2:1: neither op nor opc" } },
	{ HEAD IMPI ",," KEY "," OP ",,8000,,,,\n",
	  { "2:87: amf: the separation bit (8000)", "0000 to 00ff", "--clear-separation-bit" } },
	{ HEAD IMPI ",," KEY "," OP ",,4000,,,,\n", { "2:87: amf: bits 1 to 7" } },
	{ HEAD IMPI ",," KEY "," OP ",,00,,,,\n", { "2:87: amf: not 4 hex digits" } },
	{ HEAD IMPI ",," KEY "," OP ",,,tuak,,,\n", { "2:20: op or opc of 128 bits; allowed with tuak: 256" } },
	{ HEAD IMPI ",," KEY KEY "," OP ",,,,,,\n", { "2:20: K of 256 bits; allowed with milenage: 128" } },
	{ HEAD IMPI ",," KEY "," OP ",,,xor,,,\n",
	  { "2:88: algorithm: an algorithm for tests", "allow-test-algorithms" } },
	{ "impi,k,opc,algorithm,res-length\n" IMPI "," KEY "," KEY OP ",tuak,256\n",
	  { "2:19: RES of 256 bits; allowed with tuak: 64, 32 or 128" } },
	{ "impi,k,opc,rounds\n" IMPI "," KEY "," KEY ",0\n", { "2:85: rounds: no number of rounds" } },
	{ "impi,k,opc,ind,ind-length\n" IMPI "," KEY "," KEY ",8,3\n", { "2:85: ind: no index", "0 to 7" } },
	{ "impi,k,opc,ind-length\n" IMPI "," KEY "," KEY ",9\n", { "2:85: ind-length: ", "0 to 8 bits" } },
	{ "impi,k,opc,sqn-profile\n" IMPI "," KEY "," KEY ",clock\n",
	  { "2:85: sqn-profile: ", "counter, part-time, time" } },
	{ HEAD IMPI ",," KEY "," OP ",,,comp128,,,\n", { "algorithm: unknown algorithm" } },
	{ HEAD IMPI ",," KEY "," OP ",,,,281474976710656,,\n", { "2:89: sqn: no sequence number" } },
	{ HEAD IMPI ",," KEY "," OP ",,,,0x1000000000000,,\n", { "2:89: sqn: no sequence number" } },
	{ HEAD IMPI ",," KEY "," OP ",,,,ff,,\n", { "sqn: no sequence number" } },
	{ HEAD IMPI ",," KEY "," OP ",,,,99999999999999999999999,,\n", { "sqn: no sequence number" } },
	{ HEAD IMPI ",," KEY "," OP ",,,,,32,\n", { "2:90: ind: no index", "0 to 31" } },
	{ HEAD IMPI ",," KEY "," OP "\n", { "2:1: 4 fields, the line of the columns has 10" } },
	{ HEAD GOOD ",more\n", { "2:1: 11 fields, the line of the columns has 10" } },
	{ HEAD "\"" IMPI ",," KEY "," OP ",,,,,,\n", { "2:1: a quote that is not closed" } },
	{ HEAD "\"" IMPI "\"x,," KEY "," OP ",,,,,,\n", { "2:20: text behind a quote" } },
	{ HEAD IMPI ",," KEY "," OP ",,,,,,a\"b\n", { "2:92: a quote inside a value" } },
	{ HEAD IMPI ",," KEY "," OP ",,,,,,a\001b\n", { "2:92: a control character" } },
};

/* Wherever it stands, also behind what is looked at by eight octets, and beside what is no ASCII or a tab. */
START_TEST(control_characters)
{
	static const char row[] = IMPI "\t,," KEY "," OP ",,,,,,d\xc3\xa9j\xc3\xa0/vu.xml\n", head[] = HEAD;
	static const char bad[] = { 1, 8, 0x1f, 0x7f };
	char text[sizeof(head) + sizeof(row)], where[20];
	struct csv_subscriber s;

	for (size_t i = 0; i + 2 < sizeof(row); i++) {
		for (size_t k = 0; k < sizeof(bad); k++) {
			snprintf(text, sizeof(text), "%s%s", head, row);
			text[sizeof(head) - 1 + i] = bad[k];
			snprintf(where, sizeof(where), "2:%zu: a control", i + 1);
			ck_assert_int_eq(read_all(text, &s), -EBADMSG);
			ck_assert_msg(strstr(err.text, where) != NULL, "%s", err.text);
		}
	}
	snprintf(text, sizeof(text), "%s%s", head, row);
	ck_assert_msg(read_all(text, &s) == 1, "%s", err.text);
}
END_TEST

START_TEST(faults_say_where)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct csv_subscriber s;

		err.text[0] = '\0';
		ck_assert_msg(read_all(faults[i].text, &s) == -EBADMSG, "%s", faults[i].text);
		for (size_t k = 0; k < 3 && faults[i].says[k]; k++)
			ck_assert_msg(strstr(err.text, faults[i].says[k]), "'%s' lacks '%s'", err.text,
				      faults[i].says[k]);
		ck_assert_msg(strstr(err.text, "; allowed"), "%s", err.text);
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

/* files as card vendors and spreadsheets write them: every dialect gives the same subscriber */
START_TEST(dialects)
{
	static const char *const files[] = {
		"IMSI;ICCID;PIN1;KI;OPC;ADM1\n001010000000001;8949;1234;" KEY ";" OP ";00\n",
		"\"imsi\"\t\"Ki\"\t\"OPc\"\n\"001010000000001\"\t\"" KEY "\"\t\"" OP "\"\n",
		"\xef\xbb\xbf# from the vendor\r\n\r\nOPC,Private_Identity,imsi,K\r\n# one card\r\n\r\n" OP
		",,001010000000001," KEY "\r\n;;;\r\n",
		"imsi , key , opc , comment\n 001010000000001 , " KEY " , " OP " , \"a, b; c\"\n\t\n",
		"imsi\topc\tki\timpi\n001010000000001\t" OP "\t" KEY "\t\n",
	};
	struct csv_subscriber s;

	options.mnc_len = 2;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		ck_assert_msg(read_all(files[i], &s) == 1, "%zu: %s", i, err.text);
		ck_assert_str_eq(s.impi.s, "001010000000001@ims.mnc001.mcc001.3gppnetwork.org");
		ck_assert_str_eq(s.imsi, "001010000000001");
		ck_assert_secret(s.cred.k, KEY);
		ck_assert_secret(s.cred.opc, OP);
	}
	ck_assert_int_eq(read_all(files[0], &s), 1);
	ck_assert_str_eq(f.ignored, "ICCID, PIN1, ADM1");
	options.mnc_len = 3;
	ck_assert_int_eq(read_all(files[0], &s), 1);
	ck_assert_str_eq(s.impi.s, "001010000000001@ims.mnc010.mcc001.3gppnetwork.org");
	options.mnc_len = 0;
	ck_assert_int_eq(read_all(files[0], &s), -EBADMSG);
}
END_TEST

START_TEST(algorithms)
{
	struct csv_subscriber s;

	ck_assert_int_eq(read_all("impi,k,top,algorithm,res_length,keccak\n" IMPI "," KEY "," OP OP ",TUAK,32,2\n", &s),
			 1);
	ck_assert_int_eq(s.cred.kind, AKA_TUAK);
	ck_assert_uint_eq(s.cred.res_len, 4);
	ck_assert_uint_eq(s.cred.rounds, 2);
	ck_assert_uint_eq(s.op.len, 32);
	ck_assert_int_eq(read_all("impi,k,topc,algorithm\n" IMPI "," KEY OP "," OP OP ",tuak\n", &s), 1);
	ck_assert_uint_eq(s.cred.k.len, 32);
	options.allow_test = true;
	ck_assert_msg(read_all("impi,k,algorithm\n" IMPI "," KEY ",xor\n", &s) == 1, "%s", err.text);
	ck_assert_int_eq(s.cred.kind, AKA_XOR);
	options.allow_test = false;
}
END_TEST

/* 102-C.4-1: five bits of IND unless the file says another length */
START_TEST(profiles)
{
	struct csv_subscriber s;

	ck_assert_int_eq(read_all("impi,k,opc,sqn-profile,ind-length,ind\n" IMPI "," KEY "," OP ",time,8,255\n", &s),
			 1);
	ck_assert_int_eq(s.profile, SQN_TIME);
	ck_assert_uint_eq(s.ind_bits, 8);
	ck_assert_int_eq(s.ind, 255);
	ck_assert_int_eq(read_all("impi,k,opc\n" IMPI "," KEY "," OP "\n", &s), 1);
	ck_assert_int_eq(s.profile, -1);
	ck_assert_uint_eq(s.ind_bits, 5);
}
END_TEST

/* 102-H-1: AMF 8000, which nearly every vendor's file has, only behind the switch; other bits never */
START_TEST(separation_bit)
{
	struct csv_subscriber s;

	options.clear_separation_bit = true;
	ck_assert_int_eq(read_all(HEAD IMPI ",," KEY "," OP ",,8000,,,,\n", &s), 1);
	ck_assert_uint_eq(s.cred.amf[0] << 8 | s.cred.amf[1], 0);
	ck_assert_int_eq(read_all(HEAD IMPI ",," KEY "," OP ",,c000,,,,\n", &s), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(err.text, "bits 1 to 7"));
	options.clear_separation_bit = false;
}
END_TEST

/* AES-CBC with key 00 01 .. 0f and IV 23 23 ..: made with openssl enc -aes-128-cbc -nopad */
START_TEST(transported)
{
	struct transport_keys keys = { 0 };
	struct csv_subscriber s;

	keys.of[0].key = secret_of("000102030405060708090a0b0c0d0e0f");
	memset(keys.of[0].iv, 0x23, 16);
	options.transport = &keys;
	ck_assert_msg(read_all("impi,EKI,opc\n" IMPI "," ENCRYPTED "," OP "\n", &s) == 1, "%s", err.text);
	ck_assert_secret(s.cred.k, KEY);
	ck_assert_secret(s.cred.opc, OP); /* that column has no key */
	options.transport = NULL;
}
END_TEST

#define TRANSPORT_KEY "000102030405060708090a0b0c0d0e0f"
#define TRANSPORT_IV  "23232323232323232323232323232323"
#define ITS_CHECK     "c6a13b" /* the begin of AES of zeros: openssl enc -aes-128-cbc -nopad */

/* What an operator was given with the file: read if it is his alone, and if it is the key that it says it is */
START_TEST(transport_files)
{
	static const struct {
		const char *text, *why; /* why NULL: it is good */
		unsigned mode;
		bool unchecked;
	} rows[] = {
		{ "k key " TRANSPORT_KEY " iv " TRANSPORT_IV " check " ITS_CHECK "\n", NULL, 0600, false },
		{ "k key " TRANSPORT_KEY " iv " TRANSPORT_IV "\n", NULL, 0600, true },
		{ "k key " TRANSPORT_KEY " iv " TRANSPORT_IV " check c6a13c\n", "another key's", 0600, false },
		{ "k key " TRANSPORT_KEY " iv " TRANSPORT_IV " check c6a1\n", "behind iv", 0600, false },
		{ "k key " TRANSPORT_KEY " iv " TRANSPORT_IV "\nk key " TRANSPORT_KEY " iv " TRANSPORT_IV "\n", "twice",
		  0600, false },
		{ "k key " TRANSPORT_KEY "00 iv " TRANSPORT_IV "\n", "no key", 0600, false },
		{ "k key " TRANSPORT_KEY " iv 23\n", "no iv", 0600, false },
		{ "k key " TRANSPORT_KEY " iv " TRANSPORT_IV "\n", "only its owner can read", 0640, false },
		{ "k key " TRANSPORT_KEY " iv " TRANSPORT_IV "\n", "only its owner can read", 0604, false },
	};
	char name[] = "transport_keys.XXXXXX";

	close(mkstemp(name));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct transport_keys keys = { 0 };
		FILE *file = fopen(name, "w");

		fputs(rows[i].text, file);
		fclose(file);
		ck_assert_int_eq(chmod(name, rows[i].mode), 0);
		ck_assert_msg((transport_keys_read(&keys, name, &err) == 0) == !rows[i].why, "row %zu: %s", i,
			      err.text);
		if (rows[i].why)
			ck_assert_msg(strstr(err.text, rows[i].why) != NULL, "row %zu: %s", i, err.text);
		ck_assert_msg(transport_keys_have(&keys, "k") == !rows[i].why, "row %zu", i);
		ck_assert_msg(transport_keys_unchecked(&keys) == rows[i].unchecked, "row %zu", i);
		transport_keys_clear(&keys);
		ck_assert_int_eq(chmod(name, 0600), 0);
	}
	unlink(name);
}
END_TEST

SUITE("csv_import", whole_row, forms_that_are_accepted, sequence_numbers, identities_that_disagree, faults_say_where,
      control_characters, dialects, algorithms, profiles, separation_bit, transported, transport_files, long_line)
