/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What is the same for all ways to a card: 61xx and 6Cxx, the choice of the application, among_active_ones, the text that names a card, a modem's
 * lines. Whole cards behind every way are in tests/e2e/t_card.py. */
#include <errno.h>
#include <stdio.h>

#include "tests/unit/suite.h"
#include "ue/card/at_line.h"
#include "ue/card/icc.h"

/* A way that says what stands in a row, and keeps what it was asked. */
struct played {
	struct link base;
	const char *const *answers;
	char asked[1000];
};

static int play(struct link *l, struct span command, uint8_t answer[LINK_ANSWER_MAX], struct err *err)
{
	struct played *p = (struct played *)l;
	char hex[2 * LINK_COMMAND_MAX + 1];
	const char *next = *p->answers;

	hex_encode(hex, sizeof(hex), command.p, command.len);
	strcat(strcat(p->asked, hex), " ");
	if (!next)
		return -ENODEV;
	if (next[1])
		p->answers++;
	return hex_decode(answer, LINK_ANSWER_MAX, next, strlen(next));
}

static const struct link_ops played_ops = { .transmit = play };

START_TEST(lengths)
{
	static const struct {
		const char *answers[6];
		bool le_with_data, data;
		int rc;
		const char *asked, *got;
		uint16_t sw;
	} rows[] = {
		{ { "aabb9000" }, false, false, 0, "02b0000000 ", "aabb", 0x9000 },
		{ { "6c02", "aabb9000" }, false, false, 0, "02b0000000 02b0000002 ", "aabb", 0x9000 },
		{ { "6102", "aabb9000" }, false, true, 0, "02b000000155 02c0000002 ", "aabb", 0x9000 },
		{ { "9f02", "aabb9000" }, false, true, 0, "02b000000155 02c0000002 ", "aabb", 0x9000 },
		{ { "aa6101", "bb9000" }, false, true, 0, "02b000000155 02c0000001 ", "aabb", 0x9000 },
		{ { "6103", "6c02", "aabb9000" },
		  false,
		  true,
		  0,
		  "02b000000155 02c0000003 02c0000002 ",
		  "aabb",
		  0x9000 },
		{ { "aabb9000" }, true, true, 0, "02b00000015500 ", "aabb", 0x9000 },
		{ { "6982" }, false, true, 0, "02b000000155 ", "", 0x6982 },
		{ { "90" }, false, true, -EIO, "02b000000155 ", NULL, 0 },
		{ { "6101", "-" }, false, true, -EBADMSG, NULL, NULL, 0 },
		{ { NULL }, false, true, -ENODEV, "02b000000155 ", NULL, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct played p = { .base = { .ops = &played_ops, .channel = 2, .le_with_data = rows[i].le_with_data },
				    .answers = rows[i].answers };
		struct link_command c = { .ins = 0xb0, .le = 0 };
		struct link_answer a;
		char hex[100];
		int rc;

		if (rows[i].data)
			c.data = span_of("\x55", 1);
		rc = link_ask(&p.base, &c, &a, NULL);
		ck_assert_msg(rc == rows[i].rc, "row %zu: %d", i, rc);
		ck_assert_msg(!rows[i].asked || strcmp(p.asked, rows[i].asked) == 0, "row %zu: %s", i, p.asked);
		if (rc < 0)
			continue;
		hex_encode(hex, sizeof(hex), a.data, a.len);
		ck_assert_msg(strcmp(hex, rows[i].got) == 0 && a.sw == rows[i].sw, "row %zu: %s %04x", i, hex, a.sw);
	}
}
END_TEST

static int for_ever(struct link *l, struct span command, uint8_t answer[LINK_ANSWER_MAX], struct err *err)
{
	static const uint8_t more[] = { 0xaa, 0x61, 0x01 }, wrong[] = { 0x6c, 0x01 };
	const bool first = l->mark[0] == '6';

	memcpy(answer, first ? wrong : more, first ? 2 : 3);
	return first ? 2 : 3;
}

START_TEST(no_end)
{
	static const struct link_ops ops = { .transmit = for_ever };
	struct link more = { .ops = &ops }, wrong = { .ops = &ops, .mark = "6" };
	struct link_answer a;

	ck_assert_int_eq(link_ask(&more, &(struct link_command){ .ins = 0xb0 }, &a, NULL), -EMSGSIZE);
	ck_assert_int_eq(link_ask(&wrong, &(struct link_command){ .ins = 0xb0 }, &a, NULL), -EMSGSIZE);
}
END_TEST

#define USIM \
	"61184f10a0000000871002ffffffff89000001005004" \
	"5553494d" \
	"ffff"
#define ISIM \
	"61124f0aa00000008710040102035004" \
	"4953494d"
#define OTHER "610b4f09a00000015141434c00"

/* 220-4.2.4-3, 220-4.4.8-1, 220-4.4.8-2, 220-4.4.8-10, 220-4.4.8-11: with nothing active */
START_TEST(application)
{
	static const struct {
		const char *records, *text;
		const char *label; /* NULL: none */
	} rows[] = {
		{ USIM ISIM, "pcsc:x", "USIM" },
		{ ISIM USIM, "pcsc:x", "USIM" },
		{ ISIM OTHER, "pcsc:x", "ISIM" },
		{ OTHER, "pcsc:x", NULL },
		{ "", "pcsc:x", NULL },
		{ USIM ISIM, "pcsc:x,app=isim", "ISIM" },
		{ USIM, "pcsc:x,app=isim", "USIM" },
		{ ISIM, "pcsc:x,app=usim", NULL },
		{ USIM ISIM, "pcsc:x,app=ISIM", "ISIM" },
		{ USIM ISIM, "pcsc:x,app=other", NULL },
		{ "61", "pcsc:x", NULL },
		{ "61ff4f10a0000000871002", "pcsc:x", NULL },
		{ "61184fffa0000000871002ffffffff89000001005004", "pcsc:x", NULL },
		{ "6118", "pcsc:x", NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct icc_apps apps;
		struct card_choice how;
		uint8_t records[200];
		int n = hex_decode(records, sizeof(records), rows[i].records, strlen(rows[i].records));

		ck_assert_int_ge(n, 0);
		ck_assert_int_eq(card_choice_parse(&how, rows[i].text, NULL), 0);
		icc_apps_read(&apps, span_of(records, (size_t)n));
		n = icc_choose(&apps, how.wish, how.label);
		ck_assert_msg(rows[i].label ? n >= 0 && strcmp(apps.list[n].label, rows[i].label) == 0 : n == -ENOENT,
			      "row %zu: %d", i, n);
	}
}
END_TEST

/* 220-4.4.8-3, 220-4.4.8-5, 220-4.4.8-7, 220-4.4.8-8, 220-4.4.8-9: two USIMs and two ISIMs, of which some are active */
START_TEST(among_active_ones)
{
	enum { U1, U2, I1, I2, NONE = -1 };
	static const struct {
		const char *active; /* of the four, in their order */
		int now;
		enum card_wish wish;
		const char *label;
		int want;
	} rows[] = {
		{ "0000", NONE, CARD_WISH_ANY, "", U1 },       { "0100", U2, CARD_WISH_ANY, "", U2 },
		{ "0001", I2, CARD_WISH_ANY, "", I2 },         { "0101", I2, CARD_WISH_ANY, "", U2 },
		{ "0101", U2, CARD_WISH_ANY, "", U2 },         { "0010", I1, CARD_WISH_USIM, "", U1 },
		{ "0110", I1, CARD_WISH_USIM, "", U2 },        { "0100", U2, CARD_WISH_ISIM, "", I1 },
		{ "0101", U2, CARD_WISH_ISIM, "", I2 },        { "0111", I2, CARD_WISH_ISIM, "", I2 },
		{ "0100", U2, CARD_WISH_LABEL, "u1", -EBUSY }, { "0001", I2, CARD_WISH_LABEL, "u1", U1 },
		{ "0100", U2, CARD_WISH_LABEL, "u2", U2 },     { "0101", U2, CARD_WISH_LABEL, "i1", I1 },
		{ "0101", I2, CARD_WISH_LABEL, "u2", U2 },     { "1111", U1, CARD_WISH_LABEL, "x", -ENOENT },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct icc_apps a = { .list = { { CARD_APP_USIM, .label = "u1" },
						{ CARD_APP_USIM, .label = "u2" },
						{ CARD_APP_ISIM, .label = "i1" },
						{ CARD_APP_ISIM, .label = "i2" } },
				      .n = 4,
				      .now = rows[i].now };
		int got;

		for (int k = 0; k < 4; k++)
			a.active[k] = rows[i].active[k] == '1';
		got = icc_choose(&a, rows[i].wish, rows[i].label);
		ck_assert_msg(got == rows[i].want, "row %zu: %d", i, got);
	}
}
END_TEST

START_TEST(choice)
{
	static const struct {
		const char *text, *kind, *where;
	} good[] = {
		{ "usim-1.cfg", "soft", "usim-1.cfg" },
		{ "a:b,c.cfg", "soft", "a:b,c.cfg" },
		{ "soft:x.cfg", "soft", "x.cfg" },
		{ "pcsc:Reader 00 00,pin-file=/p,mnc-length=3", "pcsc", "Reader 00 00" },
		{ "rest:http://127.0.0.1:8000#1,mnc-length=2", "rest", "http://127.0.0.1:8000#1" },
		{ "modem:/dev/ttyUSB2,state=/s,app=usim", "modem", "/dev/ttyUSB2" },
	};
	static const char *const bad[] = { "",
					   "pcsc:",
					   "pcsc:,app=usim",
					   "pcsc:x,",
					   "pcsc:x,app=",
					   "pcsc:x,pin=1234",
					   "pcsc:x,mnc-length=4",
					   "pcsc:x,mnc-length=22",
					   "pcsc:x,app=123456789012345678901234567890123" };
	struct card_choice c;
	struct err err;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ck_assert_msg(card_choice_parse(&c, good[i].text, &err) == 0, "%s: %s", good[i].text, err.text);
		ck_assert_str_eq(c.kind, good[i].kind);
		ck_assert_str_eq(c.where, good[i].where);
	}
	ck_assert_int_eq(card_choice_parse(&c, good[3].text, NULL), 0);
	ck_assert_str_eq(c.pin_file, "/p");
	ck_assert_int_eq(c.mnc_len, 3);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err.text[0] = '\0';
		ck_assert_msg(card_choice_parse(&c, bad[i], &err) == -EINVAL && strstr(err.text, "card: "), "%s",
			      bad[i]);
	}
}
END_TEST

