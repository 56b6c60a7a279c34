-- Rollups with a third of the rows: an hour's row holds what it has of each quarter-hour, and the rows by quarter-hour go.
-- Hours may be forgotten after a time (rollup_hours_days), days stay.

-- migrate:up

-- What a row by hour has of a quarter-hour: 0 is the first. durations: how many of the row's duration_slots are its own,
-- behind those of the elements before.
CREATE TYPE cost_quarter AS (
	quarter smallint,
	cost_cents numeric,
	calls bigint,
	tokens bigint,
	input_tokens bigint,
	output_tokens bigint,
	cached_input_tokens bigint,
	cache_write_tokens bigint,
	reasoning_tokens bigint,
	failed_calls bigint,
	unpriced_calls bigint,
	durations integer
);

-- One array behind the other.
CREATE AGGREGATE array_join(anycompatiblearray) (SFUNC = array_cat, STYPE = anycompatiblearray);

-- As sum(), which counts in numeric.
CREATE AGGREGATE add_up(bigint) (SFUNC = int8pl, STYPE = bigint, INITCOND = '0', PARALLEL = SAFE);

ALTER TABLE cost_aggregates
	-- Of rows by hour of 'call', 'user' and 'tag': the quarter-hour in which all of it lies, or each of them. In the histogram
	-- of such a row a slot may come once for each.
	ADD COLUMN quarter smallint,
	ADD COLUMN quarters cost_quarter[];

UPDATE cost_aggregates h
SET quarter = CASE WHEN q.count = 1 THEN q.least END,
	quarters = CASE WHEN q.count > 1 THEN q.list END,
	duration_slots = q.slots,
	duration_calls = q.slot_calls
FROM (
	SELECT client_id, dimension, date_bin('1 hour', start, 'epoch') AS hour, key, count(*), min(part) AS least,
		array_agg(ROW(part, cost_cents, calls, tokens, input_tokens, output_tokens, cached_input_tokens,
			cache_write_tokens, reasoning_tokens, failed_calls, unpriced_calls,
			coalesce(cardinality(duration_slots), 0))::cost_quarter ORDER BY part) AS list,
		array_join(duration_slots ORDER BY part) AS slots,
		array_join(duration_calls ORDER BY part) AS slot_calls
	FROM (
		SELECT *, (extract(epoch FROM start)::bigint / 900 % 4)::smallint AS part
		FROM cost_aggregates
		WHERE grain = 'quarter') AS parts
	GROUP BY 1, 2, 3, 4) AS q
WHERE h.grain = 'hour'
AND (h.client_id, h.dimension, h.start, h.key) = (q.client_id, q.dimension, q.hour, q.key);

DELETE FROM cost_aggregates WHERE grain = 'quarter';
ALTER TABLE cost_aggregates DROP CONSTRAINT cost_aggregates_grain_check;
ALTER TABLE cost_aggregates ADD CONSTRAINT cost_aggregates_grain_check CHECK (grain IN ('hour', 'day'));

-- A type of its own for the collation of the key: with another one no index on key[1] would be used.
CREATE TYPE cost_row AS (dimension text, start timestamptz, key text[] COLLATE "C", cost_cents numeric, calls bigint,
	tokens bigint, input_tokens bigint, output_tokens bigint, cached_input_tokens bigint, cache_write_tokens bigint,
	reasoning_tokens bigint, failed_calls bigint, unpriced_calls bigint, duration_slots bigint[], duration_calls bigint[]);

-- The rows of a grain between two instants; 'quarter' of 'call', 'user' and 'tag'. Simple enough for the planner to see
-- through.
CREATE FUNCTION cost_rows(client uuid, of_dimension text, of_grain text, since timestamptz, until timestamptz)
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

-- What the log says of these ids and times, as rows by hour: it is read once for all kinds of rows. hours_since is where
-- the hour of since begins: what is kept of it from before since is added. bounds: of the slots of the histogram behind the
-- first. name is the key as one text, which sorts much faster than an array.
CREATE FUNCTION log_hours(client uuid, first_id uuid, last_id uuid, since timestamptz, until timestamptz, bounds bigint[],
	hours_since timestamptz)
