-- Quarter-hours out of rows by hour in one pass over them, without a sort of the four for each row: where the histogram of
-- one begins follows from how long those before it are, and they are kept in order.

-- migrate:up

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
	SELECT a.dimension, a.start + q.quarter * interval '15 minutes', a.key, q.cost_cents, q.calls, q.tokens,
		q.input_tokens, q.output_tokens, q.cached_input_tokens, q.cache_write_tokens, q.reasoning_tokens,
		q.failed_calls, q.unpriced_calls, q.duration_slots, q.duration_calls
	FROM (SELECT since - interval '1 hour' AS before OFFSET 0) AS first
	CROSS JOIN cost_aggregates a
	CROSS JOIN LATERAL (
		SELECT a.quarter, a.cost_cents, a.calls, a.tokens, a.input_tokens, a.output_tokens, a.cached_input_tokens,
			a.cache_write_tokens, a.reasoning_tokens, a.failed_calls, a.unpriced_calls,
			a.duration_slots, a.duration_calls
		WHERE a.quarter IS NOT NULL
		UNION ALL
		SELECT u.quarter, u.cost_cents, u.calls, u.tokens, u.input_tokens, u.output_tokens, u.cached_input_tokens,
			u.cache_write_tokens, u.reasoning_tokens, u.failed_calls, u.unpriced_calls,
			a.duration_slots[u.passed + 1:u.passed + u.durations],
			a.duration_calls[u.passed + 1:u.passed + u.durations]
		FROM (
			SELECT *, CASE WHEN n > 1 THEN (a.quarters[1]).durations ELSE 0 END
				+ CASE WHEN n > 2 THEN (a.quarters[2]).durations ELSE 0 END
				+ CASE WHEN n > 3 THEN (a.quarters[3]).durations ELSE 0 END AS passed
			FROM unnest(a.quarters) WITH ORDINALITY AS e (quarter, cost_cents, calls, tokens, input_tokens,
				output_tokens, cached_input_tokens, cache_write_tokens, reasoning_tokens, failed_calls,
				unpriced_calls, durations, n)) AS u) AS q
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
