/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file homes.h
 *  Our side of Zn': to each home operator a hub of its own, because each has certified us by a certificate of its own. All on one
 *  loop. */
#pragma once

#include "znproxy/proxy_cfg.h"

/*! Certificates of all homes. \returns 0; -errno and the reason in err */
int homes_open(struct proxy_cfg *c, struct err *err);
/*! Connect to all, and keep it so. \returns 0; -errno and the reason in err */
int homes_start(struct proxy_cfg *c, struct dia_loop *l, struct err *err);
/*! End with a DPR; what waits for an answer is told -ENOTCONN. */
void homes_stop(struct proxy_cfg *c, struct dia_loop *l);
/*! What homes_open() made and homes_start() did not take. */
void homes_close(struct proxy_cfg *c);

/*! The first BSF that is connected.
 *  \param[in] host only this one, if it is one of them; host.p NULL or of another name: any
 *  \param[in] but those not, a bit each
 *  \param[in] fqdn, covered is our certificate there for this name? \returns its number; -1: none */
int homes_pick(const struct proxy_home *h, struct span host, unsigned but, const char *fqdn, bool *covered);
