/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file redis_script.c
 *  Scripts of one key each. Instants are compared as numbers. */
#include "bsf/store/redis_script.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <openssl/sha.h>

#include "common/base/hex.h"

#define ARGS_MAX 6
#define SHA_TEXT 40

/* A subscriber's record apart and together (redis_subscriber.h). It lives as long as the longest of what it was for. One that is damaged is as
 * good as none, or its subscriber could not bootstrap for so long; what was revoked, the marks know. */
#define LUA_RECORD \
	"local none = '0' .. string.rep('\\0', 24)\n" \
	"local function read_former(v)\n" \
	"	local n, list = tonumber(string.sub(v, 41, 43)), {}\n" \
	"	for at = 44 + n, #v, 35 do\n" \
	"		list[#list + 1] = string.sub(v, at, at + 19) .. struct.pack('>I6', tonumber(string.sub(v, at + 20, at + 34)))\n" \
	"	end\n" \
	"	return tonumber(string.sub(v, 1, 15)), string.sub(v, 16, 40), string.sub(v, 44, 43 + n), table.concat(list)\n" \
	"end\n" \
	"local function read(v)\n" \
	"	if not v then return 0, none, '', '' end\n" \
	"	if string.byte(v) >= 48 then return read_former(v) end\n" \
	"	local kind, tmpi, at = string.byte(v), none, 8\n" \
	"	if kind ~= 2 and kind ~= 3 then return nil end\n" \
	"	if kind == 3 then tmpi, at = '1' .. string.sub(v, 8, 31), 32 end\n" \
	"	local revoked, n = struct.unpack('>I6', v, 2), struct.unpack('>I2', v, at)\n" \
	"	return revoked, tmpi, string.sub(v, at + 2, at + 1 + n), string.sub(v, at + 2 + n)\n" \
	"end\n" \
	"local function write(revoked, tmpi, sealed, list, keep)\n" \
	"	local till = redis.call('PEXPIRETIME', KEYS[1])\n" \
	"	if till < keep then till = keep end\n" \
	"	local kind, mine = '\\2', ''\n" \
	"	if string.byte(tmpi) == 49 then kind, mine = '\\3', string.sub(tmpi, 2) end\n" \
	"	redis.call('SET', KEYS[1], kind .. struct.pack('>I6', revoked) .. mine .. struct.pack('>I2', #sealed) .. sealed .. list,\n" \
	"		'PXAT', string.format('%.0f', till))\n" \
	"end\n" \
	"local t = redis.call('TIME')\n" \
	"local now = t[1] * 1000 + math.floor(t[2] / 1000)\n" \
	"local whole, revoked, tmpi, sealed, list = pcall(read, redis.call('GET', KEYS[1]))\n" \
	"if not whole or not revoked or revoked > now + 3600000 or #list % 26 ~= 0 then revoked, tmpi, sealed, list = 0, none, '', '' end\n"

