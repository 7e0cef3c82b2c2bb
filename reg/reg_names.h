/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_names.h
 *  The host name an application is registered by: which may be one at all, and which are the operator's own. Pure, but for
 *  the list of public suffixes, which reg_names_init() takes from the disk. */
#pragma once

#include <stdbool.h>
#include "common/gba/naf_id.h"
#include "reg/reg_text.h"

/*! Take the newer list of public suffixes: the one libpsl was built with, or the system's. Before the threads, once; without
 *  it the one libpsl was built with counts. */
void reg_names_init(void);
void reg_names_free(void);

/*! The name as it is kept and compared: A-labels in lower case (RFC 5890 2.3.2.1). No address, no public suffix, no wildcard.
 *  \param[out] out untouched if it is refused \param[in] text of whoever registers; any octets but NUL
 *  \returns NULL: it is one; else what is wrong with it and what is allowed */
const char *reg_names_parse(char out[FQDN_MAX + 1], const char *text);

/*! Is name that of top, or one below it? Whatever the case. */
bool reg_names_under(const char *name, const char *top);

/*! The operator's own: of the BSF, of 3gppnetwork.org, of the host the registry is on; below them, and what they are below.
 *  \param[in] host name of this host; NULL, or without a dot: not looked at */
bool reg_names_of_realm(const char *fqdn, const struct reg_realm *r, const char *host);
