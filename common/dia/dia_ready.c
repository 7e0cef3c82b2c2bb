/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/dia_ready.h"

#define FRESH_MOST 8

static struct dia_fd *first_of(const struct dia_ready *r, enum dia_ready_list list)
{
	const struct dia_fd *head = &r->list[list];

	return head->next == head ? NULL : head->next;
}

void dia_ready_init(struct dia_ready *r)
{
	*r = (struct dia_ready){ 0 };
	for (size_t i = 0; i < DIA_READY_LISTS; i++)
		r->list[i].next = r->list[i].prev = &r->list[i];
}

void dia_ready_add(struct dia_ready *r, enum dia_ready_list list, struct dia_fd *f)
{
	struct dia_fd *head = &r->list[list];

	if (f->next)
		return;
	f->next = head;
	f->prev = head->prev;
	f->prev->next = head->prev = f;
}

void dia_ready_del(struct dia_fd *f)
{
	if (!f->next)
		return;
	f->prev->next = f->next;
	f->next->prev = f->prev;
	f->next = f->prev = NULL;
}

bool dia_ready_any(const struct dia_ready *r)
{
	for (int i = 0; i < DIA_READY_LISTS; i++) {
		if (first_of(r, i))
			return true;
	}
	return false;
}

void dia_ready_turn(struct dia_ready *r)
{
	struct dia_fd *f;

	while ((f = first_of(r, DIA_READY_LATER))) {
		dia_ready_del(f);
		dia_ready_add(r, DIA_READY_NOW, f);
	}
}

struct dia_fd *dia_ready_next(struct dia_ready *r)
{
	struct dia_fd *fresh = first_of(r, DIA_READY_NOW), *rest = first_of(r, DIA_READY_REST);

	if (!rest || (fresh && r->fresh < FRESH_MOST)) {
		r->fresh++;
		return fresh;
	}
	r->fresh = 0;
	return rest;
}
