/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Names an application may be registered by, and those others gave it or its provider. */
#include "reg/reg_alias.h"
#include "reg/reg_names.h"
#include "tests/unit/suite.h"

static void use_list(void)
{
	reg_names_init();
}

START_TEST(a_name_is_kept_in_lower_case)
{
	static const char *const given[] = { "Video.Example.COM",      "video.example.com",     "xn--Bcher-KVA.example",
					     "xn--bcher-kva.example",  "a.github.io",           "a.github.io",
					     "www.city.kobe.jp",       "www.city.kobe.jp",      "city.kobe.jp",
					     "city.kobe.jp",           "1.example.com",         "1.example.com",
					     "app.no-such-tld-at-all", "app.no-such-tld-at-all" };
	char out[FQDN_MAX + 1];

	for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i += 2) {
		ck_assert_ptr_null(reg_names_parse(out, given[i]));
		ck_assert_str_eq(out, given[i + 1]);
	}
}
END_TEST

START_TEST(what_is_no_name_is_refused_in_words)
{
	static const struct {
		const char *given, *said;
	} rows[] = {
		{ "b\303\274cher.example", "U-labels" },
		{ "b\374cher.example", "U-labels" },
		{ "*.example.com", "wildcard" },
		{ "a.*.example.com", "wildcard" },
		{ "com", "no name" },
		{ "localhost", "no name" },
		{ "", "no name" },
		{ "a..example.com", "no name" },
		{ "a.example.com.", "no name" },
		{ "-a.example.com", "no name" },
		{ "a_b.example.com", "no name" },
		{ "a b.example.com", "no name" },
		{ "a.example.com\n", "no name" },
		{ "a/b.example.com", "no name" },
		{ "192.0.2.1", "no address" },
		{ "127.1", "no address" },
		{ "0x7f.0x1", "no address" },
		{ "2001:db8::1", "no address" },
		{ "[2001:db8::1]", "no address" },
		{ "co.uk", "public suffix" },
		{ "CO.UK", "public suffix" },
		{ "github.io", "public suffix" },
		{ "foo.kobe.jp", "public suffix" },
		{ "xn--55qx5d.cn", "public suffix" },
		{ "in-addr.arpa", "public suffix" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char out[FQDN_MAX + 1] = "untouched";
		const char *why = reg_names_parse(out, rows[i].given);

		ck_assert_msg(why && strstr(why, rows[i].said) && strstr(why, "allowed: "), "%s: %s", rows[i].given,
			      why ? why : "taken");
		ck_assert_str_eq(out, "untouched");
	}
}
END_TEST

START_TEST(a_name_has_253_characters_at_most)
{
	char name[300], out[FQDN_MAX + 1];

	memset(name, 'a', sizeof(name));
	for (size_t i = 50; i < sizeof(name); i += 51)
		name[i] = '.';
	name[253] = '\0';
	ck_assert_ptr_null(reg_names_parse(out, name));
	name[253] = 'a';
	name[254] = '\0';
	ck_assert_ptr_nonnull(reg_names_parse(out, name));
}
END_TEST

START_TEST(the_operators_own_names_are_no_asps)
{
	struct reg_realm r = { .bsf_names = { "bsf.op.example" },
			       .n_bsf_names = 1,
			       .bsf_identity = "dia.op.example",
			       .bsf_realm = "gba.op.example" };
	static const char *const own[] = { "bsf.op.example",
					   "BSF.OP.example",
					   "a.bsf.op.example",
					   "op.example",
					   "x.dia.op.example",
					   "gba.op.example",
					   "a.gba.op.example",
					   "reg.home.example",
					   "home.example",
					   "a.reg.home.example",
					   "video.mnc001.mcc001.pub.3gppnetwork.org",
					   "3GPPnetwork.org" };
	static const char *const others[] = { "xbsf.op.example", "video.example.com", "bsf.op.example.com",
					      "my3gppnetwork.org", "tv.home.example" };

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		ck_assert_msg(reg_names_of_realm(own[i], &r, "reg.home.example"), "%s", own[i]);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ck_assert_msg(!reg_names_of_realm(others[i], &r, "reg.home.example"), "%s", others[i]);
	ck_assert(!reg_names_of_realm("a.example", &r, "example")); /* a bare host name says nothing */
	ck_assert(!reg_names_of_realm("a.example", &r, NULL));
}
END_TEST

/* --- what others gave */

static const struct {
	const char *scheme;
	enum reg_alias_of of;
	const char *given, *kept;
} numbers[] = {
	{ "gs1", REG_OF_APP, "4006381333931", "04006381333931" },
	{ "gs1", REG_OF_APP, "036000291452", "00036000291452" },
	{ "gs1", REG_OF_APP, "96385074", "00000096385074" },
	{ "gs1", REG_OF_APP, "00012345600012", "00012345600012" },
	{ "url", REG_OF_APP, "HTTPS://Video.Example.com/Play?x=%20", "https://video.example.com/Play?x=%20" },
	{ "url", REG_OF_APP, "http://192.0.2.1:8080", "http://192.0.2.1:8080" },
	{ "url", REG_OF_APP, "https://[2001:DB8::1]:443/", "https://[2001:db8::1]:443/" },
	{ "url", REG_OF_APP, "https://[::1]", "https://[::1]" },
	{ "ip", REG_OF_APP, "192.0.2.1", "192.0.2.1" },
	{ "ip", REG_OF_APP, "2001:DB8:0:0:0::1", "2001:db8::1" },
	{ "onem2m", REG_OF_APP, "Nvideo.example.com", "Nvideo.example.com" },
	{ "onem2m", REG_OF_APP, "R0123", "R0123" },
	{ "lei", REG_OF_ASP, "7LTWFZYICNSX8D621K86", "7LTWFZYICNSX8D621K86" },
	{ "lei", REG_OF_ASP, "hwupkr0mpou8fgxbt394", "HWUPKR0MPOU8FGXBT394" },
	{ "lei", REG_OF_ASP, "5493001KJTIIGC8Y1R12", "5493001KJTIIGC8Y1R12" },
	{ "cin", REG_OF_ASP, "L17110MH1973PLC019786", "L17110MH1973PLC019786" },
	{ "vat", REG_OF_ASP, "DE136695976", "DE136695976" },
	{ "vat", REG_OF_ASP, "ie1234567fa", "IE1234567FA" },
	{ "duns", REG_OF_ASP, "150483782", "150483782" },
};

START_TEST(real_numbers_are_taken_and_kept_in_one_form)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		const struct reg_alias_scheme *s = reg_alias_scheme(numbers[i].scheme, numbers[i].of);
		char out[REG_ALIAS_MAX + 1];

		ck_assert_ptr_nonnull(s);
		ck_assert_msg(!reg_alias_parse(out, s, numbers[i].given), "%s", numbers[i].given);
		ck_assert_str_eq(out, numbers[i].kept);
	}
	ck_assert_ptr_null(reg_alias_scheme("lei", REG_OF_APP));
	ck_assert_ptr_null(reg_alias_scheme("gs1", REG_OF_ASP));
	ck_assert_ptr_null(reg_alias_scheme("", REG_OF_APP));
}
END_TEST

