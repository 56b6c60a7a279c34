-- An epoch outlives the day: the day is one bucket among those that Redis counts, and the others are the budgets'. What a
-- budget counts is the same as long as an epoch lasts.

-- migrate:up

-- A total that is never reset has no end at which Redis may forget it, so no epoch lasts for ever.
ALTER TABLE counter_states ADD COLUMN since date NOT NULL DEFAULT current_date;

DROP FUNCTION counter_guard(uuid[], bigint[]);

-- Refuses the transaction (TL001) unless each client's epoch and day still hold, and keeps them so until the commit.
CREATE FUNCTION counter_guard(client_ids uuid[], epochs bigint[], days date[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_advisory_xact_lock_shared(counter_lock_key(c)) FROM unnest(client_ids) AS c;
	IF EXISTS (
		SELECT FROM unnest(client_ids, epochs, days) AS g (client_id, epoch, day)
		LEFT JOIN counter_states s ON s.client_id = g.client_id
		WHERE (s.epoch, s.day) IS DISTINCT FROM (g.epoch, g.day) OR s.bypassed)
	THEN
		RAISE EXCEPTION 'the epoch of a counter is over' USING ERRCODE = 'TL001';
	END IF;
END
$$;

-- Ends the day before today, if that is the open one, and goes on in the same epoch: Redis counts the day that follows
-- the open one as well. The lock waits for every batch in flight; flush sums the ended day once more from the log.
-- Any other day needs counter_open.
CREATE FUNCTION counter_turn(client uuid, today date, batch_id uuid,
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

-- A new budget, or one that counts calls without a price in another way, needs other sums than the epoch has: the epoch
-- ends with the change. Every other change is told, so that it holds at once.
CREATE FUNCTION budgets_changed() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'INSERT' OR (TG_OP = 'UPDATE' AND
		(NEW.unpriced, NEW.fallback_rate) IS DISTINCT FROM (OLD.unpriced, OLD.fallback_rate))
	THEN
		PERFORM counter_bypass(ARRAY[NEW.client_id]);
	END IF;
	PERFORM pg_notify('tally_cache', 'counter_states ' || coalesce(NEW.client_id, OLD.client_id));
	RETURN NULL;
END
$$;
CREATE TRIGGER budgets_changed AFTER INSERT OR UPDATE OR DELETE ON budgets
	FOR EACH ROW EXECUTE FUNCTION budgets_changed();

-- migrate:down

DROP TRIGGER budgets_changed ON budgets;
DROP FUNCTION budgets_changed();
DROP FUNCTION counter_turn(uuid, date, uuid);
DROP FUNCTION counter_guard(uuid[], bigint[], date[]);

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

CREATE OR REPLACE FUNCTION counter_open(client uuid, today date, batch_id uuid, OUT epoch bigint, OUT day date)
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
ALTER TABLE counter_states DROP COLUMN since;
