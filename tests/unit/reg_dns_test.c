/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a DNS server says of a TXT record, well and badly. */
#include <arpa/nameser.h>
#include <stdio.h>
#include <string.h>
#include "common/base/bytes.h"
#include "reg/reg_dns.h"
#include "tests/unit/suite.h"

#define NAME "_gba-challenge.video.example.com"
#define WANT "0123456789abcdef0123456789abcdef"

/* A message being made: what is asked, then answers. */
struct made {
	uint8_t b[REG_DNS_MAX];
	size_t len;
};

static void put16(struct made *m, unsigned n)
{
	m->b[m->len++] = (uint8_t)(n >> 8);
	m->b[m->len++] = (uint8_t)n;
}

static void put_name(struct made *m, const char *name)
{
	while (*name) {
		size_t n = strcspn(name, ".");

		m->b[m->len++] = (uint8_t)n;
		memcpy(m->b + m->len, name, n);
		m->len += n;
		name += n + (name[n] == '.');
	}
	m->b[m->len++] = 0;
}

static void begin(struct made *m, const char *name, unsigned rcode)
{
	memset(m, 0, sizeof(*m));
	put16(m, 7);
	put16(m, 0x8180 | rcode);
	put16(m, 1);
	m->len = NS_HFIXEDSZ;
	put_name(m, name);
	put16(m, ns_t_txt);
	put16(m, ns_c_in);
}

static void put_head(struct made *m, const char *owner, unsigned type)
{
	m->b[7]++; /* ANCOUNT */
	put_name(m, owner);
	put16(m, type);
	put16(m, ns_c_in);
	put16(m, 0);
	put16(m, 60);
}

static void put_string(struct made *m, const char *s)
{
	m->b[m->len++] = (uint8_t)strlen(s);
	memcpy(m->b + m->len, s, strlen(s));
	m->len += strlen(s);
}

static void put_txt(struct made *m, const char *owner, const char *first, const char *second)
{
	put_head(m, owner, ns_t_txt);
	put16(m, (unsigned)(1 + strlen(first) + (second ? 1 + strlen(second) : 0)));
	put_string(m, first);
	if (second)
		put_string(m, second);
}

static void put_cname(struct made *m, const char *owner, const char *to)
{
	put_head(m, owner, ns_t_cname);
	put16(m, (unsigned)strlen(to) + 2);
	put_name(m, to);
}

static enum reg_dns reading(const struct made *m, char name[REG_DNS_NAME + 1])
{
	unsigned hops = REG_DNS_HOPS;

	strcpy(name, NAME);
	return reg_dns_read(m->b, m->len, WANT, name, &hops);
}

static void says(const struct made *m, enum reg_dns want)
{
	char name[REG_DNS_NAME + 1];

	ck_assert_int_eq(reading(m, name), want);
}

START_TEST(the_text_is_there_or_not)
{
	struct made m;

	begin(&m, NAME, 0);
	says(&m, REG_DNS_ABSENT);
	put_txt(&m, NAME, "v=spf1 -all", NULL);
	put_txt(&m, NAME, WANT "0", NULL);
	put_txt(&m, NAME, "", NULL);
	put_txt(&m, NAME, "0123456789abcdef", "0123456789abcdeF");
	put_txt(&m, "other.example.com", WANT, NULL); /* of another name: nobody asked for that */
	says(&m, REG_DNS_ABSENT);
	put_txt(&m, "_GBA-Challenge.Video.EXAMPLE.com", "0123456789abcdef", "0123456789abcdef");
	says(&m, REG_DNS_THERE);
}
END_TEST

START_TEST(absent_and_could_not_ask_are_two_things)
{
	static const struct {
		unsigned rcode;
		enum reg_dns is;
	} rows[] = { { ns_r_nxdomain, REG_DNS_ABSENT },
		     { ns_r_servfail, REG_DNS_UNASKED },
		     { ns_r_refused, REG_DNS_UNASKED },
		     { ns_r_formerr, REG_DNS_UNASKED },
		     { ns_r_notimpl, REG_DNS_UNASKED } };
	struct made m;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin(&m, NAME, rows[i].rcode);
		put_txt(&m, NAME, WANT, NULL); /* whatever it says beside it */
		says(&m, rows[i].is);
	}
}
END_TEST

