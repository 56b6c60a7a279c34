-- The log: one row for each model call. Partitioned by UTC day of created_at; an id is a UUIDv7 whose time is
-- created_at, so an id can be stored once only, and a range of ids is a range of time.

-- migrate:up

CREATE TABLE chat_logs (
	client_id uuid NOT NULL,
	id uuid NOT NULL,
	created_at timestamptz NOT NULL,
	received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	api_key_id uuid,
	authorization_id uuid,
	user_id uuid,
	session_id uuid,
	conversation_id uuid,
	agent_session_id uuid,
	trace_id text CHECK (length(trace_id) <= 64),
	span_id text CHECK (length(span_id) <= 64),
	parent_span_id text CHECK (length(parent_span_id) <= 64),
	feature text CHECK (length(feature) <= 80),
	agent_type text CHECK (length(agent_type) <= 80),
	provider text CHECK (length(provider) <= 80),
	model text CHECK (length(model) <= 160),
	-- Disjoint classes: input_tokens is uncached input; reasoning_tokens is a part of output_tokens.
	input_tokens bigint CHECK (input_tokens >= 0),
	output_tokens bigint CHECK (output_tokens >= 0),
	cached_input_tokens bigint CHECK (cached_input_tokens >= 0),
	cache_write_tokens bigint CHECK (cache_write_tokens >= 0),
	reasoning_tokens bigint CHECK (reasoning_tokens >= 0),
	tokens_used bigint CHECK (tokens_used >= 0),
	message_length bigint CHECK (message_length >= 0),
	response_length bigint CHECK (response_length >= 0),
	estimated_cost_cents numeric(20, 7) CHECK (estimated_cost_cents >= 0),
	verified_cost_cents numeric(20, 7) CHECK (verified_cost_cents >= 0),
	model_pricing_id uuid,
	is_cache_hit boolean NOT NULL DEFAULT false,
	tools_used text[],
	tags text[],
	success boolean NOT NULL DEFAULT true,
	error_message text CHECK (length(error_message) <= 4096),
	duration_ms bigint CHECK (duration_ms >= 0),
	metadata jsonb,
	PRIMARY KEY (client_id, id, created_at),
	-- The client needs no key of its own: ingest_batches has one, in the same transaction.
	FOREIGN KEY (client_id, user_id) REFERENCES users (client_id, id) ON DELETE SET NULL (user_id),
	FOREIGN KEY (client_id, session_id) REFERENCES sessions (client_id, id) ON DELETE SET NULL (session_id)
) PARTITION BY RANGE (created_at);

-- The primary key serves GET /v1/chat-logs by time, GET /v1/chat-logs/{id} and the sums of a day; feature, agent_type,
-- provider, model, tag and success are filtered while it is read.
-- GET /v1/users/{id}/chat-logs and /usage, and the foreign key.
CREATE INDEX chat_logs_user_id ON chat_logs (client_id, user_id, id) WHERE user_id IS NOT NULL;
-- ?session_id= and the foreign key.
CREATE INDEX chat_logs_session_id ON chat_logs (client_id, session_id, id) WHERE session_id IS NOT NULL;
-- ?conversation_id=
CREATE INDEX chat_logs_conversation_id ON chat_logs (client_id, conversation_id, id) WHERE conversation_id IS NOT NULL;
-- ?agent_session_id=
CREATE INDEX chat_logs_agent_session_id ON chat_logs (client_id, agent_session_id, id)
	WHERE agent_session_id IS NOT NULL;
-- ?trace_id=
CREATE INDEX chat_logs_trace_id ON chat_logs (client_id, trace_id, id) WHERE trace_id IS NOT NULL;
-- ?unpriced=true
CREATE INDEX chat_logs_unpriced ON chat_logs (client_id, id)
	WHERE estimated_cost_cents IS NULL AND verified_cost_cents IS NULL;

CALL isolate('chat_logs');

-- A missing partition never refuses a record.
CREATE TABLE chat_logs_default PARTITION OF chat_logs DEFAULT;

-- Partitions belong to the owner; the jobs make and drop them through these two functions and nothing else.
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

GRANT SELECT, INSERT ON chat_logs TO tally_app;
-- UPDATE and DELETE for the erasure of persons and for clients with a shorter retention.
GRANT SELECT, INSERT, UPDATE, DELETE ON chat_logs TO tally_worker;

-- migrate:down

DROP FUNCTION chat_logs_drop_partition(date);
DROP FUNCTION chat_logs_add_partition(date);
DROP FUNCTION chat_logs_partition_name(date);
DROP TABLE chat_logs;
