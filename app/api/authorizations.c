#include "app/api/authorizations.h"

#include <string.h>

#include "app/auth.h"
#include "app/cache.h"
#include "app/idempotency.h"
#include "app/ingest/authorize.h"
#include "lib/clock.h"
#include "lib/model/chat_log.h"
#include "lib/model/counter_hold.h"
#include "lib/model/credit_book.h"

/* What is read before it becomes an authorization. */
struct input {
	struct budget_scope scope;
	const char *external_user_id;
	struct json_texts tags;
	int64_t max_cost_nanos; /* CHAT_LOG_NONE where not given, as below */
	int64_t input_tokens;
	int64_t max_output_tokens;
	int64_t expires_in_s;
};

#define INPUT(member) .offset = offsetof(struct input, member), .given = JSON_ALWAYS
#define TOKENS .type = JSON_INT, .max = PRICE_TOKENS_MAX

const struct json_field authorizations_post_fields[] = {
	BUDGET_SCOPE_ROW(struct input, user_id, JSON_ID, .about = "A user of this client."),
	{ "external_user_id", JSON_TEXT, INPUT(external_user_id), .min = 1,
	    .max = USER_EXTERNAL_ID_MAX,
	    .about = "Instead of user_id; made as a user of tier anonymous on first sight." },
	BUDGET_SCOPE_ROW(struct input, session_id, JSON_ID, .min = 0),
	BUDGET_SCOPE_ROW(struct input, agent_session_id, JSON_ID, .min = 0),
	BUDGET_SCOPE_ROW(struct input, feature, JSON_TEXT, .min = 1, .max = 80),
	BUDGET_SCOPE_ROW(struct input, provider, JSON_TEXT, .min = 1, .max = PRICE_PROVIDER_MAX),
	BUDGET_SCOPE_ROW(struct input, model, JSON_TEXT, .min = 1, .max = PRICE_MODEL_MAX),
	{ "tags", JSON_TEXTS, INPUT(tags), .max = AUTHORIZATION_TAGS_MAX, .max_item = 64 },
	{ "max_cost_cents", .type = JSON_CENTS, INPUT(max_cost_nanos),
	    .max = AUTHORIZATION_COST_MAX,
	    .about =
		"The most that the call may cost. Where not given, the price list says what it is for model, "
		"input_tokens and max_output_tokens at the worst." },
	{ "input_tokens", TOKENS, INPUT(input_tokens),
	    .about = "All of them, whether they come from the provider's cache or not." },
	{ "max_output_tokens", TOKENS, INPUT(max_output_tokens), .about = "Reasoning included." },
	{ "expires_in", .type = JSON_INT, INPUT(expires_in_s), .min = 1,
	    .max = AUTHORIZATION_SECONDS_MAX,
	    .about =
		"Seconds after which nothing is held any more; 600 where not given. A later settle still counts." },
};

static int64_t
or_zero(int64_t value)
{
	return value == CHAT_LOG_NONE ? 0 : value;
}

static bool
read_user(struct task *task, struct input *input)
{
	struct text name = { .at = input->external_user_id };

	if (name.at == NULL)
		return true;
	if (!id_is_nil(input->scope.user_id))
		return task_fail_field(task, "external_user_id", "cannot be given beside user_id");
	name.len = strlen(name.at);
	input->scope.user_id = user_id_from_external(task->client, name);
	return true;
}

/* What a key that is bound to a user authorizes are that user's calls. */
static bool
set_user(struct task *task, struct input *input)
{
	struct id *user = &input->scope.user_id;

	if (!read_user(task, input))
		return false;
	if (id_is_nil(task->user))
		return true;
	if (id_is_nil(*user))
		*user = task->user;
	return id_equal(*user, task->user) ||
	       task_fail_field(task, "user_id", "is not the user to whom the key is bound");
}

static bool
check_amount(struct task *task, const struct input *input)
{
	if (input->max_cost_nanos != CHAT_LOG_NONE ||
	    (input->scope.model != NULL && input->input_tokens != CHAT_LOG_NONE &&
		input->max_output_tokens != CHAT_LOG_NONE))
		return true;
	return task_fail_field(
	    task, "max_cost_cents", "or model, input_tokens and max_output_tokens are required");
}

/* What the call costs at the worst; not known where its model has no price. */
static bool
quote(struct request *req, const struct input *input, struct authorization *ret)
{
	struct price price;
	bool found;

	if (!cache_find_price(req->task, req->app->cache, input->scope.provider, input->scope.model,
		ret->created_at, &found, &price))
		return false;
	if (!found)
		return true;
	ret->held_nanos = price_worst(input->input_tokens, input->max_output_tokens, &price.rates);
	ret->model_pricing_id = price.id;
	if (ret->held_nanos > AUTHORIZATION_COST_MAX)
		return task_fail_field(req->task, "max_output_tokens",
		    "and input_tokens may cost more than can be held");
	return true;
}

