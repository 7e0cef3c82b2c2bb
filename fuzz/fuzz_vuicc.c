/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A card and a row of commands, each behind one octet with its length: it answers all of them, and no answer holds K or Ks. */
#include <stdlib.h>
#include "ue/vuicc/vuicc_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int save(struct vuicc *u)
{
	return 0;
}

static void factory(struct vuicc *u)
{
	struct sim_cfg cfg = { .imsi = "001010000000001",
			       .iccid = "8988211000000000007",
			       .mnc_len = 2,
			       .gba_u = true,
			       .pin = "1234",
			       .puk = "12345678" };

	strcpy(cfg.impi.s, "a@b.example");
	cfg.cred.k = (struct secret){ .len = 16, .b = "0123456789abcdef" };
	cfg.cred.opc = (struct secret){ .len = 16, .b = "fedcba9876543210" };
	if (vuicc_state_new(u, &cfg, "fuzz", NULL) < 0)
		abort();
	u->save = save;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct vuicc u;
	uint8_t out[VUICC_ANSWER_MAX];

	factory(&u);
	while (size && 1u + data[0] <= size) {
		size_t n = vuicc_command(&u, data + 1, data[0], out);

		if (n < 2 || n > sizeof(out) || memmem(out, n, u.app[0].sim.cred.k.b, 16))
			abort();
		for (int i = 0; i < VUICC_APPS; i++) {
			if (u.app[i].sim.ks.len && memmem(out, n, u.app[i].sim.ks.b, 32))
				abort();
		}
		size -= 1u + data[0];
		data += 1 + data[0];
	}
	return 0;
}
