-- Integrations: how the other systems of a client are reached, and what they offer. Tally keeps how to connect, and no
-- data of theirs. What it takes to get in is sealed with a key that is not in the database.

-- migrate:up

CREATE TABLE client_integrations (
	client_id uuid NOT NULL REFERENCES clients,
	id uuid NOT NULL,
	type text NOT NULL CHECK (type ~ '^[a-z0-9_-]{1,40}$'),
	name text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
	base_url text NOT NULL CHECK (length(base_url) BETWEEN 1 AND 2048),
	configuration bytea, -- sealed, as credentials are
	credentials bytea,
	enabled boolean NOT NULL DEFAULT true,
	test_due_at timestamptz,          -- NULL: nobody waits for a test
	last_test_at timestamptz,
	last_test_outcome text CHECK (last_test_outcome IN ('ok', 'status', 'private', 'name', 'connection', 'tls', 'timeout',
		'sealed', 'failed')),
	last_test_status integer,         -- NULL: there was no answer
	last_test_duration_ms bigint,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (client_id, id),
	CHECK ((last_test_at IS NULL) = (last_test_outcome IS NULL))
);

-- The tests that wait, of every client.
CREATE INDEX client_integrations_due ON client_integrations (test_due_at) WHERE test_due_at IS NOT NULL;

CALL isolate('client_integrations');
CALL hide_from_users('client_integrations');
-- Neither a test nor a new seal is a change.
CREATE TRIGGER client_integrations_updated_at BEFORE UPDATE OF name, base_url, enabled ON client_integrations
	FOR EACH ROW EXECUTE FUNCTION set_updated_at();

CREATE TABLE integration_endpoints (
	client_id uuid NOT NULL,
	id uuid NOT NULL,
	integration_id uuid NOT NULL,
	name text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
	method text NOT NULL CHECK (method IN ('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE')),
	path text NOT NULL CHECK (length(path) BETWEEN 1 AND 1024),
	description text CHECK (length(description) BETWEEN 1 AND 1000),
	enabled boolean NOT NULL DEFAULT true,
	test_due_at timestamptz,
	last_test_at timestamptz,
	last_test_outcome text CHECK (last_test_outcome IN ('ok', 'status', 'private', 'name', 'connection', 'tls', 'timeout',
		'sealed', 'failed')),
	last_test_status integer,
	last_test_duration_ms bigint,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (client_id, id),
	FOREIGN KEY (client_id, integration_id) REFERENCES client_integrations (client_id, id) ON DELETE CASCADE,
	CHECK ((last_test_at IS NULL) = (last_test_outcome IS NULL))
);

-- GET /v1/integrations/{integration_id}/endpoints, and the cascade.
CREATE INDEX integration_endpoints_integration ON integration_endpoints (client_id, integration_id, id);
CREATE INDEX integration_endpoints_due ON integration_endpoints (test_due_at) WHERE test_due_at IS NOT NULL;

CALL isolate('integration_endpoints');
CALL hide_from_users('integration_endpoints');
CREATE TRIGGER integration_endpoints_updated_at
	BEFORE UPDATE OF name, method, path, description, enabled ON integration_endpoints
	FOR EACH ROW EXECUTE FUNCTION set_updated_at();

GRANT SELECT, INSERT, UPDATE (name, base_url, configuration, credentials, enabled, test_due_at), DELETE
	ON client_integrations TO tally_app;
GRANT SELECT, INSERT, UPDATE (name, method, path, description, enabled, test_due_at), DELETE
	ON integration_endpoints TO tally_app;
-- The jobs call, tell what came of it, and seal anew.
GRANT SELECT,
	UPDATE (configuration, credentials, test_due_at, last_test_at, last_test_outcome, last_test_status, last_test_duration_ms)
	ON client_integrations TO tally_worker;
GRANT SELECT, UPDATE (test_due_at, last_test_at, last_test_outcome, last_test_status, last_test_duration_ms)
	ON integration_endpoints TO tally_worker;
GRANT UPDATE (secret) ON user_mfa TO tally_worker;

-- migrate:down

REVOKE UPDATE (secret) ON user_mfa FROM tally_worker;
DROP TABLE integration_endpoints;
DROP TABLE client_integrations;
