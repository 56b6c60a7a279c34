#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/db.h"
#include "lib/model/counter.h"
#include "lib/model/counter_private.h"

/* A slot holds one client; two that meet in a slot ask PostgreSQL more often, which costs time and
 * nothing else. */
#define BOOK_SLOTS 16384

struct slot {
	struct id client;
	struct counter_state state; /* with a reference to its budgets */
};

struct counter_book {
	pthread_mutex_t lock; /* guards what follows; held for a copy of one slot */
	/* Raised whenever something is forgotten: what was read before is not kept after it. */
	uint64_t generation;
	bool deaf; /* nobody tells of changes */
	struct slot slots[BOOK_SLOTS];
};

struct counter_book *
counter_book_new(void)
{
	struct counter_book *book = calloc(1, sizeof(*book));

	if (book == NULL)
		abort();
	pthread_mutex_init(&book->lock, NULL);
	return book;
}

static struct slot *
slot_of(struct counter_book *book, struct id client)
{
	uint64_t hash;

	/* The last bytes of a UUIDv7 are random. */
	memcpy(&hash, client.bytes + sizeof(client.bytes) - sizeof(hash), sizeof(hash));
	return &book->slots[hash % BOOK_SLOTS];
}

static void
put(struct slot *slot, struct id client, const struct counter_state *state)
{
	budget_set_keep(state->budgets);
	budget_set_drop(slot->state.budgets);
	*slot = (struct slot){ .client = client, .state = *state };
}

static void
clear(struct slot *slot)
{
	budget_set_drop(slot->state.budgets);
	memset(slot, 0, sizeof(*slot));
}

static void
clear_all(struct counter_book *book)
{
	for (size_t i = 0; i < BOOK_SLOTS; i++)
		clear(&book->slots[i]);
}

void
counter_book_free(struct counter_book *book)
{
	if (book == NULL)
		return;
	clear_all(book);
	pthread_mutex_destroy(&book->lock);
	free(book);
}

void
counter_book_forget(struct counter_book *book, struct id client)
{
	struct slot *slot;

	if (book == NULL)
		return;
	pthread_mutex_lock(&book->lock);
	book->generation++;
	slot = slot_of(book, client);
	if (id_equal(slot->client, client))
		clear(slot);
	pthread_mutex_unlock(&book->lock);
}

void
counter_book_hear(struct counter_book *book, bool hears)
{
	pthread_mutex_lock(&book->lock);
	book->generation++;
	book->deaf = !hears;
	clear_all(book);
	pthread_mutex_unlock(&book->lock);
}

static uint64_t
generation_of(struct counter_book *book)
{
	uint64_t generation;

	if (book == NULL)
		return 0;
	pthread_mutex_lock(&book->lock);
	generation = book->generation;
	pthread_mutex_unlock(&book->lock);
	return generation;
}

/* A thread that was slow must not put what it read over what is known since. */
static void
keep(struct counter_book *book, struct id client, const struct counter_state *state,
    uint64_t generation)
{
	const struct counter_state *known;
	struct slot *slot;

	if (book == NULL)
		return;
	pthread_mutex_lock(&book->lock);
	slot = slot_of(book, client);
	known = &slot->state;
	if (generation == book->generation &&
	    (!id_equal(slot->client, client) || known->epoch < state->epoch ||
		(known->epoch == state->epoch && known->day < state->day && !known->bypassed))) {
		if (!book->deaf)
			put(slot, client, state);
		else if (id_equal(slot->client, client))
			clear(slot); /* a doubt that this state has ended */
	}
	pthread_mutex_unlock(&book->lock);
}

void
counter_book_doubt(struct counter_book *book, struct id client, const struct counter_state *state)
{
	struct counter_state broken = *state;
	struct slot *slot;

	if (book == NULL)
		return;
	broken.bypassed = true;
	broken.budgets = NULL;
	pthread_mutex_lock(&book->lock);
	book->generation++;
	slot = slot_of(book, client);
	if (!id_equal(slot->client, client) || slot->state.epoch <= state->epoch)
		put(slot, client, &broken);
	pthread_mutex_unlock(&book->lock);
}

static void
drop_set(void *set)
{
	budget_set_drop(set);
}

/* The state's budgets are good for the life of the task's arena. */
static void
hold_set(struct task *task, const struct counter_state *state)
{
	if (state->budgets != NULL)
		arena_defer(task->arena, drop_set, (void *)(uintptr_t)state->budgets);
}

static bool
look_up(struct task *task, struct counter_book *book, const struct zone *zone,
    struct counter_state *ret)
{
	const struct slot *slot;
	bool found;

	if (book == NULL)
		return false;
	pthread_mutex_lock(&book->lock);
	slot = slot_of(book, task->client);
	found = id_equal(slot->client, task->client) && slot->state.epoch > 0 &&
		slot->state.zone == zone;
	if (found) {
		*ret = slot->state;
		budget_set_keep(ret->budgets);
	}
	pthread_mutex_unlock(&book->lock);
	if (found)
		hold_set(task, ret);
	return found;
}

