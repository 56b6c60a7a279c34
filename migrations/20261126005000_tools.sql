-- Tools: one catalogue for all clients, and which of them a client has.

-- migrate:up

CREATE TABLE tools (
	id uuid PRIMARY KEY,
	name text NOT NULL UNIQUE CHECK (name ~ '^[A-Za-z0-9_.-]{1,64}$'),
	category text CHECK (length(category) BETWEEN 1 AND 80),
	description text CHECK (length(description) BETWEEN 1 AND 4096),
	parameters jsonb NOT NULL CHECK (jsonb_typeof(parameters) = 'object'),
	enabled boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TRIGGER tools_updated_at BEFORE UPDATE ON tools FOR EACH ROW EXECUTE FUNCTION set_updated_at();

-- Nobody's: whoever acts for a client reads all of it, and an operator's key alone writes.
ALTER TABLE tools ENABLE ROW LEVEL SECURITY;
ALTER TABLE tools FORCE ROW LEVEL SECURITY;
CREATE POLICY catalogue ON tools FOR SELECT TO tally_app
	USING ((SELECT coalesce(current_setting('app.client_id', true), '')) <> '');
CREATE POLICY operator ON tools TO tally_app
	USING ((SELECT current_setting('app.operator', true)) = 'on');
CREATE POLICY every_client ON tools TO tally_worker, tally_owner USING (true);

CREATE TABLE client_tools (
	client_id uuid NOT NULL REFERENCES clients,
	id uuid NOT NULL,
	tool_id uuid NOT NULL REFERENCES tools ON DELETE CASCADE,
	enabled boolean NOT NULL DEFAULT true,
	webhook_url text CHECK (length(webhook_url) BETWEEN 1 AND 2048),
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (client_id, id),
	-- And ?tool_id=
	CONSTRAINT client_tools_tool UNIQUE (client_id, tool_id)
);
-- The cascade from tools.
CREATE INDEX client_tools_tool_id ON client_tools (tool_id);
CREATE TRIGGER client_tools_updated_at BEFORE UPDATE ON client_tools
	FOR EACH ROW EXECUTE FUNCTION set_updated_at();
CALL isolate('client_tools');
-- Addresses of the client's own services.
CALL hide_from_users('client_tools');

GRANT SELECT, INSERT, UPDATE (category, description, parameters, enabled), DELETE ON tools TO tally_app;
GRANT SELECT, INSERT, UPDATE (enabled, webhook_url), DELETE ON client_tools TO tally_app;

-- migrate:down

DROP TABLE client_tools;
DROP TABLE tools;
