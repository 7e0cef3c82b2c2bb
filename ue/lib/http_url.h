/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file http_url.h
 *  URLs and the places to connect to, as far as a device of GBA uses them. Pure. */
#pragma once

#include <stdbool.h>
#include "common/base/err.h"

/*! HOST:PORT:ADDR:PORT, as http_get_cfg wants them; an ADDR of IPv6 stands in brackets, and each part may be empty as in
 *  curl. */
bool http_url_connect_to(const char *text);

/*! Host (lower case, without port) and request target of an http URL. All malloc'ed.
 *  \returns 0; -EINVAL no URL, or with a user name in it; -EPROTONOSUPPORT not http */
int http_url_split(const char *url, char **host, char **target, struct err *err);
/*! The same of an http or https URL. */
int http_url_split_tls(const char *url, bool *https, char **host, char **target, struct err *err);
