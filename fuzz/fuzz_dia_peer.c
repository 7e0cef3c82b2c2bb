/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The peer machine under any events in any order, also those no network makes: never more open than there are places, whoever
 * waits has a timer, what is told is about a connection that lives, each of them begins and ends once. */
#include <assert.h>
#include <stdlib.h>
#include "common/dia/dia_base.h"
#include "common/dia/dia_peer.h"

#define LINKS_MAX 256

static bool alive[LINKS_MAX];

static void on_act(void *owner, unsigned link, unsigned act, uint32_t arg)
{
	assert(link < LINKS_MAX);
	if (act == DIA_BIT_DIAL) {
		assert(!alive[link]);
		alive[link] = true;
		return;
	}
	assert(act < DIA_N_ACTS && act != DIA_BIT_ELECT);
	if (act == DIA_BIT_CLOSE || act == DIA_BIT_RESET)
		alive[link] = false;
	assert(act != DIA_BIT_SEND_REFUSAL || arg);
}

static void check(const struct dia_peer_machine *p, unsigned places)
{
	unsigned open = 0, living = 0;

	for (unsigned i = 0; i < dia_peer_links(p); i++) {
		enum dia_state s = dia_peer_state(p, i);

		open += s >= DIA_ST_INBAND && s <= DIA_ST_SUSPECT;
		living += s != DIA_ST_GONE;
		assert(!dia_peer_usable(p, i) || s == DIA_ST_OPEN || s == DIA_ST_PROBED);
		assert(s != DIA_ST_GONE || !alive[i]);
	}
	assert(open <= places);
	assert(!living || dia_peer_next(p) != UINT64_MAX);
}

static void one(struct dia_peer_machine *p, uint64_t now, uint8_t what, uint8_t link, uint8_t arg)
{
	static const enum dia_on outside[] = { DIA_ON_UP,      DIA_ON_FAIL,    DIA_ON_STOP,    DIA_ON_CEA_OK,
					       DIA_ON_CEA_TLS, DIA_ON_CEA_BAD, DIA_ON_DWR,     DIA_ON_DWA,
					       DIA_ON_STRAY,   DIA_ON_DPR,     DIA_ON_DPA,     DIA_ON_REQUEST,
					       DIA_ON_ANSWER,  DIA_ON_FRAME,   DIA_ON_STALLED, DIA_ON_EXPIRED,
					       DIA_ON_UNNAMED, DIA_ON_DRAINED };
	const size_t n = sizeof(outside) / sizeof(outside[0]);
	int got;

	if (what % 4 == 0) {
		dia_peer_tick(p, now);
	} else if (what % 4 == 1) {
		got = dia_peer_cer(p, now, arg & 1, arg);
		assert(got < (int)dia_peer_links(p));
		if (got >= 0)
			alive[got] = dia_peer_state(p, (unsigned)got) != DIA_ST_GONE;
	} else if (what == 0xfe) {
		dia_peer_stop(p, now, arg & 1 ? DIA_ON_STOP : DIA_ON_UNNAMED, arg % 3);
	} else {
		dia_peer_event(p, now, link % dia_peer_links(p), outside[(what / 4) % n], arg);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dia_peer_cfg cfg = {
		.self = "m.example", .name = "b.example", .tw_ms = 6000, .tc_ms = 30000, .seed = 1
	};
	struct dia_peer_machine *p;
	uint64_t now = 1000;

	if (size < 2)
		return 0;
	cfg.dial = data[0] & 1;
	cfg.restart_is_proof = data[0] & 2;
	cfg.tls_after_cer = data[0] & 4;
	cfg.self = data[0] & 8 ? "a.example" : "m.example";
	cfg.connections = 1 + data[1] % DIA_CONNECTIONS_MAX;
	memset(alive, 0, sizeof(alive));
	p = dia_peer_new(&cfg, on_act, NULL, now);
	assert(p);
	for (size_t i = 2; i + 4 <= size; i += 4) {
		now += data[i] < 0x80 ? data[i] : (uint64_t)(data[i] - 0x7f) * 250;
		one(p, now, data[i + 1], data[i + 2], data[i + 3]);
		check(p, cfg.connections);
	}
	dia_peer_free(p);
	return 0;
}
