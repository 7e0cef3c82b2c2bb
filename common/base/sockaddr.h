/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file sockaddr.h
 *  Socket addresses and address ranges. An IPv4 address in IPv6 form (::ffff:A.B.C.D, a peer on an IPv6 socket) is that IPv4
 *  address everywhere here. sa: a struct sockaddr of any family. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include "common/base/bytes.h"

#define SOCKADDR_TEXT 64 /* octets with NUL, of each text here */

/*! \returns what bind() and connect() want to know; 0 neither AF_INET nor AF_INET6 */
socklen_t sockaddr_len(const void *sa);

/*! \returns port, host order; 0 neither AF_INET nor AF_INET6 */
uint16_t sockaddr_port(const void *sa);
void sockaddr_port_set(struct sockaddr_storage *sa, uint16_t port);

/*! \returns 4 or 16 octets in network order, lent; 0 octets: neither AF_INET nor AF_INET6 */
struct span sockaddr_host(const void *sa);
/*! What of it all hosts of one line have in common, for limits: an IPv4 address, the /64 of an IPv6 one. \returns as sockaddr_host() */
struct span sockaddr_line(const void *sa);
/*! Ports do not count. Two addresses of another family are never the same. */
bool sockaddr_same_host(const void *a, const void *b);

/*! 127.0.0.0/8 or ::1: it leads nowhere but to this host. */
bool sockaddr_is_loopback(const void *sa);

/*! Give an IPv4 address in IPv6 form its own form. */
void sockaddr_unmap(struct sockaddr_storage *sa);

/*! \param[out] out untouched on error \param[in] addr IPv4 or IPv6 \param[in] port 0..65535, decimal. \returns 0; -EINVAL */
int sockaddr_parse(struct sockaddr_storage *out, const char *addr, const char *port);

/*! "ADDRESS PORT", as an operator types it; the address as it is, also in IPv6 form. */
void sockaddr_text(char out[SOCKADDR_TEXT], const void *sa);
/*! The address alone. */
void sockaddr_host_text(char out[SOCKADDR_TEXT], const void *sa);

/*! A range of addresses. */
struct sockaddr_net {
	uint8_t host[16]; /* network order */
	uint8_t len;      /* octets of it: 4 or 16 */
	uint8_t prefix;   /* bits that count, 0..8 * len */
};

/*! "A.B.C.D/N" or "X:X::X/N"; without /N one address. ::ffff:A.B.C.D/N with N from 96 on is A.B.C.D/(N - 96).
 *  \param[out] out untouched on error \returns 0; -EINVAL */
int sockaddr_net_parse(struct sockaddr_net *out, const char *text);
bool sockaddr_net_match(const struct sockaddr_net *net, const void *from);
/*! "ADDRESS/N". */
void sockaddr_net_text(char out[SOCKADDR_TEXT], const struct sockaddr_net *net);
bool sockaddr_net_is_loopback(const struct sockaddr_net *net);        /* all of it */
bool sockaddr_nets_beyond(const struct sockaddr_net *nets, size_t n); /* one of them is not loopback, all of it */
bool sockaddr_net_same(const struct sockaddr_net *a, const struct sockaddr_net *b);
