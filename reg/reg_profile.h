/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_profile.h
 *  Security degrees: what the operator asks of every application that has the profile of that name. The BSF enforces them by the
 *  words of its policies, the application's library by those of naf.conf. Configured, so nothing changes after the start. */
#pragma once

#include <stdio.h>
#include "reg/reg_call.h"

#define REG_PROFILES_MAX 16
#define REG_PROFILE_NAME 32 /* characters */

struct reg_profile;

/*! Install node and commands, before rt_config(). */
void reg_profile_init(void);

/*! Does what each says leave something? After it was read. \returns 0; -EINVAL and the reason */
int reg_profile_verify(struct err *err);

/*! \returns NULL: there is none of that name */
const struct reg_profile *reg_profile_named(const char *name);

/*! Where it wants the key: "device", "card" or "both"; NULL: it does not say. \param[in] p NULL: none */
const char *reg_profile_keys(const struct reg_profile *p);

/*! Its lines of the policy. \param[in] p NULL: none. \param[in] ua Ua security protocols that the application has, a blank between two;
 *  "": each. Those of them that are good enough are what it gets */
void reg_profile_policy(FILE *f, const struct reg_profile *p, const char *ua);
/*! Its lines of the naf.conf. \param[in] p NULL: none */
void reg_profile_conf(FILE *f, const struct reg_profile *p);

/*! Orders. All of them; without members. */
int reg_profile_list(struct reg_order *o, struct reg_db *db);
/*! fqdn profile: an application has it from now on; without `profile`: none. */
int reg_profile_give(struct reg_order *o, struct reg_db *db);
/*! Of the registry itself, at each start: is one of them another one than at the last, the BSFs are told of all who have one. */
int reg_profile_started(struct reg_order *o, struct reg_db *db);
