/*
 * tally key rotate-seal beside a service that goes on, interrupted and run again; and what doctor
 * says of the keys.
 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/model/resealing.h"
#include "lib/model/resource.h"
#include "tests/api.h"
#include "tests/authenticator.h"
#include "tests/books.h"
#include "tests/integrating.h"

#define NEW_KEY "the new one for tests: 0123456789abcdef"
#define LEFT 1 /* exit status: it worked, and something is left */
#define INTEGRATIONS 250 /* more than two portions */
#define FIRST_ID "00000000-0000-4000-8000-000000000001"
_Static_assert(INTEGRATIONS > 2 * RESEALING_PORTION, "a run can stop between portions");

static struct servers *servers;

static const char *user, *integration; /* a path */
static const char *secret; /* of the user's authenticator */

static const char *
user_path(const char *rest)
{
	return api_text("/v1/users/%s/mfa%s", user, rest);
}

static const char *
code(void)
{
	(void)api_sql("UPDATE user_mfa SET last_step = 0");
	return api_text("{\"code\":\"%s\"}", authenticator_code(secret, 0));
}

/* The keys of tallyd and of the commands. */
static void
use_keys(const char *current, const char *previous)
{
	servers_setting(servers, "seal_key", current);
	integrating_restart_tallyd("seal_key_previous", previous);
}

/* All of it sealed with the first key. */
static int
begin(void **state)
{
	const char *id;

	integrating_begin(state);
	(void)api_sql("DELETE FROM client_integrations");
	(void)api_sql("DELETE FROM user_mfa");
	use_keys(INTEGRATING_KEY, "");
	user = api_add("/v1/users", "{\"email\":\"ann@x.org\"}");
	api_expect(201, "POST", user_path(""), NULL);
	secret = api_keep("secret");
	api_expect(200, "POST", user_path("/confirm"), code());
	integration = integrating_add(
	    ",\"configuration\":{\"shop\":\"x\"},\"credentials\":{\"token\":\"abc\"}");
	id = strrchr(integration, '/') + 1;
	(void)api_sql("INSERT INTO client_integrations SELECT (jsonb_populate_record(t,"
		      " jsonb_build_object('id', gen_random_uuid()))).*"
		      " FROM client_integrations AS t, generate_series(2, %d) WHERE id = '%s'",
	    INTEGRATIONS, id);
	(void)api_sql("DROP TABLE IF EXISTS before");
	(void)api_sql("CREATE TABLE before AS SELECT * FROM client_integrations");
	return 0;
}

static int
start(void **state)
{
	integrating_start(state);
	servers = api_servers();
	return 0;
}

/* How many of the column are not as they were. */
static const char *
sealed_anew(const char *column)
{
	return api_sql("SELECT count(*) FROM client_integrations AS i JOIN before AS b USING (id)"
		       " WHERE i.%s <> b.%s",
	    column, column);
}

/* Everything there is opens with the keys of tallyd. */
static void
expect_open(void)
{
	api_expect(200, "POST", user_path("/verify"), code());
	api_expect(200, "GET", "/v1/integrations?limit=500", NULL);
	assert_in_range(api_rows(), INTEGRATIONS, INTEGRATIONS + 1);
	for (int row = 0; row < api_rows(); row++)
		api_expect_json(api_text("data.%d.configuration.shop", row), "x");
	integrating_test(integration);
	api_expect_json("last_test_outcome", "ok");
}

static void
expect_rotation(int status, const char *configuration)
{
	EXPECT_TALLY(status, configuration, "key", "rotate-seal", "--json");
}

#define LINE(values, sealed, left) \
	"\"client_integrations.configuration\",\"values\":" values ",\"sealed_anew\":" sealed \
	",\"left\":" left "}"

/* A run that meets the last of them in their order does this first. */
static void
at_the_last(const char *column, const char *plpgsql)
{
	(void)api_sql("CREATE FUNCTION meet() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
		      " SET search_path = public AS $$ BEGIN %s RETURN NEW; END $$",
	    plpgsql);
	(void)api_sql("CREATE TRIGGER meet BEFORE UPDATE OF %s ON client_integrations FOR EACH ROW"
		      " WHEN (NEW.id = '%s') EXECUTE FUNCTION meet()",
	    column,
	    api_sql("SELECT id FROM client_integrations ORDER BY client_id DESC, id DESC LIMIT 1"));
}

static void
forget_the_last(void)
{
	(void)api_sql("DROP FUNCTION meet() CASCADE");
}

#define ENTRIES "FROM audit_log WHERE entity = 'seal_key' AND action = 'rotate'"

static void
an_interrupted_rotation_is_taken_up_again(UNUSED void **state)
{
	/* One of the run that is interrupted, one of that behind it. */
	const char *entries = api_sql("SELECT count(*) + 2 " ENTRIES);
	const char *updated;

	use_keys(NEW_KEY, INTEGRATING_KEY);
	expect_open();
	updated = api_keep("updated_at");
	at_the_last("configuration", "RAISE EXCEPTION 'the lights go out';");
	expect_rotation(EX_SOFTWARE, "");
	assert_string_equal(sealed_anew("configuration"), "200");
	assert_string_equal(sealed_anew("credentials"), "0");
	expect_open();
	forget_the_last();
	expect_rotation(EX_OK, LINE("250", "50", "0"));
	assert_string_equal(sealed_anew("configuration"), "250");
	assert_string_equal(sealed_anew("credentials"), "250");
	use_keys(NEW_KEY, "");
	expect_open();
	api_expect_json("updated_at", updated);
	expect_rotation(EX_OK, LINE("250", "0", "0"));
	assert_string_equal(api_sql("SELECT count(*) " ENTRIES), entries);
	use_keys(INTEGRATING_KEY, "");
	api_expect(503, "GET", integration, NULL);
	api_expect(503, "POST", user_path("/verify"), code());
}

