-- Rollups: what the log sums to by quarter-hour, hour and day, kept for ever while the log is not.
--
-- What tells that something has changed is ingest_batches: each transaction that stores records stores its batch with
-- them, so whoever sees one sees the other. A batch knows its transaction, and rollup_state the snapshot up to which
-- batches have been collected. A batch is new when it can be seen and that snapshot could not see it: each is collected
-- once, in whatever order transactions commit. Collecting writes down which span of time to sum again (rollup_pending)
-- and moves the snapshot on, in one transaction; the spans are summed again from the log afterwards, whole
-- quarter-hours at a time, so that doing it twice changes nothing.

-- migrate:up

-- The time inside a UUIDv7.
CREATE FUNCTION id_time(id uuid) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT to_timestamp(('x' || left(translate(id::text, '-', ''), 12))::bit(48)::bigint / 1000.0)
$$;

-- The records of a batch lie in these days, in what follows this long before the batch was made, or both. The service
-- names the day of each that is older (INGEST_RECENT_USEC).
CREATE FUNCTION batch_recent() RETURNS interval LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT interval '5 minutes' $$;
-- The latest that a record can be: RECORD_AHEAD_USEC, and that a batch is made behind its requests.
CREATE FUNCTION batch_ahead() RETURNS interval LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT interval '10 minutes' $$;

ALTER TABLE ingest_batches
	-- late_days, once flush has summed them.
	ADD COLUMN summed_days date[],
	-- The transaction that stored the records, as a number that BRIN knows; NULL: there are none.
	ADD COLUMN stored_by bigint DEFAULT pg_current_xact_id()::text::bigint;
-- New batches. They come in the order of their transactions: next to nothing to keep, in the write path.
CREATE INDEX ingest_batches_stored_by ON ingest_batches USING brin (stored_by) WITH (pages_per_range = 16);

-- Not a tenant's: one row.
CREATE TABLE rollup_state (
	one boolean PRIMARY KEY DEFAULT true CHECK (one),
	snapshot pg_snapshot NOT NULL DEFAULT '1:1:',
	collected_at timestamptz
);
INSERT INTO rollup_state DEFAULT VALUES;

-- What has been collected. In a database that was restored elsewhere the numbers of transactions begin anew, and all
-- batches that are left are collected once more.
CREATE FUNCTION rollup_snapshot() RETURNS pg_snapshot
LANGUAGE sql STABLE AS $$
	SELECT CASE WHEN pg_snapshot_xmax(snapshot) <= pg_snapshot_xmax(pg_current_snapshot())
		THEN snapshot ELSE '1:1:'::pg_snapshot END
	FROM rollup_state
$$;

-- Whether a batch has not been collected: batch_is_new(stored_by, rollup_snapshot()), of those from rollup_xmin() on.
CREATE FUNCTION batch_is_new(stored_by bigint, snapshot pg_snapshot) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$ SELECT NOT pg_visible_in_snapshot(stored_by::text::xid8, snapshot) $$;
CREATE FUNCTION rollup_xmin() RETURNS bigint
LANGUAGE sql STABLE AS $$ SELECT pg_snapshot_xmin(rollup_snapshot())::text::bigint $$;

-- The clients whose log has been collected from its beginning, and the zone of their days.
CREATE TABLE rollup_clients (
	client_id uuid PRIMARY KEY REFERENCES clients,
	timezone text NOT NULL,
	timezone_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	-- There are rows by day of the days that were over by then: the open day is read by hours, so that it need not be
	-- summed again with every record.
	days_until timestamptz,
	-- Records before this may be gone from the log: nothing before it is summed again.
	whole_from timestamptz NOT NULL DEFAULT '-infinity'
);
CALL isolate('rollup_clients');

-- The days that a batch names are the client's. How far they may begin and end from where the client's zone has them now:
-- where a clock goes back over midnight, and for a while after the client got another zone.
CREATE FUNCTION rollup_margin(client uuid) RETURNS interval
LANGUAGE sql STABLE AS $$
	SELECT CASE WHEN r.timezone = c.timezone AND r.timezone_at < now() - interval '1 day'
		THEN interval '1 hour' ELSE interval '26 hours' END
	FROM clients c
	LEFT JOIN rollup_clients r ON r.client_id = c.id
	WHERE c.id = client
$$;

-- Spans of time that are to be summed again: [since, until).
CREATE TABLE rollup_pending (
	client_id uuid NOT NULL REFERENCES clients,
	id bigint GENERATED ALWAYS AS IDENTITY,
	since timestamptz NOT NULL,
	until timestamptz NOT NULL CHECK (until > since),
	PRIMARY KEY (client_id, id)
);
CALL isolate('rollup_pending');

-- A row is one group of one bucket. By quarter-hour: 'call' (feature, agent type, provider and model together), 'user'
-- and 'tag'; by hour, and by day of the client's zone once that is over, the four of 'call' by themselves, too, so that each question is
-- answered from as few rows as the answer has groups. The offset of every zone is a multiple of a quarter-hour: a day of
-- any zone is a sum of these rows. There are never more rows of a bucket than it has records.
CREATE TABLE cost_aggregates (
	client_id uuid NOT NULL, -- needs no key of its own: rollup_clients has one
	dimension text NOT NULL CHECK (dimension IN ('call', 'feature', 'agent_type', 'provider', 'model', 'user', 'tag')),
	grain text NOT NULL CHECK (grain IN ('quarter', 'hour', 'day')),
	start timestamptz NOT NULL,
	key text[] COLLATE "C" NOT NULL, -- of 'call': feature, agent type, provider, model; of the others one; NULL: none was given
	cost_cents numeric NOT NULL,
	calls bigint NOT NULL,
	tokens bigint NOT NULL,
	input_tokens bigint NOT NULL,
	output_tokens bigint NOT NULL,
	cached_input_tokens bigint NOT NULL,
	cache_write_tokens bigint NOT NULL,
	reasoning_tokens bigint NOT NULL,
	failed_calls bigint NOT NULL,
	unpriced_calls bigint NOT NULL,
	-- The histogram of durations: numbers of slots, and how many calls fell into each.
	duration_slots bigint[],
	duration_calls bigint[],
	PRIMARY KEY (client_id, dimension, grain, start, key)
) WITH (fillfactor = 80);
CALL isolate('cost_aggregates');

