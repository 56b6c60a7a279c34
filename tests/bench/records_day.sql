-- :count records, evenly over the part of :day that is over, into :partition. :seed makes their ids others than those
-- of another run. Users are there, so nothing is lost by not asking for each.
SET session_replication_role = replica;

SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) AS rest
FROM pg_attribute
WHERE attrelid = 'chat_logs'::regclass AND attnum > 0 AND NOT attisdropped
	AND attname NOT IN ('client_id', 'id', 'created_at', 'received_at', 'user_id') \gset

INSERT INTO :"partition" (client_id, id, created_at, received_at, user_id, :rest)
SELECT s.owner,
	(lpad(to_hex(ms), 12, '0') || '7' || substr(digits, 1, 3) || '8' || substr(digits, 4, 15))::uuid,
	to_timestamp(ms / 1000.0), to_timestamp(ms / 1000.0), u.owned, :rest
FROM (
	SELECT i, md5(:'seed' || i) AS digits, first + i * length / :count AS ms
	FROM generate_series(0, :count - 1) AS i, (
		SELECT first, least(86400000, (extract(epoch FROM now()) * 1000)::bigint - first) AS length
		FROM (SELECT (extract(epoch FROM :'day'::timestamptz) * 1000)::bigint AS first) AS f) AS d
) AS r
JOIN bench.slots AS s ON s.slot = i % 20
JOIN bench.templates AS t ON t.n = i::bigint * 7919 / 20 % :templates
JOIN bench.users AS u ON u.owner = s.owner AND u.template = t.user_id;
