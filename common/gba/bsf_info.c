/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/gba/bsf_info.h"

#include <errno.h>
#include <stdlib.h>

#include "common/gba/gba_time.h"
#include "common/gba/xml_read.h"

#define NAMESPACE "uri:3gpp-gba" /* 24.109 annex C; not "urn:" */

int bsf_info_format(char *out, size_t cap, const struct bsf_info *in)
{
	char expires[DATE_TIME_LEN + 1], now[DATE_TIME_LEN + 1];
	struct writer w;

	if (date_time_format(expires, in->expires_at) < 0 || (in->has_now && date_time_format(now, in->now) < 0))
		return -EINVAL;
	writer_init(&w, out, cap);
	writer_str(&w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<BootstrappingInfo xmlns=\"" NAMESPACE "\">\r\n");
	/* a B-TID is base64 and a DNS name: nothing in it needs escaping */
	writer_printf(&w, "  <btid>%s</btid>\r\n  <lifetime>%s</lifetime>\r\n", in->btid, expires);
	if (in->has_now)
		writer_printf(&w, "  <Extension><currenttime>%s</currenttime></Extension>\r\n", now);
	writer_str(&w, "</BootstrappingInfo>\r\n");
	return writer_end(&w);
}

static int date_child(time_t *out, const xmlNode *parent, const char *name)
{
	xmlNode *n = xml_child(parent, name);
	char *text;
	int rc;

	if (!n)
		return -ENOENT;
	text = xml_text(n);
	if (!text)
		return -ENOMEM;
	rc = date_time_parse(out, span_str(text));
	free(text);
	return rc;
}

static int read_root(struct bsf_info *out, const xmlNode *root)
{
	struct bsf_info info = { 0 };
	struct btid id;
	xmlNode *btid;
	char *text;
	int rc;

	btid = xml_is(root, "BootstrappingInfo") ? xml_child(root, "btid") : NULL;
	if (!btid || date_child(&info.expires_at, root, "lifetime") < 0)
		return -EBADMSG;
	text = xml_text(btid);
	if (!text)
		return -ENOMEM;
	rc = btid_parse(&id, (const uint8_t *)text, strlen(text));
	if (rc == 0)
		rc = span_to_str(info.btid, sizeof(info.btid), span_str(text));
	free(text);
	if (rc < 0)
		return -EBADMSG;
	info.has_now = date_child(&info.now, xml_child(root, "Extension"), "currenttime") == 0;
	*out = info;
	return 0;
}

int bsf_info_parse(struct bsf_info *out, const uint8_t *buf, size_t len)
{
	xmlDocPtr doc;
	int rc;

	if (len > BSF_INFO_READ_MAX)
		return -E2BIG;
	doc = xml_read(buf, len, NULL);
	if (!doc)
		return -EBADMSG;
	rc = read_root(out, xmlDocGetRootElement(doc));
	xmlFreeDoc(doc);
	return rc;
}
