/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The dictionary against tests/vectors/gba-avps.csv, alone and beside what other extensions define. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dict/dict_gba.h"
#include <freeDiameter/libfdcore.h>
#include "tests/unit/suite.h"

#define VENDOR 10415

static void silent(int level, const char *format, va_list args)
{
}

static void setup(void)
{
	ck_assert_int_eq(fd_log_handler_register(silent), 0);
	ck_assert_int_eq(fd_core_initialize(), 0);
}

static struct dict_object *find(uint32_t code, uint32_t vendor)
{
	struct dict_avp_request_ex by = { .avp_vendor = { .vendor_id = vendor }, .avp_data = { .avp_code = code } };
	struct dict_object *o = NULL;

	if (vendor)
		ck_assert_int_eq(fd_dict_search(fd_g_config->cnf_dict, DICT_AVP, AVP_BY_STRUCT, &by, &o, 0), 0);
	else
		ck_assert_int_eq(fd_dict_search(fd_g_config->cnf_dict, DICT_AVP, AVP_BY_CODE, &code, &o, 0), 0);
	return o;
}

static enum dict_avp_basetype base_of(const char *type)
{
	if (!strcmp(type, "Grouped"))
		return AVP_TYPE_GROUPED;
	if (!strcmp(type, "Unsigned32"))
		return AVP_TYPE_UNSIGNED32;
	return strcmp(type, "Enumerated") ? AVP_TYPE_OCTETSTRING : AVP_TYPE_INTEGER32;
}

static void check_row(char *line)
{
	char *name = strsep(&line, ","), *code = strsep(&line, ","), *vendor = strsep(&line, ","),
	     *type = strsep(&line, ",");
	char *flags = line;
	bool quoted = *flags == '"', m = quoted || *flags == 'M';
	struct dict_object *o = find((uint32_t)atoi(code), (uint32_t)atoi(vendor));
	struct dict_avp_data data;

	ck_assert_msg(o != NULL, "%s is not there", name);
	ck_assert_int_eq(fd_dict_getval(o, &data), 0);
	ck_assert_msg(data.avp_basetype == base_of(type), "type of %s", name);
	ck_assert_msg(!strcmp(data.avp_name, name), "%s is called %s", name, data.avp_name);
	ck_assert_msg(!!(data.avp_flag_val & AVP_FLAG_MANDATORY) == m, "M of %s", name);
	ck_assert_msg(!!(data.avp_flag_val & AVP_FLAG_VENDOR) == (atoi(vendor) != 0), "V of %s", name);
}

START_TEST(table_is_the_specification)
{
	const char *src = getenv("srcdir");
	char path[512], line[512];
	unsigned rows = 0;
	FILE *f;

	ck_assert_int_eq(dict_gba_load(fd_g_config->cnf_dict), 0);
	snprintf(path, sizeof(path), "%s/tests/vectors/gba-avps.csv", src ? src : ".");
	f = fopen(path, "r");
	ck_assert_msg(f != NULL, "%s", path);
	ck_assert(fgets(line, sizeof(line), f) != NULL); /* heads of the columns */
	for (; fgets(line, sizeof(line), f); rows++)
		check_row(line);
	fclose(f);
	ck_assert_uint_gt(rows, 50);
}
END_TEST

START_TEST(commands_and_applications)
{
	static const struct {
		application_id_t app;
		command_code_t cmd;
	} want[] = { { 16777221, 303 }, { 16777220, 310 }, { 16777268, 312 } };
	struct dict_object *o;
	size_t i;

	ck_assert_int_eq(dict_gba_load(fd_g_config->cnf_dict), 0);
	for (i = 0; i < 3; i++) {
		struct dictionary *d = fd_g_config->cnf_dict;

		ck_assert_int_eq(fd_dict_search(d, DICT_APPLICATION, APPLICATION_BY_ID, &want[i].app, &o, ENOENT), 0);
		ck_assert_int_eq(fd_dict_search(d, DICT_COMMAND, CMD_BY_CODE_R, &want[i].cmd, &o, ENOENT), 0);
		ck_assert_int_eq(fd_dict_search(d, DICT_COMMAND, CMD_BY_CODE_A, &want[i].cmd, &o, ENOENT), 0);
	}
}
END_TEST

static void define_vendor(vendor_id_t id)
{
	struct dict_vendor_data v = { .vendor_id = id, .vendor_name = "3GPP" };
	struct dict_object *known = NULL;

	if (fd_dict_search(fd_g_config->cnf_dict, DICT_VENDOR, VENDOR_BY_ID, &id, &known,
			   ENOENT)) /* a second one would leak */
		ck_assert_int_eq(fd_dict_new(fd_g_config->cnf_dict, DICT_VENDOR, &v, NULL, NULL), 0);
}

static void define_avp(uint32_t code, uint32_t vendor, const char *name, enum dict_avp_basetype type)
{
	struct dict_avp_data a = { .avp_code = code,
				   .avp_vendor = vendor,
				   .avp_name = (char *)name,
				   .avp_flag_mask = AVP_FLAG_VENDOR | AVP_FLAG_MANDATORY,
				   .avp_flag_val = AVP_FLAG_MANDATORY,
				   .avp_basetype = type };

	if (vendor)
		a.avp_flag_val |= AVP_FLAG_VENDOR;
	define_vendor(VENDOR);
	ck_assert_int_eq(fd_dict_new(fd_g_config->cnf_dict, DICT_AVP, &a, NULL, NULL), 0);
}

START_TEST(beside_dict_sip_and_dcca_3gpp)
{
	struct dict_cmd_data c = { .cmd_code = 286,
				   .cmd_name = "Multimedia-Auth-Request",
				   .cmd_flag_mask = CMD_FLAG_REQUEST,
				   .cmd_flag_val = CMD_FLAG_REQUEST };

	ck_assert_int_eq(fd_dict_new(fd_g_config->cnf_dict, DICT_COMMAND, &c, NULL, NULL), 0); /* of RFC 4740 */
	define_avp(104, 0, "Digest-Realm", AVP_TYPE_OCTETSTRING);
	define_avp(612, VENDOR, "SIP-Auth-Data-Item", AVP_TYPE_GROUPED);
	define_avp(609, VENDOR, "SIP-Authenticate-by-another-name", AVP_TYPE_OCTETSTRING);
	ck_assert_int_eq(dict_gba_load(fd_g_config->cnf_dict), 0);
}
END_TEST

START_TEST(other_content_is_refused)
{
	define_avp(405, VENDOR, "Something-Else", AVP_TYPE_UNSIGNED32);
	ck_assert_int_eq(dict_gba_load(fd_g_config->cnf_dict), EEXIST);
}
END_TEST

SUITE_WITH_FIXTURE("dict_gba", setup, NULL, table_is_the_specification, commands_and_applications,
		   beside_dict_sip_and_dcca_3gpp, other_content_is_refused)
