/* Postings by hand: what is given is held against what the type takes, and posted by the write
 * path. */
#include <string.h>

#include "app/api/credits.h"
#include "app/auth.h"
#include "app/idempotency.h"
#include "app/ingest/posting.h"
#include "lib/clock.h"
#include "lib/model/audit.h"

struct input {
	int type;
	int64_t amount_nanos;
	const char *description;
	struct text metadata;
	int64_t expires_in_s;
	int64_t expires_at;
	int64_t priority;
	struct id hold;
	struct id refunded;
	bool has_amount, has_priority;
};

/* In the order of enum credit_type, which goes on with what nobody posts by hand. */
static const char *const types[] = { "purchase", "usage", "refund", "adjustment", "hold", "release",
	NULL };
_Static_assert(CREDIT_RELEASE == COUNT(types) - 2, "a type is missing");

#define INPUT(member) .offset = offsetof(struct input, member)

const struct json_field credits_post_fields[9] = {
	{ "type", JSON_CHOICE, INPUT(type), .required = true, .choices = types },
	{ "amount", .type = JSON_CREDITS, INPUT(amount_nanos),
	    .given = offsetof(struct input, has_amount), .min = -CREDIT_AMOUNT_MAX,
	    .max = CREDIT_AMOUNT_MAX,
	    .about =
		"More than 0: the type gives the sign; of an adjustment not 0. A release gives all of its hold back "
		"and has none." },
	{ "description", JSON_TEXT, INPUT(description), .given = JSON_ALWAYS, .min = 1,
	    .max = CREDIT_DESCRIPTION_MAX },
	{ "metadata", .type = JSON_OBJECT, INPUT(metadata), .given = JSON_ALWAYS,
	    .max = CREDITS_METADATA_MAX },
	{ "expires_in", .type = JSON_INT, INPUT(expires_in_s), .given = JSON_ALWAYS, .min = 1,
	    .max = CREDITS_GRANT_SECONDS_MAX,
	    .about =
		"Seconds until what was purchased expires, at most ten years; or until a hold does: 600 where not "
		"given, at most 30 days." },
	{ "expires_at", JSON_TIME, INPUT(expires_at), .given = JSON_ALWAYS,
	    .about = "Instead of expires_in." },
	{ "priority", .type = JSON_INT, INPUT(priority),
	    .given = offsetof(struct input, has_priority), .max = LEDGER_PRIORITY_MAX,
	    .about = "Of what is purchased: the least is used first; 50 where not given." },
	{ "hold_id", JSON_ID, INPUT(hold), .given = JSON_ALWAYS,
	    .about = "The open hold that a release or a usage ends." },
	{ "refunded_id", JSON_ID, INPUT(refunded), .given = JSON_ALWAYS,
	    .about = "The usage that a refund gives back, as far as it was not yet." },
};

/* What each type takes beside type, description and metadata. */
static const struct {
	bool amount, negative, hold, needs_hold, refunded, priority;
	int64_t seconds_max; /* 0: it does not expire */
} takes[] = {
	[CREDIT_PURCHASE] = { .amount = true,
	    .priority = true,
	    .seconds_max = CREDITS_GRANT_SECONDS_MAX },
	[CREDIT_USAGE] = { .amount = true, .hold = true },
	[CREDIT_REFUND] = { .amount = true, .refunded = true },
	[CREDIT_ADJUSTMENT] = { .amount = true, .negative = true },
	[CREDIT_HOLD] = { .amount = true, .seconds_max = CREDITS_HOLD_SECONDS_MAX },
	[CREDIT_RELEASE] = { .hold = true, .needs_hold = true },
};

static void
refuse_unless(struct task *task, bool takes_it, bool given, const char *field)
{
	if (given && !takes_it)
		(void)task_fail_field(task, field, "does not go with this type");
}

static void
check_amount(struct task *task, const struct input *input)
{
	refuse_unless(task, takes[input->type].amount, input->has_amount, "amount");
	if (!takes[input->type].amount)
		return;
	if (!input->has_amount)
		(void)task_fail_field(task, "amount", "is required");
	else if (input->amount_nanos == 0 ||
		 (input->amount_nanos < 0 && !takes[input->type].negative))
		(void)task_fail_field(task, "amount", "must be more than 0");
}

/* Sets expires_at, from whichever was given. */
static void
check_expiry(struct task *task, struct input *input)
{
	int64_t most = takes[input->type].seconds_max;
	const char *field = input->expires_in_s != 0 ? "expires_in" : "expires_at";

	refuse_unless(task, most != 0, input->expires_in_s != 0, "expires_in");
	refuse_unless(task, most != 0, input->expires_at != 0, "expires_at");
	if (input->expires_in_s != 0 && input->expires_at != 0)
		(void)task_fail_field(task, "expires_at", "cannot be given beside expires_in");
	if (input->type == CREDIT_HOLD && input->expires_in_s == 0 && input->expires_at == 0)
		input->expires_in_s = CREDITS_HOLD_SECONDS_DEFAULT;
	if (input->expires_in_s != 0)
		input->expires_at = task->now + input->expires_in_s * CLOCK_SECOND;
	if (most == 0 || input->expires_at == 0)
		return;
	if (input->expires_at <= task->now)
		(void)task_fail_field(task, field, "must be in the future");
	else if ((input->expires_at - task->now) / CLOCK_SECOND > most)
		(void)task_fail_field(task, field, "is too far in the future");
}

static bool
check(struct task *task, struct input *input)
{
	check_amount(task, input);
	check_expiry(task, input);
	refuse_unless(task, takes[input->type].priority, input->has_priority, "priority");
	refuse_unless(task, takes[input->type].hold, !id_is_nil(input->hold), "hold_id");
	refuse_unless(
	    task, takes[input->type].refunded, !id_is_nil(input->refunded), "refunded_id");
	if (takes[input->type].needs_hold && id_is_nil(input->hold))
		(void)task_fail_field(task, "hold_id", "is required");
	return task->err.code == ERR_NONE;
}

static bool
read_posting(struct request *req, struct credit_posting *ret)
{
	struct input input = { .priority = LEDGER_PRIORITY_DEFAULT };
	struct id user;

	if (!credits_owner(req, &user) || !request_read_body(req, &input) ||
	    !check(req->task, &input))
		return false;
	*ret = (struct credit_posting){
		.client = req->identity->client,
		.user = user,
		.type = (enum credit_type)input.type,
		.amount_nanos = input.amount_nanos,
		.hold = input.hold,
		.refunded = input.refunded,
		.expires_at = input.expires_at,
		.priority = input.priority,
		.description = input.description,
		.metadata = input.metadata,
		.address = req->task->actor->address,
		.api_key = req->identity->key,
	};
	return true;
}

bool
credits_post(struct request *req, struct reply *reply)
{
	struct submission *submission = arena_alloc(req->task->arena, sizeof *submission);
	struct posting *posting = arena_alloc(req->task->arena, sizeof *posting);

	(void)reply;
	if (!idempotency_check_key(req) || !read_posting(req, &posting->asked)) {
		request_finish(req, false);
		return true;
	}
	submission->req = req;
	submission->form = SUBMISSION_POSTING;
	submission->posting = posting;
	if (req->idempotency_key != NULL)
		idempotency_hash(req, submission->request_hash);
	ingest_submit(req->app->ingest, submission);
	return true;
}
