/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/import_beside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>
#include "common/rt/ctl.h"

#define WAIT_S 10

/* \returns 0; -errno and why in err */
static int ask_daemon(struct ctl_client *c, const char *command, struct err *err)
{
	const struct span none = { NULL, 0 };
	char *answer = NULL;
	int rc = ctl_client_ask(c, command, none, &answer, err);

	if (rc == 1)
		rc = err_set(err, -EBUSY, "%s", answer);
	free(answer);
	return rc;
}

static int call(struct import_beside *b, struct err *err)
{
	int rc = ctl_client_open(&b->daemon, b->path, WAIT_S, err);

	return rc < 0 ? rc : ask_daemon(&b->daemon, "import begin", err);
}

static char *socket_of(void)
{
	char *path = ctl_path(NULL), *copy = path ? strdup(path) : NULL;

	talloc_free(path);
	return copy;
}

int import_beside_begin(struct import_beside *b, struct import_options *o, int why_not, struct err *err)
{
	struct err held = *err, why = { "" };
	int rc;

	if (why_not != -EBUSY)
		return -EINVAL;
	if (o->atomic)
		return err_set(err, -EINVAL, "%s; --atomic would keep its vectors waiting: allowed when it is stopped",
			       held.text);
	b->path = socket_of();
	if (!b->path)
		return err_set(err, -EBUSY,
			       "%s; allowed: with a 'control' socket in its configuration, or when it is stopped",
			       held.text);
	rc = call(b, &why);
	if (rc < 0) {
		ctl_client_close(&b->daemon);
		return err_set(err, rc, "%s; its control socket: %s", held.text, why.text);
	}
	o->beside = true;
	return 0;
}

/* If it was started anew meanwhile, it may have read what the import then changed. */
void import_beside_end(struct import_beside *b)
{
	const bool begun = b->daemon.fd >= 0;
	bool told = !begun || ask_daemon(&b->daemon, "import end", NULL) == 0;

	ctl_client_close(&b->daemon);
	if (!told && call(b, NULL) == 0)
		ask_daemon(&b->daemon, "import end", NULL);
	ctl_client_close(&b->daemon);
	free(b->path);
}
