-- As many clients as :count, each like the one that is there: its record, and what is known of its
-- counter. Redis is not SQL's to copy.
CREATE TEMP TABLE copies AS
SELECT gen_random_uuid() AS id, n FROM generate_series(1, :count) AS n;

INSERT INTO clients (id, name) SELECT id, 'days ' || n FROM copies;

INSERT INTO counter_states
SELECT s.* FROM copies AS c,
	LATERAL (SELECT (jsonb_populate_record(o, jsonb_build_object('client_id', c.id))).*
		FROM counter_states AS o JOIN clients ON clients.id = o.client_id AND clients.name = 'days') AS s;

INSERT INTO chat_logs
SELECT s.* FROM copies AS c,
	LATERAL (SELECT (jsonb_populate_record(o, jsonb_build_object('client_id', c.id))).*
		FROM chat_logs AS o JOIN clients ON clients.id = o.client_id AND clients.name = 'days') AS s;
