/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/store/disk.h"

#include <stdio.h>

char dir[256];
struct harness h;

void disk_setup(void)
{
	strcpy(dir, temp_dir());
}

void disk_teardown(void)
{
	temp_dir_remove(dir);
}

void open_store(void)
{
	struct store_lmdb_cfg cfg = lmdb_cfg();

	harness_open_lmdb(&h, dir, &cfg);
}

struct gba_session nth(unsigned n, bool with_tmpi)
{
	char impi[64];

	snprintf(impi, sizeof(impi), "u%u@ims.mnc001.mcc001.3gppnetwork.org", n);
	return session_make(n, impi, BSF_A, with_tmpi);
}

int get_nth(unsigned n)
{
	struct gba_session s = nth(n, true);
	struct btid id = btid_of(&s);

	return get(&h, &id);
}
