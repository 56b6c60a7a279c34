/*
 * The dashboard in a browser, as a test reads it. One program at a time; begins as tests/api.h
 * does.
 */
#ifndef TESTS_PAGE_H
#define TESTS_PAGE_H

#define PAGE_SKIPPED 77 /* automake's */

/* Says so loudly where there is no browser, or no Chart.js. */
int page_is_there(void);

/* For cmocka_run_group_tests(): all servers and the browser. */
int page_start(void **state);
int page_stop(void **state);

/* Opens the page at this query ("" or "?...") with the key that api.h's calls use, and waits until
 * all is drawn. */
void page_open(const char *query);
/* Waits until what was asked for is drawn. */
void page_await(void);

/*
 * A table of the page: "NAME=VALUE" for each cell of the foot but the first, parted by blanks;
 * names are those of the head, values as CSV has them. rows: of the row that begins with this text.
 */
const char *page_foot(const char *panel);
const char *page_row(const char *panel, const char *begins);
/* Fails the test unless the rows add up to the foot, and each row to its last cell. */
void page_expect_sums(const char *panel);
/* The exact amount of a tile. */
const char *page_amount(const char *tile);
/* Fails the test unless the element's text has this. */
void page_expect_text(const char *selector, const char *text);
/* Fails the test where the browser has complained. */
void page_expect_peace(void);

/* Presses what is found by it. */
void page_click(const char *selector);
/* The whole page into FOLDER/NAME-WIDTH-SCHEME.png of the tests' output, in two widths, light and
 * dark. */
void page_shoot(const char *name);

/* SQL for an amount of cents as the page writes dollars. */
#define PAGE_DOLLARS(cents) \
	"(SELECT CASE WHEN scale(trim_scale(d)) < 2 THEN round(d, 2) ELSE trim_scale(d) END::text\n" \
	"FROM (SELECT (" cents ") / 100 AS d) AS dollars)"

#endif