static bool
make(struct request *req, const struct input *input, struct authorization *ret)
{
	int64_t now = req->task->now - req->task->now % 1000;

	*ret = (struct authorization){
		.id = id_new(now),
		.created_at = now,
		.expires_at = now + input->expires_in_s * CLOCK_SECOND,
		.scope = input->scope,
		.tags = input->tags,
		.held_nanos = input->max_cost_nanos,
		.held_tokens = CHAT_LOG_NONE,
		.cost_nanos = CHAT_LOG_NONE,
	};
	ret->scope.api_key_id = req->identity->lineage;
	if (input->input_tokens != CHAT_LOG_NONE || input->max_output_tokens != CHAT_LOG_NONE)
		ret->held_tokens = or_zero(input->input_tokens) + or_zero(input->max_output_tokens);
	return input->max_cost_nanos != CHAT_LOG_NONE || quote(req, input, ret);
}

/* The write path makes a user that is named by the caller's own name, and knows its tier where that
 * matters: there is nothing to ask here. */
static bool
check_scope(struct task *task, struct input *input)
{
	bool user_is_made = input->external_user_id != NULL;

	return (user_is_made && id_is_nil(input->scope.session_id) && id_is_nil(task->user)) ||
	       authorization_check_scope(task, user_is_made, &input->scope);
}

static bool
read_authorization(struct request *req, struct authorize *ret)
{
	struct task *task = req->task;
	struct input input = { .max_cost_nanos = CHAT_LOG_NONE,
		.input_tokens = CHAT_LOG_NONE,
		.max_output_tokens = CHAT_LOG_NONE,
		.expires_in_s = AUTHORIZATION_SECONDS_DEFAULT };
	bool ok = request_read_body(req, &input);

	if (!ok && task->err.code != ERR_INVALID)
		return false;
	/* All of them, so that every bad field is named at once. */
	ok = set_user(task, &input) && ok;
	ok = check_amount(task, &input) && ok;
	if (!ok || !check_scope(task, &input))
		return false;
	ret->external_user_id = input.external_user_id;
	return make(req, &input, &ret->authorization);
}

bool
authorizations_post(struct request *req, struct reply *reply)
{
	struct submission *submission = arena_alloc(req->task->arena, sizeof *submission);
	struct authorize *authorize = arena_alloc(req->task->arena, sizeof *authorize);

	(void)reply;
	if (!idempotency_check_key(req) || !read_authorization(req, authorize)) {
		request_finish(req, false);
		return true;
	}
	submission->req = req;
	submission->form = SUBMISSION_AUTHORIZE;
	submission->authorize = authorize;
	if (req->idempotency_key != NULL)
		idempotency_hash(req, submission->request_hash);
	ingest_submit(req->app->ingest, submission);
	return true;
}

static bool
reply_authorization(
    struct request *req, struct reply *reply, const struct authorization *authorization)
{
	struct json_out *out = json_out_new(&reply->body);

	json_open(out);
	authorization_write(out, authorization, req->task->now);
	json_close(out);
	return reply_done(reply, 200, "application/json");
}

bool
authorizations_find(struct request *req, struct reply *reply)
{
	struct authorization authorization;
	struct id id;

	return request_id_param(req, 0, &id) && authorization_find(req->task, id, &authorization) &&
	       reply_authorization(req, reply, &authorization);
}

/* Nothing is held for it any more. */
static void
release(struct request *req)
{
	struct id id;

	if (request_id_param(req, 0, &id))
		counter_release(req->task, ingest_book(req->app->ingest), req->identity->zone, id);
}

/*
 * What the account that pays holds for it, which need not be that of the user to whom the key is
 * bound: it is enough that the authorization is. The account is locked before the authorization, as
 * the write path does; where the authorization turns out to be settled, all of it is undone.
 */
static bool
give_back(struct request *req, struct id id)
{
	struct credit_posting posting = {
		.client = req->identity->client,
		.type = CREDIT_RELEASE,
		.id = id_new(req->task->now),
		.source = id,
		.hold = id,
		.api_key = req->identity->lineage,
	};
	struct db_step steps[CREDIT_STEPS_MAX];
	struct authorization seen;
	struct credit_book *book;

	if (req->identity->credits == CLIENT_CREDITS_OFF)
		return true;
	if (!id_is_nil(req->identity->user) &&
	    (!authorization_find(req->task, id, &seen) || !credit_account_see_all(req->task)))
		return false;
	if (!credit_decide(req->task, &posting, 1, &book))
		return false;
	/* Without one, it held nothing or gave it back before. */
	if (posting.verdict != CREDIT_POSTED)
		return true;
	return db_pipeline(req->task, steps, credit_steps(req->task, book, steps), NULL);
}

bool
authorizations_void(struct request *req, struct reply *reply)
{
	struct authorization authorization;
	struct id id;

	if (!request_id_param(req, 0, &id) || !give_back(req, id) ||
	    !authorization_void(req->task, id, &authorization))
		return false;
	req->committed = release;
	return reply_authorization(req, reply, &authorization);
}
