#include "app/api/today.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "app/auth.h"
#include "app/ingest/ingest.h"
#include "app/metrics.h"
#include "lib/model/counter_glance.h"

/* A request that waits; lives in its own arena, which is the reader's from add() on. */
struct asking {
	struct asking *next;
	struct request *req;
	struct counter_glance glance;
	const struct asking *same; /* the first that asks for the same day: it is read for both */
	struct buf body; /* of them, where the day was found */
};

struct today {
	pthread_mutex_t lock; /* guards what follows; held for a few pointers */
	struct asking *first, **last;
	int readers;
};

struct today *
today_new(void)
{
	struct today *today = calloc(1, sizeof(*today));

	if (today == NULL)
		abort();
	pthread_mutex_init(&today->lock, NULL);
	today->last = &today->first;
	return today;
}

void
today_free(struct today *today)
{
	if (today == NULL)
		return;
	pthread_mutex_destroy(&today->lock);
	free(today);
}

static const char *
take_count(const struct counter_day *count, struct daily_cost *ret)
{
	if (count->from_postgres)
		metrics_add(METRIC_COUNTER_FALLBACKS, 1);
	*ret = (struct daily_cost){
		.date = count->date,
		.totals = count->confirmed,
		.unique_users = count->users,
	};
	totals_add(&ret->totals, &count->pending);
	return count->from_postgres ? "postgres" : "redis";
}

bool
today_count(struct request *req, struct daily_cost *ret, const char **ret_source)
{
	struct counter_day count;

	if (!counter_today(req->task, ingest_book(req->app->ingest), req->identity->zone, &count))
		return false;
	*ret_source = take_count(&count, ret);
	return true;
}

static void
write_day(
    struct buf *body, const struct request *req, const struct counter_day *count, int64_t as_of)
{
	struct json_out *out = json_out_new(body);
	struct daily_cost day;
	const char *source = take_count(count, &day);

	json_open(out);
	daily_cost_write(out, &day, req->identity->timezone, source, as_of);
	json_close(out);
}

static void
finish(struct request *req)
{
	request_finish(req, reply_done(&req->reply, 200, "application/json"));
}

/* As any other request: its thread mends what is broken. */
static void
answer_alone(struct request *req)
{
	struct counter_day count;

	if (!counter_today(req->task, ingest_book(req->app->ingest), req->identity->zone, &count)) {
		request_finish(req, false);
		return;
	}
	write_day(&req->reply.body, req, &count, req->task->now);
	finish(req);
}

/* True: the thread is one more reader from now on. */
static bool
add(struct today *today, struct asking *asking)
{
	bool reads;

	pthread_mutex_lock(&today->lock);
	*today->last = asking;
	today->last = &asking->next;
	reads = today->readers < TODAY_READERS;
	if (reads)
		today->readers++;
	pthread_mutex_unlock(&today->lock);
	return reads;
}

/*
 * A reader with requests that will take long has its place taken by whoever comes next, and goes on
 * only until somebody did: neither those requests nor the ones that wait hang on the others.
 */
static struct asking *
take(struct today *today, bool busy, bool *counted)
{
	struct asking *first, **link;
	size_t count = 0;

	pthread_mutex_lock(&today->lock);
	if (busy && *counted) {
		today->readers--;
		*counted = false;
	}
	first = *counted || today->readers == 0 ? today->first : NULL;
	for (link = &first; *link != NULL && count < TODAY_SHARED_MAX; count++)
		link = &(*link)->next;
	if (first != NULL) {
		today->first = *link;
		if (today->first == NULL)
			today->last = &today->first;
		*link = NULL;
	} else if (*counted) {
		today->readers--;
	}
	pthread_mutex_unlock(&today->lock);
	return first;
}

static const struct asking *
find_same(const struct asking *list, const struct asking *asking)
{
	const struct counter_glance *wanted = &asking->glance;

	for (; list != asking; list = list->next) {
		if (list->same == list && id_equal(list->glance.client, wanted->client) &&
		    list->glance.state.epoch == wanted->state.epoch &&
		    list->glance.state.day == wanted->state.day)
			break;
	}
	return list;
}

/* All in the memory of the last of them, which is finished last, and as of its time. */
static void
read_days(struct asking *list, struct redis *redis)
{
	struct counter_glance *glances[TODAY_SHARED_MAX];
	struct asking *last = list;
	size_t count = 0;

	assert(list != NULL);
	for (struct asking *asking = list; asking != NULL; asking = asking->next) {
		last = asking;
		asking->req->task->redis = redis;
		asking->same = find_same(list, asking);
		if (asking->same == asking)
			glances[count++] = &asking->glance;
	}
	counter_glance(last->req->task, glances, count);
	for (struct asking *asking = list; asking != NULL; asking = asking->next) {
		if (asking->same != asking || !asking->glance.found)
			continue;
		asking->body.arena = last->req->task->arena;
		write_day(&asking->body, asking->req, &asking->glance.day, last->req->task->now);
	}
}

/* Adds those that were not found to *late. */
static void
answer(struct asking *list, struct redis *redis, struct asking **late)
{
	struct asking *next;

	read_days(list, redis);
	/* The first of those who ask for the same day may be gone before the others. */
	for (struct asking *asking = list; asking != NULL; asking = asking->next) {
		asking->glance.found = asking->same->glance.found;
		asking->body = asking->same->body;
	}
	for (struct asking *asking = list; asking != NULL; asking = next) {
		next = asking->next;
		if (asking->glance.found) {
			asking->req->reply.body = asking->body;
			finish(asking->req);
		} else {
			asking->next = *late;
			*late = asking;
		}
	}
}

static void
read_all(struct today *today, struct redis *redis)
{
	struct asking *list, *late = NULL;
	bool counted = true;

	while ((list = take(today, late != NULL, &counted)) != NULL)
		answer(list, redis, &late);
	for (; late != NULL; late = list) {
		list = late->next;
		answer_alone(late->req);
	}
}

bool
today_find(struct request *req, struct reply *reply UNUSED)
{
	struct asking *asking = arena_alloc(req->task->arena, sizeof(*asking));
	struct redis *redis = req->task->redis;
	bool open;

	asking->req = req;
	if (!counter_glance_begin(req->task, ingest_book(req->app->ingest), req->identity->zone,
		&asking->glance, &open))
		request_finish(req, false);
	else if (!open)
		answer_alone(req);
	else if (add(req->app->today, asking))
		read_all(req->app->today, redis);
	return true;
}