/* What check digits are for: of each number that has them, no single digit may be another one, no two neighbours of a LEI change
 * places. */
START_TEST(one_wrong_character_is_seen)
{
	char out[REG_ALIAS_MAX + 1], text[32];

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		bool is_lei = strcmp(numbers[i].scheme, "lei") == 0;
		const struct reg_alias_scheme *s = reg_alias_scheme(numbers[i].scheme, numbers[i].of);

		if (!is_lei && strcmp(numbers[i].scheme, "gs1") != 0)
			continue;
		for (size_t at = 0; numbers[i].kept[at]; at++) {
			strcpy(text, numbers[i].kept);
			text[at] = text[at] == '9' ? '8' : '9';
			ck_assert_msg(reg_alias_parse(out, s, text) != NULL, "%s", text);
			strcpy(text, numbers[i].kept);
			if (!is_lei || !text[at + 1] || text[at] == text[at + 1])
				continue;
			text[at] = numbers[i].kept[at + 1];
			text[at + 1] = numbers[i].kept[at];
			ck_assert_msg(reg_alias_parse(out, s, text) != NULL, "%s", text);
		}
	}
}
END_TEST

START_TEST(what_has_not_the_form_is_refused)
{
	static const struct {
		const char *scheme;
		enum reg_alias_of of;
		const char *given;
	} rows[] = {
		{ "gs1", REG_OF_APP, "400638133393" },
		{ "gs1", REG_OF_APP, "" },
		{ "gs1", REG_OF_APP, "0000000000000" },
		{ "gs1", REG_OF_APP, "40063813 3393" },
		{ "gs1", REG_OF_APP, "004006381333931" },
		{ "url", REG_OF_APP, "ftp://example.com" },
		{ "url", REG_OF_APP, "https://u:p@example.com/" },
		{ "url", REG_OF_APP, "https://" },
		{ "url", REG_OF_APP, "https://example.com/#a" },
		{ "url", REG_OF_APP, "https://example.com/ a" },
		{ "url", REG_OF_APP, "https://example.com:/" },
		{ "url", REG_OF_APP, "https://example.com:http/" },
		{ "url", REG_OF_APP, "https://[::1" },
		{ "url", REG_OF_APP, "https://[]/" },
		{ "url", REG_OF_APP, "https://[::1]x/" },
		{ "url", REG_OF_APP, "javascript:alert(1)" },
		{ "ip", REG_OF_APP, "192.0.2" },
		{ "ip", REG_OF_APP, "192.0.2.01" },
		{ "ip", REG_OF_APP, "fe80::1%eth0" },
		{ "ip", REG_OF_APP, "192.0.2.0/24" },
		{ "onem2m", REG_OF_APP, "N" },
		{ "onem2m", REG_OF_APP, "Xabc" },
		{ "onem2m", REG_OF_APP, "Na/b" },
		{ "lei", REG_OF_ASP, "7LTWFZYICNSX8D621K8" },
		{ "lei", REG_OF_ASP, "7LTWFZYICNSX8D621K-6" },
		{ "cin", REG_OF_ASP, "X17110MH1973PLC019786" },
		{ "cin", REG_OF_ASP, "L17110MH1973PLC01978" },
		{ "vat", REG_OF_ASP, "D1366959760" },
		{ "vat", REG_OF_ASP, "DE1" },
		{ "vat", REG_OF_ASP, "DEUTSCHLAND" },
		{ "vat", REG_OF_ASP, "DE1366959761234" },
		{ "duns", REG_OF_ASP, "15-048-3782" },
		{ "duns", REG_OF_ASP, "15048378" },
	};
	char long_one[300];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char out[REG_ALIAS_MAX + 1] = "untouched";
		const struct reg_alias_scheme *s = reg_alias_scheme(rows[i].scheme, rows[i].of);

		ck_assert_msg(reg_alias_parse(out, s, rows[i].given) == s->allowed, "%s", rows[i].given);
		ck_assert_str_eq(out, "untouched");
	}
	memset(long_one, 'N', sizeof(long_one));
	long_one[REG_ALIAS_MAX + 1] = '\0';
	ck_assert_ptr_nonnull(reg_alias_parse(long_one, reg_alias_scheme("onem2m", REG_OF_APP), long_one));
}
END_TEST

SUITE_WITH_FIXTURE("reg_names", use_list, reg_names_free, a_name_is_kept_in_lower_case,
		   what_is_no_name_is_refused_in_words, a_name_has_253_characters_at_most,
		   the_operators_own_names_are_no_asps, real_numbers_are_taken_and_kept_in_one_form,
		   one_wrong_character_is_seen, what_has_not_the_form_is_refused)
