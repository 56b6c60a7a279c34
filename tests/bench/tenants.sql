-- As many clients as :count, each with a key like that of the bench's client but for its secret. Gives what is sent
-- with a request. Of 62 digits a key's parts use 16.
CREATE TEMP TABLE tenants AS
SELECT gen_random_uuid() AS client, gen_random_uuid() AS key, left(md5(random()::text), 16) AS public_id,
	left(md5(random()::text) || md5(random()::text), 43) AS secret, n
FROM generate_series(1, :count) AS n;

INSERT INTO clients (id, name) SELECT client, 'tenant ' || n || ' of ' || :count FROM tenants;

INSERT INTO auth_tokens
SELECT k.* FROM tenants AS t,
	LATERAL (SELECT (jsonb_populate_record(o, jsonb_build_object('client_id', t.client, 'id', t.key,
			'public_id', t.public_id,
			'token_hash', '\x' || encode(sha256(convert_to(t.secret, 'UTF8')), 'hex')))).*
		FROM auth_tokens AS o JOIN clients AS c ON c.id = o.client_id AND c.name = 'bench') AS k;

SELECT 'Authorization: Bearer tally_' || public_id || '_' || secret FROM tenants ORDER BY n;
