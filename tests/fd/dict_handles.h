/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dict_handles.h
 *  Dictionary objects looked up once, after dict_gba_load(). */
#pragma once

#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>

struct dia_handles {
	struct dict_object *vendor, *zn_app, *zh_app, *zpn_app;
	struct dict_object *mar, *maa, *bir, *bia;
	struct dict_object *session_id, *vsai, *vendor_id, *auth_app_id, *auth_session_state;
	struct dict_object *origin_host, *origin_realm;
	struct dict_object *dest_host, *dest_realm, *user_name, *result_code, *exp_result, *exp_result_code;
	struct dict_object *failed_avp;
	struct dict_object *guss, *transaction_id, *naf_id, *gsid, *key_expiry, *me_key, *uicc_key, *gba_u_aware;
	struct dict_object *creation_time, *guss_timestamp, *gba_type;
	struct dict_object *auth_item, *auth_scheme, *authenticate, *authorization, *ck, *ik, *public_identity;
};

/*! Look all up. \param[out] missing name of what is not there. \returns 0; -ENOENT */
int dia_handles_load(struct dictionary *dict, const char **missing);

/*! \returns the table; only after fd_parser_init() */
const struct dia_handles *dia_handles(void);
