#include "app/ingest/credits.h"

#include "app/auth.h"
#include "app/ingest/authorize.h"
#include "app/ingest/posting.h"
#include "lib/model/audit.h"

/* A posting of a submission, which the next free place takes. */
static struct credit_posting *
add(struct task *task, struct work *work, const struct credit_posting *posting)
{
	struct credit_posting *added = &work->postings[work->posting_count++];

	*added = *posting;
	added->id = id_new(task->now);
	return added;
}

/* Calls that have no user are the client's own. */
static struct id
payer(const struct identity *identity, struct id user)
{
	return identity->credits == CLIENT_CREDITS_USER ? user : (struct id){ 0 };
}

static void
add_hold(struct task *task, struct work *work, struct submission *submission)
{
	const struct identity *identity = submission->req->identity;
	const struct authorization *of = &submission->authorize->authorization;
	const struct credit_posting hold = {
		.client = identity->client,
		.user = payer(identity, of->scope.user_id),
		.type = CREDIT_HOLD,
		.amount_nanos = of->held_nanos,
		.source = of->id,
		.expires_at = of->expires_at,
		.api_key = identity->lineage,
	};

	/* Negative: its price is not known. */
	if (identity->credits != CLIENT_CREDITS_OFF && of->held_nanos > 0)
		submission->credit = add(task, work, &hold);
}

/* A call without a cost only gives back what was held for it. */
static void
add_usage(struct task *task, struct work *work, const struct identity *identity,
    const struct batch_row *row)
{
	const struct chat_log *log = row->log;
	int64_t cost = log->verified_cost_nanos != CHAT_LOG_NONE ? log->verified_cost_nanos
								 : log->estimated_cost_nanos;
	const struct credit_posting usage = {
		.client = identity->client,
		.user = payer(identity, log->user_id),
		.type = CREDIT_USAGE,
		.amount_nanos = cost > 0 ? cost : 0,
		.source = log->id,
		.source_created_at = log->created_at,
		.hold = log->authorization_id,
		.clip = true,
		.api_key = identity->lineage,
	};

	/* One that names what is not there is not stored. */
	if (row->outcome == BATCH_DUPLICATE && (cost > 0 || !id_is_nil(usage.hold)))
		(void)add(task, work, &usage);
}

static void
add_postings(struct task *task, struct work *work, struct submission *s, size_t first_row)
{
	const struct identity *identity = s->req->identity;

	s->credit = NULL;
	if (s->posting != NULL) {
		if (!s->posting->user_is_missing)
			s->credit = add(task, work, &s->posting->asked);
	} else if (s->authorize != NULL) {
		add_hold(task, work, s);
	} else if (identity->credits != CLIENT_CREDITS_OFF) {
		for (size_t i = 0; i < s->count; i++)
			add_usage(task, work, identity, &work->batch.rows[first_row + i]);
	}
}

/* What people post by hand stands in the audit log; what calls do stands in the ledger. */
static bool
is_audited(const struct submission *submission)
{
	enum credit_type type;

	if (submission->posting == NULL)
		return false;
	type = submission->credit->type;
	return type == CREDIT_PURCHASE || type == CREDIT_REFUND || type == CREDIT_ADJUSTMENT;
}

/* As the request's own task would write it. */
static struct db_step
audit(struct task *task, const struct submission *submission)
{
	const struct credit_posting *credit = submission->credit;
	struct task own = *task;

	own.client = credit->client;
	own.user = submission->req->task->user;
	own.actor = submission->req->task->actor;
	return audit_step(&own, credit_type_names[credit->type], "credit_transactions",
	    credit->transaction.id, (struct text){ 0 },
	    audit_json(&own, credit_transaction_write, &credit->transaction));
}

/* In one round trip: the accounts are locked meanwhile. */
static bool
audit_all(struct task *task, const struct work *work)
{
	struct db_step *steps = arena_array(task->arena, work->submissions, sizeof *steps);
	size_t count = 0;

	for (const struct submission *s = work->list; s != NULL; s = s->next)
		if (is_audited(s))
			steps[count++] = audit(task, s);
	return count == 0 || db_pipeline(task, steps, count, NULL);
}

static bool
is_refused(const struct submission *submission)
{
	const struct credit_posting *credit = submission->credit;

	if (submission->posting != NULL && submission->posting->user_is_missing)
		return true;
	return credit != NULL && credit->verdict != CREDIT_POSTED &&
	       credit->verdict != CREDIT_KNOWN;
}

/* Their keys stay free. */
static void
take_refused(struct work *work)
{
	struct submission **link = &work->list, *s;
	struct batch *batch = &work->batch;
	size_t key = 0, kept = 0;

	while ((s = *link) != NULL) {
		bool keyed = s->req->idempotency_key != NULL;

		if (!is_refused(s)) {
			if (keyed)
				batch->keys[kept++] = batch->keys[key];
			link = &s->next;
		} else {
			*link = s->next;
			s->next = work->refused;
			work->refused = s;
			if (s->authorize != NULL)
				s->authorize->refusal = REFUSAL_CREDITS;
		}
		key += keyed;
	}
	batch->key_count = kept;
}

/* Their requests are finished before the holds of the others are looked at again. */
static void
leave_out_holds(struct work *work)
{
	for (size_t i = 0; i < work->hold_count; i++) {
		struct hold_row *hold = &work->holds[i];

		if (hold->result == HOLD_TAKEN && hold->authorize->refusal == REFUSAL_CREDITS)
			hold->result = HOLD_REFUSED;
	}
}

bool
credits_decide(struct task *task, struct work *work)
{
	size_t row = 0;

	if (!work->has_credits)
		return true;
	work->postings = arena_array(
	    task->arena, work->submissions + work->batch.row_count, sizeof(*work->postings));
	for (struct submission *s = work->list; s != NULL; s = s->next) {
		add_postings(task, work, s, row);
		row += s->count;
	}
	if (work->posting_count > 0 &&
	    !credit_decide(task, work->postings, work->posting_count, &work->batch.credits))
		return false;
	take_refused(work);
	leave_out_holds(work);
	work_fill_authorizations(task, work);
	return audit_all(task, work);
}

void
credits_refuse(struct task *task, struct work *work)
{
	struct submission *next;

	for (struct submission *s = work->refused; s != NULL; s = next) {
		next = s->next;
		holds_drop(task, s);
		posting_refuse(s);
	}
	work->refused = NULL;
}

void
credits_return(struct work *work)
{
	struct submission *s;

	while ((s = work->refused) != NULL) {
		work->refused = s->next;
		s->next = work->list;
		work->list = s;
	}
}
