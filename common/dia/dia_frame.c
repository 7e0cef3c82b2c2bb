/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/dia_frame.h"

/* What is wrong with a header, 0: nothing. Of another version not even the place of the length is known; but then 5011 says
 * more than 5015, if it looks like one of ours (RFC 6733 7.1.5). */
static uint32_t header_fault(const struct dia_hdr *h, size_t limit)
{
	bool believable = h->len >= DIA_HDR_LEN && h->len % 4 == 0 && h->len <= limit;

	if (!believable)
		return DIA_INVALID_MESSAGE_LENGTH;
	return h->version == DIA_VERSION ? 0 : DIA_UNSUPPORTED_VERSION;
}

void dia_frame(struct dia_frame *out, const uint8_t *p, size_t len, size_t limit)
{
	struct dia_hdr h;

	*out = (struct dia_frame){ .is = DIA_FRAME_MORE, .need = DIA_HDR_LEN };
	if (len < DIA_HDR_LEN)
		return;
	dia_wire_hdr(&h, p);
	out->fault.code = header_fault(&h, limit);
	if (out->fault.code) {
		out->is = DIA_FRAME_BAD;
		out->answerable =
			h.flags & DIA_CMD_R && (h.version == DIA_VERSION || out->fault.code == DIA_UNSUPPORTED_VERSION);
		return;
	}
	out->need = h.len;
	if (len < h.len)
		return;
	out->is = DIA_FRAME_WHOLE;
	out->len = h.len;
}
