#include "app/api/messages.h"

#include <string.h>

#include "app/page.h"
#include "lib/model/message.h"

const struct json_field messages_add_fields[4] = {
	{ .name = "role",
	    .type = JSON_CHOICE,
	    .offset = offsetof(struct message, role),
	    .given = JSON_ALWAYS,
	    .required = true,
	    .choices = message_role_names },
	{ .name = "content",
	    .type = JSON_TEXT,
	    .offset = offsetof(struct message, content),
	    .given = JSON_ALWAYS,
	    .required = true,
	    .max = MESSAGE_CONTENT_MAX,
	    .about = "At most 1048576 bytes; it may be empty." },
	{ .name = "tokens",
	    .type = JSON_INT,
	    .offset = offsetof(struct message, tokens),
	    .given = JSON_ALWAYS,
	    .max = MESSAGE_TOKENS_MAX,
	    .about = "As the caller counts them; 0 where not given." },
	{ .name = "metadata",
	    .type = JSON_OBJECT,
	    .offset = offsetof(struct message, metadata),
	    .given = JSON_ALWAYS,
	    .max = MESSAGE_METADATA_MAX,
	    .about = "What the application keeps with it, at most 16384 bytes." },
};

bool
messages_add(struct request *req, struct reply *reply)
{
	struct message message = { 0 };

	if (!request_id_param(req, 0, &message.conversation) || !request_read_body(req, &message))
		return false;
	if (!message_add(req->task, &message))
		return false;
	message.content = NULL;
	return reply_json(reply, 201, message_write, &message);
}

struct page_query {
	struct page page;
};

const struct json_field messages_list_fields[2] = { PAGE_FIELDS(struct page_query, page) };

_Static_assert(PAGE_LIMIT_MAX <= MESSAGES_MAX, "a page is no more than an answer holds");

#define PLACE_SIZE sizeof(int64_t)

/* A cursor holds the last ordinal where others hold an id. */
static int64_t
ordinal_of(struct id place)
{
	int64_t ordinal;

	memcpy(&ordinal, place.bytes + sizeof place - PLACE_SIZE, PLACE_SIZE);
	return ordinal;
}

static struct id
place_of(int64_t ordinal)
{
	struct id place = { 0 };

	memcpy(place.bytes + sizeof place - PLACE_SIZE, &ordinal, PLACE_SIZE);
	return place;
}

bool
messages_list(struct request *req, struct reply *reply)
{
	struct page_query query = { 0 };
	struct messages found;
	struct json_out *out;
	struct id conversation, after;
	int64_t limit;

	if (!request_id_param(req, 0, &conversation) || !request_read_query(req, &query) ||
	    !page_read(req->task, &query.page, &limit, &after))
		return false;
	if (!message_list(req->task, conversation, ordinal_of(after), limit, &found))
		return false;
	out = page_begin(reply);
	for (size_t i = 0; i < found.count; i++)
		message_write(out, &found.at[i]);
	return page_end(reply, out, found.more, place_of(found.last));
}

struct recent_query {
	int64_t tokens;
};

const struct json_field messages_recent_fields[1] = {
	{ .name = "tokens",
	    .type = JSON_INT,
	    .offset = offsetof(struct recent_query, tokens),
	    .given = JSON_ALWAYS,
	    .max = MESSAGE_RECENT_TOKENS_MAX,
	    .about = "What fits; any number where not given. System messages always come and are "
		     "counted first; where they alone are more, they come alone." },
};

static void
write_recent(struct json_out *out, const void *object)
{
	const struct messages *recent = object;

	json_open(out);
	json_open_array_at(out, "data");
	for (size_t i = 0; i < recent->count; i++)
		message_write(out, &recent->at[i]);
	json_close_array(out);
	json_int(out, "token_count", recent->tokens);
	json_bool(out, "more", recent->more);
	json_close(out);
}

bool
messages_recent(struct request *req, struct reply *reply)
{
	struct recent_query query = { MESSAGE_RECENT_TOKENS_MAX };
	struct messages found;
	struct id conversation;

	if (!request_id_param(req, 0, &conversation) || !request_read_query(req, &query))
		return false;
	if (!message_recent(req->task, conversation, query.tokens, &found))
		return false;
	return reply_json(reply, 200, write_recent, &found);
}
