/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a machine does to a store on disk: kill -9 at any moment, full map, full disk. */
#include "common/base/clock.h"
#include "tests/store/disk.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <osmocom/core/select.h>
#include "common/rt/deadline.h"
#include "tests/unit/suite.h"

/* A child puts, with many under way, and tells each done(0) through a pipe; it ends by kill -9 at any moment. */
#define UNDER_WAY 40

struct child {
	int fd;
	unsigned next, under_way;
};

static void child_done(void *owner, uint64_t txn, const struct store_answer *a)
{
	struct child *c = owner;
	uint32_t n = (uint32_t)txn;

	c->under_way--;
	if (a->rc == 0 && write(c->fd, &n, sizeof(n)) != sizeof(n))
		_exit(1);
}

static void child_run(int fd, unsigned first)
{
	struct child c = { fd, first, 0 };
	struct store_lmdb_cfg cfg = lmdb_cfg();
	struct err err;
	struct store *st;
	struct store_shared *sh;

	cfg.dir = dir;
	sh = store_shared_lmdb_new(&cfg, &err);
	st = sh ? store_new(NULL, sh, child_done, &c) : NULL;
	while (st) {
		while (c.under_way < UNDER_WAY) {
			struct gba_session s = nth(c.next, c.next % 2);

			if (store_put(st, &s, c.next)) /* refused: it would come later */
				break;
			c.next++;
			c.under_way++;
		}
		osmo_select_main(0);
	}
	_exit(1);
}

