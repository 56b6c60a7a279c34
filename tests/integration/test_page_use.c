/* The dashboard in hands: keys, filters, the address, CSV, and what goes wrong. */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "lib/base.h"
#include "tests/api.h"
#include "tests/books.h"
#include "tests/browser.h"
#include "tests/page.h"
#include "tests/process.h"

#define DAYS 14
#define TABS 250

static const char *const ndjson[] = { "Content-Type: application/x-ndjson", NULL };

/* A fortnight of calls, of which each day has more than the one before. */
static void
add_days(void)
{
	const char *records = api_sql(
	    "SELECT string_agg(json_build_object(\n"
	    "'created_at', to_char((now() - d * interval '1 day' - n * interval '1 s')\n"
	    "	AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),\n"
	    "'model', (ARRAY['gpt-4o', 'gpt-4o-mini', 'claude-sonnet-4-20250514'])[1 + n %% 3],\n"
	    "'provider', (ARRAY['openai', 'openai', 'anthropic'])[1 + n %% 3],\n"
	    "'feature', (ARRAY['chat', 'search', '=sum(1)', 'mail'])[1 + n %% 4],\n"
	    "'external_user_id', 'user-' || n * n %% 17, 'input_tokens', 1000 + 37 * n,\n"
	    "'cached_input_tokens', 10 * n, 'output_tokens', 100 + n, 'reasoning_tokens', n,\n"
	    "'duration_ms', 50 + n * n, 'success', n %% 19 <> 7)::text || E'\\n', '')\n"
	    "FROM generate_series(0, %d) AS d, generate_series(1, 20 + 5 * (%d - d)) AS n",
	    DAYS - 1, DAYS);

	if (api_send("POST", "/v1/chat-logs", ndjson, records) != 200)
		fail_msg("records: %s", api_answer()->body);
	api_expect_json("rejected.0", "(none)");
}

static int
start(void **state)
{
	if (page_start(state) != 0)
		return -1;
	api_import_prices();
	books_expect_tally(api_servers(), EX_OK, NULL, (const char *const[9]){ "partitions" });
	api_use_budget("days", "\"window\":\"day\",\"limit_cents\":60");
	api_sql("UPDATE clients SET log_retention_days = 90 WHERE name = 'days' RETURNING 1");
	api_add("/v1/budgets", "{\"name\":\"mail\",\"window\":\"month\",\"limit_cents\":2000,"
			       "\"scope\":{\"feature\":\"mail\"}}");
	api_add("/v1/budgets", "{\"name\":\"people\",\"window\":\"day\",\"limit_tokens\":20000,"
			       "\"each\":\"user_id\",\"mode\":\"soft\"}");
	add_days();
	return 0;
}

static void
the_key_is_typed_and_kept_for_the_tab(UNUSED void **state)
{
	browser_go(api_text("%s/", servers_http_url(api_servers())));
	browser_run("sessionStorage.clear()");
	browser_go(api_text("%s/", servers_http_url(api_servers())));
	browser_await("document.activeElement.id === 'key'");
	browser_complaints();
	browser_type(api_key());
	browser_press(BROWSER_ENTER, 1);
	page_await();
	assert_string_equal(browser_run("return document.getElementById('key').value"), "");
	assert_string_equal(browser_run("return localStorage.length + document.cookie"), "0");
	page_expect_peace();
	page_click("#forget");
	assert_string_equal(browser_run("return sessionStorage.length"), "0");
	assert_string_equal(
	    browser_run("return document.getElementById('figures').hidden"), "true");
	page_shoot("key");
}

static void
a_wrong_key_is_said_to_be_wrong(UNUSED void **state)
{
	browser_await("document.activeElement.id === 'key'");
	browser_type("tally_0000_wrong");
	browser_press(BROWSER_ENTER, 1);
	browser_await("!document.getElementById('trouble').hidden");
	page_expect_text("#trouble", "The service does not know this key.");
	assert_string_equal(browser_run("return sessionStorage.length"), "0");
	assert_string_equal(browser_run("return document.activeElement.id"), "key");
}

static void
a_key_without_the_scope_is_told_so(UNUSED void **state)
{
	const char *key = api_key();

	api_use_scope("logs:write");
	browser_type(api_key());
	browser_press(BROWSER_ENTER, 1);
	browser_await("document.getElementById('trouble').textContent.includes('may not')");
	api_use_key(key);
}

/* Every control that can be seen is reached by Tab alone. */
static void
the_keyboard_reaches_all(UNUSED void **state)
{
	const char *missed;

	page_open("");
	browser_run("document.querySelectorAll('details').forEach((one) => { one.open = true; });"
		    "window.reached = new Set();"
		    "document.addEventListener('focusin', (event) => reached.add(event.target));"
		    "document.activeElement.blur(); document.getElementById('live').click();");
	browser_press(BROWSER_TAB, TABS);
	missed = browser_run(
	    "return [...document.querySelectorAll('a, button, input, select, summary')]"
	    ".filter((one) => one.checkVisibility() && !one.disabled && !reached.has(one))"
	    ".map((one) => one.outerHTML).join(' ')");
	assert_string_equal(missed, "");
	assert_string_equal(
	    browser_run("const size = reached.size; return size > 60 ? '' : String(size)"), "");
}

