#include "app/events_private.h"

#include <stdlib.h>
#include <string.h>

#include "app/auth.h"
#include "app/cache.h"

/* A key, and what those who listen by it need. */
struct held_key {
	const char *public_id;
	uint64_t scopes;
};
struct held_keys {
	struct held_key *at; /* each once */
	size_t count;
};

static int
compare_keys(const void *a, const void *b)
{
	return strcmp(
	    ((const struct held_key *)a)->public_id, ((const struct held_key *)b)->public_id);
}

static struct held_keys
find_keys(struct events *events, struct arena *arena)
{
	struct held_keys keys = { 0 };
	size_t all = 0;

	pthread_mutex_lock(&events->lock);
	keys.at = arena_array(arena, events->seats, sizeof *keys.at);
	for (const struct source *s = events->sources; s != NULL; s = s->next)
		for (const struct listener *l = s->listeners; l != NULL; l = l->next)
			keys.at[all++] = (struct held_key){ l->public_id, l->scopes };
	pthread_mutex_unlock(&events->lock);
	qsort(keys.at, all, sizeof *keys.at, compare_keys);
	for (size_t i = 0; i < all; i++)
		if (keys.count == 0 || compare_keys(&keys.at[keys.count - 1], &keys.at[i]) != 0)
			keys.at[keys.count++] = keys.at[i];
		else
			keys.at[keys.count - 1].scopes |= keys.at[i].scopes;
	return keys;
}

/* What the key may do by now. While PostgreSQL is away nobody is ended. */
static uint64_t
find_scopes(struct events *events, struct arena *arena, const char *public_id)
{
	struct identity identity;
	struct task task;

	task_init(&task, arena);
	task.pool = events->app->pool;
	if (cache_find_key(&task, events->app->cache, public_id, "", &identity))
		return identity.expires_at > task.now ? identity.scopes : 0;
	return task.err.code == ERR_UNAUTHENTICATED ? 0 : SCOPE_CLIENT_ALL;
}

static void
end_those_beyond(struct events *events, const char *public_id, uint64_t scopes)
{
	pthread_mutex_lock(&events->lock);
	for (struct source *s = events->sources; s != NULL; s = s->next)
		for (struct listener *l = s->listeners; l != NULL; l = l->next)
			if (l->end == LISTENER_STAYS && (l->scopes & ~scopes) != 0 &&
			    strcmp(l->public_id, public_id) == 0)
				l->end = LISTENER_ENDS;
	pthread_mutex_unlock(&events->lock);
}

void
events_check_keys(struct events *events, struct arena *arena)
{
	struct held_keys keys = find_keys(events, arena);

	for (size_t i = 0; i < keys.count; i++) {
		uint64_t scopes = find_scopes(events, arena, keys.at[i].public_id);

		if ((keys.at[i].scopes & ~scopes) != 0)
			end_those_beyond(events, keys.at[i].public_id, scopes);
	}
}
