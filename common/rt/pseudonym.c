/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/pseudonym.h"

#include <errno.h>
#include <string.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>
#include "common/base/hex.h"
#include "common/crypto/rng.h"
#include "common/crypto/seal.h"
#include "common/gba/impi.h"

#define LABEL "gba log pseudonym v1"

static struct secret pseudonym_key; /* written once, before there are threads */

int pseudonym_init(const struct secret *kek)
{
	uint8_t key[32];
	int rc = kek ? seal_index(key, kek, span_str(LABEL)) : rng_fill(key, sizeof(key));

	if (rc == 0)
		rc = secret_set(&pseudonym_key, key, sizeof(key));
	explicit_bzero(key, sizeof(key));
	return rc < 0 ? -EIO : 0;
}

void pseudonym(char *out, const char *impi)
{
	struct impi key;
	uint8_t md[32];

	strcpy(out, "-");
	impi_key(&key, impi);
	if (pseudonym_key.len && seal_index(md, &pseudonym_key, span_str(key.s)) == 0)
		hex_encode(out, PSEUDONYM_LEN + 1, md, PSEUDONYM_LEN / 2);
}

DEFUN(show_pseudonym, show_pseudonym_cmd, "show pseudonym IMPI",
      SHOW_STR "The word that stands for a subscriber in the log (sub=)\n"
	       "user@domain\n")
{
	char word[PSEUDONYM_LEN + 1];
	struct impi impi;

	if (impi_parse(&impi, (const uint8_t *)argv[0], strlen(argv[0])) < 0) {
		vty_out(vty, "%% %s is no IMPI; allowed: user@domain%s", argv[0], VTY_NEWLINE);
		return CMD_WARNING;
	}
	pseudonym(word, impi.s);
	vty_out(vty, "%s%s", word, VTY_NEWLINE);
	return CMD_SUCCESS;
}

void pseudonym_vty_init(void)
{
	install_element_ve(&show_pseudonym_cmd);
}
