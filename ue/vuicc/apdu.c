/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/vuicc/apdu.h"

#define HEAD 4

/* 102.221 10.1.1: 0X interindustry, 8X of the UICC, each with channel and secure messaging; 4X and CX channels 4 to 19. */
static enum apdu_sw class_check(uint8_t cla)
{
	if (cla == 0xff || (cla & 0x30))
		return SW_CLASS;
	if (cla & 0x40)
		return SW_NO_CHANNEL;
	return cla & 0x0c ? SW_NO_SECURE : SW_OK;
}

enum apdu_sw apdu_parse(struct apdu *out, const uint8_t *buf, size_t len)
{
	enum apdu_sw sw;
	size_t lc;

	if (len < HEAD || len > APDU_MAX)
		return SW_LENGTH;
	lc = len > HEAD + 1 ? buf[HEAD] : 0;
	/* case 1: head; 2: Le; 3: Lc, data; 4: Lc, data, Le */
	if (len > HEAD + 1 && (lc == 0 || (len != HEAD + 1 + lc && len != HEAD + 2 + lc)))
		return SW_LENGTH;
	sw = class_check(buf[0]);
	if (sw != SW_OK)
		return sw;
	*out = (struct apdu){
		.cla = buf[0] & 0xf0,
		.ins = buf[1],
		.p1 = buf[2],
		.p2 = buf[3],
		.channel = buf[0] & 3,
		.data = span_of(buf + HEAD + (lc ? 1 : 0), lc),
	};
	if (len == HEAD + 1 || (lc && len == HEAD + 2 + lc))
		out->le = buf[len - 1] ? buf[len - 1] : 256;
	return SW_OK;
}