/* \returns reports read; marks them in done */
static unsigned kill_round(unsigned first, uint8_t *done, size_t max)
{
	unsigned reports = 0, kill_after = (unsigned)rand() % 400 + 1;
	int fds[2], status;
	uint32_t n;
	pid_t pid;

	ck_assert_int_eq(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		child_run(fds[1], first);
	}
	close(fds[1]);
	while (read(fds[0], &n, sizeof(n)) == sizeof(n)) {
		ck_assert_uint_lt(n, max);
		done[n] = 1;
		if (++reports == kill_after) {
			usleep((unsigned)rand() % 3000);
			kill(pid, SIGKILL);
		}
	}
	close(fds[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the child ended by itself: %x", status);
	return reports;
}

START_TEST(killed)
{
	enum { ROUNDS = 12, EACH = 20000 };
	static uint8_t done[ROUNDS * EACH];
	unsigned reports = 0, checked = 0;

	srand((unsigned)time(NULL));
	for (unsigned round = 0; round < ROUNDS; round++)
		reports += kill_round(round * EACH, done, sizeof(done));
	open_store();
	for (unsigned n = 0; n < sizeof(done); n++) {
		struct gba_session s;

		if (!done[n])
			continue;
		s = nth(n, n % 2);
		ck_assert_msg(get_nth(n) == 0, "%u was reported and is not there", n);
		ck_assert(secret_equal(&h.session.ks, &s.ks));
		ck_assert_str_eq(h.session.impi.s, s.impi.s);
		if (n % 2)
			ck_assert_int_eq(find_tmpi(&h, s.tmpi), 0);
		checked++;
	}
	ck_assert_uint_eq(checked, reports);
	harness_close(&h);
}
END_TEST

/* Put sessions until one is refused. \returns how many are in */
static unsigned put_until_full(unsigned first, int64_t expires_at, struct guss_blob *guss)
{
	for (unsigned n = first; n < 100000; n++) {
		struct gba_session s = nth(n, n % 2);
		int rc;

		s.guss = guss_blob_get(guss);
		s.expires_at = expires_at;
		rc = put(&h, &s);
		gba_session_clear(&s);
		ck_assert(rc == 0 || rc == -ENOSPC);
		if (rc < 0 || time(NULL) >= expires_at)
			return n;
	}
	ck_abort_msg("never full");
	return 0;
}

/* Put session n again and again until there is room for it. */
static void put_when_room(unsigned n, struct guss_blob *guss, unsigned within_ms)
{
	uint64_t until = clock_mono_ms() + within_ms;
	struct gba_session s = nth(n, true);
	int rc;

	s.guss = guss_blob_get(guss);
	while ((rc = put(&h, &s)) == -ENOSPC && clock_mono_ms() < until)
		usleep(20000); /* the store tells nobody that it has room again */
	gba_session_clear(&s);
	ck_assert_int_eq(rc, 0);
}

static void all_there(unsigned end)
{
	for (unsigned n = 0; n < end; n++)
		ck_assert_msg(get_nth(n) == 0, "%u of %u is lost", n, end);
}

/* A full store whose sessions are over soon, but not before this returns, however slow the machine is. \returns how many are in */
static unsigned filled_for_a_while(const struct store_lmdb_cfg *cfg, struct guss_blob *guss)
{
	for (int64_t life_s = 4;; life_s *= 2) {
		int64_t over_at = time(NULL) + life_s;
		unsigned end;

		harness_open_lmdb(&h, dir, cfg);
		end = put_until_full(0, over_at, guss);
		if (time(NULL) + life_s / 2 < over_at) {
			ck_assert_uint_gt(end, 200);
			return end;
		}
		harness_close(&h);
		temp_dir_remove(dir);
		strcpy(dir, temp_dir());
	}
}

enum { AMONG = 33 };

struct among {
	unsigned answered;
	int rc[AMONG];
};

static void on_among(void *owner, uint64_t txn, const struct store_answer *a)
{
	struct among *m = owner;

	m->rc[txn] = a->rc;
	m->answered++;
}

/* What takes away goes where what adds does not, also in one transaction with it. */
static void revoked_among_puts(const char *impi, struct guss_blob *guss)
{
	struct among m = { 0 };
	struct store *st = store_new(NULL, h.sh, on_among, &m);

	for (unsigned i = 0; i < AMONG; i++) {
		struct gba_session s = nth(300000 + i, false);

		s.guss = guss_blob_get(guss);
		s.made_ms = store_clock_ms(st);
		/* while the first one waits for the disk the others gather */
		ck_assert_ptr_null(i == 0           ? store_revoke_naf(st, "naf.example.com", i)
				   : i == AMONG / 2 ? store_revoke_impi(st, impi, i)
						    : store_put(st, &s, i));
		gba_session_clear(&s);
	}
	while (m.answered < AMONG)
		osmo_select_main(0);
	talloc_free(st);
	ck_assert_int_eq(m.rc[AMONG / 2], 0);
	ck_assert_int_eq(m.rc[AMONG / 2 - 1], -ENOSPC);
}

/* New ones are refused, nothing is lost, revoking works, and what expires makes room */
START_TEST(full_map)
{
	struct store_lmdb_cfg cfg = lmdb_cfg();
	struct guss_blob *guss = guss_noise(20000);
	enum { MORE = 50 };
	unsigned end;

	cfg.limit_octets = 8 << 20;
	end = filled_for_a_while(&cfg, guss);
	all_there(end);
	revoked_among_puts("u5@ims.mnc001.mcc001.3gppnetwork.org", guss);
	ck_assert_int_eq(get_nth(5), -ENOENT);
	ck_assert_int_eq(revoke_impi(&h, "u3@ims.mnc001.mcc001.3gppnetwork.org"), 0);
	ck_assert_uint_eq(h.a.revoked, 1);
	ck_assert_int_eq(get_nth(3), -ENOENT);
	put_when_room(end, guss, 60000);    /* what that gave back */
	for (unsigned n = 0; n < MORE; n++) /* and what is over, without a pause to sweep in */
		put_when_room(200000 + n, guss, 60000);
	harness_close(&h);
	harness_open_lmdb(&h, dir, &cfg);
	for (unsigned n = 0; n < MORE; n++)
		ck_assert_int_eq(get_nth(200000 + n), 0);
	harness_close(&h);
	guss_blob_put(guss);
}
END_TEST

/* A disk of its own for the test: tmpfs in a mount namespace, or a limit on the size of the file. */
static bool disk_is_tmpfs;

static void disk_limit(unsigned mib)
{
	struct rlimit lim;
	char opt[48];

	snprintf(opt, sizeof(opt), "size=%um,mode=0700", mib);
	if (disk_is_tmpfs) {
		ck_assert_int_eq(mount("tmpfs", dir, "tmpfs", MS_REMOUNT, opt), 0);
		return;
	}
	if (unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount("tmpfs", dir, "tmpfs", 0, opt) == 0) {
		disk_is_tmpfs = true;
		return;
	}
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &lim), 0);
	lim.rlim_cur = (rlim_t)mib << 20;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &lim), 0);
}

START_TEST(full_disk)
{
	struct guss_blob *guss;
	unsigned end;

	disk_limit(4);
	guss = guss_noise(3000);
	open_store();
	end = put_until_full(0, time(NULL) + 1000, guss);
	ck_assert_uint_gt(end, 200);
	all_there(end);
	harness_close(&h);
	open_store(); /* a restart on the full disk */
	all_there(end);
	disk_limit(64);
	put_when_room(end, NULL, 60000);
	all_there(end + 1);
	harness_close(&h);
	guss_blob_put(guss);
	if (disk_is_tmpfs)
		ck_assert_int_eq(umount(dir), 0);
	else
		puts("full_disk: no mount namespace here, the limit was RLIMIT_FSIZE");
}
END_TEST

SUITE_WITH_FIXTURE("store LMDB failure", disk_setup, disk_teardown, killed, full_map, full_disk)
