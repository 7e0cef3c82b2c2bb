/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/store/lmdb_pages.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The layout, in the byte order of the machine that wrote it:
 *   page: number 8, pad 2, flags 2, then lower 2 and upper 2 (tree) or count of pages 4 (a large value)
 *   tree page: from 16 on offsets of its nodes, 2 each, up to lower; the nodes from upper on
 *   node: size low 2, size high 2, flags 2, key size 2, key, value; in a branch the first three are the child's number
 *   header pages 0 and 1: from 16 on magic 4, version 4, address 8, map size 8, free list and tree (48 each), last page
 *   8, transaction 8; a tree is: pad 4 (of the free list: page size), flags 2, depth 2, three counts of pages 8, entries
 *   8, root 8 */
#define PAGE_HEAD    16
#define NODE_HEAD    8
#define META_LEN     136
#define MAGIC        0xbeefc0deu
#define DATA_VERSION 1
#define NO_PAGE      UINT64_MAX
#define PSIZE_MIN    512
#define PSIZE_MAX    65536
#define DEPTH_MAX    32
#define KEY_MAX      511
#define VALUE_MAX    (1u << 24) /* far above what anybody puts; a page of its own is read whole */

enum { PAGE_BRANCH = 1, PAGE_LEAF = 2, PAGE_LARGE = 4, PAGE_META = 8 };
enum { NODE_LARGE = 1 }; /* the value is on pages of its own; other flags are of duplicates, which we have not */

struct tree {
	uint16_t flags, depth;
	uint64_t entries, root;
};

struct meta {
	uint32_t psize;
	struct tree free, main;
	uint64_t last, txn;
};

struct key {
	size_t len;
	uint8_t b[KEY_MAX];
};

struct walk {
	int fd;
	size_t psize;
	uint64_t pages; /* that the header page promises */
	uint8_t *seen;  /* a bit a page */
	bool is_free;   /* the tree is the list of free pages, its keys are numbers */
	struct key last, least;
	uint64_t entries;
	lmdb_pages_fn *each;
	void *owner;
	struct lmdb_pages *out;
};

#define GET(type, p) \
	({ \
		type v_; \
		memcpy(&v_, (p), sizeof(v_)); \
		v_; \
	})

static int complain(struct walk *w, uint64_t page, const char *what)
{
	if (!w->out->damaged)
		snprintf(w->out->what, sizeof(w->out->what), "page %llu: %s", (unsigned long long)page, what);
	w->out->damaged = true;
	return 0;
}

static bool read_at(int fd, void *buf, size_t len, uint64_t at)
{
	return pread(fd, buf, len, (off_t)at) == (ssize_t)len;
}

static struct tree tree_read(const uint8_t *p)
{
	return (struct tree){ GET(uint16_t, p + 4), GET(uint16_t, p + 6), GET(uint64_t, p + 32),
			      GET(uint64_t, p + 40) };
}

static bool meta_read(int fd, uint64_t at, struct meta *m)
{
	uint8_t p[PAGE_HEAD + META_LEN];

	if (!read_at(fd, p, sizeof(p), at) || !(GET(uint16_t, p + 10) & PAGE_META) ||
	    GET(uint32_t, p + PAGE_HEAD) != MAGIC || GET(uint32_t, p + PAGE_HEAD + 4) != DATA_VERSION)
		return false;
	m->psize = GET(uint32_t, p + PAGE_HEAD + 24);
	m->free = tree_read(p + PAGE_HEAD + 24);
	m->main = tree_read(p + PAGE_HEAD + 72);
	m->last = GET(uint64_t, p + PAGE_HEAD + 120);
	m->txn = GET(uint64_t, p + PAGE_HEAD + 128);
	return m->psize >= PSIZE_MIN && m->psize <= PSIZE_MAX && !(m->psize & (m->psize - 1));
}

/* Both header pages must be right: without the newer one a revocation would be undone. */
static bool meta_newest(int fd, struct meta *m)
{
	struct meta other;

	if (!meta_read(fd, 0, m) || !meta_read(fd, m->psize, &other) || other.psize != m->psize)
		return false;
	if (other.txn > m->txn)
		*m = other;
	return m->last >= 1 && m->last < UINT64_C(1) << 40;
}

