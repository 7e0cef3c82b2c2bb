/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file apps.h
 *  What a registry answers to a device that asks which applications it may use. Pure but for memory. */
#pragma once

#include <stdint.h>
#include <jansson.h>
#include "common/base/err.h"

#define APPS_MAX 256 /* a GUSS has so many services */

/*! Members that are not known are ignored.
 *  \param[in] json {"apps": [{"fqdn", "name", "ua": [...], "profile", "keys", "since"}...]}, all but fqdn may be missing
 *  \returns the list, for json_decref(); NULL: err names what is wrong */
json_t *apps_parse(const uint8_t *json, size_t len, struct err *err);
