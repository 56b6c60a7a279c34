-- When an authorization was stored, by the clock of PostgreSQL, which all processes share.

-- migrate:up

-- From here its life is reckoned when what is held is read back. NULL: stored before there was this column.
ALTER TABLE authorizations ADD COLUMN granted_at timestamptz;
ALTER TABLE authorizations ALTER COLUMN granted_at SET DEFAULT now();

-- migrate:down

ALTER TABLE authorizations DROP COLUMN granted_at;