/* Is it a page of the file that nothing else has? */
static bool page_claim(struct walk *w, uint64_t page, uint64_t n)
{
	if (page < 2 || page >= w->pages || n > w->pages - page) {
		complain(w, page, "named, and not there");
		return false;
	}
	for (uint64_t i = page; i < page + n; i++) {
		if (w->seen[i / 8] & 1u << i % 8) {
			complain(w, i, "has two uses");
			return false;
		}
		w->seen[i / 8] |= (uint8_t)(1u << i % 8);
	}
	return true;
}

static int key_compare(const struct walk *w, struct span a, struct span b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int rc;

	if (w->is_free) {
		uint64_t x = GET(uint64_t, a.p), y = GET(uint64_t, b.p);

		return x < y ? -1 : x > y;
	}
	rc = memcmp(a.p, b.p, len);
	return rc ? rc : a.len < b.len ? -1 : a.len > b.len;
}

static struct span key_span(const struct key *k)
{
	return span_of(k->b, k->len);
}

static void key_keep(struct key *k, struct span from)
{
	memcpy(k->b, from.p, from.len);
	k->len = from.len;
}

static void key_in_order(struct walk *w, uint64_t page, struct span key)
{
	if ((w->last.len && key_compare(w, key, key_span(&w->last)) <= 0) ||
	    (w->least.len && key_compare(w, key, key_span(&w->least)) < 0))
		complain(w, page, "keys are not in their order");
	w->least.len = 0;
	key_keep(&w->last, key);
}

/* A list of page numbers begins with their count; the room after them is unused. */
static void free_list(struct walk *w, uint64_t page, struct span value)
{
	uint64_t n = value.len >= 8 ? GET(uint64_t, value.p) : 0;

	if (value.len < 8 || n > value.len / 8 - 1) {
		complain(w, page, "is no list of free pages");
		return;
	}
	for (uint64_t i = 1; i <= n; i++)
		page_claim(w, GET(uint64_t, value.p + 8 * i), 1);
}

static int entry_give(struct walk *w, uint64_t page, struct span key, struct span value)
{
	w->entries++;
	if (w->is_free) {
		free_list(w, page, value);
		return 0;
	}
	return w->each ? w->each(w->owner, key, value) : 0;
}

/* A value on pages of its own. */
static int entry_large(struct walk *w, struct span key, uint64_t page, size_t len)
{
	uint64_t n = (PAGE_HEAD + len + w->psize - 1) / w->psize;
	uint8_t head[PAGE_HEAD], *p;
	int rc = 0;

	if (!page_claim(w, page, n))
		return 0;
	if (!read_at(w->fd, head, sizeof(head), page * w->psize) || GET(uint64_t, head) != page ||
	    !(GET(uint16_t, head + 10) & PAGE_LARGE) || GET(uint32_t, head + 12) != n)
		return complain(w, page, "is no large value");
	if (!w->each && !w->is_free) {
		w->entries++;
		return 0;
	}
	p = malloc(len);
	if (!p)
		return -ENOMEM;
	if (read_at(w->fd, p, len, page * w->psize + PAGE_HEAD))
		rc = entry_give(w, page, key, span_of(p, len));
	else
		complain(w, page, "cannot be read");
	free(p);
	return rc;
}

/* One node of a leaf, all of it within the page. */
static int leaf_node(struct walk *w, uint64_t page, const uint8_t *node, size_t room)
{
	size_t len = GET(uint16_t, node) | (size_t)GET(uint16_t, node + 2) << 16, ksize = GET(uint16_t, node + 6);
	unsigned flags = GET(uint16_t, node + 4);
	struct span key = span_of(node + NODE_HEAD, ksize);
	const uint8_t *value = node + NODE_HEAD + ksize;
	size_t here = flags & NODE_LARGE ? 8 : len;

	if ((flags & ~(unsigned)NODE_LARGE) || ksize == 0 || ksize > KEY_MAX || len > VALUE_MAX ||
	    (w->is_free && ksize != 8) || NODE_HEAD + ksize + here > room)
		return complain(w, page, "an entry is no entry");
	key_in_order(w, page, key);
	return flags & NODE_LARGE ? entry_large(w, key, GET(uint64_t, value), len)
				  : entry_give(w, page, key, span_of(value, len));
}

static int page_walk(struct walk *w, uint64_t page, unsigned depth);