/* A tallyd that still has the key before it may seal behind the walk's back. */
static void
what_is_sealed_meanwhile_with_the_old_key_is_found(UNUSED void **state)
{
	use_keys(NEW_KEY, INTEGRATING_KEY);
	at_the_last("configuration",
	    "INSERT INTO client_integrations SELECT (jsonb_populate_record(b,"
	    " jsonb_build_object('id', '" FIRST_ID "'))).* FROM before AS b LIMIT 1;");
	expect_rotation(LEFT, LINE("250", "250", "1"));
	forget_the_last();
	expect_rotation(EX_OK, LINE("251", "1", "0"));
	use_keys(NEW_KEY, "");
	expect_open();
}

static void
what_neither_key_opens_is_told(UNUSED void **state)
{
	use_keys(NEW_KEY, "");
	expect_rotation(LEFT, LINE("250", "0", "250"));
	assert_string_equal(sealed_anew("configuration"), "0");
	assert_string_equal(api_sql("SELECT count(*) FROM user_mfa"), "1");
	use_keys(NEW_KEY, INTEGRATING_KEY);
	expect_open();
}

static void
a_dry_run_changes_nothing(UNUSED void **state)
{
	use_keys(NEW_KEY, INTEGRATING_KEY);
	EXPECT_TALLY(EX_OK, LINE("250", "250", "250"), "key", "rotate-seal", "--dry-run", "--json");
	assert_string_equal(sealed_anew("configuration"), "0");
	use_keys(INTEGRATING_KEY, "");
	expect_open();
}

static void
expect_doctor(const char *state, const char *found)
{
	EXPECT_TALLY(1,
	    api_text("{\"state\":\"%s\",\"check\":\"seal_key\",\"found\":\"%s", state, found),
	    "doctor", "--json");
}

static void
doctor_says_what_the_keys_open(UNUSED void **state)
{
	expect_doctor("ok", "it opens what is sealed\"");
	servers_setting(servers, "seal_key", NEW_KEY);
	expect_doctor("BAD", "it does not open what is sealed\"");
	servers_setting(servers, "seal_key_previous", INTEGRATING_KEY);
	expect_doctor("ok", "it opens what is sealed; seal_key_previous goes");
	servers_setting(servers, "seal_key", "");
	servers_setting(servers, "seal_key_previous", "");
	expect_doctor("BAD", "none, and secrets are sealed with one\"");
	EXPECT_TALLY(EX_USAGE, NULL, "key", "rotate-seal");
	(void)api_sql("DELETE FROM client_integrations");
	(void)api_sql("DELETE FROM user_mfa");
	expect_doctor("ok", "none: second factors and secrets of integrations are answered 503\"");
}

static bool
is_gone_through(const char *table, const char *column)
{
	for (size_t i = 0; i < RESEALING_COLUMNS; i++)
		if (strcmp(resealing_name(i), api_text("%s.%s", table, column)) == 0)
			return true;
	return false;
}

static void
each_sealed_field_is_gone_through(UNUSED void **state)
{
	size_t found = 0;

	for (const struct resource *const *at = resources; *at != NULL; at++) {
		for (size_t i = 0; i < (*at)->count; i++) {
			const struct resource_field *field = &(*at)->fields[i];

			if (!(field->use & RESOURCE_SEALED))
				continue;
			found++;
			if (!is_gone_through((*at)->table, field->json.name))
				fail_msg(
				    "%s.%s is not sealed anew", (*at)->table, field->json.name);
		}
	}
	assert_int_equal(found, RESEALING_COLUMNS - 1);
	assert_true(is_gone_through("user_mfa", "secret"));
}

/* Bytes that are neither gone through nor a hash, an answer sealed with the caller's own key, or a
 * sketch. */
static void
nothing_else_is_sealed(UNUSED void **state)
{
	assert_string_equal(
	    api_sql(
		"SELECT string_agg(format('%%s.%%s', relname, attname), ' ' ORDER BY relname, attname)"
		" FROM pg_attribute JOIN pg_class AS c ON c.oid = attrelid"
		" WHERE atttypid = 'bytea'::regtype AND attnum > 0 AND relkind IN ('r', 'p')"
		" AND NOT relispartition AND relnamespace = 'public'::regnamespace"
		" AND relname <> 'before' AND attname !~ 'hash$'"),
	    "client_integrations.configuration client_integrations.credentials"
	    " idempotency_keys.body login_failures.subject prompt_embeddings.sketch"
	    " schema_migrations.checksum"
	    " user_mfa.secret");
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_interrupted_rotation_is_taken_up_again),
		TEST(what_is_sealed_meanwhile_with_the_old_key_is_found),
		TEST(what_neither_key_opens_is_told),
		TEST(a_dry_run_changes_nothing),
		TEST(each_sealed_field_is_gone_through),
		TEST(nothing_else_is_sealed),
		TEST(doctor_says_what_the_keys_open),
	};

	return cmocka_run_group_tests(tests, start, integrating_stop);
}
