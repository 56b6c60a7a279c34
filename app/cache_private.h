/*
 * What the files of app/cache*.c share: their tables and how the listening thread empties them.
 *
 * A look-up notes the table's generation before it asks PostgreSQL, and what it read is kept only
 * if the generation is still the same: an answer from before a change is never kept after it.
 */
#ifndef APP_CACHE_PRIVATE_H
#define APP_CACHE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "app/cache.h"
#include "lib/clock.h"
#include "lib/model/auth_token_text.h"
#include "lib/model/auth_token_use.h"

struct cache_keys;
struct cache_peers;
struct cache_prices;

struct cache {
	struct app *app;
	struct cache_keys *keys;
	struct cache_peers *peers;
	struct cache_prices *prices;
	pthread_t thread;
	int wake_fd; /* readable: stop */
	atomic_bool stopping;
};

/* A task of its own for a look-up, in a transaction of its own, with the memory of the task. */
struct task cache_lookup(struct cache *cache, struct task *task);
/* Ends its transaction; its failure becomes the task's. */
void cache_lookup_end(struct task *lookup, struct task *task);

/* Should a notification be lost on a connection that only looks alive, a key is stale so long. */
#define CACHE_KEY_AGE_MAX (300 * CLOCK_SECOND)

/* At most max keys; those not found for long make room. Keeps nothing before the first
 * cache_keys_forget(). */
struct cache_keys *cache_keys_new(size_t max);
void cache_keys_free(struct cache_keys *keys);
/* The generation is for cache_keys_keep(), also when the key is not there. */
NODISCARD bool cache_keys_find(struct cache_keys *keys, const char *public_id, struct task *task,
    struct identity *ret, uint64_t *ret_generation);
void cache_keys_keep(struct cache_keys *keys, const char *public_id,
    const struct identity *identity, int64_t now, uint64_t generation);
/* One use. */
void cache_keys_use(
    struct cache_keys *keys, const char *public_id, const struct auth_token_use *use);
void cache_keys_forget_one(struct cache_keys *keys, const char *public_id);
/* The same by its id, for which all are looked at. */
void cache_keys_forget_id(struct cache_keys *keys, struct id key);
/* Forgets all; keep says whether what is read from now on may be kept. */
void cache_keys_forget(struct cache_keys *keys, bool keep);
/* Takes what was counted since the last call, each key once. */
void cache_keys_take_uses(
    struct cache_keys *keys, struct arena *arena, struct auth_token_use **ret, size_t *ret_count);
/* Counts of keys that are not in the table, or that could not be stored. */
void cache_keys_add_uses(struct cache_keys *keys, const struct auth_token_use *uses, size_t count);

/*
 * Wrong keys of each peer (an address of IPv4, a /64 of IPv6) in each minute, and which keys exist.
 * Tables of fixed size without a lock: where too many peers fail at once, those that failed least
 * are forgotten; a key that another one pushed out does not count as one that exists.
 */
#define CACHE_PEERS_MAX 4096
#define CACHE_PEERS_TRUSTED_MAX 65536
/* At most max failures in a minute; 0: any number. */
struct cache_peers *cache_peers_new(int64_t max);
void cache_peers_free(struct cache_peers *peers);
/* Counts a failure; false: there were max before it in this minute. */
NODISCARD bool cache_peers_add(struct cache_peers *peers, const char *address, int64_t now);
bool cache_peers_refuses(struct cache_peers *peers, const char *address, int64_t now);
/* Seconds until the next minute. */
int cache_peers_retry_after(int64_t now);
/* Whether PostgreSQL knows the key. It survives what empties the table of keys. */
void cache_peers_trust(struct cache_peers *peers, const char *public_id, bool exists);
bool cache_peers_trusts(struct cache_peers *peers, const char *public_id);

struct cache_prices *cache_prices_new(void);
void cache_prices_free(struct cache_prices *prices);
void cache_prices_forget(struct cache_prices *prices, bool keep);

#endif
