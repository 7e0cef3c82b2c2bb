/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file discover.h
 *  gba-ue discover: ask an operator for what a device must know of its realm, and make a configuration of it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include "ue/lib/http_get.h"
#include "ue/lib/ue_cause.h"

struct discover_wish {
	const char *url;          /* https; without a path /.well-known/gba-configuration is meant */
	const char *card;         /* as typed, relative to where we are */
	const char *write;        /* file to make, which is not there yet; NULL: none */
	struct http_get_cfg http; /* its connect_to go into the file, too */
	bool json;
};

/*! All is told, also what fails; then no file has been made. */
enum ue_cause discover(const struct discover_wish *w);
