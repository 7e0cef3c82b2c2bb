/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file guss_json.h
 *  The JSON twin of a GUSS (Guss of TS 29.562, UssListItem of TS 29.309), as XML. */
#pragma once

#include "common/base/bytes.h"
#include "common/base/err.h"

/*! Is it JSON, as far as its first octet tells? */
bool guss_json_is(struct span doc);

/*! Pure. A member that is not known has no place in the XML, so it is refused.
 *  \param[in] doc a Guss, or an object whose member guss is one (GbaSubscriberData)
 *  \param[out] xml malloc'ed, to be checked as any: guss_edit_check()
 *  \returns 0; -EBADMSG, err: which member, what is allowed; -ENOMEM */
int guss_json_read(char **xml, size_t *len, struct span doc, const char *impi, struct err *err);
