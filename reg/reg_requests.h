/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_requests.h
 *  A request for access that is begun at the application's side: the ASP gets a link, the user follows it to the operator, agrees or
 *  not for one of his devices, and is sent back with state and result. Agreed, both have consented: the ASP by having asked. */
#pragma once

#include "reg/reg_orders.h"

#define REG_STATE_MAX      512          /* octets of a state */
#define REG_REQUEST_S      3600         /* and then nobody can answer it */
#define REG_REQUEST_KEPT_S (30 * 86400) /* shown, if it was answered */
#define REG_WAITING_MAX    1000         /* unanswered ones of an application */

/* For a device that the ASP names, each of which is told to its user: */
#define REG_AGAIN_S \
	86400 /* before the application asks again what was not agreed to; and so long one not answered is kept */
#define REG_ASKED_MAX 10 /* of all applications of an ASP within that time, not agreed to, of one user */

/* Orders. fqdn state return [device: the ASP's pseudonym of it]: of an ASP. Answers the link */
int reg_request_add(struct reg_order *o, struct reg_db *db);
/* request. A user sees one that waits and is for no device but his, if he has its name, which only its link tells */
int reg_request_get(struct reg_order *o, struct reg_db *db);
/* An operator sees all, an ASP its own, a user those he has answered, and those that wait for a device of his */
int reg_request_list(struct reg_order *o, struct reg_db *db);
/* request agree [device]: of a user. The same answer again is none; another one is refused */
int reg_request_answer(struct reg_order *o, struct reg_db *db);
