/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* "show kek" and "kek rotate", at the VTY and on the control socket. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>
#include "common/rt/ctl.h"
#include "common/rt/kek_job.h"

static int show_rotation(struct vty *vty)
{
	json_t *o = kek_job_json();
	char *text = json_dumps(o, JSON_INDENT(1) | JSON_PRESERVE_ORDER);

	for (char *line = text ? strtok(text, "\n") : NULL; line; line = strtok(NULL, "\n"))
		vty_out(vty, "%s%s", line, VTY_NEWLINE);
	free(text);
	json_decref(o);
	return CMD_SUCCESS;
}

DEFUN(show_kek, show_kek_cmd, "show kek",
      SHOW_STR "Keys that seal and open what is stored, how far a rotation is, and which may go\n")
{
	return show_rotation(vty);
}

DEFUN(kek_rotate, kek_rotate_cmd, "kek rotate",
      "Keys that seal and open what is stored\n"
      "Seal all that is stored anew by the first key; show kek says when the others may go\n")
{
	int rc = kek_job_begin();

	if (rc == 0)
		return show_rotation(vty);
	vty_out(vty, "%% %s%s", kek_job_words(rc), VTY_NEWLINE);
	return CMD_WARNING;
}

void kek_vty_init(void)
{
	install_element_ve(&show_kek_cmd);
	install_element(ENABLE_NODE, &kek_rotate_cmd);
}

void kek_ctl_show(struct ctl_request *q)
{
	ctl_ok(q, kek_job_json());
}

void kek_ctl_rotate(struct ctl_request *q)
{
	int rc = kek_job_begin();

	if (rc < 0)
		ctl_fail(q, rc == -EBUSY ? CTL_BUSY : CTL_FAILED, "%s", kek_job_words(rc));
	else
		kek_ctl_show(q);
}
