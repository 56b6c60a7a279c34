#include "app/etag.h"

#include <inttypes.h>
#include <string.h>

#include "app/url.h"

void
etag_set(struct reply *reply, int64_t version)
{
	reply_header(reply, "ETag", arena_printf(reply->body.arena, "\"%" PRId64 "\"", version));
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
names(struct text tag, const char *version)
{
	tag = trim(tag);
	if (tag.len == 1 && *tag.at == '*')
		return true;
	if (tag.len > 2 && memcmp(tag.at, "W/", 2) == 0) {
		tag.at += 2;
		tag.len -= 2;
	}
	return tag.len == strlen(version) && memcmp(tag.at, version, tag.len) == 0;
}

bool
etag_check(const struct request *req, int64_t version)
{
	const char *own = arena_printf(req->task->arena, "\"%" PRId64 "\"", version);
	struct text rest = { req->if_match, req->if_match == NULL ? 0 : strlen(req->if_match) };

	if (rest.at == NULL)
		return true;
	while (rest.at != NULL)
		if (names(url_cut(&rest, ','), own))
			return true;
	return task_fail(
	    req->task, ERR_PRECONDITION, "It was changed meanwhile: its ETag is not in If-Match.");
}
