#include "app/cache_private.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"

struct entry {
	struct entry *next; /* in its bucket */
	char public_id[AUTH_TOKEN_PUBLIC_SIZE];
	struct identity identity;
	char timezone[ZONE_NAME_MAX + 1];
	struct address_range *allowed; /* of the identity */
	size_t place; /* among the entries */
	int64_t read_at;
	atomic_bool recent; /* found since the hand of the clock came by */
	_Atomic int64_t uses;
	atomic_flag noting; /* guards the two below among holders of the read lock */
	int64_t last_used_at;
	char last_used_ip[ADDRESS_TEXT_SIZE];
};

struct cache_keys {
	/* Guards all below. The entries' atomics are also written by holders of the read lock. */
	pthread_rwlock_t lock;
	uint64_t generation;
	bool keep;
	size_t max;
	size_t count;
	size_t hand; /* where eviction looks next */
	struct entry **entries; /* room for max */
	struct entry **buckets; /* twice max */
	size_t retired_count;
	struct auth_token_use *retired; /* counts of entries that are gone; room for max */
};

/* Memory that is never touched is never the process's own. */
struct cache_keys *
cache_keys_new(size_t max)
{
	struct cache_keys *keys = calloc(1, sizeof *keys);

	if (!keys || pthread_rwlock_init(&keys->lock, NULL) != 0)
		abort();
	keys->max = max;
	keys->entries = calloc(max, sizeof(struct entry *));
	keys->buckets = calloc(2 * max, sizeof(struct entry *));
	keys->retired = calloc(max, sizeof *keys->retired);
	if (!keys->entries || !keys->buckets || !keys->retired)
		abort();
	return keys;
}

static struct entry **
bucket(struct cache_keys *keys, const char *public_id)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (; *public_id; public_id++)
		hash = (hash ^ (uint8_t)*public_id) * UINT64_C(1099511628211);
	return &keys->buckets[hash % (2 * keys->max)];
}

/* A pointer to the pointer to the entry, which is NULL where there is none. */
static struct entry **
find(struct cache_keys *keys, const char *public_id)
{
	struct entry **at = bucket(keys, public_id);

	while (*at && strcmp((*at)->public_id, public_id) != 0)
		at = &(*at)->next;
	return at;
}

static void
retire_uses(struct cache_keys *keys, const struct auth_token_use *use)
{
	/* Beyond this the counts are not worth their memory. */
	if (keys->retired_count < keys->max)
		keys->retired[keys->retired_count++] = *use;
}

static bool
take_uses(struct entry *entry, struct auth_token_use *ret)
{
	*ret = (struct auth_token_use){
		.client = entry->identity.client,
		.id = entry->identity.key,
		.count = atomic_exchange(&entry->uses, 0),
		.last_used_at = entry->last_used_at,
	};
	memcpy(ret->last_used_ip, entry->last_used_ip, sizeof ret->last_used_ip);
	return ret->count > 0;
}

static void
move(struct cache_keys *keys, struct entry *entry, size_t place)
{
	keys->entries[place] = entry;
	entry->place = place;
}

/* Takes the i-th entry out; the last one moves to its place. */
static void
drop(struct cache_keys *keys, size_t i)
{
	struct entry *entry = keys->entries[i];
	struct entry **at = find(keys, entry->public_id);
	struct auth_token_use use;

	if (take_uses(entry, &use))
		retire_uses(keys, &use);
	*at = entry->next;
	move(keys, keys->entries[--keys->count], i);
	free(entry->allowed);
	free(entry);
}

void
cache_keys_forget(struct cache_keys *keys, bool keep)
{
	pthread_rwlock_wrlock(&keys->lock);
	while (keys->count > 0)
		drop(keys, keys->count - 1);
	keys->generation++;
	keys->keep = keep;
	pthread_rwlock_unlock(&keys->lock);
}

void
cache_keys_forget_one(struct cache_keys *keys, const char *public_id)
{
	struct entry *entry;

	pthread_rwlock_wrlock(&keys->lock);
	entry = *find(keys, public_id);
	if (entry)
		drop(keys, entry->place);
	keys->generation++;
	pthread_rwlock_unlock(&keys->lock);
}

void
cache_keys_forget_id(struct cache_keys *keys, struct id key)
{
	pthread_rwlock_wrlock(&keys->lock);
	for (size_t i = 0; i < keys->count; i++) {
		if (!id_equal(keys->entries[i]->identity.key, key))
			continue;
		drop(keys, i);
		break;
	}
	keys->generation++;
	pthread_rwlock_unlock(&keys->lock);
}

void
cache_keys_free(struct cache_keys *keys)
{
	cache_keys_forget(keys, false);
	pthread_rwlock_destroy(&keys->lock);
	free(keys->entries);
	free(keys->buckets);
	free(keys->retired);
	free(keys);
}

/* The first entry not found since the hand came by last time. */
static void
evict(struct cache_keys *keys)
{
	for (;;) {
		keys->hand = keys->hand + 1 < keys->count ? keys->hand + 1 : 0;
		if (!atomic_exchange(&keys->entries[keys->hand]->recent, false))
			break;
	}
	drop(keys, keys->hand);
}

static struct address_range *
copy_ranges(const struct identity *identity)
{
	struct address_range *copy;

	if (identity->allowed == NULL)
		return NULL;
	copy = calloc(identity->allowed_count, sizeof *copy);
	if (!copy)
		abort();
	return memcpy(copy, identity->allowed, identity->allowed_count * sizeof *copy);
}

