/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/store/guss_press.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <zlib.h>

#include "bsf/store/guss_dict_1.h"
#include "common/gba/guss_copy.h"

#define DICT     1
#define HEAD_LEN 4
#define WINDOW   (-15) /* raw; the seal says already whether it is whole */

struct press {
	z_stream deflate, inflate;
	bool deflates, inflates;
};

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool has_key;

static void press_free(void *press)
{
	struct press *p = press;

	if (p->deflates)
		deflateEnd(&p->deflate);
	if (p->inflates)
		inflateEnd(&p->inflate);
	free(p);
}

static void press_key_make(void)
{
	has_key = pthread_key_create(&key, press_free) == 0;
}

/* That of this thread. \returns NULL: no memory */
static struct press *press_here(void)
{
	struct press *p;

	pthread_once(&once, press_key_make);
	p = has_key ? pthread_getspecific(key) : NULL;
	if (p || !has_key)
		return p;
	p = calloc(1, sizeof(*p));
	if (!p || pthread_setspecific(key, p) == 0)
		return p;
	free(p);
	return NULL;
}

static bool deflate_begin(struct press *p)
{
	if (!p->deflates)
		p->deflates = deflateInit2(&p->deflate, Z_BEST_COMPRESSION, Z_DEFLATED, WINDOW, 8,
					   Z_DEFAULT_STRATEGY) == Z_OK;
	return p->deflates && deflateReset(&p->deflate) == Z_OK &&
	       deflateSetDictionary(&p->deflate, guss_dict_1, sizeof(guss_dict_1)) == Z_OK;
}

size_t guss_press(uint8_t *out, size_t cap, struct span guss)
{
	struct press *p = press_here();

	if (!p || guss.len <= HEAD_LEN || guss.len > GUSS_COPY_MAX || cap <= HEAD_LEN || !deflate_begin(p))
		return 0;
	p->deflate.next_in = (Bytef *)guss.p;
	p->deflate.avail_in = (uInt)guss.len;
	p->deflate.next_out = out + HEAD_LEN;
	p->deflate.avail_out = (uInt)((cap < guss.len ? cap : guss.len) - HEAD_LEN);
	if (deflate(&p->deflate, Z_FINISH) != Z_STREAM_END)
		return 0;
	out[0] = DICT;
	out[1] = (uint8_t)(guss.len >> 16);
	be16_put(out + 2, (uint16_t)guss.len);
	return HEAD_LEN + p->deflate.total_out;
}

static bool inflate_begin(struct press *p)
{
	if (!p->inflates)
		p->inflates = inflateInit2(&p->inflate, WINDOW) == Z_OK;
	return p->inflates && inflateReset(&p->inflate) == Z_OK &&
	       inflateSetDictionary(&p->inflate, guss_dict_1, sizeof(guss_dict_1)) == Z_OK;
}

struct guss_blob *guss_unpress(struct span pressed, int *rc)
{
	size_t whole = pressed.len > HEAD_LEN ? (size_t)pressed.p[1] << 16 | be16_get(pressed.p + 2) : 0;
	struct press *p = press_here();
	struct guss_blob *b;
	uint8_t *xml;

	*rc = -EBADMSG;
	if (whole == 0 || whole > GUSS_COPY_MAX || pressed.p[0] != DICT)
		return NULL;
	*rc = -ENOMEM;
	b = p && inflate_begin(p) ? guss_blob_room(whole, &xml) : NULL;
	if (!b)
		return NULL;
	p->inflate.next_in = (Bytef *)pressed.p + HEAD_LEN;
	p->inflate.avail_in = (uInt)(pressed.len - HEAD_LEN);
	p->inflate.next_out = xml;
	p->inflate.avail_out = (uInt)whole;
	if (inflate(&p->inflate, Z_FINISH) == Z_STREAM_END && p->inflate.avail_in == 0 && p->inflate.avail_out == 0)
		return b;
	*rc = -EBADMSG;
	guss_blob_put(b);
	return NULL;
}
