#include "tests/test.h"

#include <string.h>

#include "lib/sealed.h"

#define OLD "the old key: 0123456789abcdef"
#define NEW "the new key: 0123456789abcdef"

static struct task task;

static int
begin(UNUSED void **state)
{
	task_init(&task, arena_new());
	return 0;
}

static int
end(UNUSED void **state)
{
	arena_free(task.arena);
	return 0;
}

static const struct id one = { { 1 } }, two = { { 2 } };
static const struct sealed_place here = { "here", { { 1 } }, { { 0 } } };

static struct text
text(const char *value)
{
	return (struct text){ value, strlen(value) };
}

/* "secret", sealed here with this key. */
static struct text
close_with(const char *key)
{
	const struct seal_keys keys = { key, "" };
	struct text sealed;

	task.seal_keys = &keys;
	assert_true(sealed_close(&task, &here, text("secret"), &sealed));
	task.seal_keys = NULL;
	return sealed;
}

static void
either_key_opens(UNUSED void **state)
{
	static const struct {
		const char *sentence;
		struct seal_keys keys;
		enum sealed_by by;
	} rows[] = {
		{ "the current one", { OLD, NEW }, SEALED_BY_CURRENT },
		{ "the one before it", { NEW, OLD }, SEALED_BY_PREVIOUS },
		{ "the one before it, alone", { "", OLD }, SEALED_BY_PREVIOUS },
		{ "neither", { NEW, NEW }, SEALED_BY_NEITHER },
		{ "none", { "", "" }, SEALED_BY_NEITHER },
	};
	struct text sealed = close_with(OLD);

	for (size_t i = 0; i < COUNT(rows); i++) {
		bool opens = rows[i].by != SEALED_BY_NEITHER;
		struct text plain = { 0 };

		task.seal_keys = &rows[i].keys;
		if (sealed_try(&task, &here, sealed, &plain) != rows[i].by ||
		    sealed_open(&task, &here, sealed, &plain) != opens)
			fail_msg("%s", rows[i].sentence);
		if (opens)
			assert_string_equal(plain.at, "secret");
		else
			assert_int_equal(task.err.code, ERR_UNAVAILABLE);
		task_clear_error(&task);
	}
}

static void
what_is_sealed_here_opens_nowhere_else(UNUSED void **state)
{
	const struct sealed_place elsewhere[] = { { "there", one, { { 0 } } },
		{ "here", two, { { 0 } } }, { "here", one, two } };
	const struct seal_keys keys = { OLD, "" };
	struct text sealed = close_with(OLD), plain = { 0 };

	task.seal_keys = &keys;
	for (size_t i = 0; i < COUNT(elsewhere); i++)
		assert_int_equal(
		    sealed_try(&task, &elsewhere[i], sealed, &plain), SEALED_BY_NEITHER);
	assert_null(plain.at);
}

static void
without_a_current_key_nothing_is_sealed(UNUSED void **state)
{
	const struct seal_keys keys = { "", OLD };
	struct text sealed = { 0 };

	assert_false(sealed_close(&task, &here, text("secret"), &sealed));
	assert_int_equal(task.err.code, ERR_UNAVAILABLE);
	task_clear_error(&task);
	task.seal_keys = &keys;
	assert_false(sealed_close(&task, &here, text("secret"), &sealed));
	assert_null(sealed.at);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(either_key_opens, begin, end),
		cmocka_unit_test_setup_teardown(what_is_sealed_here_opens_nowhere_else, begin, end),
		cmocka_unit_test_setup_teardown(
		    without_a_current_key_nothing_is_sealed, begin, end),
	};

	seal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
