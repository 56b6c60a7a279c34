#include "app/ingest/tell.h"

#include "app/ingest/posting.h"
#include "lib/model/event.h"

static void
put_number(struct json_out *out, const char *name, int64_t value)
{
	if (value == CHAT_LOG_NONE)
		json_null(out, name);
	else
		json_int(out, name, value);
}

/* What a watcher needs to tell records apart; the rest is asked for by its id. */
static void
write_record(struct json_out *out, const void *object)
{
	const struct chat_log *log = object;

	json_open(out);
	json_id(out, "user_id", log->user_id);
	json_id(out, "session_id", log->session_id);
	json_id(out, "conversation_id", log->conversation_id);
	json_id(out, "agent_session_id", log->agent_session_id);
	json_text(out, "trace_id", log->trace_id);
	json_text(out, "feature", log->feature);
	json_text(out, "agent_type", log->agent_type);
	json_text(out, "provider", log->provider);
	json_text(out, "model", log->model);
	put_number(out, "tokens_used", log->tokens_used);
	json_cents(out, "cost_cents", chat_log_cost(log));
	json_bool(out, "success", log->success);
	json_close(out);
}

static struct event
record_event(struct task *task, const struct chat_log *log)
{
	return (struct event){
		.type = EVENT_RECORD,
		.user = log->user_id,
		.agent_session = log->agent_session_id,
		.body = event_body(task, EVENT_RECORD, log->id, log->created_at, write_record, log),
	};
}

/* NULL: nothing that is heard. */
static struct redis_command *
tell_records(struct task *task, const struct work *work, size_t part)
{
	const struct batch *batch = &work->batch;
	struct event *events = arena_array(task->arena, batch->row_count, sizeof *events);
	enum event_heard heard = work->counts.parts[part].heard;
	size_t count = 0;

	for (size_t i = 0; i < batch->row_count; i++) {
		const struct chat_log *log = batch->rows[i].log;

		if (work->rows[i].part == part && batch->rows[i].outcome == BATCH_STORED &&
		    (heard == EVENT_HEARD || !id_is_nil(log->agent_session_id)))
			events[count++] = record_event(task, log);
	}
	return count == 0 ? NULL
			  : event_command(task, work->counts.parts[part].client, events, count);
}

static struct redis_command *
tell_posting(struct task *task, const struct submission *submission)
{
	const struct credit_posting *posting = submission->credit;
	struct event event = {
		.type = EVENT_CREDITS_POSTED,
		.user = posting->user,
		.body = event_body(task, EVENT_CREDITS_POSTED, posting->id, task->now,
		    credit_transaction_write, &posting->transaction),
	};

	return event_command(task, submission->req->identity->client, &event, 1);
}

struct redis_commands
tell_events(struct task *task, const struct work *work)
{
	const struct counts *counts = &work->counts;
	size_t most = counts->count + work->submissions;
	struct redis_commands ret = {
		.at = arena_array(task->arena, most, sizeof(struct redis_command *)),
	};

	for (size_t i = 0; i < counts->count; i++) {
		const struct counter_part *part = &counts->parts[i];

		if (part->idle || part->heard == EVENT_UNHEARD)
			continue;
		ret.at[ret.count] = tell_records(task, work, i);
		ret.count += ret.at[ret.count] != NULL;
	}
	for (const struct submission *s = work->list; s != NULL; s = s->next)
		if (s->posting != NULL && s->credit != NULL)
			ret.at[ret.count++] = tell_posting(task, s);
	return ret;
}
