/* The thread that follows the streams of all clients who have listeners. */
#include "app/events_private.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "lib/clock.h"
#include "lib/log.h"

#define WAIT_MS 1000 /* in Redis, for the first event */
#define HURRY_MS 20 /* the same while somebody is behind or reads slowly */
#define PACE_MS 20 /* between two readings: what comes meanwhile is read at once */
#define RETRY_MS 250 /* while Redis is away */
#define GONE_MAX 64 /* connections that are asked for at once */

struct reader {
	struct events *events;
	struct redis *redis;
	struct arena *arena; /* of one turn */
	struct task task;
	struct event_place rung; /* of the doorbell */
	bool lost; /* Redis may have forgotten who listens */
	int64_t beat_at, check_at, hear_at; /* clock_monotonic() */
};

/* The sources as they were when the lock was held. */
struct snapshot {
	struct source **sources;
	struct event_stream *streams; /* one more: the doorbell's */
	size_t count;
	struct listener **behind; /* those of them who take more now */
	size_t *behind_source; /* index of each */
	size_t behind_count;
	bool hurry;
};

static struct task *
begin_step(struct reader *reader)
{
	task_init(&reader->task, reader->arena);
	reader->task.pool = reader->events->app->pool;
	reader->task.redis = reader->redis;
	return &reader->task;
}

static void
rest(struct reader *reader, int ms)
{
	struct pollfd wake = { .fd = reader->events->wake_fd, .events = POLLIN };
	eventfd_t count;

	(void)poll(&wake, 1, ms);
	(void)eventfd_read(wake.fd, &count);
}

static void
drop_gone(struct events *events)
{
	struct epoll_event gone[GONE_MAX];
	int count = epoll_wait(events->peers_fd, gone, GONE_MAX, 0);

	for (int i = 0; i < count; i++)
		((struct listener *)gone[i].data.ptr)->end = LISTENER_CUT;
}

/* What the turn is to do for the listeners of the source. */
static void
look_at(struct snapshot *shot, const struct source *source)
{
	for (struct listener *l = source->listeners; l != NULL; l = l->next) {
		enum stream_state state = stream_flush(l->stream);

		if (state == STREAM_GONE)
			l->end = LISTENER_CUT;
		if (l->behind && state == STREAM_IDLE) {
			shot->behind_source[shot->behind_count] = shot->count;
			shot->behind[shot->behind_count++] = l;
		}
		shot->hurry |= l->behind || state == STREAM_WAITS;
	}
}

static void
make_room(struct reader *reader, struct snapshot *shot)
{
	size_t sources = 0;

	for (const struct source *s = reader->events->sources; s != NULL; s = s->next)
		sources++;
	shot->sources = arena_array(reader->arena, sources, sizeof(struct source *));
	shot->streams = arena_array(reader->arena, sources + 1, sizeof *shot->streams);
	shot->behind = arena_array(reader->arena, reader->events->seats, sizeof(struct listener *));
	shot->behind_source =
	    arena_array(reader->arena, reader->events->seats, sizeof *shot->behind_source);
}

static struct snapshot
look(struct reader *reader)
{
	struct events *events = reader->events;
	struct snapshot ret = { .hurry = false };

	pthread_mutex_lock(&events->lock);
	drop_gone(events);
	events_bury(events);
	make_room(reader, &ret);
	for (struct source *s = events->sources; s != NULL; s = s->next) {
		if (s->listeners == NULL)
			continue;
		look_at(&ret, s);
		ret.sources[ret.count] = s;
		ret.streams[ret.count++] =
		    (struct event_stream){ .key = s->key, .after = s->after };
	}
	ret.streams[ret.count] =
	    (struct event_stream){ .key = events->doorbell, .after = reader->rung };
	events->reading = ret.count > 0;
	pthread_mutex_unlock(&events->lock);
	return ret;
}

static void
deliver(struct reader *reader, const struct snapshot *shot, struct event_entries entries)
{
	struct events *events = reader->events;
	size_t begin = 0;

	pthread_mutex_lock(&events->lock);
	for (size_t i = 0; i < shot->count; i++) {
		size_t end = begin;

		while (end < entries.count && entries.at[end].stream == i)
			end++;
		if (end > begin)
			events_deliver(
			    reader->arena, shot->sources[i], &entries.at[begin], end - begin);
		shot->sources[i]->after = shot->streams[i].after;
		begin = end;
	}
	pthread_mutex_unlock(&events->lock);
}

/* The next entries for one who is behind. What it had last is looked for afterwards: while that is
 * there, all behind it was. */
static bool
catch_up_one(struct reader *reader, struct source *source, struct listener *listener)
{
	struct event_stream stream = { .key = source->key, .after = listener->after };
	struct event_entries entries;
	struct event_place unused;
	bool gap;

	if (!event_read(begin_step(reader), &stream, 1, 0, &entries) ||
	    !event_hear(begin_step(reader), source->client, (struct event_types){ 0 },
		&listener->after, &unused, &gap))
		return false;
	pthread_mutex_lock(&reader->events->lock);
	if (gap && !listener->gap)
		events_tell_gap(listener, listener->after);
	events_deliver_to(reader->arena, listener, entries.at, entries.count);
	if (entries.count == 0 ||
	    event_place_compare(listener->after, entries.at[entries.count - 1].place) == 0)
		listener->after = stream.after;
	listener->behind = event_place_compare(listener->after, stream.after) < 0 ||
			   stream.count == EVENT_READ_MAX;
	pthread_mutex_unlock(&reader->events->lock);
	return true;
}

