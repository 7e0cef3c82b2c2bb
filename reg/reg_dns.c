/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_dns.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/base/clock.h"
#include "reg/reg_dns_net.h"

#define REG_DNS_ONE_MS 3000
#define REG_DNS_ALL_MS 10000 /* however many servers and CNAMEs */

/* --- an answer */

/* A TXT record is strings of up to 255 octets, each with its length before it (RFC 1035 3.3.14). */
static bool is_txt_of(const ns_rr *rr, const char *want)
{
	const uint8_t *p = ns_rr_rdata(*rr);
	size_t left = ns_rr_rdlen(*rr), n = strlen(want);

	while (left) {
		size_t len = *p++;

		if (len > --left || len > n || memcmp(want, p, len) != 0)
			return false;
		p += len;
		left -= len;
		want += len;
		n -= len;
	}
	return n == 0;
}

enum found { NOTHING, TEXT, ALIAS, BROKEN };

/* What is there of name, and where it leads: out may be name. */
static enum found look_for(ns_msg *m, const char *want, const char *name, char out[REG_DNS_NAME + 1])
{
	char to[NS_MAXDNAME];
	enum found found = NOTHING;
	ns_rr rr;

	for (int i = 0; i < ns_msg_count(*m, ns_s_an); i++) {
		if (ns_parserr(m, ns_s_an, i, &rr) < 0)
			return BROKEN;
		if (ns_rr_class(rr) != ns_c_in || strcasecmp(ns_rr_name(rr), name) != 0)
			continue;
		if (ns_rr_type(rr) == ns_t_txt && is_txt_of(&rr, want))
			return TEXT;
		if (ns_rr_type(rr) != ns_t_cname || found == ALIAS)
			continue;
		if (dn_expand(ns_msg_base(*m), ns_msg_end(*m), ns_rr_rdata(rr), to, sizeof(to)) < 0 ||
		    strlen(to) > REG_DNS_NAME)
			return BROKEN;
		found = ALIAS;
	}
	if (found == ALIAS)
		strcpy(out, to);
	return found;
}

enum reg_dns reg_dns_read(const uint8_t *answer, size_t len, const char *want, char name[REG_DNS_NAME + 1],
			  unsigned *hops)
{
	bool led_on = false;
	enum found found;
	ns_msg m;
	int rcode;

	if (len > REG_DNS_MAX || ns_initparse(answer, (int)len, &m) < 0)
		return REG_DNS_UNASKED;
	rcode = ns_msg_getflag(m, ns_f_rcode);
	if (rcode == ns_r_nxdomain)
		return REG_DNS_ABSENT;
	if (rcode != ns_r_noerror)
		return REG_DNS_UNASKED;
	while ((found = look_for(&m, want, name, name)) == ALIAS) {
		if (!*hops) /* a loop: whose zone it is says so */
			return REG_DNS_ABSENT;
		--*hops;
		led_on = true;
	}
	if (found == BROKEN)
		return REG_DNS_UNASKED;
	return found == TEXT ? REG_DNS_THERE : led_on ? REG_DNS_ELSEWHERE : REG_DNS_ABSENT;
}

/* --- a question */

/* One that is silent leaves time for the next. */
static uint64_t within(uint64_t until_ms)
{
	uint64_t one_ms = clock_mono_ms() + REG_DNS_ONE_MS;

	return one_ms < until_ms ? one_ms : until_ms;
}

/* The first of those the system has that there is an answer of. */
static int exchange_by_system(uint8_t *answer, res_state state, uint8_t *query, size_t len, uint64_t until_ms,
			      struct err *err)
{
	int n = err_set(err, -EDESTADDRREQ, "no DNS server is configured");

	for (int i = 0; i < state->nscount && n < 0; i++) {
		struct sockaddr_storage server = { 0 };
		const struct sockaddr_in *v4 = &state->nsaddr_list[i];
		const struct sockaddr_in6 *v6 = state->_u._ext.nsaddrs[i];

		if (v4->sin_family == AF_INET)
			memcpy(&server, v4, sizeof(*v4));
		else if (v6)
			memcpy(&server, v6, sizeof(*v6));
		else
			continue;
		n = reg_dns_exchange(answer, REG_DNS_MAX, &server, query, len, within(until_ms), err);
	}
	return n;
}

static int ask_for_txt(uint8_t *answer, const struct sockaddr_storage *server, const char *name, uint64_t until_ms,
		       struct err *err)
{
	struct __res_state state = { 0 };
	uint8_t query[NS_PACKETSZ];
	int n;

	if (res_ninit(&state) < 0)
		return err_set(err, -EIO, "no resolver");
	n = res_nmkquery(&state, ns_o_query, name, ns_c_in, ns_t_txt, NULL, 0, NULL, query, sizeof(query));
	if (n < 0)
		n = err_set(err, -EINVAL, "'%.100s' cannot be asked for", name);
	else if (server)
		n = reg_dns_exchange(answer, REG_DNS_MAX, server, query, (size_t)n, within(until_ms), err);
	else
		n = exchange_by_system(answer, &state, query, (size_t)n, until_ms, err);
	res_nclose(&state);
	return n;
}

enum reg_dns reg_dns_ask(const struct sockaddr_storage *server, const char *name, const char *want, struct err *err)
{
	uint8_t *answer = malloc(REG_DNS_MAX);
	char at[REG_DNS_NAME + 1];
	uint64_t until_ms = clock_mono_ms() + REG_DNS_ALL_MS;
	unsigned hops = REG_DNS_HOPS;
	enum reg_dns is = REG_DNS_ELSEWHERE;

	if (!answer || strlen(name) > REG_DNS_NAME) {
		free(answer);
		err_set(err, -ENOMEM, answer ? "the name is too long" : "no memory");
		return REG_DNS_UNASKED;
	}
	strcpy(at, name);
	while (is == REG_DNS_ELSEWHERE) {
		int n = ask_for_txt(answer, server, at, until_ms, err);

		if (n < 0) {
			is = REG_DNS_UNASKED;
			break;
		}
		is = reg_dns_read(answer, (size_t)n, want, at, &hops);
		if (is == REG_DNS_UNASKED)
			err_set(err, -EBADMSG, "%.100s: refused, or no answer that can be read", at);
	}
	free(answer);
	return is;
}
