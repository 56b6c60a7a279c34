#include "lib/model/budget_set.h"

#include <stdatomic.h>
#include <stdlib.h>

struct shared {
	struct budget_set set;
	struct arena *arena; /* holds all of it */
	atomic_int references;
};

static struct shared *
shared_of(const struct budget_set *set)
{
	return (struct shared *)(uintptr_t)set;
}

static const char *
copy_text(struct arena *arena, const char *text)
{
	return text == NULL ? NULL : arena_strdup(arena, text);
}

/* What a process has no use for is left behind: the scope's texts, the name and the zone stay. */
static struct budget
copy_budget(struct arena *arena, const struct budget *budget)
{
	struct budget copy = *budget;

	copy.name = copy_text(arena, budget->name);
	copy.timezone = copy_text(arena, budget->timezone);
	copy.scope.feature = copy_text(arena, budget->scope.feature);
	copy.scope.provider = copy_text(arena, budget->scope.provider);
	copy.scope.model = copy_text(arena, budget->scope.model);
	copy.scope.tag = copy_text(arena, budget->scope.tag);
	copy.thresholds = (struct json_ints){ 0 };
	return copy;
}

static bool
fill(struct task *task, struct shared *shared, struct budgets list)
{
	struct budget *budgets = arena_array(shared->arena, list.count, sizeof(*budgets));
	const struct zone **zones = arena_array(shared->arena, list.count, sizeof(*zones));

	for (size_t i = 0; i < list.count; i++) {
		budgets[i] = copy_budget(shared->arena, &list.at[i]);
		if (!zone_find(task, budgets[i].timezone, &zones[i]))
			return false;
	}
	shared->set.at = budgets;
	shared->set.zones = zones;
	shared->set.count = list.count;
	return true;
}

bool
budget_set_read(struct task *task, const struct budget_set **ret)
{
	struct budgets list;
	struct shared *shared;
	struct arena *arena;

	*ret = NULL;
	if (!budget_list(task, (struct id){ 0 }, BUDGETS_MAX, &list))
		return false;
	if (list.count == 0)
		return true;
	arena = arena_new();
	shared = arena_alloc(arena, sizeof(*shared));
	shared->arena = arena;
	atomic_init(&shared->references, 1);
	if (!fill(task, shared, list)) {
		budget_set_drop(&shared->set);
		return false;
	}
	*ret = &shared->set;
	return true;
}

void
budget_set_keep(const struct budget_set *set)
{
	if (set != NULL)
		atomic_fetch_add(&shared_of(set)->references, 1);
}

void
budget_set_drop(const struct budget_set *set)
{
	if (set != NULL && atomic_fetch_sub(&shared_of(set)->references, 1) == 1)
		arena_free(shared_of(set)->arena);
}
