/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file secret.h
 *  Key material that wipes itself. Keys travel only in this form, never as hex strings;
 *  there is no function that prints one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <openssl/crypto.h>

#define SECRET_MAX 64 /* octets; Ks and Ks_NAF have 32, CK and IK 16, RES 4..32 */

struct secret {
	uint8_t len;
	uint8_t b[SECRET_MAX];
};

static inline void secret_clear(struct secret *s)
{
	OPENSSL_cleanse(s, sizeof(*s));
}

/*! A local secret that is wiped when it goes out of scope; initialise it: SECRET_AUTO k = { 0 }; */
#define SECRET_AUTO __attribute__((cleanup(secret_clear))) struct secret

/*! Copy octets in.
 *  \returns 0; -E2BIG over SECRET_MAX (out untouched) */
int secret_set(struct secret *out, const void *p, size_t len);

/*! Constant time for equal lengths; different lengths are unequal. */
bool secret_equal(const struct secret *a, const struct secret *b);

/*! The same for plain octets (digests, MACs). */
bool octets_equal(const void *a, const void *b, size_t len);

/*! Keep this process out of core dumps and debuggers (skipped in sanitizer builds, whose leak check needs ptrace). */
void secret_harden_process(void);

/*! Open a file with a secret: a regular one that nobody but owner may read (mode & 077 == 0; of a credential of systemd the
 *  group may), in a folder that others may not write into (folder.h). \param[out] why as below. \returns descriptor; -errno as below */
int secret_open_file(const char *path, char *why, size_t whylen);

/*! Where systemd has put what it hands over, in a folder that only we can read. \returns NULL: it has handed over nothing */
const char *secret_credentials(void);

/*! Read a secret of exactly octets octets, written as hex digits (white space around is allowed), from a file
 *  for secret_open_file().
 *  \param[out] why reason in words, naming the path, never the content; whylen octets
 *  \returns 0; -ENOENT, -EACCES (readable by others, replaceable by others, or unreadable), -EBADMSG (not exactly 2*octets hex digits) */
int secret_read_file(struct secret *out, size_t octets, const char *path, char *why, size_t whylen);

/*! One line of such a file as it is, 1 to SECRET_MAX octets: a password, a PIN. \returns 0; -EBADMSG it is none; -errno of read(); as above */
int secret_read_line(struct secret *out, const char *path, char *why, size_t whylen);
