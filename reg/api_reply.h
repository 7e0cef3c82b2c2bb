/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file api_reply.h
 *  An answer as it goes out: JSON, or a problem (RFC 9457), with what keeps it out of caches and pages. */
#pragma once

#include "reg/api_req.h"

/*! Queue r->answer. \param[in] closing nothing more is read of the connection \returns MHD_NO: it cannot be sent whole, close */
enum MHD_Result api_reply(struct api_req *r, bool closing);
