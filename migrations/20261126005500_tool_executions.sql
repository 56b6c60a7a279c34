-- What became of calls of tools, partitioned as the log is, and the sums of it that outlive the rows.

-- migrate:up

CREATE TABLE tool_executions (
	client_id uuid NOT NULL,
	id uuid NOT NULL,
	created_at timestamptz NOT NULL,
	-- A name, of the catalogue or of the application's own.
	tool text NOT NULL CHECK (length(tool) BETWEEN 1 AND 128),
	user_id uuid,
	conversation_id uuid,
	agent_session_id uuid,
	-- Without secrets: they are taken out before.
	arguments jsonb CHECK (jsonb_typeof(arguments) = 'object'),
	result jsonb CHECK (jsonb_typeof(result) = 'object'),
	success boolean NOT NULL,
	error_message text CHECK (length(error_message) <= 4096),
	duration_ms bigint CHECK (duration_ms >= 0),
	PRIMARY KEY (client_id, id, created_at),
	-- The client needs no key of its own: tool_statistics has one, in the same transaction.
	FOREIGN KEY (client_id, user_id) REFERENCES users (client_id, id) ON DELETE SET NULL (user_id)
) PARTITION BY RANGE (created_at);

-- The primary key serves GET /v1/tool-executions by time and /{id}.
-- ?tool=
CREATE INDEX tool_executions_tool ON tool_executions (client_id, tool, id);
-- ?success=false
CREATE INDEX tool_executions_failed ON tool_executions (client_id, id) WHERE NOT success;
-- ?user_id=, the foreign key, and the erasure of a person.
CREATE INDEX tool_executions_user_id ON tool_executions (client_id, user_id, id) WHERE user_id IS NOT NULL;
-- ?conversation_id=
CREATE INDEX tool_executions_conversation_id ON tool_executions (client_id, conversation_id, id)
	WHERE conversation_id IS NOT NULL;
-- ?agent_session_id=
CREATE INDEX tool_executions_agent_session_id ON tool_executions (client_id, agent_session_id, id)
	WHERE agent_session_id IS NOT NULL;

CALL isolate('tool_executions');
CALL isolate_user('tool_executions', 'user_id');
CREATE TABLE tool_executions_default PARTITION OF tool_executions DEFAULT;

-- For good: calls of a day of the client's zone, by how long they took.
CREATE TABLE tool_statistics (
	client_id uuid NOT NULL REFERENCES clients,
	date date NOT NULL,
	tool text NOT NULL,
	slot smallint NOT NULL CHECK (slot >= -1), -- of the histogram of durations; -1: no duration was given
	calls bigint NOT NULL CHECK (calls > 0),
	failed_calls bigint NOT NULL CHECK (failed_calls BETWEEN 0 AND calls),
	PRIMARY KEY (client_id, date, tool, slot)
) WITH (fillfactor = 80);
CALL isolate('tool_statistics');
-- Left open to keys that are bound to a user: their calls are counted by the same rows as all others, and no such key is
-- shown them.

GRANT SELECT, INSERT ON tool_executions TO tally_app;
GRANT SELECT, UPDATE (user_id, conversation_id, agent_session_id, arguments, result, error_message) ON tool_executions
	TO tally_worker;
GRANT SELECT, INSERT, UPDATE (calls, failed_calls) ON tool_statistics TO tally_app;
GRANT SELECT ON tool_statistics TO tally_worker;

-- migrate:down

DROP TABLE tool_statistics;
DROP TABLE tool_executions;