static int branch_node(struct walk *w, uint64_t page, const uint8_t *node, size_t room, bool first, unsigned depth)
{
	uint64_t child =
		GET(uint16_t, node) | (uint64_t)GET(uint16_t, node + 2) << 16 | (uint64_t)GET(uint16_t, node + 4) << 32;
	size_t ksize = GET(uint16_t, node + 6);
	struct span key = span_of(node + NODE_HEAD, ksize);

	if (ksize > KEY_MAX || NODE_HEAD + ksize > room || (!first && (ksize == 0 || (w->is_free && ksize != 8))))
		return complain(w, page, "a branch is no branch");
	if (!first) { /* what is before is less, what comes is not */
		if (w->last.len && key_compare(w, key, key_span(&w->last)) <= 0)
			complain(w, page, "keys are not in their order");
		key_keep(&w->least, key);
	}
	return page_walk(w, child, depth + 1);
}

/* Where the node is, and how much room there is from it to the end of the page; NULL: outside. */
static const uint8_t *node_at(const struct walk *w, const uint8_t *p, size_t n, size_t *room)
{
	size_t upper = GET(uint16_t, p + 14), at = GET(uint16_t, p + PAGE_HEAD + 2 * n);

	if (at < upper || at + NODE_HEAD > w->psize)
		return NULL;
	*room = w->psize - at;
	return p + at;
}

static int nodes_walk(struct walk *w, uint64_t page, const uint8_t *p, unsigned depth)
{
	size_t lower = GET(uint16_t, p + 12), upper = GET(uint16_t, p + 14), n, room;
	bool leaf = GET(uint16_t, p + 10) & PAGE_LEAF;
	int rc = 0;

	if (lower < PAGE_HEAD || lower > upper || upper > w->psize || lower % 2)
		return complain(w, page, "its bounds are none");
	n = (lower - PAGE_HEAD) / 2;
	if (n == 0)
		return complain(w, page, "is empty");
	for (size_t i = 0; i < n && rc == 0; i++) {
		const uint8_t *node = node_at(w, p, i, &room);

		if (!node)
			complain(w, page, "an entry is outside");
		else
			rc = leaf ? leaf_node(w, page, node, room) : branch_node(w, page, node, room, i == 0, depth);
	}
	return rc;
}

static int page_walk(struct walk *w, uint64_t page, unsigned depth)
{
	unsigned kind;
	uint8_t *p;
	int rc = 0;

	if (depth > DEPTH_MAX)
		return complain(w, page, "is too deep in the tree");
	if (!page_claim(w, page, 1))
		return 0;
	p = malloc(w->psize);
	if (!p)
		return -ENOMEM;
	kind = read_at(w->fd, p, w->psize, page * w->psize) ? GET(uint16_t, p + 10) & 0x7fu : 0;
	if ((kind != PAGE_LEAF && kind != PAGE_BRANCH) || GET(uint64_t, p) != page)
		complain(w, page, kind ? "is another" : "cannot be read or is empty");
	else
		rc = nodes_walk(w, page, p, depth);
	free(p);
	return rc;
}

static int tree_walk(struct walk *w, const struct tree *t, bool is_free)
{
	int rc;

	w->is_free = is_free;
	w->entries = 0;
	w->last.len = w->least.len = 0;
	rc = t->root == NO_PAGE ? 0 : page_walk(w, t->root, 1);
	if (rc == 0 && w->entries != t->entries)
		complain(w, t->root, is_free ? "free lists are missing" : "entries are missing");
	return rc;
}

static void size_check(struct walk *w)
{
	struct stat st;

	if (fstat(w->fd, &st) < 0 || (uint64_t)st.st_size < w->pages * w->psize)
		complain(w, w->pages - 1, "the file ends before it");
}

int lmdb_pages_walk(int fd, lmdb_pages_fn *each, void *owner, struct lmdb_pages *out)
{
	struct walk w = { .fd = fd, .each = each, .owner = owner, .out = out };
	struct meta m;
	int rc;

	*out = (struct lmdb_pages){ 0 };
	if (!meta_newest(fd, &m) || m.main.flags) {
		complain(&w, 0, "no header page of a store");
		return -EBADMSG;
	}
	w.psize = m.psize;
	w.pages = m.last + 1;
	out->promised = m.main.entries;
	w.seen = calloc(1, w.pages / 8 + 1);
	if (!w.seen)
		return -ENOMEM;
	size_check(&w);
	rc = tree_walk(&w, &m.main, false);
	out->entries = w.entries;
	if (rc == 0)
		rc = tree_walk(&w, &m.free, true);
	free(w.seen);
	return rc;
}
