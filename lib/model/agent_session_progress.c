/* What a session of an agent tells of itself while it runs, and at its end. */
#include <stdlib.h>
#include <string.h>

#include "lib/model/agent_session_private.h"
#include "lib/model/credit_book.h"

static const char recorded_sql[] = "SELECT cost_nanos\n"
				   "FROM agent_session_usage\n"
				   "WHERE client_id = $1 AND agent_session_id = $2";

const char *const agent_session_progress_statements[] = { recorded_sql, NULL };

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of both, each once. */
static struct json_texts
unite(struct task *task, struct json_texts one, struct json_texts other)
{
	const char **names = arena_array(task->arena, one.count + other.count, sizeof *names);
	size_t count = 0, kept = 0;

	for (size_t i = 0; i < one.count; i++)
		names[count++] = one.at[i];
	for (size_t i = 0; i < other.count; i++)
		names[count++] = other.at[i];
	qsort(names, count, sizeof *names, compare_names);
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || strcmp(names[i], names[kept - 1]) != 0)
			names[kept++] = names[i];
	return (struct json_texts){ names, kept };
}

static void
add_files(struct task *task, const char *field, struct json_texts *files, struct json_texts added)
{
	if (added.count == 0)
		return;
	*files = unite(task, *files, added);
	if (files->count > AGENT_FILES_MAX)
		task_fail_field(task, field, "would hold more than 1000 names");
}

static void
raise(int64_t *number, int64_t told)
{
	if (told != RESOURCE_NONE && (*number == RESOURCE_NONE || told > *number))
		*number = told;
}

/* A capital letter, then capitals, digits and low lines. */
static bool
is_phase(const char *name)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

	return strspn(name, letters) == strlen(name) && name[0] >= 'A' && name[0] <= 'Z';
}

static bool
apply(struct task *task, const struct agent_progress *progress, struct agent_session *session)
{
	if (progress->phase != NULL && !is_phase(progress->phase))
		task_fail_field(task, "phase",
		    "must be a name of capital letters, digits and low lines, as EXPLORE, PLAN, "
		    "SUMMON and COMPLETE are");
	else if (progress->phase != NULL)
		session->phase = progress->phase;
	if (progress->progress != RESOURCE_NONE)
		session->progress = progress->progress;
	raise(&session->iteration_count, progress->iteration_count);
	raise(&session->tool_calls_count, progress->tool_calls_count);
	raise(&session->stated_tokens, progress->tokens_used);
	add_files(task, "files_modified", &session->files.modified, progress->files.modified);
	add_files(task, "files_created", &session->files.created, progress->files.created);
	add_files(task, "files_deleted", &session->files.deleted, progress->files.deleted);
	session->last_activity_at = task->now;
	return task->err.code == ERR_NONE;
}

bool
agent_session_progress(struct task *task, struct id id, const struct agent_progress *progress,
    struct agent_session *ret)
{
	struct agent_session before;

	if (!agent_session_find_running(task, id, &before))
		return false;
	*ret = before;
	return apply(task, progress, ret) &&
	       resource_change(task, &agent_session_resource, "progress", &before, ret);
}

/* What the records have cost so far. */
static bool
find_recorded(struct task *task, struct id session, int64_t *ret)
{
	struct db_rows *rows;

	if (!db_query(task, recorded_sql, db_params_of(task, session), &rows))
		return false;
	*ret = db_count(rows) == 0 ? 0 : db_int(rows, 0, 0);
	return true;
}

static bool
post(struct task *task, struct credit_posting *posting)
{
	struct db_step steps[CREDIT_STEPS_MAX];
	struct credit_book *book;

	if (!credit_decide(task, posting, 1, &book))
		return false;
	if (posting->verdict == CREDIT_OVERFLOW)
		return task_fail_field(
		    task, "total_cost_cents", "makes a sum of the account too large");
	return db_pipeline(task, steps, credit_steps(task, book, steps), NULL);
}

static struct id
payer(const struct agent_session *session, const struct agent_ending *ending)
{
	return ending->credits == CLIENT_CREDITS_USER ? session->user : (struct id){ 0 };
}

/*
 * The account is locked before the sum of the records is read, as records take the two in this
 * order: none of those that it paid for is missing, and none waits for this. The session stands
 * in the ledger as the source, which pays once.
 */
static bool
charge(struct task *task, const struct agent_session *session, const struct agent_ending *ending)
{
	struct credit_posting posting = {
		.client = task->client,
		.user = payer(session, ending),
		.type = CREDIT_USAGE,
		.id = id_new(task->now),
		.clip = true,
		.api_key = ending->api_key,
		.address = ending->address,
	};
	struct credit_book *unused;
	int64_t recorded;

	if (ending->credits == CLIENT_CREDITS_OFF || session->stated_cost_nanos == RESOURCE_NONE ||
	    session->stated_cost_nanos == 0)
		return true;
	if (!credit_account_see_all(task) || !credit_decide(task, &posting, 1, &unused) ||
	    !find_recorded(task, session->head.id, &recorded))
		return false;
	posting.amount_nanos = session->stated_cost_nanos - recorded;
	posting.source = session->head.id;
	return posting.amount_nanos <= 0 || post(task, &posting);
}

bool
agent_session_end(
    struct task *task, struct id id, const struct agent_ending *ending, struct agent_session *ret)
{
	struct agent_session before;

	if (!agent_session_find_running(task, id, &before))
		return false;
	*ret = before;
	if (!apply(task, &ending->progress, ret))
		return false;
	ret->status = (int)ending->status;
	ret->success = ending->success;
	ret->error_message = ending->error_message;
	ret->completion_report = ending->completion_report;
	ret->stated_cost_nanos = ending->cost_nanos;
	ret->ended_at = task->now;
	return resource_change(task, &agent_session_resource, "end", &before, ret) &&
	       charge(task, ret, ending);
}
