/* What an authorization's request is told. */
#include "app/ingest/authorize.h"
#include "app/metrics.h"
#include "lib/clock.h"
#include "lib/model/refusal.h"

/* The reasons of lib/model/refusal.h come in the same order. */
_Static_assert(REFUSAL_UNPRICED - REFUSAL_COST == (int)REFUSED_UNPRICED, "a reason is missing");

static const struct {
	enum err_code code;
	enum metric metric;
	const char *reason;
	const char *detail;
} refusals[] = {
	[REFUSAL_COST] = { ERR_PAYMENT, METRIC_AUTHORIZATIONS_COST, "cost",
	    "The call may cost more than a budget has left." },
	[REFUSAL_REQUESTS] = { ERR_RATE, METRIC_AUTHORIZATIONS_REQUESTS, "requests",
	    "A budget has no request left." },
	[REFUSAL_TOKENS] = { ERR_RATE, METRIC_AUTHORIZATIONS_TOKENS, "tokens",
	    "The call may take more tokens than a budget has left." },
	[REFUSAL_UNPRICED] = { ERR_PAYMENT, METRIC_AUTHORIZATIONS_UNPRICED, "unpriced",
	    "The price of the call is not known, and a budget blocks such calls." },
	[REFUSAL_AWAY] = { ERR_UNAVAILABLE, METRIC_AUTHORIZATIONS_AWAY, "away",
	    "The counters are away, and a budget is closed then." },
};

/* Others have spent of a budget, too, unless it is the user's, or has a bucket for each user. */
static bool
may_show(const struct submission *submission, const struct budget_status *status)
{
	const struct budget *budget = status->budget;
	struct id user = submission->req->identity->user;

	return id_is_nil(user) || id_equal(budget->scope.user_id, user) ||
	       budget->each == BUDGET_USER_ID;
}

static bool
is_exceeded(const struct budget_status *status, int64_t now)
{
	for (int i = 0; i < BUDGET_MEASURES; i++) {
		struct account account =
		    budget_status_account(status->budget, &status->use, (enum budget_measure)i);

		if (decide(&account, 0, now) == VERDICT_PASS)
			return true;
	}
	return false;
}

static void
write_exceeded(struct json_out *out, const struct submission *submission, int64_t now)
{
	const struct authorize *authorize = submission->authorize;

	json_open_array_at(out, "exceeded");
	for (size_t i = 0; i < authorize->status_count; i++) {
		const struct budget *budget = authorize->statuses[i].budget;

		if (!is_exceeded(&authorize->statuses[i], now) ||
		    !may_show(submission, &authorize->statuses[i]))
			continue;
		json_open(out);
		json_id(out, "id", budget->head.id);
		json_text(out, "name", budget->name);
		json_text(out, "mode", decide_mode_names[budget->mode]);
		json_close(out);
	}
	json_close_array(out);
}

static void
write_budget(struct json_out *out, const struct budget_status *status, int64_t now)
{
	json_open_at(out, "budget");
	json_text(out, "bucket", status->bucket);
	budget_status_write(out, status, now);
	json_close(out);
}

/* The tightest of those that may be shown; NULL: there is none. */
static const struct budget_status *
tightest(const struct submission *submission)
{
	const struct authorize *authorize = submission->authorize;

	budget_status_sort(submission->req->task, authorize->statuses, authorize->status_count);
	for (size_t i = 0; i < authorize->status_count; i++) {
		if (may_show(submission, &authorize->statuses[i]))
			return &authorize->statuses[i];
	}
	return NULL;
}

bool
authorize_answer(struct submission *submission)
{
	struct authorize *authorize = submission->authorize;
	struct reply *reply = &submission->req->reply;
	struct task *task = submission->req->task;
	struct json_out *out = json_out_new(&reply->body);
	const struct budget_status *status = tightest(submission);

	json_open(out);
	authorization_write(out, &authorize->authorization, task->now);
	if (status != NULL)
		write_budget(out, status, task->now);
	else
		json_null(out, "budget");
	write_exceeded(out, submission, task->now);
	json_close(out);
	return reply_done(reply, 201, "application/json");
}

/* Seconds, rounded up; negative: waiting does not help. */
static int
seconds_until_reset(const struct budget_status *status, int64_t now)
{
	int64_t usec = status->window.end - now;

	if (status->budget->period == PERIOD_TOTAL)
		return -1;
	return usec <= 0 ? 1 : (int)((usec + CLOCK_SECOND - 1) / CLOCK_SECOND);
}

static int
retry_after(const struct authorize *authorize, int64_t now)
{
	switch (authorize->refusal) {
	case REFUSAL_COST:
	case REFUSAL_REQUESTS:
	case REFUSAL_TOKENS:
		return seconds_until_reset(authorize->refused, now);
	case REFUSAL_AWAY:
		return 1;
	case REFUSAL_NONE:
	case REFUSAL_UNPRICED:
	case REFUSAL_NO_TOKENS:
	case REFUSAL_CREDITS: /* app/ingest/posting.h */
		break;
	}
	return -1;
}

/* Without its counters nothing is known of the budget but its name. */
static void
write_refusal(struct json_out *out, const void *object)
{
	const struct submission *submission = object;
	const struct authorize *authorize = submission->authorize;
	const struct budget_status *status = authorize->refused;

	json_text(out, "reason", refusals[authorize->refusal].reason);
	/* What is spent was not asked for where it does not matter, or could not be had. */
	if (authorize->refusal < REFUSAL_UNPRICED && may_show(submission, status)) {
		write_budget(out, status, submission->req->task->now);
		return;
	}
	json_open_at(out, "budget");
	json_id(out, "id", status->budget->head.id);
	json_text(out, "name", status->budget->name);
	json_text(out, "mode", decide_mode_names[status->budget->mode]);
	json_close(out);
}

void
authorize_count_refusals(struct task *task, const struct submission *list)
{
	struct refused *refused;
	size_t count = 0;

	for (const struct submission *s = list; s != NULL; s = s->next)
		count++;
	refused = arena_array(task->arena, count, sizeof(*refused));
	count = 0;
	for (const struct submission *s = list; s != NULL; s = s->next) {
		enum refusal refusal = s->authorize->refusal;

		if (refusal >= REFUSAL_COST && refusal <= REFUSAL_UNPRICED)
			refused[count++] = (struct refused){ s->req->task->client,
				(enum refusal_reason)(refusal - REFUSAL_COST) };
	}
	refusal_count(task, refused, count);
}

void
authorize_refuse(struct submission *submission)
{
	const struct authorize *authorize = submission->authorize;
	enum refusal refusal = authorize->refusal;
	struct request *req = submission->req;

	if (refusal == REFUSAL_NO_TOKENS) {
		task_fail_field(
		    req->task, "input_tokens", "is required: a budget limits the number of tokens");
	} else {
		metrics_add(refusals[refusal].metric, 1);
		reply_extend(&req->reply, write_refusal, submission);
		task_fail(req->task, refusals[refusal].code, "%s", refusals[refusal].detail);
		req->task->err.retry_after = retry_after(authorize, req->task->now);
	}
	request_finish(req, false);
}
