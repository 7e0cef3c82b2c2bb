/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file lmdb_room.c
 *  How much may be put: the address space is taken once and for all, so what ends a store is the limit an operator set, or
 *  its disk. Puts stop before either, so that taking away, which has to copy pages first, still works. */
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>

#include "bsf/store/lmdb.h"

#define ADDRESSES_MAX ((size_t)16 << 40)
/* Pages that puts leave alone. */
#define RESERVE_PAGES 256
/* Pages a put may touch: its leaf, a split, its way from the root (shared by a batch, counted for each). */
#define PAGES_PER_PUT 4

static bool addresses_there(size_t octets)
{
	void *p = mmap(NULL, octets, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return false;
	munmap(p, octets);
	return true;
}

size_t lmdb_map_size(size_t limit)
{
	size_t octets = ADDRESSES_MAX;

	while (octets > limit && !addresses_there(octets)) /* a limit of the process, or a sanitizer's own map */
		octets /= 2;
	return octets > limit ? octets : limit;
}

/* Pages the disk has left; of a disk that cannot be asked, as many as are wanted. */
static size_t pages_of_disk(const struct store_lmdb *l, size_t psize)
{
	struct statvfs v;

	return fstatvfs(l->lock_fd, &v) < 0 ? SIZE_MAX / 2 : (size_t)(v.f_bavail * (v.f_frsize / 512) / (psize / 512));
}

bool lmdb_disk_full(const struct store_lmdb *l)
{
	return pages_of_disk(l, 4096) < RESERVE_PAGES;
}

/* Pages that earlier transactions gave back. LMDB shows its list of them to read transactions only. */
static size_t pages_free(MDB_env *env)
{
	MDB_cursor *c = NULL;
	MDB_txn *txn;
	MDB_val k, v;
	size_t n = 0;

	if (mdb_txn_begin(env, NULL, MDB_RDONLY, &txn))
		return 0;
	if (mdb_cursor_open(txn, 0, &c) == 0)
		while (mdb_cursor_get(c, &k, &v, MDB_NEXT) == 0) {
			size_t count;

			memcpy(&count, v.mv_data, sizeof(count)); /* a list of page numbers begins with their count */
			n += count;
		}
	if (c)
		mdb_cursor_close(c);
	mdb_txn_abort(txn);
	return n;
}

bool lmdb_has_room(const struct store_lmdb *l, size_t octets, size_t records)
{
	size_t need, limit, left, disk;
	MDB_envinfo info;
	MDB_stat st;

	if (mdb_env_info(l->env, &info) || mdb_env_stat(l->env, &st))
		return false;
	need = RESERVE_PAGES + octets / st.ms_psize + records * PAGES_PER_PUT;
	limit = l->limit / st.ms_psize;
	left = limit > info.me_last_pgno + 1 ? limit - info.me_last_pgno - 1 : 0;
	disk = pages_of_disk(l, st.ms_psize);
	if (left > disk)
		left = disk;
	return left > need || left + pages_free(l->env) > need;
}
