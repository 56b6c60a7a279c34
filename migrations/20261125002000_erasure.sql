-- The erasure of persons: what was asked for and what became of it, the memory that keeps an erased person from coming
-- back with a record that was on its way, and what may be taken out of the audit log.

-- migrate:up

-- A receipt says what was removed, and not of whom.
CREATE TABLE erasures (
	client_id uuid NOT NULL REFERENCES clients,
	id uuid NOT NULL,
	user_id uuid,                          -- until erased_at
	origin text NOT NULL CHECK (origin IN ('api', 'command', 'purge')),
	api_key_id uuid,                       -- who asked; NULL: no key
	request_id text,
	requested_at timestamptz NOT NULL,
	erased_at timestamptz,                 -- from here on nothing of the person is in PostgreSQL
	finished_at timestamptz,               -- nor in Redis
	removed jsonb NOT NULL DEFAULT '{}',   -- rows by table
	PRIMARY KEY (client_id, id),
	CHECK ((user_id IS NULL) = (erased_at IS NOT NULL)),
	CHECK (finished_at IS NULL OR erased_at IS NOT NULL)
);
-- A person is erased by one at a time.
CREATE UNIQUE INDEX erasures_user_id ON erasures (client_id, user_id) WHERE user_id IS NOT NULL;
-- tally erase: what is left to be done.
CREATE INDEX erasures_open ON erasures (client_id, id) WHERE finished_at IS NULL;
CALL isolate('erasures');
CALL isolate_user('erasures', 'user_id');

GRANT SELECT, INSERT ON erasures TO tally_app;
GRANT SELECT, INSERT, UPDATE ON erasures TO tally_worker;

-- Kept for a while, so that records on their way, in somebody's queue or in a file do not make the person again. The
-- hash of a random id says nothing to who does not have the id.
CREATE TABLE erased_users (
	client_id uuid NOT NULL,
	user_hash bytea NOT NULL CHECK (octet_length(user_hash) = 32),
	erasure_id uuid NOT NULL,
	erased_at timestamptz NOT NULL,
	PRIMARY KEY (client_id, user_hash),
	FOREIGN KEY (client_id, erasure_id) REFERENCES erasures ON DELETE CASCADE
);
-- purge
CREATE INDEX erased_users_erased_at ON erased_users (erased_at);
CALL isolate('erased_users');
CALL hide_from_users('erased_users');

-- Who adds a user by hand means it: the memory goes.
GRANT SELECT, DELETE ON erased_users TO tally_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON erased_users TO tally_worker;

CREATE FUNCTION erased_hash(client uuid, person uuid) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT sha256(uuid_send(client) || uuid_send(person)) $$;

-- Behind the statement, so that an erasure is seen that ended while it waited for the row. To the write path it is what
-- it meets when a user has gone: it asks again who is there.
CREATE FUNCTION refuse_erased() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (
		SELECT FROM erased_users
		WHERE client_id = NEW.client_id AND user_hash = erased_hash(NEW.client_id, NEW.id))
	THEN
		RAISE EXCEPTION 'the user was erased' USING ERRCODE = 'foreign_key_violation';
	END IF;
	RETURN NULL;
END
$$;
CREATE TRIGGER users_erased AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION refuse_erased();

-- The jobs take the person out of what stays.
GRANT UPDATE (session_id, agent_session_id, api_key_id) ON authorizations TO tally_worker;
GRANT UPDATE (status, content_type, body) ON idempotency_keys TO tally_worker;
GRANT DELETE ON budgets, webhook_deliveries TO tally_worker;

-- The audit log stays append-only for every role, its owner too, but for this: what says who it was about may be
-- taken away. What was done, when and by which key remains.
ALTER TABLE audit_log ADD COLUMN redacted_at timestamptz;
DROP TRIGGER audit_log_append_only ON audit_log;

CREATE FUNCTION refuse_audit_change() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
	personal CONSTANT text[] := '{user_id,ip_address,entity_id,before,after}';
	old_row jsonb := to_jsonb(OLD);
	new_row jsonb := to_jsonb(NEW);
