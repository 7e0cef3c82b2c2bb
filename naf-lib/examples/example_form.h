/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file example_form.h
 *  One field of a form as a browser sends it. Pure. */
#pragma once

#include <stddef.h>

/*! \param[in] body application/x-www-form-urlencoded, attacker-controlled, not NUL-terminated; NULL with len 0
 *  \param[out] out NUL-terminated, at most cap - 1 octets; "" on error
 *  \returns 0; -1 not there, there twice, longer than that, or with an escape or a control character that no text has */
int example_form_field(const char *body, size_t len, const char *name, char *out, size_t cap);
