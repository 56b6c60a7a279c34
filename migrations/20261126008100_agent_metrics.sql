-- Agent sessions beside the calls of the same hour, and of the same day and user. They are counted as they stand: an hour
-- or a day with sessions and no calls is there, too.

-- migrate:up

CREATE OR REPLACE VIEW dashboard_metrics WITH (security_invoker = true) AS
SELECT client_id, hour_bucket, sum(calls)::bigint AS calls, sum(calls - failed_calls)::bigint AS completed_calls,
	sum(failed_calls)::bigint AS failed_calls, sum(unpriced_calls)::bigint AS unpriced_calls,
	sum(cost_cents) AS cost_cents, sum(cost_cents) / nullif(sum(calls), 0) AS avg_cost_cents_per_call,
	sum(tokens)::bigint AS total_tokens, sum(sessions_started)::bigint AS sessions_started,
	sum(sessions_completed)::bigint AS sessions_completed
FROM (
	SELECT client_id, start AS hour_bucket, calls, failed_calls, unpriced_calls, cost_cents, tokens,
		0 AS sessions_started, 0 AS sessions_completed
	FROM cost_aggregates
	WHERE dimension = 'provider' AND grain = 'hour'
	UNION ALL
	SELECT client_id, date_bin('1 hour', started_at, 'epoch'), 0, 0, 0, 0, 0, 1, success::integer
	FROM agent_sessions) AS h
GROUP BY client_id, hour_bucket;

CREATE OR REPLACE VIEW daily_usage_stats WITH (security_invoker = true) AS
SELECT client_id, user_id, date_bucket, sum(calls)::bigint AS calls, sum(failed_calls)::bigint AS failed_calls,
	sum(unpriced_calls)::bigint AS unpriced_calls, sum(cost_cents) AS cost_cents,
	sum(tokens)::bigint AS total_tokens, sum(input_tokens)::bigint AS input_tokens,
	sum(output_tokens)::bigint AS output_tokens, sum(cached_input_tokens)::bigint AS cached_input_tokens,
	sum(cache_write_tokens)::bigint AS cache_write_tokens, sum(reasoning_tokens)::bigint AS reasoning_tokens,
	sum(sessions_started)::bigint AS sessions_started, sum(sessions_completed)::bigint AS sessions_completed
FROM (
	SELECT r.client_id, a.key[1]::uuid AS user_id, (a.start AT TIME ZONE r.timezone)::date AS date_bucket, a.calls,
		a.failed_calls, a.unpriced_calls, a.cost_cents, a.tokens, a.input_tokens, a.output_tokens,
		a.cached_input_tokens, a.cache_write_tokens, a.reasoning_tokens, 0 AS sessions_started,
		0 AS sessions_completed
	FROM rollup_clients r
	CROSS JOIN LATERAL (
		SELECT * FROM cost_rows(r.client_id, 'user', 'day', r.days_from, r.days_until)
		UNION ALL
		SELECT * FROM cost_rows(r.client_id, 'user', 'quarter', coalesce(r.days_until, r.hours_from),
			'infinity')) AS a
	UNION ALL
	SELECT s.client_id, s.user_id, (s.started_at AT TIME ZONE r.timezone)::date, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
		s.success::integer
	FROM rollup_clients r
	JOIN agent_sessions s ON s.client_id = r.client_id) AS d
GROUP BY client_id, user_id, date_bucket;

-- migrate:down

DROP VIEW daily_usage_stats;
DROP VIEW dashboard_metrics;

CREATE VIEW dashboard_metrics WITH (security_invoker = true) AS
SELECT client_id, start AS hour_bucket, sum(calls)::bigint AS calls, sum(calls - failed_calls)::bigint AS completed_calls,
	sum(failed_calls)::bigint AS failed_calls, sum(unpriced_calls)::bigint AS unpriced_calls,
	sum(cost_cents) AS cost_cents, sum(cost_cents) / sum(calls) AS avg_cost_cents_per_call,
	sum(tokens)::bigint AS total_tokens
FROM cost_aggregates
WHERE dimension = 'provider' AND grain = 'hour'
GROUP BY client_id, start;

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
