\set n random(1, :accounts)
BEGIN;
UPDATE bare_accounts
SET current_balance = current_balance - 0.0001, lifetime_spent = lifetime_spent + 0.0001, last_sequence = last_sequence + 1
WHERE client_id = :client::uuid AND id = lpad(:n::text, 32, '0')::uuid AND current_balance >= 0.0001
RETURNING id, last_sequence, current_balance \gset
INSERT INTO bare_transactions (client_id, id, account_id, sequence, transaction_type, amount, balance_after, created_at, hash)
VALUES (:client::uuid, gen_random_uuid(), :id::uuid, :last_sequence, 'usage', -0.0001, :current_balance, now(), decode(repeat('00', 32), 'hex'));
COMMIT;
