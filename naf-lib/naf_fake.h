/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file naf_fake.h
 *  The fake BSF of the public header, as a transport. */
#pragma once

#include "naf-lib/naf_zn.h"

void naf_fake_transport(struct gba_naf_fake *fake, struct naf_transport *out);