/* What a screen reader says of controls, charts and tables. */
static void
all_has_a_name(UNUSED void **state)
{
	page_open("");
	assert_string_equal(
	    browser_run("return [...document.querySelectorAll('input, select')]"
			".filter((one) => one.labels.length === 0).map((one) => one.id).join()"),
	    "");
	assert_string_equal(
	    browser_run("return [...document.querySelectorAll('button, canvas, section, progress')]"
			".filter((one) => !one.textContent.trim() && !one.ariaLabel)"
			".map((one) => one.outerHTML).join()"),
	    "");
	assert_string_equal(
	    browser_run("return [...document.querySelectorAll('table')]"
			".filter((one) => !one.caption || one.querySelector('th:not([scope])'))"
			".map((one) => one.outerHTML).join()"),
	    "");
	assert_string_equal(
	    browser_run("return document.querySelectorAll('[style] style').length"), "0");
}

/* Which also shows that the browser's complaints are heard. */
static void
the_policy_stops_what_is_not_ours(UNUSED void **state)
{
	page_open("");
	browser_run(
	    "const script = document.createElement('script');"
	    "script.textContent = 'window.intruder = true'; document.body.append(script);"
	    "document.body.insertAdjacentHTML('beforeend', '<p id=odd style=\"color:red\">')");
	assert_string_equal(browser_run("return String(window.intruder)"), "undefined");
	assert_string_equal(browser_run("return document.getElementById('odd').style.color"), "");
	assert_non_null(strstr(browser_complaints(), "Content Security Policy"));
}

static void
a_filter_lives_in_the_address(UNUSED void **state)
{
	page_open("?range=30d&timezone=UTC");
	browser_run("document.querySelector('#cost-model details').open = true;"
		    "[...document.querySelectorAll('#cost-model thead button')]"
		    ".find((one) => one.textContent === 'gpt-4o-mini').click()");
	browser_await("document.querySelector('#filters button')");
	page_await();
	assert_string_equal(
	    browser_run("return location.search"), "?range=30d&timezone=UTC&model=gpt-4o-mini");
	assert_string_equal(page_amount("tile-range"),
	    api_sql("SELECT " PAGE_DOLLARS(
		"sum(estimated_cost_cents)") " FROM chat_logs\n"
					     "JOIN clients AS c ON c.id = client_id AND c.name = 'days'\n"
					     "WHERE model = 'gpt-4o-mini'"));
	page_expect_text("#cost-user .note", "cannot answer this under these filters");
	browser_run("history.back()");
	browser_await("location.search === '?range=30d&timezone=UTC'");
	browser_await("!document.querySelector('#filters button')");
	assert_string_equal(page_amount("tile-range"),
	    api_sql("SELECT " PAGE_DOLLARS(
		"sum(estimated_cost_cents)") " FROM chat_logs\n"
					     "JOIN clients AS c ON c.id = client_id AND c.name = 'days'"));
	page_expect_peace();
}

/* The forecast moves with the clock: what the page was told is what it must show. */
static void
the_month_is_what_is_billed(UNUSED void **state)
{
	const char *forecast;

	page_open("");
	browser_run("const ask = window.fetch; window.fetch = async (...of) => {"
		    "const answer = await ask(...of); if (of[0] === '/v1/billing/current')"
		    "window.billing = await answer.clone().text(); return answer; };"
		    "document.getElementById('refresh').click()");
	browser_await("window.billing && document.querySelector('#main[aria-busy=false]')");
	assert_string_equal(page_amount("tile-month"),
	    api_sql("SELECT " PAGE_DOLLARS(
		"sum(estimated_cost_cents)") " FROM chat_logs\n"
					     "JOIN clients AS c ON c.id = client_id AND c.name = 'days'\n"
					     "WHERE date_trunc('month', chat_logs.created_at AT TIME ZONE c.timezone)\n"
					     "= date_trunc('month', now() AT TIME ZONE c.timezone)"));
	forecast =
	    browser_run("return /\"forecast\":{\"cost_cents\":([0-9.]+)/.exec(billing)?.[1]");
	if (strcmp(forecast, "null") == 0)
		page_expect_text("#tile-month", "A forecast needs seven days that are over.");
	else
		assert_string_equal(browser_run("return document.querySelector("
						"'#tile-month p:not(.figure) data').value"),
		    api_sql("SELECT " PAGE_DOLLARS("%s::numeric"), forecast));
}

/* The browser takes the name with an empty file, and puts the whole one in its place. */
static bool
is_downloaded(void *path)
{
	struct stat file;

	return stat(path, &file) == 0 && file.st_size > 0;
}

