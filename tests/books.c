#include "tests/books.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/test.h"

static const char insert_sql[] =
    "INSERT INTO chat_logs (client_id, id, created_at, tokens_used, estimated_cost_cents) "
    "SELECT c.id, (lpad(to_hex((extract(epoch FROM v.at) * 1000)::bigint), 12, '0') || '7000' "
    "|| '8000' || substr(md5(random()::text), 1, 12))::uuid, v.at, 10, 0.25 "
    "FROM clients c, LATERAL (SELECT date_trunc('day', now(), c.timezone) - %d * interval '1 day' "
    "+ n * interval '1 minute' AS at FROM generate_series(1, %d) AS n) AS v "
    "WHERE c.name = '%s'";

/* The batch that stored them, which flush has seen. */
static const char batch_sql[] =
    "INSERT INTO ingest_batches (client_id, id, epoch, summed_days) "
    "SELECT id, (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint), 12, '0') || '7000' "
    "|| '8000' || substr(md5(random()::text), 1, 12))::uuid, 1, ARRAY[(now() AT TIME ZONE timezone)::date - %d] "
    "FROM clients WHERE name = '%s'";

static const char differences_sql[] =
    "SELECT count(*) FROM ("
    "SELECT l.client_id, (l.created_at AT TIME ZONE c.timezone)::date AS date, "
    "sum(coalesce(verified_cost_cents, estimated_cost_cents, 0)) AS cost, count(*) AS requests, "
    "sum(coalesce(tokens_used, 0)) AS tokens, count(DISTINCT user_id) AS users "
    "FROM chat_logs l JOIN clients c ON c.id = l.client_id GROUP BY 1, 2) AS l "
    "FULL JOIN daily_costs d USING (client_id, date) "
    "WHERE (l.cost, l.requests, l.tokens, l.users) IS DISTINCT FROM "
    "(d.total_cost_cents, d.total_requests, d.total_tokens, d.unique_users)";

void
books_insert(struct servers *servers, const char *client, int days_ago, int count)
{
	char sql[sizeof(insert_sql) + 100];

	(void)snprintf(sql, sizeof(sql), insert_sql, days_ago, count, client);
	free(servers_sql(servers, sql));
	(void)snprintf(sql, sizeof(sql), batch_sql, days_ago, client);
	free(servers_sql(servers, sql));
}

void
books_expect(struct servers *servers, const char *sql, const char *expected)
{
	char *value = servers_sql(servers, sql);

	if (strcmp(value, expected) != 0)
		fail_msg("%s: %s, not %s", sql, value, expected);
	free(value);
}

void
books_expect_differences(struct servers *servers, const char *expected)
{
	books_expect(servers, differences_sql, expected);
}

void
books_expect_tally(struct servers *servers, int status, const char *prints, const char *const *a)
{
	char *output;
	int got =
	    servers_tally(servers, &output, a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], NULL);

	if (got != status || (prints != NULL && strstr(output, prints) == NULL))
		fail_msg("tally %s: status %d, output: %s", a[0], got, output);
	free(output);
}
