/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "dict/dict_gba.h"

#include <errno.h>
#include <string.h>

#define VENDOR_3GPP 10415

enum gba_avp_type { OCTETS, UTF8, TIME, U32, ENUM, GROUPED };

/* The library's types: the base type on the wire, and the derived type that gives dumps and checks their form. */
static const struct {
	enum dict_avp_basetype base;
	const char *derived; /* NULL: none */
} gba_types[] = {
	[OCTETS] = { AVP_TYPE_OCTETSTRING, NULL }, [UTF8] = { AVP_TYPE_OCTETSTRING, "UTF8String" },
	[TIME] = { AVP_TYPE_OCTETSTRING, "Time" }, [U32] = { AVP_TYPE_UNSIGNED32, NULL },
	[ENUM] = { AVP_TYPE_INTEGER32, NULL },     [GROUPED] = { AVP_TYPE_GROUPED, NULL },
};

#define V                                        AVP_FLAG_VENDOR
#define M                                        AVP_FLAG_MANDATORY
#define TGPP                                     VENDOR_3GPP
#define IETF                                     0
#define AVP(id, code, vendor, name, flags, type) { code, vendor, name, flags, type },
static const struct gba_avp {
	avp_code_t code;
	vendor_id_t vendor;
	const char *name;
	uint8_t flags;
	enum gba_avp_type type;
} gba_avps[] = {
#include "dict/avp_table.h"
};
#undef AVP

/* Command names are global in the library: "Multimedia-Auth-Request" is RFC 4740's 286 in dict_sip. */
static const struct gba_cmd {
	command_code_t code;
	application_id_t app;
	const char *app_name, *request, *answer;
} gba_cmds[] = {
	{ GBA_CMD_MA, GBA_APP_ZH, "3GPP Zh", "3GPP-Zh-Multimedia-Auth-Request", "3GPP-Zh-Multimedia-Auth-Answer" },
	{ GBA_CMD_BI, GBA_APP_ZN, "3GPP Zn", "3GPP-Zn-Boostrapping-Info-Request", "3GPP-Zn-Boostrapping-Info-Answer" },
	{ GBA_CMD_GP, GBA_APP_ZPN, "3GPP Zpn", "3GPP-Zpn-GBAPush-Info-Request", "3GPP-Zpn-GBAPush-Info-Answer" },
};

static int failed(const char *what, int rc)
{
	fd_log(FD_LOG_ERROR, "dictionary of GBA: cannot define %s: %s", what, strerror(rc));
	return rc;
}

static int load_avp(struct dictionary *dict, const struct gba_avp *a)
{
	struct dict_avp_request_ex by_code = { .avp_vendor = { .vendor_id = a->vendor },
					       .avp_data = { .avp_code = a->code } };
	struct dict_avp_data there, data = {
		.avp_code = a->code,
		.avp_vendor = a->vendor,
		.avp_name = (char *)a->name,
		.avp_flag_mask = V | M,
		.avp_flag_val = a->flags,
		.avp_basetype = gba_types[a->type].base,
	};
	struct dict_object *found = NULL, *type = NULL;
	int rc;

	if (a->vendor)
		rc = fd_dict_search(dict, DICT_AVP, AVP_BY_STRUCT, &by_code, &found, 0);
	else
		rc = fd_dict_search(dict, DICT_AVP, AVP_BY_CODE, &a->code, &found, 0);
	if (rc)
		return failed(a->name, rc);
	if (found) { /* of another extension: usable if the octets mean the same; names differ between sources */
		rc = fd_dict_getval(found, &there);
		if (!rc && there.avp_basetype != data.avp_basetype)
			rc = EEXIST;
		return rc ? failed(a->name, rc) : 0;
	}
	if (gba_types[a->type].derived) {
		rc = fd_dict_search(dict, DICT_TYPE, TYPE_BY_NAME, gba_types[a->type].derived, &type, ENOENT);
		if (rc)
			return failed(gba_types[a->type].derived, rc);
	}
	rc = fd_dict_new(dict, DICT_AVP, &data, type, NULL);
	return rc ? failed(a->name, rc) : 0;
}

static int load_command(struct dictionary *dict, struct dict_object *vendor, const struct gba_cmd *c)
{
	struct dict_application_data app = { .application_id = c->app, .application_name = (char *)c->app_name };
	/* No rules for the contents: 29.109 7.3 makes all GAA AVPs optional, and a rule would refuse what others send.
	 * */
	struct dict_cmd_data cmd = {
		.cmd_code = c->code,
		.cmd_name = (char *)c->request,
		.cmd_flag_mask = CMD_FLAG_REQUEST | CMD_FLAG_PROXIABLE,
		.cmd_flag_val = CMD_FLAG_REQUEST | CMD_FLAG_PROXIABLE,
	};
	struct dict_object *app_obj;
	int rc;

	rc = fd_dict_new(dict, DICT_APPLICATION, &app, vendor, &app_obj);
	if (rc)
		return failed(c->app_name, rc);
	rc = fd_dict_new(dict, DICT_COMMAND, &cmd, app_obj, NULL);
	if (rc)
		return failed(c->request, rc);
	cmd.cmd_name = (char *)c->answer;
	cmd.cmd_flag_val = CMD_FLAG_PROXIABLE;
	rc = fd_dict_new(dict, DICT_COMMAND, &cmd, app_obj, NULL);
	return rc ? failed(c->answer, rc) : 0;
}

int dict_gba_load(struct dictionary *dict)
{
	struct dict_vendor_data vendor = { .vendor_id = VENDOR_3GPP, .vendor_name = "3GPP" };
	struct dict_object *vendor_obj = NULL;
	vendor_id_t id = VENDOR_3GPP;
	size_t i;
	int rc;

	rc = fd_dict_search(dict, DICT_VENDOR, VENDOR_BY_ID, &id, &vendor_obj, 0);
	if (!rc && !vendor_obj)
		rc = fd_dict_new(dict, DICT_VENDOR, &vendor, NULL, &vendor_obj);
	if (rc)
		return failed("vendor 3GPP", rc);
	for (i = 0; i < sizeof(gba_avps) / sizeof(gba_avps[0]); i++) {
		rc = load_avp(dict, &gba_avps[i]);
		if (rc)
			return rc;
	}
	for (i = 0; i < sizeof(gba_cmds) / sizeof(gba_cmds[0]); i++) {
		rc = load_command(dict, vendor_obj, &gba_cmds[i]);
		if (rc)
			return rc;
	}
	return 0;
}
