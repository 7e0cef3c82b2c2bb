/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file keys_input.h
 *  What gba-keys is given: names and values from a file, the environment and, if no secrets, the command line. */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include "common/base/err.h"
#include "common/base/secret.h"

#define KEYS_TEXT_MAX 256

enum keys_name {
	IN_K,
	IN_OP,
	IN_OPC,
	IN_CK,
	IN_IK,
	IN_KS,
	IN_RES, /* secrets */
	IN_RAND,
	IN_SQN,
	IN_AMF,
	IN_AUTN,
	IN_AUTS,
	IN_SQN_MS,
	IN_IMPI,
	IN_IMSI,
	IN_MNC_LENGTH,
	IN_BSF,
	IN_NAF,
	IN_UA,
	IN_ALGORITHM,
	IN_RES_LENGTH,
	IN_ROUNDS,
	IN_STATE_FILE,
	IN_GBA,
	IN_MAC_STAR,
	IN_COUNT
};

struct keys_value {
	bool set;
	struct secret octets;     /* of a hex value */
	char text[KEYS_TEXT_MAX]; /* of another */
};

struct keys_input {
	struct keys_value v[IN_COUNT];
};

/*! Lines "name = value" or "name value"; what begins with ! or # is a comment; a line `usim` is allowed, so that the
 *  card file of gba-ue can be read as it is.
 *  \param[in] path for the reason only
 *  \returns 0; -EINVAL and "PATH:LINE: what; what is allowed", never a value */
int keys_input_read(struct keys_input *in, FILE *f, const char *path, struct err *err);

/*! GBA_K, GBA_RAND, GBA_MNC_LENGTH...: for names that are not set yet. \returns 0; -EINVAL */
int keys_input_environment(struct keys_input *in, struct err *err);

/*! "name=value" of the command line. \returns 0; -EPERM a secret; -EINVAL */
int keys_input_word(struct keys_input *in, const char *word, struct err *err);

/*! One line for each name: what it is and its form. */
void keys_input_describe(FILE *to);

static inline void keys_input_clear(struct keys_input *in)
{
	OPENSSL_cleanse(in, sizeof(*in));
}
