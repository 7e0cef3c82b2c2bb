/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* "digest-form" of the node ub: forms of Digest beside the one of the specifications. */
#include <string.h>
#include <osmocom/vty/vty.h>
#include "bsf/run/cfg.h"
#include "bsf/run/cfg_vty.h"
#include "bsf/run/peer_cfg.h"
#include "common/base/ascii.h"
#include "common/rt/cfg_file.h"

#define HELP \
	"Another form of Digest than AKAv1-MD5 for one subscriber's device, which no text of GBA names\n" \
	"IMPI of the subscriber\n" \
	"Product token in the User-Agent of the device\n"

static struct policy_form *form_find(const char *impi, const char *token)
{
	for (size_t i = 0; i < bsf_cfg->n_forms; i++) {
		if (impi_same(bsf_cfg->forms[i].impi, impi) && strcmp(bsf_cfg->forms[i].token, token) == 0)
			return &bsf_cfg->forms[i];
	}
	return NULL;
}

static bool token_valid(const char *token)
{
	return token[0] && strlen(token) <= POLICY_TOKEN_MAX && !token[strcspn(token, " ;,/\t")];
}

DEFUN(cfg_form, cfg_form_cmd, "digest-form IMPI TOKEN (akav2-md5|akav1-sha-256|akav2-sha-256)",
      HELP "Password of RES, IK and CK (RFC 4169); not with GBA_U\n"
	   "SHA-256 in the place of MD5\n"
	   "Both\n")
{
	struct policy_form *f = form_find(argv[0], argv[1]), new = { 0 };
	struct impi impi;

	if (impi_parse(&impi, (const uint8_t *)argv[0], strlen(argv[0])) < 0)
		return cfg_fail(vty, "%s is no IMPI; allowed: user@domain", argv[0]);
	if (!token_valid(argv[1]))
		return cfg_fail(vty,
				"%s is no product token; allowed: 1 to %d characters without blank, ;, comma and /",
				argv[1], POLICY_TOKEN_MAX);
	if (!f && bsf_cfg->n_forms == POLICY_FORMS_MAX)
		return cfg_fail(vty, "more than %d of digest-form", POLICY_FORMS_MAX);
	strcpy(new.impi, argv[0]);
	strcpy(new.token, argv[1]);
	digest_alg_parse(&new.alg, span_str(argv[2]));
	if (!f)
		f = &bsf_cfg->forms[bsf_cfg->n_forms++];
	*f = new;
	return peer_cfg_changed(vty);
}

DEFUN(cfg_no_form, cfg_no_form_cmd, "no digest-form IMPI TOKEN", NO_STR HELP)
{
	struct policy_form *f = form_find(argv[0], argv[1]);

	if (!f)
		return cfg_fail(vty, "there is no digest-form %s %s", argv[0], argv[1]);
	bsf_cfg->n_forms--;
	memmove(f, f + 1, (size_t)(&bsf_cfg->forms[bsf_cfg->n_forms] - f) * sizeof(*f));
	return peer_cfg_changed(vty);
}

void bsf_form_vty_init(void)
{
	install_element(BSF_NODE_UB, &cfg_form_cmd);
	install_element(BSF_NODE_UB, &cfg_no_form_cmd);
}

void bsf_form_write(struct vty *vty)
{
	for (size_t i = 0; i < bsf_cfg->n_forms; i++) {
		const struct policy_form *f = &bsf_cfg->forms[i];
		char name[32];

		ascii_lower_copy(name, digest_alg_name(f->alg), strlen(digest_alg_name(f->alg)));
		vty_out(vty, " digest-form %s %s %s%s", f->impi, f->token, name, VTY_NEWLINE);
	}
}
