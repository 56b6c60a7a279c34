-- Connections of people to a gateway, which forwards events to them. Tally keeps who is connected; the gateway tells it.

-- migrate:up

CREATE TABLE websocket_connections (
	client_id uuid NOT NULL REFERENCES clients,
	id uuid NOT NULL,
	user_id uuid NOT NULL,
	connection_id text NOT NULL CHECK (length(connection_id) BETWEEN 1 AND 255), -- the gateway's name for it
	client_ip inet,
	user_agent text CHECK (length(user_agent) <= 1000),
	client_type text NOT NULL CHECK (length(client_type) BETWEEN 1 AND 50),
	subscribed_events text[] NOT NULL CHECK (cardinality(subscribed_events) BETWEEN 1 AND 20),
	session_filters uuid[] CHECK (cardinality(session_filters) BETWEEN 1 AND 100), -- NULL: any
	connection_status text NOT NULL CHECK (connection_status IN ('active', 'disconnected')),
	last_ping_at timestamptz NOT NULL,
	disconnected_at timestamptz,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (client_id, id),
	FOREIGN KEY (client_id, user_id) REFERENCES users (client_id, id) ON DELETE CASCADE,
	CHECK ((connection_status = 'disconnected') = (disconnected_at IS NOT NULL))
) WITH (fillfactor = 70); -- each ping changes its row: the new version stays in the page

CREATE UNIQUE INDEX websocket_connections_connection_id ON websocket_connections (client_id, connection_id);
-- ?user_id=, the erasure of a person, and the cascade from users.
CREATE INDEX websocket_connections_user_id ON websocket_connections (client_id, user_id, id);
-- ?connection_status=
CREATE INDEX websocket_connections_status ON websocket_connections (client_id, connection_status, id);

CALL isolate('websocket_connections');
CALL isolate_user('websocket_connections', 'user_id');
CREATE TRIGGER websocket_connections_updated_at
	BEFORE UPDATE OF subscribed_events, session_filters, connection_status ON websocket_connections
	FOR EACH ROW EXECUTE FUNCTION set_updated_at();

GRANT SELECT, INSERT,
	UPDATE (subscribed_events, session_filters, connection_status, last_ping_at, disconnected_at)
	ON websocket_connections TO tally_app;
GRANT SELECT, DELETE, UPDATE (connection_status, disconnected_at) ON websocket_connections TO tally_worker;

-- migrate:down

DROP TABLE websocket_connections;
