-- API keys and other tokens. Only the SHA-256 of a secret is kept.

-- migrate:up

CREATE TABLE auth_tokens (
	client_id uuid NOT NULL REFERENCES clients,
	id uuid NOT NULL,
	token_type text NOT NULL DEFAULT 'api_key' CHECK (token_type IN ('api_key', 'session', 'jwt_refresh')),
	public_id text NOT NULL UNIQUE CHECK (length(public_id) BETWEEN 8 AND 32),
	token_hash bytea NOT NULL CHECK (length(token_hash) = 32),
	name text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
	user_id uuid,
	scopes text[] NOT NULL DEFAULT '{}',
	expires_at timestamptz,
	last_used_at timestamptz,
	usage_count bigint NOT NULL DEFAULT 0,
	created_ip inet,
	last_used_ip inet,
	user_agent text,
	is_active boolean NOT NULL DEFAULT true,
	rate_limit_per_hour bigint CHECK (rate_limit_per_hour > 0),
	rotated_to uuid,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (client_id, id),
	FOREIGN KEY (client_id, user_id) REFERENCES users (client_id, id) ON DELETE CASCADE
);

-- purge: tokens past their time.
CREATE INDEX auth_tokens_expires_at ON auth_tokens (expires_at) WHERE expires_at IS NOT NULL;

CALL isolate('auth_tokens');
-- Who presents a key is not known before the key is found: app.token_id opens exactly the row with that public id.
CREATE POLICY presented ON auth_tokens FOR SELECT TO tally_app
	USING (public_id = (SELECT nullif(current_setting('app.token_id', true), '')));
CREATE TRIGGER auth_tokens_updated_at BEFORE UPDATE ON auth_tokens
	FOR EACH ROW EXECUTE FUNCTION set_updated_at();
CREATE TRIGGER auth_tokens_notify
	AFTER INSERT OR DELETE OR UPDATE OF token_hash, scopes, expires_at, is_active, user_id, rate_limit_per_hour
	ON auth_tokens FOR EACH STATEMENT EXECUTE FUNCTION notify_cache();

GRANT SELECT, INSERT, UPDATE ON auth_tokens TO tally_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON auth_tokens TO tally_worker;

-- migrate:down

DROP TABLE auth_tokens;
