/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The state table of a connection against one written down apart from it, by event, from RFC 6733 5.4 to 5.6 and RFC 3539
 * 3.4.1: a change of the code's table is a change here, and a reason. */
#include <stdio.h>
#include "common/dia/dia_sm.h"
#include "tests/unit/suite.h"

/* A cell: where to, and what is done. "." nothing; CLOSE and RST: over, with that; "-" in front: failed over first. */
#define CLOSE  "GONE CLOSE"
#define RST    "GONE RESET"
#define FCLOSE "GONE FAILOVER CLOSE"
#define FRST   "GONE FAILOVER RESET"

static const struct row {
	const char *event;
	const char *before[5]; /* CONN, WAIT_CEA, WAIT_CER, HELD, INBAND: nothing was opened, so nothing fails over */
	const char *open[3];   /* OPEN, PROBED, SUSPECT */
	const char *after[4];  /* DRAINING, CLOSING, LEAVING, GONE */
} rows[] = {
	/* I-Rcv-Conn-Ack -> I-Snd-CER, Wait-I-CEA. Twice it means nothing. */
	{ "UP",
	  { "WAIT_CEA SEND_CER TCE", ".", ".", ".", "OPEN OPENED TW" },
	  { ".", ".", "." },
	  { ".", ".", ".", "." } },
	/* I-Rcv-Conn-Nack, I-Peer-Disc, R-Peer-Disc -> Closed */
	{ "FAIL", { CLOSE, CLOSE, CLOSE, CLOSE, CLOSE }, { FCLOSE, FCLOSE, CLOSE }, { FCLOSE, FCLOSE, FCLOSE, "." } },
	/* Timeout -> Error, Closed; open: RFC 3539 OnTimerElapsed: OKAY sends, Pending fails over, SUSPECT closes */
	{ "TIMER",
	  { CLOSE, CLOSE, CLOSE, CLOSE, RST },
	  { "PROBED SEND_DWR TW", "SUSPECT FAILOVER TW", RST },
	  { "CLOSING SEND_DPR TDP", FRST, FRST, "." } },
	/* Stop -> Snd-DPR, Closing, once what we asked is answered: 5.4 says who gets a DPR sends no more, and what is lost
	 * is asked elsewhere, where one more vector is spent. Before that there is nobody to tell */
	{ "STOP",
	  { CLOSE, CLOSE, CLOSE, CLOSE, CLOSE },
	  { "DRAINING DRAIN", "DRAINING DRAIN", "CLOSING SEND_DPR TDP" },
	  { ".", ".", ".", "." } },
	{ "DROP", { CLOSE, CLOSE, CLOSE, CLOSE, RST }, { FRST, FRST, RST }, { FRST, FRST, FRST, "." } },
	/* decisions are about a held CER only */
	{ "REFUSE", { RST, RST, RST, "GONE SEND_REFUSAL CLOSE", RST }, { ".", ".", "." }, { ".", ".", ".", "." } },
	{ "WIN", { RST, RST, RST, "OPEN SEND_CEA OPENED TW", RST }, { ".", ".", "." }, { ".", ".", ".", "." } },
	{ "WIN_TLS",
	  { RST, RST, RST, "INBAND SEND_CEA HANDSHAKE TCE", RST },
	  { ".", ".", "." },
	  { ".", ".", ".", "." } },
	/* R-Conn-CER; in any other state against the protocol */
	{ "CER", { RST, RST, "HELD ELECT TCE", RST, RST }, { FRST, FRST, RST }, { FRST, FRST, ".", "." } },
	/* I-Rcv-CEA -> I-Open */
	{ "CEA_OK", { RST, "OPEN OPENED TW", RST, RST, RST }, { FRST, FRST, RST }, { FRST, FRST, ".", "." } },
	{ "CEA_TLS", { RST, "INBAND HANDSHAKE TCE", RST, RST, RST }, { FRST, FRST, RST }, { FRST, FRST, ".", "." } },
	{ "CEA_BAD", { RST, CLOSE, RST, RST, RST }, { FRST, FRST, RST }, { FRST, FRST, ".", "." } },
	/* Rcv-DWR -> Process-DWR, Snd-DWA; RFC 3539 OnReceive: SetWatchdog, of SUSPECT Failback; Pending stays */
	{ "DWR",
	  { RST, RST, RST, RST, RST },
	  { "OPEN SEND_DWA TW", "PROBED SEND_DWA TW", "PROBED FAILBACK SEND_DWA TW" },
	  { "DRAINING SEND_DWA", "CLOSING SEND_DWA", ".", "." } },
	/* OnReceive of DWA: Pending is over */
	{ "DWA", { RST, RST, RST, RST, RST }, { "OPEN TW", "OPEN TW", "OPEN FAILBACK TW" }, { ".", ".", ".", "." } },
	{ "STRAY", { RST, RST, RST, RST, RST }, { ".", ".", "." }, { ".", ".", ".", "." } },
	/* Rcv-DPR -> Snd-DPA, Closing; crossing ones are answered and both wait for their DPA */
	{ "DPR",
	  { RST, RST, RST, RST, RST },
	  { "LEAVING SEND_DPA TDP", "LEAVING SEND_DPA TDP", "LEAVING SEND_DPA TDP" },
	  { "LEAVING SEND_DPA TDP", "CLOSING SEND_DPA", "LEAVING SEND_DPA", "." } },
	/* Rcv-DPA in Closing -> Disc */
	{ "DPA", { RST, RST, RST, RST, RST }, { FRST, FRST, RST }, { FRST, FCLOSE, ".", "." } },
	/* Rcv-Message -> Process */
	{ "REQUEST",
	  { RST, RST, RST, RST, RST },
	  { "OPEN DELIVER TW", "PROBED DELIVER TW", "PROBED FAILBACK DELIVER TW" },
	  { "DRAINING DELIVER", "CLOSING SEND_BUSY", ".", "." } },
	{ "ANSWER",
	  { RST, RST, RST, RST, RST },
	  { "OPEN DELIVER TW", "PROBED DELIVER TW", "PROBED FAILBACK DELIVER TW" },
	  { "DRAINING DELIVER", "CLOSING DELIVER", "LEAVING DELIVER", "." } },
	/* 2.1: closed with RST; who is known hears why */
	{ "FRAME",
	  { RST, RST, RST, RST, RST },
	  { "GONE FAILOVER SEND_ERROR CLOSE", "GONE FAILOVER SEND_ERROR CLOSE", "GONE SEND_ERROR CLOSE" },
	  { "GONE FAILOVER SEND_ERROR CLOSE", FRST, FRST, "." } },
	{ "STALLED", { RST, RST, RST, RST, RST }, { FRST, FRST, RST }, { FRST, FRST, FRST, "." } },
	{ "EXPIRED",
	  { CLOSE, CLOSE, CLOSE, CLOSE, RST },
	  { "DRAINING DRAIN", "DRAINING DRAIN", "CLOSING SEND_DPR TDP" },
	  { ".", ".", ".", "." } },
	{ "UNNAMED",
	  { CLOSE, CLOSE, CLOSE, CLOSE, CLOSE },
	  { "DRAINING DRAIN", "DRAINING DRAIN", "CLOSING SEND_DPR TDP" },
	  { ".", ".", ".", "." } },
	{ "DRAINED", { ".", ".", ".", ".", "." }, { ".", ".", "." }, { "CLOSING SEND_DPR TDP", ".", ".", "." } },
};
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static const char *wanted(const struct row *r, enum dia_state s)
{
	if (s <= DIA_ST_INBAND)
		return r->before[s];
	return s <= DIA_ST_SUSPECT ? r->open[s - DIA_ST_OPEN] : r->after[s - DIA_ST_DRAINING];
}

