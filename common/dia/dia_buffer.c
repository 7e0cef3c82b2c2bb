/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/dia_buffer.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/crypto.h>

#define FIRST 1024

static atomic_size_t held, most = DIA_BUFFER_BUDGET;

void dia_buffer_budget(size_t octets)
{
	atomic_store(&most, octets);
}

static void buffer_give(size_t room)
{
	if (room > DIA_BUFFER_SMALL)
		atomic_fetch_sub(&held, room);
}

static bool buffer_take(size_t room, bool bounded)
{
	if (room <= DIA_BUFFER_SMALL)
		return true;
	if (atomic_fetch_add(&held, room) + room <= atomic_load(&most) || !bounded)
		return true;
	buffer_give(room);
	return false;
}

void dia_buffer_free(uint8_t **p, size_t *room)
{
	if (*p)
		OPENSSL_cleanse(*p, *room);
	free(*p);
	buffer_give(*room);
	*p = NULL;
	*room = 0;
}

bool dia_buffer_grow(uint8_t **p, size_t *room, size_t used, size_t want, bool bounded)
{
	size_t n = *room ? *room : FIRST;
	uint8_t *bigger;

	if (want <= *room)
		return true;
	while (n < want)
		n *= 2;
	if (!buffer_take(n, bounded))
		return false;
	bigger = malloc(n);
	if (!bigger) {
		buffer_give(n);
		return false;
	}
	if (used)
		memcpy(bigger, *p, used);
	dia_buffer_free(p, room);
	*p = bigger;
	*room = n;
	return true;
}
