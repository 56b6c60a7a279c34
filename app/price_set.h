/*
 * Prices found by their model's name: what the cache keeps, and the one rule by which a price is
 * chosen.
 */
#ifndef APP_PRICE_SET_H
#define APP_PRICE_SET_H

#include "lib/arena.h"
#include "lib/model/pricing.h"

struct price_set;

/* Copies the prices. Of one client, or defaults. */
struct price_set *price_set_new(struct prices prices);
void price_set_free(struct price_set *set);

/*
 * The price of the model at an instant, or NULL; lives as long as the set. It is the last one that
 * began by then, unless it has ended. provider NULL: as if the only provider that has the model was
 * named; NULL when several have it.
 */
const struct price *price_set_find(
    const struct price_set *set, const char *provider, const char *model, int64_t at);

#endif