const char *const redis_script_texts[REDIS_SCRIPTS] = {
	[REDIS_INTEND] =
		LUA_RECORD "if revoked > 0 and revoked >= tonumber(ARGV[1]) then return 0 end\n"
			   "local live, known = {}, false\n"
			   "for at = 1, #list, 26 do\n"
			   "	local e = string.sub(list, at, at + 25)\n"
			   "	if struct.unpack('>I6', e, 21) > now then live[#live + 1] = e end\n"
			   "	known = known or string.sub(e, 1, 16) == ARGV[2]\n"
			   "end\n"
			   "if #live >= 1024 then return -1 end\n"
			   "if not known then live[#live + 1] = ARGV[2] .. ARGV[3] .. struct.pack('>I6', ARGV[4]) end\n"
			   "write(revoked, tmpi, ARGV[5], table.concat(live), tonumber(ARGV[6]))\n"
			   "return 1\n",
	[REDIS_COMMIT] = LUA_RECORD
	"local former, tag = {}, nil\n"
	"for at = 1, #list, 26 do\n"
	"	if string.sub(list, at, at + 15) == ARGV[1] then tag = string.sub(list, at + 16, at + 19) end\n"
	"end\n"
	"if not tag then return nil end\n"
	"for at = 1, #list, 26 do\n"
	"	local rand = string.sub(list, at, at + 15)\n"
	"	if rand == ARGV[1] then break end\n"
	"	if string.sub(list, at + 16, at + 19) == tag then former[#former + 1] = rand end\n"
	"end\n"
	"write(revoked, ARGV[2], sealed, list, tonumber(ARGV[3]))\n"
	"return { table.concat(former), tmpi }\n",
	[REDIS_UNLIST] = LUA_RECORD
	"local left = {}\n"
	"for at = 1, #list, 26 do\n"
	"	local gone = false\n"
	"	for k = 1, #ARGV[1], 16 do gone = gone or string.sub(ARGV[1], k, k + 15) == string.sub(list, at, at + 15) end\n"
	"	if not gone then left[#left + 1] = string.sub(list, at, at + 25) end\n"
	"end\n"
	"if redis.call('EXISTS', KEYS[1]) == 1 then write(revoked, tmpi, sealed, table.concat(left), 0) end\n"
	"return 1\n",
	[REDIS_REVOKE] = "#!lua flags=allow-oom\n" LUA_RECORD "if revoked < now then revoked = now end\n"
			 "write(revoked, tmpi, sealed, list, now + tonumber(ARGV[1]))\n"
			 "return list\n",
	[REDIS_END] =
		"#!lua flags=allow-oom\n"
		"local v = redis.call('GET', KEYS[1])\n"
		"if not v then\n"
		"	if ARGV[1] == 'T' then redis.call('SET', KEYS[1], ARGV[5], 'PXAT', ARGV[6]) end\n"
		"	return 0\n"
		"end\n"
		"if string.byte(v) ~= 1 or string.sub(v, ARGV[2], ARGV[2] + #ARGV[3] - 1) ~= ARGV[3] then return 0 end\n"
		"if ARGV[1] == 'T' then redis.call('SET', KEYS[1], ARGV[4], 'KEEPTTL') else redis.call('DEL', KEYS[1]) end\n"
		"return 1\n",
	[REDIS_KEKS] =
		"local v, first = redis.call('GET', KEYS[1]) or '', string.sub(ARGV[1], 1, 1)\n"
		"for at = 1, #v do if not string.find(ARGV[1], string.sub(v, at, at), 1, true) then return v end end\n"
		"local new = string.find(v, first, 1, true) and v or v .. first\n"
		"if ARGV[2] == 'only' then new = first end\n"
		"if new ~= v then redis.call('SET', KEYS[1], new) end\n"
		"return v\n",
	[REDIS_SWAP] = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end\n"
		       "redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')\n"
		       "return 1\n",
	[REDIS_MARK] =
		"#!lua flags=allow-oom\n"
		"local t = redis.call('TIME')\n"
		"local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
		"local at, till = tonumber(ARGV[2]), tonumber(ARGV[3])\n"
		"if at == 0 then at, till = now, now + till end\n"
		"local m = ARGV[1] .. string.format('%015.0f', at)\n"
		"local is = redis.call('ZSCORE', KEYS[1], m)\n"
		"if is and tonumber(is) >= till then return { string.format('%.0f', at), string.format('%.0f', is) } end\n"
		"local top = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')\n"
		"if top[2] and tonumber(top[2]) >= till then till = tonumber(top[2]) + 1 end\n"
		"redis.call('ZADD', KEYS[1], string.format('%.0f', till), m)\n"
		"return { string.format('%.0f', at), string.format('%.0f', till) }\n",
	[REDIS_USE] = "#!lua flags=allow-oom\n"
		      "local n = redis.call('INCR', KEYS[1])\n"
		      "redis.call('PEXPIRE', KEYS[1], ARGV[1], 'NX')\n"
		      "return n\n",
	[REDIS_USES_SINCE] = "#!lua flags=allow-oom\n"
			     "local v, t = redis.pcall('GET', KEYS[1]), redis.call('TIME')\n"
			     "local now = math.max(tonumber(ARGV[2]), t[1] * 1000 + math.floor(t[2] / 1000))\n"
			     "local run, since = string.match(type(v) == 'string' and v or '', '^(.+) (%d+)$')\n"
			     "if run == ARGV[1] and tonumber(since) <= now + tonumber(ARGV[3]) then return since end\n"
			     "since = string.format('%.0f', now)\n"
			     "redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. since)\n"
			     "return since\n",
	[REDIS_ALWAYS] = "#!lua flags=allow-oom\nreturn redis.call(ARGV[1], KEYS[1], unpack(ARGV, 2))\n",
};

