/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Figures of the peers: a word to each loop and back. */
#include "bsf/run/node_in.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "common/base/clock.h"

#define FIGURES_MS 1000

/* Who waits may give up, so the last of the two frees. */
struct ask_figures {
	struct dia_post post; /* first */
	struct part *part;
	struct dia_hub_peer_figures *all;
	size_t n, room;
	int failed;
	atomic_int rc; /* written last: ThreadSanitizer does not know that sem_clockwait() orders */
	atomic_int holders;
	sem_t done;
};

static void figures_drop(struct ask_figures *a)
{
	if (atomic_fetch_sub(&a->holders, 1) > 1)
		return;
	sem_destroy(&a->done);
	free(a->all);
	free(a);
}

static void figures_add(void *owner, const struct dia_hub_peer_figures *f)
{
	struct ask_figures *a = owner;

	if (a->n == a->room) {
		size_t room = a->room ? 2 * a->room : 64;
		struct dia_hub_peer_figures *more = realloc(a->all, room * sizeof(*more));

		if (!more) {
			a->failed = -ENOMEM;
			return;
		}
		a->all = more;
		a->room = room;
	}
	a->all[a->n++] = *f;
}

static void node_run_figures(struct dia_post *p, bool stopping)
{
	struct ask_figures *a = (struct ask_figures *)p;

	if (!stopping && a->part->hub)
		dia_hub_figures(a->part->hub, figures_add, a);
	atomic_store(&a->rc, a->failed);
	sem_post(&a->done);
	figures_drop(a);
}

/* Those of one part behind what *out has; NULL is none. \returns how many in all; -errno, *out is as it was */
static int part_figures(struct part *p, struct dia_hub_peer_figures **out, size_t n)
{
	struct ask_figures *a = calloc(1, sizeof(*a));
	struct dia_hub_peer_figures *more;
	int rc;

	if (!a)
		return -ENOMEM;
	a->post.run = node_run_figures;
	a->part = p;
	atomic_init(&a->holders, 2);
	sem_init(&a->done, 0, 0);
	dia_loop_post(p->loop, &a->post);
	rc = clock_sem_wait(&a->done, FIGURES_MS) ? atomic_load(&a->rc) : -ETIMEDOUT;
	more = rc == 0 && a->n ? realloc(*out, (n + a->n) * sizeof(*more)) : NULL;
	if (more) {
		memcpy(more + n, a->all, a->n * sizeof(*more));
		*out = more;
	} else if (rc == 0 && a->n) {
		rc = -ENOMEM;
	}
	rc = rc < 0 ? rc : (int)(n + a->n);
	figures_drop(a);
	return rc;
}

int node_figures(struct node *n, struct dia_hub_peer_figures **out)
{
	struct dia_hub_peer_figures *all = NULL;
	int rc = 0;

	for (unsigned i = 0; i < n->n_parts && rc >= 0; i++)
		rc = part_figures(&n->parts[i], &all, (size_t)rc);
	if (rc < 0)
		free(all);
	else
		*out = all;
	return rc;
}
