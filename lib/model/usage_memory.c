#include "lib/model/usage_memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A power of two; ids are spread evenly. */
#define CHAINS 256

/* One block: behind it lie the rows, then their numbers, then their texts. */
struct set {
	struct usage_memory *memory;
	struct id key;
	struct usage_rows rows;
	size_t bytes;
	unsigned holders; /* tasks that read it */
	bool gone; /* out of the lists: the last holder frees it */
	struct set *next; /* of its chain */
	struct set *newer, *older;
};

struct usage_memory {
	size_t bytes_max;
	pthread_mutex_t lock; /* guards what is below, and of each set all but key and rows */
	struct usage_memory_state state;
	struct set *chains[CHAINS];
	struct set *newest, *oldest;
};

struct usage_memory *
usage_memory_new(size_t bytes_max)
{
	struct usage_memory *memory = calloc(1, sizeof(*memory));

	if (memory == NULL)
		abort();
	pthread_mutex_init(&memory->lock, NULL);
	memory->bytes_max = bytes_max;
	return memory;
}

/* Of the calls from here to forget_oldest() the lock is held. */

static struct set **
place_of(struct usage_memory *memory, struct id key)
{
	struct set **at = &memory->chains[key.bytes[0] & (CHAINS - 1)];

	while (*at != NULL && !id_equal((*at)->key, key))
		at = &(*at)->next;
	return at;
}

static void
unlink_age(struct usage_memory *memory, struct set *set)
{
	*(set->newer == NULL ? &memory->newest : &set->newer->older) = set->older;
	*(set->older == NULL ? &memory->oldest : &set->older->newer) = set->newer;
}

static void
make_newest(struct usage_memory *memory, struct set *set)
{
	set->newer = NULL;
	set->older = memory->newest;
	*(set->older == NULL ? &memory->oldest : &set->older->newer) = set;
	memory->newest = set;
}

static void
end(struct usage_memory *memory, struct set *set)
{
	memory->state.bytes -= set->bytes;
	free(set);
}

static void
forget_oldest(struct usage_memory *memory)
{
	struct set *set = memory->oldest;

	*place_of(memory, set->key) = set->next;
	memory->oldest = set->newer;
	*(set->newer == NULL ? &memory->newest : &set->newer->older) = NULL;
	memory->state.sets--;
	set->gone = true;
	if (set->holders == 0)
		end(memory, set);
}

static void
release(void *object)
{
	struct set *set = object;
	struct usage_memory *memory = set->memory;

	pthread_mutex_lock(&memory->lock);
	set->holders--;
	if (set->gone && set->holders == 0)
		end(memory, set);
	pthread_mutex_unlock(&memory->lock);
}

bool
usage_memory_find(
    struct usage_memory *memory, struct task *task, struct id key, struct usage_rows *ret)
{
	struct set *set;

	pthread_mutex_lock(&memory->lock);
	set = *place_of(memory, key);
	if (set != NULL) {
		set->holders++;
		unlink_age(memory, set);
		make_newest(memory, set);
		memory->state.found++;
		*ret = set->rows;
	} else {
		memory->state.missed++;
	}
	pthread_mutex_unlock(&memory->lock);
	if (set != NULL)
		arena_defer(task->arena, release, set);
	return set != NULL;
}

static size_t
numbers_of(const struct usage_rows *rows)
{
	size_t count = 0;

	for (size_t i = 0; i < rows->count; i++)
		count += rows->at[i].slots.count + rows->at[i].calls.count;
	return count;
}

static size_t
letters_of(const struct usage_rows *rows)
{
	size_t count = 0;

	for (size_t i = 0; i < rows->count; i++) {
		for (size_t k = 0; k < USAGE_KEYS_MAX; k++) {
			if (rows->at[i].key[k] != NULL)
				count += strlen(rows->at[i].key[k]) + 1;
		}
	}
	return count;
}

static struct json_ints
copy_numbers(struct json_ints from, int64_t **room)
{
	int64_t *at = *room;

	if (from.count > 0)
		memcpy(at, from.at, from.count * sizeof(*at));
	*room += from.count;
	return (struct json_ints){ at, from.count };
}

static const char *
copy_text(const char *from, char **room)
{
	char *at = *room;

	if (from == NULL)
		return NULL;
	*room = stpcpy(at, from) + 1;
	return at;
}

static struct set *
copy_set(struct usage_memory *memory, struct id key, const struct usage_rows *rows, size_t bytes)
{
	struct set *set = malloc(bytes);
	struct usage_row *at;
	int64_t *numbers;
	char *letters;

	if (set == NULL)
		abort();
	at = (struct usage_row *)(set + 1);
	numbers = (int64_t *)(at + rows->count);
	letters = (char *)(numbers + numbers_of(rows));
	*set = (struct set){
		.memory = memory, .key = key, .rows = { at, rows->count }, .bytes = bytes
	};
	for (size_t i = 0; i < rows->count; i++) {
		at[i] = rows->at[i];
		at[i].slots = copy_numbers(rows->at[i].slots, &numbers);
		at[i].calls = copy_numbers(rows->at[i].calls, &numbers);
		for (size_t k = 0; k < USAGE_KEYS_MAX; k++)
			at[i].key[k] = copy_text(rows->at[i].key[k], &letters);
	}
	return set;
}

void
usage_memory_keep(struct usage_memory *memory, struct id key, const struct usage_rows *rows)
{
	size_t bytes = sizeof(struct set) + rows->count * sizeof(*rows->at) +
		       numbers_of(rows) * sizeof(int64_t) + letters_of(rows);
	struct set **place, *set;

	if (bytes > memory->bytes_max / USAGE_MEMORY_SHARE)
		return;
	set = copy_set(memory, key, rows, bytes);
	pthread_mutex_lock(&memory->lock);
	place = place_of(memory, key);
	if (*place == NULL) {
		*place = set;
		make_newest(memory, set);
		memory->state.bytes += bytes;
		memory->state.sets++;
		set = NULL;
		while (memory->state.bytes > memory->bytes_max && memory->oldest != NULL)
			forget_oldest(memory);
	}
	pthread_mutex_unlock(&memory->lock);
	/* Another thread was quicker. */
	free(set);
}

struct usage_memory_state
usage_memory_look(struct usage_memory *memory)
{
	struct usage_memory_state state;

	pthread_mutex_lock(&memory->lock);
	state = memory->state;
	pthread_mutex_unlock(&memory->lock);
	return state;
}

void
usage_memory_free(struct usage_memory *memory)
{
	if (memory == NULL)
		return;
	for (struct set *set = memory->oldest, *next; set != NULL; set = next) {
		next = set->newer;
		free(set);
	}
	pthread_mutex_destroy(&memory->lock);
	free(memory);
}
