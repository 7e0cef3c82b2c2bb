/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/tool/export_wire.h"

#include <errno.h>
#include <openssl/evp.h>

void export_item_head(uint8_t out[EXPORT_ITEM_LEN], struct span key, struct span value)
{
	out[0] = (uint8_t)key.len;
	be32_put(out + 1, (uint32_t)value.len);
}

void export_end(uint8_t out[EXPORT_END_LEN], uint64_t items)
{
	out[0] = 0;
	be64_put(out + 1, items);
}

static void skip(struct span *rest, size_t n)
{
	rest->p += n;
	rest->len -= n;
}

int export_next(struct export_item *out, struct span *rest)
{
	size_t key, value;

	if (rest->len == EXPORT_END_LEN + EXPORT_HASH_LEN && rest->p[0] == 0)
		return 0;
	if (rest->len < EXPORT_ITEM_LEN)
		return -EBADMSG;
	key = rest->p[0];
	value = be32_get(rest->p + 1);
	if (key == 0 || key > EXPORT_KEY_MAX || value > EXPORT_VALUE_MAX || rest->len - EXPORT_ITEM_LEN < key + value)
		return -EBADMSG;
	skip(rest, EXPORT_ITEM_LEN);
	out->key = span_of(rest->p, key);
	out->value = span_of(rest->p + key, value);
	skip(rest, key + value);
	return 1;
}

static bool hash_right(struct span file)
{
	size_t len = file.len - EXPORT_HASH_LEN;
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned n;

	return EVP_Digest(file.p, len, hash, &n, EVP_sha256(), NULL) == 1 && n == EXPORT_HASH_LEN &&
	       memcmp(hash, file.p + len, EXPORT_HASH_LEN) == 0;
}

int export_check(struct span file, uint64_t *items, const char **why)
{
	struct span rest = file;
	struct export_item item;
	int rc;

	*items = 0;
	*why = "it does not begin as an export does";
	if (file.len < EXPORT_HEAD_LEN || memcmp(file.p, EXPORT_HEAD, EXPORT_HEAD_LEN) != 0)
		return -EBADMSG;
	skip(&rest, EXPORT_HEAD_LEN);
	while ((rc = export_next(&item, &rest)) > 0)
		++*items;
	*why = "it was altered or cut off";
	return rc == 0 && be64_get(rest.p + 1) == *items && hash_right(file) ? 0 : -EBADMSG;
}
