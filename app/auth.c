#include "app/auth.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "app/cache.h"
#include "app/metrics.h"
#include "lib/address.h"
#include "lib/model/audit.h"
#include "lib/model/auth_token_text.h"
#include "lib/model/rate.h"
#include "lib/seal.h"

#define SCHEME "Bearer "

/* One sentence for every reason: it does not tell which part of a key is right. */
static bool
refuse(struct task *task)
{
	task_clear_error(task);
	return task_fail(task, ERR_UNAUTHENTICATED, "A valid API key is needed.");
}

/* What has not the form of a key, or is one with a slip, costs nothing and is no guess: whoever
 * guesses can work the check digits out. */
static bool
read_key(const char *header, struct auth_token_parts *ret)
{
	enum auth_token_form form;
	const char *key;

	if (!header || strncasecmp(header, SCHEME, sizeof SCHEME - 1) != 0)
		return false;
	key = header + sizeof SCHEME - 1;
	key += strspn(key, " ");
	form = auth_token_parse((struct text){ key, strlen(key) }, ret);
	if (form == AUTH_TOKEN_MISTYPED)
		metrics_add(METRIC_KEY_MISTYPED, 1);
	return form == AUTH_TOKEN_KEY;
}

static bool
refuse_guess(struct task *task, struct cache *cache, const char *address)
{
	task_clear_error(task);
	return cache_count_failure(task, cache, address) && refuse(task);
}

/* The secret is hashed and compared for an unknown key too, so that both take the same time. */
static bool
find(struct request *req, const struct auth_token_parts *parts, struct identity *ret)
{
	struct task *task = req->task;
	struct cache *cache = req->app->cache;
	bool found = cache_find_key(task, cache, parts->public_id, req->address, ret);
	uint8_t hash[SEAL_HASH_SIZE];
	bool right;

	seal_hash((struct text){ parts->secret, strlen(parts->secret) }, hash);
	right = seal_equal(hash, ret->secret_hash, sizeof hash);
	if (!found && task->err.code != ERR_UNAUTHENTICATED)
		return false;
	if (!found || !right || ret->expires_at <= task->now)
		return refuse_guess(task, cache, req->address);
	return true;
}

/* The secret was right, so whoever asks may know why: 403. It is neither a use nor a guess. */
static bool
check_address(const struct request *req, const struct identity *identity)
{
	struct address_range from;

	if (identity->allowed == NULL)
		return true;
	/* nginx's peer on a Unix socket has no address, and so is in no range. */
	if (address_range_parse(req->address, &from) &&
	    address_range_in(&from, identity->allowed, identity->allowed_count))
		return true;
	metrics_add(METRIC_KEY_ADDRESS_REFUSALS, 1);
	return task_fail(req->task, ERR_FORBIDDEN, "The key may not be used from this address.");
}

/* An operator acts as itself and, on a route about one client, as that client too. */
static void
act_as_operator(struct request *req)
{
	struct id *clients = arena_array(req->task->arena, 2, sizeof *clients);
	size_t count = 1;

	req->task->operator_key = true;
	if (strncmp(req->route->path, "/v1/clients/{", 13) == 0 &&
	    id_parse(req->params[0], &clients[1]))
		count = 2;
	db_set_clients(req->task, clients, count);
}

static void
act(struct request *req, const struct identity *identity)
{
	struct actor *actor = arena_alloc(req->task->arena, sizeof *actor);

	actor->key = identity->key;
	/* nginx's peer on a Unix socket has none. */
	actor->address = address_valid(req->address) ? req->address : NULL;
	actor->request_id = req->id;
	req->identity = identity;
	req->task->actor = actor;
	req->task->client = identity->client;
	req->task->user = identity->user;
}

static void
add_rate_headers(struct request *req, const struct rate *rate)
{
	static const char format[] = "%" PRId64;
	struct arena *arena = req->task->arena;

	reply_header(&req->reply, "RateLimit-Limit", arena_printf(arena, format, rate->limit));
	if (rate->counted)
		reply_header(&req->reply, "RateLimit-Remaining",
		    arena_printf(arena, format, rate->remaining));
	reply_header(
	    &req->reply, "RateLimit-Reset", arena_printf(arena, format, rate->resets_in_s));
	/* Whatever the answer becomes. */
	reply_keep_headers(&req->reply);
}

static bool
show_rate(struct request *req, const struct rate *rate)
{
	struct task *task = req->task;

	add_rate_headers(req, rate);
	if (!rate->counted)
		metrics_add(METRIC_RATE_UNCOUNTED, 1);
	if (rate->allowed)
		return true;
	metrics_add(METRIC_RATE_REFUSALS, 1);
	(void)task_fail(task, ERR_RATE, "The key has used up its requests of this hour.");
	task->err.retry_after = (int)rate->resets_in_s;
	return false;
}

/* A request counts also where it is refused afterwards, for want of a scope or for what it says. */
static bool
count(struct request *req, const struct identity *identity)
{
	int64_t limit = identity->rate_limit_per_hour;
	struct rate rate;

	if (limit == 0)
		return true;
	rate_count(req->task, identity->client, identity->lineage, limit, &rate);
	return show_rate(req, &rate);
}

static bool
holds(const struct request *req, const struct identity *identity, enum scope scope)
{
	uint64_t wanted = UINT64_C(1) << scope;

	if (req->route->operators)
		wanted |= UINT64_C(1) << SCOPE_OPERATOR;
	return (identity->scopes & wanted) != 0;
}

bool
auth_check(struct request *req, enum scope scope)
{
	struct auth_token_parts *parts = arena_alloc(req->task->arena, sizeof *parts);
	struct identity *identity = arena_alloc(req->task->arena, sizeof *identity);

	if (scope == SCOPE_NONE)
		return true;
	if (!read_key(req->authorization, parts))
		return refuse(req->task);
	if (!find(req, parts, identity) || !check_address(req, identity))
		return false;
	cache_count_use(req->task, req->app->cache, parts->public_id, identity, req->address);
	identity->public_id = parts->public_id;
	identity->secret = parts->secret;
	act(req, identity);
	if (!count(req, identity))
		return false;
	if (!holds(req, identity, scope))
		return task_fail(
		    req->task, ERR_FORBIDDEN, "The key lacks the scope %s.", scope_names[scope]);
	if (!id_is_nil(identity->user) && !req->route->bound)
		return task_fail(
		    req->task, ERR_FORBIDDEN, "A key that is bound to a user may not call this.");
	if (id_is_nil(identity->client))
		act_as_operator(req);
	return true;
}