RETURNS SETOF cost_aggregates LANGUAGE sql STABLE AS $$
	WITH log AS MATERIALIZED (
		-- kind is 3 for calls, 1 for users, 2 for lists of tags.
		SELECT GROUPING(l.user_id, l.tags) AS kind, l.start, l.slot, l.user_id, l.tags, l.feature, l.agent_type, l.provider,
			l.model, coalesce(sum(l.cost), 0) AS cost_cents, count(*) AS calls,
			add_up(l.tokens_used) AS tokens,
			add_up(l.input_tokens) AS input_tokens,
			add_up(l.output_tokens) AS output_tokens,
			add_up(l.cached_input_tokens) AS cached_input_tokens,
			add_up(l.cache_write_tokens) AS cache_write_tokens,
			add_up(l.reasoning_tokens) AS reasoning_tokens,
			count(*) FILTER (WHERE NOT l.success) AS failed_calls,
			count(*) FILTER (WHERE l.cost IS NULL) AS unpriced_calls
		FROM (
			SELECT *, date_bin('15 minutes', c.created_at, 'epoch') AS start,
				width_bucket(c.duration_ms, bounds)::bigint AS slot,
				coalesce(c.verified_cost_cents, c.estimated_cost_cents) AS cost
			FROM chat_logs c
			WHERE c.client_id = client AND c.id >= first_id AND c.id < last_id
			AND c.created_at >= since AND c.created_at < until) AS l
		GROUP BY GROUPING SETS ((l.start, l.slot, l.feature, l.agent_type, l.provider, l.model),
			(l.user_id, l.start, l.slot), (l.start, l.slot, l.tags))),
	keyed AS (
		SELECT text 'call' COLLATE "C" AS dimension, start,
			ARRAY[feature, agent_type, provider, model]::text COLLATE "C" AS name, slot,
			cost_cents, calls, tokens, input_tokens, output_tokens, cached_input_tokens, cache_write_tokens,
			reasoning_tokens, failed_calls, unpriced_calls
		FROM log
		WHERE kind = 3
		UNION ALL
		SELECT text 'user' COLLATE "C", start, user_id::text COLLATE "C", slot,
			cost_cents, calls, tokens, input_tokens, output_tokens, cached_input_tokens, cache_write_tokens,
			reasoning_tokens, failed_calls, unpriced_calls
		FROM log
		WHERE kind = 1
		UNION ALL
		-- A call with two tags is in two groups, and one without any in that of none.
		SELECT text 'tag' COLLATE "C", start, t.tag COLLATE "C", slot,
			sum(cost_cents) AS cost_cents, add_up(calls) AS calls, add_up(tokens) AS tokens,
			add_up(input_tokens) AS input_tokens, add_up(output_tokens) AS output_tokens,
			add_up(cached_input_tokens) AS cached_input_tokens,
			add_up(cache_write_tokens) AS cache_write_tokens,
			add_up(reasoning_tokens) AS reasoning_tokens,
			add_up(failed_calls) AS failed_calls, add_up(unpriced_calls) AS unpriced_calls
		FROM log
		CROSS JOIN LATERAL unnest(CASE coalesce(cardinality(tags), 0)
			WHEN 0 THEN ARRAY[NULL::text]
			WHEN 1 THEN tags
			ELSE ARRAY(SELECT DISTINCT u.tag FROM unnest(tags) AS u (tag)) END) AS t (tag)
		WHERE kind = 2
		GROUP BY start, t.tag, slot),
	-- Each group comes in the same order each time, so that what has not changed is seen to be equal.
	quarters AS MATERIALIZED (
		SELECT dimension, name, start, sum(cost_cents) AS cost_cents, add_up(calls) AS calls, add_up(tokens) AS tokens,
			add_up(input_tokens) AS input_tokens, add_up(output_tokens) AS output_tokens,
			add_up(cached_input_tokens) AS cached_input_tokens,
			add_up(cache_write_tokens) AS cache_write_tokens,
			add_up(reasoning_tokens) AS reasoning_tokens,
			add_up(failed_calls) AS failed_calls, add_up(unpriced_calls) AS unpriced_calls,
			array_agg(slot) FILTER (WHERE slot IS NOT NULL) AS duration_slots,
			array_agg(calls) FILTER (WHERE slot IS NOT NULL) AS duration_calls
		FROM (SELECT * FROM keyed ORDER BY dimension, name, start, slot) AS k
		GROUP BY dimension, name, start
		UNION ALL
		SELECT r.dimension COLLATE "C",
			CASE r.dimension WHEN 'call' THEN r.key::text ELSE r.key[1] END COLLATE "C", r.start,
			cost_cents, calls, tokens, input_tokens, output_tokens, cached_input_tokens, cache_write_tokens,
			reasoning_tokens, failed_calls, unpriced_calls,
			r.duration_slots, r.duration_calls
		FROM (VALUES ('call'), ('user'), ('tag')) AS d (dimension)
		CROSS JOIN LATERAL cost_rows(client, d.dimension, 'quarter', hours_since, since) AS r),
	hours AS (
		SELECT dimension, hour, name, sum(cost_cents) AS cost_cents, add_up(calls) AS calls, add_up(tokens) AS tokens,
			add_up(input_tokens) AS input_tokens, add_up(output_tokens) AS output_tokens,
			add_up(cached_input_tokens) AS cached_input_tokens,
			add_up(cache_write_tokens) AS cache_write_tokens,
			add_up(reasoning_tokens) AS reasoning_tokens,
			add_up(failed_calls) AS failed_calls, add_up(unpriced_calls) AS unpriced_calls,
			array_join(duration_slots) AS duration_slots, array_join(duration_calls) AS duration_calls,
			CASE WHEN count(*) = 1 THEN min(place) END AS quarter,
			CASE WHEN count(*) > 1 THEN array_agg(ROW(place, cost_cents, calls, tokens, input_tokens, output_tokens, cached_input_tokens, cache_write_tokens,
			reasoning_tokens, failed_calls, unpriced_calls,
				coalesce(cardinality(duration_slots), 0))::cost_quarter) END AS quarters
		FROM (
			SELECT *, date_bin('1 hour', start, 'epoch') AS hour,
				(extract(epoch FROM start)::bigint / 900 % 4)::smallint AS place
			FROM quarters
			ORDER BY dimension, name, hour, start) AS q
		GROUP BY dimension, name, hour),
	singles AS MATERIALIZED (
		SELECT d.dimension, date_bin('1 hour', q.start, 'epoch') AS start, d.key, cost_cents, calls, tokens, input_tokens, output_tokens, cached_input_tokens, cache_write_tokens,
			reasoning_tokens, failed_calls, unpriced_calls,
			duration_slots, duration_calls
		FROM quarters q
		CROSS JOIN LATERAL (VALUES ('feature', (q.name::text[])[1:1]), ('agent_type', (q.name::text[])[2:2]), ('provider', (q.name::text[])[3:3]),
			('model', (q.name::text[])[4:4])) AS d (dimension, key)
		WHERE q.dimension = 'call'),
	slots AS (
		SELECT dimension, start, key, slot, add_up(calls) AS calls
		FROM (
			SELECT dimension, start, key, unnest(duration_slots) AS slot, unnest(duration_calls) AS calls
			FROM singles) AS u
		GROUP BY dimension, start, key, slot),
	histograms AS (
		SELECT dimension, start, key, array_agg(slot) AS duration_slots, array_agg(calls) AS duration_calls
		FROM (SELECT * FROM slots ORDER BY dimension, start, key, slot) AS s
		GROUP BY dimension, start, key),
	totals AS (
		SELECT dimension, start, key, sum(cost_cents) AS cost_cents, add_up(calls) AS calls, add_up(tokens) AS tokens,
			add_up(input_tokens) AS input_tokens, add_up(output_tokens) AS output_tokens,
			add_up(cached_input_tokens) AS cached_input_tokens,
			add_up(cache_write_tokens) AS cache_write_tokens,
			add_up(reasoning_tokens) AS reasoning_tokens,
			add_up(failed_calls) AS failed_calls, add_up(unpriced_calls) AS unpriced_calls
		FROM singles
		GROUP BY dimension, start, key)
	SELECT client, dimension, 'hour', hour, CASE dimension WHEN 'call' THEN name::text[] ELSE ARRAY[name] END,
		cost_cents, calls, tokens, input_tokens, output_tokens, cached_input_tokens, cache_write_tokens,
			reasoning_tokens, failed_calls, unpriced_calls,
		duration_slots, duration_calls, quarter, quarters
	FROM hours
	UNION ALL
	SELECT client, dimension, 'hour', start, key, cost_cents, calls, tokens, input_tokens, output_tokens, cached_input_tokens, cache_write_tokens,
			reasoning_tokens, failed_calls, unpriced_calls,
		duration_slots, duration_calls, NULL::smallint, NULL::cost_quarter[]
	FROM totals
	LEFT JOIN histograms USING (dimension, start, key)
