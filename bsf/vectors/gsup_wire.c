/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/vectors/gsup_wire.h"

#include <errno.h>

#define HEAD_LEN 3 /* length of what is behind it, protocol */

enum protocol { PROTOCOL_OSMO = 0xee, PROTOCOL_CCM = 0xfe };
enum extension { EXTENSION_GSUP = 0x05 };

/* Tags of an identity. */
enum ccm_tag { TAG_SERIAL = 0x00, TAG_UNIT_NAME = 0x01, TAG_UNIT = 0x08 };

enum message { ASK = 0x08, REFUSED = 0x09, RESULT = 0x0a };

/* Elements: one octet each of code and length, then the value. */
enum element {
	IMSI = 0x01,
	CAUSE = 0x02,
	TUPLE = 0x03,
	RAND = 0x20,
	IK = 0x23,
	CK = 0x24,
	AUTN = 0x25,
	AUTS = 0x26,
	RES = 0x27,
	SESSION_ID = 0x30,
	SESSION_STATE = 0x31,
	VECTORS_WANTED = 0x52,
};

#define SESSION_BEGIN 1

/* --- frames */

static enum gsup_kind kind_of(uint8_t protocol, const uint8_t *body, size_t len)
{
	if (protocol == PROTOCOL_CCM)
		return GSUP_CONTROL;
	return protocol == PROTOCOL_OSMO && len && body[0] == EXTENSION_GSUP ? GSUP_MESSAGE : GSUP_OTHER;
}

int gsup_wire_frame(struct gsup_frame *out, struct span in)
{
	const uint8_t *body = in.p + HEAD_LEN;
	size_t len;

	if (in.len < HEAD_LEN)
		return 0;
	len = be16_get(in.p);
	if (len == 0 || len > GSUP_FRAME_MAX)
		return -EBADMSG;
	if (in.len < HEAD_LEN + len)
		return 0;
	out->kind = kind_of(in.p[2], body, len);
	out->body = out->kind == GSUP_MESSAGE ? span_of(body + 1, len - 1) : span_of(body, len);
	return (int)(HEAD_LEN + len);
}

static void put_octet(struct writer *w, uint8_t octet)
{
	writer_put(w, &octet, 1);
}

/* \returns where the length is to be put by frame_end() */
static size_t frame_begin(struct writer *w, enum protocol protocol)
{
	size_t at = w->len;

	writer_put(w, "\0\0", 2);
	put_octet(w, (uint8_t)protocol);
	return at;
}

static void frame_end(struct writer *w, size_t at)
{
	if (!w->overflow)
		be16_put(w->p + at, (uint16_t)(w->len - at - HEAD_LEN));
}

/* --- control */

void gsup_wire_pong_put(struct writer *w)
{
	size_t at = frame_begin(w, PROTOCOL_CCM);

	put_octet(w, GSUP_PONG);
	frame_end(w, at);
}

/* Text with a NUL; the length, of two octets, counts the tag. */
static void put_tag(struct writer *w, enum ccm_tag tag, const char *text)
{
	size_t len = strlen(text) + 1;

	put_octet(w, 0);
	put_octet(w, (uint8_t)(len + 1));
	put_octet(w, (uint8_t)tag);
	writer_put(w, text, len);
}

void gsup_wire_identity_put(struct writer *w, const char *name)
{
	size_t at = frame_begin(w, PROTOCOL_CCM);

	put_octet(w, GSUP_ID_RESP);
	put_tag(w, TAG_UNIT_NAME, name);
	put_tag(w, TAG_SERIAL, name);
	put_tag(w, TAG_UNIT, name);
	frame_end(w, at);
}

/* --- requests */

static void put_element(struct writer *w, enum element code, const void *value, size_t len)
{
	put_octet(w, (uint8_t)code);
	put_octet(w, (uint8_t)len);
	writer_put(w, value, len);
}

/* Two digits an octet, the first one low; 0xf behind an odd number of them (24.008 10.5.4.7). */
static void put_imsi(struct writer *w, const char *digits)
{
	size_t n = strlen(digits);

	put_octet(w, IMSI);
	put_octet(w, (uint8_t)((n + 1) / 2));
	for (size_t i = 0; i < n; i += 2) {
		unsigned high = i + 1 < n ? (unsigned)digits[i + 1] - '0' : 0xf;

		put_octet(w, (uint8_t)(high << 4 | ((unsigned)digits[i] - '0')));
	}
}

