-- Alerts: what somebody should know, told once, and where it is delivered to. The alerts are an outbox: they are stored
-- in the transaction that finds them, and delivered afterwards, at least once each.

-- migrate:up

CREATE TABLE webhooks (
	client_id uuid NOT NULL REFERENCES clients,
	id uuid NOT NULL,
	url text NOT NULL CHECK (length(url) BETWEEN 1 AND 2048),
	secret text NOT NULL CHECK (length(secret) >= 32), -- signs what is delivered; only the jobs can read it
	events text[] NOT NULL CHECK (cardinality(events) > 0),
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (client_id, id)
);

CALL isolate('webhooks');
CREATE TRIGGER webhooks_updated_at BEFORE UPDATE ON webhooks FOR EACH ROW EXECUTE FUNCTION set_updated_at();

CREATE TABLE alerts (
	client_id uuid NOT NULL REFERENCES clients,
	id uuid NOT NULL,
	kind text NOT NULL,
	key text CHECK (length(key) <= 600), -- nothing is told twice under one; NULL: it may be told again
	key_until timestamptz,               -- from here on nobody asks for the key; NULL: always
	payload jsonb NOT NULL,
	created_at timestamptz NOT NULL,
	PRIMARY KEY (client_id, id)
);

CREATE UNIQUE INDEX alerts_key ON alerts (client_id, key);
-- purge
CREATE INDEX alerts_created_at ON alerts (created_at);

CALL isolate('alerts');

CREATE TABLE webhook_deliveries (
	client_id uuid NOT NULL,
	alert_id uuid NOT NULL,
	webhook_id uuid NOT NULL,
	id uuid NOT NULL DEFAULT gen_random_uuid(), -- the same for every attempt: by it a receiver knows a repetition
	attempts integer NOT NULL DEFAULT 0,
	next_attempt_at timestamptz,
	delivered_at timestamptz,
	dead_at timestamptz,                        -- the last attempt failed
	status integer,                             -- of the last answer; NULL: there was none
	error text,
	PRIMARY KEY (client_id, alert_id, webhook_id),
	FOREIGN KEY (client_id, alert_id) REFERENCES alerts (client_id, id) ON DELETE CASCADE,
	FOREIGN KEY (client_id, webhook_id) REFERENCES webhooks (client_id, id) ON DELETE CASCADE,
	CHECK (num_nonnulls(next_attempt_at, delivered_at, dead_at) = 1)
);

-- tally alerts --retry
CREATE UNIQUE INDEX webhook_deliveries_id ON webhook_deliveries (id);
-- What is due, of every client.
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (next_attempt_at, id) WHERE next_attempt_at IS NOT NULL;
-- tally alerts --dead
CREATE INDEX webhook_deliveries_dead ON webhook_deliveries (dead_at) WHERE dead_at IS NOT NULL;
-- The cascade from webhooks, and all that is due at one of them.
CREATE INDEX webhook_deliveries_webhook ON webhook_deliveries (client_id, webhook_id);

CALL isolate('webhook_deliveries');

-- The secret is written by the service and read by the jobs.
GRANT SELECT (client_id, id, url, events, active, created_at, updated_at), INSERT, UPDATE (url, events, active), DELETE
	ON webhooks TO tally_app;
GRANT SELECT ON webhooks TO tally_worker;
GRANT SELECT ON alerts TO tally_app;
GRANT SELECT, INSERT, UPDATE (key), DELETE ON alerts TO tally_worker;
GRANT SELECT, INSERT, UPDATE (attempts, next_attempt_at, delivered_at, dead_at, status, error) ON webhook_deliveries
	TO tally_worker;

-- migrate:down

DROP TABLE webhook_deliveries;
DROP TABLE alerts;
DROP TABLE webhooks;
