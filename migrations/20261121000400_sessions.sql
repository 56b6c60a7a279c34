-- Sessions, anonymous or of a user. The token is shown once and kept as its SHA-256.

-- migrate:up

CREATE TABLE sessions (
	client_id uuid NOT NULL REFERENCES clients,
	id uuid NOT NULL,
	user_id uuid,
	token_hash bytea NOT NULL CHECK (length(token_hash) = 32),
	ip_address inet,
	user_agent text CHECK (length(user_agent) <= 1024),
	expires_at timestamptz NOT NULL,
	revoked_at timestamptz,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (client_id, id),
	FOREIGN KEY (client_id, user_id) REFERENCES users (client_id, id) ON DELETE CASCADE
);

-- GET /v1/sessions/current. The client behind the hash, or else a plan made while the table is empty may take it for
-- look-ups by id: both indexes begin with the client then, and cost the same.
CREATE UNIQUE INDEX sessions_token_hash ON sessions (token_hash, client_id);
-- GET /v1/sessions?user_id= and the cascade from users.
CREATE INDEX sessions_user_id ON sessions (client_id, user_id, id) WHERE user_id IS NOT NULL;
-- purge: sessions past their time.
CREATE INDEX sessions_expires_at ON sessions (expires_at);

CALL isolate('sessions');
CREATE TRIGGER sessions_updated_at BEFORE UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION set_updated_at();

GRANT SELECT, INSERT, UPDATE ON sessions TO tally_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON sessions TO tally_worker;

-- migrate:down

DROP TABLE sessions;
