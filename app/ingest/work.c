#include "app/ingest/work.h"

#include <string.h>

#include "app/ingest/authorize.h"
#include "app/ingest/known.h"
#include "app/ingest/posting.h"

static size_t
find_part(struct work *work, const struct identity *identity)
{
	struct counts *counts = &work->counts;

	for (size_t i = 0; i < counts->count; i++) {
		if (id_equal(counts->parts[i].client, identity->client))
			return i;
	}
	counts->parts[counts->count].client = identity->client;
	counts->zones[counts->count] = identity->zone;
	return counts->count++;
}

static void
add_rows(struct work *work, const struct submission *submission)
{
	const struct identity *identity = submission->req->identity;
	size_t part = find_part(work, identity);

	work->has_credits = work->has_credits || identity->credits != CLIENT_CREDITS_OFF;
	for (size_t i = 0; i < submission->count; i++) {
		struct record *record = &submission->records[i];
		size_t at = work->batch.row_count++;

		work->batch.rows[at] = (struct batch_row){
			.client = identity->client,
			.log = &record->log,
			.external_user_id = record->external_user_id,
		};
		work->rows[at] = (struct count_row){
			.part = part,
			.day = record->day,
			.log = &record->log,
		};
		record_add(record, &work->rows[at].totals);
	}
	/* A request without a good record still has its key. */
	work->counts.used[part] = work->counts.used[part] || submission->authorize == NULL;
	if (submission->authorize != NULL)
		work->holds[work->hold_count++] = (struct hold_row){
			.authorize = submission->authorize,
			.part = part,
		};
}

/* It counts nowhere, but its client takes part in the transaction. */
static void
add_payer(struct work *work, struct id client)
{
	struct batch *batch = &work->batch;

	work->has_credits = true;
	for (size_t i = 0; i < batch->payer_count; i++) {
		if (id_equal(batch->payers[i], client))
			return;
	}
	batch->payers[batch->payer_count++] = client;
}

struct work
work_new(struct task *task, struct counter_book *book, struct submission *list)
{
	struct work work = { .list = list, .counts.book = book };
	struct counts *counts = &work.counts;
	size_t records = 0, postings = 0;

	for (struct submission *s = list; s != NULL; s = s->next) {
		work.submissions++;
		records += s->count;
		postings += s->posting != NULL;
	}
	work.batch.id = id_new(task->now);
	work.batch.rows = arena_array(task->arena, records, sizeof(*work.batch.rows));
	work.rows = arena_array(task->arena, records, sizeof(*work.rows));
	work.holds = arena_array(task->arena, work.submissions, sizeof(*work.holds));
	if (postings > 0)
		work.batch.payers = arena_array(task->arena, postings, sizeof(*work.batch.payers));
	counts->parts = arena_array(task->arena, work.submissions, sizeof(*counts->parts));
	counts->zones = arena_array(task->arena, work.submissions, sizeof(*counts->zones));
	counts->used = arena_array(task->arena, work.submissions, sizeof(*counts->used));
	for (struct submission *s = list; s != NULL; s = s->next) {
		s->stored = s->duplicates = s->unpriced = 0;
		s->rejection_count = s->unreadable;
		/* What an earlier try answered. */
		s->req->reply.body.len = 0;
		s->req->reply.header_count = s->req->reply.kept;
		if (s->posting != NULL)
			add_payer(&work, s->req->identity->client);
		else
			add_rows(&work, s);
	}
	return work;
}

/* What the submissions name, in one order: a nil id is no reference. */
struct references {
	struct reference *list;
	size_t count;
	size_t taken;
};

static void
add_reference(
    struct references *references, struct id client, struct id id, enum reference_kind kind)
{
	if (!id_is_nil(id))
		references->list[references->count++] =
		    (struct reference){ .client = client, .id = id, .kind = kind };
}

static void
add_scope(struct references *references, struct id client, const struct budget_scope *scope)
{
	add_reference(references, client, scope->user_id, REFERENCE_USER);
	add_reference(references, client, scope->agent_session_id, REFERENCE_AGENT_SESSION);
}

static struct reference *
take_reference(struct references *references, struct id id)
{
	return id_is_nil(id) ? NULL : &references->list[references->taken++];
}

static void
refer_row(struct references *references, struct record *record, struct batch_row *row)
{
	const struct reference *user = take_reference(references, record->log.user_id);
	const struct reference *session = take_reference(references, record->log.session_id);
	const struct reference *agent = take_reference(references, record->log.agent_session_id);

	record->log.agent_root_id = agent == NULL ? (struct id){ 0 } : agent->root;
	if (session != NULL && !session->found)
		row->outcome = BATCH_NO_SESSION;
	if (user == NULL)
		return;
	if (user->erased && row->external_user_id != NULL) {
		record->log.user_id = (struct id){ 0 };
		row->external_user_id = NULL;
		return;
	}
	if (user->found)
		row->external_user_id = NULL;
	else if (row->external_user_id == NULL)
		row->outcome = BATCH_NO_USER;
	record->log.user_tier = user_tier_names[user->found ? user->tier : USER_ANONYMOUS];
}

