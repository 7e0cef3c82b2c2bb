/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/card/link.h"

#include <errno.h>
#include <openssl/crypto.h>

#define ROUNDS_MAX 8

static size_t link_octets(uint8_t out[LINK_COMMAND_MAX], const struct link *l, const struct link_command *c)
{
	size_t n = 4;

	out[0] = c->cla | l->channel;
	out[1] = c->ins;
	out[2] = c->p1;
	out[3] = c->p2;
	if (c->data.len) {
		out[n++] = (uint8_t)c->data.len;
		memcpy(out + n, c->data.p, c->data.len);
		n += c->data.len;
	}
	if (c->le >= 0 && (!c->data.len || l->le_with_data))
		out[n++] = (uint8_t)c->le;
	return n;
}

/* One command and its answer, whose data is put behind what there is. */
static int link_once(struct link *l, const struct link_command *c, struct link_answer *out, struct err *err)
{
	uint8_t command[LINK_COMMAND_MAX], answer[LINK_ANSWER_MAX];
	size_t n = link_octets(command, l, c);
	int rc = l->ops->transmit(l, span_of(command, n), answer, err);

	OPENSSL_cleanse(command, sizeof(command));
	if (rc >= 0 && rc < 2)
		rc = err_set(err, -EIO, "the card's answer has no status word");
	if (rc >= 2 && out->len + (size_t)rc - 2 > sizeof(out->data))
		rc = err_set(err, -EMSGSIZE, "the card's answer is too long");
	if (rc >= 2) {
		memcpy(out->data + out->len, answer, (size_t)rc - 2);
		out->len += (size_t)rc - 2;
		out->sw = be16_get(answer + rc - 2);
	}
	OPENSSL_cleanse(answer, sizeof(answer));
	return rc < 0 ? rc : 0;
}

int link_ask(struct link *l, const struct link_command *c, struct link_answer *out, struct err *err)
{
	struct link_command next = *c;
	int rc;

	*out = (struct link_answer){ 0 };
	for (int round = 0; round < ROUNDS_MAX; round++) {
		rc = link_once(l, &next, out, err);
		if (rc < 0)
			return rc;
		switch (out->sw >> 8) {
		case 0x6c:
			next.le = out->sw & 0xff;
			break;
		case 0x61:
		case 0x9f:
			next = (struct link_command){ .cla = c->cla & 0x80 ? 0 : c->cla,
						      .ins = 0xc0,
						      .le = out->sw & 0xff };
			break;
		default:
			return 0;
		}
	}
	return err_set(err, -EMSGSIZE, "the card's answer has no end");
}
