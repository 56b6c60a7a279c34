-- Budgets: what may be spent in each window. What is spent is never stored here: it is the sum over the log.

-- migrate:up

CREATE TABLE budgets (
	client_id uuid NOT NULL REFERENCES clients,
	id uuid NOT NULL,
	name text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
	-- The scope: a call counts where every column that is given fits it.
	user_id uuid,
	user_tier text CHECK (user_tier IN ('anonymous', 'free', 'premium', 'enterprise')),
	api_key_id uuid,
	session_id uuid,
	agent_session_id uuid,
	feature text CHECK (length(feature) BETWEEN 1 AND 80),
	provider text CHECK (length(provider) BETWEEN 1 AND 80),
	model text CHECK (length(model) BETWEEN 1 AND 160),
	tag text CHECK (length(tag) BETWEEN 1 AND 64),
	-- One bucket with the full limit for each value of it; NULL: one for all.
	each_by text CHECK (each_by IN ('user_id', 'user_tier', 'api_key_id', 'session_id', 'agent_session_id', 'feature',
		'provider', 'model', 'tag')),
	period text NOT NULL CHECK (period IN ('day', 'week', 'month', 'quarter', 'year', 'total', 'rolling')),
	rolling_hours bigint CHECK (rolling_hours BETWEEN 1 AND 8784),
	timezone text NOT NULL,
	-- Lua in Redis counts in doubles: none is above 2^53 (of nano-dollars, requests, tokens).
	limit_cents numeric(20, 7) CHECK (limit_cents BETWEEN 0 AND 900719925.4740992),
	limit_requests bigint CHECK (limit_requests BETWEEN 0 AND 9007199254740992),
	limit_tokens bigint CHECK (limit_tokens BETWEEN 0 AND 9007199254740992),
	mode text NOT NULL CHECK (mode IN ('hard', 'soft', 'shadow')),
	thresholds integer[] NOT NULL DEFAULT '{50,80,100}' CHECK (cardinality(thresholds) <= 10),
	unpriced text NOT NULL CHECK (unpriced IN ('block', 'allow', 'fallback')),
	fallback_rate bigint CHECK (fallback_rate BETWEEN 0 AND 1000000000000), -- pico-dollars a token
	on_counter_loss text CHECK (on_counter_loss IN ('closed', 'open')),     -- NULL: closed where the mode is hard
	override_cents numeric(20, 7) CHECK (override_cents BETWEEN 0 AND 900719925.4740992), -- added to limit_cents
	override_until timestamptz,
	version bigint NOT NULL DEFAULT 1,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	deleted_at timestamptz,
	PRIMARY KEY (client_id, id),
	-- Without its user or key a budget would hold for the whole client: it goes with them.
	CONSTRAINT budgets_user FOREIGN KEY (client_id, user_id) REFERENCES users (client_id, id) ON DELETE CASCADE,
	CONSTRAINT budgets_api_key FOREIGN KEY (client_id, api_key_id) REFERENCES auth_tokens (client_id, id)
		ON DELETE CASCADE,
	CHECK (num_nonnulls(limit_cents, limit_requests, limit_tokens) > 0),
	CHECK ((period = 'rolling') = (rolling_hours IS NOT NULL)),
	CHECK (unpriced <> 'fallback' OR fallback_rate IS NOT NULL),
	CHECK ((override_cents IS NULL) = (override_until IS NULL)),
	CHECK (override_cents IS NULL OR limit_cents + override_cents <= 900719925.4740992)
);

-- A name is free again when its budget is deleted; tally budget set finds by it.
CREATE UNIQUE INDEX budgets_name ON budgets (client_id, name) WHERE deleted_at IS NULL;
-- GET /v1/budgets, and those that apply to a call.
CREATE INDEX budgets_living ON budgets (client_id, id) WHERE deleted_at IS NULL;
-- The cascades from users and auth_tokens.
CREATE INDEX budgets_user_id ON budgets (client_id, user_id) WHERE user_id IS NOT NULL;
CREATE INDEX budgets_api_key_id ON budgets (client_id, api_key_id) WHERE api_key_id IS NOT NULL;

CREATE FUNCTION raise_version() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
	NEW.version := OLD.version + 1;
	RETURN NEW;
END
$$;

-- Nano-dollars of so many tokens at a rate in pico-dollars, rounded half to even.
CREATE FUNCTION fallback_nanos(tokens bigint, rate bigint) RETURNS numeric
LANGUAGE sql IMMUTABLE STRICT AS $$
	SELECT nanos + CASE WHEN rest > 500 OR (rest = 500 AND mod(nanos, 2) = 1) THEN 1 ELSE 0 END
	FROM (SELECT div(tokens::numeric * rate, 1000) AS nanos, mod(tokens::numeric * rate, 1000) AS rest) AS cost
$$;

CALL isolate('budgets');
CREATE TRIGGER budgets_updated_at BEFORE UPDATE ON budgets FOR EACH ROW EXECUTE FUNCTION set_updated_at();
CREATE TRIGGER budgets_version BEFORE UPDATE ON budgets FOR EACH ROW EXECUTE FUNCTION raise_version();

-- What a budget counts never changes: another scope, window or zone is another budget.
GRANT SELECT, INSERT, UPDATE (name, limit_cents, limit_requests, limit_tokens, mode, thresholds, unpriced, fallback_rate,
	on_counter_loss, override_cents, override_until, deleted_at) ON budgets TO tally_app, tally_worker;

-- migrate:down

DROP TABLE budgets;
DROP FUNCTION fallback_nanos(bigint, bigint);
DROP FUNCTION raise_version();
