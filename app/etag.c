#include "app/etag.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/url.h"
#include "lib/seal.h"

#define TAG_BYTES 12 /* of the hash */

const char *
etag_of_version(struct arena *arena, int64_t version)
{
	return arena_printf(arena, "\"%" PRId64 "\"", version);
}

const char *
etag_of_text(struct arena *arena, struct text text)
{
	uint8_t hash[SEAL_HASH_SIZE];
	char *tag = arena_alloc(arena, TAG_BYTES * 2 + 3), *at = tag;

	seal_hash(text, hash);
	*at++ = '"';
	for (size_t i = 0; i < TAG_BYTES; i++, at += 2)
		(void)snprintf(at, 3, "%02x", hash[i]);
	*at++ = '"';
	*at = '\0';
	return tag;
}

void
etag_set(struct reply *reply, const char *tag)
{
	reply_header(reply, "ETag", tag);
}

static struct text
trim(struct text text)
{
	while (text.len > 0 && (*text.at == ' ' || *text.at == '\t')) {
		text.at++;
		text.len--;
	}
	while (text.len > 0 && (text.at[text.len - 1] == ' ' || text.at[text.len - 1] == '\t'))
		text.len--;
	return text;
}

static bool
names(struct text tag, const char *own)
{
	tag = trim(tag);
	if (tag.len == 1 && *tag.at == '*')
		return true;
	if (tag.len > 2 && memcmp(tag.at, "W/", 2) == 0) {
		tag.at += 2;
		tag.len -= 2;
	}
	return tag.len == strlen(own) && memcmp(tag.at, own, tag.len) == 0;
}

bool
etag_check(const struct request *req, const char *tag)
{
	struct text rest = { req->if_match, req->if_match == NULL ? 0 : strlen(req->if_match) };

	if (rest.at == NULL)
		return true;
	while (rest.at != NULL)
		if (names(url_cut(&rest, ','), tag))
			return true;
	return task_fail(
	    req->task, ERR_PRECONDITION, "It was changed meanwhile: its ETag is not in If-Match.");
}
