-- Which batches have not been collected is part of every question to analytics: it costs next to nothing now where there
-- are none, and the others' batches cost little.
--
-- Of BRIN, whatever had come since the last VACUUM was read, up to a fifth of the table, and then the rest of a range of
-- 16 pages. In a B-tree each row has an entry of its own, which is found without reading others. They come in the order
-- of their transactions, so they are appended to its last page.

-- migrate:up

DROP INDEX ingest_batches_stored_by;
-- With the client, so that the rows of others are not read.
CREATE INDEX ingest_batches_stored_by ON ingest_batches (stored_by, client_id);
-- The same number, without a text between: it makes up for what the index costs.
ALTER TABLE ingest_batches ALTER COLUMN stored_by SET DEFAULT txid_current();

-- To read pg_control takes longer than the rest. A server that has not been started again is still of its cluster.
ALTER TABLE rollup_state ADD COLUMN server_started_at timestamptz;

-- Not to be inlined: it is not even prepared where it is not asked.
CREATE FUNCTION cluster_is(cluster bigint) RETURNS boolean
LANGUAGE sql STABLE AS $$ SELECT $1 = system_identifier FROM pg_control_system() $$;

-- What has been collected, and from which transaction on one may be missing. In a database that was restored elsewhere
-- that is nothing: all batches that are left are collected once more. A view becomes a part of the statement that reads it,
-- a function would be planned by itself each time.
CREATE VIEW rollup_seen WITH (security_invoker = true) AS
SELECT snapshot, pg_snapshot_xmin(snapshot)::text::bigint AS oldest
FROM (
	SELECT CASE WHEN (server_started_at = pg_postmaster_start_time() OR cluster_is(cluster))
		AND pg_snapshot_xmax(snapshot) <= pg_snapshot_xmax(pg_current_snapshot())
		THEN snapshot ELSE '1:1:'::pg_snapshot END AS snapshot
	FROM rollup_state) AS s;

GRANT SELECT ON rollup_seen TO tally_app, tally_worker;

CREATE OR REPLACE FUNCTION rollup_snapshot() RETURNS pg_snapshot
LANGUAGE sql STABLE AS $$ SELECT snapshot FROM rollup_seen $$;
-- For the programs of the version before, until each has been started again.
CREATE OR REPLACE FUNCTION rollup_xmin() RETURNS bigint
LANGUAGE sql STABLE AS $$ SELECT oldest FROM rollup_seen $$;

-- migrate:down

CREATE OR REPLACE FUNCTION rollup_snapshot() RETURNS pg_snapshot
LANGUAGE sql STABLE AS $$
	SELECT CASE WHEN cluster = (SELECT system_identifier FROM pg_control_system())
		AND pg_snapshot_xmax(snapshot) <= pg_snapshot_xmax(pg_current_snapshot())
		THEN snapshot ELSE '1:1:'::pg_snapshot END
	FROM rollup_state
$$;
CREATE OR REPLACE FUNCTION rollup_xmin() RETURNS bigint
LANGUAGE sql STABLE AS $$ SELECT pg_snapshot_xmin(rollup_snapshot())::text::bigint $$;
DROP VIEW rollup_seen;
DROP FUNCTION cluster_is(bigint);
ALTER TABLE rollup_state DROP COLUMN server_started_at;

ALTER TABLE ingest_batches ALTER COLUMN stored_by SET DEFAULT pg_current_xact_id()::text::bigint;
DROP INDEX ingest_batches_stored_by;
CREATE INDEX ingest_batches_stored_by ON ingest_batches USING brin (stored_by) WITH (pages_per_range = 16);
