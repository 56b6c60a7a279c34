#include "app/ingest/known.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Each key has one set in which it may stand. */
#define WAYS 4
#define SETS (KNOWN_MAX / WAYS)

_Static_assert((SETS & (SETS - 1)) == 0, "a hash is cut by a mask");

struct entry {
	struct id client, id, root;
	uint32_t generation; /* of when it was kept; another one: empty */
	uint8_t kind, tier;
};

struct known {
	pthread_mutex_t lock; /* guards what follows */
	bool keep;
	uint32_t generation; /* rises whenever all is forgotten */
	struct entry sets[SETS][WAYS]; /* the latest first */
};

struct known *
known_new(void)
{
	struct known *known = calloc(1, sizeof(*known));

	if (known == NULL)
		abort();
	pthread_mutex_init(&known->lock, NULL);
	known->generation = 1; /* not that of the empty */
	return known;
}

void
known_free(struct known *known)
{
	pthread_mutex_destroy(&known->lock);
	free(known);
}

static struct entry *
set_of(struct known *known, const struct reference *reference)
{
	uint64_t mixed, id;

	/* The end of an id is random in each kind of them. */
	memcpy(&mixed, reference->client.bytes + 8, sizeof(mixed));
	memcpy(&id, reference->id.bytes + 8, sizeof(id));
	mixed ^= id;
	mixed ^= mixed >> 32;
	return known->sets[(mixed * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (SETS - 1)];
}

static void
look(struct known *known, struct reference *reference)
{
	const struct entry *set = set_of(known, reference);

	reference->found = reference->erased = false;
	for (size_t i = 0; i < WAYS && !reference->found; i++) {
		if (set[i].generation != known->generation || !id_equal(set[i].id, reference->id) ||
		    !id_equal(set[i].client, reference->client) ||
		    set[i].kind != (uint8_t)reference->kind)
			continue;
		reference->found = true;
		reference->tier = (enum user_tier)set[i].tier;
		reference->root = set[i].root;
	}
}

static void
keep(struct known *known, const struct reference *reference)
{
	struct entry *set = set_of(known, reference);

	memmove(set + 1, set, (WAYS - 1) * sizeof(*set));
	set[0] = (struct entry){ reference->client, reference->id, reference->root,
		known->generation, (uint8_t)reference->kind, (uint8_t)reference->tier };
}

/* What was read before a change is never kept after it. */
static void
keep_found(struct known *known, uint32_t generation, struct reference *const *asked, size_t count)
{
	pthread_mutex_lock(&known->lock);
	for (size_t i = 0; i < count && known->keep && known->generation == generation; i++) {
		struct reference again = *asked[i];

		/* A batch may name a user many times. */
		look(known, &again);
		if (asked[i]->found && !again.found)
			keep(known, asked[i]);
	}
	pthread_mutex_unlock(&known->lock);
}

bool
known_find(struct task *task, struct known *known, struct reference *list, size_t count)
{
	struct reference **asked = arena_array(task->arena, count, sizeof(*asked));
	uint32_t generation;
	size_t missing = 0;

	pthread_mutex_lock(&known->lock);
	generation = known->generation;
	for (size_t i = 0; i < count; i++) {
		look(known, &list[i]);
		if (!list[i].found)
			asked[missing++] = &list[i];
	}
	pthread_mutex_unlock(&known->lock);
	if (missing == 0)
		return true;
	if (!reference_find(task, asked, missing))
		return false;
	keep_found(known, generation, asked, missing);
	return true;
}

static void
forget(struct known *known, bool keep)
{
	known->generation++;
	known->keep = keep;
}

void
known_hear(struct known *known, bool keep)
{
	pthread_mutex_lock(&known->lock);
	forget(known, keep);
	pthread_mutex_unlock(&known->lock);
}

void
known_forget(struct known *known)
{
	pthread_mutex_lock(&known->lock);
	forget(known, known->keep);
	pthread_mutex_unlock(&known->lock);
}
