/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file example_account.h
 *  The application's own users, behind the SIM: a form with a name and a PIN under the key of GBA. The SIM says which subscriber
 *  it is; the form says who holds the device.
 *
 *  Who has signed in is remembered for the B-TID alone, so it ends with the key: after a new bootstrapping the form is there
 *  again, and nobody else's key ever finds it. No cookie, no JavaScript. As Digest goes along with every request of a browser,
 *  also with one another site has made, each form carries a word of this B-TID that only its page has shown. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <gba/naf.h>

#define EXAMPLE_PAGE_MAX 2048 /* octets */

struct example_account;

struct example_page {
	unsigned status;
	const char *location; /* of a 303; else NULL */
	const char *allow;    /* of a 405; else NULL */
	const char *event;    /* for the log: "signed_in", "pin_wrong"...; NULL: nothing has happened */
	char name[33];        /* of the user it happened to, or "" */
	char text[EXAMPLE_PAGE_MAX];
};

/*! \param[in] file lines NAME:HASH, the hash as crypt(3) has it ("openssl passwd -6" makes one); no comment, at most 1000
 *  \returns for example_account_free(); NULL: no memory, or it has been told what is wrong */
struct example_account *example_account_new(const char *file);
void example_account_free(struct example_account *a);

/*! Is this target one of the pages here: /account and what is below it? */
bool example_account_has(const char *target);

/*! Any thread.
 *  \param[in] q   whole request, which has been accepted
 *  \param[in] who its answer, with the B-TID that is proven and its key */
void example_account_answer(struct example_account *a, const struct gba_naf_request *q,
			    const struct gba_naf_answer *who, struct example_page *out);
