/* What a request is told of its posting to a credit account. */
#include "app/ingest/authorize.h"
#include "app/ingest/posting.h"
#include "app/metrics.h"

static const struct {
	enum err_code code;
	const char *reason; /* of a refusal by the account; NULL: a field is wrong */
	const char *field;
	const char *detail;
} refusals[] = {
	[CREDIT_SHORT] = { ERR_PAYMENT, "credits", NULL, "The account does not have so much." },
	[CREDIT_DAILY_LIMIT] = { ERR_PAYMENT, "daily_limit", NULL,
	    "It would be more than the account may spend in a day." },
	[CREDIT_MONTHLY_LIMIT] = { ERR_PAYMENT, "monthly_limit", NULL,
	    "It would be more than the account may spend in a month." },
	[CREDIT_REFUND_LIMIT] = { ERR_INVALID, NULL, "amount",
	    "is more than was spent and is not refunded yet" },
	[CREDIT_NO_HOLD] = { ERR_INVALID, NULL, "hold_id", "names no open hold of this account" },
	[CREDIT_NO_TRANSACTION] = { ERR_INVALID, NULL, "refunded_id",
	    "names no usage of this account" },
	[CREDIT_OVERFLOW] = { ERR_INVALID, NULL, "amount", "makes a sum of the account too large" },
};

bool
posting_answer(struct submission *submission)
{
	return reply_json(&submission->req->reply, 201, credit_transaction_write,
	    &submission->credit->transaction);
}

static void
write_limit(struct json_out *out, int64_t limit, int64_t spent)
{
	json_credits(out, "limit", limit);
	json_credits(out, "spent", spent);
}

static void
write_refusal(struct json_out *out, const void *object)
{
	const struct credit_posting *credit = object;
	const struct ledger *ledger = &credit->account.ledger;
	int64_t required = credit->amount_nanos < 0 ? -credit->amount_nanos : credit->amount_nanos;
	int64_t beyond = required - ledger->balance; /* with the overdraft the sum may overflow */

	json_text(out, "reason", refusals[credit->verdict].reason);
	json_credits(out, "balance", ledger->balance);
	json_credits(out, "held", ledger->held);
	json_credits(out, "overdraft", ledger->overdraft);
	json_credits(out, "required", required);
	json_credits(out, "shortfall", beyond > ledger->overdraft ? beyond - ledger->overdraft : 0);
	if (credit->verdict == CREDIT_DAILY_LIMIT)
		write_limit(out, ledger->daily_limit, ledger->spent_today);
	if (credit->verdict == CREDIT_MONTHLY_LIMIT)
		write_limit(out, ledger->monthly_limit, ledger->spent_this_month);
}

void
posting_refuse(struct submission *submission)
{
	const struct credit_posting *credit = submission->credit;
	struct request *req = submission->req;

	if (submission->authorize != NULL)
		metrics_add(METRIC_AUTHORIZATIONS_CREDITS, 1);
	if (credit == NULL) {
		(void)task_fail(req->task, ERR_NOT_FOUND, "There is no such user.");
	} else if (refusals[credit->verdict].reason == NULL) {
		(void)task_fail_field(
		    req->task, refusals[credit->verdict].field, refusals[credit->verdict].detail);
	} else {
		reply_extend(&req->reply, write_refusal, credit);
		(void)task_fail(req->task, refusals[credit->verdict].code, "%s",
		    refusals[credit->verdict].detail);
		req->task->err.retry_after = -1;
	}
	request_finish(req, false);
}