$$;

-- The rows of a day from those of a grain.
CREATE FUNCTION day_rows(client uuid, of_grain text, since timestamptz, until timestamptz)
RETURNS SETOF cost_aggregates LANGUAGE sql STABLE AS $$
	WITH kept AS MATERIALIZED (
		SELECT r.*
		FROM (VALUES ('call'), ('user'), ('tag')) AS d (dimension)
		CROSS JOIN LATERAL cost_rows(client, d.dimension, of_grain, since, until) AS r),
	source AS MATERIALIZED (
		SELECT dimension, since AS start, key, cost_cents, calls, tokens, input_tokens, output_tokens, cached_input_tokens, cache_write_tokens,
			reasoning_tokens, failed_calls, unpriced_calls,
			duration_slots, duration_calls
		FROM kept
		UNION ALL
		SELECT d.dimension, since, d.key, cost_cents, calls, tokens, input_tokens, output_tokens, cached_input_tokens, cache_write_tokens,
			reasoning_tokens, failed_calls, unpriced_calls,
			duration_slots, duration_calls
		FROM kept k
		CROSS JOIN LATERAL (VALUES ('feature', k.key[1:1]), ('agent_type', k.key[2:2]), ('provider', k.key[3:3]),
			('model', k.key[4:4])) AS d (dimension, key)
		WHERE k.dimension = 'call'),
	slots AS (
		SELECT dimension, start, key, slot, add_up(calls) AS calls
		FROM (
			SELECT dimension, start, key, unnest(duration_slots) AS slot, unnest(duration_calls) AS calls
			FROM source) AS u
		GROUP BY dimension, start, key, slot),
	histograms AS (
		SELECT dimension, start, key, array_agg(slot) AS duration_slots, array_agg(calls) AS duration_calls
		FROM (SELECT * FROM slots ORDER BY dimension, start, key, slot) AS s
		GROUP BY dimension, start, key),
	totals AS (
		SELECT dimension, start, key, sum(cost_cents) AS cost_cents, add_up(calls) AS calls, add_up(tokens) AS tokens,
			add_up(input_tokens) AS input_tokens, add_up(output_tokens) AS output_tokens,
			add_up(cached_input_tokens) AS cached_input_tokens,
			add_up(cache_write_tokens) AS cache_write_tokens,
			add_up(reasoning_tokens) AS reasoning_tokens,
			add_up(failed_calls) AS failed_calls, add_up(unpriced_calls) AS unpriced_calls
		FROM source
		GROUP BY dimension, start, key)
	SELECT client, dimension, 'day', start, key, cost_cents, calls, tokens, input_tokens, output_tokens, cached_input_tokens, cache_write_tokens,
			reasoning_tokens, failed_calls, unpriced_calls,
		duration_slots, duration_calls, NULL::smallint, NULL::cost_quarter[]
	FROM totals
	LEFT JOIN histograms USING (dimension, start, key)