GRANT SELECT ON rollup_state, rollup_clients, rollup_pending, cost_aggregates TO tally_app;
GRANT SELECT, UPDATE ON rollup_state TO tally_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON rollup_clients, rollup_pending, cost_aggregates TO tally_worker;

-- The entries that only ask flush for a day have no records.
CREATE OR REPLACE FUNCTION counter_turn(client uuid, today date, batch_id uuid,
	OUT epoch bigint, OUT day date, OUT bypassed boolean)
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_advisory_xact_lock(counter_lock_key(client));
	UPDATE counter_states s
	SET day = today
	WHERE s.client_id = client AND s.day = today - 1 AND NOT s.bypassed AND s.since > today - 180
	RETURNING s.epoch INTO counter_turn.epoch;
	IF FOUND THEN
		INSERT INTO ingest_batches (client_id, id, epoch, late_days, stored_by)
		VALUES (client, batch_id, counter_turn.epoch, ARRAY[today - 1], NULL);
	END IF;
	SELECT s.epoch, s.day, s.bypassed INTO counter_turn.epoch, counter_turn.day, counter_turn.bypassed
	FROM counter_states s
	WHERE s.client_id = client;
END
$$;

CREATE OR REPLACE FUNCTION counter_open(client uuid, today date, batch_id uuid, OUT epoch bigint, OUT day date)
LANGUAGE plpgsql AS $$
DECLARE
	ended date;
BEGIN
	PERFORM pg_advisory_xact_lock(counter_lock_key(client));
	SELECT s.day INTO ended FROM counter_states s
	WHERE s.client_id = client AND s.day NOT BETWEEN today AND today + 1;
	INSERT INTO counter_states AS s (client_id, epoch, day, since)
	VALUES (client, 1, today, today)
	ON CONFLICT (client_id) DO UPDATE
	SET epoch = s.epoch + 1, day = coalesce(nullif(s.day, ended), excluded.day), bypassed = false, since = today
	RETURNING s.epoch, s.day INTO counter_open.epoch, counter_open.day;
	IF ended IS NOT NULL THEN
		INSERT INTO ingest_batches (client_id, id, epoch, late_days, stored_by)
		VALUES (client, batch_id, counter_open.epoch, ARRAY[ended], NULL);
	END IF;
END
$$;

-- migrate:down

CREATE OR REPLACE FUNCTION counter_turn(client uuid, today date, batch_id uuid,
	OUT epoch bigint, OUT day date, OUT bypassed boolean)
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_advisory_xact_lock(counter_lock_key(client));
	UPDATE counter_states s
	SET day = today
	WHERE s.client_id = client AND s.day = today - 1 AND NOT s.bypassed AND s.since > today - 180
	RETURNING s.epoch INTO counter_turn.epoch;
	IF FOUND THEN
		INSERT INTO ingest_batches (client_id, id, epoch, late_days)
		VALUES (client, batch_id, counter_turn.epoch, ARRAY[today - 1]);
	END IF;
	SELECT s.epoch, s.day, s.bypassed INTO counter_turn.epoch, counter_turn.day, counter_turn.bypassed
	FROM counter_states s
	WHERE s.client_id = client;
END
$$;

CREATE OR REPLACE FUNCTION counter_open(client uuid, today date, batch_id uuid, OUT epoch bigint, OUT day date)
LANGUAGE plpgsql AS $$
DECLARE
	ended date;
BEGIN
	PERFORM pg_advisory_xact_lock(counter_lock_key(client));
	SELECT s.day INTO ended FROM counter_states s
	WHERE s.client_id = client AND s.day NOT BETWEEN today AND today + 1;
	INSERT INTO counter_states AS s (client_id, epoch, day, since)
	VALUES (client, 1, today, today)
	ON CONFLICT (client_id) DO UPDATE
	SET epoch = s.epoch + 1, day = coalesce(nullif(s.day, ended), excluded.day), bypassed = false, since = today
	RETURNING s.epoch, s.day INTO counter_open.epoch, counter_open.day;
	IF ended IS NOT NULL THEN
		INSERT INTO ingest_batches (client_id, id, epoch, late_days)
		VALUES (client, batch_id, counter_open.epoch, ARRAY[ended]);
	END IF;
END
$$;

DROP TABLE cost_aggregates;
DROP TABLE rollup_pending;
DROP FUNCTION rollup_margin(uuid);
DROP TABLE rollup_clients;
DROP FUNCTION rollup_xmin();
DROP FUNCTION batch_is_new(bigint, pg_snapshot);
DROP FUNCTION rollup_snapshot();
DROP TABLE rollup_state;
DROP INDEX ingest_batches_stored_by;
ALTER TABLE ingest_batches DROP COLUMN stored_by, DROP COLUMN summed_days;
DROP FUNCTION batch_ahead();
DROP FUNCTION batch_recent();
DROP FUNCTION id_time(uuid);
