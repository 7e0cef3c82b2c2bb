/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A card in a reader: PC/SC by pcscd (libpcsclite), whose calls run on a thread of their own: each may hang. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <winscard.h>

#include "ue/card/icc.h"
#include "ue/card/pcsc_thread.h"

#define PROTOCOLS   (SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1)
#define READERS_MAX 4096
#define COUNTER(state) \
	((state) >> 16) /* of the reader's events: a card that was out and is in again is told by it alone */

/* What libpcsclite fills, on a thread of its own. */
struct pcsc_io {
	SCARDCONTEXT context;
	SCARDHANDLE card;
	DWORD protocol;
	bool has_context, connected, held;
	bool reset; /* another program has reset the card */
	LONG rc;    /* of the last job */
	char reader[CARD_WHERE_MAX + 1], readers[READERS_MAX];
	DWORD state;
	uint8_t command[LINK_COMMAND_MAX], answer[LINK_ANSWER_MAX];
	DWORD command_len, answer_len;
};

struct pcsc {
	struct link base;
	struct pcsc_thread *thread;
	struct pcsc_io *io; /* the thread's, but for while it has nothing to do */
	char reader[CARD_WHERE_MAX + 1];
	int timeout_s;
	DWORD counter; /* when the card was opened */
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

/* --- the jobs, on the thread */

static void job_context(void *owner)
{
	struct pcsc_io *io = owner;

	io->rc = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &io->context);
	io->has_context = io->rc == SCARD_S_SUCCESS;
}

static void job_list(void *owner)
{
	struct pcsc_io *io = owner;
	DWORD len = sizeof(io->readers);

	io->rc = SCardListReaders(io->context, NULL, io->readers, &len);
}

static void job_look(void *owner)
{
	struct pcsc_io *io = owner;
	SCARD_READERSTATE s = { .szReader = io->reader, .dwCurrentState = SCARD_STATE_UNAWARE };

	io->rc = SCardGetStatusChange(io->context, 0, &s, 1);
	io->state = s.dwEventState;
}

static void job_connect(void *owner)
{
	struct pcsc_io *io = owner;

	io->rc = SCardConnect(io->context, io->reader, SCARD_SHARE_SHARED, PROTOCOLS, &io->card, &io->protocol);
	io->connected = io->rc == SCARD_S_SUCCESS;
}

/* Where another program has reset the card, take it as it is now. */
static void job_hold(void *owner)
{
	struct pcsc_io *io = owner;

	io->rc = SCardBeginTransaction(io->card);
	io->held = io->rc == SCARD_S_SUCCESS;
	io->reset = io->rc == SCARD_W_RESET_CARD;
	if (io->reset)
		io->rc = SCardReconnect(io->card, SCARD_SHARE_SHARED, PROTOCOLS, SCARD_LEAVE_CARD, &io->protocol);
}

static void job_transmit(void *owner)
{
	struct pcsc_io *io = owner;

	io->answer_len = sizeof(io->answer);
	io->rc = SCardTransmit(io->card, io->protocol == SCARD_PROTOCOL_T1 ? SCARD_PCI_T1 : SCARD_PCI_T0, io->command,
			       io->command_len, NULL, io->answer, &io->answer_len);
}

static void job_let_go(void *owner)
{
	struct pcsc_io *io = owner;

	if (io->held)
		SCardEndTransaction(io->card, SCARD_LEAVE_CARD);
	io->held = false;
}

static void job_close(void *owner)
{
	struct pcsc_io *io = owner;

	job_let_go(io);
	if (io->connected)
		SCardDisconnect(io->card, SCARD_LEAVE_CARD);
	io->connected = false;
	if (io->has_context)
		SCardReleaseContext(io->context);
	io->has_context = false;
}

/* Nobody is waiting for what a job has brought, and no other program is kept from the card. */
static void job_late(void *owner)
{
	struct pcsc_io *io = owner;

	job_let_go(io);
	OPENSSL_cleanse(io->answer, sizeof(io->answer));
	OPENSSL_cleanse(io->command, sizeof(io->command));
}

static void job_drop(void *owner)
{
	struct pcsc_io *io = owner;

	job_close(io);
	OPENSSL_cleanse(io, sizeof(*io));
	free(io);
}

/* --- and what waits for them, so long and no longer */

static int pcsc_silent(const struct pcsc *p, const char *doing, struct err *err)
{
	return err_set(
		err, -EIO,
		"reader '%s': %s: no answer within %d s: pcscd or the reader hangs, or another program holds the card",
		p->reader, doing, p->timeout_s);
}

static bool is_there(const struct pcsc *p)
{
	return p->io->rc == SCARD_S_SUCCESS && p->io->state & SCARD_STATE_PRESENT;
}

/* What a card that is out makes of a call depends on the reader. */
static int pcsc_failed(struct pcsc *p, const char *doing, struct err *err)
{
	LONG rc = p->io->rc;

	if (rc == SCARD_E_NOT_TRANSACTED || rc == SCARD_F_COMM_ERROR || rc == SCARD_W_UNPOWERED_CARD ||
	    rc == SCARD_W_UNRESPONSIVE_CARD) {
		if (pcsc_thread_run(p->thread, job_look, p->timeout_s) == 0 && !is_there(p))
			return err_set(err, -ENODEV, "reader '%s': %s: there is no card in it", p->reader, doing);
	}
	return pcsc_error(p, rc, doing, err);
}