START_TEST(modem_lines)
{
	static const struct {
		const char *line, *prefix;
		enum at_kind want;
		const char *value;
		int code;
	} rows[] = {
		{ "OK", "", AT_OK, NULL, 0 },
		{ " ok\r", "+CGLA:", AT_OK, NULL, 0 },
		{ "ERROR", "", AT_ERROR, NULL, -1 },
		{ "+CME ERROR: 100", "", AT_ERROR, NULL, 100 },
		{ "+CME ERROR: 10", "", AT_NO_CARD, NULL, 0 },
		{ "+CME ERROR: SIM not inserted", "", AT_NO_CARD, NULL, 0 },
		{ "+CME ERROR: SIM busy", "", AT_ERROR, NULL, -1 },
		{ "AT+CGLA=1,4,\"00\"", "+CGLA:", AT_NOISE, NULL, 0 },
		{ "+CREG: 1", "+CGLA:", AT_NOISE, NULL, 0 },
		{ "", "+CGLA:", AT_NOISE, NULL, 0 },
		{ "", "", AT_NOISE, NULL, 0 },
		{ "OKAY", "", AT_NOISE, NULL, 0 },
		{ "+CGLA: 4,\"9000\"", "+CGLA:", AT_ANSWER, "4,\"9000\"", 0 },
		{ "+cgla:4,9000", "+CGLA:", AT_ANSWER, "4,9000", 0 },
		{ "1", "", AT_ANSWER, "1", 0 },
	};
	static const struct {
		const char *value;
		int rc;
	} octets[] = {
		{ "4,\"9000\"", 2 },        { "4,9000", 2 },
		{ "4, \"aB0c\"", 2 },       { "0,\"\"", 0 },
		{ "6,\"9000\"", -EBADMSG }, { "4,\"90\"", -EBADMSG },
		{ "3,\"900\"", -EBADMSG },  { "4,\"90zz\"", -EBADMSG },
		{ ",\"\"", -EBADMSG },      { "4", -EBADMSG },
		{ "", -EBADMSG },           { "8,\"90009000\"", -EBADMSG /* does not fit */ },
	};
	uint8_t out[3];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span value = { 0 };
		int code = 0;

		ck_assert_msg(at_line_read(span_str(rows[i].line), rows[i].prefix, &value, &code) == rows[i].want,
			      "row %zu", i);
		ck_assert_msg(!rows[i].value || span_eq(value, span_str(rows[i].value)), "row %zu", i);
		ck_assert_msg(rows[i].want != AT_ERROR || code == rows[i].code, "row %zu: %d", i, code);
	}
	for (size_t i = 0; i < sizeof(octets) / sizeof(octets[0]); i++)
		ck_assert_msg(at_line_hex(out, sizeof(out), span_str(octets[i].value)) == octets[i].rc, "octets %zu",
			      i);
}
END_TEST

SUITE("card_ways", lengths, no_end, application, among_active_ones, choice, modem_lines)
