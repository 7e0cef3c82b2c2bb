/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_links.h
 *  The connections of one peer, inside of dia_peer: what each of them remembers, and its steps through the table. */
#pragma once

#include "common/dia/dia_peer.h"

#define DIA_NEVER UINT64_MAX

struct dia_link {
	enum dia_state state;
	bool dialled;
	bool tls_follows; /* held: its CEA */
	bool elected;     /* held: waits for the end of our own attempt */
	bool in_round;    /* held: waits for the answers of those that are open */
	bool asked;       /* open: has to answer in this round */
	bool dwr_out;
	uint32_t cause; /* of our DPR */
	uint32_t dwr_id;
	unsigned reopen; /* DWAs that are still needed */
	uint64_t deadline_ms, heard_ms, since_ms;
	bool has_state;
	uint32_t state_id;
};

struct dia_peer_machine {
	struct dia_peer_cfg cfg;
	dia_peer_fn *act;
	void *owner;
	uint64_t rng;
	bool stopping;
	bool failed; /* the last connection was lost, not ended */
	bool again;  /* it was ended to begin anew: that is not put off */
	uint32_t next_id;
	uint64_t next_try_ms;
	uint32_t back_off_ms;
	uint64_t round_ms; /* end of the round; NEVER: none runs */
	unsigned n;
	struct dia_link links[];
};

static inline bool dia_links_is_open(const struct dia_link *l)
{
	/* it stands for a place: requests of the peer flow, or will when the handshake is done */
	return l->state >= DIA_ST_INBAND && l->state <= DIA_ST_SUSPECT;
}

/*! Our own, not open yet. \returns NULL: none */
struct dia_link *dia_links_attempt(struct dia_peer_machine *p);
/*! A new one. \returns NULL: no room */
struct dia_link *dia_links_take(struct dia_peer_machine *p, uint64_t now_ms, enum dia_state state);
void dia_links_tell(struct dia_peer_machine *p, const struct dia_link *l, unsigned act, uint32_t arg);
/*! RFC 3539: one is out at a time, whoever asked for it. */
void dia_links_send_dwr(struct dia_peer_machine *p, struct dia_link *l);
/*! The next time we connect is not before this, and up to a quarter more. */
void dia_links_try_after(struct dia_peer_machine *p, uint64_t now_ms, uint32_t ms);
/*! One cell of the table, and what it says is to be done. \param[in] arg as for dia_peer_event() */
void dia_links_step(struct dia_peer_machine *p, uint64_t now_ms, struct dia_link *l, enum dia_on on, uint32_t arg);