static const char state_sql[] = "SELECT s.epoch, s.day, s.bypassed, c.timezone <> $2 "
				"FROM counter_states AS s "
				"JOIN clients AS c ON c.id = s.client_id "
				"WHERE s.client_id = $1";

static const char open_sql[] = "SELECT counter_open($1, $2, $3)";

static const char turn_sql[] = "SELECT counter_turn($1, $2, $3)";

/* Behind the lock that opening takes: a change of the zone has ended by then, or not begun. */
static const char fence_sql[] = "SELECT counter_bypass(ARRAY[id]) "
				"FROM clients "
				"WHERE id = $1 AND timezone <> $2";

const char *const counter_book_statements[] = { state_sql, open_sql, turn_sql, fence_sql, NULL };

static struct db_params *
zone_params(struct task *task, const struct zone *zone)
{
	struct db_params *params = db_params(task);

	db_add_id(params, task->client);
	db_add_text(params, zone_name(zone));
	return params;
}

static bool
change(struct task *task, const struct zone *zone, const char *sql)
{
	struct db_params *params = db_params(task);

	db_add_id(params, task->client);
	db_add_date(params, zone_date(zone, task->now));
	db_add_id(params, id_new(task->now));
	return db_query(task, sql, params, NULL) &&
	       (sql != open_sql || db_query(task, fence_sql, zone_params(task, zone), NULL));
}

/*
 * What is read here is kept for all requests of the client: a task that is bound to a user would
 * find that user's budgets only, and the others would count for nobody from then on.
 */
static struct id
unbind(struct task *task)
{
	struct id user = task->user;

	task->user = (struct id){ 0 };
	return user;
}

/* The budgets are read behind the state: one that is newer than the epoch ends it. */
static bool
read_state_unbound(struct task *task, struct counter_book *book, const struct zone *zone,
    const char *change_sql, struct counter_state *ret)
{
	uint64_t generation = generation_of(book);
	struct db_rows *rows;

	*ret = (struct counter_state){ .zone = zone };
	if (change_sql != NULL && !change(task, zone, change_sql))
		return false;
	if (!db_query(task, state_sql, zone_params(task, zone), &rows))
		return false;
	if (db_count(rows) == 1) {
		ret->epoch = db_int(rows, 0, 0);
		ret->day = db_date(rows, 0, 1);
		ret->other_zone = db_bool(rows, 0, 3);
		ret->bypassed = db_bool(rows, 0, 2) || ret->other_zone;
	}
	if (ret->epoch > 0 && !ret->bypassed && !budget_set_read(task, &ret->budgets))
		return false;
	hold_set(task, ret);
	if (!db_commit(task))
		return false;
	if (ret->epoch > 0 && !ret->other_zone)
		keep(book, task->client, ret, generation);
	return true;
}

static bool
read_state(struct task *task, struct counter_book *book, const struct zone *zone,
    const char *change_sql, struct counter_state *ret)
{
	struct id user = unbind(task);
	bool fine = read_state_unbound(task, book, zone, change_sql, ret);

	task->user = user;
	return fine;
}

bool
counter_open(struct task *task, struct counter_book *book, const struct zone *zone,
    struct counter_state *ret)
{
	assert(task->db == NULL);
	if (!read_state(task, book, zone, open_sql, ret))
		return false;
	/* When this fails the epoch has no keys; whoever announces next finds it lost and opens
	 * another. */
	(void)counter_prepare(task, ret);
	return true;
}

/* Other clocks may be ahead of ours, but not by more than a day: one of them was wrong then. */
static bool
is_open_day(int32_t day, int32_t today)
{
	return day == today || day == today + 1;
}

static bool
find_state(struct task *task, struct counter_book *book, const struct zone *zone,
    struct counter_state *ret)
{
	return look_up(task, book, zone, ret) || read_state(task, book, zone, NULL, ret);
}

/* While Redis is away the budgets say what becomes of an authorization. */
static bool
read_budgets(struct task *task, struct counter_state *state)
{
	struct id user;
	bool fine;

	if (state->budgets != NULL)
		return true;
	user = unbind(task);
	fine = budget_set_read(task, &state->budgets);
	if (fine)
		hold_set(task, state);
	fine = fine && db_commit(task);
	task->user = user;
	return fine;
}

bool
counter_state(struct task *task, struct counter_book *book, const struct zone *zone,
    struct counter_state *ret)
{
	int32_t today = zone_date(zone, task->now);
	const char *run_id;

	assert(task->db == NULL);
	if (!find_state(task, book, zone, ret))
		return false;
	if (ret->epoch > 0 && !ret->bypassed && ret->day == today - 1 &&
	    !read_state(task, book, zone, turn_sql, ret))
		return false;
	if (ret->epoch > 0 && !ret->bypassed && is_open_day(ret->day, today))
		return true;
	/* Without Redis an epoch would be broken as soon as it begins. */
	if (ret->epoch > 0 && (ret->other_zone || !redis_run_id(task, &run_id))) {
		task_clear_error(task);
		return read_budgets(task, ret);
	}
	return counter_open(task, book, zone, ret);
}