$$;

-- The database cluster in which the snapshot was taken. Another counts its transactions from elsewhere.
ALTER TABLE rollup_state ADD COLUMN cluster bigint;
UPDATE rollup_state SET cluster = (SELECT system_identifier FROM pg_control_system());

-- What has been collected. In a database that was restored elsewhere that is nothing: all batches that are left are
-- collected once more.
CREATE OR REPLACE FUNCTION rollup_snapshot() RETURNS pg_snapshot
LANGUAGE sql STABLE AS $$
	SELECT CASE WHEN cluster = (SELECT system_identifier FROM pg_control_system())
		AND pg_snapshot_xmax(snapshot) <= pg_snapshot_xmax(pg_current_snapshot())
		THEN snapshot ELSE '1:1:'::pg_snapshot END
	FROM rollup_state
$$;

ALTER TABLE rollup_clients
	-- There are rows by hour from here on,
	ADD COLUMN hours_from timestamptz NOT NULL DEFAULT '-infinity',
	-- and by day of the client's zone.
	ADD COLUMN days_from timestamptz NOT NULL DEFAULT '-infinity',
	-- From here on the days that daily_costs has are of that zone, too.
	ADD COLUMN closed_from timestamptz NOT NULL DEFAULT '-infinity';

-- A client that changes its zone and takes it back before rollup looks has stored batches that name days of the other.
CREATE FUNCTION note_timezone() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
	UPDATE rollup_clients SET timezone_at = clock_timestamp() WHERE client_id = NEW.id;
	RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION note_timezone() FROM PUBLIC;
