#include "app/ingest/authorize.h"

static void
write_authorization(struct json_out *out, const void *object)
{
	const struct submission *submission = object;

	json_open(out);
	authorization_write(out, &submission->authorize->authorization, submission->req->task->now);
	json_close(out);
}

bool
authorize_answer(struct submission *submission)
{
	return reply_json(&submission->req->reply, 201, write_authorization, submission);
}

void
authorize_refuse(struct submission *submission)
{
	struct task *task = submission->req->task;

	switch (submission->authorize->refusal) {
	case REFUSAL_COST:
	case REFUSAL_UNPRICED:
		(void)task_fail(task, ERR_PAYMENT, "A budget does not suffice.");
		break;
	case REFUSAL_REQUESTS:
	case REFUSAL_TOKENS:
		(void)task_fail(task, ERR_RATE, "A budget does not suffice.");
		break;
	case REFUSAL_NO_TOKENS:
		(void)task_fail_field(task, "input_tokens", "is required: a budget limits tokens");
		break;
	case REFUSAL_NONE:
	case REFUSAL_AWAY:
		(void)task_fail_later(task, 1, "The counters are away.");
		break;
	}
	request_finish(submission->req, false);
}
