-- The write path's own books: which batches were committed, under which epoch of the counters, and which idempotency
-- keys were used.
--
-- Redis counts a client's open day. An epoch is a span in which that count is complete: one day, one life of Redis, no
-- batch that went past it. A batch announces its sums in Redis under an epoch and commits here only if that epoch still
-- holds (counter_guard). Whoever finds the count broken opens the next epoch (counter_open): the exclusive lock waits
-- for every batch in flight, so from then on each commit was announced under the new epoch, and a sum over the log
-- taken afterwards, together with the batches it contains, can replace the count exactly.

-- migrate:up

CREATE TABLE counter_states (
	client_id uuid PRIMARY KEY REFERENCES clients,
	epoch bigint NOT NULL,
	day date NOT NULL,                      -- the open day, in the client's time zone
	bypassed boolean NOT NULL DEFAULT false -- a batch was committed without being announced
);
CALL isolate('counter_states');

-- Other processes know the state of the client, too, and trust its count until they hear of it.
CREATE FUNCTION notify_bypassed() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_notify('tally_cache', 'counter_states ' || NEW.client_id);
	RETURN NULL;
END
$$;
CREATE TRIGGER counter_states_bypassed AFTER UPDATE ON counter_states
	FOR EACH ROW WHEN (NEW.bypassed AND NOT OLD.bypassed) EXECUTE FUNCTION notify_bypassed();

CREATE TABLE ingest_batches (
	client_id uuid NOT NULL REFERENCES clients,
	id uuid NOT NULL,
	epoch bigint NOT NULL,
	late_days date[],                       -- days other than the open one that flush must sum again
	PRIMARY KEY (client_id, id)
);
-- flush: days to sum again.
CREATE INDEX ingest_batches_late ON ingest_batches (client_id) WHERE late_days IS NOT NULL;
CALL isolate('ingest_batches');

CREATE FUNCTION counter_lock_key(client_id uuid) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$ SELECT hashtextextended(client_id::text, 0) $$;

-- Refuses the transaction (TL001) unless each client's epoch still holds, and keeps it so until the commit.
CREATE FUNCTION counter_guard(client_ids uuid[], epochs bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_advisory_xact_lock_shared(counter_lock_key(c)) FROM unnest(client_ids) AS c;
	IF EXISTS (
		SELECT FROM unnest(client_ids, epochs) AS g (client_id, epoch)
		LEFT JOIN counter_states s ON s.client_id = g.client_id
		WHERE s.epoch IS DISTINCT FROM g.epoch OR s.bypassed)
	THEN
		RAISE EXCEPTION 'the epoch of a counter is over' USING ERRCODE = 'TL001';
	END IF;
END
$$;

-- For batches that could not be announced: says that the epoch's count is not complete any more.
CREATE FUNCTION counter_bypass(client_ids uuid[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_advisory_xact_lock_shared(counter_lock_key(c)) FROM unnest(client_ids) AS c;
	UPDATE counter_states s
	SET bypassed = true
	FROM (
		SELECT client_id FROM counter_states
		WHERE client_id = ANY (client_ids) AND NOT bypassed
		ORDER BY client_id
		FOR UPDATE
	) AS honest
	WHERE s.client_id = honest.client_id;
END
$$;

-- Opens the next epoch. today is the caller's view of the client's day; where the client already is in the next one, that
-- day wins, as clocks differ. A day further ahead was opened by a clock that was wrong: it is left again.
-- A day that ends here is summed once more from the log by flush: batch_id names the entry that asks for it.
CREATE FUNCTION counter_open(client uuid, today date, batch_id uuid, OUT epoch bigint, OUT day date)
LANGUAGE plpgsql AS $$
DECLARE
	ended date;
BEGIN
	PERFORM pg_advisory_xact_lock(counter_lock_key(client));
	SELECT s.day INTO ended FROM counter_states s
	WHERE s.client_id = client AND s.day NOT BETWEEN today AND today + 1;
	INSERT INTO counter_states AS s (client_id, epoch, day)
	VALUES (client, 1, today)
	ON CONFLICT (client_id) DO UPDATE
	SET epoch = s.epoch + 1, day = coalesce(nullif(s.day, ended), excluded.day), bypassed = false
	RETURNING s.epoch, s.day INTO counter_open.epoch, counter_open.day;
	IF ended IS NOT NULL THEN
		INSERT INTO ingest_batches (client_id, id, epoch, late_days)
		VALUES (client, batch_id, counter_open.epoch, ARRAY[ended]);
	END IF;
END
$$;

GRANT SELECT, INSERT, UPDATE ON counter_states TO tally_app, tally_worker;
GRANT SELECT, INSERT ON ingest_batches TO tally_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ingest_batches TO tally_worker;

CREATE TABLE idempotency_keys (
	client_id uuid NOT NULL REFERENCES clients,
	key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
	request_hash bytea NOT NULL CHECK (length(request_hash) = 32),
	status integer,                         -- of the answer; NULL only inside the transaction that makes it
	content_type text,
	sealed boolean NOT NULL DEFAULT false,  -- the answer holds a secret: closed with a key that only the caller has
	body bytea,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (client_id, key)
);
-- purge: keys older than a day.
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);
CALL isolate('idempotency_keys');

GRANT SELECT, INSERT, UPDATE ON idempotency_keys TO tally_app;
GRANT SELECT, DELETE ON idempotency_keys TO tally_worker;

-- migrate:down

DROP TABLE idempotency_keys;
DROP FUNCTION counter_open(uuid, date, uuid);
DROP FUNCTION counter_bypass(uuid[]);
DROP FUNCTION counter_guard(uuid[], bigint[]);
DROP FUNCTION counter_lock_key(uuid);
DROP TABLE ingest_batches;
DROP TABLE counter_states;
DROP FUNCTION notify_bypassed();