BEGIN
	IF NEW.redacted_at IS NULL OR new_row - personal - 'redacted_at' <> old_row - personal - 'redacted_at' OR EXISTS (
		SELECT FROM unnest(personal) AS name
		WHERE new_row -> name NOT IN ('null', old_row -> name))
	THEN
		RAISE EXCEPTION 'audit_log is append-only' USING ERRCODE = 'restrict_violation';
	END IF;
	RETURN NEW;
END
$$;
CREATE TRIGGER audit_log_append_only BEFORE DELETE ON audit_log
	FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_log_redacted BEFORE UPDATE ON audit_log
	FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();

-- Takes the person out of so many entries of the client, and of the operator's that name the person by an id; how many
-- there were. No role may update the log; this does nothing but what the trigger allows.
CREATE FUNCTION audit_redact(client uuid, person uuid, most bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	ids text[] := ARRAY(
		SELECT person::text
		UNION ALL SELECT id::text FROM sessions WHERE client_id = client AND user_id = person
		UNION ALL SELECT id::text FROM auth_tokens WHERE client_id = client AND user_id = person);
	-- What was posted by hand stands in the log with what was written beside it.
	posted text[] := ARRAY(
		SELECT id::text FROM credit_accounts WHERE client_id = client AND user_id = person
		UNION ALL
		SELECT t.id::text
		FROM credit_accounts c
		JOIN credit_transactions t ON t.client_id = c.client_id AND t.account_id = c.id
		WHERE c.client_id = client AND c.user_id = person
		AND t.transaction_type IN ('purchase', 'refund', 'adjustment'));
	names jsonb[] := ARRAY(
		SELECT jsonb_build_object(v.name, v.value)
		FROM users u
		CROSS JOIN LATERAL (VALUES ('email', u.email), ('external_id', u.external_id)) AS v (name, value)
		WHERE u.client_id = client AND u.id = person AND v.value IS NOT NULL);
	redacted bigint;
BEGIN
	WITH looked AS (
		SELECT a.client_id, a.id, a.user_id IS NOT DISTINCT FROM person AS acted,
			coalesce(a.entity_id = ANY (ids || posted), false)
			OR EXISTS (
				SELECT FROM unnest(ids) AS i
				WHERE position(i IN coalesce(a.before::text, '')) > 0
				OR position(i IN coalesce(a.after::text, '')) > 0)
			OR a.client_id = client AND EXISTS (
				SELECT FROM unnest(names) AS n
				WHERE a.before @> n OR a.after @> n) AS about
		FROM audit_log a
		WHERE a.client_id IN (client, '00000000-0000-0000-0000-000000000000')),
	found AS (SELECT * FROM looked WHERE acted OR about LIMIT most)
	UPDATE audit_log a
	SET redacted_at = clock_timestamp(),
		user_id = CASE WHEN f.acted THEN NULL ELSE a.user_id END,
		ip_address = CASE WHEN f.acted THEN NULL ELSE a.ip_address END,
		entity_id = CASE WHEN f.about THEN NULL ELSE a.entity_id END,
		before = CASE WHEN f.about THEN NULL ELSE a.before END,
		after = CASE WHEN f.about THEN NULL ELSE a.after END
	FROM found f
	WHERE a.client_id = f.client_id AND a.id = f.id;
	GET DIAGNOSTICS redacted = ROW_COUNT;
	RETURN redacted;
END
$$;
REVOKE ALL ON FUNCTION audit_redact(uuid, uuid, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_redact(uuid, uuid, bigint) TO tally_worker;

-- migrate:down

DROP FUNCTION audit_redact(uuid, uuid, bigint);
DROP TRIGGER audit_log_redacted ON audit_log;
DROP TRIGGER audit_log_append_only ON audit_log;
DROP FUNCTION refuse_audit_change();
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE ON audit_log
	FOR EACH ROW EXECUTE FUNCTION refuse_change();
ALTER TABLE audit_log DROP COLUMN redacted_at;

REVOKE DELETE ON budgets, webhook_deliveries FROM tally_worker;
REVOKE UPDATE (status, content_type, body) ON idempotency_keys FROM tally_worker;
REVOKE UPDATE (session_id, agent_session_id, api_key_id) ON authorizations FROM tally_worker;

DROP TRIGGER users_erased ON users;
DROP FUNCTION refuse_erased();
DROP FUNCTION erased_hash(uuid, uuid);
DROP TABLE erased_users;
DROP TABLE erasures;
