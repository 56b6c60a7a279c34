/* Lists and counts of users through nginx. */
#include "tests/test.h"

#include <string.h>

#include "lib/base.h"
#include "tests/api.h"

/* The id of a new user. */
static const char *
add(const char *body)
{
	api_expect(201, "POST", "/v1/users", body);
	return api_keep("id");
}

static const char *
user(const char *id, const char *rest)
{
	return api_text("/v1/users/%s%s", id, rest);
}

static void
the_living_are_counted_by_tier(UNUSED void **state)
{
	const char *id;

	api_use_new_client("users-count");
	add("{\"email\":\"a@b\"}");
	add("{\"email\":\"b@b\",\"tier\":\"premium\"}");
	add("{\"email\":\"c@b\",\"tier\":\"premium\"}");
	add("{\"tier\":\"anonymous\"}");
	id = add("{\"email\":\"d@b\",\"tier\":\"enterprise\"}");
	api_expect(204, "DELETE", user(id, ""), NULL);
	api_expect(200, "GET", "/v1/users/count", NULL);
	assert_string_equal(api_answer()->body, "{\"count\":4}");
	api_expect(200, "GET", "/v1/users/count?by=tier", NULL);
	assert_string_equal(api_answer()->body,
	    "{\"count\":4,\"by_tier\":{\"anonymous\":1,\"free\":1,\"premium\":2,\"enterprise\":0}}");
	api_send("GET", "/v1/users/count?by=name", NULL, NULL);
	api_expect_field("users are counted by tier only", "by");
}

static void
the_list_filters(UNUSED void **state)
{
	const char *ann, *bob;

	api_use_new_client("users-list");
	ann = add("{\"email\":\"ann@x.org\",\"tier\":\"premium\",\"external_id\":\"1\"}");
	bob = add("{\"email\":\"bob@x.org\",\"external_id\":\"2\"}");
	api_expect(200, "GET", "/v1/users?email=ANN%40x.org", NULL);
	assert_string_equal(api_json("data.0.id"), ann);
	assert_string_equal(api_json("data.1.id"), "(none)");
	api_expect(200, "GET", "/v1/users?tier=free", NULL);
	assert_string_equal(api_json("data.0.id"), bob);
	assert_string_equal(api_json("data.1.id"), "(none)");
	api_expect(200, "GET", "/v1/users?external_id=2&email=bob%40x.org&tier=free", NULL);
	assert_string_equal(api_json("data.0.id"), bob);
	api_expect(200, "GET", "/v1/users?external_id=2&email=ann%40x.org", NULL);
	assert_string_equal(api_json("data.0.id"), "(none)");
	api_expect(200, "GET", "/v1/users?email=ann%40x.org&tier=free", NULL);
	assert_string_equal(api_json("data.0.id"), "(none)");
	api_expect(200, "GET", "/v1/users?deleted=true", NULL);
	assert_string_equal(api_json("data.0.id"), "(none)");
	api_expect(422, "GET", "/v1/users?deleted=maybe", NULL);
	api_expect(422, "GET", "/v1/users?name=ann", NULL);
}

static void
pages_are_stable_when_users_come(UNUSED void **state)
{
	const char *path = "/v1/users?limit=2";
	int seen = 0;

	api_use_new_client("users-pages");
	for (int i = 0; i < 5; i++)
		add(api_text("{\"email\":\"u%d@x.org\"}", i));
	for (int page = 0; page < 3; page++) {
		api_expect(200, "GET", path, NULL);
		seen += api_rows();
		path = api_text("/v1/users?limit=2&cursor=%s", api_json("next_cursor"));
		if (page == 0)
			add("{\"email\":\"late@x.org\"}");
	}
	assert_int_equal(seen, 5);
	assert_string_equal(api_json("next_cursor"), "null");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_living_are_counted_by_tier),
		cmocka_unit_test(the_list_filters),
		cmocka_unit_test(pages_are_stable_when_users_come),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
