#include "tests/random_log.h"

#include <stdio.h>
#include <stdlib.h>

static const char users_sql[] = "INSERT INTO users (client_id, id, external_id) "
				"SELECT id, md5(id::text || n)::uuid, 'random ' || n "
				"FROM clients, generate_series(1, 9) AS n WHERE name = '%s' "
				"ON CONFLICT DO NOTHING";

static const char insert_sql[] =
    "WITH made AS (SELECT id AS client, timezone, clock_timestamp() AS made "
    "FROM clients WHERE name = '%s'), "
    "rows AS (SELECT *, hashint4extended(n, %d) & 65535 AS r, date_trunc('milliseconds', made "
    "- %d * interval '1 second' * (hashint8extended(n, %d) & 65535) / 65536.0) AS at "
    "FROM made, generate_series(1, %d) AS n), "
    "stored AS (INSERT INTO chat_logs (client_id, id, created_at, feature, agent_type, provider, "
    "model, input_tokens, output_tokens, cached_input_tokens, cache_write_tokens, "
    "reasoning_tokens, tokens_used, estimated_cost_cents, verified_cost_cents, success, "
    "duration_ms, tags, user_id) "
    "SELECT client, (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || "
    "'7000a' || substr(md5(%d::text || ' ' || n), 1, 15))::uuid, at, "
    "(ARRAY['f1', 'f2', NULL])[1 + r %% 3], (ARRAY['planner', NULL])[1 + r %% 2], "
    "(ARRAY['p', 'q'])[1 + r %% 2], 'm' || r %% 7, r %% 100, r %% 7, r %% 11, r %% 13, r %% 5, "
    "r %% 100 + r %% 7, CASE WHEN r %% 10 > 0 THEN r * 0.0000001 END, "
    "CASE WHEN r %% 9 = 0 THEN r * 0.0001 END, r %% 4 > 0, CASE WHEN r %% 3 > 0 THEN r END, "
    "CASE r %% 3 WHEN 0 THEN ARRAY['x', 'y'] WHEN 1 THEN ARRAY['x'] END, "
    "CASE WHEN r %% 10 > 0 THEN md5(client::text || r %% 10)::uuid END "
    "FROM rows RETURNING 1) "
    "INSERT INTO ingest_batches (client_id, id, epoch, late_days) "
    "SELECT client, (lpad(to_hex((extract(epoch FROM made) * 1000)::bigint), 12, '0') || "
    "'70008' || substr(md5(%d::text), 1, 15))::uuid, 1, "
    "(SELECT array_agg(DISTINCT (at AT TIME ZONE timezone)::date) FROM rows "
    "WHERE at < date_trunc('milliseconds', made) - interval '5 minutes') "
    "FROM made";

void
random_log_insert(struct servers *servers, const char *client, int seed, int count, int seconds)
{
	char sql[sizeof(insert_sql) + 200];

	(void)snprintf(sql, sizeof(sql), users_sql, client);
	free(servers_sql(servers, sql));
	(void)snprintf(
	    sql, sizeof(sql), insert_sql, client, seed, seconds, seed, count, seed, seed);
	free(servers_sql(servers, sql));
}
