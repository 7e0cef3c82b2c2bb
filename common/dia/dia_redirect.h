/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_redirect.h
 *  DIAMETER_REDIRECT_INDICATION (RFC 6733 6.1.8, 6.12 to 6.14): an answer that names who is to be asked. Pure. */
#pragma once

#include "common/dia/dia_build.h"
#include "common/gba/zh_msg.h"

/*! Of Redirect-Hosts that cannot be read none is taken; port and transport of a URI are not: how a host is reached is
 *  configuration. \param[in] msg whole answer, checked (dia_check) \returns 0; -EBADMSG it names nobody, out is untouched */
int dia_redirect_get(struct zh_redirect *out, struct span msg);

/*! The whole answer. \param[in] request as for dia_build_answer() \returns octets; -ENOSPC */
int dia_redirect_put(struct writer *w, struct span request, const struct dia_self *self, const struct zh_redirect *in);
