-- Sessions of agents, which form trees: what each works at, and what its calls have cost.

-- migrate:up

-- A session, its parent, root and depth are never changed: no role may, so there is no cycle. All of a tree belong to one
-- user, so that who sees one of them sees them all.
CREATE TABLE agent_sessions (
	client_id uuid NOT NULL REFERENCES clients,
	id uuid NOT NULL,
	user_id uuid,
	external_id text CHECK (length(external_id) BETWEEN 1 AND 64),
	parent_id uuid,                               -- NULL: a root
	root_id uuid NOT NULL,                        -- of a root its own id
	depth integer NOT NULL CHECK (depth BETWEEN 0 AND 64),
	git_branch text CHECK (length(git_branch) <= 255),
	vision text CHECK (length(vision) <= 16384),
	working_directory text CHECK (length(working_directory) <= 4096),
	streaming_enabled boolean NOT NULL,
	status text NOT NULL CHECK (status IN ('running', 'completed', 'failed', 'cancelled')),
	phase text NOT NULL CHECK (phase ~ '^[A-Z][A-Z0-9_]{0,19}$'),
	progress numeric(7, 6) NOT NULL CHECK (progress BETWEEN 0 AND 1),
	iteration_count bigint NOT NULL CHECK (iteration_count >= 0),
	tool_calls_count bigint NOT NULL CHECK (tool_calls_count >= 0),
	-- Sets: each name once, in order.
	files_modified text[] NOT NULL CHECK (cardinality(files_modified) <= 1000),
	files_created text[] NOT NULL CHECK (cardinality(files_created) <= 1000),
	files_deleted text[] NOT NULL CHECK (cardinality(files_deleted) <= 1000),
	success boolean NOT NULL CHECK (NOT success OR status = 'completed'),
	error_message text CHECK (length(error_message) <= 4096),
	completion_report jsonb,
	-- What the caller says that the session took, beside what its records say: agent_session_usage.
	stated_cost_cents numeric(20, 7) CHECK (stated_cost_cents >= 0),
	stated_tokens bigint CHECK (stated_tokens >= 0),
	started_at timestamptz NOT NULL,
	last_activity_at timestamptz NOT NULL,
	ended_at timestamptz,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (client_id, id),
	-- What an agent was told and did for a person goes with the person.
	FOREIGN KEY (client_id, user_id) REFERENCES users (client_id, id) ON DELETE CASCADE,
	FOREIGN KEY (client_id, parent_id) REFERENCES agent_sessions (client_id, id) ON DELETE CASCADE,
	FOREIGN KEY (client_id, root_id) REFERENCES agent_sessions (client_id, id) ON DELETE CASCADE,
	CHECK ((parent_id IS NULL) = (depth = 0) AND (root_id = id) = (depth = 0)),
	CHECK ((status = 'running') = (ended_at IS NULL))
) WITH (fillfactor = 70); -- each sign of life changes its row: the new version stays in the page

CREATE UNIQUE INDEX agent_sessions_external_id ON agent_sessions (client_id, external_id) WHERE external_id IS NOT NULL;
-- ?user_id=, the erasure of a person, and the cascade from users.
CREATE INDEX agent_sessions_user_id ON agent_sessions (client_id, user_id, id) WHERE user_id IS NOT NULL;
-- ?parent_id=, GET …/tree, and the cascade from the parent.
CREATE INDEX agent_sessions_parent_id ON agent_sessions (client_id, parent_id, id) WHERE parent_id IS NOT NULL;
-- ?root_id=, how many a tree has, and the cascade from the root.
CREATE INDEX agent_sessions_root_id ON agent_sessions (client_id, root_id, id);
-- ?status=
CREATE INDEX agent_sessions_status ON agent_sessions (client_id, status, id);

CALL isolate('agent_sessions');
CALL isolate_user('agent_sessions', 'user_id');
CREATE TRIGGER agent_sessions_updated_at BEFORE UPDATE ON agent_sessions
	FOR EACH ROW EXECUTE FUNCTION set_updated_at();

GRANT SELECT, INSERT, UPDATE (status, phase, progress, iteration_count, tool_calls_count, files_modified, files_created,
	files_deleted, success, error_message, completion_report, stated_cost_cents, stated_tokens, last_activity_at, ended_at)
	ON agent_sessions TO tally_app;
GRANT SELECT, DELETE ON agent_sessions TO tally_worker;

-- The sums of a session's records, kept by the transaction that stores these: they stay when the records are past their
-- time.
CREATE TABLE agent_session_usage (
	client_id uuid NOT NULL,
	agent_session_id uuid NOT NULL,
	calls bigint NOT NULL CHECK (calls > 0),
	cost_nanos bigint NOT NULL CHECK (cost_nanos >= 0),
	tokens bigint NOT NULL CHECK (tokens >= 0),
	PRIMARY KEY (client_id, agent_session_id),
	FOREIGN KEY (client_id, agent_session_id) REFERENCES agent_sessions (client_id, id) ON DELETE CASCADE
) WITH (fillfactor = 50);

CALL isolate('agent_session_usage');
-- Whose session it is says who sees its sums. Looked up once a query.
CREATE POLICY bound_user ON agent_session_usage AS RESTRICTIVE TO tally_app USING (
	(SELECT nullif(current_setting('app.user_id', true), '')) IS NULL OR agent_session_id IN (
		SELECT id FROM agent_sessions
		WHERE client_id = (SELECT nullif(current_setting('app.client_id', true), '')::uuid)
		AND user_id = (SELECT nullif(current_setting('app.user_id', true), '')::uuid)));

GRANT SELECT, INSERT, UPDATE (calls, cost_nanos, tokens) ON agent_session_usage TO tally_app;
GRANT SELECT, DELETE ON agent_session_usage TO tally_worker;

-- migrate:down

DROP TABLE agent_session_usage;
DROP TABLE agent_sessions;