static void
refer_hold(struct references *references, struct hold_row *hold)
{
	struct budget_scope *scope = &hold->authorize->authorization.scope;
	const struct reference *user = take_reference(references, scope->user_id);
	const struct reference *agent = take_reference(references, scope->agent_session_id);

	scope->agent_root_id = agent == NULL ? (struct id){ 0 } : agent->root;
	hold->user_is_missing = user != NULL && !user->found && !user->erased;
	if (user != NULL && user->erased && hold->authorize->external_user_id != NULL) {
		scope->user_id = (struct id){ 0 };
		return;
	}
	if (user == NULL || scope->has_user_tier)
		return;
	scope->user_tier = (int)(user->found ? user->tier : USER_ANONYMOUS);
	scope->has_user_tier = true;
}

static void
refer_posting(struct references *references, struct posting *posting)
{
	const struct reference *user = take_reference(references, posting->asked.user);

	posting->user_is_missing = user != NULL && !user->found;
}

bool
work_refer(struct task *task, struct work *work, struct known *known)
{
	struct batch_row *row = work->batch.rows;
	struct hold_row *hold = work->holds;
	struct references references = {
		.list = arena_array(task->arena, 3 * work->batch.row_count + 2 * work->submissions,
		    sizeof(struct reference)),
	};

	for (const struct submission *s = work->list; s != NULL; s = s->next) {
		struct id client = s->req->identity->client;

		for (size_t i = 0; i < s->count; i++) {
			add_reference(
			    &references, client, s->records[i].log.user_id, REFERENCE_USER);
			add_reference(
			    &references, client, s->records[i].log.session_id, REFERENCE_SESSION);
			add_reference(&references, client, s->records[i].log.agent_session_id,
			    REFERENCE_AGENT_SESSION);
		}
		if (s->authorize != NULL)
			add_scope(&references, client, &s->authorize->authorization.scope);
		if (s->posting != NULL)
			add_reference(&references, client, s->posting->asked.user, REFERENCE_USER);
	}
	if (!known_find(task, known, references.list, references.count))
		return false;
	for (const struct submission *s = work->list; s != NULL; s = s->next) {
		for (size_t i = 0; i < s->count; i++)
			refer_row(&references, &s->records[i], row++);
		if (s->authorize != NULL)
			refer_hold(&references, hold++);
		if (s->posting != NULL)
			refer_posting(&references, s->posting);
	}
	return true;
}

static void
fill_keys(struct task *task, struct work *work)
{
	struct batch *batch = &work->batch;

	batch->keys = arena_array(task->arena, work->submissions, sizeof(*batch->keys));
	batch->key_count = 0;
	for (const struct submission *s = work->list; s != NULL; s = s->next) {
		struct batch_key *key = &batch->keys[batch->key_count];

		if (s->req->idempotency_key == NULL)
			continue;
		key->client = s->req->identity->client;
		key->key = s->req->idempotency_key;
		memcpy(key->request_hash, s->request_hash, sizeof(key->request_hash));
		batch->key_count++;
	}
}

void
work_fill_authorizations(struct task *task, struct work *work)
{
	struct authorization_row *rows = arena_array(task->arena, work->hold_count, sizeof(*rows));
	struct batch *batch = &work->batch;

	batch->authorizations = rows;
	batch->authorization_count = 0;
	for (size_t i = 0; i < work->hold_count; i++) {
		if (work->holds[i].result == HOLD_TAKEN)
			rows[batch->authorization_count++] = (struct authorization_row){
				.client = work->counts.parts[work->holds[i].part].client,
				.authorization = &work->holds[i].authorize->authorization,
				.external_user_id = work->holds[i].user_is_missing
							? work->holds[i].authorize->external_user_id
							: NULL,
			};
	}
}

static void
fill_settles(struct task *task, struct work *work)
{
	struct batch *batch = &work->batch;
	struct authorization_settle *settles =
	    arena_array(task->arena, batch->row_count, sizeof(*settles));

	batch->settles = settles;
	batch->settle_count = 0;
	for (size_t i = 0; i < batch->row_count; i++) {
		const struct batch_row *row = &batch->rows[i];

		if (!id_is_nil(row->log->authorization_id))
			settles[batch->settle_count++] = (struct authorization_settle){
				.client = row->client,
				.authorization = row->log->authorization_id,
				.record = row->log->id,
			};
	}
}

void
work_fill(struct task *task, struct work *work)
{
	fill_keys(task, work);
	work_fill_authorizations(task, work);
	fill_settles(task, work);
	counts_mark(task, &work->counts, work->rows, work->batch.row_count, &work->batch);
}
