/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_policy_file.h
 *  The file of an application in a BSF's folder of policies: there as a whole or not at all, whenever somebody looks. */
#pragma once

#include "common/base/err.h"

/*! Written beside as .NAME, synced and renamed; \param[in] text NULL: the file goes.
 *  \returns 0, also where it was so before; -errno and why in err */
int reg_policy_file(const char *folder, const char *fqdn, const char *text, struct err *err);
