/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file log_line.h
 *  The one form of a line about an event that has a cause: "cause key=value key=value". A value that is not plain is quoted
 *  and what could end it, or the line, is escaped: whoever chooses a name, a path or an Error-Message cannot forge a field.
 *  What is not known is left out. Any thread.
 *
 *  struct log_line l;
 *  if (!log_line_begin(&l, DZN, LOGL_INFO, cause))
 *  	return;
 *  log_line_str(&l, "peer", peer);
 *  log_line_end(&l); */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "common/base/bytes.h"
#include "common/gba/cause.h"
#include "common/gba/result.h"

#define LOG_LINE_MAX 1920 /* octets; what is beyond is cut, and the line ends with "..." */

struct log_line {
	int cat, level;
	size_t len;
	bool cut;
	char s[LOG_LINE_MAX];
};

/*! \returns false: nobody reads this category at this level; do nothing more */
bool log_line_begin(struct log_line *l, int cat, int level, enum cause cause);

/*! The same for a line that is of no cause. \param[in] word a literal */
bool log_line_open(struct log_line *l, int cat, int level, const char *word);

/*! \param[in] key a literal. \param[in] value any octets up to NUL; NULL or "": left out */
void log_line_str(struct log_line *l, const char *key, const char *value);
void log_line_num(struct log_line *l, const char *key, uint64_t value);

/*! impi=, masked, and sub=, the subscriber's word (pseudonym.h). "": left out */
void log_line_impi(struct log_line *l, const char *impi);

/*! run= of a RAND. \param[in] rand 16 octets; NULL: left out */
void log_line_run(struct log_line *l, const uint8_t *rand);

/*! result=2001, or result=10415/5401 for an experimental one. Code 0: left out */
void log_line_result(struct log_line *l, const struct result *r);

/*! from= and port= of a socket address of any family; neither IPv4 nor IPv6: left out */
void log_line_from(struct log_line *l, const void *sa);

void log_line_end(struct log_line *l);

/*! A whole line with reason= in words, a literal. */
void log_line_reason(int cat, int level, enum cause cause, const char *reason);

/*! A word that somebody typed, as a log may hold it: an IMPI, a number as long as an IMSI, also in a range
 *  FROM-TO, and the value of name=value masked. */
void log_line_word(struct writer *w, const char *word);

/*! For lines in words: no control character, and nothing but ASCII, leaves here. In place; the last '\n' stays.
 *  \returns s */
char *log_line_harmless(char *s);
