#include "tests/test.h"

#include "lib/model/message_fit.h"

#define SIZES_MAX 4
#define MUCH 1000000

static const struct {
	const char *sentence;
	struct message_size sizes[SIZES_MAX];
	size_t count;
	struct message_room room;
	size_t taken;
	struct message_room left;
} rows[] = {
	{ "of nothing, nothing", { { 0 } }, 0, { 5, MUCH, 10 }, 0, { 5, MUCH, 10 } },
	{ "all of them", { { 3, 4, 10 }, { 2, 3, 20 }, { 1, 2, 30 } }, 3, { 5, 100, 10 }, 3,
	    { 2, 40, 1 } },
	{ "exactly as many tokens", { { 3, 4, 1 }, { 2, 6, 1 } }, 2, { 5, MUCH, 10 }, 2,
	    { 3, MUCH - 2, 0 } },
	{ "one token more is not", { { 3, 4, 1 }, { 2, 7, 1 } }, 2, { 5, MUCH, 10 }, 1,
	    { 4, MUCH - 1, 6 } },
	{ "what is behind the first that does not fit is not looked at",
	    { { 3, 4, 1 }, { 2, 7, 1 }, { 1, 1, 1 } }, 3, { 5, MUCH, 10 }, 1, { 4, MUCH - 1, 6 } },
	{ "the first does not fit", { { 3, 11, 1 }, { 2, 1, 1 } }, 2, { 5, MUCH, 10 }, 0,
	    { 5, MUCH, 10 } },
	{ "no tokens leave those that have none", { { 3, 0, 1 }, { 2, 1, 1 } }, 2, { 5, MUCH, 0 },
	    1, { 4, MUCH - 1, 0 } },
	{ "less than no tokens leave nothing", { { 3, 0, 1 } }, 1, { 5, MUCH, -1 }, 0,
	    { 5, MUCH, -1 } },
	{ "exactly as many bytes", { { 3, 1, 40 }, { 2, 1, 60 } }, 2, { 5, 100, 10 }, 2,
	    { 3, 0, 8 } },
	{ "one byte more is not", { { 3, 1, 40 }, { 2, 1, 61 } }, 2, { 5, 100, 10 }, 1,
	    { 4, 60, 9 } },
	{ "as many as there may be", { { 3, 1, 1 }, { 2, 1, 1 }, { 1, 1, 1 } }, 3, { 2, MUCH, 10 },
	    2, { 0, MUCH - 2, 8 } },
	{ "an empty room", { { 3, 0, 0 } }, 1, { 0, MUCH, 10 }, 0, { 0, MUCH, 10 } },
};

static void
as_many_are_taken_as_fit(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct message_room room = rows[i].room;
		size_t taken = message_fit(rows[i].sizes, rows[i].count, &room);

		if (taken != rows[i].taken || room.count != rows[i].left.count ||
		    room.bytes != rows[i].left.bytes || room.tokens != rows[i].left.tokens)
			fail_msg("%s: %zu, and room for %lld with %lld bytes and %lld tokens",
			    rows[i].sentence, taken, (long long)room.count, (long long)room.bytes,
			    (long long)room.tokens);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_many_are_taken_as_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
