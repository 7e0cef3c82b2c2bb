/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Subscribers and GUSSs from files, for who sits at the VTY: the orders of the control socket. Live. */
#include <errno.h>
#include <stdlib.h>
#include "common/base/secret.h"
#include "hss-sim/hss_vty.h"
#include "hss-sim/hss_vty_in.h"
#include "hss-sim/import_file.h"
#include "hss-sim/subscriber_orders.h"

static struct provision *provision;

void hss_vty_provision_attach(struct provision *p)
{
	provision = p;
}

int hss_vty_file(struct import_content *out, const char *path, size_t max, struct err *err)
{
	if (path[0] != '/')
		return err_set(err, -EINVAL, "%s; allowed: a path from the root, /...", path);
	return import_file_read(out, path, max, err);
}

static int say_wrong(struct vty *vty, const struct err *why)
{
	vty_out(vty, "%% %s%s", why->text, VTY_NEWLINE);
	return CMD_WARNING;
}

static int order(struct vty *vty, const struct provision_ask *ask)
{
	struct err why = { "the daemon does not serve yet" };
	json_t *answer = NULL, *v;
	const char *name;
	char *text;

	if (!provision || provision_wait(provision, ask, &answer, &why) < 0)
		return say_wrong(vty, &why);
	json_object_foreach(answer, name, v)
	{
		text = json_dumps(v, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
		vty_out(vty, "%s %s%s", name, text ? text : "?", VTY_NEWLINE);
		free(text);
	}
	json_decref(answer);
	return CMD_SUCCESS;
}

static int order_file(struct vty *vty, int (*work)(struct provision_order *o, struct subscriber_db *db),
		      const char *impi, const char *path, size_t max)
{
	struct import_content text = { 0 };
	struct err why = { "" };
	int rc;

	if (hss_vty_file(&text, path, max, &why) < 0)
		return say_wrong(vty, &why);
	rc = order(vty, &(struct provision_ask){
				.work = work, .whose = impi, .impi = impi, .document = span_of(text.p, text.len) });
	OPENSSL_cleanse(text.p, text.len); /* may hold keys */
	free(text.p);
	return rc;
}

#define SUBSCRIBER_STR "Subscribers, while the daemon serves\n"
#define FILE_STR       "A path from the root\n"

DEFUN(subscriber_add, subscriber_add_cmd, "subscriber add FILE",
      SUBSCRIBER_STR "Put in those who are not there, from a CSV or JSON\n" FILE_STR)
{
	return order_file(vty, subscriber_order_add, NULL, argv[0], SUBSCRIBER_CSV_MAX);
}

DEFUN(subscriber_change, subscriber_change_cmd, "subscriber change FILE",
      SUBSCRIBER_STR "Other values for those who are there, from a CSV or JSON\n" FILE_STR)
{
	return order_file(vty, subscriber_order_change, NULL, argv[0], SUBSCRIBER_CSV_MAX);
}

static int is_impi(struct vty *vty, const char *text)
{
	struct impi impi;
	struct err why;

	if (impi_parse(&impi, (const uint8_t *)text, strlen(text)) == 0)
		return CMD_SUCCESS;
	err_set(&why, -EINVAL, "'%.100s' is no private identity; allowed: user@domain", text);
	return say_wrong(vty, &why);
}

DEFUN(subscriber_delete, subscriber_delete_cmd, "subscriber delete IMPI",
      SUBSCRIBER_STR "Take one out, GUSS and counter, too\nPrivate identity\n")
{
	if (is_impi(vty, argv[0]) != CMD_SUCCESS)
		return CMD_WARNING;
	return order(vty,
		     &(struct provision_ask){ .work = subscriber_order_delete, .whose = argv[0], .impi = argv[0] });
}

#define GUSS_STR "A GUSS, while the daemon serves\n"

DEFUN(guss_put, guss_put_cmd, "guss IMPI FILE", GUSS_STR "Private identity\nXML or JSON; a path from the root\n")
{
	if (is_impi(vty, argv[0]) != CMD_SUCCESS)
		return CMD_WARNING;
	return order_file(vty, guss_order_put, argv[0], argv[1], SUBSCRIBER_GUSS_MAX);
}

DEFUN(guss_table, guss_table_cmd, "guss csv FILE", GUSS_STR "Those of many, one line a USS\n" FILE_STR)
{
	return order_file(vty, guss_order_csv, NULL, argv[0], SUBSCRIBER_CSV_MAX);
}

DEFUN(no_guss, no_guss_cmd, "no guss IMPI", NO_STR GUSS_STR "Private identity\n")
{
	if (is_impi(vty, argv[0]) != CMD_SUCCESS)
		return CMD_WARNING;
	return order(vty, &(struct provision_ask){ .work = guss_order_put, .whose = argv[0], .impi = argv[0] });
}

void hss_vty_provision_init(void)
{
	install_element(ENABLE_NODE, &subscriber_add_cmd);
	install_element(ENABLE_NODE, &subscriber_change_cmd);
	install_element(ENABLE_NODE, &subscriber_delete_cmd);
	install_element(ENABLE_NODE, &guss_put_cmd);
	install_element(ENABLE_NODE, &guss_table_cmd);
	install_element(ENABLE_NODE, &no_guss_cmd);
}
