#include "tests/test.h"

#include "lib/arena.h"

#include <malloc.h>
#include <signal.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIECES_MAX 400

static char order[16];

static void
note(void *object)
{
	strncat(order, object, 1);
}

static int
setup(void **state)
{
	order[0] = '\0';
	*state = arena_new();
	return 0;
}

static int
teardown(void **state)
{
	arena_free(*state);
	return 0;
}

static void
assert_zero(const char *at, size_t size)
{
	for (size_t i = 0; i < size; i++)
		assert_int_equal(at[i], 0);
}

static void
memory_is_zeroed_and_aligned(void **state)
{
	static const size_t sizes[] = { 1, 15, 16, 17, 2047, 2048, 2049, 8000, 8192, 100000 };
	struct arena *arena = *state;

	/* Twice, so that the second round meets memory that was written. */
	for (size_t round = 0; round < 2; round++) {
		for (size_t i = 0; i < COUNT(sizes); i++) {
			char *at = arena_alloc(arena, sizes[i]);

			assert_int_equal((uintptr_t)at % alignof(max_align_t), 0);
			assert_zero(at, sizes[i]);
			memset(at, 0xff, sizes[i]);
		}
		arena_reset(arena);
	}
}

static void
size_zero_is_a_place_of_its_own(void **state)
{
	const void *first = arena_alloc(*state, 0);

	assert_non_null(first);
	assert_ptr_not_equal(first, arena_alloc(*state, 0));
}

static void
texts_are_copied_and_terminated(void **state)
{
	struct arena *arena = *state;
	char source[] = "abcdef";
	const char *copy = arena_strdup(arena, source), *part = arena_strndup(arena, source, 3);
	const char *long_text = arena_printf(arena, "%05000d", 7);

	source[0] = 'X';
	assert_string_equal(copy, "abcdef");
	assert_string_equal(part, "abc");
	assert_string_equal(arena_strndup(arena, NULL, 0), "");
	assert_memory_equal(arena_strndup(arena, "a\0b", 3), "a\0b", 4);
	assert_string_equal(arena_printf(arena, "%s-%d", "x", 12), "x-12");
	assert_int_equal(strlen(long_text), 5000);
	assert_int_equal(long_text[4999], '7');
}

static void
deferred_calls_run_last_first(void **state)
{
	struct arena *arena = *state;

	arena_defer(arena, note, arena_strdup(arena, "a"));
	arena_defer(arena, note, arena_strdup(arena, "b"));
	arena_reset(arena);
	assert_string_equal(order, "ba");
	arena_reset(arena);
	assert_string_equal(order, "ba");
}

static void
undo_stops_at_the_mark(void **state)
{
	struct arena *arena = *state;
	struct arena_mark outer, inner;
	char *kept = arena_strdup(arena, "kept");

	arena_defer(arena, note, arena_strdup(arena, "a"));
	outer = arena_mark(arena);
	arena_defer(arena, note, arena_strdup(arena, "b"));
	inner = arena_mark(arena);
	arena_defer(arena, note, arena_strdup(arena, "c"));
	arena_alloc(arena, 50000);
	arena_undo(arena, inner);
	assert_string_equal(order, "c");
	arena_undo(arena, inner);
	assert_string_equal(order, "c");
	arena_undo(arena, outer);
	assert_string_equal(order, "cb");
	assert_string_equal(kept, "kept");
}

static void
a_deferred_call_may_read_what_came_after_it(void **state)
{
	struct arena *arena = *state;
	char *text = arena_alloc(arena, 2);

	arena_defer(arena, note, text);
	memset(arena_alloc(arena, 100000), 'x', 100000);
	memcpy(text, "z", 2);
	arena_reset(arena);
	assert_string_equal(order, "z");
}

static void
use_in_call(void *object)
{
	memset(arena_alloc(object, 3000), 'y', 3000);
	arena_defer(object, note, arena_strdup(object, "d"));
}

static void
a_deferred_call_may_use_the_arena(void **state)
{
	arena_defer(*state, use_in_call, *state);
	arena_reset(*state);
	assert_string_equal(order, "d");
	assert_zero(arena_alloc(*state, 64), 64);
}

static void
free_runs_what_is_deferred(UNUSED void **state)
{
	struct arena *arena = arena_new();

	arena_defer(arena, note, arena_strdup(arena, "f"));
	arena_free(arena);
	arena_free(NULL);
	assert_string_equal(order, "f");
}

