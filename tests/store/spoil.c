/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/store/spoil.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

char data[300];

int data_open(void)
{
	int fd = open(data, O_RDWR);

	ck_assert_int_ge(fd, 0);
	return fd;
}

void data_spoil(void (*spoil)(int fd))
{
	int fd = data_open();

	spoil(fd);
	close(fd);
}

unsigned pages_of(int fd)
{
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	return (unsigned)(st.st_size / PAGE);
}

void page_read(int fd, unsigned page, uint8_t p[PAGE])
{
	ck_assert_int_eq(pread(fd, p, PAGE, (off_t)page * PAGE), PAGE);
}

static void page_write(int fd, unsigned page, const uint8_t p[PAGE])
{
	ck_assert_int_eq(pwrite(fd, p, PAGE, (off_t)page * PAGE), PAGE);
}

/* Every page that holds session 77, the live one among them. */
static void leaves(int fd, void (*spoil)(uint8_t *p))
{
	struct gba_session s = nth(77, true);
	unsigned end = pages_of(fd), n = 0;
	uint8_t p[PAGE];

	for (unsigned i = 2; i < end; i++) {
		page_read(fd, i, p);
		if (p[10] != 2 || !memmem(p, PAGE, s.rand, sizeof(s.rand)))
			continue;
		spoil(p);
		page_write(fd, i, p);
		n++;
	}
	ck_assert_uint_gt(n, 0);
}

static void to_zero(uint8_t *p)
{
	memset(p, 0, PAGE);
}

static void to_ones(uint8_t *p)
{
	memset(p, 0xff, PAGE);
}

static void to_random(uint8_t *p)
{
	for (unsigned i = 0; i < PAGE; i++)
		p[i] = (uint8_t)rand();
}

static void to_bad_offsets(uint8_t *p)
{
	memset(p + 16, 0xff, 16);
}

/* A value that claims 16 MiB and more, though the file has its full size. */
static void to_long_value(uint8_t *p)
{
	uint16_t at;

	memcpy(&at, p + 16, 2);
	memset(p + at, 0xff, 4);
}

static void to_wrong_number(uint8_t *p)
{
	p[0] ^= 1;
}

static void to_other_key(uint8_t *p)
{
	uint16_t at;

	memcpy(&at, p + 16 + 2, 2);
	memset(p + at + 8, 0, 4);
}

void leaf_zero(int fd)
{
	leaves(fd, to_zero);
}
void leaf_ones(int fd)
{
	leaves(fd, to_ones);
}
void leaf_random(int fd)
{
	leaves(fd, to_random);
}
static void to_other_order(uint8_t *p)
{
	uint16_t first;

	memcpy(&first, p + 16, 2);
	memcpy(p + 16, p + 18, 2);
	memcpy(p + 18, &first, 2);
}

static void leaf_offsets(int fd)
{
	leaves(fd, to_bad_offsets);
}
static void leaf_long_value(int fd)
{
	leaves(fd, to_long_value);
}
static void leaf_order(int fd)
{
	leaves(fd, to_other_order);
}
static void leaf_number(int fd)
{
	leaves(fd, to_wrong_number);
}
static void leaf_key(int fd)
{
	leaves(fd, to_other_key);
}

static void cut_last(int fd)
{
	ck_assert_int_eq(ftruncate(fd, (off_t)(pages_of(fd) - 1) * PAGE), 0);
}

void cut_half(int fd)
{
	ck_assert_int_eq(ftruncate(fd, (off_t)pages_of(fd) / 2 * PAGE), 0);
}

static void all_large(int fd)
{
	unsigned end = pages_of(fd);
	uint8_t p[PAGE];

	for (unsigned i = 2; i < end; i++) {
		page_read(fd, i, p);
		if (p[10] == 4) {
			to_zero(p);
			page_write(fd, i, p);
		}
	}
}

void body_zero(int fd)
{
	unsigned end = pages_of(fd);
	uint8_t p[PAGE] = { 0 };

	for (unsigned i = 2; i < end; i++)
		page_write(fd, i, p);
}

