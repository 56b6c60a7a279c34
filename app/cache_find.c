#include "app/cache_private.h"

#include <stdio.h>
#include <string.h>

#include "app/metrics.h"

struct task
cache_lookup(struct cache *cache, struct task *task)
{
	struct task lookup;

	task_init(&lookup, task->arena);
	lookup.now = task->now;
	lookup.pool = cache->app->pool;
	return lookup;
}

void
cache_lookup_end(struct task *lookup, struct task *task)
{
	db_rollback(lookup);
	task->queries += lookup->queries;
	task->query_usec += lookup->query_usec;
	if (lookup->err.code != ERR_NONE && task->err.code == ERR_NONE)
		task->err = lookup->err;
}

static bool
read_key(struct task *task, const char *public_id, const struct conf *conf, struct identity *ret)
{
	struct auth_token_presented found;
	const struct zone *zone;

	if (!auth_token_find_presented(task, public_id, &found))
		return false;
	if (!found.active)
		return task_fail(task, ERR_NOT_FOUND, "The key does not work any more.");
	if (!zone_find(task, found.timezone, &zone))
		return false;
	*ret = (struct identity){
		.key = found.id,
		.lineage = found.lineage,
		.client = found.client,
		.user = found.user,
		.scopes = found.scopes,
		.expires_at = found.expires_at,
		.rate_limit_per_hour = found.rate_limit_per_hour,
		.allowed = found.allowed,
		.allowed_count = found.allowed_count,
		.zone = zone,
		.credits = found.credits,
		.timezone = found.timezone,
		.log_retention_days =
		    found.log_retention_days ? found.log_retention_days : conf->log_retention_days,
	};
	memcpy(ret->secret_hash, found.hash, sizeof ret->secret_hash);
	return true;
}

static bool
refuse_peer(struct task *task)
{
	metrics_add(METRIC_KEY_REFUSALS, 1);
	(void)task_fail(task, ERR_RATE, "Too many wrong API keys came from this address.");
	task->err.retry_after = cache_peers_retry_after(task->now);
	return false;
}

bool
cache_count_failure(struct task *task, struct cache *cache, const char *address)
{
	metrics_add(METRIC_KEY_FAILURES, 1);
	return cache_peers_add(cache->peers, address, task->now) || refuse_peer(task);
}

bool
cache_find_key(struct task *task, struct cache *cache, const char *public_id, const char *address,
    struct identity *ret)
{
	struct task lookup;
	uint64_t generation;
	bool found;

	if (cache_keys_find(cache->keys, public_id, task, ret, &generation))
		return true;
	if (cache_peers_refuses(cache->peers, address, task->now) &&
	    !cache_peers_trusts(cache->peers, public_id))
		return refuse_peer(task);
	lookup = cache_lookup(cache, task);
	found = read_key(&lookup, public_id, &cache->app->conf, ret);
	if (found || lookup.err.code == ERR_NOT_FOUND)
		cache_peers_trust(cache->peers, public_id, found);
	if (lookup.err.code == ERR_NOT_FOUND) {
		task_clear_error(&lookup);
		(void)task_fail(&lookup, ERR_UNAUTHENTICATED, "The key is not valid.");
	}
	cache_lookup_end(&lookup, task);
	if (found)
		cache_keys_keep(cache->keys, public_id, ret, task->now, generation);
	return found;
}

void
cache_count_use(struct task *task, struct cache *cache, const char *public_id,
    const struct identity *identity, const char *address)
{
	struct auth_token_use use = { .client = identity->client,
		.id = identity->key,
		.count = 1,
		.last_used_at = task->now };

	if (address_valid(address))
		(void)snprintf(use.last_used_ip, sizeof use.last_used_ip, "%s", address);
	cache_keys_use(cache->keys, public_id, &use);
}

void
cache_forget_key(struct cache *cache, struct id key)
{
	cache_keys_forget_id(cache->keys, key);
}
