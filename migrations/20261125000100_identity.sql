-- Who the users are: their names, subscriptions and settings; and how they prove it.

-- migrate:up

ALTER TABLE users
	ADD COLUMN username text CHECK (length(username) BETWEEN 1 AND 64),
	-- Compared as addresses are: see email_folded.
	ADD COLUMN username_folded text GENERATED ALWAYS AS (lower(username COLLATE "und-x-icu")) STORED,
	ADD COLUMN display_name text CHECK (length(display_name) BETWEEN 1 AND 255),
	ADD COLUMN avatar_url text CHECK (length(avatar_url) BETWEEN 1 AND 2048),
	ADD COLUMN subscription_tier text NOT NULL DEFAULT 'individual'
		CHECK (subscription_tier IN ('individual', 'pro', 'team', 'enterprise')),
	ADD COLUMN subscription_status text NOT NULL DEFAULT 'active'
		CHECK (subscription_status IN ('active', 'trialing', 'past_due', 'paused', 'unpaid', 'incomplete', 'expired',
			'canceled')),
	ADD COLUMN billing_customer_id text CHECK (length(billing_customer_id) BETWEEN 1 AND 255),
	ADD COLUMN account_status text NOT NULL DEFAULT 'active' CHECK (account_status IN ('active', 'suspended', 'closed')),
	ADD COLUMN timezone text NOT NULL DEFAULT 'UTC' CHECK (length(timezone) BETWEEN 1 AND 64),
	ADD COLUMN preferences jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(preferences) = 'object'),
	ADD COLUMN mfa_enabled boolean NOT NULL DEFAULT false,
	ADD COLUMN last_login_at timestamptz,
	ADD COLUMN last_login_ip inet;

-- GET /v1/users?username= and logging in: unique among the living, whatever the letters' case.
CREATE UNIQUE INDEX users_username ON users (client_id, username_folded)
	WHERE deleted_at IS NULL AND username_folded IS NOT NULL;
-- GET /v1/users?subscription_tier= and GET /v1/users/count?by=subscription_tier.
CREATE INDEX users_subscription ON users (client_id, subscription_tier, id) WHERE deleted_at IS NULL;

-- Logins that failed, under the SHA-256 of who was meant or where they came from.
CREATE TABLE login_failures (
	client_id uuid NOT NULL REFERENCES clients,
	subject bytea NOT NULL CHECK (length(subject) = 32),
	failures integer NOT NULL CHECK (failures >= 0),
	until timestamptz NOT NULL, -- forgotten from here on
	PRIMARY KEY (client_id, subject)
);

-- purge
CREATE INDEX login_failures_until ON login_failures (until);

CALL isolate('login_failures');
CALL hide_from_users('login_failures');
GRANT SELECT, INSERT, UPDATE, DELETE ON login_failures TO tally_app;
GRANT SELECT, DELETE ON login_failures TO tally_worker;

-- Who holds the token reads the mail of the address. One at a time for each user; gone once it was used.
CREATE TABLE email_verifications (
	client_id uuid NOT NULL,
	user_id uuid NOT NULL,
	token_hash bytea NOT NULL CHECK (length(token_hash) = 32),
	email text NOT NULL, -- another one by now is not verified
	created_at timestamptz NOT NULL,
	expires_at timestamptz NOT NULL,
	PRIMARY KEY (client_id, user_id),
	FOREIGN KEY (client_id, user_id) REFERENCES users (client_id, id) ON DELETE CASCADE
);

-- POST /v1/auth/verify-email.
CREATE UNIQUE INDEX email_verifications_token ON email_verifications (token_hash, client_id);
-- purge
CREATE INDEX email_verifications_expires_at ON email_verifications (expires_at);

CALL isolate('email_verifications');
CALL isolate_user('email_verifications', 'user_id');
GRANT SELECT, INSERT, UPDATE, DELETE ON email_verifications TO tally_app;
GRANT SELECT, DELETE ON email_verifications TO tally_worker;

-- Second factors: the secret of an authenticator program, and recovery codes.
CREATE TABLE user_mfa (
	client_id uuid NOT NULL,
	user_id uuid NOT NULL,
	secret bytea NOT NULL, -- sealed with a key that is not in the database
	confirmed_at timestamptz, -- NULL: it counts for nothing yet
	last_step bigint NOT NULL DEFAULT 0, -- of the last code; no code is taken twice
	recovery_codes text[] NOT NULL DEFAULT '{}', -- SHA-256 in hexadecimal digits; one that is used goes
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (client_id, user_id),
	FOREIGN KEY (client_id, user_id) REFERENCES users (client_id, id) ON DELETE CASCADE
);

CALL isolate('user_mfa');
CALL isolate_user('user_mfa', 'user_id');
CREATE TRIGGER user_mfa_updated_at BEFORE UPDATE ON user_mfa FOR EACH ROW EXECUTE FUNCTION set_updated_at();
GRANT SELECT, INSERT, UPDATE, DELETE ON user_mfa TO tally_app;
GRANT SELECT, DELETE ON user_mfa TO tally_worker;

-- A token that goes to the webhook and is kept nowhere else: the service cannot read it, and it is gone when it was
-- delivered or cannot be.
ALTER TABLE webhook_deliveries ADD COLUMN token text CHECK (next_attempt_at IS NOT NULL OR token IS NULL);

GRANT INSERT ON alerts TO tally_app;
GRANT INSERT (client_id, alert_id, webhook_id, next_attempt_at, token) ON webhook_deliveries TO tally_app;
GRANT UPDATE (token) ON webhook_deliveries TO tally_worker;

-- migrate:down

REVOKE INSERT ON alerts FROM tally_app;
REVOKE INSERT (client_id, alert_id, webhook_id, next_attempt_at, token) ON webhook_deliveries FROM tally_app;
ALTER TABLE webhook_deliveries DROP COLUMN token;
DROP TABLE user_mfa;
DROP TABLE email_verifications;
DROP TABLE login_failures;
DROP INDEX users_subscription;
DROP INDEX users_username;
ALTER TABLE users
	DROP COLUMN last_login_ip,
	DROP COLUMN last_login_at,
	DROP COLUMN mfa_enabled,
	DROP COLUMN preferences,
	DROP COLUMN timezone,
	DROP COLUMN account_status,
	DROP COLUMN billing_customer_id,
	DROP COLUMN subscription_status,
	DROP COLUMN subscription_tier,
	DROP COLUMN avatar_url,
	DROP COLUMN display_name,
	DROP COLUMN username_folded,
	DROP COLUMN username;
