/*
 * What the fourth seed's tests say of integrations (its ClientIntegration and IntegrationEndpoint
 * models, section 6): a shop's connection is kept, not its data.
 */
#include "tests/test.h"

#include <string.h>

#include "lib/base.h"
#include "tests/api.h"
#include "tests/integrating.h"

static const char *
count(const char *table, const char *condition)
{
	return api_sql("SELECT count(*) FROM %s WHERE %s", table, condition);
}

/* "Integration configured (Shopify)". */
static const char *
configure(void)
{
	return integrating_add(
	    ",\"configuration\":{\"shop\":\"test-store\",\"api_version\":\"2024-10\"},"
	    "\"credentials\":{\"token\":\"shpat_test\"}");
}

/* Each kind that the seed names, and another. */
static void
integrations_of_any_type_are_created(UNUSED void **state)
{
	static const char *const types[] = { "shopify", "woocommerce", "http", "custom_api" };

	for (size_t i = 0; i < COUNT(types); i++) {
		(void)integrating_add_at(
		    "https://store.example.com/api", api_text(",\"type\":\"%s\"", types[i]));
		api_expect_json("type", types[i]);
		api_expect_json("enabled", "true");
	}
	api_expect(200, "GET", "/v1/integrations", NULL);
	assert_int_equal(api_rows(), COUNT(types));
	api_expect(200, "GET", "/v1/integrations?type=shopify", NULL);
	assert_int_equal(api_rows(), 1);
}

/* "Store connection configs". */
static void
connection_configs_are_stored(UNUSED void **state)
{
	api_expect(200, "GET", configure(), NULL);
	api_expect_json("configuration.shop", "test-store");
	api_expect_json("configuration.api_version", "2024-10");
	assert_null(strstr(api_answer()->body, "shpat_test"));
}

/* "Update sync test timestamps". */
static void
a_test_leaves_its_time(UNUSED void **state)
{
	const char *path = configure();

	api_expect_json("last_test_at", "null");
	integrating_test(path);
	api_expect_json("last_test_outcome", "ok");
	api_expect_json("last_test_status", "200");
}

/* "Enable/disable integrations". */
static void
integrations_are_enabled_and_disabled(UNUSED void **state)
{
	const char *path = configure();

	api_expect(200, "PATCH", path, "{\"enabled\":false}");
	api_expect(200, "GET", path, NULL);
	api_expect_json("enabled", "false");
	api_expect(200, "PATCH", path, "{\"enabled\":true}");
	api_expect_json("enabled", "true");
}

/* "CRUD operations on endpoints". */
static void
endpoints_are_defined(UNUSED void **state)
{
	const char *integration = configure();
	const char *path = integrating_add_endpoint(integration,
	    ",\"method\":\"GET\",\"path\":\"/products.json\",\"description\":\"Products\"");

	api_expect(200, "GET", path, NULL);
	api_expect_json("path", "/products.json");
	api_expect_json("description", "Products");
	api_expect(200, "PATCH", path, "{\"name\":\"inventory\",\"path\":\"/inventory.json\"}");
	api_expect_json("name", "inventory");
	api_expect(200, "GET", api_text("%s/endpoints", integration), NULL);
	assert_int_equal(api_rows(), 1);
	api_expect_json("data.0.path", "/inventory.json");
	api_expect(204, "DELETE", path, NULL);
	api_expect(404, "GET", path, NULL);
}

/* "Foreign key constraints enforced". */
static void
an_endpoint_needs_its_integration(UNUSED void **state)
{
	api_expect(404, "POST", "/v1/integrations/00000000-0000-4000-8000-000000000000/endpoints",
	    "{\"name\":\"e\",\"path\":\"/\"}");
	assert_string_equal(
	    api_sql("SELECT count(*) FROM pg_constraint WHERE contype = 'f'\n"
		    "AND conrelid = 'integration_endpoints'::regclass AND confdeltype = 'c'"),
	    "1");
}

/* "Cascade delete verified". */
static void
endpoints_go_with_their_integration(UNUSED void **state)
{
	const char *path = configure();
	const char *of_it = api_text("integration_id = '%s'", strrchr(path, '/') + 1);

	(void)integrating_add_endpoint(path, ",\"path\":\"/a\"");
	(void)integrating_add_endpoint(path, ",\"path\":\"/b\"");
	assert_string_equal(count("integration_endpoints", of_it), "2");
	api_expect(204, "DELETE", path, NULL);
	assert_string_equal(count("integration_endpoints", of_it), "0");
}

#define TEST(name) cmocka_unit_test_setup(name, integrating_begin)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(integrations_of_any_type_are_created),
		TEST(connection_configs_are_stored),
		TEST(a_test_leaves_its_time),
		TEST(integrations_are_enabled_and_disabled),
		TEST(endpoints_are_defined),
		TEST(an_endpoint_needs_its_integration),
		TEST(endpoints_go_with_their_integration),
	};

	return cmocka_run_group_tests(tests, integrating_start, integrating_stop);
}
