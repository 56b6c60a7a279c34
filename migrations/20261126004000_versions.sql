-- Versions of what a conversation makes, and the tokens that it takes.

-- migrate:up

CREATE TABLE versions (
	client_id uuid NOT NULL,
	id uuid NOT NULL,
	conversation_id uuid NOT NULL,
	version integer NOT NULL CHECK (version >= 0), -- in the conversation, from 0 without gaps
	user_id uuid,                                  -- the conversation's
	html text NOT NULL CHECK (octet_length(html) BETWEEN 1 AND 16777216),
	description text CHECK (length(description) <= 500),
	size_bytes integer NOT NULL GENERATED ALWAYS AS (octet_length(html)) STORED,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (client_id, id),
	UNIQUE (client_id, conversation_id, version), -- all that is read of a conversation, and the foreign key
	FOREIGN KEY (client_id, conversation_id) REFERENCES conversations (client_id, id) ON DELETE CASCADE
);

-- The erasure of a person.
CREATE INDEX versions_user_id ON versions (client_id, user_id) WHERE user_id IS NOT NULL;

CALL isolate('versions');
CALL isolate_user('versions', 'user_id');

-- A server may have been built without lz4, which packs and unpacks several times as fast; what pglz has packed stays
-- readable either way.
DO $$
BEGIN
	IF EXISTS (
		SELECT FROM pg_settings
		WHERE name = 'default_toast_compression'
		AND 'lz4' = ANY (enumvals))
	THEN
		ALTER TABLE versions ALTER COLUMN html SET COMPRESSION lz4;
	END IF;
END
$$;

GRANT SELECT, INSERT, DELETE ON versions TO tally_app;
GRANT SELECT, DELETE ON versions TO tally_worker;

-- One row for each call of a conversation. input_tokens is all that was read, from a cache or not, so that total_tokens is
-- the sum of the two where the caller has not said otherwise. cost_usd NULL: nobody knows what the call cost.
CREATE VIEW token_usage WITH (security_invoker = true) AS
SELECT client_id, id, conversation_id AS session_id, created_at AS "timestamp", agent_type, model,
	coalesce(input_tokens, 0) + coalesce(cached_input_tokens, 0) + coalesce(cache_write_tokens, 0) AS input_tokens,
	coalesce(output_tokens, 0) AS output_tokens, coalesce(tokens_used, 0) AS total_tokens,
	coalesce(verified_cost_cents, estimated_cost_cents) / 100 AS cost_usd
FROM chat_logs
WHERE conversation_id IS NOT NULL;

GRANT SELECT ON token_usage TO tally_app, tally_worker;

-- migrate:down

DROP VIEW token_usage;
DROP TABLE versions;