/* The code's cell in the same words. */
static void spell(char *out, size_t cap, enum dia_state s, struct dia_step step)
{
	int n;

	if (step.next == s && !step.acts) {
		snprintf(out, cap, ".");
		return;
	}
	n = snprintf(out, cap, "%s", dia_sm_state(step.next));
	for (int a = 0; a < DIA_N_ACTS; a++)
		if (step.acts & 1u << a)
			n += snprintf(out + n, cap - (size_t)n, " %s", dia_sm_act(a));
}

START_TEST(every_cell)
{
	const struct row *r = &rows[_i];
	char got[200];

	ck_assert_str_eq(r->event, dia_sm_event(_i));
	for (unsigned s = 0; s < DIA_N_STATES; s++) {
		spell(got, sizeof(got), s, dia_sm(s, _i));
		ck_assert_msg(!strcmp(got, wanted(r, s)), "%s in %s: %s, not %s", r->event, dia_sm_state(s), got,
			      wanted(r, s));
	}
}
END_TEST

/* Whatever comes: who is not gone has a timer after it, unless it had one and stays. */
START_TEST(every_way_has_a_timer)
{
	const uint32_t timers = DIA_DO_TCE | DIA_DO_TW | DIA_DO_TDP | DIA_DO_DRAIN, ends = DIA_DO_CLOSE | DIA_DO_RESET;

	for (unsigned s = 0; s < DIA_N_STATES; s++)
		for (unsigned e = 0; e < DIA_N_EVENTS; e++) {
			struct dia_step step = dia_sm(s, e);

			if (step.next == DIA_ST_GONE && s != DIA_ST_GONE)
				ck_assert(step.acts & ends);
			else
				ck_assert(!(step.acts & ends));
			if (step.next != s && step.next != DIA_ST_GONE)
				ck_assert(step.acts & timers);
			if (s != DIA_ST_GONE && e == DIA_ON_TIMER)
				ck_assert_int_ne(step.next, s);
		}
}
END_TEST

int main(void)
{
	TCase *cases[2] = { tcase_create("cells"), tcase_create("whole") };

	_Static_assert(N_ROWS == DIA_N_EVENTS, "a row for each event");
	tcase_add_loop_test(cases[0], every_cell, 0, N_ROWS);
	tcase_add_test(cases[1], every_way_has_a_timer);
	return suite_run_cases("dia_sm", cases, 2);
}
