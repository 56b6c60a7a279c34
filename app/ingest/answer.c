#include "app/ingest/answer.h"

#include "app/idempotency.h"
#include "app/ingest/bound.h"
#include "app/ingest/otel_answer.h"
#include "app/metrics.h"

static const char no_user[] = "names no user of this client";
static const char no_session[] = "names no session of this client";

static void
reject(struct submission *submission, struct rejection rejection)
{
	submission->rejections[submission->rejection_count++] = rejection;
}

static void
reject_field(struct submission *submission, size_t index, const char *field, const char *message)
{
	reject(submission, rejection_of(submission->req->task->arena, index, field, message));
}

void
answer_reject(struct submission *submission, size_t index)
{
	reject(submission, rejection_take(submission->req->task, index));
}

void
answer_count(struct submission *submission, const struct batch_row *rows)
{
	for (size_t i = 0; i < submission->count; i++) {
		const struct chat_log *log = rows[i].log;

		switch (rows[i].outcome) {
		case BATCH_STORED:
			submission->stored++;
			submission->unpriced += log->estimated_cost_nanos == CHAT_LOG_NONE &&
						log->verified_cost_nanos == CHAT_LOG_NONE;
			break;
		case BATCH_DUPLICATE:
			submission->duplicates++;
			break;
		case BATCH_NO_USER:
			reject_field(submission, submission->indexes[i], "user_id", no_user);
			break;
		case BATCH_NO_SESSION:
			reject_field(submission, submission->indexes[i], "session_id", no_session);
			break;
		}
	}
}

void
answer_measure(const struct submission *submission)
{
	metrics_add(METRIC_RECORDS_ACCEPTED, (int64_t)submission->stored);
	metrics_add(METRIC_RECORDS_DUPLICATE, (int64_t)submission->duplicates);
	metrics_add(METRIC_RECORDS_REJECTED, (int64_t)submission->rejection_count);
	metrics_add(METRIC_RECORDS_UNPRICED, (int64_t)submission->unpriced);
}

static bool
answer_many(struct submission *submission)
{
	struct request *req = submission->req;

	return reply_json(&req->reply, 200, rejection_write,
	    &(const struct rejection_answer){ .arena = req->task->arena,
		.accepted = submission->stored,
		.duplicates = submission->duplicates,
		.at = submission->rejections,
		.count = submission->rejection_count });
}

bool
answer_make(struct submission *submission, const struct batch_row *rows)
{
	struct request *req = submission->req;

	if (submission->form == SUBMISSION_OTLP_PROTOBUF ||
	    submission->form == SUBMISSION_OTLP_JSON)
		return otel_answer(submission);
	if (submission->form == SUBMISSION_MANY)
		return answer_many(submission);
	switch (rows[0].outcome) {
	case BATCH_NO_USER:
		return task_fail_field(req->task, "user_id", no_user);
	case BATCH_NO_SESSION:
		return task_fail_field(req->task, "session_id", no_session);
	case BATCH_DUPLICATE:
		return reply_json(&req->reply, 200, chat_log_write, rows[0].log);
	case BATCH_STORED:
		break;
	}
	return reply_json(&req->reply, 201, chat_log_write, rows[0].log);
}

/* The leader's failure is the request's too. */
static void
hand_over_error(const struct task *task, struct task *own)
{
	if (task->err.code == ERR_UNAVAILABLE)
		(void)task_fail_later(own, task->err.retry_after, "%s", task->err.text);
	else
		(void)task_fail(own, task->err.code, "%s", task->err.text);
}

bool
answer_find_stored(struct task *task, const struct batch *batch,
    const struct submission *submission, struct batch_row *row)
{
	struct task *own = submission->req->task;
	struct chat_log *log;

	if (submission->form != SUBMISSION_SINGLE || row->outcome != BATCH_DUPLICATE)
		return true;
	/* Behind the commit: one transaction for all that are looked for, whosever they are. */
	if (task->db == NULL)
		batch_begin(task, batch);
	log = arena_alloc(task->arena, sizeof(*log));
	task->client = row->client;
	if (chat_log_find(task, row->log->id, log) &&
	    bound_may_see(submission->req->identity, log)) {
		row->log = log;
		return true;
	}
	if (task->err.code == ERR_NONE)
		(void)task_fail(own, ERR_CONFLICT, "The id is that of a record of another user.");
	else if (task->err.code == ERR_NOT_FOUND)
		(void)task_fail_later(own, 1, "the record was removed meanwhile");
	else if (batch->key_count > 0)
		return false;
	else
		hand_over_error(task, own);
	task_clear_error(task);
	return false;
}

void
answer_fail(const struct task *task, struct submission *submission)
{
	hand_over_error(task, submission->req->task);
	request_finish(submission->req, false);
}

bool
answer_before(struct task *task, struct submission *submission)
{
	struct request *req = submission->req;
	struct batch_answer answer;
	struct idempotency_row row;

	task->client = req->identity->client;
	if (!batch_find_answer(task, req->idempotency_key, &answer)) {
		bool none = task->err.code == ERR_NOT_FOUND;

		if (!none)
			answer_fail(task, submission);
		db_rollback(task);
		task_clear_error(task);
		return !none;
	}
	row = (struct idempotency_row){
		.request_hash = answer.request_hash,
		.status = answer.status,
		.content_type = answer.content_type,
		.body = answer.body,
	};
	request_finish(req, idempotency_replay(req, &row));
	return true;
}

void
answer_again(struct task *task, struct submission *submission)
{
	if (answer_before(task, submission))
		return;
	/* Its day was over just now. */
	(void)task_fail_later(task, 1, "the answer was removed meanwhile");
	answer_fail(task, submission);
	task_clear_error(task);
}
