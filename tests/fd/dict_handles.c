/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "tests/fd/dict_handles.h"

#include <errno.h>
#include <stddef.h>
#include "common/gba/result.h"
#include "dict/dict_gba.h"

static struct dia_handles handles;

#define AVPS(field, code, vendor) \
	{ \
		offsetof(struct dia_handles, field), code, vendor, #field \
	}
static const struct {
	size_t offset;
	uint32_t code, vendor;
	const char *field;
} avps[] = {
	AVPS(session_id, 263, 0),
	AVPS(vsai, 260, 0),
	AVPS(vendor_id, 266, 0),
	AVPS(auth_app_id, 258, 0),
	AVPS(auth_session_state, 277, 0),
	AVPS(origin_host, 264, 0),
	AVPS(origin_realm, 296, 0),
	AVPS(dest_host, 293, 0),
	AVPS(dest_realm, 283, 0),
	AVPS(user_name, 1, 0),
	AVPS(result_code, 268, 0),
	AVPS(exp_result, 297, 0),
	AVPS(exp_result_code, 298, 0),
	AVPS(failed_avp, 279, 0),
	AVPS(guss, 400, RESULT_VENDOR_3GPP),
	AVPS(transaction_id, 401, RESULT_VENDOR_3GPP),
	AVPS(naf_id, 402, RESULT_VENDOR_3GPP),
	AVPS(gsid, 403, RESULT_VENDOR_3GPP),
	AVPS(key_expiry, 404, RESULT_VENDOR_3GPP),
	AVPS(me_key, 405, RESULT_VENDOR_3GPP),
	AVPS(uicc_key, 406, RESULT_VENDOR_3GPP),
	AVPS(gba_u_aware, 407, RESULT_VENDOR_3GPP),
	AVPS(creation_time, 408, RESULT_VENDOR_3GPP),
	AVPS(guss_timestamp, 409, RESULT_VENDOR_3GPP),
	AVPS(gba_type, 410, RESULT_VENDOR_3GPP),
	AVPS(public_identity, 601, RESULT_VENDOR_3GPP),
	AVPS(auth_scheme, 608, RESULT_VENDOR_3GPP),
	AVPS(authenticate, 609, RESULT_VENDOR_3GPP),
	AVPS(authorization, 610, RESULT_VENDOR_3GPP),
	AVPS(auth_item, 612, RESULT_VENDOR_3GPP),
	AVPS(ck, 625, RESULT_VENDOR_3GPP),
	AVPS(ik, 626, RESULT_VENDOR_3GPP),
};

static int avp_lookup(struct dictionary *dict, uint32_t code, uint32_t vendor, struct dict_object **out)
{
	struct dict_avp_request_ex by_code = { .avp_vendor = { .vendor_id = vendor },
					       .avp_data = { .avp_code = code } };

	if (vendor)
		return fd_dict_search(dict, DICT_AVP, AVP_BY_STRUCT, &by_code, out, ENOENT);
	return fd_dict_search(dict, DICT_AVP, AVP_BY_CODE, &code, out, ENOENT);
}

int dia_handles_load(struct dictionary *dict, const char **missing)
{
	static const vendor_id_t vendor = RESULT_VENDOR_3GPP;
	static const application_id_t zn = GBA_APP_ZN, zh = GBA_APP_ZH, zpn = GBA_APP_ZPN;
	static const command_code_t ma = GBA_CMD_MA, bi = GBA_CMD_BI;
	const struct {
		enum dict_object_type type;
		int by;
		const void *what;
		struct dict_object **out;
		const char *name;
	} others[] = {
		{ DICT_VENDOR, VENDOR_BY_ID, &vendor, &handles.vendor, "vendor 3GPP" },
		{ DICT_APPLICATION, APPLICATION_BY_ID, &zn, &handles.zn_app, "application Zn" },
		{ DICT_APPLICATION, APPLICATION_BY_ID, &zh, &handles.zh_app, "application Zh" },
		{ DICT_APPLICATION, APPLICATION_BY_ID, &zpn, &handles.zpn_app, "application Zpn" },
		{ DICT_COMMAND, CMD_BY_CODE_R, &ma, &handles.mar, "MAR" },
		{ DICT_COMMAND, CMD_BY_CODE_A, &ma, &handles.maa, "MAA" },
		{ DICT_COMMAND, CMD_BY_CODE_R, &bi, &handles.bir, "BIR" },
		{ DICT_COMMAND, CMD_BY_CODE_A, &bi, &handles.bia, "BIA" },
	};
	size_t i;

	for (i = 0; i < sizeof(avps) / sizeof(avps[0]); i++) {
		struct dict_object **out = (struct dict_object **)((char *)&handles + avps[i].offset);

		*missing = avps[i].field;
		if (avp_lookup(dict, avps[i].code, avps[i].vendor, out))
			return -ENOENT;
	}
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		*missing = others[i].name;
		if (fd_dict_search(dict, others[i].type, others[i].by, others[i].what, others[i].out, ENOENT))
			return -ENOENT;
	}
	return 0;
}

const struct dia_handles *dia_handles(void)
{
	return &handles;
}
