/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/dia_guard.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include "common/base/bytes.h"
#include "dict/dict_gba.h"

#define MSG_HDR      20
#define AVP_HDR      8
#define AVP_HDR_V    12
#define DEPTH_MAX    16
#define RESULT_LEN   12 /* of the whole AVP */
#define VENDOR_3GPP  10415
#define NO_CHARACTER 0xff /* of UTF-8 */

#define CMD_CAPABILITIES 257
#define CMD_WATCHDOG     280
#define CMD_DISCONNECT   282

enum {
	USER_NAME = 1,
	SESSION_ID = 263,
	RESULT_CODE = 268,
	VSAI = 260,
	VENDOR_ID = 266,
	AUTH_APP_ID = 258,
	ACCT_APP_ID = 259,
	PROXY_INFO = 284,
	PROXY_HOST = 280,
	PROXY_STATE = 33
};

struct avp_raw {
	uint32_t code, vendor;
	bool has_vendor;
	const uint8_t *data;
	size_t data_len;
	size_t size; /* with padding, as far as it is there: the last AVP may come without */
};

static size_t be24(const uint8_t *p)
{
	return (size_t)p[0] << 16 | (size_t)p[1] << 8 | p[2];
}

static int avp_read(struct avp_raw *a, const uint8_t *p, size_t left)
{
	size_t hdr, len;

	if (left < AVP_HDR)
		return -EBADMSG;
	a->code = be32_get(p);
	a->has_vendor = p[4] & AVP_FLAG_VENDOR;
	len = be24(p + 5);
	hdr = a->has_vendor ? AVP_HDR_V : AVP_HDR;
	if (len < hdr || len > left)
		return -EBADMSG;
	a->vendor = a->has_vendor ? be32_get(p + AVP_HDR) : 0;
	if (a->has_vendor &&
	    !a->vendor) /* the library then takes it for the AVP without V, whose value it never read */
		return -EBADMSG;
	a->data = p + hdr;
	a->data_len = len - hdr;
	a->size = (len + 3) & ~(size_t)3;
	if (a->size > left)
		a->size = left;
	return 0;
}

/* Those the library looks into; what it does not know it does not open. */
static bool is_grouped(const struct avp_raw *a)
{
	static const struct {
		uint32_t code, vendor;
	} grouped[] = {
		{ VSAI, 0 }, { 279, 0 }, { 284, 0 }, { 297, 0 }, { 612, VENDOR_3GPP }, { 635, VENDOR_3GPP },
	};
	size_t i;

	for (i = 0; i < sizeof(grouped) / sizeof(grouped[0]); i++)
		if (grouped[i].code == a->code && grouped[i].vendor == a->vendor)
			return true;
	return false;
}

/* The library copies each Proxy-Info into whatever it answers, and ends the node if one holds what it cannot read. */
static int check_proxy_info(const struct avp_raw *group)
{
	struct avp_raw a;
	size_t at;

	for (at = 0; at < group->data_len; at += a.size)
		if (avp_read(&a, group->data + at, group->data_len - at) || a.has_vendor ||
		    (a.code != PROXY_HOST && a.code != PROXY_STATE))
			return -EBADMSG;
	return 0;
}

static int check_level(const uint8_t *p, size_t left, unsigned depth)
{
	struct avp_raw a;
	int rc;

	if (depth > DEPTH_MAX)
		return -EBADMSG;
	for (; left; p += a.size, left -= a.size) {
		rc = avp_read(&a, p, left);
		if (!rc && is_grouped(&a))
			rc = check_level(a.data, a.data_len, depth + 1);
		if (!rc && a.code == PROXY_INFO && !a.has_vendor)
			rc = check_proxy_info(&a);
		if (rc)
			return rc;
	}
	return 0;
}

/* Of checked octets: the first one of this code without vendor. \returns offset, or len: none */
static size_t dia_guard_find(const uint8_t *buf, size_t len, uint32_t code, struct avp_raw *a, size_t from)
{
	size_t at;

	for (at = from; at < len; at += a->size) {
		if (avp_read(a, buf + at, len - at))
			return len;
		if (a->code == code && !a->has_vendor)
			return at;
	}
	return len;
}