static bool
catch_up(struct reader *reader, const struct snapshot *shot)
{
	for (size_t i = 0; i < shot->behind_count; i++)
		if (!catch_up_one(reader, shot->sources[shot->behind_source[i]], shot->behind[i]))
			return false;
	return true;
}

static struct event_types
types_of(const struct source *source)
{
	struct event_types types = { 0 };

	for (const struct listener *l = source->listeners; l != NULL; l = l->next)
		*(l->agent_session_count == 0 ? &types.all : &types.of_agents) |= l->types;
	return types;
}

/* Where the stream was lost, those who had its end are told. The new one is read from its
 * beginning, whose place is below the old one's where Redis' clock was set back. */
static bool
hear_one(struct reader *reader, struct source *source, struct event_stream *stream)
{
	struct event_place after = source->after, place;
	struct event_types types;
	bool gap;

	pthread_mutex_lock(&reader->events->lock);
	types = types_of(source);
	pthread_mutex_unlock(&reader->events->lock);
	if (!event_hear(begin_step(reader), source->client, types, &after, &place, &gap))
		return false;
	if (!gap)
		return true;
	pthread_mutex_lock(&reader->events->lock);
	source->after = stream->after = place;
	for (struct listener *l = source->listeners; l != NULL; l = l->next) {
		l->after = place;
		events_tell_gap(l, place);
	}
	pthread_mutex_unlock(&reader->events->lock);
	return true;
}

/* From here on a Redis that has started again, and so lost all, is not taken for this one. */
static bool
hear(struct reader *reader, const struct snapshot *shot)
{
	const char *run_id;

	if (!redis_run_id(begin_step(reader), &run_id))
		return false;
	for (size_t i = 0; i < shot->count; i++)
		if (!hear_one(reader, shot->sources[i], &shot->streams[i]))
			return false;
	return true;
}

static bool
is_due(int64_t *at, int64_t seconds)
{
	int64_t now = clock_monotonic();

	if (now < *at)
		return false;
	*at = now + seconds * CLOCK_SECOND;
	return true;
}

static void
do_what_is_due(struct reader *reader, const struct snapshot *shot)
{
	struct events *events = reader->events;

	if (is_due(&reader->check_at, EVENTS_CHECK_S))
		events_check_keys(events, reader->arena);
	if (is_due(&reader->beat_at, EVENTS_HEARTBEAT_S)) {
		pthread_mutex_lock(&events->lock);
		for (size_t i = 0; i < shot->count; i++)
			events_beat(shot->sources[i]);
		pthread_mutex_unlock(&events->lock);
	}
	if (!reader->lost && is_due(&reader->hear_at, EVENT_HEAR_AGAIN_S))
		reader->lost = !hear(reader, shot);
}

static bool
follow(struct reader *reader, struct snapshot *shot)
{
	struct event_entries entries;

	if (reader->lost && !hear(reader, shot))
		return false;
	if (!event_read(begin_step(reader), shot->streams, shot->count + 1,
		shot->hurry ? HURRY_MS : WAIT_MS, &entries))
		return false;
	reader->rung = shot->streams[shot->count].after;
	deliver(reader, shot, entries);
	return catch_up(reader, shot);
}

static void
take_turn(struct reader *reader)
{
	struct snapshot shot = look(reader);

	if (shot.count == 0) {
		rest(reader, -1);
		return;
	}
	bool lost = !follow(reader, &shot);
	if (lost && !reader->lost)
		log_reason(LOG_LEVEL_WARNING, "events_lost", &reader->task.err);
	reader->lost = lost;
	do_what_is_due(reader, &shot);
	rest(reader, lost ? RETRY_MS : PACE_MS);
}

static bool
is_stopping(struct events *events)
{
	bool stopping;

	pthread_mutex_lock(&events->lock);
	events->reading = false;
	stopping = events->stopping;
	pthread_mutex_unlock(&events->lock);
	return stopping;
}

static void
end_all(struct events *events)
{
	pthread_mutex_lock(&events->lock);
	for (struct source *s = events->sources; s != NULL; s = s->next)
		for (struct listener *l = s->listeners; l != NULL; l = l->next)
			if (l->end == LISTENER_STAYS)
				l->end = LISTENER_ENDS;
	events_bury(events);
	pthread_mutex_unlock(&events->lock);
}

void *
events_run(void *object)
{
	struct events *events = object;
	struct redis_settings settings = events->app->redis;
	struct reader reader = { .events = events, .arena = arena_new() };

	settings.command_timeout_ms += WAIT_MS;
	reader.redis = redis_new(&settings);
	reader.lost = true;
	while (!is_stopping(events)) {
		take_turn(&reader);
		arena_reset(reader.arena);
	}
	end_all(events);
	redis_free(reader.redis);
	arena_free(reader.arena);
	return NULL;
}
