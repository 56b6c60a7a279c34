-- What is read of the rollups: one key's rows, the hours of a dashboard, the days of a user; and the days of all clients,
-- for operators.

-- migrate:up

-- One feature, agent type, provider, model, user or tag through the time. Arrays are not compared before row-level
-- security has had its say, texts are.
CREATE INDEX cost_aggregates_key ON cost_aggregates (client_id, dimension, (key[1]), grain, start)
	WHERE dimension <> 'call';

-- By hour of UTC, as far as it is rolled up; what comes from the last 24 hours is a condition on hour_bucket.
CREATE VIEW dashboard_metrics WITH (security_invoker = true) AS
SELECT client_id, start AS hour_bucket, sum(calls)::bigint AS calls, sum(calls - failed_calls)::bigint AS completed_calls,
	sum(failed_calls)::bigint AS failed_calls, sum(unpriced_calls)::bigint AS unpriced_calls,
	sum(cost_cents) AS cost_cents, sum(cost_cents) / sum(calls) AS avg_cost_cents_per_call,
	sum(tokens)::bigint AS total_tokens
FROM cost_aggregates
WHERE dimension = 'provider' AND grain = 'hour'
GROUP BY client_id, start;

-- By user and day of the client's zone, as far as it is rolled up. user_id NULL: the calls of nobody. Days that are not
-- over have no rows by day.
CREATE VIEW daily_usage_stats WITH (security_invoker = true) AS
SELECT r.client_id, a.key[1]::uuid AS user_id, (a.start AT TIME ZONE r.timezone)::date AS date_bucket,
	sum(a.calls)::bigint AS calls, sum(a.failed_calls)::bigint AS failed_calls,
	sum(a.unpriced_calls)::bigint AS unpriced_calls, sum(a.cost_cents) AS cost_cents,
	sum(a.tokens)::bigint AS total_tokens, sum(a.input_tokens)::bigint AS input_tokens,
	sum(a.output_tokens)::bigint AS output_tokens, sum(a.cached_input_tokens)::bigint AS cached_input_tokens,
	sum(a.cache_write_tokens)::bigint AS cache_write_tokens, sum(a.reasoning_tokens)::bigint AS reasoning_tokens
FROM rollup_clients r
CROSS JOIN LATERAL (
	SELECT * FROM cost_rows(r.client_id, 'user', 'day', r.days_from, r.days_until)
	UNION ALL
	SELECT * FROM cost_rows(r.client_id, 'user', 'quarter', coalesce(r.days_until, r.hours_from), 'infinity')) AS a
GROUP BY r.client_id, a.key[1], date_bucket;

GRANT SELECT ON dashboard_metrics, daily_usage_stats TO tally_app, tally_worker;

-- GET /v1/analytics/top?by=client
CREATE POLICY operator ON daily_costs FOR SELECT TO tally_app
	USING ((SELECT current_setting('app.operator', true)) = 'on');
CREATE POLICY operator ON cost_adjustments FOR SELECT TO tally_app
	USING ((SELECT current_setting('app.operator', true)) = 'on');

-- migrate:down

DROP POLICY operator ON cost_adjustments;
DROP POLICY operator ON daily_costs;
DROP VIEW daily_usage_stats;
DROP VIEW dashboard_metrics;
DROP INDEX cost_aggregates_key;
