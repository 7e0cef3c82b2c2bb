/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file target.h
 *  Request targets (RFC 9112 3.2) and Digest's uri (RFC 7616 3.4): whose they are, and when two name the same resource.
 *  Pure: no allocation, no errors; any octets may come in. */
#pragma once

#include "common/base/bytes.h"

struct target {
	struct span authority; /* of "http://" and "https://", as written; p NULL: the target names no host */
	struct span path;      /* with its query; all of the target if it names no host */
};

/*! Spans of the result lie in text. */
struct target target_split(struct span text);

/*! Do the paths name the same resource? Percent-coding that RFC 3986 6.2.2 calls equivalent is: hex digits in either
 *  case, a coded octet that needs no coding, or one that may stand there in coded form only (a blank, UTF-8) and came
 *  without. A coded delimiter ("%2F", "%3F", "%25") is not the delimiter. After a host no path is "/". Hosts are not
 *  compared.
 *  \param[in] slash_optional one '/' at the end of a path, before the query, may be missing in either */
bool target_same(const struct target *a, const struct target *b, bool slash_optional);
