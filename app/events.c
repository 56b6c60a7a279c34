#include "app/events_private.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "app/auth.h"

/* Seconds after which who found no place may come again. */
#define RETRY_S 5
/* What a browser waits before it comes back. */
#define RETRY_TEXT "retry: 1000\n"

static struct source *
find_source(struct events *events, struct id client)
{
	struct source *source = events->sources;

	while (source != NULL && !id_equal(source->client, client))
		source = source->next;
	return source;
}

static struct source *
add_source(struct events *events, struct id client)
{
	struct source *source = calloc(1, sizeof *source);

	if (source == NULL)
		abort();
	source->client = client;
	source->next = events->sources;
	events->sources = source;
	return source;
}

/* A place among the listeners, before anything is said. */
static bool
take_seat(struct events *events, struct task *task, struct source **ret)
{
	const struct conf *conf = &events->app->conf;
	struct source *source;
	bool full, client_full;

	pthread_mutex_lock(&events->lock);
	source = find_source(events, task->client);
	full = events->seats >= (size_t)conf->listeners_max;
	client_full = source != NULL && source->seats >= (size_t)conf->listeners_per_client_max;
	if (!full && !client_full) {
		if (source == NULL)
			source = add_source(events, task->client);
		source->seats++;
		events->seats++;
	}
	pthread_mutex_unlock(&events->lock);
	*ret = source;
	if (full)
		return task_fail_later(task, RETRY_S, "There are too many listeners.");
	if (client_full) {
		(void)task_fail(task, ERR_RATE, "The client has as many listeners as it may have.");
		task->err.retry_after = RETRY_S;
	}
	return !client_full;
}

static void
wake(struct events *events)
{
	if (eventfd_write(events->wake_fd, 1) < 0)
		abort();
}

/* The thread forgets a source that has none left. */
static void
give_seat_back(struct events *events, struct source *source)
{
	pthread_mutex_lock(&events->lock);
	source->seats--;
	events->seats--;
	pthread_mutex_unlock(&events->lock);
	wake(events);
}

static struct listener *
make_listener(const struct request *req, const struct events_wish *wish)
{
	size_t size = wish->agent_session_count * sizeof(struct id);
	struct listener *listener = calloc(1, sizeof *listener + size);

	if (listener == NULL)
		abort();
	listener->types = wish->types;
	listener->scopes = wish->scopes;
	listener->behind = wish->after != NULL;
	listener->user = req->identity->user;
	(void)snprintf(
	    listener->public_id, sizeof listener->public_id, "%s", req->identity->public_id);
	listener->agent_session_count = wish->agent_session_count;
	if (size > 0)
		memcpy(listener->agent_sessions, wish->agent_sessions, size);
	return listener;
}

static void
watch_peer(struct events *events, struct listener *listener)
{
	struct epoll_event event = { .events = EPOLLRDHUP, .data.ptr = listener };

	if (epoll_ctl(events->peers_fd, EPOLL_CTL_ADD, stream_fd(listener->stream), &event) < 0)
		abort();
}

/* Its source is read from where it begins, or it is behind; and so is who came back, who may lack
 * more than can be sent at once. */
static void
join(struct events *events, struct source *source, struct listener *listener, const char *key)
{
	if (source->key == NULL) {
		source->key = strdup(key);
		if (source->key == NULL)
			abort();
		source->after = listener->after;
	}
	listener->behind |= event_place_compare(listener->after, source->after) < 0;
	listener->next = source->listeners;
	source->listeners = listener;
	watch_peer(events, listener);
}

/* The thread may be gone already. */
static void
leave(struct events *events, struct source *source, struct listener *listener)
{
	stream_close(listener->stream, true);
	free(listener);
	source->seats--;
	events->seats--;
}

static struct text
first_words(struct task *task, struct event_place place)
{
	struct buf buf = { .arena = task->arena };
	char text[EVENT_PLACE_SIZE];

	buf_printf(&buf, RETRY_TEXT "id: %s\n\n", event_place_format(place, text));
	return buf_text(&buf);
}

