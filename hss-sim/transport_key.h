/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file transport_key.h
 *  Keys under which a card vendor has encrypted columns of his file: AES-CBC over the whole value, no padding, nothing that
 *  shows a wrong key but the check value, where there is one. They come from a file of mode 0600, never from a command
 *  line. */
#pragma once

#include <stdbool.h>
#include "common/base/err.h"
#include "common/base/secret.h"

#define TRANSPORT_COLUMNS 3 /* k, op, opc */

struct transport_key {
	struct secret key; /* 16, 24 or 32 octets; len 0: the column is not encrypted */
	uint8_t iv[16];
	bool checked; /* a check value was there, and right */
};

struct transport_keys {
	struct transport_key of[TRANSPORT_COLUMNS];
};

/*! Lines "COLUMN key HEX iv HEX [check HEX]", COLUMN k, op or opc; lines that begin with ! or # are comments. The check value
 *  is the first 3 to 16 octets of AES(key, zeros).
 *  \returns 0; -EACCES, -ENOENT; -EBADMSG "FILE:LINE: ...", also a check value that does not fit (never a key) */
int transport_keys_read(struct transport_keys *out, const char *path, struct err *err);
void transport_keys_clear(struct transport_keys *t);

/*! Has the column a key? \param[in] t may be NULL. \param[in] column as csv_column_name() */
bool transport_keys_have(const struct transport_keys *t, const char *column);

/*! Is there a key without a check value? */
bool transport_keys_unchecked(const struct transport_keys *t);

/*! Decrypt in place, if the column has a key. \param[in] t may be NULL
 *  \param[in,out] value 16 or 32 octets. \returns 0; -EIO */
int transport_keys_open(const struct transport_keys *t, const char *column, struct secret *value);
