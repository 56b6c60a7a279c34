-- :count records, evenly over the part of the time from :since to :until that is over, into :table. :seed makes their ids
-- others than those of another run. Users are there, so nothing is lost by not asking for each.
SET session_replication_role = replica;

SELECT setseed(('x' || left(md5(:'seed'), 7))::bit(28)::integer / 268435456.0) \gset

SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) AS rest
FROM pg_attribute
WHERE attrelid = 'chat_logs'::regclass AND attnum > 0 AND NOT attisdropped
	AND attname NOT IN ('client_id', 'id', 'created_at', 'received_at', 'user_id', 'tags', 'success', 'duration_ms') \gset

-- Durations are log-normal: half of them are below two seconds, and of a hundred one is below 200 ms and one above
-- twenty seconds. Of a hundred calls one has failed; of ten three have one or two of eight tags.
INSERT INTO :"table" (client_id, id, created_at, received_at, user_id, tags, success, duration_ms, :rest)
SELECT s.owner, bench.id(ms, digits), to_timestamp(ms / 1000.0), to_timestamp(ms / 1000.0), u.owned,
	CASE WHEN tag >= 8 THEN t.tags
		WHEN other % 2 = 0 THEN ARRAY['tag ' || tag]
		ELSE ARRAY['tag ' || tag, 'tag ' || (tag + 1 + other / 2) % 8] END,
	random() >= 0.01,
	exp(7.6 + sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()))::bigint,
	:rest
FROM (
	SELECT i, md5(:'seed' || i) AS digits, first + i * length / :count AS ms,
		floor(random() * 8 / 0.3)::integer AS tag, floor(random() * 14)::integer AS other
	FROM generate_series(0, :count - 1) AS i, bench.past(:'since', :'until')
) AS r
JOIN bench.slots AS s ON s.slot = i % 20
JOIN bench.templates AS t ON t.n = i::bigint * 7919 / 20 % :templates
JOIN bench.users AS u ON u.owner = s.owner AND u.template = t.user_id;
