/* Records that credits pay for, whatever way they come. */
#include "tests/test.h"

#include <string.h>

#include "lib/base.h"
#include "tests/api.h"
#include "tests/otlp.h"
#include "tests/paying.h"

#define RECORDS "/v1/chat-logs"

static const char *const ndjson[] = { "Content-Type: application/x-ndjson", NULL };

/* A record that has an id of its own, of an hour ago. */
static const char *
named(const char *cents, const char *id)
{
	static const char *time;

	if (time == NULL)
		time = api_sql("SELECT to_char(now() AT TIME ZONE 'UTC' - interval '1 hour',\n"
			       "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')");
	return paying_record(cents, api_text(",\"id\":\"%s\",\"created_at\":\"%s\"", id, time));
}

/* Whatever way a record takes, and however often it comes. */
static void
a_record_pays_once(UNUSED void **state)
{
	static const char nobodys[] = "{\"message_length\":1,\"verified_cost_cents\":50,"
				      "\"user_id\":\"0190a5b0-0000-7000-8000-000000000001\"}";
	const char *one, *two;

	paying_use_payer("once");
	one = named("10", "one");
	two = named("20", "two");
	api_add(RECORDS, one);
	api_expect(200, "POST", RECORDS, one);
	for (int i = 0; i < 2; i++) {
		/* The same twice in an array, one that was there, and one that names nobody. */
		api_expect(200, "POST", RECORDS, api_text("[%s,%s,%s,%s]", two, two, one, nobodys));
		api_expect_json("accepted", i == 0 ? "1" : "0");
		api_expect_json("rejected.0.index", "3");
		paying_expect_balance("0.7", "0");
	}
	assert_int_equal(
	    api_send("POST", RECORDS, ndjson, api_text("%s\n%s\n", two, paying_record("5", ""))),
	    200);
	api_expect_json("duplicates", "1");
	paying_expect_balance("0.65", "0");
	paying_expect_ledger("purchase 1, usage -0.1, usage -0.2, usage -0.05");
	paying_check_books("once");
}

/* Of the same id, for two users: one of them pays. */
static void
a_record_pays_once_whoever_sends_it(UNUSED void **state)
{
	const char *first;

	paying_use_payer("once for two");
	api_add(RECORDS, named("10", "same"));
	first = paying_user();
	paying_use_user(api_add("/v1/users", "{\"external_id\":\"bob\"}"));
	api_expect(200, "POST", RECORDS, named("10", "same"));
	paying_expect("uncovered", "0");
	paying_use_user(first);
	paying_expect_balance("0.9", "0");
}

static void
other_formats_pay_too(UNUSED void **state)
{
	static const enum otel_format formats[] = { OTEL_JSON, OTEL_PROTOBUF };
	const char *lite;

	paying_use_client("formats", "client");
	paying_use_user("client");
	paying_post("{\"type\":\"purchase\",\"amount\":1}");
	lite = api_text("{\"id\":\"lite\",\"startTime\":%s,\"prompt_tokens\":1,"
			"\"response_cost\":0.125}",
	    api_sql("SELECT extract(epoch FROM now())::bigint"));
	for (int i = 0; i < 2; i++) {
		api_expect(200, "POST", "/v1/ingest/litellm", lite);
		paying_expect_balance("0.875", "0");
	}
	for (unsigned i = 0; i < COUNT(formats); i++) {
		struct otlp_span span = otlp_span(i);

		span.attributes = "openinference.span.kind=LLM;llm.model_name=m;llm.provider=p;"
				  "llm.token_count.prompt=#1;llm.cost.total=%0.25";
		otlp_expect(otlp_send(formats[i], &span, 1),
		    "accepted=1, duplicates=0, rejected=0, ignored=0");
		otlp_expect(otlp_send(formats[i], &span, 1),
		    "accepted=0, duplicates=1, rejected=0, ignored=0");
	}
	paying_expect_balance("0.375", "0");
	paying_check_books("formats");
}

static void
somebody_pays(UNUSED void **state)
{
	const char *user;

	paying_use_client("of users", "user");
	user = paying_user();
	api_add(RECORDS, paying_record("3", ""));
	paying_expect("uncovered", "0.03");
	/* A call without a user is the client's own. */
	api_add(RECORDS, "{\"message_length\":1,\"verified_cost_cents\":4}");
	paying_use_user("client");
	paying_expect("uncovered", "0.04");
	paying_use_user(user);
	paying_expect("uncovered", "0.03");
	paying_use_client("of clients", "client");
	(void)paying_user();
	api_add(RECORDS, paying_record("3", ""));
	paying_expect("uncovered", "0");
	paying_use_user("client");
	paying_expect("uncovered", "0.03");
	paying_use_client("of nobody", "off");
	api_add(RECORDS, paying_record("3", ""));
	api_add("/v1/authorizations", "{\"max_cost_cents\":1000}");
	assert_string_equal(api_sql("SELECT count(*) FROM credit_accounts a JOIN clients c\n"
				    "ON c.id = a.client_id WHERE c.name = 'of nobody'"),
	    "0");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_pays_once),
		cmocka_unit_test(a_record_pays_once_whoever_sends_it),
		cmocka_unit_test(other_formats_pay_too),
		cmocka_unit_test(somebody_pays),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
