#include "tests/test.h"

#include <string.h>

#include "lib/model/delivery.h"
#include "lib/seal.h"

/* Computed apart, with Python's hmac and hashlib. */
#define BODY \
	"{\"id\":\"018bcfe5-6800-7000-8000-000000000001\",\"type\":\"budget.threshold\"," \
	"\"created_at\":\"2023-11-14T22:13:20Z\",\"data\":{\"a\":1}}"
#define SIGNATURE "t=1700000000,v1=66d9470df0bc0daa07915ba14b29b525767e2e83bb9559fc247d25add30f77c7"

static void
test_sign(UNUSED void **state)
{
	static const char payload[] = "{\"a\": 1}";
	struct delivery delivery = {
		.secret = "whsec_key",
		.alert = { .kind = "budget.threshold",
		    .payload = { payload, sizeof payload - 1 },
		    .created_at = INT64_C(1700000000000000) },
	};
	static const char id[] = "018bcfe5-6800-7000-8000-000000000001";
	struct arena *arena = arena_new();
	char signature[DELIVERY_SIGNATURE_SIZE];
	struct task task;
	struct text body;

	seal_init();
	task_init(&task, arena);
	task.now = INT64_C(1700000000999999);
	assert_true(id_parse((struct text){ id, sizeof id - 1 }, &delivery.alert.id));
	body = delivery_body(&task, &delivery);
	assert_int_equal(body.len, strlen(BODY));
	assert_memory_equal(body.at, BODY, body.len);
	delivery_sign(&task, &delivery, body, signature);
	assert_string_equal(signature, SIGNATURE);
	arena_free(arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_sign) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
