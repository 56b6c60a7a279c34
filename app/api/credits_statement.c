/* A month of an account: what was there, what came and went, what was left. */
#include <string.h>

#include "app/accept.h"
#include "app/api/credits.h"
#include "app/page.h"
#include "lib/clock.h"
#include "lib/csv.h"
#include "lib/model/billing.h"
#include "lib/model/credit_statement.h"
#include "lib/money.h"

struct statement_query {
	struct page page;
};

const struct json_field credits_statement_fields[2] = {
	{ .name = "limit",
	    .type = JSON_INT,
	    .offset = offsetof(struct statement_query, page.limit),
	    .given = JSON_ALWAYS,
	    .min = 1,
	    .max = CREDITS_STATEMENT_ROWS_MAX,
	    .about = "Transactions of a page; 500 where not given." },
	{ .name = "cursor",
	    .type = JSON_TEXT,
	    .offset = offsetof(struct statement_query, page.cursor),
	    .given = JSON_ALWAYS,
	    .min = 1,
	    .max = 64,
	    .about = "next_cursor, or the header X-Next-Cursor, of the page before." },
};

/* What is answered. */
struct shown {
	struct credit_account account;
	const char *month;
	struct window window;
	struct credit_statement statement;
	struct credit_transactions transactions;
	const char *cursor; /* of the next page; NULL: there is none */
};

/* The cursor is the last sequence shown, in place of an id. */
static struct id
sequence_id(int64_t sequence)
{
	struct id id = { 0 };

	for (int i = 0; i < 8; i++)
		id.bytes[15 - i] = (uint8_t)((uint64_t)sequence >> (8 * i) & 0xff);
	return id;
}

static int64_t
id_sequence(struct id id)
{
	uint64_t sequence = 0;

	for (int i = 8; i < 16; i++)
		sequence = sequence << 8 | id.bytes[i];
	return (int64_t)sequence;
}

static bool
read_page(struct request *req, int64_t *ret_limit, int64_t *ret_after)
{
	struct statement_query query = { .page.limit = CREDITS_STATEMENT_ROWS_DEFAULT };
	struct id after;

	if (!request_read_query(req, &query) ||
	    !page_read(req->task, &query.page, ret_limit, &after))
		return false;
	*ret_after = id_sequence(after);
	if (*ret_after >= 0 && id_equal(sequence_id(*ret_after), after))
		return true;
	return task_fail_field(req->task, "cursor", "is not one that this service gave");
}

static bool
read_month(const struct request *req, struct shown *shown, int32_t *ret_date)
{
	int32_t month;

	shown->month = arena_strndup(req->task->arena, req->params[1].at, req->params[1].len);
	if (!billing_parse_month(shown->month, &month))
		return task_fail(req->task, ERR_NOT_FOUND, "There is no such month.");
	*ret_date = billing_month_start(month);
	return true;
}

static bool
find(struct request *req, struct shown *ret)
{
	struct task *task = req->task;
	struct id user;
	int32_t date = 0;

	if (!credits_owner(req, &user) || !read_month(req, ret, &date))
		return false;
	/* The sums are those of the transactions shown. */
	db_set_snapshot(task);
	if (!credit_account_find(task, user, &ret->account) ||
	    !credit_statement_month(task, &ret->account, date, &ret->window))
		return false;
	if (ret->window.start > task->now)
		return task_fail(task, ERR_NOT_FOUND, "The month has not begun.");
	return credit_statement_find(task, ret->account.id, ret->window, &ret->statement);
}

static bool
find_page(struct request *req, struct shown *ret)
{
	int64_t limit, after;

	if (!read_page(req, &limit, &after) || !find(req, ret) ||
	    !credit_statement_list(
		req->task, ret->account.id, &ret->statement, after, limit + 1, &ret->transactions))
		return false;
	if (ret->transactions.count <= (size_t)limit)
		return true;
	ret->transactions.count = (size_t)limit;
	ret->cursor =
	    page_cursor(req->task->arena, sequence_id(ret->transactions.at[limit - 1].sequence));
	return true;
}

static void
write_shown(struct json_out *out, const void *object)
{
	const struct shown *shown = object;

	json_open(out);
	json_id(out, "account_id", shown->account.id);
	json_text(out, "month", shown->month);
	json_time(out, "since", shown->window.start);
	json_time(out, "until", shown->window.end);
	credit_statement_write(out, &shown->statement);
	json_open_array_at(out, "transactions");
	for (size_t i = 0; i < shown->transactions.count; i++)
		credit_transaction_write(out, &shown->transactions.at[i]);
	json_close_array(out);
	json_text(out, "next_cursor", shown->cursor);
	json_close(out);
}

static void
add_text(struct buf *body, const char *text)
{
	csv_add(body, (struct text){ .at = text, .len = text == NULL ? 0 : strlen(text) });
}

static void
add_id(struct buf *body, struct id id)
{
	char text[ID_TEXT_SIZE];

	buf_putc(body, ',');
	add_text(body, id_is_nil(id) ? "" : id_format(id, text));
}

static void
add_amount(struct buf *body, int64_t nanos)
{
	char text[MONEY_TEXT_SIZE];

	buf_putc(body, ',');
	buf_puts(body, money_format_scaled(nanos, CREDIT_SCALE, text));
}

static void
add_row(struct buf *body, const struct credit_transaction *transaction)
{
	char text[MONEY_TEXT_SIZE], time[CLOCK_TEXT_SIZE];

	buf_puts(body, money_format_scaled(transaction->sequence, 0, text));
	add_id(body, transaction->id);
	buf_putc(body, ',');
	buf_puts(body, credit_type_names[transaction->type]);
	add_amount(body, transaction->amount_nanos);
	add_amount(body, transaction->balance_after);
	buf_putc(body, ',');
	buf_puts(body, clock_format(transaction->created_at, time));
	add_id(body, transaction->source);
	add_id(body, transaction->hold);
	add_id(body, transaction->refunded);
	add_id(body, transaction->grant);
	buf_putc(body, ',');
	add_text(body, transaction->description == NULL ? "" : transaction->description);
	buf_puts(body, "\r\n");
}

static bool
reply_csv(struct reply *reply, const struct shown *shown)
{
	buf_puts(&reply->body,
	    "sequence,id,type,amount,balance_after,created_at,source_id,hold_id,refunded_id,"
	    "grant_id,description\r\n");
	for (size_t i = 0; i < shown->transactions.count; i++)
		add_row(&reply->body, &shown->transactions.at[i]);
	if (shown->cursor != NULL)
		reply_header(reply, "X-Next-Cursor", shown->cursor);
	return reply_done(reply, 200, accept_media_type(ACCEPT_CSV));
}

bool
credits_show_statement(struct request *req, struct reply *reply)
{
	struct shown shown = { 0 };

	if (!find_page(req, &shown))
		return false;
	if (accept_choose(req->accept) == ACCEPT_CSV)
		return reply_csv(reply, &shown);
	return reply_json(reply, 200, write_shown, &shown);
}