static int check_capabilities(const uint8_t *buf, size_t len)
{
	struct avp_raw group, a;
	size_t at, in;

	for (at = dia_guard_find(buf, len, VSAI, &group, MSG_HDR); at < len;
	     at = dia_guard_find(buf, len, VSAI, &group, at + group.size)) {
		for (in = 0; in < group.data_len; in += a.size) {
			if (avp_read(&a, group.data + in, group.data_len - in))
				return -EBADMSG;
			if (!a.has_vendor && a.code != VENDOR_ID && a.code != AUTH_APP_ID && a.code != ACCT_APP_ID)
				return -EBADMSG;
		}
	}
	return 0;
}

/* To the front, but behind a Session-Id, which the grammar of an error answer wants first. */
static int settle_result(uint8_t *buf, size_t len)
{
	uint8_t first[RESULT_LEN];
	size_t at, to = MSG_HDR;
	struct avp_raw a;

	for (at = dia_guard_find(buf, len, RESULT_CODE, &a, MSG_HDR); at < len;
	     at = dia_guard_find(buf, len, RESULT_CODE, &a, at + a.size))
		if (a.size != RESULT_LEN || a.data_len != 4)
			return -EBADMSG;
	if (dia_guard_find(buf, len, SESSION_ID, &a, MSG_HDR) == MSG_HDR)
		to += a.size;
	at = dia_guard_find(buf, len, RESULT_CODE, &a, MSG_HDR);
	if (at < len && at > to) {
		memcpy(first, buf + at, RESULT_LEN);
		memmove(buf + to + RESULT_LEN, buf + to, at - to);
		memcpy(buf + to, first, RESULT_LEN);
	}
	return 0;
}

/* What the library does for one octet of a text, if it is left there. It becomes one that no text holds: such a name
 * nobody has, and such a request is refused as unreadable by who serves it.
 * User-Name: "realm!user@other" tells the library to send a request on (RFC 5729): it changes the message and puts it into
 * the queue that the same thread empties, and when that is full, nothing goes on any more.
 * Session-Id: a NUL is an error of the thread that dispatches, for which the node shuts itself down. */
static const struct {
	uint32_t code;
	uint8_t octet;
} deadly[] = { { USER_NAME, '!' }, { SESSION_ID, '\0' } };

static void blunt(uint8_t *buf, size_t len, uint32_t code, uint8_t octet)
{
	struct avp_raw a;
	size_t at, i;

	for (at = dia_guard_find(buf, len, code, &a, MSG_HDR); at < len;
	     at = dia_guard_find(buf, len, code, &a, at + a.size))
		for (i = 0; i < a.data_len; i++)
			if (buf[at + AVP_HDR + i] == octet)
				buf[at + AVP_HDR + i] = NO_CHARACTER;
}

static bool is_our_command(uint32_t code)
{
	static const uint32_t ours[] = {
		CMD_CAPABILITIES, CMD_WATCHDOG, CMD_DISCONNECT, GBA_CMD_MA, GBA_CMD_BI, GBA_CMD_GP,
	};
	size_t i;

	for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (ours[i] == code)
			return true;
	return false;
}

void dia_guard_unserved(uint8_t *buf)
{
	if (!(buf[4] & CMD_FLAG_REQUEST))
		return;
	buf[4] &= (uint8_t)~CMD_FLAG_PROXIABLE;
	be32_put(buf + 8, 0);
}

int dia_guard(uint8_t *buf, size_t len)
{
	uint32_t command;
	size_t i;
	int rc;

	if (len < MSG_HDR || buf[0] != DIAMETER_VERSION || be24(buf + 1) != len)
		return -EBADMSG;
	rc = check_level(buf + MSG_HDR, len - MSG_HDR, 0);
	if (rc)
		return rc;
	command = (uint32_t)be24(buf + 5);
	if (command == CMD_CAPABILITIES)
		rc = check_capabilities(buf, len);
	if (rc)
		return rc;
	if (buf[4] & CMD_FLAG_REQUEST) {
		for (i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)
			blunt(buf, len, deadly[i].code, deadly[i].octet);
		return 0;
	}
	if (!is_our_command(command))
		return -EBADMSG;
	return settle_result(buf, len);
}