void gsup_wire_ask_put(struct writer *w, const struct gsup_ask *a)
{
	size_t at = frame_begin(w, PROTOCOL_OSMO);
	uint8_t session[4], state = SESSION_BEGIN, one = 1;

	be32_put(session, a->session);
	put_octet(w, EXTENSION_GSUP);
	put_octet(w, ASK);
	put_imsi(w, a->imsi);
	put_element(w, SESSION_ID, session, sizeof(session));
	put_element(w, SESSION_STATE, &state, 1);
	if (a->has_resync) {
		put_element(w, AUTS, a->auts, sizeof(a->auts));
		put_element(w, RAND, a->rand, sizeof(a->rand));
	}
	put_element(w, VECTORS_WANTED, &one, 1); /* else it makes five, and five sequence numbers are gone */
	frame_end(w, at);
}

/* --- answers */

/* Take an element off in. \returns 1; 0 there is no more; -EBADMSG it is cut off */
static int next_element(struct span *in, uint8_t *code, struct span *value)
{
	if (in->len == 0)
		return 0;
	if (in->len < 2 || in->len - 2 < in->p[1])
		return -EBADMSG;
	*code = in->p[0];
	*value = span_of(in->p + 2, in->p[1]);
	*in = span_of(value->p + value->len, in->len - 2 - value->len);
	return 1;
}

static int get_imsi(char out[GSUP_IMSI_MAX + 1], struct span v)
{
	size_t n = 0;

	for (size_t i = 0; i < 2 * v.len; i++) {
		unsigned digit = i % 2 ? v.p[i / 2] >> 4 : v.p[i / 2] & 0xf;

		if (digit == 0xf && i + 1 == 2 * v.len)
			break;
		if (digit > 9 || n == GSUP_IMSI_MAX)
			return -EBADMSG;
		out[n++] = (char)('0' + digit);
	}
	out[n] = '\0';
	return n ? 0 : -EBADMSG;
}

/* \returns the bit of a value the vector needs; 0 another one; -EBADMSG a length it cannot have */
static int get_part(struct aka_vector *v, uint8_t code, struct span value)
{
	switch (code) {
	case RAND:
		return value.len == AKA_RAND_LEN ? (memcpy(v->rand, value.p, value.len), 1) : -EBADMSG;
	case AUTN:
		return value.len == AKA_AUTN_LEN ? (memcpy(v->autn, value.p, value.len), 2) : -EBADMSG;
	case CK:
		return value.len == AKA_KEY_LEN ? (secret_set(&v->ck, value.p, value.len), 4) : -EBADMSG;
	case IK:
		return value.len == AKA_KEY_LEN ? (secret_set(&v->ik, value.p, value.len), 8) : -EBADMSG;
	case RES:
		if (value.len < AKA_RES_MIN || value.len > 16)
			return -EBADMSG;
		return secret_set(&v->res, value.p, value.len), 16;
	default:
		return 0; /* SRES and Kc of a triplet */
	}
}

#define PARTS_ALL 31

static int get_tuple(struct gsup_answer *out, struct span in)
{
	struct aka_vector v = { 0 };
	int parts = 0, bit = 0, rc;
	struct span value;
	uint8_t code;

	while ((rc = next_element(&in, &code, &value)) > 0 && (bit = get_part(&v, code, value)) >= 0)
		parts |= bit;
	if (bit < 0)
		rc = bit;
	if (rc == 0 && parts == PARTS_ALL && !out->has_vector) {
		out->vector = v;
		out->has_vector = true;
	}
	aka_vector_clear(&v);
	return rc;
}

static int get_element(struct gsup_answer *a, uint8_t code, struct span value)
{
	switch (code) {
	case IMSI:
		return get_imsi(a->imsi, value);
	case CAUSE:
		a->cause = value.len == 1 ? value.p[0] : 0;
		return 0;
	case TUPLE:
		return get_tuple(a, value);
	case SESSION_ID:
		if (value.len != 4)
			return -EBADMSG;
		a->session = be32_get(value.p);
		a->has_session = true;
		return 0;
	default:
		return 0;
	}
}

int gsup_wire_answer_get(struct gsup_answer *out, struct span msg)
{
	struct gsup_answer a = { .refused = msg.len && msg.p[0] == REFUSED };
	struct span in, value;
	uint8_t code;
	int rc;

	if (msg.len == 0 || (msg.p[0] != RESULT && msg.p[0] != REFUSED))
		return -ENOMSG;
	in = span_of(msg.p + 1, msg.len - 1);
	while ((rc = next_element(&in, &code, &value)) > 0) {
		rc = get_element(&a, code, value);
		if (rc < 0)
			break;
	}
	if (rc == 0 && !a.imsi[0])
		rc = -EBADMSG;
	if (rc == 0)
		*out = a;
	gsup_answer_clear(&a);
	return rc;
}