static void header_zero(int fd)
{
	uint8_t p[PAGE] = { 0 };

	page_write(fd, 0, p);
}

static void second_header_ones(int fd)
{
	uint8_t p[PAGE];

	to_ones(p);
	page_write(fd, 1, p);
}

static void one_page(int fd)
{
	ck_assert_int_eq(ftruncate(fd, PAGE), 0);
}

static void emptied(int fd)
{
	ck_assert_int_eq(ftruncate(fd, 0), 0);
}

static void text(int fd)
{
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	ck_assert_int_gt(dprintf(fd, "%09000d", 1), 0);
}

static void gone(int fd)
{
	ck_assert_int_eq(unlink(data), 0);
}

/* A page that the newer header names: at 80 the root of the list of free pages, at 128 that of the sessions. */
static unsigned root_of(int fd, unsigned at)
{
	uint64_t txn[2], root[2];

	for (unsigned i = 0; i < 2; i++) {
		uint8_t p[PAGE];

		page_read(fd, i, p);
		memcpy(&txn[i], p + 144, 8);
		memcpy(&root[i], p + at, 8);
	}
	return (unsigned)root[txn[1] > txn[0]];
}

static void free_list(int fd)
{
	uint8_t p[PAGE];

	to_ones(p);
	page_write(fd, root_of(fd, 80), p);
}

/* A live page in the list of free ones: the next commit would write over it. */
static void free_live(int fd)
{
	uint64_t live = root_of(fd, 128);
	unsigned page = root_of(fd, 80);
	uint8_t p[PAGE];
	uint16_t at;

	page_read(fd, page, p);
	ck_assert_uint_eq(p[10], 2);
	memcpy(&at, p + 16, 2);
	memcpy(p + at + 8 + 8 + 8, &live, 8); /* node head, key, count */
	page_write(fd, page, p);
}

/* The nth key of the root: RAND from one octet on is another. */
static void branch_key(int fd, unsigned n, size_t from, uint8_t octet)
{
	unsigned page = root_of(fd, 128);
	uint8_t p[PAGE];
	uint16_t at;

	page_read(fd, page, p);
	ck_assert_uint_eq(p[10], 1);
	memcpy(&at, p + 16 + 2 * n, 2);
	memset(p + at + 8 + from, octet, AKA_RAND_LEN - from);
	page_write(fd, page, p);
}

/* Less than what is before it; more than what comes with it. */
static void branch_behind(int fd)
{
	branch_key(fd, 2, 0, 0);
}

static void branch_ahead(int fd)
{
	branch_key(fd, 1, 4, 0xff);
}

const struct damage damages[DAMAGES] = {
	{ "leaf zero", leaf_zero, 60, NULL },
	{ "leaf 0xff", leaf_ones, 60, NULL },
	{ "leaf random", leaf_random, 60, NULL },
	{ "offsets of a leaf", leaf_offsets, 60, NULL },
	{ "length of a value", leaf_long_value, 60, NULL },
	{ "number of a page", leaf_number, 60, NULL },
	{ "order of a leaf", leaf_order, 0, NULL },
	{ "key of a branch behind", branch_behind, 0, NULL },
	{ "key of a branch ahead", branch_ahead, 0, NULL },
	{ "key", leaf_key, 2, NULL },
	{ "last page cut", cut_last, 60, NULL },
	{ "large values", all_large, N / 10, NULL },
	{ "list of free pages", free_list, 0, NULL },
	{ "a live page listed as free", free_live, 0, NULL },
	{ "half cut", cut_half, N, NULL },
	{ "all but the headers", body_zero, N, NULL },
	{ "header page zero", header_zero, -1, "no store or damaged" },
	{ "second header page 0xff", second_header_ones, -1, "no store or damaged" },
	{ "cut to one page", one_page, -1, "no store or damaged" },
	{ "cut to nothing", emptied, -1, "is empty, but a store was made here" },
	{ "a text", text, -1, "no store or damaged" },
	{ "gone", gone, -1, "is gone, but a store was made here" },
};
