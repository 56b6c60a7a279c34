-- The clients' users.

-- migrate:up

CREATE TABLE users (
	client_id uuid NOT NULL REFERENCES clients,
	id uuid NOT NULL,
	external_id text CHECK (length(external_id) BETWEEN 1 AND 255),
	email text CHECK (length(email) BETWEEN 3 AND 255),
	-- What addresses are compared by. A column, because lower() is not leakproof: row-level security would keep an index
	-- on the expression from being used.
	email_folded text GENERATED ALWAYS AS (lower(email COLLATE "und-x-icu")) STORED,
	password_hash text CHECK (length(password_hash) <= 255),
	tier text NOT NULL DEFAULT 'free' CHECK (tier IN ('anonymous', 'free', 'premium', 'enterprise')),
	email_verified boolean NOT NULL DEFAULT false,
	oauth_provider text CHECK (length(oauth_provider) BETWEEN 1 AND 50),
	oauth_id text CHECK (length(oauth_id) BETWEEN 1 AND 255),
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	deleted_at timestamptz,
	PRIMARY KEY (client_id, id),
	CHECK ((oauth_provider IS NULL) = (oauth_id IS NULL))
);

-- GET /v1/users?email=: unique among the living, whatever the letters' case.
CREATE UNIQUE INDEX users_email ON users (client_id, email_folded) WHERE deleted_at IS NULL;
-- GET /v1/users?external_id=. Partial, or else a plan made while the table is empty may take it for look-ups by id: both
-- indexes begin with the client then, and cost the same.
CREATE UNIQUE INDEX users_external_id ON users (client_id, external_id) WHERE external_id IS NOT NULL;
-- One account of an identity provider is one user.
CREATE UNIQUE INDEX users_oauth ON users (client_id, oauth_provider, oauth_id) WHERE deleted_at IS NULL;
-- GET /v1/users/count?by=tier and GET /v1/users?tier=.
CREATE INDEX users_tier ON users (client_id, tier, id) WHERE deleted_at IS NULL;
-- purge: users whose grace period is over.
CREATE INDEX users_deleted_at ON users (deleted_at) WHERE deleted_at IS NOT NULL;

CALL isolate('users');
CREATE TRIGGER users_updated_at BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION set_updated_at();

GRANT SELECT, INSERT, UPDATE ON users TO tally_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON users TO tally_worker;

-- migrate:down

DROP TABLE users;
