/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_text.h
 *  What the registry writes for others: the policy of an application as gba-bsfd reads it, its naf.conf as libgba-naf reads it
 *  (gba_naf_config_read()), and the GUSS of a device. Pure but for memory. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define REG_NETS_MAX   8       /* addresses an application connects from */
#define REG_NAMES_MAX  16      /* BSF names; lines of our own in a naf.conf */
#define REG_ASP_MAX    64      /* characters of the name of an ASP: naf-group and nafGroup */
#define REG_GRANTS_MAX 200     /* of a device: a GUSS has at most 256 USSs */
#define REG_UID        32      /* hex digits of a pseudonym */
#define REG_GSID_FROM  1000000 /* what is above 999999 is the operator's own */

/*! An application as it is registered. */
struct reg_app {
	int64_t id;
	char *fqdn, *asp, *gsid;
	char *nets;    /* ADDRESS/PREFIX, a blank between two */
	char *keys;    /* its public keys, the same way, as dia_cert_key() writes them; "": each that is certified */
	char *profile; /* its security degree; NULL: none */
	char *ua;      /* Ua security protocols, the same way; "": each */
	char *state;
	bool wildcard; /* it speaks for *.fqdn, too */
	bool usable;   /* it is approved, and so is its ASP */
	int assurance_min;
	int64_t rev;
};

/*! What every naf.conf of this operator says. */
struct reg_realm {
	char *bsf_names[REG_NAMES_MAX];
	size_t n_bsf_names;
	char *bsf_address, *bsf_identity, *bsf_realm;
	int recheck_s; /* -1: what the library does by itself */
	char *lines[REG_NAMES_MAX];
	size_t n_lines;
};

/*! \returns malloc'ed; NULL: no memory */
char *reg_text_policy(const struct reg_app *a);
char *reg_text_conf(const struct reg_app *a, const struct reg_realm *r);

/*! A service a device may have. */
struct reg_right {
	char *gsid, *asp;
	char uid[REG_UID + 1];
};

/*! \param[out] xml malloc'ed, NUL-terminated \returns 0; -ENOMEM; -EINVAL at cannot be written */
int reg_text_guss(char **xml, size_t *len, const char *impi, time_t at, const struct reg_right *rights, size_t n);
