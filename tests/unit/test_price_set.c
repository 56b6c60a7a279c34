#include "tests/test.h"

#include "app/price_set.h"

#include <string.h>

static const struct price rows[] = {
	/* one model of one provider, whose second price ended before the third began */
	{ .provider = "openai",
	    .model = "gpt-4o",
	    .valid_from = 100,
	    .valid_to = INT64_MAX,
	    .rates = { .input = 1 } },
	{ .provider = "openai",
	    .model = "gpt-4o",
	    .valid_from = 200,
	    .valid_to = 300,
	    .rates = { .input = 2 } },
	{ .provider = "openai",
	    .model = "gpt-4o",
	    .valid_from = 400,
	    .valid_to = INT64_MAX,
	    .rates = { .input = 3 } },
	/* one model of two providers */
	{ .provider = "azure",
	    .model = "gpt-4",
	    .valid_from = 0,
	    .valid_to = INT64_MAX,
	    .rates = { .input = 4 } },
	{ .provider = "openai",
	    .model = "gpt-4",
	    .valid_from = 0,
	    .valid_to = INT64_MAX,
	    .rates = { .input = 5 } },
};

static const struct {
	const char *sentence;
	const char *provider;
	const char *model;
	int64_t at;
	int64_t input; /* 0: no price */
} cases[] = {
	{ "before the first price there is none", "openai", "gpt-4o", 99, 0 },
	{ "a price begins at its instant", "openai", "gpt-4o", 100, 1 },
	{ "a price ends where the next begins", "openai", "gpt-4o", 199, 1 },
	{ "the next price holds from its instant", "openai", "gpt-4o", 200, 2 },
	{ "a price holds until just before its end", "openai", "gpt-4o", 299, 2 },
	{ "a price that ended is not replaced by an older one", "openai", "gpt-4o", 300, 0 },
	{ "the last price has no end", "openai", "gpt-4o", INT64_MAX - 1, 3 },
	{ "another provider's price does not hold", "azure", "gpt-4o", 200, 0 },
	{ "a model's name is compared whole", "openai", "gpt-4o-mini", 200, 0 },
	{ "each provider has its own price", "azure", "gpt-4", 1, 4 },
	{ "each provider has its own price, the other too", "openai", "gpt-4", 1, 5 },
	{ "the name alone suffices for one provider", NULL, "gpt-4o", 200, 2 },
	{ "the name alone does not choose between providers", NULL, "gpt-4", 1, 0 },
	{ "an unknown name has no price", NULL, "none", 1, 0 },
};

static void
check_all(const struct price_set *set)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct price *price =
		    price_set_find(set, cases[i].provider, cases[i].model, cases[i].at);

		if ((price ? price->rates.input : 0) != cases[i].input)
			fail_msg("%s", cases[i].sentence);
	}
}

static void
prices_are_found_by_model_provider_and_time(UNUSED void **state)
{
	struct price_set *set = price_set_new((struct prices){ rows, COUNT(rows) });

	check_all(set);
	price_set_free(set);
}

static void
the_order_of_the_rows_does_not_matter(UNUSED void **state)
{
	struct price turned[COUNT(rows)];
	struct price_set *set;

	for (size_t i = 0; i < COUNT(rows); i++)
		turned[i] = rows[COUNT(rows) - 1 - i];
	set = price_set_new((struct prices){ turned, COUNT(turned) });
	memset(turned, 0, sizeof turned);
	check_all(set);
	price_set_free(set);
}

static void
a_set_of_none_has_no_price(UNUSED void **state)
{
	struct price_set *set = price_set_new((struct prices){ NULL, 0 });

	assert_null(price_set_find(set, "openai", "gpt-4o", 200));
	assert_null(price_set_find(set, NULL, "gpt-4o", 200));
	price_set_free(set);
}

/* As many as fill the hash table with collisions. */
static void
each_of_many_models_is_found(UNUSED void **state)
{
	enum { MODELS = 3000 };
	struct arena *arena = arena_new();
	struct price *many = arena_array(arena, MODELS, sizeof *many);
	struct price_set *set;

	for (int i = 0; i < MODELS; i++) {
		many[i] = rows[0];
		many[i].model = arena_printf(arena, "model-%d", i);
		many[i].rates.input = i;
	}
	set = price_set_new((struct prices){ many, MODELS });
	for (int i = 0; i < MODELS; i++) {
		const struct price *price = price_set_find(set, NULL, many[i].model, 200);

		assert_non_null(price);
		assert_int_equal(price->rates.input, i);
	}
	price_set_free(set);
	arena_free(arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prices_are_found_by_model_provider_and_time),
		cmocka_unit_test(the_order_of_the_rows_does_not_matter),
		cmocka_unit_test(a_set_of_none_has_no_price),
		cmocka_unit_test(each_of_many_models_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
