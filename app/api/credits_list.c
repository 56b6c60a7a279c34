/* What was posted to an account, and what of it is open. */
#include "app/api/credits.h"

#include "app/page.h"
#include "lib/model/credit_account.h"
#include "lib/model/credit_transaction.h"

struct page_query {
	struct page page;
};

const struct json_field credits_list_fields[2] = {
	PAGE_FIELDS(struct page_query, page),
};

/* Of which account the path speaks. */
static bool
find_account(struct request *req, struct id *ret)
{
	struct credit_account account;
	struct id user;

	if (!credits_owner(req, &user) || !credit_account_find(req->task, user, &account))
		return false;
	*ret = account.id;
	return true;
}

static bool
read_page(struct request *req, struct id *ret_account, int64_t *ret_limit, struct id *ret_after)
{
	struct page_query query = { 0 };

	return request_read_query(req, &query) &&
	       page_read(req->task, &query.page, ret_limit, ret_after) &&
	       find_account(req, ret_account);
}

bool
credits_list(struct request *req, struct reply *reply)
{
	struct credit_transactions found;
	struct id account, after;
	int64_t limit;

	if (!read_page(req, &account, &limit, &after))
		return false;
	if (!credit_transaction_list(req->task, account, after, limit + 1, &found))
		return false;
	return page_reply(reply,
	    &(const struct page_rows){ .at = found.at,
		.count = found.count,
		.size = sizeof(struct credit_transaction),
		.id = offsetof(struct credit_transaction, id),
		.write = credit_transaction_write },
	    limit);
}

bool
credits_find_transaction(struct request *req, struct reply *reply)
{
	struct credit_transaction transaction;
	struct id account, id;

	if (!request_id_param(req, 1, &id))
		return false;
	if (!find_account(req, &account))
		return false;
	if (!credit_transaction_find(req->task, account, id, &transaction))
		return false;
	return reply_json(reply, 200, credit_transaction_write, &transaction);
}

bool
credits_list_grants(struct request *req, struct reply *reply)
{
	struct credit_grants found;
	struct id account, after;
	int64_t limit;

	if (!read_page(req, &account, &limit, &after))
		return false;
	if (!credit_grant_list(req->task, account, after, limit + 1, &found))
		return false;
	return page_reply(reply,
	    &(const struct page_rows){ .at = found.at,
		.count = found.count,
		.size = sizeof(struct credit_grant),
		.id = offsetof(struct credit_grant, id),
		.write = credit_grant_write },
	    limit);
}

bool
credits_list_holds(struct request *req, struct reply *reply)
{
	struct credit_holds found;
	struct id account, after;
	int64_t limit;

	if (!read_page(req, &account, &limit, &after))
		return false;
	if (!credit_hold_list(req->task, account, after, limit + 1, &found))
		return false;
	return page_reply(reply,
	    &(const struct page_rows){ .at = found.at,
		.count = found.count,
		.size = sizeof(struct credit_hold),
		.id = offsetof(struct credit_hold, id),
		.write = credit_hold_write },
	    limit);
}
