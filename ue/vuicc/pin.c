/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* PIN and PUK (TS 102.221 9.5, 11.1.9, 11.1.13). The counter is down, and saved, before the value is looked at: pulling the
 * card after the answer gives no free try. */
#include <string.h>

#include "ue/vuicc/vuicc.h"

#define PIN_TRIES 3
#define PUK_TRIES 10

/* \returns SW_OK the value is right; SW_TRIES with those left; SW_BLOCKED; SW_NOT_SAVED */
static enum apdu_sw pin_try(struct vuicc *u, struct vuicc_pin *p, const uint8_t *value, uint8_t full)
{
	if (!p->tries)
		return SW_BLOCKED;
	p->tries--;
	if (u->save(u) < 0) {
		p->tries++;
		return SW_NOT_SAVED;
	}
	if (!octets_equal(p->value, value, VUICC_PIN_LEN))
		return SW_TRIES | p->tries;
	p->tries = full;
	if (u->save(u) == 0)
		return SW_OK;
	p->tries--;
	return SW_NOT_SAVED;
}

enum apdu_sw vuicc_verify(struct vuicc *u, struct vuicc_channel *c, const struct apdu *a, uint8_t *out, size_t *n)
{
	enum apdu_sw sw;

	if (a->p1)
		return SW_P1_P2;
	if (a->p2 != 1 || !u->has_pin)
		return SW_NO_REFERENCE;
	if (!a->data.len)
		return u->pin.tries ? SW_TRIES | u->pin.tries : SW_BLOCKED;
	if (a->data.len != VUICC_PIN_LEN)
		return SW_LENGTH;
	sw = pin_try(u, &u->pin, a->data.p, PIN_TRIES);
	u->pin_done = sw == SW_OK;
	return sw;
}

enum apdu_sw vuicc_unblock(struct vuicc *u, struct vuicc_channel *c, const struct apdu *a, uint8_t *out, size_t *n)
{
	struct vuicc_pin before = u->pin;
	enum apdu_sw sw;

	if (a->p1)
		return SW_P1_P2;
	if (a->p2 != 1 || !u->has_pin)
		return SW_NO_REFERENCE;
	if (!a->data.len)
		return u->puk.tries ? SW_TRIES | u->puk.tries : SW_BLOCKED;
	if (a->data.len != 2 * VUICC_PIN_LEN)
		return SW_LENGTH;
	sw = pin_try(u, &u->puk, a->data.p, PUK_TRIES);
	if (sw != SW_OK)
		return sw;
	memcpy(u->pin.value, a->data.p + VUICC_PIN_LEN, VUICC_PIN_LEN);
	u->pin.tries = PIN_TRIES;
	if (u->save(u) < 0) {
		u->pin = before;
		return SW_NOT_SAVED;
	}
	u->pin_done = true;
	return SW_OK;
}
