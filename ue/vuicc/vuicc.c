/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/vuicc/vuicc.h"

#include <string.h>

/* T=0; historical bytes by 102.221 6.3: card service data A0; selection by AID and path, 4 channels given by the card. */
static const uint8_t atr[] = { 0x3b, 0x17, 0x96, 0x80, 0x31, 0xa0, 0x73, 0xbe, 0x21, 0x13 };
const struct span vuicc_atr = { atr, sizeof(atr) };

void vuicc_reset(struct vuicc *u)
{
	OPENSSL_cleanse(u->channel, sizeof(u->channel));
	u->channel[0].open = true;
	u->pin_done = false;
}

bool vuicc_may(const struct vuicc *u)
{
	return !u->has_pin || u->pin_done;
}

/* 102.221 11.1.17; P2 of an opening is 0: the card chooses. */
static enum apdu_sw manage_channel(struct vuicc *u, struct vuicc_channel *c, const struct apdu *a, uint8_t *out,
				   size_t *n)
{
	if (a->p1 == 0x80) {
		if (!a->p2 || a->p2 >= APDU_CHANNELS)
			return SW_P1_P2;
		if (!u->channel[a->p2].open)
			return SW_NO_CHANNEL;
		OPENSSL_cleanse(&u->channel[a->p2], sizeof(u->channel[a->p2]));
		return SW_OK;
	}
	if (a->p1 || a->p2)
		return SW_P1_P2;
	for (unsigned i = 1; i < APDU_CHANNELS; i++) {
		if (u->channel[i].open)
			continue;
		u->channel[i] = (struct vuicc_channel){ .open = true };
		out[0] = (uint8_t)i;
		*n = 1;
		return SW_OK;
	}
	return SW_NO_CHANNEL;
}

static enum apdu_sw get_response(struct vuicc *u, struct vuicc_channel *c, const struct apdu *a, uint8_t *out,
				 size_t *n)
{
	if (a->p1 || a->p2)
		return SW_P1_P2;
	if (!c->n_waiting)
		return SW_CONDITIONS;
	if (a->le != 256 && a->le > c->n_waiting)
		return SW_LE | (uint8_t)c->n_waiting;
	*n = a->le < c->n_waiting ? a->le : c->n_waiting;
	memcpy(out, c->waiting, *n);
	memmove(c->waiting, c->waiting + *n, c->n_waiting - *n);
	c->n_waiting -= *n;
	return c->n_waiting ? SW_MORE | (uint8_t)c->n_waiting : SW_OK;
}

/* What a command has: nothing, data in, data out; in and out is fetched by GET RESPONSE (T=0). */
enum form { FORM_IN, FORM_OUT, FORM_BOTH, FORM_ANY };

static const struct {
	uint8_t cla, ins;
	enum form form;
	vuicc_fn *run;
} commands[] = {
	{ 0x00, 0xa4, FORM_BOTH, vuicc_select },       { 0x00, 0xc0, FORM_OUT, get_response },
	{ 0x00, 0xb0, FORM_OUT, vuicc_read_binary },   { 0x00, 0xb2, FORM_OUT, vuicc_read_record },
	{ 0x00, 0xd6, FORM_IN, vuicc_update_binary },  { 0x00, 0xdc, FORM_IN, vuicc_update_record },
	{ 0x00, 0x20, FORM_ANY, vuicc_verify },        { 0x00, 0x2c, FORM_ANY, vuicc_unblock },
	{ 0x00, 0x88, FORM_BOTH, vuicc_authenticate }, { 0x00, 0x70, FORM_ANY, manage_channel },
	{ 0x80, 0xf2, FORM_ANY, vuicc_status },
};

static bool form_fits(enum form f, const struct apdu *a)
{
	switch (f) {
	case FORM_IN:
		return a->data.len && !a->le;
	case FORM_OUT:
		return !a->data.len && a->le;
	case FORM_BOTH:
		return a->data.len;
	default:
		return true;
	}
}

static enum apdu_sw dispatch(struct vuicc *u, const struct apdu *a, uint8_t *out, size_t *n)
{
	struct vuicc_channel *c = &u->channel[a->channel];
	bool known = false;

	if (!c->open)
		return SW_NO_CHANNEL;
	if (a->ins != 0xc0)
		c->n_waiting = 0;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		enum apdu_sw sw;

		if (commands[i].ins != a->ins)
			continue;
		known = true;
		if (commands[i].cla != a->cla)
			continue;
		if (!form_fits(commands[i].form, a))
			return SW_LENGTH;
		sw = commands[i].run(u, c, a, out, n);
		if (sw != SW_OK || !a->data.len || !*n)
			return sw;
		memcpy(c->waiting, out, *n);
		c->n_waiting = *n;
		*n = 0;
		return SW_MORE | (uint8_t)c->n_waiting;
	}
	return known ? SW_CLASS : SW_INS;
}

size_t vuicc_command(struct vuicc *u, const uint8_t *cmd, size_t len, uint8_t answer[VUICC_ANSWER_MAX])
{
	struct apdu a;
	size_t n = 0;
	enum apdu_sw sw = apdu_parse(&a, cmd, len);

	if (sw == SW_OK)
		sw = dispatch(u, &a, answer, &n);
	if (sw != SW_OK && (sw & 0xff00) != SW_MORE)
		n = 0;
	be16_put(answer + n, (uint16_t)sw);
	return n + 2;
}

void vuicc_clear(struct vuicc *u)
{
	OPENSSL_cleanse(u, sizeof(*u));
}
