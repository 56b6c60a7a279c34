#include "app/events_private.h"

#include <stdlib.h>
#include <string.h>

#include "app/metrics.h"
#include "lib/buf.h"

static void
say(struct listener *listener, struct text text)
{
	enum stream_state state;

	/* Behind what was lost nothing is told. */
	if (listener->end != LISTENER_STAYS)
		return;
	state = stream_write(listener->stream, text);
	if (state != STREAM_FULL && state != STREAM_GONE)
		return;
	listener->end = LISTENER_CUT;
	if (state == STREAM_FULL)
		metrics_add(METRIC_LISTENERS_CUT, 1);
}

static bool
names_session(const struct listener *listener, struct id session)
{
	for (size_t i = 0; i < listener->agent_session_count; i++)
		if (id_equal(listener->agent_sessions[i], session))
			return true;
	return listener->agent_session_count == 0;
}

static bool
wants(const struct listener *listener, const struct event_entry *entry)
{
	const struct event *event = &entry->event;

	return (listener->types & 1U << event->type) != 0 &&
	       (id_is_nil(listener->user) || id_equal(listener->user, event->user)) &&
	       names_session(listener, event->agent_session) &&
	       event_place_compare(entry->place, listener->after) > 0;
}

/* JSON as we write it has no line break. */
static void
put_event(struct buf *buf, const struct event_entry *entry)
{
	char place[EVENT_PLACE_SIZE];

	buf_puts(buf, "id: ");
	buf_puts(buf, event_place_format(entry->place, place));
	buf_puts(buf, "\nevent: ");
	buf_puts(buf, event_type_names[entry->event.type]);
	buf_puts(buf, "\ndata: ");
	buf_add(buf, entry->event.body.at, entry->event.body.len);
	buf_puts(buf, "\n\n");
}

/* The entries as they are sent: entry i stands before ends[i]. */
struct written {
	const struct event_entry *at;
	size_t count;
	struct buf text;
	size_t *ends;
};

static struct text
text_of(const struct written *written, size_t i)
{
	size_t begin = i == 0 ? 0 : written->ends[i - 1];

	return (struct text){ written->text.at + begin, written->ends[i] - begin };
}

/* In one piece: where it wants all, what the others get too. scratch has room for all. */
static void
tell_some(struct listener *listener, const struct written *written, char *scratch)
{
	size_t len = 0, wanted = 0;

	for (size_t i = 0; i < written->count; i++) {
		struct text text = text_of(written, i);

		if (!wants(listener, &written->at[i]))
			continue;
		memcpy(scratch + len, text.at, text.len);
		len += text.len;
		wanted++;
	}
	if (wanted > 0)
		say(listener, (struct text){ scratch, len });
}

void
events_deliver(
    struct arena *arena, struct source *source, const struct event_entry *at, size_t count)
{
	struct written written = { .at = at, .count = count, .text.arena = arena };
	char *scratch;

	written.ends = arena_array(arena, count, sizeof *written.ends);
	for (size_t i = 0; i < count; i++) {
		put_event(&written.text, &at[i]);
		written.ends[i] = written.text.len;
	}
	scratch = arena_alloc(arena, written.text.len);
	for (struct listener *l = source->listeners; l != NULL; l = l->next)
		if (!l->behind && l->end == LISTENER_STAYS)
			tell_some(l, &written, scratch);
}

void
events_deliver_to(
    struct arena *arena, struct listener *listener, const struct event_entry *at, size_t count)
{
	for (size_t i = 0; i < count && listener->end == LISTENER_STAYS; i++) {
		struct buf buf = { .arena = arena };

		if (wants(listener, &at[i])) {
			put_event(&buf, &at[i]);
			say(listener, buf_text(&buf));
		}
		listener->after = at[i].place;
		listener->gap = false;
		if (stream_flush(listener->stream) != STREAM_IDLE)
			return;
	}
}

void
events_tell_gap(struct listener *listener, struct event_place place)
{
	char text[EVENT_PLACE_SIZE + sizeof "id: \nevent: gap\ndata: {}\n\n"], *at = text;
	char name[EVENT_PLACE_SIZE];

	at = stpcpy(at, "id: ");
	at = stpcpy(at, event_place_format(place, name));
	at = stpcpy(at, "\nevent: gap\ndata: {}\n\n");
	say(listener, (struct text){ text, (size_t)(at - text) });
	listener->gap = true;
}

void
events_beat(struct source *source)
{
	for (struct listener *l = source->listeners; l != NULL; l = l->next) {
		bool ahead = l->behind || event_place_compare(l->after, source->after) > 0;
		char text[EVENT_PLACE_SIZE + sizeof ":\nid: \n\n"], *at = text;
		char name[EVENT_PLACE_SIZE];

		at = stpcpy(at, ":\nid: ");
		at = stpcpy(at, event_place_format(ahead ? l->after : source->after, name));
		at = stpcpy(at, "\n\n");
		if (l->end == LISTENER_STAYS && stream_flush(l->stream) != STREAM_WAITS)
			say(l, (struct text){ text, (size_t)(at - text) });
	}
}

static void
bury(struct events *events, struct source *source)
{
	for (struct listener **at = &source->listeners; *at != NULL;) {
		struct listener *listener = *at;

		if (listener->end == LISTENER_STAYS) {
			at = &listener->next;
			continue;
		}
		*at = listener->next;
		stream_close(listener->stream, listener->end == LISTENER_ENDS);
		free(listener);
		source->seats--;
		events->seats--;
	}
}

void
events_bury(struct events *events)
{
	for (struct source **at = &events->sources; *at != NULL;) {
		struct source *source = *at;

		bury(events, source);
		if (source->seats > 0) {
			at = &source->next;
			continue;
		}
		*at = source->next;
		free(source->key);
		free(source);
	}
}
