/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file bare_fd.h
 *  What the two yardsticks on a bare freeDiameter share: a node on the loopback with our dictionary, silent hooks and
 *  TCP_NODELAY. Whatever fails ends the program. */
#pragma once

#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>

#define VENDOR 10415

/*! \param[in] rc 0, or an errno value: said with what, exit status 1 */
void check(int rc, const char *what);

/*! Up to the configuration; signals are the caller's. \param[in] port 0: listens nowhere */
void bare_init(const char *identity, const char *realm, uint16_t port);

/*! Advertise an application. \returns its command's request */
struct dict_object *bare_application(application_id_t app, command_code_t command, struct dict_object **app_out);

/*! \param[in] vendor 0: none */
struct dict_object *avp_model(uint32_t vendor, uint32_t code);

/*! \param[in] value NULL: a grouped AVP, to be filled. \returns what was added as last child */
struct avp *avp_add(msg_or_avp *parent, struct dict_object *model, union avp_value *value);

/*! The application group both BIA and MAR begin with. */
void avp_add_application(msg_or_avp *parent, application_id_t app);
