#include "app/cache_private.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "app/ingest/ingest.h"
#include "app/ingest/known.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/model/counter.h"

#define CHANNEL "tally_cache"
#define RETRY_MS 1000
#define FLUSH_USEC (CACHE_FLUSH_S * CLOCK_SECOND)

static void
forget(struct cache *cache, bool keep)
{
	cache_keys_forget(cache->keys, keep);
	cache_prices_forget(cache->prices, keep);
	counter_book_hear(ingest_book(cache->app->ingest), keep);
	known_hear(ingest_known(cache->app->ingest), keep);
}

/* The client whose count another process has declared broken. */
static bool
read_bypassed(const char *change, struct id *ret)
{
	static const char prefix[] = "counter_states ";
	const size_t len = sizeof(prefix) - 1;

	return strncmp(change, prefix, len) == 0 &&
	       id_parse((struct text){ change + len, strlen(change) - len }, ret);
}

static void
forget_table(struct cache *cache, const char *table)
{
	static const char token[] = "auth_tokens ";
	struct id client;

	if (strncmp(table, token, sizeof(token) - 1) == 0)
		cache_keys_forget_one(cache->keys, table + sizeof(token) - 1);
	else if (read_bypassed(table, &client))
		counter_book_forget(ingest_book(cache->app->ingest), client);
	else if (strcmp(table, "users") == 0)
		known_hear(ingest_known(cache->app->ingest), true);
	else if (strcmp(table, "model_pricing") == 0)
		cache_prices_forget(cache->prices, true);
	else if (strcmp(table, "auth_tokens") == 0 || strcmp(table, "clients") == 0)
		cache_keys_forget(cache->keys, true);
	else
		forget(cache, true);
}

static void
flush_uses(struct cache *cache, struct arena *arena)
{
	struct auth_token_use *uses;
	size_t count;

	cache_keys_take_uses(cache->keys, arena, &uses, &count);
	for (size_t i = 0; i < count; i += AUTH_TOKEN_USES_MAX) {
		size_t part = count - i < AUTH_TOKEN_USES_MAX ? count - i : AUTH_TOKEN_USES_MAX;
		struct task task;

		task_init(&task, arena);
		task.pool = cache->app->pool;
		if (!auth_token_count_uses(&task, uses + i, part)) {
			cache_keys_add_uses(cache->keys, uses + i, count - i);
			break;
		}
	}
	arena_reset(arena);
}

/* Until the connection is lost or the process stops; the listener is closed then. */
static void
listen_for_changes(struct cache *cache, struct db_listener *listener, struct arena *arena)
{
	int64_t flush_at = clock_monotonic() + FLUSH_USEC;
	const char *table;

	while (!atomic_load(&cache->stopping)) {
		int64_t left_ms = (flush_at - clock_monotonic()) / 1000;

		if (left_ms <= 0) {
			flush_uses(cache, arena);
			flush_at = clock_monotonic() + FLUSH_USEC;
			continue;
		}
		if (!db_listen_wait(listener, (int)left_ms, cache->wake_fd, &table)) {
			log_event(LOG_LEVEL_WARNING, "cache_off",
			    "detail=\"the connection that listens for changes is lost\"");
			return;
		}
		if (table)
			forget_table(cache, table);
	}
	db_listen_close(listener);
}

static void
wait_for_retry(struct cache *cache)
{
	struct pollfd wake = { .fd = cache->wake_fd, .events = POLLIN };

	(void)poll(&wake, 1, RETRY_MS);
}

static void *
run(void *object)
{
	struct cache *cache = object;
	struct arena *arena = arena_new();
	struct arena *flush_arena = arena_new();

	while (!atomic_load(&cache->stopping)) {
		struct db_listener *listener;
		struct task task;

		arena_reset(arena);
		task_init(&task, arena);
		if (!db_listen(&task, &cache->app->database, CHANNEL, &listener)) {
			wait_for_retry(cache);
			continue;
		}
		forget(cache, true);
		listen_for_changes(cache, listener, flush_arena);
		forget(cache, false);
	}
	flush_uses(cache, flush_arena);
	arena_free(flush_arena);
	arena_free(arena);
	return NULL;
}

/* The signals are for the main thread. */
static void
start_thread(struct cache *cache)
{
	sigset_t all;
	sigset_t before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&cache->thread, NULL, run, cache) != 0)
		abort();
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct cache *
cache_new(struct app *app)
{
	struct cache *cache = calloc(1, sizeof *cache);

	if (!cache)
		abort();
	cache->app = app;
	cache->keys = cache_keys_new(CACHE_KEYS_MAX);
	cache->peers = cache_peers_new(app->conf.key_failures_per_minute);
	cache->prices = cache_prices_new();
	cache->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (cache->wake_fd < 0)
		abort();
	/* Nobody listens yet. */
	forget(cache, false);
	start_thread(cache);
	return cache;
}

void
cache_free(struct cache *cache)
{
	uint64_t one = 1;

	if (!cache)
		return;
	atomic_store(&cache->stopping, true);
	if (write(cache->wake_fd, &one, sizeof one) != (ssize_t)sizeof one)
		abort();
	pthread_join(cache->thread, NULL);
	close(cache->wake_fd);
	cache_prices_free(cache->prices);
	cache_peers_free(cache->peers);
	cache_keys_free(cache->keys);
	free(cache);
}
