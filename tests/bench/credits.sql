-- The limit of P13: tables of the same shape, without triggers, row-level security, and whatever else
-- Tally does.
CREATE TABLE bare_accounts (LIKE credit_accounts INCLUDING ALL);
CREATE TABLE bare_transactions (LIKE credit_transactions INCLUDING ALL);

INSERT INTO bare_accounts (client_id, id, owner, user_id, current_balance)
SELECT client_id, lpad(n::text, 32, '0')::uuid, 'user', gen_random_uuid(), 1000000
FROM (SELECT id AS client_id FROM clients WHERE name = 'credits') AS c, generate_series(1, 1000) AS n;
