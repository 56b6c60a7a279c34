-- What records_span.sql makes records of: those that tallyd has just stored of the trace, of one client; nine clients
-- besides, with as many users.
CREATE SCHEMA bench;

CREATE UNLOGGED TABLE bench.templates AS
SELECT row_number() OVER (ORDER BY id) - 1 AS n, l.* FROM chat_logs AS l;

-- The trace has one feature. Of eight, three are agents'.
UPDATE bench.templates
SET feature = (ARRAY['chat', 'search', 'summary', 'translate', 'classify', 'code', 'review', 'plan'])[1 + n / 10 % 8],
	agent_type = (ARRAY['coder', 'reviewer', 'planner'])[n / 10 % 8 - 4];

INSERT INTO clients (id, name) SELECT gen_random_uuid(), 'other ' || n FROM generate_series(1, 9) AS n;

INSERT INTO users (client_id, id, external_id, tier)
SELECT c.id, gen_random_uuid(), u.external_id, u.tier
FROM users AS u JOIN clients AS c ON c.name LIKE 'other %';

-- Of 20 records 11 are the first client's, as a tenth of the customers make half of the calls.
CREATE UNLOGGED TABLE bench.slots AS
SELECT slot, CASE WHEN slot < 11 THEN (SELECT client_id FROM bench.templates LIMIT 1)
	ELSE (SELECT id FROM clients WHERE name = 'other ' || slot - 10) END AS owner
FROM generate_series(0, 19) AS slot;

CREATE UNLOGGED TABLE bench.users AS
SELECT u.client_id AS owner, mine.id AS template, u.id AS owned
FROM users AS mine JOIN users AS u USING (external_id)
WHERE mine.client_id = (SELECT client_id FROM bench.templates LIMIT 1);

-- As those of tallyd: its time, and digits that are no other's.
CREATE FUNCTION bench.id(ms bigint, digits text) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
	SELECT (lpad(to_hex(ms), 12, '0') || '7' || substr(digits, 1, 3) || '8' || substr(digits, 4, 15))::uuid
$$;

-- The part of a span that is over, in milliseconds.
CREATE FUNCTION bench.past(since timestamptz, until timestamptz, OUT first bigint, OUT length bigint)
LANGUAGE sql STABLE AS $$
	SELECT (extract(epoch FROM since) * 1000)::bigint,
		(extract(epoch FROM least(until, now()) - since) * 1000)::bigint
$$;

ANALYZE;
