#include "app/ingest/loader.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "app/auth.h"
#include "app/ingest/authorize.h"
#include "lib/log.h"
#include "lib/model/counter_day.h"
#include "lib/redis.h"

struct loader {
	struct ingest *ingest;
	struct app *app;
	struct redis *redis; /* the thread's */
	pthread_t thread;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t wake;
	struct submission *first, **last;
	bool stopping;
};

/* NULL: nothing waits, and nobody wants to wait for more. */
static struct submission *
take(struct loader *loader, bool wait)
{
	struct submission *list;

	pthread_mutex_lock(&loader->lock);
	while (wait && loader->first == NULL && !loader->stopping)
		pthread_cond_wait(&loader->wake, &loader->lock);
	list = loader->first;
	loader->first = NULL;
	loader->last = &loader->first;
	pthread_mutex_unlock(&loader->lock);
	return list;
}

/* A failure is found out by the reservation that follows. */
static void
load(struct loader *loader, struct arena *arena, const struct identity *identity)
{
	struct task task;
	bool healed;

	task_init(&task, arena);
	task.pool = loader->app->pool;
	task.redis = loader->redis;
	task.client = identity->client;
	if (!counter_heal(&task, ingest_book(loader->ingest), identity->zone, &healed))
		log_reason(LOG_LEVEL_WARNING, "counters_not_loaded", &task.err);
	db_rollback(&task);
	arena_reset(arena);
}

/* Whether a submission before this one has the same client. */
static bool
is_loaded(const struct submission *list, const struct submission *submission)
{
	for (; list != submission; list = list->next) {
		if (id_equal(list->req->identity->client, submission->req->identity->client))
			return true;
	}
	return false;
}

static void
work_off(struct loader *loader, struct arena *arena, struct submission *list)
{
	struct submission *next;

	for (struct submission *s = list; s != NULL; s = s->next) {
		if (!is_loaded(list, s))
			load(loader, arena, s->req->identity);
	}
	for (; list != NULL; list = next) {
		next = list->next;
		list->authorize->loads++;
		ingest_return(loader->ingest, list);
	}
}

static void *
run(void *object)
{
	struct loader *loader = object;
	struct arena *arena = arena_new();
	struct submission *list;
	bool helps = false;

	while ((list = take(loader, !helps)) != NULL || helps) {
		work_off(loader, arena, list);
		helps = ingest_help(loader->ingest, loader->redis, arena);
	}
	arena_free(arena);
	return NULL;
}

struct loader *
loader_new(struct ingest *ingest, struct app *app)
{
	struct loader *loader = calloc(1, sizeof(*loader));
	sigset_t all, before;

	if (loader == NULL)
		abort();
	loader->ingest = ingest;
	loader->app = app;
	loader->redis = redis_new(&app->redis);
	loader->last = &loader->first;
	pthread_mutex_init(&loader->lock, NULL);
	pthread_cond_init(&loader->wake, NULL);
	/* The signals are for the main thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&loader->thread, NULL, run, loader) != 0)
		abort();
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return loader;
}

void
loader_add(struct loader *loader, struct submission *submission)
{
	submission->next = NULL;
	pthread_mutex_lock(&loader->lock);
	*loader->last = submission;
	loader->last = &submission->next;
	pthread_cond_signal(&loader->wake);
	pthread_mutex_unlock(&loader->lock);
}

void
loader_free(struct loader *loader)
{
	pthread_mutex_lock(&loader->lock);
	loader->stopping = true;
	pthread_cond_signal(&loader->wake);
	pthread_mutex_unlock(&loader->lock);
	pthread_join(loader->thread, NULL);
	pthread_cond_destroy(&loader->wake);
	pthread_mutex_destroy(&loader->lock);
	redis_free(loader->redis);
	free(loader);
}
