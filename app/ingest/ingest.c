#include "app/ingest/ingest.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "app/ingest/commit.h"
#include "app/ingest/known.h"
#include "app/ingest/loader.h"
#include "app/metrics.h"
#include "lib/clock.h"
#include "lib/model/counter.h"

/* Seconds after which a request refused by a full queue may come again. */
#define INGEST_RETRY_S 1

/*
 * Another thread commits beside one that does when so many wait, or when that one has had its batch
 * for so long: it may wait for somebody's lock. Half of what a small batch costs is the same for
 * any number of records, and two of them get into each other's way: one that takes all who came
 * meanwhile answers them sooner.
 */
#define INGEST_LEADER_MIN 64
#define INGEST_PATIENCE_USEC 50000

struct ingest {
	struct app *app;
	struct commit_shares shares;
	pthread_mutex_t lock; /* guards what follows; held for a few pointers */
	struct submission *first, **last;
	int64_t waiting; /* records, authorizations and postings in the queue */
	int64_t leaders;
	int64_t taken_at; /* when the last batch was taken from the queue, clock_monotonic() */
	bool watched; /* the timer runs: it is set whenever somebody is left to wait */
	int timer_fd;
};

struct ingest *
ingest_new(struct app *app)
{
	struct ingest *ingest = calloc(1, sizeof(*ingest));

	if (ingest == NULL)
		abort();
	ingest->app = app;
	ingest->shares.book = counter_book_new();
	ingest->shares.known = known_new();
	pthread_mutex_init(&ingest->lock, NULL);
	ingest->last = &ingest->first;
	ingest->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (ingest->timer_fd < 0)
		abort();
	ingest->shares.loader = loader_new(ingest, app);
	return ingest;
}

void
ingest_stop(struct ingest *ingest)
{
	loader_free(ingest->shares.loader);
	ingest->shares.loader = NULL;
}

void
ingest_free(struct ingest *ingest)
{
	if (ingest == NULL)
		return;
	if (ingest->shares.loader != NULL)
		ingest_stop(ingest);
	known_free(ingest->shares.known);
	counter_book_free(ingest->shares.book);
	pthread_mutex_destroy(&ingest->lock);
	close(ingest->timer_fd);
	free(ingest);
}

struct counter_book *
ingest_book(struct ingest *ingest)
{
	return ingest->shares.book;
}

struct known *
ingest_known(struct ingest *ingest)
{
	return ingest->shares.known;
}

int64_t
ingest_waiting(struct ingest *ingest)
{
	int64_t waiting;

	pthread_mutex_lock(&ingest->lock);
	waiting = ingest->waiting;
	pthread_mutex_unlock(&ingest->lock);
	return waiting;
}

int
ingest_timer(struct ingest *ingest)
{
	return ingest->timer_fd;
}

/* With the lock held. Whoever waits behind a batch that is stuck must not depend on others to come:
 * the timer makes a server thread look after the queue. */
static void
watch(struct ingest *ingest)
{
	const struct itimerspec once = { .it_value.tv_nsec = INGEST_PATIENCE_USEC * 1000L };

	if (ingest->first == NULL || ingest->watched)
		return;
	if (timerfd_settime(ingest->timer_fd, 0, &once, NULL) != 0)
		abort();
	ingest->watched = true;
}

/* An authorization or a posting weighs as much as a record. */
static size_t
weight(const struct submission *submission)
{
	return submission->authorize != NULL || submission->posting != NULL ? 1 : submission->count;
}

/* Takes at most a batch from the queue, and at least one submission. NULL: nothing waits, the
 * leader steps down. */
