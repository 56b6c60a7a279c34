-- Budgets of whole trees of agent sessions: a call belongs to the tree of the session that it names, which is written
-- beside it. A session never moves, so what was counted stays true.

-- migrate:up

ALTER TABLE chat_logs ADD COLUMN agent_root_id uuid;
-- The sums of a budget of one tree.
CREATE INDEX chat_logs_agent_root_id ON chat_logs (client_id, agent_root_id, id) WHERE agent_root_id IS NOT NULL;
ALTER TABLE authorizations ADD COLUMN agent_root_id uuid;
GRANT UPDATE (agent_root_id) ON authorizations TO tally_worker;

ALTER TABLE budgets ADD COLUMN agent_root_id uuid;
ALTER TABLE budgets DROP CONSTRAINT budgets_each_by_check;
ALTER TABLE budgets ADD CONSTRAINT budgets_each_by_check CHECK (each_by IN ('user_id', 'user_tier', 'api_key_id',
	'session_id', 'agent_session_id', 'feature', 'provider', 'model', 'tag', 'agent_root_id'));

-- migrate:down

DELETE FROM budgets WHERE agent_root_id IS NOT NULL OR each_by = 'agent_root_id';
ALTER TABLE budgets DROP CONSTRAINT budgets_each_by_check;
ALTER TABLE budgets DROP COLUMN agent_root_id;
ALTER TABLE budgets ADD CONSTRAINT budgets_each_by_check CHECK (each_by IN ('user_id', 'user_tier', 'api_key_id',
	'session_id', 'agent_session_id', 'feature', 'provider', 'model', 'tag'));
ALTER TABLE authorizations DROP COLUMN agent_root_id;
ALTER TABLE chat_logs DROP COLUMN agent_root_id;
