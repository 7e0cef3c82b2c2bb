/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A card in a reader: PC/SC by pcscd (libpcsclite). */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <winscard.h>

#include "ue/card/icc.h"

#define PROTOCOLS   (SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1)
#define READERS_MAX 4096
#define COUNTER(state) \
	((state) >> 16) /* of the reader's events: a card that was out and is in again is told by it alone */

struct pcsc {
	struct link base;
	SCARDCONTEXT context;
	SCARDHANDLE card;
	DWORD protocol;
	char reader[CARD_WHERE_MAX + 1];
	DWORD counter; /* when the card was opened */
	bool connected;
};

static int pcsc_error(const struct pcsc *p, LONG rc, const char *doing, struct err *err)
{
	int e;

	switch (rc) {
	case SCARD_W_REMOVED_CARD:
	case SCARD_E_NO_SMARTCARD:
	case SCARD_E_READER_UNAVAILABLE:
	case SCARD_E_UNKNOWN_READER:
	case SCARD_E_NO_READERS_AVAILABLE:
		e = -ENODEV;
		break;
	case SCARD_W_RESET_CARD:
		e = -EAGAIN;
		break;
	default:
		e = -EIO;
	}
	return err_set(err, e, "reader '%s': %s: %s", p->reader, doing, pcsc_stringify_error(rc));
}

static int pcsc_transmit(struct link *l, struct span command, uint8_t answer[LINK_ANSWER_MAX], struct err *err)
{
	struct pcsc *p = (struct pcsc *)l;
	DWORD n = LINK_ANSWER_MAX;
	LONG rc = SCardTransmit(p->card, p->protocol == SCARD_PROTOCOL_T1 ? SCARD_PCI_T1 : SCARD_PCI_T0, command.p,
				command.len, NULL, answer, &n);

	return rc != SCARD_S_SUCCESS ? pcsc_error(p, rc, "command", err) : (int)n;
}

/* Where another program has reset the card, take it as it is now; the caller selects again. */
static int pcsc_hold(struct link *l, struct err *err)
{
	struct pcsc *p = (struct pcsc *)l;
	LONG rc = SCardBeginTransaction(p->card);

	if (rc != SCARD_W_RESET_CARD)
		return rc == SCARD_S_SUCCESS ? 0 : pcsc_error(p, rc, "transaction", err);
	rc = SCardReconnect(p->card, SCARD_SHARE_SHARED, PROTOCOLS, SCARD_LEAVE_CARD, &p->protocol);
	return rc == SCARD_S_SUCCESS ? -EAGAIN : pcsc_error(p, rc, "reconnect", err);
}

static void pcsc_let_go(struct link *l)
{
	SCardEndTransaction(((struct pcsc *)l)->card, SCARD_LEAVE_CARD);
}

static int look(struct pcsc *p, DWORD *state, struct err *err)
{
	SCARD_READERSTATE s = { .szReader = p->reader, .dwCurrentState = SCARD_STATE_UNAWARE };
	LONG rc = SCardGetStatusChange(p->context, 0, &s, 1);

	if (rc != SCARD_S_SUCCESS)
		return pcsc_error(p, rc, "state", err);
	*state = s.dwEventState;
	return 0;
}

static int pcsc_check(struct link *l, struct err *err)
{
	struct pcsc *p = (struct pcsc *)l;
	DWORD state;
	int rc = look(p, &state, err);

	if (rc < 0)
		return rc;
	if (!(state & SCARD_STATE_PRESENT))
		return err_set(err, -ENODEV, "reader '%s': the card was taken out", p->reader);
	if (COUNTER(state) != p->counter)
		return err_set(err, -ENODEV, "reader '%s': the card was out, or is another", p->reader);
	return 0;
}

static void pcsc_close(struct link *l)
{
	struct pcsc *p = (struct pcsc *)l;

	if (p->connected)
		SCardDisconnect(p->card, SCARD_LEAVE_CARD);
	SCardReleaseContext(p->context);
	free(p);
}

static const struct link_ops pcsc_ops = {
	.transmit = pcsc_transmit,
	.hold = pcsc_hold,
	.let_go = pcsc_let_go,
	.check = pcsc_check,
	.close = pcsc_close,
};

/* The reader of this name, or the only one whose name holds it. */
static int find_reader(struct pcsc *p, const char *wanted, struct err *err)
{
	char all[READERS_MAX], text[300];
	struct writer known;
	const char *found = NULL, *exact = NULL;
	unsigned hits = 0;
	DWORD len = sizeof(all);
	LONG rc = SCardListReaders(p->context, NULL, all, &len);

	if (rc != SCARD_S_SUCCESS)
		return pcsc_error(p, rc, "list of readers", err);
	writer_init(&known, text, sizeof(text));
	for (const char *r = all; *r; r += strlen(r) + 1) {
		if (strcmp(r, wanted) == 0)
			exact = r;
		if (strstr(r, wanted)) {
			found = r;
			hits++;
		}
		writer_printf(&known, "%s'%s'", known.len ? ", " : "", r);
	}
	if (exact)
		found = exact;
	if (!found || (!exact && hits > 1))
		return err_set(err, found ? -EINVAL : -ENODEV, "reader '%s': %s; there are: %s", wanted,
			       found ? "several have this in their name" : "no such reader",
			       writer_end(&known) < 0 ? "many" : text);
	snprintf(p->reader, sizeof(p->reader), "%s", found);
	return 0;
}

static int pcsc_connect(struct pcsc *p, const char *wanted, struct err *err)
{
	DWORD state = 0;
	LONG rc;
	int e = find_reader(p, wanted, err);

	if (e < 0)
		return e;
	e = look(p, &state, err);
	if (e < 0)
		return e;
	rc = SCardConnect(p->context, p->reader, SCARD_SHARE_SHARED, PROTOCOLS, &p->card, &p->protocol);
	if (rc != SCARD_S_SUCCESS)
		return pcsc_error(p, rc, "card", err);
	p->connected = true;
	p->counter = COUNTER(state);
	p->base.le_with_data = p->protocol == SCARD_PROTOCOL_T1;
	snprintf(p->base.mark, sizeof(p->base.mark), "%lu", (unsigned long)p->counter);
	return pcsc_check(&p->base, err); /* swapped between the look and the connection */
}

int card_pcsc_open(struct card **out, const struct card_choice *how, struct err *err)
{
	struct pcsc *p = calloc(1, sizeof(*p));
	char what[CARD_WHERE_MAX + 16];
	LONG rc;
	int e;

	if (!p)
		return -ENOMEM;
	p->base.ops = &pcsc_ops;
	snprintf(p->reader, sizeof(p->reader), "%s", how->where);
	rc = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &p->context);
	if (rc != SCARD_S_SUCCESS) {
		e = pcsc_error(p, rc, "pcscd", err);
		free(p);
		return e;
	}
	e = pcsc_connect(p, how->where, err);
	if (e < 0) {
		pcsc_close(&p->base);
		return e;
	}
	snprintf(what, sizeof(what), "reader '%s'", p->reader);
	return icc_open(out, &p->base, how, what, err);
}
