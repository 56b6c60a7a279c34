#include "app/ingest/sums.h"

#include <string.h>

#define ROOM_MIN 16

/* Open addressing: places holds the number of a sum from 1, or 0; twice as many places as sums. */
struct sums {
	struct arena *arena;
	struct counter_sum *at;
	uint32_t *places;
	size_t count, room;
};

struct sums *
sums_new(struct task *task)
{
	struct sums *sums = arena_alloc(task->arena, sizeof(*sums));

	sums->arena = task->arena;
	return sums;
}

static uint32_t *
find(const struct sums *sums, const char *bucket)
{
	uint64_t hash = UINT64_C(14695981039346656037);
	size_t i;

	for (const char *c = bucket; *c != '\0'; c++)
		hash = (hash ^ (uint8_t)*c) * UINT64_C(1099511628211);
	for (i = hash % (2 * sums->room); sums->places[i] != 0; i = (i + 1) % (2 * sums->room)) {
		if (strcmp(sums->at[sums->places[i] - 1].bucket, bucket) == 0)
			break;
	}
	return &sums->places[i];
}

static void
grow(struct sums *sums)
{
	size_t room = sums->room == 0 ? ROOM_MIN : 2 * sums->room;
	struct counter_sum *at = arena_array(sums->arena, room, sizeof(*at));

	if (sums->count > 0)
		memcpy(at, sums->at, sums->count * sizeof(*at));
	sums->at = at;
	sums->room = room;
	sums->places = arena_array(sums->arena, 2 * room, sizeof(*sums->places));
	for (size_t i = 0; i < sums->count; i++)
		*find(sums, at[i].bucket) = (uint32_t)i + 1;
}

void
sums_add(struct sums *sums, const struct counter_sum *more)
{
	struct counter_sum *sum;
	uint32_t *place;

	if (sums->count == sums->room)
		grow(sums);
	place = find(sums, more->bucket);
	if (*place == 0) {
		sums->at[sums->count] = *more;
		*place = (uint32_t)++sums->count;
		return;
	}
	sum = &sums->at[*place - 1];
	for (int i = 0; i < more->count; i++) {
		if (__builtin_add_overflow(sum->amounts[i], more->amounts[i], &sum->amounts[i]))
			sum->amounts[i] = INT64_MAX;
	}
}

struct counter_sums
sums_get(const struct sums *sums)
{
	return (struct counter_sums){ sums->at, sums->count };
}
