/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file naf_words.h
 *  The words of a NAF's policy, each once: how it is written, what is allowed, where it goes. The VTY makes its commands of this table,
 *  the files of the policy directory are read by it, and both are written by it. Pure but for memory. */
#pragma once

#include "bsf/policy/policy.h"
#include "common/base/err.h"

enum naf_word_kind {
	NAF_FLAG,   /* bool: the word alone */
	NAF_CHOICE, /* uint8_t or bool: one of choices */
	NAF_BITS,   /* uint8_t: a bit for each of those choices that are named */
	NAF_NUMBER, /* uint32_t: 1 .. max; 0: not written */
	NAF_TEXT,   /* char *: one argument */
	NAF_LIST,   /* struct names: all in one line, which replaces those before */
	NAF_EACH,   /* struct names: one in a line, which adds it */
	NAF_NETS,   /* addresses of a policy_peer: one in a line, which adds it */
};

#define NAF_CHOICES_MAX 5

struct naf_word {
	const char *word;
	const char *args; /* as the VTY wants them; "": none */
	const char *
		help; /* of the word, and of each argument; a line each. NULL: the VTY has a command of its own, which asks for more */
	enum naf_word_kind kind;
	bool of_peer;                         /* at is in a struct policy_peer, else in a struct naf_policy */
	size_t at;                            /* offset */
	uint32_t max;                         /* of a number; of a list: how many */
	const char *choices[NAF_CHOICES_MAX]; /* [0] NULL: what is not written */
	bool (*good)(const char *arg);        /* NULL: all are */
	const char *unset;                    /* what holds where it is not written */
	const char *what, *allowed;           /* "no host name", and what is one, in words */
};

/*! The table; word NULL ends. */
extern const struct naf_word naf_words[];
/*! \returns row; NULL there is no such word */
const struct naf_word *naf_word_find(struct span word);

/*! What a line says. On error nothing has changed.
 *  \param[in,out] on struct naf_policy, or struct policy_peer if w->of_peer
 *  \returns 0; -EINVAL, -E2BIG, -ENOMEM and in err what is allowed */
int naf_word_set(const struct naf_word *w, void *on, const char *const *args, size_t n_args, struct err *err);
/*! As if it had never been said. \param[in] arg of NAF_EACH: which; else ignored \returns 0; -ENOENT and err */
int naf_word_unset(const struct naf_word *w, void *on, const char *arg, struct err *err);

/*! Each line that gives what is in on; none for what is not written. \param[in] line lent for the call, without line end */
void naf_word_write(const struct naf_word *w, const void *on, void (*each)(void *to, const char *line), void *to);
