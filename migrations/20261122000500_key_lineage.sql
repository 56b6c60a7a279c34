-- A key and those it was rotated into are one line: budgets, rates and records name its first key, so that a rotation
-- changes nothing that is counted.

-- migrate:up

-- NULL: the first of its line, which stays until the last one goes: budgets refer to it. Keys that were rotated before
-- begin lines of their own, because the records of their calls name them.
ALTER TABLE auth_tokens ADD COLUMN lineage_id uuid CHECK (lineage_id <> id);
ALTER TABLE auth_tokens ADD CONSTRAINT auth_tokens_lineage FOREIGN KEY (client_id, lineage_id) REFERENCES auth_tokens;
-- purge: whether a key is still the first of others.
CREATE INDEX auth_tokens_lineage_id ON auth_tokens (client_id, lineage_id) WHERE lineage_id IS NOT NULL;

COMMENT ON COLUMN chat_logs.api_key_id IS 'the first key of the line whose key the caller had';
COMMENT ON COLUMN authorizations.api_key_id IS 'the first key of the line whose key the caller had';
COMMENT ON COLUMN budgets.api_key_id IS 'the first key of a line';

-- migrate:down

COMMENT ON COLUMN budgets.api_key_id IS NULL;
COMMENT ON COLUMN authorizations.api_key_id IS NULL;
COMMENT ON COLUMN chat_logs.api_key_id IS NULL;
ALTER TABLE auth_tokens DROP COLUMN lineage_id;
