/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file subscriber_json.h
 *  Subscribers in JSON, as 'subscriber export json' writes them: {"subscribers": [{"impi": ..., "k": ..., "guss": XML}]}, or the array
 *  alone. The members have the names of the columns of the CSV, and become one, so that there is one reader of values. Pure. */
#pragma once

#include <jansson.h>
#include "common/base/bytes.h"
#include "common/base/err.h"

#define SUBSCRIBER_JSON_LINE 2 /* of the CSV: where the first one of the array stands */

struct subscriber_json {
	json_t *root, *list;
	char *csv; /* malloc'ed; may hold keys */
	size_t len;
};

/*! Is it JSON, as far as its first octet tells? */
bool subscriber_json_is(struct span doc);

/*! \returns 0, and out to be cleared; -EBADMSG, err: which one, what is allowed; -ENOMEM */
int subscriber_json_read(struct subscriber_json *out, struct span doc, struct err *err);
void subscriber_json_clear(struct subscriber_json *j); /* zeroed: nothing */

/*! The GUSS of the one in this line of the CSV. \returns lent; NULL: it says nothing of one */
const char *subscriber_json_guss(const struct subscriber_json *j, unsigned line);

/*! Turn the place "LINE:CHARACTER: " at the beginning of what csv_next() says into "subscribers[N]: ". */
void subscriber_json_place(struct err *err);
