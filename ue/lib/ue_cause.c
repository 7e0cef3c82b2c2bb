/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/lib/ue_cause.h"

#include <string.h>

static const struct {
	const char *name;
	enum ue_exit exit;
} ue_causes[] = {
#define UE_CAUSE_ROW(name, code) { #name, code },
	UE_CAUSES(UE_CAUSE_ROW)
#undef UE_CAUSE_ROW
};

const char *ue_cause_name(enum ue_cause c)
{
	return ue_causes[c].name;
}

enum ue_exit ue_cause_exit(enum ue_cause c)
{
	return ue_causes[c].exit;
}

enum ue_cause ue_cause_of_status(long status)
{
	if (status == 503 || status == 429)
		return UE_CAUSE_busy;
	return status >= 500 ? UE_CAUSE_server_error : UE_CAUSE_refused;
}

enum ue_cause ue_cause_named(const char *name)
{
	for (int i = 0; i < UE_CAUSE_COUNT; i++) {
		if (strcmp(ue_causes[i].name, name) == 0)
			return (enum ue_cause)i;
	}
	return UE_CAUSE_local;
}
