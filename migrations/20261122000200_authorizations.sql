-- Authorizations: what is held in budgets for calls that are about to be made. Redis holds the amounts; the rows are what
-- they are rebuilt from. Partitioned as the log is: an id is a UUIDv7 whose time is created_at.

-- migrate:up

CREATE TABLE authorizations (
	client_id uuid NOT NULL,
	id uuid NOT NULL,
	created_at timestamptz NOT NULL,
	expires_at timestamptz NOT NULL,
	-- The call, as budgets see it. A user may be authorized before the first record makes it, so there is no foreign key:
	-- users_authorizations below takes its place.
	user_id uuid,
	user_tier text CHECK (user_tier IN ('anonymous', 'free', 'premium', 'enterprise')),
	api_key_id uuid,
	session_id uuid,
	agent_session_id uuid,
	feature text CHECK (length(feature) <= 80),
	provider text CHECK (length(provider) <= 80),
	model text CHECK (length(model) <= 160),
	tags text[],
	held_cents numeric(20, 7) CHECK (held_cents >= 0), -- NULL: the call's price is not known
	held_tokens bigint CHECK (held_tokens >= 0),
	model_pricing_id uuid,                             -- of the quote; NULL: the caller gave the amount
	settled_at timestamptz,
	settled_by uuid,                                   -- the record; settled once, for ever
	cost_cents numeric(20, 7) CHECK (cost_cents >= 0), -- of that record
	voided_at timestamptz,
	PRIMARY KEY (client_id, id, created_at),
	-- The longest life bounds the search for what is held.
	CHECK (expires_at - created_at BETWEEN interval '0' AND interval '1 hour'),
	CHECK ((settled_at IS NULL) = (settled_by IS NULL)),
	CHECK (cost_cents IS NULL OR settled_at IS NOT NULL)
) PARTITION BY RANGE (created_at);

-- What is held: for rebuilding the counters.
CREATE INDEX authorizations_held ON authorizations (client_id, id) WHERE settled_at IS NULL AND voided_at IS NULL;
-- The erasure of a person.
CREATE INDEX authorizations_user_id ON authorizations (client_id, user_id) WHERE user_id IS NOT NULL;

CALL isolate('authorizations');
CREATE TABLE authorizations_default PARTITION OF authorizations DEFAULT;

GRANT SELECT, INSERT, UPDATE (settled_at, settled_by, cost_cents, voided_at) ON authorizations TO tally_app;
GRANT SELECT, UPDATE (user_id) ON authorizations TO tally_worker;

-- What a foreign key with ON DELETE SET NULL would do.
CREATE FUNCTION forget_user_of_authorizations() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
	UPDATE authorizations SET user_id = NULL WHERE client_id = OLD.client_id AND user_id = OLD.id;
	RETURN NULL;
END
$$;
CREATE TRIGGER users_authorizations AFTER DELETE ON users
	FOR EACH ROW EXECUTE FUNCTION forget_user_of_authorizations();

-- The log's functions for partitions, now for every table that has a partition for each UTC day and a default one.
DROP FUNCTION chat_logs_drop_partition(date), chat_logs_add_partition(date), chat_logs_partition_name(date);

CREATE FUNCTION day_partition_name(parent text, day date) RETURNS text
LANGUAGE sql IMMUTABLE AS $$ SELECT parent || '_' || to_char(day, 'YYYYMMDD') $$;

-- The jobs may name these tables and no other.
CREATE FUNCTION day_partition_check(parent text) RETURNS void
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	IF parent NOT IN ('chat_logs', 'authorizations') THEN
		RAISE EXCEPTION '% has no partitions by day', parent USING ERRCODE = 'invalid_parameter_value';
	END IF;
END
$$;

-- Makes the day's partition and moves there what the default partition holds of that day. False: it was there.
CREATE FUNCTION day_partition_add(parent text, day date) RETURNS boolean
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

CREATE FUNCTION day_partition_drop(parent text, day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
	PERFORM day_partition_check(parent);
	IF to_regclass(day_partition_name(parent, day)) IS NULL THEN
		RETURN false;
	END IF;
	EXECUTE format('DROP TABLE %I', day_partition_name(parent, day));
	RETURN true;
END
$$;

REVOKE ALL ON FUNCTION day_partition_add(text, date), day_partition_drop(text, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION day_partition_add(text, date), day_partition_drop(text, date) TO tally_worker;

-- migrate:down

DROP FUNCTION day_partition_drop(text, date), day_partition_add(text, date), day_partition_check(text),
	day_partition_name(text, date);

CREATE FUNCTION chat_logs_partition_name(day date) RETURNS text
LANGUAGE sql IMMUTABLE AS $$ SELECT 'chat_logs_' || to_char(day, 'YYYYMMDD') $$;

-- Makes the day's partition and moves there what the default partition holds of that day. False: it was there.
CREATE FUNCTION chat_logs_add_partition(day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
	name text := chat_logs_partition_name(day);
	stray boolean;
BEGIN
	IF to_regclass(name) IS NOT NULL THEN
		RETURN false;
	END IF;
	LOCK TABLE chat_logs IN SHARE UPDATE EXCLUSIVE MODE;
	IF to_regclass(name) IS NOT NULL THEN
		RETURN false;
	END IF;
	SELECT EXISTS (SELECT FROM chat_logs_default WHERE created_at >= day AND created_at < day + 1) INTO stray;
	IF NOT stray THEN
		EXECUTE format('CREATE TABLE %I PARTITION OF chat_logs FOR VALUES FROM (%L) TO (%L)',
			name, day::timestamptz, (day + 1)::timestamptz);
		RETURN true;
	END IF;
	-- No record of the day may come between the move and the attachment.
	LOCK TABLE chat_logs IN ACCESS EXCLUSIVE MODE;
	EXECUTE format('CREATE TABLE %I (LIKE chat_logs INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
	EXECUTE format('WITH moved AS (DELETE FROM chat_logs_default WHERE created_at >= $1 AND created_at < $1 + 1
		RETURNING *) INSERT INTO %I SELECT * FROM moved', name) USING day;
	EXECUTE format('ALTER TABLE chat_logs ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
		name, day::timestamptz, (day + 1)::timestamptz);
	RETURN true;
END
$$;

CREATE FUNCTION chat_logs_drop_partition(day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
	IF to_regclass(chat_logs_partition_name(day)) IS NULL THEN
		RETURN false;
	END IF;
	EXECUTE format('DROP TABLE %I', chat_logs_partition_name(day));
	RETURN true;
END
$$;

REVOKE ALL ON FUNCTION chat_logs_add_partition(date), chat_logs_drop_partition(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION chat_logs_add_partition(date), chat_logs_drop_partition(date) TO tally_worker;

DROP TRIGGER users_authorizations ON users;
DROP FUNCTION forget_user_of_authorizations();
DROP TABLE authorizations;
