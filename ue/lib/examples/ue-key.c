/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A program that asks gba-ued for its key with an application: ue-key SOCKET HOST. It prints what HTTP Digest on Ua wants as
 * user name and password; a real program would use them and print nothing. */
#include <gba/ue.h>
#include <poll.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	char err[200], password[GBA_UE_PASSWORD_LEN + 1];
	struct gba_ue_request *q;
	struct gba_ue_key *key;
	struct gba_ue *ue;
	enum gba_ue_reason reason;

	if (argc != 3) {
		fprintf(stderr, "usage: ue-key SOCKET HOST\n");
		return 2;
	}
	ue = gba_ue_new_agent(argv[1], err, sizeof(err));
	if (!ue) {
		fprintf(stderr, "ue-key: %s\n", err);
		return 2;
	}
	q = gba_ue_start(ue, GBA_UE_APP_ANY, argv[2], NULL, false, NULL);
	while (gba_ue_reason(q) == GBA_UE_PENDING) { /* beside whatever else a program waits for */
		struct pollfd p = { .fd = gba_ue_fd(ue), .events = POLLIN };

		poll(&p, 1, -1);
		gba_ue_step(ue);
	}
	reason = gba_ue_reason(q);
	if (reason != GBA_UE_OK)
		fprintf(stderr, "ue-key: %s: %s\n", gba_ue_reason_text(reason), gba_ue_text(q));
	gba_ue_finish(q, &key);
	if (reason == GBA_UE_OK && gba_ue_key_password(key, password) == 0)
		printf("%s %s\n", gba_ue_key_btid(key), password);
	gba_ue_key_free(key);
	gba_ue_free(ue);
	return reason != GBA_UE_OK;
}