static void
use_and_undo(struct arena *arena)
{
	struct arena_mark mark = arena_mark(arena);

	for (size_t size = 1; size < 20000; size *= 3)
		arena_alloc(arena, size);
	arena_undo(arena, mark);
}

static void
memory_is_given_back(void **state)
{
	size_t before;

	/* The C library keeps a few freed blocks at hand: after some rounds, always as many. */
	for (size_t i = 0; i < 20; i++)
		use_and_undo(*state);
	before = mallinfo2().uordblks;
	for (size_t i = 0; i < 1000; i++)
		use_and_undo(*state);
	assert_int_equal(mallinfo2().uordblks, before);
}

#ifndef ARENA_SEPARATE
static void
a_big_piece_leaves_the_open_chunk_open(void **state)
{
	struct arena *arena = *state;
	size_t before;

	arena_alloc(arena, 16);
	arena_alloc(arena, 5000);
	before = mallinfo2().uordblks;
	arena_alloc(arena, 16);
	assert_int_equal(mallinfo2().uordblks, before);
}
#endif

static struct piece {
	unsigned char *at;
	size_t size;
	unsigned char fill;
} pieces[PIECES_MAX];

static void
check_pieces(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < pieces[i].size; j++)
			assert_int_equal(pieces[i].at[j], pieces[i].fill);
	}
}

/* Pieces keep their contents whatever is allocated and undone after them. */
static void
random_use_keeps_every_piece_apart(void **state)
{
	struct arena *arena = *state;
	struct arena_mark marks[PIECES_MAX];
	size_t count = 0;

	srandom(20);
	for (size_t step = 0; step < 4000; step++) {
		size_t size = (size_t)random() % (random() % 8 == 0 ? 9000 : 300);

		if (count == PIECES_MAX || (count > 0 && random() % 16 == 0)) {
			count = (size_t)random() % count;
			arena_undo(arena, marks[count]);
			check_pieces(count);
		}
		marks[count] = arena_mark(arena);
		pieces[count].at = arena_alloc(arena, size);
		pieces[count].size = size;
		pieces[count].fill = (unsigned char)step;
		assert_zero((const char *)pieces[count].at, size);
		memset(pieces[count].at, pieces[count].fill, size);
		count++;
	}
	check_pieces(count);
}

static void
too_large_array(struct arena *arena)
{
	volatile size_t count = SIZE_MAX / 8 + 1;

	arena_array(arena, count, 8);
}

static void
too_large_piece(struct arena *arena)
{
	volatile size_t size = SIZE_MAX;

	arena_alloc(arena, size);
}

static void
too_long_text(struct arena *arena)
{
	volatile size_t len = SIZE_MAX;

	arena_strndup(arena, "", len);
}

static void
impossible_sizes_abort(void **state)
{
	static void (*const calls[])(
	    struct arena *) = { too_large_array, too_large_piece, too_long_text };

	for (size_t i = 0; i < COUNT(calls); i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
			signal(SIGABRT, SIG_DFL);
			close(STDERR_FILENO);
			calls[i](*state);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGABRT);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(memory_is_zeroed_and_aligned, setup, teardown),
		cmocka_unit_test_setup_teardown(size_zero_is_a_place_of_its_own, setup, teardown),
		cmocka_unit_test_setup_teardown(texts_are_copied_and_terminated, setup, teardown),
		cmocka_unit_test_setup_teardown(deferred_calls_run_last_first, setup, teardown),
		cmocka_unit_test_setup_teardown(undo_stops_at_the_mark, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_deferred_call_may_read_what_came_after_it, setup, teardown),
		cmocka_unit_test_setup_teardown(a_deferred_call_may_use_the_arena, setup, teardown),
		cmocka_unit_test_setup_teardown(free_runs_what_is_deferred, setup, teardown),
		cmocka_unit_test_setup_teardown(memory_is_given_back, setup, teardown),
#ifndef ARENA_SEPARATE
		cmocka_unit_test_setup_teardown(
		    a_big_piece_leaves_the_open_chunk_open, setup, teardown),
#endif
		cmocka_unit_test_setup_teardown(
		    random_use_keeps_every_piece_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(impossible_sizes_abort, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
