-- What the page asks for, in few steps. user_costs is what each user cost, by stretches of days: who costs most is found
-- among a few rows of each user, however many days that are.

-- migrate:up

-- Of one day of the client's zone, today's as far as it is rolled up; or of several that are over, of which the first has a
-- number (days since 1970) that can be divided by as many.
CREATE TABLE user_costs (
	client_id uuid NOT NULL, -- needs no key of its own: rollup_clients has one
	days smallint NOT NULL CHECK (days IN (1, 2, 4, 8, 16)),
	start timestamptz NOT NULL,
	user_id uuid NOT NULL, -- nil: the calls of nobody
	cost_nanos bigint NOT NULL,
	calls bigint NOT NULL,
	PRIMARY KEY (client_id, days, start, user_id)
) WITH (fillfactor = 80);
CALL isolate('user_costs');
CALL isolate_user('user_costs', 'user_id');

-- There are such rows of the days that begin between days_from and here; the last of them is open. NULL: there are none.
ALTER TABLE rollup_clients ADD COLUMN users_until timestamptz;

GRANT SELECT ON user_costs TO tally_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON user_costs TO tally_worker;

-- ?success=false: failures are few.
CREATE INDEX chat_logs_failed ON chat_logs (client_id, id) WHERE NOT success;

-- As before, but where the first hour begins is not reckoned in the condition: row-level security would let no index have
-- that, and all hours of the client were read for a quarter of one.
CREATE OR REPLACE FUNCTION cost_rows(client uuid, of_dimension text, of_grain text, since timestamptz, until timestamptz)
RETURNS SETOF cost_row
LANGUAGE sql STABLE AS $$
	SELECT a.dimension, a.start, a.key, a.cost_cents, a.calls, a.tokens, a.input_tokens, a.output_tokens,
		a.cached_input_tokens, a.cache_write_tokens, a.reasoning_tokens, a.failed_calls, a.unpriced_calls,
		a.duration_slots, a.duration_calls
	FROM cost_aggregates a
	WHERE a.client_id = client AND a.dimension = of_dimension AND a.grain = of_grain
	AND a.start >= since AND a.start < until
	UNION ALL
	SELECT a.dimension, a.start + a.quarter * interval '15 minutes', a.key, a.cost_cents, a.calls, a.tokens,
		a.input_tokens, a.output_tokens, a.cached_input_tokens, a.cache_write_tokens, a.reasoning_tokens,
		a.failed_calls, a.unpriced_calls, a.duration_slots, a.duration_calls
	FROM (SELECT since - interval '1 hour' AS before OFFSET 0) AS first
	CROSS JOIN cost_aggregates a
	WHERE of_grain = 'quarter'
	AND a.client_id = client AND a.dimension = of_dimension AND a.grain = 'hour'
	AND a.start > first.before AND a.start < until
	AND a.quarter IS NOT NULL
	AND a.start + a.quarter * interval '15 minutes' >= since AND a.start + a.quarter * interval '15 minutes' < until
	UNION ALL
	SELECT a.dimension, a.start + q.quarter * interval '15 minutes', a.key, q.cost_cents, q.calls, q.tokens,
		q.input_tokens, q.output_tokens, q.cached_input_tokens, q.cache_write_tokens, q.reasoning_tokens,
		q.failed_calls, q.unpriced_calls, a.duration_slots[q.passed - q.durations + 1:q.passed],
		a.duration_calls[q.passed - q.durations + 1:q.passed]
	FROM (SELECT since - interval '1 hour' AS before OFFSET 0) AS first
	CROSS JOIN cost_aggregates a
	CROSS JOIN LATERAL (
		SELECT u.*, sum(u.durations) OVER (ORDER BY u.quarter)::integer AS passed
		FROM unnest(a.quarters) AS u) AS q
	WHERE of_grain = 'quarter'
	AND a.client_id = client AND a.dimension = of_dimension AND a.grain = 'hour'
	AND a.start > first.before AND a.start < until
	AND a.start + q.quarter * interval '15 minutes' >= since AND a.start + q.quarter * interval '15 minutes' < until
$$;

-- migrate:down

CREATE OR REPLACE FUNCTION cost_rows(client uuid, of_dimension text, of_grain text, since timestamptz, until timestamptz)
RETURNS SETOF cost_row
LANGUAGE sql STABLE AS $$
	SELECT a.dimension, a.start, a.key, a.cost_cents, a.calls, a.tokens, a.input_tokens, a.output_tokens,
		a.cached_input_tokens, a.cache_write_tokens, a.reasoning_tokens, a.failed_calls, a.unpriced_calls,
		a.duration_slots, a.duration_calls
	FROM cost_aggregates a
	WHERE a.client_id = client AND a.dimension = of_dimension AND a.grain = of_grain
	AND a.start >= since AND a.start < until
	UNION ALL
	SELECT a.dimension, a.start + a.quarter * interval '15 minutes', a.key, a.cost_cents, a.calls, a.tokens,
		a.input_tokens, a.output_tokens, a.cached_input_tokens, a.cache_write_tokens, a.reasoning_tokens,
		a.failed_calls, a.unpriced_calls, a.duration_slots, a.duration_calls
	FROM cost_aggregates a
	WHERE of_grain = 'quarter'
	AND a.client_id = client AND a.dimension = of_dimension AND a.grain = 'hour'
	AND a.start > since - interval '1 hour' AND a.start < until
	AND a.quarter IS NOT NULL
	AND a.start + a.quarter * interval '15 minutes' >= since AND a.start + a.quarter * interval '15 minutes' < until
	UNION ALL
	SELECT a.dimension, a.start + q.quarter * interval '15 minutes', a.key, q.cost_cents, q.calls, q.tokens,
		q.input_tokens, q.output_tokens, q.cached_input_tokens, q.cache_write_tokens, q.reasoning_tokens,
		q.failed_calls, q.unpriced_calls, a.duration_slots[q.passed - q.durations + 1:q.passed],
		a.duration_calls[q.passed - q.durations + 1:q.passed]
	FROM cost_aggregates a
	CROSS JOIN LATERAL (
		SELECT u.*, sum(u.durations) OVER (ORDER BY u.quarter)::integer AS passed
		FROM unnest(a.quarters) AS u) AS q
	WHERE of_grain = 'quarter'
	AND a.client_id = client AND a.dimension = of_dimension AND a.grain = 'hour'
	AND a.start > since - interval '1 hour' AND a.start < until
	AND a.start + q.quarter * interval '15 minutes' >= since AND a.start + q.quarter * interval '15 minutes' < until
$$;

DROP INDEX chat_logs_failed;
ALTER TABLE rollup_clients DROP COLUMN users_until;
DROP TABLE user_costs;