static void
fill(struct entry *entry, const char *public_id, const struct identity *identity, int64_t now)
{
	free(entry->allowed);
	entry->allowed = copy_ranges(identity);
	strncpy(entry->public_id, public_id, sizeof entry->public_id - 1);
	strncpy(entry->timezone, identity->timezone, sizeof entry->timezone - 1);
	entry->identity = *identity;
	entry->identity.timezone = entry->timezone;
	entry->identity.allowed = entry->allowed;
	entry->read_at = now;
}

static struct entry *
add(struct cache_keys *keys, const char *public_id)
{
	struct entry *entry = calloc(1, sizeof *entry);
	struct entry **at = bucket(keys, public_id);

	if (!entry)
		abort();
	if (keys->count == keys->max)
		evict(keys);
	entry->next = *at;
	*at = entry;
	move(keys, entry, keys->count++);
	return entry;
}

void
cache_keys_keep(struct cache_keys *keys, const char *public_id, const struct identity *identity,
    int64_t now, uint64_t generation)
{
	struct entry *entry;

	pthread_rwlock_wrlock(&keys->lock);
	if (keys->keep && keys->generation == generation) {
		entry = *find(keys, public_id);
		if (!entry)
			entry = add(keys, public_id);
		fill(entry, public_id, identity, now);
	}
	pthread_rwlock_unlock(&keys->lock);
}

static const struct address_range *
copy_ranges_to(struct arena *arena, const struct identity *identity)
{
	struct address_range *copy;

	if (identity->allowed == NULL)
		return NULL;
	copy = arena_array(arena, identity->allowed_count, sizeof *copy);
	return memcpy(copy, identity->allowed, identity->allowed_count * sizeof *copy);
}

bool
cache_keys_find(struct cache_keys *keys, const char *public_id, struct task *task,
    struct identity *ret, uint64_t *ret_generation)
{
	struct entry *entry;
	bool found;

	pthread_rwlock_rdlock(&keys->lock);
	*ret_generation = keys->generation;
	entry = *find(keys, public_id);
	found = entry && task->now - entry->read_at < CACHE_KEY_AGE_MAX;
	if (found) {
		*ret = entry->identity;
		ret->timezone = arena_strdup(task->arena, entry->timezone);
		ret->allowed = copy_ranges_to(task->arena, ret);
		if (!atomic_load_explicit(&entry->recent, memory_order_relaxed))
			atomic_store_explicit(&entry->recent, true, memory_order_relaxed);
	}
	pthread_rwlock_unlock(&keys->lock);
	return found;
}

/* Where two note a use at once, either is the last one: who comes second need not wait. */
static void
note(struct entry *entry, const struct auth_token_use *use)
{
	atomic_fetch_add_explicit(&entry->uses, 1, memory_order_relaxed);
	if (atomic_flag_test_and_set_explicit(&entry->noting, memory_order_acquire))
		return;
	if (entry->last_used_at <= use->last_used_at) {
		entry->last_used_at = use->last_used_at;
		memcpy(entry->last_used_ip, use->last_used_ip, sizeof entry->last_used_ip);
	}
	atomic_flag_clear_explicit(&entry->noting, memory_order_release);
}

void
cache_keys_use(struct cache_keys *keys, const char *public_id, const struct auth_token_use *use)
{
	struct entry *entry;

	pthread_rwlock_rdlock(&keys->lock);
	entry = *find(keys, public_id);
	if (entry)
		note(entry, use);
	pthread_rwlock_unlock(&keys->lock);
	if (!entry)
		cache_keys_add_uses(keys, use, 1);
}

void
cache_keys_add_uses(struct cache_keys *keys, const struct auth_token_use *uses, size_t count)
{
	pthread_rwlock_wrlock(&keys->lock);
	for (size_t i = 0; i < count; i++)
		retire_uses(keys, &uses[i]);
	pthread_rwlock_unlock(&keys->lock);
}

static int
by_id(const void *a, const void *b)
{
	const struct auth_token_use *first = a;
	const struct auth_token_use *second = b;

	return id_compare(first->id, second->id);
}

/* An UPDATE changes a row once, whatever the number of rows it is joined with. */
static size_t
merge(struct auth_token_use *uses, size_t count)
{
	size_t kept = 0;

	qsort(uses, count, sizeof *uses, by_id);
	for (size_t i = 0; i < count; i++) {
		if (kept == 0 || !id_equal(uses[kept - 1].id, uses[i].id)) {
			uses[kept++] = uses[i];
			continue;
		}
		uses[i].count += uses[kept - 1].count;
		if (uses[kept - 1].last_used_at < uses[i].last_used_at)
			uses[kept - 1] = uses[i];
		else
			uses[kept - 1].count = uses[i].count;
	}
	return kept;
}

void
cache_keys_take_uses(
    struct cache_keys *keys, struct arena *arena, struct auth_token_use **ret, size_t *ret_count)
{
	struct auth_token_use *uses;
	size_t count;

	pthread_rwlock_wrlock(&keys->lock);
	count = keys->retired_count;
	uses = arena_array(arena, count + keys->count, sizeof *uses);
	memcpy(uses, keys->retired, count * sizeof *uses);
	keys->retired_count = 0;
	for (size_t i = 0; i < keys->count; i++)
		count += take_uses(keys->entries[i], &uses[count]);
	pthread_rwlock_unlock(&keys->lock);
	*ret = uses;
	*ret_count = merge(uses, count);
}
