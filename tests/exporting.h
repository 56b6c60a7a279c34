/* Records to export, and what was exported, for tests of tally export. */
#ifndef TESTS_EXPORTING_H
#define TESTS_EXPORTING_H

#include "tests/servers.h"

/* A client of this zone whose days that are 9, 8, 6, 5, 4, 3 and 2 ago have about so many records
 * each, made by chance, with texts that CSV and JSON must quote; flushed and rolled up. */
void exporting_client(struct servers *servers, const char *name, const char *zone, int count);
/* So many more on one of its days; flushed and rolled up. */
void exporting_add(struct servers *servers, const char *name, int days_ago, int count);

/* An entry of the audit log for each of its records that has none, with the record's id and time.
 */
void exporting_audit(struct servers *servers, const char *name);

/* Runs tally export with these arguments (NULL behind the last); fails the test unless it ends so
 * and prints this. environment: one more variable, or NULL. */
void exporting_run(struct servers *servers, const char *environment, int status, const char *prints,
    const char *const *arguments);
#define EXPORTING_RUN(status, prints, ...) \
	exporting_run(servers, NULL, status, prints, (const char *const[]){ __VA_ARGS__, NULL })

/* Runs a line of sh; fails the test unless it ends with 0. Its output; free it. */
char *exporting_sh(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same; fails the test also unless this is the output. */
void exporting_expect(const char *line, const char *expected);
/* A text kept until the program ends. */
const char *exporting_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A path in the folder of the servers, kept likewise. */
const char *exporting_path(struct servers *servers, const char *name);

/* All CSV files of a folder as a table of texts, with PostgreSQL's reader; an empty field is NULL.
 */
void exporting_load_csv(struct servers *servers, const char *folder, const char *table);
/* All NDJSON files as a table with one column, "row jsonb". */
void exporting_load_ndjson(struct servers *servers, const char *folder, const char *table);
/* The manifest as the table "manifest" with a row for each file, head its other members. */
void exporting_load_manifest(struct servers *servers, const char *folder);
/* How many files and days differ in cost, without adjustments. */
#define EXPORTING_DIFFERENCES \
	"SELECT count(*) FROM (SELECT * FROM manifest WHERE cost_cents <> adjustments_cents) AS m " \
	"FULL JOIN (SELECT * FROM daily_costs WHERE total_requests > 0) AS d " \
	"USING (client_id, date) " \
	"WHERE m.cost_cents - m.adjustments_cents IS DISTINCT FROM d.total_cost_cents"

#endif
