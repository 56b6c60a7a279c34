/*
 * Keys, clients and prices, kept in the process so that the hot path asks PostgreSQL for none of
 * them. A thread listens on tally_cache and forgets a table's entries when it changes; while it
 * cannot listen, nothing is kept.
 */
#ifndef APP_CACHE_H
#define APP_CACHE_H

#include "app/app.h"
#include "app/auth.h"
#include "lib/model/pricing.h"

#define CACHE_KEYS_MAX 65536

/* Starts the listening thread, which also tells app->ingest of counts that others declared broken.
 */
struct cache *cache_new(struct app *app);
void cache_free(struct cache *cache);

/*
 * A copy of the key's row with its client's; ERR_UNAUTHENTICATED when there is none or the client
 * is deactivated. ERR_RATE, without a look into PostgreSQL, when the key is not known and too many
 * wrong keys came from the address in this minute.
 */
NODISCARD bool cache_find_key(struct task *task, struct cache *cache, const char *public_id,
    const char *address, struct identity *ret);
/* Notes that a wrong key came from the address; ERR_RATE when there were too many before. */
NODISCARD bool cache_count_failure(struct task *task, struct cache *cache, const char *address);

/* How long uses are counted before they are stored. */
#define CACHE_FLUSH_S 60
/* Notes that the key was presented with its right secret, from this address; the row is changed
 * within CACHE_FLUSH_S. */
void cache_count_use(struct task *task, struct cache *cache, const char *public_id,
    const struct identity *identity, const char *address);
/* The key has changed: here that holds from the next request on, in other processes as soon as they
 * hear of it. */
void cache_forget_key(struct cache *cache, struct id key);

/*
 * The price of a model for the task's client at an instant, the client's own before the default.
 * *ret_found false: the model has no price then. provider NULL: a price by the model's name alone
 * when exactly one provider has it. ret's texts are NULL.
 */
NODISCARD bool cache_find_price(struct task *task, struct cache *cache, const char *provider,
    const char *model, int64_t at, bool *ret_found, struct price *ret);

#endif