const char redis_script_probe[] = "return redis.call('PEXPIRETIME', KEYS[1]) + redis.call('EXISTS', KEYS[1])";

/* One under way; its arguments stay until the server has shown that it knows the script. */
struct call {
	struct redis_link *l;
	enum redis_script s;
	redis_reply_fn *fn;
	void *owner;
	size_t n;
	size_t len[ARGS_MAX + 1];
	uint8_t octets[]; /* key, then the arguments */
};

static size_t octets_of(const struct call *c)
{
	size_t sum = 0;

	for (size_t i = 0; i <= c->n; i++)
		sum += c->len[i];
	return sum;
}

static void call_free(struct call *c)
{
	explicit_bzero(c->octets, octets_of(c));
	free(c);
}

static int call_send(struct call *c, const char *command, struct span which, redis_reply_fn *fn)
{
	struct span argv[ARGS_MAX + 4] = { span_str(command), which, span_str("1") };
	const uint8_t *at = c->octets;

	for (size_t i = 0; i <= c->n; i++) {
		argv[3 + i] = span_of(at, c->len[i]);
		at += c->len[i];
	}
	return redis_link_call(c->l, c->n + 4, argv, fn, c);
}

static void call_whole(void *owner, const struct redisReply *r)
{
	struct call *c = owner;

	if (c->fn)
		c->fn(c->owner, r);
	call_free(c);
}

/* NOSCRIPT has done nothing, so to send it again is safe. */
static void call_by_name(void *owner, const struct redisReply *r)
{
	struct call *c = owner;

	if (r && r->type == REDIS_REPLY_ERROR && strncmp(r->str, "NOSCRIPT", 8) == 0 &&
	    call_send(c, "EVAL", span_str(redis_script_texts[c->s]), call_whole) == 0)
		return;
	call_whole(c, r);
}

static struct call *call_new(struct span key, size_t n, const struct span *args)
{
	size_t sum = key.len;
	struct call *c;
	uint8_t *at;

	for (size_t i = 0; i < n; i++)
		sum += args[i].len;
	c = calloc(1, sizeof(*c) + sum);
	if (!c)
		return NULL;
	c->n = n;
	at = c->octets;
	for (size_t i = 0; i <= n; i++) {
		struct span s = i ? args[i - 1] : key;

		if (s.len)
			memcpy(at, s.p, s.len);
		at += s.len;
		c->len[i] = s.len;
	}
	return c;
}

/* What Redis calls them. */
static char names[REDIS_SCRIPTS][SHA_TEXT + 1];

static void name_all(void)
{
	uint8_t md[SHA_DIGEST_LENGTH];

	for (int s = 0; s < REDIS_SCRIPTS; s++) {
		SHA1((const uint8_t *)redis_script_texts[s], strlen(redis_script_texts[s]), md);
		hex_encode(names[s], sizeof(names[s]), md, sizeof(md));
	}
}

int redis_script_call(struct redis_link *l, enum redis_script s, struct span key, size_t n, const struct span *args,
		      redis_reply_fn *fn, void *owner)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct call *c = call_new(key, n, args);
	int rc;

	if (!c)
		return -ENOMEM;
	c->l = l;
	c->s = s;
	c->fn = fn;
	c->owner = owner;
	pthread_once(&once, name_all);
	rc = call_send(c, "EVALSHA", span_of(names[s], SHA_TEXT), call_by_name);
	if (rc < 0)
		call_free(c);
	return rc;
}
