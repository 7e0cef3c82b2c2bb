/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_alias.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "common/base/ascii.h"
#include "common/base/bytes.h"
#include "common/gba/btid.h"
#include "common/gba/naf_id.h"

#define DIGITS     "0123456789"
#define CAPITALS   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define UNRESERVED CAPITALS "abcdefghijklmnopqrstuvwxyz" DIGITS "-._~" /* RFC 3986 2.3 */
#define OF_PATH    UNRESERVED "!$&'()*+,;=:@/?%"

static bool all_of(const char *text, const char *set)
{
	return text[strspn(text, set)] == '\0';
}

static void to_capitals(char *out, const char *text)
{
	for (; *text; text++)
		*out++ = (char)(*text >= 'a' && *text <= 'z' ? *text - 'a' + 'A' : *text);
	*out = '\0';
}

/* --- of an application */

static bool is_port(const char *text, size_t len)
{
	return len >= 1 && len <= 5 && strspn(text, DIGITS) >= len;
}

static bool is_ipv6(const char *text, size_t len)
{
	char copy[INET6_ADDRSTRLEN];
	struct in6_addr a;

	return span_to_str(copy, sizeof(copy), span_of(text, len)) >= 0 && inet_pton(AF_INET6, copy, &a) == 1;
}

/* HOST, HOST:PORT or [IPV6]:PORT? */
static bool is_authority(const char *text, size_t len)
{
	const char *end = *text == '[' ? memchr(text, ']', len) : memchr(text, ':', len);
	size_t host = end ? (size_t)(end - text) + (*text == '[') : len;

	if (*text == '[' ? !end || !is_ipv6(text + 1, host - 2) : !fqdn_valid(span_of(text, host), FQDN_MAX))
		return false;
	return host == len || (text[host] == ':' && is_port(text + host + 1, len - host - 1));
}

/* https://HOST[:PORT][/PATH][?QUERY], or http; nobody's name or password in it, no fragment. Scheme and host have no case. */
static bool parse_url(char *out, const char *value)
{
	size_t scheme = strncasecmp(value, "https://", 8) == 0 ? 8 : strncasecmp(value, "http://", 7) == 0 ? 7 : 0;
	size_t host = strcspn(value + scheme, "/?");

	if (!scheme || !is_authority(value + scheme, host) || !all_of(value + scheme + host, OF_PATH))
		return false;
	ascii_lower_copy(out, value, scheme + host);
	strcpy(out + scheme + host, value + scheme + host);
	return true;
}

static bool parse_ip(char *out, const char *value)
{
	union {
		struct in_addr v4;
		struct in6_addr v6;
	} a;
	int family = strchr(value, ':') ? AF_INET6 : AF_INET;

	return inet_pton(family, value, &a) == 1 && inet_ntop(family, &a, out, REG_ALIAS_MAX);
}

/* App-ID (TS-0001 7.1.3): R of a registration authority, N of nobody. It has no check digit. */
static bool parse_onem2m(char *out, const char *value)
{
	if ((*value != 'R' && *value != 'N') || !value[1] || !all_of(value, UNRESERVED))
		return false;
	strcpy(out, value);
	return true;
}

/* GTIN-8, -12, -13 or -14, all of 14 digits when kept (GS1 General Specifications 7.9: weights 3 and 1 from the right). */
static bool parse_gs1(char *out, const char *value)
{
	size_t n = strlen(value);
	unsigned sum = 0;

	if ((n != 8 && (n < 12 || n > 14)) || !all_of(value, DIGITS))
		return false;
	for (size_t i = 0; i < n; i++)
		sum += (unsigned)(value[n - 1 - i] - '0') * (i % 2 ? 3 : 1);
	if (sum % 10 || all_of(value, "0"))
		return false;
	memset(out, '0', 14 - n);
	strcpy(out + 14 - n, value);
	return true;
}

/* --- of a company */

/* ISO 17442: 18 letters and digits, two digits; all of it, a letter as 10 to 35, is 1 modulo 97 (ISO 7064). */
static bool parse_lei(char *out, const char *value)
{
	unsigned rest = 0;

	if (strlen(value) != 20 || !isdigit((unsigned char)value[18]) || !isdigit((unsigned char)value[19]))
		return false;
	to_capitals(out, value);
	for (const char *c = out; *c; c++) {
		if (*c >= '0' && *c <= '9')
			rest = (rest * 10 + (unsigned)(*c - '0')) % 97;
		else if (*c >= 'A' && *c <= 'Z')
			rest = (rest * 100 + (unsigned)(*c - 'A' + 10)) % 97;
		else
			return false;
	}
	return rest == 1;
}

/* \param[in] form a letter, A; a digit, 9; anything else as it stands */
static bool has_form(const char *text, const char *form)
{
	for (; *form; form++, text++) {
		const char *set = *form == 'A' ? CAPITALS : *form == '9' ? DIGITS : NULL;

		if (!*text || (set ? !strchr(set, *text) : *text != *form))
			return false;
	}
	return !*text;
}

/* Corporate identity number of India: listed or not, industry, state, year, kind of company, number. */
static bool parse_cin(char *out, const char *value)
{
	if (strlen(value) != 21)
		return false;
	to_capitals(out, value);
	return has_form(out, "A99999AA9999AAA999999") && (*out == 'L' || *out == 'U');
}

/* Of a country and up to 12 characters that it has its own rules for (Directive 2006/112/EC, article 215). */
static bool parse_vat(char *out, const char *value)
{
	size_t n = strlen(value);

	if (n < 4 || n > 14)
		return false;
	to_capitals(out, value);
	return strspn(out, CAPITALS) >= 2 && all_of(out, CAPITALS DIGITS "+*") && strpbrk(out, DIGITS);
}

static bool parse_duns(char *out, const char *value)
{
	strcpy(out, value);
	return has_form(value, "999999999");
}

/* --- all of them */

static const struct reg_alias_scheme schemes[] = {
	{ "url", REG_OF_APP, parse_url, "http://HOST[:PORT][/PATH] or https, no user, no fragment" },
	{ "ip", REG_OF_APP, parse_ip, "an IPv4 or IPv6 address" },
	{ "onem2m", REG_OF_APP, parse_onem2m, "an App-ID: R or N, and letters, digits, - . _ ~" },
	{ "gs1", REG_OF_APP, parse_gs1, "a GTIN of 8, 12, 13 or 14 digits, the last of which checks the others" },
	{ "lei", REG_OF_ASP, parse_lei, "20 letters and digits, the last two of which check the others" },
	{ "cin", REG_OF_ASP, parse_cin, "21 characters as L12345AB2000ABC123456" },
	{ "vat", REG_OF_ASP, parse_vat, "two letters of the country and 2 to 12 letters and digits" },
	{ "duns", REG_OF_ASP, parse_duns, "nine digits" },
};

const struct reg_alias_scheme *reg_alias_scheme(const char *name, enum reg_alias_of of)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (schemes[i].of == of && strcmp(schemes[i].name, name) == 0)
			return &schemes[i];
	}
	return NULL;
}

const char *reg_alias_parse(char *out, const struct reg_alias_scheme *scheme, const char *value)
{
	char kept[REG_ALIAS_MAX + 1];

	if (strlen(value) > REG_ALIAS_MAX || !scheme->parse(kept, value))
		return scheme->allowed;
	strcpy(out, kept);
	return NULL;
}