static struct submission *
take(struct ingest *ingest)
{
	struct submission *first, *last = NULL;
	size_t records = 0;

	pthread_mutex_lock(&ingest->lock);
	first = ingest->first;
	for (struct submission *s = first; s != NULL; s = s->next) {
		if (last != NULL && records + weight(s) > INGEST_BATCH_MAX)
			break;
		records += weight(s);
		last = s;
	}
	if (last == NULL) {
		ingest->leaders--;
	} else {
		ingest->first = last->next;
		if (ingest->first == NULL)
			ingest->last = &ingest->first;
		last->next = NULL;
		ingest->waiting -= (int64_t)records;
		ingest->taken_at = clock_monotonic();
		watch(ingest);
	}
	pthread_mutex_unlock(&ingest->lock);
	return first;
}

/* False: nothing waited, and the thread leads no longer. */
static bool
lead_once(struct ingest *ingest, struct redis *redis, struct arena *arena)
{
	struct submission *batch = take(ingest);
	struct task task;

	if (batch == NULL)
		return false;
	task_init(&task, arena);
	task.pool = ingest->app->pool;
	task.redis = redis;
	commit_submissions(&task, &ingest->shares, batch);
	db_rollback(&task);
	arena_reset(arena);
	return true;
}

static void
lead(struct ingest *ingest, struct redis *redis)
{
	struct arena *arena = arena_new();

	while (lead_once(ingest, redis, arena))
		;
	arena_free(arena);
}

static bool
needs_leader(const struct ingest *ingest, int64_t committers)
{
	if (ingest->leaders == 0 || ingest->leaders >= committers)
		return ingest->leaders < committers;
	return ingest->waiting >= INGEST_LEADER_MIN ||
	       clock_monotonic() - ingest->taken_at >= INGEST_PATIENCE_USEC;
}

/* True: one more leader is needed, and the thread is it from now on. */
static bool
add(struct ingest *ingest, struct submission *submission, int64_t committers)
{
	bool full, leads = false;

	submission->next = NULL;
	pthread_mutex_lock(&ingest->lock);
	full = ingest->waiting >= ingest->app->conf.queue_max;
	if (!full) {
		*ingest->last = submission;
		ingest->last = &submission->next;
		ingest->waiting += (int64_t)weight(submission);
		leads = needs_leader(ingest, committers);
		if (leads)
			ingest->leaders++;
		else
			watch(ingest);
	}
	pthread_mutex_unlock(&ingest->lock);
	if (full) {
		metrics_add(METRIC_OVERLOADS, 1);
		(void)task_fail_later(
		    submission->req->task, INGEST_RETRY_S, "too much waits for its commit");
		request_finish(submission->req, false);
	}
	return leads;
}

void
ingest_submit(struct ingest *ingest, struct submission *submission)
{
	/* The thread's connection: it outlives the request, which is gone once its batch is
	 * committed. */
	struct redis *redis = submission->req->task->redis;

	if (add(ingest, submission, ingest->app->conf.committers))
		lead(ingest, redis);
}

void
ingest_look(struct ingest *ingest, struct redis *redis)
{
	bool leads;

	pthread_mutex_lock(&ingest->lock);
	ingest->watched = false;
	leads = ingest->first != NULL && needs_leader(ingest, ingest->app->conf.committers);
	if (leads)
		ingest->leaders++;
	else
		watch(ingest);
	pthread_mutex_unlock(&ingest->lock);
	if (leads)
		lead(ingest, redis);
}

void
ingest_return(struct ingest *ingest, struct submission *submission)
{
	(void)add(ingest, submission, 0);
}

bool
ingest_help(struct ingest *ingest, struct redis *redis, struct arena *arena)
{
	bool leads;

	pthread_mutex_lock(&ingest->lock);
	leads = ingest->leaders == 0 && ingest->first != NULL;
	if (leads)
		ingest->leaders++;
	pthread_mutex_unlock(&ingest->lock);
	if (leads && lead_once(ingest, redis, arena)) {
		pthread_mutex_lock(&ingest->lock);
		ingest->leaders--;
		watch(ingest);
		pthread_mutex_unlock(&ingest->lock);
	}
	return leads;
}
