/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_realm.h
 *  A small realm for a test: the approved ASP "acme" with an application, a user with a device; nothing is granted. */
#pragma once

#include "tests/unit/reg_world.h"

#define FQDN "video.example.com"
#define IMPI "001010000000001@ims.mnc001.mcc001.3gppnetwork.org"

extern char device[64], owner[64]; /* names of the device, of the user who has it */

/*! Fixture, with reg_world_end(). */
void open_realm(void);

/*! ASP and user agree. */
void agree(void);
/*! Is that one grant live, and no other? */
bool is_live(void);
/*! The pseudonym of the device at acme, lent until the next call. */
const char *uid(void);
