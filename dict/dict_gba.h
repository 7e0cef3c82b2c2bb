/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dict_gba.h
 *  freeDiameter dictionary of Zh, Zn and Zpn: applications 16777221, 16777220, 16777268, commands 303, 310, 312,
 *  AVPs 400-420 and the Cx AVPs Zh borrows. Usable by any freeDiameter program. */
#pragma once

#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdproto.h>
#include "dict/gba_ids.h"

/*! Define everything; objects that exist with the same content (dict_dcca_3gpp) are left.
 *  \returns 0; a positive errno of the library, after a line in its log naming the object */
int dict_gba_load(struct dictionary *dict);
