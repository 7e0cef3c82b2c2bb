/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/fault_orders.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <osmocom/vty/vty.h>
#include "common/base/clock.h"
#include "hss-sim/fault_line.h"

static struct zh_server *zh;

void fault_orders_init(struct zh_server *server)
{
	zh = server;
}

/* One that cannot be read because the database cannot is not called unknown. */
static int is_known(void *owner, const char *impi)
{
	struct subscriber *s;

	return subscriber_cache_get(zh->cache, impi, &s) == -ENOENT ? -ENOENT : 0;
}

int fault_orders_scenario(struct span text, struct err *err)
{
	struct faults *next;
	int rc;

	if (!zh)
		return err_set(err, -ENOTCONN, "the daemon does not serve yet");
	next = malloc(sizeof(*next));
	if (!next)
		return err_set(err, -ENOMEM, "no memory");
	rc = fault_scenario_read(next, text, clock_mono_ms(), is_known, NULL, err);
	if (rc == 0) {
		memcpy(next->done, zh->faults->done, sizeof(next->done));
		*zh->faults = *next;
	}
	free(next);
	return rc;
}

json_t *fault_orders_done(void)
{
	json_t *done = json_object();

	for (int k = 0; zh && k < FAULT_KINDS; k++)
		if (zh->faults->done[k])
			json_object_set_new(done, fault_about((enum fault_kind)k)->name,
					    json_integer((json_int_t)zh->faults->done[k]));
	return done;
}

void fault_orders_say_done(struct vty *vty)
{
	for (int k = 0; zh && k < FAULT_KINDS; k++)
		if (zh->faults->done[k])
			vty_out(vty, "done: %s %" PRIu64 "%s", fault_about((enum fault_kind)k)->name,
				zh->faults->done[k], VTY_NEWLINE);
}

static json_t *describe(const struct fault *f, uint64_t now_ms)
{
	char buf[16];
	const char *value = fault_value_text(f, buf);
	json_t *o = json_pack("{ssss}", "subscriber", f->who, "behaviour", fault_about(f->kind)->name);

	if (*value)
		json_object_set_new(o, "value", json_string(value));
	if (f->times)
		json_object_set_new(o, "times", json_integer(f->times));
	if (f->seconds)
		json_object_set_new(o, "seconds", json_integer(fault_seconds_left(f, now_ms)));
	json_object_set_new(o, "waits", json_boolean(!f->begun));
	return o;
}

static json_t *all_there(void)
{
	const uint64_t now_ms = clock_mono_ms();
	json_t *list = json_array();

	fault_expire(zh->faults, now_ms);
	for (size_t i = 0; i < zh->faults->n; i++)
		json_array_append_new(list, describe(&zh->faults->f[i], now_ms));
	return list;
}

void fault_order_list(struct ctl_request *q)
{
	ctl_ok(q, json_pack("{soso}", "faults", all_there(), "done", fault_orders_done()));
}

void fault_order_set(struct ctl_request *q)
{
	const char *words[FAULT_WORDS_MAX];
	struct err why = { "" };
	struct fault f;
	size_t n = 0;

	while (n < FAULT_WORDS_MAX && ctl_arg(q, n + 1)) {
		words[n] = ctl_arg(q, n + 1);
		n++;
	}
	if (fault_words_read(&f, ctl_arg(q, 0), words, n, &why) < 0)
		ctl_fail(q, CTL_INVALID, "%s", why.text);
	else if (fault_set(zh->faults, &f, clock_mono_ms()) < 0)
		ctl_fail(q, CTL_INVALID, "more than %d behaviours", FAULTS_MAX);
	else
		ctl_ok(q, NULL);
}

void fault_order_clear(struct ctl_request *q)
{
	ctl_ok(q, json_pack("{si}", "removed", (int)fault_clear(zh->faults, ctl_arg(q, 0))));
}

void fault_order_scenario(struct ctl_request *q)
{
	struct err why = { "" };

	if (fault_orders_scenario(ctl_document(q), &why) < 0)
		ctl_fail(q, CTL_INVALID, "%s", why.text);
	else
		ctl_ok(q, json_pack("{si}", "lines", (int)zh->faults->n));
}
