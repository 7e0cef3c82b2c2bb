/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The value of a behaviour, as people write it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/gba/btid.h"
#include "common/gba/zh_msg.h"
#include "hss-sim/fault.h"
#include "hss-sim/fault_act.h"

static int value_number(struct fault *f, const struct fault_about *a, const char *text, struct err *err)
{
	size_t n = strspn(text, "0123456789");
	unsigned long v = strtoul(text, NULL, 10);

	if (!n || n > 10 || text[n] || v < a->min || v > a->max)
		return err_set(err, -EINVAL, "%s '%.40s'; allowed: %" PRIu32 " to %" PRIu32, a->name, text, a->min,
			       a->max);
	f->value = (uint32_t)v;
	return 0;
}

static int value_word(struct fault *f, const struct fault_about *a, const char *text, struct err *err)
{
	char allowed[256] = "";
	size_t n = 0;

	for (uint32_t i = 0; a->words[i]; i++) {
		if (strcmp(a->words[i], text) == 0) {
			f->value = i;
			return 0;
		}
		if (n < sizeof(allowed))
			n += (size_t)snprintf(allowed + n, sizeof(allowed) - n, "%s%s", n ? ", " : "", a->words[i]);
	}
	return err_set(err, -EINVAL, "%s '%.40s'; allowed: %s", a->name, text, allowed);
}

static int value_hosts(struct fault *f, const struct fault_about *a, const char *text, struct err *err)
{
	unsigned n = 0, max = a->value == FAULT_VALUE_HOST ? 1 : ZH_REDIRECT_HOSTS;
	const char *at = text;
	bool good;

	for (;;) {
		size_t len = strcspn(at, ",");

		good = fqdn_valid(span_of(at, len), ZH_HOST_MAX) && ++n <= max;
		if (!good || !at[len])
			break;
		at += len + 1;
	}
	if (!good || strlen(text) > FAULT_TEXT_MAX)
		return err_set(err, -EINVAL, "%s '%.100s'; allowed: %s", a->name, text,
			       max == 1 ? "a DNS name" : "up to four DNS names, commas between them");
	strcpy(f->text, text);
	return 0;
}

int fault_value_set(struct fault *f, const char *text, struct err *err)
{
	const struct fault_about *a = fault_about(f->kind);

	if (!text && a->value != FAULT_VALUE_NONE)
		return err_set(err, -EINVAL, "%s lacks its value: %s", a->name,
			       a->value == FAULT_VALUE_WORD ? "which of its words" : a->value_help);
	switch (a->value) {
	case FAULT_VALUE_NUMBER:
		return value_number(f, a, text, err);
	case FAULT_VALUE_WORD:
		return value_word(f, a, text, err);
	case FAULT_VALUE_HOST:
	case FAULT_VALUE_HOSTS:
		return value_hosts(f, a, text, err);
	default:
		return 0;
	}
}

const char *fault_value_text(const struct fault *f, char buf[16])
{
	const struct fault_about *a = fault_about(f->kind);

	switch (a->value) {
	case FAULT_VALUE_NUMBER:
		snprintf(buf, 16, "%" PRIu32, f->value);
		return buf;
	case FAULT_VALUE_WORD:
		return a->words[f->value];
	case FAULT_VALUE_HOST:
	case FAULT_VALUE_HOSTS:
		return f->text;
	default:
		return "";
	}
}
