/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/store/lmdb_pages.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int count(void *owner, struct span key, struct span value)
{
	uint64_t *octets = owner;

	for (size_t i = 0; i < key.len; i++)
		*octets += key.p[i];
	for (size_t i = 0; i < value.len; i++)
		*octets += value.p[i];
	return 0;
}

/* Whatever is in the file: no octet outside a page, no page twice, and the same found with and without looking at the values. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("data.mdb", MFD_CLOEXEC), rc, rc_again;
	struct lmdb_pages seen, again;
	uint64_t octets = 0;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	rc = lmdb_pages_walk(fd, count, &octets, &seen);
	rc_again = lmdb_pages_walk(fd, NULL, NULL, &again);
	if (rc != rc_again || (!seen.damaged && (again.damaged || seen.entries != again.entries)) ||
	    (!seen.damaged && seen.entries != seen.promised))
		abort();
	close(fd);
	return 0;
}