START_TEST(aliases_are_followed_within_an_answer_and_out_of_it)
{
	char name[REG_DNS_NAME + 1];
	struct made m;

	begin(&m, NAME, 0);
	put_txt(&m, "b.example.net", WANT, NULL); /* in whatever order */
	put_cname(&m, "a.example.net", "b.example.net");
	put_cname(&m, NAME, "a.example.net");
	says(&m, REG_DNS_THERE);

	begin(&m, NAME, 0);
	put_cname(&m, NAME, "a.example.net");
	put_cname(&m, "a.example.net", "elsewhere.example.org");
	ck_assert_int_eq(reading(&m, name), REG_DNS_ELSEWHERE);
	ck_assert_str_eq(name, "elsewhere.example.org");
}
END_TEST

START_TEST(a_loop_ends)
{
	unsigned hops = REG_DNS_HOPS;
	char name[REG_DNS_NAME + 1] = NAME, owner[64] = NAME, to[64];
	struct made m;

	begin(&m, NAME, 0);
	put_cname(&m, NAME, "a.example.net");
	put_cname(&m, "a.example.net", NAME);
	says(&m, REG_DNS_ABSENT);
	begin(&m, NAME, 0);
	put_cname(&m, NAME, NAME);
	says(&m, REG_DNS_ABSENT);
	/* over several answers each of which leads on */
	for (int i = 0; i <= REG_DNS_HOPS; i++) {
		begin(&m, owner, 0);
		snprintf(to, sizeof(to), "n%d.example.net", i);
		put_cname(&m, owner, to);
		ck_assert_int_eq(reg_dns_read(m.b, m.len, WANT, name, &hops),
				 i < REG_DNS_HOPS ? REG_DNS_ELSEWHERE : REG_DNS_ABSENT);
		strcpy(owner, to);
	}
}
END_TEST

/* Each octet changed, and cut anywhere: it is read, or it is not, and what is not of this text is not there. */
START_TEST(a_damaged_answer_harms_nobody)
{
	struct made m, bad;
	char name[REG_DNS_NAME + 1];

	begin(&m, NAME, 0);
	put_cname(&m, NAME, "a.example.net");
	put_txt(&m, "a.example.net", "0123456789abcdef", "0123456789abcdee");
	for (size_t at = 0; at < m.len; at++) {
		for (int to = 0; to < 256; to += at < NS_HFIXEDSZ ? 1 : 17) {
			bad = m;
			bad.b[at] = (uint8_t)to;
			/* the one octet that makes it right */
			ck_assert(reading(&bad, name) != REG_DNS_THERE || bad.b[m.len - 1] == 'f');
			ck_assert_uint_le(strlen(name), REG_DNS_NAME);
		}
		bad = m;
		bad.len = at;
		ck_assert_int_ne(reading(&bad, name), REG_DNS_THERE);
	}
}
END_TEST

/* As many records as a message holds, each name a chain of pointers. */
START_TEST(a_huge_answer_is_read)
{
	struct made m;
	char name[REG_DNS_NAME + 1];
	unsigned n = 0;

	begin(&m, NAME, 0);
	while (m.len + 12 < sizeof(m.b)) {
		put16(&m, 0xc000 | NS_HFIXEDSZ);
		put16(&m, ns_t_txt);
		put16(&m, ns_c_in);
		put16(&m, 0);
		put16(&m, 60);
		put16(&m, 0);
		n++;
	}
	m.b[6] = (uint8_t)(n >> 8);
	m.b[7] = (uint8_t)n;
	ck_assert_int_eq(reading(&m, name), REG_DNS_ABSENT);
	m.b[7]++; /* one more than there are */
	ck_assert_int_eq(reading(&m, name), REG_DNS_UNASKED);
}
END_TEST

SUITE("reg_dns", the_text_is_there_or_not, absent_and_could_not_ask_are_two_things,
      aliases_are_followed_within_an_answer_and_out_of_it, a_loop_ends, a_damaged_answer_harms_nobody,
      a_huge_answer_is_read)
