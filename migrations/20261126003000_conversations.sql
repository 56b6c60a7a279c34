-- Conversations, and the messages of which they consist. A message is kept for a while (message_retention_days); how many
-- there were, and their tokens, stay with the conversation. What was spent is no part of them: chat_logs and the sums of
-- it name a conversation by an id that nothing here must have, and keep it when the conversation is erased.

-- migrate:up

ALTER TABLE clients ADD COLUMN message_retention_days integer CHECK (message_retention_days BETWEEN 1 AND 36500);

CREATE TABLE conversations (
	client_id uuid NOT NULL REFERENCES clients,
	id uuid NOT NULL,
	user_id uuid,                           -- never changed: messages have a copy
	session_id uuid,
	title text NOT NULL DEFAULT '' CHECK (length(title) <= 200),
	status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'ended')),
	current_version integer CHECK (current_version >= 0), -- NULL: there is none
	next_version integer NOT NULL DEFAULT 0 CHECK (next_version >= 0),
	message_count bigint NOT NULL DEFAULT 0 CHECK (message_count >= 0), -- ever; the ordinal of the last
	token_count bigint NOT NULL DEFAULT 0 CHECK (token_count >= 0),     -- of all of them
	last_message_at timestamptz,
	ended_at timestamptz,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at timestamptz NOT NULL DEFAULT clock_timestamp(), -- what is appended is no change
	PRIMARY KEY (client_id, id),
	-- What a person said goes with the person.
	FOREIGN KEY (client_id, user_id) REFERENCES users (client_id, id) ON DELETE CASCADE,
	FOREIGN KEY (client_id, session_id) REFERENCES sessions (client_id, id) ON DELETE SET NULL (session_id),
	CHECK ((status = 'ended') = (ended_at IS NOT NULL))
) WITH (fillfactor = 70); -- each message changes its conversation: the new version of the row stays in the page

-- ?user_id=, and the cascade from users.
CREATE INDEX conversations_user_id ON conversations (client_id, user_id, id) WHERE user_id IS NOT NULL;
-- ?session_id=, and the foreign key.
CREATE INDEX conversations_session_id ON conversations (client_id, session_id, id) WHERE session_id IS NOT NULL;
-- ?status=, and GET /v1/conversations/count, which reads the index alone: the user is for the policy.
CREATE INDEX conversations_status ON conversations (client_id, status, id) INCLUDE (user_id);

CALL isolate('conversations');
CALL isolate_user('conversations', 'user_id');
CREATE TRIGGER conversations_updated_at
	BEFORE UPDATE OF user_id, session_id, title, status, current_version ON conversations
	FOR EACH ROW EXECUTE FUNCTION set_updated_at();

GRANT SELECT, INSERT, DELETE,
	UPDATE (title, status, ended_at, current_version, next_version, message_count, token_count, last_message_at)
	ON conversations TO tally_app;
GRANT SELECT, DELETE ON conversations TO tally_worker;

-- Partitioned by UTC day of created_at, which never decreases from one message of a conversation to the next.
CREATE TABLE messages (
	client_id uuid NOT NULL,
	id uuid NOT NULL,
	created_at timestamptz NOT NULL,
	conversation_id uuid NOT NULL,
	ordinal bigint NOT NULL CHECK (ordinal > 0), -- in the conversation, without gaps
	user_id uuid,                                -- the conversation's
	role text NOT NULL CHECK (role IN ('system', 'user', 'assistant', 'tool')),
	content text NOT NULL CHECK (octet_length(content) <= 1048576),
	tokens integer NOT NULL DEFAULT 0 CHECK (tokens >= 0),
	metadata jsonb,
	PRIMARY KEY (client_id, id, created_at),
	FOREIGN KEY (client_id, conversation_id) REFERENCES conversations (client_id, id) ON DELETE CASCADE
) PARTITION BY RANGE (created_at);

-- All that is read of a conversation, and the foreign key.
CREATE INDEX messages_ordinal ON messages (client_id, conversation_id, ordinal);
-- Those that are pinned.
CREATE INDEX messages_system ON messages (client_id, conversation_id, ordinal) WHERE role = 'system';
-- purge, for clients that keep theirs for a shorter time than others.
CREATE INDEX messages_created_at ON messages (client_id, created_at);
-- The erasure of a person.
CREATE INDEX messages_user_id ON messages (client_id, user_id) WHERE user_id IS NOT NULL;

CALL isolate('messages');
CALL isolate_user('messages', 'user_id');
CREATE TABLE messages_default PARTITION OF messages DEFAULT;

GRANT SELECT, INSERT, DELETE ON messages TO tally_app;
GRANT SELECT, DELETE ON messages TO tally_worker;

-- The jobs may name what has a partition for each day, and no other table.
CREATE OR REPLACE FUNCTION day_partition_check(parent text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
	IF NOT EXISTS (
		SELECT FROM pg_class c
		WHERE c.relname = parent
		AND c.relnamespace = 'public'::regnamespace
		AND c.relkind = 'p'
		AND pg_get_partkeydef(c.oid) = 'RANGE (created_at)')
	THEN
		RAISE EXCEPTION '% has no partitions by day', parent USING ERRCODE = 'invalid_parameter_value';
	END IF;
END
$$;

-- migrate:down

CREATE OR REPLACE FUNCTION day_partition_check(parent text) RETURNS void
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	IF parent NOT IN ('chat_logs', 'authorizations') THEN
		RAISE EXCEPTION '% has no partitions by day', parent USING ERRCODE = 'invalid_parameter_value';
	END IF;
END
$$;
-- CREATE OR REPLACE keeps what was set before.
ALTER FUNCTION day_partition_check(text) RESET search_path;

DROP TABLE messages;
DROP TABLE conversations;
ALTER TABLE clients DROP COLUMN message_retention_days;
