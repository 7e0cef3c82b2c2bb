/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "tests/unit/io_log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char text[16384];
static size_t len;
static bool on;
static char fail_part[64];
static unsigned fail_nth;

void io_log_note(const char *what)
{
	size_t n = strlen(what);

	pthread_mutex_lock(&lock);
	if (on && len + n + 2 < sizeof(text) &&
	    !(len > n && !memcmp(text + len - n - 1, what, n) && (len == n + 1 || text[len - n - 2] == ' ')))
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s ", what);
	pthread_mutex_unlock(&lock);
}

void io_log_start(void)
{
	pthread_mutex_lock(&lock);
	len = 0;
	text[0] = '\0';
	on = true;
	pthread_mutex_unlock(&lock);
}

const char *io_log_end(void)
{
	pthread_mutex_lock(&lock);
	on = false;
	if (len)
		text[--len] = '\0';
	pthread_mutex_unlock(&lock);
	return text;
}

void io_log_fail(const char *part, unsigned nth)
{
	pthread_mutex_lock(&lock);
	snprintf(fail_part, sizeof(fail_part), "%s", part);
	fail_nth = nth;
	pthread_mutex_unlock(&lock);
}

/* \returns the last part of the name; "" for what is no file or folder */
static const char *name_of(int fd, char path[300])
{
	char link[40];
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0 || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
		return "";
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, 298);
	if (n <= 0)
		return "";
	path[n] = '\0';
	if (S_ISDIR(st.st_mode))
		return "folder/";
	return strrchr(path, '/') + 1;
}

/* \returns false: it is to fail, errno is set */
static bool record(const char *what, int fd)
{
	char path[300], word[400];
	const char *name = name_of(fd, path);
	bool fails = false;

	if (!*name)
		return true;
	if (!strcmp(what, "write") && fcntl(fd, F_GETFL) & O_DSYNC)
		what = "dsync";
	snprintf(word, sizeof(word), "%s:%s", what, name);
	io_log_note(word);
	pthread_mutex_lock(&lock);
	if (fail_nth && strstr(name, fail_part))
		fails = fail_nth == 1 || --fail_nth == 0;
	if (fails)
		fail_nth = 1;
	pthread_mutex_unlock(&lock);
	if (fails)
		errno = EIO;
	return !fails;
}

ssize_t write(int fd, const void *p, size_t n)
{
	REAL_OF(write)
	return record("write", fd) ? real(fd, p, n) : -1;
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	REAL_OF(pwrite)
	return record("write", fd) ? real(fd, p, n, at) : -1;
}

ssize_t pwrite64(int fd, const void *p, size_t n, off_t at)
{
	REAL_OF(pwrite64)
	return record("write", fd) ? real(fd, p, n, at) : -1;
}

ssize_t writev(int fd, const struct iovec *v, int n)
{
	REAL_OF(writev)
	return record("write", fd) ? real(fd, v, n) : -1;
}

ssize_t pwritev(int fd, const struct iovec *v, int n, off_t at)
{
	REAL_OF(pwritev)
	return record("write", fd) ? real(fd, v, n, at) : -1;
}

int fsync(int fd)
{
	REAL_OF(fsync)
	return record("sync", fd) ? real(fd) : -1;
}

int fdatasync(int fd)
{
	REAL_OF(fdatasync)
	return record("sync", fd) ? real(fd) : -1;
}

static void note_rename(const char *from, const char *to)
{
	const char *a = strrchr(from, '/'), *b = strrchr(to, '/');
	char word[400];

	snprintf(word, sizeof(word), "rename:%s>%s", a ? a + 1 : from, b ? b + 1 : to);
	io_log_note(word);
}

int rename(const char *from, const char *to)
{
	REAL_OF(rename)
	note_rename(from, to);
	return real(from, to);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	REAL_OF(renameat)
	note_rename(from, to);
	return real(from_fd, from, to_fd, to);
}
