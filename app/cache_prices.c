#include "app/cache_private.h"

#include <stdlib.h>
#include <string.h>

#include "app/price_set.h"

#define CLIENTS_MAX 4096
#define BUCKETS 8192

struct own {
	struct own *next; /* in its bucket */
	struct id client;
	struct price_set *set; /* mostly empty: few clients have prices of their own */
};

struct cache_prices {
	/* Guards all below; a price is copied out under it. */
	pthread_rwlock_t lock;
	uint64_t generation;
	bool keep;
	struct price_set *defaults; /* NULL: not read yet */
	size_t count;
	struct own *buckets[BUCKETS];
};

struct cache_prices *
cache_prices_new(void)
{
	struct cache_prices *prices = calloc(1, sizeof *prices);

	if (!prices || pthread_rwlock_init(&prices->lock, NULL) != 0)
		abort();
	return prices;
}

static struct own **
bucket(struct cache_prices *prices, struct id client)
{
	uint64_t random;

	/* The end of a version 7 id is random. */
	memcpy(&random, client.bytes + 8, sizeof random);
	return &prices->buckets[random % BUCKETS];
}

static struct own *
find_own(struct cache_prices *prices, struct id client)
{
	struct own *own = *bucket(prices, client);

	while (own && !id_equal(own->client, client))
		own = own->next;
	return own;
}

static void
forget_own(struct cache_prices *prices)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		while (prices->buckets[i]) {
			struct own *own = prices->buckets[i];

			prices->buckets[i] = own->next;
			price_set_free(own->set);
			free(own);
		}
	}
	prices->count = 0;
}

void
cache_prices_forget(struct cache_prices *prices, bool keep)
{
	pthread_rwlock_wrlock(&prices->lock);
	forget_own(prices);
	price_set_free(prices->defaults);
	prices->defaults = NULL;
	prices->generation++;
	prices->keep = keep;
	pthread_rwlock_unlock(&prices->lock);
}

void
cache_prices_free(struct cache_prices *prices)
{
	cache_prices_forget(prices, false);
	pthread_rwlock_destroy(&prices->lock);
	free(prices);
}

/* What is asked for, and what is known of the answer. */
struct question {
	const char *provider;
	const char *model;
	int64_t at;
	bool found;
	struct price price;
};

static void
answer(struct question *question, const struct price_set *own, const struct price_set *defaults)
{
	const struct price *price = NULL;

	if (own)
		price = price_set_find(own, question->provider, question->model, question->at);
	if (!price)
		price = price_set_find(defaults, question->provider, question->model, question->at);
	question->found = price != NULL;
	if (price)
		question->price = *price;
}

/* What a thread sees of the table before it asks PostgreSQL. */
struct view {
	uint64_t generation;
	bool keep;
	bool has_defaults;
	bool has_own;
};

/* True: the question is answered. */
static bool
ask_kept(struct cache_prices *prices, struct id client, struct question *question, struct view *ret)
{
	struct own *own;

	pthread_rwlock_rdlock(&prices->lock);
	own = find_own(prices, client);
	*ret = (struct view){
		.generation = prices->generation,
		.keep = prices->keep,
		.has_defaults = prices->defaults != NULL,
		.has_own = own != NULL || id_is_nil(client),
	};
	if (ret->has_defaults && ret->has_own)
		answer(question, own ? own->set : NULL, prices->defaults);
	pthread_rwlock_unlock(&prices->lock);
	return ret->has_defaults && ret->has_own;
}

static void
add_own(struct cache_prices *prices, struct id client, struct price_set *set)
{
	struct own *own = calloc(1, sizeof *own);
	struct own **at = bucket(prices, client);

	if (!own)
		abort();
	if (prices->count == CLIENTS_MAX)
		forget_own(prices);
	own->client = client;
	own->set = set;
	own->next = *at;
	*at = own;
	prices->count++;
}

/* Keeps the set at its place, unless another thread was faster. */
static void
keep_defaults(struct cache_prices *prices, struct price_set *set)
{
	if (prices->defaults)
		price_set_free(set);
	else
		prices->defaults = set;
}

static void
keep_own(struct cache_prices *prices, struct id client, struct price_set *set)
{
	if (find_own(prices, client))
		price_set_free(set);
	else
		add_own(prices, client, set);
}

/* client NULL: the defaults. */
static void
keep(struct cache_prices *prices, uint64_t generation, const struct id *client, struct prices list)
{
	struct price_set *set = price_set_new(list);

	pthread_rwlock_wrlock(&prices->lock);
	if (!prices->keep || prices->generation != generation)
		price_set_free(set);
	else if (client)
		keep_own(prices, *client, set);
	else
		keep_defaults(prices, set);
	pthread_rwlock_unlock(&prices->lock);
}

static bool
read_missing(struct task *task, struct cache_prices *prices, const struct view *view)
{
	struct prices list;

	if (!view->has_defaults) {
		if (!pricing_list_defaults(task, &list))
			return false;
		keep(prices, view->generation, NULL, list);
	}
	if (!view->has_own) {
		if (!pricing_list_own(task, &list))
			return false;
		keep(prices, view->generation, &task->client, list);
	}
	return true;
}

/* Those of the list that are defaults, or those that are not. */
static struct price_set *
pick(struct task *task, struct prices list, bool defaults)
{
	struct price *picked = arena_array(task->arena, list.count, sizeof *picked);
	size_t count = 0;

	for (size_t i = 0; i < list.count; i++) {
		if (id_is_nil(list.at[i].client) == defaults)
			picked[count++] = list.at[i];
	}
	return price_set_new((struct prices){ picked, count });
}

/* Where nothing may be kept: the prices of this one model. */
static bool
ask_database(struct task *task, struct question *question)
{
	struct price_set *own;
	struct price_set *defaults;
	struct prices list;

	if (!pricing_list_model(task, question->model, &list))
		return false;
	own = pick(task, list, false);
	defaults = pick(task, list, true);
	answer(question, own, defaults);
	price_set_free(defaults);
	price_set_free(own);
	return true;
}

static bool
ask(struct task *task, struct cache *cache, struct question *question, struct view *view)
{
	struct arena_mark mark = arena_mark(task->arena);
	struct task lookup = cache_lookup(cache, task);
	bool ok;

	lookup.client = task->client;
	ok = !view->keep || read_missing(&lookup, cache->prices, view);
	if (ok && !(view->keep && ask_kept(cache->prices, task->client, question, view)))
		ok = ask_database(&lookup, question);
	cache_lookup_end(&lookup, task);
	/* An error's words live in that memory. */
	if (ok)
		arena_undo(task->arena, mark);
	return ok;
}

bool
cache_find_price(struct task *task, struct cache *cache, const char *provider, const char *model,
    int64_t at, bool *ret_found, struct price *ret)
{
	struct question question = { .provider = provider, .model = model, .at = at };
	struct view view;

	if (!ask_kept(cache->prices, task->client, &question, &view) &&
	    !ask(task, cache, &question, &view))
		return false;
	*ret_found = question.found;
	if (question.found) {
		*ret = question.price;
		ret->provider = NULL;
		ret->model = NULL;
		ret->source = NULL;
	}
	return true;
}
