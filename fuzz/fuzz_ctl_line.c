/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A line of whoever may connect. */
#include <stdlib.h>
#include <string.h>
#include "common/base/bytes.h"
#include "common/rt/ctl_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char line[CTL_LINE_MAX];
	struct ctl_line l;

	if (span_to_str(line, sizeof(line), span_of(data, size)) < 0 || ctl_line_parse(&l, line, NULL) < 0)
		return 0;
	if (!l.n || l.n > CTL_WORDS_MAX || l.octets > CTL_DOCUMENT_MAX || (l.octets && !l.has_document))
		abort();
	/* words lie in the line, and nothing in them could forge a log line or an answer */
	for (size_t i = 0; i < l.n; i++) {
		if (l.word[i] < line || l.word[i] + strlen(l.word[i]) > line + size || !*l.word[i])
			abort();
		for (const char *p = l.word[i]; *p; p++) {
			if (*p < '!' || *p > '~')
				abort();
		}
	}
	return 0;
}
