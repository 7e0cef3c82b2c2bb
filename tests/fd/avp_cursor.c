/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "tests/fd/avp_cursor.h"

#include <errno.h>
#include "common/gba/gba_time.h"

static bool settle(struct avp_cursor *c, int rc)
{
	return !rc && c->avp && !fd_msg_avp_hdr(c->avp, &c->hdr);
}

bool avp_first(struct avp_cursor *c, msg_or_avp *parent)
{
	c->avp = NULL;
	return settle(c, fd_msg_browse_internal(parent, MSG_BRW_FIRST_CHILD, (msg_or_avp **)&c->avp, NULL));
}

bool avp_next(struct avp_cursor *c)
{
	msg_or_avp *next = NULL;
	int rc = fd_msg_browse_internal(c->avp, MSG_BRW_NEXT, &next, NULL);

	c->avp = next;
	return settle(c, rc);
}

bool avp_find(struct avp_cursor *c, msg_or_avp *parent, uint32_t code, uint32_t vendor)
{
	bool more;

	for (more = avp_first(c, parent); more; more = avp_next(c))
		if (avp_is(c, code, vendor))
			return true;
	return false;
}

/* The value is there only if the library knows the AVP; its type is then that of the dictionary. */
static bool has_type(const struct avp_cursor *c, enum dict_avp_basetype a, enum dict_avp_basetype b)
{
	struct dict_object *model = NULL;
	struct dict_avp_data data;

	if (!c->hdr->avp_value || fd_msg_model(c->avp, &model) || !model || fd_dict_getval(model, &data))
		return false;
	return data.avp_basetype == a || data.avp_basetype == b;
}

int avp_octets(const struct avp_cursor *c, struct span *out)
{
	if (!has_type(c, AVP_TYPE_OCTETSTRING, AVP_TYPE_OCTETSTRING))
		return -EBADMSG;
	*out = span_of(c->hdr->avp_value->os.data, c->hdr->avp_value->os.len);
	return 0;
}

int avp_take_secret(const struct avp_cursor *c, struct secret *out, size_t min, size_t max)
{
	struct span s;
	int rc;

	if (avp_octets(c, &s) || s.len < min || s.len > max)
		return -EBADMSG;
	rc = secret_set(out, s.p, s.len);
	OPENSSL_cleanse((void *)s.p, s.len);
	return rc;
}

int avp_str(const struct avp_cursor *c, char *out, size_t cap)
{
	struct span s;
	int rc = avp_octets(c, &s);

	return rc ? rc : span_to_str(out, cap, s);
}

int avp_u32(const struct avp_cursor *c, uint32_t *out)
{
	if (!has_type(c, AVP_TYPE_UNSIGNED32, AVP_TYPE_INTEGER32))
		return -EBADMSG;
	*out = c->hdr->avp_value->u32;
	return 0;
}

int avp_time(const struct avp_cursor *c, time_t *out)
{
	struct span s;

	if (avp_octets(c, &s) || s.len != 4)
		return -EBADMSG;
	*out = ntp_to_time(be32_get(s.p));
	return 0;
}

/* value NULL: grouped. \returns the AVP, already inside its parent, or NULL */
static struct avp *put(struct avp_writer *w, struct dict_object *model, union avp_value *value)
{
	struct avp *avp = NULL;

	if (w->rc)
		return NULL;
	if (!fd_msg_avp_new(model, 0, &avp) && (!value || !fd_msg_avp_setvalue(avp, value)) &&
	    !fd_msg_avp_add(w->parent, MSG_BRW_LAST_CHILD, avp))
		return avp;
	if (avp)
		fd_msg_free(avp);
	w->rc = -ENOMEM;
	return NULL;
}

void avp_put(struct avp_writer *w, struct dict_object *model, struct span octets)
{
	static uint8_t none;
	union avp_value v = { .os = { .data = octets.p ? (uint8_t *)octets.p : &none, .len = octets.len } };

	put(w, model, &v);
}

void avp_put_str(struct avp_writer *w, struct dict_object *model, const char *s)
{
	avp_put(w, model, span_str(s));
}

void avp_put_u32(struct avp_writer *w, struct dict_object *model, uint32_t v)
{
	put(w, model, &(union avp_value){ .u32 = v });
}

void avp_put_time(struct avp_writer *w, struct dict_object *model, time_t t)
{
	uint8_t b[4];

	be32_put(b, ntp_from_time(t));
	avp_put(w, model, span_of(b, sizeof(b)));
}

struct avp_writer avp_group(struct avp_writer *w, struct dict_object *model)
{
	struct avp *avp = put(w, model, NULL);

	return (struct avp_writer){ .parent = avp, .rc = w->rc };
}

void avp_group_end(struct avp_writer *w, const struct avp_writer *group)
{
	if (!w->rc)
		w->rc = group->rc;
}
