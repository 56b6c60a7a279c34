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
	struct counter_state state;
};

struct counter_book {
	pthread_mutex_t lock; /* guards slots; held for a copy of one slot */
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

void
counter_book_free(struct counter_book *book)
{
	if (book == NULL)
		return;
	pthread_mutex_destroy(&book->lock);
	free(book);
}

static struct slot *
slot_of(struct counter_book *book, struct id client)
{
	uint64_t bits;

	/* The random end of an id. */
	memcpy(&bits, client.bytes + 8, sizeof(bits));
	return &book->slots[bits % BOOK_SLOTS];
}

void
counter_book_forget(struct counter_book *book, struct id client)
{
	struct slot *slot;

	if (book == NULL)
		return;
	pthread_mutex_lock(&book->lock);
	if (id_is_nil(client))
		memset(book->slots, 0, sizeof(book->slots));
	slot = slot_of(book, client);
	if (id_equal(slot->client, client))
		memset(slot, 0, sizeof(*slot));
	pthread_mutex_unlock(&book->lock);
}

static void
keep(struct counter_book *book, struct id client, const struct counter_state *state)
{
	struct slot *slot;

	if (book == NULL)
		return;
	pthread_mutex_lock(&book->lock);
	slot = slot_of(book, client);
	/* A thread that was slow must not put an old epoch over a new one, nor what it read of one
	 * before it was broken over what is known since. */
	if (!id_equal(slot->client, client) || slot->state.epoch < state->epoch)
		*slot = (struct slot){ .client = client, .state = *state };
	else if (slot->state.epoch == state->epoch)
		slot->state.bypassed = slot->state.bypassed || state->bypassed;
	pthread_mutex_unlock(&book->lock);
}

void
counter_book_doubt(struct counter_book *book, struct id client, const struct counter_state *state)
{
	struct counter_state broken = *state;

	broken.bypassed = true;
	keep(book, client, &broken);
}

static bool
look_up(struct counter_book *book, struct id client, struct counter_state *ret)
{
	const struct slot *slot;
	bool found;

	if (book == NULL)
		return false;
	pthread_mutex_lock(&book->lock);
	slot = slot_of(book, client);
	found = id_equal(slot->client, client) && slot->state.epoch > 0;
	if (found)
		*ret = slot->state;
	pthread_mutex_unlock(&book->lock);
	return found;
}

static const char state_sql[] = "SELECT epoch, day, bypassed "
				"FROM counter_states "
				"WHERE client_id = $1";

static bool
read_state(struct task *task, struct counter_state *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	*ret = (struct counter_state){ 0 };
	db_add_id(params, task->client);
	if (!db_query(task, state_sql, params, &rows))
		return false;
	if (db_count(rows) == 1) {
		ret->epoch = db_int(rows, 0, 0);
		ret->day = db_date(rows, 0, 1);
		ret->bypassed = db_bool(rows, 0, 2);
	}
	return db_commit(task);
}

static const char open_sql[] = "SELECT epoch, day "
			       "FROM counter_open($1, $2, $3)";

bool
counter_open(struct task *task, struct counter_book *book, const struct zone *zone,
    struct counter_state *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	assert(task->db == NULL);
	db_add_id(params, task->client);
	db_add_date(params, zone_date(zone, task->now));
	db_add_id(params, id_new(task->now));
	if (!db_query_one(task, open_sql, params, &rows))
		return false;
	*ret = (struct counter_state){ .epoch = db_int(rows, 0, 0), .day = db_date(rows, 0, 1) };
	if (!db_commit(task))
		return false;
	keep(book, task->client, ret);
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

bool
counter_state(struct task *task, struct counter_book *book, const struct zone *zone,
    struct counter_state *ret)
{
	const char *run_id;

	assert(task->db == NULL);
	if (!look_up(book, task->client, ret)) {
		if (!read_state(task, ret))
			return false;
		if (ret->epoch > 0)
			keep(book, task->client, ret);
	}
	if (ret->epoch > 0 && !ret->bypassed && is_open_day(ret->day, zone_date(zone, task->now)))
		return true;
	/* Without Redis an epoch would be broken as soon as it begins. */
	if (ret->epoch > 0 && !redis_run_id(task, &run_id)) {
		task_clear_error(task);
		return true;
	}
	return counter_open(task, book, zone, ret);
}
