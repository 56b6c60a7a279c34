#include "lib/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* With malloc's own header a chunk is 8 KiB: what most requests need altogether. */
#define CHUNK_SIZE (8192 - 16)
/* What is larger gets a chunk of its own, so that the rest of the open one is not wasted. */
#define SMALL_MAX 2048
#define ALIGNMENT alignof(max_align_t)

/* For valgrind, build with -DARENA_SEPARATE. gcc names the sanitizer in one way, clang in another.
 */
#if defined(ARENA_SEPARATE) || defined(__SANITIZE_ADDRESS__)
static const bool separate = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
static const bool separate = true;
#else
static const bool separate = false;
#endif
#else
static const bool separate = false;
#endif

struct chunk {
	struct chunk *below;
	bool shared; /* holds many small pieces */
	alignas(max_align_t) unsigned char data[];
};

struct undo {
	struct undo *below;
	void (*call)(void *);
	void *object;
};

struct arena {
	struct chunk *top; /* all chunks, newest first */
	struct chunk *open; /* the newest shared one, where small pieces go; or NULL */
	size_t used; /* of open */
	struct undo *undo;
};

#define CHUNK_ROOM (CHUNK_SIZE - sizeof(struct chunk))

static void __attribute__((noreturn)) die(const char *why)
{
	fprintf(stderr, "%s\n", why);
	abort();
}

static void *
push_chunk(struct arena *arena, size_t room, bool shared)
{
	struct chunk *chunk;
	size_t size;

	if (__builtin_add_overflow(sizeof(*chunk), room, &size))
		die("out of memory: size overflows");
	chunk = shared ? malloc(size) : calloc(1, size);
	if (chunk == NULL)
		die("out of memory");
	chunk->below = arena->top;
	chunk->shared = shared;
	arena->top = chunk;
	if (shared) {
		arena->open = chunk;
		arena->used = 0;
	}
	return chunk->data;
}

struct arena *
arena_new(void)
{
	struct arena *arena = calloc(1, sizeof(*arena));

	if (arena == NULL)
		die("out of memory");
	if (!separate)
		push_chunk(arena, CHUNK_ROOM, true);
	return arena;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
	size_t rounded;
	void *at;

	if (separate || size > SMALL_MAX)
		return push_chunk(arena, size, false);
	rounded = size == 0 ? ALIGNMENT : (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
	if (arena->open == NULL || rounded > CHUNK_ROOM - arena->used)
		push_chunk(arena, CHUNK_ROOM, true);
	at = arena->open->data + arena->used;
	arena->used += rounded;
	return memset(at, 0, rounded);
}

void *
arena_array(struct arena *arena, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		die("out of memory: size overflows");
	return arena_alloc(arena, total);
}

char *
arena_strdup(struct arena *arena, const char *text)
{
	return arena_strndup(arena, text, strlen(text));
}

char *
arena_strndup(struct arena *arena, const char *at, size_t len)
{
	char *copy;

	if (len == SIZE_MAX)
		die("out of memory: size overflows");
	copy = arena_alloc(arena, len + 1);
	if (len > 0)
		memcpy(copy, at, len);
	return copy;
}

char *
arena_printf(struct arena *arena, const char *format, ...)
{
	char small[256], *text;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(small, sizeof(small), format, args);
	va_end(args);
	assert(len >= 0);
	if ((size_t)len < sizeof(small))
		return arena_strndup(arena, small, (size_t)len);
	text = arena_alloc(arena, (size_t)len + 1);
	va_start(args, format);
	vsnprintf(text, (size_t)len + 1, format, args);
	va_end(args);
	return text;
}

void
arena_defer(struct arena *arena, void (*undo)(void *), void *object)
{
	struct undo *entry = arena_alloc(arena, sizeof(*entry));

	entry->below = arena->undo;
	entry->call = undo;
	entry->object = object;
	arena->undo = entry;
}

struct arena_mark
arena_mark(struct arena *arena)
{
	return (struct arena_mark){
		.chunk = arena->top,
		.used = arena->used,
		.defer = arena->undo,
	};
}

void
arena_undo(struct arena *arena, struct arena_mark mark)
{
	/* First all calls, then all memory: what is undone may point to what came after it. */
	while (arena->undo != mark.defer) {
		struct undo *entry = arena->undo;

		assert(entry != NULL);
		arena->undo = entry->below;
		entry->call(entry->object);
	}
	while (arena->top != mark.chunk) {
		struct chunk *chunk = arena->top;

		assert(chunk != NULL);
		arena->top = chunk->below;
		free(chunk);
	}
	arena->open = arena->top;
	while (arena->open != NULL && !arena->open->shared)
		arena->open = arena->open->below;
	arena->used = mark.used;
}

void
arena_reset(struct arena *arena)
{
	struct chunk *first = arena->top;

	while (first != NULL && first->below != NULL)
		first = first->below;
	arena_undo(arena, (struct arena_mark){ .chunk = separate ? NULL : first });
}

void
arena_free(struct arena *arena)
{
	if (arena == NULL)
		return;
	arena_undo(arena, (struct arena_mark){ 0 });
	free(arena);
}