CREATE TRIGGER clients_timezone AFTER UPDATE OF timezone ON clients
	FOR EACH ROW WHEN (NEW.timezone <> OLD.timezone) EXECUTE FUNCTION note_timezone();

-- migrate:down

DROP TRIGGER clients_timezone ON clients;
DROP FUNCTION note_timezone();
ALTER TABLE rollup_clients DROP COLUMN closed_from, DROP COLUMN days_from, DROP COLUMN hours_from;

CREATE OR REPLACE FUNCTION rollup_snapshot() RETURNS pg_snapshot
LANGUAGE sql STABLE AS $$
	SELECT CASE WHEN pg_snapshot_xmax(snapshot) <= pg_snapshot_xmax(pg_current_snapshot())
		THEN snapshot ELSE '1:1:'::pg_snapshot END
	FROM rollup_state
$$;
ALTER TABLE rollup_state DROP COLUMN cluster;

ALTER TABLE cost_aggregates DROP CONSTRAINT cost_aggregates_grain_check;
ALTER TABLE cost_aggregates ADD CONSTRAINT cost_aggregates_grain_check CHECK (grain IN ('quarter', 'hour', 'day'));
INSERT INTO cost_aggregates (client_id, dimension, grain, start, key, cost_cents, calls, tokens, input_tokens, output_tokens,
	cached_input_tokens, cache_write_tokens, reasoning_tokens, failed_calls, unpriced_calls, duration_slots, duration_calls)
SELECT c.client_id, d.dimension, 'quarter', r.start, r.key, r.cost_cents, r.calls, r.tokens, r.input_tokens, r.output_tokens,
	r.cached_input_tokens, r.cache_write_tokens, r.reasoning_tokens, r.failed_calls, r.unpriced_calls,
	nullif(r.duration_slots, '{}'), nullif(r.duration_calls, '{}')
FROM rollup_clients c
CROSS JOIN (VALUES ('call'), ('user'), ('tag')) AS d (dimension)
CROSS JOIN LATERAL cost_rows(c.client_id, d.dimension, 'quarter', '-infinity', 'infinity') AS r;

DROP FUNCTION day_rows(uuid, text, timestamptz, timestamptz);
DROP FUNCTION log_hours(uuid, uuid, uuid, timestamptz, timestamptz, bigint[], timestamptz);
DROP FUNCTION cost_rows(uuid, text, text, timestamptz, timestamptz);
DROP TYPE cost_row;
ALTER TABLE cost_aggregates DROP COLUMN quarters, DROP COLUMN quarter;
DROP AGGREGATE add_up(bigint);
DROP AGGREGATE array_join(anycompatiblearray);
DROP TYPE cost_quarter;
