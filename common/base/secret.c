/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/base/secret.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/folder.h"
#include "common/base/hex.h"
#include "common/base/regular.h"

#if defined(__SANITIZE_ADDRESS__)
#define KEEP_PTRACE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KEEP_PTRACE 1
#endif
#endif

int secret_set(struct secret *out, const void *p, size_t len)
{
	if (len > SECRET_MAX)
		return -E2BIG;
	secret_clear(out);
	memcpy(out->b, p, len);
	out->len = (uint8_t)len;
	return 0;
}

bool octets_equal(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
	return a->len == b->len && octets_equal(a->b, b->b, a->len);
}

void secret_harden_process(void)
{
	const struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
#ifndef KEEP_PTRACE
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

static int fail(int rc, char *why, size_t whylen, const char *path, const char *reason)
{
	snprintf(why, whylen, "%s: %s", path, reason);
	return rc;
}

const char *secret_credentials(void)
{
	return getenv("CREDENTIALS_DIRECTORY");
}

/* systemd gives the service's user a right of its own to a credential, which shows as one of the group, that is root. */
static mode_t not_others(const char *path)
{
	const char *dir = secret_credentials();
	size_t n = dir ? strlen(dir) : 0;

	return n && strncmp(path, dir, n) == 0 && path[n] == '/' ? 037 : 077;
}

static int check_mode(int fd, const char *path, char *why, size_t whylen)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fail(-errno, why, whylen, path, strerror(errno));
	if (st.st_mode & not_others(path))
		return fail(-EACCES, why, whylen, path, "is readable or writable by others than its owner");
	return 0;
}

int secret_open_file(const char *path, char *why, size_t whylen)
{
	const char *writers = folder_of_open_to(path);
	struct err err;
	int fd, rc;

	if (writers)
		return fail(-EACCES, why, whylen, path, writers);
	fd = regular_open(path, O_RDONLY, 0, &err);
	if (fd < 0) {
		snprintf(why, whylen, "%s", err.text);
		return fd == -ENOENT ? -ENOENT : -EACCES;
	}
	rc = check_mode(fd, path, why, whylen);
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

int secret_read_file(struct secret *out, size_t octets, const char *path, char *why, size_t whylen)
{
	char text[2 * SECRET_MAX + 66], reason[80];
	uint8_t key[SECRET_MAX];
	size_t len = 0, start = 0;
	ssize_t n;
	int fd, rc;

	if (octets == 0 || octets > SECRET_MAX)
		return fail(-EINVAL, why, whylen, path, "unsupported size");
	fd = secret_open_file(path, why, whylen);
	if (fd < 0)
		return fd;
	n = read(fd, text, sizeof(text));
	rc = n < 0 ? fail(-errno, why, whylen, path, strerror(errno)) : 0;
	close(fd);
	if (rc == 0) {
		len = (size_t)n;
		while (len && isspace((unsigned char)text[len - 1]))
			len--;
		while (start < len && isspace((unsigned char)text[start]))
			start++;
		rc = hex_decode(key, octets, text + start, len - start);
		if (rc != (int)octets) {
			snprintf(reason, sizeof(reason), "must hold exactly %zu hexadecimal digits", 2 * octets);
			rc = fail(-EBADMSG, why, whylen, path, reason);
		} else {
			rc = secret_set(out, key, octets);
		}
	}
	OPENSSL_cleanse(text, sizeof(text));
	OPENSSL_cleanse(key, sizeof(key));
	return rc;
}

int secret_read_line(struct secret *out, const char *path, char *why, size_t whylen)
{
	char line[SECRET_MAX + 2];
	int fd = secret_open_file(path, why, whylen), rc;
	ssize_t n;

	if (fd < 0)
		return fd;
	n = read(fd, line, sizeof(line));
	rc = n < 0 ? fail(-errno, why, whylen, path, strerror(errno)) : 0;
	close(fd);
	if (n > 0 && line[n - 1] == '\n')
		n--;
	if (n > 0 && n <= SECRET_MAX && !memchr(line, '\n', (size_t)n))
		rc = secret_set(out, line, (size_t)n);
	else if (rc == 0)
		rc = fail(-EBADMSG, why, whylen, path, "is none");
	OPENSSL_cleanse(line, sizeof(line));
	return rc;
}
