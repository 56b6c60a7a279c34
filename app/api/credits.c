#include "app/api/credits.h"

#include <string.h>

#include "app/auth.h"
#include "app/etag.h"
#include "app/page.h"
#include "lib/model/audit.h"
#include "lib/model/credit_account.h"
#include "lib/zone.h"

/* What may be changed; of those that can be taken away, whether null was sent. */
struct change_input {
	int64_t overdraft, daily_limit, monthly_limit, threshold, amount;
	const char *timezone;
	bool enabled;
	bool has_overdraft, has_daily_limit, has_monthly_limit, has_threshold, has_amount,
	    has_timezone, has_enabled;
	bool no_daily_limit, no_monthly_limit, no_timezone;
};

#define INPUT(member) \
	.offset = offsetof(struct change_input, member), \
	.given = offsetof(struct change_input, has_##member)
#define CREDITS .type = JSON_CREDITS, .max = CREDIT_AMOUNT_MAX
#define NULLED(member) .nulled = offsetof(struct change_input, no_##member)

const struct json_field credits_change_fields[7] = {
	{ .name = "overdraft",
	    CREDITS,
	    INPUT(overdraft),
	    .about =
		"How far below 0 the account may go; to be set by keys with the scope admin." },
	{ .name = "daily_limit",
	    CREDITS,
	    INPUT(daily_limit),
	    NULLED(daily_limit),
	    .about =
		"What may be spent or held in a day of the account's zone; null: any amount." },
	{ .name = "monthly_limit",
	    CREDITS,
	    INPUT(monthly_limit),
	    NULLED(monthly_limit),
	    .about = "The same for a calendar month." },
	{ .name = "timezone",
	    .type = JSON_TEXT,
	    INPUT(timezone),
	    NULLED(timezone),
	    .min = 1,
	    .max = ZONE_NAME_MAX,
	    .about = "IANA name of the zone that has the days; null: the client's." },
	{ .name = "auto_recharge_enabled",
	    .type = JSON_BOOL,
	    INPUT(enabled),
	    .about = "Whether an alert credits.recharge_due is raised. No card is charged." },
	{ .name = "auto_recharge_threshold",
	    CREDITS,
	    INPUT(threshold),
	    .about = "The alert is raised once when the account falls below." },
	{ .name = "auto_recharge_amount",
	    .type = JSON_CREDITS,
	    INPUT(amount),
	    .min = INT64_C(100000),
	    .max = CREDIT_AMOUNT_MAX,
	    .about = "Told by the alert." },
};

struct check_query {
	int64_t amount;
};

const struct json_field credits_check_fields[1] = {
	{ .name = "amount",
	    .type = JSON_CREDITS,
	    .offset = offsetof(struct check_query, amount),
	    .required = true,
	    .max = CREDIT_AMOUNT_MAX },
};

bool
credits_owner(const struct request *req, struct id *ret)
{
	static const char own[] = CREDITS_OWN;
	struct text part = req->params[0];
	struct id user = { 0 }, bound = req->identity->user;

	if ((part.len != sizeof own - 1 || memcmp(part.at, own, part.len) != 0) &&
	    !request_id_param(req, 0, &user))
		return false;
	if (!id_is_nil(bound) && !id_equal(bound, user))
		return task_fail(req->task, ERR_NOT_FOUND, "There is no such user.");
	*ret = user;
	return true;
}

static bool
reply_account(struct reply *reply, const struct credit_account *account)
{
	etag_set(reply, etag_of_version(reply->body.arena, account->updated_at));
	return reply_json(reply, 200, credit_account_write, account);
}

bool
credits_find(struct request *req, struct reply *reply)
{
	struct credit_account account;
	struct id user;

	if (!credits_owner(req, &user))
		return false;
	if (!credit_account_find(req->task, user, &account))
		return false;
	if (!credit_account_begin_day(req->task, &account))
		return false;
	return reply_account(reply, &account);
}

static void
change_limit(bool given, bool nulled, int64_t value, int64_t *limit)
{
	if (given)
		*limit = value;
	else if (nulled)
		*limit = LEDGER_NO_LIMIT;
}

static void
apply(const struct change_input *input, struct credit_account *account)
{
	struct ledger *ledger = &account->ledger;

	change_limit(input->has_overdraft, false, input->overdraft, &ledger->overdraft);
	change_limit(input->has_daily_limit, input->no_daily_limit, input->daily_limit,
	    &ledger->daily_limit);
	change_limit(input->has_monthly_limit, input->no_monthly_limit, input->monthly_limit,
	    &ledger->monthly_limit);
	change_limit(input->has_threshold, false, input->threshold, &ledger->recharge_threshold);
	change_limit(input->has_amount, false, input->amount, &account->recharge_amount);
	if (input->has_enabled)
		ledger->recharge_enabled = input->enabled;
	if (input->has_timezone)
		account->timezone = input->timezone;
	else if (input->no_timezone)
		account->timezone = NULL;
}

static bool
may_set(const struct request *req, const struct change_input *input)
{
	if (!input->has_overdraft || (req->identity->scopes & UINT64_C(1) << SCOPE_ADMIN) != 0)
		return true;
	return task_fail(req->task, ERR_FORBIDDEN, "The key lacks the scope admin.");
}

bool
credits_change(struct request *req, struct reply *reply)
{
	struct change_input input = { 0 };
	struct task *task = req->task;
	struct credit_account before, after;
	struct id user;

	if (!credits_owner(req, &user) || !request_read_body(req, &input) || !may_set(req, &input))
		return false;
	if (!credit_account_find_to_change(task, user, &before) ||
	    !etag_check(req, etag_of_version(task->arena, before.updated_at)))
		return false;
	after = before;
	apply(&input, &after);
	if (!credit_account_change(task, &after) || !credit_account_begin_day(task, &after))
		return false;
	if (!audit_add(task, "change", "credit_accounts", after.id,
		audit_json(task, credit_account_write, &before),
		audit_json(task, credit_account_write, &after)))
		return false;
	return reply_account(reply, &after);
}

struct checked {
	const struct credit_account *account;
	int64_t amount;
};

static void
write_checked(struct json_out *out, const void *object)
{
	const struct checked *checked = object;
	int64_t available = ledger_available(&checked->account->ledger), amount = checked->amount;

	json_open(out);
	json_bool(out, "sufficient", amount <= available);
	json_credits(out, "current_balance", checked->account->ledger.balance);
	json_credits(out, "available", available);
	json_credits(out, "required", amount);
	json_credits(out, "shortfall", amount <= available ? 0 : amount - available);
	json_close(out);
}

bool
credits_check(struct request *req, struct reply *reply)
{
	struct check_query query = { 0 };
	struct credit_account account;
	struct id user;

	if (!credits_owner(req, &user) || !credit_account_find(req->task, user, &account))
		return false;
	if (!request_read_query(req, &query))
		return false;
	if (!credit_account_begin_day(req->task, &account))
		return false;
	return reply_json(reply, 200, write_checked, &(struct checked){ &account, query.amount });
}
