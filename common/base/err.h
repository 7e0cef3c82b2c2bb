/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file err.h
 *  A reason in words beside a negative errno, for people: what was wrong, where, what is allowed. Never a secret. */
#pragma once

#define ERR_MAX 512

struct err {
	char text[ERR_MAX];
};

/*! Fill in the reason. e may be NULL.
 *  \returns rc, so that `return err_set(e, -EINVAL, "...")` reads well */
int err_set(struct err *e, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
