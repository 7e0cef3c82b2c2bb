/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file keys_derive.h
 *  Every value of GBA that follows from what is given, in the order of its making. */
#pragma once

#include "tools/keys_input.h"

/*! One derived value. value: hex or text, lent for the call. how: the inputs by name. */
typedef void keys_step_fn(void *owner, const char *name, const char *value, const char *how, const char *clause);

/*! \returns 0; -EINVAL contradicting inputs, or too few for anything; -EIO. err says which */
int keys_derive(const struct keys_input *in, keys_step_fn *step, void *owner, struct err *err);