static int pcsc_do(struct pcsc *p, void (*job)(void *owner), const char *doing, struct err *err)
{
	if (pcsc_thread_run(p->thread, job, p->timeout_s) < 0)
		return pcsc_silent(p, doing, err);
	return p->io->rc == SCARD_S_SUCCESS ? 0 : pcsc_failed(p, doing, err);
}

static int pcsc_transmit(struct link *l, struct span command, uint8_t answer[LINK_ANSWER_MAX], struct err *err)
{
	struct pcsc *p = (struct pcsc *)l;
	struct pcsc_io *io = p->io;
	int rc;

	if (!pcsc_thread_idle(p->thread)) /* the call before is not back: io is not ours */
		return pcsc_silent(p, "command", err);
	memcpy(io->command, command.p, command.len);
	io->command_len = command.len;
	rc = pcsc_do(p, job_transmit, "command", err);
	if (rc < 0)
		return rc;
	rc = (int)io->answer_len;
	memcpy(answer, io->answer, io->answer_len);
	OPENSSL_cleanse(io->answer, sizeof(io->answer));
	OPENSSL_cleanse(io->command, sizeof(io->command));
	return rc;
}

/* Where another program has reset the card, the caller selects again. */
static int pcsc_hold(struct link *l, struct err *err)
{
	struct pcsc *p = (struct pcsc *)l;
	int rc = pcsc_do(p, job_hold, "transaction", err);

	return rc == 0 && p->io->reset ? -EAGAIN : rc;
}

static void pcsc_let_go(struct link *l)
{
	pcsc_do((struct pcsc *)l, job_let_go, "transaction", NULL);
}

static int pcsc_check(struct link *l, struct err *err)
{
	struct pcsc *p = (struct pcsc *)l;
	int rc = pcsc_do(p, job_look, "state", err);

	if (rc < 0)
		return rc;
	if (!(p->io->state & SCARD_STATE_PRESENT))
		return err_set(err, -ENODEV, "reader '%s': the card was taken out", p->reader);
	if (COUNTER(p->io->state) != p->counter)
		return err_set(err, -ENODEV, "reader '%s': the card was out, or is another", p->reader);
	return 0;
}

static void pcsc_close(struct link *l)
{
	struct pcsc *p = (struct pcsc *)l;

	pcsc_do(p, job_close, "end", NULL);
	pcsc_thread_free(p->thread);
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
	const char *found = NULL, *exact = NULL;
	unsigned hits = 0;
	char text[300];
	struct writer known;
	int rc = pcsc_do(p, job_list, "list of readers", err);

	if (rc < 0)
		return rc;
	writer_init(&known, text, sizeof(text));
	for (const char *r = p->io->readers; *r; r += strlen(r) + 1) {
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
	snprintf(p->io->reader, sizeof(p->io->reader), "%s", found);
	return 0;
}

static int pcsc_connect(struct pcsc *p, const char *wanted, struct err *err)
{
	int rc = pcsc_do(p, job_context, "pcscd", err);

	if (rc == 0)
		rc = find_reader(p, wanted, err);
	if (rc == 0)
		rc = pcsc_do(p, job_look, "state", err);
	if (rc < 0)
		return rc;
	if (!is_there(p))
		return err_set(err, -ENODEV, "reader '%s': there is no card in it", p->reader);
	p->counter = COUNTER(p->io->state);
	rc = pcsc_do(p, job_connect, "card", err);
	if (rc < 0)
		return rc;
	p->base.le_with_data = p->io->protocol == SCARD_PROTOCOL_T1;
	snprintf(p->base.mark, sizeof(p->base.mark), "%lu", (unsigned long)p->counter);
	return pcsc_check(&p->base, err); /* swapped between the look and the connection */
}

static struct pcsc *pcsc_new(const struct card_choice *how, struct err *err)
{
	struct pcsc *p = calloc(1, sizeof(*p));
	struct pcsc_io *io = calloc(1, sizeof(*io));

	if (p && io)
		p->thread = pcsc_thread_new(&(struct pcsc_jobs){ io, job_late, job_drop }, err);
	if (!p || !io || !p->thread) {
		free(p);
		free(io);
		return NULL;
	}
	p->io = io;
	p->base.ops = &pcsc_ops;
	p->timeout_s = how->timeout_s;
	snprintf(p->reader, sizeof(p->reader), "%s", how->where);
	return p;
}

int card_pcsc_open(struct card **out, const struct card_choice *how, struct err *err)
{
	struct pcsc *p = pcsc_new(how, err);
	char what[CARD_WHERE_MAX + 16];
	int rc;

	if (!p)
		return -EIO;
	rc = pcsc_connect(p, how->where, err);
	if (rc < 0) {
		pcsc_close(&p->base);
		return rc;
	}
	snprintf(what, sizeof(what), "reader '%s'", p->reader);
	return icc_open(out, &p->base, how, what, err);
}
