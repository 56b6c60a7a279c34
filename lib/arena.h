/*
 * Memory of one request or one step of a job: allocated piece by piece, given back at once.
 *
 * Nothing allocated here is freed by hand. Out of memory aborts. Under AddressSanitizer and
 * valgrind builds each allocation is its own malloc, so that an overrun is seen.
 */
#ifndef LIB_ARENA_H
#define LIB_ARENA_H

#include "lib/base.h"

struct arena;

/* A position to which arena_undo() returns. */
struct arena_mark {
	void *chunk;
	size_t used;
	void *defer;
};

struct arena *arena_new(void);
void arena_free(struct arena *arena);

/* Zeroed, aligned for any type. size 0 is allowed. */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((alloc_size(2), returns_nonnull));
/* Zeroed array; aborts when count * size overflows. */
void *arena_array(struct arena *arena, size_t count, size_t size)
    __attribute__((alloc_size(2, 3), returns_nonnull));
char *arena_strdup(struct arena *arena, const char *text);
/* A terminated copy of len bytes. */
char *arena_strndup(struct arena *arena, const char *at, size_t len);
char *arena_printf(struct arena *arena, const char *format, ...) PRINTF(2, 3);

/* Calls undo(object) when the arena goes back past this point, last registered first. */
void arena_defer(struct arena *arena, void (*undo)(void *), void *object);

struct arena_mark arena_mark(struct arena *arena);
/* Gives back all that came after the mark, running what was deferred since. */
void arena_undo(struct arena *arena, struct arena_mark mark);
/* Gives back everything; the arena can be used again and keeps one chunk. */
void arena_reset(struct arena *arena);

#endif
