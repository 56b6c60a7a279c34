#include "tests/test.h"

#include "lib/model/authorization.h"
#include "lib/model/chat_log.h"

static const struct {
	const char *sentence;
	int64_t expires_in, settled_at, voided_at;
	enum authorization_status status;
} statuses[] = {
	{ "it is held to the end", 1, 0, 0, AUTHORIZATION_HELD },
	{ "and not any longer", 0, 0, 0, AUTHORIZATION_EXPIRED },
	{ "voided stays voided", 0, 0, 5, AUTHORIZATION_VOIDED },
	{ "settled in time", 1, 5, 0, AUTHORIZATION_SETTLED },
	{ "settled late", 0, 5, 0, AUTHORIZATION_SETTLED },
	{ "the money is spent though it was voided", 1, 5, 4, AUTHORIZATION_SETTLED },
};

static void
each_has_one_status(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(statuses); i++) {
		const struct authorization one = { .expires_at = 100 + statuses[i].expires_in,
			.settled_at = statuses[i].settled_at,
			.voided_at = statuses[i].voided_at };

		if (authorization_status(&one, 100) != statuses[i].status)
			fail_msg("%s", statuses[i].sentence);
	}
}

static const struct {
	const char *sentence;
	int64_t held, cost, excess;
} excesses[] = {
	{ "not settled", 10, CHAT_LOG_NONE, 0 },
	{ "as much as was held", 10, 10, 0 },
	{ "one more", 10, 11, 1 },
	{ "nothing was held", 0, 1, 1 },
	{ "it is not known what was held", CHAT_LOG_NONE, 11, 0 },
	{ "nothing is known", CHAT_LOG_NONE, CHAT_LOG_NONE, 0 },
};

static void
an_excess_is_what_was_not_held(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(excesses); i++) {
		const struct authorization one = { .held_nanos = excesses[i].held,
			.cost_nanos = excesses[i].cost };

		if (authorization_excess(&one) != excesses[i].excess)
			fail_msg("%s", excesses[i].sentence);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_has_one_status),
		cmocka_unit_test(an_excess_is_what_was_not_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