/* The file as the browser has saved it. */
static char *
download(const char *panel)
{
	const char *path = api_text("%s/tally-%s.csv", servers_folder(api_servers()), panel);

	page_click(api_text("#%s header button", panel));
	assert_true(servers_await(is_downloaded, (void *)(uintptr_t)path));
	return process_read_file(path);
}

/* As the page has no word in it: a table's rows in RFC 4180. */
static const char to_csv[] =
    "const read = (cell) => cell.querySelector('data')?.value ??"
    "	cell.querySelector('time')?.dateTime ?? (cell.className === 'number' ?"
    "	cell.textContent.replaceAll(',', '').replace('\u2013', '') : cell.textContent);"
    "const field = (text) => (text.startsWith('=') ? `'${text}` : text);"
    "return [...document.querySelector(`#${id} table`).rows]"
    ".map((row) => [...row.cells].map((cell) => field(read(cell))).join() + '\\r\\n').join('')";

static void
csv_is_what_the_table_shows(UNUSED void **state)
{
	static const char *const panels[] = { "cost-model", "cost-feature", "cost-user", "tokens",
		"success", "latency", "top" };

	page_open("?range=30d&timezone=UTC");
	for (size_t i = 0; i < COUNT(panels); i++) {
		char *csv = download(panels[i]);

		assert_string_equal(
		    csv, browser_run(api_text("const id = '%s';%s", panels[i], to_csv)));
		free(csv);
	}
	page_expect_peace();
}

static void
a_client_without_calls_is_told_so(UNUSED void **state)
{
	const char *key = api_key();

	api_use_new_client("nobody");
	page_open("");
	page_expect_text("#cost-model .note", "No calls in this range.");
	page_expect_text("#budgets .note", "There are no budgets.");
	page_expect_text("#tile-budget", "There are no budgets.");
	page_expect_text("#top .note", "Nothing was spent in this range.");
	page_expect_peace();
	page_shoot("empty");
	api_use_key(key);
}

static void
a_service_that_is_away_is_said_to_be(UNUSED void **state)
{
	page_open("?range=30d");
	servers_kill_tree(api_servers(), SERVER_TALLYD);
	page_click("#refresh");
	browser_await("!document.getElementById('trouble').hidden");
	page_expect_text(
	    "#trouble", "tallyd does not answer. What is shown is of an earlier time.");
	page_expect_text("#state", "Not up to date");
	assert_string_equal(
	    browser_run("return document.querySelectorAll('#cost-model tbody tr').length"), "30");
	page_shoot("away");
	servers_restart(api_servers(), SERVER_TALLYD);
	page_click("#refresh");
	browser_await("document.getElementById('trouble').hidden");
	browser_complaints();
}

/* Nothing is asked for while nobody looks. */
static void
a_hidden_tab_asks_nothing(UNUSED void **state)
{
	page_open("");
	browser_run(
	    "window.delays = [];"
	    "window.setTimeout = (what, delay) => delays.push(delay);"
	    "Object.defineProperty(document, 'hidden', { get: () => true, configurable: true });"
	    "document.getElementById('refresh').click()");
	browser_await("document.querySelector('#main[aria-busy=false]')");
	assert_string_equal(browser_run("return delays.length"), "0");
	browser_run("Object.defineProperty(document, 'hidden', { get: () => false });"
		    "document.dispatchEvent(new Event('visibilitychange'))");
	browser_await("delays.length === 1 && delays[0] === 30000");
	browser_run("document.getElementById('live').click(); delays.length = 0;"
		    "document.getElementById('refresh').click()");
	browser_await("document.querySelector('#main[aria-busy=false]')");
	assert_string_equal(browser_run("return delays.length"), "0");
}

static void
it_is_seen_in_both_widths(UNUSED void **state)
{
	static const char wide[] = "return document.documentElement.scrollWidth > innerWidth";

	page_open("?range=30d&records=all");
	assert_string_equal(browser_run(wide), "false");
	page_shoot("days");
	browser_show_as(390, 900, "light");
	assert_string_equal(browser_run(wide), "false");
	page_expect_peace();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_key_is_typed_and_kept_for_the_tab),
		cmocka_unit_test(a_wrong_key_is_said_to_be_wrong),
		cmocka_unit_test(a_key_without_the_scope_is_told_so),
		cmocka_unit_test(the_keyboard_reaches_all),
		cmocka_unit_test(all_has_a_name),
		cmocka_unit_test(the_policy_stops_what_is_not_ours),
		cmocka_unit_test(a_filter_lives_in_the_address),
		cmocka_unit_test(the_month_is_what_is_billed),
		cmocka_unit_test(csv_is_what_the_table_shows),
		cmocka_unit_test(a_client_without_calls_is_told_so),
		cmocka_unit_test(a_service_that_is_away_is_said_to_be),
		cmocka_unit_test(a_hidden_tab_asks_nothing),
		cmocka_unit_test(it_is_seen_in_both_widths),
	};

	if (!page_is_there())
		return PAGE_SKIPPED;
	return cmocka_run_group_tests(tests, start, page_stop);
}
