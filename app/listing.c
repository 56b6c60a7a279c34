#include "app/listing.h"

#include <string.h>

/* At most most rows behind *listing->after, which moves on. */
static bool
read_rows(struct task *task, const struct listing *listing, size_t most, struct page_rows *ret,
    bool *ret_more)
{
	*listing->limit = (int64_t)most + 1;
	if (!listing->read(task, listing->filter, ret))
		return false;
	*ret_more = ret->count > most;
	if (*ret_more)
		ret->count = most;
	if (ret->count > 0)
		memcpy(listing->after,
		    (const char *)ret->at + (ret->count - 1) * ret->size + ret->id,
		    sizeof *listing->after);
	return true;
}

static void
add_rows(struct buf *body, enum accept accept, const struct listing *listing,
    const struct page_rows *rows)
{
	const char *row = rows->at;

	for (size_t i = 0; i < rows->count; i++, row += rows->size) {
		if (accept == ACCEPT_CSV) {
			listing->csv_row(body, row);
			continue;
		}
		rows->write(json_out_new(body), row);
		buf_putc(body, '\n');
	}
}

/* In portions, so that no single query holds ten thousand rows. */
static bool export(
    struct request *req, struct reply *reply, enum accept accept, const struct listing *listing)
{
	size_t rest = (size_t)*listing->limit;
	bool more = true;

	if (accept == ACCEPT_CSV)
		listing->csv_head(&reply->body);
	while (more && rest > 0 && reply->body.len < listing->bytes_max) {
		struct page_rows rows;

		if (!read_rows(req->task, listing, rest < PAGE_LIMIT_MAX ? rest : PAGE_LIMIT_MAX,
			&rows, &more))
			return false;
		add_rows(&reply->body, accept, listing, &rows);
		rest -= rows.count;
	}
	if (more)
		reply_header(
		    reply, "X-Next-Cursor", page_cursor(req->task->arena, *listing->after));
	return reply_done(reply, 200, accept_media_type(accept));
}

bool
listing_reply(
    struct request *req, struct reply *reply, enum accept accept, const struct listing *listing)
{
	int64_t limit = *listing->limit;
	struct page_rows rows;

	if (accept != ACCEPT_JSON)
		return export(req, reply, accept, listing);
	*listing->limit = limit + 1;
	return listing->read(req->task, listing->filter, &rows) && page_reply(reply, &rows, limit);
}
