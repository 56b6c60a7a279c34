-- Each authorization is changed once, when its record settles it. The new version of its row stands in the page of the
-- old one, and no index has to learn of it, if no index has a column that changes and the page has room for it. So there
-- is no index of what is held: nothing is held for more than an hour, which the primary key finds.

-- migrate:up

DROP INDEX authorizations_held;

-- Makes the day's partition and moves there what the default partition holds of that day. False: it was there.
CREATE OR REPLACE FUNCTION day_partition_add(parent text, day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
	name text := day_partition_name(parent, day);
	stray boolean;
	-- Room for what settles a row: see below.
	storage text := CASE parent WHEN 'authorizations' THEN 'WITH (fillfactor = 40)' ELSE '' END;
BEGIN
	PERFORM day_partition_check(parent);
	IF to_regclass(name) IS NOT NULL THEN
		RETURN false;
	END IF;
	EXECUTE format('LOCK TABLE %I IN SHARE UPDATE EXCLUSIVE MODE', parent);
	IF to_regclass(name) IS NOT NULL THEN
		RETURN false;
	END IF;
	EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE created_at >= $1 AND created_at < $1 + 1)',
		parent || '_default') INTO stray USING day;
	IF NOT stray THEN
		EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L) %s',
			name, parent, day::timestamptz, (day + 1)::timestamptz, storage);
		RETURN true;
	END IF;
	-- No row of the day may come between the move and the attachment.
	EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', parent);
	EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS) %s', name, parent, storage);
	EXECUTE format('WITH moved AS (DELETE FROM %I WHERE created_at >= $1 AND created_at < $1 + 1
		RETURNING *) INSERT INTO %I SELECT * FROM moved', parent || '_default', name) USING day;
	EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
		parent, name, day::timestamptz, (day + 1)::timestamptz);
	RETURN true;
END
$$;

DO $$
DECLARE
	part regclass;
BEGIN
	FOR part IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'authorizations'::regclass LOOP
		EXECUTE format('ALTER TABLE %s SET (fillfactor = 40)', part);
	END LOOP;
END
$$;

-- migrate:down

DO $$
DECLARE
	part regclass;
BEGIN
	FOR part IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'authorizations'::regclass LOOP
		EXECUTE format('ALTER TABLE %s RESET (fillfactor)', part);
	END LOOP;
END
$$;

-- Makes the day's partition and moves there what the default partition holds of that day. False: it was there.
CREATE OR REPLACE FUNCTION day_partition_add(parent text, day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
	name text := day_partition_name(parent, day);
	stray boolean;
BEGIN
	PERFORM day_partition_check(parent);
	IF to_regclass(name) IS NOT NULL THEN
		RETURN false;
	END IF;
	EXECUTE format('LOCK TABLE %I IN SHARE UPDATE EXCLUSIVE MODE', parent);
	IF to_regclass(name) IS NOT NULL THEN
		RETURN false;
	END IF;
	EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE created_at >= $1 AND created_at < $1 + 1)',
		parent || '_default') INTO stray USING day;
	IF NOT stray THEN
		EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
			name, parent, day::timestamptz, (day + 1)::timestamptz);
		RETURN true;
	END IF;
	-- No row of the day may come between the move and the attachment.
	EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', parent);
	EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name, parent);
	EXECUTE format('WITH moved AS (DELETE FROM %I WHERE created_at >= $1 AND created_at < $1 + 1
		RETURNING *) INSERT INTO %I SELECT * FROM moved', parent || '_default', name) USING day;
	EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
		parent, name, day::timestamptz, (day + 1)::timestamptz);
	RETURN true;
END
$$;

CREATE INDEX authorizations_held ON authorizations (client_id, id) WHERE settled_at IS NULL AND voided_at IS NULL;
