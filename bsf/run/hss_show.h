/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file hss_show.h
 *  "show hss": how those do whom we ask for vectors. */
#pragma once

void hss_show_init(void);
