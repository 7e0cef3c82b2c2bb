/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file gsup_guss.h
 *  GUSSs from a folder, for a source of vectors that has none (TS 33.220 4.4.12). */
#pragma once

#include "bsf/store/gba_session.h"

/*! Read the file IMPI.xml, domain in lower case, as it is now: whoever changes one renames it into its place.
 *  \param[out] out a reference; NULL there is no such file. \returns 0; -ENODATA it is there and cannot be used; -ENOMEM */
int gsup_guss_read(struct guss_blob **out, const char *dir, const char *impi);
