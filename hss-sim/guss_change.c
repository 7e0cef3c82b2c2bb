/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/guss_change.h"

#include <errno.h>
#include <stdlib.h>
#include "common/gba/guss.h"
#include "common/gba/zh_msg.h"

#define AHEAD_MAX_S 86400 /* how far a document's own timestamp may lie in the future */

int guss_change_read(struct guss_coming *out, struct span xml, const char *impi, time_t now, struct err *err)
{
	struct guss *g;
	int rc;

	*out = (struct guss_coming){ .xml = xml };
	rc = guss_edit_read(&g, xml, impi, out->remarks, err);
	if (rc < 0)
		return rc;
	out->has_timestamp = g->has_timestamp;
	out->timestamp = g->timestamp;
	out->has_id = g->id != NULL;
	guss_free(g);
	if (out->has_timestamp && out->timestamp > now + AHEAD_MAX_S)
		return err_set(err, -EBADMSG, "its timestamp lies in the future; allowed: up to a day, or none");
	return 0;
}

/* Nothing but the timestamp is another one? */
static bool is_same(struct span a, struct span b)
{
	char *x = NULL, *y = NULL;
	size_t x_len = 0, y_len = 0;
	bool same;

	if (!a.len || !b.len || span_eq(a, b))
		return a.len == b.len;
	same = guss_edit_stamp(&x, &x_len, a, 0) == 0 && guss_edit_stamp(&y, &y_len, b, 0) == 0 &&
	       span_eq(span_of(x, x_len), span_of(y, y_len));
	free(x);
	free(y);
	return same;
}

/* The document's own, if it is later than what there was; else now, or a second later than that. */
static time_t next_timestamp(const struct guss_kept *there, const struct guss_coming *coming, time_t now)
{
	if (coming->has_timestamp && (!there->has_timestamp || coming->timestamp > there->timestamp))
		return coming->timestamp;
	return there->has_timestamp && there->timestamp >= now ? there->timestamp + 1 : now;
}

int guss_change(struct guss_kept *out, char **made, const struct guss_kept *there, const struct guss_coming *coming,
		int64_t now_ms)
{
	size_t len = 0;
	int rc = 0;

	*made = NULL;
	*out = *there;
	if (is_same(coming->xml, there->xml))
		return 0;
	out->has_timestamp = true;
	out->timestamp = next_timestamp(there, coming, (time_t)(now_ms / 1000));
	out->changed_ms = now_ms > there->changed_ms ? now_ms : there->changed_ms + 1;
	if (coming->xml.len)
		rc = guss_edit_stamp(made, &len, coming->xml, out->timestamp);
	if (rc == 0 && len > ZH_GUSS_CARRIED) {
		free(*made);
		*made = NULL;
		rc = -E2BIG;
	}
	out->xml = span_of(*made, len);
	return rc < 0 ? rc : 1;
}
