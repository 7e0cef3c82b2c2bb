/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_dns.h
 *  Does a name have a TXT record of this text? "It does not" and "it could not be asked" are two answers: for the second nobody
 *  loses anything. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include "common/base/err.h"
#include "common/base/sockaddr.h"

#define REG_DNS_NAME 255   /* characters of a name */
#define REG_DNS_HOPS 8     /* CNAMEs that are followed, in one answer or in several */
#define REG_DNS_MAX  65535 /* octets of an answer */

enum reg_dns {
	REG_DNS_THERE,
	REG_DNS_ABSENT,    /* no such name, or no such record of it */
	REG_DNS_ELSEWHERE, /* of an answer: it ends at a CNAME, whose name is to be asked next */
	REG_DNS_UNASKED,   /* no answer, a refusal, or none that can be read */
};

/*! Read an answer. Pure.
 *  \param[in] answer of a server, any octets \param[in] len up to REG_DNS_MAX
 *  \param[in] want the strings of one TXT record, put together
 *  \param[in,out] name that was asked for; where the CNAMEs of the answer lead to, REG_DNS_NAME + 1
 *  \param[in,out] hops CNAMEs that may still be followed; behind them nothing is there */
enum reg_dns reg_dns_read(const uint8_t *answer, size_t len, const char *want, char name[REG_DNS_NAME + 1],
			  unsigned *hops);

/*! Ask, which waits up to some seconds: a thread of its own. No search list, no other name than that.
 *  \param[in] server NULL: those of the system (resolv.conf) \param[out] err why it could not be asked */
enum reg_dns reg_dns_ask(const struct sockaddr_storage *server, const char *name, const char *want, struct err *err);
