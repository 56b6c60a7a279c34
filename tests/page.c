#include "tests/page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base.h"
#include "tests/api.h"
#include "tests/browser.h"
#include "tests/test.h"

#define CHART "/usr/share/javascript/chart.js/chart.min.js"

/* What the page has of a table's row, by the code of the test and not by the page's. */
static const char helpers[] =
    "const value = (cell) => cell.querySelector('data')?.value ??"
    "	(/^[0-9,]+$/.test(cell.textContent) ? cell.textContent.replaceAll(',', '') :"
    "	cell.textContent.replace('\\u00a0', ' '));"
    "const table = (panel) => document.querySelector(`#${panel} table`);"
    "const cells = (row) => [...row.cells].map(value);"
    "const named = (panel, row) => { const head = cells(table(panel).tHead.rows[0]);"
    "	return cells(row).map((text, at) => `${head[at]}=${text}`).slice(1).join(' '); };"
    "const units = (text) => BigInt(text.split('.')[0] + (text.split('.')[1] ?? '').padEnd(9, "
    "'0'));";

int
page_is_there(void)
{
	bool browser = browser_is_there();

	if (!browser)
		fprintf(stderr,
		    "SKIPPED: the dashboard is not tested, as there is no chromium or no "
		    "chromedriver (packages chromium, chromium-driver)\n");
	else if (access(CHART, R_OK) != 0)
		fprintf(stderr, "SKIPPED: the dashboard is not tested, as there is no " CHART
				" (package libjs-chart.js)\n");
	else
		return 1;
	return 0;
}

int
page_start(void **state)
{
	if (api_start(state) != 0)
		return -1;
	browser_start(servers_folder(api_servers()));
	return 0;
}

int
page_stop(void **state)
{
	browser_stop();
	return api_stop(state);
}

void
page_await(void)
{
	browser_await("document.querySelector('#main[aria-busy=false]') && "
		      "(document.querySelector('#tile-today') || "
		      "!document.querySelector('#trouble').hidden)");
}

void
page_open(const char *query)
{
	const char *url = servers_http_url(api_servers());

	browser_show_as(1280, 900, "light");
	browser_go(api_text("%s/%s", url, query));
	browser_run(api_text("sessionStorage.setItem('tally.key', '%s')", api_key()));
	browser_go("about:blank");
	browser_complaints();
	browser_go(api_text("%s/%s", url, query));
	page_await();
}

static const char *
run(const char *script)
{
	return browser_run(api_text("%s%s", helpers, script));
}

const char *
page_foot(const char *panel)
{
	return run(api_text("return named('%s', table('%s').tFoot.rows[0])", panel, panel));
}

const char *
page_row(const char *panel, const char *begins)
{
	return run(api_text("const row = [...table('%s').tBodies[0].rows]"
			    ".find((one) => one.cells[0].textContent.startsWith('%s'));"
			    "return row === undefined ? '(none)' : named('%s', row)",
	    panel, begins, panel));
}

void
page_expect_sums(const char *panel)
{
	const char *wrong = run(api_text(
	    "const found = table('%s');"
	    "const rows = [...found.tBodies[0].rows].map((row) => cells(row).slice(1).map(units));"
	    "const foot = cells(found.tFoot.rows[0]).slice(1).map(units);"
	    "const add = (list) => list.reduce((a, b) => a + b, 0n);"
	    "const down = foot.every((all, at) => add(rows.map((row) => row[at])) === all);"
	    "const across = [...rows, foot].every((row) => add(row.slice(0, -1)) === row.at(-1));"
	    "return down && across && rows.length > 0 ? '' : found.textContent",
	    panel));

	if (*wrong != '\0')
		fail_msg("%s does not add up: %s", panel, wrong);
}

const char *
page_amount(const char *tile)
{
	return browser_run(
	    api_text("return document.querySelector('#%s .figure data').value", tile));
}

void
page_expect_text(const char *selector, const char *text)
{
	const char *got = browser_run(
	    api_text("const found = document.querySelector('%s');"
		     "return found === null ? '(none)' : "
		     "found.textContent.replaceAll('\\u00a0', ' ').replaceAll('\\u2013', '-')",
		selector));

	if (strstr(got, text) == NULL)
		fail_msg("%s is '%s', without '%s'", selector, got, text);
}

void
page_expect_peace(void)
{
	const char *said = browser_complaints();

	if (strcmp(said, "[]") != 0)
		fail_msg("the browser complains: %s", said);
}

void
page_click(const char *selector)
{
	browser_run(api_text("document.querySelector(`%s`).click()", selector));
}

/* Beside the test in the build folder. */
static const char *
output_folder(void)
{
	const char *build = getenv("TALLY_BUILDDIR");
	const char *path = api_text("%s/tests/dashboard/out", build != NULL ? build : ".");
	const char *above = api_text("%s/tests/dashboard", build != NULL ? build : ".");

	mkdir(above, 0755);
	mkdir(path, 0755);
	return path;
}

void
page_shoot(const char *name)
{
	static const int widths[] = { 1280, 390 };
	static const char *const schemes[] = { "light", "dark" };

	for (size_t i = 0; i < COUNT(widths); i++) {
		for (size_t j = 0; j < COUNT(schemes); j++) {
			browser_show_as(widths[i], 900, schemes[j]);
			browser_shoot(api_text(
			    "%s/%s-%d-%s.png", output_folder(), name, widths[i], schemes[j]));
		}
	}
	browser_show_as(1280, 900, "light");
}