static void
ring(struct events *events, struct redis *redis)
{
	struct arena *arena = arena_new();
	struct task task;

	task_init(&task, arena);
	task.redis = redis;
	/* Where Redis is away, the thread does not wait in it. */
	if (!event_ring(&task, events->doorbell))
		task_clear_error(&task);
	arena_free(arena);
}

static void
begin(struct events *events, struct request *req, struct source *source, struct listener *listener,
    bool gap)
{
	struct redis *redis = req->task->redis;
	struct text words = first_words(req->task, listener->after);
	char key[sizeof "tally:{}:stream" + ID_TEXT_SIZE];
	bool reading;

	(void)snprintf(key, sizeof key, "%s", event_stream_key(req->task, req->task->client));
	listener->stream = request_stream(req, words);
	pthread_mutex_lock(&events->lock);
	if (gap)
		events_tell_gap(listener, listener->after);
	if (events->stopping)
		leave(events, source, listener);
	else
		join(events, source, listener, key);
	reading = events->reading;
	pthread_mutex_unlock(&events->lock);
	wake(events);
	if (reading)
		ring(events, redis);
}

/* Once more, as a thread's connection fails once after Redis was started again. */
static bool
hear(struct task *task, const struct events_wish *wish, struct event_place *ret, bool *ret_gap)
{
	struct event_types types = { 0 };

	*(wish->agent_session_count == 0 ? &types.all : &types.of_agents) = wish->types;
	if (event_hear(task, task->client, types, wish->after, ret, ret_gap))
		return true;
	task_clear_error(task);
	return event_hear(task, task->client, types, wish->after, ret, ret_gap);
}

void
events_listen(struct events *events, struct request *req, const struct events_wish *wish)
{
	struct task *task = req->task;
	struct source *source;
	struct listener *listener;
	struct event_place place;
	bool gap;

	if (!take_seat(events, task, &source)) {
		request_finish(req, false);
		return;
	}
	if (!hear(task, wish, &place, &gap)) {
		give_seat_back(events, source);
		request_finish(req, false);
		return;
	}
	listener = make_listener(req, wish);
	listener->after = place;
	begin(events, req, source, listener, gap);
}

struct events *
events_new(struct app *app)
{
	struct events *events = calloc(1, sizeof *events);
	struct arena *arena = arena_new();
	sigset_t all, before;
	struct task task;

	if (events == NULL)
		abort();
	task_init(&task, arena);
	events->app = app;
	events->doorbell = strdup(event_doorbell_key(&task, id_new(task.now)));
	events->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	events->peers_fd = epoll_create1(EPOLL_CLOEXEC);
	if (events->doorbell == NULL || events->wake_fd < 0 || events->peers_fd < 0)
		abort();
	arena_free(arena);
	pthread_mutex_init(&events->lock, NULL);
	/* The signals are for the main thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&events->thread, NULL, events_run, events) != 0)
		abort();
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return events;
}

void
events_stop(struct events *events)
{
	struct redis *redis = redis_new(&events->app->redis);
	bool reading;

	pthread_mutex_lock(&events->lock);
	events->stopping = true;
	reading = events->reading;
	pthread_mutex_unlock(&events->lock);
	wake(events);
	if (reading)
		ring(events, redis);
	pthread_join(events->thread, NULL);
	redis_free(redis);
}

void
events_free(struct events *events)
{
	if (events == NULL)
		return;
	if (!events->stopping)
		events_stop(events);
	/* Those who came while it stopped. */
	events_bury(events);
	pthread_mutex_destroy(&events->lock);
	close(events->peers_fd);
	close(events->wake_fd);
	free(events->doorbell);
	free(events);
}

int64_t
events_count(struct events *events)
{
	size_t count;

	pthread_mutex_lock(&events->lock);
	count = events->seats;
	pthread_mutex_unlock(&events->lock);
	return (int64_t)count;
}
